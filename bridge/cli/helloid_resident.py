"""How the resident process answers: with its settings, its log, and a session and a journal that stay open.

Rules:

- A request for other settings than this process has is refused, so that it never reaches another organization. One that
  names no settings is served only where this process was not told any either.
- Each request is a run of its own, in the log and in the journal.
- What a request needs is imported before the first one comes.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

from bridge.cli.log_setup import told_when_unforeseen
from bridge.cli.running import Running
from bridge.errors import Interrupted, RunspaceBusy
from bridge.helloid.answer import Answer
from bridge.helloid.desk import desk_at, time_to_work
from bridge.helloid.envelope import Request
from bridge.helloid.resident.warm import WarmJournal, WarmSession
from bridge.helloid.service import Desk, handlers, respond
from bridge.helloid.task import Task
from bridge.model import new_id
from bridge.session import Session


class Resident:
    """Answers requests with the settings, the log and the warm session of this process.

    ``is_told`` says that the process was told its settings file, and did not find it by itself. ``was_stopped`` says
    that a signal stopped a call.
    """

    def __init__(self, running: Running, *, is_told: bool) -> None:
        handlers()  # whose modules the first request would else wait for
        settings = running.settings
        self._running = running
        self._is_told = is_told
        self._warm = WarmSession(running.session, min(settings.helloid.linger, settings.agent.abandoned_after / 3))
        self._journal = WarmJournal(running.open_journal)
        self._file = _normal(running.loaded.file)
        self.was_stopped = False

    def refusal(self, settings: str) -> tuple[str, str] | None:
        """See ``server.Answering``."""
        if (not settings and not self._is_told) or (settings and _normal(Path(settings)) == self._file):
            return None
        ours = self._running.loaded.file or "no settings file"
        return "settings-differ", f"The process that stays uses {ours}; the request is for {settings or 'none named'}."

    def answer(self, document: bytes) -> bytes:
        """See ``server.Answering``."""
        self._running.run_id = new_id()
        self._running.log.of_run(self._running.run_id)
        try:
            response = respond(document, self._desk)
            self.was_stopped = self.was_stopped or response.exit_code == Interrupted.exit_code
            return response.document
        finally:
            self._warm.used()

    def busy(self, document: bytes) -> bytes:
        """See ``server.Answering``."""
        return respond(document, _no_desk).document

    def rest(self) -> None:
        """See ``server.Answering``."""
        if self._warm.is_due:
            self.leave()

    def leave(self) -> None:
        """Let go of the runspace and the journal."""
        self._warm.leave()
        self._journal.close()

    @contextlib.contextmanager
    def _desk(self, request: Request, task: Task, answer: Answer) -> Iterator[Desk]:
        running = self._running
        seconds = time_to_work(request.deadline or running.settings.helloid.deadline)
        running.deadline, until = seconds, time.monotonic() + seconds

        def open_runspace() -> Session:
            return self._warm.open(max(0.0, until - time.monotonic()))

        desk = desk_at(running, open_runspace, task, answer, open_journal=self._journal.open)
        with told_when_unforeseen(running.log), desk as opened:
            yield opened


def _no_desk(_request: Request, _task: Task, _answer: Answer) -> contextlib.AbstractContextManager[Desk]:
    raise RunspaceBusy(
        "Other requests took all of the time that this one had; nothing was sent.",
        remedy="HelloID tries again; where it happens often, let HelloID do fewer actions at once.",
    )


def _normal(path: Path | None) -> str:
    """A file's path in one spelling."""
    return os.path.normcase(path.expanduser().resolve()) if path else ""
