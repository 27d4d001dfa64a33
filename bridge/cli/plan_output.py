"""A plan for people and for programs.

Rule: first the counts, what it is called and what comes next; then what could do harm, the worst first, each kind by
action. Of many items the first are shown, with the number of the others.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from bridge.batch.guards import LimitReached, Refusal
from bridge.batch.plan import Plan, PlanItem
from bridge.batch.risks import Risk, risk_of
from bridge.cli import output
from bridge.model import Status

_MOST_SHOWN = 20
_LONGEST = 80
# What an outcome has of its run; a plan is the same whenever it was made.
_NOT_PLANNED = frozenset(("warnings", "seconds", "throttled_seconds"))
_PEOPLE = ("member_name", "user_name")
_ENDS = (Status.CHANGED, Status.UNCHANGED, Status.FAILED)
_STYLES = {Risk.PROTECTED: "bold red", Risk.REMOVED: "red", Risk.HOLD_ENDED: "red", Risk.FAILED: "red"}


def print_plan(plan: Plan, file: Path | None, protected: Sequence[str] = (), *, is_refused: bool = False) -> None:
    """The plan in this file for a person, or one that is in no file; ``protected`` are the patterns of the settings.

    One that ``is_refused`` by a limit is not to be applied as it is, and the limit is told after it.
    """
    counts = plan.counts()
    changes = counts.get(Status.CHANGED, 0)
    output.print_line(
        f"{changes} to change, {counts.get(Status.UNCHANGED, 0)} already so, {counts.get(Status.FAILED, 0)} failed.",
        style="bold",
    )
    undoes = {"undoes": plan.undoes} if plan.undoes else {}
    following = {"next": _next(plan, file, changes)} if file is not None and not is_refused else {}
    output.print_facts(
        {
            "hash": plan.hash,
            **following,
            "organization": plan.organization,
            "agent": plan.agent,
            "source": plan.source,
            "made": plan.made,
            **undoes,
        }
    )
    _print_items(plan, protected)
    if plan.left:
        output.print_line()
    for sentence in plan.left:
        output.print_line(sentence, style="yellow")


def print_refusals(refusals: Sequence[Refusal]) -> None:
    """Which limits a plan breaks, on stderr; nothing where it breaks none."""
    if refusals:
        error = LimitReached(refusals)
        output.print_error(error.message, error.remedy, code=error.code)


def plan_json(
    plan: Plan, file: Path, protected: Sequence[str] = (), refusals: Sequence[Refusal] = ()
) -> dict[str, Any]:
    """The plan in this file for a program: its facts, the limits that it breaks, and one by one a row for each item."""
    return {
        "file": str(file),
        "hash": plan.hash,
        "organization": plan.organization,
        "agent": plan.agent,
        "source": plan.source,
        "made": plan.made,
        "undoes": plan.undoes,
        "counts": {str(status): plan.counts().get(status, 0) for status in _ENDS},
        "left": list(plan.left),
        "refusals": [
            {
                "limit": refusal.limit,
                "message": refusal.sentence,
                "remedy": refusal.how,
                "items": list(refusal.items),
            }
            for refusal in refusals
        ],
        "rows": (_row(item, protected) for item in plan.items),
    }


def _next(plan: Plan, file: Path, changes: int) -> str:
    if not changes:
        return "nothing is to be done"
    name = f'"{file}"' if " " in str(file) else str(file)
    return f"exo-bridge batch apply {name} --approve {plan.hash}"


def _row(item: PlanItem, protected: Sequence[str]) -> dict[str, Any]:
    identity = item.outcome.identity
    told = {name: value for name, value in item.outcome.as_json().items() if name not in _NOT_PLANNED}
    return {
        "id": item.call.id,
        "name": identity.name if identity else item.object,
        "line": item.line,
        "risk": risk_of(item, protected).name.lower().replace("_", "-"),
        **told,
    }


class _Some:
    """The first of several items, and how many they are."""

    def __init__(self) -> None:
        self.first: list[PlanItem] = []
        self.count = 0

    def add(self, item: PlanItem) -> None:
        """One more."""
        self.count += 1
        if self.count <= _MOST_SHOWN:
            self.first.append(item)


def _print_items(plan: Plan, protected: Sequence[str]) -> None:
    by_risk: defaultdict[Risk, defaultdict[str, _Some]] = defaultdict(lambda: defaultdict(_Some))
    for item in plan.items:
        by_risk[risk_of(item, protected)][item.call.action].add(item)
    for risk in Risk:
        if risk is Risk.NONE or risk not in by_risk:
            continue
        count = sum(some.count for some in by_risk[risk].values())
        output.print_line()
        output.print_line(f"{risk.capitalize()}: {count}", style=_STYLES.get(risk, "bold"))
        rows = [row for some in by_risk[risk].values() for row in _shown(some)]
        output.print_rows(rows, ("action", "line", "object", "what"))


def _shown(some: _Some) -> Iterator[dict[str, Any]]:
    """The first items of one action, and how many there are beside them."""
    for item in some.first:
        yield {"action": item.call.action, "line": item.line or None, "object": _object(item), "what": _what(item)}
    if more := some.count - len(some.first):
        action = some.first[0].call.action
        yield {"action": action, "object": "...", "what": f"{more} more; --json has all"}


def _object(item: PlanItem) -> str:
    identity = item.outcome.identity
    return (
        identity.name if identity is not None and identity.name else str(next(iter(item.call.parameters.values()), ""))
    )


def _what(item: PlanItem) -> str:
    """What is done to the object: to whom, what differs, and why; or why it cannot be done and what helps."""
    outcome = item.outcome
    parts = [f"{name.replace('_', '-')}={_short(value)}" for name, value in list(item.call.parameters.items())[1:]]
    who = [outcome.before[name] for name in _PEOPLE if name in outcome.before]
    if who and who[0] not in item.call.parameters.values():
        parts.append(f"({_short(who[0])})")
    if outcome.problem is not None:
        return f"{' '.join(parts)}: {outcome.problem.message} {outcome.problem.remedy}".removeprefix(": ")
    changes = [
        f"{name.replace('_', ' ')}: {_short(outcome.before[name])} -> {_short(value)}"
        for name, value in outcome.after.items()
        if name in outcome.before and outcome.before[name] != value and not isinstance(value, bool)
    ]
    return "; ".join(part for part in (" ".join(parts), outcome.reason, *changes) if part)


def _short(value: Any) -> str:
    text = output.shown(value)
    text = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
    return text or '""'
