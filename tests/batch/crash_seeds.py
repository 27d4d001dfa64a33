"""What a seed chooses: which changes are made, what goes wrong on the way, and when.

Rule: everything that goes wrong is of a kind of ``KINDS``, and each seed has the kind that is its turn, so that a row
of seeds as long as that has all of them.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field

from bridge.simulator.tenant import Throttle
from tests.batch.crash_plan import CrashPlan

_ON_THE_WIRE = {
    "reset": ("Send=reset", "Receive=reset", "Command=reset", "Any=close"),
    "answer lost": ("Send=lost", "Receive=lost", "Command=lost", "Create=lost", "Disconnect=lost"),
    "hang": ("Send=hang", "Receive=hang", "Receive=hang@after", "Command=hang@after"),
    "shell killed": ("Send=shell-gone", "Receive=shell-gone", "Command=shell-gone@after"),
    "PowerShell killed": ("Send=kill@after", "Receive=kill", "Receive=kill@after", "Command=kill@after"),
    "401": ("Send=401", "Receive=401", "Any=401", "Receive=401@after"),
    "garbage": ("Send=garbage@after", "Receive=truncated", "Receive=status:503@after", "Command=garbage"),
}
_AT_A_CMDLET = (
    "agent restarted",
    "token ended",
    "killed from outside",
    "second process",
    "single change",
    "single change elsewhere",
)
_FROM_THE_START = ("slowed down", "refused", "seen late")
_IN_THE_PROCESS = ("kill -9", *(("disk full",) if sys.platform != "win32" else ()))
KINDS = (*_ON_THE_WIRE, *_AT_A_CMDLET, *_FROM_THE_START, *_IN_THE_PROCESS)
_MOST_OTHERS = 3
_HANGS = {"contract": 3.0, "pwsh": 7.0}
"""Seconds for which a hanging agent is silent, by engine: longer than a client waits for an answer."""
_ROOM_OF_ITEM = 8_000  # bytes that the journal grows by for one, about
_MOMENTS_OF_ITEM = 12
_CMDLETS_OF_ITEM = 4
_REQUESTS_OF_ITEM = {"Receive": 0.8, "Send": 0.6, "Command": 0.2, "Any": 1.6}
"""As observed. Of the other actions there is one in a process."""
_REQUESTS_OF_PROCESS = 2


@dataclass
class Fate:
    """What goes wrong in one run; ``seed`` None is what no seed chose.

    ``faults`` are those of the agent; ``at_cmdlets`` says what happens when the tenant has executed so many cmdlets,
    the first first; ``moments`` at which of its moments each of the first processes dies, ``rooms`` how many bytes of
    disk the processes after those have. ``late`` is the seconds until a change can be seen.
    """

    seed: int | None
    items: int
    lines: tuple[int, ...]
    kinds: tuple[str, ...] = ()
    faults: list[str] = field(default_factory=list)
    at_cmdlets: list[tuple[int, str]] = field(default_factory=list)
    moments: list[int] = field(default_factory=list)
    rooms: list[int] = field(default_factory=list)
    throttle: Throttle | None = None
    late: float = 0.0


def fate_of(seed: int, plan: CrashPlan) -> Fate:
    """What the seed chooses for a run of the plan."""
    chance = random.Random(seed)  # noqa: S311 - chance that can be repeated
    items = plan.items
    kinds = {KINDS[seed % len(KINDS)], *chance.sample(KINDS, chance.randint(0, _MOST_OTHERS))}
    fate = Fate(seed, items, _lines(chance, plan), tuple(kind for kind in KINDS if kind in kinds))
    for kind in fate.kinds:
        if kind in _ON_THE_WIRE:
            fate.faults += _faults(chance, _ON_THE_WIRE[kind], items, _HANGS[plan.engine])
        elif kind in _AT_A_CMDLET:
            fate.at_cmdlets += [(_some(chance, items * _CMDLETS_OF_ITEM), kind) for _ in range(chance.randint(1, 2))]
        elif kind == "kill -9":
            fate.moments = [_some(chance, items * _MOMENTS_OF_ITEM) for _ in range(chance.randint(1, 4))]
        elif kind == "disk full":
            fate.rooms = [chance.randint(0, items * _ROOM_OF_ITEM) for _ in range(chance.randint(1, 3))]
        elif kind == "seen late":
            fate.late = 0.2
        else:
            how = "delay" if kind == "slowed down" else "error"
            fate.throttle = Throttle(every=chance.randint(20, 60), kind=how, seconds=0.01)
    fate.at_cmdlets.sort()
    return fate


def _lines(chance: random.Random, plan: CrashPlan) -> tuple[int, ...]:
    """Some of the changes, with those that create what they need."""
    chosen = chance.sample(plan.wanted, plan.items)
    return tuple(sorted({line for one in chosen for line in (one.item.line, one.needs) if line}))


def _faults(chance: random.Random, specs: Sequence[str], items: int, hang: float) -> list[str]:
    """A few of them, each at one request."""
    faults = []
    for _ in range(chance.randint(1, 3)):
        spec = chance.choice(specs).replace("hang", f"hang:{hang:g}")
        action, what = spec.split("=", 1)
        most = _REQUESTS_OF_PROCESS + round(items * _REQUESTS_OF_ITEM.get(action, 0.0))
        faults.append(f"{action}#{_some(chance, most)}={what}")
    return faults


def _some(chance: random.Random, most: int) -> int:
    """A number from 1 to ``most``, small ones a little more often: what comes late in a run may not come at all."""
    return 1 + int(chance.random() ** 1.3 * most)
