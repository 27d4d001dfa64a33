"""Runs calls, one after the other, and decides how each ended.

    what came back                                          read        change
    one object or rows, no error                            unchanged   what the script says
    an error record                                         failed      failed; unknown when the error says that
                                                                        Exchange's answer to a change was lost
    no answer, and the call provably did not start          failed      failed
    no answer otherwise, or a reply that is not a result    failed      unknown

Rules: observers are told before a call is sent, and one that raises keeps it from being sent. When the agent or
Exchange cannot be reached any more nothing further is sent: the calls that were left are failed with the code
``not-sent``. What only reads is repeated when it failed in passing; a change never is.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from bridge import errors
from bridge.errors import AgentError, BridgeError, ExchangeError, Interrupted
from bridge.meaning import Meaning, meaning_of_record
from bridge.model import (
    Call,
    Identity,
    Kind,
    Observer,
    OnRecord,
    Outcome,
    Problem,
    Record,
    RemoteError,
    Reply,
    Runspace,
    Status,
    worst,
)

_MICRO_DELAY = "Micro delay applied"
"""The beginning of Exchange's throttling warning. It is a diagnostic text that is not translated (observed)."""

_HOPS: tuple[type[BridgeError], ...] = (AgentError, ExchangeError)
_REACHED = frozenset(kind.code for hop in _HOPS for kind in (hop, *hop.__subclasses__()))
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 10.0  # seconds


def run_calls(
    calls: Iterable[Call], runspace: Runspace, observers: Sequence[Observer] = (), *, read_retries: int = 0
) -> list[Outcome]:
    """Run the calls in their order; one outcome for each. What only reads is repeated up to ``read_retries`` times.

    Raises Interrupted, with the outcomes so far in ``outcomes``, when a signal came.
    """
    outcomes: list[Outcome] = []
    lost: Problem | None = None
    for call in calls:
        if lost is not None:
            outcome = _outcome(call, Status.FAILED, problem=_not_sent(lost))
            for observer in observers:
                observer.finished(call, outcome)
        else:
            try:
                outcome = run_call(call, runspace, observers, read_retries=read_retries)
            except Interrupted as error:
                error.outcomes = [*outcomes, *error.outcomes]
                raise
        # An unknown outcome was sent; the runspace says at the next call whether it can go on.
        if outcome.status is Status.FAILED and outcome.problem and outcome.problem.code in _REACHED:
            lost = outcome.problem
        outcomes.append(outcome)
    return outcomes


def run_call(call: Call, runspace: Runspace, observers: Sequence[Observer] = (), *, read_retries: int = 0) -> Outcome:
    """Run one call. Raises what an observer raises before sending, and Interrupted with its outcome."""
    for observer in observers:
        observer.sending(call)

    def on_record(record: Record) -> None:
        for observer in observers:
            observer.record(call, record)

    def finish(outcome: Outcome) -> Outcome:
        for observer in observers:
            observer.finished(call, outcome)
        return outcome

    start = time.monotonic()
    parameters = {**call.parameters, **({"dry_run": True} if call.dry_run else {})}
    try:
        reply = _reply(call, runspace, parameters, on_record, 0 if _may_have_changed(call) else read_retries)
    except (AgentError, ExchangeError) as error:
        return finish(_without_reply(call, error, time.monotonic() - start))
    except Interrupted as error:
        seconds = time.monotonic() - start
        outcome = outcome_of(call, error.reply, seconds) if error.reply else _interrupted(call, seconds)
        error.outcomes = [finish(outcome)]
        raise
    return finish(outcome_of(call, reply, time.monotonic() - start))


def _reply(call: Call, runspace: Runspace, parameters: Mapping[str, Any], on_record: OnRecord, retries: int) -> Reply:
    """What the runspace answers. A read that failed in passing is repeated, in a pipeline with an id of its own."""
    for attempt in range(retries):
        try:
            return runspace.run(call.script, parameters, on_record, call_id="" if attempt else call.id)
        except AgentError as error:
            if not error.retry:
                raise
            pause = min(_FIRST_PAUSE * 2**attempt, _LONGEST_PAUSE)
            on_record(Record("warning", f"{error.message} The read is repeated in {pause:g} s."))
            time.sleep(pause)
    return runspace.run(call.script, parameters, on_record, call_id="" if retries else call.id)


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
            Status.UNKNOWN if _may_have_changed(call) else Status.FAILED,
            problem=Problem(
                "script-result",
                f"The script {call.script} ended without the one result that it owes.",
                "Look at the object in Exchange, and at the script.",
            ),
            warnings=reply.warnings,
            seconds=seconds,
        )
    return _outcome(
        call,
        Status(result["status"]),
        reason=str(result.get("reason") or ""),
        identity=Identity(str(identity.get("id") or ""), str(identity.get("name") or "")),
        before=_mapping(result.get("before")),
        after=_mapping(result.get("after")),
        warnings=reply.warnings,
        seconds=seconds,
    )


