"""A tenant that moves here: references as versions 1.0.1 and 3.2.3 of the connector stored them mean the same objects.

Each is granted, revoked and imported through the wire. What is compared is what Exchange was asked to do.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.helloid.bench import HelloIdBench
from tests.helloid.requests import CHLOE, INFO, JANE, LUKAS, SALES, STAFF, person, told, v1, v2

ACCOUNTS = {
    "1.0.1": {"Guid": f"{{id:{JANE}}}", "UserPrincipalName": JANE},
    "3.2.3": f"{{id:{JANE}}}",
}

REPLY = {
    "AutoReplyState": "Enabled",
    "InternalMessage": "I have left.",
    "ExternalMessage": "I have left.",
    "ExternalAudience": "All",
}

# target, the permission's reference, whose it is, and the cmdlets that a grant and a revoke of it come to
PERMISSIONS: dict[str, tuple[str, Any, str, list[str], list[str]]] = {
    "a group of 1.0.1": (
        "groups",
        {"Id": f"{{id:{STAFF}}}", "Name": "All Staff"},
        STAFF,
        ["Add-DistributionGroupMember"],
        ["Remove-DistributionGroupMember"],
    ),
    "a group of 1.0.1 whose name is another group's now": (
        "groups",
        {"Id": f"{{id:{STAFF}}}", "Name": "Finance"},
        STAFF,
        ["Add-DistributionGroupMember"],
        ["Remove-DistributionGroupMember"],
    ),
    "a group of 3.2.3": (
        "groups",
        {"Id": f"{{id:{STAFF}}}"},
        STAFF,
        ["Add-DistributionGroupMember"],
        ["Remove-DistributionGroupMember"],
    ),
    "a shared mailbox of 1.0.1": (
        "sharedmailboxes",
        {"Id": f"{{id:{INFO}}}", "Name": "Info", "Permissions": ["Full Access", "Send As"]},
        INFO,
        ["Add-MailboxPermission", "Add-RecipientPermission"],
        ["Remove-MailboxPermission", "Remove-RecipientPermission"],
    ),
    "a shared mailbox of 1.0.1 with all its options": (
        "sharedmailboxes",
        {"Id": f"{{id:{INFO}}}", "Name": "Info", "Permissions": ["Full Access", "Send As", "Send on Behalf"]},
        INFO,
        ["Add-MailboxPermission", "Add-RecipientPermission", "Set-Mailbox"],
        ["Remove-MailboxPermission", "Remove-RecipientPermission", "Set-Mailbox"],
    ),
    "a shared mailbox of 3.2.3": (
        "sharedmailboxes",
        {"Id": f"{{id:{INFO}}}"},
        INFO,
        ["Add-MailboxPermission", "Add-RecipientPermission"],
        ["Remove-MailboxPermission", "Remove-RecipientPermission"],
    ),
    "a separate right of 3.2.3, FullAccess": (
        "sharedmailbox-rights",
        {"Id": f"{{id:{INFO}}}", "Permission": "FullAccess"},
        INFO,
        ["Add-MailboxPermission"],
        ["Remove-MailboxPermission"],
    ),
    "a separate right of 3.2.3, SendAs": (
        "sharedmailbox-rights",
        {"Id": f"{{id:{INFO}}}", "Permission": "SendAs"},
        INFO,
        ["Add-RecipientPermission"],
        ["Remove-RecipientPermission"],
    ),
    "a separate right of 3.2.3, SendOnBehalf": (
        "sharedmailbox-rights",
        {"Id": f"{{id:{INFO}}}", "Permission": "SendOnBehalf"},
        INFO,
        ["Set-Mailbox"],
        ["Set-Mailbox"],
    ),
}


def asked(action: str, target: str, account: Any, permission: Any, contract: str) -> dict[str, Any]:
    """The request of the contract in which a version stored its references."""
    if contract == "1.0.1":
        return v1(action, target, accountReference=account, permissionReference=permission, dryRun=False)
    return v2(action, target, account, permission)


@pytest.mark.parametrize("version", ACCOUNTS)
@pytest.mark.parametrize("name", PERMISSIONS)
def test_grant_and_revoke_act_on_the_right_objects(bench: HelloIdBench, name: str, version: str) -> None:
    """Each change names the stored object and the stored account by their ids, and nothing else is changed."""
    target, permission, address, granting, revoking = PERMISSIONS[name]
    for action, cmdlets in (("grant", granting), ("revoke", revoking)):
        bench.agent.records.clear()
        answered = bench.ask(asked(action, target, ACCOUNTS[version], permission, version))
        assert len(told(answered)) == len(cmdlets)
        assert answered.document["Success"], answered
        made = [record for record in bench.agent.records if record.changed]
        assert [record.cmdlet for record in made] == cmdlets
        for record in made:
            assert str(record.parameters["Identity"]).lower() == bench.id_of(address)
            assert bench.id_of(JANE) in str(record.parameters).lower()


@pytest.mark.parametrize(
    ("target", "permission", "cmdlet"),
    [
        ("folder", {"Id": "2"}, "Set-MailboxFolderPermission"),
        ("regional", {"Id": "MailboxRegionalConfiguration-NL"}, "Set-MailboxRegionalConfiguration"),
    ],
)
def test_permissions_of_the_mailbox_itself(
    bench: HelloIdBench, target: str, permission: dict[str, str], cmdlet: str
) -> None:
    """The calendar and the regional settings of 3.2.3 are those of the account, whose GUID was stored."""
    answered = bench.ask(v2("grant", target, ACCOUNTS["3.2.3"], permission), regional={"language": "nl-NL"})
    assert answered.document["Success"], answered
    (made,) = [record for record in bench.agent.records if record.changed]
    assert made.cmdlet == cmdlet
    assert bench.id_of(JANE) in str(made.parameters["Identity"]).lower()


@pytest.mark.parametrize(
    ("action", "data", "cmdlet"),
    [
        ("enable", {"HiddenFromAddressListsEnabled": "false"}, None),
        ("disable", {"HiddenFromAddressListsEnabled": "true"}, "Set-Mailbox"),
        ("update", {"CustomAttribute3": "moved"}, "Set-Mailbox"),
        ("delete", REPLY, "Set-MailboxAutoReplyConfiguration"),
    ],
)
def test_accounts_of_either_version(bench: HelloIdBench, action: str, data: dict[str, str], cmdlet: str | None) -> None:
    """A GUID and an object with one are the same mailbox; the second request finds nothing left to do."""
    for account, cmdlets in ((ACCOUNTS["1.0.1"], [cmdlet] if cmdlet else []), (ACCOUNTS["3.2.3"], [])):
        bench.agent.records.clear()
        answered = bench.ask(v2(action, "account", account, Data=data))
        assert answered.document["Success"], answered
        made = [record for record in bench.agent.records if record.changed]
        assert [record.cmdlet for record in made] == cmdlets
        assert all(str(record.parameters["Identity"]).lower() == bench.id_of(JANE) for record in made)


def test_create_gives_the_reference_that_the_version_stored(bench: HelloIdBench) -> None:
    """Correlating anew makes the same reference, so that HelloID sees no other account."""
    of_v1 = v1("create", "account", person={"Accounts": {"MicrosoftActiveDirectory": {"userPrincipalName": JANE}}})
    correlation = {"Enabled": True, "AccountField": "UserPrincipalName", "PersonFieldValue": JANE}
    of_v2 = v2("create", "account", CorrelationConfiguration=correlation)
    assert bench.ask(of_v1).document["AccountReference"] == bench.filled(ACCOUNTS["1.0.1"])
    assert bench.ask(of_v2).document["AccountReference"] == bench.filled(ACCOUNTS["3.2.3"])


def test_lists_have_the_references_that_were_stored(bench: HelloIdBench) -> None:
    """What is assigned in HelloID is found again in the list of what can be granted, in both shapes."""
    lists = {(target, contract): _identifications(bench, target, contract) for target, contract in _LISTS}
    stored = bench.filled(
        {
            ("groups", "v1"): {"Id": f"{{id:{STAFF}}}", "Name": "All Staff"},
            ("groups", "v2"): {"Id": f"{{id:{STAFF}}}"},
            ("sharedmailboxes", "v1"): {
                "Id": f"{{id:{INFO}}}",
                "Name": "Info",
                "Permissions": ["Full Access", "Send As"],
            },
            ("sharedmailboxes", "v2"): {"Id": f"{{id:{INFO}}}"},
            ("sharedmailbox-rights", "v2"): {"Id": f"{{id:{INFO}}}", "Permission": "SendOnBehalf"},
        }
    )
    assert [key for key, reference in stored.items() if reference not in lists[key]] == []


_LISTS = (
    ("groups", "v1"),
    ("groups", "v2"),
    ("sharedmailboxes", "v1"),
    ("sharedmailboxes", "v2"),
    ("sharedmailbox-rights", "v2"),
)


def _identifications(bench: HelloIdBench, target: str, contract: str) -> list[Any]:
    document = bench.ask({"contract": contract, "action": "permissions", "target": target}).document
    return [one["Identification"] for one in (document if contract == "v1" else document["Permissions"])]


def test_imports_have_the_references_that_were_stored(bench: HelloIdBench) -> None:
    """Accounts come by their GUID, permissions as {Id} and {Id, Permission}: HelloID joins them to what it has."""
    accounts = bench.ask(v2("import-accounts", "account", ImportFields=["Guid"])).document["Output"]
    assert bench.id_of(JANE) in [one["AccountReference"] for one in accounts]
    groups = _imported(bench, "import-permissions", "groups")
    assert bench.id_of(CHLOE) in groups[str({"Id": bench.id_of(STAFF)})]
    rights = _imported(bench, "import-permissions", "sharedmailbox-rights")
    assert bench.id_of(LUKAS) in rights[str({"Id": bench.id_of(SALES), "Permission": "FullAccess"})]
    assert rights[str({"Id": bench.id_of(SALES), "Permission": "SendOnBehalf"})] == [bench.id_of(CHLOE)]


@pytest.mark.parametrize(
    ("target", "address", "stored"),
    [
        ("groups", STAFF, {"Id": f"{{id:{STAFF}}}"}),
        ("sharedmailboxes", SALES, {"Id": f"FullAccess-{{id:{SALES}}}"}),
        ("sharedmailbox-rights", SALES, {"Id": f"{{id:{SALES}}}", "Permission": "SendOnBehalf"}),
    ],
)
def test_imports_of_sub_permissions(bench: HelloIdBench, target: str, address: str, stored: dict[str, str]) -> None:
    """Sub-permissions are imported with the references that 3.2.3 stored, and with the accounts' GUIDs."""
    marker = "HelloID Dynamic Distribution Group" if target == "groups" else "HelloID Dynamic Shared Mailbox"
    bench.put(address, custom_attributes={"CustomAttribute2": marker})
    found = _imported(bench, "import-subpermissions", target, key="SubPermissionReference")
    assert bench.id_of(CHLOE) in found[str(bench.filled(stored))]


