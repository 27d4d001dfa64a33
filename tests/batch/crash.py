"""One process of a run that may die: it applies a plan, resumes a run, or makes one change of its own.

It kills itself at a moment that was chosen, or finds the disk full: the system lets no file of it grow further (Linux
and macOS). What it says of an error is in the file ``said``, a line for each process.
"""

from __future__ import annotations

import faulthandler
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from bridge.actions import ACTIONS
from bridge.batch.applying import Tools, apply, resume
from bridge.batch.plan import read_plan
from bridge.batch.sending import Sender
from bridge.errors import AgentError, BridgeError, ExchangeError, UsageError
from bridge.journal import (
    Journal,
    JournalNotRead,
    JournalNotWritten,
    JournalObserver,
    JournalRefused,
    Planned,
    RunFacts,
    State,
)
from bridge.model import Call, Outcome, Record, Status
from bridge.patience import Patience
from bridge.runner import Runner
from bridge.scripts import ScriptFolder
from bridge.session import Session
from bridge.settings import load_settings

DONE, NOT_DONE, REFUSED, NO_JOURNAL, BROKEN = 0, 3, 4, 5, 6
UNCHANGED, CHANGED, UNKNOWN = 10, 11, 12
if sys.platform == "win32":
    DEADLY = signal.SIGTERM
else:
    DEADLY = signal.SIGKILL

# A process is forked from one that has read all scripts and actions; each would need a tenth of a second for it.
SCRIPTS = ScriptFolder(None)
SCRIPTS.cmdlets()
list(ACTIONS.values())
VISIBILITY = 1.5
"""Seconds for which a change is looked for whose answer was lost."""
HANGING = 100.0
"""Seconds after which a process says where it is."""
UNREACHABLE = 5.0
"""Seconds for which an agent is waited for that cannot be reached."""
OWN_CHANGE = ("mailbox.set", "sales@contoso.example", "CustomAttribute15")
"""What a single change is: its action, its mailbox, and the attribute that gets the name of its run."""


@dataclass(frozen=True)
class Work:
    """What the process is to do.

    ``moment`` is the one at which it dies, 0 for none; ``room`` the bytes by which its files may grow, None for any.
    ``state`` is the folder in which processes of one machine wait in line.
    """

    what: Literal["apply", "resume", "single"]
    settings: Mapping[str, Any]
    journal: Path
    plan: Path
    run: str
    state: Path
    moment: int = 0
    room: int | None = None

    @property
    def said(self) -> Path:
        """The file with what went wrong."""
        return self.journal.with_name("said.txt")


class Death:
    """Counts the moments of a process, and ends it at one of them as kill -9 does."""

    def __init__(self, moment: int) -> None:
        self._left = moment

    def __call__(self) -> None:
        """One moment."""
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), DEADLY)

    def sending(self, call: Call) -> None:
        """As an observer: before a call is sent."""
        self()

    def record(self, call: Call, record: Record) -> None:
        """While it runs."""
        self()

    def finished(self, call: Call, outcome: Outcome) -> None:
        """When its answer is there, and nobody has written it down."""
        self()

    def progress(self, counts: Mapping[State, int], current: Call | None, note: str = "") -> None:
        """When an item was begun or has ended."""
        self()


class DyingJournal(Journal):
    """A journal with a moment before and after each thing that it writes."""

    death: Callable[[], None]

    def intend(self, run: str, items: Iterable[Planned]) -> None:
        """With a moment before and after it."""
        self.death()
        super().intend(run, items)
        self.death()

    def finish(self, run: str, items: Iterable[tuple[Planned, Outcome]]) -> None:
        """With a moment before and after it."""
        self.death()
        super().finish(run, items)
        self.death()

    def settle(self, run: str, outcome: Outcome, how: str) -> None:
        """With a moment before and after it."""
        self.death()
        super().settle(run, outcome, how)
        self.death()

    def plan(self, run: str, items: Iterable[Planned]) -> int:
        """With a moment before it, one when all is written but not on the disk, and one after it."""

        def and_then() -> Iterator[Planned]:
            yield from items
            self.death()

        self.death()
        count = super().plan(run, and_then())
        self.death()
        return count


