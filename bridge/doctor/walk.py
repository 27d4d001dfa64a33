"""The checks in their order, and the walk through them.

Rules:

- A check is tried when all that it needs was ok or a warning; else it is skipped, and names what failed. So one cause
  makes one failure.
- Whatever is known to go wrong is a finding. An error that nobody foresaw is raised.
- What was opened is left as it was found, whatever happens.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from bridge.doctor import agent_checks, exchange_checks, powershell_checks, runspace_checks
from bridge.doctor.finding import Finding, Health, Seen, of_error
from bridge.doctor.visit import Visit
from bridge.errors import BridgeError, Interrupted, SettingsError, UsageError


@dataclass(frozen=True)
class Check:
    """One check: what it is about in a few words, and the checks without which it makes no sense."""

    name: str
    about: str
    look: Callable[[Visit], Seen]
    needs: tuple[str, ...] = ()


CHECKS: tuple[Check, ...] = (
    Check("settings", "the settings", agent_checks.settings),
    Check("name", "the agent's name", agent_checks.name, ("settings",)),
    Check("port", "the agent's port", agent_checks.port, ("name",)),
    Check("certificate", "the agent's certificate", agent_checks.certificate, ("port",)),
    Check("winrm", "WinRM's answer", agent_checks.winrm, ("certificate",)),
    Check("logon", "the log-on to the agent", agent_checks.logon, ("winrm",)),
    Check("orphans", "shells that were left behind", runspace_checks.orphans, ("logon",)),
    Check("runspace", "the named runspace", runspace_checks.runspace, ("logon",)),
    Check("shell", "a runspace", runspace_checks.shell, ("logon",)),
    Check("powershell", "the agent's PowerShell", powershell_checks.powershell, ("shell",)),
    Check("clock", "the clocks", powershell_checks.clock, ("powershell",)),
    Check("temp", "the temporary folder", powershell_checks.temp, ("powershell",)),
    Check("module", "the Exchange module", powershell_checks.module, ("powershell",)),
    Check("app-certificate", "the application's certificate", powershell_checks.app_certificate, ("powershell",)),
    Check(
        "exchange-logon",
        "the log-on to Exchange",
        exchange_checks.exchange_logon,
        ("temp", "module", "app-certificate"),
    ),
    Check("organization", "the organization", exchange_checks.organization, ("exchange-logon",)),
    Check("token", "the token", exchange_checks.token, ("exchange-logon",)),
    Check("cmdlets", "the cmdlets that are granted", exchange_checks.cmdlets, ("exchange-logon",)),
    Check("exchange-answer", "Exchange's answer to a read", exchange_checks.exchange_answer, ("exchange-logon",)),
)
NAMES = tuple(check.name for check in CHECKS)

OnBegin = Callable[[Check], None]
OnFinding = Callable[[Finding], None]


def examine(
    visit: Visit,
    *,
    only: Collection[str] = (),
    on_begin: OnBegin = lambda _check: None,
    on_finding: OnFinding = lambda _finding: None,
) -> list[Finding]:
    """Do the checks, or ``only`` those named with all that they need; the findings, in order.

    Of what is only needed, what failed is among the findings too. ``on_begin`` and ``on_finding`` are told as it goes.
    Raises UsageError for a name that no check has, and Interrupted.
    """
    wanted = _with_needs(only)
    found: dict[str, Finding] = {}
    shown: list[Finding] = []
    try:
        for check in CHECKS:
            if check.name not in wanted:
                continue
            on_begin(check)
            finding = found[check.name] = _done(check, visit, found)
            if not only or check.name in only or finding.status is Health.FAILED:
                shown.append(finding)
                on_finding(finding)
    finally:
        visit.close()
    return shown


def without_settings(error: SettingsError) -> list[Finding]:
    """The findings where the settings cannot be used: nothing else can be looked at."""
    said = " ".join([error.message, *map(str, error.mistakes)])
    broken = Finding("settings", Health.FAILED, said, error.code, error.remedy)
    return [broken, *(_skipped(check, ("settings",)) for check in CHECKS[1:])]


def _done(check: Check, visit: Visit, found: dict[str, Finding]) -> Finding:
    if missing := tuple(need for need in check.needs if found[need].status in (Health.FAILED, Health.SKIPPED)):
        return _skipped(check, missing)
    start = time.monotonic()
    try:
        seen = check.look(visit)
    except Interrupted:
        raise
    except BridgeError as error:
        seen = of_error(error)
    seconds = time.monotonic() - start
    visit.listener("checked", check=check.name, status=str(seen.status), seen=seen.seen, seconds=round(seconds, 3))
    return Finding(check.name, seen.status, seen.seen, seen.cause, seen.remedy, seconds)


def _skipped(check: Check, missing: Iterable[str]) -> Finding:
    return Finding(check.name, Health.SKIPPED, f"Not tried, because it needs {', '.join(missing)}.")


def _with_needs(names: Collection[str]) -> set[str]:
    """These checks and, all the way, what they need. Raises UsageError."""
    needs = {check.name: check.needs for check in CHECKS}
    if unknown := [name for name in names if name not in needs]:
        raise UsageError(f"There is no check {unknown[0]!r}.", remedy=f"The checks are {', '.join(NAMES)}.")
    wanted, queue = set(), list(names or NAMES)
    while queue:
        name = queue.pop()
        if name not in wanted:
            wanted.add(name)
            queue += needs[name]
    return wanted
