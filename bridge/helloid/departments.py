"""The group or shared mailbox of a department: the one whose [helloid] department_attribute holds its key.

Rule: several are a failure, and so is a look-up that fails; neither is ever taken for none.
"""

from __future__ import annotations

from typing import Any

from bridge.helloid.answer import AuditLine, Exchange
from bridge.helloid.task import Source, Target
from bridge.helloid.words import line_of
from bridge.model import Status
from bridge.settings import HelloIdSettings

_SHARED = "SharedMailbox"
_MOST_NAMED = 5


def kind_of(target: Target) -> str:
    """What the object of a department is, for people."""
    return "group" if target is Target.GROUPS else "shared mailbox"


def _called(department: Source) -> str:
    return department.name or department.id or "of a contract"


def about(target: Target, department: Source) -> str:
    """The object of a department, for people."""
    name = f"{department.name} ({department.id})" if department.name and department.id else _called(department)
    return f"the {kind_of(target)} of the department {name}"


def of_department(
    target: Target, department: Source, exchange: Exchange, settings: HelloIdSettings
) -> dict[str, Any] | AuditLine | None:
    """The row of the one object, None where there is none, or the audit line that says why nobody knows."""
    action = "group.list" if target is Target.GROUPS else "mailbox.find"
    outcome = exchange.read(action, where=f"{settings.department_attribute}={department.id}")
    if outcome.status is not Status.UNCHANGED:
        return line_of(outcome, f"look for {about(target, department)}", "")
    rows = [row for row in outcome.rows if target is Target.GROUPS or row["recipient_type_details"] == _SHARED]
    if len(rows) > 1:
        names = ", ".join(f"{row['name']} ({row['id']})" for row in rows[:_MOST_NAMED])
        where = f"{settings.department_attribute} = {department.id}"
        text = f"Failed to find {about(target, department)}: {len(rows)} have {where}: {names}. A department has one."
        return AuditLine(text, is_error=True)
    return rows[0] if rows else None
