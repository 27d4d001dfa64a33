"""``exo-bridge doctor``: what people and programs get, and the exit codes."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import pytest

from bridge.doctor import NAMES
from tests.agent import Agent
from tests.cli.conftest import CANARY, Cli
from tests.doctor.bench import TEMP_VARIABLE


@pytest.fixture(autouse=True)
def temp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The agent's temporary folder, empty."""
    folder = tmp_path / "temp"
    folder.mkdir()
    monkeypatch.setenv(TEMP_VARIABLE, str(folder))
    return folder


def test_all_is_well(cli: Cli, settings: str) -> None:
    """One line for each check, a last one that counts them, and exit code 0."""
    result = cli("doctor", "--settings", settings)
    lines = result.out.splitlines()
    assert result.code == 0
    assert [line.split()[:2] for line in lines[:-1]] == [["ok", name] for name in NAMES]
    assert lines[-1] == f"{len(NAMES)} ok."
    assert result.err == ""


def test_what_is_wrong_is_told_with_its_remedy(cli: Cli, settings: str, agent: Agent) -> None:
    """Exit code 3; below the line of the check what to do, and where more is written about it."""
    agent.simulator.tenant.module_installed = False
    result = cli("doctor", "--settings", settings)
    assert result.code == 3
    _, _, after = result.out.partition("failed   module ")
    assert "what to do: On the agent, as administrator: `Install-Module ExchangeOnlineManagement" in after
    assert "more: exo-bridge explain module-missing" in after
    assert "skipped  exchange-logon" in after
    assert "1 failed" in result.out.splitlines()[-1]


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX modes")
def test_settings_that_others_may_read(cli: Cli, settings: str) -> None:
    """It is a warning with the file, its mode and the command that ends it; the exit code says that all works."""
    Path(settings).chmod(0o644)
    result = cli("doctor", "--only", "settings", "--settings", settings, "--json")
    (row,) = result.json["rows"]
    assert (result.code, row["status"], row["cause"]) == (0, "warning", "open-to-others")
    assert f"{settings} (mode 0644)" in row["seen"]
    assert f"chmod 600 {settings}" in row["remedy"]
    assert cli("explain", row["cause"]).code == 0


def test_json(cli: Cli, settings: str, agent: Agent) -> None:
    """A row for each check with name, status, seen and remedy; a warning is no failure."""
    agent.simulator.tenant.denied = {"Set-Mailbox"}
    result = cli("doctor", "--settings", settings, "--json")
    rows = {row["name"]: row for row in result.json["rows"]}
    assert result.code == 0
    assert tuple(rows) == NAMES
    assert rows["cmdlets"] | {"seconds": 0} == {
        "name": "cmdlets",
        "status": "warning",
        "seen": "The roles do not grant Set-Mailbox; actions that need them fail.",
        "remedy": rows["cmdlets"]["remedy"],
        "cause": "cmdlets-missing",
        "link": "docs/troubleshooting.md#cmdlets-missing",
        "seconds": 0,
    }
    assert result.json["counts"] == {"ok": len(NAMES) - 1, "warning": 1, "failed": 0, "skipped": 0}


def test_settings_that_cannot_be_used(cli: Cli, tmp_path: Path) -> None:
    """They are the first finding, with every mistake; the password is masked and nothing else is tried."""
    file = tmp_path / "settings.toml"
    file.write_text(f"[agent]\nhost = 'agent.contoso.example'\nprot = 5986\npassword = {json.dumps(CANARY)}\n", "utf-8")
    result = cli("doctor", "--settings", str(file), "--json")
    rows = result.json["rows"]
    assert result.code == 3
    assert [row["status"] for row in rows] == ["failed"] + ["skipped"] * (len(NAMES) - 1)
    assert rows[0]["cause"] == "settings"
    assert "prot" in rows[0]["seen"]
    assert "exo-bridge settings check" in rows[0]["remedy"]
    assert CANARY not in result.out + result.err


def test_only(cli: Cli, settings: str) -> None:
    """One check is shown; a name that there is not is wrong usage."""
    rows = cli("doctor", "--settings", settings, "--json", "--only", "winrm").json["rows"]
    assert [row["name"] for row in rows] == ["winrm"]
    result = cli("doctor", "--settings", settings, "--only", "nothing")
    assert result.code == 2
    assert "There is no check 'nothing'" in result.err


def test_fix(cli: Cli, settings: str, temp: Path) -> None:
    """Old folders of the module are removed with --fix, and not with --dry-run."""
    folder = temp / "tmpEXO_a1b2c3d4.e5f"
    folder.mkdir()
    os.utime(folder, (time.time() - 200_000,) * 2)
    assert cli("doctor", "--settings", settings, "--only", "temp", "--fix", "--dry-run").out.startswith("warning")
    assert folder.exists()
    assert "are removed now" in cli("doctor", "--settings", settings, "--only", "temp", "--fix").out
    assert not folder.exists()


def test_no_secret_is_shown(cli: Cli, settings: str, agent: Agent, tmp_path: Path) -> None:
    """Neither the password nor the app secret, on the screen or in the log, at any level."""
    log = tmp_path / "log.jsonl"
    secret = agent.simulator.settings()["exchange"]["client_secret"]
    agent.simulator.tenant.denied = {"Set-Mailbox"}
    result = cli("doctor", "--settings", settings, "-vv", "--log-file", str(log))
    text = result.out + result.err + log.read_text("utf-8")
    assert "checked" in text
    assert CANARY not in text
    assert secret not in text


def test_what_is_waited_for_is_told_on_a_terminal(
    cli: Cli, settings: str, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """On stderr, and not on stdout, which holds the results alone."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("FORCE_COLOR", "1")
    result = cli("doctor", "--settings", settings)
    assert "Looking" in result.err
    assert "Looking" not in result.out


def test_a_simulator_is_well(cli: Cli) -> None:
    """``--simulate`` needs no settings."""
    assert cli("doctor", "--simulate", "--engine", "contract").code == 0
