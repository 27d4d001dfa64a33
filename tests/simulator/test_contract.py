"""The contract engine: what each shipped script's function does with the demo organization, and what it refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bridge.scripts import ScriptFolder, ScriptParameter
from bridge.simulator.contract import ScriptEngine
from bridge.simulator.contract.engine import FUNCTIONS, hash_of
from bridge.simulator.tenant import Tenant
from tests.simulator.contract_client import ContractClient, Word, connect_parameters

JANE = "jane.doe@contoso.example"
JOHN = "john.obrien@contoso.example"
INFO = "info@contoso.example"
STAFF = "staff@contoso.example"
NOBODY = "nobody@contoso.example"
RIGHTS = {
    "full-access": ("Add-MailboxPermission", "Remove-MailboxPermission"),
    "send-as": ("Add-RecipientPermission", "Remove-RecipientPermission"),
    "send-on-behalf": ("Set-Mailbox", "Set-Mailbox"),
}
GRANT_MEMBER, REVOKE_MEMBER = "group/Grant-GroupMember.ps1", "group/Revoke-GroupMember.ps1"
GRANT_RIGHT = "shared-mailbox/Grant-SharedMailboxRight.ps1"
REVOKE_RIGHT = "shared-mailbox/Revoke-SharedMailboxRight.ps1"
FIND_ACCOUNT, FIND_MAILBOX = "account/Find-Account.ps1", "mailbox/Find-Mailbox.ps1"
SET_REGIONAL = "mailbox/Set-MailboxRegional.ps1"
# A call of each action script that finds all that it names.
SET_REPLIES = "mailbox/Set-MailboxAutomaticReply.ps1"
SET_HOLD, REMOVE_HOLD = "mailbox/Set-MailboxLitigationHold.ps1", "mailbox/Remove-MailboxLitigationHold.ps1"
SET_FOLDER, REMOVE_FOLDER = "mailbox/Set-MailboxFolderPermission.ps1", "mailbox/Remove-MailboxFolderPermission.ps1"
CALLS: dict[str, dict[str, Any]] = {
    FIND_ACCOUNT: {"User": JANE},
    FIND_MAILBOX: {"Mailbox": JANE},
    SET_REGIONAL: {"Mailbox": JANE, "TimeZone": "Tokyo Standard Time"},
    SET_REPLIES: {"Mailbox": JANE, "State": "enabled", "InternalMessage": "Away.", "Audience": "none"},
    SET_HOLD: {"Mailbox": JANE, "Duration": "365"},
    REMOVE_HOLD: {"Mailbox": JANE, "ConfirmRelease": True},
    SET_FOLDER: {"Mailbox": JANE, "User": JOHN, "Right": "Reviewer"},
    REMOVE_FOLDER: {"Mailbox": JANE, "User": JOHN},
    "group/Get-Group.ps1": {},
    GRANT_MEMBER: {"Group": STAFF, "Member": JANE},
    REVOKE_MEMBER: {"Group": STAFF, "Member": JANE},
    "shared-mailbox/Get-SharedMailbox.ps1": {},
    GRANT_RIGHT: {"Mailbox": INFO, "User": JANE, "Right": "send-as"},
    REVOKE_RIGHT: {"Mailbox": INFO, "User": JANE, "Right": "send-as"},
}


@pytest.fixture
def tenant() -> Tenant:
    """The demo organization."""
    return Tenant.demo()


@pytest.fixture
def client(tenant: Tenant) -> ContractClient:
    """A runspace that is connected with all cmdlets."""
    made = ContractClient(tenant)
    assert made.connect().row["MissingCommand"] == []
    return made


def test_every_shipped_script_has_a_function() -> None:
    """No script without a function, no function without a script, and their parameters are the same."""
    folder = ScriptFolder()
    assert sorted(FUNCTIONS) == sorted(folder.names())
    for name, function in FUNCTIONS.items():
        taken = tuple(ScriptParameter(one.name, one.type, one.mandatory, one.values) for one in function.parameters)
        assert taken == folder.get(name).parameters, name


def test_a_script_is_known_by_its_text(client: ContractClient) -> None:
    """Line ends do not matter; any other change makes it unknown, which is said loudly."""
    text = ScriptFolder().get(FIND_ACCOUNT).text
    assert client.run_text(text.replace("\n", "\r\n"), User=JANE).row["DisplayName"] == "Jane Doe"
    written = client.run_text(text + "\n# changed", User=JANE)
    assert written.error_id == "Bridge.Simulator.UnknownScript"
    assert written.failure is not None
    assert written.failure.category == "NotImplemented"
    assert "pwsh" in written.failure.message


def test_scripts_of_another_folder(tenant: Tenant, tmp_path: Path) -> None:
    """The engine goes by the scripts that it is given; where one is missing it does not start."""
    with pytest.raises(FileNotFoundError):
        ScriptEngine(tenant, tmp_path)
    for name in FUNCTIONS:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"# {name}\n", "utf-8")
    ScriptEngine(tenant, tmp_path)
    assert hash_of("a\r\nb\rc") == hash_of("a\nb\nc")


@pytest.mark.parametrize("name", CALLS)
def test_calls_without_a_connection(tenant: Tenant, name: str) -> None:
    """Before the connect no cmdlet is known, as in a PowerShell."""
    assert ContractClient(tenant).run(name, **CALLS[name]).error_id == "CommandNotFoundException"


@pytest.mark.parametrize("name", CALLS)
def test_verbose_lines(client: ContractClient, name: str) -> None:
    """With -Verbose there is a line before each call, without it there is none."""
    told = client.run(name, **CALLS[name], Verbose=True)
    assert told.failure is None
    assert 1 <= len(told.verbose_lines) <= len(client.records)
    assert client.run(name, **CALLS[name]).verbose_lines == []


@pytest.mark.parametrize("name", [name for name, call in CALLS.items() if call])
def test_parameters_that_do_not_bind(client: ContractClient, name: str) -> None:
    """An unknown parameter, an empty one and an empty identity are refused before anything is called."""
    call = CALLS[name]
    first = next(iter(call))
    assert client.run(name, **call, Nonsense="x").error_id == "NamedParameterNotFound"
    empty = client.run(name, **(call | {first: ""})).error_id
    assert empty in ("ParameterArgumentValidationErrorEmptyStringNotAllowed", "Bridge.EmptyIdentity")
    for odd in ("  ", "*", "j*"):
        assert client.run(name, **(call | {first: odd})).error_id == "Bridge.EmptyIdentity,Find-One"
    assert client.records == []


@pytest.mark.parametrize(
    "name", [name for name, call in CALLS.items() if call and name not in (FIND_ACCOUNT, FIND_MAILBOX)]
)
def test_parameters_that_are_missing(client: ContractClient, name: str) -> None:
    """What is mandatory has to be given."""
    assert client.run(name).error_id == "MissingMandatoryParameter"


@pytest.mark.parametrize("name", CALLS)
def test_a_cmdlet_that_is_not_granted(tenant: Tenant, name: str) -> None:
    """A cmdlet that the roles lack is reported when connecting, and unknown when it is called."""
    client = ContractClient(tenant)
    needed = ScriptFolder().get(name).cmdlets
    tenant.denied = set(needed)
    imported = {cmdlet for cmdlet in needed if not cmdlet.startswith("Get-EXO")}
    assert set(client.connect().row["MissingCommand"]) >= imported
    written = client.run(name, **CALLS[name])
    assert written.failure is not None
    assert client.changes() == []


def test_find_account(client: ContractClient) -> None:
    """One object; nobody and several are errors of their own."""
    row = client.run(FIND_ACCOUNT, User=JANE).row
    assert list(row) == ["Id", "Name", "DisplayName", "UserPrincipalName", "RecipientTypeDetails"]
    assert (row["UserPrincipalName"], row["RecipientTypeDetails"]) == (JANE, "UserMailbox")
    assert row["Id"] == row["Id"].lower()
    assert client.run(FIND_ACCOUNT, User=row["Id"].upper()).row == row
    assert client.run(FIND_ACCOUNT, User=NOBODY).error_id == "Bridge.NotFound"
    several = client.run(FIND_ACCOUNT, User="Alex Kim")
    assert several.error_id == "Bridge.Ambiguous,Find-One"
    assert several.failure is not None
    assert several.failure.message.count("Alex Kim <") == 2
    assert client.run(FIND_ACCOUNT, User="O'Brien$(1)\"*").error_id == "Bridge.EmptyIdentity,Find-One"
    assert client.run(FIND_ACCOUNT, User="John O'Brien").row["UserPrincipalName"] == JOHN


def test_find_mailbox(client: ContractClient) -> None:
    """By identity exactly one; by a field none, one or several."""
    row = client.run(FIND_MAILBOX, Mailbox=JANE).row
    assert row["PrimarySmtpAddress"] == JANE
    assert client.run(FIND_MAILBOX, Mailbox=NOBODY).error_id == "Bridge.NotFound"
    assert client.run(FIND_MAILBOX, Mailbox="Alex Kim").error_id == "Bridge.Ambiguous,Find-One"
    assert client.run(FIND_MAILBOX, Where="CustomAttribute1=E0042").row == row
    assert client.run(FIND_MAILBOX, Where="CustomAttribute1=nothing").rows == []
    assert len(client.run(FIND_MAILBOX, Where="DisplayName=Alex Kim").rows) == 2
    assert client.run(FIND_MAILBOX, Where="DisplayName=John O'Brien").row["PrimarySmtpAddress"] == JOHN


@pytest.mark.parametrize(
    ("given", "error_id"),
    [
        ({}, "Bridge.EmptyIdentity"),
        ({"Mailbox": JANE, "Where": "Name=x"}, "Bridge.EmptyIdentity"),
        ({"Where": "CustomAttribute1="}, "Bridge.EmptyIdentity"),
        ({"Where": "no field"}, "ParameterArgumentValidationError"),
    ],
)
def test_find_mailbox_without_a_clear_question(client: ContractClient, given: dict[str, str], error_id: str) -> None:
    """Neither, both, a field without a value and no field at all are refused and ask Exchange nothing."""
    assert client.run(FIND_MAILBOX, **given).error_id == error_id
    assert client.records == []


def test_set_regional(client: ContractClient) -> None:
    """What differs is written, and nothing when nothing differs; a dry run writes nothing."""
    wanted = {"Language": "nl-NL", "DateFormat": "dd-MM-yy", "TimeFormat": "H:mm", "TimeZone": "Tokyo Standard Time"}
    client.run(SET_REGIONAL, Mailbox=JANE, Language="en-US", TimeZone="UTC")
    client.records.clear()
    dry = client.run(SET_REGIONAL, Mailbox=JANE, **wanted, DryRun=True).row
    assert (dry["Status"], dry["Reason"]) == ("changed", "would set DateFormat, Language, TimeFormat, TimeZone")
    assert client.changes() == []
    row = client.run(SET_REGIONAL, Mailbox=JANE, **wanted).row
    assert (row["Status"], row["Reason"]) == ("changed", "DateFormat, Language, TimeFormat, TimeZone set")
    assert (row["Before"], row["After"]) == (dry["Before"], dry["After"]) == (row["Before"], wanted)
    assert client.changes() == ["Set-MailboxRegionalConfiguration"]
    again = client.run(SET_REGIONAL, Mailbox=JANE, **wanted).row
    assert (again["Status"], again["Reason"], again["Before"]) == ("unchanged", "already so", wanted)
    assert len(client.changes()) == 1


def test_set_regional_language_alone(client: ContractClient) -> None:
    """With another language the formats become that language's own; case matters in a format only."""
    client.run(SET_REGIONAL, Mailbox=JANE, Language="nl-NL", DateFormat="dd-MM-yy")
    row = client.run(SET_REGIONAL, Mailbox=JANE, Language="en-US").row
    assert row["Reason"] == "DateFormat, Language, TimeFormat set"
    assert (row["After"]["Language"], row["After"]["DateFormat"]) == ("en-US", "")
    assert client.run(SET_REGIONAL, Mailbox=JANE, Language="EN-us").row["Status"] == "unchanged"


