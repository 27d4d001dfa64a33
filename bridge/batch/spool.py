"""The items of a plan in the making, kept on disk: a plan of any length needs little memory."""

from __future__ import annotations

import json
import tempfile
import weakref
from array import array
from collections.abc import Iterable, Iterator

from bridge.batch.plan import PlanItem, item_from_json, item_to_json
from bridge.errors import UsageError


class SpooledItems:
    """Items as they were given (``bridge.batch.plan.Items``), in a temporary file that goes away with this object.

    Raises UsageError when they cannot be written or read again, and what ``items`` raises.
    """

    def __init__(self, items: Iterable[PlanItem]) -> None:
        self._starts = array("q")
        try:
            self._file = tempfile.TemporaryFile(prefix="exo-bridge-")  # noqa: SIM115  # it is read as long as this lives
            weakref.finalize(self, self._file.close)
        except OSError as error:
            raise unkept(error) from error
        for item in items:
            line = json.dumps(item_to_json(item)).encode("ascii") + b"\n"
            try:
                self._starts.append(self._file.tell())
                self._file.write(line)
            except OSError as error:
                raise unkept(error) from error

    def __len__(self) -> int:
        return len(self._starts)

    def __iter__(self) -> Iterator[PlanItem]:
        return map(self._item, self._starts)

    def __reversed__(self) -> Iterator[PlanItem]:
        return map(self._item, reversed(self._starts))

    def _item(self, start: int) -> PlanItem:
        try:
            self._file.seek(start)
            line = self._file.readline()
        except OSError as error:
            raise unkept(error) from error
        return item_from_json(json.loads(line))


def unkept(error: Exception) -> UsageError:
    """The error for a plan in the making that cannot be kept."""
    why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return UsageError(
        f"The plan in the making cannot be kept in {tempfile.gettempdir()}: {why}.",
        remedy="Make room there, or set TMPDIR (on Windows TEMP) to another folder.",
    )
