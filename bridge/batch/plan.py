"""A plan: what a file would change in an organization, as it was found, one item for each call.

Rules:

- A plan is data: making it changed nothing. Its hash covers everything that decides what is done: the organization, and
  of each item the action, its parameters, how it would end and the state that was found. The same file on the same
  organization gives the same hash, whenever and by whom it is made.
- A plan file that was edited does not have the hash that it names, and is refused as a whole.
- A plan file is one JSON document with an item on each line, and its hash at the end. It is written and read item by
  item, so a plan of any length needs no memory; whoever goes through its items again reads them again, and a line that
  is not the one that was read first ends it.
- Items are in the order of the file, with the same ids as the calls that looked; what is sent gets ids of its own.
"""

from __future__ import annotations

import hashlib
import json
from array import array
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from bridge.actions import ACTIONS
from bridge.errors import UsageError
from bridge.model import Call, Identity, Kind, Outcome, Problem, Status
from bridge.whole_file import whole_file

VERSION = 2


@dataclass(frozen=True)
class PlanItem:
    """One call of a plan, and how it would end; ``line`` is its line in the source, 0 where there is none."""

    call: Call
    outcome: Outcome
    line: int = 0

    @property
    def changes(self) -> bool:
        """Whether something is to be done."""
        return self.outcome.status is Status.CHANGED

    @property
    def is_compared(self) -> bool:
        """Whether the object was found; not where an earlier item creates it, and there is no state before."""
        return self.outcome.identity is not None

    @property
    def object(self) -> str:
        """The id of the object that it changes, or the name that was given where there is none yet."""
        identity = self.outcome.identity
        if identity is not None and identity.id:
            return identity.id
        return str(next(iter(self.call.parameters.values()), "")).casefold()


class Items(Protocol):
    """The items of a plan, in their order. They can be gone through any number of times, also while that is done."""

    def __iter__(self) -> Iterator[PlanItem]:
        """Each item. Raises UsageError when they cannot be read again as they were."""

    def __len__(self) -> int:
        """How many there are."""


@dataclass(frozen=True)
class Plan:
    """What would be done. ``source`` is the file's name, ``made`` is ISO 8601 in UTC, ``version`` is exo-bridge's.

    ``undoes`` is the run that it takes back, "" for none; ``left`` are sentences about what it leaves as it is or does
    not bring back, and what else a person should know.
    """

    organization: str
    agent: str
    items: Items
    source: str = ""
    made: str = ""
    version: str = ""
    undoes: str = ""
    left: tuple[str, ...] = ()

    @property
    def hash(self) -> str:
        """SHA-256 over what decides what is done, hexadecimal."""
        return self._hash_and_counts[0]

    def counts(self) -> Mapping[Status, int]:
        """How many items would end in which way."""
        return self._hash_and_counts[1]

    @cached_property
    def _hash_and_counts(self) -> tuple[str, Mapping[Status, int]]:
        counts: Counter[Status] = Counter()
        digest = hashlib.sha256(f"[{_compact(self.organization.lower())},{_compact(self.undoes)},[".encode("ascii"))
        between = b""
        for item in self.items:
            counts[item.outcome.status] += 1
            digest.update(between + _compact(_decisive(item)).encode("ascii"))
            between = b","
        digest.update(b"]]")
        return digest.hexdigest(), counts


def write_plan(plan: Plan, file: Path) -> None:
    """Write a plan, whole or not at all. Raises UsageError when it cannot be written."""
    head = {
        "version": VERSION,
        **{name: getattr(plan, name) for name in _FACTS},
        "exo_bridge": plan.version,
        "left": list(plan.left),
        "items": [],
    }
    try:
        with whole_file(file, encoding="ascii") as whole:
            lines = whole.stream
            lines.write(json.dumps(head).removesuffix(_END_OF_HEAD))
            between = "\n"
            for item in plan.items:
                lines.write(between + json.dumps(item_to_json(item)))
                between = ",\n"
            lines.write(f'\n], "hash": "{plan.hash}"}}\n')
            whole.keep()
    except OSError as error:
        raise UsageError(f"The plan cannot be written to {file}: {error.strerror or error}.") from error


