"""Rights on a mailbox and in its name: what is granted, what is so already, and how it is shown."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.simulator.tenant.cmdlets.permissions import MAX_ENTRIES
from bridge.simulator.tenant.objects import AccessEntry, Account, Group
from tests.simulator.cmdlet_calls import Organization

NOT_FOUND = "ManagementObjectNotFoundException"
AMBIGUOUS = "ManagementObjectAmbiguousException"
SELF = "NT AUTHORITY\\SELF"
FULL = {"AccessRights": ["FullAccess"]}
SEND = {"AccessRights": "SendAs"}


@pytest.fixture
def org() -> Organization:
    """An organization without anybody."""
    return Organization()


@pytest.fixture
def info(org: Organization) -> Account:
    """A shared mailbox without rights on it."""
    return org.account("info", "SharedMailbox")


@pytest.fixture
def jane(org: Organization) -> Account:
    """Who gets the rights."""
    return org.account("jane.doe")


@pytest.fixture
def finance(org: Organization) -> Group:
    """A group that can hold rights."""
    return org.group("finance", "MailUniversalSecurityGroup")


def warned(org: Organization, cmdlet: str, **parameters: Any) -> str:
    """The one warning of a call that answers and changes nothing."""
    call = org.call(cmdlet, **parameters)
    assert (call.reply.output, call.changed) == ([], False)
    (warning,) = call.reply.warnings
    return warning


def own_holders(rows: list[dict[str, Any]]) -> list[str]:
    """Who has entries on the mailbox itself."""
    return [row["User"] for row in rows if not row["IsInherited"]]


def test_full_access(org: Organization, info: Account, jane: Account) -> None:
    """Granting answers the entry; the second time and a revoke of nothing are warnings."""
    call = {"Identity": info.guid, "User": jane.guid} | FULL
    (row,) = org.rows("Add-MailboxPermission", **call, AutoMapping=False, InheritanceType="all")
    assert row == {
        "Identity": "info",
        "User": "jane.doe@contoso.example",
        "AccessRights": ["FullAccess"],
        "IsInherited": False,
        "Deny": False,
        "InheritanceType": "All",
    }
    assert org.current(info).full_access == (AccessEntry(jane.guid, auto_mapping=False),)
    assert org.rows("Get-MailboxPermission", Identity="info", User="jane.doe") == [row]
    assert "already present" in warned(org, "Add-MailboxPermission", **call)
    assert org.current(info).full_access[0].auto_mapping is False
    assert org.rows("Remove-MailboxPermission", **call) == []
    assert "doesn't exist" in warned(org, "Remove-MailboxPermission", **call)
    assert org.rows("Get-MailboxPermission", Identity="info", User="jane.doe") == []


def test_automapping_is_the_default(org: Organization, info: Account, jane: Account) -> None:
    """Without -AutoMapping Outlook opens the mailbox by itself."""
    org.call("Add-MailboxPermission", Identity="info", User="jane.doe", **FULL)
    assert org.current(info).full_access[0].auto_mapping is True


def test_several_rights(org: Organization, info: Account, jane: Account) -> None:
    """Rights of one holder are one entry, from which they go one by one; a refusal is an entry of its own."""
    call = {"Identity": info.guid, "User": jane.guid}
    org.call("Add-MailboxPermission", **call, AccessRights="readpermission")
    (row,) = org.rows("Add-MailboxPermission", **call, AccessRights="FullAccess, ReadPermission")
    assert row["AccessRights"] == ["ReadPermission", "FullAccess"]
    org.call("Add-MailboxPermission", **call, **FULL, Deny=True)
    org.call("Remove-MailboxPermission", **call, **FULL)
    rows = org.rows("Get-MailboxPermission", Identity="info", User=jane.guid)
    assert [(row["AccessRights"], row["Deny"]) for row in rows] == [(["ReadPermission"], False), (["FullAccess"], True)]


def test_send_as(org: Organization, info: Account, jane: Account) -> None:
    """Granting answers the entry; the second time and a revoke of nothing are warnings."""
    call = {"Identity": info.guid, "Trustee": jane.guid} | SEND
    (row,) = org.rows("Add-RecipientPermission", **call, Confirm=False)
    assert row == {
        "Identity": "info",
        "Trustee": "jane.doe@contoso.example",
        "AccessControlType": "Allow",
        "AccessRights": ["SendAs"],
        "IsInherited": False,
        "InheritanceType": "None",
    }
    assert org.rows("Get-RecipientPermission", Identity="info", Trustee=jane.guid) == [row]
    assert "already present" in warned(org, "Add-RecipientPermission", **call)
    assert org.rows("Remove-RecipientPermission", **call) == []
    assert "isn't present" in warned(org, "Remove-RecipientPermission", **call)
    assert org.rows("Get-RecipientPermission", Identity="info", Trustee=jane.guid) == []


def test_the_owner_has_an_entry(org: Organization, info: Account, finance: Group) -> None:
    """Every mailbox shows its owner's entry; a group has no such entry."""
    assert own_holders(org.rows("Get-MailboxPermission", Identity="info")) == [SELF]
    assert [row["Trustee"] for row in org.rows("Get-RecipientPermission", Identity="info")] == [SELF]
    assert len(org.rows("Get-MailboxPermission", Identity="info", User=SELF)) == 1
    assert org.rows("Get-RecipientPermission", Identity="finance") == []


