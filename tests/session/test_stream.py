"""Many calls through one pipeline: answered in order, and accounted for whatever breaks on the way.

Each call of these tests writes another value, so the organization's own record says which were done, and how often.
"""

from __future__ import annotations

import _thread
import contextlib
import itertools
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge import errors
from bridge.actions import ACTIONS
from bridge.model import Call, Record
from bridge.outcomes import outcome_of
from bridge.runner import run_call
from bridge.session import Session
from bridge.session.stream import BatchPipeline
from bridge.session.stream_items import Answer, Pace
from bridge.simulator.tenant import CmdletRecord
from tests.agent import Agent, running_agent

SET = "mailbox/Set-MailboxAttribute.ps1"
MAILBOXES = ("info@contoso.example", "sales@contoso.example", "jane.doe@contoso.example")


def change(value: str, mailbox: str = MAILBOXES[0], *, dry_run: bool = False) -> Call:
    """A call that writes this value to a mailbox."""
    given = {"mailbox": mailbox, "set": [f"CustomAttribute1={value}"]}
    (call,) = ACTIONS["mailbox.set"].calls(given, dry_run=dry_run)
    return call


def changes(count: int | None = None) -> Iterator[Call]:
    """Calls that write 0, 1, 2 ..."""
    for number in itertools.count() if count is None else range(count):
        yield change(str(number))


def value_of(call: Call) -> str:
    """What a call writes."""
    return str(call.parameters["set"][0]).partition("=")[2]


def written(agent: Agent) -> list[str]:
    """What was written, in order, by the organization's own record."""
    return [str(record.parameters["CustomAttribute1"]) for record in agent.records if record.changed]


@dataclass
class Batch:
    """One batch as it went: the calls that were taken, the answers, and the error that ended it."""

    pipeline: BatchPipeline
    taken: list[Call] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    error: BaseException | None = None

    def run(self, calls: Iterable[Call], each: Callable[[Answer], None] = lambda _answer: None) -> Batch:
        """Run the calls, and look at each answer."""
        try:
            for answer in self.pipeline.answers(self._take(calls)):
                self.answers.append(answer)
                each(answer)
        except (errors.BridgeError, OSError) as error:
            self.error = error
        return self

    def _take(self, calls: Iterable[Call]) -> Iterator[Call]:
        for call in calls:
            self.taken.append(call)
            yield call


def batch(session: Session, on_record: Callable[[Call, Record], None] = lambda _call, _record: None) -> Batch:
    """A batch in an open session."""
    return Batch(session.batch([SET], on_record))


def check_truth(agent: Agent, done: Batch) -> None:
    """Each call that was taken is in one place, and what that place says agrees with the organization's record."""
    answers = [*done.answers, *done.pipeline.not_taken]
    places = [answer.call for answer in answers], done.pipeline.maybe_run, done.pipeline.not_started
    assert sorted(call.id for place in places for call in place) == sorted(call.id for call in done.taken)
    answered, maybe, not_started = ([value_of(call) for call in place] for place in places)
    executed = written(agent)
    assert len(set(executed)) == len(executed), "a change was made twice"
    assert set(answered) <= set(executed)
    assert not set(not_started) & set(executed)
    assert set(executed) <= {*answered, *maybe}


def settled(agent: Agent) -> None:
    """Wait until no pipeline is left on the agent, so that the record is whole."""
    until = time.monotonic() + 10
    while any(running for shell in agent.simulator.shells() for _, running in shell.pipelines()):
        assert time.monotonic() < until, "a pipeline does not come to its end"
        time.sleep(0.01)


def test_calls_are_answered_in_their_order(agent: Agent) -> None:
    """More than fit on the way at once; the runspace is free for the next call afterwards."""
    with agent.session(on_exit="close") as session:
        session.open()
        done = batch(session).run(changes(250))
        assert run_call(change("after"), session).status == "changed"

    assert done.error is None
    assert [value_of(answer.call) for answer in done.answers] == [str(number) for number in range(250)]
    assert {str(outcome_of(answer.call, answer.reply, 0).status) for answer in done.answers} == {"changed"}
    assert written(agent) == [*(str(number) for number in range(250)), "after"]


def test_an_error_ends_its_call_alone(agent: Agent) -> None:
    """The calls before and after are done, and the records say to which they belong."""
    told: list[tuple[str, str]] = []
    calls = [change("a"), change("b", "nobody@contoso.example"), change("c")]
    with agent.session(on_exit="close") as session:
        session.open()
        done = batch(session, lambda call, record: told.append((value_of(call), record.stream))).run(calls)

    assert [answer.reply.completed for answer in done.answers] == [True, False, True]
    (error,) = done.answers[1].reply.errors
    assert (error.error_id, error.category) == ("Bridge.NotFound", "ObjectNotFound")
    assert {value for value, stream in told if stream == "verbose"} == {"a", "b", "c"}
    assert [value for value, stream in told if stream == "error"] == ["b"]
    assert [(record.stream, record.message) for record in done.answers[1].records][-1][0] == "error"
    assert written(agent) == ["a", "c"]


