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


_WORDS = {"AutoReplyState": ("Disabled", "Enabled", "Scheduled"), "ExternalAudience": ("None", "Known", "All")}
"""The fields that have one of some words, in Exchange's spelling."""


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


def with_field(data: Mapping[str, Any], name: str, value: Any) -> dict[str, Any]:
    """The data with this value of a field, under the name that it has there: HelloID knows no letter case."""
    there = next((key for key in data if key.lower() == name.lower()), name)
    return {**data, there: value}


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


def text_of(name: str, value: Any) -> str:
    """The value of a field as text. Raises UsageError for what is none, such as an object."""
    if isinstance(value, Mapping | list):
        raise UsageError(f"{name} is mapped as an object or a list; it is one text.", remedy="Correct the mapping.")
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _one_of(name: str, text: str) -> str:
    """A field that has one of its words, in small letters. Raises UsageError."""
    word = text.strip().lower()
    if word not in [one.lower() for one in _WORDS[name]]:
        raise UsageError(
            f"{name} is mapped as {text!r}; it is one of {', '.join(_WORDS[name])}.", remedy="Correct the mapping."
        )
    return word


def reply_of(data: Mapping[str, Any], settings: HelloIdSettings) -> dict[str, Any]:
    """The parameters of mailbox.set-automatic-replies; none where neither mapping nor settings know a reply.

    In reconciliation HelloID has no mapped fields, and the settings stand in for them.
    """
    mapped = {key: field_of(data, name) for name, key in _REPLY.items() if is_mapped(data, name)}
    if mapped:
        texts = {key: text_of(name, field_of(data, name)) for name, key in _REPLY.items() if key in mapped}
        words = {key: _one_of(name, texts[key]) for name, key in _REPLY.items() if key in texts and name in _WORDS}
        return {"state": "enabled"} | texts | words
    if not settings.reply_internal and not settings.reply_external:
        return {}
    return {
        "state": "enabled",
        "internal_message": settings.reply_internal,
        "external_message": settings.reply_external,
        "audience": "all" if settings.reply_external else "none",
    }
