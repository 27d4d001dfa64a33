"""A log event as one line for people: when, how bad, what, and the facts. No colour: colour is for tables.

Rules: an id stands on the line where it is new (the run's on its command, a call's on its sending, a pipeline's on its
script); on the others it is left out. Of a problem each part that says something is a fact of its own. What comes from
Exchange stays within its line: it can neither begin another one nor reach the terminal.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from bridge.plain_text import one_line

USUAL = frozenset(("run", "call", "script", "runspace", "sha256", "pipeline"))
"""What is on every line, and shown where it is new."""
_NEW = {
    "command": frozenset(("run",)),
    "runspace opened": frozenset(("runspace",)),
    "runspace taken over": frozenset(("runspace",)),
    "runspace kept": frozenset(("runspace",)),
    "script sent": frozenset(("script", "sha256", "pipeline")),
    "batch sent": frozenset(("pipeline",)),
    "sending": frozenset(("call",)),
}
_HEAD = frozenset(("time", "level", "event", "message"))
_HASH_CHARACTERS = 12


def line_for_people(moment: str, level: str, event: Mapping[str, Any], hidden: Collection[str] = USUAL) -> str:
    """One line; ``event`` has its name under ``event``, and the facts, of which ``hidden`` are left out."""
    name, message = str(event.get("event", "")), event.get("message")
    new = _NEW.get(name, frozenset())
    fields = [
        f"{key}={_shown(value)}"
        for key, value in _facts(event)
        if key in new or (key not in hidden and key not in _HEAD)
    ]
    return one_line(" ".join([moment, f"{level:<7}", name if message is None else f"{name}: {message}", *fields]))


def _facts(event: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, value in event.items():
        if key == "problem" and isinstance(value, Mapping):
            yield "problem", value.get("code", "")
            yield "why", value.get("message", "")
            yield from ((name, part) for name, part in value.items() if part and name not in ("code", "message"))
        elif key == "sha256":
            yield key, str(value)[:_HASH_CHARACTERS]
        else:
            yield key, value


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return value if value and not set(value) & set(" ='\"\n") else json.dumps(value, ensure_ascii=False)
    return json.dumps(value, ensure_ascii=False, default=str)
