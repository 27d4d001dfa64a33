"""Groups as permissions: distribution groups and mail-enabled security groups whose home is Exchange Online.

Rules:

- Revoking from a group, or for an account, that is gone is a success that says so; granting there is a failure.
- A list that could not be read to its end is a failure, never a shorter list.
- An import holds the mailboxes of users among the direct members, by the GUID under which an account is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bridge.helloid.answer import Answer, Exchange
from bridge.helloid.parts import Who, both, called, imported, is_whole, of_permission, shown_name
from bridge.helloid.task import Contract, Step, Target, Task
from bridge.helloid.words import cut, line_of
from bridge.model import Outcome
from bridge.settings import HelloIdSettings

RULE = "dg"
"""The reference of the permission whose sub-permissions are groups, as version 3.x of the connector imports it."""

_RULE_NAME = "Permission - Distribution Group"
_MEMBER = "UserMailbox"


def permissions(task: Task, exchange: Exchange, settings: HelloIdSettings, answer: Answer) -> None:
    """All groups whose members can be changed."""
    del settings
    found = exchange.read("group.list")
    if not is_whole(found, "the groups", answer):
        return
    for row in found.rows:
        identification = {"Id": row["id"]}
        if task.contract is Contract.V1:
            identification["Name"] = shown_name(row)
        answer.permissions.append({"DisplayName": _display_name(row), "Identification": identification})


def grant(task: Task, exchange: Exchange, settings: HelloIdSettings, answer: Answer) -> None:
    """Make the account a member."""
    del settings
    if who := both(task, answer):
        grant_member(who, exchange, answer, task)


def revoke(task: Task, exchange: Exchange, settings: HelloIdSettings, answer: Answer) -> None:
    """Take the account out of the group."""
    del settings
    if who := both(task, answer):
        revoke_member(who, exchange, answer, task)


def grant_member(who: Who, exchange: Exchange, answer: Answer, task: Task) -> Outcome:
    """Make an account a member of one group, and write its audit line."""
    account, permission = who
    outcome = exchange.change("group.grant", group=permission.id, member=account.id)
    member, group = called(who, outcome, task, role="member", kind="group")
    line = line_of(outcome, f"add {member} to {group}", f"Added {member} to {group}", action="GrantPermission")
    answer.audit.append(line)
    return outcome


def revoke_member(who: Who, exchange: Exchange, answer: Answer, task: Task) -> Outcome:
    """Take an account out of one group, and write its audit line."""
    account, permission = who
    outcome = exchange.change("group.revoke", group=permission.id, member=account.id)
    member, group = called(who, outcome, task, role="member", kind="group")
    do, done = f"remove {member} from {group}", f"Removed {member} from {group}"
    answer.audit.append(line_of(outcome, do, done, missing_is_fine=True, action="RevokePermission"))
    return outcome


def import_permissions(task: Task, exchange: Exchange, settings: HelloIdSettings, answer: Answer) -> None:
    """Who is a member of which of the groups that are permissions; groups without such members are left out."""
    del task, settings
    found = exchange.read("group.list")
    if is_whole(found, "the groups", answer):
        for row, accounts in _members(exchange, found, answer):
            facts = of_permission(row, {"Id": row["id"]}, _display_name(row))
            answer.output.extend(imported(facts, accounts))


def import_sub_permissions(task: Task, exchange: Exchange, settings: HelloIdSettings, answer: Answer) -> None:
    """Who is a member of which of the groups that HelloID manages, which are those with its marker."""
    del task
    found = exchange.read("group.list", where=f"{settings.marker_attribute}={settings.group_marker}")
    if is_whole(found, "the groups with HelloID's marker", answer):
        for row, accounts in _members(exchange, found, answer):
            facts = {
                "PermissionReference": {"Reference": RULE},
                "DisplayName": _RULE_NAME,
                "SubPermissionReference": {"Id": row["id"]},
                "SubPermissionDisplayName": cut(shown_name(row)),
            }
            answer.output.extend(imported(facts, accounts))


def _members(exchange: Exchange, groups: Outcome, answer: Answer) -> list[tuple[Mapping[str, Any], list[str]]]:
    """The groups with the accounts that are in them; none at all where not all could be read."""
    members: dict[str, list[str]] = {row["id"]: [] for row in groups.rows}

    def take(row: dict[str, Any]) -> None:
        if row["member_kind"] == _MEMBER and row["id"] in members:
            members[row["id"]].append(row["member_id"])

    if not members or not is_whole(exchange.each("import.memberships", take), "the members of the groups", answer):
        return []
    return [(row, members[row["id"]]) for row in groups.rows]


def _display_name(row: Mapping[str, Any]) -> str:
    kind = "Mail-enabled Security Group" if row["kind"] == "mail-enabled-security" else "Distribution Group"
    return cut(f"{kind} - {shown_name(row)}")


HANDLERS = {
    (Step.PERMISSIONS, Target.GROUPS): permissions,
    (Step.GRANT, Target.GROUPS): grant,
    (Step.REVOKE, Target.GROUPS): revoke,
    (Step.IMPORT_PERMISSIONS, Target.GROUPS): import_permissions,
    (Step.IMPORT_SUB_PERMISSIONS, Target.GROUPS): import_sub_permissions,
}
