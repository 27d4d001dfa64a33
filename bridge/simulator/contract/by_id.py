"""The scripts of ps_scripts/session that a batch runs on what it has found already, in Python."""

from __future__ import annotations

from bridge.simulator.contract.binding import text_of
from bridge.simulator.contract.run import Run, guid_of, is_of_type, name_of
from bridge.simulator.contract.shared_mailboxes import change_right
from bridge.simulator.tenant import CmdletError


def list_members(run: Run) -> None:
    """session/Get-GroupMemberById.ps1."""
    run.verbose(f"Reading the members of the group '{run.values['GroupName']}'.")
    for row in run.call("Get-DistributionGroupMember", Identity=run.values["Group"], ResultSize="Unlimited"):
        run.output(
            {
                "Id": guid_of(row),
                "DisplayName": name_of(row),
                "PrimarySmtpAddress": text_of(row["PrimarySmtpAddress"]),
            }
        )


def add_member(run: Run) -> None:
    """session/Add-GroupMemberById.ps1."""
    run.verbose(f"Adding '{run.values['MemberName']}' to the group '{run.values['GroupName']}'.")
    already = not _changed(run, "Add", "MemberAlreadyExistsException")
    _tell(run, "already a member" if already else "member added", was=already, will_be=True)


def remove_member(run: Run) -> None:
    """session/Remove-GroupMemberById.ps1."""
    run.verbose(f"Removing '{run.values['MemberName']}' from the group '{run.values['GroupName']}'.")
    gone = not _changed(run, "Remove", "MemberNotFoundException")
    _tell(run, "not a member" if gone else "member removed", was=not gone, will_be=False)


def _changed(run: Run, verb: str, unchanged: str) -> bool:
    """Add or remove a member; False when Exchange says by the error ``unchanged`` that it is so already."""
    try:
        run.call(
            f"{verb}-DistributionGroupMember",
            Identity=run.values["Group"],
            Member=run.values["Member"],
            BypassSecurityGroupManagerCheck=True,
        )
    except CmdletError as error:
        if is_of_type(error, "OperationRequiresGroupManagerException"):
            text = f"Exchange lets only the managers of the group '{run.values['GroupName']}' change its members."
            run.fail("NotGroupManager", "PermissionDenied", text, run.values["Group"])
        if not is_of_type(error, unchanged):
            raise
        return False
    return True


def _tell(run: Run, reason: str, *, was: bool, will_be: bool) -> None:
    about = {"MemberId": run.values["Member"], "MemberName": run.values["MemberName"]}
    run.output(
        {
            "Status": "unchanged" if was == will_be else "changed",
            "Reason": reason,
            "Identity": {"Id": run.values["Group"], "Name": run.values["GroupName"]},
            "Before": about | {"IsMember": was},
            "After": about | {"IsMember": will_be},
        }
    )


def add_right(run: Run) -> None:
    """session/Add-MailboxRightById.ps1."""
    run.verbose(f"Granting {run.values['Right']} to '{run.values['UserName']}' {_on_mailbox(run)}.")
    _change_right(run, "Add", "granted", AutoMapping=not run.values["NoAutomapping"])


def remove_right(run: Run) -> None:
    """session/Remove-MailboxRightById.ps1."""
    run.verbose(f"Revoking {run.values['Right']} from '{run.values['UserName']}' {_on_mailbox(run)}.")
    _change_right(run, "Remove", "revoked")


def _on_mailbox(run: Run) -> str:
    return f"on the mailbox '{run.values['MailboxName']}'"


def _change_right(run: Run, verb: str, done: str, **more: bool) -> None:
    right, user = run.values["Right"], run.values["User"]
    change_right(run, verb, run.values["Mailbox"], user, right, **more)
    about = {"UserId": user, "UserName": run.values["UserName"], "Right": right}
    run.output(
        {
            "Status": "changed",
            "Reason": f"{right} {done}",
            "Identity": {"Id": run.values["Mailbox"], "Name": run.values["MailboxName"]},
            "Before": about | {"Granted": verb == "Remove"},
            "After": about | {"Granted": verb == "Add"},
        }
    )
