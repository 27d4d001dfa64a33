"""Shared mailboxes as permissions: all rights of a mailbox in one, or one permission for each right.

    sharedmailboxes        {Id, Name, Permissions: ["Full Access", "Send As"]} (v1), {Id} (v2)
    sharedmailbox-rights   {Id, Permission: "FullAccess"}, SendAs or SendOnBehalf

Rules:

- A reference that names rights means these; one that names none means [helloid] rights.
- Each right is a change of its own with an audit line of its own, and all are tried.
- Revoking on a mailbox, or for an account, that is gone is a success that says so; granting there is a failure. A
  mailbox that is no shared one any more is not gone: what was granted on it may still be there.
- Who has some of the rights that one permission means does not have that permission, so an import leaves them out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from bridge.errors import UsageError
from bridge.helloid.answer import Answer, Exchange
from bridge.helloid.parts import Who, both, called, imported, is_whole, of_permission, shown_name
from bridge.helloid.references import RIGHTS
from bridge.helloid.task import Contract, Step, Target, Task
from bridge.helloid.words import cut, line_of
from bridge.model import Outcome, Status
from bridge.settings import HelloIdSettings

RULE = "smb"
"""The reference of the permission whose sub-permissions are shared mailboxes, as version 3.x imports it."""

RIGHT_NAMES = {"full-access": "Full Access", "send-as": "Send As", "send-on-behalf": "Send on Behalf"}
WORDS = {right: word for word, right in RIGHTS.items()}
"""A right as references have it: ``FullAccess``."""


def permissions(task: Task, exchange: Exchange, settings: HelloIdSettings, answer: Answer) -> None:
    """All shared mailboxes, each with all its rights."""
    found = exchange.read("shared-mailbox.list")
    if not is_whole(found, "the shared mailboxes", answer):
        return
    for row in found.rows:
        identification: dict[str, Any] = {"Id": row["id"]}
        if task.contract is Contract.V1:
            rights = [RIGHT_NAMES[right] for right in settings.right_names]
            identification |= {"Name": shown_name(row), "Permissions": rights}
        answer.permissions.append({"DisplayName": _display_name(row), "Identification": identification})


def permissions_of_rights(task: Task, exchange: Exchange, settings: HelloIdSettings, answer: Answer) -> None:
    """All shared mailboxes, each once for each right."""
    del task, settings
    found = exchange.read("shared-mailbox.list")
    if is_whole(found, "the shared mailboxes", answer):
        answer.permissions.extend(
            {"DisplayName": _display_name(row, right), "Identification": {"Id": row["id"], "Permission": word}}
            for row in found.rows
            for right, word in WORDS.items()
        )


def grant(task: Task, exchange: Exchange, settings: HelloIdSettings, answer: Answer) -> None:
    """Give the account each right."""
    if who := both(task, answer):
        for right in _rights(task, who, settings):
            grant_right(who, right, exchange, settings, answer, task)


def revoke(task: Task, exchange: Exchange, settings: HelloIdSettings, answer: Answer) -> None:
    """Take each right from the account."""
    if who := both(task, answer):
        for right in _rights(task, who, settings):
            revoke_right(who, right, exchange, answer, task)


def grant_right(
    who: Who, right: str, exchange: Exchange, settings: HelloIdSettings, answer: Answer, task: Task
) -> Outcome:
    """Give one right, and write its audit line."""
    account, permission = who
    no_automapping = (right == "full-access" and not settings.automapping) or None
    outcome = exchange.change(
        "shared-mailbox.grant", mailbox=permission.id, user=account.id, right=right, no_automapping=no_automapping
    )
    user, mailbox = called(who, outcome, task, role="user", kind="shared mailbox")
    words = f"{RIGHT_NAMES[right]} on {mailbox} to {user}"
    answer.audit.append(line_of(outcome, f"grant {words}", f"Granted {words}", action="GrantPermission"))
    return outcome


def revoke_right(who: Who, right: str, exchange: Exchange, answer: Answer, task: Task) -> Outcome:
    """Take one right away, and write its audit line."""
    account, permission = who
    outcome = exchange.change("shared-mailbox.revoke", mailbox=permission.id, user=account.id, right=right)
    user, mailbox = called(who, outcome, task, role="user", kind="shared mailbox")
    words = f"{RIGHT_NAMES[right]} on {mailbox} from {user}"
    # The script itself tells what is gone as unchanged; its "not found" is a mailbox of another kind.
    is_fine = outcome.status is Status.UNCHANGED
    line = line_of(outcome, f"revoke {words}", f"Revoked {words}", missing_is_fine=is_fine, action="RevokePermission")
    answer.audit.append(line)
    return outcome


def _rights(task: Task, who: Who, settings: HelloIdSettings) -> tuple[str, ...]:
    """The rights that a reference means. Raises UsageError where it should name some and does not."""
    _, permission = who
    if permission.rights:
        return permission.rights
    names_none = isinstance(permission.given, Mapping) and any(
        key.lower() in ("permission", "permissions") for key in permission.given
    )
    if names_none or task.target is Target.SHARED_MAILBOX_RIGHTS:
        raise UsageError(
            "The permission reference names no right.",
            remedy="Let HelloID retrieve the permissions again, and assign the permission anew.",
        )
    return settings.right_names


def import_permissions(task: Task, exchange: Exchange, settings: HelloIdSettings, answer: Answer) -> None:
    """Who has all the rights of [helloid] rights on which shared mailbox."""
    del task
    for row, holders in _mailboxes(exchange, answer):
        accounts = [user for user, rights in holders.items() if rights.issuperset(settings.right_names)]
        facts = of_permission(row, {"Id": row["id"]}, _display_name(row))
        answer.output.extend(imported(facts, accounts))


def import_permissions_of_rights(task: Task, exchange: Exchange, settings: HelloIdSettings, answer: Answer) -> None:
    """Who has which right on which shared mailbox."""
    del task, settings
    for row, holders in _mailboxes(exchange, answer):
        for right, word in WORDS.items():
            facts = of_permission(row, {"Id": row["id"], "Permission": word}, _display_name(row, right))
            answer.output.extend(imported(facts, _with(holders, right)))


def import_sub_permissions(task: Task, exchange: Exchange, settings: HelloIdSettings, answer: Answer) -> None:
    """Who has which right of [helloid] rights on which of the shared mailboxes that HelloID manages."""
    del task
    for row, holders in _managed(exchange, settings, answer):
        for right in settings.right_names:
            name, reference = sub_permission(row["id"], shown_name(row), right)
            facts = {
                "PermissionReference": {"Reference": RULE},
                "DisplayName": "Permission - Shared Mailbox",
                "SubPermissionReference": reference,
                "SubPermissionDisplayName": name,
            }
            answer.output.extend(imported(facts, _with(holders, right)))


def import_sub_permissions_of_rights(task: Task, exchange: Exchange, settings: HelloIdSettings, answer: Answer) -> None:
    """Who has which right on which of the shared mailboxes that HelloID manages; each right has its own permission."""
    del task
    for row, holders in _managed(exchange, settings, answer):
        for right, word in WORDS.items():
            name, reference = sub_permission(row["id"], shown_name(row), right, separate=True)
            facts = {
                "PermissionReference": {"Reference": word},
                "DisplayName": f"Permission - {RIGHT_NAMES[right]} Mailbox",
                "SubPermissionReference": reference,
                "SubPermissionDisplayName": name,
            }
            answer.output.extend(imported(facts, _with(holders, right)))


def sub_permission(identity: str, name: str, right: str, *, separate: bool = False) -> tuple[str, dict[str, str]]:
    """Name and reference of one right on a mailbox as a sub-permission; ``separate`` is for one permission a right."""
    if separate:
        return _cut(name, right), {"Id": identity, "Permission": WORDS[right]}
    return cut(f"{WORDS[right]}-{name}"), {"Id": f"{WORDS[right]}-{identity}"}


Holders = dict[str, set[str]]
"""The accounts that have rights on a mailbox, each with its rights."""


def _mailboxes(
    exchange: Exchange, answer: Answer, only: Mapping[str, Any] | None = None
) -> list[tuple[dict[str, Any], Holders]]:
    """The shared mailboxes on which somebody has a right, with who; none at all where not all could be read."""
    mailboxes: dict[str, tuple[dict[str, Any], Holders]] = {}

    def take(row: dict[str, Any]) -> None:
        if row["user_kind"] == "user" and row["user_id"] and (only is None or row["id"] in only):
            _, holders = mailboxes.setdefault(row["id"], (row, {}))
            holders.setdefault(row["user_id"], set()).add(row["right"])

    outcome = exchange.each("shared-mailbox.rights", take)
    return list(mailboxes.values()) if is_whole(outcome, "the rights on the shared mailboxes", answer) else []


def _managed(exchange: Exchange, settings: HelloIdSettings, answer: Answer) -> list[tuple[dict[str, Any], Holders]]:
    """The same of the shared mailboxes with HelloID's marker."""
    found = exchange.read("mailbox.find", where=f"{settings.marker_attribute}={settings.shared_mailbox_marker}")
    if not is_whole(found, "the mailboxes with HelloID's marker", answer):
        return []
    marked = {row["id"]: row for row in found.rows}
    return _mailboxes(exchange, answer, marked) if marked else []


