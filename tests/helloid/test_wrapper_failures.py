"""What a script tells HelloID when exo-bridge is missing, crashes, prints garbage, or hangs: the truth, in time.

All runs of this file go through one PowerShell; ``RUNS`` names them.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import pytest

from bridge.helloid.wrappers import SLOTS, Slot, script_of
from tests.helloid.host import Played, Run, play, stand_in

pytestmark = pytest.mark.pwsh

MISSING = "/nowhere/exo-bridge"
BODIES = {
    "crash": "sys.stdin.read(); sys.exit('RuntimeError: it broke')",
    "accents": "sys.stdin.read(); sys.exit('Gebäude: accès refusé')",
    "partial": 'sys.stdin.read(); print(\'{"Success": true, "Audit\', flush=True); sys.exit(1)',
    "boast": 'sys.stdin.read(); print(\'{"Success": true, "AuditLogs": []}\', flush=True); sys.exit(1)',
    "garbage": "sys.stdin.read(); sys.stdout.buffer.write(bytes(range(256)) * 40)",
    "empty": "sys.stdin.read()",
    "foreign": "sys.stdin.read(); print('{\"ok\": 1}')",
    "hang": "sys.stdin.read(); time.sleep(600)",
    "deaf": "time.sleep(600)",
    "usage": "sys.stdin.read(); print('wrong usage', file=sys.stderr); sys.exit(2)",
    "chatty": "sys.stdin.read(); sys.stderr.write('x' * 300_000); print('{\"Success\": true, \"AuditLogs\": []}')",
    "lists": "sys.stdin.read(); print('[]')",
}
UNKNOWN = "The change may or may not have been made; it is looked at again at the next action on this object."
NOTHING = "Nothing was changed."
GRANT = "v2/permissions/groups/grantPermission.ps1"
OLD_GRANT = "v1/grant.groups.ps1"
TIME_LIMIT, SHORT_LIMIT = 10, 5
HANGING = ("hang", "deaf")
HELD = [{"DisplayName": "Department", "Reference": {"Id": "11111111-1111-1111-1111-111111111111"}}]


@pytest.fixture(scope="module")
def played(pwsh_path: str, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Played]:
    """What became of each run, by the name of the stand-in and the script."""
    folder = tmp_path_factory.mktemp("host")
    paths = {name: str(stand_in(folder, name, body)) for name, body in BODIES.items()} | {"missing": MISSING}
    runs = {name: _run(GRANT, path, hangs=name in HANGING) for name, path in paths.items()}
    runs |= {f"v1 {name}": _run(OLD_GRANT, path) for name, path in paths.items() if name not in HANGING}
    runs |= {f"dry {name}": _run(GRANT, paths[name], dry_run=True) for name in ("crash",)}
    runs |= {slot.path: _run(slot.path, paths["crash"]) for slot in SLOTS}
    runs["big and deaf"] = _run(GRANT, paths["deaf"], hangs=True, person={"Text": "x" * 2_000_000})
    with pytest.MonkeyPatch.context() as variables:
        variables.setenv("PYTHONIOENCODING", "cp1252")  # as Python has it on Windows without the variable
        return dict(zip(runs, play(pwsh_path, folder, list(runs.values())), strict=True))


def _run(
    slot: str, path: str, *, dry_run: bool = False, hangs: bool = False, person: Mapping[str, Any] | None = None
) -> Run:
    held = {"CurrentPermissions": HELD}
    variables: dict[str, Any] = {"person": person or {}, "entitlementContext": held, "operation": "grant"}
    if slot.startswith("v2/"):
        variables = {"actionContext": {"Data": {}, **held}, "personContext": {"Person": person or {}}}
    configuration = {
        "ExoBridgePath": path,
        "TimeLimit": str(SHORT_LIMIT if hangs else TIME_LIMIT),
        "UseResident": False,
    }
    return Run(slot, configuration, variables, dry_run=dry_run)


def _the_line(played: Played) -> str:
    """The one audit line of a failure."""
    [line] = played.answer["AuditLogs"]
    assert line["IsError"] is True
    assert played.answer["Success"] is False
    assert played.errors == []
    assert played.thrown == ""
    return str(line["Message"])


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("crash", "it ended with exit code 1. RuntimeError: it broke."),
        ("accents", "it ended with exit code 1. Gebäude: accès refusé."),
        ("partial", "it ended with exit code 1."),
        ("boast", "it ended with exit code 1."),
        ("garbage", "its answer is empty or cannot be read."),
        ("empty", "its answer is empty or cannot be read."),
        ("foreign", "its answer is empty or cannot be read."),
        ("lists", "its answer is empty or cannot be read."),
    ],
)
@pytest.mark.parametrize("contract", ["", "v1 "], ids=["v2", "v1"])
def test_an_answer_that_is_none_leaves_a_change_unknown(
    played: Mapping[str, Played], contract: str, name: str, cause: str
) -> None:
    """Whatever exo-bridge did after it had the request, the script says that the change may have been made."""
    assert _the_line(played[contract + name]) == f"exo-bridge failed: {cause} {UNKNOWN}"


@pytest.mark.parametrize("name", ["hang", "deaf", "big and deaf"])
def test_a_process_that_hangs_is_ended_in_time(played: Mapping[str, Played], name: str) -> None:
    """A script is done before HelloID's time is up, even where exo-bridge does not read what it is sent."""
    assert _the_line(played[name]).startswith("exo-bridge failed: it gave no answer in time and was ended.")
    assert played[name].seconds < SHORT_LIMIT  # at which HelloID would end the script, and nobody be told


