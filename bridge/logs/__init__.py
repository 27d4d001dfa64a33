"""The log of a command: what it says, where it is kept, what it never shows, and how it is read again."""

from __future__ import annotations

from bridge.logs.log import Log, configure
from bridge.logs.observer import LogObserver
from bridge.logs.redaction import MASK, Redaction

__all__ = ["MASK", "Log", "LogObserver", "Redaction", "configure"]
