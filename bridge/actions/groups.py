"""Actions on distribution groups and mail-enabled security groups."""

from __future__ import annotations

from pydantic import Field

from bridge.actions.action import Action, NoParameters, Parameters, Text
from bridge.model import Kind


class Membership(Parameters):
    """Who, and in which group."""

    group: Text = Field(description="Address, alias, name or id of the group.")
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
        summary="List the groups whose members can be changed in Exchange Online.",
        parameters=NoParameters,
        result=("id", "name", "display_name", "primary_smtp_address", "kind"),
    ),
    Action(
        name="group.grant",
        script="group/Grant-GroupMember.ps1",
        kind=Kind.CHANGE,
        summary="Make somebody a member of a group.",
        parameters=Membership,
        result=_MEMBERSHIP,
    ),
    Action(
        name="group.revoke",
        script="group/Revoke-GroupMember.ps1",
        kind=Kind.CHANGE,
        summary="Take somebody out of a group.",
        parameters=Membership,
        result=_MEMBERSHIP,
    ),
)