def test_set_regional_folder_names(client: ContractClient) -> None:
    """The default folders get their names in the mailbox's language, once."""
    row = client.run(SET_REGIONAL, Mailbox=JANE, Language="nl-NL", LocalizeFolders=True).row
    assert row["Status"] == "changed"
    assert row["After"]["FoldersLocalized"] is True
    assert "LocalizeDefaultFolderName" in row["Reason"]
    again = client.run(SET_REGIONAL, Mailbox=JANE, Language="nl-NL", LocalizeFolders=True).row
    assert (again["Status"], again["Before"]["FoldersLocalized"]) == ("unchanged", True)


def test_set_regional_refusals(client: ContractClient) -> None:
    """Nothing to set, no such mailbox, several, and a format that the language lacks."""
    assert client.run(SET_REGIONAL, Mailbox=JANE).error_id == "Bridge.NothingToSet"
    assert client.run(SET_REGIONAL, Mailbox=NOBODY, Language="nl-NL").error_id == "Bridge.NotFound"
    assert client.run(SET_REGIONAL, Mailbox="Alex Kim", Language="nl-NL").error_id == "Bridge.Ambiguous,Find-One"
    refused = client.run(SET_REGIONAL, Mailbox=JANE, Language="nl-NL", DateFormat="M/d/yyyy h:mm")
    assert refused.error_id.endswith(",Write-ErrorMessage")
    assert client.changes() == []


