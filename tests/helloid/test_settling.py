"""What an earlier run left open or unknown is found out at the next change of the same object, and told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.actions import ACTIONS
from bridge.journal import Journal, JournalReader, Planned, RunFacts, State
from tests.agent import running_agent
from tests.helloid.bench import Answered, HelloIdBench

JANE = "jane.doe@contoso.example"


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[HelloIdBench]:
    """An agent with the demo organization, and an empty journal."""
    with running_agent("contract") as agent:
        bench = HelloIdBench(agent, tmp_path)
        yield bench
        bench.close()


def left_open(bench: HelloIdBench) -> str:
    """The id of a run that wrote the intent to hide Jane, and died."""
    (call,) = ACTIONS["mailbox.hide"].calls({"mailbox": bench.id_of(JANE)})
    with Journal(bench.journal) as journal:
        journal.begin(facts := RunFacts("helloid"))
        journal.intend(facts.id, [Planned(call)])
    return facts.id


def states(bench: HelloIdBench, run: str) -> list[State]:
    """Where the items of a run stand."""
    with JournalReader(bench.journal) as journal:
        return [item.state for item in journal.items(run)]


def disable(bench: HelloIdBench, *, dry_run: bool = False, is_seen_at_once: bool = False) -> Answered:
    """HelloID disables Jane. Where changes are seen at once, one that is not seen was not made."""
    request = {
        "contract": "v2",
        "action": "disable",
        "target": "account",
        "actionContext": {
            "DryRun": dry_run,
            "References": {"Account": bench.id_of(JANE)},
            "Data": {"HiddenFromAddressListsEnabled": "true"},
        },
    }
    return bench.ask(request, exchange={"visibility_timeout": 0} if is_seen_at_once else {})


def told(answered: Answered) -> str:
    """What the log says to people."""
    return " ".join(line["Message"] for line in answered.document["Logs"] if line["Level"] == "information")


def audit(answered: Answered) -> str:
    """The one line of the audit."""
    (line,) = answered.document["AuditLogs"]
    return str(line["Message"])


def test_a_change_that_was_made(bench: HelloIdBench) -> None:
    """It becomes changed in the journal, and the new action finds nothing to do."""
    run = left_open(bench)
    bench.run("mailbox.hide", {"mailbox": JANE})
    answered = disable(bench)

    assert "whose answer was lost, was made" in told(answered)
    assert audit(answered).startswith("Nothing to do (already so)")
    assert states(bench, run) == [State.CHANGED]
    assert told(disable(bench)) == ""


def test_a_change_that_was_not_made(bench: HelloIdBench) -> None:
    """When it is old enough to be seen it becomes failed, and the new action makes the change."""
    run = left_open(bench)
    answered = disable(bench, is_seen_at_once=True)

    assert "whose answer was lost, was not made" in told(answered)
    assert audit(answered).startswith("Hid the account")
    assert states(bench, run) == [State.FAILED]


def test_a_change_that_may_be_on_its_way(bench: HelloIdBench) -> None:
    """What is too young to be seen is told neither as made nor as not made."""
    run = left_open(bench)
    answered = disable(bench)

    assert "is not known yet" in told(answered)
    assert states(bench, run) == [State.OPEN]


def test_a_run_that_another_process_works_on(bench: HelloIdBench) -> None:
    """Its items are left to that process."""
    run = left_open(bench)
    with Journal(bench.journal) as other, other.holding(run):
        answered = disable(bench, is_seen_at_once=True)

    assert "is left alone" in told(answered)
    assert states(bench, run) == [State.OPEN]


def test_a_dry_run_settles_nothing(bench: HelloIdBench) -> None:
    """It writes nothing, into the journal neither."""
    run = left_open(bench)
    answered = disable(bench, dry_run=True, is_seen_at_once=True)

    assert answered.document["Success"] is True
    assert states(bench, run) == [State.OPEN]


def test_a_lost_answer_is_unknown_and_then_found_out(tmp_path: Path) -> None:
    """The audit says that it may or may not have been made; the next action on the object knows."""
    with running_agent("contract", faults=("Command#2=lost",)) as agent:
        bench = HelloIdBench(agent, tmp_path)
        first = disable(bench)
        bench.close()
        second = disable(bench)
        bench.close()

    assert first.document["Success"] is False
    assert audit(first).startswith("It may or may not have been made: hide the account")
    assert "looked at again at the next action on this object" in audit(first)
    assert "was made" in told(second)
    assert audit(second).startswith("Nothing to do (already so)")
    assert agent.changes() == ["Set-Mailbox"]
