"""What the resident process keeps open between requests, and when it does not."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bridge.errors import AgentUnreachable
from bridge.helloid.resident.warm import WarmJournal, WarmSession
from bridge.journal import Journal, RunFacts
from bridge.session import Session
from tests.agent import Agent, running_agent


def test_a_journal_stays_open(tmp_path: Path) -> None:
    """Two requests write through one connection, and after closing it the next one opens it again."""
    opened: list[Journal] = []

    def make() -> Journal:
        opened.append(Journal(tmp_path / "journal.db"))
        return opened[-1]

    kept = WarmJournal(make)
    for run in ("1" * 32, "2" * 32):
        with kept.open() as journal:
            journal.begin(RunFacts(kind="helloid", command="helloid", id=run))
    assert len(opened) == 1
    kept.close()
    kept.close()
    with kept.open() as journal:
        assert journal.run("2" * 32).ended == ""
    kept.close()
    assert len(opened) == 2


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not let go of an open file")
def test_a_journal_that_was_taken_away_is_begun_anew(tmp_path: Path) -> None:
    """What is written afterwards is in the file that has the name now."""
    path = tmp_path / "journal.db"
    kept = WarmJournal(lambda: Journal(path))
    with kept.open() as journal:
        journal.begin(RunFacts(kind="helloid", command="helloid", id="1" * 32))
    for file in tmp_path.glob("journal.db*"):
        file.rename(tmp_path / f"old-{file.name}")
    with kept.open() as journal:
        journal.begin(RunFacts(kind="helloid", command="helloid", id="2" * 32))
    kept.close()
    with Journal(path) as journal:
        assert journal.find("last") == "2" * 32


def test_a_session_that_could_not_be_opened_is_not_kept() -> None:
    """The next request gets one that works, once the agent is there."""
    with running_agent("contract") as agent:
        made: list[str] = []

        def make() -> Session:
            made.append("made")
            return agent.session(port=1) if len(made) == 1 else agent.session(on_exit="close")

        warm = WarmSession(make, 600)
        with pytest.raises(AgentUnreachable):
            warm.open(30)
        assert warm.open(30) is warm.open(30)
        assert len(made) == 2
        warm.leave()


@pytest.mark.parametrize(("linger", "due"), [(600.0, False), (0.0, True)])
def test_a_session_is_due_after_its_time(linger: float, *, due: bool) -> None:
    """Nobody asked for it: it is kept for as long as the settings say."""
    with running_agent("contract") as agent:
        warm = _warm(agent, linger)
        assert not warm.is_due
        warm.open(30)
        warm.used()
        assert warm.is_due is due
        warm.leave()
        assert not warm.is_due


def test_a_session_is_due_when_somebody_waits() -> None:
    """The line of this machine tells it."""
    with running_agent("contract") as agent:
        first = _warm(agent, 600)
        first.open(30)
        assert not first.is_due
        waits: list[bool] = []

        def look(event: str, /, **facts: object) -> None:
            if event == "waiting for the runspace":
                waits.append(first.is_due)
                first.leave()

        second = agent.session(listener=look, on_exit="close")
        second.open()
        second.leave()
        assert waits == [True]


def _warm(agent: Agent, linger: float) -> WarmSession:
    return WarmSession(lambda: agent.session(on_exit="close"), linger)