def test_list_groups(client: ContractClient) -> None:
    """Distribution and mail-enabled security groups, without those that are synchronised from on-premises."""
    kinds = {row["PrimarySmtpAddress"]: row["Kind"] for row in client.run("group/Get-Group.ps1").rows}
    assert kinds[STAFF] == "distribution"
    assert kinds["finance@contoso.example"] == "mail-enabled-security"
    assert "synced@contoso.example" not in kinds


def test_list_shared_mailboxes(client: ContractClient) -> None:
    """All shared mailboxes and nothing else."""
    rows = client.run("shared-mailbox/Get-SharedMailbox.ps1").rows
    addresses = {row["PrimarySmtpAddress"] for row in rows}
    assert {INFO, "sales@contoso.example"} <= addresses
    assert JANE not in addresses
    assert all(row["Id"] and row["Name"] for row in rows)


def test_group_members(client: ContractClient) -> None:
    """Grant and revoke change once; the second time and a dry run change nothing and say so."""
    client.run(REVOKE_MEMBER, Group=STAFF, Member=JANE)
    client.records.clear()
    steps = [
        (GRANT_MEMBER, True, "changed", "would add the member"),
        (REVOKE_MEMBER, True, "unchanged", "not a member"),
        (REVOKE_MEMBER, False, "unchanged", "not a member"),
        (GRANT_MEMBER, False, "changed", "member added"),
        (GRANT_MEMBER, False, "unchanged", "already a member"),
        (GRANT_MEMBER, True, "unchanged", "already a member"),
        (REVOKE_MEMBER, True, "changed", "would remove the member"),
        (REVOKE_MEMBER, False, "changed", "member removed"),
    ]
    for script, dry_run, status, reason in steps:
        row = client.run(script, Group=STAFF, Member=JANE, DryRun=dry_run).row
        assert (row["Status"], row["Reason"]) == (status, reason)
        was = script == REVOKE_MEMBER if status == "changed" else script == GRANT_MEMBER
        assert row["Before"] == {"MemberId": row["Before"]["MemberId"], "MemberName": "Jane Doe", "IsMember": was}
        assert row["After"] == row["Before"] | {"IsMember": script == GRANT_MEMBER}
        assert row["Identity"]["Id"]
    assert client.changes() == ["Add-DistributionGroupMember", "Remove-DistributionGroupMember"]


