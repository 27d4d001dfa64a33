"""Reads a log again: what belongs to a run or a call, from some moment on; also while it is written.

Rules: the files that the log was before are read too, the oldest first. No file is kept open, so that it can be renamed
meanwhile. A line that is none of ours is passed over and counted.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from bridge.logs.files import renamed_files
from bridge.logs.log import LEVELS

_POLL_SECONDS = 0.5
# What says that a run did something, or could not.
_TELLING = frozenset(("sending", "batch sent", "command failed", "unforeseen error"))
_AT_ONCE = 2**20


class LogReader:
    """The lines of the log ``path``. ``passed_over`` is how many lines could not be read so far."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.passed_over = 0
        # Where the reading of the file ``path`` stands, and which file that was: a rename gives it another one.
        self._position = 0
        self._file_id = 0

    @property
    def is_there(self) -> bool:
        """Whether there is such a log, under its own name or one that it was given since."""
        return self.path.exists() or any(renamed_files(self.path))

    def events(self, *, follow: bool = False) -> Iterator[dict[str, Any]]:
        """Every event, in the order of the files; with ``follow`` what comes later too, without an end.

        Raises OSError when a file that is there cannot be read.
        """
        known: set[Path] = set()
        while True:
            renamed = [file for file in renamed_files(self.path) if file not in known]
            for file in renamed:
                # What was read as the log itself until now is the first of them, and is read on.
                yield from self._rest(file, self._position)
                self._position = self._file_id = 0
            known.update(renamed)
            events = self._current(known)
            yield from events or ()
            if not events and events is not None and not renamed:
                if not follow:
                    return
                time.sleep(_POLL_SECONDS)

    def _rest(self, file: Path, position: int) -> Iterator[dict[str, Any]]:
        """What a file that nobody writes any more has from a position on."""
        after = -1
        while position != after:
            after = position
            events: list[dict[str, Any]] = []
            with suppress(FileNotFoundError), file.open("rb") as stream:
                events, position = self._chunk(stream, position)
            yield from events

    def _current(self, known: set[Path]) -> list[dict[str, Any]] | None:
        """What was written to the log itself since it was last looked at, as much as is read at once.

        None when it was renamed since the ``known`` renamed ones were looked for: these come first.
        """
        with suppress(FileNotFoundError), self.path.open("rb") as stream:
            file_id = os.fstat(stream.fileno()).st_ino
            if not known.issuperset(renamed_files(self.path)):
                return None
            if file_id != self._file_id:
                self._position = 0
            self._file_id = file_id
            events, self._position = self._chunk(stream, self._position)
            return events
        return []

    def _chunk(self, stream: BinaryIO, position: int) -> tuple[list[dict[str, Any]], int]:
        """Some whole lines from a position on, and the position after them."""
        stream.seek(position)
        data = stream.read(_AT_ONCE)
        if b"\n" not in data:
            data += stream.read()
        end = data.rfind(b"\n") + 1
        events = [event for line in data[:end].split(b"\n")[:-1] if (event := self._event(line)) is not None]
        return events, position + end

    def _event(self, line: bytes) -> dict[str, Any] | None:
        try:
            event = json.loads(line)
        except ValueError:
            event = None
        if isinstance(event, dict) and "event" in event:
            return event
        self.passed_over += 1
        return None


def last_run(path: Path, other_than: str = "") -> str:
    """The last run in a log that sent something, or could not; where there is none the last of all, "" for none.

    So it is not a look at what went wrong before. Raises OSError.
    """
    last = last_that_tells = ""
    for event in LogReader(path).events():
        run = str(event.get("run", ""))
        if run and run != other_than:
            last = run
            if event.get("event") in _TELLING:
                last_that_tells = run
    return last_that_tells or last


@dataclass(frozen=True)
class Wanted:
    """What is wanted of a log; what is empty is not asked for.

    ``run`` and ``item`` are ids or beginnings of them, in small letters; ``since`` is a moment as the log spells it
    (UTC, ISO 8601); ``level`` the least.
    """

    run: str = ""
    item: str = ""
    since: str = ""
    level: str = ""

    def __call__(self, event: dict[str, Any]) -> bool:
        """Whether the event is wanted."""
        if self.run and not str(event.get("run", "")).lower().startswith(self.run):
            return False
        if self.since and str(event.get("time", "")) < self.since:
            return False
        if self.level and LEVELS.get(str(event.get("level")), 0) < LEVELS[self.level]:
            return False
        # A pipeline has its call's id, spelt as a GUID.
        ids = (str(event.get("call", "")), str(event.get("pipeline", "")).replace("-", ""))
        return not self.item or any(one.lower().startswith(self.item) for one in ids)
