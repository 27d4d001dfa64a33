"""The keys of the settings as data: what messages, pages and the sources that are text alone need to know of each.

Read from the models, so that there is no second list to keep.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretStr, TypeAdapter, ValidationError

from bridge.settings.model import Settings

MASK = "********"
ENVIRONMENT_PREFIX = "EXO_BRIDGE_"
DELIMITER = "__"

_LONGEST_SHOWN = 80
_FROM_TEXT: dict[str, TypeAdapter[Any]] = {"boolean": TypeAdapter(bool), "integer": TypeAdapter(int)}
# A long word of small letters, capitals and digits: made by a generator, not written by hand.
_LIKE_A_SECRET = re.compile(r"(?<!\S)(?=\S*[a-z])(?=\S*[A-Z])(?=\S*[0-9])\S{20,}")


@dataclass(frozen=True)
class Key:
    """One key: its section and name, and from its JSON schema what it takes.

    ``type`` is the schema's (``string``, ``integer``, ``boolean``), ``default`` is plain data (a secret's is ``""``).
    """

    section: str
    name: str
    type: str
    format: str
    choices: tuple[str, ...]
    minimum: int | None
    maximum: int | None
    required: bool
    default: Any
    description: str

    @property
    def full_name(self) -> str:
        """``agent.host``."""
        return f"{self.section}.{self.name}"

    @property
    def variable(self) -> str:
        """``EXO_BRIDGE_AGENT__HOST``."""
        return f"{ENVIRONMENT_PREFIX}{self.section}{DELIMITER}{self.name}".upper()

    @property
    def is_secret(self) -> bool:
        """Whether its value is never shown."""
        return self.format == "password"

    @property
    def is_path(self) -> bool:
        """Whether it names a file or a folder."""
        return self.format == "path"

    @property
    def takes(self) -> str:
        """What its value is, after "it is not"."""
        if self.choices:
            return f"one of {', '.join(self.choices)}"
        if self.type == "integer":
            upper = "up" if self.maximum is None else f"to {self.maximum}"
            return f"a whole number from {self.minimum} {upper}"
        if self.type == "boolean":
            return "true or false"
        return "a path" if self.is_path else "text"

    def read(self, value: Any, *, base: Path | None, is_text: bool) -> Any:
        """A value as a source has it, for the model; what means nothing stays as it is, for the model to refuse.

        ``base`` is the folder that a relative path is relative to; ``is_text`` says that the source has only text.
        """
        if not isinstance(value, str):
            return value
        if value == "" and not self.required and self.default is None:
            return None
        if self.is_secret:
            return SecretStr(value)
        if self.is_path:
            return _path(value, base)
        return self.from_text(value) if is_text else value

    def from_text(self, text: str) -> Any:
        """The number or truth that a text means for this key, else the text as it is."""
        if self.type not in _FROM_TEXT:
            return text
        try:
            return _FROM_TEXT[self.type].validate_python(text.strip())
        except ValidationError:
            return text

    def shown(self, value: Any) -> str:
        """A value in a message: masked, short, on one line; of a list or a table only that it is one."""
        if self.is_secret:
            return MASK if value else ""
        if isinstance(value, bool):
            return str(value).lower()
        if isinstance(value, list | tuple):
            return "[...]"
        if isinstance(value, dict):
            return "{...}"
        text = str(value)
        if isinstance(value, str):
            # A password that stands in an address is no part of what was meant to be shown.
            text = re.sub(r"//[^/]*@", f"//{MASK}@", text)
            text = MASK if looks_secret(text) and not self.is_path else text
        text = text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}..."
        return repr(text) if isinstance(value, str) else text


def looks_secret(text: str) -> bool:
    """Whether a text may be a secret in a wrong place."""
    return _LIKE_A_SECRET.search(text) is not None


def _path(text: str, base: Path | None) -> Path | str:
    path = Path(text)
    if text.startswith("~"):
        try:
            path = path.expanduser()
        except RuntimeError:  # there is no such user, or no home
            return path
    return base / path if base is not None else path


def _keys(section: str, model: type[BaseModel]) -> list[Key]:
    schema = model.model_json_schema()
    keys = []
    for name, properties in schema["properties"].items():
        value = next(one for one in properties.get("anyOf", [properties]) if one["type"] != "null")
        keys.append(
            Key(
                section=section,
                name=name,
                type=value["type"],
                format=value.get("format", ""),
                choices=tuple(value.get("enum", ())),
                minimum=value.get("minimum"),
                maximum=value.get("maximum"),
                required=name in schema.get("required", ()),
                default=properties.get("default"),
                description=properties["description"],
            )
        )
    return keys


def _sections() -> dict[str, dict[str, Key]]:
    sections = {}
    for section, field in Settings.model_fields.items():
        model = field.annotation
        if not isinstance(model, type) or not issubclass(model, BaseModel):
            raise TypeError(f"{section} is not a section")
        sections[section] = {key.name: key for key in _keys(section, model)}
    return sections


SECTIONS: dict[str, dict[str, Key]] = _sections()
KEYS: tuple[Key, ...] = tuple(key for keys in SECTIONS.values() for key in keys.values())
