"""What a batch costs Exchange: the calls and the time of planning and applying, against rows that go one by one.

    python -m benchmarks.economy [--rows N] [--groups N] [--there PERCENT]

The rows make people members of groups; so many percent of them are members already. What is printed are the Exchange
calls that the simulated organization saw. The time is that of the simulator and of this process together; in reality an
Exchange call takes a second or so, and the calls are what counts.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_DNS, uuid5

from bridge.actions import ACTIONS
from bridge.batch import Item
from bridge.batch.applying import Tools, apply
from bridge.batch.members import Members
from bridge.batch.plan import Plan
from bridge.batch.planning import plan_items
from bridge.batch.sending import Sender
from bridge.journal import Journal, RunFacts
from bridge.patience import Patience
from bridge.runner import Runner
from bridge.scripts import ScriptFolder
from bridge.session import Session
from bridge.settings import load_settings
from bridge.simulator import Simulator, SimulatorOptions
from bridge.simulator.tenant import CmdletRecord, Tenant
from bridge.simulator.tenant.objects import Account, DirectoryObject, Group


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000)
    parser.add_argument("--groups", type=int, default=10)
    parser.add_argument("--there", type=int, default=90, help="how many percent are members already")
    arguments = parser.parse_args()
    with Simulator(SimulatorOptions(engine="contract")) as simulator:
        rows = list(filled(simulator.tenant, arguments.rows, arguments.groups, arguments.there))
        records: list[CmdletRecord] = []
        simulator.tenant.observers.append(records.append)
        settings = load_settings(overrides=simulator.settings(), environ={}).settings
        with Session(settings, ScriptFolder()) as session, tempfile.TemporaryDirectory() as folder:
            session.open()
            sender = Sender(session, Runner(session), Patience())
            records.clear()
            start = time.perf_counter()
            plan = planned(sender, rows)
            planned_calls, planned_seconds = len(records), time.perf_counter() - start
            with Journal(Path(folder) / "journal.db") as journal:
                applied(sender, plan, journal)
            seconds = time.perf_counter() - start - planned_seconds
            changes = sum(record.changed for record in records)
        print(f"{len(rows)} grants into {arguments.groups} groups, {changes} of them to be made:")
        print(f"  plan   {planned_calls:6d} Exchange calls   {planned_seconds:6.1f} s")
        print(f"  apply  {len(records) - planned_calls:6d} Exchange calls   {seconds:6.1f} s")
        print(f"  both   {len(records):6d} Exchange calls   of which {changes} change something")
        print(f"  row by row, two calls for each look and each change: {2 * len(rows) + 4 * changes} Exchange calls")


def filled(tenant: Tenant, rows: int, groups: int, there: int) -> Iterator[Mapping[str, str]]:
    """Put people and groups into an organization; gives what each row says."""
    one, other = (tenant.directory.find(name, lambda _: True)[0] for name in ("jane.doe", "staff"))
    assert isinstance(other, Group)
    for number in range(groups):
        names = [f"person.{number}.{person}" for person in range(rows // groups)]
        people = [renamed(one, name) for name in names]
        for person in people:
            tenant.directory.add(person)
        members = tuple(person.guid for person in people[: len(people) * there // 100])
        tenant.directory.add(replace(renamed(other, f"group.{number}"), members=members))
        for name in names:
            yield {"group": f"group.{number}@contoso.example", "member": f"{name}@contoso.example"}


def renamed(thing: DirectoryObject, name: str) -> Any:
    """Another object of the same kind."""
    address = f"{name}@contoso.example"
    own: dict[str, Any] = {"guid": str(uuid5(NAMESPACE_DNS, name)), "external_id": str(uuid5(NAMESPACE_DNS, address))}
    own |= {"name": name, "display_name": name, "alias": name, "primary_smtp_address": address}
    if isinstance(thing, Account):
        own["user_principal_name"] = address
    return replace(thing, **own)


def planned(sender: Sender, rows: list[Mapping[str, str]]) -> Plan:
    """The plan of these rows."""
    calls = [call for row in rows for call in ACTIONS["group.grant"].calls(row)]
    found = (Item(call, line) for line, call in enumerate(calls, 2))
    items, _ = plan_items(found, sender.looks, Members(sender.looks), total=len(calls))
    return Plan("contoso.onmicrosoft.com", "127.0.0.1", items)


def applied(sender: Sender, plan: Plan, journal: Journal) -> None:
    """Apply it."""
    scripts = ScriptFolder()
    tools = Tools(
        journal=journal,
        sender=sender,
        sha256_of=lambda name: scripts.get(name).sha256,
        patience=Patience(),
        is_halted=lambda: False,
        progress=lambda *_: None,
    )
    ending = apply(plan, RunFacts("batch", plan=plan.hash), tools)
    assert ending.how == "done", ending.why


if __name__ == "__main__":
    main()
