"""What the functions of this package work with: one run of a script, its lines, cmdlets and errors."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NoReturn

from bridge.simulator.contract.binding import text_of
from bridge.simulator.engine import ErrorInfo, Pipeline, TerminatingError
from bridge.simulator.tenant import CmdletError, ExchangeConnection, Tenant
from bridge.simulator.tenant.errors import command_not_found, not_connected

Row = dict[str, Any]

NOT_FOUND = "ManagementObjectNotFoundException"


@dataclass
class Runspace:
    """What stays in the runspace between scripts.

    ``asked`` is what Connect-Bridge.ps1 leaves in $global:ExoBridge: with what it connected. ``installed_scripts`` is
    the hash that the module of a JEA endpoint carries. ``certificate`` is what Import-BridgeCertificate.ps1 leaves for
    the next log-on in $global:ExoBridgeCertificate. ``run_pipeline`` runs a pipeline in it, for a
    script that runs others.
    """

    tenant: Tenant
    imported: bool = False
    connection: ExchangeConnection | None = None
    asked: dict[str, Any] = field(default_factory=dict)
    installed_scripts: str = ""
    certificate: dict[str, Any] = field(default_factory=dict, repr=False)
    run_pipeline: Callable[[Pipeline], None] = field(init=False, repr=False)


@dataclass
class Run:
    """One run of one script: ``values`` are its parameters, bound; ``function`` is its name where it is one."""

    runspace: Runspace
    pipeline: Pipeline
    values: dict[str, Any]
    with_verbose: bool = False
    function: str = ""

    def given(self, name: str) -> bool:
        """Whether a parameter was given at all, an empty text included: $PSBoundParameters.ContainsKey."""
        return any(one.lower() == name.lower() for one in self.pipeline.commands[0].parameters)

    def verbose(self, text: str) -> None:
        """Write-Verbose: nothing without -Verbose."""
        if self.with_verbose:
            self.pipeline.verbose(text)

    def output(self, row: Row) -> None:
        """One object out."""
        self.pipeline.output(row)

    def call(self, cmdlet: str, **parameters: Any) -> list[Row]:
        """Run one Exchange cmdlet with -ErrorAction Stop, and give its rows.

        Raises CmdletError; its warnings go out as the script's. -Confirm:$false is PowerShell's own matter and
        does not reach Exchange.
        """
        connection = self.runspace.connection
        if connection is None or cmdlet not in connection.commands:
            builtin = self.runspace.imported and cmdlet.startswith("Get-EXO")
            raise not_connected(cmdlet) if builtin else command_not_found(cmdlet)
        reply = connection.invoke(cmdlet, parameters)
        for warning in reply.warnings:
            self.pipeline.warning(warning)
        if reply.errors:
            raise reply.errors[0]
        return reply.output

    def find_one(self, kind: str, value: str, read: str | Callable[[], list[Row]]) -> Row | None:
        """Find-One of the scripts: the object that a value means, None when there is none, else an error.

        ``read`` is the cmdlet that is given the value as identity, or what reads.
        """
        if not value.strip() or "*" in value:
            self.fail(
                "EmptyIdentity",
                "InvalidArgument",
                f"'{value}' does not name one {kind}: it is empty or has a '*', which could mean all of them.",
                value,
                function="Find-One",
            )
        self.verbose(f"Reading the {kind} '{value}'.")
        try:
            found = self.call(read, Identity=value) if isinstance(read, str) else read()
        except CmdletError as error:
            if is_of_type(error, NOT_FOUND):
                return None
            raise
        if len(found) > 1:
            names = ", ".join(f"{name_of(row)} <{_address_of(row)}>" for row in found[:10])
            self.fail(
                "Ambiguous",
                "InvalidArgument",
                f"'{value}' can mean {len(found)} objects of the kind {kind}: {names}.",
                value,
                function="Find-One",
            )
        return found[0] if found else None

    def fail(self, name: str, category: str, message: str, target: str = "", *, function: str = "") -> NoReturn:
        """Write-Error -ErrorId Bridge.NAME -ErrorAction Stop, in the script or in a function of it."""
        function = function or self.function
        raise TerminatingError(
            ErrorInfo(
                message=message,
                reason="WriteErrorException",
                exception_type="Microsoft.PowerShell.Commands.WriteErrorException",
                error_id=f"Bridge.{name},{function}" if function else f"Bridge.{name}",
                category=category,
                activity="Write-Error",
                target=target,
            )
        )


def is_of_type(error: CmdletError, exception: str) -> bool:
    """How the scripts tell errors apart: by CategoryInfo.Reason, or by the type named in the message."""
    pattern = rf"^[^|]*\|[\w.]*\b{exception}\|"
    return error.reason.lower() == exception.lower() or re.search(pattern, error.message) is not None


def _address_of(row: Row) -> str:
    first = row.get("PrimarySmtpAddress")
    return text_of(row.get("UserPrincipalName") if first is None else first)


def guid_of(row: Row) -> str:
    """The id of an object, lower case."""
    return text_of(row.get("Guid")).lower()


def name_of(row: Row) -> str:
    """The display name of an object."""
    return text_of(row.get("DisplayName"))
