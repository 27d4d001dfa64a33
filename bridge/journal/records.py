"""What the journal holds, as data: runs, items, and the records that they are made of.

Rules: a record's body is JSON in ASCII, so that every text reads back as it was, whatever its characters. The chain of
a record is the SHA-256 of the chain before it in the same run and of everything that the record holds, so one that was
changed, taken out or put in between is found. It is a checksum and no signature.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from bridge.actions import ACTIONS
from bridge.model import Call, Identity, Kind, Outcome, Problem, Status, new_id


class State(StrEnum):
    """Where an item stands. ``open``: its intent is written, and nothing after it."""

    PLANNED = "planned"
    OPEN = "open"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    FAILED = "failed"
    UNKNOWN = "unknown"


class RecordKind(StrEnum):
    """What a record tells: the first three of a run, the others of an item."""

    BEGUN = "begun"
    RESUMED = "resumed"
    ENDED = "ended"
    PLANNED = "planned"
    INTENT = "intent"
    OUTCOME = "outcome"
    SETTLED = "settled"


@dataclass(frozen=True)
class RunFacts:
    """What is known of a run when it begins.

    ``kind`` is action, batch, undo or helloid; ``command`` what was typed or asked for, without secrets. ``user`` and
    ``machine`` are who ran it and where, ``agent`` and ``organization`` what it ran on; ``version`` is exo-bridge's.
    ``plan`` is the hash of the plan, ``source`` the file that it was made from; both may be empty.
    """

    kind: str
    command: str = ""
    user: str = ""
    machine: str = ""
    agent: str = ""
    organization: str = ""
    version: str = ""
    plan: str = ""
    source: str = ""
    id: str = field(default_factory=new_id)


@dataclass(frozen=True)
class Planned:
    """An item of a run before anything was sent.

    ``sha256`` is that of its script, ``line`` its line in the source file (0 where there is none), ``expected`` the
    state before that the plan saw, ``wanted`` the state after, ``identity`` the id of the object ("" for none yet).
    """

    call: Call
    sha256: str = ""
    line: int = 0
    expected: Mapping[str, Any] = field(default_factory=dict)
    wanted: Mapping[str, Any] = field(default_factory=dict)
    identity: str = ""

    @property
    def object(self) -> str:
        """What the item is about, as a key: items with the same one are done in their order; "" with nothing."""
        return str(self.call.parameters.get(_first_parameter(self.call.action), "")).casefold()


@functools.cache
def _first_parameter(name: str) -> str:
    """The parameter that names what an action is about; "" for one without parameters, or that is there no more."""
    action = ACTIONS.get(name)
    return next(iter(action.parameters.model_fields), "") if action else ""


@dataclass(frozen=True)
class Item:
    """An item as it stands now.

    ``at`` is when it came to that, ``sent_at`` when its last intent was written ("" when never); both in ISO 8601, UTC.
    ``outcome`` is there once it ended; ``settled_by`` says how an unknown one was found out.
    """

    run: str
    position: int
    planned: Planned
    state: State
    at: str
    sent_at: str = ""
    outcome: Outcome | None = None
    settled_by: str = ""

    @property
    def id(self) -> str:
        """The same as its call's."""
        return self.planned.call.id

    def as_json(self) -> dict[str, Any]:
        """The item as it stands in the JSON of the journal (version 1): the same keys, whatever its state."""
        call = self.planned.call
        empty = Outcome(call.action, Status.UNKNOWN, call.parameters, dry_run=call.dry_run)
        ended = (self.outcome or empty).as_json()
        del ended["action"], ended["status"], ended["parameters"]
        return {
            "run": self.run,
            "position": self.position,
            "id": self.id,
            "state": str(self.state),
            "action": call.action,
            "object": self.planned.object,
            "parameters": dict(call.parameters),
            "line": self.planned.line,
            "at": self.at,
            "sent_at": self.sent_at,
            "settled_by": self.settled_by,
            **ended,
            "script": call.script,
            "sha256": self.planned.sha256,
        }


