"""Finds out how a change ended whose answer was lost, by a look at its object: the same call as a dry run.

    what the look says                                   what is told
    nothing is left to be done                           changed: it was made
    it would change what it was to change, until the     failed, with the code ``not-made``
    time is up in which a change becomes visible
    anything else, or the look fails                     unknown

Rules: nothing is sent but looks. A change that is not seen may be on its way, so it is looked for again, with growing
waits, before it is told as not made; until then nothing is told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from bridge.errors import OutcomeUnknown
from bridge.journal import Planned
from bridge.model import Call, Identity, Outcome, Problem, Status, new_id
from bridge.outcomes import no_way_on
from bridge.problems import NOT_MADE

_READ_BACK = "state read back"
_IN_VAIN = "looked in vain"


@dataclass(frozen=True)
class Settled:
    """What was found out, and how; ``outcome`` is unknown when that was in vain."""

    outcome: Outcome
    how: str


def look_of(call: Call) -> Call:
    """The dry run of a change; it is a call of its own."""
    return replace(call, dry_run=True, id=new_id())


def settle(
    item: Planned, look: Callable[[Call], Outcome], looks: Iterable[object], is_halted: Callable[[], bool]
) -> Settled | None:
    """Find out how an item ended. ``item.expected`` is the state before it was sent.

    ``looks`` has one element for each look and waits between them. None when nothing can be told now: the agent cannot
    be reached, or ``is_halted`` said that there is no time left.
    """
    for _ in looks:
        seen = look(look_of(item.call))
        if no_way_on(seen):
            return None
        if seen.status is Status.UNCHANGED:
            reason = "its answer was lost; the change was found to be made"
            return _settled(item, seen, Status.CHANGED, reason=reason, before=item.expected, after=seen.after)
        if seen.status is not Status.CHANGED:
            told = seen.problem.message if seen.problem else seen.reason
            return _in_vain(item, seen, f"the look at it failed: {told}")
        # Of what was created by the same plan nothing is known before; then what is left to be done was not made.
        if (item.expected or item.wanted) and seen.before != item.expected:
            return _in_vain(item, seen, "its state is neither the one before nor the one that was wanted")
        if is_halted():
            return None
    problem = Problem(
        NOT_MADE.code,
        "The answer was lost, and the change was not made.",
        NOT_MADE.remedy,
        retry=NOT_MADE.retry,
    )
    return _settled(item, seen, Status.FAILED, problem=problem)


def _in_vain(item: Planned, seen: Outcome, why: str) -> Settled:
    problem = Problem(OutcomeUnknown.code, f"The answer was lost; {why}.", OutcomeUnknown.remedy)
    reason = "sent, and the answer was lost: it may or may not have been made"
    found = _settled(item, seen, Status.UNKNOWN, reason=reason, problem=problem)
    return replace(found, how=_IN_VAIN)


def _settled(item: Planned, seen: Outcome, status: Status, **facts: Any) -> Settled:
    call = item.call
    identity = seen.identity or (Identity(item.identity, "") if item.identity else None)
    outcome = Outcome(
        action=call.action,
        status=status,
        parameters=call.parameters,
        identity=identity,
        call_id=call.id,
        kind=call.kind,
        **facts,
    )
    return Settled(outcome, _READ_BACK)
