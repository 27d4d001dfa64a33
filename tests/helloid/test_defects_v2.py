"""None of the defects of version 3.2.3 of the connector is here; each test names the section that describes it.

Source: helloid-connector.md of the reference, sections 2.0 to 2.5: the frame and accounts. Permissions are in
test_defects_v2_permissions.py.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.helloid.bench import HelloIdBench
from tests.helloid.conftest import AskProcess
from tests.helloid.requests import GONE, JANE, JANE_ID, STAFF_ID, told, v1, v2

HIDDEN = "HiddenFromAddressListsEnabled"
MARIA, TOM = "maria.garcia@contoso.example", "tom.baker@contoso.example"
MARIA_REF, JANE_REF = f"{{id:{MARIA}}}", f"{{id:{JANE}}}"
REPLY = {
    "AutoReplyState": "Enabled",
    "InternalMessage": "I have left.",
    "ExternalMessage": "I have left.",
    "ExternalAudience": "All",
}


def correlated(field: str, value: str, **context: Any) -> dict[str, Any]:
    """A create that correlates on this field."""
    correlation = {"Enabled": True, "AccountField": field, "PersonFieldValue": value}
    return v2("create", "account", CorrelationConfiguration=correlation, **context)


def mailbox(bench: HelloIdBench, address: str) -> dict[str, Any]:
    """A mailbox as Exchange has it now."""
    rows = bench.run("import.accounts", {"attribute": ["EmailAddresses"]}).rows
    return next(row for row in rows if row["id"] == bench.id_of(address))


# --- 2.0, the frame


def test_2_0_a_runspace_that_cannot_be_left_does_not_lose_the_success(ask_process: AskProcess) -> None:
    """The disconnect after a grant that was made fails; the answer is that of the grant."""
    agent, ask = ask_process
    agent.simulator.faults.add("Disconnect=reset")
    answer = json.loads(ask(v2("grant", "groups", JANE_ID, {"Id": STAFF_ID})))
    assert answer["Success"] is True
    assert agent.changes() == ["Add-DistributionGroupMember"]


def test_2_0_the_write_that_a_dry_run_leaves_out_is_in_the_audit(bench: HelloIdBench) -> None:
    """A preview has an audit line for each write that would be made."""
    lines = told(bench.ask(v2("update", "account", JANE_REF, DryRun=True, Data={"CustomAttribute3": "x"})))
    assert [line[:10] for line in lines] == ["Would set "]
    assert bench.agent.changes() == []


# --- 2.1, create


def test_2_1_what_is_hidden_already_is_not_written(bench: HelloIdBench) -> None:
    """The value is read before it is compared; only what differs is written."""
    for address, expected in ((TOM, []), (JANE, ["Set-Mailbox"])):
        bench.agent.records.clear()
        answered = bench.ask(correlated("UserPrincipalName", address, Data={HIDDEN: "true"}))
        assert answered.document["Success"], answered
        assert bench.agent.changes() == expected


def test_2_1_a_quote_in_the_value_is_part_of_it(bench: HelloIdBench) -> None:
    """John O'Brien is found by his display name."""
    answered = bench.ask(correlated("DisplayName", "John O'Brien"))
    assert answered.document["AccountReference"] == bench.id_of("john.obrien@contoso.example")


def test_2_1_data_has_guid_and_user_principal_name(contract: HelloIdBench) -> None:
    """Both are given back, although HelloID sends no field whose mapping is None."""
    data = contract.ask(correlated("UserPrincipalName", JANE)).document["Data"]
    assert data == {"Guid": contract.id_of(JANE), "UserPrincipalName": JANE}


# --- 2.2, update


@pytest.mark.parametrize("dry_run", [True, False])
def test_2_2_the_audit_names_what_is_changed(bench: HelloIdBench, *, dry_run: bool) -> None:
    """Of the mapped fields those that differ, in a dry run too."""
    data = {"CustomAttribute1": "E0042", "CustomAttribute3": "new"}
    (line,) = told(bench.ask(v2("update", "account", JANE_REF, DryRun=dry_run, Data=data)))
    assert line.startswith("Would set CustomAttribute3 of" if dry_run else "Set CustomAttribute3 of")


def test_2_2_addresses_without_a_primary_one_leave_the_primary_one(bench: HelloIdBench) -> None:
    """What is mapped is added, the primary address stays, and none is removed."""
    before = mailbox(bench, MARIA)
    answered = bench.ask(
        v2("update", "account", MARIA_REF, Data={"EmailAddresses": ["smtp:maria.new@contoso.example"]})
    )
    assert answered.document["Success"], answered
    after = mailbox(bench, MARIA)
    assert after["primary_smtp_address"] == MARIA
    assert set(after["email_addresses"]) == {*before["email_addresses"], "smtp:maria.new@contoso.example"}


def test_2_2_addresses_keep_their_letter_case(bench: HelloIdBench) -> None:
    """Those that are there and those that are mapped stay as they are spelt."""
    mapped = ["SMTP:Maria.Garcia.Lopez@contoso.example", "smtp:M.Garcia@contoso.example"]
    bench.ask(v2("update", "account", MARIA_REF, Data={"EmailAddresses": mapped}))
    after = mailbox(bench, MARIA)
    assert {*mapped, "smtp:Maria.Lopez@contoso.example"} <= set(after["email_addresses"])


