r"""Get-MailboxFolderStatistics and Get-, Add-, Set- and Remove-MailboxFolderPermission, for the calendar.

Rules: the calendar is called what the language of the mailbox's folders calls it, and is named ``mailbox:\path`` or
``mailbox:FolderId``. Every folder has an entry for Default and for Anonymous, which can be set and not removed. Add
wants somebody without an entry, Set and Remove want one with an entry. Only a security principal with an address can
have one. A role stands alone, single rights can be combined. A delegate is an Editor; with other rights it is none any
more. Entries are the mailbox's own, so a synchronised mailbox takes them.
Source: Microsoft, Add- and Set-MailboxFolderPermission and Get-MailboxFolderStatistics.
"""

from __future__ import annotations

import base64
import dataclasses
import uuid
from collections.abc import Iterable
from typing import Any, cast

from bridge.simulator.tenant import errors
from bridge.simulator.tenant.cmdlets.cultures import calendar_name
from bridge.simulator.tenant.cmdlets.lookup import (
    is_mailbox,
    not_of_type,
    one_asked,
    required,
    supports,
    texts,
    write,
)
from bridge.simulator.tenant.directory import Directory
from bridge.simulator.tenant.invocation import Invocation
from bridge.simulator.tenant.objects import (
    EVERYBODY,
    FOLDER_FLAGS,
    FOLDER_RIGHTS,
    FOLDER_ROLES,
    Account,
    DirectoryObject,
    FolderEntry,
)

_RIGHTS_TYPE = "MailboxFolderAccessRight[]"


def get_mailbox_folder_statistics(call: Invocation) -> None:
    """Get-MailboxFolderStatistics: the calendar and a folder in it. Other scopes are not simulated."""
    supports(call, "Identity", "FolderScope", "UseCustomRouting")
    mailbox = cast(Account, one_asked(call, is_mailbox))
    if call.text("FolderScope").lower() != "calendar":
        text = f"The simulated tenant does not act on the FolderScope '{call.text('FolderScope')}'."
        raise errors.exchange_error("", "System.NotSupportedException", text)
    name = calendar_name(mailbox.regional.folder_language)
    call.rows(
        [
            _folder_row(mailbox, name, "Calendar"),
            _folder_row(mailbox, f"{name}/Team", "User Created"),
        ]
    )


def get_mailbox_folder_permission(call: Invocation) -> None:
    """Get-MailboxFolderPermission: all entries, or that of -User, which has to have one."""
    supports(call, "Identity", "User", "UseCustomRouting")
    mailbox = call.directory.visible(_mailbox(call).guid)
    if not isinstance(mailbox, Account):
        raise errors.not_found(call.text("Identity"))
    user = call.text("User")
    entries = [_entry(mailbox, _user(call, user, mailbox), user)] if user else mailbox.calendar
    call.rows([_permission_row(call.directory, mailbox, entry) for entry in entries])


def add_mailbox_folder_permission(call: Invocation) -> None:
    """Add-MailboxFolderPermission: answers the entry."""
    mailbox, user, rights = _change(call)
    if any(entry.user == user for entry in mailbox.calendar):
        raise errors.store_error(
            "UserAlreadyExistsInPermissionEntryException",
            f"An existing permission entry was found for user: {call.text('User')}.",
        )
    new = FolderEntry(user, rights, _flags(call, rights, ()))
    _write(call, mailbox, (*mailbox.calendar, new))
    call.reply.output.append(_permission_row(call.directory, mailbox, new))


def set_mailbox_folder_permission(call: Invocation) -> None:
    """Set-MailboxFolderPermission: the rights are replaced."""
    mailbox, user, rights = _change(call)
    old = _entry(mailbox, user, call.text("User"))
    new = FolderEntry(user, rights, _flags(call, rights, old.flags))
    _write(call, mailbox, [new if entry is old else entry for entry in mailbox.calendar])


def remove_mailbox_folder_permission(call: Invocation) -> None:
    """Remove-MailboxFolderPermission: all rights of one user."""
    supports(call, "Identity", "User", "Force")
    mailbox, name = _mailbox(call), required(call, "User")
    user = _user(call, name, mailbox)
    if user in EVERYBODY:
        raise errors.task_error(f"The permission entry of {user} can't be removed from a folder.")
    old = _entry(mailbox, user, name)
    _write(call, mailbox, [entry for entry in mailbox.calendar if entry is not old])


