"""An agent and a journal for the tests of runs, and rows of a file that change something."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from bridge.actions import ACTIONS
from bridge.batch.applying import Ending, Tools, apply, resume
from bridge.batch.plan import Plan, PlanItem
from bridge.batch.sending import Sender
from bridge.batch.undo import undo_items
from bridge.journal import Item, Journal, Planned, RunFacts, State
from bridge.model import Call, new_id
from bridge.patience import Patience
from bridge.runner import Runner
from bridge.scripts import ScriptFolder
from tests.agent import Agent

STAFF = "staff@contoso.example"
JANE, JOHN = "jane.doe@contoso.example", "john.obrien@contoso.example"
INFO, SALES = "info@contoso.example", "sales@contoso.example"


class Bench:
    """An agent and a journal, and what is done with them."""

    def __init__(self, agent: Agent, journal: Journal) -> None:
        self.agent = agent
        self.journal = journal
        self.visibility = 0.0
        self.is_halted: Callable[[], bool] = lambda: False
        self.stops: Any = None
        self.sha256_of: Callable[[], str] | None = None
        self.seen: list[dict[State, int]] = []
        self.around: Callable[[Sender], Sender] = lambda sender: sender

    def plan(self, *wanted: tuple[str, dict[str, Any]]) -> Plan:
        """What a file with these rows would change."""
        calls = [ACTIONS[name].calls(given, dry_run=True)[0] for name, given in wanted]
        with self.agent.session() as session:
            session.open()
            runner = Runner(session)
            items = [PlanItem(call, runner.run(call), line) for line, call in enumerate(calls, start=2)]
        return Plan("contoso.onmicrosoft.com", "127.0.0.1", tuple(items), source="changes.csv")

    def apply(self, plan: Plan) -> Ending:
        """Apply it in a session of its own."""
        facts = RunFacts("batch", plan=plan.hash)
        return self._with_tools(lambda tools: apply(plan, facts, tools))

    def resume(self, run: str, *, retry_failed: bool = False) -> Ending:
        """Go on with a run in a session of its own."""
        return self._with_tools(lambda tools: resume(run, RunFacts("batch"), tools, retry_failed=retry_failed))

    def undo(self, run: str) -> Plan:
        """The plan that takes a run back."""
        with self.agent.session() as session:
            session.open()
            runner = Runner(session)
            items, left = undo_items(self.journal, run, lambda calls: (runner.run(call) for call in calls))
        return Plan("contoso.onmicrosoft.com", "127.0.0.1", items, undoes=run, left=left)

    def planned(self, item: PlanItem) -> Planned:
        """An item of a plan as a run has it."""
        outcome = item.outcome
        return Planned(
            replace(item.call, dry_run=False, id=new_id()),
            self.sha256(item.call.script),
            item.line,
            outcome.before,
            outcome.after,
            outcome.identity.id if outcome.identity else "",
        )

    def states(self, run: str) -> list[str]:
        """Where the items of a run stand, with the code of what went wrong."""
        return [_told(item) for item in self.journal.items(run)]

    def sha256(self, name: str) -> str:
        """The hash of a script."""
        return self.sha256_of() if self.sha256_of else ScriptFolder(None).get(name).sha256

    def tell_counts(self, counts: Mapping[State, int], current: Call | None, note: str = "") -> None:
        """Told how far a run is."""
        self.seen.append(dict(counts))

    def _with_tools(self, work: Callable[[Tools], Ending]) -> Ending:
        patience = Patience(visibility=self.visibility)
        with self.agent.session() as session:
            session.open()
            return work(
                Tools(
                    journal=self.journal,
                    sender=self.around(Sender(session, Runner(session, (), patience), patience)),
                    sha256_of=self.sha256,
                    patience=patience,
                    is_halted=self.is_halted,
                    progress=self.tell_counts,
                    stops=self.stops,
                )
            )


def _told(item: Item) -> str:
    problem = item.outcome.problem if item.outcome else None
    return f"{item.state}: {problem.code}" if problem else str(item.state)


def grant(member: str, group: str = STAFF) -> tuple[str, dict[str, Any]]:
    """A row that makes somebody a member."""
    return "group.grant", {"group": group, "member": member}


def hide(mailbox: str) -> tuple[str, dict[str, Any]]:
    """A row that hides a mailbox."""
    return "mailbox.hide", {"mailbox": mailbox}


def attribute(mailbox: str, number: int, text: str = "x") -> tuple[str, dict[str, Any]]:
    """A row that gives a custom attribute a value."""
    return "mailbox.set", {"mailbox": mailbox, "set": [f"CustomAttribute{number}={text}"]}


def right(mailbox: str, user: str = JANE) -> tuple[str, dict[str, Any]]:
    """A row that grants a right."""
    return "shared-mailbox.grant", {"mailbox": mailbox, "user": user, "right": "send-as"}
