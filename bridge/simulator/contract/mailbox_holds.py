"""The scripts for litigation holds of ps_scripts/mailbox, in Python."""

from __future__ import annotations

from typing import Any

from bridge.simulator.contract.binding import text_of
from bridge.simulator.contract.run import Row, Run, guid_of, is_of_type, name_of
from bridge.simulator.tenant import CmdletError


def set_hold(run: Run) -> None:
    """mailbox/Set-MailboxLitigationHold.ps1."""
    mailbox, duration, owner = run.values["Mailbox"], run.values["Duration"].lower(), run.values["Owner"]
    target = run.find_one("mailbox", mailbox, "Get-Mailbox")
    if target is None:
        run.fail("NotFound", "ObjectNotFound", f"There is no mailbox '{mailbox}'.", mailbox)
    before = _hold(target)
    after, change = dict(before), dict[str, Any]()
    if not before["Held"]:
        change["LitigationHoldEnabled"] = after["Held"] = True
    if duration and duration != before.get("Duration"):
        change["LitigationHoldDuration"] = after["Duration"] = duration
    if run.given("Owner") and owner != before.get("Owner", ""):
        change["LitigationHoldOwner"] = after["Owner"] = owner
    names = ", ".join(sorted(change, key=str.lower))
    if change and not run.values["DryRun"]:
        run.verbose(f"Setting {names} of '{name_of(target)}'.")
        _set(run, target, mailbox, change)
    reason = f"would set {names}" if run.values["DryRun"] else f"{names} set"
    run.output(
        {
            "Status": "changed" if change else "unchanged",
            "Reason": reason if change else "already so",
            "Identity": {"Id": guid_of(target), "Name": name_of(target)},
            "Before": before,
            "After": after,
        }
    )


def remove_hold(run: Run) -> None:
    """mailbox/Remove-MailboxLitigationHold.ps1."""
    mailbox = run.values["Mailbox"]
    if not run.values["ConfirmRelease"]:
        run.fail(
            "ReleaseNotConfirmed",
            "InvalidArgument",
            "Without the hold, what it kept can be deleted for good. -ConfirmRelease says that this is meant.",
            mailbox,
        )
    identity, before, reason = {"Id": "", "Name": mailbox}, {"Held": False}, "the mailbox does not exist"
    target = run.find_one("mailbox", mailbox, "Get-Mailbox")
    if target is not None:
        identity, before, reason = {"Id": guid_of(target), "Name": name_of(target)}, _hold(target), "not held"
    if before["Held"]:
        reason = "would remove the hold" if run.values["DryRun"] else "hold removed"
        if not run.values["DryRun"]:
            run.verbose(f"Removing the litigation hold of '{identity['Name']}'.")
            run.call("Set-Mailbox", Identity=identity["Id"], LitigationHoldEnabled=False)
    run.output(
        {
            "Status": "changed" if before["Held"] else "unchanged",
            "Reason": reason,
            "Identity": identity,
            "Before": before,
            "After": {"Held": False},
        }
    )


def _hold(target: Row) -> dict[str, Any]:
    """The hold as the scripts show it."""
    if text_of(target["LitigationHoldEnabled"]) != "True":
        return {"Held": False}
    duration = text_of(target["LitigationHoldDuration"]).lower().partition(".")[0]
    return {"Held": True, "Duration": duration, "Owner": text_of(target["LitigationHoldOwner"])}


def _set(run: Run, target: Row, mailbox: str, change: dict[str, Any]) -> None:
    try:
        run.call("Set-Mailbox", Identity=guid_of(target), **change)
    except CmdletError as error:
        if not is_of_type(error, "RecipientTaskException"):
            raise
        run.fail(
            "LicenseMissing",
            "PermissionDenied",
            f"Exchange refuses the hold on '{name_of(target)}': {error.message.split('|', 2)[-1]}",
            mailbox,
        )
