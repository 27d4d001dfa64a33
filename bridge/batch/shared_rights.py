"""The rights on the shared mailboxes that calls are about, read once for all of them.

Rule: where the list has a holder of whom nobody knows who it is, it says of nobody that they do not have that right.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bridge.actions import ACTIONS
from bridge.batch.desired import RIGHT
from bridge.batch.members import Run
from bridge.batch.names import Found, Names, told
from bridge.model import Call, Outcome

SCRIPT = ACTIONS["shared-mailbox.rights"].script

_HOLDERS = frozenset(
    (
        *("UserMailbox", "SharedMailbox", "RoomMailbox", "EquipmentMailbox"),
        *("MailUser", "GuestMailUser", "MailUniversalSecurityGroup"),
    )
)
"""What surely can hold a right; of others the cmdlets say it themselves."""


@dataclass(frozen=True)
class _Rights:
    """Who has which right on one mailbox, as id and right, and of which rights that is not the whole list."""

    granted: frozenset[tuple[str, str]]
    doubtful: frozenset[str]


class SharedRights:
    """Mailboxes and the rights on them as they were when ``prepare`` was called. ``run`` runs reads."""

    def __init__(self, run: Run, names: Names) -> None:
        self._run = run
        self._names = names
        self._rights: dict[str, _Rights] = {}

    def prepare(self, calls: Sequence[Call]) -> None:
        """Read what these calls need, grants and revokes of rights. Raises what ``run`` raises."""
        self._names.look("mailbox", (call.parameters["mailbox"] for call in calls))
        ids = dict.fromkeys(mailbox.id for call in calls if (mailbox := self._mailbox(call)))
        reads = [call for one in ids for call in ACTIONS["shared-mailbox.rights"].calls({"mailbox": one})]
        for mailbox_id, outcome in zip(ids, self._run(reads), strict=True):
            if outcome.problem is None:
                self._rights[mailbox_id] = _Rights(
                    frozenset((row["user_id"], row["right"]) for row in outcome.rows),
                    frozenset(row["right"] for row in outcome.rows if row["user_kind"] == "unknown"),
                )
        self._names.look("recipient", (call.parameters["user"] for call in calls if self._read(call)))

    def seen(self, call: Call) -> Outcome | None:
        """What a dry run of this call would tell; None where that is not known."""
        mailbox, rights = self._mailbox(call), self._read(call)
        user = self._names.get("recipient", call.parameters["user"])
        right = call.parameters["right"]
        if mailbox is None or rights is None or user is None or user.type not in _HOLDERS:
            return None
        is_granted = (user.id, right) in rights.granted
        if not is_granted and right in rights.doubtful:
            return None
        about = {"user_id": user.id, "user_name": user.name, "right": right, "granted": is_granted}
        reasons = {state: text.format(right) for state, text in _REASONS.items()}
        return told(call, mailbox, about, "granted", reasons, wanted=call.action == RIGHT.grant)

    def _mailbox(self, call: Call) -> Found | None:
        found = self._names.get("mailbox", call.parameters["mailbox"])
        return found if found and found.type == "SharedMailbox" else None

    def _read(self, call: Call) -> _Rights | None:
        mailbox = self._mailbox(call)
        return self._rights.get(mailbox.id) if mailbox else None


_REASONS = {
    (True, True): "already granted",
    (True, False): "would grant {}",
    (False, True): "would revoke {}",
    (False, False): "not granted",
}
