"""Everything that can go wrong, as a tree and a table.

    BridgeError
    ├── UsageError                    exit 2   what was typed or passed in cannot be right
    │   ├── SettingsError                      the settings; carries every mistake found
    │   └── ScriptError                        a script is missing or not what its action needs
    ├── AgentError                    exit 3   the first hop: from here to the agent server
    │   ├── AgentUnreachable                   no connection: name, route, port, firewall
    │   ├── AgentTlsError                      the certificate is not trusted or not for this name
    │   ├── AgentLogonRefused                  user, password or kind of log-on refused (401)
    │   ├── AgentAccessDenied                  logged on, but may not open a shell
    │   ├── EndpointUnknown                    no session configuration of that name
    │   ├── ShellQuota                         too many shells, processes or too much memory
    │   ├── RunspaceBusy                       somebody else uses the named runspace now
    │   ├── RunspaceLost                       the runspace ended or its connection broke
    │   ├── AgentTimeout                       no answer in time
    │   └── ProtocolError                      an answer that is not WSMan (a proxy, another service)
    ├── ExchangeError                 exit 3   the second hop: from the agent to Exchange Online
    │   ├── ModuleMissing                      ExchangeOnlineManagement is not installed on the agent
    │   ├── EntraUnreachable                   no token: Entra ID cannot be reached, is busy, or a proxy answers
    │   ├── ExchangeLogonRefused               Exchange or Entra ID refused the log-on
    │   ├── LogonKindGone                      the module takes no user and password any more
    │   ├── EndpointWithoutScripts             the endpoint is in no-language mode
    │   └── WrongOrganization                  connected, but to another organization
    ├── ActionFailed                  exit 1   the action was tried and failed; carries the outcome
    ├── OutcomeUnknown                exit 4   a change was sent and its answer was lost
    └── Interrupted                   exit 130

Rules: a class is a kind of problem that a caller can act on; it has a stable ``code``, a ``remedy`` that says what to
do, an ``exit_code``, and ``retry``: whether doing the same again can help. Errors of Exchange are told apart by type,
never by text, because Exchange translates its texts; ``meaning_of_record`` reads that table.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from bridge.model import Outcome, Reply


class BridgeError(Exception):
    """The root of every error that exo-bridge raises on purpose.

    ``message`` is one or two sentences for the person who reads it; ``remedy`` replaces the class's own when the
    place that raises knows better.
    """

    code: ClassVar[str] = "error"
    remedy: str = "Look at the log file; it holds every step of this run."
    exit_code: ClassVar[int] = 1
    retry: ClassVar[bool] = False

    def __init__(self, message: str, *, remedy: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        if remedy is not None:
            self.remedy = remedy


class UsageError(BridgeError):
    """What was typed or passed in cannot be right. Nothing was sent."""

    code = "usage"
    exit_code = 2
    remedy = "Correct the command and run it again; nothing was changed."


@dataclass(frozen=True)
class Mistake:
    """One thing wrong in the settings: where it stands, what it is, what would be right. Secrets arrive masked."""

    place: str
    key: str
    value: str
    message: str
    fix: str

    def __str__(self) -> str:
        """One line for people."""
        shown = f" = {self.value}" if self.value else ""
        key = f"{self.key}{shown}: " if self.key else ""
        return f"{self.place}: {key}{self.message}" + (f" {self.fix}" if self.fix else "")


class SettingsError(UsageError):
    """The settings cannot be used. ``mistakes`` holds all that was found, in the order of the file."""

    code = "settings"
    remedy = "Correct the settings; `exo-bridge settings check` looks at them again without connecting."

    def __init__(self, message: str, *, mistakes: list[Mistake] | None = None, remedy: str | None = None) -> None:
        super().__init__(message, remedy=remedy)
        self.mistakes = mistakes or []


class ScriptError(UsageError):
    """A script is missing, cannot be read, or does not take what its action sends."""

    code = "script"
    remedy = "Look at the [scripts] folder in the settings; without one the shipped scripts are used."


class AgentError(BridgeError):
    """The first hop failed: from here to the agent server.

    ``maybe_sent`` says whether a call that was under way may have reached the agent: True unless the contrary is
    proved, because a change that may have been made must never be called failed.
    """

    code = "agent"
    exit_code = 3
    remedy = "Try `Test-WSMan` against the agent server from this machine."

    def __init__(self, message: str, *, remedy: str | None = None, maybe_sent: bool = False) -> None:
        super().__init__(message, remedy=remedy)
        self.maybe_sent = maybe_sent


class AgentUnreachable(AgentError):
    """No connection: the name, the route, the port or a firewall."""

    code = "agent-unreachable"
    retry = True
    remedy = (
        "Check [agent] host and port, that the agent server runs, and that WinRM listens there: "
        "`Get-ChildItem WSMan:\\localhost\\Listener` on the agent."
    )


class AgentTlsError(AgentError):
    """The agent's certificate is not trusted, has ended, or is not for this name."""

    code = "agent-tls"
    remedy = "Set [agent] ca_file to the issuing CA's certificate (PEM), and host to a name in the agent's certificate."


