"""What an error record of the remote pipeline means: a stable code, what to do, whether a retry can help.

Rules: errors are told apart by type or id, never by text, because Exchange translates its texts. A type that is not in
the table gets the code ``exchange-error``, and everything that Exchange said is kept.
"""

from __future__ import annotations

from dataclasses import dataclass

from bridge.errors import EndpointWithoutScripts, ExchangeLogonRefused, LogonKindGone, ModuleMissing, WrongOrganization


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
