"""The items of a run that are under way: each is looked at, compared with the plan, changed, and told.

Rules:

- Looks and changes of many items are on their way at a time; changes go before looks, so that little time passes
  between the two. What was looked at and not sent is looked at anew.
- After an unknown outcome, a limit, a halt or a failure of agent or Exchange nothing new is begun; what is on its way
  comes to its end.
- What was intended and provably not sent is told as failed, for the reason that kept it from being sent.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterator, Set
from dataclasses import replace

from bridge.batch.comparing import Comparison, as_it_is, had_nothing_to_do
from bridge.batch.ledger import Ledger
from bridge.batch.sending import Sender
from bridge.batch.settling import look_of
from bridge.batch.shared_reads import SharedReads
from bridge.batch.turns import Turns
from bridge.errors import AgentError, BridgeError, ExchangeError, Interrupted
from bridge.journal import Item, Planned, State
from bridge.model import Call, Identity, Kind, Outcome, Problem, Status
from bridge.outcomes import error_of, problem_of
from bridge.problems import OBJECT_UNKNOWN

Begun = Callable[[Call | None], None]
"""Told of each item that is begun, and with None of each that ended."""


class UnderWay:
    """Sends items until all had their turn, or something must be looked into first.

    ``blocked`` are the ids and names of objects that are not to be touched. Afterwards ``unknown`` has the items that
    are to be settled, with the state that was seen before them.
    """

    def __init__(
        self,
        sender: Sender,
        ledger: Ledger,
        comparison: Comparison,
        blocked: Set[str],
        turns: Turns,
        shared: SharedReads,
        *,
        is_halted: Callable[[], bool],
        begun: Begun,
    ) -> None:
        self._sender = sender
        self._ledger = ledger
        self._comparison = comparison
        self._blocked = blocked
        self._turns = turns
        self._shared = shared
        self._is_halted = is_halted
        self._begun = begun
        self._looking: dict[str, Item] = {}
        self._ready: deque[tuple[Item, Outcome, Call]] = deque()
        self._changing: dict[str, tuple[Item, Outcome]] = {}
        self._lost: BridgeError | None = None
        self.unknown: list[Planned] = []

    def go(self, scripts: Collection[str]) -> None:
        """Send them; ``scripts`` are theirs.

        Raises AgentError and ExchangeError when there is no way on, Interrupted, and JournalError: in each case what
        is known is written down, as far as that is possible.
        """
        try:
            for outcome in self._sender.outcomes(self._calls(), scripts):
                self._take(outcome)
        except Interrupted as error:
            for outcome in error.outcomes:
                if outcome.call_id in self._changing:
                    self._take(outcome)
            raise
        except (AgentError, ExchangeError) as error:
            for item, seen in self._changing.values():
                self._end(item, State.OPEN, _not_sent(item.planned, problem_of(error), seen.identity))
            raise
        finally:
            self._ledger.write()
        self._turns.not_begun([*(item for item, _, _ in self._ready), *self._looking.values()])
        if self._lost is not None:
            raise self._lost

    def _calls(self) -> Iterator[Call | None]:
        """The calls in the order in which they are sent; None while there is none before an outcome."""
        while not (self._is_halted() or self._ledger.stop or self.unknown or self._lost):
            self._ledger.write()
            if self._ready:
                yield from self._changes()
            elif (item := self._turns.begin()) is not None:
                yield from self._look(item)
            elif self._turns.is_over:
                return
            else:
                yield None

    def _changes(self) -> Iterator[Call]:
        """The changes that are ready, as many as go out together. Their intents are written first."""
        together = [self._ready.popleft() for _ in range(min(len(self._ready), self._sender.room))]
        chosen = [one for one in together if not self._is_blocked(one[0], one[1])]
        self._ledger.intend([item for item, _, _ in chosen])
        self._changing |= {call.id: (item, seen) for item, seen, call in chosen}
        for _, _, call in chosen:
            yield call

    def _look(self, item: Item) -> Iterator[Call]:
        """The look at an item, unless what many of them need says enough."""
        self._begun(item.planned.call)
        if self._is_blocked(item, None):
            return
        look = look_of(item.planned.call)
        seen = None if self._comparison.has_touched(item.planned) else self._shared.seen(look)
        if seen is None:
            self._looking[look.id] = item
            yield look
        else:
            self._decide(item, seen)

    def _take(self, outcome: Outcome) -> None:
        item = self._looking.pop(outcome.call_id, None)
        if item is not None:
            self._decide(item, outcome)
            return
        item, seen = self._changing.pop(outcome.call_id)
        # A change by ids has parameters of its own.
        outcome = replace(outcome, parameters=item.planned.call.parameters)
        if outcome.status is Status.UNKNOWN:
            # Not its last word: it is settled before anything else is sent.
            self.unknown.append(replace(item.planned, expected=seen.before))
            self._ledger.end(State.OPEN, item.planned, outcome)
            self._turns.done(item)
            return
        self._lost = self._lost or error_of(outcome)
        self._end(item, State.OPEN, outcome)

    def _decide(self, item: Item, seen: Outcome) -> None:
        """What is to be done with an item that was looked at."""
        planned = item.planned
        if error := error_of(seen):
            self._lost = self._lost or error
            self._turns.not_begun([item])
        elif self._is_blocked(item, seen):
            return
        elif had_nothing_to_do(planned, seen):
            self._end(item, item.state, as_it_is(planned, seen))
        elif problem := self._comparison.outdated(planned, seen):
            self._end(item, item.state, _not_sent(planned, problem, seen.identity))
        else:
            # The look is recent: where there is a way to change by ids, without looking once more, it is taken.
            self._ready.append((item, seen, self._shared.direct(planned.call, seen) or planned.call))

    def _is_blocked(self, item: Item, seen: Outcome | None) -> bool:
        """Whether the object of an item is not to be touched; it is told then."""
        planned = item.planned
        found = seen.identity if seen else None
        if self._blocked.isdisjoint((planned.object, planned.identity, found.id if found else "")):
            return False
        self._end(item, item.state, _not_sent(planned, _object_unknown(), found))
        return True

    def _end(self, item: Item, state: State, outcome: Outcome) -> None:
        self._ledger.end(state, item.planned, outcome)
        self._ledger.check(outcome)
        self._comparison.note(outcome)
        self._turns.done(item)
        self._begun(None)


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


def _object_unknown() -> Problem:
    return Problem(
        OBJECT_UNKNOWN.code,
        "Not sent: another change of the same object in this run may or may not have been made.",
        OBJECT_UNKNOWN.remedy,
        retry=OBJECT_UNKNOWN.retry,
    )