def read_plan(file: Path) -> Plan:
    """The plan in a file. Raises UsageError when there is none, or when it is not as it was written."""
    marks = array("q")
    try:
        with file.open(encoding="utf-8-sig") as lines:
            head = _head(next(lines, ""))
            if head.get("version") != VERSION:
                raise UsageError(f"{file} is no plan that this exo-bridge can read.", remedy=_AGAIN)
            line = next(lines, "")
            while not line.startswith("]"):
                marks.append(hash(line))
                line = next(lines)
            written = json.loads(f'{{"items": [{line}')["hash"]
        plan = Plan(
            items=_FileItems(file, marks),
            version=head["exo_bridge"],
            left=tuple(head["left"]),
            **{name: head[name] for name in _FACTS},
        )
        same = plan.hash == written
    except OSError as error:
        raise UsageError(f"The plan {file} cannot be read: {error.strerror or error}.") from error
    except StopIteration:
        raise UsageError(f"{file} is no whole plan: its end is missing.", remedy=_AGAIN) from None
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise UsageError(f"{file} is no whole plan ({type(error).__name__}: {error}).", remedy=_AGAIN) from None
    if not same:
        raise UsageError(f"{file} was edited after it was made: its hash is another one now.", remedy=_AGAIN)
    return plan


def _head(line: str) -> dict[str, Any]:
    """The facts in the first line of a plan file; none where it is not one."""
    try:
        head = json.loads(line.rstrip() + _END_OF_HEAD)
    except (ValueError, RecursionError):
        return {}
    return head if isinstance(head, dict) else {}


class _FileItems:
    """The items in a plan file, read each time anew; ``marks`` are the hashes that its lines had at first."""

    def __init__(self, file: Path, marks: array[int]) -> None:
        self._file = file
        self._marks = marks

    def __len__(self) -> int:
        return len(self._marks)

    def __iter__(self) -> Iterator[PlanItem]:
        try:
            with self._file.open(encoding="utf-8-sig", errors="replace") as lines:
                next(lines, "")
                for mark in self._marks:
                    line = next(lines, "")
                    if hash(line) != mark:
                        raise UsageError(f"{self._file} was edited while it was used.", remedy=_AGAIN)
                    yield item_from_json(json.loads(line.rstrip().removesuffix(",")))
        except OSError as error:
            raise UsageError(f"The plan {self._file} cannot be read: {error.strerror or error}.") from error


_FACTS = ("organization", "agent", "source", "made", "undoes")
_END_OF_HEAD = "]}"
_AGAIN = "Make it again with `exo-bridge batch plan`; a file of changes goes to `batch plan` or `batch run`."


def _compact(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def _decisive(item: PlanItem) -> Any:
    outcome = item.outcome
    return [
        item.call.action,
        dict(item.call.parameters),
        str(outcome.status),
        asdict(outcome.identity) if outcome.identity else None,
        dict(outcome.before),
        dict(outcome.after),
        outcome.problem.code if outcome.problem else "",
    ]


def item_to_json(item: PlanItem) -> dict[str, Any]:
    """An item as it stands in a plan file."""
    outcome = item.outcome
    return {
        "id": item.call.id,
        "line": item.line,
        "action": item.call.action,
        "parameters": dict(item.call.parameters),
        "status": str(outcome.status),
        "reason": outcome.reason,
        "identity": asdict(outcome.identity) if outcome.identity else None,
        "before": dict(outcome.before),
        "after": dict(outcome.after),
        "problem": asdict(outcome.problem) if outcome.problem else None,
    }


def item_from_json(told: Mapping[str, Any]) -> PlanItem:
    """The item that stands in a plan file. Raises ValueError, KeyError, TypeError and UsageError for what is none."""
    action = ACTIONS.get(told["action"])
    if action is None or action.kind is not Kind.CHANGE:
        raise ValueError(f"there is no change {told['action']!r}")
    (call,) = action.calls(told["parameters"], dry_run=True)
    call = replace(call, id=told["id"])
    outcome = Outcome(
        action=call.action,
        status=Status(told["status"]),
        parameters=call.parameters,
        dry_run=True,
        reason=told["reason"],
        identity=Identity(**told["identity"]) if told["identity"] else None,
        before=told["before"],
        after=told["after"],
        problem=Problem(**told["problem"]) if told["problem"] else None,
        call_id=call.id,
    )
    return PlanItem(call, outcome, told["line"])
