"""Recognises the shipped scripts by the hash of their text and runs the function of each."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bridge.simulator.contract import (
    access,
    agent_facts,
    batch,
    by_id,
    groups,
    imports,
    mailbox_addresses,
    mailbox_attributes,
    mailbox_folders,
    mailbox_holds,
    mailbox_replies,
    mailboxes,
    new_group,
    new_shared_mailbox,
    recipients,
    session,
    session_logon,
    shared_mailbox_rights,
    shared_mailboxes,
)
from bridge.simulator.contract.binding import Parameter, bind, is_verbose
from bridge.simulator.contract.jea import JeaModule, of_function
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
_WHERE = "^[A-Za-z][A-Za-z0-9]*="
_MOMENT = r"^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:\d\d)$"
_GUID = "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
_BY_ID = (
    *(Parameter(name, mandatory=True, pattern=_GUID) for name in ("Group", "Member")),
    *(Parameter(name) for name in ("GroupName", "MemberName")),
)
_RIGHT_BY_ID = (*(Parameter(name, mandatory=True, pattern=_GUID) for name in ("Mailbox", "User")), _RIGHT)
_RIGHT_NAMES = (Parameter("MailboxName"), Parameter("UserName"))
_MEMBERSHIP = (Parameter("Group", mandatory=True), Parameter("Member", mandatory=True), _DRY_RUN)

FUNCTIONS: dict[str, ScriptFunction] = {
    "account/Find-Account.ps1": ScriptFunction(
        (Parameter("User"), Parameter("Where", pattern=_WHERE)), mailboxes.find_account
    ),
    "mailbox/Find-Mailbox.ps1": ScriptFunction(
        (Parameter("Mailbox"), Parameter("Where", pattern=_WHERE)), mailboxes.find_mailbox
    ),
    "mailbox/Show-Mailbox.ps1": ScriptFunction((_MAILBOX, _DRY_RUN), mailbox_attributes.show),
    "mailbox/Hide-Mailbox.ps1": ScriptFunction((_MAILBOX, _DRY_RUN), mailbox_attributes.hide),
    "mailbox/Set-MailboxAttribute.ps1": ScriptFunction(
        (_MAILBOX, Parameter("Set", "string[]"), Parameter("Clear", "string[]"), _DRY_RUN),
        mailbox_attributes.set_attributes,
    ),
    "mailbox/Set-MailboxAddress.ps1": ScriptFunction(
        (_MAILBOX, Parameter("Add", "string[]"), Parameter("Remove", "string[]"), Parameter("Primary"), _DRY_RUN),
        mailbox_addresses.set_addresses,
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
    "mailbox/Set-MailboxAutomaticReply.ps1": ScriptFunction(
        (
            _MAILBOX,
            Parameter("State", mandatory=True, values=("disabled", "enabled", "scheduled")),
            Parameter("InternalMessage"),
            Parameter("ExternalMessage"),
            Parameter("Audience", values=("none", "known", "all")),
            Parameter("Start", pattern=_MOMENT),
            Parameter("End", pattern=_MOMENT),
            Parameter("Overwrite", "switch"),
            _DRY_RUN,
        ),
        mailbox_replies.set_replies,
    ),
    "mailbox/Set-MailboxLitigationHold.ps1": ScriptFunction(
        (_MAILBOX, Parameter("Duration", pattern=r"^(unlimited|\d+)$"), Parameter("Owner"), _DRY_RUN),
        mailbox_holds.set_hold,
    ),
    "mailbox/Remove-MailboxLitigationHold.ps1": ScriptFunction(
        (_MAILBOX, Parameter("ConfirmRelease", "switch"), _DRY_RUN), mailbox_holds.remove_hold
    ),
    "mailbox/Set-MailboxFolderPermission.ps1": ScriptFunction(
        (
            _MAILBOX,
            _USER,
            Parameter("Right", mandatory=True),
            Parameter("Delegate", values=("no", "yes", "private-items")),
            _DRY_RUN,
        ),
        mailbox_folders.set_permission,
    ),
    "mailbox/Remove-MailboxFolderPermission.ps1": ScriptFunction(
        (_MAILBOX, _USER, _DRY_RUN), mailbox_folders.remove_permission
    ),
    "group/Get-Group.ps1": ScriptFunction(
        (Parameter("All", "switch"), Parameter("Where", pattern=_WHERE)), groups.list_groups
    ),
    "group/Get-GroupMember.ps1": ScriptFunction((Parameter("Group", mandatory=True),), groups.list_members),
    "group/New-Group.ps1": ScriptFunction(
        (
            Parameter("Name", mandatory=True),
            Parameter("Address", mandatory=True),
            Parameter("Kind", mandatory=True, values=("distribution", "mail-enabled-security")),
            Parameter("Marker", "string[]", pattern="^CustomAttribute([1-9]|1[0-5])=."),
            Parameter("ManagedBy"),
            _DRY_RUN,
        ),
        new_group.create_group,
    ),
    "group/Grant-GroupMember.ps1": ScriptFunction(_MEMBERSHIP, groups.grant_member),
    "group/Revoke-GroupMember.ps1": ScriptFunction(_MEMBERSHIP, groups.revoke_member),
    "shared-mailbox/Get-SharedMailbox.ps1": ScriptFunction((), shared_mailboxes.list_shared),
    "shared-mailbox/Get-SharedMailboxRight.ps1": ScriptFunction(
        (Parameter("Mailbox", pattern=r"\S"),), shared_mailbox_rights.list_rights
    ),
    "shared-mailbox/New-SharedMailbox.ps1": ScriptFunction(
        (
            Parameter("Name", mandatory=True),
            Parameter("Address", mandatory=True),
            Parameter("DisplayName"),
            Parameter("Marker", "string[]", pattern="^CustomAttribute([1-9]|1[0-5])=."),
            _DRY_RUN,
        ),
        new_shared_mailbox.create_shared_mailbox,
    ),
    "shared-mailbox/Grant-SharedMailboxRight.ps1": ScriptFunction(
        (_MAILBOX, _USER, _RIGHT, Parameter("NoAutomapping", "switch"), _DRY_RUN),
        shared_mailboxes.grant_right,
    ),
    "shared-mailbox/Revoke-SharedMailboxRight.ps1": ScriptFunction(
        (_MAILBOX, _USER, _RIGHT, _DRY_RUN), shared_mailboxes.revoke_right
    ),
    "access/Get-MailboxAccess.ps1": ScriptFunction((_MAILBOX,), access.mailbox_access),
    "access/Get-PersonAccess.ps1": ScriptFunction((_USER,), access.person_access),
    "import/Get-Account.ps1": ScriptFunction(
        (Parameter("Attribute", "string[]", pattern="^[A-Za-z][A-Za-z0-9]*$"),), imports.list_accounts
    ),
    "import/Get-Membership.ps1": ScriptFunction((), imports.list_memberships),
    "import/Get-Right.ps1": ScriptFunction((), imports.list_rights),
    "session/Connect-Bridge.ps1": ScriptFunction(
        (
            Parameter("CommandName", "string[]", mandatory=True),
            Parameter("Organization"),
            Parameter("AppId"),
            Parameter("CertificateThumbprint"),
            Parameter("ImportedCertificate", "switch"),
            Parameter("AccessToken", "securestring"),
            Parameter("ManagedIdentity", "switch"),
            Parameter("UserName"),
            Parameter("Password", "securestring"),
            Parameter("DelegatedOrganization"),
            Parameter("Environment"),
        ),
        session.connect,
    ),
    "session/Add-GroupMemberById.ps1": ScriptFunction(_BY_ID, by_id.add_member),
    "session/Add-MailboxRightById.ps1": ScriptFunction(
        (*_RIGHT_BY_ID, Parameter("NoAutomapping", "switch"), *_RIGHT_NAMES), by_id.add_right
    ),
    "session/Find-Recipient.ps1": ScriptFunction(
        (
            Parameter("Name", "string[]", mandatory=True),
            Parameter("Kind", mandatory=True, values=("group", "mailbox", "recipient")),
        ),
        recipients.find_recipients,
    ),
    "session/Get-BridgeAgent.ps1": ScriptFunction((Parameter("Thumbprint"), Parameter("File")), agent_facts.tell),
    "session/Get-BridgeState.ps1": ScriptFunction((), session.state),
    "session/Get-BridgeToken.ps1": ScriptFunction(
        (
            *(Parameter(name, mandatory=True) for name in ("Authority", "Tenant", "AppId")),
            Parameter("ClientSecret", "securestring", mandatory=True),
        ),
        session_logon.fetch_token,
    ),
    "session/Get-GroupMemberById.ps1": ScriptFunction(
        (Parameter("Group", mandatory=True, pattern=_GUID), Parameter("GroupName")), by_id.list_members
    ),
    "session/Import-BridgeCertificate.ps1": ScriptFunction(
        (Parameter("FilePath"), Parameter("Pfx", "securestring"), Parameter("Password", "securestring")),
        session_logon.import_certificate,
    ),
    "session/Invoke-Batch.ps1": ScriptFunction(
        (Parameter("Scripts", "hashtable"), Parameter("Item", "hashtable")), batch.run_items
    ),
    "session/Remove-BridgeLitter.ps1": ScriptFunction((_DRY_RUN,), agent_facts.remove_litter),
    "session/Remove-GroupMemberById.ps1": ScriptFunction(_BY_ID, by_id.remove_member),
    "session/Remove-MailboxRightById.ps1": ScriptFunction((*_RIGHT_BY_ID, *_RIGHT_NAMES), by_id.remove_right),
    "session/Test-BridgeParameter.ps1": ScriptFunction(
        (Parameter("Need", "string[]", mandatory=True),), agent_facts.test_parameters
    ),
    "session/Test-Recipient.ps1": ScriptFunction((Parameter("Identity", mandatory=True),), recipients.test_recipient),
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

    def open_runspace(self, jea: JeaModule | None = None) -> ScriptRunspace:
        """A new runspace, not connected to Exchange; with ``jea`` one that runs the functions of that module alone."""
        return ScriptRunspace(Runspace(self._tenant, installed_scripts=jea.scripts if jea else ""), self._names, jea)


class ScriptRunspace:
    """One runspace: its connection to the tenant stays from script to script."""

    def __init__(self, runspace: Runspace, names: dict[str, str], jea: JeaModule | None = None) -> None:
        self._runspace = runspace
        self._names = names
        self._jea = jea
        runspace.run_pipeline = self.run

    def run(self, pipeline: Pipeline) -> None:
        """Run the script that the pipeline holds. Raises TerminatingError, the record with which it fails."""
        name, command = self._script(pipeline.commands)
        script = FUNCTIONS[name]
        function = "" if command.is_script else command.text
        try:
            values = bind(script.parameters, command.parameters)
        except TerminatingError as error:
            raise of_function(error, function) if function else error from None
        run = Run(self._runspace, pipeline, values, is_verbose(command.parameters), function)
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
        if len(commands) == 1 and not commands[0].arguments:
            command = commands[0]
            digest = self._jea.script_hash(command) if self._jea else hash_of(command.text) if command.is_script else ""
            name = self._names.get(digest)
            if name is not None:
                return name, command
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


@functools.lru_cache(maxsize=256)
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
