"""The journal as an observer of the runner: intent before sending, and what happens when it cannot be written."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bridge.actions import ACTIONS
from bridge.errors import AgentUnreachable
from bridge.journal import Journal, JournalNotWritten, JournalObserver, RunFacts, State
from bridge.model import OnRecord, OnRow, Reply, Status
from bridge.runner import run_call, run_calls
from tests.journal.conftest import call

RESULT = {
    "status": "changed",
    "reason": "member added",
    "identity": {"id": "1", "name": "Staff"},
    "before": {"is_member": False},
    "after": {"is_member": True},
}


class Agent:
    """A runspace that does every change; ``before_reply`` is called while a call is under way."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.before_reply: Callable[[], None] = lambda: None

    def run(
        self,
        script: str,
        parameters: Mapping[str, Any],
        on_record: OnRecord,
        *,
        call_id: str = "",
        on_row: OnRow | None = None,
    ) -> Reply:
        """Answer."""
        self.sent.append(call_id)
        self.before_reply()
        return Reply([RESULT], (), (), completed=True)


@pytest.fixture
def agent() -> Agent:
    """An agent that was sent nothing yet."""
    return Agent()


@pytest.fixture
def events() -> list[tuple[str, dict[str, Any]]]:
    """What the listener was told."""
    return []


@pytest.fixture
def other(journal: Journal, path: Path) -> Iterator[sqlite3.Connection]:
    """Another process, as far as SQLite knows."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        yield connection


@pytest.fixture
def impatient(journal: Journal, path: Path) -> Iterator[Journal]:
    """The journal, for somebody who does not wait."""
    with Journal(path, timeout=0) as impatient:
        yield impatient


def observer(journal: Journal, run: str, events: list[tuple[str, dict[str, Any]]]) -> JournalObserver:
    """An observer that keeps what its listener is told."""

    def listen(event: str, /, **facts: Any) -> None:
        events.append((event, facts))

    return JournalObserver(journal, run, sha256_of=lambda script: f"hash of {script}", listener=listen)


def test_intent_before_sending(
    journal: Journal, run: str, agent: Agent, events: list[tuple[str, dict[str, Any]]]
) -> None:
    """While a call is under way its intent is in the journal under the pipeline's id; then its outcome is."""
    change = call()
    seen: list[tuple[str, State]] = []
    agent.before_reply = lambda: seen.extend((item.id, item.state) for item in journal.items(run))
    outcome = run_call(change, agent, [observer(journal, run, events)])
    assert seen == [(change.id, State.OPEN)]
    assert agent.sent == [change.id]
    (item,) = journal.items(run)
    assert item.outcome == outcome
    assert item.planned.sha256 == "hash of group/Grant-GroupMember.ps1"
    assert events == []


def test_reads_and_dry_runs_are_not_kept(
    journal: Journal, run: str, agent: Agent, events: list[tuple[str, dict[str, Any]]]
) -> None:
    """What changes nothing is sent without a word in the journal."""
    calls = [call(dry_run=True), *ACTIONS["group.list"].calls({})]
    run_calls(calls, agent, [observer(journal, run, events)])
    assert len(agent.sent) == 2
    assert list(journal.items(run)) == []


def test_nothing_is_sent_without_intent(
    impatient: Journal,
    run: str,
    agent: Agent,
    other: sqlite3.Connection,
    events: list[tuple[str, dict[str, Any]]],
) -> None:
    """Where the intent cannot be written the call is not sent."""
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(JournalNotWritten):
        run_call(call(), agent, [observer(impatient, run, events)])
    assert agent.sent == []


def test_outcome_that_cannot_be_written(
    impatient: Journal,
    run: str,
    agent: Agent,
    other: sqlite3.Connection,
    events: list[tuple[str, dict[str, Any]]],
) -> None:
    """It reaches its caller and is told loudly; nothing more is sent until it is written, and then it is."""
    watching = observer(impatient, run, events)

    def lock() -> None:
        other.execute("BEGIN IMMEDIATE")

    agent.before_reply = lock
    outcome = run_call(call(), agent, [watching])
    assert outcome.status is Status.CHANGED
    assert watching.unwritten == [outcome]
    ((event, facts),) = events
    assert (event, facts["call"], facts["status"]) == ("outcome not in the journal", outcome.call_id, "changed")
    with pytest.raises(JournalNotWritten):
        run_call(call("other"), agent, [watching])
    with pytest.raises(JournalNotWritten):
        watching.close()
    other.execute("ROLLBACK")
    agent.before_reply = lambda: None
    run_call(call("other"), agent, [watching])
    watching.close()
    assert watching.unwritten == []
    assert [item.state for item in impatient.items(run)] == [State.CHANGED, State.CHANGED]
    assert len(agent.sent) == 2


def test_calls_that_were_left(
    journal: Journal, run: str, agent: Agent, events: list[tuple[str, dict[str, Any]]]
) -> None:
    """When the agent is gone, the calls that were never sent are in the journal as failed, and may be sent later."""

    def gone() -> None:
        raise AgentUnreachable("There is no way.")

    agent.before_reply = gone
    calls = [call("a"), call("b")]
    run_calls(calls, agent, [observer(journal, run, events)])
    found = list(journal.items(run))
    assert [(item.state, bool(item.sent_at)) for item in found] == [(State.FAILED, True), (State.FAILED, False)]
    journal.intend(run, [found[1].planned])


def test_two_runs_side_by_side(journal: Journal, agent: Agent, events: list[tuple[str, dict[str, Any]]]) -> None:
    """The records of two runs do not mix, whatever their order in the file."""
    runs = [RunFacts("action"), RunFacts("action")]
    for facts in runs:
        journal.begin(facts)
    for member in "abc":
        for facts in runs:
            run_call(call(member), agent, [observer(journal, facts.id, events)])
    for facts in runs:
        assert [item.planned.call.parameters["member"] for item in journal.items(facts.id)] == ["a", "b", "c"]
        assert journal.verify(facts.id).ok