def work(todo: Work) -> None:
    """Do it; the exit code says how it ended."""
    if sys.platform != "win32":
        # It is looked through for proxies at each request. Windows' own libraries need theirs.
        os.environ.clear()
    os.environ["XDG_STATE_HOME"] = os.environ["LOCALAPPDATA"] = str(todo.state)
    # Where it is when it does not come to its end.
    hanging = todo.said.with_name("hanging.txt").open("a", encoding="utf-8")
    faulthandler.dump_traceback_later(HANGING, file=hanging)
    _fill_disk(todo)
    try:
        code = _single(todo) if todo.what == "single" else _run(todo)
    except JournalRefused as error:
        code = _told(todo, REFUSED, error)
    except (JournalNotWritten, JournalNotRead) as error:
        code = _told(todo, NO_JOURNAL, error)
    except (AgentError, ExchangeError, UsageError) as error:
        code = _told(todo, NOT_DONE, error)
    except Exception:
        code = _told(todo, BROKEN, traceback.format_exc())
    faulthandler.cancel_dump_traceback_later()
    hanging.close()
    sys.exit(code)


def _run(todo: Work) -> int:
    """Apply or resume."""
    settings = load_settings(overrides=todo.settings, environ={}).settings
    patience = Patience(retries=2, throttle_pause=0.1, visibility=VISIBILITY)
    death = Death(todo.moment)
    with (
        DyingJournal(todo.journal) as journal,
        journal.holding(todo.run),
        Session(settings, SCRIPTS) as session,
    ):
        journal.death = death
        session.open()
        tools = Tools(
            journal=journal,
            sender=Sender(session, Runner(session, [death], patience), patience, unreachable=UNREACHABLE),
            sha256_of=lambda name: SCRIPTS.get(name).sha256,
            patience=patience,
            is_halted=lambda: False,
            progress=death.progress,
        )
        facts = RunFacts("batch", id=todo.run)
        if todo.what == "apply":
            ending = apply(read_plan(todo.plan), facts, tools)
        else:
            ending = resume(todo.run, facts, tools, retry_failed=True)
    return DONE if ending.how == "done" else NOT_DONE


def _single(todo: Work) -> int:
    """One change, as a command of its own makes it."""
    settings = load_settings(overrides=todo.settings, environ={}).settings
    action, mailbox, attribute = OWN_CHANGE
    (call,) = ACTIONS[action].calls({"mailbox": mailbox, "set": [f"{attribute}={todo.run}"]})
    patience = Patience(retries=2, throttle_pause=0.1, visibility=VISIBILITY)
    with Journal(todo.journal) as journal, Session(settings, SCRIPTS) as session:
        session.open()
        facts = RunFacts("single", id=todo.run)
        journal.begin(facts)
        observer = JournalObserver(
            journal, facts.id, sha256_of=lambda name: SCRIPTS.get(name).sha256, listener=lambda *_, **__: None
        )
        outcome = Runner(session, [observer], patience).run(call)
        observer.close()
        journal.end(facts.id, "done")
    ends = {Status.CHANGED: CHANGED, Status.UNCHANGED: UNCHANGED, Status.UNKNOWN: UNKNOWN}
    return ends.get(outcome.status, NOT_DONE)


def _told(todo: Work, code: int, error: BridgeError | str) -> int:
    """Write an error down, for which there is room on the disk again; the exit code."""
    _limit_files(None)
    with todo.said.open("a", encoding="utf-8") as file:
        file.write(f"{todo.what}: {error if isinstance(error, str) else error.message}\n")
    return code


def _fill_disk(todo: Work) -> None:
    """Let no file grow by more than ``room`` from now on: a write beyond that fails, as on a full disk."""
    if todo.room is not None:
        files = (todo.journal, todo.journal.with_name(f"{todo.journal.name}-wal"))
        _limit_files(todo.room + max((file.stat().st_size for file in files if file.exists()), default=0))


def _limit_files(size: int | None) -> None:
    """Let no file of this process become larger than so many bytes; None is any size. Windows has no such limit."""
    if sys.platform != "win32":
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (most if size is None else size, most))
