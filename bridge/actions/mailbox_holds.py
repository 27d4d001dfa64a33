"""Litigation hold of a mailbox.

Rule: what takes a hold off says so twice, because what the hold kept can be deleted for good afterwards.
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from bridge.actions.action import Action, Parameters, Text, TextOrEmpty
from bridge.model import Kind


def _days(text: str) -> str:
    if not re.fullmatch(r"unlimited|0*[1-9][0-9]{0,5}", text, re.ASCII):
        raise ValueError("it is neither a number of days nor unlimited")
    return text.lstrip("0")


class SetHold(Parameters):
    """Which mailbox, and for how long."""

    mailbox: Text = Field(description="Address, user principal name, alias, display name or id of the mailbox.")
    duration: Annotated[Text, AfterValidator(_days)] | None = Field(
        default=None,
        description="For how many days an item is held, counted from when it was received or made; or unlimited, as "
        "a new hold is without it. A shorter duration than before releases what is older.",
    )
    owner: TextOrEmpty | None = Field(
        default=None, description="Who has ordered the hold, for information; an empty one clears it."
    )


class RemoveHold(Parameters):
    """Which mailbox, and that it is meant."""

    mailbox: Text = Field(description="Address, user principal name, alias, display name or id of the mailbox.")
    confirm_release: bool = Field(default=False, description="Says that what the hold kept may be deleted (required).")

    @model_validator(mode="after")
    def _confirmed(self) -> RemoveHold:
        if not self.confirm_release:
            raise ValueError(
                "without the hold, what it kept can be deleted for good; say with --confirm-release that it is meant"
            )
        return self


_RESULT = ("held", "duration", "owner")

ACTIONS = (
    Action(
        name="mailbox.set-litigation-hold",
        script="mailbox/Set-MailboxLitigationHold.ps1",
        kind=Kind.CHANGE,
        summary="Put a mailbox on litigation hold, or change the duration or owner of its hold.",
        parameters=SetHold,
        result=_RESULT,
        example={"mailbox": "jane.doe@contoso.example", "duration": "2555", "owner": "Legal"},
    ),
    Action(
        name="mailbox.remove-litigation-hold",
        script="mailbox/Remove-MailboxLitigationHold.ps1",
        kind=Kind.CHANGE,
        summary="Take the litigation hold off a mailbox.",
        parameters=RemoveHold,
        result=_RESULT,
        example={"mailbox": "aisha.khan@contoso.example", "confirm_release": True},
    ),
)
