"""What a script sends: the request that exo-bridge gets on standard input, byte for byte.

All runs of this file go through one PowerShell; a stand-in for exo-bridge keeps what it is sent.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from bridge.helloid.envelope import request_of
from bridge.helloid.reading import task_of
from bridge.helloid.wrappers import SLOTS, Slot
from tests.helloid.host import Played, Run, play, stand_in

pytestmark = pytest.mark.pwsh

# Keeps what it is sent and how it is called, one line for each time, and answers like exo-bridge.
KEEPING = """
document = sys.stdin.buffer.read()
with open(__file__ + '.kept', 'ab') as kept:
    kept.write(json.dumps([sys.argv[1:], document.hex()]).encode() + b'\\n')
lists = b'"v1"' in document and b'"permissions"' in document
print('[]' if lists else '{"Success": true, "AuditLogs": []}')
"""
SECRETS = {"AppSecret": "secret-1", "Password": "secret-2", "AppCertificateBase64String": "secret-3"}
NAME = "Zoë \"Zed\" O'Brien 😀 \\ \t 'x' <a&b> 李"
PERSON = {
    "DisplayName": NAME,
    "Born": "1980-02-29T00:00:00Z",
    "Employed": "2024-01-01T08:30:00+01:00",
    "One": ["element"],
    "Empty": [],
    "Nested": [[["deep"]]],
    "Null": None,
    "Number": 1.5,
    "Contracts": [{"Department": {"ExternalId": "D1", "DisplayName": "One"}, "Context": {"InConditions": True}}],
}
DEEP: dict[str, Any] = {"end": NAME}
for _ in range(20):
    DEEP = {"in": DEEP}
ACCOUNT = "0dd00000-0000-4000-8000-000000000001"
PERMISSION = {"Id": "0dd00000-0000-4000-8000-000000000003", "Name": NAME, "Permissions": ["Full Access"]}
HELD = [{"DisplayName": NAME, "Reference": {"Id": "0dd00000-0000-4000-8000-000000000004"}}]
CORRELATION = {"Enabled": True, "AccountField": "UserPrincipalName", "PersonFieldValue": "a@b.example"}
V2: dict[str, dict[str, Any]] = {
    "actionContext": {
        "Data": {"CustomAttribute1": NAME, "Aliases": ["one"], "Deep": DEEP},
        "References": {"Account": ACCOUNT, "Permission": PERMISSION},
        "CorrelationConfiguration": CORRELATION,
        "CurrentPermissions": HELD,
        "ImportFields": ["Guid"],
        "Operation": "update",
    },
    "personContext": {"Person": PERSON, "Manager": None},
    "resourceContext": {"SourceData": [{"ExternalId": "D1", "DisplayName": NAME}]},
}
V1 = {
    "person": PERSON,
    "manager": None,
    "accountReference": {"Guid": ACCOUNT, "UserPrincipalName": "a@b.example"},
    "permissionReference": PERMISSION,
    "entitlementContext": {"CurrentPermissions": HELD},
    "operation": "update",
}


class Kept:
    """What the stand-in was sent in the runs, in their order."""

    def __init__(self, runs: Mapping[str, Run], played: list[Played], file: Path) -> None:
        calls = [json.loads(line) for line in file.read_text("ascii").splitlines()]
        self.words: dict[str, list[str]] = dict(zip(runs, [words for words, _ in calls], strict=True))
        self.bytes: dict[str, bytes] = dict(zip(runs, [bytes.fromhex(sent) for _, sent in calls], strict=True))
        self.played: dict[str, Played] = dict(zip(runs, played, strict=True))

    def document(self, name: str) -> dict[str, Any]:
        """The request of a run."""
        document: dict[str, Any] = json.loads(self.bytes[name].decode("utf-8"))
        return document


@pytest.fixture(scope="module")
def kept(pwsh_path: str, tmp_path_factory: pytest.TempPathFactory) -> Kept:
    """Each script, and some of them with other forms."""
    folder = tmp_path_factory.mktemp("requests")
    program = stand_in(folder, "keeping", KEEPING)
    form = {"ExoBridgePath": str(program), "SettingsPath": "C:\\a 'b'\\é.toml", "UseResident": "false", **SECRETS}
    runs = {slot.path: Run(slot.path, form, V1 if slot.path.startswith("v1") else V2) for slot in SLOTS}
    runs["preview v2"] = Run("v2/update.ps1", form, V2, dry_run=True)
    runs["preview v1"] = Run("v1/grant.groups.ps1", form, V1, dry_run=True)
    runs["preview of an import"] = Run("v2/import.ps1", form, V2, dry_run=True)
    runs["limit"] = Run("v2/update.ps1", form | {"TimeLimit": 60}, V2)
    runs["no settings"] = Run("v2/update.ps1", {"ExoBridgePath": str(program)}, V2)
    runs["reconciliation"] = Run("v2/disable.ps1", form, {"actionContext": {"Origin": "reconciliation"}})
    runs["empty texts"] = Run("v1/grant.groups.ps1", form)
    return Kept(runs, play(pwsh_path, folder, list(runs.values())), folder / "keeping.py.kept")


@pytest.mark.parametrize("slot", SLOTS, ids=lambda slot: slot.path)
def test_a_request_is_one_line_that_exo_bridge_takes(kept: Kept, slot: Slot) -> None:
    """Each script sends one line of UTF-8 without a byte order mark, which is the task of its field in HelloID."""
    sent = kept.bytes[slot.path]
    assert sent.startswith(b"{")
    assert (sent.count(b"\n"), sent[-1:]) == (1, b"\n")
    request = request_of(sent)
    assert (request.contract, request.action, request.target) == (slot.contract, slot.step, slot.target)
    assert request.settings == "C:\\a 'b'\\é.toml"
    task = task_of(request)
    assert not task.dry_run
    assert kept.words[slot.path] == ["helloid"]


@pytest.mark.parametrize("slot", SLOTS, ids=lambda slot: slot.path)
def test_no_secret_is_sent(kept: Kept, slot: Slot) -> None:
    """Nothing of the connector's form but the settings file goes to exo-bridge."""
    assert b"secret-" not in kept.bytes[slot.path]
    assert b"AppSecret" not in kept.bytes[slot.path]


