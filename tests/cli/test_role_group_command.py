"""`exo-bridge session role-group`: what it writes, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Cli


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Where the script goes."""
    return tmp_path / "New-BridgeRoleGroup.ps1"


def with_own_script(folder: Path, text: str) -> str:
    """A settings file whose script folder has one script with this text."""
    scripts = folder / "scripts" / "own"
    scripts.mkdir(parents=True)
    (scripts / "Test-It.ps1").write_text(text, "ascii")
    settings = folder / "settings.toml"
    settings.write_text(
        '[agent]\nhost = "agent.contoso.example"\nuser = "operator"\npassword = "x"\n'
        '[exchange]\nuser = "operator"\npassword = "x"\n[scripts]\nfolder = "scripts"\n',
        "utf-8",
    )
    return str(settings)


def test_the_script_has_the_cmdlets_of_the_shipped_scripts(cli: Cli, out: Path) -> None:
    """No settings are needed; each role stands in the script with its cmdlets, and in the rows."""
    result = cli("session", "role-group", "--out", str(out), "--json")
    assert result.code == 0, result.err
    text = out.read_text("ascii")
    assert "#<" not in text
    for row in result.json["rows"]:
        assert f"'{row['name']}' = @(" in text
        assert all(f"        '{cmdlet}'\n" in text for cmdlet in row["cmdlets"])
    assert {"Mail Recipients", "Legal Hold"} <= {row["name"] for row in result.json["rows"]}


def test_own_scripts_count(cli: Cli, out: Path, tmp_path: Path) -> None:
    """A cmdlet of theirs without a known role is refused, unless --entry says which role holds it."""
    settings = with_own_script(tmp_path, "Get-AcceptedDomain -ErrorAction Stop\n")
    command = ("session", "role-group", "--out", str(out), "--settings", settings)
    refused = cli(*command)
    assert refused.code != 0
    assert r"--entry 'ROLE\Get-AcceptedDomain'" in refused.err
    assert not out.exists()
    assert cli(*command, "--entry", r"View-Only Configuration\Get-AcceptedDomain").code == 0
    assert "    'View-Only Configuration' = @(\n        'Get-AcceptedDomain'\n    )\n" in out.read_text("ascii")


@pytest.mark.parametrize("entry", ["Get-AcceptedDomain", "It's\\Get-AcceptedDomain", "Role\\*", "R\u00f4le\\Get-X"])
def test_what_is_no_entry_is_refused(cli: Cli, out: Path, entry: str) -> None:
    """What could not stand in the script gets no further."""
    result = cli("session", "role-group", "--out", str(out), "--entry", entry)
    assert (result.code, out.exists()) == (2, False)


def test_a_file_that_is_there_stays(cli: Cli, out: Path) -> None:
    """It is replaced with --force only, and --dry-run writes none."""
    assert cli("session", "role-group", "--out", str(out), "--dry-run").code == 0
    assert not out.exists()
    out.write_text("mine", "ascii")
    refused = cli("session", "role-group", "--out", str(out))
    assert (refused.code, out.read_text("ascii")) == (2, "mine")
    assert "--force" in refused.err
    assert cli("session", "role-group", "--out", str(out), "--force").code == 0
    assert "New-ManagementRole" in out.read_text("ascii")


def test_the_command_that_is_printed_runs_in_powershell(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The script is called with its full path, in quotes that hold blanks and quotes too."""
    folder = tmp_path / "Jane's files"
    folder.mkdir()
    monkeypatch.chdir(folder)
    printed = cli("session", "role-group", "--out", "Make.ps1").out
    path = str(folder / "Make.ps1").replace("'", "''")
    assert f"  & '{path}' -AppId CLIENT-ID " in printed
