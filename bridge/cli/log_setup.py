"""The log of a command: set up as settings and options say, with its beginning, its end, and every error that ends it.

Rules: an error that nobody foresaw is written to the log with its traceback, which is shown nowhere else: only the log
knows which secrets to hide. What a command was given stands in the events of its calls; the line itself is not logged.
"""

from __future__ import annotations

import contextlib
import logging
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from bridge.errors import BridgeError, Interrupted, UsageError
from bridge.logs import Log
from bridge.logs.starting import log_of, personal_data
from bridge.program import program_version
from bridge.settings import Settings

if TYPE_CHECKING:
    from bridge.cli.options import Invocation
    from bridge.session.wire_trace import WireTrace

_TRACED = (
    "All that is said to the agent and back is written down, without the secrets, but with names, addresses and all "
    "that Exchange answers. Look at the file before you give it away, and delete it afterwards."
)


def start_log(invocation: Invocation, settings: Settings) -> Log:
    """Set the log up, and let the invocation know it."""
    invocation.log = log_of(settings, run=invocation.run, verbosity=invocation.options.verbose)
    return invocation.log


@contextlib.contextmanager
def logged(invocation: Invocation, settings: Settings, log: Log) -> Iterator[None]:
    """The beginning and the end of a command in its log, and the error that ended it."""
    agent = settings.agent
    log.event(
        "command",
        command=invocation.command,
        version=program_version(),
        agent=f"{agent.host}:{agent.effective_port}",
        named_runspace=agent.runspace_name,
    )
    start = time.monotonic()
    try:
        with told_when_unforeseen(log):
            yield
    finally:
        log.event("command ended", seconds=round(time.monotonic() - start, 3))


@contextlib.contextmanager
def told_when_unforeseen(log: Log) -> Iterator[None]:
    """Write the error that ends a command to the log, one that nobody foresaw with its traceback; raise it again."""
    try:
        yield
    except (typer.Exit, typer.TyperException):
        raise
    except BridgeError as error:
        level = logging.WARNING if isinstance(error, Interrupted) else logging.ERROR
        problem = {"code": error.code, "message": error.message, "remedy": error.remedy}
        log.event("command failed", level=level, problem=problem, **_causes(error))
        raise
    except Exception as error:
        log.event("unforeseen error", level=logging.ERROR, error=type(error).__name__, traceback=traceback.format_exc())
        raise


@contextlib.contextmanager
def wire_trace(file: Path | None, settings: Settings, log: Log) -> Iterator[WireTrace | None]:
    """The trace of the conversation with the agent, where one is wanted. Raises UsageError: it cannot be written."""
    if file is None:
        yield None
        return
    from bridge.session.wire_trace import WireTrace

    treatment = settings.log.personal_data
    addresses = personal_data(treatment).text if treatment != "keep" else str
    try:
        trace = WireTrace(file, lambda text: addresses(log.redaction.text(text)))
    except OSError as error:
        raise UsageError(f"--trace-wire: {file} cannot be written: {error.strerror or error}.") from error
    log.event("wire trace", level=logging.WARNING, message=_TRACED, file=str(file))
    try:
        yield trace
    finally:
        trace.close()


def _causes(error: BaseException) -> dict[str, list[str]]:
    """What lies below an error, the outermost first, with the types that tell what it was."""
    causes: list[str] = []
    cause = error.__cause__
    while cause is not None:
        causes.append(f"{type(cause).__module__}.{type(cause).__name__}: {cause}")
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
    return {"causes": causes} if causes else {}