@pytest.mark.parametrize("contract", ["", "v1 "], ids=["v2", "v1"])
def test_a_missing_program_changed_nothing(played: Mapping[str, Played], contract: str) -> None:
    """Where exo-bridge is not there, the audit line names the path and says that nothing was changed."""
    line = _the_line(played[f"{contract}missing"])
    assert line.startswith(f"exo-bridge failed: {MISSING} could not be started")
    assert line.endswith(NOTHING)


@pytest.mark.parametrize("contract", ["", "v1 "], ids=["v2", "v1"])
def test_wrong_usage_changed_nothing(played: Mapping[str, Played], contract: str) -> None:
    """Exit code 2 is wrong usage or settings, before anything was sent."""
    assert _the_line(played[f"{contract}usage"]) == (
        f"exo-bridge failed: it ended with exit code 2. wrong usage. {NOTHING}"
    )


def test_a_preview_changed_nothing(played: Mapping[str, Played]) -> None:
    """In a dry run a crash cannot have changed anything."""
    assert _the_line(played["dry crash"]).endswith(NOTHING)


def test_much_on_the_error_stream_holds_nothing_up(played: Mapping[str, Played]) -> None:
    """A process that says much on stderr is read all the same, and its answer counts."""
    assert played["chatty"].answer["Success"] is True


@pytest.mark.parametrize("slot", SLOTS, ids=lambda slot: slot.path)
def test_each_script_tells_of_a_crash(played: Mapping[str, Played], slot: Slot) -> None:
    """Each script tells a crash in the way in which HelloID learns of it from that slot."""
    run = played[slot.path]
    if not slot.is_list:
        told = _the_line(run)
    else:
        [told] = run.errors or [run.thrown]
        assert (run.output, run.context["Success"]) == ([], False)
    assert told.endswith(UNKNOWN if slot.changes else NOTHING)


@pytest.mark.parametrize("slot", [slot for slot in SLOTS if slot.step == "subpermissions"], ids=lambda slot: slot.path)
def test_a_crash_takes_no_sub_permission_from_helloid(played: Mapping[str, Played], slot: Slot) -> None:
    """The sub-permissions that HelloID holds are given back, so that it goes on to know of them."""
    assert played[slot.path].answer["SubPermissions"] == HELD


@pytest.mark.skipif(sys.platform == "win32", reason="there the owner can be seen")
def test_a_pipe_whose_owner_cannot_be_seen_is_refused(pwsh_path: str) -> None:
    """What Windows is asked is there in PowerShell, and where it does not answer nothing is sent."""
    asks = """
    [IO.Pipes.PipesAclExtensions].GetMethod('GetAccessControl').Name
    $client = New-Object IO.Pipes.NamedPipeClientStream '.', 'none', 'InOut', 'Asynchronous', 'Identification'
    try { Assert-BridgeOwner $client; 'let in' } catch { $_.Exception.GetBaseException().GetType().Name }
    exit 0
    """
    shared = script_of(SLOTS[0]).partition("#region")[2].partition("#endregion")[0]
    done = subprocess.run(
        [pwsh_path, "-NoLogo", "-NoProfile", "-NonInteractive", "-Command", f"#{shared}\n{asks}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["GetAccessControl", "PlatformNotSupportedException"]
