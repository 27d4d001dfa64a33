"""exo-bridge: Exchange Online from Python through one remote PowerShell runspace.

The names below are the public interface of the package (docs/integrate.md); everything else may change. Each is
imported when it is first asked for, so that ``import bridge`` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bridge.api import Bridge
    from bridge.errors import ActionFailed, BridgeError, OutcomeUnknown, UsageError
    from bridge.model import Identity, Outcome, Problem, Status
    from bridge.settings import Settings, load_settings

__all__ = [
    "ActionFailed",
    "Bridge",
    "BridgeError",
    "Identity",
    "Outcome",
    "OutcomeUnknown",
    "Problem",
    "Settings",
    "Status",
    "UsageError",
    "load_settings",
]

_MODULES = {
    "ActionFailed": "bridge.errors",
    "Bridge": "bridge.api",
    "BridgeError": "bridge.errors",
    "Identity": "bridge.model",
    "Outcome": "bridge.model",
    "OutcomeUnknown": "bridge.errors",
    "Problem": "bridge.model",
    "Settings": "bridge.settings",
    "Status": "bridge.model",
    "UsageError": "bridge.errors",
    "load_settings": "bridge.settings",
}


def __getattr__(name: str) -> Any:
    """A public name. Raises AttributeError for any other."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    """The public names."""
    return __all__
