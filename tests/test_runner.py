"""How a call ends, for everything that can come back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest

from bridge import errors
from bridge.actions import ACTIONS
from bridge.model import Call, OnRecord, OnRow, Outcome, Record, RemoteError, Reply, Status
from bridge.outcomes import exit_code
from bridge.patience import Patience
from bridge.runner import run_call, run_calls

NOT_FOUND = RemoteError(
    "There is no group 'x'.", reason="WriteErrorException", error_id="Bridge.NotFound", activity="Write-Error"
)
TIMEOUT = RemoteError(
    "The operation has timed out.", reason="WebException", exception_type="System.Net.WebException", error_id="x"
)


def reply(*output: dict[str, Any], error: RemoteError | None = None, **facts: Any) -> Reply:
    """What comes back from one pipeline."""
    return Reply(
        output=output,
        errors=(error,) if error else (),
        warnings=facts.get("warnings", ()),
        completed=facts.get("completed", error is None),
    )


RESULT = {
    "status": "changed",
    "reason": "member added",
    "identity": {"id": "1", "name": "Staff"},
    "before": {"is_member": False},
    "after": {"is_member": True},
}


@dataclass
class HalfRead:
    """An answer before which these rows come."""

    rows: list[dict[str, Any]]
    end: Reply | Exception


class Answers:
    """A runspace with prepared answers; it keeps what it was sent."""

    def __init__(self, *answers: Reply | Exception | HalfRead | Callable[[OnRecord], Reply]) -> None:
        self.answers = list(answers)
        self.sent: list[tuple[str, dict[str, Any], str]] = []

    def run(
        self,
        script: str,
        parameters: Mapping[str, Any],
        on_record: OnRecord,
        *,
        call_id: str = "",
        on_row: OnRow | None = None,
    ) -> Reply:
        """The next answer."""
        self.sent.append((script, dict(parameters), call_id))
        answer = self.answers.pop(0)
        if isinstance(answer, HalfRead):
            if on_row is not None:
                for row in answer.rows:
                    on_row(row)
            answer = answer.end
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, Reply) else answer(on_record)


class Diary:
    """An observer that writes down what it is told."""

    def __init__(self) -> None:
        self.entries: list[tuple[str, Any]] = []

    def sending(self, call: Call) -> None:
        """Before a call is sent."""
        self.entries.append(("sending", call.action))

    def record(self, call: Call, record: Record) -> None:
        """A remote record."""
        self.entries.append((record.stream, record.message))

    def finished(self, call: Call, outcome: Outcome) -> None:
        """The end of a call."""
        self.entries.append(("finished", outcome.status))


def change(*, dry_run: bool = False) -> Call:
    """One changing call."""
    (call,) = ACTIONS["group.grant"].calls({"group": "staff", "member": "jane"}, dry_run=dry_run)
    return call


def read() -> Call:
    """One reading call."""
    (call,) = ACTIONS["group.list"].calls({})
    return call


def test_a_change_is_what_its_script_says() -> None:
    """Status, reason, identity, before and after come from the one object; the call's id goes with it."""
    call = change()
    runspace = Answers(reply(RESULT, warnings=("slow",)))

    outcome = run_call(call, runspace)

    assert runspace.sent == [("group/Grant-GroupMember.ps1", {"group": "staff", "member": "jane"}, call.id)]
    assert outcome.as_json() | {"seconds": 0} == {
        "action": "group.grant",
        "status": "changed",
        "dry_run": False,
        "reason": "member added",
        "identity": {"id": "1", "name": "Staff"},
        "parameters": {"group": "staff", "member": "jane"},
        "before": {"is_member": False},
        "after": {"is_member": True},
        "problem": None,
        "warnings": ["slow"],
        "seconds": 0,
        "throttled_seconds": 0.0,
    }


def test_a_dry_run_says_so_to_the_script() -> None:
    """And its outcome says so to whoever reads it."""
    runspace = Answers(reply(RESULT))

    outcome = run_call(change(dry_run=True), runspace)

    assert runspace.sent[0][1]["dry_run"] is True
    assert outcome.dry_run


@pytest.mark.parametrize("rows", [0, 1, 2])
def test_none_one_and_several_are_three_answers(rows: int) -> None:
    """A read is unchanged; how many were found is its reason, and one alone is its identity."""
    outcome = run_call(read(), Answers(reply(*({"id": str(n), "name": f"n{n}"} for n in range(rows)))))

    assert outcome.status is Status.UNCHANGED
    assert outcome.reason == ["none found", "1 found", "2 found"][rows]
    assert len(outcome.rows) == rows
    assert (outcome.identity is not None) == (rows == 1)


