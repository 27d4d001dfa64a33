"""An agent server and an Exchange organization on this machine, for trying and testing.

    simulator.py        all of it, started and stopped as one
    front/              the WinRM service of the agent
    faults.py           what goes wrong on purpose
    shells/             a shell and the engine in it: a real PowerShell, or none
    contract/           the shipped scripts, done in Python, for where there is no PowerShell
    exchange_module/    a module ExchangeOnlineManagement for the real PowerShell
    gateway.py          the way from that module to the organization, and the token endpoint
    tenant/             the organization: Exchange's cmdlets with their results, warnings and errors

Nothing here imports the core, and the core imports nothing from here: they meet on the wire.
"""

from __future__ import annotations

from bridge.simulator.simulator import SETTINGS_MARK, Engine, Simulator, SimulatorError, SimulatorOptions

__all__ = ["SETTINGS_MARK", "Engine", "Simulator", "SimulatorError", "SimulatorOptions"]
