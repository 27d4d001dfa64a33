"""An agent with an open session, for the tests of what a batch reads once and what it costs."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable
from typing import Any
from uuid import NAMESPACE_DNS, uuid5

from bridge.actions import ACTIONS
from bridge.batch.applying import DONE, Tools, apply
from bridge.batch.plan import Plan
from bridge.batch.sending import Sender
from bridge.journal import Journal, RunFacts
from bridge.model import Call
from bridge.patience import Patience
from bridge.runner import Runner
from bridge.scripts import ScriptFolder
from bridge.session import Session
from bridge.simulator.tenant.objects import Account, DirectoryObject, Group
from tests.agent import Agent

JANE, JOHN, PIETER = (f"{name}@contoso.example" for name in ("jane.doe", "john.obrien", "pieter.jansen"))
STAFF, FINANCE, SYNCED, INFO, SALES = (
    f"{name}@contoso.example" for name in ("staff", "finance", "synced", "info", "sales")
)


class Desk:
    """An agent with an open session."""

    def __init__(self, agent: Agent, session: Session) -> None:
        self.agent = agent
        self.sender = Sender(session, Runner(session), Patience())

    def thing(self, name: str) -> DirectoryObject:
        """An object of the organization."""
        (found,) = self.agent.simulator.tenant.directory.find(name, lambda _: True)
        return found

    def put(self, thing: DirectoryObject) -> None:
        """Change an object behind Exchange's back."""
        self.agent.simulator.tenant.directory.put(thing)

    def apply(self, plan: Plan, journal: Journal) -> str:
        """Apply a plan; gives the run."""
        tools = Tools(
            journal=journal,
            sender=self.sender,
            sha256_of=lambda name: ScriptFolder().get(name).sha256,
            patience=Patience(),
            is_halted=lambda: False,
            progress=lambda *_: None,
        )
        ending = apply(plan, RunFacts("batch", plan=plan.hash), tools)
        assert ending.how == DONE, ending.why
        return ending.run

    def asked(self) -> Counter[str]:
        """How often each cmdlet was called since the last time."""
        counts = Counter(record.cmdlet for record in self.agent.records)
        self.agent.records.clear()
        return counts


def looks(action: str, rows: list[dict[str, Any]]) -> list[Call]:
    """Dry runs of an action."""
    return [call for row in rows for call in ACTIONS[action].calls(row, dry_run=True)]


def crowd(desk: Desk, groups: int, people: int, members: int) -> list[tuple[str, str]]:
    """So many groups of which ``members`` of their ``people`` are members; gives group and person of each row."""
    directory = desk.agent.simulator.tenant.directory
    staff, jane = desk.thing(STAFF), desk.thing(JANE)
    assert isinstance(staff, Group)
    rows = []
    for number in range(groups):
        names = [f"person.{number}.{other}" for other in range(people)]
        for name in names:
            directory.add(renamed(jane, name))
        known = tuple(desk.thing(name).guid for name in names[:members])
        directory.add(dataclasses.replace(renamed(staff, f"crowd.{number}"), members=known))
        rows += [(f"crowd.{number}@contoso.example", f"{name}@contoso.example") for name in names]
    return rows


def renamed(thing: DirectoryObject, name: str) -> Any:
    """Another object of the same kind, whose names are all this one."""
    address = f"{name}@contoso.example"
    own: dict[str, Any] = {"guid": str(uuid5(NAMESPACE_DNS, name)), "external_id": str(uuid5(NAMESPACE_DNS, address))}
    own |= {"name": name, "display_name": name, "alias": name, "primary_smtp_address": address}
    if isinstance(thing, Account):
        own["user_principal_name"] = address
    return dataclasses.replace(thing, **own)


def memberships(action: str, rows: Iterable[tuple[str, str]]) -> list[Call]:
    """Dry runs of an action for groups and members."""
    return looks(action, [{"group": group, "member": member} for group, member in rows])
