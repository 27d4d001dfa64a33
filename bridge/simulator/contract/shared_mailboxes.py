"""The scripts of ps_scripts/shared-mailbox, in Python."""

from __future__ import annotations

from typing import Any, NoReturn

from bridge.simulator.contract.binding import text_of
from bridge.simulator.contract.lookup import named, term
from bridge.simulator.contract.run import Row, Run, guid_of, name_of


def list_shared(run: Run) -> None:
    """shared-mailbox/Get-SharedMailbox.ps1."""
    run.verbose("Reading the shared mailboxes.")
    for row in run.call("Get-EXOMailbox", RecipientTypeDetails=["SharedMailbox"], ResultSize="Unlimited"):
        run.output(
            {
                "Id": guid_of(row),
                "Name": name_of(row) or text_of(row["Name"]),
                "DisplayName": name_of(row),
                "PrimarySmtpAddress": text_of(row["PrimarySmtpAddress"]),
                "Alias": text_of(row["Alias"]),
                "UserPrincipalName": text_of(row["UserPrincipalName"]),
                "ExternalDirectoryObjectId": text_of(row["ExternalDirectoryObjectId"]).lower(),
            }
        )


def grant_right(run: Run) -> None:
    """shared-mailbox/Grant-SharedMailboxRight.ps1."""
    mailbox, user, right = run.values["Mailbox"], run.values["User"], run.values["Right"]
    target, rows = _find_mailbox(run, mailbox, user)
    if target is None:
        _no_shared_mailbox(run, mailbox)
    _refuse_other_mailbox(run, target, mailbox)
    trustee = _find_trustee(run, user, rows)
    if trustee is None:
        run.fail("NotFound", "ObjectNotFound", f"There is no user or group '{user}'.", user)
    already = _has_right(run, target, trustee, right)
    if not already and not run.values["DryRun"]:
        run.verbose(f"Granting {right} to '{name_of(trustee)}' on the mailbox '{name_of(target)}'.")
        automapping = not run.values["NoAutomapping"]
        change_right(run, "Add", guid_of(target), guid_of(trustee), right, AutoMapping=automapping)
    reason = f"would grant {right}" if run.values["DryRun"] else f"{right} granted"
    about = {"UserId": guid_of(trustee), "UserName": name_of(trustee), "Right": right}
    run.output(
        {
            "Status": "unchanged" if already else "changed",
            "Reason": "already granted" if already else reason,
            "Identity": {"Id": guid_of(target), "Name": name_of(target)},
            "Before": about | {"Granted": already},
            "After": about | {"Granted": True},
        }
    )


def revoke_right(run: Run) -> None:
    """shared-mailbox/Revoke-SharedMailboxRight.ps1."""
    mailbox, user, right = run.values["Mailbox"], run.values["User"], run.values["Right"]
    granted = False
    identity = {"Id": "", "Name": mailbox}
    about = {"UserId": "", "UserName": user, "Right": right}
    target, rows = _find_mailbox(run, mailbox, user)
    if target is None:
        reason = "the mailbox does not exist"
    else:
        _refuse_other_mailbox(run, target, mailbox)
        identity = {"Id": guid_of(target), "Name": name_of(target)}
        trustee = _find_trustee(run, user, rows)
        if trustee is None:
            reason = "the user does not exist"
        else:
            reason = "not granted"
            about = {"UserId": guid_of(trustee), "UserName": name_of(trustee), "Right": right}
            granted = _has_right(run, target, trustee, right)
            if granted and not run.values["DryRun"]:
                run.verbose(f"Revoking {right} from '{name_of(trustee)}' on the mailbox '{name_of(target)}'.")
                change_right(run, "Remove", guid_of(target), guid_of(trustee), right)
    if granted:
        reason = f"would revoke {right}" if run.values["DryRun"] else f"{right} revoked"
    run.output(
        {
            "Status": "changed" if granted else "unchanged",
            "Reason": reason,
            "Identity": identity,
            "Before": about | {"Granted": granted},
            "After": about | {"Granted": False},
        }
    )


def _no_shared_mailbox(run: Run, mailbox: str) -> NoReturn:
    run.fail("NotFound", "ObjectNotFound", f"There is no shared mailbox '{mailbox}'.", mailbox)


def _refuse_other_mailbox(run: Run, target: Row, mailbox: str) -> None:
    if text_of(target["RecipientTypeDetails"]) != "SharedMailbox":
        _no_shared_mailbox(run, mailbox)


def _find_mailbox(run: Run, mailbox: str, user: str) -> tuple[Row | None, list[Row]]:
    """The mailbox, and all that was read with it: both are found with one call."""
    rows: list[Row] = []

    def read() -> list[Row]:
        rows[:] = run.call("Get-Recipient", Filter=f"{term(mailbox)} -or {term(user)}", ResultSize="Unlimited")
        return named(mailbox, [row for row in rows if row["RecipientType"] == "UserMailbox"])

    return run.find_one("mailbox", mailbox, read), rows


def _find_trustee(run: Run, user: str, rows: list[Row]) -> Row | None:
    """One of the recipients that were read; else a user who is none."""
    found = named(user, rows)
    if len(found) == 1:
        return found[0]
    return run.find_one("user", user, lambda: found or run.call("Get-User", Identity=user))


def _has_right(run: Run, target: Row, trustee: Row, right: str) -> bool:
    run.verbose(f"Reading {right} of '{name_of(trustee)}' on the mailbox '{name_of(target)}'.")
    identity, user = guid_of(target), guid_of(trustee)
    if right.lower() == "full-access":
        return any(
            "FullAccess" in row["AccessRights"] and not row["IsInherited"] and not row["Deny"]
            for row in run.call("Get-MailboxPermission", Identity=identity, User=user)
        )
    if right.lower() == "send-as":
        return any(
            "SendAs" in row["AccessRights"] and not row["IsInherited"] and row["AccessControlType"] == "Allow"
            for row in run.call("Get-RecipientPermission", Identity=identity, Trustee=user)
        )
    names = {text_of(trustee.get(key)).lower() for key in ("Guid", "Name", "Identity", "DistinguishedName")}
    (read,) = run.call("Get-Mailbox", Identity=identity)
    return any(name and text_of(name).lower() in names for name in read["GrantSendOnBehalfTo"] or ())


def change_right(run: Run, verb: str, identity: str, user: str, right: str, **more: Any) -> None:
    """Add or remove one right; mailbox and user by id. ``more`` is for -MailboxPermission alone."""
    if right.lower() == "full-access":
        run.call(
            f"{verb}-MailboxPermission",
            Identity=identity,
            User=user,
            AccessRights=["FullAccess"],
            InheritanceType="All",
            **more,
        )
    elif right.lower() == "send-as":
        run.call(f"{verb}-RecipientPermission", Identity=identity, Trustee=user, AccessRights="SendAs")
    else:
        run.call("Set-Mailbox", Identity=identity, GrantSendOnBehalfTo={verb: user})
