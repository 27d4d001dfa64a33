"""Runs shipped scripts on the contract engine directly, and keeps what they write."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from bridge.scripts import ScriptFolder
from bridge.simulator.contract import ScriptEngine
from bridge.simulator.engine import Command, ErrorInfo, TerminatingError
from bridge.simulator.tenant import CmdletRecord, Tenant


class Word:
    """A SecureString of a test."""

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Its text."""
        return self._text


@dataclass
class Written:
    """What one run wrote, and the record that it failed with: a ``Pipeline``."""

    commands: list[Command]
    rows: list[Any] = field(default_factory=list)
    verbose_lines: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    errors: list[ErrorInfo] = field(default_factory=list)
    failure: ErrorInfo | None = None

    def output(self, value: Any) -> None:
        """One object."""
        self.rows.append(value)

    def verbose(self, text: str) -> None:
        """One verbose record."""
        self.verbose_lines.append(text)

    def warning(self, text: str) -> None:
        """One warning record."""
        self.warnings.append(text)

    def error(self, info: ErrorInfo) -> None:
        """One error record."""
        self.errors.append(info)

    def read(self) -> Iterator[Any]:
        """No input."""
        yield from ()

    @property
    def row(self) -> dict[str, Any]:
        """The only object of a run that did not fail."""
        assert self.failure is None, self.failure
        (row,) = self.rows
        assert isinstance(row, dict)
        return row

    @property
    def error_id(self) -> str:
        """The id of the error that the run failed with, which wrote nothing then."""
        assert self.failure is not None, self.rows
        assert self.rows == []
        return self.failure.error_id


class ContractClient:
    """One runspace on ``tenant``; ``records`` is what the tenant was asked, the connect left out."""

    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant
        self.runspace = ScriptEngine(tenant).open_runspace()
        self.records: list[CmdletRecord] = []
        tenant.observers.append(self.records.append)

    def connect(self, **parameters: Any) -> Written:
        """Connect-Bridge.ps1 with the certificate and all cmdlets of the scripts, unless told otherwise."""
        written = self.run("session/Connect-Bridge.ps1", **(connect_parameters(self.tenant) | parameters))
        self.records.clear()
        return written

    def run(self, script: str, **parameters: Any) -> Written:
        """Run a shipped script by its name."""
        return self.run_text(ScriptFolder().get(script).text, **parameters)

    def run_text(self, text: str, **parameters: Any) -> Written:
        """Run a text."""
        written = Written([Command(text, is_script=True, parameters=parameters)])
        try:
            self.runspace.run(written)
        except TerminatingError as error:
            written.failure = error.info
        return written

    def changes(self) -> list[str]:
        """The cmdlets that changed something, in order."""
        return [record.cmdlet for record in self.records if record.changed]


def connect_parameters(tenant: Tenant) -> dict[str, Any]:
    """What Connect-Bridge.ps1 is given for a log-on by certificate."""
    logon = tenant.logon_settings()
    return {
        "CommandName": list(ScriptFolder().cmdlets()),
        "Organization": logon["organization"],
        "AppId": logon["app_id"],
        "CertificateThumbprint": logon["certificate_thumbprint"],
    }
