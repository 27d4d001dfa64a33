"""A lost answer is settled by a look at the object, and never by sending again."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any

import pytest

from bridge.actions import ACTIONS
from bridge.batch.sending import Sender
from bridge.batch.settling import settle
from bridge.journal import Planned, RunFacts
from bridge.model import Call, Identity, Outcome, Problem, Status
from tests.batch.bench import INFO, SALES, Bench, hide, right

(CALL,) = ACTIONS["mailbox.hide"].calls({"mailbox": INFO})
ITEM = Planned(CALL, expected={"hidden": False}, wanted={"hidden": True}, identity="id-1")


def looking(*seen: Outcome) -> Callable[[Call], Outcome]:
    """Looks that see this, one after the other."""
    left = iter(seen)

    def look(call: Call) -> Outcome:
        assert call.dry_run
        assert call.id != CALL.id
        return next(left)

    return look


def saw(status: Status, **facts: Any) -> Outcome:
    """What a look saw."""
    return Outcome("mailbox.hide", status, CALL.parameters, dry_run=True, identity=Identity("id-1", "Info"), **facts)


NOT_YET = saw(Status.CHANGED, before={"hidden": False}, after={"hidden": True})
MADE = saw(Status.UNCHANGED, before={"hidden": True}, after={"hidden": True})
OTHER = saw(Status.CHANGED, before={"hidden": "half"}, after={"hidden": True})
REFUSED = saw(Status.FAILED, problem=Problem("no-role", "No role.", "Grant it."))
GONE = saw(Status.FAILED, problem=Problem("agent-unreachable", "Gone.", "Look."))


def test_made() -> None:
    """What is found to be so is told as changed, with the state before that was known, as soon as it can be seen."""
    found = settle(ITEM, looking(NOT_YET, NOT_YET, MADE), range(9), lambda: False)
    assert found is not None
    assert (found.outcome.status, found.how) == (Status.CHANGED, "state read back")
    assert (found.outcome.before, found.outcome.after) == ({"hidden": False}, {"hidden": True})
    assert (found.outcome.call_id, found.outcome.dry_run) == (CALL.id, False)


def test_not_made() -> None:
    """What is not seen until the time is up was not made, and may be sent again."""
    found = settle(ITEM, looking(NOT_YET, NOT_YET, NOT_YET), range(3), lambda: False)
    assert found is not None
    assert found.outcome.status is Status.FAILED
    assert found.outcome.problem is not None
    assert (found.outcome.problem.code, found.outcome.problem.retry) == ("not-made", True)


def test_not_made_of_what_the_plan_creates() -> None:
    """Where the plan could see no state before, a change that is left to be done was not made."""
    found = settle(Planned(CALL), looking(OTHER, OTHER), range(2), lambda: False)
    assert found is not None
    assert found.outcome.problem is not None
    assert found.outcome.problem.code == "not-made"


@pytest.mark.parametrize("seen", [OTHER, REFUSED], ids=["another state", "the look fails"])
def test_in_vain(seen: Outcome) -> None:
    """A state that is neither, and a look that fails, leave it unknown."""
    found = settle(ITEM, looking(NOT_YET, seen), range(9), lambda: False)
    assert found is not None
    assert (found.outcome.status, found.how) == (Status.UNKNOWN, "looked in vain")


def test_nothing_can_be_told() -> None:
    """Without an agent, or without time, nothing is told."""
    assert settle(ITEM, looking(NOT_YET, GONE), range(9), lambda: False) is None
    assert settle(ITEM, looking(NOT_YET), range(9), lambda: True) is None


def faulty(bench: Bench, sender: Sender, fault: str) -> Sender:
    """The same sender, with a fault that the agent gets just before the first change."""
    outcomes = sender.outcomes
    faults = [fault]

    def meeting(calls: Iterable[Call | None]) -> Iterator[Call | None]:
        for call in calls:
            if faults and call is not None and not call.dry_run:
                bench.agent.simulator.faults.add(faults.pop())
            yield call

    def meet(calls: Iterable[Call | None], scripts: Collection[str]) -> Iterator[Outcome]:
        return outcomes(meeting(calls), scripts)

    sender.outcomes = meet  # type: ignore[method-assign]  # the one place between the run and the wire
    return sender


@pytest.mark.parametrize("fault", ["Send=lost", "Send=reset", "Receive=lost", "Receive=shell-gone", "Send=kill@after"])
@pytest.mark.parametrize("delay", [0.0, 1.0], ids=["seen at once", "seen later"])
def test_answer_lost(bench: Bench, fault: str, delay: float) -> None:
    """What was made is told as changed, also when it can be seen only later; what was not is sent again, and once."""
    plan = bench.plan(hide(INFO), right(SALES))
    bench.agent.simulator.tenant.delay = delay
    bench.visibility = 3.0
    bench.around = lambda sender: faulty(bench, sender, fault)
    ending = bench.apply(plan)
    assert ending.how == "done"
    assert bench.states(ending.run) == ["changed", "changed"]
    assert sorted(bench.agent.changes()) == ["Add-RecipientPermission", "Set-Mailbox"]


@pytest.mark.parametrize("is_made", [True, False], ids=["made", "not made"])
def test_process_died(bench: Bench, is_made: bool) -> None:
    """An intent without an outcome, because the process died, is settled before anything new is sent."""
    plan = bench.plan(hide(INFO), hide(SALES))
    facts = RunFacts("batch")
    bench.journal.begin(facts)
    items = [bench.planned(item) for item in plan.items]
    bench.journal.plan(facts.id, items)
    bench.journal.intend(facts.id, items[:1])
    if is_made:
        bench.apply(bench.plan(hide(INFO)))
    bench.agent.records.clear()
    assert bench.resume(facts.id).how == "done"
    assert bench.states(facts.id) == ["changed", "changed"]
    assert len(bench.agent.changes()) == (1 if is_made else 2)
