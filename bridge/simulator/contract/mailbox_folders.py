"""The scripts for permissions on the calendar of ps_scripts/mailbox, in Python."""

from __future__ import annotations

import re
from typing import Any

from bridge.simulator.contract.binding import text_of
from bridge.simulator.contract.run import Row, Run, guid_of, is_of_type, name_of
from bridge.simulator.tenant import CmdletError

_FLAGS = {"no": "None", "yes": "Delegate", "private-items": "Delegate,CanViewPrivateItems"}


def set_permission(run: Run) -> None:
    """mailbox/Set-MailboxFolderPermission.ps1."""
    mailbox, right, delegate = run.values["Mailbox"], run.values["Right"], run.values["Delegate"].lower()
    target = run.find_one("mailbox", mailbox, "Get-Mailbox")
    if target is None:
        run.fail("NotFound", "ObjectNotFound", f"There is no mailbox '{mailbox}'.", mailbox)
    user_id, user_name = _user(run)
    folder = _calendar(run, target)
    place = f"{guid_of(target)}:{folder['FolderId']}"
    entry = _entry(run, target, folder, user_id, user_name)
    before = {"UserId": user_id, "UserName": user_name, "Folder": text_of(folder["FolderPath"]), **_shown(entry)}
    after = before | {"Right": _sorted(right)}
    if delegate or right.lower() != "editor":
        after["Delegate"] = delegate or "no"
    same = all(before[key].lower() == after[key].lower() for key in ("Right", "Delegate"))
    if not same and not run.values["DryRun"]:
        change: dict[str, Any] = {"Identity": place, "User": user_id, "AccessRights": after["Right"].split(",")}
        if delegate:
            change["SharingPermissionFlags"] = _FLAGS[delegate]
        run.verbose(f"Giving '{user_name}' {right} in '{before['Folder']}' of '{name_of(target)}'.")
        _write(run, entry, change)
    reason = f"would give {right}" if run.values["DryRun"] else f"{right} given"
    run.output(
        {
            "Status": "unchanged" if same else "changed",
            "Reason": "already so" if same else reason,
            "Identity": {"Id": guid_of(target), "Name": name_of(target)},
            "Before": before,
            "After": after,
        }
    )


def remove_permission(run: Run) -> None:
    """mailbox/Remove-MailboxFolderPermission.ps1."""
    mailbox, user = run.values["Mailbox"], run.values["User"]
    identity, reason = {"Id": "", "Name": mailbox}, "the mailbox does not exist"
    before = {"UserId": "", "UserName": user, "Folder": "", "Right": "", "Delegate": "no"}
    entry, place = None, ""
    target = run.find_one("mailbox", mailbox, "Get-Mailbox")
    if target is not None:
        identity, reason = {"Id": guid_of(target), "Name": name_of(target)}, "the user does not exist"
        trustee = run.find_one("recipient", user, "Get-Recipient")
        if trustee is not None:
            reason = "not granted"
            folder = _calendar(run, target)
            place = f"{guid_of(target)}:{folder['FolderId']}"
            before |= {"UserId": guid_of(trustee), "UserName": name_of(trustee), "Folder": folder["FolderPath"]}
            entry = _entry(run, target, folder, before["UserId"], before["UserName"])
    after = dict(before)
    if entry is not None:
        reason = "would remove the entry" if run.values["DryRun"] else "entry removed"
        before |= _shown(entry)
        if not run.values["DryRun"]:
            whose = f"'{before['UserName']}' in '{before['Folder']}' of '{identity['Name']}'"
            run.verbose(f"Removing the entry of {whose}.")
            run.call("Remove-MailboxFolderPermission", Identity=place, User=before["UserId"])
    run.output(
        {
            "Status": "unchanged" if entry is None else "changed",
            "Reason": reason,
            "Identity": identity,
            "Before": before,
            "After": after,
        }
    )


def _user(run: Run) -> tuple[str, str]:
    """Whose entry it is: the id and the name."""
    user = run.values["User"]
    for name in ("Default", "Anonymous"):
        if name.lower() == user.lower():
            return name, name
    trustee = run.find_one("recipient", user, "Get-Recipient")
    if trustee is None:
        run.fail("NotFound", "ObjectNotFound", f"There is no recipient '{user}'.", user)
    return guid_of(trustee), name_of(trustee)


def _calendar(run: Run, target: Row) -> Row:
    run.verbose(f"Reading the name of the calendar of '{name_of(target)}'.")
    folders = run.call("Get-MailboxFolderStatistics", Identity=guid_of(target), FolderScope="Calendar")
    return next(row for row in folders if row["FolderType"] == "Calendar")


def _entry(run: Run, target: Row, folder: Row, user_id: str, user_name: str) -> Row | None:
    """The entry of a user; None where there is none."""
    run.verbose(f"Reading what '{user_name}' may do in '{folder['FolderPath']}' of '{name_of(target)}'.")
    place = f"{guid_of(target)}:{folder['FolderId']}"
    try:
        (entry,) = run.call("Get-MailboxFolderPermission", Identity=place, User=user_id)
    except CmdletError as error:
        if not is_of_type(error, "UserNotFoundInPermissionEntryException"):
            raise
        return None
    return entry


def _write(run: Run, entry: Row | None, change: dict[str, Any]) -> None:
    try:
        run.call("Add-MailboxFolderPermission" if entry is None else "Set-MailboxFolderPermission", **change)
    except CmdletError as error:
        # What was read can be older than what is there.
        if entry is not None or not is_of_type(error, "UserAlreadyExistsInPermissionEntryException"):
            raise
        run.call("Set-MailboxFolderPermission", **change)


def _shown(entry: Row | None) -> dict[str, str]:
    """An entry as the scripts show it."""
    flags = text_of(entry["SharingPermissionFlags"]) if entry else ""
    delegate = "private-items" if "CanViewPrivateItems" in flags else "yes" if "Delegate" in flags else "no"
    return {"Right": _sorted(text_of(entry["AccessRights"]) if entry else ""), "Delegate": delegate}


def _sorted(rights: str) -> str:
    return ",".join(sorted(re.split(r"[\s,]+", rights), key=str.lower))
