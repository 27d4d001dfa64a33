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
DISTRIBUTION_TYPES = ("MailUniversalDistributionGroup", "MailUniversalSecurityGroup", "RoomList")
GROUP_TYPES = (*DISTRIBUTION_TYPES, "GroupMailbox", "DynamicDistributionGroup")
CUSTOM_ATTRIBUTES = tuple(f"CustomAttribute{number}" for number in range(1, 16))
EXTENSION_ATTRIBUTES = tuple(f"ExtensionCustomAttribute{number}" for number in range(1, 6))
# What else Set-Mailbox sets to one value, and what it is when nobody has set it; True and False are yes and no.
MAILBOX_SETTINGS: Mapping[str, str] = {
    "AuditEnabled": "True",
    "DeliverToMailboxAndForward": "False",
    "ForwardingSmtpAddress": "",
    "MessageCopyForSendOnBehalfEnabled": "False",
    "MessageCopyForSentAsEnabled": "False",
    "MessageTrackingReadStatusEnabled": "True",
    "RequireSenderAuthenticationEnabled": "False",
    "RetentionComment": "",
    "RetentionHoldEnabled": "False",
    "RetentionUrl": "",
    "SimpleDisplayName": "",
    "SingleItemRecoveryEnabled": "True",
}
SELF = "NT AUTHORITY\\SELF"
REPLY_STATES = ("Disabled", "Enabled", "Scheduled")
REPLY_AUDIENCES = ("None", "Known", "All")
# Source: Add-MailboxFolderPermission, -AccessRights; a role stands alone, rights can be combined.
FOLDER_ROLES = (
    *("None", "AvailabilityOnly", "LimitedDetails", "Reviewer", "Contributor", "NonEditingAuthor", "Author"),
    *("PublishingAuthor", "Editor", "PublishingEditor", "Owner"),
)
FOLDER_RIGHTS = (
    *("CreateItems", "CreateSubfolders", "DeleteAllItems", "DeleteOwnedItems", "EditAllItems", "EditOwnedItems"),
    *("FolderContact", "FolderOwner", "FolderVisible", "ReadItems"),
)
FOLDER_FLAGS = ("Delegate", "CanViewPrivateItems")
# Whom every folder has an entry for: everybody in the organization, and everybody else.
EVERYBODY = ("Default", "Anonymous")


@dataclass(frozen=True)
class AccessEntry:
    """Who has which rights on a mailbox.

    ``trustee`` is a guid, or the SID (S-1-5-...) of an account that no longer exists. ``rights`` are the names of
    -AccessRights, ``auto_mapping`` is for Outlook alone. An ``inherited`` entry comes from above the mailbox: it is
    shown, and no cmdlet changes it.
    """

    trustee: str
    rights: tuple[str, ...] = ("FullAccess",)
    auto_mapping: bool = True
    deny: bool = False
    inheritance: str = "All"
    inherited: bool = False


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


@dataclass(frozen=True)
class AutomaticReplies:
    """The automatic replies of a mailbox.

    The messages are HTML. ``start`` and ``end`` (ISO 8601 in UTC) belong to the state Scheduled.
    """

    state: str = "Disabled"
    internal_message: str = ""
    external_message: str = ""
    audience: str = "All"
    start: str = ""
    end: str = ""


@dataclass(frozen=True)
class Hold:
    """The litigation hold of a mailbox: for so many ``days``, 0 without end.

    ``licensed`` says whether the mailbox's licence allows one.
    """

    enabled: bool = False
    days: int = 0
    owner: str = ""
    licensed: bool = True


@dataclass(frozen=True)
class FolderEntry:
    """Who may do what in a folder.

    ``user`` is a guid, the SID of somebody who no longer exists, or one of EVERYBODY. ``rights`` is a role or several
    single rights; ``flags`` are the SharingPermissionFlags of a delegate.
    """

    user: str
    rights: tuple[str, ...]
    flags: tuple[str, ...] = ()


CALENDAR = (FolderEntry("Default", ("AvailabilityOnly",)), FolderEntry("Anonymous", ("None",)))


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
    extension_attributes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
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
        return self.type != "MailContact" and (
            self.type not in GROUP_TYPES or self.type == "MailUniversalSecurityGroup"
        )

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
    """A user, a mailbox of any kind, a mail user or a contact (which has no user principal name).

    ``mailbox_settings`` has those of MAILBOX_SETTINGS that somebody has set to something else.
    """

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
    replies: AutomaticReplies = AutomaticReplies()
    hold: Hold = Hold()
    calendar: tuple[FolderEntry, ...] = CALENDAR
    mailbox_settings: Mapping[str, str] = field(default_factory=dict)

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
    """A group with an address.

    GroupMailbox is a Microsoft 365 group. The members of a DynamicDistributionGroup follow from a rule, which is not
    kept here: it has none of its own.
    """

    description: str = ""
    managed_by: tuple[str, ...] = ()
    members: tuple[str, ...] = ()
