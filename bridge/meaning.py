"""What an error record of the remote pipeline means: a stable code, what to do, whether a retry can help.

Rules: errors are told apart by type or id, never by text, because Exchange translates its texts. A type that is not in
the table gets the code ``exchange-error``, and everything that Exchange said is kept.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bridge.errors import (
    EndpointWithoutScripts,
    EntraUnreachable,
    ExchangeLogonRefused,
    ModuleMissing,
    WrongOrganization,
)


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
_NO_HOLDER = Meaning(
    "cannot-hold-rights", "Only users with an address and mail-enabled security groups can hold rights on a folder."
)
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
    "NotAcceptedDomainException": Meaning(
        "domain-not-accepted", "Take an address in one of the organization's domains; `Get-AcceptedDomain` lists them."
    ),
    "ProxyAddressExistsException": Meaning("address-in-use", "Another recipient already has this address."),
    "WriteErrorException": Meaning("script", "The message says what the script found."),
    "ADObjectAlreadyExistsException": Meaning("object-exists", "An object of this name already exists."),
    "InvalidExternalUserIdException": _NO_HOLDER,
    "InvalidInternalUserIdException": _NO_HOLDER,
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
    "CryptographicException": _LOGON,
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
    "Bridge.NotGroupManager": Meaning(
        "not-group-manager",
        "Give the application a role that may bypass a group's managers (Organization Management, or Security Group "
        "Creation and Membership), or let an owner of the group do it.",
    ),
    "Bridge.Exists": Meaning("object-exists", "Take another name and address, or the markers that the object has."),
    "Bridge.NotMarked": Meaning(
        "created-without-markers",
        "Run it again in a minute: the new object is found by its address, and gets its markers.",
    ),
    "Bridge.NothingToSet": Meaning("nothing-to-set", "Name at least one thing to set; `--help` lists them."),
    "Bridge.InvalidAttribute": Meaning(
        "invalid-value", "`exo-bridge mailbox set --help` and docs/actions.md list the attributes and what they take."
    ),
    "Bridge.InvalidAddress": Meaning("invalid-value", "Give SMTP addresses, each either wanted or removed."),
    "Bridge.AddressKept": Meaning(
        "address-kept",
        "Choose another primary address with --primary; addresses in .onmicrosoft.com domains are left as they are.",
    ),
    "Bridge.EmptyIdentity": Meaning("empty-identity", "Give a name, an address or an id; an empty one could mean all."),
    "Bridge.LicenseMissing": Meaning(
        "license-missing",
        "A litigation hold needs Exchange Online Plan 2 or Exchange Online Archiving; the message says what Exchange "
        "found.",
    ),
    "Bridge.ReleaseNotConfirmed": Meaning("release-not-confirmed", "Say with --confirm-release that it is meant."),
    "Modules_ModuleNotFound": Meaning("module-missing", ModuleMissing.remedy),
    "UnAuthorized": _CONNECTION,
    "HostFunctionNotImplemented": Meaning(
        "confirmation-asked", "The script asks, and nobody can answer: its changing cmdlet needs -Confirm:$false."
    ),
    "ScriptsNotAllowed": Meaning(EndpointWithoutScripts.code, EndpointWithoutScripts.remedy),
    "Bridge.WrongOrganization": Meaning("wrong-organization", WrongOrganization.remedy),
    "Bridge.TokenRefused": _LOGON,
    "Bridge.EntraUnreachable": Meaning(
        EntraUnreachable.code,
        "The agent asks Entra ID for the token ([exchange] token_from): check that it may reach "
        "login.microsoftonline.com, or let this machine ask.",
        retry=True,
    ),
    "Bridge.PfxNotOpened": Meaning(
        ExchangeLogonRefused.code, "Check [exchange] certificate_password, and that the file is a PFX (PKCS #12)."
    ),
    "Bridge.NoPrivateKey": Meaning(ExchangeLogonRefused.code, "Export the certificate with its private key."),
    "Bridge.CertificateExpired": Meaning(
        ExchangeLogonRefused.code, "Make a new certificate, upload it to the application in Entra ID, and send that."
    ),
}

# Source: Microsoft, "Microsoft Entra authentication and authorization error codes".
_REMEDY_BY_AADSTS = {
    "AADSTS50034": "[exchange] user is not an account of that directory.",
    "AADSTS50053": "The account is locked in Entra ID; wait, or unlock it.",
    "AADSTS50055": "The password of [exchange] user has ended; set a new one.",
    "AADSTS50057": "The account of [exchange] user is disabled in Entra ID.",
    "AADSTS50076": "The account needs a second factor, which nobody can give here; log on as an application.",
    "AADSTS50126": "[exchange] user or password is not right.",
    "AADSTS53003": "A conditional access policy of the organization forbids this log-on.",
    "AADSTS700016": "[exchange] app_id is unknown in that directory; check app_id, organization and tenant_id.",
    "AADSTS700024": "The agent's clock is wrong: what it signs is not valid now.",
    "AADSTS700027": "The application has no such certificate, or it has ended: upload the public part of a valid one "
    "to the application in Entra ID, and check which one [exchange] names.",
    "AADSTS7000112": "The application is disabled in Entra ID.",
    "AADSTS7000215": "[exchange] client_secret is not right: it is the secret's value, not its id.",
    "AADSTS7000222": "The client secret has ended; make a new one in Entra ID and set [exchange] client_secret.",
    "AADSTS7000229": "The application is not there in the customer's directory; consent to it there.",
    "AADSTS90002": "There is no such directory; check [exchange] organization, delegated_organization and tenant_id.",
}
_AADSTS = re.compile(r"AADSTS\d+")

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


def remedy_of_entra(text: str) -> str | None:
    """What to do about a refusal of Entra ID, by the first AADSTS number in its text; None without a known one."""
    code = _AADSTS.search(text)
    return _REMEDY_BY_AADSTS.get(code[0]) if code else None
