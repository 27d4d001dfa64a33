"""Markers: custom attributes by which the actions that create something find it again.

Rules: a marker is CustomAttribute1 to CustomAttribute15 with a value, in any case; each attribute once.
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator

from bridge.actions.action import Text

_MARKER = re.compile(r"CustomAttribute([1-9]|1[0-5])=(.*\S.*)", re.IGNORECASE | re.DOTALL)


def _markers(items: list[str]) -> list[str]:
    """Field=Value with the field as Exchange spells it."""
    done: dict[str, str] = {}
    for item in items:
        match = _MARKER.fullmatch(item)
        if match is None:
            raise ValueError(f"{item!r} is not Field=Value with a field from CustomAttribute1 to CustomAttribute15")
        field = f"CustomAttribute{match[1]}"
        if done.setdefault(field, match[2]) != match[2]:
            raise ValueError(f"{field} is given twice, and has one value")
    return [f"{field}={value}" for field, value in done.items()]


Markers = Annotated[list[Text], AfterValidator(_markers)]
