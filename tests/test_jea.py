"""The files of a JEA endpoint: what they hold, and that they are written whole or not at all."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from bridge.errors import ScriptError, UsageError
from bridge.jea import file_texts, function_name, scripts_sha256, write_files
from bridge.scripts import ScriptFolder
from tests.cli.conftest import Cli, cli  # noqa: F401 - the fixture of that name

TOKEN, CERTIFICATE = "'Get-ExoBridgeBridgeToken'", "'Import-ExoBridgeBridgeCertificate'"
GROUP = r"CONTOSO\exo-bridge"
FILES = ["ExoBridge/ExoBridge.psm1", "ExoBridge/ExoBridge.psd1", "ExoBridge/RoleCapabilities/ExoBridge.psrc"]
PARSE = """
foreach ($path in $args) {
    $problems = $null
    $tree = [Management.Automation.Language.Parser]::ParseFile($path, [ref] $null, [ref] $problems)
    $problems | ForEach-Object { "$path $_" }
    if ($path -notlike '*.psm1') {
        $data = $tree.Find({ $args[0] -is [Management.Automation.Language.HashtableAst] }, $false).SafeGetValue()
        "$(@($data.FunctionsToExport).Count) $(@($data.VisibleFunctions).Count) $($data.RoleDefinitions.Keys)"
    }
}
"""


def own_folder(tmp_path: Path, **scripts: str) -> ScriptFolder:
    """An own folder with these scripts, by their names without .ps1 and with _ for -."""
    folder = tmp_path / "own"
    for name, text in scripts.items():
        path = folder / f"{name.replace('__', '/').replace('_', '-')}.ps1"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return ScriptFolder(folder)


def test_every_script_is_one_function_unchanged(tmp_path: Path) -> None:
    """The module has each text as it is, between the lines of its function, and the role shows each function."""
    scripts = ScriptFolder()
    write_files(tmp_path, scripts, GROUP)
    module, manifest, role = ((tmp_path / name).read_text("ascii") for name in FILES)
    session = (tmp_path / "ExoBridge.pssc").read_text("ascii")

    for script in scripts.all():
        name = function_name(script.name)
        assert f"\nfunction {name} {{\n{script.text}}} # {script.name}\n" in module
        assert f"'{name}'" in manifest
        assert f"'{name}'" in role
    assert f"'{scripts_sha256(scripts)}'" in module
    assert rf"'{GROUP}' = @{{ RoleCapabilities = 'ExoBridge' }}" in session


def test_no_folder_is_made_for_its_owner_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On Windows that would stay with the module when it is moved, and the endpoint's users could not read it."""
    make, modes = os.mkdir, []

    def mkdir(path: Path, mode: int = 0o777) -> None:
        modes.append(mode)
        make(path, mode)

    monkeypatch.setattr(os, "mkdir", mkdir)
    write_files(tmp_path, ScriptFolder(), GROUP)

    assert set(modes) == {0o777}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ExoBridge", "ExoBridge.pssc"]


def test_the_name_is_made_from_the_script_alone() -> None:
    """The folder is no part of it, so that a client knows it without the endpoint."""
    assert function_name("group/Grant-GroupMember.ps1") == "Grant-ExoBridgeGroupMember"


@pytest.mark.parametrize(
    ("scripts", "says"),
    [
        ({"answer": "42\n"}, "Verb-Noun"),
        ({"own__Grant_GroupMember": "42\n"}, "would both be"),
        ({"Get_Answer": "using namespace System\n42\n"}, "using statement"),
    ],
    ids=["no verb", "a name twice", "using"],
)
def test_a_script_that_cannot_be_a_function(tmp_path: Path, scripts: dict[str, str], says: str) -> None:
    """It is named, and nothing is written."""
    with pytest.raises(ScriptError, match=says):
        write_files(tmp_path / "out", own_folder(tmp_path, **scripts), GROUP)

    assert not (tmp_path / "out").exists()


def test_a_group_is_quoted() -> None:
    """An apostrophe in its name does not end the string."""
    assert "'O''Brien' = @{" in file_texts(ScriptFolder(), "O'Brien")["ExoBridge.pssc"]


def test_files_that_are_there_stay_without_force(tmp_path: Path) -> None:
    """Nothing is replaced unasked; with force all of it is, and nothing else is left in the folder."""
    write_files(tmp_path, ScriptFolder(), GROUP)
    old = tmp_path / "ExoBridge" / "Old.txt"
    old.write_text("old", "ascii")
    with pytest.raises(UsageError, match="already"):
        write_files(tmp_path, ScriptFolder(), GROUP)
    assert old.exists()

    write_files(tmp_path, ScriptFolder(), r"CONTOSO\others", force=True)
    assert not old.exists()
    assert "others" in (tmp_path / "ExoBridge.pssc").read_text("ascii")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ExoBridge", "ExoBridge.pssc"]


