"""Each script for HelloID against ``exo-bridge helloid`` and a simulated organization, with names that go wrong easily.

``STEPS`` are run in their order in one PowerShell against one organization, first as a preview and then in earnest. A
resident process answers them, because a process for each takes seconds; a few are shown to work that way too.
"""

from __future__ import annotations

import importlib.resources
import json
import os
import signal
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from bridge.helloid.resident.address import served
from bridge.helloid.wrappers import SLOTS
from tests.agent import Agent, running_agent
from tests.helloid.host import Played, Run, play, stand_in
from tests.helloid.resident import own_address, serving
from tests.helloid.test_resident import wait_until

pytestmark = pytest.mark.pwsh

ODD = "0dd00000-0000-4000-8000-000000000001"
SHARED = "0dd00000-0000-4000-8000-000000000002"
GROUP = "0dd00000-0000-4000-8000-000000000003"
LONG = "Ünïcödé " + 96 * "😀"  # 200 UTF-16 units
ODD_UPN = "zoe.o'brien@contoso.example"
ODD_NAME = "Zoë \"Zed\" O'Brien-Łukasz 😀 'quoted' ; $(x) `n & <tag> 李"
DEPARTMENT = "D'1 é"
SETTINGS = """
[helloid]
mail_domain = "contoso.example"
idle_end = 300

[regional]
language = "nl-NL"
time_zone = "W. Europe Standard Time"
"""
PERSON = {
    "DisplayName": ODD_NAME,
    "Details": {"BirthDate": "1980-02-29T00:00:00Z", "One": ["element"], "None": [], "Text": "\t\\ \u2028 \ufeff"},
    "Accounts": {"MicrosoftActiveDirectory": {"userPrincipalName": ODD_UPN}},
    "Contracts": [
        {
            "StartDate": "2024-01-01T00:00:00+01:00",
            "Department": {"ExternalId": DEPARTMENT, "DisplayName": 'Ünïcödé\'s "Dépt"'},
            "Context": {"InConditions": True},
        }
    ],
}
ACCOUNT_V1 = {"Guid": ODD, "UserPrincipalName": ODD_UPN}
SEPARATE = {"Id": SHARED, "Permission": "SendAs"}
EVERYBODY = {"Id": "3", "mailboxFolderUser": "Default", "mailboxFolderAccessRight": "Reviewer"}


@dataclass(frozen=True)
class Step:
    """One run: the script, what it gets, and which cmdlets change something because of it.

    ``has`` is what the answer has among other things; for a list, what one of its elements has.
    """

    slot: str
    given: Mapping[str, Any] = field(default_factory=dict)
    changes: tuple[str, ...] = ()
    has: Mapping[str, Any] = field(default_factory=dict)


def _account(name: str, data: Mapping[str, Any], *changes: str) -> Step:
    return Step(f"v2/{name}.ps1", {"actionContext": {"References": {"Account": ODD}, "Data": data}}, changes)


def _v2(kind: str, script: str, permission: Any = None, changes: tuple[str, ...] = (), **more: Any) -> Step:
    references = {"Account": ODD, "Permission": permission}
    action = {"References": references, "PermissionDisplayName": ODD_NAME, "Operation": "grant", "Data": {}}
    given = {"actionContext": action, "personContext": {"Person": PERSON}}
    return Step(f"v2/permissions/{kind}/{script}.ps1", given, changes, more)


def _v1(name: str, permission: Any = None, changes: tuple[str, ...] = (), **more: Any) -> Step:
    given = {
        "person": PERSON,
        "manager": None,
        "accountReference": ACCOUNT_V1,
        "permissionReference": permission,
        "entitlementContext": {"CurrentPermissions": []},
        "operation": "grant",
    }
    return Step(f"v1/{name}.ps1", given, changes, more)


def _resources(target: str, *changes: str) -> Step:
    department = {"ExternalId": "D 2", "DisplayName": "L'été 😀"}
    given = {"actionContext": {}, "resourceContext": {"SourceData": [department]}}
    return Step(f"v2/resources/{target}/resources.ps1", given, changes)


CORRELATION = {"Enabled": True, "AccountField": "UserPrincipalName", "PersonFieldValue": ODD_UPN}
CREATE = {"CorrelationConfiguration": CORRELATION, "Data": {"HiddenFromAddressListsEnabled": "true"}}
REPLY = {
    "AutoReplyState": "Enabled",
    "InternalMessage": 'Adiós "x" 😀',
    "ExternalMessage": "Bye",
    "ExternalAudience": "All",
}
MEMBER = ("Add-DistributionGroupMember",)
NO_MEMBER = ("Remove-DistributionGroupMember",)
BOTH = ("Add-MailboxPermission", "Add-RecipientPermission")
NOT_BOTH = ("Remove-MailboxPermission", "Remove-RecipientPermission")
MOST = 100  # UTF-16 units that HelloID takes of a name
BUNDLED_V1 = {"Id": SHARED, "Name": "x", "Permissions": ["Full Access"]}

