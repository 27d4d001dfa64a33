"""Actions on shared mailboxes."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from bridge.actions.action import Action, NoParameters, Parameters, Right, Text
from bridge.actions.markers import Markers
from bridge.model import Kind

_MAILBOX = "Address, alias, name or id of the shared mailbox."
_MAX_NAME = 64
_RIGHT = "full-access (open it), send-as (send in its name) or send-on-behalf (send for it, with both names shown)."


class GrantRight(Parameters):
    """Who gets which right on which mailbox."""

    mailbox: Text = Field(description=_MAILBOX)
    user: Text = Field(description="Address, name or id of whoever gets the right: a user or a security group.")
    right: Right = Field(description=_RIGHT)
    no_automapping: bool = Field(
        default=False,
        description="With full-access: Outlook does not open the mailbox by itself. Exchange cannot change that later, "
        "nor show it: revoke the right and grant it again.",
    )


class RevokeRight(Parameters):
    """Who loses which right on which mailbox."""

    mailbox: Text = Field(description=_MAILBOX)
    user: Text = Field(description="Address, name or id of whoever loses the right.")
    right: Right = Field(description=_RIGHT)


class ListRights(Parameters):
    """On which mailbox."""

    mailbox: Text | None = Field(default=None, description=f"{_MAILBOX} Without it all shared mailboxes.")


def _name(value: str) -> str:
    if len(value) > _MAX_NAME:
        raise ValueError(f"it has {len(value)} characters; a name has at most {_MAX_NAME}")
    return value


def _address(value: str) -> str:
    if not re.fullmatch(r"[^@\s]+@[^@\s]+", value):
        raise ValueError(f"{value!r} is not an address")
    return value


class CreateMailbox(Parameters):
    """What the new mailbox is called, and by what it is found again."""

    name: Annotated[Text, AfterValidator(_name)] = Field(
        description="Name of the mailbox, at most 64 characters; it belongs to one object of the organization."
    )
    address: Annotated[Text, AfterValidator(_address)] = Field(
        description="Primary address, in one of the organization's domains."
    )
    display_name: Text | None = Field(default=None, description="What people see. Without it the name.")
    marker: Markers | None = Field(
        default=None,
        description="CustomAttribute1=VALUE to CustomAttribute15=VALUE: by these the mailbox is found again, whatever "
        "it is called by then. Without any it is known by its address.",
    )


_RESULT = ("user_id", "user_name", "right", "granted")

ACTIONS = (
    Action(
        name="shared-mailbox.list",
        script="shared-mailbox/Get-SharedMailbox.ps1",
        kind=Kind.READ,
        summary="List the shared mailboxes.",
        parameters=NoParameters,
        result=(
            *("id", "name", "display_name", "primary_smtp_address"),
            *("alias", "user_principal_name", "external_directory_object_id"),
        ),
    ),
    Action(
        name="shared-mailbox.rights",
        script="shared-mailbox/Get-SharedMailboxRight.ps1",
        kind=Kind.READ,
        summary="List who has which right on one shared mailbox or on all.",
        parameters=ListRights,
        result=("id", "name", "primary_smtp_address", "user_id", "user_name", "user_address", "user_kind", "right"),
        example={"mailbox": "sales@contoso.example"},
    ),
    Action(
        name="shared-mailbox.grant",
        script="shared-mailbox/Grant-SharedMailboxRight.ps1",
        kind=Kind.CHANGE,
        summary="Give somebody rights on a shared mailbox, one by one.",
        parameters=GrantRight,
        result=_RESULT,
        each="right",
        example={
            "mailbox": "info@contoso.example",
            "user": "jane.doe@contoso.example",
            "right": ["full-access", "send-as"],
        },
    ),
    Action(
        name="shared-mailbox.revoke",
        script="shared-mailbox/Revoke-SharedMailboxRight.ps1",
        kind=Kind.CHANGE,
        summary="Take rights on a shared mailbox away from somebody, one by one.",
        parameters=RevokeRight,
        result=_RESULT,
        each="right",
        example={
            "mailbox": "info@contoso.example",
            "user": "pieter.jansen@contoso.example",
            "right": ["full-access", "send-as"],
        },
    ),
    Action(
        name="shared-mailbox.create",
        script="shared-mailbox/New-SharedMailbox.ps1",
        kind=Kind.CHANGE,
        summary="Create a shared mailbox, unless it is there already.",
        parameters=CreateMailbox,
        result=("exists", "marker"),
        example={
            "name": "Projects",
            "address": "projects@contoso.example",
            "marker": ["CustomAttribute1=P0001"],
        },
        creates=True,
    ),
)
