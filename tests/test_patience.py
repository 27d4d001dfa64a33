"""What waits, for how long: throttling, repetitions, new objects."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bridge import errors
from bridge.model import Record, RemoteError, Status
from bridge.outcomes import exit_code
from bridge.patience import Patience, delayed
from bridge.runner import Runner, run_call, run_calls
from tests.test_runner import RESULT, Answers, Diary, change, read, reply

DELAY = "Micro delay applied. Actual delayed: {} msecs, Enforced: True, Capped delay: 9 msecs;\nPolicyDN:  ;\nx"
REFUSED = RemoteError(
    "Maximum retry count reached.", reason="OverBudgetException", error_id="x", activity="Add-DistributionGroupMember"
)
BUSY = replace(REFUSED, reason="ADTransientException")
SEEN, UNSEEN = reply({"visible": True}), reply({"visible": False})


@pytest.fixture(autouse=True)
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Time that passes only in waits; the seconds of each."""
    waits: list[float] = []
    now = 1000.0

    def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds
        waits.append(round(seconds, 3))

    monkeypatch.setattr("time.sleep", sleep)
    monkeypatch.setattr("time.monotonic", lambda: now)
    return waits


def test_a_slowed_call_slows_the_next_ones(slept: list[float]) -> None:
    """The next call waits as long as Exchange said, each after it half as long; the outcome says how long it was."""
    answers = [reply(RESULT, warnings=(DELAY.format(2000), "note")), *[reply(RESULT)] * 7]

    outcomes = run_calls([change() for _ in answers], Answers(*answers))

    assert outcomes[0].throttled_seconds == 2.0
    assert outcomes[0].as_json()["throttled_seconds"] == 2.0
    assert outcomes[0].warnings == ["note"]
    assert [outcome.throttled_seconds for outcome in outcomes[1:]] == [0.0] * 7
    assert slept == [2.0, 1.0, 0.5, 0.25, 0.125, 0.062]


def test_delays_are_read_from_warnings_of_throttling_alone() -> None:
    """Milliseconds of all of them; another warning, and one without a number, count nothing."""
    assert (
        delayed([DELAY.format(1500), "Actual delayed: 9000 msecs", DELAY.format(250), "Micro delay applied."]) == 1.75
    )


def test_a_change_that_was_refused_because_of_too_many_is_sent_again(slept: list[float]) -> None:
    """Within the budget, with pauses that double, in pipelines of their own; the outcome is the last one's."""
    call = change()
    runspace = Answers(reply(error=REFUSED), reply(error=REFUSED), reply(RESULT))
    diary = Diary()

    outcome = run_call(call, runspace, [diary], patience=Patience(retries=2, throttle_pause=5))

    assert outcome.status is Status.CHANGED
    assert slept == [5.0, 10.0]
    assert [call_id for _, _, call_id in runspace.sent] == [call.id, "", ""]
    assert diary.entries[1] == ("warning", "Maximum retry count reached. It is sent once more in 5 s.")


def test_when_the_budget_is_spent_it_has_failed(slept: list[float]) -> None:
    """The code says why, and that a retry can help; no budget, no pause."""
    outcome = run_call(change(), Answers(*[reply(error=REFUSED)] * 3), patience=Patience(retries=2))
    assert outcome.status is Status.FAILED
    assert outcome.problem
    assert (outcome.problem.code, outcome.problem.retry) == ("throttled", True)
    slept.clear()
    run_call(change(), Answers(reply(error=REFUSED)))
    assert slept == []


def test_a_passing_fault_repeats_reads_alone() -> None:
    """A read that Exchange could not answer for the moment is repeated; a change is not, since nobody knows."""
    runspace = Answers(reply(error=BUSY), reply({"id": "1", "name": "n"}))
    assert run_call(read(), runspace, patience=Patience(retries=1)).problem is None
    runspace = Answers(reply(error=BUSY))
    assert run_call(change(), runspace, patience=Patience(retries=1)).problem


def test_no_wait_goes_beyond_the_deadline(slept: list[float]) -> None:
    """What is left of the deadline is all that a pause gets."""
    run_call(change(), Answers(reply(error=REFUSED), reply(RESULT)), patience=Patience(retries=1, deadline=3))
    assert slept == [3.0]


