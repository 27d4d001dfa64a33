"""The answer to a task while it is made: audit lines, references, data; both contracts are written from it.

Rules:

- There is success only when something says so, no audit line is an error, and no part was left undone.
- Each part has one audit line, and its words say what became of it: done, already so, skipped because it is gone, would
  be done, failed with cause and remedy, unknown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from bridge.helloid.references import AccountReference
from bridge.model import OnRow, Outcome

if TYPE_CHECKING:
    from bridge.helloid.schemas import ListedPermission, ListedSubPermission


@dataclass(frozen=True)
class AuditLine:
    """One line of HelloID's audit log. ``action`` is one of HelloID's own words, "" for that of the step."""

    message: str
    is_error: bool = False
    action: str = ""


@dataclass(frozen=True)
class LogLine:
    """One line of HelloID's process log: ``verbose``, ``information`` or ``warning``."""

    level: str
    message: str


@dataclass
class Answer:
    """What is told to HelloID. ``output`` has what an import writes, ``permissions`` what a list of them does."""

    audit: list[AuditLine] = field(default_factory=list)
    logs: list[LogLine] = field(default_factory=list)
    account: AccountReference | None = None
    is_correlated: bool = False
    data: dict[str, Any] = field(default_factory=dict)
    previous_data: dict[str, Any] = field(default_factory=dict)
    permissions: list[ListedPermission] = field(default_factory=list)
    sub_permissions: list[ListedSubPermission] = field(default_factory=list)
    output: list[dict[str, Any]] = field(default_factory=list)

    @property
    def success(self) -> bool:
        """Whether every part succeeded or was rightly skipped."""
        return not any(line.is_error for line in self.audit)


class Exchange(Protocol):
    """Runs actions for a task, in its runspace, within its time, written into the journal."""

    def change(self, action: str, **given: Any) -> Outcome:
        """One change by the name of its action; with a task's dry run it is one too. Never raises for a failure."""

    def read(self, action: str, **given: Any) -> Outcome:
        """One read; its rows are in the outcome. Never raises for a failure."""

    def each(self, action: str, on_row: OnRow, **given: Any) -> Outcome:
        """One read whose rows are handed on one by one; the outcome has their number in its reason."""

    def defaults(self, action: str) -> Mapping[str, Any]:
        """What the settings give this action where a change says nothing, as [regional] for mailbox.set-regional."""