def test_contexts_arrive_as_they_were(kept: Kept) -> None:
    """Lists of one, empty lists, nulls, numbers, depth and odd characters come through; a date is ISO 8601 text."""
    sent = kept.document("v2/update.ps1")
    assert sent["resourceContext"] == V2["resourceContext"]
    assert {name: sent["actionContext"][name] for name in V2["actionContext"]} == V2["actionContext"]
    person = sent["personContext"]["Person"]
    assert person["Born"].startswith("1980-02-29T00:00:00")
    assert person["Employed"].startswith("2024-01-01T")
    same = set(PERSON) - {"Born", "Employed"}
    assert {name: person[name] for name in same} == {name: PERSON[name] for name in same}


def test_variables_arrive_as_they_were(kept: Kept) -> None:
    """In contract v1 the JSON texts of HelloID are sent on as they are, and what is not set is null."""
    sent = kept.document("v1/dynamicPermissions.groups.ps1")
    assert {name: sent[name] for name in V1} == V1
    assert (sent["dryRun"], sent["managerAccountReference"], sent["resourceContext"]) == (False, None, None)


def test_what_helloid_does_not_set_is_null(kept: Kept) -> None:
    """In reconciliation there is neither person nor data, and a script of contract v1 may get nothing at all."""
    assert kept.document("reconciliation")["personContext"] is None
    assert kept.document("empty texts")["person"] is None


@pytest.mark.parametrize("name", ["preview v2", "preview v1", "preview of an import"])
def test_a_preview_is_one(kept: Kept, name: str) -> None:
    """HelloID's preview is a dry run in either contract."""
    assert task_of(request_of(kept.bytes[name])).dry_run


@pytest.mark.parametrize(
    ("name", "most"),
    [
        ("v2/create.ps1", 24),
        ("v1/grant.groups.ps1", 24),
        ("v2/permissions/groups/permissions.ps1", 894),
        ("v2/import.ps1", 894),
        ("preview of an import", 84),
        ("v2/resources/groups/resources.ps1", 594),
        ("limit", 54),
    ],
)
def test_the_deadline_is_what_is_left(kept: Kept, name: str, most: int) -> None:
    """exo-bridge is told how long it has: HelloID's limit, less what a script and the start of a process need."""
    deadline = kept.document(name)["deadline"]
    assert isinstance(deadline, int)
    assert 0 < deadline <= most


def test_the_settings_may_be_left_out(kept: Kept) -> None:
    """Without a settings file in the form none is named."""
    assert "settings" not in kept.document("no settings")


@pytest.mark.parametrize("slot", [slot for slot in SLOTS if slot.is_list], ids=lambda slot: slot.path)
def test_an_empty_list_is_no_failure(kept: Kept, slot: Slot) -> None:
    """A list that has nothing in it writes nothing, and fails in no way."""
    run = kept.played[slot.path]
    assert (run.output, run.errors, run.thrown) == ([], [], "")
