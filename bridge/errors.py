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
    │   ├── EndpointAccount                    the account that the endpoint runs as cannot log on
    │   ├── ShellQuota                         too many shells, processes or too much memory
    │   ├── RunspaceBusy                       somebody else uses the named runspace now
    │   ├── RunspaceLost                       the runspace ended or its connection broke
    │   ├── AgentTimeout                       no answer in time
    │   ├── RequestTooLarge                    what was sent is larger than the agent takes
    │   ├── DeadlinePassed                     the time that the caller gave is up
    │   └── ProtocolError                      an answer that is not WSMan (a proxy, another service)
    ├── ExchangeError                 exit 3   the second hop: from the agent to Exchange Online
    │   ├── ModuleMissing                      ExchangeOnlineManagement is not installed on the agent
    │   ├── EntraUnreachable                   no token: Entra ID cannot be reached, is busy, or a proxy answers
    │   ├── ExchangeLogonRefused               Exchange or Entra ID refused the log-on
    │   ├── LogonKindGone                      the module takes no user and password any more
    │   ├── EndpointWithoutScripts             the endpoint is in no-language mode
    │   ├── InstalledScriptsDiffer             a JEA endpoint has other scripts than this client, or none
    │   └── WrongOrganization                  connected, but to another organization
    ├── ActionFailed                  exit 1   the action was tried and failed; carries the outcome
    ├── OutcomeUnknown                exit 4   a change was sent and its answer was lost
    ├── JournalError                  exit 1   the journal: see journal/errors.py
    ├── SecretFound                   exit 1   what was to be given away held a secret
    └── Interrupted                   exit 130

Rules: a class is a kind of problem that a caller can act on; it has a stable ``code``, a sentence (the first line of
its description), its usual ``cause``, a ``remedy`` that says what to do, an ``exit_code``, and ``retry``: whether doing
the same again can help. What an error record of Exchange means stands in ``meaning.py``, a fault of the agent in
``wsman_faults.py``; ``catalogue.py`` collects all of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from bridge.model import Outcome, Reply


