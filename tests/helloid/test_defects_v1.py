"""None of the defects of version 1.0.1 of the connector is here; each test has the number that it has in the list.

Source: helloid-connector.md of the reference, section 1.10. Where the cause of a defect cannot exist here, its test
shows what stands in its place.
"""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from bridge.simulator.tenant import errors
from tests.agent import running_agent
from tests.helloid.bench import HelloIdBench
from tests.helloid.conftest import AskProcess
from tests.helloid.requests import CHLOE, GONE, INFO, JANE, JANE_ID, SALES, STAFF, STAFF_ID, told, v1, v2

ACCOUNT = {"Guid": f"{{id:{JANE}}}", "UserPrincipalName": JANE}
GROUP = {"Id": f"{{id:{STAFF}}}", "Name": "All Staff"}
MAILBOX = {"Id": f"{{id:{INFO}}}", "Name": "Info", "Permissions": ["Full Access", "Send As"]}
GROUP_GONE, MAILBOX_GONE = {**GROUP, "Id": GONE}, {**MAILBOX, "Id": GONE}
NOBODY = {"Guid": GONE, "UserPrincipalName": "nobody@contoso.example"}
BOTH = [("groups", GROUP), ("sharedmailboxes", MAILBOX)]


def granted(target: str, permission: object, account: object = ACCOUNT, **keys: object) -> dict[str, object]:
    """A grant of contract v1."""
    return v1("grant", target, accountReference=account, permissionReference=permission, **keys)


def revoked(target: str, permission: object, account: object = ACCOUNT, **keys: object) -> dict[str, object]:
    """A revoke of contract v1."""
    return v1("revoke", target, accountReference=account, permissionReference=permission, **keys)


def created(name: str, target: str = "account", **keys: object) -> dict[str, object]:
    """A create of contract v1."""
    person = {"Accounts": {"MicrosoftActiveDirectory": {"userPrincipalName": name}}}
    return v1("create", target, person=person, **keys)


@pytest.mark.parametrize("denied", ["Add-MailboxPermission", "Add-RecipientPermission"], ids=["first", "last"])
def test_01_a_part_that_failed_is_a_failure_of_the_whole(bench: HelloIdBench, denied: str) -> None:
    """Whichever right fails, Success is false, and the other one is granted and told as such."""
    bench.tenant.denied = {denied}
    bench.close()
    lines = told(bench.ask(granted("sharedmailboxes", MAILBOX)))
    bench.close()
    assert sorted(line.startswith("!Failed to grant") for line in lines) == [False, True]
    assert len(bench.agent.changes()) == 1


@pytest.mark.parametrize(
    ("target", "permission", "account"),
    [
        ("groups", GROUP_GONE, ACCOUNT),
        ("groups", GROUP, NOBODY),
        ("sharedmailboxes", MAILBOX_GONE, ACCOUNT),
        ("sharedmailboxes", MAILBOX, NOBODY),
    ],
    ids=["group", "member", "mailbox", "user"],
)
def test_02_a_grant_of_what_is_gone_fails(
    bench: HelloIdBench, target: str, permission: object, account: object
) -> None:
    """HelloID does not record an entitlement that does not exist."""
    lines = told(bench.ask(granted(target, permission, account)))
    assert lines
    assert all(line.startswith("!Failed to") for line in lines)
    assert bench.agent.changes() == []


def test_03_done_already_so_and_skipped_are_told_apart(contract: HelloIdBench) -> None:
    """Each has words of its own, and a failure has its cause."""
    done = told(contract.ask(granted("groups", GROUP)))
    again = told(contract.ask(granted("groups", GROUP)))
    skipped = told(contract.ask(revoked("groups", GROUP_GONE)))
    failed = told(contract.ask(granted("groups", GROUP_GONE)))
    assert [line.split("(")[0].strip() for line in (*done, *again)] == ["Added the account Jane Doe", "Nothing to do"]
    assert skipped[0].startswith("Skipped, because it no longer exists")
    assert GONE in failed[0]
    assert failed[0].endswith("[object-not-found]")