def test_group_members_refusals(client: ContractClient) -> None:
    """Not found is an error for a grant and unchanged for a revoke; ambiguous and synchronised are refused by both."""
    assert client.run(GRANT_MEMBER, Group=NOBODY, Member=JANE).error_id == "Bridge.NotFound"
    assert client.run(GRANT_MEMBER, Group=STAFF, Member=NOBODY).error_id == "Bridge.NotFound"
    gone = client.run(REVOKE_MEMBER, Group=NOBODY, Member=JANE).row
    assert (gone["Status"], gone["Reason"]) == ("unchanged", "the group does not exist")
    assert gone["Identity"] == {"Id": "", "Name": NOBODY}
    gone = client.run(REVOKE_MEMBER, Group=STAFF, Member=NOBODY).row
    assert (gone["Status"], gone["Reason"]) == ("unchanged", "the member does not exist")
    for script in (GRANT_MEMBER, REVOKE_MEMBER):
        assert client.run(script, Group=STAFF, Member="Alex Kim").error_id == "Bridge.Ambiguous,Find-One"
        synchronized = client.run(script, Group="synced@contoso.example", Member=JANE)
        assert synchronized.error_id == "Bridge.SynchronizedFromOnPremises"
    assert client.changes() == []


@pytest.mark.parametrize("right", RIGHTS)
def test_rights(client: ContractClient, right: str) -> None:
    """Each right is granted and revoked once; the second time and a dry run change nothing and say so."""
    call = {"Mailbox": INFO, "User": JANE, "Right": right}
    client.run(REVOKE_RIGHT, **call)
    client.records.clear()
    steps = [
        (GRANT_RIGHT, True, "changed", f"would grant {right}"),
        (REVOKE_RIGHT, False, "unchanged", "not granted"),
        (GRANT_RIGHT, False, "changed", f"{right} granted"),
        (GRANT_RIGHT, False, "unchanged", "already granted"),
        (REVOKE_RIGHT, True, "changed", f"would revoke {right}"),
        (REVOKE_RIGHT, False, "changed", f"{right} revoked"),
        (REVOKE_RIGHT, True, "unchanged", "not granted"),
    ]
    for script, dry_run, status, reason in steps:
        row = client.run(script, **call, DryRun=dry_run).row
        assert (row["Status"], row["Reason"]) == (status, reason)
        was = script == REVOKE_RIGHT if status == "changed" else script == GRANT_RIGHT
        assert (row["Before"]["Granted"], row["After"]["Granted"]) == (was, script == GRANT_RIGHT)
        assert (row["Before"]["UserName"], row["Before"]["Right"]) == ("Jane Doe", right)
    assert tuple(client.changes()) == RIGHTS[right]


