"""shared-mailbox/Get-SharedMailboxRight.ps1, in Python."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from bridge.simulator.contract.binding import text_of
from bridge.simulator.contract.run import Row, Run, guid_of, name_of

_SOME = 20


@dataclass
class _Known:
    """What stays from mailbox to mailbox, by names in lower case: the holders, and who may send as whom."""

    holders: dict[str, Row | None] = field(default_factory=dict)
    send_as: dict[str, list[str]] = field(default_factory=dict)


def list_rights(run: Run) -> None:
    """shared-mailbox/Get-SharedMailboxRight.ps1."""
    mailbox = run.values["Mailbox"]
    known = _Known()
    target = None
    if mailbox:
        target = run.find_one("mailbox", mailbox, "Get-Mailbox")
        if target is None or text_of(target["RecipientTypeDetails"]) != "SharedMailbox":
            run.fail("NotFound", "ObjectNotFound", f"There is no shared mailbox '{mailbox}'.", mailbox)
    run.verbose("Reading send-as.")
    only = {"Identity": text_of(target["Guid"])} if target else {}
    for on, shown in _granted(run.call("Get-EXORecipientPermission", ResultSize="Unlimited", **only)):
        known.send_as.setdefault(on.lower(), []).append(shown)
    if target:
        _write_rights(run, target, known)
        return
    run.verbose("Reading the shared mailboxes.")
    for row in run.call(
        "Get-EXOMailbox",
        RecipientTypeDetails=["SharedMailbox"],
        Properties=["GrantSendOnBehalfTo"],
        ResultSize="Unlimited",
    ):
        _write_rights(run, row, known)


def _write_rights(run: Run, target: Row, known: _Known) -> None:
    """Write-Right: a row for each holder and right."""
    mailbox = {
        "Id": guid_of(target),
        "Name": name_of(target) or text_of(target["Name"]),
        "PrimarySmtpAddress": text_of(target["PrimarySmtpAddress"]),
    }
    run.verbose(f"Reading full-access on the mailbox '{mailbox['Name']}'.")
    entries = run.call("Get-EXOMailboxPermission", Identity=mailbox["Id"], ResultSize="Unlimited")
    rights = [(shown, "full-access") for _, shown in _granted(entries)]
    rights += [(shown, "send-as") for shown in known.send_as.get(text_of(target["Name"]).lower(), ())]
    rights += [(text_of(one), "send-on-behalf") for one in target["GrantSendOnBehalfTo"] or ()]
    for cmdlet, key in (("Get-Recipient", "WindowsLiveID"), ("Get-User", "UserPrincipalName")):
        shown = dict.fromkeys(one for one, _ in rights)
        new = [one for one in shown if not _is_sid(one) and one.lower() not in known.holders]
        _add_holders(run, known, new, cmdlet, key)
    for one, right in rights:
        holder = known.holders.setdefault(one.lower(), None)
        run.output(mailbox | _about(one, holder) | {"Right": right})


def _granted(entries: Iterable[Row]) -> Iterator[tuple[str, str]]:
    """Select-Granted: on what, and to whom, without Exchange's own entries and what is inherited or denied."""
    for row in entries:
        shown = text_of(row.get("User")) + text_of(row.get("Trustee"))
        given = not row["IsInherited"] and not row.get("Deny") and row.get("AccessControlType") != "Deny"
        if given and {"FullAccess", "SendAs"} & set(row["AccessRights"]) and "\\" not in shown:
            yield text_of(row["Identity"]), shown


def _add_holders(run: Run, known: _Known, shown: list[str], cmdlet: str, key: str) -> None:
    """Add-Holder: look up those who were not seen before, some in one call."""
    for first in range(0, len(shown), _SOME):
        some = shown[first : first + _SOME]
        terms = []
        for one in (name.replace("'", "''") for name in some):
            terms += [f"Name -eq '{one}'"] + ([f"{key} -eq '{one}'"] if "@" in one else [])
        query = " -or ".join(terms)
        run.verbose(f"Reading the holders with {query}.")
        rows = run.call(cmdlet, Filter=query, ResultSize="Unlimited")
        for one in some:
            found = [row for row in rows if one.lower() in (text_of(row[name]).lower() for name in (key, "Name"))]
            if found:
                known.holders[one.lower()] = found[0] if len(found) == 1 else None


def _about(shown: str, holder: Row | None) -> Row:
    kind = "deleted" if _is_sid(shown) else "user" if holder else "unknown"
    holder = holder or {}
    if text_of(holder.get("RecipientTypeDetails")).endswith("Group"):
        kind = "group"
    return {
        "UserId": guid_of(holder),
        "UserName": name_of(holder) or shown,
        "UserAddress": text_of(holder.get("PrimarySmtpAddress")),
        "UserKind": kind,
    }


def _is_sid(shown: str) -> bool:
    return shown.upper().startswith("S-1-5-")
