"""The scripts for HelloID as texts: complete, up to date, and fit for Windows PowerShell 5.1. None is run here."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from bridge.helloid.service import handlers
from bridge.helloid.task import Contract, Step, Target
from bridge.helloid.wrappers import SLOTS, Slot, files, script_of
from tests.helloid.host import WRAPPERS
from tests.test_script_contract import BUILT_IN_PARAMETERS, NOT_IN_5_1

# What the scripts use of Windows PowerShell 5.1 beside what the scripts of the runspace do.
ALLOWED: dict[str, set[str]] = BUILT_IN_PARAMETERS | {
    "ConvertFrom-Json": {"InputObject", "ErrorAction"},
    "ConvertTo-Json": {"InputObject", "Depth", "Compress"},
    "Get-Command": set(),
    "Get-Variable": {"Name", "ValueOnly", "ErrorAction"},
    "New-Object": set(),
    "Write-Information": set(),
    "Write-Output": set(),
    "Write-Warning": set(),
}


def test_the_files_are_up_to_date() -> None:
    """The folder integrations/helloid holds what the package makes, and nothing else."""
    there = {path.relative_to(WRAPPERS).as_posix(): path for path in WRAPPERS.rglob("*") if path.is_file()}
    assert {name: path.read_text("utf-8") for name, path in there.items()} == dict(files())


def test_every_handler_has_its_script() -> None:
    """What exo-bridge can do for HelloID is what there are scripts for, in the newer contract."""
    asked = {(slot.step, slot.target) for slot in SLOTS if slot.contract is Contract.V2}
    old = {(slot.step, slot.target) for slot in SLOTS if slot.contract is Contract.V1}
    # New shared mailboxes are the same for both ways to grant them, and have one script.
    assert asked | old == set(handlers()) - {(Step.RESOURCES, Target.SHARED_MAILBOX_RIGHTS)}
    assert old - asked == {(Step.CREATE, Target.USER)}


def test_each_script_has_its_own_place_and_request() -> None:
    """No two scripts ask for the same, and no two have one path."""
    assert len({slot.path for slot in SLOTS}) == len(SLOTS)
    assert len({(slot.contract, slot.step, slot.target) for slot in SLOTS}) == len(SLOTS)


@pytest.mark.parametrize("slot", SLOTS, ids=lambda slot: slot.path)
def test_a_script_is_ascii(slot: Slot) -> None:
    """A script comes through whichever code page it is pasted in."""
    assert script_of(slot).isascii()


def test_what_the_scripts_share_is_the_same() -> None:
    """The lines between the region marks are literally the same in all scripts."""
    shared = {text.partition("#region")[2].partition("#endregion")[0] for text in map(script_of, SLOTS)}
    assert len(shared) == 1
    assert "function Invoke-Bridge(" in shared.pop()


def test_the_form_has_no_secret() -> None:
    """The connector's form asks for places and switches alone: the log-on stands in the settings file."""
    for name in ("v1/configuration.json", "v2/configuration.json"):
        fields = json.loads(files()[name])
        assert {field["key"] for field in fields} == {
            "ExoBridgePath",
            "SettingsPath",
            "UseResident",
            "Pipe",
            "TimeLimit",
        }
        assert all(field["templateOptions"].get("type") != "password" for field in fields)


def test_the_form_is_what_the_scripts_read() -> None:
    """Each field of the form is used by the scripts."""
    text = script_of(SLOTS[0])
    assert all(f"$Configuration.{field['key']}" in text for field in json.loads(files()["v2/configuration.json"]))


def test_the_field_mapping_is_one() -> None:
    """The field mapping has the shape that HelloID imports: each value is JSON in a text."""
    mapping = json.loads(files()["v2/fieldMapping.json"])
    assert set(mapping) == {"Version", "MappingFields", "UniqueFieldNames"}
    for field in mapping["MappingFields"]:
        assert set(field) == {"Name", "Description", "Type", "MappingActions"}
        for action in field["MappingActions"]:
            assert action["MappingMode"] in ("None", "Fixed", "Field", "Complex")
            assert isinstance(json.loads(action["Value"]), str)


@pytest.fixture(scope="module")
def parsed(pwsh_path: str, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, dict[str, Any]]:
    """What PowerShell's own parser sees in each script."""
    folder = tmp_path_factory.mktemp("parsed")
    (folder / "scripts.txt").write_text("\n".join(str(WRAPPERS / slot.path) for slot in SLOTS), "utf-8")
    subprocess.run(
        [pwsh_path, "-NoLogo", "-NoProfile", "-File", str(Path(__file__).parents[1] / "parse_scripts.ps1")],
        env={
            **os.environ,
            "SCRIPTS_TO_PARSE": str(folder / "scripts.txt"),
            "PARSED_SCRIPTS": str(folder / "parsed.json"),
        },
        check=True,
        capture_output=True,
        timeout=120,
    )
    rows: list[dict[str, Any]] = json.loads((folder / "parsed.json").read_text("utf-8"))
    return dict(zip((slot.path for slot in SLOTS), rows, strict=True))


@pytest.mark.pwsh
@pytest.mark.parametrize("slot", SLOTS, ids=lambda slot: slot.path)
def test_a_script_is_windows_powershell(parsed: Mapping[str, dict[str, Any]], slot: Slot) -> None:
    """A script parses, and uses no syntax, command or parameter that Windows PowerShell 5.1 has not."""
    script = parsed[slot.path]
    assert script["errors"] == []
    assert NOT_IN_5_1 & set(script["kinds"]) == set()
    for command in script["commands"]:
        if command["name"] not in script["functions"]:
            assert command["name"] in ALLOWED
            assert set(command["parameters"]) <= ALLOWED[command["name"]]


@pytest.mark.pwsh
@pytest.mark.parametrize("slot", SLOTS, ids=lambda slot: slot.path)
def test_only_a_list_writes_errors(parsed: Mapping[str, dict[str, Any]], slot: Slot) -> None:
    """Write-Error would make an action that succeeded fail, so only lists and imports have it."""
    uses = any(command["name"] == "Write-Error" for command in parsed[slot.path]["commands"])
    assert uses == (slot.is_list and slot.contract is Contract.V2)
