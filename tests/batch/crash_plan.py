"""The changes that are applied while things die: planned once, with what each of them leaves in the tenant's record.

Rule: each change is one cmdlet that changes something. What is created has no id before, so in the record the objects
go by their names.
"""

from __future__ import annotations

import importlib.resources
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bridge.actions import ACTIONS
from bridge.batch.plan import Plan, PlanItem
from bridge.model import Call, Outcome, Status
from bridge.runner import Runner
from bridge.simulator import Engine
from bridge.simulator.tenant import CmdletRecord
from tests.agent import Agent, running_agent

PEOPLE = ("jane.doe", "john.obrien")
_GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_WITHOUT_BOXES, _CHANGES_OF_BOX = 50, 13
_BOX = """
[[accounts]]
type = "SharedMailbox"
name = "{name}"
user_principal_name = "{name}@contoso.example"
primary_smtp_address = "{name}@contoso.example"
"""


@dataclass(frozen=True)
class Wanted:
    """One change, and its line in the tenant's record. ``needs`` is the line of the item that creates its object."""

    item: PlanItem
    change: str
    needs: int = 0


@dataclass(frozen=True)
class CrashPlan:
    """Changes of the organization in the file ``tenant``, on an engine; of them each run makes about ``items``."""

    items: int
    engine: Engine
    pwsh: str | None
    tenant: Path
    wanted: tuple[Wanted, ...]

    def plan(self, lines: Iterable[int]) -> Plan:
        """The plan of some of them, by their lines."""
        chosen = set(lines)
        items = [replace(one.item) for one in self.wanted if one.item.line in chosen]
        return Plan("contoso", "127.0.0.1", tuple(items))

    def agent(self, **options: Any) -> Any:
        """A new agent of this organization; a context manager."""
        return running_agent(self.engine, pwsh=self.pwsh, tenant=self.tenant, **options)


def crash_plan(folder: Path, items: int, engine: Engine = "contract", pwsh: str | None = None) -> CrashPlan:
    """At least twice as many changes as a run makes; the organization is written into ``folder``."""
    file = folder / "tenant.toml"
    missing = max(0, 2 * items - _WITHOUT_BOXES)
    boxes = [f"box{number}" for number in range(-(-missing // _CHANGES_OF_BOX))]
    file.write_text(_organization(boxes), encoding="utf-8")
    with running_agent(engine, pwsh=pwsh, tenant=file) as agent, agent.session() as session:
        session.open()
        runner = Runner(session)
        calls = [ACTIONS[name].calls(given, dry_run=True)[0] for name, given in rows(boxes)]
        planned = [_planned(runner.run(call), call, line) for line, call in enumerate(calls, start=2)]
        wanted = tuple(_made_one_by_one(agent, runner, planned))
    return CrashPlan(items, engine, pwsh, file, wanted)


def rows(boxes: Iterable[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """What is wanted; each can be told from the others in the tenant's own record."""
    for number, mailbox in enumerate((*PEOPLE, "info", "sales", *boxes)):
        address = f"{mailbox}@contoso.example"
        yield "mailbox.hide", {"mailbox": address}
        for attribute in range(1, 8):
            yield "mailbox.set", {"mailbox": address, "set": [f"CustomAttribute{attribute}={mailbox} {attribute}"]}
        for group in ("staff", "finance"):
            yield "group.grant", {"group": f"{group}@contoso.example", "member": address}
        if mailbox not in PEOPLE:
            person = f"{PEOPLE[number % 2]}@contoso.example"
            for right in ("full-access", "send-as", "send-on-behalf"):
                yield "shared-mailbox.grant", {"mailbox": address, "user": person, "right": right}
        if number % 6 == 0:
            new = f"new{number}@contoso.example"
            yield "shared-mailbox.create", {"name": f"New {number}", "address": new}
            yield "mailbox.hide", {"mailbox": new}
            yield "mailbox.set", {"mailbox": new, "set": [f"CustomAttribute1=new {number}"]}
            given = {"mailbox": new, "user": f"{PEOPLE[0]}@contoso.example", "right": "send-as"}
            yield "shared-mailbox.grant", given


def made(agent: Agent) -> Counter[str]:
    """The changes in the tenant's record, each told from the others."""
    names = {thing.guid: thing.name for thing in agent.simulator.tenant.directory.objects()}
    return Counter(_line(record, names) for record in list(agent.records) if record.changed)


def _line(record: CmdletRecord, names: dict[str, str]) -> str:
    text = f"{record.cmdlet} {sorted(record.parameters.items())}"
    return _GUID.sub(lambda found: names.get(found[0].lower(), found[0]), text)


def _planned(seen: Outcome, call: Call, line: int) -> PlanItem:
    """An item of the plan; what is not there is created by an item before it."""
    if seen.problem is not None:
        assert seen.problem.code == "object-not-found"
        seen = replace(seen, status=Status.CHANGED, problem=None)
    return PlanItem(call, seen, line)


def _made_one_by_one(agent: Agent, runner: Runner, items: Iterable[PlanItem]) -> Iterator[Wanted]:
    """Make the changes, and see what each leaves in the record."""
    created: dict[str, int] = {}
    for item in items:
        if not item.changes:
            continue
        agent.records.clear()
        runner.run(replace(item.call, dry_run=False))
        (change,) = made(agent).elements()
        parameters = item.call.parameters
        if item.call.creates:
            created[parameters["address"]] = item.line
        yield Wanted(item, change, 0 if item.call.creates else created.get(parameters.get("mailbox", ""), 0))


def _organization(boxes: Iterable[str]) -> str:
    """The demo organization with further shared mailboxes, as a tenant file."""
    demo = (importlib.resources.files("bridge.simulator") / "demo_tenant.toml").read_text(encoding="utf-8")
    return demo + "".join(_BOX.format(name=box) for box in boxes)
