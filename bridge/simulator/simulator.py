"""The whole simulator: an agent on a port of the loopback, an engine behind it, an organization behind that.

Rules: nothing listens anywhere but on the loopback. Passwords and secrets are made anew at each start unless they are
given, and are told to nobody but in ``settings()``. After ``stop`` no thread, process, socket or
temporary file is left.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import sys
import tempfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self

from bridge.simulator.faults import FaultPlan
from bridge.simulator.front.auth import Accounts
from bridge.simulator.front.server import FrontServer
from bridge.simulator.front.service import Endpoint, ShellFactory, WsmanService
from bridge.simulator.front.tls import AgentCertificate, CertificateKind, ClientAuthority, agent_certificate, write_ca
from bridge.simulator.front.wire import LineLog
from bridge.simulator.gateway import Gateway
from bridge.simulator.tenant import CmdletRecord, Tenant, TenantFileError
from bridge.simulator.tenant.files import check_suffix

if TYPE_CHECKING:
    from bridge.simulator.shells.base import Shell

Engine = Literal["auto", "pwsh", "contract"]
PWSH_VARIABLE = "EXO_BRIDGE_PWSH"
SETTINGS_MARK = "# Settings of a simulator; the next one may replace this file."
"""The first line of a settings file that a simulator wrote."""


class SimulatorError(Exception):
    """The simulator cannot be started as asked; the message says why and what would help."""


@dataclass(frozen=True)
class SimulatorOptions:
    """How the simulator is to be.

    ``port`` 0 takes a free one. ``engine`` auto is ``pwsh`` where a PowerShell is found and ``contract`` where not.
    ``tenant`` is the file of the organization (None is the demo), ``tenant_out`` where it is saved at the end.
    ``faults`` are SPECs of ``bridge.simulator.faults``. ``certificate`` is which one the agent has with ``tls``; with
    ``auth`` "certificate" it asks for one of the client's. ``must_encrypt`` refuses plain messages over HTTP, as WinRM
    does unless it is told otherwise; ``must_bind`` refuses NTLM over TLS that is not bound to it, as WinRM's
    CbtHardeningLevel Strict does. ``pwsh`` is a PowerShell's path, ``accounts`` are further accounts with their
    passwords, ``locked`` are those that may not log on, ``endpoint`` is what the agent allows. ``jea`` is a session
    configuration file (.pssc) of `exo-bridge session jea-files`: there is an endpoint of its name too, which is the one
    of ``settings()``.
    """

    port: int = 0
    engine: Engine = "auto"
    tenant: Path | None = None
    tenant_out: Path | None = None
    wire_log: Path | None = None
    cmdlet_log: Path | None = None
    faults: tuple[str, ...] = ()
    tls: bool = False
    certificate: CertificateKind = "right"
    auth: Literal["basic", "ntlm", "certificate"] = "basic"
    must_encrypt: bool = False
    must_bind: bool = False
    user: str = "operator"
    password: str = field(default_factory=lambda: secrets.token_urlsafe(18), repr=False)
    accounts: Mapping[str, str] = field(default_factory=dict, repr=False)
    locked: Collection[str] = ()
    pwsh: str | None = None
    endpoint: Endpoint = field(default_factory=Endpoint)
    jea: Path | None = None


class Simulator:
    """One simulated agent. A context manager; ``start`` and ``stop`` are called once each.

    Raises SimulatorError for a tenant file that cannot be right, an engine that is not there or client certificates
    without TLS, ValueError for a fault that cannot be read.
    """

    def __init__(self, options: SimulatorOptions | None = None) -> None:
        self.options = options or SimulatorOptions()
        if self.options.auth == "certificate" and not self.options.tls:
            raise SimulatorError("Log-on by certificate is a part of TLS, and needs it.")
        self.engine = _engine(self.options)
        try:
            if self.options.tenant_out:
                check_suffix(self.options.tenant_out)
            self.tenant = Tenant.load(self.options.tenant) if self.options.tenant else Tenant.demo()
        except TenantFileError as error:
            raise SimulatorError(str(error)) from error
        self.faults = FaultPlan.parse(self.options.faults)
        self._gateway = Gateway(self.tenant)
        self._stack = contextlib.ExitStack()
        self._front: FrontServer | None = None
        self._service: WsmanService | None = None
        self._folder = Path()
        self._ca_file: Path | None = None
        self._clients: ClientAuthority | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Listen.

        Raises OSError when the port or a file cannot be had, ValueError for a password that NTLM cannot take.
        """
        with contextlib.ExitStack() as stack:
            options = self.options
            self._folder = Path(tempfile.mkdtemp(prefix="exo-bridge-simulator-"))
            stack.callback(shutil.rmtree, self._folder, ignore_errors=True)
            wire, cmdlets = LineLog(options.wire_log), LineLog(options.cmdlet_log)
            stack.callback(wire.close)
            stack.callback(cmdlets.close)

            def log_cmdlet(record: CmdletRecord) -> None:
                cmdlets.write(record.to_dict())

            self.tenant.observers.append(log_cmdlet)
            stack.callback(self.tenant.observers.remove, log_cmdlet)
            stack.enter_context(self._gateway)
            certificate = self._certificate()
            accounts = Accounts(
                {options.user: options.password, **options.accounts},
                (options.auth,),
                locked=options.locked,
                binding=certificate.binding if certificate and options.must_bind else b"",
            )
            stack.callback(accounts.close)
            self._service = WsmanService(self._factory(), _with_jea(options))
            self._front = FrontServer(
                self._service,
                accounts,
                port=options.port,
                tls=certificate.context if certificate else None,
                must_encrypt=options.must_encrypt,
                faults=self.faults,
                log=wire,
            )
            stack.callback(self._front.stop)
            self._stack = stack.pop_all()

    def stop(self) -> None:
        """End everything, and save the organization where that was asked for. Raises SimulatorError when that fails."""
        self._stack.close()
        if self.options.tenant_out is not None and self._front is not None:
            try:
                self.tenant.save(self.options.tenant_out)
            except TenantFileError as error:
                raise SimulatorError(str(error)) from error

    def _certificate(self) -> AgentCertificate | None:
        """The agent's certificate, for clients in ``_ca_file``; with a log-on by certificate it asks for theirs."""
        if not self.options.tls:
            return None
        certificate = agent_certificate(kind=self.options.certificate)
        self._ca_file = write_ca(self._folder / "ca.pem", certificate)
        if self.options.auth == "certificate":
            self._clients = ClientAuthority()
            self._clients.ask_on(certificate.context)
        return certificate

    def client_certificate(self, account: str) -> dict[str, str]:
        """The settings of [agent] for a log-on by a new certificate that means this account. Raises OSError."""
        if self._clients is None:
            raise RuntimeError("the simulator is not started, or takes no client certificates")
        certificate, key = self._clients.write(self._folder, account)
        return {"certificate_file": str(certificate), "certificate_key_file": str(key)}

    @property
    def port(self) -> int:
        """The port that is listened on."""
        return self._running().port

    def shells(self) -> list[Shell]:
        """The shells that are open on the agent."""
        return self._service.shells() if self._service else []

    def close_connections(self) -> None:
        """Close every TCP connection, as Windows does with idle ones."""
        self._running().close_connections()

    def pass_time(self, seconds: float) -> None:
        """Let time pass at once: shells grow older and idle ones end, and so do tokens. A client's clock stays."""
        if self._service is not None:
            self._service.pass_time(seconds)
        clock = self.tenant.clock
        self.tenant.clock = lambda: clock() + seconds

    def settings(self) -> dict[str, dict[str, Any]]:
        """The settings with which a client reaches it, in the shape of a settings file. Holds secrets."""
        options = self.options
        logon = self.tenant.logon_settings()
        wanted = ("organization", "app_id", "tenant_id", "client_secret")
        return {
            "agent": {
                # A name would be looked for at ::1 first, where nobody listens.
                "host": "127.0.0.1",
                "port": self.port,
                "tls": options.tls,
                **({"configuration_name": options.jea.stem, "jea": True} if options.jea else {}),
                **({"ca_file": str(self._ca_file)} if self._ca_file else {}),
                "auth": options.auth,
                "user": options.user,
                **(self.client_certificate(options.user) if self._clients else {"password": options.password}),
            },
            "exchange": {
                **{key: logon[key] for key in wanted if logon.get(key)},
                "authority": self._gateway.authority,
            },
        }

    def write_settings(self, path: Path) -> None:
        """Write them as a TOML file that only this user can read. Raises OSError."""
        lines = [SETTINGS_MARK, ""]
        for section, values in self.settings().items():
            lines += [f"[{section}]", *(f"{key} = {_toml(value)}" for key, value in values.items()), ""]
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
            # The file may have been there before, for everybody to read.
            path.chmod(0o600)
            file.write("\n".join(lines))

    def _running(self) -> FrontServer:
        if self._front is None:
            raise RuntimeError("the simulator is not started")
        return self._front

    def _factory(self) -> ShellFactory:
        """How a shell is made on the chosen engine. Raises SimulatorError for a JEA endpoint without its file."""
        jea = self.options.jea.absolute() if self.options.jea else None
        if jea and not jea.is_file():
            raise SimulatorError(f"There is no session configuration file {jea}.")

        def is_jea(shell: Mapping[str, Any]) -> bool:
            return jea is not None and str(shell["resource_uri"]).lower().endswith(f"/{jea.stem.lower()}")

        if self.engine == "contract":
            from bridge.simulator.contract import ScriptEngine
            from bridge.simulator.contract.jea import JeaModule
            from bridge.simulator.shells.contract import ContractShell  # imports psrpcore, a sixth of a second

            engine = ScriptEngine(self.tenant)

            def without_powershell(**shell: Any) -> Shell:
                return ContractShell(
                    engine.open_runspace(JeaModule.read(jea) if jea and is_jea(shell) else None), **shell
                )

            return without_powershell
        from bridge.simulator.shells.powershell import PowerShellShell, server_command

        command = server_command(_powershell(self.options) or "")

        def with_powershell(**shell: Any) -> Shell:
            if jea and is_jea(shell):
                from bridge.simulator.shells.jea import JeaShell  # imports psrpcore, a sixth of a second

                return JeaShell(jea, command, self._gateway.environment(), **shell)
            return PowerShellShell(command, self._gateway.environment(), **shell)

        return with_powershell