@pytest.mark.parametrize("target", ["user", "account"])
def test_04_a_create_that_succeeds_has_an_audit(contract: HelloIdBench, target: str) -> None:
    """It says which account was found."""
    answered = contract.ask(created(JANE, target))
    assert told(answered) == [f"Correlated to the account Jane Doe ({contract.id_of(JANE)})."]
    assert answered.document["Success"]


@pytest.mark.parametrize("target", ["user", "account"])
def test_05_a_create_that_fails_says_for_whom(contract: HelloIdBench, target: str) -> None:
    """The name that was looked for stands in the audit."""
    (line,) = told(contract.ask(created("nobody@contoso.example", target)))
    assert line.startswith("!")
    assert "nobody@contoso.example" in line


@pytest.mark.parametrize(("target", "permission"), BOTH)
def test_06_a_dry_run_looks_and_tells(bench: HelloIdBench, target: str, permission: object) -> None:
    """Success is true or false, the audit says what would be done, and the organization is as it was."""
    before = bench.tenant.snapshot()
    answered = bench.ask(granted(target, permission, dryRun=True))
    assert answered.document["Success"] is True
    assert all(line.startswith("Would ") for line in told(answered))
    assert bench.agent.records
    assert bench.agent.changes() == []
    assert bench.tenant.snapshot() == before
    gone = bench.ask(granted(target, permission, NOBODY, dryRun=True))
    assert gone.document["Success"] is False


@pytest.mark.parametrize("automapping", [True, False])
def test_07_the_setting_for_automapping_has_its_effect(bench: HelloIdBench, *, automapping: bool) -> None:
    """What [helloid] automapping says reaches Exchange."""
    bench.ask(granted("sharedmailboxes", MAILBOX), helloid={"automapping": automapping})
    (record,) = [record for record in bench.agent.records if record.cmdlet == "Add-MailboxPermission"]
    assert record.parameters.get("AutoMapping", True) in (automapping, str(automapping))


def test_08_options_of_the_session_reach_the_agent(contract: HelloIdBench) -> None:
    """There is one runspace, opened from here with the idle timeout of the settings; none is opened within it."""
    contract.close()
    with contract.agent.session(idle_timeout=777, on_exit="close") as session:
        session.open()
        assert [shell.idle_timeout for shell in contract.agent.simulator.shells()] == [777]


def test_09_whoever_connects_first_every_action_finds_its_cmdlets(bench: HelloIdBench) -> None:
    """After a grant opened and connected the runspace, a create with regional settings works in it."""
    bench.close()
    bench.agent.records.clear()
    told(bench.ask(granted("groups", GROUP)))
    answered = bench.ask(created(JANE), regional={"language": "nl-NL"})
    assert answered.document["Success"], answered
    assert bench.agent.changes() == ["Add-DistributionGroupMember", "Set-MailboxRegionalConfiguration"]
    assert bench.agent.logons() == 1


def test_10_an_expired_log_on_is_made_anew(contract: HelloIdBench) -> None:
    """The state of the connection decides, and no text: a token that ended is renewed, and the grant is made."""
    contract.close()
    contract.tenant.token_seconds = 200
    contract.session()
    contract.tenant.token_seconds = 3600
    contract.agent.records.clear()
    answered = contract.ask(granted("groups", GROUP))
    contract.close()
    assert answered.document["Success"], answered
    assert contract.agent.logons() == 1
    assert contract.agent.changes() == ["Add-DistributionGroupMember"]


