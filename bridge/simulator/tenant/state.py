"""What a tenant file holds, as data: the organization, its log-on, how it behaves, its accounts and groups.

Two tenants are equal when their states are. Nothing here changes except ``Throttle``, so a state keeps a copy of that.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

from bridge.simulator.tenant.objects import Account, Group
from bridge.simulator.tenant.throttle import Throttle

TOKEN_SECONDS = 3600.0


@dataclass(frozen=True, kw_only=True)
class Organization:
    """``name`` is the organization's .onmicrosoft.com domain, ``domains`` are its other accepted domains."""

    name: str
    tenant_id: str
    domains: tuple[str, ...] = ()

    @property
    def names(self) -> frozenset[str]:
        """What -Organization may call it, lower case."""
        return frozenset(name.lower() for name in (self.name, self.tenant_id, *self.domains))


@dataclass(frozen=True, kw_only=True)
class Logon:
    """Who may log on. What is empty cannot be used: nobody logs on with an empty secret."""

    app_id: str = ""
    certificate_thumbprint: str = ""
    client_secret: str = field(default="", repr=False)
    user: str = ""
    password: str = field(default="", repr=False)

    def has_secret(self, app_id: str, client_secret: str) -> bool:
        """Whether the application has this secret."""
        return _same(app_id.lower(), self.app_id.lower()) and _same(client_secret, self.client_secret)

    def has_certificate(self, app_id: str, thumbprint: str) -> bool:
        """Whether the application has the certificate with this thumbprint (SHA-1, hex in any case)."""
        return _same(app_id.lower(), self.app_id.lower()) and _same(
            thumbprint.lower(), self.certificate_thumbprint.lower()
        )

    def has_password(self, user: str, password: str) -> bool:
        """Whether the user has this password."""
        return _same(user.lower(), self.user.lower()) and _same(password, self.password)


@dataclass(frozen=True, kw_only=True)
class Behaviour:
    """How the service and the agent's module behave.

    ``denied`` names what the roles do not grant, ``Cmdlet`` or ``Cmdlet:Parameter``. ``visibility_delay`` and
    ``token_seconds`` (how long a token lasts) are seconds. ``module_version`` is that of ExchangeOnlineManagement.
    """

    denied: tuple[str, ...] = ()
    visibility_delay: float = 0.0
    token_seconds: float = TOKEN_SECONDS
    module_installed: bool = True
    module_version: str = "3.9.2"
    throttle: Throttle = field(default_factory=Throttle)


@dataclass(frozen=True, kw_only=True)
class TenantState:
    """The whole tenant at one moment."""

    organization: Organization
    logon: Logon = Logon()
    behaviour: Behaviour = field(default_factory=Behaviour)
    accounts: tuple[Account, ...] = ()
    groups: tuple[Group, ...] = ()


def _same(given: str, expected: str) -> bool:
    """Whether it is what is expected; nothing is the same as an empty one."""
    return bool(expected) and secrets.compare_digest(given.encode("utf-8", "replace"), expected.encode())
