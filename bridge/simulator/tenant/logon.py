"""Logging on to a tenant: what Connect-ExchangeOnline does and how it refuses.

Rules:

- What the agent has to have comes first (a file, a key that can be read, an identity), then the directory, the
  application, and at last what Exchange lets it do: the order in which the real ones notice.
- A certificate that the agent has no note of is one of its store that the application does not have.
- Every log-on makes one ``CmdletRecord``, refused or not. Secrets are masked in it.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bridge.simulator.exchange_module.functions import OWN_COMMANDS, cmdlets, has_credential, inbuilt_commands
from bridge.simulator.tenant import errors
from bridge.simulator.tenant.connection import ExchangeConnection
from bridge.simulator.tenant.parameters import bind, masked
from bridge.simulator.tenant.records import CmdletError, CmdletRecord
from bridge.simulator.tenant.state import PERMISSIONS, Certificate

if TYPE_CHECKING:
    from bridge.simulator.tenant.tenant import Tenant

_CONNECT = "Connect-ExchangeOnline"
_MSAL = "Microsoft.Identity.Client."
_CRYPTOGRAPHIC = "System.Security.Cryptography.CryptographicException"
_UNAUTHORIZED = "System.UnauthorizedAccessException"


def log_on(tenant: Tenant, parameters: Mapping[str, Any]) -> ExchangeConnection:
    """What Connect-ExchangeOnline does. Raises CmdletError when the log-on is refused. Both are recorded."""
    with tenant.lock:
        try:
            connection = _log_on(tenant, parameters)
        except CmdletError as error:
            refused = error.exception_type
            tenant.observe(CmdletRecord(tenant.clock(), _CONNECT, masked(parameters), changed=False, error=refused))
            raise
        tenant.observe(CmdletRecord(tenant.clock(), _CONNECT, masked(parameters), changed=False))
        return connection


def _log_on(tenant: Tenant, parameters: Mapping[str, Any]) -> ExchangeConnection:
    given = bind(_CONNECT, parameters, tenant.denied)
    if "Credential" in given and not has_credential(tenant.module_version):
        raise errors.parameter_not_found(_CONNECT, "Credential")
    expires: float | None = None
    by_certificate = any(given.get(name) for name in ("CertificateThumbprint", "CertificateFilePath", "Certificate"))
    if given.get("Credential"):
        # A user is of one organization, whatever -Organization says.
        _check_organization(tenant, _text(given, "DelegatedOrganization"))
        _check_password(tenant, given["Credential"])
    elif by_certificate or given.get("AccessToken") or given.get("ManagedIdentity"):
        expires = _check_application(tenant, given, by_certificate=by_certificate)
    else:
        raise errors.logon_refused(
            "A window handle must be configured. See https://aka.ms/msal-net-wam#parent-window-handles",
            f"{_MSAL}MsalClientException",
        )
    organization, delegated = _text(given, "Organization"), _text(given, "DelegatedOrganization")
    is_known = delegated or organization.lower() in tenant.organization.names
    information = {
        "Name": "ExchangeOnline_1",
        "UserPrincipalName": _text(given, "UserPrincipalName") or _user(given.get("Credential")),
        "ConnectionUri": "https://outlook.office365.com",
        "AzureAdAuthorizationEndpointUri": "https://login.microsoftonline.com/organizations",
        "CertificateAuthentication": by_certificate,
        "Organization": organization if is_known else tenant.organization.name,
        "DelegatedOrganization": delegated,
        "AppId": _text(given, "AppId"),
        "PageSize": given.get("PageSize", 1000),
        "TenantID": tenant.organization.tenant_id,
        "ModulePrefix": _text(given, "Prefix"),
    }
    lacking = _lacking(tenant, given)
    commands = _commands(tenant, given.get("CommandName"), lacking)
    return ExchangeConnection(tenant, commands, information, expires, lacking)


def _check_organization(tenant: Tenant, organization: str) -> None:
    if organization and organization.lower() not in tenant.organization.names:
        raise _refused(f"AADSTS90002: Tenant '{organization}' not found. Check that it is the right tenant name.")


def _check_application(tenant: Tenant, given: Mapping[str, Any], *, by_certificate: bool) -> float | None:
    """A log-on by certificate, access token or managed identity. When the token ends, if nobody renews it."""
    organization = _text(given, "DelegatedOrganization") or _text(given, "Organization")
    expires: float | None = None
    if by_certificate:
        certificate = _certificate(tenant, given)
        _check_organization(tenant, organization)
        _check_certificate(tenant, given, organization, certificate)
    elif given.get("AccessToken"):
        _check_organization(tenant, organization)
        expires = tenant.token_expires(_text(given, "AccessToken"))
        if expires is None or tenant.clock() >= expires:
            raise errors.logon_refused("UnAuthorized", _UNAUTHORIZED)
    else:
        _check_identity(tenant, given)
        _check_organization(tenant, organization)
    _check_permission(tenant, _application(tenant, given))
    return expires


def _certificate(tenant: Tenant, given: Mapping[str, Any]) -> Certificate | None:
    """The certificate that was given, opened as the module opens it; None for one that the agent has no note of.

    Source: observed messages of the module and of .NET; CryptographicException for what Windows refuses, and
    MsalClientException for a key that cannot sign (DLConversionV2 issue 141).
    """
    file = _text(given, "CertificateFilePath")
    if file:
        certificate = tenant.logon.certificate(file=file)
        if certificate is None:
            raise errors.logon_refused("The system cannot find the file specified.", _CRYPTOGRAPHIC)
        if certificate.password != _text(given, "CertificatePassword"):
            raise errors.logon_refused("The specified network password is not correct.", _CRYPTOGRAPHIC)
    else:
        sent = _text(given, "Certificate")
        certificate = tenant.logon.certificate(thumbprint=sent or _text(given, "CertificateThumbprint"))
        if certificate is None or sent:
            return certificate
    if not certificate.readable:
        raise errors.logon_refused("Keyset does not exist", _CRYPTOGRAPHIC)
    if certificate.provider == "CNG":
        raise errors.logon_refused(
            "Could not use the certificate for signing. See inner exception for details. Possible cause: this may be a "
            "known issue with apps build against .NET Desktop 4.6 or lower.",
            f"{_MSAL}MsalClientException",
        )
    return certificate


def _check_certificate(
    tenant: Tenant, given: Mapping[str, Any], organization: str, certificate: Certificate | None
) -> None:
    app_id = _text(given, "AppId")
    if not app_id or not organization:
        raise errors.logon_refused(
            "AppId and Organization have to be given with a certificate.", "System.ArgumentException"
        )
    if app_id.lower() != tenant.logon.app_id.lower():
        raise _refused(
            f"AADSTS700016: Application with identifier '{app_id}' was not found in the directory '{organization}'."
        )
    used = "AADSTS700027: The certificate with identifier used to sign the client assertion is"
    if certificate is None or not certificate.registered:
        shown = certificate.thumbprint if certificate else _text(given, "CertificateThumbprint")
        raise _refused(
            f"{used} not registered on application. [Reason - The key was not found., Thumbprint of key used by "
            f"client: '{shown.upper()}']"
        )
    if certificate.expired:
        raise _refused(f"{used} expired on application. [Reason - The key used is expired.]")


def _check_identity(tenant: Tenant, given: Mapping[str, Any]) -> None:
    """Source: office-docs-powershell issues 11440 and 11295 for what a machine without an identity says."""
    if not given.get("Organization"):
        raise errors.logon_refused(
            "Organization cannot be null for Managed Identity based connections.", "System.ArgumentException"
        )
    if not tenant.logon.has_identity(_text(given, "ManagedIdentityAccountId")):
        raise errors.logon_refused(
            "Failed to acquire managed identity token: System.Net.Http.HttpRequestException: A socket operation was "
            "attempted to an unreachable network. (169.254.169.254:80)",
            "System.Exception",
        )


def _check_permission(tenant: Tenant, app_id: str) -> None:
    """Source: One Identity KB 4381137 and Microsoft Q&A 5848699 for what an application without the permission gets."""
    logon = tenant.logon
    if not logon.permission:
        raise errors.logon_refused("UnAuthorized", _UNAUTHORIZED)
    if logon.permission != PERMISSIONS[0]:
        raise errors.logon_refused(
            "Module could not be correctly formed. Please run Connect-ExchangeOnline again.",
            "System.Management.Automation.RuntimeException",
        )
    if not logon.directory_role and not tenant.roles.of_application(app_id):
        raise errors.logon_refused(
            f"The role assigned to application {logon.app_id} isn't supported in this scenario.", _UNAUTHORIZED
        )


def _check_password(tenant: Tenant, credential: Any) -> None:
    password = str(credential.get("Password", "")) if isinstance(credential, Mapping) else ""
    if not tenant.logon.has_password(_user(credential), password):
        raise errors.logon_refused(
            "AADSTS50126: Error validating credentials due to invalid username or password.",
            f"{_MSAL}MsalUiRequiredException",
        )


def _refused(text: str) -> CmdletError:
    return errors.logon_refused(text, f"{_MSAL}MsalServiceException")


def _application(tenant: Tenant, given: Mapping[str, Any]) -> str:
    """The client id of the application that logs on; "" for the agent's own identity."""
    return _text(given, "ManagedIdentityAccountId") if given.get("ManagedIdentity") else tenant.logon.app_id


def _lacking(tenant: Tenant, given: Mapping[str, Any]) -> frozenset[str]:
    """What the caller's roles do not grant. A role in Entra ID grants all, and role groups only add to it."""
    if given.get("Credential") or tenant.logon.directory_role:
        return frozenset()
    return tenant.roles.lacking(_application(tenant, given))


def _commands(tenant: Tenant, asked: Any, lacking: frozenset[str]) -> frozenset[str]:
    """What a connection has: granted and asked for, and what is in the module itself."""
    names = asked if isinstance(asked, list | tuple) else [asked or "*"]
    patterns = [str(name).lower() for name in names] or ["*"]
    inbuilt = inbuilt_commands()
    imported = (
        name
        for name in cmdlets()
        if name not in OWN_COMMANDS
        and name not in inbuilt
        and not tenant.is_denied(name)
        and name not in lacking
        and any(fnmatch.fnmatchcase(name.lower(), pattern) for pattern in patterns)
    )
    return frozenset((*imported, *inbuilt))


def _text(given: Mapping[str, Any], name: str) -> str:
    value = given.get(name)
    return "" if value is None else str(value)


def _user(credential: Any) -> str:
    return str(credential.get("UserName", "")) if isinstance(credential, Mapping) else ""
