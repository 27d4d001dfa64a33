"""What an error record of the remote pipeline means: which problem of ``problems.py`` it is.

Rules: errors are told apart by type, id or HTTP status, never by text, because Exchange translates its texts. A type
that is not in the tables gets the code ``exchange-error``, and everything that Exchange said is kept.
"""

from __future__ import annotations

import re
from dataclasses import replace
from http import HTTPStatus

from bridge import problems
from bridge.problems import Meaning

# By CategoryInfo.Reason or the last part of the exception's type name. Source: Microsoft's Exchange Online error
# records as collected in the connectors that run against it. docs/errors.md lists them for people.
MEANING_BY_TYPE: dict[str, Meaning] = {
    "ManagementObjectNotFoundException": problems.NOT_FOUND,
    "ADNoSuchObjectException": problems.NOT_FOUND,
    "UserNotFoundException": problems.NOT_FOUND,
    "MailboxNotFoundException": problems.NOT_FOUND,
    "RecipientNotFoundException": problems.NOT_FOUND,
    "ManagementObjectAmbiguousException": problems.AMBIGUOUS,
    "NonUniqueRecipientException": problems.AMBIGUOUS,
    "InvalidOperationInDehydratedContextException": problems.DEHYDRATED,
    "OperationRequiresGroupManagerException": problems.NOT_MANAGER,
    "RecipientTaskException": problems.INVALID,
    "UserAlreadyExistsInPermissionEntryException": problems.HAS_PERMISSION,
    "UserNotFoundInPermissionEntryException": problems.NO_PERMISSION,
    "NotAcceptedDomainException": problems.DOMAIN,
    "ProxyAddressExistsException": problems.ADDRESS_IN_USE,
    "WriteErrorException": problems.SCRIPT,
    "ADObjectAlreadyExistsException": problems.EXISTS,
    "InvalidExternalUserIdException": problems.NO_HOLDER,
    "InvalidInternalUserIdException": problems.NO_HOLDER,
    "MemberAlreadyExistsException": problems.MEMBER,
    "MemberNotFoundException": problems.NO_MEMBER,
    "ParameterBindingException": problems.PARAMETER,
    "CommandNotFoundException": problems.CMDLET,
    "ParseException": problems.SYNTAX,
    "IncompleteParseException": problems.SYNTAX,
    "InvalidCultureException": problems.INVALID,
    "CultureNotFoundException": problems.INVALID,
    "TimeZoneNotFoundException": problems.INVALID,
    "DataValidationException": problems.INVALID,
    "ADInvalidPropertyException": problems.INVALID,
    "ArgumentException": problems.INVALID,
    "ParameterBindingValidationException": problems.INVALID,
    "ParameterBindingArgumentTransformationException": problems.INVALID,
    "ParsingException": problems.INVALID,
    "InvalidOperationException": problems.REFUSED,
    "TaskInvalidOperationException": problems.REFUSED,
    "InvalidOperationOnDirSyncedObjectException": problems.SYNCHRONIZED,
    "InvalidADObjectOperationException": problems.SYNCHRONIZED,
    "CmdletAccessDeniedException": problems.DENIED,
    "UnauthorizedAccessException": problems.DENIED,
    "AuthorizationException": problems.DENIED,
    "ThrottlingException": problems.THROTTLED,
    "OverBudgetException": problems.THROTTLED,
    "TooManyRequestsException": problems.THROTTLED,
    "HostException": problems.CONFIRMATION,
    "PSInvalidOperationException": problems.CONFIRMATION,
    "PSSecurityException": problems.EXECUTION_POLICY,
    "OutOfMemoryException": problems.OUT_OF_MEMORY,
    "InsufficientMemoryException": problems.OUT_OF_MEMORY,
    "ADTransientException": problems.BUSY,
    "ADServerSettingsChangedException": problems.BUSY,
    "DCOverloadedException": problems.BUSY,
    "ServerBusyException": problems.BUSY,
    "ServerInMMException": problems.BUSY,
    "StorageTransientException": problems.BUSY,
    "SuitabilityDirectoryException": problems.BUSY,
    "DataSourceTransientException": problems.BUSY,
    "TransientException": problems.BUSY,
    "MapiExceptionNetworkError": problems.ANSWER_LOST,
    "RestClientException": problems.BUSY,
    "HttpRequestException": problems.ANSWER_LOST,
    "WebException": problems.ANSWER_LOST,
    "TaskCanceledException": problems.ANSWER_LOST,
    "TimeoutException": problems.ANSWER_LOST,
    "IOException": problems.ANSWER_LOST,
    "SocketException": problems.ANSWER_LOST,
    "DataServiceTransportException": problems.ANSWER_LOST,
    "CryptographicException": problems.LOGON_REFUSED,
    "MsalServiceException": problems.LOGON_REFUSED,
    "MsalClientException": problems.LOGON_REFUSED,
    "MsalUiRequiredException": problems.LOGON_REFUSED,
    "AADSTSException": problems.LOGON_REFUSED,
}

