"""How the calls of a batch get to the agent, and their outcomes back, through all that a long night brings.

Rules:

- Calls go through one streaming pipeline after the other, in their order. A pipeline comes to its end after a while,
  and whenever the session wants to mend something: recycle the runspace, connect Exchange again.
- Alone, by the runner, go calls before or after which something new must be waited for, and those that are sent again:
  what did not reach Exchange, what it refused because of too many calls, and what only looks and has no answer.
  Nothing else is sent again.
- While the agent cannot be reached nothing is sent; it is tried again, up to a limit.
- When Exchange throttles, calls are sent more slowly, at a rate that finds its level.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import islice
from typing import TypeVar

from bridge.batch.rate import Rate
from bridge.errors import AgentError, BridgeError, ExchangeError, Interrupted
from bridge.model import Call, Outcome, Record
from bridge.outcomes import error_of, interrupted, not_sent, outcome_of, problem_of, without_reply
from bridge.patience import Patience, delayed
from bridge.runner import Runner, refusal_of
from bridge.session import Session
from bridge.session.stream import BatchPipeline
from bridge.session.stream_items import Answer

_MOST_CALLS = 1_000
_MOST_SECONDS = 300.0
"""So long a pipeline may be. The memory of the runspace, for one, is looked at between two of them."""
_FRUITLESS = 3
"""So many pipelines in a row may break without a single answer before that counts as an agent that is not there."""
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 30.0  # seconds

_T = TypeVar("_T")


class Sender:
    """Sends calls in an open session. Not safe for several threads.

    ``runner`` is of the same session, and its observers are told of each call. ``unreachable`` is how many seconds to
    wait for an agent that cannot be reached; ``tell`` gets a sentence when that begins, ``is_halted`` ends it.
    """

    def __init__(
        self,
        session: Session,
        runner: Runner,
        patience: Patience,
        *,
        unreachable: float = 0.0,
        tell: Callable[[str], None] = lambda _: None,
        is_halted: Callable[[], bool] = lambda: False,
    ) -> None:
        self._session = session
        self._runner = runner
        self._patience = patience
        self._unreachable = unreachable
        self._tell = tell
        self._is_halted = is_halted
        self._lost_since: float | None = None
        self._tries = 0
        self._pipeline: BatchPipeline | None = None
        self.rate = Rate()

    @property
    def room(self) -> int:
        """How many calls go out together just now, at least one."""
        return max(1, self._pipeline.room) if self._pipeline else 1

    def settle_down(self) -> None:
        """See to it that nothing that was sent runs any more, once the agent is there. Raises as ``outcomes``."""
        self._reached(self._session.mend)

    def run(self, call: Call) -> Outcome:
        """The outcome of one call, in a pipeline of its own. Raises as ``outcomes`` does."""
        while True:
            self._reached(self._session.mend)
            self._patience.wait(self.rate.pause)
            outcome = self._runner.run(call)
            error = error_of(outcome)
            if error is None:
                self._lost_since, self._tries = None, 0
                return outcome
            self._wait(error)

    def outcomes(self, calls: Iterable[Call | None], scripts: Collection[str]) -> Iterator[Outcome]:
        """The outcomes of calls as they come: in their order, except those that were sent again.

        ``calls`` gives None while it has none before another outcome; ``scripts`` are those that they name. Raises
        AgentError and ExchangeError when there is no way on, and what ``calls`` raises; Interrupted, with the outcomes
        that nobody has yet in ``outcomes``, when a signal stopped the calls. Whoever leaves the iteration stops what
        is on its way.
        """
        waiting = _Waiting(calls)
        while (call := waiting.take()) is not None:
            if self._runner.must_wait(call):
                yield self.run(call)
                continue
            waiting.put_back([call])
            again: list[Call] = []
            yield from self._stream(waiting, scripts, again)
            for call in again:
                yield self.run(call)

    def looks(self, calls: Iterable[Call]) -> Iterator[Outcome]:
        """The outcomes of reads and dry runs, in the order of the calls. Raises as ``outcomes`` does."""
        left = iter(calls)
        while window := list(islice(left, _MOST_CALLS)):
            if len(window) == 1:
                yield self.run(window[0])
                continue
            order = deque(call.id for call in window)
            found: dict[str, Outcome] = {}
            for outcome in self.outcomes(window, {call.script for call in window}):
                found[outcome.call_id] = outcome
                while order and order[0] in found:
                    yield found.pop(order.popleft())

    def _stream(self, waiting: _Waiting, scripts: Collection[str], again: list[Call]) -> Iterator[Outcome]:
        """The outcomes of calls in one pipeline; those that are to be sent again go into ``again``."""
        self._pipeline = pipeline = self._reached(lambda: self._session.batch(scripts, self._on_record))
        lost: AgentError | None = None
        answered = 0
        try:
            for answer in pipeline.answers(self._feed(waiting, pipeline)):
                answered += 1
                outcome = self._outcome(answer, pipeline.on_their_way)
                if outcome is None:
                    again.append(answer.call)
                    pipeline.finish()
                else:
                    yield outcome
        except Interrupted as error:
            error.outcomes = [
                *(self._finish(call, interrupted(call, 0.0)) for call in pipeline.maybe_run),
                *(self._finish(call, not_sent(call, problem_of(error))) for call in pipeline.not_started),
            ]
            raise
        except AgentError as error:
            lost = error
        for call in pipeline.maybe_run:
            if call.changes and lost is not None:
                yield self._finish(call, without_reply(call, lost, 0.0, 0))
            else:
                again.append(call)
        waiting.put_back(pipeline.not_started)
        if answered:
            self._lost_since, self._tries = None, 0
        elif lost is not None:
            self._tries += 1
            if self._tries >= _FRUITLESS:
                self._wait(lost)

    def _feed(self, waiting: _Waiting, pipeline: BatchPipeline) -> Iterator[Call | None]:
        """Calls for one pipeline, as long as it may be."""
        until = time.monotonic() + _MOST_SECONDS
        while pipeline.sent < _MOST_CALLS and time.monotonic() < until and not self._session.wants_mending:
            call = waiting.take()
            if call is None:
                if waiting.is_empty:
                    return
                yield None
                continue
            if self._runner.must_wait(call):
                waiting.put_back([call])
                return
            self._patience.wait(self.rate.pause)
            for observer in self._runner.observers:
                observer.sending(call)
            yield call

    def _outcome(self, answer: Answer, on_their_way: int) -> Outcome | None:
        """What an answer means; None when its call is to be sent again."""
        call, reply = answer.call, answer.reply
        if self._session.has_lost_exchange(reply):
            return None
        refusal = refusal_of(call, reply) if self._patience.retries else None
        if refusal is not None:
            message, throttled = refusal
            self._on_record(call, Record("warning", f"{message} It is sent once more."))
            if throttled:
                self.rate.slowed(self._patience.pause(0, throttled=True), on_their_way)
            return None
        if told := delayed(reply.warnings):
            self.rate.slowed(told, on_their_way)
        else:
            self.rate.passed()
        return self._finish(call, outcome_of(call, reply, answer.seconds))

    def _on_record(self, call: Call, record: Record) -> None:
        for observer in self._runner.observers:
            observer.record(call, record)

    def _finish(self, call: Call, outcome: Outcome) -> Outcome:
        for observer in self._runner.observers:
            observer.finished(call, outcome)
        return outcome

    # --- an agent that is not there

    def _reached(self, do: Callable[[], _T]) -> _T:
        """What ``do`` gives, once agent and Exchange can be reached. Raises AgentError and ExchangeError."""
        while True:
            try:
                return do()
            except (AgentError, ExchangeError) as error:
                self._wait(error)

    def _wait(self, error: BridgeError) -> None:
        """Wait a little for an agent that cannot be reached. Raises ``error`` when that is of no use any more."""
        now = time.monotonic()
        since = self._lost_since = self._lost_since or now
        left = since + self._unreachable - now
        if not error.retry or left <= 0 or self._is_halted():
            raise error
        if now == since:
            self._tell(f"{error.message} Nothing is sent meanwhile; it is tried again for {self._unreachable:.0f} s.")
        until = now + min(_FIRST_PAUSE * 2.0**self._tries, _LONGEST_PAUSE, left)
        self._tries += 1
        while (left := until - time.monotonic()) > 0 and not self._is_halted():
            time.sleep(min(left, 0.5))


class _Waiting:
    """Calls that are still to be sent; ``is_empty`` says that there are no more."""

    def __init__(self, calls: Iterable[Call | None]) -> None:
        self._calls = iter(calls)
        self._first: deque[Call] = deque()
        self.is_empty = False

    def take(self) -> Call | None:
        """The next call; None when there is none now, or no more."""
        if self._first:
            return self._first.popleft()
        try:
            return next(self._calls)
        except StopIteration:
            self.is_empty = True
            return None

    def put_back(self, calls: Collection[Call]) -> None:
        """Take these before the others, in their order."""
        self._first.extendleft(reversed(tuple(calls)))
