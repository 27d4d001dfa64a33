"""The words that every layer shares. Frozen data, no input or output.

A *call* is one action with its parameters. Running it ends in exactly one *outcome*:

    changed     Exchange accepted the change (with dry_run: it would be made)
    unchanged   nothing had to be done, or the action only reads; ``reason`` says which
    failed      provably not done; ``problem`` says why and what to do
    unknown     a change was sent and its answer was lost; it may or may not have been made

Rules: an unknown outcome is never turned into failed or changed without looking at Exchange. What is read is data and
goes into ``rows``. Everything here can be shown to a person or written to a file: no secret ever enters a call.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol


class Status(StrEnum):
    """How a call ended, the best first."""

    UNCHANGED = "unchanged"
    CHANGED = "changed"
    FAILED = "failed"
    UNKNOWN = "unknown"


_SEVERITY = {Status.UNCHANGED: 0, Status.CHANGED: 1, Status.FAILED: 2, Status.UNKNOWN: 3}


class Kind(StrEnum):
    """Whether an action only reads, or changes something in Exchange."""

    READ = "read"
    CHANGE = "change"


def new_id() -> str:
    """A new id for a run or a call: 32 lower-case hexadecimal digits."""
    return uuid.uuid4().hex


@dataclass(frozen=True)
class Call:
    """One action with its parameters, ready to run.

    ``parameters`` holds the options that were given, by their snake_case names: str, bool, int or list
    of str, never a secret. ``script`` is the script's name below the script folder, with ``/``. ``creates`` says that
    it makes a new object, which can be seen only later.
    """

    action: str
    script: str
    kind: Kind
    parameters: Mapping[str, Any]
    dry_run: bool = False
    creates: bool = False
    id: str = field(default_factory=new_id)

    @property
    def changes(self) -> bool:
        """Whether it changes something when it runs: it is no read and no dry run."""
        return self.kind is Kind.CHANGE and not self.dry_run


@dataclass(frozen=True)
class Record:
    """One record of a remote stream: verbose, debug, warning, information, progress or error."""

    stream: str
    message: str


@dataclass(frozen=True)
class RemoteError:
    """An error record of the remote pipeline, as its plain facts.

    ``reason`` is CategoryInfo.Reason; ``exception_type`` the .NET type named in an Exchange message, else that of
    the record, else ``""``; ``activity`` the cmdlet; ``category`` CategoryInfo.Category; ``position`` where in the
    scripts, the innermost place first; ``request_id`` Exchange's, for Microsoft's support; ``string_id`` names the
    text of an Exchange message; ``http_status`` is what Exchange answered a Get-EXO* cmdlet with, 0 when it was not
    told.
    """

    message: str
    reason: str = ""
    exception_type: str = ""
    error_id: str = ""
    activity: str = ""
    target: str = ""
    category: str = ""
    position: str = ""
    request_id: str = ""
    string_id: str = ""
    http_status: int = 0


@dataclass(frozen=True)
class Reply:
    """What came back from one pipeline: its output objects, its errors, and whether it ran to its end.

    ``output`` objects are dicts with snake_case keys. ``handed_on`` is how many objects went to an ``OnRow`` instead,
    as they came; they are not in ``output``.
    """

    output: Sequence[dict[str, Any]]
    errors: Sequence[RemoteError]
    warnings: Sequence[str]
    completed: bool
    handed_on: int = 0

    @property
    def ok(self) -> bool:
        """Completed, and nothing in the error stream: either alone proves nothing."""
        return self.completed and not self.errors


@dataclass(frozen=True)
class Identity:
    """The object that an action was about: Exchange's immutable id and a name for people."""

    id: str
    name: str


@dataclass(frozen=True)
class Problem:
    """Why a call failed or is unknown, and what to do.

    ``code`` is stable and stands in the catalogue; error type and id, category, position in the scripts and request id
    are those of Exchange or PowerShell.
    """

    code: str
    message: str
    remedy: str
    error_type: str = ""
    error_id: str = ""
    retry: bool = False
    category: str = ""
    position: str = ""
    request_id: str = ""

    def as_json(self) -> dict[str, Any]:
        """The problem as it stands in the JSON of an action (version 1)."""
        return {name: value for name, value in vars(self).items() if name != "retry"}


@dataclass(frozen=True)
class Outcome:
    """How one call ended. ``seconds`` is the time from sending to the answer; ``rows`` is what a read found.

    ``throttled_seconds`` is by how much Exchange slowed it down, as it says itself. Where the rows were handed on one
    by one, ``rows`` is empty and ``reason`` has their number.
    """

    action: str
    status: Status
    parameters: Mapping[str, Any]
    dry_run: bool = False
    reason: str = ""
    identity: Identity | None = None
    before: Mapping[str, Any] = field(default_factory=dict)
    after: Mapping[str, Any] = field(default_factory=dict)
    problem: Problem | None = None
    warnings: Sequence[str] = ()
    rows: Sequence[dict[str, Any]] = ()
    seconds: float = 0.0
    throttled_seconds: float = 0.0
    call_id: str = ""
    kind: Kind = Kind.CHANGE

    def as_json(self) -> dict[str, Any]:
        """The outcome as it stands in the JSON of an action (version 1), without its rows."""
        return {
            "action": self.action,
            "status": str(self.status),
            "dry_run": self.dry_run,
            "reason": self.reason,
            "identity": vars(self.identity).copy() if self.identity else None,
            "parameters": dict(self.parameters),
            "before": dict(self.before),
            "after": dict(self.after),
            "problem": self.problem.as_json() if self.problem else None,
            "warnings": list(self.warnings),
            "seconds": round(self.seconds, 3),
            "throttled_seconds": round(self.throttled_seconds, 3),
        }


def worst(outcomes: Sequence[Outcome]) -> Status:
    """The status of several outcomes together: unknown before failed before changed before unchanged."""
    return max((outcome.status for outcome in outcomes), key=_SEVERITY.__getitem__, default=Status.UNCHANGED)


class Runspace(Protocol):
    """Where a call runs: one remote runspace, connected to Exchange."""

    def run(
        self,
        script: str,
        parameters: Mapping[str, Any],
        on_record: OnRecord,
        *,
        call_id: str = "",
        on_row: OnRow | None = None,
    ) -> Reply:
        """Run the named script with these parameters (snake case) and wait for its end.

        ``call_id`` becomes the pipeline's id on the agent. With ``on_row`` each output object is handed on as it
        arrives and is not kept; once one was, the script is not sent again, whatever happens. Raises ``AgentError``
        when no reply can be had; its ``maybe_sent`` says whether the script may have run. Raises ``Interrupted`` when
        a signal ended the wait, and what ``on_row`` raises, after the pipeline was stopped.
        """


class OnRecord(Protocol):
    """Told of each remote record as it arrives."""

    def __call__(self, record: Record, /) -> None:
        """Take one record."""


class OnRow(Protocol):
    """Takes the output objects of a read one by one, as they arrive."""

    def __call__(self, row: dict[str, Any], /) -> None:
        """Take one object, with snake case keys."""


class Listener(Protocol):
    """Told what happens to the runspace itself: an event's name and its facts, none of them secret."""

    def __call__(self, event: str, /, **facts: Any) -> None:
        """Take one event."""


class Observer(Protocol):
    """Told what happens to each call. The runner knows no observer by name."""

    def sending(self, call: Call) -> None:
        """The call is about to be sent. An exception here keeps it from being sent."""

    def record(self, call: Call, record: Record) -> None:
        """A record arrived from the remote pipeline of this call."""

    def finished(self, call: Call, outcome: Outcome) -> None:
        """The call ended."""
