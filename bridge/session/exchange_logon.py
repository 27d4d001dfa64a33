"""The log-on to Exchange from inside the runspace: what Connect-Bridge.ps1 is given, and what a refusal means.

Rules: a secret goes as a parameter of its own, encrypted by the session's key, and never in a script's text. What must
be there before the log-on (a token that the agent fetches, a certificate) is done by a script of its own. A refusal is
told apart by its type, its id or Entra ID's AADSTS number, and by the kind of log-on that was tried.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import SecretStr

from bridge import errors
from bridge.entra import access_token
from bridge.meaning import remedy_of_entra
from bridge.model import Reply
from bridge.outcomes import meaning_of
from bridge.settings import ExchangeSettings, Logon

CERTIFICATE_SCRIPT = "session/Import-BridgeCertificate.ps1"
TOKEN_SCRIPT = "session/Get-BridgeToken.ps1"  # noqa: S105 - a script's name

RunScript = Callable[[str, Mapping[str, Any]], Reply]

# .NET's SecureString holds no more. Source: Microsoft, "SecureString.AppendChar".
_LONGEST_SECRET = 65_536
_SETUP_ERRORS: dict[str, type[errors.ExchangeError]] = {
    "module-missing": errors.ModuleMissing,
    "wrong-organization": errors.WrongOrganization,
    "exchange-logon-refused": errors.ExchangeLogonRefused,
    "access-denied": errors.ExchangeLogonRefused,
    "endpoint-without-scripts": errors.EndpointWithoutScripts,
    "entra-unreachable": errors.EntraUnreachable,
}
_NO_PERMISSION = (
    "Give the application the permission Exchange.ManageAsApp (of Office 365 Exchange Online, with admin consent; "
    "Exchange.ManageAsAppV2 is not enough) and an Entra role such as Exchange Recipient Administrator."
)
_NO_IDENTITY = (
    "The agent must be a virtual machine in Azure that has the identity which [exchange] managed_identity_id names, or "
    "one of its own without that; Azure Arc is not enough."
)
_NOT_FOR_SIGNING = (
    "The key of the certificate cannot sign for Exchange, which takes no CNG key. Make the certificate anew with the "
    "provider 'Microsoft Enhanced RSA and AES Cryptographic Provider' and -KeySpec KeyExchange."
)
_KEY_NOT_READ = (
    "Let the agent's account read the private key (certlm.msc, Manage Private Keys). A key in the user's store is "
    "there only while the profile is loaded, and often not with NTLM or Kerberos: use the computer's store."
)
_FILE_NOT_READ = (
    "Check [exchange] certificate_password, and for a file on the agent that certificate_agent_file is there and the "
    "agent's account may read it; one on a file share it cannot reach."
)
_OLD = "The module on the agent does not know this kind of log-on: `Update-Module ExchangeOnlineManagement` there."


def logon_parameters(
    exchange: ExchangeSettings,
    cmdlets: tuple[str, ...],
    *,
    timeout: float,
    hide: Callable[[str], object],
    run: RunScript,
) -> dict[str, Any]:
    """The parameters of Connect-Bridge.ps1.

    ``timeout`` is in seconds, for a token that is fetched from here; ``hide`` is told of a token; ``run`` runs a script
    of the session in the runspace. Raises ExchangeError: a token or a certificate cannot be had.
    """
    parameters: dict[str, Any] = {
        "command_name": cmdlets,
        "organization": exchange.organization,
        "delegated_organization": exchange.delegated_organization,
        "environment": exchange.environment,
        "app_id": exchange.app_id,
    }
    match exchange.logon:
        case "certificate":
            parameters["certificate_thumbprint"] = exchange.certificate_thumbprint
        case "certificate-file" | "certificate-pfx":
            _import_certificate(exchange, run)
            parameters["imported_certificate"] = True
        case "app-secret":
            from_here = exchange.token_from == "here"  # noqa: S105 - a place, not a token
            token = access_token(exchange, timeout=timeout) if from_here else _agent_token(exchange, run)
            hide(token.get_secret_value())
            parameters["access_token"] = token
        case "managed-identity":
            parameters |= {"managed_identity": True, "app_id": exchange.managed_identity_id}
        case "password":
            parameters |= {"user_name": exchange.user, "password": exchange.password}
    return {name: value for name, value in parameters.items() if value}


def unused_scripts(exchange: ExchangeSettings) -> frozenset[str]:
    """The scripts of the session that no log-on with these settings runs: what an endpoint need not offer."""
    unused = {CERTIFICATE_SCRIPT} if exchange.logon not in ("certificate-file", "certificate-pfx") else set()
    if exchange.logon != "app-secret" or exchange.token_from != "agent":  # noqa: S105 - a place, not a token
        unused.add(TOKEN_SCRIPT)
    return frozenset(unused)


def setup_error(reply: Reply, logon: Logon) -> errors.BridgeError:
    """What it means that the runspace could not be set up; ``logon`` is the kind of log-on that was tried."""
    if not reply.errors:
        return errors.ExchangeError("The runspace could not be set up, and did not say why.")
    error = reply.errors[0]
    message = error.message.rstrip(".") + "."
    if error.error_id.startswith("NamedParameterNotFound"):
        return errors.LogonKindGone(message) if logon == "password" else errors.ExchangeError(message, remedy=_OLD)
    meaning = meaning_of(error)
    remedy = remedy_of_entra(message) or _remedy(error.reason, meaning.code, logon)
    kind = errors.ExchangeLogonRefused if remedy else _SETUP_ERRORS.get(meaning.code)
    if kind is None:
        return errors.ExchangeError(message, remedy=meaning.remedy)
    return kind(message, remedy=remedy or (meaning.remedy if kind.code == meaning.code else None))


def _remedy(reason: str, code: str, logon: Logon) -> str | None:
    """What to do about a refusal of the log-on of which only its type and the kind of log-on tell more."""
    if code in ("exchange-connection-lost", "access-denied") or reason == "RuntimeException":
        # UnAuthorized, or no module was formed: Entra ID knows the caller, and Exchange does not let it in.
        return _NO_PERMISSION
    if logon == "managed-identity" and code in ("exchange-error", "exchange-answer-lost"):
        return _NO_IDENTITY
    if logon in ("certificate", "certificate-file", "certificate-pfx"):
        if reason == "MsalClientException":
            return _NOT_FOR_SIGNING
        if reason == "CryptographicException":
            return _KEY_NOT_READ if logon == "certificate" else _FILE_NOT_READ
    return None


def _agent_token(exchange: ExchangeSettings, run: RunScript) -> SecretStr:
    """A token that the agent fetches. Raises ExchangeLogonRefused and EntraUnreachable."""
    reply = run(
        TOKEN_SCRIPT,
        {
            "authority": exchange.authority,
            "tenant": exchange.tenant_id or exchange.organization,
            "app_id": exchange.app_id,
            "client_secret": exchange.client_secret,
        },
    )
    if not reply.ok or not reply.output:
        raise setup_error(reply, exchange.logon)
    return SecretStr(str(reply.output[0].get("access_token") or ""))


def _import_certificate(exchange: ExchangeSettings, run: RunScript) -> None:
    """Have the certificate kept in the runspace. Raises ExchangeLogonRefused."""
    parameters: dict[str, Any] = {
        "file_path": exchange.certificate_agent_file,
        "password": exchange.certificate_password,
    }
    if exchange.logon == "certificate-pfx":
        parameters["pfx"] = _content(exchange)
    reply = run(CERTIFICATE_SCRIPT, {name: value for name, value in parameters.items() if value})
    if not reply.ok or not reply.output:
        raise setup_error(reply, exchange.logon)


def _content(exchange: ExchangeSettings) -> SecretStr:
    """The PFX as base64. Raises ExchangeLogonRefused: the file cannot be read, or is too large to be one."""
    file = exchange.certificate_pfx_file
    if file is None:
        text = "".join(exchange.certificate_pfx.get_secret_value().split())
    else:
        try:
            text = base64.b64encode(file.read_bytes()).decode("ascii")
        except OSError as error:
            raise errors.ExchangeLogonRefused(
                f"The PFX file {file} cannot be read: {error.strerror or error}.",
                remedy="The account that runs exo-bridge must be able to read [exchange] certificate_pfx_file.",
            ) from error
    if len(text) > _LONGEST_SECRET:
        raise errors.ExchangeLogonRefused(
            f"The PFX {file or 'in certificate_pfx'} is too large to be sent ({len(text)} characters as base64).",
            remedy="Export the certificate and its key alone, without the certificates of its CAs.",
        )
    return SecretStr(text)
