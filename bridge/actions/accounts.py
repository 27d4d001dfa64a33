"""Actions on accounts."""

from __future__ import annotations

from pydantic import Field, model_validator

from bridge.actions.action import Action, Parameters, Text, Where
from bridge.model import Kind


class FindAccount(Parameters):
    """Which user, or which field has which value."""

    user: Text | None = Field(
        default=None, description="User principal name, address, alias, display name or id of the user."
    )
    where: Where | None = Field(
        default=None, description="Field=Value: all users of which a field that Exchange can filter on has this value."
    )

    @model_validator(mode="after")
    def _one_of_both(self) -> FindAccount:
        if (self.user is None) == (self.where is None):
            raise ValueError("give either --user or --where")
        return self


ACTIONS = (
    Action(
        name="account.find",
        script="account/Find-Account.ps1",
        kind=Kind.READ,
        summary="Find a user by its identity, or all users of which a field has a value.",
        parameters=FindAccount,
        result=("id", "name", "display_name", "user_principal_name", "recipient_type_details"),
        example={"user": "jane.doe@contoso.example"},
    ),
)
