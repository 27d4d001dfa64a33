"""Import of accounts: each mailbox of a person becomes one account of HelloID.

Rules: only the fields that HelloID asks for are in ``Data``. An account is enabled when the address lists show it, as
enable and disable have it. A list that did not come to its end is no list: nothing is imported then, because HelloID
would take what is missing for gone.
"""

from __future__ import annotations

from typing import Any

from bridge.actions.action import parameter_name
from bridge.actions.mailbox_attributes import ATTRIBUTES
from bridge.helloid.account_fields import HIDDEN
from bridge.helloid.answer import Answer, Exchange, LogLine
from bridge.helloid.task import Step, Target, Task
from bridge.helloid.words import cut, line_of
from bridge.model import Status
from bridge.settings import HelloIdSettings

_KIND = "UserMailbox"
_OF_ROW = {
    "guid": "id",
    "displayname": "display_name",
    "userprincipalname": "user_principal_name",
    "primarysmtpaddress": "primary_smtp_address",
    "recipienttypedetails": "recipient_type_details",
    HIDDEN.lower(): "hidden",
}
"""Fields that each row has; the others are asked for."""

_ATTRIBUTES = {parameter_name(name).lower(): name for name in (*ATTRIBUTES, "email_addresses")}


def import_accounts(task: Task, exchange: Exchange, settings: HelloIdSettings, answer: Answer) -> None:
    """All mailboxes of persons, with the fields that HelloID asks for."""
    del settings
    # A field of a nested object is asked for as object.field, and comes with the object.
    fields = dict.fromkeys(name.partition(".")[0].strip() for name in task.import_fields)
    keys = {name: _OF_ROW.get(name.lower()) or _ATTRIBUTES.get(name.lower(), "") for name in fields if name}
    for name in (name for name, key in keys.items() if not key):
        answer.logs.append(LogLine("information", f"The field {name} cannot be imported; it is left out."))
    asked = [parameter_name(key) for name, key in keys.items() if key and name.lower() not in _OF_ROW]

    def take(row: dict[str, Any]) -> None:
        if row["recipient_type_details"] == _KIND:
            answer.output.append(_account(row, keys))

    outcome = exchange.each("import.accounts", take, attribute=asked)
    if outcome.status is not Status.UNCHANGED:
        answer.output.clear()
        answer.audit.append(line_of(outcome, "import the accounts", ""))
        return
    answer.logs.append(LogLine("information", f"{len(answer.output)} accounts were read."))


def _account(row: dict[str, Any], keys: dict[str, str]) -> dict[str, Any]:
    return {
        "AccountReference": row["id"],
        "DisplayName": cut(row["display_name"] or row["id"]),
        "UserName": cut(row["user_principal_name"] or row["id"]),
        "Enabled": not row["hidden"],
        "Data": {name: row[key] for name, key in keys.items() if key},
    }


HANDLERS = {(Step.IMPORT_ACCOUNTS, Target.ACCOUNT): import_accounts}
