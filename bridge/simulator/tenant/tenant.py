"""The tenant: who may log on to it, what it grants, how it behaves, and who watches.

Rules: whoever invokes a cmdlet holds ``lock`` while it runs, so cmdlets run one after the other and observers see them
in that order. Attributes that say how the tenant behaves may be set at any time; the next call goes by them.
"""

from __future__ import annotations

import base64
import dataclasses
import importlib.resources
import json
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from bridge.simulator.tenant import files
from bridge.simulator.tenant.connection import ExchangeConnection
from bridge.simulator.tenant.directory import Directory
from bridge.simulator.tenant.logon import log_on
from bridge.simulator.tenant.objects import Account, Group
from bridge.simulator.tenant.records import CmdletRecord
from bridge.simulator.tenant.roles import Roles
from bridge.simulator.tenant.state import Behaviour, TenantState

_AUDIENCE = "https://outlook.office365.com"


class Tenant:
    """One organization of Exchange Online.

    ``state`` is what it holds at the start. ``clock`` gives seconds since the epoch, and ``sleep`` waits for some
    seconds (a throttled call). ``observers`` are called with the record of every cmdlet, also of refused ones, in the
    thread that invoked it; ``denied`` is what the roles do not grant (``Cmdlet`` or ``Cmdlet:Parameter``, in any case).
    """

    def __init__(
        self,
        state: TenantState,
        *,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.clock = clock
        self.sleep = sleep
        self.lock = threading.RLock()
        self.observers: list[Callable[[CmdletRecord], None]] = []
        self._tokens: dict[str, float] = {}
        self._restore(state)

    @classmethod
    def load(cls, path: Path | str) -> Tenant:
        """The tenant in a TOML or JSON file. Raises TenantFileError."""
        return cls(files.read(Path(path)))

    @classmethod
    def demo(cls) -> Tenant:
        """The small company contoso.example, new for each call."""
        name = "demo_tenant.toml"
        text = (importlib.resources.files("bridge.simulator") / name).read_text(encoding="utf-8")
        return cls(files.loads(text, name))

    def save(self, path: Path | str) -> None:
        """Write the tenant as it is now to a TOML or JSON file, whole or not at all.

        Raises TenantFileError (it cannot be written, or has another suffix).
        """
        files.write(Path(path), self.snapshot())

    # --- state

    def snapshot(self) -> TenantState:
        """The state now, to put back with ``restore`` or to compare."""
        with self.lock:
            return TenantState(
                organization=self.organization,
                logon=self.logon,
                behaviour=Behaviour(
                    denied=tuple(sorted(self.denied)),
                    visibility_delay=self.delay,
                    token_seconds=self.token_seconds,
                    manager_bypass=self.directory.manager_bypass,
                    module_installed=self.module_installed,
                    module_version=self.module_version,
                    throttle=dataclasses.replace(self.throttle),
                ),
                accounts=tuple(thing for thing in self.directory.objects() if isinstance(thing, Account)),
                groups=tuple(thing for thing in self.directory.objects() if isinstance(thing, Group)),
                roles=self.roles.custom,
                role_groups=self.roles.groups,
                service_principals=self.roles.principals,
            )

    def restore(self, snapshot: TenantState) -> None:
        """Put a state back. Connections and tokens stay; a change that was still spreading is forgotten."""
        with self.lock:
            self._restore(snapshot)

    def _restore(self, state: TenantState) -> None:
        self.organization = state.organization
        self.logon = state.logon
        self.directory = Directory(state.organization.name, lambda: self.clock(), state.organization.domains)
        for thing in (*state.accounts, *state.groups):
            self.directory.add(thing)
        self.roles = Roles(state.roles, state.role_groups, state.service_principals)
        behaviour = state.behaviour
        self.denied = set(behaviour.denied)
        self.delay = behaviour.visibility_delay
        self.token_seconds = behaviour.token_seconds
        self.directory.manager_bypass = behaviour.manager_bypass
        self.module_installed = behaviour.module_installed
        self.module_version = behaviour.module_version
        self.throttle = dataclasses.replace(behaviour.throttle)

    @property
    def delay(self) -> float:
        """Seconds until readers see a change."""
        return self.directory.delay

    @delay.setter
    def delay(self, seconds: float) -> None:
        self.directory.delay = seconds

    # --- logging on

    def connect(self, parameters: Mapping[str, Any]) -> ExchangeConnection:
        """What Connect-ExchangeOnline does with ``parameters``. Raises CmdletError: the log-on is refused."""
        return log_on(self, parameters)

    def issue_token(self, client_id: str, client_secret: str) -> str:
        """An access token for the application. Raises LookupError (an unknown id) and PermissionError (a wrong secret).

        It looks like a JSON Web Token, lasts ``token_seconds`` and is good for this tenant object alone.
        """
        with self.lock:
            if self.logon.app_id and client_id.lower() != self.logon.app_id.lower():
                raise LookupError(f"the application {client_id} is unknown")
            if not self.logon.has_secret(client_id, client_secret):
                raise PermissionError(f"the secret of the application {client_id} is wrong")
            expires = self.clock() + self.token_seconds
            head = {"typ": "JWT", "alg": "none"}
            claims = {
                "aud": _AUDIENCE,
                "appid": client_id,
                "tid": self.organization.tenant_id,
                "exp": int(expires),
            }
            token = f"{_encode(head)}.{_encode(claims)}.{secrets.token_urlsafe(32)}"
            self._tokens[token] = expires
            return token

    def token_expires(self, token: str) -> float | None:
        """When a token ends (seconds since the epoch), or None when this tenant never issued it."""
        return self._tokens.get(token)

    def logon_settings(self) -> dict[str, str]:
        """What a client needs to log on, by the names of its settings; secrets are in it."""
        return {
            "organization": self.organization.name,
            "tenant_id": self.organization.tenant_id,
            **{name: value for name, value in vars(self.logon).items() if isinstance(value, str)},
        }

    def is_denied(self, cmdlet: str, parameter: str = "") -> bool:
        """Whether the roles lack a cmdlet, or a parameter of it."""
        name = f"{cmdlet}:{parameter}" if parameter else cmdlet
        return name.lower() in {entry.lower() for entry in self.denied}

    def observe(self, record: CmdletRecord) -> None:
        """Tell the observers."""
        for observer in self.observers:
            observer(record)


def _encode(part: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")
