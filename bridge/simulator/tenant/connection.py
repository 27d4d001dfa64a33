"""Logging on to a tenant, and the connection that this gives: the way on which cmdlets are called.

Rules:

- A call is checked in the order of the real thing: is there a connection, is the cmdlet imported, do its parameters
  exist and bind, is the token valid, is the caller throttled. Only then does the cmdlet run.
- The Get-EXO* cmdlets are in the module itself: they are always there, and Exchange refuses what the roles lack. All
  others exist only when they were asked for with -CommandName and are granted.
- A certificate or a password renews its token silently; an access token that was given ends when it ends.
- Every call makes one ``CmdletRecord``, refused or not. Secrets are masked in it.
"""

from __future__ import annotations

import fnmatch
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

from bridge.simulator.exchange_module.functions import OWN_COMMANDS, cmdlets, has_credential, inbuilt_commands
from bridge.simulator.tenant import errors
from bridge.simulator.tenant.cmdlets import CMDLETS
from bridge.simulator.tenant.invocation import Invocation
from bridge.simulator.tenant.parameters import bind, masked
from bridge.simulator.tenant.records import CmdletError, CmdletRecord, Reply

if TYPE_CHECKING:
    from bridge.simulator.tenant.tenant import Tenant

_CONNECT = "Connect-ExchangeOnline"
_SERVER = "AM0PR01MB0001"
_MSAL = "Microsoft.Identity.Client."


