"""Inside the runspace, before Exchange: its PowerShell, temporary folder, module and certificate, and its clock.

Sources: Microsoft, "About the Exchange Online PowerShell module" (which version runs where), "Language modes", and
"App-only authentication" (no CNG keys). Kerberos and Entra ID take a difference of the clocks of five minutes.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from bridge.doctor.finding import Seen, failed, ok, warning
from bridge.doctor.visit import Visit
from bridge.errors import ModuleMissing
from bridge.model import Status

AGENT_SCRIPT = "session/Get-BridgeAgent.ps1"
LITTER_SCRIPT = "session/Remove-BridgeLitter.ps1"

_MODULE = "ExchangeOnlineManagement"
_OLDEST = (3, 0, 0)
# The first version of the module that needs a PowerShell 7, and which.
_NEEDS = (((3, 10, 0), (7, 6)), ((3, 5, 0), (7, 4)), ((3, 0, 0), (7, 2)))
_LAST_FOR = {(7, 2): "3.4.0", (7, 4): "3.9.2"}
_SOON_DAYS = 30
_CLOCK_SECONDS = 300.0
_CLOCK_WARNING = 60.0


def powershell(visit: Visit) -> Seen:
    """Its version and language mode; with it all other facts are asked for."""
    exchange = visit.settings.exchange
    by_thumbprint = exchange.logon == "certificate"
    before = datetime.now(UTC)
    visit.facts = visit.ask(
        AGENT_SCRIPT,
        thumbprint=exchange.certificate_thumbprint if by_thumbprint else "",
        file=exchange.certificate_agent_file if exchange.logon == "certificate-file" else "",
    )
    visit.clock_difference = _difference(_text(visit, "clock"), before, datetime.now(UTC))
    version, mode = _text(visit, "power_shell_version"), _text(visit, "language_mode")
    if mode != "FullLanguage":
        return failed(
            "constrained-language",
            f"PowerShell {version} on {visit.settings.agent.configuration_name!r} is in the mode {mode}, in which the "
            "scripts cannot run.",
            "Have the policy (AppLocker, App Control) of the agent allow it, or make a JEA endpoint with `exo-bridge "
            "session jea-files`; in a session there, `$ExecutionContext.SessionState.LanguageMode` shows the mode.",
        )
    return ok(
        f"PowerShell {version} ({_text(visit, 'power_shell_edition')}) runs as {_text(visit, 'account')}, in the mode "
        f"{mode}."
    )


def temp(visit: Visit) -> Seen:
    """That the module can write where it writes; with ``fix`` its litter is removed."""
    folder, error = _text(visit, "temp_folder"), _text(visit, "temp_error")
    if error:
        return failed(
            "temp-not-writable",
            f"The temporary folder {folder} cannot be written ({error}); the module makes a folder there to connect.",
            "Give the account of the agent a profile ([agent] no_profile = false) and the right to write there: "
            f'`icacls "{folder.rstrip(chr(92))}" /grant "{_text(visit, "account")}:(OI)(CI)M"`.',
        )
    litter = int(visit.facts.get("litter") or 0)
    if not litter:
        return ok(f"The temporary folder {folder} can be written, and no old connection left anything in it.")
    if visit.fix:
        done = visit.ask(LITTER_SCRIPT)
        if done.get("status") == Status.CHANGED and not done.get("left"):
            return ok(f"{done['removed']} folders of old connections were in {folder}, and are removed now.")
    return warning(
        "temp-litter",
        f"In {folder} there are {litter} folders tmpEXO_* of old connections, older than a day.",
        "Remove them with `exo-bridge doctor --fix`.",
    )


def module(visit: Visit) -> Seen:
    """That the module is installed, and its newest version, which is the one that is loaded, fits the PowerShell."""
    versions = [str(one) for one in visit.facts.get("module") or ()]
    if not versions:
        return failed(
            ModuleMissing.code, f"The module {_MODULE} is not installed for this PowerShell.", ModuleMissing.remedy
        )
    newest = versions[0]
    edition, power_shell = _text(visit, "power_shell_edition"), _text(visit, "power_shell_version")
    installed = f"The module {_MODULE} is installed as {', '.join(versions)}"
    if _numbers(newest) < _OLDEST:
        return failed(
            "module-too-old",
            f"{installed}; before 3.0.0 it needs a protocol that Exchange Online gave up.",
            f"On the agent, as administrator: `Install-Module {_MODULE} -Scope AllUsers -Force`.",
        )
    fitting = fitting_version(newest, edition=edition, power_shell=power_shell)
    if fitting != newest:
        return failed(
            "module-unfit",
            f"{installed}; {newest} does not run on PowerShell {power_shell}.",
            f"On the agent, as administrator: `Uninstall-Module {_MODULE} -RequiredVersion {newest}; Install-Module "
            f"{_MODULE} -RequiredVersion {fitting or '3.4.0'} -Scope AllUsers`; or set [agent] configuration_name to "
            "Microsoft.PowerShell, where every version runs.",
        )
    return ok(f"{installed}, which fits PowerShell {power_shell}.")


def fitting_version(newest: str, *, edition: str, power_shell: str) -> str:
    """``newest`` where that version of the module runs on this PowerShell, else the last that does; "" for none.

    ``edition`` is ``Desktop`` (Windows PowerShell 5.1, where every version runs) or ``Core``.
    """
    if edition != "Core":
        return newest
    there = _numbers(power_shell)[:2]
    needed = next((least for first, least in _NEEDS if _numbers(newest) >= first), (7, 0))
    if there >= needed:
        return newest
    return next((last for least, last in sorted(_LAST_FOR.items(), reverse=True) if there >= least), "")


def clock(visit: Visit) -> Seen:
    """How far the agent's clock is from this one's."""
    away = visit.clock_difference
    said = f"The agent's clock is {abs(away):.1f} s {'ahead of' if away > 0 else 'behind'} this machine's."
    if not away:
        return ok("The agent's clock and this machine's agree; Exchange's own cannot be seen from here.")
    if abs(away) <= _CLOCK_WARNING:
        return ok(said)
    remedy = "See which of the two is wrong, and set it: `w32tm /query /status; w32tm /resync`."
    if abs(away) > _CLOCK_SECONDS:
        return failed("clock-difference", said, remedy)
    return warning("clock-difference", said, remedy)


def app_certificate(visit: Visit) -> Seen:
    """What Exchange is logged on to with, as far as it is on the agent or here."""
    exchange = visit.settings.exchange
    match exchange.logon:
        case "certificate":
            return _of_store(visit, exchange.certificate_thumbprint)
        case "certificate-file":
            return _of_file(visit, exchange.certificate_agent_file)
        case "certificate-pfx":
            return ok("The certificate is sent from here at each log-on; that shows whether it can be used.")
    return ok(f"Log-on to Exchange is by {exchange.logon}, which needs no certificate.")


def _of_store(visit: Visit, thumbprint: str) -> Seen:
    store, account = _text(visit, "certificate"), _text(visit, "account")
    if not store:
        return failed(
            "app-certificate-missing",
            f"The certificate {thumbprint} is neither in the store of {account} nor in that of the computer.",
            "On the agent, as administrator: `Import-PfxCertificate -FilePath EXO.pfx -CertStoreLocation "
            "Cert:\\LocalMachine\\My -Password (Read-Host -AsSecureString)`.",
        )
    ends = datetime.fromisoformat(_text(visit, "certificate_expires"))
    days = (ends - datetime.now(UTC)) // timedelta(days=1)
    if days < 0:
        return failed(
            "app-certificate-ended",
            f"The certificate {thumbprint} in {store} ended on {ends:%Y-%m-%d}.",
            "Make a new one, give it to the application in Entra ID and to the agent, and set [exchange] "
            "certificate_thumbprint: `New-SelfSignedCertificate -Subject CN=exo-bridge -CertStoreLocation "
            "Cert:\\LocalMachine\\My -KeySpec KeyExchange -Provider 'Microsoft Enhanced RSA and AES Cryptographic "
            "Provider'`.",
        )
    if error := _text(visit, "key_error"):
        return failed(
            "app-certificate-key",
            f"The certificate {thumbprint} is in {store}, and {account} cannot use its private key ({error}).",
            "Let the account read the key: certlm.msc, All Tasks, Manage Private Keys; a key in the user's own store "
            "is often not there after NTLM or Kerberos: use the computer's. Whether there is a key: "
            "`certutil -repairstore My THUMBPRINT`.",
        )
    provider = _text(visit, "key_provider")
    said = f"The certificate {thumbprint} is in {store}, its key can be used ({provider or 'provider not told'})"
    if provider.startswith("CNG") and not re.search("enhanced", provider, re.IGNORECASE):
        return warning(
            "app-certificate-cng",
            f"{said}; Exchange takes no key that CNG keeps.",
            "Import it anew with a CSP, on the agent: `certutil -csp 'Microsoft Enhanced RSA and AES Cryptographic "
            "Provider' -importpfx EXO.pfx AT_KEYEXCHANGE`.",
        )
    if days < _SOON_DAYS:
        return warning(
            "app-certificate-ending",
            f"{said}; it ends on {ends:%Y-%m-%d} ({days} days).",
            "Make a new one in time; on the agent, what there is: `Get-ChildItem Cert:\\LocalMachine\\My | "
            "Select-Object Thumbprint, NotAfter`.",
        )
    return ok(f"{said}, and it lasts until {ends:%Y-%m-%d} ({days} days).")


def _of_file(visit: Visit, file: str) -> Seen:
    if error := _text(visit, "file_error"):
        return failed(
            "app-certificate-file",
            f"{_text(visit, 'account')} cannot open the PFX file {file} on the agent ({error}).",
            "Put it on a disk of the agent (not on a share, which that log-on cannot reach), and let the account read "
            f'it: `icacls "{file}" /grant "{_text(visit, "account")}:R"`.',
        )
    return ok(f"The PFX file {file} can be opened; whether its password is right, the log-on shows.")


def _difference(clock_there: str, before: datetime, after: datetime) -> float:
    """Seconds by which the agent is ahead; what can be explained by the time of the question itself counts as none."""
    if not clock_there:
        return 0.0
    # .NET writes seven digits of a second, Python reads six.
    there = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", clock_there))
    if before <= there <= after:
        return 0.0
    return (there - (after if there > after else before)).total_seconds()


def _numbers(version: str) -> tuple[int, ...]:
    """``3.9.2`` and ``7.6.0-preview.1`` as numbers."""
    return tuple(int(part) for part in re.findall(r"\d+", version.partition("-")[0]))


def _text(visit: Visit, name: str) -> str:
    value: Any = visit.facts.get(name)
    return "" if value is None else str(value)
