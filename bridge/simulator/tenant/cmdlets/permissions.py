r"""Rights on a mailbox (Get-, Add-, Remove-MailboxPermission) and in its name (the same of -RecipientPermission).

Rules: only who is a security principal can hold a right. A right that is there already, or is not there to be removed,
is a warning and changes nothing. A mailbox has at most 500 entries. Every mailbox has its owner's own entry,
NT AUTHORITY\SELF, and inherits some of Exchange's own, denials among them. A holder that no longer exists shows as a
SID. Rights are the cloud's own, so a synchronised object takes them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any, cast

from bridge.simulator.tenant import errors
from bridge.simulator.tenant.cmdlets.lookup import (
    EXO_IDENTITIES,
    is_mailbox,
    is_principal,
    is_recipient,
    not_of_type,
    one_asked,
    required,
    supports,
    texts,
)
from bridge.simulator.tenant.directory import Directory
from bridge.simulator.tenant.invocation import Invocation
from bridge.simulator.tenant.objects import SELF, AccessEntry, Account, DirectoryObject

MAX_ENTRIES = 500
# Source: Add-MailboxPermission, -AccessRights and -InheritanceType.
_RIGHTS = ("ChangeOwner", "ChangePermission", "DeleteItem", "ExternalAccount", "FullAccess", "ReadPermission")
_INHERITANCE = ("None", "All", "Children", "Descendents", "SelfAndChildren")
_SEND_AS = "SendAs"
_SID = "S-1-5-21-"
_OWN = AccessEntry(SELF, ("FullAccess", "ReadPermission"))
# Which ones a real mailbox inherits is Exchange's affair and differs from server to server; these stand for them.
_INHERITED = (
    AccessEntry("NT AUTHORITY\\SYSTEM", inherited=True),
    AccessEntry("EURPR01A001\\Domain Admins", deny=True, inherited=True),
)
_PRESENT = 'The appropriate access control entry is already present on the object "{}" for account "{}".'
_ABSENT = (
    'Can\'t remove the access control entry on the object "{}" for account "{}" because the ACE doesn\'t exist on '
    "the object."
)
_ABSENT_SEND_AS = (
    'Can\'t remove the access control entry on the object "{}" for account "{}" because the ACE isn\'t present.'
)


def get_mailbox_permission(call: Invocation) -> None:
    """Get-MailboxPermission. Entries of holders that are gone come with -IncludeUnresolvedPermissions only."""
    supports(call, "Identity", "User", "IncludeUnresolvedPermissions", "UseCustomRouting", "ReadFromDomainController")
    mailbox = cast(Account, one_asked(call, is_mailbox))
    entries = _entries(mailbox)
    if user := call.text("User"):
        wanted = _holder(call, user, [entry.trustee for entry in entries])
        entries = [entry for entry in entries if entry.trustee == wanted]
    if not call.parameters.get("IncludeUnresolvedPermissions"):
        entries = [entry for entry in entries if not _shown(call.directory, entry.trustee).startswith(_SID)]
    call.rows([_access_row(call.directory, mailbox, entry) for entry in entries])


def get_exo_mailbox_permission(call: Invocation) -> None:
    """Get-EXOMailboxPermission. -User is compared with how the holder is shown, and case matters."""
    supports(call, *EXO_IDENTITIES, "User")
    mailbox = cast(Account, one_asked(call, is_mailbox))
    rows = [_access_row(call.directory, mailbox, entry) for entry in _entries(mailbox)]
    call.rows([row for row in rows if call.text("User") in ("", row["User"])])


def add_mailbox_permission(call: Invocation) -> None:
    """Add-MailboxPermission: answers the entry. Automapping is on unless it is switched off, and stays as it was."""
    supports(call, "Identity", "User", "AccessRights", "AutoMapping", "Deny", "InheritanceType")
    mapping, inheritance = call.parameters.get("AutoMapping", True), _inheritance(call)
    if not isinstance(mapping, bool):
        raise errors.parameter_type(call.cmdlet, "AutoMapping", mapping, "System.Boolean")
    mailbox, trustee, rights = _mailbox_change(call, _RIGHTS)
    deny = bool(call.parameters.get("Deny"))
    own = [entry for entry in mailbox.full_access if not entry.inherited]
    old = next((one for one in own if (one.trustee, one.deny) == (trustee, deny)), None)
    if old is not None and set(rights) <= set(old.rights):
        _warn(call, _PRESENT, mailbox, trustee)
        return
    if old is None:
        if len(mailbox.full_access) >= MAX_ENTRIES:
            raise errors.task_error(
                f"The mailbox '{mailbox.name}' has {MAX_ENTRIES} permission entries, which is as many as it can have."
            )
        new = AccessEntry(trustee, rights, mapping, deny, inheritance)
        entries = (*mailbox.full_access, new)
    else:
        new = dataclasses.replace(old, rights=tuple(dict.fromkeys((*old.rights, *rights))))
        entries = tuple(new if one is old else one for one in mailbox.full_access)
    changed = dataclasses.replace(mailbox, full_access=entries)
    call.put(changed)
    call.reply.output.append(_access_row(call.directory, changed, new))


def remove_mailbox_permission(call: Invocation) -> None:
    """Remove-MailboxPermission: takes the rights out of the holder's entry; an entry without rights is gone."""
    supports(call, "Identity", "User", "AccessRights", "Deny", "InheritanceType")
    mailbox, trustee, rights = _mailbox_change(call, (*_RIGHTS, _SEND_AS))
    _inheritance(call)
    deny = bool(call.parameters.get("Deny"))
    entries = []
    for entry in mailbox.full_access:
        if entry.inherited or (entry.trustee, entry.deny) != (trustee, deny):
            entries.append(entry)
        elif kept := tuple(right for right in entry.rights if right not in rights):
            entries.append(dataclasses.replace(entry, rights=kept))
    if tuple(entries) == mailbox.full_access:
        _warn(call, _ABSENT, mailbox, trustee)
        return
    call.put(dataclasses.replace(mailbox, full_access=tuple(entries)))