class ExchangeConnection:
    """One connection. ``id`` is its GUID, ``commands`` are the cmdlets that it has; ``log_on`` makes it."""

    def __init__(
        self,
        tenant: Tenant,
        commands: frozenset[str],
        information: Mapping[str, Any],
        token_expires: float | None,
    ) -> None:
        self.id = str(uuid.uuid4())
        self.commands = commands
        self._tenant = tenant
        self._information = information
        self._token_expires = token_expires
        self._renewed = tenant.clock()
        self._connected = True

    # --- cmdlets

    def invoke(self, cmdlet: str, parameters: Mapping[str, Any]) -> Reply:
        """Run one cmdlet; names in any case. Raises CmdletError, an error that ends the call.

        Errors after which the cmdlet went on are in the reply.
        """
        tenant = self._tenant
        with tenant.lock:
            name, hits, wait = cmdlet, False, 0.0
            try:
                name, bound = self._bind(cmdlet, parameters)
                hits = tenant.throttle.hits()
                if hits and tenant.throttle.kind == "error":
                    raise errors.throttled()
            except CmdletError as error:
                raise self._refuse(name, parameters, error) from None
            if hits:
                wait = tenant.throttle.seconds
                warning = tenant.throttle.warning
        if wait > 0:
            tenant.sleep(wait)
        with tenant.lock:
            reply = self._run(name, bound)
        if hits:
            reply.warnings.insert(0, warning)
        return reply

    def _bind(self, cmdlet: str, given: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        """The cmdlet and its parameters as they are documented, after every check that comes before it runs."""
        if not self._connected:
            raise errors.connection_lost(cmdlet)
        name = next((known for known in self.commands if known.lower() == cmdlet.lower()), None)
        if name is None:
            raise errors.command_not_found(cmdlet)
        inbuilt = name in inbuilt_commands()
        bound = bind(name, given, () if inbuilt else self._tenant.denied)
        if self._token_expires is not None and self._tenant.clock() >= self._token_expires:
            raise errors.unauthorized(name)
        if inbuilt and (self._tenant.is_denied(name) or any(self._tenant.is_denied(name, key) for key in bound)):
            raise errors.role_missing(name)
        return name, bound

    def _run(self, name: str, bound: dict[str, Any]) -> Reply:
        if bound.pop("WhatIf", False):
            return Reply()
        function = CMDLETS.get(name)
        call = Invocation(name, bound, self._tenant.directory)
        try:
            if function is None:
                raise errors.not_simulated(name)
            function(call)
        except CmdletError as error:
            raise self._refuse(name, bound, error, changed=call.changed) from None
        call.reply.errors = [self._stamped(error, name) for error in call.reply.errors]
        first = call.reply.errors[0].exception_type if call.reply.errors else None
        self._record(name, bound, changed=call.changed, error=first)
        return call.reply

    def _refuse(
        self, cmdlet: str, parameters: Mapping[str, Any], error: CmdletError, *, changed: bool = False
    ) -> CmdletError:
        self._record(cmdlet, parameters, changed=changed, error=error.exception_type)
        return self._stamped(error, cmdlet)

    def _stamped(self, error: CmdletError, cmdlet: str) -> CmdletError:
        """The record as the module writes it: with the id of the request, and the cmdlet as its activity."""
        stamped = error.copy()
        if not stamped.error_id:
            moment = formatdate(self._tenant.clock(), usegmt=True)
            stamped.error_id = f"[Server={_SERVER},RequestId={uuid.uuid4()},TimeStamp={moment}],Write-ErrorMessage"
        if not stamped.activity and not stamped.terminating:
            stamped.activity = cmdlet
        return stamped

    def _record(self, cmdlet: str, parameters: Mapping[str, Any], *, changed: bool, error: str | None) -> None:
        self._tenant.observe(CmdletRecord(self._tenant.clock(), cmdlet, masked(parameters), changed, error))

    # --- the connection itself

    def information(self) -> list[dict[str, Any]]:
        """The row of Get-ConnectionInformation; none after the disconnect."""
        if not self._connected:
            return []
        now = self._tenant.clock()
        expires = self._token_expires
        if expires is None:
            if now >= self._renewed + self._tenant.token_seconds:
                self._renewed = now
            expires = self._renewed + self._tenant.token_seconds
        return [
            {
                "ConnectionId": self.id,
                "State": "Connected",
                **self._information,
                "TokenExpiryTimeUTC": datetime.fromtimestamp(expires, UTC),
                "TokenStatus": "Active" if now < expires else "Expired",
                "ConnectionUsedForInbuiltCmdlets": True,
                "IsEopSession": False,
            }
        ]

    def disconnect(self) -> None:
        """End the connection. Once is enough, more does no harm."""
        with self._tenant.lock:
            if self._connected:
                self._connected = False
                self._record("Disconnect-ExchangeOnline", {}, changed=False, error=None)


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
    organization = next(
        (_text(given, name) for name in ("DelegatedOrganization", "Organization") if given.get(name)), ""
    )
    if organization and organization.lower() not in tenant.organization.names:
        raise _refused(f"AADSTS90002: Tenant '{organization}' not found. Check that it is the right tenant name.")
    expires: float | None = None
    by_certificate = bool(given.get("CertificateThumbprint"))
    if by_certificate:
        _check_certificate(tenant, given, organization)
    elif given.get("AccessToken"):
        expires = tenant.token_expires(_text(given, "AccessToken"))
        if expires is None or tenant.clock() >= expires:
            raise errors.logon_refused("UnAuthorized", "System.UnauthorizedAccessException")
    elif given.get("Credential"):
        _check_password(tenant, given["Credential"])
    else:
        raise errors.logon_refused(
            "A window handle must be configured. See https://aka.ms/msal-net-wam#parent-window-handles",
            f"{_MSAL}MsalClientException",
        )
    information = {
        "Name": "ExchangeOnline_1",
        "UserPrincipalName": _text(given, "UserPrincipalName") or _user(given.get("Credential")),
        "ConnectionUri": "https://outlook.office365.com",
        "AzureAdAuthorizationEndpointUri": "https://login.microsoftonline.com/organizations",
        "CertificateAuthentication": by_certificate,
        "Organization": organization or tenant.organization.name,
        "DelegatedOrganization": _text(given, "DelegatedOrganization"),
        "AppId": _text(given, "AppId"),
        "PageSize": given.get("PageSize", 1000),
        "TenantID": tenant.organization.tenant_id,
        "ModulePrefix": _text(given, "Prefix"),
    }
    return ExchangeConnection(tenant, _commands(tenant, given.get("CommandName")), information, expires)


def _check_certificate(tenant: Tenant, given: Mapping[str, Any], organization: str) -> None:
    app_id, thumbprint = _text(given, "AppId"), _text(given, "CertificateThumbprint")
    if not app_id or not organization:
        raise errors.logon_refused(
            "AppId and Organization have to be given with a certificate.", "System.ArgumentException"
        )
    if app_id.lower() != tenant.logon.app_id.lower():
        raise _refused(
            f"AADSTS700016: Application with identifier '{app_id}' was not found in the directory '{organization}'."
        )
    if not tenant.logon.has_certificate(app_id, thumbprint):
        raise _refused(
            "AADSTS700027: The certificate with identifier used to sign the client assertion is not registered on "
            f"application. [Reason - The key was not found., Thumbprint of key used by client: '{thumbprint.upper()}']"
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


def _commands(tenant: Tenant, asked: Any) -> frozenset[str]:
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
        and any(fnmatch.fnmatchcase(name.lower(), pattern) for pattern in patterns)
    )
    return frozenset((*imported, *inbuilt))


def _text(given: Mapping[str, Any], name: str) -> str:
    value = given.get(name)
    return "" if value is None else str(value)


def _user(credential: Any) -> str:
    return str(credential.get("UserName", "")) if isinstance(credential, Mapping) else ""
