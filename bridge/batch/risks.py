"""What a person should look at first in a plan.

Rule: what takes something away from somebody or gives a right stands before what only changes a setting; an object that
the settings protect stands before all. A membership counts as a right: a group can have rights.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from bridge.batch.guards import protecting
from bridge.batch.plan import PlanItem
from bridge.model import Status


class Risk(StrEnum):
    """Why an item is looked at, the most important first; the value is for people."""

    PROTECTED = "protected objects"
    REMOVED = "taken away"
    HOLD_ENDED = "holds that end"
    GIVEN = "rights and memberships given"
    FAILED = "cannot be done"
    OTHER = "other changes"
    NONE = "already so"


_RISKS = {
    "group.revoke": Risk.REMOVED,
    "shared-mailbox.revoke": Risk.REMOVED,
    "mailbox.remove-folder-permission": Risk.REMOVED,
    "mailbox.remove-litigation-hold": Risk.HOLD_ENDED,
    "group.grant": Risk.GIVEN,
    "shared-mailbox.grant": Risk.GIVEN,
    "mailbox.set-folder-permission": Risk.GIVEN,
}


def risk_of(item: PlanItem, protected: Sequence[str] = ()) -> Risk:
    """Where an item stands in what a person sees; ``protected`` are the patterns of the settings."""
    if item.outcome.status is Status.UNCHANGED:
        return Risk.NONE
    if not item.changes:
        return Risk.FAILED
    if protecting(item, protected):
        return Risk.PROTECTED
    return _RISKS.get(item.call.action, Risk.OTHER)