def get_recipient_permission(call: Invocation) -> None:
    """Get-RecipientPermission: of one recipient, or without -Identity of all."""
    supports(call, "Identity", "Trustee", "AccessRights", "ReadFromDomainController")
    call.rows(_send_as_rows(call, [one_asked(call, is_recipient)] if call.text("Identity") else None))


def get_exo_recipient_permission(call: Invocation) -> None:
    """Get-EXORecipientPermission. -Trustee needs an identity beside it."""
    supports(call, *EXO_IDENTITIES, "Trustee", "AccessRights")
    named = any(call.text(name) for name in EXO_IDENTITIES)
    if call.text("Trustee") and not named:
        raise errors.ambiguous_parameter_set(call.cmdlet)
    call.rows(_send_as_rows(call, [one_asked(call, is_recipient)] if named else None))


def add_recipient_permission(call: Invocation) -> None:
    """Add-RecipientPermission: answers the entry."""
    recipient, trustee = _send_as_change(call)
    if trustee in recipient.send_as:
        _warn(call, _PRESENT, recipient, trustee)
        return
    call.put(dataclasses.replace(recipient, send_as=(*recipient.send_as, trustee)))
    call.reply.output.append(_send_as_row(call.directory, recipient, trustee))


def remove_recipient_permission(call: Invocation) -> None:
    """Remove-RecipientPermission."""
    recipient, trustee = _send_as_change(call)
    if trustee not in recipient.send_as:
        _warn(call, _ABSENT_SEND_AS, recipient, trustee)
        return
    call.put(dataclasses.replace(recipient, send_as=tuple(one for one in recipient.send_as if one != trustee)))


def _mailbox_change(call: Invocation, allowed: Iterable[str]) -> tuple[Account, str, tuple[str, ...]]:
    """The mailbox, who it is about and the rights, of Add- and Remove-MailboxPermission."""
    identity, user = required(call, "Identity"), required(call, "User")
    rights = _rights(call, allowed)
    mailbox = cast(Account, call.one(identity, is_mailbox))
    return mailbox, _holder(call, user, [entry.trustee for entry in mailbox.full_access]), rights


