"""None of the defects of version 3.2.3 of the connector is here; each test names the section that describes it.

Source: helloid-connector.md of the reference, sections 2.6 to 2.9: permissions, imports of them, and resources.
"""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Any

import pytest

from bridge.simulator.tenant import errors
from tests.helloid.bench import HelloIdBench
from tests.helloid.requests import CHLOE, GONE, INFO, JANE, LUKAS, SALES, STAFF, person, told, v2

JANE_REF, CHLOE_REF, OLIVER = f"{{id:{JANE}}}", f"{{id:{CHLOE}}}", "oliver.stone@contoso.example"
PIETER = "pieter.jansen@contoso.example"
DEVELOPMENT, FINANCE, SYNCED = "development@contoso.example", "finance@contoso.example", "synced@contoso.example"
MARKED = {"CustomAttribute2": "HelloID Dynamic Shared Mailbox"}
GROUP_RULE, MAILBOX_RULE = {"Reference": "dg"}, {"Reference": "smb"}


def sub_permissions(
    target: str, account: str, rule: object, departments: tuple[str, ...] = (), held: tuple[Any, ...] = (), **keys: Any
) -> dict[str, Any]:
    """A request for sub-permissions; ``held`` are the references that HelloID holds."""
    current = [{"DisplayName": f"held {number}", "Reference": one} for number, one in enumerate(held)]
    context = {"Operation": "update", "CurrentPermissions": current, **keys}
    return {**v2("subpermissions", target, account, rule, **context), "personContext": person(*departments)}


def resources(target: str, *departments: str) -> dict[str, Any]:
    """A request to create what these departments lack."""
    sources = [{"ExternalId": one, "DisplayName": one} for one in departments]
    return {**v2("resources", target), "resourceContext": {"SourceData": sources}}


def is_member(bench: HelloIdBench, group: str, member: str) -> bool:
    """Whether somebody is in a group."""
    return bench.id_of(member) in [row["id"] for row in bench.run("group.members", {"group": group}).rows]


# --- 2.6, groups


@pytest.fixture
def large(contract: HelloIdBench) -> HelloIdBench:
    """An organization with more groups than Exchange lists unless it is asked for all."""
    (staff,) = contract.tenant.directory.find(STAFF, lambda _: True)
    for number in range(1200):
        address = f"g{number}@contoso.example"
        contract.tenant.directory.add(
            replace(
                staff,
                guid=str(uuid.uuid5(uuid.NAMESPACE_DNS, address)),
                external_id=str(uuid.uuid5(uuid.NAMESPACE_URL, address)),
                name=f"Z{number:04}",
                display_name=f"Z{number:04}",
                alias=f"g{number}",
                primary_smtp_address=address,
                members=(),
                custom_attributes={"CustomAttribute1": f"D{number}"},
            )
        )
    return contract


def test_2_6_a_list_of_groups_is_not_cut_at_1000(large: HelloIdBench) -> None:
    """All 1200 and those of before are in it."""
    listed = large.ask(v2("permissions", "groups")).document["Permissions"]
    assert len(listed) == 1204


def test_2_6_a_resource_beyond_the_first_1000_is_found(large: HelloIdBench) -> None:
    """The group of a department is not created a second time because it is late in the list."""
    (line,) = told(large.ask(resources("groups", "D1199")))
    assert line.startswith("Nothing to do (it is there already")
    assert large.agent.changes() == []


@pytest.mark.parametrize("departments", [("D9",), ("D2",)], ids=["none is found", "several are found"])
def test_2_6_a_look_up_that_fails_revokes_nothing(bench: HelloIdBench, departments: tuple[str, ...]) -> None:
    """The membership that is held stays, in Exchange and in the answer, and the failure is told."""
    for address in (DEVELOPMENT, FINANCE):
        bench.put(address, custom_attributes={"CustomAttribute1": "D2"})
    held = {"Id": f"{{id:{STAFF}}}"}
    answered = bench.ask(sub_permissions("groups", CHLOE_REF, GROUP_RULE, departments, (held,)))
    assert answered.document["Success"] is False
    assert bench.agent.changes() == []
    assert [one["Reference"] for one in answered.document["SubPermissions"]] == [bench.filled(held)]


def test_2_6_one_part_that_fails_does_not_end_the_others(bench: HelloIdBench) -> None:
    """The group that cannot be left stays in the answer; the next is left, and the new one is joined."""
    bench.put(DEVELOPMENT, custom_attributes={"CustomAttribute1": "D1"})
    held = ({"Id": f"{{id:{SYNCED}}}"}, {"Id": f"{{id:{STAFF}}}"})
    answered = bench.ask(sub_permissions("groups", f"{{id:{OLIVER}}}", GROUP_RULE, ("D1",), held))
    assert [line[0] == "!" for line in told(answered)] == [True, False, False]
    assert bench.agent.changes() == ["Remove-DistributionGroupMember", "Add-DistributionGroupMember"]
    kept = [one["Reference"]["Id"] for one in answered.document["SubPermissions"]]
    assert kept == [bench.id_of(SYNCED), bench.id_of(DEVELOPMENT)]