class BridgeError(Exception):
    """Something failed that has no kind of its own. The root of every error that exo-bridge raises on purpose.

    ``message`` is one or two sentences for the person who reads it; ``remedy`` replaces the class's own when the
    place that raises knows better.
    """

    code: ClassVar[str] = "error"
    cause: ClassVar[str] = "A mistake in exo-bridge itself."
    remedy: str = "Look at the log file; it holds every step of this run."
    exit_code: ClassVar[int] = 1
    retry: ClassVar[bool] = False

    def __init__(self, message: str, *, remedy: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        if remedy is not None:
            self.remedy = remedy

    @classmethod
    def sentence(cls) -> str:
        """What has happened: the first line of the class's description."""
        return (cls.__doc__ or "").partition("\n")[0]


class UsageError(BridgeError):
    """What was typed or passed in cannot be right. Nothing was sent."""

    code = "usage"
    cause = "An option, a value or a file is not what the command takes."
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
    cause = "A key is unknown or missing, a value is not possible, or two settings contradict each other."
    remedy = "Correct the settings; `exo-bridge settings check` looks at them again without connecting."

    def __init__(self, message: str, *, mistakes: list[Mistake] | None = None, remedy: str | None = None) -> None:
        super().__init__(message, remedy=remedy)
        self.mistakes = mistakes or []

    def __str__(self) -> str:
        """The message, and each mistake in a line of its own."""
        return "\n  ".join([self.message, *map(str, self.mistakes)])


class ScriptError(UsageError):
    """A script is missing, cannot be read, or does not take what its action sends."""

    code = "script"
    cause = "The own script folder lacks the script or has an older one, or its param() block is another one."
    remedy = "Look at the [scripts] folder in the settings; without one the shipped scripts are used."


class AgentError(BridgeError):
    """The first hop failed: from here to the agent server.

    ``maybe_sent`` says whether a call that was under way may have reached the agent: True unless the contrary is
    proved, because a change that may have been made must never be called failed.
    """

    code = "agent"
    cause = "The agent answered with a fault that has no kind of its own here; the message has its number."
    exit_code = 3
    remedy = "Try `Test-WSMan` against the agent server from this machine."

    def __init__(self, message: str, *, remedy: str | None = None, maybe_sent: bool = False) -> None:
        super().__init__(message, remedy=remedy)
        self.maybe_sent = maybe_sent


class AgentUnreachable(AgentError):
    """No connection: the name, the route, the port or a firewall."""

    code = "agent-unreachable"
    cause = "The name does not resolve, the agent is down, WinRM does not listen, or a firewall stands between."
    retry = True
    remedy = (
        "Check [agent] host and port, that the agent server runs, and that WinRM listens there: "
        "`Get-ChildItem WSMan:\\localhost\\Listener` on the agent."
    )


class AgentTlsError(AgentError):
    """The agent's certificate is not trusted, has ended, or is not for this name."""

    code = "agent-tls"
    cause = "The issuing CA is not known here, the certificate has ended, or [agent] host is another name than it has."
    remedy = "Set [agent] ca_file to the issuing CA's certificate (PEM), and host to a name in the agent's certificate."


class AgentLogonRefused(AgentError):
    """The agent answered 401: user, password or kind of log-on."""

    code = "agent-logon-refused"
    cause = "The password is wrong or has ended, the account is locked, or the agent does not take this kind of log-on."
    remedy = (
        "Check [agent] user, password and auth, and whether the account is locked or has ended; on the agent "
        "`Get-ChildItem WSMan:\\localhost\\Service\\Auth` shows which kinds of log-on it accepts."
    )


class AgentAccessDenied(AgentError):
    """The log-on worked, but the account may not open a shell on that endpoint."""

    code = "agent-access-denied"
    cause = "The account is not in the agent's group Remote Management Users, or the endpoint is for others."
    remedy = (
        "Add the account to the agent's group Remote Management Users: "
        "`Add-LocalGroupMember -SID S-1-5-32-580 -Member ACCOUNT`."
    )


class EndpointUnknown(AgentError):
    """The agent has no session configuration of the name in the settings."""

    code = "endpoint-unknown"
    cause = "[agent] configuration_name is not spelled as on the agent, or the endpoint was removed."
    remedy = "`Get-PSSessionConfiguration` on the agent lists the names; set [agent] configuration_name to one of them."


class EndpointAccount(AgentError):
    """The endpoint runs as an account of its own, and that account cannot log on."""

    code = "endpoint-account"
    cause = "Its password was changed or has ended, or the account is locked or was deleted."
    remedy = (
        "On the agent: `Set-PSSessionConfiguration NAME -RunAsCredential ACCOUNT`, or take a group managed service "
        "account, whose password nobody has to know."
    )


class ShellQuota(AgentError):
    """The agent opens no further shell for this account: shells, processes, memory or operations are used up."""

    code = "shell-quota"
    cause = "Shells were left open, or others use the same account; WinRM counts shells, processes and memory."
    retry = True
    remedy = (
        "Close shells that nobody uses (`exo-bridge session show` lists ours), or raise the quota in "
        "WSMan:\\localhost\\Shell on the agent."
    )


class RunspaceBusy(AgentError):
    """Another client is connected to the named runspace."""

    code = "runspace-busy"
    cause = "There is one runspace of a name, and one client at a time can be connected to it."
    retry = True
    remedy = (
        "Wait until the other client is done, or give this one its own [agent] runspace_name. "
        "`exo-bridge session show` says since when the runspace is in use."
    )


class RunspaceLost(AgentError):
    """The runspace ended (idle timeout, reboot, killed) or the connection to it broke."""

    code = "runspace-lost"
    cause = "The agent was restarted, the runspace was idle too long, or the network was cut."
    retry = True
    remedy = (
        "Run the command again; a new runspace is opened when the old one is gone. "
        "If it breaks again, `exo-bridge doctor` says why."
    )


class AgentTimeout(AgentError):
    """The agent took the request and did not answer in time."""

    code = "agent-timeout"
    cause = "The agent is overloaded, or something between swallowed the answer."
    retry = True
    remedy = "Look at the load of the agent server; [agent] operation_timeout and read_timeout say how long to wait."


class RequestTooLarge(AgentError):
    """What was sent, or is to be answered, is larger than the agent takes."""

    code = "agent-request-too-large"
    cause = "A script, a value or a file is larger than the agent's MaxEnvelopeSizekb."
    remedy = "On the agent: `Set-Item WSMan:\\localhost\\MaxEnvelopeSizekb 8192`, or send less at once."


class DeadlinePassed(AgentError):
    """The time that the caller gave for all of it is up; a call that was running was stopped."""

    code = "deadline"
    cause = "Connecting, waiting for the runspace, or Exchange itself took longer than --deadline allows."
    remedy = "Give more time with --deadline, or look at what takes it: -vv shows how long each step took."


class ProtocolError(AgentError):
    """The answer is not WSMan: a proxy, another service on that port, or a damaged reply."""

    code = "agent-protocol"
    cause = "A proxy or another service answered in WinRM's place, or an answer was damaged on its way."
    retry = True
    remedy = "Check that [agent] port is WinRM's (5985 or 5986) and that no proxy stands between."


class ExchangeError(BridgeError):
    """The second hop failed: from the agent to Exchange Online."""

    code = "exchange"
    cause = "The module could not connect, and told an error of a kind that has no class of its own here."
    exit_code = 3
    remedy = "Try `Connect-ExchangeOnline` by hand on the agent, as the account of the runspace."


class ModuleMissing(ExchangeError):
    """The module ExchangeOnlineManagement is not installed for the runspace's PowerShell."""

    code = "module-missing"
    cause = "It was never installed there, or only for another user or another PowerShell."
    remedy = "On the agent, as administrator: `Install-Module ExchangeOnlineManagement -Scope AllUsers`."


class EntraUnreachable(ExchangeError):
    """No token could be fetched: Entra ID cannot be reached, is busy, or something else answered in its place."""

    code = "entra-unreachable"
    cause = "A firewall or a proxy stands between, or Entra ID has an incident."
    retry = True
    remedy = (
        "Check that this machine may reach login.microsoftonline.com, directly or by HTTPS_PROXY, and [exchange] "
        "authority if it is set."
    )


class ExchangeLogonRefused(ExchangeError):
    """Entra ID or Exchange Online refused the log-on."""

    code = "exchange-logon-refused"
    cause = (
        "The certificate, secret or password is wrong or has ended, or the application lacks its permission or role."
    )
    remedy = (
        "Check [exchange]: the application id, its certificate or secret and their end dates, the organization, and "
        "that the application has Exchange.ManageAsApp and an Exchange role."
    )


class LogonKindGone(ExchangeError):
    """The module on the agent no longer has the parameter -Credential."""

    code = "logon-kind-gone"
    cause = "Microsoft took the log-on with user and password out of the module."
    remedy = (
        "The module on the agent no longer takes user and password. "
        "Use a certificate (app_id, certificate_thumbprint) or an app secret in [exchange]."
    )


class EndpointWithoutScripts(ExchangeError):
    """The endpoint runs commands only, no scripts."""

    code = "endpoint-without-scripts"
    cause = "It is in no-language mode, which is what JEA endpoints are for."
    remedy = (
        "This endpoint runs no scripts (a JEA endpoint in no-language mode). Set [agent] jea = true where it was made "
        "by `exo-bridge session jea-files`; else set configuration_name to one with full language: "
        "Microsoft.PowerShell, PowerShell.7 or your own."
    )


class InstalledScriptsDiffer(ExchangeError):
    """The JEA endpoint has other scripts than this client, or none of them. Nothing was run."""

    code = "installed-scripts-differ"
    cause = "exo-bridge was updated here and not there, or the endpoint is not the one meant."
    remedy = (
        "Run `exo-bridge session jea-files` with these settings, and install the files on the agent; check [agent] "
        "configuration_name, and jea = false where the endpoint runs scripts."
    )


class WrongOrganization(ExchangeError):
    """Exchange is connected, but not to the organization in the settings."""

    code = "wrong-organization"
    cause = "The runspace is shared with other settings, or the application belongs to another organization."
    remedy = "Check [exchange] organization; the application must be registered in that organization."


class ActionFailed(BridgeError):
    """An action was tried and failed. Raised only by a caller who asked for exceptions."""

    outcome: Outcome | None = None
    code = "action-failed"
    cause = "The outcome says why."


class OutcomeUnknown(BridgeError):
    """A change was sent and its answer was lost: it may or may not have been made."""

    outcome: Outcome | None = None
    code = "outcome-unknown"
    cause = "The connection broke, or Exchange did not answer, after the change was sent."
    exit_code = 4
    remedy = "Look at the object in Exchange before doing anything again; the log names it."


class SecretFound(BridgeError):
    """What was to be given to somebody else holds a secret, and was not written."""

    code = "secret-found"
    cause = "A secret of the settings stands in a log or a journal in a form that is not hidden there."
    remedy = "Change that secret, and report this with the name of the file; send nothing by hand."


class Interrupted(BridgeError):
    """Stopped by a person or the system, after the running call was stopped or handed over.

    ``reply`` is what the running pipeline answered all the same, or None when that is not known. ``outcomes`` are those
    of the calls until then, the interrupted one last. ``at_once`` says that it came twice, and nothing was waited for.
    """

    code = "interrupted"
    cause = "Ctrl-C, or the system asked the process to end."
    exit_code = 130
    remedy = "Run it again when you are ready; what was done before the stop is told above, if anything was."

    def __init__(
        self, message: str, *, remedy: str | None = None, reply: Reply | None = None, at_once: bool = False
    ) -> None:
        super().__init__(message, remedy=remedy)
        self.reply = reply
        self.at_once = at_once
        self.outcomes: list[Outcome] = []