def test_rights_refusals(client: ContractClient) -> None:
    """An unknown right, another kind of mailbox, nobody, several; for a revoke nobody is unchanged."""
    call = {"Mailbox": INFO, "User": JANE, "Right": "send-as"}
    for script in (GRANT_RIGHT, REVOKE_RIGHT):
        assert client.run(script, **(call | {"Right": "all"})).error_id == "ParameterArgumentValidationError"
        assert client.run(script, **(call | {"Mailbox": JANE})).error_id == "Bridge.NotFound"
        assert client.run(script, **(call | {"User": "Alex Kim"})).error_id == "Bridge.Ambiguous,Find-One"
    assert client.run(GRANT_RIGHT, **(call | {"Mailbox": NOBODY})).error_id == "Bridge.NotFound"
    assert client.run(GRANT_RIGHT, **(call | {"User": NOBODY})).error_id == "Bridge.NotFound"
    gone = client.run(REVOKE_RIGHT, **(call | {"Mailbox": NOBODY})).row
    assert (gone["Status"], gone["Reason"]) == ("unchanged", "the mailbox does not exist")
    gone = client.run(REVOKE_RIGHT, **(call | {"User": NOBODY})).row
    assert (gone["Status"], gone["Reason"]) == ("unchanged", "the user does not exist")
    assert client.changes() == []


