"""What many names mean, found out together: a group, a mailbox, or any recipient.

Rules: a name means here what it means to the script of a single call, and only where that is one object. What is left
to the script: a name that means nothing or several things, an empty one and one with a ``*``, a very long one, and one
that could be an address of another kind than that of mail.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from bridge.batch.members import Run
from bridge.model import Call, Identity, Kind, Outcome, Status

SCRIPT = "session/Find-Recipient.ps1"
_AT_ONCE = 200
"""So many names go into one call, so that it does not take long; the script asks Exchange for twenty at a time."""
_LONGEST = 256

What = Literal["group", "mailbox", "recipient"]
Reasons = Mapping[tuple[bool, bool], str]
"""What the scripts say, by what is wanted and what is so."""


@dataclass(frozen=True)
class Found:
    """The one object that a name means. ``type`` is Exchange's RecipientTypeDetails."""

    id: str
    name: str
    type: str
    is_synchronized: bool


class Names:
    """What names mean, as far as it was looked for. ``run`` runs reads; what it raises comes out of ``look``."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._found: dict[tuple[What, str], Found | None] = {}

    def look(self, what: What, names: Iterable[str]) -> None:
        """Find out what these names mean, unless that was done already."""
        new = [name for name in dict.fromkeys(names) if (what, name) not in self._found and _can_be_sent(name)]
        self._found |= dict.fromkeys((what, name) for name in new)
        given = [{"name": new[first : first + _AT_ONCE], "kind": what} for first in range(0, len(new), _AT_ONCE)]
        for outcome in self._run(Call("recipient.find", SCRIPT, Kind.READ, one) for one in given):
            for row in outcome.rows if outcome.problem is None else ():
                if row["count"] == 1:
                    one = Found(row["id"], row["display_name"], row["recipient_type_details"], row["is_dir_synced"])
                    self._found[what, row["name"]] = one

    def get(self, what: What, name: str) -> Found | None:
        """What a name means; None where that is not known."""
        return self._found.get((what, name))


def told(call: Call, thing: Found, about: Mapping[str, Any], key: str, reasons: Reasons, *, wanted: bool) -> Outcome:
    """What a dry run of ``call`` would tell, which is to make ``key`` of ``thing`` as it is ``wanted``.

    ``about`` is the state that it would find, with ``key`` as it is now; ``reasons`` are the words of the scripts.
    """
    is_so = bool(about[key])
    return Outcome(
        action=call.action,
        status=Status.UNCHANGED if is_so == wanted else Status.CHANGED,
        parameters=call.parameters,
        identity=Identity(thing.id, thing.name),
        before=about,
        after={**about, key: wanted},
        reason=reasons[wanted, is_so],
        dry_run=True,
        call_id=call.id,
        kind=Kind.CHANGE,
    )


def _can_be_sent(name: str) -> bool:
    is_mail = "@" in name or not any(character in name for character in "/=:;")
    return is_mail and bool(name.strip()) and "*" not in name and len(name) <= _LONGEST
