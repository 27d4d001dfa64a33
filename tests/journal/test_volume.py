"""A run of twenty thousand items: what is read of it does not grow in memory."""

from __future__ import annotations

import sqlite3
import tracemalloc
from collections.abc import Iterator
from contextlib import closing

import pytest

from bridge.journal import Journal, Planned, RunFacts, State
from bridge.journal.reader import UNSETTLED_ABOUT
from bridge.journal.schema import ABOUT, IDENTITY
from bridge.model import Call, Kind, Status
from tests.journal.conftest import outcome

COUNT, DONE = 20_000, 2_000


@pytest.fixture(scope="module")
def big(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Journal, str]]:
    """A big run, of which the first tenth was done."""
    with Journal(tmp_path_factory.mktemp("big") / "journal.db") as journal:
        journal.begin(facts := RunFacts("batch"))
        done: list[Planned] = []

        def items() -> Iterator[Planned]:
            for number in range(COUNT):
                parameters = {"group": "staff@contoso.example", "member": f"person-{number}@contoso.example"}
                call = Call("group.grant", "group/Grant-GroupMember.ps1", Kind.CHANGE, parameters)
                item = Planned(call, line=number)
                if number < DONE:
                    done.append(item)
                yield item

        journal.plan(facts.id, items())
        for start in range(0, len(done), 500):
            chunk = done[start : start + 500]
            journal.intend(facts.id, chunk)
            journal.finish(facts.id, [(item, outcome(item.call)) for item in chunk])
        yield journal, facts.id


def test_reading_is_flat(big: tuple[Journal, str]) -> None:
    """All items pass through a few pages of memory."""
    journal, run = big
    tracemalloc.start()
    try:
        assert sum(1 for _ in journal.items(run)) == COUNT
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 8 * 2**20


def test_counts_and_choice(big: tuple[Journal, str]) -> None:
    """Counts, a choice by state and the check are right in a big run, and the order is that of the plan."""
    journal, run = big
    counts = journal.run(run).counts
    assert (counts[State.CHANGED], counts[State.PLANNED], counts[State.OPEN]) == (DONE, COUNT - DONE, 0)
    left = journal.items(run, [State.PLANNED])
    assert next(left).planned.line == DONE
    verified = journal.verify(run)
    assert (verified.ok, verified.items, verified.records) == (True, COUNT, COUNT + 2 * DONE + 1)


def test_unsettled_about_an_object(big: tuple[Journal, str]) -> None:
    """Of all runs, what is open about an object is found by its name or id, without a look at the other items."""
    journal, _ = big
    parameters = {"group": "Finance@contoso.example", "member": "jane.doe@contoso.example"}
    calls = [Call("group.grant", "group/Grant-GroupMember.ps1", Kind.CHANGE, parameters) for _ in range(4)]
    journal.begin(facts := RunFacts("helloid"))
    items = [Planned(call, identity="f-1" if number == 1 else "") for number, call in enumerate(calls)]
    journal.intend(facts.id, items)
    journal.finish(facts.id, [(items[2], outcome(calls[2])), (items[3], outcome(calls[3], Status.UNKNOWN))])

    by_name = [item.id for item in journal.unsettled_about({"finance@contoso.example"}, most=9)]
    assert by_name == [calls[0].id, calls[1].id, calls[3].id]
    assert [item.id for item in journal.unsettled_about({"f-1", ""}, most=9)] == [calls[1].id]
    assert len(journal.unsettled_about({"finance@contoso.example"}, most=2)) == 2
    assert journal.unsettled_about({"nobody@contoso.example"}, most=9) == []
    journal.settle(facts.id, outcome(calls[3], Status.UNKNOWN), "looked in vain")
    assert len(journal.unsettled_about({"finance@contoso.example"}, most=9)) == 2
    with closing(sqlite3.connect(journal.path)) as connection:
        for about in (ABOUT, IDENTITY):
            query = "EXPLAIN QUERY PLAN " + UNSETTLED_ABOUT.format(about=about)
            steps = [step for *_, step in connection.execute(query, ("[]", 1))]
            assert [step for step in steps if step.startswith("SCAN") and "json_each" not in step] == []
