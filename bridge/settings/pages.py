"""What is shown of the settings: the effective values, a schema for editors, the table of the manual."""

from __future__ import annotations

import json
from typing import Any

from pydantic import SecretStr

from bridge.settings.keys import KEYS, MASK, SECTIONS, Key
from bridge.settings.loading import Loaded
from bridge.settings.model import Settings


def effective(loaded: Loaded) -> list[dict[str, Any]]:
    """One row for each key in the order of the models: ``key``, ``value`` and ``origin``.

    A value is text, a number, a truth or None; a secret's is ``********``, or ``""`` where none is set. The port, the
    log file and the journal that stand for what was left out are shown as such.
    """
    return [
        {"key": key.full_name, "value": _value(loaded.settings, key), "origin": loaded.origins[key.full_name]}
        for key in KEYS
    ]


def _value(settings: Settings, key: Key) -> Any:
    if key.full_name == "agent.port":
        return settings.agent.effective_port
    if key.full_name == "log.file":
        return str(settings.log.effective_file)
    if key.full_name == "journal.path":
        return str(settings.journal.effective_path)
    value = getattr(getattr(settings, key.section), key.name)
    if isinstance(value, SecretStr):
        return MASK if value.get_secret_value() else ""
    return str(value) if key.is_path and value is not None else value


def settings_schema() -> dict[str, Any]:
    """The JSON schema (2020-12) of a settings file, for editors that check and complete TOML."""
    schema = Settings.model_json_schema()
    # The environment and the secrets directory may have what the file has not.
    for table in (schema, *schema["$defs"].values()):
        table.pop("required", None)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "exo-bridge settings"} | schema


def settings_table() -> str:
    """The keys as Markdown: a heading and a table for each section, with a line feed at the end."""
    parts = []
    for section, keys in SECTIONS.items():
        rows = [f"| `{key.name}` | {_default(key)} | {_cell(key.description)} |" for key in keys.values()]
        parts.append("\n".join([f"### [{section}]", "", "| key | default | what it is |", "|---|---|---|", *rows, ""]))
    return "\n".join(parts)


def _default(key: Key) -> str:
    if key.required:
        return "required"
    return "" if key.default in (None, "") else f"`{json.dumps(key.default)}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