def test_what_was_created_is_waited_for(slept: list[float]) -> None:
    """It is looked for by its id until it is there; the outcome is as the script said."""
    runspace = Answers(reply(RESULT), UNSEEN, UNSEEN, SEEN)

    outcome = run_call(replace(change(), creates=True), runspace, patience=Patience(visibility=60))

    assert (outcome.status, outcome.reason) == (Status.CHANGED, "member added")
    assert [(script, parameters) for script, parameters, _ in runspace.sent[1:]] == [
        ("session/Test-Recipient.ps1", {"identity": "1"})
    ] * 3
    assert slept == [0.5, 1.0]


def test_what_cannot_be_seen_in_time_was_created_all_the_same() -> None:
    """The reason says that it is not visible yet, and the next call that names it waits first."""
    diary = Diary()
    runspace = Answers(reply(RESULT), *[UNSEEN] * 4, UNSEEN, SEEN, reply(RESULT), reply(RESULT))
    runner = Runner(runspace, [diary], Patience(visibility=3))

    created = runner.run(replace(change(), creates=True))
    assert (created.status, created.reason) == (Status.CHANGED, "member added; accepted, not visible yet")

    named = replace(change(), parameters={"group": "STAFF", "member": "jane"})
    assert runner.run(named).status is Status.CHANGED
    assert runner.run(named).status is Status.CHANGED
    scripts = [script.partition("/")[0] for script, _, _ in runspace.sent]
    assert scripts == ["group", *["session"] * 4, "session", "session", "group", "group"]
    assert ("verbose", "Waiting until 'Staff' can be seen.") in diary.entries


@pytest.mark.parametrize("answer", [errors.RunspaceLost("gone", maybe_sent=True), reply(error=BUSY)])
def test_a_look_that_fails_says_nothing_about_the_object(answer: Exception) -> None:
    """The change was made; that nobody could look is no failure."""
    outcome = run_call(replace(change(), creates=True), Answers(reply(RESULT), answer))
    assert (outcome.status, outcome.reason) == (Status.CHANGED, "member added; accepted, not visible yet")
    assert exit_code([outcome]) == 0


def test_an_interruption_while_looking_keeps_the_outcome() -> None:
    """Ctrl-C while the new object is waited for: the change is known, and told."""
    diary = Diary()
    with pytest.raises(errors.Interrupted) as caught:
        run_call(replace(change(), creates=True), Answers(reply(RESULT), errors.Interrupted("Stopped.")), [diary])
    assert [outcome.status for outcome in caught.value.outcomes] == [Status.CHANGED]
    assert diary.entries[-1] == ("finished", Status.CHANGED)


def test_an_interruption_before_sending_is_no_unknown() -> None:
    """Ctrl-C while an object is waited for that a call needs: the call was not sent."""
    runspace = Answers(reply(RESULT), UNSEEN, errors.Interrupted("Stopped."))
    runner = Runner(runspace, [], Patience(visibility=0))
    runner.run(replace(change(), creates=True))
    with pytest.raises(errors.Interrupted) as caught:
        runner.run(replace(change(), parameters={"group": "1", "member": "jane"}))
    (outcome,) = caught.value.outcomes
    assert outcome.problem
    assert (outcome.status, outcome.problem.code) == (Status.FAILED, "not-sent")


def test_records_of_looks_reach_the_observers() -> None:
    """What the look tells is part of the call's story."""
    diary = Diary()

    def look(on_record: object) -> object:
        on_record(Record("verbose", "Looking for the recipient '1'."))  # type: ignore[operator]  # it is OnRecord
        return SEEN

    run_call(replace(change(), creates=True), Answers(reply(RESULT), look), [diary])  # type: ignore[arg-type]  # the same
    assert ("verbose", "Looking for the recipient '1'.") in diary.entries


def test_what_was_done_long_ago_is_looked_at_once() -> None:
    """The time in which a change can come up is over then, so nothing is waited for."""
    assert len(list(Patience(visibility=60.0).looks(passed=61.0))) == 1