def test_2_2_addresses_are_compared_one_by_one(bench: HelloIdBench) -> None:
    """What is there already is no change, in any letter case; one that is new is one."""
    there, new = ["smtp:MARIA.LOPEZ@contoso.example"], ["smtp:maria.lopez@contoso.example", "smtp:m@contoso.example"]
    for mapped, expected in ((there, []), (new, ["Set-Mailbox"]), (new, [])):
        bench.agent.records.clear()
        assert bench.ask(v2("update", "account", MARIA_REF, Data={"EmailAddresses": mapped})).document["Success"]
        assert bench.agent.changes() == expected


def test_2_2_an_update_of_what_is_gone_says_that_it_is_gone(bench: HelloIdBench) -> None:
    """It fails with the code for it and the reference."""
    (line,) = told(bench.ask(v2("update", "account", GONE, Data={"CustomAttribute3": "x"})))
    assert line.startswith("!")
    assert GONE in line
    assert line.endswith("[object-not-found]")


# --- 2.3, enable and disable


@pytest.mark.parametrize(("action", "success"), [("enable", False), ("disable", True)])
def test_2_3_a_mailbox_that_is_gone(bench: HelloIdBench, action: str, success: object) -> None:
    """Disabling it is a success that says so, enabling it a failure that says so."""
    answered = bench.ask(v2(action, "account", GONE, Data={HIDDEN: str(action == "disable").lower()}))
    assert answered.document["Success"] is success
    assert told(answered)[0].startswith("Skipped, because it no longer exists" if success else "!Failed to show")


def test_2_3_reconciliation_disables_without_data(bench: HelloIdBench) -> None:
    """There is neither person nor data then; the mailbox is hidden."""
    answered = bench.ask(v2("disable", "account", JANE_REF, Origin="reconciliation", Data=None))
    assert answered.document["Success"], answered
    assert mailbox(bench, JANE)["hidden"] is True


# --- 2.4, delete


@pytest.mark.parametrize("state", ["enabled", "scheduled"])
def test_2_4_a_persons_own_reply_is_kept(bench: HelloIdBench, state: str) -> None:
    """One that is on and one that is scheduled stay as they are."""
    times = {"start": "2027-01-01T08:00:00Z", "end": "2027-02-01T08:00:00Z"} if state == "scheduled" else {}
    reply = {"mailbox": JANE, "state": state, "internal_message": "Away.", "audience": "none", **times}
    bench.run("mailbox.set-automatic-replies", reply)
    bench.agent.records.clear()
    (line,) = told(bench.ask(v2("delete", "account", JANE_REF, Data=REPLY)))
    assert "the reply that is there is kept" in line
    assert bench.agent.changes() == []


# --- 2.5, import of accounts


def test_2_5_data_has_the_fields_that_are_asked_for(bench: HelloIdBench) -> None:
    """No field more, none with a blank in its name, and each with its value."""
    fields = ["Guid", "DisplayName ", "hiddenFromAddressListsEnabled ", "CustomAttribute1"]
    output = bench.ask(v2("import-accounts", "account", ImportFields=fields)).document["Output"]
    (jane,) = [one for one in output if one["AccountReference"] == bench.id_of(JANE)]
    assert jane["Data"] == {
        "Guid": bench.id_of(JANE),
        "DisplayName": "Jane Doe",
        "hiddenFromAddressListsEnabled": False,
        "CustomAttribute1": "E0042",
    }


def test_2_5_enabled_follows_from_the_address_lists(bench: HelloIdBench) -> None:
    """Who is hidden is not enabled, with whichever fields are asked for."""
    output = bench.ask(v2("import-accounts", "account", ImportFields=["Guid"])).document["Output"]
    enabled = {one["AccountReference"]: one["Enabled"] for one in output}
    assert (enabled[bench.id_of(TOM)], enabled[bench.id_of(JANE)]) == (False, True)


def test_2_5_names_are_cut_to_100_characters(contract: HelloIdBench) -> None:
    """Display name and user name both."""
    contract.put(JANE, display_name="J" * 150, user_principal_name=f"{'j' * 150}@contoso.example")
    output = contract.ask(v2("import-accounts", "account", ImportFields=["Guid"])).document["Output"]
    (jane,) = [one for one in output if one["AccountReference"] == JANE_ID]
    assert (len(jane["DisplayName"]), len(jane["UserName"])) == (100, 100)


def test_2_5_and_2_6_only_the_cmdlets_that_are_used_are_loaded(contract: HelloIdBench) -> None:
    """One list for the whole runspace, made from the scripts, each cmdlet a name of its own."""
    contract.close()
    contract.agent.records.clear()
    contract.ask(v1("permissions", "groups"))
    (logon,) = [one for one in contract.agent.records if one.cmdlet == "Connect-ExchangeOnline"]
    names = logon.parameters["CommandName"]
    assert "Get-DistributionGroup" in names
    assert len(names) < 50
    assert not [name for name in names if "," in name or " " in name]
