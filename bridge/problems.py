"""Problems that have no class in ``errors.py``: what a script, Exchange, or the verdict on a call says.

Each has a stable code, a sentence, its cause, what to do, and whether a retry can help. Which error type or id means
which of them stands in ``meaning.py``; there the remedy may be one of its own. ``catalogue.py`` collects them.
"""

from __future__ import annotations

from dataclasses import dataclass

from bridge.errors import (
    BridgeError,
    EndpointWithoutScripts,
    EntraUnreachable,
    ExchangeLogonRefused,
    ModuleMissing,
    WrongOrganization,
)


@dataclass(frozen=True)
class Meaning:
    """What is said about a problem of a known kind.

    Its stable code, a sentence, its cause, what to do, whether a retry can help, and whether it means that Exchange's
    answer was lost: a change may then have been made.
    """

    code: str
    sentence: str
    cause: str
    remedy: str
    retry: bool = False
    answer_lost: bool = False


def _of_class(kind: type[BridgeError]) -> Meaning:
    """The problem that has a class too."""
    return Meaning(kind.code, kind.sentence(), kind.cause, kind.remedy, retry=kind.retry)


MODULE_MISSING = _of_class(ModuleMissing)
LOGON_REFUSED = _of_class(ExchangeLogonRefused)
ENTRA_UNREACHABLE = _of_class(EntraUnreachable)
WITHOUT_SCRIPTS = _of_class(EndpointWithoutScripts)
WRONG_ORGANIZATION = _of_class(WrongOrganization)

# About the object

NOT_FOUND = Meaning(
    "object-not-found",
    "There is no such object in the organization.",
    "The name is not spelled as in Exchange, the object was deleted, or it is so new that not every server of Exchange "
    "has it.",
    "Check the spelling. A new object can take a minute to be visible in Exchange.",
)
AMBIGUOUS = Meaning(
    "object-ambiguous",
    "Several objects have this name.",
    "Display names, names and aliases need not be unique, and a change of the wrong object is worse than none.",
    "Name it by its address or its id; the message lists the candidates.",
)
EXISTS = Meaning(
    "object-exists",
    "An object of this name or address is there already.",
    "Another object has it, perhaps one that a person made or one that was made for something else.",
    "Take another name and address.",
)
ADDRESS_IN_USE = Meaning(
    "address-in-use",
    "Another recipient already has this address.",
    "An address belongs to one recipient of the organization, deleted ones that can still be restored included.",
    "Take another address, or remove it from the other recipient; the message names it.",
)
DOMAIN = Meaning(
    "domain-not-accepted",
    "The address is in a domain that is not the organization's.",
    "Exchange gives addresses only in the accepted domains.",
    "Take an address in one of the organization's domains; `Get-AcceptedDomain` lists them.",
)
INVALID = Meaning(
    "invalid-value",
    "Exchange or PowerShell does not accept a value.",
    "The value has the wrong form, is too long, or does not go together with another one.",
    "Correct the value; the message says which one it is.",
)
REFUSED = Meaning(
    "refused",
    "Exchange refuses this change on this object.",
    "The kind or the state of the object does not allow it, a license sets a limit, or it is outside the write scope "
    "of the application's role.",
    "The message says why; change that first, or leave this object out.",
)
NO_HOLDER = Meaning(
    "cannot-hold-rights",
    "This object cannot hold rights on a folder.",
    "It is no security principal, such as a distribution group or a contact.",
    "Name a user with an address or a mail-enabled security group; only these can hold rights on a folder.",
)
HAS_PERMISSION = Meaning(
    "already-permitted",
    "The folder has an entry for this user already.",
    "Somebody else has set it since the script read the folder.",
    "Run it again; it then sees the entry.",
    retry=True,
)
NO_PERMISSION = Meaning(
    "no-permission-entry",
    "The folder has no entry for this user.",
    "Somebody else has removed it since the script read the folder.",
    "Run it again; it then sees that there is none.",
    retry=True,
)
MEMBER = Meaning(
    "already-a-member",
    "It is a member of the group already.",
    "Somebody else has added it since the script read the group.",
    "Nothing is to be done.",
)
NO_MEMBER = Meaning(
    "not-a-member",
    "It is no member of the group.",
    "Somebody else has removed it since the script read the group.",
    "Nothing is to be done.",
)
SYNCHRONIZED = Meaning(
    "synchronized-from-on-premises",
    "The object is synchronised from an on-premises directory, and is changed there.",
    "Exchange Online takes no changes of what the on-premises directory is the source of.",
    "Change it in the on-premises directory; the next synchronisation brings it to Exchange Online.",
)
NOT_WRITABLE = Meaning(
    "not-writable",
    "The object is managed elsewhere.",
    "It is of a kind that Exchange shows and another service changes, such as a Microsoft 365 group.",
    "Change it where it is managed; the message says where.",
)

