"""Automatic replies of a mailbox.

Rules: messages are text or HTML, as Exchange takes them; an empty one clears the message that is there. Moments have
their offset from UTC, because the agent may stand in another time zone, and are sent in UTC.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from bridge.actions.action import Action, Parameters, Text, TextOrEmpty
from bridge.model import Kind


def _moment(text: str) -> str:
    """A moment in UTC, to the second."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("it is no moment such as 2026-12-24T17:00+01:00") from None
    if moment.tzinfo is None:
        raise ValueError(f"say the offset from UTC too, such as {text}+01:00 or {text}Z")
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


Moment = Annotated[Text, AfterValidator(_moment)]


class SetAutomaticReplies(Parameters):
    """The mailbox and its replies."""

    mailbox: Text = Field(description="Address, user principal name, alias, display name or id of the mailbox.")
    state: Literal["disabled", "enabled", "scheduled"] = Field(
        description="disabled, enabled (from now on) or scheduled (from --start to --end)."
    )
    internal_message: TextOrEmpty | None = Field(
        default=None, description="What senders in the organization get, text or HTML; an empty one clears it."
    )
    external_message: TextOrEmpty | None = Field(
        default=None, description="What other senders get, text or HTML; an empty one clears it."
    )
    audience: Literal["none", "known", "all"] | None = Field(
        default=None, description="Which other senders get a reply: none, known (contacts of the mailbox) or all."
    )
    start: Moment | None = Field(
        default=None, description="When a scheduled reply begins, such as 2026-12-24T17:00+01:00."
    )
    end: Moment | None = Field(default=None, description="When a scheduled reply ends.")
    overwrite: bool = Field(
        default=False, description="Write over a reply that is on or scheduled. Without it such a reply is kept."
    )

    @model_validator(mode="after")
    def _schedule(self) -> SetAutomaticReplies:
        given = [moment for moment in (self.start, self.end) if moment is not None]
        if self.state != "scheduled":
            if given:
                raise ValueError("--start and --end go with --state scheduled")
        elif len(given) < 2:
            raise ValueError("--state scheduled needs --start and --end")
        elif given[0] >= given[1]:
            raise ValueError("--start has to be before --end")
        return self


ACTIONS = (
    Action(
        name="mailbox.set-automatic-replies",
        script="mailbox/Set-MailboxAutomaticReply.ps1",
        kind=Kind.CHANGE,
        summary="Set the automatic replies of a mailbox; a reply that is on is kept unless it may be written over.",
        parameters=SetAutomaticReplies,
        result=("state", "internal_message", "external_message", "audience", "start", "end"),
        example={
            "mailbox": "jane.doe@contoso.example",
            "state": "scheduled",
            "internal_message": "I am away; please ask Lukas.",
            "audience": "none",
            "start": "2026-12-24T17:00+01:00",
            "end": "2027-01-02T08:00+01:00",
        },
    ),
)
