"""Actions on shared mailboxes."""

from __future__ import annotations

from pydantic import Field

from bridge.actions.action import Action, NoParameters, Parameters, Right, Text
from bridge.model import Kind

_MAILBOX = "Address, alias, name or id of the shared mailbox."
_RIGHT = "full-access (open it), send-as (send in its name) or send-on-behalf (send for it, with both names shown)."


class GrantRight(Parameters):
    """Who gets which right on which mailbox."""

    mailbox: Text = Field(description=_MAILBOX)
    user: Text = Field(description="Address, name or id of whoever gets the right: a user or a security group.")
    right: Right = Field(description=_RIGHT)
    no_automapping: bool = Field(
        default=False, description="With full-access: Outlook does not open the mailbox by itself."
    )


class RevokeRight(Parameters):
    """Who loses which right on which mailbox."""

    mailbox: Text = Field(description=_MAILBOX)
    user: Text = Field(description="Address, name or id of whoever loses the right.")
    right: Right = Field(description=_RIGHT)


_RESULT = ("user_id", "user_name", "right", "granted")

ACTIONS = (
    Action(
        name="shared-mailbox.list",
        script="shared-mailbox/Get-SharedMailbox.ps1",
        kind=Kind.READ,
        summary="List the shared mailboxes.",
        parameters=NoParameters,
        result=("id", "name", "display_name", "primary_smtp_address"),
    ),
    Action(
        name="shared-mailbox.grant",
        script="shared-mailbox/Grant-SharedMailboxRight.ps1",
        kind=Kind.CHANGE,
        summary="Give somebody rights on a shared mailbox, one by one.",
        parameters=GrantRight,
        result=_RESULT,
        each="right",
    ),
    Action(
        name="shared-mailbox.revoke",
        script="shared-mailbox/Revoke-SharedMailboxRight.ps1",
        kind=Kind.CHANGE,
        summary="Take rights on a shared mailbox away from somebody, one by one.",
        parameters=RevokeRight,
        result=_RESULT,
        each="right",
    ),
)
