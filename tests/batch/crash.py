"""One process of a run that dies: it applies a plan or resumes a run, and kills itself at a moment that was chosen."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bridge.batch.applying import Tools, apply, resume
from bridge.batch.plan import read_plan
from bridge.batch.sending import OneByOne
from bridge.errors import AgentError, ExchangeError
from bridge.journal import Journal, Planned, RunFacts
from bridge.model import Call, Outcome, Record
from bridge.patience import Patience
from bridge.runner import Runner
from bridge.scripts import ScriptFolder
from bridge.session import Session
from bridge.settings import load_settings

DONE, NOT_DONE = 0, 3
if sys.platform == "win32":
    DEADLY = signal.SIGTERM
else:
    DEADLY = signal.SIGKILL


@dataclass(frozen=True)
class Work:
    """What the process is to do. ``moment`` is the one at which it dies, 0 for none; ``begin`` whether to begin it."""

    settings: Mapping[str, Any]
    journal: Path
    plan: Path
    run: str
    begin: bool
    moment: int
    state: str


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
        """With a moment inside."""

        def slowly() -> Iterator[Planned]:
            for item in items:
                self.death()
                yield item

        return super().plan(run, slowly())


def work(todo: Work) -> None:
    """Do it; the process ends with DONE or NOT_DONE."""
    os.environ["XDG_STATE_HOME"] = os.environ["LOCALAPPDATA"] = todo.state
    settings = load_settings(overrides=todo.settings, environ={}).settings
    scripts = ScriptFolder(None)
    death = Death(todo.moment)
    patience = Patience(retries=2, throttle_pause=0.1, visibility=1.5)
    try:
        with (
            DyingJournal(todo.journal) as journal,
            journal.holding(todo.run),
            Session(settings, scripts) as session,
        ):
            journal.death = death
            session.open()
            tools = Tools(
                journal=journal,
                sender=OneByOne(Runner(session, [death], patience)),
                sha256_of=lambda name: scripts.get(name).sha256,
                patience=patience,
                is_halted=lambda: False,
                progress=lambda _counts, _current: None,
            )
            facts = RunFacts("batch", id=todo.run)
            if todo.begin:
                ending = apply(read_plan(todo.plan), facts, tools)
            else:
                ending = resume(todo.run, facts, tools, retry_failed=True)
    except (AgentError, ExchangeError) as error:
        sys.stderr.write(f"{error.code}: {error.message}\n")
        sys.exit(NOT_DONE)
    sys.exit(DONE if ending.how == "done" else NOT_DONE)