class AgentLogonRefused(AgentError):
    """The agent answered 401: user, password or kind of log-on."""

    code = "agent-logon-refused"
    remedy = (
        "Check [agent] user, password and auth; on the agent `Get-ChildItem WSMan:\\localhost\\Service\\Auth` "
        "shows which kinds of log-on it accepts."
    )


class AgentAccessDenied(AgentError):
    """The log-on worked, but the account may not open a shell on that endpoint."""

    code = "agent-access-denied"
    remedy = (
        "Add the account to the agent's group Remote Management Users: "
        "`Add-LocalGroupMember -Group 'Remote Management Users' -Member ACCOUNT`."
    )


class EndpointUnknown(AgentError):
    """The agent has no session configuration of the name in the settings."""

    code = "endpoint-unknown"
    remedy = "`Get-PSSessionConfiguration` on the agent lists the names; set [agent] configuration_name to one of them."


class ShellQuota(AgentError):
    """The agent opens no further shell for this account: shells, processes, memory or operations are used up."""

    code = "shell-quota"
    retry = True
    remedy = (
        "Close shells that nobody uses (`exo-bridge session show` lists ours), or raise the quota in "
        "WSMan:\\localhost\\Shell on the agent."
    )


class RunspaceBusy(AgentError):
    """Another client is connected to the named runspace."""

    code = "runspace-busy"
    retry = True
    remedy = (
        "Wait until the other client is done, or give this one its own [agent] runspace_name. "
        "`exo-bridge session show` says since when the runspace is in use."
    )


class RunspaceLost(AgentError):
    """The runspace ended (idle timeout, reboot, killed) or the connection to it broke."""

    code = "runspace-lost"
    retry = True
    remedy = "Run the command again; a new runspace is opened when the old one is gone."


class AgentTimeout(AgentError):
    """The agent took the request and did not answer in time."""

    code = "agent-timeout"
    retry = True
    remedy = "Look at the load of the agent server; [agent] operation_timeout and read_timeout say how long to wait."


class ProtocolError(AgentError):
    """The answer is not WSMan: a proxy, another service on that port, or a damaged reply."""

    code = "agent-protocol"
    remedy = "Check that [agent] port is WinRM's (5985 or 5986) and that no proxy stands between."


class ExchangeError(BridgeError):
    """The second hop failed: from the agent to Exchange Online."""

    code = "exchange"
    exit_code = 3
    remedy = "Try `Connect-ExchangeOnline` by hand on the agent, as the account of the runspace."


class ModuleMissing(ExchangeError):
    """The module ExchangeOnlineManagement is not installed for the runspace's PowerShell."""

    code = "module-missing"
    remedy = "On the agent, as administrator: `Install-Module ExchangeOnlineManagement -Scope AllUsers`."


class EntraUnreachable(ExchangeError):
    """No token could be fetched: Entra ID cannot be reached, is busy, or something else answered in its place."""

    code = "entra-unreachable"
    retry = True
    remedy = (
        "Check that this machine may reach login.microsoftonline.com, directly or by HTTPS_PROXY, and [exchange] "
        "authority if it is set."
    )


class ExchangeLogonRefused(ExchangeError):
    """Entra ID or Exchange Online refused the log-on."""

    code = "exchange-logon-refused"
    remedy = (
        "Check [exchange]: the application id, its certificate or secret and their end dates, the organization, and "
        "that the application has Exchange.ManageAsApp and an Exchange role."
    )


class LogonKindGone(ExchangeError):
    """The module on the agent no longer has the parameter -Credential."""

    code = "logon-kind-gone"
    remedy = (
        "The module on the agent no longer takes user and password. "
        "Use a certificate (app_id, certificate_thumbprint) or an app secret in [exchange]."
    )


class EndpointWithoutScripts(ExchangeError):
    """The endpoint runs commands only, no scripts."""

    code = "endpoint-without-scripts"
    remedy = (
        "This endpoint runs no scripts (a JEA endpoint in no-language mode). Set [agent] configuration_name to one "
        "that does: Microsoft.PowerShell, PowerShell.7, or your own with full language."
    )


