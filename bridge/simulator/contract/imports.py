"""The scripts of ps_scripts/import, in Python."""

from __future__ import annotations

import re
from typing import Any

from bridge.simulator.contract.binding import text_of
from bridge.simulator.contract.run import Row, Run, guid_of, name_of

SYSTEM = re.compile(r"^S-1-5-|\\|^$")
"""The holders that the scripts leave out: gone, Exchange's own, the owner's own entry, and nobody."""


def list_accounts(run: Run) -> None:
    """import/Get-Account.ps1."""
    run.verbose("Reading all mailboxes.")
    asked = list(run.values["Attribute"])
    properties = list(dict.fromkeys(["HiddenFromAddressListsEnabled", "AccountDisabled", *asked]))
    for row in run.call("Get-EXOMailbox", Properties=properties, ResultSize="Unlimited"):
        _account(run, row, asked)
    run.verbose("Reading all users without a mailbox.")
    for row in run.call("Get-User", RecipientTypeDetails=["User", "DisabledUser"], ResultSize="Unlimited"):
        _account(run, row, asked)


def list_memberships(run: Run) -> None:
    """import/Get-Membership.ps1."""
    run.verbose("Reading all groups.")
    for group in run.call("Get-DistributionGroup", ResultSize="Unlimited"):
        about = {"Id": guid_of(group), "Name": shown_name(group)}
        run.verbose(f"Reading the members of the group '{about['Name']}'.")
        for member in run.call("Get-DistributionGroupMember", Identity=about["Id"], ResultSize="Unlimited"):
            run.output(
                about
                | {
                    "MemberId": guid_of(member),
                    "MemberName": shown_name(member),
                    "MemberKind": text_of(member["RecipientTypeDetails"]),
                }
            )


def list_rights(run: Run) -> None:
    """import/Get-Right.ps1."""
    known: dict[str, tuple[str, str]] = {}
    run.verbose("Reading all mailboxes.")
    for row in run.call("Get-EXOMailbox", Properties=["GrantSendOnBehalfTo"], ResultSize="Unlimited"):
        mailbox = {"Id": guid_of(row), "Name": shown_name(row)}

        def tell(shown: str, right: str, mailbox: Row = mailbox) -> None:
            if not SYSTEM.search(shown):
                user, name = _holder(run, known, shown)
                run.output(mailbox | {"UserId": user, "UserName": name, "Right": right})

        run.verbose(f"Reading the rights on the mailbox '{mailbox['Name']}'.")
        for entry in run.call("Get-EXOMailboxPermission", Identity=mailbox["Id"], ResultSize="Unlimited"):
            if "FullAccess" in entry["AccessRights"] and not entry["IsInherited"] and not entry["Deny"]:
                tell(text_of(entry["User"]), "full-access")
        for entry in run.call("Get-EXORecipientPermission", Identity=mailbox["Id"], ResultSize="Unlimited"):
            allowed = entry["AccessControlType"] == "Allow" and not entry["IsInherited"]
            if allowed and "SendAs" in entry["AccessRights"]:
                tell(text_of(entry["Trustee"]), "send-as")
        for delegate in row["GrantSendOnBehalfTo"] or ():
            tell(text_of(delegate), "send-on-behalf")


def shown_name(row: Row) -> str:
    """A row's name for people: the display name, or the name where that is empty."""
    return name_of(row) or text_of(row["Name"])


def named(run: Run, shown: str) -> list[Row]:
    """Who it is that Exchange shows so: the two filters with which the scripts look."""
    value = shown.replace("'", "''")
    run.verbose(f"Reading who '{shown}' is.")
    text = f"Name -eq '{value}' -or WindowsLiveID -eq '{value}'"
    found = run.call("Get-Recipient", Filter=text, ResultSize="Unlimited")
    if not found:
        text = f"Name -eq '{value}' -or UserPrincipalName -eq '{value}'"
        found = run.call("Get-User", Filter=text, ResultSize="Unlimited")
    return found


def _holder(run: Run, known: dict[str, tuple[str, str]], shown: str) -> tuple[str, str]:
    """The id and the name of a holder; each is looked up once, whatever the case of its letters."""
    key = shown.lower()
    if key not in known:
        found = named(run, shown)
        known[key] = (guid_of(found[0]), shown_name(found[0])) if len(found) == 1 else ("", shown)
    return known[key]


def _account(run: Run, row: Row, asked: list[str]) -> None:
    attributes = {name: _attribute(row.get(name)) for name in asked}
    run.output(
        {
            "Id": guid_of(row),
            "Name": shown_name(row),
            "DisplayName": name_of(row),
            "UserPrincipalName": text_of(row["UserPrincipalName"]),
            "PrimarySmtpAddress": text_of(row.get("PrimarySmtpAddress")),
            "RecipientTypeDetails": text_of(row["RecipientTypeDetails"]),
            "Hidden": text_of(row.get("HiddenFromAddressListsEnabled")) == "True",
            "Enabled": text_of(row["AccountDisabled"]) != "True",
        }
        | attributes
    )


def _attribute(value: Any) -> Any:
    """A property as a row has it: a truth, a list of texts, or a text."""
    if isinstance(value, bool):
        return value
    return [text_of(one) for one in value] if isinstance(value, list | tuple) else text_of(value)
