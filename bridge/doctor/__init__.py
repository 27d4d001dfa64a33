"""What is wrong, where, and what to do: both hops walked through in order.

finding.py            what a check found, as data
visit.py              what the checks of one walk share: the settings, the shells, the runspace, its facts
agent_checks.py       the first hop: name, port, certificate, WinRM, log-on
runspace_checks.py    the shells on the agent
powershell_checks.py  inside the runspace, before Exchange
exchange_checks.py    the second hop
walk.py               the checks in their order, what each needs, and the walk
"""

from __future__ import annotations

from bridge.doctor.finding import Finding, Health
from bridge.doctor.visit import Visit
from bridge.doctor.walk import CHECKS, NAMES, Check, examine, without_settings

__all__ = ["CHECKS", "NAMES", "Check", "Finding", "Health", "Visit", "examine", "without_settings"]
