"""What the fields of an account's mapping mean, and how an account is called.

Rules: the letter case of a field does not count. A fixed mapping arrives as text, so "true" is true.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bridge.errors import UsageError
from bridge.helloid.references import AccountReference
from bridge.helloid.task import Task
from bridge.helloid.words import named
from bridge.settings import HelloIdSettings

HIDDEN = "HiddenFromAddressListsEnabled"

_REPLY = {
    "AutoReplyState": "state",
    "InternalMessage": "internal_message",
    "ExternalMessage": "external_message",
    "ExternalAudience": "audience",
    "StartTime": "start",
    "EndTime": "end",
}


def account_of(task: Task) -> AccountReference:
    """The account that a task is about. Raises UsageError where HelloID has no reference."""
    if task.account is None:
        raise UsageError(
            "There is no account reference: the person has no account in this system.",
            remedy="Let HelloID correlate the account first.",
        )
    return task.account


def account_named(account: AccountReference, display_name: str = "") -> str:
    """An account for people: its name where one is known, and its id."""
    return named("account", account.id, display_name or account.name)


def field_of(data: Mapping[str, Any], name: str) -> Any:
    """The value of a field, None where it is not mapped."""
    return next((value for key, value in data.items() if key.lower() == name.lower()), None)


def is_mapped(data: Mapping[str, Any], name: str) -> bool:
    """Whether a field is mapped and has a value."""
    return field_of(data, name) not in (None, "", [])


def truth_of(data: Mapping[str, Any], name: str) -> bool:
    """A field that is true or false. Raises UsageError."""
    value = field_of(data, name)
    word = str(value).strip().lower()
    if word not in ("true", "false"):
        raise UsageError(f"{name} is mapped as {value!r}; it is true or false.", remedy="Correct the mapping.")
    return word == "true"


def reply_of(data: Mapping[str, Any], settings: HelloIdSettings) -> dict[str, Any]:
    """The parameters of mailbox.set-automatic-replies; none where neither mapping nor settings know a reply.

    In reconciliation HelloID has no mapped fields, and the settings stand in for them.
    """
    mapped = {key: field_of(data, name) for name, key in _REPLY.items() if is_mapped(data, name)}
    if mapped:
        texts = {key: str(value) for key, value in mapped.items()}
        words = {key: texts[key].strip().lower() for key in ("state", "audience") if key in texts}
        return {"state": "enabled"} | texts | words
    if not settings.reply_internal and not settings.reply_external:
        return {}
    return {
        "state": "enabled",
        "internal_message": settings.reply_internal,
        "external_message": settings.reply_external,
        "audience": "all" if settings.reply_external else "none",
    }