def test_what_every_mailbox_inherits(org: Organization, info: Account) -> None:
    """Exchange's own entries, one of them a denial, are inherited and cannot be removed."""
    rows = [row for row in org.rows("Get-MailboxPermission", Identity="info") if row["IsInherited"]]
    assert [(row["User"], row["Deny"]) for row in rows] == [
        ("NT AUTHORITY\\SYSTEM", False),
        ("EURPR01A001\\Domain Admins", True),
    ]
    refused = org.fails("Remove-MailboxPermission", Identity="info", User="NT AUTHORITY\\SYSTEM", **FULL)
    assert refused.reason == NOT_FOUND


def test_send_as_of_everything(org: Organization, info: Account, jane: Account, finance: Group) -> None:
    """Without -Identity the whole organization is looked through, for one holder or for all."""
    for target in (info, finance):
        org.call("Add-RecipientPermission", Identity=target.guid, Trustee=jane.guid, **SEND)
    rows = org.rows("Get-RecipientPermission", Trustee="jane.doe", **SEND)
    assert sorted(row["Identity"] for row in rows) == ["finance", "info"]
    assert len(org.rows("Get-EXORecipientPermission")) == 4
    error = org.fails("Get-EXORecipientPermission", Trustee="jane.doe")
    assert error.error_id.startswith("AmbiguousParameterSet")


def test_groups_hold_rights(org: Organization, info: Account, finance: Group) -> None:
    """A mail-enabled security group can hold a right and is shown by its name."""
    (row,) = org.rows("Add-MailboxPermission", Identity="info", User="finance", **FULL)
    assert row["User"] == "finance"
    (row,) = org.rows("Add-RecipientPermission", Identity="info", Trustee=finance.guid, **SEND)
    assert row["Trustee"] == "finance"


@pytest.mark.parametrize(
    ("cmdlet", "holder", "rights"),
    [
        ("Add-MailboxPermission", "User", FULL),
        ("Remove-MailboxPermission", "User", FULL),
        ("Get-MailboxPermission", "User", {}),
        ("Add-RecipientPermission", "Trustee", SEND),
        ("Remove-RecipientPermission", "Trustee", SEND),
        ("Get-RecipientPermission", "Trustee", {}),
    ],
)
def test_refusals(org: Organization, info: Account, cmdlet: str, holder: str, rights: dict[str, Any]) -> None:
    """No such object, no such holder, a distribution group as holder, and several of one name."""
    org.group("list")
    for name in ("a", "b"):
        org.account(name, display_name="Alex Kim")
    assert org.fails(cmdlet, Identity="nothing", **{holder: "a"}, **rights).message.startswith("Ex6F9304|")
    assert org.fails(cmdlet, Identity="Alex Kim", **{holder: "a"}, **rights).reason == AMBIGUOUS
    assert org.fails(cmdlet, Identity="info", **{holder: "Alex Kim"}, **rights).reason == AMBIGUOUS
    for nobody in ("nobody", "list"):
        error = org.fails(cmdlet, Identity="info", **{holder: nobody}, **rights)
        assert error.reason == NOT_FOUND
        assert f'"{nobody}" wasn\'t found' in error.message


