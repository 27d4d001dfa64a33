"""The log: on the console for people, in a file as JSON lines.

Rules:

- A secret never reaches either. Every value of every event passes ``Redaction``, which knows the secrets of the
  settings and whatever is added later (a token); nothing is trusted to be harmless because of where it came from.
- The console shows warnings about the runspace; with ``-v`` what is done on the agent and in Exchange; with ``-vv``
  round trips and timings too. The file has its own level.
- A log that cannot be written never fails an action: that is said once, on the console, and the action goes on.
- What a line says about a call it says in fields: run, call, action, script, runspace.
- pypsrp's and urllib3's own loggers print payloads at DEBUG and stay at WARNING whatever is asked for.
"""

from __future__ import annotations

import base64
import contextlib
import json
import logging
import sys
import threading
import urllib.parse
from collections.abc import Iterable, Mapping, MutableMapping
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import structlog

from bridge.model import Call, Outcome, Record, Status

MASK = "********"
LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING}

# At which level an event of the session or a remote record is told; what is not named here is info.
_EVENT_LEVELS = {
    "round trip": logging.DEBUG,
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
}

Event = MutableMapping[str, Any]


class Redaction:
    """Replaces secrets by ``********`` in everything that is logged, also where they are encoded.

    Plain, JSON-escaped, URL-encoded and base64 (also as UTF-16, as PowerShell does) are recognised. A secret shorter
    than three characters cannot be told from other text, and is not looked for.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._forms: tuple[str, ...] = ()
        for secret in secrets:
            self.add(secret)

    def add(self, secret: str) -> None:
        """One more secret to hide from now on."""
        if len(secret) >= 3:
            self._forms = tuple(sorted({*self._forms, *_forms(secret)}, key=len, reverse=True))

    def text(self, text: str) -> str:
        """The text without secrets."""
        for form in self._forms:
            if form in text:
                text = text.replace(form, MASK)
        return text

    def value(self, value: Any) -> Any:
        """A value of an event without secrets; what is not plain data becomes its text."""
        if value is None or isinstance(value, bool | int | float):
            return value
        if isinstance(value, Mapping):
            return {self.text(str(key)): self.value(item) for key, item in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self.value(item) for item in value]
        return self.text(str(value))

    def __call__(self, _logger: Any, _method: str, event: Event) -> Event:
        """As a processor of structlog."""
        return {self.text(key): self.value(value) for key, value in event.items()}


def _forms(secret: str) -> set[str]:
    """How a secret can look in a text."""
    data = secret.encode("utf-8", "surrogatepass")
    wide = secret.encode("utf-16-le", "surrogatepass")
    return {
        secret,
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        repr(secret)[1:-1],
        urllib.parse.quote(data, safe=""),
        urllib.parse.quote_plus(data),
        base64.b64encode(data).decode().rstrip("="),
        base64.b64encode(wide).decode().rstrip("="),
    }


class Log:
    """Where events go: ``redaction`` for all of them, a console and a file."""

    def __init__(self, redaction: Redaction, console: _Console, file: _JsonLines | None) -> None:
        self.redaction = redaction
        self._logger = structlog.wrap_logger(
            _Sinks([console, *([file] if file else [])]),
            processors=[structlog.contextvars.merge_contextvars, redaction],
            wrapper_class=structlog.BoundLogger,
        )
        self._file = file

    @property
    def file(self) -> Path | None:
        """The file that is written, or None."""
        return self._file.path if self._file else None

    def event(self, event: str, /, *, level: int | None = None, **facts: Any) -> None:
        """Log one event. Never raises."""
        chosen = _EVENT_LEVELS.get(event, logging.INFO) if level is None else level
        with contextlib.suppress(Exception):
            self._logger.bind().msg(event, level=chosen, **facts)

    def listen(self, event: str, /, **facts: Any) -> None:
        """A ``bridge.model.Listener`` for a session: its runspace is on every line from then on."""
        if "runspace" in facts:
            structlog.contextvars.bind_contextvars(runspace=facts["runspace"])
        self.event(event, **facts)

    def close(self) -> None:
        """End the file."""
        structlog.contextvars.clear_contextvars()
        if self._file:
            self._file.close()


def configure(
    *,
    verbosity: int = 0,
    file: Path | None = None,
    file_level: str = "info",
    secrets: Iterable[str] = (),
    stream: IO[str] | None = None,
    run: str = "",
) -> Log:
    """Set logging up for one command.

    ``verbosity`` is the number of ``-v``; ``file_level`` is ``debug``, ``info`` or ``warning``; ``stream`` is stderr
    unless given; ``run`` stands on every line. A file that cannot be opened is told on the console, and left out.
    """
    for name in ("pypsrp", "urllib3", "spnego", "requests"):
        logging.getLogger(name).setLevel(logging.WARNING)
        # Without a handler of ours Python would print their tracebacks, unredacted.
        logging.getLogger(name).addHandler(logging.NullHandler())
        logging.getLogger(name).propagate = False
    structlog.contextvars.clear_contextvars()
    if run:
        structlog.contextvars.bind_contextvars(run=run)
    redaction = Redaction(secrets)
    console = _Console(stream or sys.stderr, {0: logging.WARNING, 1: logging.INFO}.get(verbosity, logging.DEBUG))
    lines = None
    if file is not None:
        level = min(LEVELS[file_level], {0: logging.WARNING, 1: logging.INFO}.get(verbosity, logging.DEBUG))
        try:
            lines = _JsonLines(file, level)
        except OSError as error:
            console.msg(
                "log file not written", level=logging.WARNING, file=str(file), error=error.strerror or str(error)
            )
    return Log(redaction, console, lines)


class LogObserver:
    """Tells a log what happens to each call."""

    def __init__(self, log: Log) -> None:
        self._log = log

    def sending(self, call: Call) -> None:
        """The call, with its parameters."""
        self._log.event("sending", **_about(call), parameters=dict(call.parameters), dry_run=call.dry_run)

    def record(self, call: Call, record: Record) -> None:
        """A record of the remote pipeline."""
        self._log.event(record.stream, **_about(call), message=record.message)

    def finished(self, call: Call, outcome: Outcome) -> None:
        """How it ended, and why."""
        level = logging.WARNING if outcome.status in (Status.FAILED, Status.UNKNOWN) else logging.INFO
        facts: dict[str, Any] = {"status": str(outcome.status), "seconds": round(outcome.seconds, 3)}
        if outcome.reason:
            facts["reason"] = outcome.reason
        if outcome.identity:
            facts["identity"] = vars(outcome.identity)
        if outcome.before or outcome.after:
            facts |= {"before": dict(outcome.before), "after": dict(outcome.after)}
        if outcome.problem:
            facts["problem"] = vars(outcome.problem)
        self._log.event("finished", level=level, **_about(call), **facts)


def _about(call: Call) -> dict[str, Any]:
    return {"call": call.id, "action": call.action, "script": call.script}


class _Sinks:
    """What structlog writes to: each sink takes the events that are not below its level."""

    def __init__(self, sinks: list[_Console | _JsonLines]) -> None:
        self._sinks = sinks

    def msg(self, event: str, *, level: int, **facts: Any) -> None:
        for sink in self._sinks:
            sink.msg(event, level=level, **facts)


class _Console:
    """One line an event: time, level, event, fields. No colour: colour is for tables."""

    # What a person sees on the lines around anyway, or can look up in the file.
    _HIDDEN = frozenset(("run", "call", "script", "runspace"))

    def __init__(self, stream: IO[str], level: int) -> None:
        self._stream = stream
        self._level = level

    def msg(self, event: str, *, level: int, **facts: Any) -> None:
        if level < self._level or (self._level >= logging.WARNING and "call" in facts):
            # Without -v the outcome itself tells what went wrong in a call.
            return
        message = facts.pop("message", None)
        hidden = self._HIDDEN if self._level <= logging.DEBUG else self._HIDDEN | {"traceback"}
        fields = [f"{key}={_shown(value)}" for key, value in facts.items() if key not in hidden]
        said = f"{event}: {message}" if message is not None else event
        name = logging.getLevelName(level).lower()
        line = " ".join([f"{datetime.now():%H:%M:%S}", f"{name:<7}", said, *fields])  # noqa: DTZ005 - for people
        encoding = getattr(self._stream, "encoding", None) or "utf-8"
        with contextlib.suppress(OSError, ValueError):
            self._stream.write(line.encode(encoding, "replace").decode(encoding) + "\n")
            self._stream.flush()


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return value if value and not set(value) & set(" ='\"\n") else json.dumps(value, ensure_ascii=False)
    return json.dumps(value, ensure_ascii=False, default=str)


class _JsonLines:
    """One JSON object a line, written at once. Raises OSError when the file cannot be opened."""

    def __init__(self, path: Path, level: int) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._level = level
        self._lock = threading.Lock()
        self._file = path.open("a", encoding="utf-8", newline="\n")
        self._failed = False

    def msg(self, event: str, *, level: int, **facts: Any) -> None:
        if level < self._level or self._failed:
            return
        moment = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        line = {"time": moment, "level": logging.getLevelName(level).lower(), "event": event, **facts}
        try:
            with self._lock:
                self._file.write(json.dumps(line, ensure_ascii=False, default=str) + "\n")
                self._file.flush()
        except (OSError, ValueError) as error:
            self._failed = True
            print(f"The log file {self.path} cannot be written any more: {error}", file=sys.stderr)  # noqa: T201

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._file.close()
