"""Actions on mailboxes of any kind."""

from __future__ import annotations

from pydantic import Field, model_validator

from bridge.actions.action import Action, Parameters, Text, Where
from bridge.model import Kind


class FindMailbox(Parameters):
    """Which mailbox, or which field has which value."""

    mailbox: Text | None = Field(
        default=None, description="Address, user principal name, alias, display name or id of the mailbox."
    )
    where: Where | None = Field(
        default=None,
        description="Field=Value: all mailboxes of which a field that Exchange can filter on has this value.",
    )

    @model_validator(mode="after")
    def _one_of_both(self) -> FindMailbox:
        if (self.mailbox is None) == (self.where is None):
            raise ValueError("give either --mailbox or --where")
        return self


class SetRegional(Parameters):
    """The mailbox and what is to be set."""

    mailbox: Text = Field(description="Address, user principal name, alias, display name or id of the mailbox.")
    language: Text | None = Field(
        default=None,
        description="Language and country, such as nl-NL. When it changes, date and time format that are not given "
        "become that language's own, shown as empty.",
    )
    date_format: Text | None = Field(default=None, description="A date format of that language, such as dd-MM-yy.")
    time_format: Text | None = Field(default=None, description="A time format of that language, such as H:mm.")
    time_zone: Text | None = Field(
        default=None, description="Windows' name of the time zone, such as 'W. Europe Standard Time'."
    )
    localize_folders: bool = Field(
        default=False, description="Name the default folders (Inbox, Calendar ...) in the mailbox's language."
    )


ACTIONS = (
    Action(
        name="mailbox.find",
        script="mailbox/Find-Mailbox.ps1",
        kind=Kind.READ,
        summary="Find a mailbox by its identity, or all mailboxes of which a field has a value.",
        parameters=FindMailbox,
        result=(
            "id",
            "name",
            "display_name",
            "user_principal_name",
            "recipient_type_details",
            "primary_smtp_address",
            "email_addresses",
            "hidden",
        ),
        example={"mailbox": "john.obrien@contoso.example"},
    ),
    Action(
        name="mailbox.set-regional",
        script="mailbox/Set-MailboxRegional.ps1",
        kind=Kind.CHANGE,
        summary="Set language, formats, time zone and folder names of a mailbox, where they differ.",
        parameters=SetRegional,
        result=("language", "date_format", "time_format", "time_zone", "folders_localized"),
        defaults="regional",
        example={
            "mailbox": "jane.doe@contoso.example",
            "language": "nl-NL",
            "date_format": "dd-MM-yy",
            "time_format": "H:mm",
            "localize_folders": True,
        },
    ),
)
