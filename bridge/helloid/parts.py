"""What handlers of permissions have in common: who and what a task is about, lists that are whole, and imports.

Rule: in a preview HelloID may have no references yet. There is then nothing to look at, and the audit says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from bridge.errors import UsageError
from bridge.helloid.account_fields import account_of
from bridge.helloid.answer import Answer, AuditLine
from bridge.helloid.references import AccountReference, PermissionReference
from bridge.helloid.task import Task
from bridge.helloid.words import line_of, named
from bridge.model import Outcome, Status

MOST_ACCOUNTS = 500
"""The most account references in one element of an import. Source: helloid-connector.md of the reference, 5.3."""


Who = tuple[AccountReference, PermissionReference]


def both(task: Task, answer: Answer) -> Who | None:
    """The account and the permission of a grant or a revoke; None in a preview that lacks one, which is told.

    Raises UsageError where HelloID has none and it is no preview.
    """
    if task.dry_run and (task.account is None or task.permission is None):
        lacking = "account" if task.account is None else "permission"
        answer.audit.append(
            AuditLine(f"Would {task.step} the permission; HelloID has no reference of the {lacking} in this preview.")
        )
        return None
    account = account_of(task)
    if task.permission is None:
        raise UsageError("There is no permission reference.", remedy="Let HelloID retrieve the permissions again.")
    return account, task.permission


def called(who: Who, outcome: Outcome, task: Task, *, role: str, kind: str) -> tuple[str, str]:
    """Account and permission of an outcome for people, by Exchange's names where it has them, else by HelloID's.

    ``role`` is what the account is in the outcome's state: member or user. ``kind`` is what the permission is.
    """
    account, permission = who
    person = str(outcome.after[f"{role}_name"]) if outcome.after.get(f"{role}_id") else account.name
    thing = outcome.identity.name if outcome.identity and outcome.identity.id else ""
    return (
        named("account", account.id, person),
        named(kind, permission.id, thing or permission.name or task.permission_name),
    )


def is_whole(outcome: Outcome, what: str, answer: Answer) -> bool:
    """Whether a read gave all there is; where it did not, an audit line says why and nothing of it may be used."""
    if outcome.status is Status.UNCHANGED:
        return True
    answer.audit.append(line_of(outcome, f"read {what}", ""))
    return False


def shown_name(row: Mapping[str, Any]) -> str:
    """The name of a row for people; there always is one."""
    return str(row.get("display_name") or row.get("name") or row["id"])


def of_permission(row: Mapping[str, Any], reference: Mapping[str, str], name: str) -> dict[str, Any]:
    """What an import tells of a permission: a group or mailbox, its reference and its name in HelloID."""
    return {"PermissionReference": reference, "Description": row["primary_smtp_address"], "DisplayName": name}


def imported(facts: Mapping[str, Any], accounts: Iterable[str]) -> Iterator[dict[str, Any]]:
    """The elements of an import for one permission: its accounts in batches, none where it has no accounts."""
    each_once = list(dict.fromkeys(accounts))
    for first in range(0, len(each_once), MOST_ACCOUNTS):
        yield {**facts, "AccountReferences": each_once[first : first + MOST_ACCOUNTS]}
