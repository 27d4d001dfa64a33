"""What a case of the doctor needs: an agent with the defect, its settings, and what is known only when it runs."""

from __future__ import annotations

import os
import socket
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from bridge.doctor import Finding, Visit, examine
from bridge.jea import write_files
from bridge.scripts import ScriptFolder
from bridge.session.probing import look
from bridge.session.wsman import nobody
from bridge.settings import Settings, load_settings
from bridge.simulator.front.service import Endpoint
from bridge.simulator.tenant.state import Certificate
from tests.agent import Agent, running_agent

THUMBPRINT = "8ACE13579BDF02468ACE13573F1C0A9E5B7D2468"
TEMP_VARIABLE = "TMP" if sys.platform == "win32" else "TMPDIR"
"""What .NET looks at first for the temporary folder."""
_OLD = 3 * 86_400


class Case:
    """One defect of cases.toml on one engine, with its agent, until ``end``."""

    def __init__(self, case: Mapping[str, Any], engine: str, folder: Path, pwsh: str | None) -> None:
        self.case = case
        self.folder = folder
        self.temp = folder / "temp"
        self.scripts = ScriptFolder()
        self.repaired = False
        self._stack = ExitStack()
        self._engine, self._pwsh = engine, pwsh
        self._ports: dict[str, int] = {}
        self._undo: list[Callable[[], object]] = []

    def __enter__(self) -> Case:
        self.temp.mkdir()
        os.environ[TEMP_VARIABLE] = str(self.temp)  # put back by the test's own environment
        options = dict(self.case.get("simulator", {}))
        endpoint = {key: options.pop(key) for key in ("without_shells", "max_shells") if key in options}
        options = {key: self._value(value) for key, value in options.items()}
        for key in ("faults", "locked"):
            if key in options:
                options[key] = tuple(options[key])
        self.agent: Agent = self._stack.enter_context(
            running_agent(self._engine, pwsh=self._pwsh, endpoint=Endpoint(**endpoint), **options)  # type: ignore[arg-type]  # from TOML
        )
        tenant = self.agent.simulator.tenant
        before = tenant.snapshot()
        self._undo.append(lambda: tenant.restore(before))
        self._change(self.case)
        if prepare := self.case.get("prepare"):
            PREPARATIONS[prepare](self)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    # --- the walk

    def walk(self, *, only: tuple[str, ...] = (), fix: bool = False) -> list[Finding]:
        """What the doctor finds."""
        return examine(Visit(self.settings(), self.scripts, nobody, lambda _secret: None, fix=fix), only=only)

    def settings(self) -> Settings:
        """The settings with the defect; after the repair those of the remedy."""
        values = self.agent.simulator.settings()
        keys = self.case if not self.repaired else self.case.get("repair", {})
        if self.repaired and "exchange" not in keys and ("certificate" in keys or "logon" in keys):
            keys = {**keys, "exchange": self.case.get("exchange", {})}
        for section in ("agent", "exchange"):
            values[section] |= {key: self._value(value) for key, value in keys.get(section, {}).items()}
        return load_settings(overrides=values, environ={}).settings

    def repair(self) -> None:
        """Do what the remedy says, or take the defect away."""
        self.repaired = True
        for undo in self._undo:
            undo()
        self._change(self.case.get("repair", {}))

    def secrets(self) -> list[str]:
        """What no finding may show."""
        values = self.agent.simulator.settings()
        logon = self.agent.simulator.tenant.logon
        return [values["agent"].get("password") or "none", values["exchange"]["client_secret"], logon.password]

    def _change(self, keys: Mapping[str, Any]) -> None:
        tenant = self.agent.simulator.tenant
        for name, value in keys.get("tenant", {}).items():
            setattr(tenant, name, set(value) if name == "denied" else value)
        tenant.logon = replace(tenant.logon, **keys.get("logon", {}))
        if "certificate" in keys:
            known = Certificate(thumbprint=THUMBPRINT, **keys["certificate"])
            tenant.logon = replace(tenant.logon, certificates=(known,))

    def _value(self, value: Any) -> Any:
        return KNOWN[value[1:]](self) if isinstance(value, str) and value.startswith("@") else value

    # --- what a case can ask for

    def open_session(self, **agent: Any) -> None:
        """A client that came, and left its runspace."""
        with self.agent.session(**agent) as session:
            session.reach()

    def serve(self) -> None:
        """Something that is no WinRM."""
        server = HTTPServer(("127.0.0.1", 0), _Silent)
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        self._stack.callback(thread.join)
        self._stack.callback(server.server_close)
        self._stack.callback(server.shutdown)
        self._ports["web-server"] = server.server_port

    def port(self, name: str) -> int:
        """A port by its name."""
        return self._ports[name]

    def jea(self, scripts: ScriptFolder) -> Path:
        """A session configuration file with these scripts."""
        write_files(self.folder / "jea", scripts, r"CONTOSO\exo-bridge")
        return self.folder / "jea" / "ExoBridge.pssc"

    def on_repair(self, undo: Callable[[], object]) -> None:
        """What else takes the defect away."""
        self._undo.append(undo)