def test_a_dry_run_changes_nothing(agent: Agent) -> None:
    """It says what would be changed."""
    with agent.session(on_exit="close") as session:
        session.open()
        done = batch(session).run([change("a", dry_run=True), change("b", dry_run=True)])

    assert [answer.reply.output[0]["status"] for answer in done.answers] == ["changed", "changed"]
    assert written(agent) == []


def test_odd_characters_arrive_as_they_are(agent: Agent) -> None:
    """What XML cannot hold, what looks like an escape, quotes, and letters beyond the first plane."""
    values = ["a\tb", "_x0041_", "<&>\"'`$(x)", "\U0001f600 caf\u00e9", " x "]
    with agent.session(on_exit="close") as session:
        session.open()
        batch(session).run(change(value) for value in values)

    assert written(agent) == values


def test_no_call_makes_no_pipeline_that_stays(contract: Agent) -> None:
    """An empty batch ends as any other."""
    with contract.session() as session:
        session.open()
        done = batch(session).run([])
        (shell,) = contract.simulator.shells()
        assert shell.pipelines() == []

    assert (done.error, done.answers) == (None, [])


def test_who_is_slow_is_waited_for(contract: Agent) -> None:
    """While nobody asks for an answer, no call is taken: what is kept does not grow with the calls."""
    ahead: list[int] = []
    with contract.session(on_exit="close") as session:
        session.open()
        done = batch(session)
        done.run(changes(400), lambda _answer: ahead.append(len(done.taken) - len(done.answers)))

    assert len(done.answers) == 400
    assert max(ahead) <= 100


def test_as_many_are_on_their_way_as_the_agent_does_in_a_second() -> None:
    """Two where each takes long, so that a stop comes soon; a hundred at most."""
    slow, fast = Pace(), Pace()
    for _ in range(30):
        slow.tell(3.0)
        fast.tell(0.001)

    assert [slow.room(number) for number in (0, 1, 2)] == [2, 1, 0]
    assert [fast.room(number) for number in (0, 50, 51)] == [100, 50, 0]
    assert slow.pause(2) == 0


def test_to_finish_is_to_take_no_more(agent: Agent) -> None:
    """What was sent is done and answered, and nothing is left to settle."""
    with agent.session(on_exit="close") as session:
        session.open()
        done = batch(session)
        done.run(changes(), lambda answer: done.pipeline.finish() if value_of(answer.call) == "5" else None)

    assert done.error is None
    assert len(done.answers) == len(done.taken) >= 6
    check_truth(agent, done)


def test_an_error_of_the_calls_comes_after_what_was_sent(contract: Agent) -> None:
    """When the intent of the next call cannot be written, nothing more is sent, and what was sent is answered."""

    def until_full() -> Iterator[Call]:
        yield from changes(120)
        raise OSError(28, "No space left on device")

    with contract.session(on_exit="close") as session:
        session.open()
        done = batch(session).run(until_full())
        assert run_call(change("after"), session).status == "changed"

    assert isinstance(done.error, OSError)
    assert done.pipeline.maybe_run == ()
    contract.records[:] = [record for record in contract.records if not is_value(record, "after")]
    check_truth(contract, done)


def is_value(record: CmdletRecord, value: str) -> bool:
    """Whether a cmdlet wrote this value."""
    return record.parameters.get("CustomAttribute1") == value


def test_who_leaves_stops_the_pipeline(agent: Agent) -> None:
    """What was on its way is told, nothing is left running, and the session goes on."""
    with agent.session(on_exit="close") as session:
        session.open()
        done = batch(session)

        def leave(answer: Answer) -> None:
            if value_of(answer.call) == "3":
                raise OSError("enough")

        done.run(changes(), leave)
        settled(agent)
        check_truth(agent, done)
        assert run_call(change("after"), session).status == "changed"
        (shell,) = agent.simulator.shells()
        assert shell.pipelines() == []


def test_a_signal_stops_the_pipeline(contract: Agent) -> None:
    """The call that runs is stopped with it; every call is accounted for."""
    with contract.session(on_exit="close") as session:
        session.open()
        contract.simulator.faults.add("Receive#3=hang:1.5")
        done = batch(session)
        timer = threading.Timer(0.5, _thread.interrupt_main)
        timer.start()
        done.run(changes(), lambda _answer: time.sleep(0.005))
        timer.join()
        settled(contract)
        check_truth(contract, done)
        assert run_call(change("after"), session).status == "changed"

    assert isinstance(done.error, errors.Interrupted)