# About rights

CMDLET = Meaning(
    "cmdlet-not-granted",
    "A cmdlet is not there for the application.",
    "None of the application's Exchange roles holds it, or a role was given less than an hour ago.",
    "Give the application an Exchange role that holds this cmdlet (for example Exchange Recipient Administrator).",
)
PARAMETER = Meaning(
    "parameter-not-granted",
    "A parameter of a cmdlet is not there for the application.",
    "None of the application's Exchange roles holds it, or the module on the agent is too old to know it.",
    "Give the application an Exchange role that holds this parameter; "
    "`Get-ManagementRoleEntry *\\CMDLET` shows which roles do.",
)
DENIED = Meaning(
    "access-denied",
    "Exchange does not allow this.",
    "The application's role does not reach this object or change, or a role was given less than an hour ago.",
    "Give the application an Exchange role whose scope holds the object; a new role takes up to an hour.",
)
NOT_MANAGER = Meaning(
    "not-group-manager",
    "Only a manager of the group may make this change.",
    "Nobody's role of the application may bypass the managers of a group.",
    "Give the application a role that may bypass a group's managers (Organization Management).",
)
DEHYDRATED = Meaning(
    "organization-not-customized",
    "The organization does not take this command yet.",
    "A new organization shares Microsoft's settings until it is told to have its own.",
    "Run `Enable-OrganizationCustomization` once in this organization.",
)
LICENSE = Meaning(
    "license-missing",
    "The mailbox has no license for this.",
    "The plan of the license does not hold the feature, or no license was assigned.",
    "Assign a license that holds the feature; the message says what Exchange found.",
)

# About Exchange's service

THROTTLED = Meaning(
    "throttled",
    "Exchange took too many calls.",
    "The application, or all that run in the organization, used up the budget that Exchange gives for a time.",
    "Wait a few minutes, then run it again; send fewer changes at once.",
    retry=True,
)
BUSY = Meaning(
    "exchange-busy",
    "Exchange could not do it for the moment.",
    "A server or a directory of Exchange is overloaded, or is just being moved.",
    "Run it again in a few minutes.",
    retry=True,
)
ANSWER_LOST = Meaning(
    "exchange-answer-lost",
    "The agent got no answer from Exchange.",
    "The connection from the agent to Exchange broke, or the answer took too long; a proxy may stand between.",
    "Look at the agent's way to outlook.office365.com, then run it again.",
    retry=True,
    answer_lost=True,
)
CONNECTION_LOST = Meaning(
    "exchange-connection-lost",
    "Exchange is not connected any more.",
    "The token ended, or the module lost what it keeps of the connection.",
    "Run it again; the runspace connects to Exchange anew.",
    retry=True,
)
UNKNOWN = Meaning(
    "exchange-error",
    "Exchange or PowerShell told an error of a kind that is not in this catalogue.",
    "Unknown. Its type, id, category, position and request id are kept, in the log and with --json.",
    "The message is Exchange's own; error_type says which kind it is.",
)

# About the scripts

