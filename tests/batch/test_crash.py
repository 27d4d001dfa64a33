"""Whatever dies in between, every wanted change is made exactly once, and nothing is reported that did not happen.

A seed chooses what goes wrong and when; a seed that fails is told with the command that repeats it.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.batch.crash_plan import CrashPlan, crash_plan
from tests.batch.crash_runs import crash_runs
from tests.batch.crash_seeds import KINDS, Fate, fate_of

ITEMS = 20
SEEDS = range(300)
MOMENTS = range(1, 49, 2)
TOGETHER, IN_A_TEST = 10, 30
SEEDS_ON_POWERSHELL = range(0, 18, 2)
TOGETHER_ON_POWERSHELL = 3


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> CrashPlan:
    """The changes of all runs, on the contract engine."""
    return crash_plan(tmp_path_factory.mktemp("plan"), ITEMS)


@pytest.fixture(scope="module")
def plan_on_powershell(pwsh_path: str, tmp_path_factory: pytest.TempPathFactory) -> CrashPlan:
    """The same on a real PowerShell."""
    return crash_plan(tmp_path_factory.mktemp("plan"), ITEMS, "pwsh", pwsh_path)


def together(seeds: range, count: int) -> list[object]:
    """Parameters with so many seeds each, named after them."""
    some = [seeds[first : first + count] for first in range(0, len(seeds), count)]
    return [pytest.param(one, id=f"{one[0]}-{one[-1]}") for one in some]


def check(plan: CrashPlan, fates: Iterable[Fate], folder: Path, count: int) -> None:
    """Run them, so many at a time; what is wrong with each is told."""
    wrong = [told for told in crash_runs(plan, fates, folder, count) if told.mistakes]
    assert not wrong, "\n".join(map(str, wrong))


@pytest.mark.parametrize("seeds", together(SEEDS, IN_A_TEST))
def test_every_change_exactly_once(seeds: range, plan: CrashPlan, tmp_path: Path) -> None:
    """With whatever the seeds let go wrong, all changes are made once, told as made, and no shell is left."""
    check(plan, [fate_of(seed, plan) for seed in seeds], tmp_path, TOGETHER)


@pytest.mark.pwsh
@pytest.mark.parametrize("seeds", together(SEEDS_ON_POWERSHELL, TOGETHER_ON_POWERSHELL))
def test_every_change_exactly_once_on_powershell(seeds: range, plan_on_powershell: CrashPlan, tmp_path: Path) -> None:
    """The same holds when real PowerShells run the scripts, and are killed."""
    plan = plan_on_powershell
    check(plan, [fate_of(seed, plan) for seed in seeds], tmp_path, TOGETHER_ON_POWERSHELL)


@pytest.mark.parametrize("moments", together(MOMENTS, TOGETHER))
def test_every_change_of_what_is_created_exactly_once(moments: range, plan: CrashPlan, tmp_path: Path) -> None:
    """The same holds at whatever moment a process is killed that creates a mailbox and changes it."""
    first, second = [one for one in plan.wanted if one.needs][:2]
    lines = (first.needs, first.item.line, second.item.line)
    fates = [Fate(None, len(lines), lines, moments=[moment]) for moment in moments]
    check(plan, fates, tmp_path, TOGETHER)


def test_everything_goes_wrong(plan: CrashPlan) -> None:
    """Among any seeds in a row that are as many as the kinds of mishaps, each kind is chosen."""
    chosen = {kind for seed in SEEDS[: len(KINDS)] for kind in fate_of(seed, plan).kinds}
    assert chosen == set(KINDS)