class _Silent(BaseHTTPRequestHandler):
    """Answers a GET only, as a web server for files does."""

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Nothing is printed."""


def _closed_port(_case: Case) -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _fingerprint(case: Case) -> str:
    values = case.agent.simulator.settings()["agent"] | {"ca_file": None}
    seen = look(load_settings(overrides=case.agent.simulator.settings() | {"agent": values}, environ={}).settings.agent)
    assert seen
    return seen.fingerprint


def _old_jea(case: Case) -> Path:
    own = case.folder / "own"
    (own / "group").mkdir(parents=True)
    name = "group/Get-Group.ps1"
    (own / name).write_text(f"{ScriptFolder().get(name).text}# older\n", "utf-8")
    return case.jea(ScriptFolder(own))


KNOWN: dict[str, Callable[[Case], Any]] = {
    "none": lambda _case: None,
    "closed-port": _closed_port,
    "web-server": lambda case: case.port("web-server"),
    "fingerprint": _fingerprint,
    "thumbprint": lambda _case: THUMBPRINT,
    "user": lambda case: case.agent.simulator.tenant.logon.user,
    "password": lambda case: case.agent.simulator.tenant.logon.password,
    "jea-files": lambda case: case.jea(ScriptFolder()),
    "old-jea-files": _old_jea,
}


def _broken_script(case: Case) -> None:
    own = case.folder / "own"
    (own / "group").mkdir(parents=True)
    (own / "group" / "Get-Group.ps1").write_text("param( [string] $Open", "utf-8")
    case.scripts = ScriptFolder(own)

    def repair() -> None:
        case.scripts = ScriptFolder()

    case.on_repair(repair)


def _abandoned(case: Case) -> None:
    case.open_session()
    (shell,) = case.agent.simulator.shells()
    shell.connected = True
    # Longer than [agent] abandoned_after, and shorter than idle_timeout, after which the agent ends it by itself.
    shell.used -= 150


def _two_shells(case: Case) -> None:
    case.open_session()
    case.open_session(runspace_name="another")
    for shell in case.agent.simulator.shells():
        shell.name = "exo-bridge"


def _in_use(case: Case) -> None:
    case.open_session()
    (shell,) = case.agent.simulator.shells()
    shell.connected = True

    def let_go() -> None:
        shell.connected = False

    case.on_repair(let_go)


def _constrained(case: Case) -> None:
    own = case.folder / "own"
    (own / "session").mkdir(parents=True)
    name = "session/Get-BridgeState.ps1"
    (own / name).write_text("$ExecutionContext.SessionState.LanguageMode = 'ConstrainedLanguage'; 'done'\n", "utf-8")
    with case.agent.session(scripts=own) as session:
        session.reach()
        session.ask(name, {})

    def close() -> None:
        for shell in case.agent.simulator.shells():
            shell.close()

    case.on_repair(close)


def _clock(seconds: float) -> Callable[[Case], None]:
    def prepare(case: Case) -> None:
        tenant = case.agent.simulator.tenant
        clock = tenant.clock
        tenant.clock = lambda: time.time() + seconds

        def repair() -> None:
            tenant.clock = clock

        case.on_repair(repair)

    return prepare


def _no_temporary_folder(case: Case) -> None:
    os.environ[TEMP_VARIABLE] = str(case.temp / "none")
    case.on_repair((case.temp / "none").mkdir)


def _litter(case: Case) -> None:
    moment = time.time() - _OLD
    for name in ("tmpEXO_a1b2c3d4.e5f", "tmpEXO_b1b2c3d4.e5f", "tmpEXO_young.abc"):
        folder = case.temp / name
        folder.mkdir()
        (folder / "module.psm1").write_text("", "utf-8")
        if "young" not in name:
            os.utime(folder, (moment, moment))


def _throttled(case: Case) -> None:
    throttle = case.agent.simulator.tenant.throttle
    throttle.kind, throttle.every = "error", 1


PREPARATIONS: dict[str, Callable[[Case], None]] = {
    "broken_script": _broken_script,
    "web_server": lambda case: case.serve(),
    "abandoned": _abandoned,
    "two_shells": _two_shells,
    "in_use": _in_use,
    "constrained": _constrained,
    "clock_ahead": _clock(600),
    "clock_behind": _clock(-120),
    "no_temporary_folder": _no_temporary_folder,
    "litter": _litter,
    "throttled": _throttled,
}
