"""The scripts of ps_scripts/group that read and that change members, in Python."""

from __future__ import annotations

from typing import NoReturn

from bridge.simulator.contract.binding import text_of
from bridge.simulator.contract.lookup import named, term
from bridge.simulator.contract.run import Row, Run, guid_of, is_of_type, name_of
from bridge.simulator.tenant import CmdletError

_OTHERS = {"GroupMailbox": "Microsoft 365 group", "DynamicDistributionGroup": "dynamic distribution group"}
_KINDS = {
    "MailUniversalSecurityGroup": "mail-enabled-security",
    "RoomList": "room-list",
    "GroupMailbox": "microsoft-365",
    "DynamicDistributionGroup": "dynamic-distribution",
}
_TYPES = ["MailUniversalDistributionGroup", "MailUniversalSecurityGroup", "RoomList", *_OTHERS]


def list_groups(run: Run) -> None:
    """group/Get-Group.ps1."""
    where = run.values["Where"]
    only = _only(run, where) if where else ""
    that = f" with {only}" if only else ""
    if not run.values["All"]:
        run.verbose(f"Reading the groups that are not synchronised from on-premises{that}.")
        both = " -and ".join(["IsDirSynced -eq 'False'", *([only] if only else [])])
        for row in run.call("Get-DistributionGroup", Filter=both, ResultSize="Unlimited"):
            run.output(_group_row(row))
        return
    narrowed = {"Filter": only} if only else {}
    run.verbose(f"Reading the distribution groups{that}.")
    for row in run.call("Get-DistributionGroup", ResultSize="Unlimited", **narrowed):
        run.output(_group_row(row))
    run.verbose(f"Reading the Microsoft 365 groups and the dynamic distribution groups{that}.")
    for row in run.call("Get-Recipient", RecipientTypeDetails=list(_OTHERS), ResultSize="Unlimited", **narrowed):
        run.output(_group_row(row))


def _only(run: Run, where: str) -> str:
    """The filter that -Where means."""
    field, _, wanted = where.partition("=")
    if not wanted.strip():
        text = f"'{where}' has no value after the '='; that could mean every group without one."
        run.fail("EmptyIdentity", "InvalidArgument", text, where)
    quoted = wanted.replace("'", "''")
    return f"{field} -eq '{quoted}'"


def _group_row(row: Row) -> Row:
    kind = text_of(row["RecipientTypeDetails"])
    reason = ""
    if text_of(row["IsDirSynced"]) == "True":
        reason = "synchronised from on-premises"
    elif kind == "GroupMailbox":
        reason = "a Microsoft 365 group is managed in Microsoft 365"
    elif kind == "DynamicDistributionGroup":
        reason = "its members follow from a rule"
    writable = not reason
    return {
        "Id": guid_of(row),
        "Name": name_of(row) or text_of(row["Name"]),
        "DisplayName": name_of(row),
        "PrimarySmtpAddress": text_of(row["PrimarySmtpAddress"]),
        "Kind": _KINDS.get(kind, "distribution"),
        "Writable": writable,
        "Reason": "no owner" if writable and not text_of(row["ManagedBy"]) else reason,
    }


def list_members(run: Run) -> None:
    """group/Get-GroupMember.ps1."""
    group = run.values["Group"]
    target = run.find_one(
        "group", group, lambda: run.call("Get-Recipient", Identity=group, RecipientTypeDetails=_TYPES)
    )
    if target is None:
        _no_group(run, group)
    if other := _OTHERS.get(text_of(target["RecipientTypeDetails"])):
        text = f"The group '{name_of(target)}' is a {other}; its members are not listed here."
        run.fail("NotWritable", "InvalidOperation", text, group)
    run.verbose(f"Reading the members of the group '{name_of(target)}'.")
    for row in run.call("Get-DistributionGroupMember", Identity=guid_of(target), ResultSize="Unlimited"):
        run.output(
            {
                "Id": guid_of(row),
                "Name": name_of(row) or text_of(row["Name"]),
                "DisplayName": name_of(row),
                "PrimarySmtpAddress": text_of(row["PrimarySmtpAddress"]),
                "RecipientTypeDetails": text_of(row["RecipientTypeDetails"]),
            }
        )


def grant_member(run: Run) -> None:
    """group/Grant-GroupMember.ps1."""
    group, member = run.values["Group"], run.values["Member"]
    target, rows = _find_group(run, group, member)
    if target is None:
        _no_group(run, group)
    recipient = _find_member(run, member, rows)
    if recipient is None:
        run.fail(
            "NotFound",
            "ObjectNotFound",
            f"There is no recipient '{member}'; a user without a mailbox or an address cannot be a member.",
            member,
        )
    if run.values["DryRun"]:
        already = _is_member(run, target, recipient)
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
    target, rows = _find_group(run, group, member)
    if target is None:
        gone = "the group does not exist"
    else:
        identity = {"Id": guid_of(target), "Name": name_of(target)}
        recipient = _find_member(run, member, rows)
        if recipient is None:
            gone = "the member does not exist"
        else:
            about = {"MemberId": guid_of(recipient), "MemberName": name_of(recipient)}
            if run.values["DryRun"]:
                is_member = _is_member(run, target, recipient)
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


def _find_group(run: Run, group: str, member: str) -> tuple[Row | None, list[Row]]:
    """The group, and the rows that one call found for group and member. Refuses a group that is changed elsewhere."""
    rows: list[Row] = []

    def read() -> list[Row]:
        rows.extend(run.call("Get-Recipient", Filter=f"{term(group)} -or {term(member)}", ResultSize="Unlimited"))
        kinds = ("Group", "RoomList")
        return named(
            group, [row for row in rows if any(kind in text_of(row["RecipientTypeDetails"]) for kind in kinds)]
        )

    target = run.find_one("group", group, read)
    if target is not None:
        if other := _OTHERS.get(text_of(target["RecipientTypeDetails"])):
            text = f"The group '{name_of(target)}' is a {other}; its members are not changed here."
            run.fail("NotWritable", "InvalidOperation", text, group)
        if text_of(target["IsDirSynced"]) == "True":
            text = f"The group '{name_of(target)}' is synchronised from on-premises; its members are changed there."
            run.fail("SynchronizedFromOnPremises", "InvalidOperation", text, group)
    return target, rows


def _find_member(run: Run, member: str, rows: list[Row]) -> Row | None:
    found = named(member, rows)
    return found[0] if len(found) == 1 else run.find_one("recipient", member, lambda: found)


def _no_group(run: Run, group: str) -> NoReturn:
    text = f"There is no distribution group or mail-enabled security group '{group}'."
    run.fail("NotFound", "ObjectNotFound", text, group)


def _is_member(run: Run, target: Row, recipient: Row) -> bool:
    run.verbose(f"Reading whether '{name_of(recipient)}' is a member of the group '{name_of(target)}'.")
    dn = text_of(target["DistinguishedName"]).replace("'", "''")
    only = f"Guid -eq '{guid_of(recipient)}' -and MemberOfGroup -eq '{dn}'"
    return bool(run.call("Get-Recipient", Filter=only, ResultSize="Unlimited"))


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
        if is_of_type(error, "OperationRequiresGroupManagerException"):
            owner = "an owner" if text_of(target["ManagedBy"]) else "no owner"
            text = f"The group '{name_of(target)}' has {owner}, and Exchange lets only its managers change the members."
            run.fail("NotGroupManager", "PermissionDenied", text, text_of(run.values["Group"]))
        if not is_of_type(error, unchanged):
            raise
        return False
    return True