class WrongOrganization(ExchangeError):
    """Exchange is connected, but not to the organization in the settings."""

    code = "wrong-organization"
    remedy = "Check [exchange] organization; the application must be registered in that organization."


class ActionFailed(BridgeError):
    """An action was tried and failed. Raised only by a caller who asked for exceptions."""

    code = "action-failed"


class OutcomeUnknown(BridgeError):
    """A change was sent and its answer was lost: it may or may not have been made."""

    code = "outcome-unknown"
    exit_code = 4
    remedy = "Look at the object in Exchange before doing anything again; the log names it."


class Interrupted(BridgeError):
    """Stopped by a person or the system, after the running call was stopped or handed over.

    ``reply`` is what the running pipeline answered all the same, or None when that is not known. ``outcomes`` are those
    of the calls until then, the interrupted one last.
    """

    code = "interrupted"
    exit_code = 130
    remedy = "Run it again when you are ready; the outcomes above say what was done before the stop."

    def __init__(self, message: str, *, remedy: str | None = None, reply: Reply | None = None) -> None:
        super().__init__(message, remedy=remedy)
        self.reply = reply
        self.outcomes: list[Outcome] = []


@dataclass(frozen=True)
class Meaning:
    """What is said about an error record of a known type.

    Its stable code, what to do, whether a retry can help, and whether it means that Exchange's answer was lost: a
    change may then have been made.
    """

    code: str
    remedy: str
    retry: bool = False
    answer_lost: bool = False


_NOT_FOUND = Meaning(
    "object-not-found",
    "Check the spelling. A new object can take a minute to be visible in Exchange.",
)
_AMBIGUOUS = Meaning("object-ambiguous", "Name it by its address or its id; the message lists the candidates.")
_INVALID = Meaning("invalid-value", "Exchange does not accept this value; the message says which.")
_THROTTLED = Meaning("throttled", "Wait a few minutes, then run it again; send fewer changes at once.", retry=True)
_SYNCHRONIZED = Meaning(
    "synchronized-from-on-premises",
    "Change it in the on-premises directory; the next synchronisation brings it to Exchange Online.",
)
_CMDLET = Meaning(
    "cmdlet-not-granted",
    "Give the application an Exchange role that holds this cmdlet (for example Exchange Recipient Administrator).",
)
_PARAMETER = Meaning(
    "parameter-not-granted",
    "Give the application an Exchange role that holds this parameter; "
    "`Get-ManagementRoleEntry *\\CMDLET` shows which roles do.",
)
_SYNTAX = Meaning("script-syntax", "The script is not PowerShell; the message says where. Nothing of it was run.")
_DENIED = Meaning("access-denied", "The application's Exchange role does not cover this object or change.")
_TRANSIENT = Meaning("exchange-busy", "A passing fault of Exchange. Run it again in a few minutes.", retry=True)
_ANSWER_LOST = Meaning(
    "exchange-answer-lost",
    "The agent got no answer from Exchange. Look at the agent's way to outlook.office365.com, then run it again.",
    retry=True,
    answer_lost=True,
)
_LOGON = Meaning("exchange-logon-refused", ExchangeLogonRefused.remedy)
_CONNECTION = Meaning("exchange-connection-lost", "Run it again; the runspace connects to Exchange anew.", retry=True)

