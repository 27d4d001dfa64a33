"""How fast the calls of a batch are sent when Exchange throttles: a rate that finds its level.

Rules: there is no pause until Exchange slows a call down. The pause is then at least as long as Exchange's own delay,
and longer by half each time that it slows us down again; with each call that it lets pass it grows shorter by a
fifth. The calls that were on their way when the pause was last changed say nothing new.
"""

from __future__ import annotations

_LONGEST = 60.0  # seconds
_NOTHING = 0.02  # seconds
_LONGER, _SHORTER = 1.5, 0.8


class Rate:
    """The pause between two calls."""

    def __init__(self) -> None:
        self._pause = 0.0
        self._on_their_way = 0

    @property
    def pause(self) -> float:
        """How long to wait before the next call, in seconds."""
        return self._pause

    def slowed(self, seconds: float, on_their_way: int) -> None:
        """Exchange slowed a call down by so many seconds, or refused it; so many others are on their way."""
        if self._on_their_way:
            self._on_their_way -= 1
            return
        self._pause = min(_LONGEST, max(seconds, self._pause * _LONGER))
        self._on_their_way = on_their_way

    def passed(self) -> None:
        """A call went through as it should."""
        if self._on_their_way:
            self._on_their_way -= 1
            return
        self._pause = self._pause * _SHORTER if self._pause > _NOTHING else 0.0

    def __str__(self) -> str:
        """For a progress line; empty when there is no pause."""
        return f"slowed by Exchange to {1 / self._pause:.1f} a second" if self._pause else ""
