"""The settings: read from a file, a secrets directory, the environment and a command line, checked, and shown.

``load_settings`` gives frozen models or one ``SettingsError`` with every mistake. Nothing here connects to anything.
"""

from __future__ import annotations

from bridge.settings.loading import Loaded, load_settings
from bridge.settings.model import (
    AgentSettings,
    ExchangeSettings,
    LogSettings,
    RegionalSettings,
    ScriptSettings,
    Settings,
    is_loopback,
)
from bridge.settings.pages import effective, settings_schema, settings_table

__all__ = [
    "AgentSettings",
    "ExchangeSettings",
    "Loaded",
    "LogSettings",
    "RegionalSettings",
    "ScriptSettings",
    "Settings",
    "effective",
    "is_loopback",
    "load_settings",
    "settings_schema",
    "settings_table",
]
