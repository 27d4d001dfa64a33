"""Recognises the shipped scripts by the hash of their text and runs the function of each."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bridge.simulator.contract import groups, mailboxes, session, shared_mailboxes
from bridge.simulator.contract.binding import Parameter, bind, is_verbose
from bridge.simulator.contract.run import Run, Runspace
from bridge.simulator.engine import Command, ErrorInfo, Pipeline, TerminatingError
from bridge.simulator.tenant import CmdletError, Tenant


@dataclass(frozen=True)
class ScriptFunction:
    """What stands for one script: what it takes, and what is done."""

    parameters: tuple[Parameter, ...]
    function: Callable[[Run], None]


_DRY_RUN = Parameter("DryRun", "switch")
_RIGHT = Parameter("Right", mandatory=True, values=("full-access", "send-as", "send-on-behalf"))
_MAILBOX = Parameter("Mailbox", mandatory=True)
_USER = Parameter("User", mandatory=True)
_MEMBERSHIP = (Parameter("Group", mandatory=True), Parameter("Member", mandatory=True), _DRY_RUN)

FUNCTIONS: dict[str, ScriptFunction] = {
    "account/Find-Account.ps1": ScriptFunction((_USER,), mailboxes.find_account),
    "mailbox/Find-Mailbox.ps1": ScriptFunction(
        (Parameter("Mailbox"), Parameter("Where", pattern="^[A-Za-z][A-Za-z0-9]*=")), mailboxes.find_mailbox
    ),
    "mailbox/Set-MailboxRegional.ps1": ScriptFunction(
        (
            _MAILBOX,
            Parameter("Language"),
            Parameter("DateFormat"),
            Parameter("TimeFormat"),
            Parameter("TimeZone"),
            Parameter("LocalizeFolders", "switch"),
            _DRY_RUN,
        ),
        mailboxes.set_regional,
    ),
    "group/Get-Group.ps1": ScriptFunction((), groups.list_groups),
    "group/Grant-GroupMember.ps1": ScriptFunction(_MEMBERSHIP, groups.grant_member),
    "group/Revoke-GroupMember.ps1": ScriptFunction(_MEMBERSHIP, groups.revoke_member),
    "shared-mailbox/Get-SharedMailbox.ps1": ScriptFunction((), shared_mailboxes.list_shared),
    "shared-mailbox/Grant-SharedMailboxRight.ps1": ScriptFunction(
        (_MAILBOX, _USER, _RIGHT, Parameter("NoAutomapping", "switch"), _DRY_RUN),
        shared_mailboxes.grant_right,
    ),
    "shared-mailbox/Revoke-SharedMailboxRight.ps1": ScriptFunction(
        (_MAILBOX, _USER, _RIGHT, _DRY_RUN), shared_mailboxes.revoke_right
    ),
    "session/Connect-Bridge.ps1": ScriptFunction(
        (
            Parameter("CommandName", "string[]", mandatory=True),
            Parameter("Organization"),
            Parameter("AppId"),
            Parameter("CertificateThumbprint"),
            Parameter("AccessToken", "securestring"),
            Parameter("UserName"),
            Parameter("Password", "securestring"),
            Parameter("DelegatedOrganization"),
            Parameter("Environment"),
        ),
        session.connect,
    ),
    "session/Get-BridgeState.ps1": ScriptFunction((), session.state),
}


class ScriptEngine:
    """Runs the shipped scripts against ``tenant`` without a PowerShell.

    ``scripts_folder`` is the folder that the scripts were shipped in; None is the one beside or inside the
    package. Raises FileNotFoundError when one of the scripts is not in it.
    """

    def __init__(self, tenant: Tenant, scripts_folder: Path | None = None) -> None:
        self._tenant = tenant
        folder = scripts_folder or shipped_folder()
        self._names = {hash_of((folder / name).read_bytes().decode("utf-8-sig")): name for name in FUNCTIONS}

    def open_runspace(self) -> ScriptRunspace:
        """A new runspace, not connected to Exchange."""
        return ScriptRunspace(Runspace(self._tenant), self._names)


class ScriptRunspace:
    """One runspace: its connection to the tenant stays from script to script."""

    def __init__(self, runspace: Runspace, names: dict[str, str]) -> None:
        self._runspace = runspace
        self._names = names

    def run(self, pipeline: Pipeline) -> None:
        """Run the script that the pipeline holds. Raises TerminatingError, the record with which it fails."""
        name, command = self._script(pipeline.commands)
        script = FUNCTIONS[name]
        values = bind(script.parameters, command.parameters)
        run = Run(self._runspace, pipeline, values, is_verbose(command.parameters))
        try:
            script.function(run)
        except CmdletError as error:
            raise TerminatingError(_info(error)) from error

    def close(self) -> None:
        """End the runspace and its connection to Exchange."""
        if self._runspace.connection is not None:
            self._runspace.connection.disconnect()
            self._runspace.connection = None

    def _script(self, commands: Sequence[Command]) -> tuple[str, Command]:
        if len(commands) == 1 and commands[0].is_script and not commands[0].arguments:
            name = self._names.get(hash_of(commands[0].text))
            if name is not None:
                return name, commands[0]
        first = commands[0].text if commands else ""
        raise TerminatingError(
            ErrorInfo(
                message="The contract engine of the simulator has no PowerShell: it runs the shipped scripts "
                "as they are and nothing else. Take the engine pwsh for any other script. What was sent "
                f"begins with: {first.strip()[:100]}",
                reason="UnknownScript",
                exception_type="Bridge.Simulator.UnknownScript",
                error_id="Bridge.Simulator.UnknownScript",
                category="NotImplemented",
                activity="",
                target="",
            )
        )


def hash_of(text: str) -> str:
    """The hash by which a script is known: SHA-256 of its text with line feeds alone, hex."""
    return hashlib.sha256(text.replace("\r\n", "\n").replace("\r", "\n").encode("utf-8")).hexdigest()


def shipped_folder() -> Path:
    """Where the scripts are: inside the package when it was installed from a wheel, else in the checkout."""
    package = Path(__file__).resolve().parents[2]
    inside = package / "ps_scripts"
    return inside if inside.is_dir() else package.parent / "ps_scripts"


def _info(error: CmdletError) -> ErrorInfo:
    """The record as it comes out of a PowerShell: what Exchange sent is a plain exception there."""
    return ErrorInfo(
        message=error.message,
        reason=error.reason,
        exception_type=error.exception_type if error.terminating else "System.Exception",
        error_id=error.error_id,
        category=error.category,
        activity=error.activity,
        target=error.target,
    )