def _imported(bench: HelloIdBench, action: str, target: str, key: str = "PermissionReference") -> dict[str, list[str]]:
    output = bench.ask(v2(action, target)).document["Output"]
    return {str(one[key]): one["AccountReferences"] for one in output}


@pytest.mark.parametrize(
    ("target", "rule", "held"),
    [
        ("groups", {"Reference": "dg"}, {"Id": f"{{id:{STAFF}}}"}),
        ("sharedmailboxes", {"Reference": "smb"}, {"Id": f"FullAccess-{{id:{SALES}}}"}),
        ("sharedmailbox-rights", {"Reference": "FullAccess"}, {"Id": f"{{id:{SALES}}}", "Permission": "FullAccess"}),
    ],
)
def test_sub_permissions_that_were_stored_are_kept_and_taken_away(
    bench: HelloIdBench, target: str, rule: dict[str, str], held: dict[str, str]
) -> None:
    """What still follows is given back as it was stored and costs no change; a revoke takes away just that."""
    address = STAFF if target == "groups" else SALES
    bench.put(address, custom_attributes={"CustomAttribute1": "D1"})
    context = {"CurrentPermissions": [{"DisplayName": "held", "Reference": held}]}
    update = {**v2("subpermissions", target, f"{{id:{CHLOE}}}", rule, Operation="update", **context)}
    kept = bench.ask({**update, "personContext": person("D1")}, helloid={"rights": "full-access"})
    assert kept.document["Success"], kept
    assert [one["Reference"] for one in kept.document["SubPermissions"]] == [bench.filled(held)]
    assert bench.agent.changes() == []

    revoke = v2("subpermissions", target, f"{{id:{CHLOE}}}", rule, Operation="revoke", **context)
    assert bench.ask(revoke).document["SubPermissions"] == []
    (made,) = [record for record in bench.agent.records if record.changed]
    assert made.cmdlet in ("Remove-DistributionGroupMember", "Remove-MailboxPermission")
    assert str(made.parameters["Identity"]).lower() == bench.id_of(address)
    assert bench.id_of(CHLOE) in str(made.parameters).lower()


def test_sub_permissions_of_1_0_1(bench: HelloIdBench) -> None:
    """The first version had what is held in the permission reference; it is found there, and its account too."""
    held = [{"DisplayName": "All Staff", "Reference": {"Id": f"{{id:{STAFF}}}"}}]
    account = {"Guid": f"{{id:{CHLOE}}}", "UserPrincipalName": CHLOE}
    request = v1(
        "subpermissions",
        "groups",
        accountReference=account,
        permissionReference={"Reference": "dg", "CurrentPermissions": held},
        operation="revoke",
    )
    answered = bench.ask(request)
    assert answered.document["Success"], answered
    (made,) = [record for record in bench.agent.records if record.changed]
    assert (made.cmdlet, str(made.parameters["Identity"]).lower()) == (
        "Remove-DistributionGroupMember",
        bench.id_of(STAFF),
    )
