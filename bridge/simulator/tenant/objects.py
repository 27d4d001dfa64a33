"""What lives in the tenant: accounts (with or without a mailbox) and groups.

Objects are never changed: a change makes a new object with the same guid, so the state as others still see it while
a change spreads is simply the old object. References between objects are guids. Lists are tuples for the same reason.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

MAILBOX_TYPES = ("UserMailbox", "SharedMailbox", "RoomMailbox", "EquipmentMailbox")
ACCOUNT_TYPES = ("User", *MAILBOX_TYPES, "MailUser", "GuestMailUser", "MailContact")
GROUP_TYPES = ("MailUniversalDistributionGroup", "MailUniversalSecurityGroup", "RoomList")
CUSTOM_ATTRIBUTES = tuple(f"CustomAttribute{number}" for number in range(1, 16))
SELF = "NT AUTHORITY\\SELF"


@dataclass(frozen=True)
class AccessEntry:
    """Who has which rights on a mailbox.

    ``trustee`` is a guid, or the SID (S-1-5-...) of an account that no longer exists. ``rights`` are the names of
    -AccessRights, ``auto_mapping`` is for Outlook alone.
    """

    trustee: str
    rights: tuple[str, ...] = ("FullAccess",)
    auto_mapping: bool = True
    deny: bool = False
    inheritance: str = "All"


@dataclass(frozen=True)
class Regional:
    """Regional configuration of a mailbox; empty until somebody sets it or logs on for the first time.

    ``folder_language`` is the language in which the default folders are named.
    """

    language: str = ""
    date_format: str = ""
    time_format: str = ""
    time_zone: str = ""
    folder_language: str = ""


@dataclass(frozen=True, kw_only=True)
class DirectoryObject:
    """What accounts and groups have in common. ``type`` is RecipientTypeDetails.

    ``email_addresses`` are the proxy addresses besides the primary one, with their prefix (``smtp:x@y``, ``SIP:...``).
    ``send_as`` and ``send_on_behalf`` are the guids of those who may; ``created`` is ISO 8601 in UTC.
    """

    guid: str
    external_id: str
    name: str
    display_name: str
    type: str
    alias: str = ""
    primary_smtp_address: str = ""
    email_addresses: tuple[str, ...] = ()
    synchronized: bool = False
    hidden: bool = False
    custom_attributes: Mapping[str, str] = field(default_factory=dict)
    send_as: tuple[str, ...] = ()
    send_on_behalf: tuple[str, ...] = ()
    created: str = "2024-01-15T08:00:00Z"

    @cached_property
    def sid(self) -> str:
        """A security identifier that follows from the guid, so that it survives a save."""
        return f"S-1-5-21-3812345678-1234567890-2345678901-{uuid.UUID(self.guid).int % 9_000_000 + 1_000_000}"

    @property
    def recipient(self) -> bool:
        """Whether it has an address at all."""
        return self.type != "User"

    @property
    def principal(self) -> bool:
        """Whether it can hold rights: accounts and security groups can, distribution groups and contacts cannot."""
        return self.type not in ("MailUniversalDistributionGroup", "RoomList", "MailContact")

    @property
    def trustee_name(self) -> str:
        """How permission cmdlets show it."""
        return self.name

    def unique_keys(self) -> Iterator[str]:
        """Identities that belong to one object only, lower case."""
        yield self.guid
        yield self.external_id
        yield self.sid.lower()
        if self.primary_smtp_address:
            yield self.primary_smtp_address.lower()
        for address in self.email_addresses:
            yield address.partition(":")[2].lower()

    def shared_keys(self) -> Iterator[str]:
        """Identities that several objects can have, lower case."""
        yield self.name.lower()
        yield self.display_name.lower()
        if self.alias:
            yield self.alias.lower()


@dataclass(frozen=True, kw_only=True)
class Account(DirectoryObject):
    """A user, a mailbox of any kind, a mail user or a contact (which has no user principal name)."""

    user_principal_name: str = ""
    first_name: str = ""
    last_name: str = ""
    department: str = ""
    title: str = ""
    office: str = ""
    company: str = ""
    phone: str = ""
    disabled: bool = False
    exchange_managed: bool = False
    regional: Regional = Regional()
    full_access: tuple[AccessEntry, ...] = ()

    @property
    def mailbox(self) -> bool:
        """Whether there is a mailbox."""
        return self.type in MAILBOX_TYPES

    @cached_property
    def exchange_guid(self) -> str:
        """The mailbox's own guid; it follows from the object's guid."""
        return str(uuid.uuid5(uuid.UUID(self.guid), "mailbox"))

    @property
    def trustee_name(self) -> str:
        """How permission cmdlets show it."""
        return self.user_principal_name or self.name

    def unique_keys(self) -> Iterator[str]:
        """Identities that belong to one object only, lower case."""
        yield from super().unique_keys()
        if self.user_principal_name:
            yield self.user_principal_name.lower()
        if self.mailbox:
            yield self.exchange_guid


@dataclass(frozen=True, kw_only=True)
class Group(DirectoryObject):
    """A distribution group or a mail-enabled security group."""

    description: str = ""
    managed_by: tuple[str, ...] = ()
    members: tuple[str, ...] = ()