def _with_jea(options: SimulatorOptions) -> Endpoint:
    """What the agent allows, with the JEA endpoint where there is one."""
    if options.jea is None:
        return options.endpoint
    return replace(options.endpoint, configurations=(*options.endpoint.configurations, options.jea.stem))


def _engine(options: SimulatorOptions) -> Literal["pwsh", "contract"]:
    """The engine that is meant. Raises SimulatorError."""
    if options.engine == "auto":
        return "pwsh" if _powershell(options) else "contract"
    if options.engine == "pwsh" and not _powershell(options):
        raise SimulatorError(
            f"The engine pwsh needs a PowerShell: there is no pwsh on PATH, and {PWSH_VARIABLE} is not set. "
            "The engine contract needs none."
        )
    return options.engine


def _powershell(options: SimulatorOptions) -> str | None:
    """The path of a PowerShell: the one that was given, the variable's, the first on PATH."""
    named = options.pwsh or os.environ.get(PWSH_VARIABLE)
    if named:
        if not Path(named).is_file():
            raise SimulatorError(f"There is no PowerShell {named}; look at {PWSH_VARIABLE}.")
        return named
    return shutil.which("pwsh") or (shutil.which("powershell") if sys.platform == "win32" else None)


def _toml(value: Any) -> str:
    """A string, number or bool as TOML, which is JSON but for one character (DEL)."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
