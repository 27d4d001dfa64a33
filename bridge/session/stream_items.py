"""The calls of a batch on their way: what came back for each, and how many may be on their way at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bridge.model import Call, Record, RemoteError, Reply
from bridge.session.error_records import exchange_error

_VALUES = {"verbose": 1, "debug": 1, "warning": 1, "information": 1, "output": 1, "error": 8, "end": 3}
"""How many values follow the kind of a record; see Invoke-Batch.ps1."""
_AHEAD_SECONDS = 1.0
_MOST = 100
_FEWEST = 2
_FAST_SECONDS = 0.02


@dataclass(frozen=True)
class Answer:
    """What came back for one call. ``seconds`` is how long it took on the agent."""

    call: Call
    reply: Reply
    records: tuple[Record, ...]
    seconds: float


class Item:
    """One call that was sent, and what came back until now."""

    def __init__(self, call: Call) -> None:
        self.call = call
        self.has_ended = False
        self.is_whole = False
        self.seconds = 0.0
        self._completed = False
        self._count = 0
        self._output: list[dict[str, Any]] = []
        self._errors: list[RemoteError] = []
        self._records: list[Record] = []

    def take(self, values: list[Any]) -> Iterator[Record]:
        """Take records as Invoke-Batch.ps1 writes them; gives those that are for people. Raises ValueError."""
        position = 0
        while position < len(values):
            kind = values[position]
            given = values[position + 1 : position + 1 + _VALUES.get(kind, 0)]
            if not given or len(given) < _VALUES[kind]:
                raise ValueError(f"the batch gave a record of the kind {kind!r} that is not whole")
            position += 1 + len(given)
            record = self._take(kind, given)
            if record is not None:
                self._records.append(record)
                yield record

    def answer(self) -> Answer:
        """What came back, when it has ended and is whole."""
        reply = Reply(
            output=tuple(self._output),
            errors=tuple(self._errors),
            warnings=tuple(record.message for record in self._records if record.stream == "warning"),
            completed=self._completed,
        )
        return Answer(self.call, reply, tuple(self._records), self.seconds)

    def _take(self, kind: str, given: list[Any]) -> Record | None:
        if kind == "end":
            self.has_ended = True
            self.is_whole = given[0] == self._count
            self.seconds, self._completed = float(given[1]), bool(given[2])
            return None
        self._count += 1
        if kind == "output":
            self._output.append(given[0] if isinstance(given[0], dict) else {"value": given[0]})
            return None
        if kind == "error":
            error = exchange_error(*(str(value or "") for value in given))
            self._errors.append(error)
            return Record(kind, error.message)
        return Record(kind, str(given[0]))


class Pace:
    """How many calls may be on their way: what the agent does in a second, within bounds.

    Two at least, so that it has the next one when it is done with one.
    """

    def __init__(self) -> None:
        self._seconds = _AHEAD_SECONDS / _FEWEST

    def tell(self, seconds: float) -> None:
        """A call took so long."""
        self._seconds += (seconds - self._seconds) / 4

    def room(self, on_their_way: int) -> int:
        """How many are to be sent now: none while half of them are still there."""
        most = round(min(_MOST, max(_FEWEST, _AHEAD_SECONDS / max(self._seconds, 1e-6))))
        return most - on_their_way if on_their_way <= most // 2 else 0

    def pause(self, on_their_way: int) -> float:
        """How many seconds to leave the agent before it is asked for output: a quarter of them are done then.

        To ask at once would mean one exchange for each answer. Only where calls are fast is it worth to wait.
        """
        seconds = self._seconds * on_their_way / 4
        return seconds if self._seconds < _FAST_SECONDS else 0.0