def test_11_no_decision_follows_from_a_text(bench: HelloIdBench, monkeypatch: pytest.MonkeyPatch) -> None:
    """With every sentence of Exchange in another language the same things are skipped and the same things fail."""
    plain = errors.exchange_error
    monkeypatch.setattr(errors, "exchange_error", lambda string, kind, _text: plain(string, kind, "Das ging nicht."))
    bench.ask(granted("groups", GROUP))
    bench.agent.records.clear()
    requests = [
        (granted("groups", GROUP), True, "Nothing to do"),
        (granted("groups", GROUP_GONE), False, "!Failed to add"),
        (revoked("groups", GROUP_GONE), True, "Skipped, because it no longer exists"),
        (revoked("groups", GROUP, NOBODY), True, "Skipped, because it no longer exists"),
        (revoked("sharedmailboxes", MAILBOX_GONE), True, "Skipped, because it no longer exists"),
        (granted("sharedmailboxes", MAILBOX, NOBODY), False, "!Failed to grant"),
        (revoked("sharedmailboxes", MAILBOX), True, "Nothing to do"),
    ]
    for request, success, begin in requests:
        answered = bench.ask(request)
        assert answered.document["Success"] is success, answered
        assert all(line.startswith(begin) for line in told(answered)), answered
    assert bench.agent.changes() == []


def test_12_nothing_of_one_person_is_left_for_the_next(bench: HelloIdBench) -> None:
    """In the same runspace a request without a reference fails; it does not act on the account of the one before."""
    told(bench.ask(granted("groups", GROUP)))
    told(bench.ask(created(CHLOE)))
    bench.agent.records.clear()
    answered = bench.ask(revoked("groups", GROUP, None))
    assert answered.document["Success"] is False
    assert "There is no account reference" in told(answered)[0]
    assert bench.agent.records == []


def test_13_a_runspace_that_is_in_use_is_waited_for(tmp_path: Path) -> None:
    """While another client has it the request waits, and is answered when its turn comes."""
    with running_agent("contract") as agent:
        bench = HelloIdBench(agent, tmp_path)
        answers: list[bool] = []
        asking = threading.Thread(
            target=lambda: answers.append(bench.ask(granted("groups", GROUP)).document["Success"])
        )
        with agent.session() as other:
            other.open()
            asking.start()
            asking.join(0.5)
            waited = asking.is_alive()
        asking.join(60)
        bench.close()
    assert (waited, answers) == (True, [True])
    assert agent.logons() == 1


def test_13_of_two_runspaces_one_is_used_and_the_other_closed(tmp_path: Path) -> None:
    """Shells that were left behind under our name do not end in an error."""
    with running_agent("contract") as agent:
        for name in ("exo-bridge", "another"):
            with agent.session(runspace_name=name) as session:
                session.open()
        for shell in agent.simulator.shells():
            shell.name = "exo-bridge"
        bench = HelloIdBench(agent, tmp_path)
        assert bench.ask(granted("groups", GROUP)).document["Success"]
        assert len(agent.simulator.shells()) == 1
        bench.close()


def test_14_a_second_process_does_not_connect_again(ask_process: AskProcess) -> None:
    """The runspace is left connected by the process of one action, and taken over by that of the next."""
    agent, ask = ask_process
    for _ in range(2):
        assert json.loads(ask(v2("grant", "groups", JANE_ID, {"Id": STAFF_ID})))["Success"]
    assert agent.logons() == 1
    assert len(agent.simulator.shells()) == 1


def test_15_an_action_that_succeeds_says_nothing_strange(bench: HelloIdBench) -> None:
    """The process log of a grant has its steps, and no warning, error or stray line."""
    logs = bench.ask(v2("grant", "groups", f"{{id:{JANE}}}", {"Id": f"{{id:{STAFF}}}"})).document["Logs"]
    assert {line["Level"] for line in logs} == {"verbose"}
    assert all(line["Message"].startswith("group.grant: ") for line in logs)


@pytest.mark.parametrize(
    ("target", "cmdlet"), [("groups", "Get-DistributionGroup"), ("sharedmailboxes", "Get-EXOMailbox")]
)
def test_16_a_list_that_is_not_whole_is_a_failure(contract: HelloIdBench, target: str, cmdlet: str) -> None:
    """An error while the list is read makes it a failure without any permission."""
    contract.tenant.denied = {cmdlet}
    contract.close()
    answered = contract.ask(v1("permissions", target))
    contract.close()
    assert answered.document["Success"] is False
    assert told(answered)[0].startswith("!Failed to read")


