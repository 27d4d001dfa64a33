"""Reads the journal: runs, items, open intents, and whether a run's records are what they were.

Rules: what is read comes page by page, so that a run of any length needs little memory, and nobody who writes has to
wait. An item's state is that of its last record.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from bridge.errors import UsageError
from bridge.journal.errors import JournalAltered, JournalNotRead
from bridge.journal.records import (
    Item,
    JournalRecord,
    RecordKind,
    Run,
    State,
    facts_of,
    outcome_of_body,
    planned_of,
)
from bridge.journal.schema import ABOUT, IDENTITY, at_one_moment, open_to_read, told
from bridge.journal.states import violation

TIMEOUT = 30.0
"""Seconds to wait for another process that writes: a plan of a hundred thousand items takes some."""

_PAGE = 500
_RECORD = "SELECT number, run, item, position, kind, state, at, body, chain FROM record"
_ITEM = """
    SELECT p.run, p.item, p.position, p.body, last.state, last.at, last.kind, last.body,
        (SELECT i.at FROM record i WHERE i.run = p.run AND i.item = p.item AND i.kind = 'intent'
            ORDER BY i.number DESC LIMIT 1)
    FROM record p
    JOIN record last ON last.number = (SELECT max(r.number) FROM record r WHERE r.run = p.run AND r.item = p.item)
"""
_ITEMS = f"""{_ITEM}
    WHERE p.run = ? AND p.kind = 'planned' AND p.position > ? AND last.state IN (SELECT value FROM json_each(?))
    ORDER BY p.position LIMIT ?
"""  # noqa: S608  # both parts are constants
UNSETTLED_ABOUT = f"""{_ITEM}
    WHERE p.number IN (
        SELECT number FROM record WHERE kind = 'planned' AND {{about}} IN (SELECT value FROM json_each(?))
    ) AND (last.state = 'open' OR (last.state = 'unknown' AND last.kind = 'outcome'))
    ORDER BY p.number LIMIT ?
"""  # noqa: S608  # the same
_COUNTS = """
    SELECT state, count(*) FROM record
    WHERE number IN (SELECT max(number) FROM record WHERE run = ? AND item <> '' GROUP BY item) GROUP BY state
"""


@dataclass(frozen=True)
class Verification:
    """What looking through a run's records found.

    ``open`` has the ids of items with an intent and no outcome, the first of them; ``open_count`` how many there are.
    ``mistakes`` is empty when the records are what was written; the first of them are named.
    """

    run: str
    records: int
    items: int
    open_count: int
    open: tuple[str, ...]
    mistakes: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether the records are as they were written."""
        return not self.mistakes


