"""Actions on distribution groups and mail-enabled security groups."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from bridge.actions.action import Action, Parameters, Text, Where
from bridge.actions.markers import Markers
from bridge.model import Kind

_GROUP = "Address, alias, name or id of the group."


class WhichGroups(Parameters):
    """Which groups are listed."""

    all: bool = Field(default=False, description="Also those whose members cannot be changed here, with the reason.")
    where: Where | None = Field(
        default=None,
        description="Field=Value: only groups of which a field that Exchange can filter on has this value.",
    )


class WhichGroup(Parameters):
    """Which group."""

    group: Text = Field(description=_GROUP)


class NewGroup(Parameters):
    """What a new group is called, what it is, and how it is found again."""

    name: Text = Field(max_length=64, description="Name of the group, at most 64 characters; no other object has it.")
    address: Text = Field(description="Primary address of the group.")
    kind: Literal["distribution", "mail-enabled-security"] = Field(
        description="distribution (mail only) or mail-enabled-security (mail and rights)."
    )
    marker: Markers | None = Field(
        default=None,
        description="CustomAttribute1=VALUE to CustomAttribute15=VALUE. A group that has all markers is this one, and "
        "no second one is made. Without markers it is known by its address.",
    )
    managed_by: Text | None = Field(
        default=None, description="Address, alias, name or id of the owner of a new group; without one it has none."
    )


class Membership(Parameters):
    """Who, and in which group."""

    group: Text = Field(description=_GROUP)
    member: Text = Field(
        description="Address, user principal name, alias, name or id of the member: a mailbox, a mail user, a contact "
        "or a group."
    )


_MEMBERSHIP = ("member_id", "member_name", "is_member")

ACTIONS = (
    Action(
        name="group.list",
        script="group/Get-Group.ps1",
        kind=Kind.READ,
        summary="List the groups whose members can be changed in Exchange Online, or all groups.",
        parameters=WhichGroups,
        result=("id", "name", "display_name", "primary_smtp_address", "kind", "writable", "reason"),
    ),
    Action(
        name="group.members",
        script="group/Get-GroupMember.ps1",
        kind=Kind.READ,
        summary="List the direct members of a group.",
        parameters=WhichGroup,
        result=("id", "name", "display_name", "primary_smtp_address", "recipient_type_details"),
        example={"group": "finance@contoso.example"},
    ),
    Action(
        name="group.create",
        script="group/New-Group.ps1",
        kind=Kind.CHANGE,
        summary="Create a group, unless it is there already.",
        parameters=NewGroup,
        result=("exists", "marker"),
        creates=True,
        example={
            "name": "Sales North",
            "address": "sales.north@contoso.example",
            "kind": "distribution",
            "marker": ["CustomAttribute1=D42"],
        },
    ),
    Action(
        name="group.grant",
        script="group/Grant-GroupMember.ps1",
        kind=Kind.CHANGE,
        summary="Make somebody a member of a group.",
        parameters=Membership,
        result=_MEMBERSHIP,
        example={"group": "staff@contoso.example", "member": "jane.doe@contoso.example"},
    ),
    Action(
        name="group.revoke",
        script="group/Revoke-GroupMember.ps1",
        kind=Kind.CHANGE,
        summary="Take somebody out of a group.",
        parameters=Membership,
        result=_MEMBERSHIP,
        example={"group": "staff@contoso.example", "member": "pieter.jansen@contoso.example"},
    ),
)
