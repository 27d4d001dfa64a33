"""Which record may follow which.

    an item              after it may come
    (new)                planned
    planned              intent; outcome failed or unchanged: it was never sent, or did not have to be
    intent (open)        outcome; settled, by a later process, when its own died
    outcome unknown      settled
    outcome failed       intent: what is provably not done may be sent again; outcome failed, when it was not
    outcome changed      nothing
    outcome unchanged    nothing
    settled              as after the outcome that it found; unknown when it could not be found out

    a run                after it may come
    (new)                begun
    begun, resumed       records of items; ended; resumed, when its process died
    ended                resumed

So an item that is under way or done is never sent again, also not by a second process that works on the same run.
"""

from __future__ import annotations

from bridge.journal.records import RecordKind, State

_ENDS = frozenset((State.CHANGED, State.UNCHANGED, State.FAILED, State.UNKNOWN))

# The kind of a record, the state before it, and the states that it may lead to. What a run's records lead to is their
# own kind.
_TABLE: dict[tuple[str, str], frozenset[str]] = {
    (RecordKind.PLANNED, ""): frozenset((State.PLANNED,)),
    (RecordKind.INTENT, State.PLANNED): frozenset((State.OPEN,)),
    (RecordKind.INTENT, State.FAILED): frozenset((State.OPEN,)),
    (RecordKind.OUTCOME, State.PLANNED): frozenset((State.FAILED, State.UNCHANGED)),
    (RecordKind.OUTCOME, State.FAILED): frozenset((State.FAILED,)),
    (RecordKind.OUTCOME, State.OPEN): _ENDS,
    (RecordKind.SETTLED, State.OPEN): _ENDS,
    (RecordKind.SETTLED, State.UNKNOWN): _ENDS,
    (RecordKind.BEGUN, ""): frozenset(("",)),
    (RecordKind.RESUMED, RecordKind.BEGUN): frozenset(("",)),
    (RecordKind.RESUMED, RecordKind.RESUMED): frozenset(("",)),
    (RecordKind.RESUMED, RecordKind.ENDED): frozenset(("",)),
    (RecordKind.ENDED, RecordKind.BEGUN): frozenset(("",)),
    (RecordKind.ENDED, RecordKind.RESUMED): frozenset(("",)),
}


def violation(kind: str, before: str, after: str) -> str:
    """Why a record of this kind may not follow, "" where it may.

    ``before`` is the item's state, or the kind of the run's record before it; "" for the first. ``after`` is the
    state that the record leads to, "" for a run's.
    """
    if after in _TABLE.get((kind, before), ()):
        return ""
    what = f"{kind} {after}" if after and after != kind and kind != RecordKind.INTENT else kind
    return f"after {before or 'nothing'} there cannot come {what}"
