"""What the tenant hands out: replies, errors in the shape of Exchange's records, and one record per cmdlet.

The shape of an error is that of ExchangeOnlineManagement 3.x (observed records, e.g. DLConversionV2 issue 129): the
message is ``<stringId>|<.NET type>|<text>``, ``CategoryInfo.Reason`` the short type name, ``FullyQualifiedErrorId`` a
correlation id followed by ``,Write-ErrorMessage``. Errors that PowerShell itself raises (a cmdlet or a parameter that
is not there) have PowerShell's own shape and end the statement.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


class CmdletError(Exception):
    """One ErrorRecord of a cmdlet.

    ``reason`` is CategoryInfo.Reason (the short exception name), ``exception_type`` the full .NET name, ``error_id``
    the FullyQualifiedErrorId (empty until the connection stamps it), ``category`` the name of the ErrorCategory,
    ``activity`` the cmdlet and ``target`` the target's text. ``terminating`` says whether it ends the statement
    whatever -ErrorAction is; Exchange's own errors do not (the module writes them with Write-Error).
    """

    def __init__(
        self,
        message: str,
        *,
        reason: str,
        exception_type: str,
        error_id: str = "",
        category: str = "NotSpecified",
        activity: str = "",
        target: str = "",
        terminating: bool = False,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason
        self.exception_type = exception_type
        self.error_id = error_id
        self.category = category
        self.activity = activity
        self.target = target
        self.terminating = terminating

    def copy(self) -> CmdletError:
        """The same record again, unraised; so that one prepared error can be given out several times."""
        return CmdletError(
            self.message,
            reason=self.reason,
            exception_type=self.exception_type,
            error_id=self.error_id,
            category=self.category,
            activity=self.activity,
            target=self.target,
            terminating=self.terminating,
        )

    def to_dict(self) -> dict[str, Any]:
        """The fields by name, for JSON."""
        names = ("message", "reason", "exception_type", "error_id", "category", "activity", "target", "terminating")
        return {name: getattr(self, name) for name in names}


@dataclass
class Reply:
    """What one cmdlet wrote: rows, warnings, and the errors that did not end the statement."""

    output: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    errors: list[CmdletError] = field(default_factory=list)


@dataclass(frozen=True)
class CmdletRecord:
    """One cmdlet that the tenant executed or refused.

    ``time`` is seconds since the epoch by the tenant's clock, ``parameters`` has secrets masked as ``***``,
    ``changed`` says whether anything in the tenant is different now, ``error`` is the full .NET type or None.
    """

    time: float
    cmdlet: str
    parameters: dict[str, Any]
    changed: bool
    error: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """The fields by name, for one line of a log."""
        return dataclasses.asdict(self)


class TenantFileError(Exception):
    """A tenant file that cannot be right: which file, which key or line, and what would be right."""

    def __init__(self, path: Path | str, place: str, message: str) -> None:
        super().__init__(f"{path}: {place}: {message}" if place else f"{path}: {message}")
        self.path = str(path)
        self.place = place
        self.message = message
