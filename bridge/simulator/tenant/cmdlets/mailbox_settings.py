"""The parameters of Set-Mailbox that set one plain value or a list of texts: which there are, and what they take.

Rules: a text that is set to null or to nothing is gone; a display name and an alias there must be. A list is given as
a whole or as a table with Add and Remove, and holds each text once.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from bridge.simulator.tenant import errors
from bridge.simulator.tenant.invocation import Invocation
from bridge.simulator.tenant.objects import (
    CUSTOM_ATTRIBUTES,
    EXTENSION_ATTRIBUTES,
    MAILBOX_SETTINGS,
    Account,
    DirectoryObject,
)

PLAIN_PARAMETERS = ("DisplayName", "Alias", "Office", "HiddenFromAddressListsEnabled")
# What no on-premises directory holds.
CLOUD_SETTINGS = tuple(
    name for name in MAILBOX_SETTINGS if name not in ("RequireSenderAuthenticationEnabled", "SimpleDisplayName")
)
SETTING_PARAMETERS = (*PLAIN_PARAMETERS, *CUSTOM_ATTRIBUTES, *EXTENSION_ATTRIBUTES, *MAILBOX_SETTINGS)

# Source: Set-Mailbox; the number of values is that of -ExtensionCustomAttribute1.
_MAX_DISPLAY_NAME = 256
_MAX_TEXT = 1024
_MAX_VALUES = 1300
_ALIAS = re.compile(r"[A-Za-z0-9!#%&'*+/=?^_`{|}~\u00a1-\u00ff-]+(\.[A-Za-z0-9!#%&'*+/=?^_`{|}~\u00a1-\u00ff-]+)*")


def settings(call: Invocation, mailbox: Account) -> dict[str, Any]:
    """The fields of the mailbox that these parameters change. Raises CmdletError for a value that cannot be."""
    changes: dict[str, Any] = {}
    if call.given("DisplayName"):
        changes["display_name"] = display_name(call.text("DisplayName"))
    if call.given("Alias"):
        changes["alias"] = _alias(call.text("Alias"))
    if call.given("Office"):
        changes["office"] = _short(call, "Office")
    if call.given("HiddenFromAddressListsEnabled"):
        changes["hidden"] = boolean(call, "HiddenFromAddressListsEnabled")
    if any(call.given(name) for name in CUSTOM_ATTRIBUTES):
        changes["custom_attributes"] = custom_attributes(call, mailbox)
    if given := [name for name in EXTENSION_ATTRIBUTES if call.given(name)]:
        lists = {**mailbox.extension_attributes, **{name: _list(call, mailbox, name) for name in given}}
        changes["extension_attributes"] = {name: values for name, values in lists.items() if values}
    if given := [name for name in MAILBOX_SETTINGS if call.given(name)]:
        values = {**mailbox.mailbox_settings, **{name: _setting(call, name) for name in given}}
        changes["mailbox_settings"] = {name: one for name, one in values.items() if one != MAILBOX_SETTINGS[name]}
    return changes


def boolean(call: Invocation, name: str) -> bool:
    """A parameter that is true or false. Raises CmdletError, as PowerShell's binder does."""
    value = call.parameters[name]
    if not isinstance(value, bool):
        raise errors.parameter_type(call.cmdlet, name, value, "System.Boolean")
    return value


def custom_attributes(call: Invocation, thing: DirectoryObject) -> dict[str, str]:
    """The custom attributes of an object after the change; one that is set to nothing is gone. Raises CmdletError."""
    given = {name: _short(call, name) for name in CUSTOM_ATTRIBUTES if call.given(name)}
    return {name: text for name, text in {**thing.custom_attributes, **given}.items() if text}


def display_name(text: str) -> str:
    """A display name that there must be. Raises CmdletError where it is empty or too long."""
    if not 0 < len(text) <= _MAX_DISPLAY_NAME:
        raise errors.invalid_value(f"The display name must have 1 to {_MAX_DISPLAY_NAME} characters.")
    return text


def _alias(text: str) -> str:
    if not _ALIAS.fullmatch(text) or len(text) > 64:
        raise errors.invalid_value(f"'{text}' isn't a valid alias.")
    return text


def _short(call: Invocation, name: str) -> str:
    if len(call.text(name)) > _MAX_TEXT:
        raise errors.invalid_value(f"The value of {name} is longer than {_MAX_TEXT} characters.")
    return call.text(name)


def _setting(call: Invocation, name: str) -> str:
    if MAILBOX_SETTINGS[name]:
        return str(boolean(call, name))
    text = _short(call, name)
    if name == "ForwardingSmtpAddress" and text:
        # It is a proxy address: it is read back with its prefix.
        address = re.sub("^smtp:", "", text, flags=re.IGNORECASE)
        if not re.fullmatch(r"[^@\s:]+@[^@\s:]+", address):
            raise errors.invalid_value(f"'{text}' isn't a valid SMTP address.")
        return f"smtp:{address}"
    return text


def _list(call: Invocation, mailbox: Account, name: str) -> tuple[str, ...]:
    value = call.parameters[name]
    if not isinstance(value, Mapping):
        new = _texts(value)
    else:
        table = {str(key).lower(): items for key, items in value.items() if not str(key).startswith("@")}
        if unknown := sorted(table.keys() - {"add", "remove"}):
            raise errors.invalid_value(f"'{unknown[0]}' is not an operation on a list; there are Add and Remove.")
        removed = _texts(table.get("remove"))
        new = [*mailbox.extension_attributes.get(name, ()), *_texts(table.get("add"))]
        new = [text for text in new if text not in removed]
    if len(new) > _MAX_VALUES:
        raise errors.invalid_value(f"{name} takes {_MAX_VALUES} values at the most.")
    return tuple(dict.fromkeys(new))


def _texts(value: Any) -> list[str]:
    items = value if isinstance(value, list | tuple) else [value]
    return [str(item) for item in items if item is not None and str(item)]
