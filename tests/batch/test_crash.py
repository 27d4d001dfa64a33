"""Whatever dies in between, every wanted change is made exactly once, and nothing is reported that did not happen.

Each seed chooses the faults of the agent and the moments at which the process is killed. A seed that fails is in the
name of its test.
"""

from __future__ import annotations

import multiprocessing
import random
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bridge.actions import ACTIONS
from bridge.batch.plan import Plan, PlanItem, write_plan
from bridge.errors import UsageError
from bridge.journal import JournalReader, State
from bridge.model import new_id
from bridge.runner import Runner
from bridge.simulator.tenant import CmdletRecord, Throttle
from tests.agent import Agent, running_agent
from tests.batch.crash import DEADLY, DONE, NOT_DONE, Work, work

SEEDS = range(8)
ITEMS = 40
MOST_PROCESSES = 60
MOST_DEATHS = 6
ABANDONED = 200.0
FAULTS = (
    "Command%2=lost",
    "Receive%2=lost",
    "Command%2=reset",
    "Receive%2=reset",
    "Receive%1=shell-gone",
    "Command%2=kill@after",
    "Any%0.5=401",
    "Command%2=garbage",
    "Receive%2=truncated",
    "Receive%2=status:503",
    "Any%1=close",
)
MAILBOXES = ("jane.doe", "john.obrien", "info", "sales")


def wanted() -> Iterator[tuple[str, dict[str, Any]]]:
    """More changes than a run needs; each can be told from the others in the tenant's own record."""
    for mailbox in MAILBOXES:
        address = f"{mailbox}@contoso.example"
        yield "mailbox.hide", {"mailbox": address}
        for number in range(1, 8):
            yield "mailbox.set", {"mailbox": address, "set": [f"CustomAttribute{number}={mailbox} {number}"]}
        for group in ("staff", "finance"):
            yield "group.grant", {"group": f"{group}@contoso.example", "member": address}
    for right in ("full-access", "send-as", "send-on-behalf"):
        for user in MAILBOXES[:2]:
            given = {"mailbox": "info@contoso.example", "user": f"{user}@contoso.example", "right": right}
            yield "shared-mailbox.grant", given


@pytest.fixture(scope="module")
def plan() -> Plan:
    """The plan of all runs, on the organization as it is at the start of each."""
    items: list[PlanItem] = []
    with running_agent("contract") as agent, agent.session() as session:
        session.open()
        runner = Runner(session)
        for name, given in wanted():
            (call,) = ACTIONS[name].calls(given, dry_run=True)
            items.append(PlanItem(call, runner.run(call), len(items) + 2))
    changing = [item for item in items if item.changes][:ITEMS]
    assert len(changing) >= ITEMS - 5
    return Plan("contoso", "127.0.0.1", tuple(changing))


def made(records: list[CmdletRecord]) -> Counter[str]:
    """The changes in the tenant's record."""
    return Counter(f"{record.cmdlet} {sorted(record.parameters.items())}" for record in records if record.changed)


@pytest.fixture(scope="module")
def clean(plan: Plan, tmp_path_factory: pytest.TempPathFactory) -> Counter[str]:
    """What a run without any fault changes."""
    with running_agent("contract") as agent:
        drive(agent, plan, tmp_path_factory.mktemp("clean"), random.Random(0), deaths=0)  # noqa: S311 - chance that can be repeated
        return made(agent.records)


def drive(agent: Agent, plan: Plan, folder: Path, chance: random.Random, *, deaths: int) -> JournalReader:
    """Apply and resume until the run is done; the first processes die."""
    if sys.platform == "win32":
        context = multiprocessing.get_context("spawn")
    else:
        context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.batch.crash"])
    journal, file = folder / "journal.db", folder / "plan.json"
    write_plan(plan, file)
    run = new_id()
    for _ in range(MOST_PROCESSES):
        begin = not has_items(journal, run)
        if begin and journal.exists():
            # It died before the plan was in the journal: a run without items stays one.
            run = new_id()
        moment = chance.randint(1, ITEMS * 12) if deaths else 0
        deaths = max(0, deaths - 1)
        todo = Work(agent.simulator.settings(), journal, file, run, begin, moment, str(folder / "state"))
        process = context.Process(target=work, args=(todo,))
        process.start()
        process.join(120)
        assert process.exitcode in (DONE, NOT_DONE, -DEADLY)
        if process.exitcode not in (DONE, NOT_DONE):
            # Until then the agent takes a client that died for one that is there.
            agent.simulator.pass_time(ABANDONED)
        process.close()
        if not begin and chance.random() < 0.2:
            # The token ends, and whoever was left idle.
            agent.simulator.pass_time(3600)
        if not journal.exists():
            continue
        reader = JournalReader(journal)
        if has_items(journal, run):
            counts = reader.run(run).counts
            assert counts[State.CHANGED] <= sum(record.changed for record in agent.records)
            if counts[State.CHANGED] + counts[State.UNCHANGED] == len(plan.items):
                return reader
        reader.close()
    raise AssertionError("the run came to no end")


def has_items(journal: Path, run: str) -> bool:
    """Whether a plan was written."""
    if not journal.exists():
        return False
    with JournalReader(journal) as reader:
        try:
            return any(reader.run(run).counts.values())
        except UsageError:
            return False


@pytest.mark.parametrize("seed", SEEDS)
def test_every_change_exactly_once(seed: int, plan: Plan, clean: Counter[str], tmp_path: Path) -> None:
    """With faults and deaths at chosen moments, the tenant's record and the journal are those of a clean run."""
    chance = random.Random(seed)  # noqa: S311 - chance that can be repeated
    faults = (f"seed={seed}", *chance.sample(FAULTS, 3))
    with running_agent("contract", faults=faults) as agent:
        if chance.random() < 0.3:
            agent.simulator.tenant.throttle = Throttle(every=chance.randint(5, 30), kind="error")
        if chance.random() < 0.3:
            agent.simulator.tenant.delay = 0.3
        with drive(agent, plan, tmp_path, chance, deaths=chance.randint(1, MOST_DEATHS)) as journal:
            (run,) = [one for one in journal.runs() if any(one.counts.values())]
            assert made(agent.records) == clean
            assert {item.state for item in journal.items(run.id)} == {State.CHANGED}
            assert journal.verify(run.id).ok
