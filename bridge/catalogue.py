"""Every problem that exo-bridge can name: code, sentence, cause, remedy, whether a retry helps, exit code.

Rules: nothing is written here. The classes of ``errors.py`` and those of journal and batch are one source, the
problems of ``problems.py`` the other. What means which of them is read from ``meaning.py`` and ``wsman_faults.py``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from functools import cache
from typing import Any

from bridge import problems
from bridge.batch.guards import LimitReached
from bridge.errors import ActionFailed, AgentError, BridgeError
from bridge.journal.errors import JournalError
from bridge.meaning import (
    MEANING_BY_HTTP_STATUS,
    MEANING_BY_ID,
    MEANING_BY_STRING_ID,
    MEANING_BY_TYPE,
    REMEDY_BY_AADSTS,
)
from bridge.problems import LOGON_REFUSED, Meaning
from bridge.wsman_faults import FAULTS

ROOTS: tuple[type[BridgeError], ...] = (BridgeError, JournalError, LimitReached)
"""What has to be loaded for every class of error to be known."""
_UNSIGNED = 2**32


@dataclass(frozen=True)
class Sign:
    """What a problem is recognised by: a type, an id, an HTTP status, a WSMan fault or Entra ID's number.

    ``remedy`` is what to do where it was told so, ``""`` when it is the entry's own.
    """

    kind: str
    name: str
    remedy: str = ""


@dataclass(frozen=True)
class Entry:
    """One problem. ``answer_lost``: a change may have been made; it is then unknown, and the exit code 4."""

    code: str
    sentence: str
    cause: str
    remedy: str
    retry: bool
    exit_code: int
    answer_lost: bool
    signs: tuple[Sign, ...]

    def as_json(self) -> dict[str, Any]:
        """The entry as a row of JSON (version 1)."""
        return {"id": self.code, "name": self.code, **asdict(self), "signs": [asdict(sign) for sign in self.signs]}


@cache
def catalogue() -> dict[str, Entry]:
    """All entries by their code, the alphabet's order."""
    signs: dict[str, list[Sign]] = {}
    for code, sign in _signs():
        signs.setdefault(code, []).append(sign)
    entries = [*map(_of_class, classes()), *map(_of_problem, named_problems())]
    return {
        entry.code: Entry(**{**vars(entry), "signs": tuple(signs.get(entry.code, ()))})
        for entry in sorted(entries, key=lambda entry: entry.code)
    }


def find(word: str) -> Entry | None:
    """The entry of a code, or of what it is recognised by: a type's or id's name, a number, also with 0x or a sign.

    In the latter case its remedy is the one for that.
    """
    entries = catalogue()
    if word in entries:
        return entries[word]
    # Type names come with their namespace, ids with the cmdlet that they came from.
    wanted = {word.lower(), word.partition(",")[0].lower(), word.rpartition(".")[2].lower(), _number(word)} - {""}
    for entry in entries.values():
        for sign in entry.signs:
            if sign.name.lower() in wanted:
                return replace(entry, remedy=sign.remedy or entry.remedy)
    return None


def classes() -> list[type[BridgeError]]:
    """Every class of error of the core."""
    found: dict[type[BridgeError], None] = {}
    queue = [BridgeError]
    while queue:
        kind = queue.pop(0)
        # A program that uses exo-bridge may have classes of its own.
        if kind.__module__.startswith("bridge."):
            found[kind] = None
        queue += kind.__subclasses__()
    return list(found)


def named_problems() -> list[Meaning]:
    """Every problem that has no class."""
    of_classes = {kind.code for kind in classes()}
    return [one for one in vars(problems).values() if isinstance(one, Meaning) and one.code not in of_classes]


def _of_class(kind: type[BridgeError]) -> Entry:
    lost = issubclass(kind, AgentError)
    return Entry(kind.code, kind.sentence(), kind.cause, kind.remedy, kind.retry, kind.exit_code, lost, ())


def _of_problem(one: Meaning) -> Entry:
    return Entry(one.code, one.sentence, one.cause, one.remedy, one.retry, ActionFailed.exit_code, one.answer_lost, ())


def _signs() -> Iterator[tuple[str, Sign]]:
    """The code and the sign, for everything that is recognised."""
    remedies = {one.code: one.remedy for one in vars(problems).values() if isinstance(one, Meaning)}
    tables: tuple[tuple[str, dict[Any, Meaning]], ...] = (
        ("type", MEANING_BY_TYPE),
        ("id", MEANING_BY_ID),
        ("text", MEANING_BY_STRING_ID),
        ("HTTP", MEANING_BY_HTTP_STATUS),
    )
    for kind, table in tables:
        for name, meaning in table.items():
            own = "" if meaning.remedy == remedies[meaning.code] else meaning.remedy
            yield meaning.code, Sign(kind, str(int(name)) if kind == "HTTP" else name, own)
    for number, error in FAULTS.items():
        yield error.code, Sign("fault", str(number))
    for number_, remedy in REMEDY_BY_AADSTS.items():
        yield LOGON_REFUSED.code, Sign("Entra ID", number_, remedy)


def _number(word: str) -> str:
    """A fault's number as it stands in the table, from its hexadecimal or signed form too; "" for no number."""
    try:
        return str(int(word, 0) % _UNSIGNED)
    except ValueError:
        return ""
