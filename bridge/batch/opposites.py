"""Rows that contradict each other: one grants what another revokes, or a group has exactly its members and more rows.

Which of them is meant nobody knows, so none of them is done. A file is looked through for that by the names that stand
in it; here it is by ids, since one object has many names. It makes no difference whether a row would change something
now: after the other one it would.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace

from bridge.batch.desired import MEMBERSHIP, PAIRS
from bridge.batch.first_lines import FirstLines
from bridge.batch.plan import Items, PlanItem
from bridge.batch.spool import SpooledItems
from bridge.model import Problem, Status
from bridge.problems import ROWS_CONTRADICT

_OPPOSITE = "Line {} and line {} of this file want the opposite of each other."
_EXACT = "Line {} and line {} of this file are about the same group, and one says exactly who is in it."


def without_contradictions(items: Iterable[PlanItem], exact: Collection[str]) -> Items:
    """The items, kept on disk; those that contradict each other failed.

    ``exact`` are the ids of the groups that are to have exactly their members; all are in it once the items came to
    their end. Raises what ``items`` raises.
    """
    look = _Look()
    kept = SpooledItems(look.over(items))
    look.end(exact)
    return SpooledItems(map(look.marked, kept)) if look.messages else kept


class _Look:
    """What contradicts what: ``messages`` by membership, right or group."""

    def __init__(self) -> None:
        self.messages: dict[bytes | str, str] = {}
        self._groups: dict[str, tuple[int, int]] = {}

    def over(self, items: Iterable[PlanItem]) -> Iterator[PlanItem]:
        """The items as they are."""
        with FirstLines() as wanted:
            for item in items:
                about, group = _about(item), _group(item)
                if about is not None:
                    side, other = (b"+", b"-") if item.call.action == PAIRS[item.call.action].grant else (b"-", b"+")
                    wanted.add(about + side, item.line)
                    opposite = wanted.line(about + other)
                    if opposite is not None:
                        self.messages.setdefault(about, _OPPOSITE.format(*sorted((opposite, item.line))))
                if group:
                    self._groups[group] = (self._groups.get(group, (item.line, 0))[0], item.line)
                yield item

    def end(self, exact: Collection[str]) -> None:
        """The groups with exactly their members about which there are other rows."""
        for group in exact:
            first, last = self._groups.get(group, (0, 0))
            if first != last:
                self.messages[group] = _EXACT.format(*sorted((first, last)))

    def marked(self, item: PlanItem) -> PlanItem:
        """The item as it is, or failed."""
        message = self.messages.get(_group(item)) or self.messages.get(_about(item) or b"")
        if not message:
            return item
        problem = Problem(ROWS_CONTRADICT.code, message, ROWS_CONTRADICT.remedy)
        outcome = replace(item.outcome, status=Status.FAILED, reason="", problem=problem, after=item.outcome.before)
        return replace(item, outcome=outcome)


def _group(item: PlanItem) -> str:
    """The id of the group whose member it is about; "" where it is about none that is known."""
    identity = item.outcome.identity
    return identity.id if identity is not None and PAIRS.get(item.call.action) is MEMBERSHIP else ""


def _about(item: PlanItem) -> bytes | None:
    """Which membership or right it is, as a hash; None where it is neither, or not known by ids."""
    pair, outcome = PAIRS.get(item.call.action), item.outcome
    person = outcome.before.get(f"{pair.fields[1]}_id") if pair else None
    if pair is None or outcome.identity is None or not outcome.identity.id or not person:
        return None
    more = [str(item.call.parameters[name]).lower() for name in pair.fields[2:]]
    facts = [pair.grant, outcome.identity.id, str(person).lower(), *more]
    return hashlib.blake2b(json.dumps(facts).encode("ascii"), digest_size=16).digest()
