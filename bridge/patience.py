"""How long to wait, and for what: before a repetition, because Exchange throttles, until a new object can be seen.

Rules:

- Exchange slows a caller down before it refuses ("micro delay"). Who is slowed down waits as long again before the next
  call, and half as long before each one after it.
- The pause before a repetition doubles. It is longer when Exchange refused because of too many calls: its own module
  has then tried for a minute already.
- No wait goes beyond the deadline.

Source: Microsoft's Exchange team, "Running PowerShell cmdlets for large numbers of users in Office 365" (micro delay).
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator

MICRO_DELAY = "Micro delay applied"
"""The beginning of Exchange's throttling warning. It is a diagnostic text that is not translated (observed)."""

_DELAYED = re.compile(r"Actual delayed: (\d+) msecs")
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 60.0  # seconds
_LONGEST_LOOK = 10.0  # seconds
_NOTHING = 0.1  # seconds


class Deadline:
    """A moment that work must not go beyond; ``seconds`` None is none."""

    def __init__(self, seconds: float | None = None) -> None:
        self._end = None if seconds is None else time.monotonic() + seconds

    def remaining(self, most: float) -> float:
        """Seconds until then, at least 0 and at most ``most``."""
        return most if self._end is None else max(0.0, min(most, self._end - time.monotonic()))

    @property
    def has_passed(self) -> bool:
        """Whether it is too late."""
        return self._end is not None and time.monotonic() >= self._end


class Patience:
    """The waits of one process. Not safe for several threads.

    ``retries`` is how often a call may be repeated; ``throttle_pause`` is the first pause, in seconds, after a call
    that was refused because of too many; ``visibility`` how many seconds a new object may take to be seen;
    ``deadline`` the seconds from now beyond which nothing waits.
    """

    def __init__(
        self,
        *,
        retries: int = 0,
        throttle_pause: float = 5.0,
        visibility: float = 60.0,
        deadline: float | None = None,
    ) -> None:
        self.retries = retries
        self._throttle_pause = throttle_pause
        self._visibility = visibility
        self._deadline = Deadline(deadline)
        self._owed = 0.0

    def pause(self, attempt: int, *, throttled: bool = False) -> float:
        """How long to wait after the failed ``attempt`` (0 is the first), in seconds."""
        first = self._throttle_pause if throttled else _FIRST_PAUSE
        return min(first * 2.0**attempt, _LONGEST_PAUSE)

    def slow_down(self, seconds: float) -> None:
        """Exchange slowed a call down by so many seconds: the next one waits as long."""
        self._owed = min(max(self._owed, seconds), _LONGEST_PAUSE)

    def owed(self) -> float:
        """How long the next call has to wait because of throttling, in seconds; the one after it half as long."""
        owed, self._owed = self._owed, self._owed / 2 if self._owed > _NOTHING else 0.0
        return owed

    def looks(self, passed: float = 0.0) -> Iterator[None]:
        """One step for each look at what was changed, with growing waits between them, until its time is up.

        ``passed`` is how many seconds ago that was; there is one look at least.
        """
        until = time.monotonic() + self._visibility - passed
        pause = 0.5
        while True:
            yield
            left = until - time.monotonic()
            if left <= 0 or self._deadline.has_passed:
                return
            self.wait(min(pause, left))
            pause = min(pause * 2, _LONGEST_LOOK)

    def wait(self, seconds: float) -> None:
        """Wait, but not beyond the deadline."""
        if (left := self._deadline.remaining(seconds)) > 0:
            time.sleep(left)


def delayed(warnings: Iterable[str]) -> float:
    """By how many seconds Exchange says that it slowed a call down; 0 when it did not."""
    told = (_DELAYED.search(warning) for warning in warnings if warning.startswith(MICRO_DELAY))
    return sum(int(match[1]) for match in told if match) / 1000