def test_a_folder_of_somebody_else_is_never_replaced(tmp_path: Path) -> None:
    """Force does not remove a folder of that name that is no such module."""
    (tmp_path / "ExoBridge").mkdir()
    (tmp_path / "ExoBridge" / "thesis.txt").write_text("important", "ascii")
    with pytest.raises(UsageError, match="not a folder"):
        write_files(tmp_path, ScriptFolder(), GROUP, force=True)

    assert [path.name for path in (tmp_path / "ExoBridge").iterdir()] == ["thesis.txt"]


def test_letters_beyond_ascii_carry_the_mark(tmp_path: Path) -> None:
    """Windows PowerShell 5.1 reads a file as UTF-8 only where it begins with the mark."""
    write_files(tmp_path / "out", own_folder(tmp_path, Get_Answer="'caf\u00e9'\n"), GROUP)
    first = (tmp_path / "out" / "ExoBridge" / "ExoBridge.psm1").read_bytes()[:3]

    assert first == b"\xef\xbb\xbf"


@pytest.mark.pwsh
def test_powershell_reads_the_files(pwsh_path: str, tmp_path: Path) -> None:
    """They have no syntax error, and as data they name every function and the group."""
    scripts = ScriptFolder()
    paths = [str(path) for path in write_files(tmp_path, scripts, GROUP)]
    (tmp_path / "parse.ps1").write_text(PARSE, "ascii")
    done = subprocess.run(
        [pwsh_path, "-NoLogo", "-NoProfile", "-File", str(tmp_path / "parse.ps1"), *paths],
        capture_output=True,
        text=True,
        check=True,
    )

    count = len(scripts.names())
    assert done.stdout.split("\n") == [f"{count} 1 ", f"1 {count} ", f"1 1 {GROUP}", ""]


@pytest.mark.parametrize(
    ("keys", "token", "certificate"),
    [
        ('client_secret = "x"', False, False),
        ('client_secret = "x"\ntoken_from = "agent"', True, False),
        ('certificate_agent_file = "C:\\\\exo.pfx"', False, True),
        ('certificate_pfx = "AAAA"', False, True),
        (f'certificate_thumbprint = "{"0" * 40}"\ntoken_from = "agent"', False, False),
    ],
    ids=["token from here", "token from the agent", "PFX file there", "PFX from here", "certificate"],
)
def test_the_role_has_what_the_log_on_needs(
    cli: Cli,  # noqa: F811 - the fixture
    tmp_path: Path,
    keys: str,
    token: bool,
    certificate: bool,
) -> None:
    """The functions for a token and for a certificate are visible only with the settings that use them."""
    settings = tmp_path / "settings.toml"
    agent = '[agent]\nhost = "a"\nuser = "u"\npassword = "p"\n'
    settings.write_text(f'{agent}[exchange]\norganization = "o.example"\napp_id = "x"\n{keys}\n', "utf-8")
    done = cli("session", "jea-files", "--out", str(tmp_path), "--group", GROUP, "--settings", str(settings), "--json")
    module, manifest, role = ((tmp_path / name).read_text("ascii") for name in FILES)

    for text in (manifest, role):
        assert (TOKEN in text, CERTIFICATE in text) == (token, certificate)
        assert "Connect-ExoBridgeBridge" in text
    assert f"function {TOKEN[1:-1]} {{" in module
    assert done.json["scripts"] == scripts_sha256(ScriptFolder())


def test_the_command(cli: Cli, tmp_path: Path) -> None:  # noqa: F811 - the fixture
    """It writes and says how to install; a dry run writes nothing; what is there is refused with exit code 2."""
    arguments = ("session", "jea-files", "--out", str(tmp_path / "out"), "--group", GROUP, "--simulate")
    dry = cli(*arguments, "--engine", "contract", "--dry-run", "--json")
    assert (dry.code, (tmp_path / "out").exists()) == (0, False)

    done = cli(*arguments, "--engine", "contract", "--json")
    assert [row["id"] for row in done.json["rows"]] == [row["id"] for row in dry.json["rows"]]
    assert all(Path(row["id"]).is_file() for row in done.json["rows"])
    assert re.fullmatch(r"[0-9a-f]{64}", done.json["scripts"])
    assert any("Register-PSSessionConfiguration -Name ExoBridge" in line for line in done.json["install"])

    again = cli(*arguments, "--engine", "contract")
    assert again.code == 2
    assert "--force" in again.err
