"""The section [batch]: how far a batch may go without being asked about it."""

from __future__ import annotations

import re
from datetime import time
from typing import Annotated

from pydantic import AfterValidator, Field

from bridge.settings.section import Line, Section, Whole

_NO_TIME = (-1, -1, -1, -1)
_WINDOW = re.compile(r"\s*(\d\d?):(\d\d)\s*-\s*(\d\d?):(\d\d)\s*")


def _window(text: str) -> str:
    """The window with two digits everywhere; an empty text stays empty."""
    if not text.strip():
        return ""
    found = _WINDOW.fullmatch(text)
    hour, minute, end_hour, end_minute = map(int, found.groups()) if found else _NO_TIME
    try:
        start, end = time(hour, minute), time(end_hour, end_minute)
    except ValueError:
        raise ValueError('it is not two times of day, such as "22:00-06:00"') from None
    if start == end:
        raise ValueError("it begins and ends at the same time")
    return f"{start:%H:%M}-{end:%H:%M}"


class BatchSettings(Section):
    """[batch]: limits of what a batch may change; they are looked at when it is planned and when it is applied."""

    max_changes: Annotated[Whole, Field(ge=1, le=1_000_000)] = Field(
        default=1000, description="The most changes of one batch."
    )
    max_removed_percent: Annotated[Whole, Field(ge=0, le=100)] = Field(
        default=25,
        description="The most members that one batch takes out of a group, in percent of its members now, rounded "
        "down, but one at least; 0 is none, 100 is no limit.",
    )
    protected: Line = Field(
        default="",
        description="Objects and people that no batch touches: addresses, names or ids with ; between them, as the "
        "file names them or Exchange shows them, in any letter case; * stands for any text. An id holds whatever name "
        "the file uses.",
    )
    window: Annotated[str, AfterValidator(_window)] = Field(
        default="",
        description="The time of day in which a batch may change something, in local time, such as 22:00-06:00; left "
        "out, it is always.",
    )
    stop_after_failures: Annotated[Whole, Field(ge=0, le=1_000_000)] = Field(
        default=10, description="How many failures in a row end a batch; 0 is never."
    )
    stop_failure_percent: Annotated[Whole, Field(ge=1, le=100)] = Field(
        default=20,
        description="A batch ends when more than this percentage of its changes failed, looked at from the 20th on; "
        "100 is never.",
    )

    unreachable_timeout: Annotated[Whole, Field(ge=0)] = Field(
        default=600,
        description="Seconds that a batch waits for an agent or Exchange that cannot be reached, before it ends; it "
        "can be resumed then.",
    )

    @property
    def patterns(self) -> tuple[str, ...]:
        """What ``protected`` names, one by one."""
        return tuple(part.strip() for part in self.protected.split(";") if part.strip())

    @property
    def times(self) -> tuple[time, time] | None:
        """When the window begins and ends, local time; it may end on the next day. None where there is none."""
        if not self.window:
            return None
        start, _, end = self.window.partition("-")
        return time.fromisoformat(start), time.fromisoformat(end)