def test_2_6_a_department_is_never_taken_for_the_one_before(bench: HelloIdBench) -> None:
    """Where a department has several groups its own line says so, and nothing is done with the group before."""
    bench.put(STAFF, custom_attributes={"CustomAttribute1": "D1"})
    for address in (DEVELOPMENT, FINANCE):
        bench.put(address, custom_attributes={"CustomAttribute1": "D2"})
    first, second = told(bench.ask(resources("groups", "D1", "D2")))
    assert first.startswith("Nothing to do")
    assert second.startswith("!Failed to find the group of the department D2 (D2): 2 have")
    assert bench.agent.changes() == []


def test_2_6_a_group_that_was_made_and_not_marked_is_marked_the_next_time(bench: HelloIdBench) -> None:
    """The first attempt is told as a failure, and the second does not collide with what it left."""
    bench.tenant.denied = {"Set-DistributionGroup"}
    bench.close()
    first = bench.ask(resources("groups", "D7"))
    bench.tenant.denied = set()
    bench.close()
    second = bench.ask(resources("groups", "D7"))
    assert (first.document["Success"], second.document["Success"]) == (False, True)
    assert told(second)[0].startswith("Marked the group")
    assert bench.agent.changes() == ["New-DistributionGroup", "Set-DistributionGroup"]


def test_2_6_a_resource_that_fails_does_not_end_the_others(bench: HelloIdBench) -> None:
    """One whose address another object has is told, and the next one is made."""
    bench.put(STAFF, email_addresses=("smtp:dg_D1@contoso.onmicrosoft.com",))
    lines = told(bench.ask(resources("groups", "D1", "D2")))
    assert [line[0] == "!" for line in lines] == [True, False]
    assert "New-DistributionGroup" in bench.agent.changes()


# --- 2.7, shared mailboxes


def test_2_7_a_right_that_is_there_does_not_end_the_grant(bench: HelloIdBench) -> None:
    """Full Access is there already, Send As is not: the first is told as such, the second granted."""
    bench.run("shared-mailbox.grant", {"mailbox": INFO, "user": JANE, "right": "full-access"})
    bench.agent.records.clear()
    first, second = told(bench.ask(v2("grant", "sharedmailboxes", JANE_REF, {"Id": f"{{id:{INFO}}}"})))
    assert first.startswith("Nothing to do")
    assert second.startswith("Granted Send As")


@pytest.mark.parametrize(
    ("account", "mailbox", "missing"),
    [(JANE_REF, GONE, "mailbox"), (GONE, f"{{id:{INFO}}}", "user"), (GONE, GONE, "mailbox")],
)
def test_2_7_and_2_8_the_audit_says_which_of_the_two_is_gone(
    bench: HelloIdBench, account: str, mailbox: str, missing: str
) -> None:
    """The mailbox or the user, whatever else a message names."""
    for line in told(bench.ask(v2("revoke", "sharedmailboxes", account, {"Id": mailbox}))):
        assert line.startswith(f"Skipped, because it no longer exists (the {missing} ")


def test_2_7_no_decision_follows_from_a_text(bench: HelloIdBench, monkeypatch: pytest.MonkeyPatch) -> None:
    """With every sentence of Exchange in another language a revoke on what is gone is skipped all the same."""
    plain = errors.exchange_error
    monkeypatch.setattr(errors, "exchange_error", lambda string, kind, _text: plain(string, kind, "Cela n'a pas pu."))
    for account, mailbox in ((JANE_REF, GONE), (GONE, f"{{id:{INFO}}}")):
        answered = bench.ask(v2("revoke", "sharedmailboxes", account, {"Id": mailbox}))
        assert answered.document["Success"], answered
        assert all(line.startswith("Skipped, because it no longer exists") for line in told(answered))


def test_2_7_and_2_8_every_cmdlet_that_sub_permissions_need_is_loaded(bench: HelloIdBench) -> None:
    """In a runspace that they open themselves, a department's mailbox is found and its rights are granted."""
    bench.put(SALES, custom_attributes={"CustomAttribute1": "D1"})
    bench.close()
    answered = bench.ask(sub_permissions("sharedmailboxes", JANE_REF, MAILBOX_RULE, ("D1",)))
    assert answered.document["Success"], answered
    assert bench.agent.changes() == ["Add-MailboxPermission", "Add-RecipientPermission"]


