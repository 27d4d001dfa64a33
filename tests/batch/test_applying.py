"""A plan is applied exactly, each of its changes once, and a run that did not come to its end is resumed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import replace

import pytest

from bridge.batch.sending import Sender
from bridge.errors import Interrupted, UsageError
from bridge.journal import JournalNotWritten, Planned, RunFacts
from bridge.model import Call, Outcome, Problem, Status
from bridge.outcomes import interrupted
from tests.batch.bench import INFO, JANE, JOHN, SALES, STAFF, Bench, attribute, grant, hide, right


def test_exactly_the_plan(bench: Bench) -> None:
    """What the plan changes is changed once, what is so already and what failed is recorded and not sent."""
    plan = bench.plan(hide(INFO), right(SALES), grant(JANE, "nobody@contoso.example"), hide(SALES))
    bench.agent.records.clear()
    ending = bench.apply(plan)
    assert ending.how == "done"
    assert bench.states(ending.run) == ["changed", "changed", "failed: object-not-found", "changed"]
    assert bench.agent.changes() == ["Set-Mailbox", "Add-RecipientPermission", "Set-Mailbox"]
    again = bench.apply(bench.plan(hide(INFO), right(SALES)))
    assert bench.states(again.run) == ["unchanged", "unchanged"]
    assert len(bench.agent.changes()) == 3
    assert bench.journal.verify(ending.run).ok
    assert sum(bench.seen[-1].values()) == 2


def test_changed_since(bench: Bench) -> None:
    """An object that somebody changed after the plan was made is left as it is, and the others are changed."""
    plan = bench.plan(hide(INFO), hide(SALES), right(SALES))
    assert bench.apply(bench.plan(hide(SALES))).how == "done"
    bench.agent.records.clear()
    ending = bench.apply(plan)
    assert bench.states(ending.run) == ["changed", "failed: plan-outdated", "changed"]
    assert bench.agent.changes() == ["Set-Mailbox", "Add-RecipientPermission"]
    outdated = [item.outcome for item in bench.journal.items(ending.run)][1]
    assert outdated is not None
    assert outdated.problem is not None
    assert "hidden" in outdated.problem.message


def test_other_script(bench: Bench) -> None:
    """A script that is another one than when the run began does nothing for it."""
    plan = bench.plan(hide(INFO))
    bench.sha256_of = iter(["a" * 64, "b" * 64, "c" * 64]).__next__
    assert bench.states(bench.apply(plan).run) == ["failed: plan-outdated"]
    assert bench.agent.changes() == []


def test_same_object_twice(bench: Bench) -> None:
    """What a run itself changed does not make its later items outdated, and undoing goes through all steps back."""
    plan = bench.plan(attribute(INFO, 1, "one"), attribute(INFO, 1, "two"), grant(JANE), grant(JOHN))
    before = bench.agent.simulator.tenant.snapshot()
    ending = bench.apply(plan)
    assert bench.states(ending.run)[:2] == ["changed", "changed"]
    undone = bench.apply(bench.undo(ending.run))
    assert set(bench.states(undone.run)) == {"changed"}
    assert bench.agent.simulator.tenant.snapshot() == before


def test_same_mailbox_twice_with_a_text_that_exchange_chooses(bench: Bench) -> None:
    """The formats that come with a language cannot be foreseen; later items of the run take them as they are."""
    regional = ("mailbox.set-regional", {"mailbox": JANE})
    language, zone = ((regional[0], regional[1] | one) for one in ({"language": "de-DE"}, {"time_zone": "UTC"}))
    before = bench.agent.simulator.tenant.snapshot()
    ending = bench.apply(bench.plan(language, zone))
    assert bench.states(ending.run) == ["changed", "changed"]
    undone = bench.apply(bench.undo(ending.run))
    assert set(bench.states(undone.run)) == {"changed"}
    assert bench.agent.simulator.tenant.snapshot() == before


def test_undo_of_there_and_back(bench: Bench) -> None:
    """A run that made and unmade the same is taken back to where it began, not to its middle."""
    revoke = ("group.revoke", {"group": STAFF, "member": JANE})
    before = bench.agent.simulator.tenant.snapshot()
    first = bench.plan(grant(JANE))
    (granted,) = first.items
    made = replace(granted.outcome, status=Status.CHANGED)
    (back,) = bench.plan(revoke).items
    back = replace(
        back, outcome=replace(made, action="group.revoke", before=made.after, after=made.before, parameters=revoke[1])
    )
    ending = bench.apply(replace(first, items=(granted, back)))
    assert bench.states(ending.run) == ["changed", "changed"]
    plan = bench.undo(ending.run)
    assert [item.call.action for item in plan.items] == ["group.grant", "group.revoke"]
    assert set(bench.states(bench.apply(plan).run)) == {"changed"}
    assert bench.agent.simulator.tenant.snapshot() == before


class Between(Sender):
    """A sender with something in between: ``meet`` may answer a call itself, or raise. It sends one call at a time."""

    def __init__(self, sender: Sender, meet: Callable[[Call], Outcome | None]) -> None:
        self.rate = sender.rate
        self._sender = sender
        self._meet = meet

    @property
    def room(self) -> int:
        """One call at a time."""
        return 1

    def settle_down(self) -> None:
        """As behind it."""
        self._sender.settle_down()

    def run(self, call: Call) -> Outcome:
        """The outcome, from ``meet`` or from behind it."""
        return self._meet(call) or self._sender.run(call)

    def outcomes(self, calls: Iterable[Call | None], scripts: Collection[str]) -> Iterator[Outcome]:
        """The same, for each call."""
        return (self.run(call) for call in calls if call is not None)


def unknown_for(mailbox: str) -> Callable[[Call], Outcome | None]:
    """Loses the answer to the first change of this mailbox, which is not made, and every look at it after that."""
    lost: list[str] = []

    def meet(call: Call) -> Outcome | None:
        if call.parameters["mailbox"] != mailbox or (call.dry_run and not lost):
            return None
        lost.append(call.id)
        return failed(call, "unexpected") if call.dry_run else interrupted(call, 1.0)

    return meet


def failed(call: Call, code: str) -> Outcome:
    """How a call ended that failed with this code."""
    problem = Problem(code, "It failed.", "Look.", retry=True)
    return Outcome(call.action, Status.FAILED, call.parameters, call.dry_run, problem=problem, call_id=call.id)


def test_object_unknown(bench: Bench) -> None:
    """While an outcome is unknown its object is not touched, others are; who resumes finds it out and does the rest."""
    plan = bench.plan(hide(INFO), right(INFO), hide(SALES))
    bench.around = lambda sender: Between(sender, unknown_for(INFO))
    ending = bench.apply(plan)
    assert ending.how == "done"
    assert bench.states(ending.run) == ["unknown: outcome-unknown", "failed: object-unknown", "changed"]
    assert bench.agent.changes() == ["Set-Mailbox"]
    bench.around = lambda sender: sender
    bench.resume(ending.run)
    assert bench.states(ending.run) == ["changed"] * 3
    assert len(bench.agent.changes()) == 3
    assert bench.journal.verify(ending.run).ok


@pytest.mark.parametrize("is_dry", [True, False], ids=["at the look", "at the change"])
def test_agent_gone(bench: Bench, is_dry: bool) -> None:
    """When the agent is gone the run ends as interrupted, what is left stays, and going on needs no extra word."""
    plan = bench.plan(hide(INFO), hide(SALES), right(SALES))

    def meet(call: Call) -> Outcome | None:
        is_met = call.parameters["mailbox"] == SALES and call.dry_run is is_dry
        return failed(call, "agent-unreachable") if is_met else None

    bench.around = lambda sender: Between(sender, meet)
    ending = bench.apply(plan)
    assert ending.how == bench.journal.run(ending.run).ended == "interrupted"
    assert ending.lost is not None
    assert ending.lost.code == "agent-unreachable"
    assert bench.states(ending.run)[2] == "planned"
    bench.around = lambda sender: sender
    assert bench.resume(ending.run).how == "done"
    assert bench.states(ending.run) == ["changed"] * 3
    assert len(bench.agent.changes()) == 3


def test_halt(bench: Bench) -> None:
    """Who asks for an end gets it after the items that are under way, and the rest is done by resume."""
    plan = bench.plan(*(attribute(INFO, number) for number in (1, 2, 3)))
    bench.is_halted = lambda: len(bench.agent.changes()) == 1
    ending = bench.apply(plan)
    assert (ending.how, bench.states(ending.run)) == ("interrupted", ["changed", "planned", "planned"])
    bench.is_halted = lambda: False
    assert bench.resume(ending.run).how == "done"
    assert bench.states(ending.run) == ["changed"] * 3


@pytest.mark.parametrize("is_made", [True, False], ids=["made", "not made"])
def test_stopped_at_once(bench: Bench, is_made: bool) -> None:
    """An item that was stopped in the middle is unknown, and found out before anything else when the run goes on."""
    plan = bench.plan(hide(INFO), hide(SALES))

    def around(sender: Sender) -> Sender:
        def meet(call: Call) -> Outcome | None:
            if call.dry_run:
                return None
            error = Interrupted("Stopped.")
            error.outcomes = [interrupted(call, 1.0)]
            if is_made:
                sender.run(call)
            raise error

        return Between(sender, meet)

    bench.around = around
    ending = bench.apply(plan)
    assert (ending.how, bench.states(ending.run)) == ("interrupted", ["unknown: interrupted", "planned"])
    bench.around = lambda sender: sender
    assert bench.resume(ending.run).how == "done"
    assert bench.states(ending.run) == ["changed", "changed"]
    assert len(bench.agent.changes()) == 2


def test_stops(bench: Bench) -> None:
    """A limit ends the run after the outcome that reaches it, with its sentence."""

    class Two:
        count = 0

        def should_stop(self, outcome: Outcome) -> str:
            self.count += 1
            return "Two are enough." if self.count == 2 else ""

    bench.stops = Two()
    ending = bench.apply(bench.plan(*(attribute(INFO, number) for number in (1, 2, 3))))
    assert (ending.how, ending.why) == ("limit-reached", "Two are enough.")
    assert bench.states(ending.run) == ["changed", "changed", "planned"]


def test_without_intent_nothing_is_sent(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the journal takes no intent nothing is sent, and the run can go on later."""
    plan = bench.plan(hide(INFO))
    with monkeypatch.context() as patch:

        def intend(run: str, items: Iterable[Planned]) -> None:
            raise JournalNotWritten("The disk is full.")

        patch.setattr(bench.journal, "intend", intend)
        with pytest.raises(JournalNotWritten):
            bench.apply(plan)
    assert bench.agent.changes() == []
    (run,) = bench.journal.runs()
    assert bench.resume(run.id).how == "done"
    assert bench.states(run.id) == ["changed"]


def test_died_before_its_plan_was_written(bench: Bench) -> None:
    """A run whose process died before the plan was in the journal is not taken for one that is done."""
    facts = RunFacts("batch")
    bench.journal.begin(facts)
    with pytest.raises(UsageError, match="no items"):
        bench.resume(facts.id)
