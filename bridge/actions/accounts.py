"""Actions on accounts."""

from __future__ import annotations

from pydantic import Field

from bridge.actions.action import Action, Parameters, Text
from bridge.model import Kind


class FindAccount(Parameters):
    """Which user."""

    user: Text = Field(description="User principal name, address, alias, display name or id of the user.")


ACTIONS = (
    Action(
        name="account.find",
        script="account/Find-Account.ps1",
        kind=Kind.READ,
        summary="Find the one user that an address, a name or an id means.",
        parameters=FindAccount,
        result=("id", "name", "display_name", "user_principal_name", "recipient_type_details"),
    ),
)