@pytest.mark.parametrize(
    ("answer", "changed", "tried", "looked"),
    [
        (reply(error=NOT_FOUND), "failed", "failed", "failed"),
        (reply(error=TIMEOUT), "unknown", "failed", "failed"),
        (reply(error=RemoteError("t", reason="WebException", activity="Get-Mailbox")), "failed", "failed", "failed"),
        (reply(error=RemoteError("t", reason="WebException", activity="Set-Mailbox")), "unknown", "failed", "failed"),
        (reply(RESULT, error=NOT_FOUND), "failed", "failed", "failed"),
        (reply(completed=False), "unknown", "failed", "failed"),
        (reply(), "unknown", "failed", "unchanged"),
        (reply(RESULT, RESULT), "unknown", "failed", "unchanged"),
        (reply({"status": "perhaps", "identity": {}}), "unknown", "failed", "unchanged"),
        (reply({"status": "changed"}), "unknown", "failed", "unchanged"),
        (errors.RunspaceLost("gone", maybe_sent=True), "unknown", "failed", "failed"),
        (errors.AgentTimeout("late", maybe_sent=True), "unknown", "failed", "failed"),
        (errors.ProtocolError("html", maybe_sent=True), "unknown", "failed", "failed"),
        (errors.AgentUnreachable("refused"), "failed", "failed", "failed"),
        (errors.RunspaceLost("gone before", maybe_sent=False), "failed", "failed", "failed"),
    ],
)
def test_what_came_back_decides(answer: Reply | Exception, changed: str, tried: str, looked: str) -> None:
    """Unknown only where a real change may have been made; a dry run and a read have nothing to be unsure of."""
    ended = [run_call(call, Answers(answer)) for call in (change(), change(dry_run=True), read())]

    assert [str(outcome.status) for outcome in ended] == [changed, tried, looked]
    for outcome in ended:
        assert (outcome.problem is None) == (outcome.status is Status.UNCHANGED)
        if outcome.status is Status.UNKNOWN:
            assert outcome.problem
            assert not outcome.problem.retry
            assert "Look" in outcome.problem.remedy


def test_a_problem_carries_what_exchange_said() -> None:
    """A stable code, the sentence, the remedy, the type and the id."""
    refused = RemoteError(
        "The name is taken.",
        reason="ADObjectAlreadyExistsException",
        exception_type="Microsoft.Exchange.Data.Directory.ADObjectAlreadyExistsException",
        error_id="[Server=A,RequestId=1],Write-ErrorMessage",
    )

    outcome = run_call(change(), Answers(reply(error=refused)))

    assert outcome.problem
    assert outcome.problem.code == "object-exists"
    assert outcome.problem.message == "The name is taken."
    assert outcome.problem.error_type == refused.exception_type
    assert outcome.problem.error_id == refused.error_id
    assert outcome.problem.remedy


def test_throttling_is_told_by_the_warning_that_came_with_a_passing_error() -> None:
    """The same error without the warning is only a busy Exchange; a refusal stays a refusal."""
    busy = RemoteError("busy", reason="ADTransientException", activity="Set-Mailbox")
    warnings = ("Micro delay applied. Actual delayed: 100 msecs",)

    codes = [
        run_call(change(), Answers(reply(error=error, warnings=said))).problem
        for error, said in ((busy, ()), (busy, warnings), (NOT_FOUND, warnings))
    ]

    assert [problem.code for problem in codes if problem] == ["exchange-busy", "throttled", "object-not-found"]


def test_observers_hear_everything_in_order() -> None:
    """Before it is sent, each record as it comes, and how it ended."""
    diary = Diary()

    def answer(on_record: OnRecord) -> Reply:
        on_record(Record("verbose", "Reading the group 'staff'."))
        on_record(Record("warning", "slow"))
        return reply(RESULT)

    run_call(change(), Answers(answer), [diary])

    assert diary.entries == [
        ("sending", "group.grant"),
        ("verbose", "Reading the group 'staff'."),
        ("warning", "slow"),
        ("finished", Status.CHANGED),
    ]


def test_an_observer_that_raises_keeps_a_call_from_being_sent() -> None:
    """What cannot be written down is not done."""

    class Full(Diary):
        def sending(self, call: Call) -> None:
            raise OSError("disk full")

    runspace = Answers(reply(RESULT))
    with pytest.raises(OSError, match="disk full"):
        run_call(change(), runspace, [Full()])
    assert runspace.sent == []


def test_nothing_is_sent_after_the_agent_failed() -> None:
    """The calls that were left are failed as not sent, and every one of them has its outcome."""
    diary = Diary()
    runspace = Answers(reply(RESULT), errors.RunspaceLost("gone", maybe_sent=False), reply(RESULT))

    outcomes = run_calls([change(), change(), change()], runspace, [diary])

    assert [str(outcome.status) for outcome in outcomes] == ["changed", "failed", "failed"]
    assert outcomes[2].problem
    assert outcomes[2].problem.code == "not-sent"
    assert len(runspace.sent) == 2
    assert [entry for entry, _ in diary.entries].count("finished") == 3


def test_after_an_unknown_change_the_others_are_sent() -> None:
    """The runspace says at the next call whether it can go on."""
    runspace = Answers(errors.RunspaceLost("gone", maybe_sent=True), reply(RESULT))

    outcomes = run_calls([change(), change()], runspace)

    assert [str(outcome.status) for outcome in outcomes] == ["unknown", "changed"]


