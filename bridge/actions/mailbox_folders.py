"""Who may do what in the calendar of a mailbox.

Rule: rights have the names that Exchange gives them, in any letter case: one role, or several single rights.
Source: Microsoft, Add-MailboxFolderPermission, -AccessRights.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from bridge.actions.action import Action, Parameters, Text
from bridge.model import Kind

_ROLES = (
    *("None", "AvailabilityOnly", "LimitedDetails", "Reviewer", "Contributor", "NonEditingAuthor", "Author"),
    *("PublishingAuthor", "Editor", "PublishingEditor", "Owner"),
)
_SINGLE = (
    *("CreateItems", "CreateSubfolders", "DeleteAllItems", "DeleteOwnedItems", "EditAllItems", "EditOwnedItems"),
    *("FolderContact", "FolderOwner", "FolderVisible", "ReadItems"),
)
_EVERYBODY = ("default", "anonymous")


def _right(text: str) -> str:
    """The right as Exchange spells it; single rights with commas, each once."""
    known = {name.lower(): name for name in (*_ROLES, *_SINGLE)}
    asked = list(dict.fromkeys(part.strip().lower() for part in text.split(",")))
    unknown = [part for part in asked if part not in known]
    if unknown:
        raise ValueError(f"'{unknown[0]}' is none of {', '.join((*_ROLES, *_SINGLE))}")
    rights = [known[part] for part in asked]
    if len(rights) > 1 and set(rights) & set(_ROLES):
        raise ValueError("a role stands alone; only single rights are combined")
    return ",".join(rights)


def _somebody(text: str) -> str:
    if text.strip().lower() in _EVERYBODY:
        raise ValueError(f"the entry of {text} is always there; give it the right None with set-folder-permission")
    return text


class SetPermission(Parameters):
    """In which calendar who may do what."""

    mailbox: Text = Field(description="Address, user principal name, alias, display name or id of the mailbox.")
    user: Text = Field(
        description="Default (everybody in the organization), Anonymous (everybody else), or address, name or id of "
        "a user or a mail-enabled security group."
    )
    right: Annotated[Text, AfterValidator(_right)] = Field(
        description=f"A role of Exchange's ({', '.join(_ROLES)}), or single rights with commas between "
        f"({', '.join(_SINGLE)}). What was there is replaced."
    )
    delegate: Literal["no", "yes", "private-items"] | None = Field(
        default=None,
        description="With Editor: yes for a delegate, who gets the meeting requests too; private-items for one who "
        "also sees private items; no for none. What is there stays without it.",
    )

    @model_validator(mode="after")
    def _editor(self) -> SetPermission:
        if self.delegate in ("yes", "private-items") and self.right != "Editor":
            raise ValueError("a delegate has the right Editor")
        return self


class RemovePermission(Parameters):
    """In which calendar whose entry goes."""

    mailbox: Text = Field(description="Address, user principal name, alias, display name or id of the mailbox.")
    user: Annotated[Text, AfterValidator(_somebody)] = Field(
        description="Address, name or id of the user or the mail-enabled security group."
    )


_RESULT = ("user_id", "user_name", "folder", "right", "delegate")

ACTIONS = (
    Action(
        name="mailbox.set-folder-permission",
        script="mailbox/Set-MailboxFolderPermission.ps1",
        kind=Kind.CHANGE,
        summary="Set what somebody, or everybody, may do in the calendar of a mailbox.",
        parameters=SetPermission,
        result=_RESULT,
        example={"mailbox": "jane.doe@contoso.example", "user": "Default", "right": "LimitedDetails"},
    ),
    Action(
        name="mailbox.remove-folder-permission",
        script="mailbox/Remove-MailboxFolderPermission.ps1",
        kind=Kind.CHANGE,
        summary="Take away what somebody may do in the calendar of a mailbox.",
        parameters=RemovePermission,
        result=_RESULT,
        example={"mailbox": "maria.garcia@contoso.example", "user": "sanne.devries@contoso.example"},
    ),
)
