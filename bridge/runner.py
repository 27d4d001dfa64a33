"""Runs calls, one after the other; how each ended is decided in ``outcomes``.

Rules:

- Observers are told before a call is sent, and one that raises keeps it from being sent.
- When the agent or Exchange cannot be reached any more nothing further is sent: the calls that were left are failed
  with the code ``not-sent``.
- What only reads is repeated when it failed in passing, but not when rows were handed on already: they would come
  twice. A change is repeated only when Exchange refused it because of too many calls: the cmdlet did not run then, and
  the script reads anew and writes only what still differs. No other change is ever sent twice.
- When Exchange slows a call down, the next ones wait; what was created is waited for until it can be seen.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import Any

from bridge.errors import AgentError, ExchangeError, Interrupted
from bridge.model import Call, Kind, Observer, OnRecord, OnRow, Outcome, Problem, Record, Reply, Runspace
from bridge.outcomes import (
    interrupted,
    last_error,
    meaning_of,
    no_way_on,
    not_sent,
    not_taken,
    outcome_of,
    without_reply,
)
from bridge.patience import Patience, delayed
from bridge.visibility import Visibility


def run_calls(
    calls: Iterable[Call],
    runspace: Runspace,
    observers: Sequence[Observer] = (),
    *,
    patience: Patience | None = None,
    on_row: OnRow | None = None,
) -> list[Outcome]:
    """Run the calls in their order; one outcome for each. ``patience`` says how long to wait, and how often to repeat.

    With ``on_row`` the rows of reads are handed on as they come, and no outcome holds them. Raises Interrupted, with
    the outcomes so far in ``outcomes``, when a signal came, and what ``on_row`` raises.
    """
    runner = Runner(runspace, observers, patience)
    outcomes: list[Outcome] = []
    lost: Outcome | None = None
    for call in calls:
        if lost is not None and lost.problem is not None:
            outcome = not_sent(call, lost.problem)
            for observer in observers:
                observer.finished(call, outcome)
        else:
            try:
                outcome = runner.run(call, on_row=on_row)
            except Interrupted as error:
                error.outcomes = [*outcomes, *error.outcomes]
                raise
            lost = outcome if no_way_on(outcome) else None
        outcomes.append(outcome)
    return outcomes


def run_call(
    call: Call,
    runspace: Runspace,
    observers: Sequence[Observer] = (),
    *,
    patience: Patience | None = None,
    on_row: OnRow | None = None,
) -> Outcome:
    """Run one call and nothing after it; see ``Runner.run``."""
    return Runner(runspace, observers, patience).run(call, on_row=on_row)


class Runner:
    """Runs calls in one runspace, and remembers what one call means for the next: throttling, what was created.

    Not safe for several threads. Without ``patience`` nothing is repeated. ``observers`` are those that it tells.
    """

    def __init__(
        self, runspace: Runspace, observers: Sequence[Observer] = (), patience: Patience | None = None
    ) -> None:
        self._runspace = runspace
        self.observers = tuple(observers)
        self._patience = patience or Patience()
        self._visibility = Visibility(runspace, self._patience)

    def run(self, call: Call, *, on_row: OnRow | None = None) -> Outcome:
        """Run one call.

        Raises what an observer raises before sending, what ``on_row`` raises, and Interrupted with its outcome.
        """
        for observer in self.observers:
            observer.sending(call)

        def on_record(record: Record) -> None:
            for observer in self.observers:
                observer.record(call, record)

        start = time.monotonic()
        rows = _Rows(on_row) if on_row is not None and call.kind is Kind.READ else None
        try:
            outcome = self._outcome(call, on_record, rows, start)
        except Interrupted as error:
            if not error.outcomes:
                seconds = time.monotonic() - start
                error.outcomes = [outcome_of(call, error.reply, seconds) if error.reply else interrupted(call, seconds)]
            self._finish(call, error.outcomes[0])
            raise
        except Exception as error:
            if rows is not None and rows.error is error:
                self._finish(call, not_taken(call, error, time.monotonic() - start))
            raise
        return self._finish(call, outcome)

    def must_wait(self, call: Call) -> bool:
        """Whether there is to be waited before a call or after it, until something new can be seen."""
        return (call.creates and call.changes) or self._visibility.concerns(call)

    def _finish(self, call: Call, outcome: Outcome) -> Outcome:
        for observer in self.observers:
            observer.finished(call, outcome)
        return outcome

    def _outcome(self, call: Call, on_record: OnRecord, rows: _Rows | None, start: float) -> Outcome:
        try:
            self._visibility.before(call, on_record)
        except Interrupted as error:
            error.outcomes = [not_sent(call, Problem(error.code, error.message, error.remedy))]
            raise
        try:
            reply = self._reply(call, on_record, rows)
        except (AgentError, ExchangeError) as error:
            return without_reply(call, error, time.monotonic() - start, rows.count if rows else 0)
        outcome = outcome_of(call, reply, time.monotonic() - start)
        try:
            return self._visibility.after(call, outcome, on_record)
        except Interrupted as error:
            # What was interrupted is the look; how the call ended is known.
            error.outcomes = [outcome]
            raise

    def _reply(self, call: Call, on_record: OnRecord, rows: _Rows | None) -> Reply:
        """What the runspace answers, to a repetition where there may be one. Raises AgentError and ExchangeError."""
        for attempt in range(self._patience.retries):
            try:
                reply = self._send(call, attempt, on_record, rows)
            except AgentError as error:
                if call.changes or not error.retry or (rows is not None and rows.count):
                    raise
                self._pause(on_record, error.message, self._patience.pause(attempt))
                continue
            refusal = refusal_of(call, reply)
            if refusal is None:
                return reply
            message, throttled = refusal
            self._pause(on_record, message, self._patience.pause(attempt, throttled=throttled))
        return self._send(call, self._patience.retries, on_record, rows)

    def _send(self, call: Call, attempt: int, on_record: OnRecord, rows: _Rows | None) -> Reply:
        """One pipeline. The first has the call's own id, by which it can be found again; a repetition has a new one."""
        if owed := self._patience.owed():
            on_record(Record("verbose", f"Waiting for {owed:.1f} s, because Exchange throttles."))
            self._patience.wait(owed)
        parameters: dict[str, Any] = {**call.parameters, **({"dry_run": True} if call.dry_run else {})}
        call_id = "" if attempt else call.id
        reply = self._runspace.run(call.script, parameters, on_record, call_id=call_id, on_row=rows)
        if told := delayed(reply.warnings):
            self._patience.slow_down(told)
        return reply

    def _pause(self, on_record: OnRecord, message: str, seconds: float) -> None:
        on_record(Record("warning", f"{message} It is sent once more in {seconds:g} s."))
        self._patience.wait(seconds)


def refusal_of(call: Call, reply: Reply) -> tuple[str, bool] | None:
    """Why a reply may be answered by a repetition, and whether it is throttling; None where it may not."""
    if reply.ok or reply.handed_on or not reply.errors:
        return None
    error = last_error(reply)
    meaning = meaning_of(error)
    throttled = meaning.code == "throttled"
    may_repeat = throttled or (meaning.retry and not call.changes)
    return (error.message, throttled) if may_repeat else None


class _Rows:
    """The rows of one read on their way to whoever takes them: how many, and what went wrong in taking one."""

    def __init__(self, on_row: OnRow) -> None:
        self._on_row = on_row
        self.count = 0
        self.error: Exception | None = None

    def __call__(self, row: dict[str, Any]) -> None:
        """Hand one row on."""
        self.count += 1
        try:
            self._on_row(row)
        except Exception as error:
            self.error = error
            raise
