"""The log: on the console for people, in a file as JSON lines, on Windows in the Event Log too.

Rules:

- A secret never reaches any of them. Every value of every event passes ``Redaction``, which knows the secrets of the
  settings and whatever is added later (a token); nothing is trusted to be harmless because of where it came from.
- The console shows warnings about the runspace, and nothing that the command tells itself; with ``-v`` what is done on
  the agent and in Exchange; with ``-vv`` round trips and timings too. The file has its own level.
- A log that cannot be written never fails an action: that is said once, on the console, and the action goes on.
- What a line says about a call it says in fields: run, call, action, script, runspace, pipeline. A pipeline has the id
  of its call; only a repetition, and what the session itself runs, has another.
- pypsrp's and urllib3's own loggers print payloads at DEBUG and stay at WARNING whatever is asked for.
"""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Literal, Protocol

import structlog

from bridge.logs.files import LogFile
from bridge.logs.people import USUAL, line_for_people
from bridge.logs.redaction import Event, Redaction

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
LevelName = Literal["warning", "info", "debug"]

# At which level an event of the session or a remote record is told; what is not named here is info.
_EVENT_LEVELS = {
    "round trip": logging.DEBUG,
    "pipeline ended": logging.DEBUG,
    "debug": logging.DEBUG,
    "progress": logging.DEBUG,
    "warning": logging.WARNING,
    "error": logging.WARNING,
    "cmdlets missing": logging.WARNING,
    "runspace not disconnected": logging.WARNING,
    "runspace not closed": logging.WARNING,
    "pipeline not closed": logging.WARNING,
    "waiting for the runspace": logging.WARNING,
    "runspace lost": logging.WARNING,
    "runspace replaced": logging.WARNING,
    "line not kept": logging.WARNING,
    "outcome not in the journal": logging.ERROR,
    "run not ended in the journal": logging.ERROR,
}
# What a command tells in its own words when it ends.
_TOLD_AT_THE_END = frozenset(("command failed", "unforeseen error"))
_STARTS = frozenset(("script sent", "batch sent"))
# What of the context is ours; a program that uses structlog itself has more there.
_BOUND = ("run", "runspace", "pipeline")


class Processor(Protocol):
    """Changes an event on its way to the sinks; a processor of structlog."""

    def __call__(self, logger: Any, method: str, event: Event, /) -> Event:
        """The event as it goes on."""


class Sink(Protocol):
    """Where events end up."""

    def msg(self, event: str, *, level: int, **facts: Any) -> None:
        """Take one event; may raise nothing."""

    def close(self) -> None:
        """No event comes any more."""


class Log:
    """Where events go: through ``redaction`` and ``treatments`` to every sink."""

    def __init__(
        self, redaction: Redaction, sinks: Iterable[Sink], file: Path | None, treatments: Iterable[Processor] = ()
    ) -> None:
        self.redaction = redaction
        self.file = file
        self._sinks = list(sinks)
        self._logger = structlog.wrap_logger(
            _Sinks(self._sinks),
            processors=[structlog.contextvars.merge_contextvars, redaction, *treatments],
            wrapper_class=structlog.BoundLogger,
        )

    def event(self, event: str, /, *, level: int | None = None, **facts: Any) -> None:
        """Log one event. Never raises."""
        chosen = _EVENT_LEVELS.get(event, logging.INFO) if level is None else level
        with contextlib.suppress(Exception):
            self._logger.bind().msg(event, level=chosen, **facts)

    def listen(self, event: str, /, **facts: Any) -> None:
        """A ``bridge.model.Listener`` for a session: its runspace, and its pipeline while there is one, on each line.

        Never raises.
        """
        if "runspace" in facts:
            structlog.contextvars.bind_contextvars(runspace=facts["runspace"])
        if event in _STARTS:
            structlog.contextvars.bind_contextvars(pipeline=facts["pipeline"])
        self.event(event, **facts)
        if event == "pipeline ended":
            structlog.contextvars.unbind_contextvars("pipeline")

    def of_run(self, run: str) -> None:
        """From now on a line is of this run, where a process answers several."""
        structlog.contextvars.bind_contextvars(run=run)

    def close(self) -> None:
        """End the log of this command."""
        structlog.contextvars.unbind_contextvars(*_BOUND)
        for sink in self._sinks:
            sink.close()


