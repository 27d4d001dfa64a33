"""The contract engine against a real PowerShell: the same calls, one after the other, must give the same records.

Each engine has a demo organization of its own. What is compared is what arrives over PSRP (rows, verbose lines,
warnings, the error record) and what the organization was asked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from psrpcore.types import PSDict, PSList, PSObject, PSSecureString

from bridge.scripts import ScriptFolder
from bridge.simulator.contract import ScriptEngine
from bridge.simulator.gateway import Gateway
from bridge.simulator.shells.base import Shell
from bridge.simulator.shells.contract import ContractShell
from bridge.simulator.shells.powershell import PowerShellShell, server_command
from bridge.simulator.tenant import CmdletRecord, Tenant
from tests.simulator.contract_client import connect_parameters
from tests.simulator.shell_client import Result, ShellClient
from tests.simulator.test_contract import (
    CALLS,
    FIND_ACCOUNT,
    FIND_MAILBOX,
    GRANT_MEMBER,
    GRANT_RIGHT,
    INFO,
    JANE,
    JOHN,
    NOBODY,
    REMOVE_FOLDER,
    REMOVE_HOLD,
    REVOKE_MEMBER,
    REVOKE_RIGHT,
    RIGHTS,
    SET_FOLDER,
    SET_HOLD,
    SET_REGIONAL,
    SET_REPLIES,
    STAFF,
)
from tests.simulator.test_shells import attributes

pytestmark = pytest.mark.pwsh

SCRIPTS = {script.name: script.text for script in ScriptFolder().all()}
CONNECT, STATE = "session/Connect-Bridge.ps1", "session/Get-BridgeState.ps1"
FIND_RECIPIENT, MEMBERS_BY_ID = "session/Find-Recipient.ps1", "session/Get-GroupMemberById.ps1"
ADD_RIGHT_BY_ID, REMOVE_RIGHT_BY_ID = "session/Add-MailboxRightById.ps1", "session/Remove-MailboxRightById.ps1"
ADD_BY_ID, REMOVE_BY_ID = "session/Add-GroupMemberById.ps1", "session/Remove-GroupMemberById.ps1"
SYNCED = "synced@contoso.example"
LUKAS = "lukas.weber@contoso.example"
# An empty value stands for what only the organization knows.
BY_CERTIFICATE: dict[str, Any] = {"CertificateThumbprint": ""}
DUTCH = {"Language": "nl-NL", "DateFormat": "dd-MM-yy", "TimeFormat": "H:mm", "TimeZone": "W. Europe Standard Time"}
# What differs by nature: the process, the PowerShell, ids and moments.
OWN = frozenset(
    (
        *("PowerShellVersion", "PowerShellEdition", "LanguageMode"),
        *("ProcessId", "MemoryBytes", "ConnectionId", "TokenExpires"),
    )
)


def _steps() -> Iterator[tuple[str, dict[str, Any]]]:
    yield FIND_ACCOUNT, {"User": JANE}
    yield STATE, {}
    yield CONNECT, {"CertificateThumbprint": "0" * 40}
    yield CONNECT, {"CertificateThumbprint": None}
    yield CONNECT, BY_CERTIFICATE
    yield CONNECT, BY_CERTIFICATE
    yield STATE, {}
    for name, call in CALLS.items():
        first = next(iter(call), None)
        yield name, call
        yield name, call | {"Nonsense": 1}
        if first is None:
            continue
        for value in (NOBODY, "Alex Kim", "", " ", "*", "O'Brien`\"$(1)\r\n\u20ac", "x" * 10_000):
            yield name, call | {first: value}
        yield name, {}
    for script in (GRANT_MEMBER, REVOKE_MEMBER):
        yield script, {"Group": SYNCED, "Member": JANE}
        for member in (NOBODY, "Alex Kim", "*"):
            yield script, {"Group": STAFF, "Member": member}
        for dry_run in (True, False, False):
            yield script, {"Group": STAFF, "Member": JANE, "DryRun": dry_run}
    yield from _by_id_steps()
    for right in (*RIGHTS, "Full-Access", "everything"):
        for script in (GRANT_RIGHT, REVOKE_RIGHT):
            call = {"Mailbox": INFO, "User": JANE, "Right": right}
            yield script, call | {"Mailbox": JANE}
            for user in (NOBODY, "Alex Kim"):
                yield script, call | {"User": user}
            for dry_run in (True, False, False):
                yield script, call | {"DryRun": dry_run}
    yield GRANT_RIGHT, {"Mailbox": INFO, "User": JANE, "Right": "full-access", "NoAutomapping": True}
    for where in (
        "CustomAttribute1=E0042",
        "DisplayName=Alex Kim",
        "DisplayName=John O'Brien",
        "Name=",
        "x",
        "Name='=",
    ):
        yield FIND_MAILBOX, {"Where": where}
    yield FIND_MAILBOX, {"Where": "NoSuchField=1"}
    yield FIND_MAILBOX, {"Where": "Name=x", "Mailbox": JANE}
    yield SET_REGIONAL, {"Mailbox": JANE}
    for more in ({"DryRun": True}, {}, {}, {"LocalizeFolders": True}, {"LocalizeFolders": True}):
        yield SET_REGIONAL, {"Mailbox": JANE} | DUTCH | more
    yield SET_REGIONAL, {"Mailbox": JANE, "Language": "en-US"}
    yield SET_REGIONAL, {"Mailbox": JANE, "Language": "xx-YY-zz"}
    yield SET_REGIONAL, {"Mailbox": JANE, "DateFormat": "nonsense"}
    yield from _mailbox_steps()
    yield CONNECT, {"AccessToken": PSSecureString("")}
    yield CONNECT, {"CommandName": ["Get-User"]}
    yield STATE, {}


def _by_id_steps() -> Iterator[tuple[str, dict[str, Any]]]:
    """What a batch runs: many names looked up at once, members by ids."""
    names = [JANE, "Alex Kim", NOBODY, STAFF, "INFO", "O'Brien`\"$(1)\r\n\u20ac", ids(JANE), "John O'Brien", SYNCED]
    for kind in ("recipient", "group", "Mailbox", "user"):
        yield FIND_RECIPIENT, {"Name": names, "Kind": kind}
    yield FIND_RECIPIENT, {"Name": [f"name {number}" for number in range(39)] + [JANE, JOHN], "Kind": "recipient"}
    for name in ("*", " ", "", "x*"):
        yield FIND_RECIPIENT, {"Name": [JANE, name], "Kind": "recipient"}
    yield FIND_RECIPIENT, {"Name": JANE}
    yield MEMBERS_BY_ID, {"Group": ids(STAFF), "GroupName": "Staff"}
    for group in (ids(JANE), ids(NOBODY), STAFF, "*"):
        yield MEMBERS_BY_ID, {"Group": group}
    for script in (ADD_BY_ID, REMOVE_BY_ID):
        for group in (STAFF, SYNCED, JANE):
            given = {"Group": ids(group), "Member": ids(JOHN), "GroupName": "The group", "MemberName": "John O'Brien"}
            yield script, given
            yield script, given
        yield script, {"Group": ids(STAFF), "Member": ids(NOBODY)}
        yield script, {"Group": ids(STAFF), "Member": "john"}
        yield script, {"Group": ids(STAFF)}
    for right in (*RIGHTS, "Send-As", "everything"):
        given = {"Mailbox": ids(INFO), "User": ids(JOHN), "Right": right, "MailboxName": "Info", "UserName": "John"}
        for script in (ADD_RIGHT_BY_ID, REMOVE_RIGHT_BY_ID):
            yield script, given
            yield script, given
            yield script, given | {"Mailbox": ids(NOBODY)}
            yield script, given | {"User": JOHN}
            yield script, given | {"NoAutomapping": True}


def _mailbox_steps() -> Iterator[tuple[str, dict[str, Any]]]:
    """Automatic replies, litigation hold and the calendar: changed, unchanged, refused."""
    text = "<p>Back  on Monday &\r\nTuesday\u20ac $(1)</p>"
    schedule = {"State": "Scheduled", "Start": "2026-12-24T17:00+01:00", "End": "2027-01-02T08:00:00Z"}
    for replies in (
        {"State": "enabled"},
        {"State": "disabled", "Audience": "KNOWN", "DryRun": True},
        schedule | {"InternalMessage": text, "ExternalMessage": text},
        schedule | {"InternalMessage": f"<html><body>{text.replace('&', '&amp;')}</body></html>"},
        {"State": "enabled", "InternalMessage": "Other"},
        {"State": "enabled", "InternalMessage": "Other", "Audience": "known", "Overwrite": True},
        schedule | {"Overwrite": True, "End": "2026-12-01T00:00Z"},
        {"State": "disabled"},
        {"State": "disabled", "InternalMessage": "", "ExternalMessage": ""},
        {"State": "disabled", "Start": "tomorrow"},
        {"State": "off"},
    ):
        yield SET_REPLIES, {"Mailbox": LUKAS} | replies
    yield SET_HOLD, {"Mailbox": LUKAS, "DryRun": True}
    for hold in ({"Owner": "Legal"}, {"Duration": "Unlimited"}, {"Duration": "30", "Owner": ""}, {"Duration": "x"}):
        yield SET_HOLD, {"Mailbox": LUKAS} | hold
    yield SET_HOLD, {"Mailbox": "tom.baker@contoso.example"}
    yield SET_HOLD, {"Mailbox": LUKAS, "Duration": "999999"}
    for confirmed in ({}, {"ConfirmRelease": True, "DryRun": True}, {"ConfirmRelease": True}, {"ConfirmRelease": True}):
        yield REMOVE_HOLD, {"Mailbox": LUKAS} | confirmed
    for user in (JOHN, "default", "Anonymous", NOBODY, STAFF, "Alex Kim"):
        for right in ({"Right": "editor"}, {"Right": "Editor"}, {"Right": "ReadItems,CreateItems"}, {"Right": "Boss"}):
            yield SET_FOLDER, {"Mailbox": "sanne.devries@contoso.example", "User": user} | right
    for delegate in ("private-items", "Yes", "no", "perhaps"):
        yield SET_FOLDER, {"Mailbox": JANE, "User": JOHN, "Right": "Editor", "Delegate": delegate}
    yield SET_FOLDER, {"Mailbox": JANE, "User": JOHN, "Right": "Reviewer", "Delegate": "yes"}
    for more in ({"DryRun": True}, {}, {}, {"User": NOBODY}, {"User": "Default"}):
        yield REMOVE_FOLDER, {"Mailbox": JANE, "User": JOHN} | more


def ids(name: str) -> str:
    """The id of a recipient of the demo organization; an id of nobody where there is none."""
    found = Tenant.demo().directory.find(name, lambda _: True)
    return found[0].guid if found else "00000000-0000-0000-0000-00000000dead"


STEPS = list(_steps())


class Engine:
    """One engine with its organization; ``run`` gives what a step led to, in a form to compare."""

    def __init__(self, tenant: Tenant, shell: Shell) -> None:
        self._tenant = tenant
        self._records: list[CmdletRecord] = []
        tenant.observers.append(self._records.append)
        self._client = ShellClient(shell)
        self._client.open()
        self._client.exchange_keys()

    def run(self, script: str, given: dict[str, Any]) -> dict[str, Any]:
        """Run one step with -Verbose."""
        self._records.clear()
        if script == CONNECT:
            given = self._logon(given)
        result = self._client.run(SCRIPTS[script], **given, Verbose=True)
        return seen(result) | {
            "asked": [(one.cmdlet, plain(one.parameters), one.changed, one.error) for one in self._records]
        }

    def _logon(self, given: dict[str, Any]) -> dict[str, Any]:
        logon = self._tenant.logon_settings()
        values = connect_parameters(self._tenant) | {name: value for name, value in given.items() if value != ""}
        if "AccessToken" in given:
            del values["CertificateThumbprint"]
            values["AccessToken"] = PSSecureString(self._tenant.issue_token(logon["app_id"], logon["client_secret"]))
        return values


def seen(result: Result) -> dict[str, Any]:
    """What a pipeline gave, without what differs by nature."""
    records = [*result.errors, *([result.error] if result.error is not None else [])]
    return {
        "state": result.state.name,
        "rows": [plain(row) for row in result.output],
        "verbose": [record.Message for record in result.verbose],
        "warnings": [record.Message for record in result.warnings],
        "errors": [error_fields(record) for record in records],
    }


def plain(value: Any) -> Any:
    """Rows and tables as dicts of plain values."""
    match value:
        case dict() | PSDict():
            return {str(key): plain(item) for key, item in value.items()}
        case list() | tuple() | PSList():
            return [plain(item) for item in value]
        case str() | int() | float() | None:
            return value
        case PSObject():
            rows = {one.name: one.get_value(value) for one in value.PSObject.extended_properties}
            return {name: plain(item) for name, item in rows.items() if name not in OWN}
    return value


def error_fields(record: Any) -> dict[str, Any]:
    """The fields of an error record. Ids of requests and moments are left out."""
    info = record.CategoryInfo
    kind = record.Exception.PSObject.type_names[0].removeprefix("Deserialized.")
    return {
        "message": record.Exception.Message,
        "type": kind.replace("Builtins.", "Microsoft.PowerShell.Commands."),
        "id": re.sub(r"\[Server=[^\]]*\]", "[request]", record.FullyQualifiedErrorId),
        "category": info.Category.name,
        "reason": info.Reason,
        "activity": info.Activity,
        "target": (info.TargetName, info.TargetType),
    }


@pytest.fixture(scope="module")
def results(pwsh_path: str) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """What each step led to on the contract engine and on the real PowerShell."""
    ours, theirs = Tenant.demo(), Tenant.demo()
    with Gateway(theirs) as gateway:
        runspace = ScriptEngine(ours).open_runspace()
        with (
            closing(ContractShell(runspace, **attributes())) as contract,
            closing(PowerShellShell(server_command(pwsh_path), gateway.environment(), **attributes())) as powershell,
        ):
            engines = Engine(ours, contract), Engine(theirs, powershell)
            return [(engines[0].run(*step), engines[1].run(*step)) for step in STEPS]


@pytest.mark.parametrize("number", range(len(STEPS)), ids=lambda number: f"{number}-{STEPS[number][0]}")
def test_engines_agree(results: list[tuple[dict[str, Any], dict[str, Any]]], number: int) -> None:
    """One call: the same rows, lines, records and cmdlets on both engines."""
    contract, powershell = results[number]
    assert contract == powershell, STEPS[number]
