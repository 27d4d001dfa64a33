"""Undoing: writing the state before back with the fitting action restores the organization."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest

from bridge.actions import ACTIONS
from bridge.model import Kind, Outcome, Status
from bridge.runner import run_calls
from bridge.session import Session
from bridge.undoing import undoing
from tests.agent import Agent, running_agent

CHANGES = [name for name, action in ACTIONS.items() if action.kind is Kind.CHANGE]
NOT_UNDONE = ("group.create", "shared-mailbox.create")


@pytest.fixture(scope="module")
def agent() -> Iterator[Agent]:
    """An agent with the demo organization."""
    with running_agent("contract") as agent:
        yield agent


@pytest.fixture(scope="module")
def session(agent: Agent) -> Iterator[Session]:
    """One open session."""
    with agent.session() as session:
        session.open()
        yield session


def run(session: Session, name: str, given: dict[str, Any]) -> list[Outcome]:
    """The outcomes of an action."""
    return run_calls(ACTIONS[name].calls(given), session)


@pytest.mark.parametrize("name", CHANGES)
def test_the_example_of_a_change(agent: Agent, session: Session, name: str) -> None:
    """A dry run changes nothing and says what the run then does; once more it is unchanged."""
    tenant = agent.simulator.tenant
    beginning = tenant.snapshot()
    try:
        calls = ACTIONS[name].calls(ACTIONS[name].example, dry_run=True)
        planned = run_calls(calls, session)
        assert tenant.snapshot() == beginning
        made = run(session, name, dict(ACTIONS[name].example))
        assert [outcome.status for outcome in made] == [Status.CHANGED] * len(made)
        assert [outcome.before for outcome in planned] == [outcome.before for outcome in made]
        after = tenant.snapshot()
        assert after != beginning
        assert {outcome.status for outcome in run(session, name, dict(ACTIONS[name].example))} == {Status.UNCHANGED}
        assert tenant.snapshot() == after
    finally:
        tenant.restore(beginning)


@pytest.mark.parametrize("name", [name for name in CHANGES if name not in NOT_UNDONE])
def test_undoing_restores_the_organization(agent: Agent, session: Session, name: str) -> None:
    """Every object is as it was, compared field by field: the same values in any order."""
    tenant = agent.simulator.tenant
    beginning = tenant.snapshot()
    try:
        made = run(session, name, dict(ACTIONS[name].example))
        calls = [undoing(outcome).call for outcome in reversed(made)]
        undone = run_calls([call for call in calls if call is not None], session)
        assert [outcome.status for outcome in undone] == [Status.CHANGED] * len(made)
        for was, now in zip(everything(beginning), everything(tenant.snapshot()), strict=True):
            assert fields(now) == fields(was)
    finally:
        tenant.restore(beginning)


def everything(state: Any) -> list[Any]:
    """The objects of an organization."""
    return [*state.accounts, *state.groups]


def fields(thing: Any) -> dict[str, Any]:
    """The fields of an object. Its addresses and members have no order that means something."""
    return {
        name: sorted(value, key=repr) if isinstance(value, tuple) else value
        for name, value in dataclasses.asdict(thing).items()
    }


@pytest.mark.parametrize("name", NOT_UNDONE)
def test_what_was_created_is_not_deleted(name: str, agent: Agent, session: Session) -> None:
    """There is no call, and a sentence says why."""
    beginning = agent.simulator.tenant.snapshot()
    try:
        (made,) = run(session, name, dict(ACTIONS[name].example))
        assert undoing(made).call is None
        assert "not deleted" in undoing(made).left
    finally:
        agent.simulator.tenant.restore(beginning)


def test_only_changes_are_undone() -> None:
    """What was unchanged, failed, unknown or a dry run is not undone."""
    for status in (Status.UNCHANGED, Status.FAILED, Status.UNKNOWN):
        assert undoing(Outcome("group.grant", status, {})).call is None
    assert undoing(Outcome("group.grant", Status.CHANGED, {}, dry_run=True)).call is None
    assert undoing(Outcome("group.grant", Status.CHANGED, {})).left == (
        "the outcome does not say which object was changed"
    )
