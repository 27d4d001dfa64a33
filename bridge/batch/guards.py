"""Limits of a batch: what a plan may not do, and when a run stops by itself.

Rules:

- Limits are looked at before anything is sent, over the whole plan: either all of it is within them, or it is refused
  with every limit that it breaks, the items that break it and what would raise it.
- A group loses at most a percentage of the members that it has now, and one member at least may always go. Where the
  number of members is not known, nobody is taken out.
- A pattern protects what the file names, the object and the person that Exchange found for it, and what is written to
  it as an address. An item whose object was not found is protected by the file's names only.
- Only what would be changed is looked at. What is already so may be in any plan.
- A plan is gone through item by item, and nothing is kept of it but counts, so that its length needs no memory; only
  the items that break a limit are named, and looked for when one is broken.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from fnmatch import translate
from functools import lru_cache
from itertools import islice
from typing import Any

from bridge.batch.plan import Plan, PlanItem
from bridge.errors import BridgeError
from bridge.model import Outcome, Status
from bridge.settings.batch import BatchSettings

REMOVES_MEMBER = "group.revoke"
ENOUGH_TO_COUNT = 20
"""So many items must have ended before a percentage of failures means something."""

_NAMED = 3
# What names an object or a person among the parameters, and in the state that was found.
_PARAMETERS = (
    *("group", "member", "mailbox", "user", "name", "address", "display_name", "managed_by"),
    *("add", "remove", "primary"),
)
_FOUND = ("member_id", "member_name", "user_id", "user_name", "primary_smtp_address", "email_addresses")
_PREFIX = re.compile(r"^smtp:", re.IGNORECASE)


@dataclass(frozen=True)
class Refusal:
    """A limit that a plan breaks: its key in the settings, the ids of the items that do, why, and how to raise it."""

    limit: str
    items: tuple[str, ...]
    sentence: str
    how: str


class LimitReached(BridgeError):  # noqa: N818  # named as in bridge/errors.py
    """A plan goes beyond the limits of the settings. Nothing was sent."""

    code = "limit-reached"
    cause = "More would be changed than [batch] allows, something protected, or at a time that is not allowed."
    exit_code = 5
    remedy = "Change the plan, or raise the limit in [batch] of the settings."

    def __init__(self, refusals: Sequence[Refusal]) -> None:
        super().__init__(
            " ".join(refusal.sentence for refusal in refusals),
            remedy=" ".join(dict.fromkeys(refusal.how for refusal in refusals)),
        )
        self.refusals = tuple(refusals)


def refusals(
    plan: Plan, limits: BatchSettings, sizes: Mapping[str, int | None], now: datetime | None = None
) -> list[Refusal]:
    """Every limit that a plan breaks; none when it may be applied.

    ``sizes`` has the number of members of each group that loses one, by ``PlanItem.object``; see
    ``planning.group_sizes``. ``now`` is local time; without it the time of day is not looked at, because planning
    changes nothing.
    """
    if not plan.counts().get(Status.CHANGED):
        return []
    return [
        *_too_many(plan, limits),
        *_emptied(plan, limits, sizes),
        *_protected(plan, limits),
        *_outside(plan, limits, now),
    ]


def protecting(item: PlanItem, patterns: Sequence[str]) -> str:
    """The first pattern that protects what an item is about; "" when none does."""
    if not patterns:
        return ""
    names = list(_names(item))
    return next((one for one in patterns if any(_matcher(one.casefold()).match(name) for name in names)), "")


def _changing(plan: Plan) -> Iterator[PlanItem]:
    return (item for item in plan.items if item.changes)


def _too_many(plan: Plan, limits: BatchSettings) -> Iterator[Refusal]:
    count, most = plan.counts()[Status.CHANGED], limits.max_changes
    if count > most:
        yield Refusal(
            "max_changes",
            tuple(item.call.id for item in islice(_changing(plan), most, None)),
            f"The plan has {count} changes; at most {most} may be made in one batch.",
            f"Set [batch] max_changes to {count}, or make several plans.",
        )


def _emptied(plan: Plan, limits: BatchSettings, sizes: Mapping[str, int | None]) -> Iterator[Refusal]:
    percent = limits.max_removed_percent
    if percent == 100:
        return
    removed: defaultdict[str, set[int]] = defaultdict(set)
    names: dict[str, str] = {}
    for item in _changing(plan):
        if item.call.action == REMOVES_MEMBER:
            identity = item.outcome.identity
            names.setdefault(item.object, identity.name if identity else item.call.parameters["group"])
            removed[item.object].add(hash(_member(item)))
    for group, members in removed.items():
        size, count, name = sizes.get(group), len(members), names[group]
        if size is None:
            yield Refusal(
                "max_removed_percent",
                _removals(plan, group),
                f"It is not known how many members the group {name} has; {count} would be taken out.",
                "Plan again, so that its members are read; or set [batch] max_removed_percent to 100.",
            )
        elif count > (most := _may_go(size, percent)):
            needed = 1 if count == 1 else min(100, -(-100 * count // max(size, 1)))
            yield Refusal(
                "max_removed_percent",
                _removals(plan, group),
                f"{count} of the {size} members of the group {name} would be taken out; at most {most} may be "
                f"({percent} percent).",
                f"Set [batch] max_removed_percent to {needed}.",
            )


def _removals(plan: Plan, group: str) -> tuple[str, ...]:
    return tuple(
        item.call.id for item in _changing(plan) if item.call.action == REMOVES_MEMBER and item.object == group
    )


def _may_go(size: int, percent: int) -> int:
    return max(1, size * percent // 100) if percent else 0


def _member(item: PlanItem) -> str:
    found: Any = item.outcome.before.get("member_id") or item.call.parameters["member"]
    return str(found).casefold()


def _protected(plan: Plan, limits: BatchSettings) -> Iterator[Refusal]:
    patterns = limits.patterns
    if not patterns:
        return
    touched: defaultdict[str, list[str]] = defaultdict(list)
    places: defaultdict[str, list[str]] = defaultdict(list)
    for item in _changing(plan):
        if pattern := protecting(item, patterns):
            touched[pattern].append(item.call.id)
            if len(places[pattern]) < _NAMED:
                places[pattern].append(f"line {item.line} ({item.call.action})" if item.line else item.call.action)
    for pattern, items in touched.items():
        more = f" and {len(items) - _NAMED} more" if len(items) > _NAMED else ""
        yield Refusal(
            "protected",
            tuple(items),
            f"{_count(items)} would touch what '{pattern}' protects: {', '.join(places[pattern])}{more}.",
            f"Take these out of the file, or '{pattern}' out of [batch] protected.",
        )


def _outside(plan: Plan, limits: BatchSettings, now: datetime | None) -> Iterator[Refusal]:
    if now is not None and not _is_open(limits, now.time()):
        yield Refusal(
            "window",
            tuple(item.call.id for item in _changing(plan)),
            f"It is {now:%H:%M}; changes may be made from {limits.window.replace('-', ' to ')} only.",
            "Apply the plan in that time, or change [batch] window.",
        )


def _is_open(limits: BatchSettings, now: time) -> bool:
    if limits.times is None:
        return True
    start, end = limits.times
    return start <= now < end if start < end else now >= start or now < end


class Stops:
    """When a run ends by itself. Fed with each outcome as it comes; not safe for several threads.

    ``now`` gives local time.
    """

    def __init__(self, limits: BatchSettings, now: Callable[[], datetime] = datetime.now) -> None:
        self._limits = limits
        self._now = now
        self._ended = 0
        self._failed = 0
        self._in_a_row = 0

    def should_stop(self, outcome: Outcome) -> str:
        """Why nothing more is to be sent after this outcome, as a sentence with the key that says so; "" to go on.

        An unknown outcome counts as a failure.
        """
        is_bad = outcome.status in (Status.FAILED, Status.UNKNOWN)
        self._ended += 1
        self._failed += is_bad
        self._in_a_row = self._in_a_row + 1 if is_bad else 0
        row, percent = self._limits.stop_after_failures, self._limits.stop_failure_percent
        if row and self._in_a_row >= row:
            return f"{self._in_a_row} changes in a row failed ([batch] stop_after_failures)."
        if self._ended >= ENOUGH_TO_COUNT and self._failed * 100 > self._ended * percent:
            return (
                f"{self._failed} of {self._ended} changes failed, more than {percent} percent "
                "([batch] stop_failure_percent)."
            )
        if not _is_open(self._limits, self._now().time()):
            return f"The time for changes is over ([batch] window = {self._limits.window})."
        return ""


def _names(item: PlanItem) -> Iterator[str]:
    """Everything that names an object or a person of an item, in one letter case."""
    outcome = item.outcome
    found: list[Any] = [outcome.identity.id, outcome.identity.name] if outcome.identity else []
    found += [item.call.parameters.get(name) for name in _PARAMETERS]
    found += [state.get(name) for state in (outcome.before, outcome.after) for name in _FOUND]
    for value in found:
        for one in value if isinstance(value, list | tuple) else [value]:
            if isinstance(one, str) and one:
                yield _PREFIX.sub("", one).casefold()


@lru_cache(maxsize=1024)
def _matcher(pattern: str) -> re.Pattern[str]:
    """A pattern in which only * has a meaning; square brackets and ? are part of names."""
    return re.compile(translate(re.sub(r"([?\[])", r"[\1]", pattern)))


def _count(items: Sequence[object]) -> str:
    return "1 change" if len(items) == 1 else f"{len(items)} changes"