STEPS = (
    Step(
        "v2/create.ps1",
        {"actionContext": CREATE},
        ("Set-Mailbox",),
        {"AccountReference": ODD, "AccountCorrelated": True},
    ),
    _account("enable", {"HiddenFromAddressListsEnabled": "false"}, "Set-Mailbox"),
    _account("update", {"CustomAttribute1": ODD_NAME}, "Set-Mailbox"),
    _account("disable", {"HiddenFromAddressListsEnabled": "true"}, "Set-Mailbox"),
    _account("delete", REPLY, "Set-MailboxAutoReplyConfiguration"),
    Step(
        "v2/import.ps1",
        {"actionContext": {"ImportFields": ["CustomAttribute1"]}},
        has={"AccountReference": ODD, "DisplayName": ODD_NAME, "UserName": ODD_UPN, "Enabled": False},
    ),
    _v2("groups", "permissions", Identification={"Id": GROUP}),
    _v2("groups", "grantPermission", {"Id": GROUP}, MEMBER),
    _v2("groups", "importPermission", PermissionReference={"Id": GROUP}, AccountReferences=[ODD]),
    _v2("groups", "importSubPermissions", SubPermissionReference={"Id": GROUP}, AccountReferences=[ODD]),
    _v2("groups", "revokePermission", {"Id": GROUP}, NO_MEMBER),
    _v2("groups", "subPermissions", {"Reference": "dg"}, MEMBER),
    _v2("sharedmailboxes", "permissions", Identification={"Id": SHARED}),
    _v2("sharedmailboxes", "grantPermission", {"Id": SHARED}, BOTH),
    _v2("sharedmailboxes", "importPermission", PermissionReference={"Id": SHARED}, AccountReferences=[ODD]),
    _v2("sharedmailboxes", "importSubPermissions", SubPermissionReference={"Id": f"FullAccess-{SHARED}"}),
    _v2("sharedmailboxes", "revokePermission", {"Id": SHARED}, NOT_BOTH),
    _v2("sharedmailboxes", "subPermissions", {"Reference": "smb"}, BOTH),
    _v2("sharedmailbox-rights", "permissions", Identification=SEPARATE),
    _v2("sharedmailbox-rights", "revokePermission", SEPARATE, NOT_BOTH[1:]),
    _v2("sharedmailbox-rights", "grantPermission", SEPARATE, BOTH[1:]),
    _v2("sharedmailbox-rights", "importPermission", PermissionReference=SEPARATE, AccountReferences=[ODD]),
    _v2("sharedmailbox-rights", "importSubPermissions", SubPermissionReference=SEPARATE),
    _v2("sharedmailbox-rights", "subPermissions", {"Reference": "SendOnBehalf"}, ("Set-Mailbox",)),
    _v2("folder", "permissions", Identification=EVERYBODY),
    _v2("folder", "grantPermission", EVERYBODY, ("Set-MailboxFolderPermission",)),
    _v2("folder", "revokePermission", EVERYBODY),
    _v2("regional", "permissions", Identification={"Id": "MailboxRegionalConfiguration-NL"}),
    _v2(
        "regional", "grantPermission", {"Id": "MailboxRegionalConfiguration-NL"}, ("Set-MailboxRegionalConfiguration",)
    ),
    _v2("regional", "revokePermission", {"Id": "MailboxRegionalConfiguration-NL"}),
    _resources("groups", "New-DistributionGroup", "Set-DistributionGroup"),
    _resources("sharedmailboxes", "New-Mailbox", "Set-Mailbox"),
    _v1("create.correlateUser", AccountReference=ACCOUNT_V1),
    _v1("create.correlateUpdateMailbox", AccountReference=ACCOUNT_V1),
    _v1("permissions.groups", Identification={"Id": GROUP, "Name": LONG}),
    _v1("revoke.groups", {"Id": GROUP, "Name": "x"}, NO_MEMBER),
    _v1("grant.groups", {"Id": GROUP, "Name": "x"}, MEMBER),
    _v1("dynamicPermissions.groups"),
    _v1(
        "permissions.sharedmailboxes",
        Identification={"Id": SHARED, "Name": LONG, "Permissions": ["Full Access", "Send As"]},
    ),
    _v1("revoke.sharedmailboxes", BUNDLED_V1, NOT_BOTH[:1]),
    _v1("grant.sharedmailboxes", BUNDLED_V1, BOTH[:1]),
    _v1("dynamicPermissions.sharedmailboxes"),
)


def end_of(address: str) -> None:
    """End the process that serves an address now, which need not be the one that was started."""
    if (process := served(address).process_id) > 0:
        os.kill(process, signal.SIGTERM)


@dataclass(frozen=True)
class Place:
    """An organization, and a resident process that serves it."""

    agent: Agent
    address: str
    settings: Path
    program: Path
    pwsh: str

    def play(self, folder: Path, steps: Sequence[Step], *, dry_run: bool, **other: Any) -> dict[str, Played]:
        """What becomes of steps, by their scripts; ``other`` replaces fields of the connector's form."""
        configuration = {
            "ExoBridgePath": str(self.program),
            "SettingsPath": str(self.settings),
            "UseResident": True,
            "Pipe": self.address,
            "TimeLimit": "120",  # a busy machine may be slow, and time is not what is tested here
            "AppSecret": "not to be sent",
        }
        runs = [Run(step.slot, configuration | other, step.given, dry_run=dry_run) for step in steps]
        return dict(zip([step.slot for step in steps], play(self.pwsh, folder, runs, seconds=400), strict=True))


