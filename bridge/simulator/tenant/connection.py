"""A connection to a tenant: the way on which cmdlets are called.

Rules:

- A call is checked in the order of the real thing: is there a connection, is the cmdlet imported, do its parameters
  exist and bind, is the token valid, is the caller throttled. Only then does the cmdlet run.
- The Get-EXO* cmdlets are in the module itself: they are always there, and Exchange refuses what the roles lack. All
  others exist only when they were asked for with -CommandName and are granted.
- An access token that was given ends when it ends; every other log-on renews its token silently.
- Every call makes one ``CmdletRecord``, refused or not. Secrets are masked in it.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

from bridge.simulator.exchange_module.functions import inbuilt_commands
from bridge.simulator.tenant import errors
from bridge.simulator.tenant.cmdlets import CMDLETS
from bridge.simulator.tenant.invocation import Invocation
from bridge.simulator.tenant.parameters import bind, masked
from bridge.simulator.tenant.records import CmdletError, CmdletRecord, Reply

if TYPE_CHECKING:
    from bridge.simulator.tenant.tenant import Tenant

_SERVER = "AM0PR01MB0001"


class ExchangeConnection:
    """One connection. ``id`` is its GUID, ``commands`` are the cmdlets that it has; ``logon.log_on`` makes it.

    ``lacking`` is what the caller's role groups do not grant, ``Cmdlet`` or ``Cmdlet:Parameter``.
    """

    def __init__(
        self,
        tenant: Tenant,
        commands: frozenset[str],
        information: Mapping[str, Any],
        token_expires: float | None,
        lacking: frozenset[str] = frozenset(),
    ) -> None:
        self.id = str(uuid.uuid4())
        self.commands = commands
        self._tenant = tenant
        self._lacking = lacking
        self._information = information
        self._token_expires = token_expires
        self._renewed = tenant.clock()
        self._connected = True

    @property
    def denied(self) -> frozenset[str]:
        """What the roles do not grant this caller now, ``Cmdlet`` or ``Cmdlet:Parameter``."""
        return self._lacking | self._tenant.denied

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
        bound = bind(name, given, () if inbuilt else self.denied)
        if self._token_expires is not None and self._tenant.clock() >= self._token_expires:
            raise errors.unauthorized(name)
        if inbuilt and self._is_denied(name, bound):
            raise errors.role_missing(name)
        return name, bound

    def _is_denied(self, cmdlet: str, parameters: Iterable[str]) -> bool:
        tenant = self._tenant
        return (
            cmdlet in self._lacking
            or tenant.is_denied(cmdlet)
            or any(tenant.is_denied(cmdlet, name) for name in parameters)
        )

    def _run(self, name: str, bound: dict[str, Any]) -> Reply:
        if bound.pop("WhatIf", False):
            return Reply()
        function = CMDLETS.get(name)
        call = Invocation(name, bound, self._tenant.directory, roles=self._tenant.roles)
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
