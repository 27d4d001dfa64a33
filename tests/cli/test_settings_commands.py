"""``exo-bridge settings``: show, check, schema."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Cli

GOOD = """
[agent]
host = "agent.contoso.example"
user = "operator"
password = "canary-1"

[exchange]
organization = "contoso.onmicrosoft.com"
app_id = "11111111-2222-3333-4444-555555555555"
client_secret = "canary-2"
"""


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A settings file without mistakes, in an empty working folder."""
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "contoso.toml"
    file.write_text(GOOD, "utf-8")
    file.chmod(0o600)
    return file


def test_show(cli: Cli, settings: Path) -> None:
    """Every key has a value and an origin; a secret is masked, for people and for programs."""
    result = cli("settings", "show", "--settings", str(settings), "--json")
    rows = {row["key"]: row for row in result.json["rows"]}
    assert rows["agent.host"]["value"] == "agent.contoso.example"
    assert "contoso.toml:3" in rows["agent.host"]["origin"]
    assert rows["agent.password"]["value"] == "********"
    person = cli("settings", "show", "--settings", str(settings))
    assert "agent.contoso.example" in person.out
    assert "canary" not in result.out + person.out


def test_check(cli: Cli, settings: Path) -> None:
    """A file without mistakes is said to be so."""
    result = cli("settings", "check", "--settings", str(settings))
    assert result.code == 0
    assert str(settings) in result.out
    assert "no mistakes" in result.out
    assert cli("settings", "check", "--settings", str(settings), "--json").json["rows"] == []


def test_mistakes_all_at_once(cli: Cli, settings: Path) -> None:
    """Each mistake is a line for a person and a row for a program; the exit code is 2, secrets are masked."""
    settings.write_text(GOOD.replace("host =", "hosst =") + 'certificate_thumbprint = "zz"\n', "utf-8")
    for command in (("settings", "check"), ("settings", "show"), ("group", "list"), ("session", "close")):
        result = cli(*command, "--settings", str(settings), "--json")
        assert result.code == 2
        assert result.json["problem"]["code"] == "settings"
        keys = [row["key"] for row in result.json["rows"]]
        assert len(keys) >= 3
        assert any("hosst" in key for key in keys)
    person = cli("settings", "check", "--settings", str(settings))
    assert person.code == 2
    assert person.out == ""
    assert person.err.count("contoso.toml:") >= 3
    assert "canary" not in result.out + person.err


def test_no_file(cli: Cli, settings: Path) -> None:
    """A file that is not there is named."""
    result = cli("settings", "check", "--settings", "elsewhere.toml")
    assert result.code == 2
    assert "elsewhere.toml" in result.err


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX modes")
def test_what_others_may_read_or_write(cli: Cli, settings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each file is named with its mode and the command that ends it; it is a warning, and the exit code stays 0."""
    folder = settings.parent
    for name, mode in (
        ("agent.key", 0o640),
        ("app.pfx", 0o604),
        ("own/Get-Answer.ps1", 0o664),
        ("own/Get-It.ps1", 0o644),
    ):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("param()\n", "utf-8")
        (folder / name).chmod(mode)
    (folder / "own").chmod(0o775)
    (folder / "secrets").mkdir(mode=0o755)
    (folder / "secrets" / "agent__password").write_text("canary-3", "utf-8")
    monkeypatch.setenv("EXO_BRIDGE_SECRETS_DIR", str(folder / "secrets"))
    text = GOOD.replace("client_secret = ", "certificate_pfx_file = 'app.pfx'\ncertificate_password = ")
    more = "certificate_key_file = 'agent.key'\n\n[exchange]"
    settings.write_text(text.replace("[exchange]", more) + "[scripts]\nfolder = 'own'\n", "utf-8")
    settings.chmod(0o646)

    result = cli("settings", "check", "--settings", str(settings), "--json")
    assert result.code == 0
    assert [(Path(row["file"]).name, row["mode"], row["remedy"].split()[1]) for row in result.json["rows"]] == [
        ("contoso.toml", "0646", "600"),
        ("secrets", "0755", "700"),
        ("agent.key", "0640", "600"),
        ("app.pfx", "0604", "600"),
        ("own", "0775", "go-w"),
        ("Get-Answer.ps1", "0664", "go-w"),
    ]
    person = cli("settings", "check", "--settings", str(settings))
    assert person.code == 0
    assert f"read and written by others: {settings} (mode 0646)." in person.out
    assert f"chmod 600 {settings}" in person.out


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX modes")
def test_a_file_without_a_secret_may_be_read(cli: Cli, settings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the secrets stand elsewhere, out of reach, there is nothing to say."""
    secrets = settings.parent / "secrets"
    secrets.mkdir(mode=0o700)
    (secrets / "agent__password").write_text("canary-1", "utf-8")
    (secrets / "exchange__client_secret").write_text("canary-2", "utf-8")
    monkeypatch.setenv("EXO_BRIDGE_SECRETS_DIR", str(secrets))
    lines = [line for line in GOOD.splitlines() if "canary" not in line]
    settings.write_text("\n".join(lines), "utf-8")
    settings.chmod(0o644)
    assert cli("settings", "check", "--settings", str(settings), "--json").json["rows"] == []


def test_schema(cli: Cli, settings: Path) -> None:
    """The schema is JSON as it is, and a row with ``--json``."""
    schema = json.loads(cli("settings", "schema").out)
    assert {"agent", "exchange", "regional", "log", "scripts"} <= schema["properties"].keys()
    assert cli("settings", "schema", "--json").json["rows"] == [schema]


def test_own_script_that_is_wrong(cli: Cli, settings: Path) -> None:
    """``settings check`` reads the own scripts too."""
    (settings.parent / "own").mkdir()
    (settings.parent / "own" / "Broken.ps1").write_text("param([string] $A", "utf-8")
    settings.write_text(GOOD + '[scripts]\nfolder = "own"\n', "utf-8")
    result = cli("settings", "check", "--settings", str(settings))
    assert result.code == 2
    assert "Broken.ps1" in result.err


@pytest.mark.parametrize(
    "name", ["Grant-GroupMember.ps1", "groups/Grant-GroupMember.ps1", "group/grant-groupmember.ps1"]
)
def test_own_script_that_replaces_nothing(cli: Cli, settings: Path, name: str) -> None:
    """A shipped script's file name in another place: ``settings check`` says where it would replace that one."""
    own = settings.parent / "own"
    right, wrong, other = own / "group" / "Grant-GroupMember.ps1", own / name, own / "group" / "Get-Owner.ps1"
    settings.write_text(GOOD + '[scripts]\nfolder = "own"\n', "utf-8")
    for file in (right, other):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("param()", "utf-8")
    assert cli("settings", "check", "--settings", str(settings)).code == 0

    right.unlink()
    wrong.parent.mkdir(exist_ok=True)
    wrong.write_text("param()", "utf-8")
    result = cli("settings", "check", "--settings", str(settings))
    assert result.code == 2
    assert f"{wrong} replaces no script" in result.err
    assert str(right) in result.err


def test_show_says_where_log_and_journal_are(cli: Cli, settings: Path) -> None:
    """Where the settings name neither, the files that are used are shown."""
    result = cli("settings", "show", "--settings", str(settings), "--json")
    rows = {row["key"]: row for row in result.json["rows"]}
    assert Path(rows["log.file"]["value"]).name == "exo-bridge.jsonl"
    assert Path(rows["journal.path"]["value"]).name == "journal.db"
    assert rows["journal.path"]["origin"] == "default"
