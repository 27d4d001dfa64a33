"""Tells a log what happens to each call."""

from __future__ import annotations

import logging
import time
from typing import Any

from bridge.logs.log import Log
from bridge.model import Call, Outcome, Record, Status


class LogObserver:
    """An observer of calls (``bridge.model.Observer``). The seconds of a record are those since its call was sent."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._sent: dict[str, float] = {}

    def sending(self, call: Call) -> None:
        """The call, with its parameters."""
        self._sent[call.id] = time.monotonic()
        self._log.event("sending", **_about(call), parameters=dict(call.parameters), dry_run=call.dry_run)

    def record(self, call: Call, record: Record) -> None:
        """A record of the remote pipeline."""
        self._log.event(record.stream, **_about(call), message=record.message, **self._since(call))

    def finished(self, call: Call, outcome: Outcome) -> None:
        """How it ended, and why."""
        self._sent.pop(call.id, None)
        level = logging.WARNING if outcome.status in (Status.FAILED, Status.UNKNOWN) else logging.INFO
        facts: dict[str, Any] = {"status": str(outcome.status), "seconds": round(outcome.seconds, 3)}
        if outcome.throttled_seconds:
            facts["throttled_seconds"] = round(outcome.throttled_seconds, 3)
        if outcome.reason:
            facts["reason"] = outcome.reason
        if outcome.identity:
            facts["identity"] = vars(outcome.identity)
        if outcome.before or outcome.after:
            facts |= {"before": dict(outcome.before), "after": dict(outcome.after)}
        if outcome.problem:
            facts["problem"] = vars(outcome.problem)
        self._log.event("finished", level=level, **_about(call), **facts)

    def _since(self, call: Call) -> dict[str, Any]:
        sent = self._sent.get(call.id)
        return {} if sent is None else {"seconds": round(time.monotonic() - sent, 3)}


def _about(call: Call) -> dict[str, Any]:
    return {"call": call.id, "action": call.action, "script": call.script}