# By the first part of the error id: those that our own scripts give (Write-Error -ErrorId Bridge.<Name>), and those of
# PowerShell and the module that say more than their type.
MEANING_BY_ID: dict[str, Meaning] = {
    "Bridge.NotFound": problems.NOT_FOUND,
    "Bridge.Ambiguous": problems.AMBIGUOUS,
    "Bridge.SynchronizedFromOnPremises": problems.SYNCHRONIZED,
    "Bridge.NotWritable": problems.NOT_WRITABLE,
    "Bridge.NotGroupManager": replace(
        problems.NOT_MANAGER,
        remedy="Give the application a role that may bypass a group's managers (Organization Management, or Security "
        "Group Creation and Membership), or let an owner of the group do it.",
    ),
    "Bridge.Exists": replace(
        problems.EXISTS, remedy="Take another name and address, or the markers that the object has."
    ),
    "Bridge.NotMarked": problems.NOT_MARKED,
    "Bridge.NothingToSet": problems.NOTHING_TO_SET,
    "Bridge.InvalidAttribute": replace(
        problems.INVALID,
        remedy="`exo-bridge mailbox set --help` and docs/actions.md list the attributes and what they take.",
    ),
    "Bridge.InvalidAddress": replace(problems.INVALID, remedy="Give SMTP addresses, each either wanted or removed."),
    "Bridge.AddressKept": problems.ADDRESS_KEPT,
    "Bridge.EmptyIdentity": problems.EMPTY_IDENTITY,
    "Bridge.LicenseMissing": replace(
        problems.LICENSE,
        remedy="A litigation hold needs Exchange Online Plan 2 or Exchange Online Archiving; the message says what "
        "Exchange found.",
    ),
    "Bridge.ReleaseNotConfirmed": problems.RELEASE_NOT_CONFIRMED,
    "Modules_ModuleNotFound": problems.MODULE_MISSING,
    "Bridge.UnknownScript": problems.UNKNOWN_SCRIPT,
    "Bridge.NotAParameter": problems.SCRIPT_CALL,
    "NamedParameterNotFound": problems.PARAMETER,
    "AmbiguousParameter": problems.SCRIPT_CALL,
    "AmbiguousParameterSet": problems.SCRIPT_CALL,
    "MissingArgument": problems.SCRIPT_CALL,
    "MissingMandatoryParameter": problems.SCRIPT_CALL,
    "ParameterAlreadyBound": problems.SCRIPT_CALL,
    "PositionalParameterNotFound": problems.SCRIPT_CALL,
    "CannotConvertArgument": problems.INVALID,
    "CannotConvertArgumentNoMessage": problems.INVALID,
    "UnAuthorized": problems.CONNECTION_LOST,
    "HostFunctionNotImplemented": problems.CONFIRMATION,
    "ScriptsNotAllowed": problems.WITHOUT_SCRIPTS,
    "Bridge.WrongOrganization": problems.WRONG_ORGANIZATION,
    "Bridge.TokenRefused": problems.LOGON_REFUSED,
    "Bridge.EntraUnreachable": replace(
        problems.ENTRA_UNREACHABLE,
        remedy="The agent asks Entra ID for the token ([exchange] token_from): check that it may reach "
        "login.microsoftonline.com, or let this machine ask.",
    ),
    "Bridge.AuthorityInClear": replace(
        problems.LOGON_REFUSED, remedy="Set [exchange] authority to an address that begins with https://."
    ),
    "Bridge.PfxNotOpened": replace(
        problems.LOGON_REFUSED, remedy="Check [exchange] certificate_password, and that the file is a PFX (PKCS #12)."
    ),
    "Bridge.NoPrivateKey": replace(problems.LOGON_REFUSED, remedy="Export the certificate with its private key."),
    "Bridge.CertificateExpired": replace(
        problems.LOGON_REFUSED,
        remedy="Make a new certificate, upload it to the application in Entra ID, and send that.",
    ),
}

