"""What is written reads back, and only what the table of states allows is written."""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.errors import UsageError
from bridge.journal import Journal, JournalReader, JournalRefused, Planned, RecordKind, RunFacts, State
from bridge.model import Call, Identity, Kind, Outcome, Problem, Status
from tests.journal.conftest import call, outcome, planned


def states(journal: Journal, run: str) -> list[State]:
    """Where each item stands."""
    return [item.state for item in journal.items(run)]


def test_life_of_an_item(journal: Journal, run: str) -> None:
    """An item is planned, open and done; what was written of it reads back."""
    item = planned(line=7, expected={"is_member": False})
    assert journal.plan(run, [item]) == 1
    assert states(journal, run) == [State.PLANNED]
    journal.intend(run, [item])
    (open_one,) = journal.unsettled(run)
    assert (open_one.state, open_one.outcome) == (State.OPEN, None)
    assert open_one.sent_at
    journal.finish(run, [(item, outcome(item.call))])
    (done,) = journal.items(run)
    assert done.planned == item
    assert done.planned.object == "staff@contoso.example"
    assert done.outcome == outcome(item.call)
    assert (done.state, done.position, done.sent_at) == (State.CHANGED, 1, open_one.sent_at)
    assert [record.kind for record in journal.item(run, item.call.id)] == ["planned", "intent", "outcome"]


def test_run(journal: Journal, run: str) -> None:
    """A run has its facts, its counts, and how it ended; going on makes it open again."""
    items = [planned(str(number)) for number in range(4)]
    journal.plan(run, items)
    journal.intend(run, items[:3])
    journal.finish(run, [(items[0], outcome(items[0].call)), (items[1], outcome(items[1].call, Status.FAILED))])
    under_way = journal.run(run)
    assert under_way.facts.source == "changes.csv"
    assert (under_way.ended, under_way.ended_at) == ("", "")
    counts = {state: count for state, count in under_way.counts.items() if count}
    assert counts == {State.PLANNED: 1, State.OPEN: 1, State.CHANGED: 1, State.FAILED: 1}
    journal.end(run, "interrupted")
    ended = journal.run(run)
    assert (ended.ended, dict(ended.counts)) == ("interrupted", dict(under_way.counts))
    journal.resume(run, replace(under_way.facts, user="other"))
    resumed = journal.run(run)
    assert (resumed.ended, resumed.facts.user, bool(resumed.resumed_at)) == ("", "svc", True)


def test_settled(journal: Journal, run: str) -> None:
    """An unknown outcome that was found out is a new record; in vain it stays unknown, and may be tried again."""
    item = planned()
    journal.intend(run, [item])
    journal.finish(run, [(item, outcome(item.call, Status.UNKNOWN))])
    journal.settle(run, outcome(item.call, Status.UNKNOWN), "state not read")
    assert states(journal, run) == [State.UNKNOWN]
    journal.settle(run, outcome(item.call), "state read")
    (done,) = journal.items(run)
    assert (done.state, done.settled_by) == (State.CHANGED, "state read")
    assert [record.state for record in journal.item(run, item.call.id)][-3:] == ["unknown", "unknown", "changed"]
    assert list(journal.unsettled(run)) == []


@pytest.mark.parametrize("end", [Status.CHANGED, Status.UNCHANGED, Status.UNKNOWN])
def test_never_sent_twice(journal: Journal, run: str, path: Path, end: Status) -> None:
    """What is under way, done or unknown is not sent again, also not by another process; nothing is written."""
    item = planned()
    journal.intend(run, [item])
    with Journal(path) as second, pytest.raises(JournalRefused):
        second.intend(run, [planned("other"), item])
    journal.finish(run, [(item, outcome(item.call, end))])
    with pytest.raises(JournalRefused) as refused:
        journal.intend(run, [item])
    assert str(end) in refused.value.message
    assert len(states(journal, run)) == 1


def test_failed_may_be_sent_again(journal: Journal, run: str) -> None:
    """What is provably not done may be sent again, also what was never sent."""
    item = planned()
    journal.finish(run, [(item, outcome(item.call, Status.FAILED))])
    journal.intend(run, [item])
    journal.finish(run, [(item, outcome(item.call, Status.FAILED))])
    journal.intend(run, [item])
    journal.finish(run, [(item, outcome(item.call))])
    assert states(journal, run) == [State.CHANGED]
    assert journal.verify(run).ok


def test_refused(journal: Journal, run: str) -> None:
    """A success that was never sent, an outcome twice, an item twice, a run twice or not begun: all are refused."""
    item, other = planned(), planned("other")
    with pytest.raises(JournalRefused):
        journal.finish(run, [(item, outcome(item.call))])
    journal.intend(run, [item])
    journal.finish(run, [(item, outcome(item.call))])
    with pytest.raises(JournalRefused):
        journal.finish(run, [(item, outcome(item.call, Status.FAILED))])
    with pytest.raises(JournalRefused):
        journal.settle(run, outcome(item.call), "state read")
    with pytest.raises(JournalRefused):
        journal.plan(run, [other, item])
    with pytest.raises(JournalRefused):
        journal.begin(journal.run(run).facts)
    with pytest.raises(JournalRefused):
        journal.intend("f" * 32, [other])
    journal.end(run, "done")
    with pytest.raises(JournalRefused):
        journal.intend(run, [other])
    assert states(journal, run) == [State.CHANGED]


def test_plan_is_all_or_nothing(journal: Journal, run: str) -> None:
    """A plan whose making fails half way leaves no item behind."""

    def items() -> Any:
        yield planned()
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        journal.plan(run, items())
    assert states(journal, run) == []