@dataclass(frozen=True)
class Run:
    """A run as it stands now.

    ``began_at``, ``resumed_at`` and ``ended_at`` are ISO 8601 in UTC, "" where it did not happen. ``ended`` says how it
    ended; "" means that it is under way, or that its process died. ``counts`` has the items by state.
    """

    facts: RunFacts
    began_at: str
    counts: Mapping[State, int]
    resumed_at: str = ""
    ended_at: str = ""
    ended: str = ""

    @property
    def id(self) -> str:
        """The run's id."""
        return self.facts.id

    def as_json(self) -> dict[str, Any]:
        """The run as it stands in the JSON of the journal (version 1)."""
        return {
            **vars(self.facts),
            "began_at": self.began_at,
            "resumed_at": self.resumed_at,
            "ended_at": self.ended_at,
            "ended": self.ended,
            "counts": {str(state): count for state, count in self.counts.items()},
        }


@dataclass(frozen=True)
class JournalRecord:
    """One record as it stands in the file; ``state`` is that of the item after it, ``body`` its JSON."""

    number: int
    run: str
    item: str
    position: int
    kind: str
    state: str
    at: str
    body: str
    chain: str

    def chain_after(self, previous: str) -> str:
        """What its chain has to be after ``previous``."""
        facts = (previous, self.run, self.item, str(self.position), self.kind, self.state, self.at, self.body)
        # No part has a line break: ids and names have none, and a body is JSON in one line.
        return hashlib.sha256("\n".join(facts).encode("utf-8", "surrogatepass")).hexdigest()


def encode(value: Mapping[str, Any]) -> str:
    """A body."""
    return json.dumps(value, default=str, separators=(",", ":"))


def facts_of(body: str) -> RunFacts:
    """The facts of a run from its first body; what a newer exo-bridge added is left out."""
    known = RunFacts.__dataclass_fields__
    return RunFacts(**{name: value for name, value in json.loads(body).items() if name in known})


def planned_body(planned: Planned) -> dict[str, Any]:
    """What is written of an item that is planned; its id is the record's own."""
    call = planned.call
    return {
        "action": call.action,
        "script": call.script,
        "sha256": planned.sha256,
        "kind": str(call.kind),
        "parameters": dict(call.parameters),
        "dry_run": call.dry_run,
        "creates": call.creates,
        "object": planned.object,
        "line": planned.line,
        "expected": dict(planned.expected),
        "wanted": dict(planned.wanted),
        "identity": planned.identity,
    }


def planned_of(item: str, body: str) -> Planned:
    """The item that such a body tells of."""
    told = json.loads(body)
    call = Call(
        action=told["action"],
        script=told["script"],
        kind=Kind(told["kind"]),
        parameters=told["parameters"],
        dry_run=told["dry_run"],
        creates=told["creates"],
        id=item,
    )
    return Planned(call, told["sha256"], told["line"], told["expected"], told["wanted"], told["identity"])


def outcome_body(outcome: Outcome, hide: Callable[[str], str]) -> dict[str, Any]:
    """What is written of an outcome. ``hide`` takes secrets out of what Exchange and the agent said.

    Parameters, before and after stay as they are: they hold no secret, and undoing needs them to the letter.
    """
    problem = asdict(outcome.problem) if outcome.problem else None
    if problem is not None:
        problem |= {key: hide(problem[key]) for key in ("message", "remedy")}
    return {
        "reason": hide(outcome.reason),
        "identity": asdict(outcome.identity) if outcome.identity else None,
        "before": dict(outcome.before),
        "after": dict(outcome.after),
        "problem": problem,
        "warnings": [hide(warning) for warning in outcome.warnings],
        "seconds": outcome.seconds,
        "throttled_seconds": outcome.throttled_seconds,
    }


def outcome_of_body(call: Call, state: str, told: Mapping[str, Any]) -> Outcome:
    """The outcome that such a body tells of; rows are not kept."""
    return Outcome(
        action=call.action,
        status=Status(state),
        parameters=call.parameters,
        dry_run=call.dry_run,
        reason=told["reason"],
        identity=Identity(**told["identity"]) if told["identity"] else None,
        before=told["before"],
        after=told["after"],
        problem=Problem(**told["problem"]) if told["problem"] else None,
        warnings=told["warnings"],
        seconds=told["seconds"],
        throttled_seconds=told["throttled_seconds"],
        call_id=call.id,
        kind=call.kind,
    )
