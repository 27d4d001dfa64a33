"""The rows of desired state in one file: calls at once, wishes and contradictions at its end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from bridge.batch.cells import short
from bridge.batch.columns import STATE
from bridge.batch.desired import ABSENT, EXACTLY, MEMBERSHIP, PRESENT, STATES, Pair, Wish, pair_of
from bridge.batch.doubles import Doubles
from bridge.batch.parameters import Cells, Problem, key_of
from bridge.batch.rows import Mistake, Notice
from bridge.model import Call

_NUMBERS = {PRESENT: 1, ABSENT: 2}


@dataclass
class _Exact:
    """The members of one group as its rows name them, by their name in small letters, with their line."""

    group: str
    line: int
    members: dict[str, tuple[str, int]] = field(default_factory=dict)


def state_of(cells: Cells) -> tuple[str, Pair | None, list[Problem]]:
    """The state that a row wants and of what, or why that is not clear."""
    value = cells[STATE][1]
    state = value.strip().lower() if isinstance(value, str) else ""
    pair = pair_of([name for name in ("group", "mailbox") if key_of(name) in cells])
    problems = []
    if state not in STATES:
        problems.append(Problem(STATE, f"{short(value)} is not possible.", f"One of {', '.join(STATES)}."))
    if pair is None:
        problems.append(
            Problem(
                "",
                "It is not clear what is to be so.",
                "Give group and member, or mailbox, user and right; else an action.",
            )
        )
    elif state == EXACTLY and pair is not MEMBERSHIP:
        problems.append(Problem(STATE, "Only a group can have exactly these members.", "present or absent."))
    return state, pair, problems


class DesiredRows:
    """What the rows of one file want to be so."""

    def __init__(self, file: str, doubles: Doubles) -> None:
        self._file = file
        self._doubles = doubles
        self._exact: dict[str, _Exact] = {}
        self._groups: dict[str, int] = {}

    def note(self, pair: Pair, state: str, calls: Sequence[Call], line: int) -> Iterator[Notice]:
        """A row wants the state of what these calls are about."""
        for call in calls:
            if state == EXACTLY:
                yield from self._member(call.parameters["group"], call.parameters["member"], line)
                continue
            about = tuple(str(call.parameters[name]).lower() for name in pair.fields)
            self._doubles.add((pair.grant, STATE, *about), line, _NUMBERS[state])
            if pair is MEMBERSHIP:
                self._groups.setdefault(about[0], line)

    def _member(self, group: str, member: str, line: int) -> Iterator[Notice]:
        exact = self._exact.setdefault(group.lower(), _Exact(group, line))
        _, first = exact.members.setdefault(member.lower(), (member, line))
        if first != line:
            yield Notice(self._file, line, "member", f"The member is on line {first} already.")

    def wishes(self) -> Iterator[Wish | Mistake]:
        """The groups that are to have exactly their members, at the end of the file."""
        for key, exact in self._exact.items():
            if key in self._groups:
                yield Mistake(
                    self._file,
                    self._groups[key],
                    STATE,
                    f"Line {exact.line} says exactly who is in this group.",
                    "Use exactly for all rows of a group, or for none.",
                )
            yield Wish(exact.group, tuple(member for member, _ in exact.members.values()), exact.line)
