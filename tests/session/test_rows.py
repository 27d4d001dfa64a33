"""Rows that are taken one by one while the script still runs, on both engines."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from bridge.actions import ACTIONS
from bridge.model import Call, Status
from bridge.runner import run_call
from bridge.simulator.tenant import Account
from tests.agent import Agent


def call(name: str) -> Call:
    """A call without parameters."""
    (one,) = ACTIONS[name].calls({})
    return one


def add_mailboxes(agent: Agent, count: int) -> None:
    """More mailboxes, so that their rows do not fit in one answer of the agent's."""
    for number in range(count):
        name = f"extra{number:04}"
        agent.simulator.tenant.directory.add(
            Account(
                guid=str(uuid.uuid5(uuid.NAMESPACE_DNS, name)),
                external_id=str(uuid.uuid5(uuid.NAMESPACE_URL, name)),
                name=name,
                display_name=name,
                type="UserMailbox",
                user_principal_name=f"{name}@contoso.example",
                primary_smtp_address=f"{name}@contoso.example",
            )
        )


def test_rows_come_while_the_script_runs(agent: Agent) -> None:
    """The first row is here before the agent has handed out the last, and the outcome has their number only."""
    add_mailboxes(agent, 400)
    waiting: list[bool] = []

    def take(_row: dict[str, Any]) -> None:
        (shell,) = agent.simulator.shells()
        waiting.append(bool(shell.pipelines()))

    with agent.session(on_exit="close") as session:
        session.open()
        outcome = run_call(call("import.accounts"), session, on_row=take)

    assert waiting[0]
    assert len(waiting) > 400
    assert (outcome.reason, list(outcome.rows)) == (f"{len(waiting)} found", [])


def test_a_failure_half_way_is_told_and_not_repeated(agent: Agent) -> None:
    """The rows before it were handed on once; the outcome is failed and says that they are not all."""
    taken: list[dict[str, Any]] = []
    agent.simulator.tenant.denied = {"Get-User"}
    with agent.session(on_exit="close") as session:
        session.open()
        outcome = run_call(call("import.accounts"), session, on_row=taken.append)

    assert outcome.status is Status.FAILED
    assert outcome.reason == f"the {len(taken)} rows before the failure are not the whole list"
    assert len({row["id"] for row in taken}) == len(taken) > 0


def test_who_takes_no_more_rows_stops_the_script(agent: Agent) -> None:
    """The error comes as it was raised, nothing is left running, and the session goes on."""
    taken: list[dict[str, Any]] = []

    def two(row: dict[str, Any]) -> None:
        if len(taken) == 2:
            raise OSError(28, "No space left on device")
        taken.append(row)

    with agent.session(on_exit="close") as session:
        session.open()
        with pytest.raises(OSError, match="No space left"):
            run_call(call("import.accounts"), session, on_row=two)
        (shell,) = agent.simulator.shells()
        assert shell.pipelines() == []
        assert run_call(call("import.accounts"), session).problem is None

    assert len(taken) == 2