def test_16_every_group_has_the_name_of_its_own_kind(bench: HelloIdBench) -> None:
    """No kind is taken over from the group before; a room list is a distribution group."""
    names = [one["DisplayName"] for one in bench.ask(v1("permissions", "groups")).document]
    assert sorted(names) == [
        "Distribution Group - All Staff",
        "Distribution Group - Development",
        "Distribution Group - Rooms in Utrecht",
        "Mail-enabled Security Group - Finance",
    ]


@pytest.mark.parametrize("request_of", [granted, revoked])
@pytest.mark.parametrize("rights", [[], ["Full Acces"]], ids=["none", "unknown"])
def test_17_a_reference_without_known_rights_is_explained(
    contract: HelloIdBench, rights: list[str], request_of: object
) -> None:
    """It is a failure whose audit says what is wrong with the reference, and nothing is changed."""
    assert callable(request_of)
    (line,) = told(contract.ask(request_of("sharedmailboxes", {**MAILBOX, "Permissions": rights})))
    assert line.startswith("!")
    assert "right" in line
    assert contract.agent.changes() == []


def test_18_regional_settings_are_those_of_the_settings(bench: HelloIdBench) -> None:
    """Without them nothing is set; with them only what differs is written, and at the second create nothing."""
    assert bench.ask(created(JANE)).document["Success"]
    assert bench.agent.changes() == []
    for expected in (["Set-MailboxRegionalConfiguration"], []):
        bench.agent.records.clear()
        bench.ask(created(JANE), regional={"language": "de-DE"})
        assert bench.agent.changes() == expected


def test_19_a_password_in_the_configuration_is_neither_used_nor_told(contract: HelloIdBench) -> None:
    """The log-on is that of the settings file; what HelloID has in its form stays there."""
    contract.close()
    contract.agent.records.clear()
    secret = "canary-of-the-form"
    configuration = {"Username": "admin@contoso.example", "Password": secret}
    answered = contract.ask(granted("groups", GROUP, configuration=configuration))
    assert answered.document["Success"], answered
    (logon,) = [one for one in contract.agent.records if one.cmdlet == "Connect-ExchangeOnline"]
    assert "Credential" not in logon.parameters
    kept = (json.dumps(answered.document), contract.journal.read_bytes().decode("latin-1"), str(contract.agent.records))
    assert not [text for text in kept if secret in text or "admin@contoso.example" in text]


def test_20_correlation_takes_any_field_and_one_match(bench: HelloIdBench) -> None:
    """A custom attribute finds the account, and a value that several have is refused."""
    correlation = {"Enabled": True, "AccountField": "CustomAttribute1", "PersonFieldValue": "E0042"}
    found = bench.ask(v2("create", "account", CorrelationConfiguration=correlation))
    assert found.document["AccountReference"] == bench.id_of(JANE)
    several = bench.ask(created("Alex Kim", "user"))
    assert several.document["AccountReference"] is None
    assert told(several)[0].startswith("!")


def test_21_display_names_are_cut_to_100_characters(bench: HelloIdBench) -> None:
    """Also where a character is two units long at the cut, and the kind before the name stays."""
    name = "\U0001f600" * 60
    bench.run("group.create", {"name": "long", "address": "long@contoso.example", "kind": "distribution"})
    bench.put("long@contoso.example", display_name=name)
    names = [one["DisplayName"] for one in bench.ask(v1("permissions", "groups")).document]
    (cut,) = [one for one in names if "\U0001f600" in one]
    assert cut == "Distribution Group - " + "\U0001f600" * 39
    assert len(cut.encode("utf-16-le")) <= 200


def test_22_send_on_behalf_of_an_account_that_is_gone_is_skipped(bench: HelloIdBench) -> None:
    """A revoke of it is a success that says so, as it is for the other rights."""
    permission = {"Id": f"{{id:{SALES}}}", "Name": "Sales", "Permissions": ["Send on Behalf"]}
    answered = bench.ask(revoked("sharedmailboxes", permission, NOBODY))
    assert answered.document["Success"], answered
    assert told(answered)[0].startswith("Skipped, because it no longer exists")
