"""Get-, New- and Set-DistributionGroup and the members: Get-, Add- and Remove-DistributionGroupMember.

Rules: only direct members count. An application is never a manager of a group, so without
-BypassSecurityGroupManagerCheck nobody is let through. Exchange checks in this order: the group, the right to change
it, where its home is, the member, and last whether it is one already.
"""

from __future__ import annotations

import dataclasses
from typing import Any, cast

from bridge.simulator.tenant import errors
from bridge.simulator.tenant.cmdlets.creating import fields_of_new
from bridge.simulator.tenant.cmdlets.lookup import (
    can_be_member,
    chosen,
    is_group,
    is_recipient,
    one_asked,
    required,
    supports,
    texts,
    write,
)
from bridge.simulator.tenant.cmdlets.mailbox_settings import boolean, custom_attributes, display_name
from bridge.simulator.tenant.cmdlets.rows import GROUP, MEMBER, View
from bridge.simulator.tenant.invocation import Invocation
from bridge.simulator.tenant.objects import CUSTOM_ATTRIBUTES, DirectoryObject, Group


def get_distribution_group(call: Invocation) -> None:
    """Get-DistributionGroup. -ManagedBy chooses the groups that somebody manages."""
    supports(call, "Identity", "Anr", "Filter", "ManagedBy", "RecipientTypeDetails", "SortBy")
    if call.text("ManagedBy") and (call.text("Identity") or call.text("Anr")):
        raise errors.ambiguous_parameter_set(call.cmdlet)
    view = View(call.directory)
    groups = [cast(Group, thing) for thing in chosen(call, is_group, GROUP, view)]
    if manager := call.text("ManagedBy"):
        guid = call.one(manager, is_recipient, errors.reference_not_found).guid
        groups = [group for group in groups if guid in group.managed_by]
    call.reply.output += [GROUP.row(view, group) for group in call.allowed(groups)]


def new_distribution_group(call: Invocation) -> None:
    """New-DistributionGroup: an empty group. Raises CmdletError: its name or its address is taken."""
    supports(call, "Name", "DisplayName", "Alias", "PrimarySmtpAddress", "Type", "ManagedBy")
    kind = (call.text("Type") or "Distribution").lower()
    if kind not in ("distribution", "security"):
        raise errors.invalid_value(f"'{kind}' is not a type of group; there are Distribution and Security.")
    managers = (
        call.one(name, is_recipient, errors.reference_not_found) for name in texts(call.parameters.get("ManagedBy"))
    )
    group = Group(
        type="MailUniversalSecurityGroup" if kind == "security" else "MailUniversalDistributionGroup",
        managed_by=tuple(manager.guid for manager in managers),
        **fields_of_new(call),
    )
    call.create(group)
    call.reply.output.append(GROUP.row(View(call.directory), group))


def set_distribution_group(call: Invocation) -> None:
    """Set-DistributionGroup: display name, custom attributes, and whether address lists show it."""
    supports(
        call,
        *("Identity", "DisplayName", "HiddenFromAddressListsEnabled", "BypassSecurityGroupManagerCheck"),
        *CUSTOM_ATTRIBUTES,
    )
    identity = required(call, "Identity")
    group = cast(Group, call.one(identity, is_group))
    _check_manager(call)
    changes: dict[str, Any] = {}
    if call.given("DisplayName"):
        changes["display_name"] = display_name(call.text("DisplayName"))
    if call.given("HiddenFromAddressListsEnabled"):
        changes["hidden"] = boolean(call, "HiddenFromAddressListsEnabled")
    if any(call.given(name) for name in CUSTOM_ATTRIBUTES):
        changes["custom_attributes"] = custom_attributes(call, group)
    if group.synchronized and changes:
        named = [name for name in call.parameters if name not in ("Identity", "BypassSecurityGroupManagerCheck")]
        raise errors.synchronized(call.cmdlet, ", ".join(named), identity)
    write(call, group, dataclasses.replace(group, **changes))


def get_distribution_group_member(call: Invocation) -> None:
    """Get-DistributionGroupMember: the direct members, of which 1000 unless -ResultSize says otherwise."""
    supports(call, "Identity")
    group = cast(Group, one_asked(call, is_group))
    view = View(call.directory)
    call.reply.output += [MEMBER.row(view, thing) for thing in call.allowed(view.seen(group.members))]


def add_distribution_group_member(call: Invocation) -> None:
    """Add-DistributionGroupMember. Raises MemberAlreadyExistsException for a member."""
    group, member = _group_and_member(call)
    if member.guid in group.members:
        raise errors.already_member(member.name, group.name)
    call.put(dataclasses.replace(group, members=(*group.members, member.guid)))


def remove_distribution_group_member(call: Invocation) -> None:
    """Remove-DistributionGroupMember. Raises MemberNotFoundException for somebody who is none."""
    group, member = _group_and_member(call)
    if member.guid not in group.members:
        raise errors.not_a_member(member.name, group.name)
    call.put(dataclasses.replace(group, members=tuple(guid for guid in group.members if guid != member.guid)))


def _check_manager(call: Invocation) -> None:
    """That the caller may change a group it does not manage. Source: -BypassSecurityGroupManagerCheck and its role."""
    if not call.parameters.get("BypassSecurityGroupManagerCheck") or not call.directory.manager_bypass:
        raise errors.manager_required()


def _group_and_member(call: Invocation) -> tuple[Group, DirectoryObject]:
    supports(call, "Identity", "Member", "BypassSecurityGroupManagerCheck")
    identity = required(call, "Identity")
    group = cast(Group, call.one(identity, is_group))
    _check_manager(call)
    if group.synchronized:
        raise errors.synchronized(call.cmdlet, "Members", identity)
    # Left out it would mean the caller, and an application is no recipient.
    return group, call.one(required(call, "Member"), can_be_member, errors.reference_not_found)