SCRIPT = Meaning(
    "script-error",
    "The script ended with an error of its own.",
    "It found something with which it cannot go on.",
    "The message says what the script found.",
)
SYNTAX = Meaning(
    "script-syntax",
    "A script is not PowerShell.",
    "It was damaged or edited, or is written for another PowerShell than the agent's.",
    "Correct the script; the message says where. Nothing of it was run.",
)
SCRIPT_CALL = Meaning(
    "script-call",
    "A script called a cmdlet in a way that PowerShell cannot make sense of.",
    "It is a mistake in an own script, or the application's role lacks a parameter by which the call is told apart.",
    "The message says which parameter; `Get-Command CMDLET -Syntax` in the runspace shows what the role leaves of it.",
)
EXECUTION_POLICY = Meaning(
    "execution-policy",
    "The agent's PowerShell may not load script files, and so not the module.",
    "Its execution policy is Restricted or AllSigned, set on the machine or by a group policy.",
    "On the agent, as administrator: `Set-ExecutionPolicy RemoteSigned -Scope LocalMachine`; `Get-ExecutionPolicy "
    "-List` shows what a group policy says.",
)
OUT_OF_MEMORY = Meaning(
    "out-of-memory",
    "The runspace has no memory left.",
    "The module keeps memory for each connection and each large result; the shell's quota is used up.",
    "Run it again in a new runspace (`exo-bridge session close`), or raise MaxMemoryPerShellMB in "
    "WSMan:\\localhost\\Shell on the agent.",
    retry=True,
    answer_lost=True,
)
CONFIRMATION = Meaning(
    "confirmation-asked",
    "A script asked, and nobody can answer.",
    "A cmdlet that changes something was called without -Confirm:$false, or one without a value that it must have.",
    "Give the cmdlet that changes something -Confirm:$false in the script.",
)
UNKNOWN_SCRIPT = Meaning(
    "script-unknown",
    "A batch was to run a script that was not sent with it.",
    "The scripts of a JEA endpoint are others than this client's, or this is a mistake in exo-bridge.",
    "On a JEA endpoint install the files of `exo-bridge session jea-files` again; else please report it.",
)
SCRIPT_RESULT = Meaning(
    "script-result",
    "A script ended without the one result that it owes.",
    "It is an own script that returns nothing, or more than one object, or not Status and Identity.",
    "Look at the object in Exchange, and at the script.",
)
NOT_MARKED = Meaning(
    "created-without-markers",
    "A new object was made, and its markers could not be set.",
    "The object could not yet be found by every server of Exchange.",
    "Run it again in a minute: the new object is found by its address, and gets its markers.",
)
NOTHING_TO_SET = Meaning(
    "nothing-to-set",
    "Nothing was named that is to be set.",
    "All options that say what to set were left out.",
    "Name at least one thing to set; `--help` lists them.",
)
ADDRESS_KEPT = Meaning(
    "address-kept",
    "This address cannot be removed.",
    "It is the primary one, or one that every mailbox of the organization must have.",
    "Choose another primary address with --primary; addresses in .onmicrosoft.com domains are left as they are.",
)
EMPTY_IDENTITY = Meaning(
    "empty-identity",
    "A name is empty.",
    "A cell of a file or an option holds nothing or blanks.",
    "Give a name, an address or an id; an empty one could mean all.",
)
RELEASE_NOT_CONFIRMED = Meaning(
    "release-not-confirmed",
    "A hold is not released without a word that it is meant.",
    "What a hold keeps can be deleted for good once it is released.",
    "Say with --confirm-release that it is meant.",
)

# The verdict on a call

ROWS_NOT_TAKEN = Meaning(
    "rows-not-taken",
    "The rows of a read could not be handed on.",
    "The file or program that takes them failed, such as a full disk.",
    "See the error of this run.",
)
NOT_SENT = Meaning(
    "not-sent",
    "The call was not sent.",
    "Agent or Exchange could not be reached any more after a call before.",
    "Do what the failure before needs, then run it again.",
    retry=True,
)
NOT_MADE = Meaning(
    "not-made",
    "The answer to a change was lost, and the change was found not to be made.",
    "The connection broke before Exchange had made it.",
    "Resume the run: it is sent again.",
    retry=True,
)
OBJECT_UNKNOWN = Meaning(
    "object-unknown",
    "Not sent, because nobody knows the state of its object.",
    "Another change of the same object in this run may or may not have been made.",
    "Look at the object in Exchange; then resume the run with --retry-failed.",
    retry=True,
)
ROWS_CONTRADICT = Meaning(
    "rows-contradict",
    "Two rows of a file want the opposite of each other, so neither is done.",
    "One grants what the other revokes, under other names for the same, or a group has exactly its members twice.",
    "Take out the row that is not meant, and plan again.",
)
PLAN_OUTDATED = Meaning(
    "plan-outdated",
    "Not sent, because the plan is not true any more.",
    "The object, what its name stands for, or the script was changed after the plan was made.",
    "Make a new plan for what is left.",
)
