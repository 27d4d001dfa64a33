"""Reads of everything there is, for who keeps a copy of it: accounts, memberships and rights.

Rules: the rows come one by one, however many they are; with ``--jsonl`` or ``--out`` nothing keeps them.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from bridge.actions.action import Action, NoParameters, Parameters, Texts, parameter_name
from bridge.actions.mailbox_attributes import attribute_name
from bridge.model import Kind

_ADDRESSES = "EmailAddresses"


def _properties(names: list[str]) -> list[str]:
    """The names as Exchange spells them, each once. Raises ValueError for one that there is not."""
    spelt = [
        _ADDRESSES if name.strip().lower() == _ADDRESSES.lower() else parameter_name(attribute_name(name))
        for name in names
    ]
    return list(dict.fromkeys(spelt))


class ListAccounts(Parameters):
    """What a row has besides."""

    attribute: Annotated[Texts, AfterValidator(_properties)] | None = Field(
        default=None,
        description="EmailAddresses, or an attribute that mailbox.set knows: what each row is to have too.",
    )


ACTIONS = (
    Action(
        name="import.accounts",
        script="import/Get-Account.ps1",
        kind=Kind.READ,
        summary="List all accounts: every mailbox of any kind, and every user without one.",
        parameters=ListAccounts,
        result=(
            "id",
            "name",
            "display_name",
            "user_principal_name",
            "primary_smtp_address",
            "recipient_type_details",
            "hidden",
            "enabled",
        ),
    ),
    Action(
        name="import.memberships",
        script="import/Get-Membership.ps1",
        kind=Kind.READ,
        summary="List all direct memberships of distribution groups and mail-enabled security groups.",
        parameters=NoParameters,
        result=("id", "name", "member_id", "member_name", "member_kind"),
    ),
    Action(
        name="import.rights",
        script="import/Get-Right.ps1",
        kind=Kind.READ,
        summary="List all rights on mailboxes: Full Access, Send As and Send on Behalf.",
        parameters=NoParameters,
        result=("id", "name", "user_id", "user_name", "right"),
    ),
)
