"""Runs the actions of one task: in its runspace, within its time, every change written into the journal.

Rules:

- Nothing raises for a failure: what cannot be sent is a failed outcome with cause and remedy. Once the agent or
  Exchange cannot be reached, or the time is up, nothing more is sent.
- The runspace is opened and the journal begun at the first call that needs them.
- Before a change, what earlier runs left open or unknown about the same object is settled by one look. A change that is
  not seen may still be on its way: it is told as not made only when it is older than what Exchange needs to show it.
  An item of a run that another process works on is left to that one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

from bridge.actions import ACTIONS
from bridge.actions.action import Action
from bridge.batch.settling import look_of, settle
from bridge.errors import AgentError, BridgeError, ExchangeError, UsageError
from bridge.helloid.answer import LogLine
from bridge.journal import Item, Journal, JournalError, JournalObserver, JournalRefused, Planned, RunFacts, recorded
from bridge.model import Call, Listener, Observer, OnRow, Outcome, Problem, Record, Runspace, Status
from bridge.outcomes import no_way_on, not_sent, without_reply
from bridge.patience import Patience
from bridge.runner import Runner

_MOST_SETTLED = 3
"""How many open items one change settles before it; each is a round trip of its own, and the time is short."""


@dataclass(frozen=True)
class Means:
    """What a task's actions are run with.

    ``open_runspace`` gives the runspace, open; it raises AgentError and ExchangeError. ``open_journal`` raises
    JournalError. ``facts`` are those of the task's run, ``defaults`` what the settings give an action.
    ``visible_after`` is the number of seconds after which a change that was made can be seen.
    """

    open_runspace: Callable[[], Runspace]
    open_journal: Callable[[], AbstractContextManager[Journal]]
    facts: RunFacts
    sha256_of: Callable[[str], str]
    listener: Listener
    patience: Patience
    defaults: Callable[[Action], Mapping[str, Any]]
    visible_after: float
    observers: Sequence[Observer] = ()


class JournaledExchange:
    """An ``answer.Exchange``; a context manager that ends the run in the journal. ``tell`` takes lines of the log."""

    def __init__(self, means: Means, tell: Callable[[LogLine], None], *, dry_run: bool = False) -> None:
        self._means = means
        self._tell = tell
        self._dry_run = dry_run
        self._runspace: Runspace | None = None
        self._runner: Runner | None = None
        self._journal: Journal | None = None
        self._observer: JournalObserver | None = None
        self._lost: Problem | None = None
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def change(self, action: str, **given: Any) -> Outcome:
        """One change; see ``answer.Exchange``. Raises Interrupted."""
        return self._outcome(action, given, None)

    def read(self, action: str, **given: Any) -> Outcome:
        """One read; see ``answer.Exchange``. Raises Interrupted."""
        return self._outcome(action, given, None)

    def each(self, action: str, on_row: OnRow, **given: Any) -> Outcome:
        """One read, row by row; see ``answer.Exchange``. Raises Interrupted, and what ``on_row`` raises."""
        return self._outcome(action, given, on_row)

    def defaults(self, action: str) -> Mapping[str, Any]:
        """What the settings give this action."""
        return self._means.defaults(ACTIONS[action])

    def _outcome(self, name: str, given: Mapping[str, Any], on_row: OnRow | None) -> Outcome:
        action = ACTIONS[name]
        try:
            (call,) = action.calls(given, dry_run=self._dry_run, defaults=self._means.defaults(action))
        except UsageError as error:
            return self._failed(action, given, error, "Correct the mapping in HelloID, or the settings.")
        if self._lost is not None:
            return not_sent(call, self._lost)
        try:
            if call.changes:
                self._begin()
                self._settle_earlier(call)
            outcome = self._open().run(call, on_row=on_row)
        except (AgentError, ExchangeError) as error:
            outcome = without_reply(call, error, 0.0, 0)
        except JournalError as error:
            return self._failed(action, given, error, error.remedy)
        if no_way_on(outcome):
            self._lost = outcome.problem
        return outcome

    def _failed(self, action: Action, given: Mapping[str, Any], error: BridgeError, remedy: str) -> Outcome:
        """The outcome of what was not sent because of an error."""
        problem = Problem(error.code, error.message, remedy)
        return Outcome(
            action.name, Status.FAILED, dict(given), dry_run=self._dry_run, problem=problem, kind=action.kind
        )

    def _open(self) -> Runner:
        if self._runner is None:
            means = self._means
            if self._runspace is None:
                self._runspace = means.open_runspace()
            observers = [*([self._observer] if self._observer else []), *means.observers, _Told(self._tell)]
            self._runner = Runner(self._runspace, observers, means.patience)
        return self._runner

    def _begin(self) -> Journal:
        """The journal with this task's run begun. Raises JournalError: nothing may be sent then."""
        if self._journal is None:
            means = self._means
            journal = self._stack.enter_context(means.open_journal())
            self._observer = self._stack.enter_context(
                recorded(journal, means.facts, sha256_of=means.sha256_of, listener=means.listener)
            )
            self._journal = journal
            # The runner of the reads before it has no observer that writes.
            self._runner = None
        return self._journal

    # --- what earlier runs left

    def _settle_earlier(self, call: Call) -> None:
        """Settle what nobody knows about the object of this call. Raises JournalError, AgentError, ExchangeError."""
        journal = self._begin()
        found = journal.unsettled_about({Planned(call).object}, most=_MOST_SETTLED)
        for item in found:
            if item.run != self._means.facts.id:
                self._settle(journal, item)

    def _settle(self, journal: Journal, item: Item) -> None:
        seen = self._open().run(look_of(item.planned.call))
        is_on_its_way = seen.status is Status.CHANGED and _age(item) < self._means.visible_after
        if no_way_on(seen) or is_on_its_way or (seen.problem is not None and seen.problem.retry):
            self._tell(LogLine("information", f"What became of {_named(item)} is not known yet."))
            return
        # A single action is sent without a look before it: what is seen now is the state before it was made.
        planned = replace(item.planned, expected=item.planned.expected or seen.before)
        settled = settle(planned, lambda _: seen, (None,), lambda: False)
        if settled is None:
            return
        try:
            with journal.holding(item.run):
                before = journal.run(item.run).ended
                journal.resume(item.run, replace(self._means.facts, id=item.run))
                journal.settle(item.run, settled.outcome, settled.how)
                journal.end(item.run, before or "interrupted")
        except JournalRefused as error:
            self._tell(LogLine("information", f"{_named(item)} is left alone: {error.message}"))
            return
        words = {Status.CHANGED: "was made", Status.FAILED: "was not made"}
        told = words.get(settled.outcome.status, "is still not known; it needs a look")
        self._tell(LogLine("information", f"{_named(item)}, whose answer was lost, {told}."))


class _Told:
    """An observer that tells the remote records that a person may read; errors are told by the outcome."""

    def __init__(self, tell: Callable[[LogLine], None]) -> None:
        self._tell = tell

    def sending(self, call: Call) -> None:
        """Nothing."""

    def record(self, call: Call, record: Record) -> None:
        """A record of the remote pipeline."""
        if record.stream in ("verbose", "information", "warning"):
            self._tell(LogLine(record.stream, f"{call.action}: {record.message}"))

    def finished(self, call: Call, outcome: Outcome) -> None:
        """Nothing."""


def _age(item: Item) -> float:
    """Seconds since an item was sent, or came to where it stands."""
    then = datetime.fromisoformat(item.sent_at or item.at)
    return (datetime.now(UTC) - then).total_seconds()


def _named(item: Item) -> str:
    when = (item.sent_at or item.at)[:19].replace("T", " ")
    return f"The change {item.planned.call.action} of {item.planned.object}, sent {when} UTC"