def test_automapping(client: ContractClient) -> None:
    """Automapping is on unless it is switched off."""
    call = {"Mailbox": INFO, "User": JOHN, "Right": "full-access"}
    for wish in (False, True):
        client.run(REVOKE_RIGHT, **call)
        client.records.clear()
        client.run(GRANT_RIGHT, **call, NoAutomapping=wish)
        (change,) = [record for record in client.records if record.changed]
        assert change.parameters["AutoMapping"] is not wish


def test_connect_and_state(tenant: Tenant) -> None:
    """The state tells what the connect made; a second connect for the same account uses it again."""
    client = ContractClient(tenant)
    state = client.run("session/Get-BridgeState.ps1").row
    assert (state["Connected"], state["Account"], state["ModuleVersion"]) == (False, "", "")
    parameters = connect_parameters(tenant)
    made = client.connect().row
    assert (made["Connection"], made["Logon"], made["Organization"]) == (
        "new",
        "certificate",
        parameters["Organization"],
    )
    assert made["Account"] == f"certificate|{parameters['AppId']}||{parameters['Organization']}||"
    state = client.run("session/Get-BridgeState.ps1").row
    assert state == {"Connected": True, "InstalledScripts": ""} | made | {"Connection": "existing"}
    assert client.connect().row == made | {"Connection": "existing"}
    fewer = client.connect(CommandName=["Get-User"]).row
    assert (fewer["Connection"], fewer["CommandName"]) == ("existing", ["Get-User"])
    client.runspace.close()
    assert client.run("session/Get-BridgeState.ps1").row["Connected"] is False


def test_connect_anew(tenant: Tenant) -> None:
    """Another account, or a cmdlet that was not imported, makes a new connection."""
    client = ContractClient(tenant)
    first = client.connect(CommandName=["Get-User"]).row
    more = client.connect(CommandName=["Get-User", "Get-Mailbox"]).row
    assert (more["Connection"], more["ConnectionId"] != first["ConnectionId"]) == ("new", True)
    logon = tenant.logon_settings()
    token = Word(tenant.issue_token(logon["app_id"], logon["client_secret"]))
    other = client.connect(CertificateThumbprint="", AccessToken=token, CommandName=["Get-User"]).row
    assert (other["Connection"], other["Logon"]) == ("new", "access-token")


def test_connect_refusals(tenant: Tenant) -> None:
    """No log-on at all, a wrong certificate and a module that is not there; nothing is connected then."""
    client = ContractClient(tenant)
    nothing = client.connect(CertificateThumbprint="").failure
    assert nothing is not None
    assert nothing.reason == "MsalClientException"
    wrong = client.connect(CertificateThumbprint="0" * 40)
    assert wrong.failure is not None
    assert client.run("session/Get-BridgeState.ps1").row["Connected"] is False
    tenant.module_installed = False
    assert ContractClient(tenant).connect().error_id.startswith("Modules_ModuleNotFound,")


def test_secrets_stay_secret(tenant: Tenant) -> None:
    """Neither the account nor any verbose line has the token or the password."""
    client = ContractClient(tenant)
    logon = tenant.logon_settings()
    secret = tenant.issue_token(logon["app_id"], logon["client_secret"])
    written = client.connect(CertificateThumbprint="", AccessToken=Word(secret), Verbose=True)
    assert written.failure is None
    assert secret not in repr(written.rows) + repr(written.verbose_lines) + repr(written.warnings)