def _with(holders: Holders, right: str) -> Iterable[str]:
    return [user for user, rights in holders.items() if right in rights]


def _display_name(row: Mapping[str, Any], right: str = "") -> str:
    return _cut(f"Shared Mailbox - {shown_name(row)}", right)


def _cut(name: str, right: str) -> str:
    return cut(name, f" - {RIGHT_NAMES[right]}" if right else "")


HANDLERS = {
    (Step.PERMISSIONS, Target.SHARED_MAILBOXES): permissions,
    (Step.PERMISSIONS, Target.SHARED_MAILBOX_RIGHTS): permissions_of_rights,
    (Step.GRANT, Target.SHARED_MAILBOXES): grant,
    (Step.GRANT, Target.SHARED_MAILBOX_RIGHTS): grant,
    (Step.REVOKE, Target.SHARED_MAILBOXES): revoke,
    (Step.REVOKE, Target.SHARED_MAILBOX_RIGHTS): revoke,
    (Step.IMPORT_PERMISSIONS, Target.SHARED_MAILBOXES): import_permissions,
    (Step.IMPORT_PERMISSIONS, Target.SHARED_MAILBOX_RIGHTS): import_permissions_of_rights,
    (Step.IMPORT_SUB_PERMISSIONS, Target.SHARED_MAILBOXES): import_sub_permissions,
    (Step.IMPORT_SUB_PERMISSIONS, Target.SHARED_MAILBOX_RIGHTS): import_sub_permissions_of_rights,
}
