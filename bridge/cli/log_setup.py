"""The log of a command: set up as settings and options say, with its beginning, its end, and every error that ends it.

Rules: an error that nobody foresaw is written to the log with its traceback, which is shown nowhere else: only the log
knows which secrets to hide. What a command was given stands in the events of its calls; the line itself is not logged.
"""

from __future__ import annotations

import base64
import contextlib
import logging
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs
import typer
from pydantic import BaseModel, SecretStr

from bridge.cli.program import program_version
from bridge.errors import BridgeError, Interrupted, UsageError
from bridge.logs import Log, configure
from bridge.logs.files import MEGABYTE
from bridge.settings import Settings

if TYPE_CHECKING:
    from bridge.cli.options import Invocation
    from bridge.logs.log import Processor, Sink
    from bridge.logs.personal import PersonalData, Treatment
    from bridge.session.wire_trace import WireTrace

_TRACED = (
    "All that is said to the agent and back is written down, without the secrets, but with names, addresses and all "
    "that Exchange answers. Look at the file before you give it away, and delete it afterwards."
)


def start_log(invocation: Invocation, settings: Settings) -> Log:
    """Set the log up, and let the invocation know it."""
    options, wanted = invocation.options, settings.log
    treatments: list[Processor] = [] if wanted.personal_data == "keep" else [personal_data(wanted.personal_data)]
    sinks: list[Sink] = []
    not_there = ""
    if wanted.event_log:
        from bridge.logs.event_log import EventLog

        try:
            sinks.append(EventLog())
        except OSError as error:
            not_there = str(error)
    invocation.log = configure(
        verbosity=options.verbose,
        file=wanted.effective_file,
        file_level=wanted.level,
        max_bytes=wanted.max_size * MEGABYTE,
        keep_days=wanted.keep_days,
        secrets=(secret for _, secret in named_secrets(settings)),
        treatments=treatments,
        sinks=sinks,
        run=invocation.run,
    )
    if not_there:
        invocation.log.event("event log not written", level=logging.WARNING, error=not_there)
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


def personal_data(treatment: Treatment) -> PersonalData:
    """What treats names and addresses so, with this machine's key."""
    from bridge.logs.personal import PersonalData, machine_key
    from bridge.settings.model import APP_NAME

    key = machine_key(Path(platformdirs.user_data_dir(APP_NAME, appauthor=False))) if treatment == "hash" else b""
    return PersonalData(treatment, key)


def named_secrets(settings: Settings) -> Iterator[tuple[str, str]]:
    """Every secret value of the settings, and the key it is of; also the content of a PFX file that they name."""
    yield from _secrets(settings, "")
    file = settings.exchange.certificate_pfx_file
    if file is not None:
        # Whoever needs it says that it cannot be read.
        with contextlib.suppress(OSError):
            yield "exchange.certificate_pfx_file", base64.b64encode(file.read_bytes()).decode("ascii")


def _secrets(model: BaseModel, section: str) -> Iterator[tuple[str, str]]:
    for name in type(model).model_fields:
        value = getattr(model, name)
        if isinstance(value, SecretStr):
            text = value.get_secret_value()
            yield f"{section}{name}", text
            # base64 on several lines is sent as one.
            if len(text.split()) > 1 and name == "certificate_pfx":
                yield f"{section}{name}", "".join(text.split())
        elif isinstance(value, BaseModel):
            yield from _secrets(value, f"{name}.")