# By the name of an Exchange message's text. Source: the resource names of Exchange's tasks, as seen in its messages.
# The type can be another one: an ambiguous distinguished name has been seen as an object that was not found.
MEANING_BY_STRING_ID: dict[str, Meaning] = {
    "Ex6F9304": problems.NOT_FOUND,
    "Ex43C0AC": problems.NOT_FOUND,
    "Ex94914C": problems.NOT_FOUND,
    "Ex9E65A2": problems.AMBIGUOUS,
}

# By the HTTP status that a Get-EXO* cmdlet has in its message, where the answer names no type.
MEANING_BY_HTTP_STATUS: dict[int, Meaning] = {
    HTTPStatus.BAD_REQUEST: problems.INVALID,
    HTTPStatus.UNAUTHORIZED: problems.CONNECTION_LOST,
    HTTPStatus.FORBIDDEN: problems.DENIED,
    HTTPStatus.NOT_FOUND: problems.NOT_FOUND,
    HTTPStatus.REQUEST_TIMEOUT: problems.ANSWER_LOST,
    HTTPStatus.TOO_MANY_REQUESTS: problems.THROTTLED,
    HTTPStatus.INTERNAL_SERVER_ERROR: problems.BUSY,
    HTTPStatus.BAD_GATEWAY: problems.BUSY,
    HTTPStatus.SERVICE_UNAVAILABLE: problems.BUSY,
    HTTPStatus.GATEWAY_TIMEOUT: problems.ANSWER_LOST,
}

# Source: Microsoft, "Microsoft Entra authentication and authorization error codes".
REMEDY_BY_AADSTS = {
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


def meaning_of_record(
    *, error_id: str, error_types: tuple[str, ...], string_id: str = "", http_status: int = 0
) -> Meaning:
    """What an error record means.

    ``error_id`` is the record's FullyQualifiedErrorId; ``error_types`` are type names in the order of trust (the
    exception type named in an Exchange message, then CategoryInfo.Reason), with or without their namespace.
    ``string_id`` is the name of an Exchange message's text, ``http_status`` what Exchange answered a Get-EXO* cmdlet
    with. Always answers; an unknown type gets ``exchange-error``.
    """
    by_id = MEANING_BY_ID.get(error_id.split(",")[0]) or MEANING_BY_STRING_ID.get(string_id)
    if by_id:
        return by_id
    by_status = MEANING_BY_HTTP_STATUS.get(http_status)
    for place, name in enumerate(error_types):
        short = name.rsplit(".", 1)[-1]
        if short == "RestClientException" and by_status:
            return by_status
        # Exchange's module writes its errors too; the type that says so is nothing where there is another one.
        if short in MEANING_BY_TYPE and (place == 0 or short != "WriteErrorException"):
            return MEANING_BY_TYPE[short]
    return by_status or problems.UNKNOWN


def remedy_of_entra(text: str) -> str | None:
    """What to do about a refusal of Entra ID, by the first AADSTS number in its text; None without a known one."""
    code = _AADSTS.search(text)
    return REMEDY_BY_AADSTS.get(code[0]) if code else None