# By CategoryInfo.Reason or the last part of the exception's type name. Source: Microsoft's Exchange Online error
# records as collected in the connectors that run against it; docs/errors of a later version lists them for people.
MEANING_BY_TYPE: dict[str, Meaning] = {
    "ManagementObjectNotFoundException": _NOT_FOUND,
    "ADNoSuchObjectException": _NOT_FOUND,
    "UserNotFoundException": _NOT_FOUND,
    "MailboxNotFoundException": _NOT_FOUND,
    "RecipientNotFoundException": _NOT_FOUND,
    "ManagementObjectAmbiguousException": _AMBIGUOUS,
    "NonUniqueRecipientException": _AMBIGUOUS,
    "InvalidOperationInDehydratedContextException": Meaning(
        "organization-not-customized", "Run `Enable-OrganizationCustomization` once in this organization."
    ),
    "OperationRequiresGroupManagerException": Meaning(
        "not-group-manager",
        "The change needs a role that may bypass the group's managers (Organization Management).",
    ),
    "RecipientTaskException": _INVALID,
    "ProxyAddressExistsException": Meaning("address-in-use", "Another recipient already has this address."),
    "WriteErrorException": Meaning("script", "The message says what the script found."),
    "ADObjectAlreadyExistsException": Meaning("object-exists", "An object of this name already exists."),
    "MemberAlreadyExistsException": Meaning("already-a-member", "Nothing is to be done."),
    "MemberNotFoundException": Meaning("not-a-member", "Nothing is to be done."),
    "ParameterBindingException": _PARAMETER,
    "CommandNotFoundException": _CMDLET,
    "ParseException": _SYNTAX,
    "IncompleteParseException": _SYNTAX,
    "InvalidCultureException": _INVALID,
    "CultureNotFoundException": _INVALID,
    "TimeZoneNotFoundException": _INVALID,
    "DataValidationException": _INVALID,
    "ADInvalidPropertyException": _INVALID,
    "ArgumentException": _INVALID,
    "ParameterBindingValidationException": _INVALID,
    "ParameterBindingArgumentTransformationException": _INVALID,
    "ParsingException": _INVALID,
    "InvalidOperationException": Meaning(
        "refused", "Exchange refuses this change on this object; the message says why."
    ),
    "TaskInvalidOperationException": Meaning(
        "refused", "Exchange refuses this change on this object; the message says why."
    ),
    "InvalidOperationOnDirSyncedObjectException": _SYNCHRONIZED,
    "InvalidADObjectOperationException": _SYNCHRONIZED,
    "CmdletAccessDeniedException": _DENIED,
    "UnauthorizedAccessException": _DENIED,
    "AuthorizationException": _DENIED,
    "ThrottlingException": _THROTTLED,
    "OverBudgetException": _THROTTLED,
    "TooManyRequestsException": _THROTTLED,
    "ADTransientException": _TRANSIENT,
    "DataSourceTransientException": _TRANSIENT,
    "TransientException": _TRANSIENT,
    "MapiExceptionNetworkError": _ANSWER_LOST,
    "RestClientException": _TRANSIENT,
    "HttpRequestException": _ANSWER_LOST,
    "WebException": _ANSWER_LOST,
    "TaskCanceledException": _ANSWER_LOST,
    "TimeoutException": _ANSWER_LOST,
    "IOException": _ANSWER_LOST,
    "SocketException": _ANSWER_LOST,
    "DataServiceTransportException": _ANSWER_LOST,
    "MsalServiceException": _LOGON,
    "MsalClientException": _LOGON,
    "MsalUiRequiredException": _LOGON,
    "AADSTSException": _LOGON,
}

# By the first part of the error id: those that our own scripts give (Write-Error -ErrorId Bridge.<Name>), and those of
# PowerShell and the module that say more than their type.
MEANING_BY_ID: dict[str, Meaning] = {
    "Bridge.NotFound": _NOT_FOUND,
    "Bridge.Ambiguous": _AMBIGUOUS,
    "Bridge.SynchronizedFromOnPremises": _SYNCHRONIZED,
    "Bridge.NotWritable": Meaning("not-writable", "This object is managed elsewhere; the message says where."),
    "Bridge.NothingToSet": Meaning("nothing-to-set", "Name at least one thing to set; `--help` lists them."),
    "Bridge.EmptyIdentity": Meaning("empty-identity", "Give a name, an address or an id; an empty one could mean all."),
    "Bridge.ModuleMissing": Meaning("module-missing", ModuleMissing.remedy),
    "UnAuthorized": _CONNECTION,
    "HostFunctionNotImplemented": Meaning(
        "confirmation-asked", "The script asks, and nobody can answer: its changing cmdlet needs -Confirm:$false."
    ),
    "ScriptsNotAllowed": Meaning(EndpointWithoutScripts.code, EndpointWithoutScripts.remedy),
    "Bridge.WrongOrganization": Meaning("wrong-organization", WrongOrganization.remedy),
    "Bridge.LogonParameterMissing": Meaning(LogonKindGone.code, LogonKindGone.remedy),
}

_UNKNOWN_TYPE = Meaning("exchange-error", "The message is Exchange's own; error_type says which kind it is.")


def meaning_of_record(*, error_id: str, error_types: tuple[str, ...], throttled: bool = False) -> Meaning:
    """What an error record means.

    ``error_id`` is the record's FullyQualifiedErrorId; ``error_types`` are type names in the order of trust (the
    exception type named in an Exchange message, then CategoryInfo.Reason), with or without their namespace.
    ``throttled`` says that a warning of throttling came with it. Always answers; an unknown type gets
    ``exchange-error``.
    """
    if throttled:
        return _THROTTLED
    own = MEANING_BY_ID.get(error_id.split(",")[0])
    if own:
        return own
    if error_id.startswith("NamedParameterNotFound"):
        return _PARAMETER
    for name in error_types:
        short = name.rsplit(".", 1)[-1]
        if short in MEANING_BY_TYPE and short != "WriteErrorException":
            return MEANING_BY_TYPE[short]
    return _UNKNOWN_TYPE
