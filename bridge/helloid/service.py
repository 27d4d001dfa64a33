"""Answers a request: from the bytes of its document to the bytes of the answer.

Rules:

- There is always an answer. What is wrong with the document, the settings, the agent, Exchange or the journal is an
  audit line with cause and remedy, and Success is false.
- A part that was done stays told when a later one could not be: what a handler wrote into the answer is kept.
- Whoever serves opens the desk: settings and a way to Exchange are had only once the document is known to be right.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from bridge.errors import BridgeError, Interrupted, UsageError
from bridge.helloid.answer import Answer, AuditLine, Exchange
from bridge.helloid.envelope import Request, request_of
from bridge.helloid.reading import held_by, task_of
from bridge.helloid.task import Contract, Step, Target, Task
from bridge.helloid.words import line_of_error
from bridge.helloid.writing import written
from bridge.settings import HelloIdSettings

Handler = Callable[[Task, Exchange, HelloIdSettings, Answer], None]

_MODULES = (
    "bridge.helloid.accounts",
    "bridge.helloid.account_changes",
    "bridge.helloid.account_import",
    "bridge.helloid.groups",
    "bridge.helloid.shared_mailboxes",
    "bridge.helloid.sub_permissions",
    "bridge.helloid.resources",
    "bridge.helloid.folders",
    "bridge.helloid.regional",
)
Hide = Callable[[str], str]
NOTHING_HIDDEN: Hide = str
"""Where no secret is known yet."""

ANSWERED = 0
REFUSED = UsageError.exit_code
"""The exit codes of a process that answers one request: whether its document was right."""


@dataclass(frozen=True)
class Desk:
    """What a task is done with. ``hide`` takes secrets out of a text."""

    settings: HelloIdSettings
    exchange: Exchange
    hide: Hide


class OpenDesk(Protocol):
    """Opens what a request needs; lines for its process log go to the answer. Raises BridgeError."""

    def __call__(self, request: Request, task: Task, answer: Answer, /) -> AbstractContextManager[Desk]:
        """A desk for this task."""


@dataclass(frozen=True)
class Response:
    """The answer's document, and whether the request's was right (``ANSWERED``) or not (``REFUSED``)."""

    document: bytes
    exit_code: int


def respond(document: bytes, open_desk: OpenDesk) -> Response:
    """The answer to a document; after a signal it tells what is known, with the exit code of ``Interrupted``."""
    answer = Answer()
    try:
        request = request_of(document)
    except UsageError as error:
        answer.audit.append(line_of_error(error))
        return Response(written(Contract.V2, None, answer, NOTHING_HIDDEN), REFUSED)
    exit_code, hide = ANSWERED, NOTHING_HIDDEN
    try:
        # What is held stays told, whatever keeps the task from being done.
        answer.sub_permissions = [
            {"DisplayName": one.display_name, "Reference": one.reference} for one in held_by(request)
        ]
        task = task_of(request)
        handle = _handler_of(task)
    except UsageError as error:
        answer.audit.append(line_of_error(error))
        return Response(written(request.contract, request.action, answer, hide), REFUSED)
    try:
        with open_desk(request, task, answer) as desk:
            hide = desk.hide
            handle(task, desk.exchange, desk.settings, answer)
    except BridgeError as error:
        exit_code = error.exit_code if isinstance(error, Interrupted) else ANSWERED
        answer.audit.append(line_of_error(error))
    except Exception as error:
        # Its text may hold anything; the log has it.
        answer.audit.append(
            AuditLine(
                f"Something went wrong that exo-bridge did not foresee ({type(error).__name__}). Look at its log.",
                is_error=True,
            )
        )
    return Response(written(request.contract, request.action, answer, hide), exit_code)


@functools.cache
def handlers() -> Mapping[tuple[Step, Target], Handler]:
    """Who does what: the ``HANDLERS`` of the modules."""
    found: dict[tuple[Step, Target], Handler] = {}
    for name in _MODULES:
        found |= importlib.import_module(name).HANDLERS
    return found


def _handler_of(task: Task) -> Handler:
    """Raises UsageError where nobody does that."""
    handle = handlers().get((task.step, task.target))
    if handle is None:
        raise UsageError(
            f"There is no {task.step} for {task.target}.", remedy="Use the wrapper script that is made for it."
        )
    return handle
