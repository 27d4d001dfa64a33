"""What happens around a run while the tenant executes cmdlets."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable, Iterable
from queue import SimpleQueue
from types import TracebackType
from typing import Self

from bridge.simulator.tenant import CmdletRecord


class Events:
    """Lets things happen when the tenant has executed so many cmdlets: in a thread, one after the other.

    ``at_cmdlets`` has how many, and what: ``happen`` is called with it. ``failures`` are what it
    raised. A context manager, once.
    """

    def __init__(self, at_cmdlets: Iterable[tuple[int, str]], happen: Callable[[str], None]) -> None:
        self._left = sorted(at_cmdlets)
        self._happen = happen
        self.failures: list[str] = []
        self._count = 0
        self._queue: SimpleQueue[str] = SimpleQueue()
        self._open = 0
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._work)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._changed:
            self._left.clear()
        self._queue.put("")
        self._thread.join()

    def count(self, _record: CmdletRecord) -> None:
        """One cmdlet was executed. The tenant waits for this, so nothing happens here."""
        with self._changed:
            self._count += 1
            while self._left and self._left[0][0] <= self._count:
                self._open += 1
                self._queue.put(self._left.pop(0)[1])

    def wait(self) -> None:
        """Until what has begun has happened."""
        with self._changed:
            self._changed.wait_for(lambda: not self._open)

    def _work(self) -> None:
        while kind := self._queue.get():
            try:
                self._happen(kind)
            except Exception:  # it is told by whoever waits
                self.failures.append(traceback.format_exc())
            with self._changed:
                self._open -= 1
                self._changed.notify_all()
