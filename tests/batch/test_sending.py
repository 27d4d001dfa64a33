"""Many calls get through a night in which everything happens: throttling, tokens that end, an agent that goes away."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from bridge import errors
from bridge.actions import ACTIONS
from bridge.batch.sending import Sender
from bridge.model import Call, Outcome, Status
from bridge.patience import Patience
from bridge.runner import Runner
from bridge.session import Session
from bridge.simulator.tenant import Throttle
from tests.agent import Agent, running_agent
from tests.batch.bench import INFO, SALES, attribute, grant


@pytest.fixture
def agent() -> Iterator[Agent]:
    """An agent of its own: its clock is moved, and it is stopped."""
    with running_agent("contract") as agent:
        yield agent


def call(name: str, given: dict[str, Any], *, dry_run: bool = False) -> Call:
    """One call."""
    (made,) = ACTIONS[name].calls(given, dry_run=dry_run)
    return made


def changes(count: int) -> list[Call]:
    """Changes that follow each other on one mailbox."""
    return [call(*attribute(INFO, 1, str(number))) for number in range(count)]


def sender(session: Session, **facts: Any) -> Sender:
    """A sender that repeats what may be repeated, soon."""
    patience = Patience(retries=2, throttle_pause=0.05)
    return Sender(session, Runner(session, (), patience), patience, **facts)


def sent(one: Sender, calls: list[Call]) -> list[Outcome]:
    """Their outcomes, as they come."""
    return list(one.outcomes(calls, {call.script for call in calls}))


def values(agent: Agent) -> list[str]:
    """What was written to the mailbox, in order."""
    return [record.parameters["CustomAttribute1"] for record in agent.records if record.changed]


def test_in_one_pipeline_in_their_order(agent: Agent) -> None:
    """Each is made once, in order, with less than half an exchange for each."""
    events: list[str] = []

    def listen(event: str, /, **_facts: object) -> None:
        events.append(event)

    with agent.session(listener=listen) as session:
        session.open()
        calls = changes(60)
        outcomes = sent(sender(session), calls)
    assert [outcome.call_id for outcome in outcomes] == [one.id for one in calls]
    assert {outcome.status for outcome in outcomes} == {Status.CHANGED}
    assert values(agent) == [str(number) for number in range(60)]
    assert events.count("batch sent") == 1


def test_it_gives_none_while_it_has_none(agent: Agent) -> None:
    """What depends on an answer is sent in the same pipeline, when the answer is there."""
    events: list[str] = []

    def listen(event: str, /, **_facts: object) -> None:
        events.append(event)

    with agent.session(listener=listen) as session:
        session.open()
        first, second = changes(2)
        known: list[Outcome] = []

        def calls() -> Iterator[Call | None]:
            yield first
            while not known:
                yield None
            yield second

        for outcome in sender(session).outcomes(calls(), {first.script}):
            known += [outcome]
    assert [outcome.call_id for outcome in known] == [first.id, second.id]
    assert events.count("batch sent") == 1


def test_looks_come_in_order_and_change_nothing(agent: Agent) -> None:
    """Reads and dry runs, though some are sent again."""
    with agent.session() as session:
        session.open()
        agent.simulator.faults.add("Receive=lost")
        calls = [call(*attribute(INFO, 1, str(number)), dry_run=True) for number in range(30)]
        outcomes = list(sender(session).looks(calls))
    assert [outcome.call_id for outcome in outcomes] == [one.id for one in calls]
    assert agent.changes() == []


@pytest.mark.parametrize("kind", ["delay", "error"])
def test_throttled(agent: Agent, kind: str) -> None:
    """Slowed down or refused: all are made once in the end, and a rate was found."""
    agent.simulator.tenant.throttle = Throttle(every=7, kind=kind, seconds=0.05)
    with agent.session() as session:
        session.open()
        one = sender(session)
        calls = [call(*attribute(mailbox, number)) for mailbox in (INFO, SALES) for number in range(1, 16)]
        outcomes = sent(one, calls)
    assert {outcome.status for outcome in outcomes} == {Status.CHANGED}
    assert {outcome.call_id for outcome in outcomes} == {one.id for one in calls}
    assert len(agent.changes()) == len(calls)
    assert one.rate.pause > 0


def test_the_runspace_is_recycled_between_calls(agent: Agent) -> None:
    """By the number of calls, in the middle of a batch."""
    with agent.session(recycle_pipelines=20) as session:
        session.open()
        assert {outcome.status for outcome in sent(sender(session), changes(250))} == {Status.CHANGED}
    assert values(agent) == [str(number) for number in range(250)]
    assert agent.logons() >= 2


def test_exchange_is_connected_again(agent: Agent) -> None:
    """When its connection is gone in the middle, what did not reach Exchange is sent again, and nothing twice."""
    with agent.session() as session:
        session.open()
        taken = 0

        def calls() -> Iterator[Call]:
            nonlocal taken
            for one in changes(40):
                taken += 1
                if taken == 20:
                    agent.simulator.pass_time(2 * 24 * 3600)
                yield one

        outcomes = list(sender(session).outcomes(calls(), {"mailbox/Set-MailboxAttribute.ps1"}))
    assert {outcome.status for outcome in outcomes} == {Status.CHANGED}
    assert sorted(values(agent), key=int) == [str(number) for number in range(40)]


def test_something_new_is_waited_for(agent: Agent) -> None:
    """A group that is created is seen before the next call names it; the calls around it go through pipelines."""
    agent.simulator.tenant.delay = 0.3
    address = "new.group@contoso.example"
    with agent.session() as session:
        session.open()
        calls = [
            *changes(3),
            call("group.create", {"name": "New group", "address": address, "kind": "distribution"}),
            call(*grant("jane.doe@contoso.example", address)),
            call(*grant("john.obrien@contoso.example", address)),
        ]
        outcomes = sent(sender(session), calls)
    assert [outcome.status for outcome in outcomes] == [Status.CHANGED] * 6


def test_an_agent_that_goes_away_and_comes_back(agent: Agent) -> None:
    """Nothing is sent meanwhile and it is said once; afterwards the batch goes on where it was."""
    told: list[str] = []
    port = agent.simulator.port
    with agent.session() as session:
        session.open()
        one = sender(session, unreachable=60, tell=told.append)
        agent.simulator.faults.add("Any%100=reset")
        back = threading.Timer(4.0, agent.simulator.faults.clear)
        back.start()
        outcomes = sent(one, changes(10))
        back.join()
    assert port == agent.simulator.port
    assert {outcome.status for outcome in outcomes} <= {Status.CHANGED, Status.UNKNOWN}
    assert len(told) == 1
    assert "it is tried again for 60 s" in told[0]
    assert len(values(agent)) == len(set(values(agent)))


def test_an_agent_that_stays_away(agent: Agent) -> None:
    """The batch ends with the error when the time is up, or as soon as somebody asks for its end."""
    with agent.session() as session:
        session.open()
        agent.simulator.stop()
        with pytest.raises(errors.AgentUnreachable):
            sent(sender(session), changes(3))
        with pytest.raises(errors.AgentUnreachable):
            sent(sender(session, unreachable=3600, is_halted=lambda: True), changes(3))
    assert agent.changes() == []
