"""What a tenant file holds, as data: the organization, its log-on, how it behaves, its accounts and groups.

Two tenants are equal when their states are. Nothing here changes except ``Throttle``, so a state keeps a copy of that.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

from bridge.simulator.tenant.objects import Account, Group
from bridge.simulator.tenant.roles import CustomRole, RoleGroup, ServicePrincipal
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


PROVIDERS = ("CSP", "CNG")
PERMISSIONS = ("Exchange.ManageAsApp", "Exchange.ManageAsAppV2", "")


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """A certificate on the agent, and what is wrong with it.

    ``thumbprint`` is SHA-1 in hex. ``file`` is the path of its PFX, which ``password`` opens; without one it is in the
    store. ``provider`` keeps its key, and ``readable`` says whether the agent's account may read that. ``registered``
    says whether the application has it; ``days`` is how long one that is not ``expired`` lasts.
    """

    thumbprint: str
    file: str = ""
    password: str = field(default="", repr=False)
    provider: str = "CSP"
    readable: bool = True
    expired: bool = False
    days: int = 300
    registered: bool = True


@dataclass(frozen=True, kw_only=True)
class Logon:
    """Who may log on. What is empty cannot be used: nobody logs on with an empty secret.

    ``certificate_thumbprint`` is that of a good certificate in the store, ``certificates`` are others.
    ``managed_identity`` says whether the agent has an identity of its own, ``managed_identity_id`` is the client id of
    one that a user assigned. ``permission`` is what the application has of Exchange's, ``directory_role`` says whether
    it has a role in Entra ID; without one it may do what its role groups grant.
    """

    app_id: str = ""
    permission: str = PERMISSIONS[0]
    directory_role: bool = True
    certificate_thumbprint: str = ""
    certificates: tuple[Certificate, ...] = ()
    managed_identity: bool = False
    managed_identity_id: str = ""
    client_secret: str = field(default="", repr=False)
    user: str = ""
    password: str = field(default="", repr=False)

    def has_secret(self, app_id: str, client_secret: str) -> bool:
        """Whether the application has this secret."""
        return _same(app_id.lower(), self.app_id.lower()) and _same(client_secret, self.client_secret)

    def certificate(self, *, thumbprint: str = "", file: str = "") -> Certificate | None:
        """The certificate of a file on the agent, or with a thumbprint; both in any case."""
        for known in (Certificate(thumbprint=self.certificate_thumbprint), *self.certificates):
            found = _same(file.lower(), known.file.lower()) if file else False
            if found or (not file and _same(thumbprint.lower(), known.thumbprint.lower())):
                return known
        return None

    def has_identity(self, client_id: str) -> bool:
        """Whether the agent has the managed identity with this client id; its own where that is empty."""
        return _same(client_id.lower(), self.managed_identity_id.lower()) if client_id else self.managed_identity

    def has_password(self, user: str, password: str) -> bool:
        """Whether the user has this password."""
        return _same(user.lower(), self.user.lower()) and _same(password, self.password)


@dataclass(frozen=True, kw_only=True)
class Behaviour:
    """How the service and the agent's module behave.

    ``denied`` names what the roles do not grant, ``Cmdlet`` or ``Cmdlet:Parameter``. ``visibility_delay`` and
    ``token_seconds`` (how long a token lasts) are seconds. ``manager_bypass`` says whether Exchange lets the caller
    change groups that it does not manage. ``module_version`` is that of ExchangeOnlineManagement.
    """

    denied: tuple[str, ...] = ()
    visibility_delay: float = 0.0
    token_seconds: float = TOKEN_SECONDS
    manager_bypass: bool = True
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
    roles: tuple[CustomRole, ...] = ()
    role_groups: tuple[RoleGroup, ...] = ()
    service_principals: tuple[ServicePrincipal, ...] = ()


def _same(given: str, expected: str) -> bool:
    """Whether it is what is expected; nothing is the same as an empty one."""
    return bool(expected) and secrets.compare_digest(given.encode("utf-8", "replace"), expected.encode())