def _send_as_change(call: Invocation) -> tuple[DirectoryObject, str]:
    """The recipient and who it is about, of Add- and Remove-RecipientPermission."""
    supports(call, "Identity", "Trustee", "AccessRights")
    identity, trustee = required(call, "Identity"), required(call, "Trustee")
    _rights(call, (_SEND_AS,))
    recipient = call.one(identity, is_recipient)
    return recipient, _holder(call, trustee, recipient.send_as)


def _holder(call: Invocation, identity: str, holders: Iterable[str]) -> str:
    """Who may hold a right, by guid; one of ``holders`` that is gone may be named by its SID."""
    if identity.lower() == SELF.lower():
        return SELF
    if identity.upper().startswith(_SID):
        for holder in holders:
            if _shown(call.directory, holder).lower() == identity.lower():
                return holder
    return call.one(identity, is_principal, errors.principal_not_found).guid


def _rights(call: Invocation, allowed: Iterable[str]) -> tuple[str, ...]:
    """-AccessRights in their documented spelling."""
    required(call, "AccessRights")
    known = {name.lower(): name for name in allowed}
    asked = texts(call.parameters["AccessRights"])
    if unknown := [right for right in asked if right.lower() not in known]:
        raise not_of_type("AccessRights", unknown[0], "MailboxRights[]")
    if not asked:
        raise errors.parameter_empty(call.cmdlet, "AccessRights")
    return tuple(dict.fromkeys(known[right.lower()] for right in asked))


def _inheritance(call: Invocation) -> str:
    asked = call.text("InheritanceType") or "All"
    for name in _INHERITANCE:
        if name.lower() == asked.lower():
            return name
    raise not_of_type("InheritanceType", asked, "ActiveDirectorySecurityInheritance")


def _entries(mailbox: Account) -> list[AccessEntry]:
    """The owner's own entry, those that were given, and those that are inherited."""
    return [_OWN, *mailbox.full_access, *_INHERITED]


def _access_row(directory: Directory, mailbox: Account, entry: AccessEntry) -> dict[str, Any]:
    return {
        "Identity": mailbox.name,
        "User": _shown(directory, entry.trustee),
        "AccessRights": list(entry.rights),
        "IsInherited": entry.inherited,
        "Deny": entry.deny,
        "InheritanceType": entry.inheritance,
    }


def _send_as_rows(call: Invocation, recipients: list[DirectoryObject] | None) -> list[dict[str, Any]]:
    """The entries of these recipients, or of all; of one holder where -Trustee names one."""
    if call.parameters.get("AccessRights"):
        _rights(call, (_SEND_AS,))
    trustee = call.text("Trustee")
    wanted = _holder(call, trustee, recipients[0].send_as if recipients else ()) if trustee else None
    rows = []
    for recipient in call.directory.everything() if recipients is None else recipients:
        own = (SELF,) if is_mailbox(recipient) else ()
        holders = (*own, *recipient.send_as) if recipient.recipient else ()
        rows += [_send_as_row(call.directory, recipient, one) for one in holders if wanted in (None, one)]
    return rows


def _send_as_row(directory: Directory, recipient: DirectoryObject, trustee: str) -> dict[str, Any]:
    return {
        "Identity": recipient.name,
        "Trustee": _shown(directory, trustee),
        "AccessControlType": "Allow",
        "AccessRights": [_SEND_AS],
        "IsInherited": False,
        "InheritanceType": "None",
    }


def _shown(directory: Directory, trustee: str) -> str:
    """How a holder is shown: a user by its principal name, a group by its name, one that is gone by its SID.

    Exchange's own holders have a name with a backslash, which no name of ours has.
    """
    if "\\" in trustee or trustee.startswith(_SID):
        return trustee
    holder = directory.visible(trustee)
    if holder is not None:
        return holder.trustee_name
    return Account(guid=trustee, external_id="", name="", display_name="", type="User").sid


def _warn(call: Invocation, text: str, thing: DirectoryObject, trustee: str) -> None:
    call.reply.warnings.append(text.format(call.directory.distinguished_name(thing), _shown(call.directory, trustee)))
