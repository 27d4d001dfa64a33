"""The scripts of ps_scripts/session, in Python."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import Any

from bridge.simulator.contract.binding import text_of
from bridge.simulator.contract.run import Row, Run
from bridge.simulator.engine import ErrorInfo, TerminatingError

# What the default endpoint of a Windows server is. There is no PowerShell here that could say its own.
POWERSHELL = {"PowerShellVersion": "5.1.0.0", "PowerShellEdition": "Desktop", "LanguageMode": "FullLanguage"}
MODULE = "ExchangeOnlineManagement"
_SOON = 300.0


def connect(run: Run) -> None:
    """session/Connect-Bridge.ps1."""
    runspace, values = run.runspace, run.values
    if not runspace.imported:
        _import_module(run)
    wanted, organization = values["CommandName"], values["DelegatedOrganization"] or values["Organization"]
    logon = _kind(values)
    login = _login(run)
    account = "|".join(
        [
            logon,
            *(values[name] for name in ("AppId", "UserName", "Organization", "DelegatedOrganization", "Environment")),
        ]
    )
    run.verbose("Reading the connection to Exchange Online.")
    live = _live(run)
    connection = "existing"
    if not _is_usable(run, live, account):
        if live is not None:
            run.verbose(f"Disconnecting from Exchange Online ({_organization(live)}).")
            _disconnect(run)
        run.verbose(f"Connecting to Exchange Online ({organization}) by {logon}, with {len(wanted)} cmdlets.")
        runspace.connection = runspace.tenant.connect(login)
        connection = "new"
        live = _live(run) or {}
        connected_to = _organization(live)
        if organization and connected_to and connected_to.lower() != organization.lower():
            _disconnect(run)
            run.fail(
                "WrongOrganization",
                "InvalidResult",
                f"Connected to '{connected_to}'; '{organization}' was asked for.",
                organization,
            )
        runspace.asked = {
            "ConnectionId": text_of(live.get("ConnectionId")),
            "Account": account,
            "Logon": logon,
            "CommandName": wanted,
        }
    present = _present(run, wanted)
    run.output(
        POWERSHELL
        | {
            "ModuleVersion": runspace.tenant.module_version,
            "Organization": _organization(live),
            "Account": account,
            "Logon": logon,
            "Connection": connection,
            "CommandName": present,
            "MissingCommand": _missing(wanted, present),
            "ConnectionId": text_of((live or {}).get("ConnectionId")),
            "TokenExpires": _expires_text(live),
            "ProcessId": os.getpid(),
            "MemoryBytes": 0,
        }
    )


def state(run: Run) -> None:
    """session/Get-BridgeState.ps1."""
    runspace = run.runspace
    live = None
    if runspace.imported:
        run.verbose("Reading the connection to Exchange Online.")
        live = _live(run)
    asked: dict[str, Any] = {"CommandName": [], "Account": "", "Logon": ""}
    if live is not None and runspace.asked.get("ConnectionId") == text_of(live["ConnectionId"]):
        asked = runspace.asked
    present = _present(run, asked["CommandName"])
    run.output(
        {"Connected": live is not None}
        | POWERSHELL
        | {
            "ModuleVersion": runspace.tenant.module_version if runspace.imported else "",
            "Organization": _organization(live),
            "Account": asked["Account"],
            "Logon": asked["Logon"],
            "Connection": "existing" if live is not None else "",
            "CommandName": present,
            "MissingCommand": _missing(asked["CommandName"], present),
            "ConnectionId": text_of((live or {}).get("ConnectionId")),
            "TokenExpires": _expires_text(live),
            "ProcessId": os.getpid(),
            "MemoryBytes": 0,
            "InstalledScripts": runspace.installed_scripts,
        }
    )


def _import_module(run: Run) -> None:
    run.verbose(f"Importing the module {MODULE}.")
    if not run.runspace.tenant.module_installed:
        raise TerminatingError(
            ErrorInfo(
                message=f"The specified module '{MODULE}' was not loaded because no valid module file was found in "
                "any module directory.",
                reason="FileNotFoundException",
                exception_type="System.IO.FileNotFoundException",
                error_id="Modules_ModuleNotFound,Microsoft.PowerShell.Commands.ImportModuleCommand",
                category="ResourceUnavailable",
                activity="Import-Module",
                target=MODULE,
            )
        )
    run.runspace.imported = True


def _kind(values: Row) -> str:
    if values["AccessToken"]:
        return "access-token"
    if values["ManagedIdentity"]:
        return "managed-identity"
    return "password" if values["UserName"] else "certificate"


def _login(run: Run) -> dict[str, Any]:
    """The parameters of Connect-ExchangeOnline."""
    values = run.values
    login: dict[str, Any] = {
        "CommandName": values["CommandName"],
        "ShowBanner": False,
        "SkipLoadingFormatData": True,
    }
    for name in ("AppId", "Organization", "DelegatedOrganization", "CertificateThumbprint"):
        if values[name]:
            login[name] = values[name]
    if values["Environment"]:
        login["ExchangeEnvironmentName"] = values["Environment"]
    if values["ImportedCertificate"]:
        login |= run.runspace.certificate
        run.runspace.certificate = {}
    if values["AccessToken"]:
        login["AccessToken"] = values["AccessToken"].reveal()
    if values["UserName"]:
        login["Credential"] = {"UserName": values["UserName"], "Password": values["Password"].reveal()}
    if values["ManagedIdentity"]:
        login["ManagedIdentity"] = True
        if "AppId" in login:
            login["ManagedIdentityAccountId"] = login.pop("AppId")
    return login


def _organization(live: Row | None) -> str:
    row = live or {}
    return text_of(row.get("DelegatedOrganization")) or text_of(row.get("Organization"))


def _live(run: Run) -> Row | None:
    """The last connection that is up and has a valid token."""
    connection = run.runspace.connection
    rows = connection.information() if connection is not None else []
    live = [
        row
        for row in rows
        if (text_of(row["State"]), text_of(row["TokenStatus"])) == ("Connected", "Active")
        and text_of(row.get("IsEopSession")) != "True"
    ]
    return live[-1] if live else None


def _is_usable(run: Run, live: Row | None, account: str) -> bool:
    """Whether the connection is ours, for this account, with all that is wanted, and not about to end."""
    asked = run.runspace.asked
    if live is None or asked.get("ConnectionId") != text_of(live["ConnectionId"]):
        return False
    if asked["Account"].lower() != account.lower():
        return False
    expires = _expires(live)
    soon = run.runspace.tenant.clock() + _SOON
    if run.values["AccessToken"] and expires is not None and expires.timestamp() < soon:
        return False
    had = {name.lower() for name in asked["CommandName"]}
    return all(name.lower() in had for name in run.values["CommandName"])


def _disconnect(run: Run) -> None:
    if run.runspace.connection is not None:
        run.runspace.connection.disconnect()
        run.runspace.connection = None


def _present(run: Run, wanted: list[str]) -> list[str]:
    connection = run.runspace.connection
    commands = {name.lower() for name in connection.commands} if connection is not None else set()
    return sorted((name for name in wanted if name.lower() in commands), key=str.lower)


def _missing(wanted: list[str], present: list[str]) -> list[str]:
    return sorted((name for name in wanted if name not in present), key=str.lower)


def _expires(live: Row | None) -> datetime | None:
    value = (live or {}).get("TokenExpiryTimeUTC")
    if not value:
        return None
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)


def _expires_text(live: Row | None) -> str:
    moment = _expires(live)
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}" if moment else ""