def test_a_batch_that_was_left_open_is_ended(agent: Agent) -> None:
    """It waits for input that will not come; whoever takes the runspace over goes on at once."""
    with agent.session(on_exit="close") as second:
        first = agent.session()
        first.open()
        pipeline = first.batch([SET], lambda _call, _record: None)
        answers = pipeline.answers(changes())
        next(answers)
        first.leave()

        assert second.open().runspace == "taken over"
        (shell,) = agent.simulator.shells()
        assert shell.pipelines() == []
        assert run_call(change("after"), second).status == "changed"
        with contextlib.suppress(errors.BridgeError):
            answers.close()  # type: ignore[attr-defined]  # it is a generator, and is not left to the collector


FAULTS = [
    "Command=reset",
    "Command=lost",
    "Send=reset",
    "Send=lost",
    "Send#3=reset",
    "Send#3=lost",
    "Send#3=garbage",
    "Receive=reset",
    "Receive=lost",
    "Receive#4=reset",
    "Receive#4=lost",
    "Receive#4=truncated",
    "Receive#4=empty",
    "Receive#4=401",
    "Receive#4=shell-gone",
    "Receive#4=kill",
    "Send#3=kill",
    "Send#3=shell-gone",
    "Any%15=lost",
]


def break_off(agent: Agent, fault: str) -> Batch:
    """A batch that meets a fault, checked against the organization's record, and a call after it."""
    with agent.session(on_exit="close") as session:
        session.open()
        agent.simulator.faults.add(fault)
        done = batch(session).run(changes(300))
        settled(agent)
        check_truth(agent, done)
        if "%" not in fault:
            assert isinstance(done.error, errors.AgentError), "the fault was not met"
            assert run_call(change("after"), session).status == "changed"
    return done


@pytest.mark.parametrize("fault", FAULTS)
def test_every_call_is_accounted_for(contract: Agent, fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever breaks: done, maybe done, or certainly not; and the session is of use afterwards."""
    monkeypatch.setattr("bridge.session.stream._PAUSES", (0.0, 0.0, 0.0))
    break_off(contract, fault)


@pytest.mark.parametrize(
    "fault", ["Send#3=forged:5@after", "Send#3=status:400@after", "Send#3=401@after", "Receive#4=forged:5@after"]
)
def test_nobody_on_the_way_has_a_change_made_twice(fault: str) -> None:
    """Where messages are encrypted: what somebody says in plain text in the place of the agent's answer."""
    with running_agent("contract", auth="ntlm") as agent:
        break_off(agent, fault)


def test_connections_that_are_cut_lose_nothing() -> None:
    """Each is made anew with keys of its own, and what is on its way is made and answered once."""
    with running_agent("contract", auth="ntlm") as agent, agent.session() as session:
        session.open()
        left, answered = list(changes(300)), 0
        while left:
            done = batch(session).run(left, lambda answer: _cut(agent, answer))
            settled(agent)
            check_truth(agent, done)
            assert not done.pipeline.maybe_run
            answered += len(done.answers) + len(done.pipeline.not_taken)
            left = left[len(done.taken) :]
            session.mend()
        assert answered == len(written(agent)) == 300


def _cut(agent: Agent, answer: Answer) -> None:
    """End all connections after each fiftieth answer."""
    if int(value_of(answer.call)) % 50 == 49:
        agent.simulator.close_connections()


@pytest.mark.pwsh
@pytest.mark.parametrize("fault", ["Send#3=lost", "Receive#4=reset", "Receive#4=lost", "Receive#4=kill"])
def test_every_call_is_accounted_for_on_a_real_powershell(agent: Agent, fault: str) -> None:
    """The same where a real PowerShell runs on, or dies."""
    break_off(agent, fault)


def test_what_is_on_its_way_is_answered_on_a_new_connection(contract: Agent) -> None:
    """A connection that breaks before an answer was made loses none."""
    done = break_off(contract, "Receive#4=reset")

    assert isinstance(done.error, errors.AgentError)
    assert done.pipeline.maybe_run == ()
    assert len(done.answers) == len(done.taken) < 300


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(MAILBOXES), max_size=40))
def test_the_order_is_kept_for_each_object(contract: Agent, order: list[str]) -> None:
    """What each mailbox was given, in order, is what was asked for it."""
    snapshot = contract.simulator.tenant.snapshot()
    contract.records.clear()
    calls = [change(str(number), mailbox) for number, mailbox in enumerate(order)]
    with contract.session() as session:
        session.open()
        done = batch(session).run(calls)
    contract.simulator.tenant.restore(snapshot)

    assert [answer.call for answer in done.answers] == calls
    assert written(contract) == [str(number) for number in range(len(order))]
    before: dict[str, str] = {}
    for answer in done.answers:
        (row,) = answer.reply.output
        mailbox = str(answer.call.parameters["mailbox"])
        assert row["before"]["custom_attribute1"] == before.get(mailbox, row["before"]["custom_attribute1"])
        before[mailbox] = value_of(answer.call)
