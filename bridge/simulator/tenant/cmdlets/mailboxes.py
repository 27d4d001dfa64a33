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
from bridge.simulator.tenant.cmdlets.addresses import addressed
from bridge.simulator.tenant.cmdlets.holds import HOLD_PARAMETERS, held
from bridge.simulator.tenant.cmdlets.lookup import (
    EXO_IDENTITIES,
    chosen,
    is_mailbox,
    projection,
    required,
    supports,
    write,
)
from bridge.simulator.tenant.cmdlets.mailbox_settings import CLOUD_SETTINGS, SETTING_PARAMETERS, boolean, settings
from bridge.simulator.tenant.cmdlets.rows import MAILBOX, View
from bridge.simulator.tenant.invocation import Invocation
from bridge.simulator.tenant.objects import CUSTOM_ATTRIBUTES, EXTENSION_ATTRIBUTES, Account, DirectoryObject

# Of Get-EXOMailbox. Those that hold nothing this tenant knows are empty. Source: cmdlet-property-sets.
_SETS: Mapping[str, tuple[str, ...]] = {
    "Minimum": (
        *("Alias", "DisplayName", "DistinguishedName", "EmailAddresses", "ExchangeVersion"),
        *("ExternalDirectoryObjectId", "Guid", "Id", "Name", "OrganizationId", "PrimarySmtpAddress"),
        *("RecipientType", "RecipientTypeDetails", "UserPrincipalName"),
    ),
    "AddressList": ("HiddenFromAddressListsEnabled",),
    "Audit": ("AuditEnabled",),
    "Custom": (*CUSTOM_ATTRIBUTES, *EXTENSION_ATTRIBUTES),
    "Delivery": (
        *("DeliverToMailboxAndForward", "ForwardingSmtpAddress", "GrantSendOnBehalfTo"),
        *("MessageCopyForSendOnBehalfEnabled", "MessageCopyForSentAsEnabled"),
    ),
    "Hold": HOLD_PARAMETERS,
    "StatisticsSeed": ("ExchangeGuid",),
    **dict.fromkeys(
        (
            *("Archive", "Moderation", "Move", "Policy", "PublicFolder", "Quota", "Resource"),
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
    """Set-Mailbox: addresses, attributes, send on behalf, holds, and who manages the mailbox."""
    supports(
        call,
        *("Identity", "Force", "EmailAddresses", "GrantSendOnBehalfTo", "IsExchangeCloudManaged"),
        *(*SETTING_PARAMETERS, *HOLD_PARAMETERS),
    )
    identity = required(call, "Identity")
    mailbox = cast(Account, call.one(identity, is_mailbox))
    if call.given("IsExchangeCloudManaged"):
        write(call, mailbox, _managed(call, mailbox))
        return
    _refuse_synchronized(call, mailbox, identity)
    changes = settings(call, mailbox)
    if call.given("EmailAddresses"):
        changes |= addressed(call, mailbox)
    if call.given("GrantSendOnBehalfTo"):
        changes["send_on_behalf"] = _delegates(call, mailbox.send_on_behalf)
    if any(call.given(name) for name in HOLD_PARAMETERS):
        changes["hold"] = held(call, mailbox)
    write(call, mailbox, dataclasses.replace(mailbox, **changes))


def _managed(call: Invocation, mailbox: Account) -> Account:
    """-IsExchangeCloudManaged is a parameter set of its own, for synchronised mailboxes."""
    if set(call.parameters) - {"Identity", "IsExchangeCloudManaged", "Confirm", "Force"}:
        raise errors.ambiguous_parameter_set(call.cmdlet)
    if not mailbox.synchronized:
        raise errors.task_error(f"The mailbox '{mailbox.name}' isn't synchronized from an on-premises organization.")
    return dataclasses.replace(mailbox, exchange_managed=boolean(call, "IsExchangeCloudManaged"))


def _refuse_synchronized(call: Invocation, mailbox: Account, identity: str) -> None:
    if not mailbox.synchronized:
        return
    for name in [name for name in call.parameters if name not in (*HOLD_PARAMETERS, *CLOUD_SETTINGS)]:
        if name == "DisplayName" or (name not in ("Identity", "Confirm", "Force") and not mailbox.exchange_managed):
            raise errors.synchronized(call.cmdlet, name, identity)


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
