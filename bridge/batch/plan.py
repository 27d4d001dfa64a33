"""A plan: what a file would change in an organization, as it was found, one item for each call.

Rules:

- A plan is data: making it changed nothing. Its hash covers everything that decides what is done: the organization, and
  of each item the action, its parameters, how it would end and the state that was found. The same file on the same
  organization gives the same hash, whenever and by whom it is made.
- A plan file that was edited does not have the hash that it names, and is refused as a whole.
- Items are in the order of the file, with the same ids as the calls that looked; what is sent gets ids of its own.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from bridge.actions import ACTIONS
from bridge.errors import UsageError
from bridge.model import Call, Identity, Kind, Outcome, Problem, Status

VERSION = 1


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


@dataclass(frozen=True)
class Plan:
    """What would be done. ``source`` is the file's name, ``made`` is ISO 8601 in UTC, ``version`` is exo-bridge's.

    ``undoes`` is the run that it takes back, "" for none; ``left`` are sentences about what it leaves as it is or does
    not bring back, and what else a person should know.
    """

    organization: str
    agent: str
    items: tuple[PlanItem, ...]
    source: str = ""
    made: str = ""
    version: str = ""
    undoes: str = ""
    left: tuple[str, ...] = ()

    @property
    def hash(self) -> str:
        """SHA-256 over what decides what is done, hexadecimal."""
        facts: Any = [self.organization.lower(), self.undoes, [_decisive(item) for item in self.items]]
        return hashlib.sha256(json.dumps(facts, sort_keys=True, separators=(",", ":")).encode("ascii")).hexdigest()

    def counts(self) -> Mapping[Status, int]:
        """How many items would end in which way."""
        return Counter(item.outcome.status for item in self.items)


def write_plan(plan: Plan, file: Path) -> None:
    """Write a plan, whole or not at all. Raises UsageError when it cannot be written."""
    part = file.with_name(f"{file.name}.part")
    document = {
        "version": VERSION,
        "hash": plan.hash,
        **{name: getattr(plan, name) for name in ("organization", "agent", "source", "made", "undoes")},
        "exo_bridge": plan.version,
        "left": list(plan.left),
        "items": [_to_json(item) for item in plan.items],
    }
    try:
        part.write_text(json.dumps(document, indent=1) + "\n", "utf-8", newline="\n")
        part.replace(file)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise UsageError(f"The plan cannot be written to {file}: {error.strerror or error}.") from error


def read_plan(file: Path) -> Plan:
    """The plan in a file. Raises UsageError when there is none, or when it is not as it was written."""
    try:
        document = json.loads(file.read_text("utf-8-sig"))
    except OSError as error:
        raise UsageError(f"The plan {file} cannot be read: {error.strerror or error}.") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{file} is no plan: {error}.", remedy=_AGAIN) from None
    if not isinstance(document, dict) or document.get("version") != VERSION:
        raise UsageError(f"{file} is no plan that this exo-bridge can read.", remedy=_AGAIN)
    try:
        plan = Plan(
            items=tuple(_from_json(item) for item in document["items"]),
            version=document["exo_bridge"],
            left=tuple(document["left"]),
            **{name: document[name] for name in ("organization", "agent", "source", "made", "undoes")},
        )
        same = plan.hash == document["hash"]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UsageError(f"{file} is no whole plan ({type(error).__name__}: {error}).", remedy=_AGAIN) from None
    if not same:
        raise UsageError(f"{file} was edited after it was made: its hash is another one now.", remedy=_AGAIN)
    return plan


_AGAIN = "Make it again with `exo-bridge batch plan`."


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


def _to_json(item: PlanItem) -> dict[str, Any]:
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


def _from_json(told: Mapping[str, Any]) -> PlanItem:
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
