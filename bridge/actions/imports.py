"""Reads of everything there is, for who keeps a copy of it: accounts, memberships and rights.

Rules: the rows come one by one, however many they are; with ``--jsonl`` or ``--out`` nothing keeps them.
"""

from __future__ import annotations

from bridge.actions.action import Action, NoParameters
from bridge.model import Kind

ACTIONS = (
    Action(
        name="import.accounts",
        script="import/Get-Account.ps1",
        kind=Kind.READ,
        summary="List all accounts: every mailbox of any kind, and every user without one.",
        parameters=NoParameters,
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
