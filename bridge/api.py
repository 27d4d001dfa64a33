"""exo-bridge for a Python program: one class that runs actions by their names.

    from bridge import Bridge

    with Bridge("settings.toml") as exchange:
        outcome = exchange.change("group.grant", group="staff@contoso.example", member="jane.doe@contoso.example")

Rules: an outcome is data, and raising for it is the caller's choice (``check``). What cannot be right, or cannot reach
the agent at all, is raised. A change is in the journal before it is sent, as one from the command line is; a program
that only reads makes no journal. Nothing is printed; what is done is in the log file of the settings.
"""

from __future__ import annotations

import contextlib
import difflib
import os
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from bridge.actions import ACTIONS
from bridge.errors import ActionFailed, OutcomeUnknown, UsageError
from bridge.logs import LogObserver
from bridge.logs.starting import log_of
from bridge.model import Call, Kind, OnRow, Outcome, Status, new_id
from bridge.program import NAME
from bridge.runner import Runner
from bridge.settings import Settings, load_settings
from bridge.workplace import Workplace

if TYPE_CHECKING:
    from bridge.journal import JournalObserver
    from bridge.model import Observer, Record


class Bridge:
    """A connection to Exchange for a program: a context manager, for one thread.

    ``settings`` are settings, or the file that has them; None looks for the file where the command line does.
    ``journal`` says whether changes are written into the journal; ``deadline`` is how many seconds all may take from
    the entry on, None for no limit. Raises UsageError for one that leaves no time.

    Entering takes the runspace over, or opens it and connects Exchange; leaving hands it on, connected as it is. It
    raises SettingsError, AgentError and ExchangeError.
    """

    def __init__(
        self,
        settings: Settings | str | os.PathLike[str] | None = None,
        *,
        journal: bool = True,
        deadline: float | None = None,
    ) -> None:
        if deadline is not None and deadline <= 0:
            raise UsageError(f"deadline: {deadline} is no time to work in.", remedy="Leave it out for no limit.")
        self._given = settings
        self._journal = journal
        self._deadline = deadline
        self._stack = contextlib.ExitStack()
        self._workplace: Workplace | None = None
        self._runner: Runner | None = None

    def __enter__(self) -> Self:
        settings = self._settings()
        with contextlib.ExitStack() as stack:
            run = new_id()
            log = log_of(settings, run=run, console=False)
            stack.callback(log.close)
            self._workplace = Workplace(settings, log, run, deadline=self._deadline)
            session = stack.enter_context(self._workplace.session())
            session.open()
            observers: list[Observer] = [LogObserver(log)]
            if self._journal:
                # The journal is told first: what it does not hold is not sent.
                observers.insert(0, _JournalWhenNeeded(self._workplace, self._stack))
            self._runner = Runner(session, observers, self._workplace.patience())
            self._stack.push(stack.pop_all())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._runner = None
        self._stack.__exit__(kind, error, traceback)

    @property
    def run_id(self) -> str:
        """The id of this run in the journal and in the log. Raises UsageError outside of the with block."""
        return self._entered()[0].run_id

    def change(self, action: str, /, *, dry_run: bool = False, check: bool = False, **given: Any) -> Outcome:
        """Make one change; ``given`` are the action's parameters, as docs/actions.md has them (``user_name``).

        With ``dry_run`` it is looked at what would be changed, and nothing is. With ``check`` an outcome that failed
        raises ActionFailed, and one that nobody knows OutcomeUnknown; both carry the outcome.

        Raises UsageError for what cannot be right, JournalError before anything was sent when the journal cannot be
        written, and Interrupted.
        """
        workplace, runner = self._entered()
        call = _call(workplace, action, Kind.CHANGE, given, dry_run=dry_run)
        return _checked(runner.run(call), check=check)

    def read(self, action: str, /, *, on_row: OnRow | None = None, check: bool = False, **given: Any) -> Outcome:
        """Read; what was found is in ``rows`` of the outcome, or is handed to ``on_row`` as it comes.

        ``given`` and ``check`` are as in ``change``. Raises UsageError, Interrupted, and what ``on_row`` raises.
        """
        workplace, runner = self._entered()
        call = _call(workplace, action, Kind.READ, given)
        return _checked(runner.run(call, on_row=on_row), check=check)

    def _settings(self) -> Settings:
        if isinstance(self._given, Settings):
            return self._given
        return load_settings(None if self._given is None else Path(self._given)).settings

    def _entered(self) -> tuple[Workplace, Runner]:
        if self._workplace is None or self._runner is None:
            raise UsageError(
                "A Bridge works inside its with block only.", remedy="Write `with Bridge(...) as exchange:`."
            )
        return self._workplace, self._runner


class _JournalWhenNeeded:
    """Begins the run in the journal with its first change, and tells the journal of it and of those that follow."""

    def __init__(self, workplace: Workplace, stack: contextlib.ExitStack) -> None:
        self._workplace = workplace
        self._stack = stack
        self._journal: JournalObserver | None = None

    def sending(self, call: Call) -> None:
        """Write the intent. Raises JournalError when it cannot be written."""
        if not call.changes:
            return
        if self._journal is None:
            self._journal = self._stack.enter_context(self._workplace.journaled(f"{NAME} API"))
        self._journal.sending(call)

    def record(self, call: Call, record: Record) -> None:
        """Nothing: remote records are the log's."""

    def finished(self, call: Call, outcome: Outcome) -> None:
        """Write the outcome."""
        if self._journal is not None:
            self._journal.finished(call, outcome)


def _call(workplace: Workplace, name: str, kind: Kind, given: dict[str, Any], *, dry_run: bool = False) -> Call:
    """The one call that is meant. Raises UsageError."""
    try:
        action = ACTIONS[name]
    except KeyError:
        near = difflib.get_close_matches(name, list(ACTIONS), n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise UsageError(f"There is no action {name}.{hint}", remedy=f"`{NAME} actions` lists them.") from None
    if action.kind is not kind:
        right = "read" if action.kind is Kind.READ else "change"
        raise UsageError(f"{name} is a {action.kind}: call {right}().", remedy="Nothing was sent.")
    calls = action.calls(given, dry_run=dry_run, defaults=workplace.defaults(action))
    if len(calls) != 1:
        raise UsageError(f"{name}: {action.each} takes one value a call.", remedy="Make a call for each value.")
    return calls[0]


def _checked(outcome: Outcome, *, check: bool) -> Outcome:
    problem = outcome.problem
    if not check or outcome.status in (Status.CHANGED, Status.UNCHANGED) or problem is None:
        return outcome
    kind = OutcomeUnknown if outcome.status is Status.UNKNOWN else ActionFailed
    error = kind(problem.message, remedy=problem.remedy)
    error.outcome = outcome
    raise error
