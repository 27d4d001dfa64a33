"""The rows that Exchange's cmdlets answer: which properties an object has, and how each is read.

Rules: a property is a function of the object and of what the call can see around it, and is worked out only when it
is asked for, so a filter over a large directory reads just what it names. Values that name other objects are those
objects' names in a row, as in the real module, and their distinguished names in a filter. An attribute that is empty
is an empty text; ``None`` is left for what there is not at all.
Source: Microsoft, "Property sets in Exchange Online PowerShell module cmdlets" and "Filterable properties for the
Filter parameter on Exchange cmdlets".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from bridge.simulator.tenant.directory import Directory
from bridge.simulator.tenant.objects import (
    CUSTOM_ATTRIBUTES,
    EXTENSION_ATTRIBUTES,
    MAILBOX_SETTINGS,
    MAILBOX_TYPES,
    DirectoryObject,
)

_RECIPIENT_TYPES = {
    "GuestMailUser": "MailUser",
    "RoomList": "MailUniversalDistributionGroup",
    "GroupMailbox": "MailUniversalDistributionGroup",
} | dict.fromkeys(MAILBOX_TYPES, "UserMailbox")


class View:
    """The directory as one call sees it: what has spread, and who is a member of what."""

    def __init__(self, directory: Directory) -> None:
        self.directory = directory

    def seen(self, guids: Iterable[str]) -> list[DirectoryObject]:
        """The objects with these guids; those that are gone are left out."""
        things = (self.directory.visible(guid) for guid in guids)
        return [thing for thing in things if thing is not None]

    def names(self, guids: Iterable[str]) -> list[str]:
        """How a row shows a list of objects."""
        return [thing.name for thing in self.seen(guids)]

    def distinguished_names(self, guids: Iterable[str]) -> list[str]:
        """How a filter sees a list of objects."""
        return [self.directory.distinguished_name(thing) for thing in self.seen(guids)]

    @cached_property
    def member_of(self) -> Mapping[str, list[str]]:
        """The distinguished names of the groups that an object, by its guid, is a direct member of."""
        groups: dict[str, list[str]] = {}
        for group in self.directory.groups():
            for member in group.members:
                groups.setdefault(member, []).append(self.directory.distinguished_name(group))
        return groups


Property = Callable[[View, Any], Any]
Shape = Mapping[str, Property]


def recipient_type(thing: DirectoryObject) -> str:
    """RecipientType: the coarse kind of which RecipientTypeDetails is the fine one."""
    return _RECIPIENT_TYPES.get(thing.type, thing.type)


def email_addresses(thing: DirectoryObject) -> list[str]:
    """All proxy addresses with their prefix; ``SMTP:`` marks the primary one."""
    primary = [f"SMTP:{thing.primary_smtp_address}"] if thing.primary_smtp_address else []
    return primary + list(thing.email_addresses)


def _custom(name: str) -> Property:
    return lambda _, thing: thing.custom_attributes.get(name, "")


def _extension(name: str) -> Property:
    return lambda _, thing: list(thing.extension_attributes.get(name, ()))


def _setting(name: str) -> Property:
    """A setting of a mailbox; a yes or no is a boolean."""
    default = MAILBOX_SETTINGS[name]
    if default:
        return lambda _, thing: thing.mailbox_settings.get(name, default) == "True"
    return lambda _, thing: thing.mailbox_settings.get(name, "")


_IDENTITY: Shape = {
    "Identity": lambda _, thing: thing.name,
    "Id": lambda _, thing: thing.name,
    "Guid": lambda _, thing: thing.guid,
    "ExternalDirectoryObjectId": lambda _, thing: thing.external_id,
    "DistinguishedName": lambda view, thing: view.directory.distinguished_name(thing),
    "OrganizationId": lambda view, _: view.directory.organization,
    "ExchangeVersion": lambda _, __: "0.20 (15.0.0.0)",
    "Name": lambda _, thing: thing.name,
    "DisplayName": lambda _, thing: thing.display_name,
    "RecipientType": lambda _, thing: recipient_type(thing),
    "RecipientTypeDetails": lambda _, thing: thing.type,
    "IsDirSynced": lambda _, thing: thing.synchronized,
    "WhenCreatedUTC": lambda _, thing: datetime.fromisoformat(thing.created),
}
_MAIL: Shape = {
    "Alias": lambda _, thing: thing.alias,
    "PrimarySmtpAddress": lambda _, thing: thing.primary_smtp_address,
    "EmailAddresses": lambda _, thing: email_addresses(thing),
    "HiddenFromAddressListsEnabled": lambda _, thing: thing.hidden,
    **{name: _custom(name) for name in CUSTOM_ATTRIBUTES},
    **{name: _extension(name) for name in EXTENSION_ATTRIBUTES},
}
_PERSON: Shape = {
    "FirstName": lambda _, thing: getattr(thing, "first_name", ""),
    "LastName": lambda _, thing: getattr(thing, "last_name", ""),
    "Department": lambda _, thing: getattr(thing, "department", ""),
    "Title": lambda _, thing: getattr(thing, "title", ""),
    "Office": lambda _, thing: getattr(thing, "office", ""),
    "Company": lambda _, thing: getattr(thing, "company", ""),
    "Phone": lambda _, thing: getattr(thing, "phone", ""),
}

_USER: Shape = {
    **_IDENTITY,
    **_PERSON,
    "UserPrincipalName": lambda _, thing: thing.user_principal_name,
    "WindowsLiveID": lambda _, thing: thing.user_principal_name,
    "MicrosoftOnlineServicesID": lambda _, thing: thing.user_principal_name,
    "AccountDisabled": lambda _, thing: thing.disabled,
    "Sid": lambda _, thing: thing.sid,
}
_MAILBOX: Shape = {
    **_IDENTITY,
    **_MAIL,
    "UserPrincipalName": lambda _, thing: thing.user_principal_name,
    "WindowsLiveID": lambda _, thing: thing.user_principal_name,
    "MicrosoftOnlineServicesID": lambda _, thing: thing.user_principal_name,
    "ExchangeGuid": lambda _, thing: thing.exchange_guid,
    "GrantSendOnBehalfTo": lambda view, thing: view.names(thing.send_on_behalf),
    "LitigationHoldEnabled": lambda _, thing: thing.hold.enabled,
    "LitigationHoldDuration": lambda _, thing: f"{thing.hold.days}.00:00:00" if thing.hold.days else "Unlimited",
    "LitigationHoldOwner": lambda _, thing: thing.hold.owner,
    "Languages": lambda _, thing: [thing.regional.language] if thing.regional.language else [],
    "Office": lambda _, thing: thing.office,
    "AccountDisabled": lambda _, thing: thing.disabled,
    "IsExchangeCloudManaged": lambda _, thing: thing.exchange_managed,
    "IsMailboxEnabled": lambda _, __: True,
    "IsShared": lambda _, thing: thing.type == "SharedMailbox",
    **{name: _setting(name) for name in MAILBOX_SETTINGS},
    "IsResource": lambda _, thing: thing.type in ("RoomMailbox", "EquipmentMailbox"),
}
_RECIPIENT: Shape = {
    **_IDENTITY,
    **_MAIL,
    **_PERSON,
    "WindowsLiveID": lambda _, thing: getattr(thing, "user_principal_name", ""),
    "ManagedBy": lambda view, thing: view.names(getattr(thing, "managed_by", ())),
}
_GROUP: Shape = {
    **_IDENTITY,
    **_MAIL,
    "GroupType": lambda _, thing: "Universal, SecurityEnabled" if thing.principal else "Universal",
    "ManagedBy": lambda view, thing: view.names(thing.managed_by),
    "GrantSendOnBehalfTo": lambda view, thing: view.names(thing.send_on_behalf),
    "Description": lambda _, thing: [thing.description] if thing.description else [],
}
_MEMBER: Shape = {
    name: _RECIPIENT[name]
    for name in [
        "Identity",
        "Guid",
        "ExternalDirectoryObjectId",
        "DistinguishedName",
        "Name",
        "DisplayName",
        "Alias",
        "PrimarySmtpAddress",
        "WindowsLiveID",
        "RecipientType",
        "RecipientTypeDetails",
    ]
}

# What a filter sees in another form than a row has it, or does not find in a row at all.
_FILTER: Shape = {
    # The prefix of a proxy address may be left out in a filter.
    "EmailAddresses": lambda _, thing: [
        form for address in email_addresses(thing) for form in (address, address.partition(":")[2])
    ],
    "GrantSendOnBehalfTo": lambda view, thing: view.distinguished_names(thing.send_on_behalf),
    "ManagedBy": lambda view, thing: view.distinguished_names(getattr(thing, "managed_by", ())),
    "MemberOfGroup": lambda view, thing: view.member_of.get(thing.guid, []),
    "Members": lambda view, thing: view.distinguished_names(getattr(thing, "members", ())),
    "WhenCreatedUTC": lambda _, thing: thing.created,
}
_NOT_FILTERABLE = frozenset(
    (
        "Identity",
        "OrganizationId",
        "ExchangeVersion",
        "AccountDisabled",
        "IsExchangeCloudManaged",
        "IsShared",
        "Languages",
        "LitigationHoldDuration",
    )
)


@dataclass(frozen=True)
class Kind:
    """One kind of row: what it has, and by lower-case name what a filter may ask for."""

    properties: Shape
    filterable: Shape

    def row(self, view: View, thing: DirectoryObject, names: Iterable[str] | None = None) -> dict[str, Any]:
        """All properties with their values, or those of these names."""
        return {name: self.properties[name](view, thing) for name in names or self.properties}

    def spelling(self, name: str) -> str | None:
        """The property as it is spelt, whatever the case of ``name``; None where there is none."""
        return next((known for known in self.properties if known.lower() == name.strip().lower()), None)


def _kind(properties: Shape, *only_filtered: str) -> Kind:
    seen = {name: read for name, read in properties.items() if name not in _NOT_FILTERABLE}
    seen |= {name: read for name, read in _FILTER.items() if name in seen or name in only_filtered}
    return Kind(properties, {name.lower(): read for name, read in seen.items()})


USER = _kind(_USER, "MemberOfGroup")
MAILBOX = _kind(_MAILBOX, "MemberOfGroup")
RECIPIENT = _kind(_RECIPIENT, "MemberOfGroup", "Members")
GROUP = _kind(_GROUP, "MemberOfGroup", "Members")
MEMBER = _kind(_MEMBER)
