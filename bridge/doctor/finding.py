"""What one check found: data, made to be shown to people and programs alike.

    ok        as it should be
    warning   it works, and something is to be looked at
    failed    it does not work; what needs it is not tried
    skipped   not tried, because what it needs failed

Rules: a finding says one sentence of what was seen, and, unless all is well, one of what to do, with the very command.
Its ``cause`` is a stable word; it is the heading in docs/troubleshooting.md that explains it. An error's code is one.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from bridge.errors import BridgeError

PAGE = "docs/troubleshooting.md"


class Health(StrEnum):
    """How a check ended, the best first."""

    OK = "ok"
    SKIPPED = "skipped"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True)
class Seen:
    """What a check saw, before it is known which check it is: ``cause`` and ``remedy`` are empty when all is well."""

    status: Health
    seen: str
    cause: str = ""
    remedy: str = ""


@dataclass(frozen=True)
class Finding:
    """The result of the check ``name``. ``seconds`` is how long it took."""

    name: str
    status: Health
    seen: str
    cause: str = ""
    remedy: str = ""
    seconds: float = 0.0

    @property
    def link(self) -> str:
        """Where the documentation explains it; "" when there is nothing to explain."""
        return f"{PAGE}#{self.cause}" if self.cause else ""

    def as_json(self) -> dict[str, object]:
        """A row for programs."""
        return {
            "name": self.name,
            "status": str(self.status),
            "seen": self.seen,
            "remedy": self.remedy,
            "cause": self.cause,
            "link": self.link,
            "seconds": round(self.seconds, 3),
        }


def ok(seen: str) -> Seen:
    """All is well."""
    return Seen(Health.OK, seen)


def warning(cause: str, seen: str, remedy: str) -> Seen:
    """It works, and something is to be looked at."""
    return Seen(Health.WARNING, seen, cause, remedy)


def failed(cause: str, seen: str, remedy: str) -> Seen:
    """It does not work."""
    return Seen(Health.FAILED, seen, cause, remedy)


def of_error(error: BridgeError) -> Seen:
    """The error of a check as what it saw."""
    return Seen(Health.FAILED, error.message, error.code, error.remedy)
