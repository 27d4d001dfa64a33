"""Applies a plan: exactly its changes, each once, whatever dies in between. Resumes a run that did not come to its end.

Rules:

- The whole plan is in the journal before the first change is sent. From there on only the journal is asked what is to
  be done, so a run that goes on and one that begins are the same.
- Each object is looked at again before it is changed. Where that differs from what the plan saw, the item fails with
  the code ``plan-outdated`` and nothing is sent; what this run itself changed is taken into account. An item of which
  the plan could see nothing, because the same plan creates its object, is taken as it is found.
- The intent is on the disk before the change is sent, the outcome before the next item is touched. When the journal
  cannot be written the run stops where it is.
- A lost answer is settled at once, see ``settling``. While it is unknown, its object is not touched by this run.
- When the agent or Exchange cannot be reached any more, the run ends as interrupted, and what is left stays planned.
  An item that failed for that reason alone is sent by the next resume; other failed ones only when that is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from bridge.batch.plan import Plan, PlanItem
from bridge.batch.sending import Sender
from bridge.batch.settling import look_of, settle
from bridge.batch.touching import Change, Changes
from bridge.errors import Interrupted, UsageError
from bridge.journal import Item, Journal, Planned, RunFacts, State
from bridge.model import Call, Identity, Kind, Outcome, Problem, Status, new_id
from bridge.outcomes import no_way_on
from bridge.patience import Patience
from bridge.problems import OBJECT_UNKNOWN, PLAN_OUTDATED

DONE = "done"
INTERRUPTED = "interrupted"
LIMIT_REACHED = "limit-reached"


class Stops(Protocol):
    """Limits that end a run."""

    def should_stop(self, outcome: Outcome) -> str:
        """Told of each outcome; a sentence when the run is to end, "" when it goes on."""


class Progress(Protocol):
    """Told how far a run is."""

    def __call__(self, counts: Mapping[State, int], current: Call | None, /) -> None:
        """How many items stand where, and the one that is under way; None between two."""


@dataclass(frozen=True)
class Ending:
    """How a run ended: ``done``, ``interrupted`` or ``limit-reached``.

    ``why`` is a sentence, "" when it is done; ``lost`` says why the agent or Exchange could not be reached.
    """

    run: str
    how: str
    why: str = ""
    lost: Problem | None = None


@dataclass(frozen=True)
class Tools:
    """What a run is applied with. ``sha256_of`` gives the hash of a script by its name.

    ``is_halted`` says that no further item is to be begun; ``stops`` are the limits, None for no limits.
    """

    journal: Journal
    sender: Sender
    sha256_of: Callable[[str], str]
    patience: Patience
    is_halted: Callable[[], bool]
    progress: Progress
    stops: Stops | None = None


def apply(plan: Plan, facts: RunFacts, tools: Tools) -> Ending:
    """Write a plan to the journal and make its changes. Raises JournalError; nothing further is sent then."""
    items = [(item, _planned(item, tools)) for item in plan.items]
    tools.journal.begin(facts)
    tools.journal.plan(facts.id, (planned for _, planned in items))
    tools.journal.finish(
        facts.id,
        ((planned, _as_planned(item.outcome, planned)) for item, planned in items if not item.changes),
    )
    return _Run(facts.id, tools).go(retry_failed=False)


def resume(run: str, facts: RunFacts, tools: Tools, *, retry_failed: bool = False) -> Ending:
    """Go on with a run: settle what is open or unknown, then send what is left. ``facts`` are those of now.

    Raises JournalError, and UsageError for a run without items: its process died before its plan was written.
    """
    if not any(tools.journal.run(run).counts.values()):
        raise UsageError(f"The run {run} has no items: nothing was sent.", remedy="Apply its plan again.")
    tools.journal.resume(run, facts)
    return _Run(run, tools).go(retry_failed=retry_failed)


def _planned(item: PlanItem, tools: Tools) -> Planned:
    call = replace(item.call, dry_run=False, id=new_id())
    outcome = item.outcome
    identity = outcome.identity.id if outcome.identity else ""
    return Planned(call, tools.sha256_of(call.script), item.line, outcome.before, outcome.after, identity)


def _as_planned(outcome: Outcome, planned: Planned) -> Outcome:
    """The outcome of an item of which the plan says that nothing is to be sent."""
    return replace(outcome, dry_run=False, call_id=planned.call.id)


class _End(Exception):  # noqa: N818  # it ends a run, and is no error
    """Nothing further is to be done."""

    def __init__(self, how: str, why: str, lost: Problem | None = None) -> None:
        super().__init__(why)
        self.how, self.why, self.lost = how, why, lost


class _Run:
    """One run, in this process."""

    def __init__(self, run: str, tools: Tools) -> None:
        self._run = run
        self._tools = tools
        self._journal = tools.journal
        self._counts = dict(tools.journal.run(run).counts)
        self._blocked: set[str] = set()
        self._made = Changes()
        self._lost: Problem | None = None

    def go(self, *, retry_failed: bool) -> Ending:
        """Do what is left, and write how it ended."""
        ending = Ending(self._run, DONE)
        try:
            for item in self._journal.items(self._run, (State.CHANGED,)):
                self._note(item.outcome)
            for item in self._journal.unsettled(self._run):
                self._check_halt()
                self._settle(item.planned, item.state)
            for item in self._left(retry_failed=retry_failed):
                self._check_halt()
                self._tools.progress(self._counts, item.planned.call)
                self._item(item)
        except _End as end:
            ending = Ending(self._run, end.how, end.why, end.lost)
        except (Interrupted, KeyboardInterrupt):
            ending = Ending(self._run, INTERRUPTED, "It was stopped while a call was running.")
        self._journal.end(self._run, ending.how)
        self._tools.progress(self._counts, None)
        return ending

    def _left(self, *, retry_failed: bool) -> Iterator[Item]:
        for item in self._journal.items(self._run, (State.PLANNED, State.FAILED)):
            failed = item.outcome if item.state is State.FAILED else None
            if failed is None or retry_failed or no_way_on(failed):
                yield item

    def _check_halt(self) -> None:
        if self._tools.is_halted():
            raise _End(INTERRUPTED, "It was stopped after the item that was under way.")

    def _item(self, item: Item) -> None:
        """Look at the object of an item again, and change it."""
        planned = item.planned
        if self._blocked & {planned.object, planned.identity}:
            self._finish(item, _not_sent(planned, _object_unknown()))
            return
        seen = self._send(look_of(planned.call))
        if no_way_on(seen):
            raise _End(INTERRUPTED, "The agent or Exchange cannot be reached.", seen.problem)
        if seen.identity and seen.identity.id in self._blocked:
            self._finish(item, _not_sent(planned, _object_unknown(), seen.identity))
        elif _had_nothing_to_do(planned, seen):
            self._finish(item, _as_planned(seen, planned))
        elif problem := self._outdated(planned, seen):
            self._finish(item, _not_sent(planned, problem, seen.identity))
        else:
            self._change(item, seen)

    def _change(self, item: Item, seen: Outcome) -> None:
        planned = item.planned
        self._journal.intend(self._run, [planned])
        self._counts[item.state] -= 1
        self._counts[State.OPEN] += 1
        try:
            outcome = self._send(planned.call)
        except Interrupted as error:
            for known in error.outcomes:
                self._record(State.OPEN, planned, known)
            raise
        self._record(State.OPEN, planned, outcome)
        if outcome.status is Status.UNKNOWN:
            outcome = self._settle(replace(planned, expected=seen.before), State.UNKNOWN)
        self._check_stops(outcome)
        if no_way_on(outcome):
            raise _End(INTERRUPTED, "The agent or Exchange cannot be reached.", outcome.problem)

    def _settle(self, planned: Planned, state: State) -> Outcome:
        """Find out how an item ended; while that is not known its object is left alone."""
        tools = self._tools
        found = settle(planned, self._send, tools.patience.looks(), tools.is_halted)
        if found is None:
            self._check_halt()
            raise _End(INTERRUPTED, "The agent or Exchange cannot be reached.", self._lost)
        self._journal.settle(self._run, found.outcome, found.how)
        self._count(state, found.outcome)
        if found.outcome.status is Status.UNKNOWN:
            identity = found.outcome.identity.id if found.outcome.identity else ""
            self._blocked |= {planned.object, planned.identity, identity} - {""}
        return found.outcome

    def _send(self, call: Call) -> Outcome:
        (outcome,) = self._tools.sender.send([call])
        self._lost = outcome.problem
        return outcome

    def _finish(self, item: Item, outcome: Outcome) -> None:
        """An item that was not sent."""
        self._record(item.state, item.planned, outcome)
        self._check_stops(outcome)

    def _record(self, before: State, planned: Planned, outcome: Outcome) -> None:
        self._journal.finish(self._run, [(planned, outcome)])
        self._count(before, outcome)

    def _check_stops(self, outcome: Outcome) -> None:
        stop = self._tools.stops.should_stop(outcome) if self._tools.stops else ""
        if stop:
            raise _End(LIMIT_REACHED, stop)

    def _count(self, before: State, outcome: Outcome) -> None:
        self._counts[before] -= 1
        self._counts[State(outcome.status)] += 1
        self._note(outcome)
        self._tools.progress(self._counts, None)

    def _note(self, outcome: Outcome | None) -> None:
        """Remember what this run changed."""
        if outcome is not None and outcome.status is Status.CHANGED and outcome.identity:
            self._made.add(Change(outcome.identity.id, outcome.before, outcome.after))

    def _outdated(self, planned: Planned, seen: Outcome) -> Problem | None:
        """Why the plan does not hold for an item any more; None when it does."""
        if seen.status not in (Status.CHANGED, Status.UNCHANGED):
            return seen.problem or _plan_outdated("its object could not be looked at")
        if planned.sha256 != self._tools.sha256_of(planned.call.script):
            return _plan_outdated(f"the script {planned.call.script} is another one")
        if not (planned.identity or planned.wanted):
            return None
        found = seen.identity.id if seen.identity else ""
        if found != planned.identity:
            return _plan_outdated("the name stands for another object")
        if seen.status is Status.CHANGED and (seen.before, seen.after) == (planned.expected, planned.wanted):
            return None
        left = self._made.left(Change(planned.identity, planned.expected, planned.wanted))
        if left and seen.before == {**planned.expected, **left}:
            return None
        names = sorted(name for name in seen.before if seen.before[name] != planned.expected.get(name))
        return _plan_outdated(f"it was changed since ({', '.join(names)})" if names else "it was changed since")


def _had_nothing_to_do(planned: Planned, seen: Outcome) -> bool:
    """Whether the plan saw nothing to be done, and so it is; the run died before it could write that."""
    return seen.status is Status.UNCHANGED and seen.before == planned.expected == planned.wanted


def _object_unknown() -> Problem:
    return Problem(
        OBJECT_UNKNOWN.code,
        "Not sent: another change of the same object in this run may or may not have been made.",
        OBJECT_UNKNOWN.remedy,
        retry=OBJECT_UNKNOWN.retry,
    )


def _plan_outdated(why: str) -> Problem:
    message = f"Not sent: since the plan was made, {why}."
    return Problem(PLAN_OUTDATED.code, message, PLAN_OUTDATED.remedy)


def _not_sent(planned: Planned, problem: Problem, identity: Identity | None = None) -> Outcome:
    call = planned.call
    return Outcome(
        action=call.action,
        status=Status.FAILED,
        parameters=call.parameters,
        identity=identity,
        problem=problem,
        call_id=call.id,
        kind=Kind.CHANGE,
    )
