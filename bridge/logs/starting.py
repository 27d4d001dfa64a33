"""The log as the settings want it: its file, its level, the secrets that it hides, what becomes of personal data."""

from __future__ import annotations

import base64
import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs
from pydantic import BaseModel, SecretStr

from bridge.logs.files import MEGABYTE
from bridge.logs.log import Log, configure
from bridge.settings import Settings
from bridge.settings.model import APP_NAME

if TYPE_CHECKING:
    from bridge.logs.log import Processor, Sink
    from bridge.logs.personal import PersonalData, Treatment


def log_of(settings: Settings, *, run: str, verbosity: int = 0, console: bool = True) -> Log:
    """Set the log up as ``[log]`` says. ``run`` stands on every line; ``verbosity`` and ``console`` see ``configure``.

    What of it cannot be written is told and left out; nothing is raised.
    """
    wanted = settings.log
    treatments: list[Processor] = [] if wanted.personal_data == "keep" else [personal_data(wanted.personal_data)]
    sinks: list[Sink] = []
    not_there = ""
    if wanted.event_log:
        from bridge.logs.event_log import EventLog

        try:
            sinks.append(EventLog())
        except OSError as error:
            not_there = str(error)
    log = configure(
        verbosity=verbosity,
        file=wanted.effective_file,
        file_level=wanted.level,
        max_bytes=wanted.max_size * MEGABYTE,
        keep_days=wanted.keep_days,
        secrets=(secret for _, secret in named_secrets(settings)),
        treatments=treatments,
        sinks=sinks,
        run=run,
        console=console,
    )
    if not_there:
        log.event("event log not written", level=logging.WARNING, error=not_there)
    return log


def personal_data(treatment: Treatment) -> PersonalData:
    """What treats names and addresses so, with this machine's key."""
    from bridge.logs.personal import PersonalData, machine_key

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