def exit_code(outcomes: Sequence[Outcome]) -> int:
    """The exit code of a command that ended with these outcomes: 0, 1 failed, 3 agent or Exchange, 4 unknown."""
    status = worst(outcomes)
    if status is Status.UNKNOWN:
        return errors.OutcomeUnknown.exit_code
    if status is not Status.FAILED:
        return 0
    codes = {outcome.problem.code for outcome in outcomes if outcome.problem is not None}
    return AgentError.exit_code if codes & _REACHED else errors.ActionFailed.exit_code


def _read(call: Call, reply: Reply, seconds: float) -> Outcome:
    rows = tuple(reply.output)
    first = rows[0] if len(rows) == 1 else {}
    return _outcome(
        call,
        Status.UNCHANGED,
        reason=f"{len(rows)} found" if rows else "none found",
        identity=Identity(str(first["id"]), str(first.get("name") or "")) if first.get("id") else None,
        warnings=reply.warnings,
        rows=rows,
        seconds=seconds,
    )


def _failed(call: Call, reply: Reply, seconds: float) -> Outcome:
    # The error that ended the pipeline comes last; those before it did not stop the script.
    error = reply.errors[-1] if reply.errors else RemoteError("The pipeline was stopped on the agent.")
    throttled = any(warning.startswith(_MICRO_DELAY) for warning in reply.warnings)
    types = (error.exception_type, error.reason)
    meaning = meaning_of_record(error_id=error.error_id, error_types=types)
    if throttled and meaning.retry:
        meaning = meaning_of_record(error_id=error.error_id, error_types=types, throttled=True)
    problem = Problem(
        meaning.code,
        error.message,
        meaning.remedy,
        # The type of what our own scripts write says nothing.
        error_type="" if error.error_id.startswith("Bridge.") else error.exception_type or error.reason,
        error_id=error.error_id,
        retry=meaning.retry,
    )
    unknown = not reply.errors or _answer_lost(meaning, error)
    return _not_done(call, problem, unknown=unknown, warnings=reply.warnings, seconds=seconds)


def _answer_lost(meaning: Meaning, error: RemoteError) -> bool:
    """Whether the error can mean that a change was made: the answer of any cmdlet but a reading one was lost."""
    return meaning.answer_lost and not error.activity.startswith("Get-")


def _without_reply(call: Call, error: AgentError | ExchangeError, seconds: float) -> Outcome:
    problem = Problem(error.code, error.message, error.remedy, retry=error.retry)
    return _not_done(call, problem, unknown=isinstance(error, AgentError) and error.maybe_sent, seconds=seconds)


def _interrupted(call: Call, seconds: float) -> Outcome:
    problem = Problem(Interrupted.code, "The call was stopped before its answer came.", Interrupted.remedy)
    return _not_done(call, problem, unknown=True, seconds=seconds)


def _not_done(call: Call, problem: Problem, *, unknown: bool, seconds: float, warnings: Sequence[str] = ()) -> Outcome:
    """A call that failed; one that may have changed something is unknown where nobody knows, and is to be looked at."""
    if not (unknown and _may_have_changed(call)):
        return _outcome(call, Status.FAILED, problem=problem, warnings=warnings, seconds=seconds)
    return _outcome(
        call,
        Status.UNKNOWN,
        reason="sent, and the answer was lost: it may or may not have been made",
        problem=replace(problem, remedy=errors.OutcomeUnknown.remedy, retry=False),
        warnings=warnings,
        seconds=seconds,
    )


def _not_sent(cause: Problem) -> Problem:
    return Problem("not-sent", f"Not sent, after a failure before: {cause.message}", cause.remedy, retry=True)


def _may_have_changed(call: Call) -> bool:
    return call.kind is Kind.CHANGE and not call.dry_run


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
