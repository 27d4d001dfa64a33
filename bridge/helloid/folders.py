"""What everybody may see in the calendar of an account, as permissions: one right replaces another.

    Id   right                                  Identification, as version 3.x of the connector stores it
    1    AvailabilityOnly, Exchange's default   {Id, mailboxFolderUser: "Default", mailboxFolderAccessRight: ...}
    2    LimitedDetails
    3    Reviewer
    4    Editor

Rules:

- A reference that names user and right means these, whatever its Id is: a list of permissions can be changed by hand.
- A revoke changes nothing and says so: nobody knows what the right was before, and a calendar always has one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bridge.errors import UsageError
from bridge.helloid.answer import Answer, AuditLine, Exchange
from bridge.helloid.parts import both
from bridge.helloid.references import PermissionReference
from bridge.helloid.task import Step, Target, Task
from bridge.helloid.words import line_of, named
from bridge.settings import HelloIdSettings

_USER, _RIGHT = "mailboxFolderUser", "mailboxFolderAccessRight"
_DEFAULT = "Default"
_RIGHTS = {
    "1": ("AvailabilityOnly", "Availability only"),
    "2": ("LimitedDetails", "Limited details"),
    "3": ("Reviewer", "Reviewer"),
    "4": ("Editor", "Editor"),
}


def permissions(task: Task, exchange: Exchange, settings: HelloIdSettings, answer: Answer) -> None:
    """The four rights. Exchange is not asked."""
    del task, exchange, settings
    for identity, (right, name) in _RIGHTS.items():
        identification = {"Id": identity, _USER: _DEFAULT, _RIGHT: right}
        answer.permissions.append(
            {"DisplayName": f"Mailbox folder permissions - {name}", "Identification": identification}
        )


def grant(task: Task, exchange: Exchange, settings: HelloIdSettings, answer: Answer) -> None:
    """Set the right of everybody in the calendar of the account."""
    del settings
    if who := both(task, answer):
        account, permission = who
        user, right = _meant(permission)
        outcome = exchange.change("mailbox.set-folder-permission", mailbox=account.id, user=user, right=right)
        name = outcome.identity.name if outcome.identity else account.name
        words = f"{right} to {user} in the calendar of {named('account', account.id, name)}"
        answer.audit.append(line_of(outcome, f"give {words}", f"Gave {words}"))


def revoke(task: Task, exchange: Exchange, settings: HelloIdSettings, answer: Answer) -> None:
    """Nothing; see the module."""
    del exchange, settings
    if who := both(task, answer):
        account, permission = who
        user, right = _meant(permission)
        where = f"in the calendar of {named('account', account.id, account.name)}"
        text = f"Skipped: {right} for {user} {where} stays as it is, because what was there before is not known."
        answer.audit.append(AuditLine(text))


def _meant(permission: PermissionReference) -> tuple[str, str]:
    """User and right of a reference. Raises UsageError where it means none."""
    facts = permission.given if isinstance(permission.given, Mapping) else {}
    stored: dict[str, Any] = {str(key).lower(): value for key, value in facts.items()}
    right = stored.get(_RIGHT.lower()) or _RIGHTS.get(permission.id, ("",))[0]
    if not isinstance(right, str) or not right:
        raise UsageError(
            f"There is no folder permission with the id {permission.id}.",
            remedy=f"There are {', '.join(_RIGHTS)}; let HelloID retrieve the permissions again.",
        )
    user = stored.get(_USER.lower())
    return user if isinstance(user, str) and user else _DEFAULT, right


HANDLERS = {
    (Step.PERMISSIONS, Target.FOLDER): permissions,
    (Step.GRANT, Target.FOLDER): grant,
    (Step.REVOKE, Target.FOLDER): revoke,
}
