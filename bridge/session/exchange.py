"""The connection to Exchange inside the runspace: what is asked for, whether what is there fits, what errors mean."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from bridge import errors
from bridge.entra import access_token
from bridge.meaning import meaning_of_record
from bridge.model import Reply
from bridge.settings import ExchangeSettings

TOKEN_MARGIN = timedelta(minutes=5)
_LOGON_NAMES = {"certificate": "certificate", "app-secret": "access-token", "password": "password"}
_SETUP_ERRORS: dict[str, type[errors.ExchangeError]] = {
    "module-missing": errors.ModuleMissing,
    "wrong-organization": errors.WrongOrganization,
    "exchange-logon-refused": errors.ExchangeLogonRefused,
    "access-denied": errors.ExchangeLogonRefused,
    "logon-kind-gone": errors.LogonKindGone,
    "endpoint-without-scripts": errors.EndpointWithoutScripts,
}


@dataclass(frozen=True)
class BridgeState:
    """What the runspace is and how it is connected to Exchange.

    ``runspace`` is ``new`` or ``taken over``, ``connection`` ``new``, ``existing`` or, when Exchange is not connected,
    ``""``; ``token_expires`` is ISO 8601 in UTC or ``""``; ``missing_commands`` are the cmdlets that the roles do not
    grant.
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
    )


def logon_parameters(
    exchange: ExchangeSettings, cmdlets: tuple[str, ...], timeout: float, hide: Callable[[str], object]
) -> dict[str, Any]:
    """The parameters of Connect-Bridge.ps1; ``hide`` is told of a token. Raises ExchangeError when none can be had."""
    parameters: dict[str, Any] = {
        "command_name": cmdlets,
        "organization": exchange.organization,
        "delegated_organization": exchange.delegated_organization,
        "environment": exchange.environment,
        "app_id": exchange.app_id,
    }
    if exchange.logon == "certificate":
        parameters["certificate_thumbprint"] = exchange.certificate_thumbprint
    elif exchange.logon == "app-secret":
        token = access_token(exchange, timeout=timeout)
        hide(token.get_secret_value())
        parameters["access_token"] = token
    else:
        parameters |= {"user_name": exchange.user, "password": exchange.password}
    return {name: value for name, value in parameters.items() if value}


def fits(state: BridgeState, exchange: ExchangeSettings, cmdlets: tuple[str, ...]) -> bool:
    """Whether the connection that is there is the one that the settings want, with all cmdlets, for a while."""
    logon = _LOGON_NAMES[exchange.logon]
    account = (
        logon,
        exchange.app_id,
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
    """Whether the access token, which nobody can renew but us, ends within minutes."""
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
    meaning = meaning_of_record(error_id=error.error_id, error_types=(error.exception_type, error.reason))
    return meaning.code == "exchange-connection-lost"


def setup_error(reply: Reply) -> errors.BridgeError:
    """What it means that the runspace could not be set up."""
    if not reply.errors:
        return errors.ExchangeError("The runspace could not be set up, and did not say why.")
    error = reply.errors[0]
    meaning = meaning_of_record(error_id=error.error_id, error_types=(error.exception_type, error.reason))
    message = error.message.rstrip(".") + "."
    kind = _SETUP_ERRORS.get(meaning.code)
    return kind(message) if kind else errors.ExchangeError(message, remedy=meaning.remedy)


def _texts(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,) if value else ()
    return tuple(str(item) for item in value or ())