def test_rights_that_there_are_not(org: Organization, info: Account, jane: Account) -> None:
    """An unknown right, none at all, an unknown inheritance, and parameters that are missing."""
    whom = {"Identity": "info", "User": "jane.doe"}
    assert '"All"' in org.fails("Add-MailboxPermission", **whom, AccessRights=["All"]).message
    assert '"SendAs"' in org.fails("Add-MailboxPermission", **whom, **SEND).message
    assert org.fails("Add-MailboxPermission", **whom, **FULL, InheritanceType="Some").message
    assert org.fails("Add-MailboxPermission", **whom, **FULL, AutoMapping="no").message
    assert org.fails("Add-RecipientPermission", Identity="info", Trustee="jane.doe", **FULL).message
    assert "AccessRights" in org.fails("Add-MailboxPermission", **whom).message
    assert "AccessRights" in org.fails("Add-MailboxPermission", **whom, AccessRights=[]).message
    assert "User" in org.fails("Add-MailboxPermission", Identity="info", **FULL).message
    assert "Identity" in org.fails("Get-MailboxPermission").message
    assert "Identity" in org.fails("Get-EXOMailboxPermission", User="jane.doe").message


def test_as_many_entries_as_there_can_be(org: Organization, jane: Account) -> None:
    """A mailbox with 500 entries takes no other holder, but another right of one that it has."""
    entries = tuple(AccessEntry(f"S-1-5-21-1-2-3-{number}") for number in range(MAX_ENTRIES - 1))
    org.account("full", "SharedMailbox", full_access=(*entries, AccessEntry(jane.guid)))
    org.account("john")
    assert org.fails("Add-MailboxPermission", Identity="full", User="john", **FULL).reason == "RecipientTaskException"
    assert org.call("Add-MailboxPermission", Identity="full", User="jane.doe", AccessRights="ChangeOwner").changed


def test_holders_that_are_gone(org: Organization, info: Account, jane: Account) -> None:
    """They show as a SID, in Get-MailboxPermission only when asked for, and can be removed by it."""
    org.call("Add-MailboxPermission", Identity="info", User=jane.guid, **FULL)
    org.directory.remove(jane.guid)
    assert own_holders(org.rows("Get-MailboxPermission", Identity="info")) == [SELF]
    rows = org.rows("Get-MailboxPermission", Identity="info", IncludeUnresolvedPermissions=True)
    assert own_holders(rows) == [SELF, jane.sid]
    assert org.rows("Get-EXOMailboxPermission", Identity="info") == rows
    org.call("Remove-MailboxPermission", Identity="info", User=jane.sid, **FULL)
    assert org.current(info).full_access == ()
    assert org.fails("Remove-MailboxPermission", Identity="info", User=jane.sid, **FULL).reason == NOT_FOUND


def test_exo_cmdlets_show_the_same(org: Organization, info: Account, jane: Account) -> None:
    """The Get-EXO* cmdlets answer the same rows; the user of a mailbox permission is taken as it is spelt."""
    org.call("Add-MailboxPermission", Identity="info", User="jane.doe", **FULL)
    org.call("Add-RecipientPermission", Identity="info", Trustee="jane.doe", **SEND)
    rows = org.rows("Get-MailboxPermission", Identity="info")
    assert org.rows("Get-EXOMailboxPermission", UserPrincipalName="info@contoso.example") == rows
    assert org.rows("Get-EXOMailboxPermission", Identity="info", User="jane.doe@contoso.example") == rows[1:2]
    assert org.rows("Get-EXOMailboxPermission", Identity="info", User="Jane.Doe@contoso.example") == []
    rows = org.rows("Get-RecipientPermission", Identity="info")
    assert org.rows("Get-EXORecipientPermission", PrimarySmtpAddress="info@contoso.example") == rows
    assert org.rows("Get-EXORecipientPermission", Identity="info", Trustee="jane.doe") == rows[1:]


def test_a_right_is_seen_after_the_delay(org: Organization, info: Account, jane: Account) -> None:
    """Reading shows the old rights while a new one spreads; granting again already knows it."""
    org.directory.delay = 60.0
    org.call("Add-MailboxPermission", Identity="info", User="jane.doe", **FULL)
    assert org.rows("Get-MailboxPermission", Identity="info", User="jane.doe") == []
    assert "already present" in warned(org, "Add-MailboxPermission", Identity="info", User="jane.doe", **FULL)
    org.now = 60.0
    assert len(org.rows("Get-MailboxPermission", Identity="info", User="jane.doe")) == 1


def test_a_synchronized_mailbox_takes_rights(org: Organization, jane: Account) -> None:
    """Rights are kept in the cloud, also for a mailbox whose home is on-premises."""
    org.account("synced", synchronized=True)
    assert org.call("Add-MailboxPermission", Identity="synced", User="jane.doe", **FULL).changed
    assert org.call("Add-RecipientPermission", Identity="synced", Trustee="jane.doe", **SEND).changed