def configure(
    *,
    verbosity: int = 0,
    file: Path | None = None,
    file_level: str = "info",
    max_bytes: int = 0,
    keep_days: int = 0,
    secrets: Iterable[str] = (),
    treatments: Iterable[Processor] = (),
    sinks: Iterable[Sink] = (),
    stream: IO[str] | None = None,
    run: str = "",
    console: bool = True,
) -> Log:
    """Set logging up for one command.

    ``verbosity`` is the number of ``-v``; ``file_level`` is ``debug``, ``info`` or ``warning``; ``max_bytes`` and
    ``keep_days`` see ``LogFile``; ``treatments`` change events after the secrets were hidden; ``sinks`` take what the
    console and the file take; ``stream`` is stderr unless given; ``run`` stands on every line. Without ``console``
    nothing is told to people but what they must know of the log itself. A file that cannot be opened is told on the
    console, and left out.
    """
    for name in ("pypsrp", "urllib3", "spnego", "requests"):
        logging.getLogger(name).setLevel(logging.WARNING)
        # Without a handler of ours Python would print their tracebacks, unredacted.
        logging.getLogger(name).addHandler(logging.NullHandler())
        logging.getLogger(name).propagate = False
    structlog.contextvars.unbind_contextvars(*_BOUND)
    if run:
        structlog.contextvars.bind_contextvars(run=run)
    least = {0: logging.WARNING, 1: logging.INFO}.get(verbosity, logging.DEBUG)
    terminal = _Console(stream or sys.stderr, least)
    lines = None
    if file is not None:
        try:
            lines = _JsonLines(LogFile(file, max_bytes=max_bytes, keep_days=keep_days), min(LEVELS[file_level], least))
        except OSError as error:
            terminal.msg(
                "log file not written", level=logging.WARNING, file=str(file), error=error.strerror or str(error)
            )
    everywhere: list[Sink] = [*([terminal] if console else []), *([lines] if lines else []), *sinks]
    return Log(Redaction(secrets), everywhere, file if lines else None, treatments)


class _Sinks:
    """What structlog writes to: each sink takes the events that are not below its level."""

    def __init__(self, sinks: list[Sink]) -> None:
        self._sinks = sinks

    def msg(self, event: str, *, level: int, **facts: Any) -> None:
        for sink in self._sinks:
            sink.msg(event, level=level, **facts)


class _Console:
    """One line an event, for people."""

    def __init__(self, stream: IO[str], level: int) -> None:
        self._stream = stream
        self._level = level
        self._hidden = USUAL if level <= logging.DEBUG else USUAL | {"traceback"}

    def msg(self, event: str, *, level: int, **facts: Any) -> None:
        if level < self._level:
            return
        if self._level >= logging.WARNING and ("call" in facts or event in _TOLD_AT_THE_END):
            # Without -v the outcome itself tells what went wrong in a call, and the command what ended it.
            return
        now = f"{datetime.now():%H:%M:%S}"  # noqa: DTZ005 - for people
        line = line_for_people(now, level_name(level), {"event": event, **facts}, self._hidden)
        encoding = getattr(self._stream, "encoding", None) or "utf-8"
        with contextlib.suppress(OSError, ValueError):
            self._stream.write(line.encode(encoding, "replace").decode(encoding) + "\n")
            self._stream.flush()

    def close(self) -> None:
        """Nothing: the stream is somebody else's."""


class _JsonLines:
    """One JSON object a line, written at once."""

    def __init__(self, file: LogFile, level: int) -> None:
        self._file = file
        self._level = level
        self._failed = False

    def msg(self, event: str, *, level: int, **facts: Any) -> None:
        if level < self._level or self._failed:
            return
        moment = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        line: Mapping[str, Any] = {"time": moment, "level": level_name(level), "event": event, **facts}
        try:
            self._file.write(line)
        except (OSError, ValueError) as error:
            self._failed = True
            print(  # noqa: T201 - it is said once, where there is no log to say it
                f"The log file {self._file.path} cannot be written any more: {error}", file=sys.stderr
            )

    def close(self) -> None:
        self._file.close()
        self._failed = True


def level_name(level: int) -> str:
    """A level of logging as the log spells it."""
    return logging.getLevelName(level).lower()