def _change(call: Invocation) -> tuple[Account, str, tuple[str, ...]]:
    """The mailbox, whose entry, and the rights of a call of Add- or Set-."""
    supports(call, "Identity", "User", "AccessRights", "SharingPermissionFlags")
    mailbox, name = _mailbox(call), required(call, "User")
    required(call, "AccessRights")
    known = {right.lower(): right for right in (*FOLDER_ROLES, *FOLDER_RIGHTS)}
    asked = texts(call.parameters["AccessRights"])
    if unknown := [right for right in asked if right.lower() not in known]:
        raise not_of_type("AccessRights", unknown[0], _RIGHTS_TYPE)
    rights = tuple(dict.fromkeys(known[right.lower()] for right in asked))
    if not rights:
        raise errors.parameter_empty(call.cmdlet, "AccessRights")
    if len(rights) > 1 and set(rights) & set(FOLDER_ROLES):
        raise errors.invalid_value(f"'{', '.join(rights)}' is neither one role nor a combination of single rights.")
    return mailbox, _user(call, name, mailbox), rights


def _mailbox(call: Invocation) -> Account:
    r"""The mailbox whose calendar ``mailbox:\path`` or ``mailbox:FolderId`` names. Raises CmdletError."""
    identity = required(call, "Identity")
    name, _, folder = identity.partition(":")
    mailbox = cast(Account, call.one(name, is_mailbox))
    path = "\\" + calendar_name(mailbox.regional.folder_language)
    if folder != _folder_id(mailbox, "Calendar") and folder.lower() != path.lower():
        raise errors.not_found(identity)
    return mailbox


def _user(call: Invocation, name: str, mailbox: Account) -> str:
    """Whom -User means: a guid, one of EVERYBODY, or the SID of somebody who has an entry and is gone."""
    for one in EVERYBODY:
        if one.lower() == name.lower():
            return one
    for entry in mailbox.calendar:
        if _shown(call.directory, entry.user).lower() == name.lower() and name.upper().startswith("NT:"):
            return entry.user
    return call.one(name, _can_have_entry, _no_such_user).guid


def _can_have_entry(thing: DirectoryObject) -> bool:
    return thing.recipient and thing.principal


def _no_such_user(name: str) -> Exception:
    return errors.store_error(
        "InvalidExternalUserIdException",
        f'The user "{name}" is either not valid SMTP address, or there is no matching information.',
    )


def _entry(mailbox: Account, user: str, name: str) -> FolderEntry:
    for entry in mailbox.calendar:
        if entry.user == user:
            return entry
    raise errors.store_error(
        "UserNotFoundInPermissionEntryException", f"There is no existing permission entry found for user: {name}."
    )


def _flags(call: Invocation, rights: tuple[str, ...], now: tuple[str, ...]) -> tuple[str, ...]:
    """The flags after the change; a delegate needs to be an Editor."""
    if not call.given("SharingPermissionFlags"):
        return now if rights == ("Editor",) else ()
    known = {flag.lower(): flag for flag in FOLDER_FLAGS}
    asked = [flag for flag in texts(call.parameters["SharingPermissionFlags"]) if flag.lower() != "none"]
    if unknown := [flag for flag in asked if flag.lower() not in known]:
        raise not_of_type("SharingPermissionFlags", unknown[0], "MailboxFolderPermissionFlags")
    if asked and rights != ("Editor",):
        raise errors.invalid_value("SharingPermissionFlags are for an Editor of the calendar.")
    return tuple(flag for flag in FOLDER_FLAGS if flag.lower() in (one.lower() for one in asked))


def _write(call: Invocation, mailbox: Account, entries: Iterable[FolderEntry]) -> None:
    """Their order says nothing, so it is always the same: those for everybody first."""
    ordered = sorted(entries, key=lambda one: (one.user not in EVERYBODY, one.user == EVERYBODY[1], one.user))
    write(call, mailbox, dataclasses.replace(mailbox, calendar=tuple(ordered)))


def _folder_id(mailbox: Account, path: str) -> str:
    """An id that stays whatever the folder is called."""
    return base64.b64encode(uuid.uuid5(uuid.UUID(mailbox.guid), path).bytes * 2).decode()


def _folder_row(mailbox: Account, path: str, kind: str) -> dict[str, Any]:
    return {
        "Identity": f"{mailbox.name}\\{path}".replace("/", "\\"),
        "Name": path.rpartition("/")[2],
        "FolderPath": f"/{path}",
        "FolderType": kind,
        "FolderId": _folder_id(mailbox, "Calendar" if kind == "Calendar" else path),
        "ItemsInFolder": 0,
    }


def _permission_row(directory: Directory, mailbox: Account, entry: FolderEntry) -> dict[str, Any]:
    return {
        "Identity": _shown(directory, entry.user),
        "FolderName": calendar_name(mailbox.regional.folder_language),
        "User": _shown(directory, entry.user),
        "AccessRights": list(entry.rights),
        "SharingPermissionFlags": ", ".join(entry.flags) or None,
    }


def _shown(directory: Directory, user: str) -> str:
    """How an entry shows its user: by display name, NT: and the SID of one who is gone."""
    if user in EVERYBODY:
        return user
    if user.upper().startswith("S-1-"):
        return f"NT:{user}"
    thing = directory.visible(user)
    gone = Account(guid=user, external_id="", name="", display_name="", type="User")
    return f"NT:{gone.sid}" if thing is None else thing.display_name