@pytest.mark.parametrize("word", ["FullAccess", "SendAs", "SendOnBehalf"])
def test_2_7_a_sub_permission_on_a_mailbox_that_is_gone_is_skipped(bench: HelloIdBench, word: str) -> None:
    """The prefix of its reference does not hide that the mailbox no longer exists."""
    request = sub_permissions("sharedmailboxes", JANE_REF, MAILBOX_RULE, (), ({"Id": f"{word}-{GONE}"},))
    request["actionContext"]["Operation"] = "revoke"
    answered = bench.ask(request)
    assert told(answered)[0].startswith("Skipped, because it no longer exists (the mailbox ")
    assert answered.document["Success"]
    assert answered.document["SubPermissions"] == []


def test_2_7_an_import_counts_every_right_of_the_permission(bench: HelloIdBench) -> None:
    """Who has Full Access alone does not have the permission that means two rights."""
    output = bench.ask(v2("import-permissions", "sharedmailboxes")).document["Output"]
    accounts = {one["PermissionReference"]["Id"]: one["AccountReferences"] for one in output}
    assert accounts == {bench.id_of(INFO): [bench.id_of(PIETER)]}


# --- 2.8, one permission for each right


@pytest.mark.parametrize("action", ["grant", "revoke"])
def test_2_8_an_unknown_right_is_a_failure(bench: HelloIdBench, action: str) -> None:
    """It is not a success that did nothing."""
    permission = {"Id": f"{{id:{INFO}}}", "Permission": "ReadAll"}
    answered = bench.ask(v2(action, "sharedmailbox-rights", JANE_REF, permission))
    assert answered.document["Success"] is False
    assert "ReadAll" in told(answered)[0]
    assert bench.agent.changes() == []


def test_2_8_a_preview_without_references_has_an_answer(bench: HelloIdBench) -> None:
    """HelloID gets Success, an audit and a list, although it has no permission reference yet."""
    bench.put(SALES, custom_attributes={"CustomAttribute1": "D1"})
    request = sub_permissions("sharedmailbox-rights", JANE_REF, None, ("D1",), DryRun=True, Operation="undefined")
    answered = bench.ask(request)
    assert all(line.startswith("Would grant") for line in told(answered))
    assert answered.document["Success"] is True
    assert answered.document["SubPermissions"]


@pytest.mark.parametrize("target", ["sharedmailboxes", "sharedmailbox-rights"])
def test_2_8_an_import_of_sub_permissions_finds_the_marked_mailboxes_and_their_accounts(
    bench: HelloIdBench, target: str
) -> None:
    """The marker is asked for, so there are some; accounts come by the GUID that create stored, and no other id."""
    bench.put(SALES, custom_attributes=MARKED)
    output = bench.ask(v2("import-subpermissions", target)).document["Output"]
    found = {one["SubPermissionDisplayName"]: one["AccountReferences"] for one in output}
    name = "FullAccess-Sales" if target == "sharedmailboxes" else "Sales - Full Access"
    assert sorted(found[name]) == sorted((bench.id_of(LUKAS), bench.id_of(CHLOE)))


# --- 2.9, calendar and regional settings


def test_2_9_a_calendar_is_found_in_any_language_and_written_once(bench: HelloIdBench) -> None:
    """The second grant of the same right changes nothing."""
    for expected in (["Set-MailboxFolderPermission"], []):
        bench.agent.records.clear()
        answered = bench.ask(v2("grant", "folder", "{id:sanne.devries@contoso.example}", {"Id": "3"}))
        assert answered.document["Success"], answered
        assert bench.agent.changes() == expected


def test_2_9_regional_settings_are_those_of_the_settings_and_written_once(bench: HelloIdBench) -> None:
    """No language is forced on anybody, whatever the reference ends with, and the second grant changes nothing."""
    permission = {"Id": "MailboxRegionalConfiguration-NL"}
    assert bench.ask(v2("grant", "regional", JANE_REF, permission)).document["Success"] is False
    for expected in (["Set-MailboxRegionalConfiguration"], []):
        bench.agent.records.clear()
        answered = bench.ask(v2("grant", "regional", JANE_REF, permission), regional={"language": "fr-BE"})
        assert answered.document["Success"], answered
        assert bench.agent.changes() == expected


@pytest.mark.parametrize(("target", "reference"), [("folder", "2"), ("regional", "MailboxRegionalConfiguration-NL")])
def test_2_9_a_revoke_says_that_nothing_is_taken_back(bench: HelloIdBench, target: str, reference: str) -> None:
    """It is a success that does not claim a change."""
    (line,) = told(bench.ask(v2("revoke", target, JANE_REF, {"Id": reference}), regional={"language": "nl-NL"}))
    assert line.startswith("Skipped: ")
    assert bench.agent.changes() == []
