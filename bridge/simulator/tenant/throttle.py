"""Throttling: after so many calls, or every so many, a call is slowed down with a warning or refused.

Exchange slows a caller down before it refuses ("micro delay"); the warning's first words are those observed.
"""

from __future__ import annotations

from dataclasses import dataclass, field

KINDS = ("delay", "error")


@dataclass
class Throttle:
    """When calls are throttled and how.

    ``every`` throttles each n-th call, ``after`` each call after the n-th; 0 is off. ``kind`` is ``delay`` (the call
    takes ``seconds`` longer and warns) or ``error`` (it is refused). ``calls`` counts what has come so far.
    """

    every: int = 0
    after: int = 0
    kind: str = "delay"
    seconds: float = 0.0
    calls: int = field(default=0, compare=False)

    def hits(self) -> bool:
        """Count one call, and say whether it is throttled."""
        self.calls += 1
        if self.every > 0 and self.calls % self.every == 0:
            return True
        return self.after > 0 and self.calls > self.after

    @property
    def warning(self) -> str:
        """The warning that goes with a delay."""
        milliseconds = round(self.seconds * 1000)
        return (
            f"Micro delay applied. Actual delayed: {milliseconds} msecs, Enforced: True, Capped delay: "
            f"{milliseconds} msecs, Required: False, Additional info: .;\nPolicyDN:  ;\nSnapshot: Owner: simulator;\n"
            "BudgetType: PowerShell"
        )
