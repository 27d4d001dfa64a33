"""The scripts of ps_scripts/group, in Python."""

from __future__ import annotations

from bridge.simulator.contract.binding import text_of
from bridge.simulator.contract.run import Row, Run, guid_of, is_of_type, name_of
from bridge.simulator.tenant import CmdletError


def list_groups(run: Run) -> None:
    """group/Get-Group.ps1."""
    run.verbose("Reading the groups that are not synchronised from on-premises.")
    for row in run.call("Get-DistributionGroup", Filter="IsDirSynced -eq 'False'", ResultSize="Unlimited"):
        security = text_of(row["RecipientTypeDetails"]) == "MailUniversalSecurityGroup"
        run.output(
            {
                "Id": guid_of(row),
                "Name": name_of(row) or text_of(row["Name"]),
                "DisplayName": name_of(row),
                "PrimarySmtpAddress": text_of(row["PrimarySmtpAddress"]),
                "Kind": "mail-enabled-security" if security else "distribution",
            }
        )


def grant_member(run: Run) -> None:
    """group/Grant-GroupMember.ps1."""
    group, member = run.values["Group"], run.values["Member"]
    target = run.find_one("group", group, "Get-DistributionGroup")
    if target is None:
        run.fail(
            "NotFound",
            "ObjectNotFound",
            f"There is no distribution group or mail-enabled security group '{group}'.",
            group,
        )
    _refuse_synchronized(run, target, group)
    recipient = run.find_one("recipient", member, "Get-Recipient")
    if recipient is None:
        run.fail(
            "NotFound",
            "ObjectNotFound",
            f"There is no recipient '{member}'; a user without a mailbox or an address cannot be a member.",
            member,
        )
    if run.values["DryRun"]:
        already = _is_member(run, target, guid_of(recipient))
    else:
        run.verbose(f"Adding '{name_of(recipient)}' to the group '{name_of(target)}'.")
        already = not _changed(run, "Add", target, guid_of(recipient), "MemberAlreadyExistsException")
    reason = "would add the member" if run.values["DryRun"] else "member added"
    about = {"MemberId": guid_of(recipient), "MemberName": name_of(recipient)}
    run.output(
        {
            "Status": "unchanged" if already else "changed",
            "Reason": "already a member" if already else reason,
            "Identity": {"Id": guid_of(target), "Name": name_of(target)},
            "Before": about | {"IsMember": already},
            "After": about | {"IsMember": True},
        }
    )


def revoke_member(run: Run) -> None:
    """group/Revoke-GroupMember.ps1."""
    group, member = run.values["Group"], run.values["Member"]
    gone = ""
    identity = {"Id": "", "Name": group}
    about = {"MemberId": "", "MemberName": member}
    target = run.find_one("group", group, "Get-DistributionGroup")
    if target is None:
        gone = "the group does not exist"
    else:
        identity = {"Id": guid_of(target), "Name": name_of(target)}
        _refuse_synchronized(run, target, group)
        recipient = run.find_one("recipient", member, "Get-Recipient")
        if recipient is None:
            gone = "the member does not exist"
        else:
            about = {"MemberId": guid_of(recipient), "MemberName": name_of(recipient)}
            if run.values["DryRun"]:
                is_member = _is_member(run, target, about["MemberId"])
            else:
                run.verbose(f"Removing '{about['MemberName']}' from the group '{identity['Name']}'.")
                is_member = _changed(run, "Remove", target, about["MemberId"], "MemberNotFoundException")
            gone = "" if is_member else "not a member"
    reason = "would remove the member" if run.values["DryRun"] else "member removed"
    run.output(
        {
            "Status": "unchanged" if gone else "changed",
            "Reason": gone or reason,
            "Identity": identity,
            "Before": about | {"IsMember": not gone},
            "After": about | {"IsMember": False},
        }
    )


def _refuse_synchronized(run: Run, target: Row, group: str) -> None:
    if text_of(target["IsDirSynced"]) == "True":
        run.fail(
            "SynchronizedFromOnPremises",
            "InvalidOperation",
            f"The group '{name_of(target)}' is synchronised from on-premises; its members are changed there.",
            group,
        )


def _is_member(run: Run, target: Row, member_id: str) -> bool:
    run.verbose(f"Reading the members of the group '{name_of(target)}'.")
    members = run.call("Get-DistributionGroupMember", Identity=guid_of(target), ResultSize="Unlimited")
    return any(guid_of(row) == member_id for row in members)


def _changed(run: Run, verb: str, target: Row, member_id: str, unchanged: str) -> bool:
    """Add or remove a member; False when Exchange says by the error ``unchanged`` that it is so already."""
    try:
        run.call(
            f"{verb}-DistributionGroupMember",
            Identity=guid_of(target),
            Member=member_id,
            BypassSecurityGroupManagerCheck=True,
        )
    except CmdletError as error:
        if not is_of_type(error, unchanged):
            raise
        return False
    return True
