"""The connection to Exchange inside the runspace: what is there, whether it fits the settings, whether it is gone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from bridge.model import Reply
from bridge.outcomes import meaning_of
from bridge.problems import CONNECTION_LOST
from bridge.settings import ExchangeSettings, Logon

TOKEN_MARGIN = timedelta(minutes=5)
# What Connect-Bridge.ps1 calls each kind of log-on.
_LOGON_NAMES: dict[Logon, str] = {
    "certificate": "certificate",
    "certificate-file": "certificate",
    "certificate-pfx": "certificate",
    "app-secret": "access-token",
    "managed-identity": "managed-identity",
    "password": "password",
}


@dataclass(frozen=True)
class BridgeState:
    """What the runspace is and how it is connected to Exchange.

    ``runspace`` is ``new`` or ``taken over``, ``connection`` ``new``, ``existing`` or, when Exchange is not connected,
    ``""``; ``token_expires`` is ISO 8601 in UTC or ``""``; ``missing_commands`` are the cmdlets that the roles do not
    grant; ``installed_scripts`` is the hash over the scripts of a JEA endpoint, ``""`` elsewhere and when Exchange was
    connected just now.
    """

    runspace: str
    connection: str
    organization: str
    logon: str
    account: str
    power_shell_version: str
    power_shell_edition: str
    language_mode: str
    module_version: str
    commands: tuple[str, ...]
    missing_commands: tuple[str, ...]
    token_expires: str
    shell_id: str
    process_id: int
    memory_bytes: int
    installed_scripts: str


def bridge_state(row: Mapping[str, Any], runspace: str, shell_id: str) -> BridgeState:
    """What Connect-Bridge.ps1 or Get-BridgeState.ps1 answered."""

    def text(name: str) -> str:
        return str(row.get(name) or "")

    return BridgeState(
        runspace=runspace,
        connection=text("connection"),
        organization=text("organization"),
        logon=text("logon"),
        account=text("account"),
        power_shell_version=text("power_shell_version"),
        power_shell_edition=text("power_shell_edition"),
        language_mode=text("language_mode"),
        module_version=text("module_version"),
        commands=_texts(row.get("command_name")),
        missing_commands=_texts(row.get("missing_command")),
        token_expires=text("token_expires"),
        shell_id=shell_id,
        process_id=int(row.get("process_id") or 0),
        memory_bytes=int(row.get("memory_bytes") or 0),
        installed_scripts=text("installed_scripts"),
    )


def fits(state: BridgeState, exchange: ExchangeSettings, cmdlets: tuple[str, ...]) -> bool:
    """Whether the connection that is there is the one that the settings want, with all cmdlets, for a while."""
    logon = _LOGON_NAMES[exchange.logon]
    account = (
        logon,
        exchange.managed_identity_id if logon == "managed-identity" else exchange.app_id,
        exchange.user if logon == "password" else "",
        exchange.organization,
        exchange.delegated_organization,
        exchange.environment,
    )
    if not state.connection or state.account.lower() != "|".join(account).lower():
        return False
    had = {name.lower() for name in (*state.commands, *state.missing_commands)}
    return {name.lower() for name in cmdlets} <= had and not token_ends(state)


def token_ends(state: BridgeState) -> bool:
    """Whether the access token, which the module cannot renew, ends within minutes."""
    if state.logon != "access-token" or not state.token_expires:
        return False
    return datetime.fromisoformat(state.token_expires) <= datetime.now(UTC) + TOKEN_MARGIN


def connection_gone(reply: Reply, state: BridgeState) -> bool:
    """Whether the reply says that Exchange is not connected any more: then its cmdlet did not reach Exchange.

    A cmdlet that was there when Exchange was connected, and that PowerShell does not know any more, went with the
    connection.
    """
    if not reply.errors:
        return False
    error = reply.errors[-1]
    if error.error_id.startswith("CommandNotFoundException"):
        return error.target.lower() in {name.lower() for name in state.commands}
    return meaning_of(error).code == CONNECTION_LOST.code


def _texts(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,) if value else ()
    return tuple(str(item) for item in value or ())
