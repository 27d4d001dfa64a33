"""What is kept of an error record, through pypsrp."""

from __future__ import annotations

import pytest

from bridge.actions import ACTIONS
from bridge.model import Problem
from bridge.runner import run_call
from bridge.simulator import Engine
from tests.agent import running_agent

ODD = "a\x1b[31mb\x07 \u2028c"


def problem(engine: Engine, group: str, pwsh: str | None = None) -> Problem:
    """Why a member cannot be added to a group that is not there."""
    (call,) = ACTIONS["group.grant"].calls({"group": group, "member": "jane.doe@contoso.example"})
    with running_agent(engine, pwsh=pwsh) as agent, agent.session(on_exit="close") as session:
        session.open()
        outcome = run_call(call, session)
    assert outcome.problem is not None
    return outcome.problem


@pytest.mark.pwsh
def test_a_real_record(pwsh_path: str) -> None:
    """Its category is named, and where in the script it was."""
    found = problem("pwsh", "nobody", pwsh_path)
    assert (found.code, found.category) == ("object-not-found", "ObjectNotFound")
    assert "line " in found.position


def test_a_record_of_the_contract_engine() -> None:
    """Control characters in a name leave the record whole: it has its category and its id, and the name is there."""
    found = problem("contract", ODD)
    assert (found.code, found.category) == ("object-not-found", "ObjectNotFound")
    assert found.error_id.partition(",")[0] == "Bridge.NotFound"
    assert "\x1b[31mb\x07" in found.message
