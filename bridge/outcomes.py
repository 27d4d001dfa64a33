"""Decides how a call ended.

    what came back                                          read        change
    one object or rows, no error                            unchanged   what the script says
    an error record                                         failed      failed; unknown when the error says that
                                                                        Exchange's answer to a change was lost
    no answer, and the call provably did not start          failed      failed
    no answer otherwise, or a reply that is not a result    failed      unknown

Rules: an outcome that nobody knows is never told as failed or changed. A dry run changes nothing, so it is never
unknown. Exchange's warning that it slowed a call down is told in seconds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from bridge import errors, problems
from bridge.errors import AgentError, BridgeError, ExchangeError, Interrupted
from bridge.meaning import meaning_of_record
from bridge.model import Call, Identity, Kind, Outcome, Problem, RemoteError, Reply, Status, worst
from bridge.patience import MICRO_DELAY, delayed
from bridge.problems import Meaning

_HOPS: tuple[type[BridgeError], ...] = (AgentError, ExchangeError)
_REACHED = {kind.code: kind for hop in _HOPS for kind in (hop, *hop.__subclasses__())}


def outcome_of(call: Call, reply: Reply, seconds: float) -> Outcome:
    """The outcome that a reply means; ``seconds`` is how long the call took."""
    if reply.errors or not reply.completed:
        return _failed(call, reply, seconds)
    if call.kind is Kind.READ:
        return _read(call, reply, seconds)
    result = reply.output[0] if len(reply.output) == 1 else {}
    identity = result.get("identity")
    if result.get("status") not in (Status.CHANGED, Status.UNCHANGED) or not isinstance(identity, Mapping):
        return _outcome(
            call,
            Status.UNKNOWN if call.changes else Status.FAILED,
            problem=Problem(
                problems.SCRIPT_RESULT.code,
                f"The script {call.script} ended without the one result that it owes.",
                problems.SCRIPT_RESULT.remedy,
            ),
            seconds=seconds,
            **_told(reply),
        )
    return _outcome(
        call,
        Status(result["status"]),
        reason=str(result.get("reason") or ""),
        identity=Identity(str(identity.get("id") or ""), str(identity.get("name") or "")),
        before=_mapping(result.get("before")),
        after=_mapping(result.get("after")),
        seconds=seconds,
        **_told(reply),
    )


def exit_code(outcomes: Sequence[Outcome]) -> int:
    """The exit code of a command that ended with these outcomes: 0, 1 failed, 3 agent or Exchange, 4 unknown."""
    status = worst(outcomes)
    if status is Status.UNKNOWN:
        return errors.OutcomeUnknown.exit_code
    if status is not Status.FAILED:
        return 0
    codes = {outcome.problem.code for outcome in outcomes if outcome.problem is not None}
    return AgentError.exit_code if codes & _REACHED.keys() else errors.ActionFailed.exit_code


def _read(call: Call, reply: Reply, seconds: float) -> Outcome:
    rows = tuple(reply.output)
    first = rows[0] if len(rows) == 1 else {}
    found = len(rows) + reply.handed_on
    return _outcome(
        call,
        Status.UNCHANGED,
        reason=f"{found} found" if found else "none found",
        identity=Identity(str(first["id"]), str(first.get("name") or "")) if first.get("id") else None,
        rows=rows,
        seconds=seconds,
        **_told(reply),
    )


def _failed(call: Call, reply: Reply, seconds: float) -> Outcome:
    error = last_error(reply)
    meaning = meaning_of(error)
    if meaning.retry and any(warning.startswith(MICRO_DELAY) for warning in reply.warnings):
        meaning = problems.THROTTLED
    problem = Problem(
        meaning.code,
        error.message,
        meaning.remedy,
        # The type of what our own scripts write says nothing.
        error_type="" if error.error_id.startswith("Bridge.") else error.exception_type or error.reason,
        error_id=error.error_id,
        retry=meaning.retry,
        category=error.category,
        position=error.position,
        request_id=error.request_id,
    )
    unknown = not reply.errors or _answer_lost(meaning, error)
    return _not_done(
        call,
        problem,
        unknown=unknown,
        reason=_part(reply.handed_on),
        seconds=seconds,
        **_told(reply),
    )


def last_error(reply: Reply) -> RemoteError:
    """The error that ended the pipeline; those before it did not stop the script."""
    return reply.errors[-1] if reply.errors else RemoteError("The pipeline was stopped on the agent.")


def meaning_of(error: RemoteError) -> Meaning:
    """What an error record means."""
    return meaning_of_record(
        error_id=error.error_id,
        error_types=(error.exception_type, error.reason),
        string_id=error.string_id,
        http_status=error.http_status,
    )


def _told(reply: Reply) -> dict[str, Any]:
    """The warnings of a reply; those of throttling as seconds."""
    warnings = [warning for warning in reply.warnings if not warning.startswith(MICRO_DELAY)]
    return {"warnings": warnings, "throttled_seconds": delayed(reply.warnings)}


def _answer_lost(meaning: Meaning, error: RemoteError) -> bool:
    """Whether the error can mean that a change was made: the answer of any cmdlet but a reading one was lost."""
    return meaning.answer_lost and not error.activity.startswith("Get-")


def without_reply(call: Call, error: AgentError | ExchangeError, seconds: float, handed_on: int) -> Outcome:
    """The outcome of a call that got no answer; ``handed_on`` is how many rows somebody has already."""
    unknown = isinstance(error, AgentError) and error.maybe_sent
    return _not_done(call, problem_of(error), unknown=unknown, reason=_part(handed_on), seconds=seconds)


def not_taken(call: Call, error: Exception, seconds: float) -> Outcome:
    """The outcome of a read whose rows could not be handed on."""
    # The text of an error that nobody foresaw may hold anything; whoever takes the rows knows it.
    message = f"A row could not be handed on ({type(error).__name__})."
    problem = Problem(problems.ROWS_NOT_TAKEN.code, message, problems.ROWS_NOT_TAKEN.remedy)
    return _outcome(call, Status.FAILED, problem=problem, seconds=seconds)


def _part(handed_on: int) -> str:
    """What a failed read says of the rows that somebody has already."""
    return f"the {handed_on} rows before the failure are not the whole list" if handed_on else ""


def interrupted(call: Call, seconds: float) -> Outcome:
    """The outcome of a call that a signal stopped, where nothing is known of it."""
    problem = Problem(Interrupted.code, "The call was stopped before its answer came.", Interrupted.remedy)
    return _not_done(call, problem, unknown=True, seconds=seconds)


def _not_done(call: Call, problem: Problem, *, unknown: bool, reason: str = "", **facts: Any) -> Outcome:
    """A call that failed; one that may have changed something is unknown where nobody knows, and is to be looked at."""
    if not (unknown and call.changes):
        return _outcome(call, Status.FAILED, problem=problem, reason=reason, **facts)
    return _outcome(
        call,
        Status.UNKNOWN,
        reason="sent, and the answer was lost: it may or may not have been made",
        problem=replace(problem, remedy=errors.OutcomeUnknown.remedy, retry=False),
        **facts,
    )


def not_sent(call: Call, cause: Problem) -> Outcome:
    """The outcome of a call that was left after agent or Exchange could not be reached any more."""
    message = f"Not sent, after a failure before: {cause.message}"
    problem = Problem(problems.NOT_SENT.code, message, cause.remedy, retry=problems.NOT_SENT.retry)
    return _outcome(call, Status.FAILED, problem=problem)


def no_way_on(outcome: Outcome) -> bool:
    """Whether the outcome says that agent or Exchange cannot be reached. An unknown one was sent, and says nothing."""
    return outcome.status is Status.FAILED and outcome.problem is not None and outcome.problem.code in _REACHED


def error_of(outcome: Outcome) -> BridgeError | None:
    """The error of agent or Exchange that a failed outcome stands for; None where there is a way on."""
    problem = outcome.problem
    if problem is None or not no_way_on(outcome):
        return None
    return _REACHED[problem.code](problem.message, remedy=problem.remedy)


def problem_of(error: BridgeError) -> Problem:
    """An error as the problem of an outcome."""
    return Problem(error.code, error.message, error.remedy, retry=error.retry)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _outcome(call: Call, status: Status, **facts: Any) -> Outcome:
    return Outcome(
        action=call.action,
        status=status,
        parameters=call.parameters,
        dry_run=call.dry_run,
        call_id=call.id,
        kind=call.kind,
        **facts,
    )
