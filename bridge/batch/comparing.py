"""Whether a plan still holds for an item: what is seen now is compared with what the plan saw.

Rules:

- Where they differ the item fails with the code ``plan-outdated`` and nothing is sent; what the run itself changed is
  taken into account. A text that the run changed is taken as it is found: Exchange may keep it in a form of its own, or
  choose it, such as the date format of a new language.
- An item of which the plan could see nothing, because the same plan creates its object, is taken as it is found.
- Only so many changes of the run are kept here; an older one is asked of the journal when it matters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from bridge.batch.touching import Change, Changes
from bridge.journal import Planned
from bridge.model import Outcome, Problem, Status
from bridge.problems import PLAN_OUTDATED


class Comparison:
    """Compares the items of one run. ``sha256_of`` gives the hash of a script by its name.

    ``changed`` gives the outcomes of all items of the run that were changed, in their order.
    """

    def __init__(self, sha256_of: Callable[[str], str], changed: Callable[[], Iterable[Outcome]]) -> None:
        self._sha256_of = sha256_of
        self._changed = changed
        self._made = Changes()
        for outcome in changed():
            self.note(outcome)

    def note(self, outcome: Outcome) -> None:
        """Remember what this run changed."""
        if outcome.status is Status.CHANGED and outcome.identity:
            self._made.add(_change(outcome))

    def has_touched(self, planned: Planned) -> bool:
        """Whether this run changed what an item is about, as far as that is remembered."""
        return Change(planned.identity, planned.expected, planned.wanted) in self._made

    def outdated(self, planned: Planned, seen: Outcome) -> Problem | None:
        """Why the plan does not hold for an item any more; None when it does. ``seen`` is the look at its object."""
        if seen.status not in (Status.CHANGED, Status.UNCHANGED):
            return seen.problem or _plan_outdated("its object could not be looked at")
        if planned.sha256 != self._sha256_of(planned.call.script):
            return _plan_outdated(f"the script {planned.call.script} is another one")
        if not (planned.identity or planned.wanted):
            return None
        found = seen.identity.id if seen.identity else ""
        if found != planned.identity:
            return _plan_outdated("the name stands for another object now")
        if seen.status is Status.CHANGED and (seen.before, seen.after) == (planned.expected, planned.wanted):
            return None
        left = self._left(Change(planned.identity, planned.expected, planned.wanted))
        if left and seen.before == {**planned.expected, **left, **_kept(left, seen.before)}:
            return None
        names = sorted(name for name in seen.before if seen.before[name] != planned.expected.get(name))
        return _plan_outdated(f"it was changed ({', '.join(names)})" if names else "it was changed")

    def _left(self, change: Change) -> dict[str, object]:
        """What this run left of the state that a change begins with."""
        if self._made.has_forgotten and change not in self._made:
            for outcome in self._changed():
                if outcome.identity and outcome.identity.id == change.identity:
                    self._made.add(_change(outcome))
        return self._made.left(change)


def had_nothing_to_do(planned: Planned, seen: Outcome) -> bool:
    """Whether the plan saw nothing to be done, and so it is; the run died before it could write that."""
    return seen.status is Status.UNCHANGED and seen.before == planned.expected == planned.wanted


def as_it_is(planned: Planned, seen: Outcome) -> Outcome:
    """The outcome of an item of which a look says that nothing is to be sent."""
    return replace(seen, dry_run=False, call_id=planned.call.id)


def _change(outcome: Outcome) -> Change:
    return Change(outcome.identity.id if outcome.identity else "", outcome.before, outcome.after)


def _kept(left: Mapping[str, object], found: Mapping[str, object]) -> dict[str, object]:
    """The texts that the run left, as they are found."""
    return {name: found[name] for name, value in left.items() if isinstance(value, str) and name in found}


def _plan_outdated(why: str) -> Problem:
    message = f"Not sent: since the plan was made, {why}."
    return Problem(PLAN_OUTDATED.code, message, PLAN_OUTDATED.remedy)
