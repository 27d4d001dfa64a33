"""A run of twenty thousand items: what is read of it does not grow in memory."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator

import pytest

from bridge.journal import Journal, Planned, RunFacts, State
from bridge.model import Call, Kind
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
