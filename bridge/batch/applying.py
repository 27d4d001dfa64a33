"""Applies a plan: exactly its changes, each once, whatever dies in between. Resumes a run that did not come to its end.

Rules:

- The whole plan is in the journal before the first change is sent. From there on only the journal is asked what is to
  be done, so a run that goes on and one that begins are the same.
- Each object is looked at again before it is changed. Where that differs from what the plan saw, the item fails with
  the code ``plan-outdated`` and nothing is sent; what this run itself changed is taken into account. An item of which
  the plan could see nothing, because the same plan creates its object, is taken as it is found.
- Many items are under way at a time, see ``under_way``; ``turns`` keeps the order of those about the same.
- A lost answer is settled before anything new is sent, see ``settling``. What stays unknown is not touched again; what
  was found not to be made is sent in the end.
- When the agent or Exchange cannot be reached any more, the run ends as interrupted, and what is left stays planned.
  What failed for no reason of its own is sent by the next resume; other failed items only when that is asked for.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice

from bridge.batch.comparing import Comparison, as_it_is
from bridge.batch.ledger import Ledger, Progress, Stops
from bridge.batch.plan import Plan, PlanItem
from bridge.batch.sending import Sender
from bridge.batch.settling import look_of, settle
from bridge.batch.shared_reads import SharedReads
from bridge.batch.turns import Turns
from bridge.batch.under_way import UnderWay
from bridge.errors import AgentError, ExchangeError, Interrupted, UsageError
from bridge.journal import Item, Journal, Planned, RunFacts, State
from bridge.model import Call, Outcome, Problem, Status
from bridge.outcomes import error_of, outcome_of, problem_of
from bridge.patience import Patience
from bridge.problems import NOT_MADE, NOT_SENT, OBJECT_UNKNOWN
from bridge.session.stream_items import Answer

DONE = "done"
INTERRUPTED = "interrupted"
LIMIT_REACHED = "limit-reached"

_MORE_PASSES = 2
"""So often a run goes back to what was lost on the way and found not to be made."""
_WINDOW = 1_000
"""So many items are looked over at a time for what they have in common."""


@dataclass(frozen=True)
class Ending:
    """How a run ended: ``done``, ``interrupted`` or ``limit-reached``.

    ``why`` is a sentence, "" when it is done now; ``lost`` says why the agent or Exchange could not be reached.
    """

    run: str
    how: str
    why: str = ""
    lost: Problem | None = None


@dataclass(frozen=True)
class Tools:
    """What a run is applied with. ``sha256_of`` gives the hash of a script by its name.

    ``is_halted`` says that no further item is to be begun; ``stops`` are the limits, None for no limits;
    ``left`` are the answers of ``Session.left_answers``; ``replaced`` the scripts that are not the shipped ones, by
    name: what they do is not known, so nothing is read for several of their calls at once.
    """

    journal: Journal
    sender: Sender
    sha256_of: Callable[[str], str]
    patience: Patience
    is_halted: Callable[[], bool]
    progress: Progress
    stops: Stops | None = None
    left: Sequence[Answer] = ()
    replaced: Collection[str] = ()


def apply(plan: Plan, facts: RunFacts, tools: Tools) -> Ending:
    """Write a plan to the journal and make its changes. Raises JournalError; nothing further is sent then."""
    tools.journal.begin(facts)
    tools.journal.plan(facts.id, (_planned(item, facts.id, tools) for item in plan.items))
    left = ((_planned(item, facts.id, tools), item.outcome) for item in plan.items if not item.changes)
    tools.journal.finish(facts.id, ((planned, as_it_is(planned, seen)) for planned, seen in left))
    return _Run(facts.id, tools).go(retry_failed=False)


def resume(run: str, facts: RunFacts, tools: Tools, *, retry_failed: bool = False) -> Ending:
    """Go on with a run: settle what is open or unknown, then send what is left. ``facts`` are those of now.

    Raises JournalError, and UsageError for a run without items: its process died before its plan was written.
    """
    found, going = tools.journal.run(run), _Run(run, tools)
    if not any(found.counts.values()):
        raise UsageError(f"The run {run} has no items: nothing was sent.", remedy="Apply its plan again.")
    if found.ended == DONE and going.is_over(retry_failed=retry_failed):
        when = found.ended_at[:19].replace("T", " ")
        return Ending(run, DONE, f"This run was done already, at {when} UTC; nothing was sent now.")
    tools.journal.resume(run, facts)
    return going.go(retry_failed=retry_failed)


def left_calls(journal: Journal, run: str) -> list[Call]:
    """The calls of a run of which nobody knows whether they were made, in the order in which they were sent."""
    items = sorted(journal.items(run, (State.OPEN,)), key=lambda item: item.sent_at)
    return [item.planned.call for item in items]


def _planned(item: PlanItem, run: str, tools: Tools) -> Planned:
    """An item as the run has it. Its id is the same each time, so that a long plan need not be kept."""
    # The line comes first in it: ids in about the order in which they are written cost the journal's index a fourth
    # less of its time, and keep a long run as fast as a short one.
    name = f"{item.line:08x}{uuid.uuid5(uuid.UUID(run), item.call.id).hex[8:]}"
    call = replace(item.call, dry_run=False, id=name)
    outcome = item.outcome
    identity = outcome.identity.id if outcome.identity else ""
    return Planned(call, tools.sha256_of(call.script), item.line, outcome.before, outcome.after, identity)


class _End(Exception):  # noqa: N818  # it ends a run, and is no error
    """Nothing further is to be done."""

    def __init__(self, how: str, why: str) -> None:
        super().__init__(why)
        self.how, self.why = how, why


class _Run:
    """One run, in this process."""

    def __init__(self, run: str, tools: Tools) -> None:
        self._run = run
        self._tools = tools
        self._journal = tools.journal
        self._ledger = Ledger(run, tools.journal, tools.stops)
        self._comparison = Comparison(tools.sha256_of, self._changed)
        self._blocked: set[str] = set()

    def go(self, *, retry_failed: bool) -> Ending:
        """Do what is left, and write how it ended."""
        ending = Ending(self._run, DONE)
        try:
            self._take_left()
            self._tools.sender.settle_down()
            since = time.monotonic()
            for item in self._journal.unsettled(self._run):
                self._check_halt()
                self._settle(item.planned, item.state, since)
            self._pass(_wanted(retry_failed=retry_failed))
            for _ in range(_MORE_PASSES):
                self._pass(_was_not_made)
        except _End as end:
            ending = Ending(self._run, end.how, end.why)
        except (AgentError, ExchangeError) as error:
            ending = Ending(self._run, INTERRUPTED, "The agent or Exchange cannot be reached.", problem_of(error))
        except (Interrupted, KeyboardInterrupt):
            ending = Ending(self._run, INTERRUPTED, "It was stopped while calls were running.")
        self._journal.end(self._run, ending.how)
        self._progress(None)
        return ending

    def is_over(self, *, retry_failed: bool) -> bool:
        """Whether there is nothing to settle and nothing to send."""
        left = chain(self._journal.unsettled(self._run), self._left(_wanted(retry_failed=retry_failed)))
        return next(left, None) is None

    def _take_left(self) -> None:
        """The outcomes of what a process had sent that died, as far as the agent still had the answers."""
        answers = {answer.call.id: answer for answer in self._tools.left}
        for item in self._journal.items(self._run, (State.OPEN,)):
            answer = answers.get(item.id)
            if answer is not None:
                outcome = outcome_of(answer.call, answer.reply, answer.seconds)
                self._ledger.end(State.OPEN, item.planned, outcome)
                self._comparison.note(outcome)
        self._ledger.write()

    def _changed(self) -> Iterator[Outcome]:
        return (item.outcome for item in self._journal.items(self._run, (State.CHANGED,)) if item.outcome)

    def _pass(self, is_wanted: Callable[[Outcome], bool]) -> None:
        """Do what is planned, and what failed in a way that is wanted again."""
        left = self._left(is_wanted)
        while items := list(islice(left, _WINDOW)):
            self._window(items)

    def _left(self, is_wanted: Callable[[Outcome], bool]) -> Iterator[Item]:
        for item in self._journal.items(self._run, (State.PLANNED, State.FAILED)):
            failed = item.outcome if item.state is State.FAILED else None
            if failed is None or is_wanted(failed):
                yield item

    def _window(self, items: list[Item]) -> None:
        """Do these items. What many of them need is read once."""
        turns = Turns(items)
        shared = SharedReads(self._tools.sender.looks, self._tools.replaced)
        scripts = {item.planned.call.script for item in items}
        while not turns.is_over:
            self._check_halt()
            shared.prepare([look_of(item.planned.call) for item in turns.waiting()])
            under_way = UnderWay(
                self._tools.sender,
                self._ledger,
                self._comparison,
                self._blocked,
                turns,
                shared,
                is_halted=self._tools.is_halted,
                begun=self._progress,
            )
            under_way.go(scripts | shared.scripts)
            if under_way.unknown:
                self._tools.sender.settle_down()
                since = time.monotonic()
            for planned in under_way.unknown:
                self._settle(planned, State.UNKNOWN, since)
            if self._ledger.stop:
                raise _End(LIMIT_REACHED, self._ledger.stop)

    def _check_halt(self) -> None:
        if self._tools.is_halted():
            raise _End(INTERRUPTED, "It was stopped after the items that were under way.")

    def _settle(self, planned: Planned, state: State, since: float) -> None:
        """Find out how an item ended; while that is not known its object is left alone.

        Nothing that was sent ran any more at the moment ``since`` (monotonic): from then on Exchange has its time to
        show it, which is the same time for all of them.
        """
        tools = self._tools
        tools.progress(self._ledger.counts, planned.call, "looking whether it was made")
        looks = tools.patience.looks(time.monotonic() - since)
        found = settle(planned, tools.sender.run, looks, tools.is_halted)
        if found is None:
            raise _End(INTERRUPTED, "It was stopped before it was known how the last items ended.")
        self._ledger.settle(state, found)
        if not _was_not_made(found.outcome):
            self._ledger.check(found.outcome)
        self._comparison.note(found.outcome)
        self._progress(None)
        if found.outcome.status is Status.UNKNOWN:
            identity = found.outcome.identity.id if found.outcome.identity else ""
            self._blocked |= {planned.object, planned.identity, identity} - {""}

    def _progress(self, current: Call | None) -> None:
        self._tools.progress(self._ledger.counts, current, str(self._tools.sender.rate))


def _wanted(*, retry_failed: bool) -> Callable[[Outcome], bool]:
    """Which failed items are sent again when a run goes on."""
    return lambda failed: retry_failed or _is_still_wanted(failed)


def _is_still_wanted(failed: Outcome) -> bool:
    """Whether an item was not made for no reason of its own."""
    return error_of(failed) is not None or _was_not_made(failed) or _code(failed) == OBJECT_UNKNOWN.code


def _was_not_made(failed: Outcome) -> bool:
    """Whether it is known that a change was not made, and nothing is known that is against making it now."""
    return _code(failed) in (NOT_SENT.code, NOT_MADE.code)


def _code(failed: Outcome) -> str:
    return failed.problem.code if failed.problem else ""