class JournalReader:
    """A journal that is read. Raises JournalNotRead when it cannot be; closed after use, or by ``with``.

    Not safe for several threads; each process and thread opens its own.
    """

    def __init__(self, path: Path, *, timeout: float = TIMEOUT) -> None:
        self.path = path
        self._connection = self._open(timeout)

    def _open(self, timeout: float) -> sqlite3.Connection:
        return open_to_read(self.path, timeout=timeout)

    def close(self) -> None:
        """Let go of the file. May be called twice."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextlib.contextmanager
    def at_one_moment(self) -> Iterator[None]:
        """What is read inside is all as it was at the first look; nobody who writes has to wait."""
        with told(self.path), at_one_moment(self._connection):
            yield

    def find(self, text: str) -> str:
        """The id of the run that ``text`` names: ``last``, an id, or its beginning. Raises UsageError."""
        if text == "last":
            found = self._rows("SELECT run FROM record WHERE kind = 'begun' ORDER BY number DESC LIMIT 1")
        else:
            # What stands between the text and the text with a higher last character begins with it.
            query = "SELECT run FROM record WHERE kind = 'begun' AND run >= ? AND run < ? ORDER BY run LIMIT 4"
            found = self._rows(query, text.lower(), text.lower() + "\x7f") if text and text.isascii() else []
        ids = [row[0] for row in found]
        if len(ids) == 1:
            return str(ids[0])
        if ids:
            raise UsageError(f"Several runs begin with {text!r}: {', '.join(ids[:3])} ...", remedy="Give more of it.")
        raise UsageError(
            "The journal has no run yet." if text == "last" else f"There is no run that begins with {text!r}.",
            remedy="`exo-bridge journal list` shows the runs.",
        )

    def runs(self) -> Iterator[Run]:
        """All runs, the newest first."""
        last = 2**62
        while page := self._rows(
            "SELECT number, run FROM record WHERE kind = 'begun' AND number < ? ORDER BY number DESC LIMIT ?",
            last,
            _PAGE,
        ):
            for number, run in page:
                yield self.run(run)
                last = number

    def run(self, run: str) -> Run:
        """One run by its id. Raises UsageError when there is none."""
        records = self._records(f"{_RECORD} WHERE run = ? AND item = '' ORDER BY number", run)
        if not records or records[0].kind != RecordKind.BEGUN:
            raise UsageError(f"There is no run {run!r} in the journal.")
        first, last = records[0], records[-1]
        end = json.loads(last.body) if last.kind == RecordKind.ENDED else {}
        # The record of the end has the counts of then, and nothing is written of a run that ended.
        counts: dict[str, int] = end["counts"] if end else self._counts(run)
        with told(self.path):
            return Run(
                facts=facts_of(first.body),
                began_at=first.at,
                counts={state: counts.get(state, 0) for state in State},
                resumed_at=next((one.at for one in reversed(records) if one.kind == RecordKind.RESUMED), ""),
                ended_at=last.at if end else "",
                ended=end.get("how", ""),
            )

    def items(self, run: str, only: Collection[State] = tuple(State)) -> Iterator[Item]:
        """The items of a run in their order, those in one of the states ``only``."""
        states, position = json.dumps([str(state) for state in only]), -1
        while page := self._rows(_ITEMS, run, position, states, _PAGE):
            for row in page:
                yield _item(row)
            position = page[-1][2]

    def item(self, run: str, item: str) -> list[JournalRecord]:
        """All records of one item, the oldest first; none when there is no such item."""
        return self._records(f"{_RECORD} WHERE run = ? AND item = ? ORDER BY number", run, item)

    def unsettled(self, run: str) -> Iterator[Item]:
        """The items of which nobody knows whether they were done; they are settled before anything new is sent."""
        return self.items(run, (State.OPEN, State.UNKNOWN))

    def unsettled_about(self, objects: Collection[str], *, most: int) -> list[Item]:
        """The items of all runs about one of these objects of which nobody knows whether they were done, the first.

        An object is named as in ``Planned.object``, or by its id. What was looked at in vain already is left out.
        """
        wanted = json.dumps(sorted(set(objects) - {""}))
        found = {
            row[1]: _item(row)
            for about in (ABOUT, IDENTITY)
            for row in self._rows(UNSETTLED_ABOUT.format(about=about), wanted, most)
        }
        return list(found.values())[:most]

    def records(self, run: str) -> Iterator[JournalRecord]:
        """Every record of a run, in the order in which they were written."""
        number = 0
        while page := self._records(
            f"{_RECORD} WHERE run = ? AND number > ? ORDER BY number LIMIT ?", run, number, _PAGE
        ):
            yield from page
            number = page[-1].number

    def check(self, run: str) -> None:
        """Raise JournalAltered when a record of a run is not what was written."""
        for mistake in self._chain_mistakes(run):
            raise JournalAltered(f"The journal {self.path} cannot be gone by: {mistake}. Nothing was sent.")

    def verify(self, run: str) -> Verification:
        """Look through all records of a run: whether any was changed, is missing, or contradicts the one before."""
        mistakes = [*self._missing(), *self._chain_mistakes(run), *self._state_mistakes(run)]
        counts = self._counts(run)
        open_ids = tuple(item.id for _, item in zip(range(_NAMED), self.items(run, (State.OPEN,)), strict=False))
        ((records, items),) = self._rows(
            "SELECT count(*), count(DISTINCT nullif(item, '')) FROM record WHERE run = ?", run
        )
        return Verification(run, records, items, counts.get(State.OPEN, 0), open_ids, tuple(mistakes[:_NAMED]))

    def _missing(self) -> Iterator[str]:
        """Numbers have no gaps, and the highest that was ever given is kept by SQLite."""
        ((count, last),) = self._rows(
            "SELECT count(*), coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'record'), 0) FROM record"
        )
        if count != last:
            yield f"{last - count} records are missing from the journal, of this run or another"

    def _chain_mistakes(self, run: str) -> Iterator[str]:
        chain = ""
        for record in self.records(run):
            if record.chain != record.chain_after(chain):
                yield f"record {record.number} ({record.kind}, item {record.item or 'none'}) is not what was written"
            chain = record.chain

    def _state_mistakes(self, run: str) -> Iterator[str]:
        item, state = "", ""
        last: tuple[str, int] = ("", 0)
        while page := self._records(
            f"{_RECORD} WHERE run = ? AND (item, number) > (?, ?) ORDER BY item, number LIMIT ?", run, *last, _PAGE
        ):
            for record in page:
                state = state if record.item == item else ""
                if wrong := violation(record.kind, state, record.state):
                    yield f"record {record.number}: {wrong}"
                item, state = record.item, record.state or record.kind
            last = (page[-1].item, page[-1].number)

    def _counts(self, run: str) -> dict[str, int]:
        return dict(self._rows(_COUNTS, run))

    def _records(self, query: str, *values: Any) -> list[JournalRecord]:
        return [JournalRecord(*row) for row in self._rows(query, *values)]

    def _rows(self, query: str, *values: Any) -> list[Any]:
        with told(self.path):
            return self._connection.execute(query, values).fetchall()


_NAMED = 20


def _item(row: Any) -> Item:
    run, item, position, planned_text, state, at, kind, body, sent_at = row
    try:
        planned = planned_of(item, planned_text)
        ended = kind in (RecordKind.OUTCOME, RecordKind.SETTLED)
        facts = json.loads(body) if ended else {}
        outcome = outcome_of_body(planned.call, state, facts) if ended else None
    except (ValueError, KeyError, TypeError) as error:
        raise JournalNotRead(f"A record of the item {item} is not what exo-bridge writes ({error}).") from error
    return Item(run, position, planned, State(state), at, sent_at or "", outcome, facts.get("settled_by", ""))
