"""A simulated agent for tests: started once for each engine, its organization put back as it was for each test."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bridge.model import Listener
from bridge.scripts import ScriptFolder
from bridge.session import Session
from bridge.settings import Settings, load_settings
from bridge.simulator import Engine, Simulator, SimulatorOptions
from bridge.simulator.tenant import CmdletRecord

_SHIPPED = ScriptFolder(None)
"""Read once for all the sessions of the tests."""


class Agent:
    """A running simulator, the settings for it, and what its organization was asked to do."""

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        self.records: list[CmdletRecord] = []
        simulator.tenant.observers.append(self.records.append)

    def settings(self, **agent: Any) -> Settings:
        """The settings that reach it; ``agent`` replaces keys of [agent]."""
        values = self.simulator.settings()
        values["agent"] |= agent
        return load_settings(overrides=values, environ={}).settings

    def session(
        self,
        *,
        listener: Listener | None = None,
        scripts: Path | None = None,
        deadline: float | None = None,
        **agent: Any,
    ) -> Session:
        """A session that is not open yet; ``scripts`` is an own script folder, ``agent`` replaces keys of [agent]."""
        folder = ScriptFolder(scripts) if scripts else _SHIPPED
        return Session(self.settings(**agent), folder, listener=listener, deadline=deadline)

    def changes(self) -> list[str]:
        """The cmdlets that changed something, in order."""
        return [record.cmdlet for record in self.records if record.changed]

    def objects(self) -> dict[str, dict[str, Any]]:
        """The objects of the organization by their id; what has no order that means something is sorted."""
        state = self.simulator.tenant.snapshot()
        return {
            one.guid: {
                name: sorted(value, key=repr) if isinstance(value, tuple) else value
                for name, value in dataclasses.asdict(one).items()
            }
            for one in (*state.accounts, *state.groups)
        }

    def logons(self) -> int:
        """How often Exchange was connected."""
        return sum(record.cmdlet == "Connect-ExchangeOnline" for record in self.records)


@contextmanager
def running_agent(engine: Engine, *, pwsh: str | None = None, **options: Any) -> Iterator[Agent]:
    """A simulator with the demo organization; ``options`` are those of SimulatorOptions."""
    with Simulator(SimulatorOptions(engine=engine, pwsh=pwsh, **options)) as simulator:
        yield Agent(simulator)
