"""Desired state: rows that say what is to be so, instead of what is to be done.

Rules: such a row has no action, and a ``state``: ``present`` or ``absent`` for a member of a group or a right on a
mailbox, which make the call that grants or revokes it; or ``exactly`` for the members of a group. All rows of a group
with ``exactly`` together are one wish, which only the group's members of that moment turn into calls. A group cannot be
emptied in this way: no row names no member.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from bridge.actions import ACTIONS
from bridge.errors import UsageError
from bridge.model import Call

PRESENT, ABSENT, EXACTLY = STATES = ("present", "absent", "exactly")


@dataclass(frozen=True)
class Pair:
    """The two actions that make something so and not so, and the parameters that say what."""

    fields: tuple[str, ...]
    grant: str
    revoke: str


MEMBERSHIP = Pair(("group", "member"), "group.grant", "group.revoke")
RIGHT = Pair(("mailbox", "user", "right"), "shared-mailbox.grant", "shared-mailbox.revoke")
PAIRS = {action: pair for pair in (MEMBERSHIP, RIGHT) for action in (pair.grant, pair.revoke)}
"""The pair to which an action belongs, by its name."""


def pair_of(fields: Collection[str]) -> Pair | None:
    """What a row without an action is about, by its first parameter; None where that says nothing or too much."""
    found = [pair for pair in (MEMBERSHIP, RIGHT) if pair.fields[0] in fields]
    return found[0] if len(found) == 1 else None


@dataclass(frozen=True)
class Wish:
    """A group is to have exactly these members. They are named as the file names them; ``line`` is its first row's."""

    group: str
    members: tuple[str, ...]
    line: int


def resolve(
    wish: Wish, current_members: Iterable[Mapping[str, Any]], known_ids: Mapping[str, str] | None = None
) -> list[Call]:
    """The calls that make a wish true: grants for who is missing, then revokes for who is too many, by id.

    ``current_members`` are rows of ``group.members`` (``id``, ``primary_smtp_address``). A member of the wish who is
    among them under neither must have an id in ``known_ids``: who is named in another way may be there all the same,
    and would be taken out. Raises UsageError that names those without one; see ``unmatched``.
    """
    current = list(current_members)
    ids = _matched(wish, current) | dict(known_ids or {})
    missing = [member for member in wish.members if member not in ids]
    if missing:
        raise UsageError(f"It is not known who these members of {wish.group} are: {', '.join(missing)}.")
    there = {str(row["id"]).lower() for row in current}
    wanted = dict.fromkeys(ids[member].lower() for member in wish.members)
    grants = [_call(MEMBERSHIP.grant, wish.group, one) for one in wanted if one not in there]
    return grants + [_call(MEMBERSHIP.revoke, wish.group, one) for one in sorted(there - wanted.keys())]


def unmatched(wish: Wish, current_members: Iterable[Mapping[str, Any]]) -> list[str]:
    """The members of a wish whose id has to be looked up: none of the current members has that id or address."""
    matched = _matched(wish, current_members)
    return [member for member in wish.members if member not in matched]


def _matched(wish: Wish, current: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """The ids of those members of a wish who are there under that id or primary address."""
    by_name: dict[str, str] = {}
    for row in current:
        by_name[str(row["id"]).lower()] = str(row["id"])
        if address := row.get("primary_smtp_address"):
            by_name[str(address).lower()] = str(row["id"])
    return {member: by_name[member.lower()] for member in wish.members if member.lower() in by_name}


def _call(action: str, group: str, member: str) -> Call:
    (call,) = ACTIONS[action].calls({"group": group, "member": member})
    return call
