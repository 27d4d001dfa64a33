"""Actions on mailboxes of any kind."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from bridge.actions.action import Action, Parameters, Text
from bridge.model import Kind


def _field_and_value(text: str) -> str:
    name, equals, value = text.partition("=")
    if not equals or not name.isascii() or not name.isalnum() or not name[0].isalpha() or not value.strip():
        raise ValueError("it is not Field=Value, such as CustomAttribute1=E0042")
    return text


class FindMailbox(Parameters):
    """Which mailbox, or which field has which value."""

    mailbox: Text | None = Field(
        default=None, description="Address, user principal name, alias, display name or id of the mailbox."
    )
    where: Annotated[Text, AfterValidator(_field_and_value)] | None = Field(
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
    language: Text | None = Field(default=None, description="Language and country, such as nl-NL.")
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
        ),
    ),
    Action(
        name="mailbox.set-regional",
        script="mailbox/Set-MailboxRegional.ps1",
        kind=Kind.CHANGE,
        summary="Set language, formats, time zone and folder names of a mailbox, where they differ.",
        parameters=SetRegional,
        result=("language", "date_format", "time_format", "time_zone", "folders_localized"),
        defaults="regional",
    ),
)