def test_what_only_reads_is_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    """A read, and a dry run, within the budget and in a pipeline of its own; a change never, and no lasting error."""
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    gone = errors.RunspaceLost("gone", maybe_sent=True)
    call = read()
    runspace = Answers(gone, gone, reply({"id": "1", "name": "n"}))
    assert run_call(call, runspace, patience=Patience(retries=2)).problem is None
    assert [call_id for _, _, call_id in runspace.sent] == [call.id, "", ""]
    assert (
        run_call(change(dry_run=True), Answers(gone, reply(RESULT)), patience=Patience(retries=1)).status
        is Status.CHANGED
    )

    for call, error, tries in (
        (read(), gone, 3),
        (change(), gone, 1),
        (read(), errors.AgentLogonRefused("no", maybe_sent=False), 1),
    ):
        runspace = Answers(*[error] * 5)
        outcome = run_call(call, runspace, patience=Patience(retries=2))
        assert outcome.problem
        assert outcome.problem.code == error.code
        assert len(runspace.sent) == tries


def test_an_exchange_that_cannot_be_connected_again_is_a_failure() -> None:
    """The call was not sent, nothing more is, and the exit code is that of the second hop."""
    outcomes = run_calls([change(), change()], Answers(errors.ExchangeLogonRefused("AADSTS7000222: it has expired.")))

    assert [outcome.problem.code for outcome in outcomes if outcome.problem] == ["exchange-logon-refused", "not-sent"]
    assert exit_code(outcomes) == 3


def test_a_failed_action_does_not_stop_the_others() -> None:
    """Three rights are three outcomes."""
    outcomes = run_calls([change(), change(), change()], Answers(reply(RESULT), reply(error=NOT_FOUND), reply(RESULT)))

    assert [str(outcome.status) for outcome in outcomes] == ["changed", "failed", "changed"]


@pytest.mark.parametrize(("answered", "status"), [(None, "unknown"), (reply(RESULT), "changed")])
def test_an_interruption_still_has_an_outcome(answered: Reply | None, status: str) -> None:
    """Known where the pipeline came to its end all the same, else unknown; observers hear it; it is raised on."""
    diary = Diary()
    runspace = Answers(reply(RESULT), errors.Interrupted("stopped", reply=answered))

    with pytest.raises(errors.Interrupted) as error:
        run_calls([change(), change(), change()], runspace, [diary])

    assert [str(outcome.status) for outcome in error.value.outcomes] == ["changed", status]
    assert diary.entries[-1] == ("finished", Status(status))


@pytest.mark.parametrize(
    ("answers", "code"),
    [
        ([reply(RESULT)], 0),
        ([reply(error=NOT_FOUND)], 1),
        ([reply(RESULT), reply(error=NOT_FOUND)], 1),
        ([errors.AgentUnreachable("refused")], 3),
        ([reply(error=NOT_FOUND), errors.RunspaceLost("gone", maybe_sent=True)], 4),
        ([], 0),
    ],
)
def test_the_exit_code_is_that_of_the_worst(answers: list[Any], code: int) -> None:
    """Unknown before failed; a failure of the agent has its own."""
    assert exit_code(run_calls([change() for _ in answers], Answers(*answers))) == code


@pytest.mark.parametrize("retries", [0, 2])
def test_rows_that_are_handed_on_are_counted_and_not_kept(retries: int) -> None:
    """They come in their order, the outcome says how many they were and holds none."""
    rows = [{"id": str(number)} for number in range(3)]
    taken: list[dict[str, Any]] = []
    runspace = Answers(HalfRead(rows, replace(reply(), handed_on=3)))

    outcome = run_call(read(), runspace, patience=Patience(retries=retries), on_row=taken.append)

    assert taken == rows
    assert (outcome.reason, list(outcome.rows), outcome.status) == ("3 found", [], Status.UNCHANGED)


def test_a_read_is_repeated_only_before_its_first_row() -> None:
    """After a row was handed on the read is failed and says so, since a second try would bring every row twice."""
    gone = errors.RunspaceLost("gone", maybe_sent=True)
    taken: list[dict[str, Any]] = []
    runspace = Answers(gone, HalfRead([{"id": "1"}], gone), reply({"id": "1"}))

    outcome = run_call(read(), runspace, patience=Patience(retries=5), on_row=taken.append)

    assert outcome.status is Status.FAILED
    assert "1 rows before the failure are not the whole list" in outcome.reason
    assert taken == [{"id": "1"}]
    assert len(runspace.answers) == 1


def test_what_goes_wrong_in_taking_a_row_is_raised() -> None:
    """The observers are told that the call failed, and whoever took the rows gets the error of their own."""
    diary = Diary()

    def full(_row: dict[str, Any]) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        run_call(read(), Answers(HalfRead([{"id": "1"}], reply())), [diary], on_row=full)

    assert diary.entries == [("sending", "group.list"), ("finished", Status.FAILED)]


def test_a_change_hands_on_nothing() -> None:
    """Its one result is what decides, so it is kept for that."""
    taken: list[dict[str, Any]] = []

    outcome = run_call(change(), Answers(HalfRead([RESULT], reply(RESULT))), on_row=taken.append)

    assert (outcome.status, taken) == (Status.CHANGED, [])
