"""The examples of the actions: how they are typed, and what they cost on the demo organization.

Rule: a cost is measured, never typed in. Each example runs twice on a simulated organization of its own: once it makes
its change or reads, once it finds it made.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from bridge.actions import ACTIONS
from bridge.cli.options import Engine

if TYPE_CHECKING:
    from bridge.actions.action import Action
    from bridge.model import Outcome
    from bridge.session import Session
    from bridge.simulator import Simulator


@dataclass(frozen=True)
class Trial:
    """An example as it was run: its outcomes and the number of Exchange calls, at first and once more."""

    action: Action
    first: list[Outcome]
    first_calls: int
    again: list[Outcome]
    again_calls: int


def command_line(action: Action, given: Mapping[str, Any]) -> str:
    """What a person would type for an action with these parameters."""
    words = ["exo-bridge", action.area, action.verb]
    for name, value in given.items():
        option = f"--{name.replace('_', '-')}"
        for one in value if isinstance(value, list) else [value]:
            words += [option] if one is True else [option, f'"{one}"' if not one or set(one) & set(" '&|<>;") else one]
    return " ".join(words)


def trials(engine: Engine = "contract") -> Iterator[Trial]:
    """Run the example of every action on the engine, each on the demo organization as it is at the start."""
    from bridge.cli.running import simulator_of
    from bridge.scripts import ScriptFolder
    from bridge.session import Session
    from bridge.settings import load_settings
    from bridge.simulator import SimulatorOptions

    with ExitStack() as stack:
        simulator = stack.enter_context(simulator_of(SimulatorOptions(engine=engine)))
        folder = stack.enter_context(TemporaryDirectory(prefix="exo-bridge-"))
        (file := Path(folder) / "settings.toml").touch()
        settings = load_settings(file, replacing=simulator.settings()).settings
        session = stack.enter_context(Session(settings, ScriptFolder()))
        session.open()
        beginning = simulator.tenant.snapshot()
        for action in ACTIONS.values():
            simulator.tenant.restore(beginning)
            first, first_calls = _counted(action, simulator, session)
            again, again_calls = _counted(action, simulator, session)
            yield Trial(action, first, first_calls, again, again_calls)


def _counted(action: Action, simulator: Simulator, session: Session) -> tuple[list[Outcome], int]:
    """Run the example; its outcomes, and how many cmdlets Exchange executed for each of them."""
    from bridge.patience import Patience
    from bridge.runner import run_calls

    calls = action.calls(action.example)
    cmdlets: list[str] = []

    def observe(record: Any) -> None:
        cmdlets.append(record.cmdlet)

    simulator.tenant.observers.append(observe)
    try:
        outcomes = run_calls(calls, session, patience=Patience(visibility=0))
    finally:
        simulator.tenant.observers.remove(observe)
    return outcomes, round(len(cmdlets) / len(calls))
