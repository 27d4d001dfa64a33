"""Get-Mailbox, Get-EXOMailbox and Set-Mailbox.

Rules: a mailbox that is synchronised from on-premises refuses changes of what its home directory holds, unless
-IsExchangeCloudManaged has made the cloud the home of the Exchange attributes; the display name stays on-premises even
then. A change that changes nothing is a warning. Nothing is written unless everything asked for can be.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, cast

from bridge.simulator.tenant import errors
from bridge.simulator.tenant.cmdlets.lookup import (
    EXO_IDENTITIES,
    chosen,
    is_mailbox,
    projection,
    required,
    supports,
    write,
)
from bridge.simulator.tenant.cmdlets.rows import MAILBOX, View
from bridge.simulator.tenant.invocation import Invocation
from bridge.simulator.tenant.objects import CUSTOM_ATTRIBUTES, Account, DirectoryObject

_MAX_DISPLAY_NAME = 256
_MAX_CUSTOM_ATTRIBUTE = 1024
# Of Get-EXOMailbox. Those that hold nothing this tenant knows are empty. Source: cmdlet-property-sets.
_SETS: Mapping[str, tuple[str, ...]] = {
    "Minimum": (
        *("Alias", "DisplayName", "DistinguishedName", "EmailAddresses", "ExchangeVersion"),
        *("ExternalDirectoryObjectId", "Guid", "Id", "Name", "OrganizationId", "PrimarySmtpAddress"),
        *("RecipientType", "RecipientTypeDetails", "UserPrincipalName"),
    ),
    "AddressList": ("HiddenFromAddressListsEnabled",),
    "Custom": CUSTOM_ATTRIBUTES,
    "Delivery": ("GrantSendOnBehalfTo",),
    "StatisticsSeed": ("ExchangeGuid",),
    **dict.fromkeys(
        (
            *("Archive", "Audit", "Hold", "Moderation", "Move", "Policy", "PublicFolder", "Quota", "Resource"),
            *("Retention", "SCL", "SoftDelete"),
        ),
        (),
    ),
}


def get_mailbox(call: Invocation) -> None:
    """Get-Mailbox."""
    supports(call, "Identity", "Anr", "Filter", "RecipientTypeDetails", "SortBy")
    view = View(call.directory)
    call.reply.output += [MAILBOX.row(view, thing) for thing in call.allowed(chosen(call, is_mailbox, MAILBOX, view))]


def get_exo_mailbox(call: Invocation) -> None:
    """Get-EXOMailbox: the property set Minimum, and more where it is asked for."""
    supports(call, *EXO_IDENTITIES, "Anr", "Filter", "RecipientTypeDetails", "Properties", "PropertySets")
    view = View(call.directory)
    names = projection(call, MAILBOX, _SETS)
    call.reply.output += [
        MAILBOX.row(view, thing, names) for thing in call.allowed(chosen(call, is_mailbox, MAILBOX, view))
    ]


def set_mailbox(call: Invocation) -> None:
    """Set-Mailbox: display name, custom attributes, address lists, send on behalf, and who manages the mailbox."""
    supports(
        call,
        *("Identity", "Force", "DisplayName", "HiddenFromAddressListsEnabled", "GrantSendOnBehalfTo"),
        *("IsExchangeCloudManaged", *CUSTOM_ATTRIBUTES),
    )
    identity = required(call, "Identity")
    mailbox = cast(Account, call.one(identity, is_mailbox))
    if call.given("IsExchangeCloudManaged"):
        write(call, mailbox, _managed(call, mailbox))
        return
    _refuse_synchronized(call, mailbox, identity)
    changes: dict[str, Any] = {}
    if call.given("DisplayName"):
        changes["display_name"] = _display_name(call.text("DisplayName"))
    if call.given("HiddenFromAddressListsEnabled"):
        changes["hidden"] = _boolean(call, "HiddenFromAddressListsEnabled")
    if any(call.given(name) for name in CUSTOM_ATTRIBUTES):
        changes["custom_attributes"] = _custom_attributes(call, mailbox)
    if call.given("GrantSendOnBehalfTo"):
        changes["send_on_behalf"] = _delegates(call, mailbox.send_on_behalf)
    write(call, mailbox, dataclasses.replace(mailbox, **changes))


def _managed(call: Invocation, mailbox: Account) -> Account:
    """-IsExchangeCloudManaged is a parameter set of its own, for synchronised mailboxes."""
    if set(call.parameters) - {"Identity", "IsExchangeCloudManaged", "Confirm", "Force"}:
        raise errors.ambiguous_parameter_set(call.cmdlet)
    if not mailbox.synchronized:
        raise errors.task_error(f"The mailbox '{mailbox.name}' isn't synchronized from an on-premises organization.")
    return dataclasses.replace(mailbox, exchange_managed=_boolean(call, "IsExchangeCloudManaged"))


def _refuse_synchronized(call: Invocation, mailbox: Account, identity: str) -> None:
    if not mailbox.synchronized:
        return
    for name in call.parameters:
        if name == "DisplayName" or (name not in ("Identity", "Confirm", "Force") and not mailbox.exchange_managed):
            raise errors.synchronized(call.cmdlet, name, identity)


def _display_name(text: str) -> str:
    if not 0 < len(text) <= _MAX_DISPLAY_NAME:
        raise errors.invalid_value(f"The display name must have 1 to {_MAX_DISPLAY_NAME} characters.")
    return text


def _boolean(call: Invocation, name: str) -> bool:
    value = call.parameters[name]
    if not isinstance(value, bool):
        raise errors.parameter_type(call.cmdlet, name, value, "System.Boolean")
    return value


def _custom_attributes(call: Invocation, mailbox: Account) -> dict[str, str]:
    """The attributes after the change; one that is set to nothing is gone."""
    attributes = dict(mailbox.custom_attributes)
    for name in CUSTOM_ATTRIBUTES:
        if call.given(name):
            if len(call.text(name)) > _MAX_CUSTOM_ATTRIBUTE:
                raise errors.invalid_value(f"The value of {name} is longer than {_MAX_CUSTOM_ATTRIBUTE} characters.")
            attributes[name] = call.text(name)
    return {name: value for name, value in attributes.items() if value}


def _delegates(call: Invocation, now: tuple[str, ...]) -> tuple[str, ...]:
    """Who may send on behalf after the change: a new list, or a table with Add and Remove."""
    value = call.parameters["GrantSendOnBehalfTo"]
    if not isinstance(value, Mapping):
        return tuple(dict.fromkeys(_guid(call, item) for item in _items(value)))
    table = {str(key).lower(): items for key, items in value.items() if not str(key).startswith("@")}
    if unknown := sorted(table.keys() - {"add", "remove"}):
        raise errors.invalid_value(f"'{unknown[0]}' is not an operation on a list; there are Add and Remove.")
    added = [_guid(call, item) for item in _items(table.get("add"))]
    removed = {_guid(call, item) for item in _items(table.get("remove"))}
    return tuple(guid for guid in dict.fromkeys((*now, *added)) if guid not in removed)


def _items(value: Any) -> list[str]:
    items = value if isinstance(value, list | tuple) else [value]
    return [str(item) for item in items if item is not None and str(item)]


def _guid(call: Invocation, identity: str) -> str:
    return call.one(identity, _can_be_delegate, errors.reference_not_found).guid


def _can_be_delegate(thing: DirectoryObject) -> bool:
    """A mailbox, a mail user or a mail-enabled security group. Source: Set-Mailbox, -GrantSendOnBehalfTo."""
    return thing.recipient and thing.principal
