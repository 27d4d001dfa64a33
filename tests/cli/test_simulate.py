"""``exo-bridge simulate`` as a process of its own: the ready line, and a clean end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Cli

if sys.platform == "win32":
    END, NEW_GROUP = signal.CTRL_BREAK_EVENT, subprocess.CREATE_NEW_PROCESS_GROUP
else:
    END, NEW_GROUP = signal.SIGTERM, 0


@contextmanager
def simulated(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """A running ``exo-bridge simulate`` and its ready line; it is ended when the test has not done so."""
    with subprocess.Popen(
        [sys.executable, "-m", "bridge", "simulate", "--engine", "contract", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUTF8": "1"},
        creationflags=NEW_GROUP,
    ) as process:
        try:
            assert process.stdout
            line = process.stdout.readline()
            assert line, process.stderr and process.stderr.read()
            yield process, json.loads(line)
        finally:
            if process.poll() is None:
                process.kill()


def ended(process: subprocess.Popen[str], number: signal.Signals) -> tuple[int, str, str]:
    """Send the signal and wait; the exit code and what was printed meanwhile."""
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    return process.returncode, out, err


def test_ready_line_and_settings(cli: Cli, tmp_path: Path) -> None:
    """One line says where it is; the settings file is all that another command needs; SIGTERM saves everything."""
    files = {name: tmp_path / name for name in ("settings.toml", "tenant.toml", "wire.jsonl", "cmdlets.jsonl")}
    with simulated(
        "--settings-out",
        str(files["settings.toml"]),
        "--tenant-out",
        str(files["tenant.toml"]),
        "--wire-log",
        str(files["wire.jsonl"]),
        "--cmdlet-log",
        str(files["cmdlets.jsonl"]),
    ) as (process, ready):  # fmt: skip - an option and its value belong together
        assert ready.keys() == {
            "version",
            "host",
            "port",
            "tls",
            "engine",
            "auth",
            "user",
            "settings",
            "process_id",
        }  # fmt: skip - one line is enough
        assert (ready["version"], ready["engine"], ready["tls"]) == (1, "contract", False)
        assert ready["settings"] == str(files["settings.toml"])
        result = cli(
            "group",
            "grant",
            "--group",
            "staff@contoso.example",
            "--member",
            "jane.doe@contoso.example",
            "--settings",
            ready["settings"],
            "--json",
        )  # fmt: skip - the same
        assert result.json["outcomes"][0]["status"] == "changed"
        assert ended(process, END) == (0, "", "")
    assert "staff@contoso.example" in files["tenant.toml"].read_text("utf-8")
    cmdlets = [json.loads(line)["cmdlet"] for line in files["cmdlets.jsonl"].read_text("utf-8").splitlines()]
    assert cmdlets.count("Add-DistributionGroupMember") == 1
    assert len(files["wire.jsonl"].read_text("utf-8").splitlines()) > 5


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends Ctrl-C to a whole console only")
def test_ctrl_c_with_a_temporary_settings_file() -> None:
    """Ctrl-C ends it cleanly too, and the settings file that it made is gone with it."""
    with simulated("--tls", "--auth", "ntlm") as (process, ready):
        settings = Path(ready["settings"])
        assert (ready["tls"], ready["auth"]) == (True, "ntlm")
        assert settings.stat().st_mode & 0o077 == 0
        assert ended(process, signal.SIGINT) == (0, "", "")
    assert not settings.exists()


def test_settings_of_somebody_stay(cli: Cli, tmp_path: Path) -> None:
    """A file that the simulator did not write is never replaced, and the message says what would be right."""
    file = tmp_path / "settings.toml"
    file.write_text("[agent]\n", "utf-8")
    result = cli("simulate", "--engine", "contract", "--settings-out", str(file))
    assert (result.code, file.read_text("utf-8")) == (2, "[agent]\n")
    assert str(file) in result.err
    assert "simulated.toml" in result.err


def test_settings_of_an_earlier_simulator_are_replaced(tmp_path: Path) -> None:
    """The same command can be run again."""
    file = tmp_path / "simulated.toml"
    written = []
    for _ in range(2):
        with simulated("--settings-out", str(file)) as (process, ready):
            written.append((ready["port"], file.read_text("utf-8")))
            assert ended(process, END)[0] == 0
    assert all(f"port = {port}\n" in text for port, text in written)
    assert written[0] != written[1]
