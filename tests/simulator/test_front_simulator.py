"""The simulator as one thing: started from options, reached by its settings, stopped without a trace."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import threading
import time
import tomllib
from pathlib import Path
from typing import Any

import pytest
import requests
from pypsrp.exceptions import WSManFaultError
from pypsrp.powershell import PowerShell, RunspacePool
from pypsrp.wsman import WSMan

from bridge.simulator import Simulator, SimulatorError, SimulatorOptions
from bridge.simulator.tenant import Tenant


def client(simulator: Simulator) -> WSMan:
    """A pypsrp connection made from the simulator's own settings."""
    agent = simulator.settings()["agent"]
    return WSMan(
        agent["host"],
        port=agent["port"],
        ssl=agent["tls"],
        auth=agent["auth"],
        encryption="never" if agent["auth"] == "basic" else "auto",
        username=agent["user"],
        password=agent["password"],
        cert_validation=agent.get("ca_file", True),
        no_proxy=True,
    )


@pytest.mark.pwsh
@pytest.mark.parametrize("options", [{}, {"auth": "ntlm", "must_encrypt": True}, {"tls": True}])
def test_any_script_runs_on_a_real_powershell(pwsh_path: str, options: dict[str, Any]) -> None:
    """Types, streams, errors and large things, by each kind of log-on."""
    with (
        Simulator(SimulatorOptions(engine="pwsh", pwsh=pwsh_path, **options)) as simulator,
        client(simulator) as wsman,
        RunspacePool(wsman) as pool,
    ):
        powershell = PowerShell(pool)
        script = "param($a) Write-Verbose said -Verbose; 1..3 | % { $_ * $a }; 'x' * 1500000; Write-Error wrong"
        powershell.add_script(script).add_parameter("a", 2)
        assert powershell.invoke() == [2, 4, 6, "x" * 1_500_000]
        assert [str(record.message) for record in powershell.streams.verbose] == ["said"]
        assert [str(record) for record in powershell.streams.error] == ["wrong"]
        powershell.close()


@pytest.mark.pwsh
def test_a_powershell_that_is_killed_is_told(pwsh_path: str) -> None:
    """The pipeline that ran is aborted, and the shell is not found afterwards."""
    with Simulator(SimulatorOptions(engine="pwsh", pwsh=pwsh_path)) as simulator, client(simulator) as wsman:
        pool = RunspacePool(wsman)
        pool.open()
        simulator.faults.add("Receive#2=kill")
        powershell = PowerShell(pool)
        powershell.add_script("'started'; while ($true) { [Threading.Thread]::Sleep(50) }").begin_invoke()
        powershell.poll_invoke()
        with pytest.raises(WSManFaultError) as raised:
            powershell.end_invoke()
        assert raised.value.code == 995
        assert simulator.shells() == []
        with pytest.raises(WSManFaultError) as raised:
            PowerShell(pool).add_script("1").invoke()
        assert raised.value.code == 2150858843


@pytest.mark.parametrize("auth", ["basic", "ntlm"])
@pytest.mark.parametrize("tls", [False, True])
def test_the_settings_reach_it(auth: Any, tls: bool) -> None:
    """A client that is made from them has a shell."""
    with Simulator(SimulatorOptions(engine="contract", auth=auth, tls=tls)) as simulator:
        with client(simulator) as wsman, RunspacePool(wsman):
            (shell,) = simulator.shells()
            assert shell.owner == "operator"
        assert simulator.shells() == []


def test_the_token_endpoint_knows_the_application() -> None:
    """With both engines a client gets its token from the authority in the settings."""
    with Simulator(SimulatorOptions(engine="contract")) as simulator:
        exchange = simulator.settings()["exchange"]
        answer = requests.post(
            f"{exchange['authority']}/{exchange['tenant_id']}/oauth2/v2.0/token",
            data={
                "grant_type": "client_credentials",
                "client_id": exchange["app_id"],
                "client_secret": exchange["client_secret"],
                "scope": "https://outlook.office365.com/.default",
            },
            timeout=10,
        )
        assert simulator.tenant.token_expires(answer.json()["access_token"])


@pytest.mark.parametrize("password", ['a "quoted" \\ one', "\u00e9\u20ac\U0001f600", "del\x7f and\ttab"])
def test_the_settings_file_says_the_same(password: str, tmp_path: Path) -> None:
    """TOML that reads back as what was meant, for this user alone, also where a file was there before."""
    file = tmp_path / "settings.toml"
    file.write_text("old")
    file.chmod(0o644)
    with Simulator(SimulatorOptions(engine="contract", password=password)) as simulator:
        simulator.write_settings(file)
        assert tomllib.loads(file.read_text(encoding="utf-8")) == simulator.settings()
    if sys.platform != "win32":
        assert file.stat().st_mode & 0o777 == 0o600


