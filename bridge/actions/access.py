"""Effective access: who reaches what, directly and through groups.

Rules: a row is one way in, with the groups between. ``path`` begins at the group that the entry is for and ends at the
group that the person is in; it is empty when the entry is for the person. ``effective`` says whether the person has
the right after all, every entry counted: a denial goes before a grant.
"""

from __future__ import annotations

from pydantic import Field

from bridge.actions.action import Action, Parameters, Text
from bridge.model import Kind


class MailboxAccess(Parameters):
    """Which mailbox."""

    mailbox: Text = Field(description="Address, user principal name, alias, display name or id of the mailbox.")


class PersonAccess(Parameters):
    """Which person."""

    user: Text = Field(description="Address, user principal name, alias, display name or id of the person.")


_RESULT = ("id", "name", "kind", "right", "entry", "inherited", "path", "effective")

ACTIONS = (
    Action(
        name="access.person",
        script="access/Get-PersonAccess.ps1",
        kind=Kind.READ,
        summary="List the groups that somebody is in and the mailbox rights that they have, and through which groups.",
        parameters=PersonAccess,
        result=_RESULT,
        example={"user": "aisha.khan@contoso.example"},
    ),
    Action(
        name="access.mailbox",
        script="access/Get-MailboxAccess.ps1",
        kind=Kind.READ,
        summary="List everybody who has a right on a mailbox, and through which groups.",
        parameters=MailboxAccess,
        result=_RESULT,
        example={"mailbox": "invoices@contoso.example"},
    ),
)