def test_secrets_are_hidden(path: Path) -> None:
    """What the agent and Exchange said passes the redaction; parameters, before and after stay to the letter."""
    with Journal(path, hide=lambda text: text.replace("Staff", "****")) as journal:
        journal.begin(facts := RunFacts("action"))
        item = planned()
        ended = outcome(item.call, Status.FAILED, reason="Staff")
        told = replace(ended, problem=Problem("x", "Staff", "Staff"), warnings=["Staff"])
        journal.intend(facts.id, [item])
        journal.finish(facts.id, [(item, told)])
        (done,) = journal.items(facts.id)
    assert done.outcome is not None
    assert done.outcome.problem == Problem("x", "****", "****")
    assert (done.outcome.reason, done.outcome.warnings) == ("****", ["****"])
    assert (done.outcome.identity, done.planned.call) == (Identity("g-1", "Staff"), item.call)


def test_find(journal: Journal) -> None:
    """A run is named by ``last``, by its id or by a beginning that only it has."""
    with pytest.raises(UsageError, match="no run yet"):
        journal.find("last")
    for id_ in ("ab12" + "0" * 28, "ab13" + "0" * 28):
        journal.begin(RunFacts("action", id=id_))
    assert journal.find("last") == journal.find("AB13") == journal.find("ab13" + "0" * 28)
    for wrong in ("ab1", "", "ff", "é", "%"):
        with pytest.raises(UsageError):
            journal.find(wrong)
    assert [run.id[:4] for run in journal.runs()] == ["ab13", "ab12"]


def test_readers_need_no_writer(journal: Journal, run: str, path: Path) -> None:
    """Who only reads sees what was written, while the writer is open and after it was closed."""
    journal.intend(run, [planned()])
    for _ in range(2):
        with JournalReader(path) as reader:
            assert [item.state for item in reader.items(run)] == [State.OPEN]
        journal.close()


@pytest.mark.skipif(os.name == "nt", reason="on Windows the rights of the folder decide")
def test_owner_only(journal: Journal, run: str, path: Path) -> None:
    """Nobody but the owner may read the journal, its log, or the folder that was made for it."""
    for file in (path, path.with_name("journal.db-wal"), path.parent):
        assert stat.S_IMODE(file.stat().st_mode) & 0o077 == 0


def test_on_windows_the_folder_above_decides(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that an elevated run makes for the journal is one like any other, which the service can read too."""
    monkeypatch.setattr("bridge.program._is_windows", lambda: True)
    plain = path.parent.with_name("plain")
    plain.mkdir()
    Journal(path).close()
    assert path.parent.stat().st_mode == plain.stat().st_mode


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
FACTS = st.dictionaries(st.text(), JSON, max_size=3)
ANY_TEXT = st.text(st.characters(), max_size=20)  # surrogates too
PROBLEMS = st.builds(Problem, ANY_TEXT, ANY_TEXT, ANY_TEXT, ANY_TEXT, ANY_TEXT, st.booleans())


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_any_sequence_reads_back(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """Any sequence of plans, intents, outcomes and findings, with any text, reads back equal and verifies."""
    draw = data.draw
    with Journal(tmp_path_factory.mktemp("any") / "journal.db") as journal:
        facts = RunFacts(draw(ANY_TEXT), draw(ANY_TEXT), source=draw(ANY_TEXT))
        journal.begin(facts)
        expected: dict[str, tuple[Planned, State, Outcome | None]] = {}
        for _ in range(draw(st.integers(1, 8))):
            action = draw(st.sampled_from(["group.grant", "mailbox.show", "gone.long-ago"]))
            made = Call(action, draw(ANY_TEXT), Kind.CHANGE, draw(FACTS), creates=draw(st.booleans()))
            item = Planned(made, draw(ANY_TEXT), draw(st.integers(0, 10**6)), draw(FACTS), draw(FACTS), draw(ANY_TEXT))
            journal.plan(facts.id, [item])
            expected[made.id] = (item, State.PLANNED, None)
            while draw(st.booleans()):
                _, state, ended = expected[made.id]
                if state in (State.PLANNED, State.FAILED):
                    journal.intend(facts.id, [item])
                    expected[made.id] = (item, State.OPEN, None)
                    continue
                if state not in (State.OPEN, State.UNKNOWN):
                    break
                status = draw(st.sampled_from(Status))
                ended = Outcome(
                    made.action,
                    status,
                    made.parameters,
                    reason=draw(ANY_TEXT),
                    before=draw(FACTS),
                    after=draw(FACTS),
                    problem=draw(st.none() | PROBLEMS),
                    warnings=draw(st.lists(ANY_TEXT, max_size=2)),
                    seconds=draw(st.floats(0, 1e6)),
                    call_id=made.id,
                )
                if state is State.OPEN:
                    journal.finish(facts.id, [(item, ended)])
                else:
                    journal.settle(facts.id, ended, "state read")
                expected[made.id] = (item, State(status), ended)
        found = {item.id: (item.planned, item.state, item.outcome) for item in journal.items(facts.id)}
        assert found == expected
        assert list(found) == list(expected)
        assert journal.run(facts.id).facts == facts
        assert journal.verify(facts.id).ok
        assert next(record.kind for record in journal.records(facts.id)) == RecordKind.BEGUN


def test_dry_call_has_an_object() -> None:
    """The key of what an item is about has one spelling, so that order by it can be kept."""
    assert Planned(call()).object == Planned(call("other")).object == "staff@contoso.example"
