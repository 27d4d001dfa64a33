"""What became of a run, for people and for programs, and the exit code that says it.

Rule: first what needs a look, then what failed, by its cause with what to do, then the commands that come next.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bridge.batch.applying import DONE, INTERRUPTED, LIMIT_REACHED, Ending
from bridge.batch.guards import LimitReached
from bridge.cli import output
from bridge.cli.report.facts import Cause
from bridge.errors import AgentError, Interrupted, OutcomeUnknown
from bridge.journal import Item, JournalReader, State
from bridge.outcomes import exit_code

_MOST_SHOWN = 5


@dataclass(frozen=True)
class Summary:
    """What became of a run: its counts, the first items that need a look, and the causes of failures by their code."""

    ending: Ending
    counts: Mapping[State, int]
    unknown: list[Item]
    causes: Mapping[str, Cause]

    @property
    def exit_code(self) -> int:
        """0, 1 failed, 3 agent or Exchange, 4 unknown, 5 a limit, 130 interrupted."""
        if self.ending.how == LIMIT_REACHED:
            return LimitReached.exit_code
        if self.ending.how == INTERRUPTED:
            return AgentError.exit_code if self.ending.lost else Interrupted.exit_code
        if self.unknown:
            return OutcomeUnknown.exit_code
        return exit_code([item.outcome for one in self.causes.values() for item in one.items[:1] if item.outcome])


def summary(journal: JournalReader, ending: Ending) -> Summary:
    """What the journal says of a run that ended so."""
    unknown: list[Item] = []
    causes: dict[str, Cause] = {}
    for item in journal.items(ending.run, (State.OPEN, State.UNKNOWN, State.FAILED)):
        if item.state is not State.FAILED or item.outcome is None:
            unknown += [item] if len(unknown) < _MOST_SHOWN else []
            continue
        code = item.outcome.problem.code if item.outcome.problem else ""
        causes.setdefault(code, Cause(code)).add(item)
    return Summary(ending, journal.run(ending.run).counts, unknown, causes)


def print_summary(found: Summary, settings: Path | None) -> None:
    """For a person. ``settings`` is the file that was given, for the commands that come next."""
    counts, ending = found.counts, found.ending
    open_count = counts[State.OPEN] + counts[State.UNKNOWN]
    if ending.how == DONE and ending.why:
        output.print_line(ending.why)
    if found.unknown:
        output.print_line(f"{open_count} may or may not have been made; look at them first:", style="bold yellow")
        _print_items(found.unknown, open_count)
    for code, cause in found.causes.items():
        output.print_line(f"{cause.count} failed: {code}", style="red")
        _print_items(cause.items[:_MOST_SHOWN], cause.count)
        for remedy in cause.remedies[:1]:
            output.print_line(f"  what to do: {remedy}")
    told = ", ".join(f"{counts[state]} {state}" for state in State if counts[state]) or "no items"
    output.print_line(f"{told}.", style="bold")
    if ending.how != DONE:
        output.print_line(f"The run ended before its end ({ending.how}): {ending.why}", style="yellow")
    if ending.lost is not None:
        output.print_line(f"  {ending.lost.code}: {ending.lost.message}")
        output.print_line(f"  what to do: {ending.lost.remedy}")
    output.print_facts(_next(found, settings))


def _print_items(items: list[Item], count: int) -> None:
    for item in items:
        about = " ".join(output.shown(value) for value in item.planned.call.parameters.values())
        line = f"line {item.planned.line}: " if item.planned.line else ""
        problem = item.outcome.problem if item.outcome else None
        why = f": {problem.message}" if problem else ""
        output.print_line(f"  {line}{item.planned.call.action} {about}{why}")
    if count > len(items):
        output.print_line(f"  and {count - len(items)} more")


def _next(found: Summary, settings: Path | None) -> dict[str, str]:
    """The commands that come next, by what they are for."""
    given = f' --settings "{settings}"' if settings else ""
    run, counts = found.ending.run[:12], found.counts
    commands = {"see all": f"exo-bridge journal show {run}{given}"}
    if counts[State.FAILED]:
        commands["see failed"] = f"exo-bridge journal show {run} --failed{given}"
    if counts[State.UNKNOWN]:
        commands["see unknown"] = f"exo-bridge journal show {run} --unknown{given}"
    if counts[State.PLANNED] or counts[State.OPEN] or counts[State.UNKNOWN]:
        commands["go on"] = f"exo-bridge batch resume {run}{given}"
    if counts[State.FAILED]:
        commands["try again"] = f"exo-bridge batch resume {run} --retry-failed{given}"
    if counts[State.CHANGED]:
        commands["take back"] = f"exo-bridge batch undo {run} --out undo.json{given}"
    if any(counts.values()):
        commands["report"] = f"exo-bridge report {run} --html report.html{given}"
    return commands


def summary_json(journal: JournalReader, found: Summary) -> dict[str, Any]:
    """For a program: how the run ended, its counts, and one by one the outcomes like those of an action."""
    ending = found.ending
    items = journal.items(ending.run)
    return {
        "run": ending.run,
        "ended": ending.how,
        "why": ending.why,
        "counts": {str(state): count for state, count in found.counts.items()},
        "outcomes": (
            {"id": item.id, "line": item.planned.line, **item.outcome.as_json()}
            for item in items
            if item.outcome is not None
        ),
        "rows": [],
    }
