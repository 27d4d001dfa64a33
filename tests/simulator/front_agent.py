"""A simulated agent whose shells run a few words instead of PowerShell, and pypsrp clients for it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pypsrp.powershell import PowerShell, RunspacePool
from pypsrp.wsman import WSMan

from bridge.simulator.engine import ErrorInfo, Pipeline, TerminatingError
from bridge.simulator.faults import FaultPlan
from bridge.simulator.front.auth import Accounts
from bridge.simulator.front.server import FrontServer
from bridge.simulator.front.service import Endpoint, WsmanService
from bridge.simulator.front.tls import AgentCertificate
from bridge.simulator.front.wire import LineLog
from bridge.simulator.shells.base import Shell
from bridge.simulator.shells.contract import ContractShell

PASSWORDS = {"operator": "correct horse", "DOMAIN\\bob": "battery staple"}
BIG = "x" * 1_500_000
SHELL_URI = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell"


class Words:
    """An engine whose scripts are single words.

    ``ran`` is what was run, ``running`` is set at the first of them, ``go`` lets those that wait end.
    """

    def __init__(self) -> None:
        self.ran: list[str] = []
        self.running = threading.Event()
        self.go = threading.Event()

    def run(self, pipeline: Pipeline) -> None:
        """echo, reveal and length give back what they get; big gives much, wait waits, fail fails."""
        command = pipeline.commands[0]
        self.ran.append(command.text)
        self.running.set()
        match command.text:
            case "echo":
                pipeline.output(command.parameters["Value"])
            case "length":
                pipeline.output(len(command.parameters["Value"]))
            case "reveal":
                pipeline.output(command.parameters["Value"].reveal())
            case "big":
                pipeline.output(BIG)
            case "many":
                for number in range(200):
                    pipeline.output(number)
            case "wait":
                pipeline.output("started")
                while not self.go.wait(0.02):
                    pipeline.verbose("still waiting")
                pipeline.output("done")
            case _:
                error_id = "Words.Unknown"
                info = ErrorInfo(f"There is no {command.text}.", "Exception", "System.Exception", error_id, "", "", "")
                raise TerminatingError(info)

    def close(self) -> None:
        """Let everything end."""
        self.go.set()


class FrontAgent:
    """A running agent, and what it ran."""

    def __init__(self, server: FrontServer, service: WsmanService, words: Words, ca_file: Path | None) -> None:
        self.server = server
        self.service = service
        self.words = words
        self.ca_file = ca_file

    def client(self, user: str = "operator", **options: Any) -> WSMan:
        """A connection for this account; ``options`` are pypsrp's."""
        given: dict[str, Any] = {
            "port": self.server.port,
            "ssl": self.ca_file is not None,
            "auth": "basic",
            "username": user,
            "password": PASSWORDS.get(user),
            "no_proxy": True,
            "cert_validation": str(self.ca_file) if self.ca_file else True,
            **options,
        }
        if given["auth"] == "basic" and not given["ssl"]:
            given.setdefault("encryption", "never")
        return WSMan("127.0.0.1", **given)


@contextmanager
def front_agent(
    *kinds: str,
    certificate: AgentCertificate | None = None,
    ca_file: Path | None = None,
    wire_log: Path | None = None,
    must_encrypt: bool = False,
    faults: tuple[str, ...] = (),
    **endpoint: Any,
) -> Iterator[FrontAgent]:
    """An agent with these kinds of log-on; ``endpoint`` are the fields of Endpoint."""
    words = Words()

    def factory(**shell: Any) -> Shell:
        return ContractShell(words, **shell)

    if certificate is not None and ca_file is not None:
        ca_file.write_bytes(certificate.ca_pem)
    service = WsmanService(factory, Endpoint(**endpoint))
    accounts, log = Accounts(PASSWORDS, kinds or ("basic",)), LineLog(wire_log)
    server = FrontServer(
        service,
        accounts,
        tls=certificate.context if certificate else None,
        must_encrypt=must_encrypt,
        faults=FaultPlan.parse(faults),
        log=log,
    )
    try:
        yield FrontAgent(server, service, words, ca_file)
    finally:
        server.stop()
        accounts.close()
        log.close()


def run(pool: RunspacePool, word: str, value: Any = None) -> list[Any]:
    """What one word gives."""
    with PowerShell(pool) as powershell:
        powershell.add_script(word)
        if value is not None:
            powershell.add_parameter("Value", value)
        output: list[Any] = powershell.invoke()
        return output
