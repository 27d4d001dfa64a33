"""The tenant: Exchange Online in memory, cmdlet by cmdlet.

A ``Tenant`` holds an organization (accounts, mailboxes, groups, rights) and how it behaves (who may log on, which
roles are granted, delays, throttling). ``Tenant.connect`` takes the parameters of Connect-ExchangeOnline and gives an
``ExchangeConnection``; its ``invoke`` runs one cmdlet and answers rows, warnings and errors of the real shapes.
No PowerShell and no network here: the engines in front of it bring those.
"""

from __future__ import annotations

from bridge.simulator.tenant.connection import ExchangeConnection
from bridge.simulator.tenant.objects import AccessEntry, Account, Group, Regional
from bridge.simulator.tenant.opath import OpathError
from bridge.simulator.tenant.records import CmdletError, CmdletRecord, Reply, TenantFileError
from bridge.simulator.tenant.state import TenantState
from bridge.simulator.tenant.tenant import Tenant
from bridge.simulator.tenant.throttle import Throttle

__all__ = [
    "AccessEntry",
    "Account",
    "CmdletError",
    "CmdletRecord",
    "ExchangeConnection",
    "Group",
    "OpathError",
    "Regional",
    "Reply",
    "Tenant",
    "TenantFileError",
    "TenantState",
    "Throttle",
]