@pytest.fixture
def place(pwsh_path: str, tmp_path: Path) -> Iterator[Place]:
    """The demo organization with odd names in it."""
    tenant, settings = tmp_path / "tenant.toml", tmp_path / "settings.toml"
    demo = (importlib.resources.files("bridge.simulator") / "demo_tenant.toml").read_text("utf-8")
    tenant.write_text(demo + Path(__file__).with_name("wrapper_tenant.toml").read_text("utf-8"), "utf-8")
    program = stand_in(tmp_path, "exo-bridge", "from bridge.cli import main\nmain()")
    with running_agent("contract", tenant=tenant) as agent:
        agent.simulator.write_settings(settings)
        with settings.open("a", encoding="utf-8") as file:
            file.write(f"{SETTINGS}\n[journal]\npath = {json.dumps(str(tmp_path / 'journal.db'))}\n")
        with serving(tmp_path, "--settings", str(settings)) as resident:
            yield Place(agent, resident.address, settings, program, pwsh_path)
            end_of(resident.address)


def test_every_script_is_run() -> None:
    """There is a step for each script."""
    assert sorted(step.slot for step in STEPS) == sorted(slot.path for slot in SLOTS)


def test_every_script_does_what_it_is_for(place: Place, tmp_path: Path) -> None:
    """Each script succeeds with just the changes that it is for, and before that in a preview that changes nothing.

    One test, because all scripts share one organization and one PowerShell, which are slow to start.
    """
    previewed = place.play(tmp_path, STEPS, dry_run=True)
    assert {step.slot: problem for step in STEPS if (problem := _problem(previewed[step.slot]))} == {}
    assert place.agent.changes() == []
    played = place.play(tmp_path, STEPS, dry_run=False)
    assert {step.slot: problem for step in STEPS if (problem := _problem(played[step.slot], step))} == {}
    assert place.agent.changes() == [cmdlet for step in STEPS for cmdlet in step.changes]


def _problem(run: Played, step: Step | None = None) -> str:
    """Why HelloID would not be content with it; with a step, also what its answer does not have. "" for nothing."""
    if run.errors or run.thrown:
        return f"{run.errors} {run.thrown}"
    answers = [json.loads(item) if isinstance(item, str) else item for item in run.output] or [run.context]
    answers += [item for answer in answers for item in answer.get("Permissions", [])]
    for answer in answers:
        lines = answer.get("AuditLogs", [])
        if any(line["IsError"] for line in lines) or (lines and answer["Success"] is not True):
            return str(lines)
        if len(str(answer.get("DisplayName", "")).encode("utf-16-le")) > 2 * MOST:
            return f"The name {answer['DisplayName']} is longer than {MOST}."
    if step and step.changes and not answers[0]["AuditLogs"]:
        return "No audit line tells of the change."
    if step and not any(step.has.items() <= answer.items() for answer in answers):
        return f"None of {answers} has {step.has}."
    return ""


ALONE = ("v2/create.ps1", "v2/import.ps1", "v2/permissions/groups/grantPermission.ps1", "v1/permissions.groups.ps1")


def test_a_process_for_each_action_answers_the_same(place: Place, tmp_path: Path) -> None:
    """Without the resident process the answers are the same."""
    steps = [step for step in STEPS if step.slot in ALONE]
    shared = place.play(tmp_path, steps, dry_run=True)
    alone = place.play(tmp_path, steps, dry_run=True, UseResident=False)
    assert {slot: (run.output, run.context) for slot, run in alone.items()} == {
        slot: (run.output, run.context) for slot, run in shared.items()
    }


def test_a_script_starts_the_resident_process(place: Place, tmp_path: Path) -> None:
    """Where nobody serves the pipe, the script starts who does, and has a process of its own meanwhile."""
    [step] = [step for step in STEPS if step.slot == "v1/grant.groups.ps1"]
    with own_address() as address:
        run = place.play(tmp_path, [step], dry_run=True, Pipe=address)[step.slot]
        assert run.answer["Success"] is True
        wait_until(lambda: served(address).process_id > 0)
        end_of(address)
        wait_until(lambda: served(address).process_id == 0)


def test_what_another_settings_file_is_for_has_its_own_process(place: Place, tmp_path: Path) -> None:
    """A resident process with other settings refuses, and the action is done all the same."""
    [step] = [step for step in STEPS if step.slot == "v1/grant.groups.ps1"]
    other = tmp_path / "other.toml"
    other.write_text(place.settings.read_text("utf-8"), "utf-8")
    run = place.play(tmp_path, [step], dry_run=True, SettingsPath=str(other))[step.slot]
    assert run.answer["Success"] is True
    assert any('"settings-differ"' in line for line in run.verbose)