def test_nothing_is_left_behind(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No thread, no temporary file, no variable, no observer."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    threads, environment = set(threading.enumerate()), dict(os.environ)
    simulator = Simulator(SimulatorOptions(engine="contract", auth="ntlm", tls=True))
    with simulator, client(simulator) as wsman:
        RunspacePool(wsman).open()
    assert simulator.shells() == []
    assert set(threading.enumerate()) == threads
    assert dict(os.environ) == environment
    assert list(tmp_path.iterdir()) == []
    assert simulator.tenant.observers == []


def test_a_start_that_fails_leaves_nothing_either(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The port is taken."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with Simulator(SimulatorOptions(engine="contract")) as first:
        threads, files = set(threading.enumerate()), set(tmp_path.iterdir())
        with pytest.raises(OSError, match=r"[Aa]ddress"):
            Simulator(SimulatorOptions(engine="contract", auth="ntlm", port=first.port)).start()
        assert set(threading.enumerate()) == threads
        assert set(tmp_path.iterdir()) == files


def test_the_cmdlet_log_is_written_as_it_happens(tmp_path: Path) -> None:
    """One line for each cmdlet, without the secret."""
    log = tmp_path / "cmdlets.jsonl"
    with Simulator(SimulatorOptions(engine="contract", cmdlet_log=log)) as simulator:
        logon = simulator.tenant.logon_settings()
        token = simulator.tenant.issue_token(logon["app_id"], logon["client_secret"])
        simulator.tenant.connect({"AccessToken": token, "Organization": logon["organization"]})
        (line,) = map(json.loads, log.read_text(encoding="utf-8").splitlines())
    assert line["cmdlet"] == "Connect-ExchangeOnline"
    assert token not in log.read_text(encoding="utf-8")


def test_the_organization_is_saved_at_the_end(tmp_path: Path) -> None:
    """In the file that was asked for; it is the same again when it is loaded."""
    file = tmp_path / "tenant.toml"
    with Simulator(SimulatorOptions(engine="contract", tenant_out=file)) as simulator:
        simulator.tenant.denied.add("Get-Mailbox")
        assert not file.exists()
    assert Tenant.load(file).snapshot() == simulator.tenant.snapshot()
    with Simulator(SimulatorOptions(engine="contract", tenant=file)) as again:
        assert again.tenant.denied == {"Get-Mailbox"}


def test_an_organization_that_cannot_be_saved_is_told(tmp_path: Path) -> None:
    """After everything was stopped; a name that stands for no format is told before anything begins."""
    simulator = Simulator(SimulatorOptions(engine="contract", tenant_out=tmp_path / "gone" / "tenant.toml"))
    simulator.start()
    with pytest.raises(SimulatorError, match=r"tenant\.toml: it cannot be written"):
        simulator.stop()
    with pytest.raises(SimulatorError, match=r"tenant\.docx: a tenant file ends in"):
        Simulator(SimulatorOptions(engine="contract", tenant_out=tmp_path / "tenant.docx"))


def test_the_engine_is_chosen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The variable first, then PATH, else the one that needs no PowerShell."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("EXO_BRIDGE_PWSH", raising=False)
    assert Simulator().engine == "contract"
    with pytest.raises(SimulatorError, match="needs a PowerShell"):
        Simulator(SimulatorOptions(engine="pwsh"))

    program = tmp_path / ("pwsh.exe" if sys.platform == "win32" else "pwsh")
    program.write_bytes(b"")
    program.chmod(0o755)
    assert Simulator().engine == "pwsh"
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("EXO_BRIDGE_PWSH", str(program))
    assert Simulator().engine == "pwsh"
    assert Simulator(SimulatorOptions(engine="contract")).engine == "contract"
    monkeypatch.setenv("EXO_BRIDGE_PWSH", str(tmp_path / "nothing"))
    with pytest.raises(SimulatorError, match="EXO_BRIDGE_PWSH"):
        Simulator()


def test_wrong_options_are_told_before_anything_starts(tmp_path: Path) -> None:
    """A fault that cannot be read, a file that is not there."""
    with pytest.raises(ValueError, match="Recieve"):
        Simulator(SimulatorOptions(engine="contract", faults=("Recieve=reset",)))
    with pytest.raises(SimulatorError, match=r"missing\.toml"):
        Simulator(SimulatorOptions(engine="contract", tenant=tmp_path / "missing.toml"))


def test_no_secret_is_in_a_repr() -> None:
    """Options may be printed."""
    options = SimulatorOptions(password="canary", accounts={"bob": "canary"})
    assert "canary" not in repr(options)


def test_time_can_be_made_to_pass() -> None:
    """A shell is as much older, one that is idle for too long ends, and a token ends."""
    with Simulator(SimulatorOptions(engine="contract")) as simulator:
        token = simulator.tenant.issue_token(
            simulator.tenant.logon.app_id, simulator.settings()["exchange"]["client_secret"]
        )
        ends = simulator.tenant.token_expires(token)
        assert ends is not None
        with client(simulator) as wsman:
            RunspacePool(wsman, idle_timeout=120).open()
            simulator.pass_time(100)
            (shell,) = simulator.shells()
            assert time.monotonic() - shell.born >= 100
            simulator.pass_time(100)
            assert simulator.shells() == []
        assert simulator.tenant.clock() < ends
        simulator.pass_time(ends - simulator.tenant.clock())
        assert simulator.tenant.clock() >= ends
