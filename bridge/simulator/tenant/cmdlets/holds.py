"""The litigation hold among the parameters of Set-Mailbox.

Rules: a mailbox whose licence allows no hold refuses one. Switching it on is answered with a warning that it takes
time. A hold is the cloud's own, so a synchronised mailbox takes it. Without a hold there is neither duration nor owner
here, and the owner is not filled in by itself.
Source: Microsoft, Set-Mailbox, -LitigationHoldEnabled, -LitigationHoldDuration, -LitigationHoldOwner.
"""

from __future__ import annotations

import dataclasses

from bridge.simulator.tenant import errors
from bridge.simulator.tenant.invocation import Invocation
from bridge.simulator.tenant.objects import Account, Hold

HOLD_PARAMETERS = ("LitigationHoldEnabled", "LitigationHoldDuration", "LitigationHoldOwner")
# Days. Documented for the age in a retention tag (New-RetentionPolicyTag), and taken to be the same here.
_LONGEST = 24_855
_WARNING = "The hold setting may take up to 240 minutes to take effect."


def held(call: Invocation, mailbox: Account) -> Hold:
    """The hold after the change. Raises CmdletError: no licence, a duration that is none."""
    now = mailbox.hold
    enabled = call.parameters.get("LitigationHoldEnabled", now.enabled)
    if not isinstance(enabled, bool):
        raise errors.parameter_type(call.cmdlet, "LitigationHoldEnabled", enabled, "System.Boolean")
    days = _days(call.text("LitigationHoldDuration")) if call.given("LitigationHoldDuration") else now.days
    if not enabled:
        return Hold(licensed=now.licensed)
    if not now.licensed:
        raise errors.task_error(
            f"The mailbox '{mailbox.name}' has no licence that allows a litigation hold; it needs Exchange Online "
            "Plan 2 or Exchange Online Archiving."
        )
    if not now.enabled:
        call.reply.warnings.append(_WARNING)
    owner = call.text("LitigationHoldOwner") if call.given("LitigationHoldOwner") else now.owner
    return dataclasses.replace(now, enabled=True, days=days, owner=owner)


def _days(text: str) -> int:
    """Days from a number or d.hh:mm:ss, 0 for Unlimited."""
    if text.lower() == "unlimited":
        return 0
    number = text.removesuffix(".00:00:00")
    if not number.isascii() or not number.isdigit() or not 0 < int(number[:9]) <= _LONGEST:
        raise errors.invalid_value(f"'{text}' is not a duration of a hold: a number of days or Unlimited.")
    return int(number)
