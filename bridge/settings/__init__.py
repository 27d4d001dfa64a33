"""The settings: read from a file, a secrets directory, the environment and a command line, checked, and shown.

``load_settings`` gives frozen models or one ``SettingsError`` with every mistake. Nothing here connects to anything.
"""

from __future__ import annotations

from bridge.settings.agent import AgentSettings
from bridge.settings.batch import BatchSettings
from bridge.settings.exposure import Exposure, exposures
from bridge.settings.helloid import HelloIdSettings
from bridge.settings.loading import Loaded, load_settings
from bridge.settings.model import (
    ExchangeSettings,
    JournalSettings,
    Logon,
    LogSettings,
    RegionalSettings,
    ScriptSettings,
    Settings,
)
from bridge.settings.pages import effective, settings_schema, settings_table
from bridge.settings.section import is_loopback

__all__ = [
    "AgentSettings",
    "BatchSettings",
    "ExchangeSettings",
    "Exposure",
    "HelloIdSettings",
    "JournalSettings",
    "Loaded",
    "LogSettings",
    "Logon",
    "RegionalSettings",
    "ScriptSettings",
    "Settings",
    "effective",
    "exposures",
    "is_loopback",
    "load_settings",
    "settings_schema",
    "settings_table",
]
