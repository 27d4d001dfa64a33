"""What a PowerShell's objects are as plain data: the names of their properties in snake case, their values Python's."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pypsrp.complex_objects import GenericComplexObject

_WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def snake_case(name: str) -> str:
    """``UserPrincipalName`` as ``user_principal_name``."""
    return _WORD.sub("_", name).lower()


def plain_value(value: Any) -> Any:
    """A deserialised object as plain data: dict with snake case keys, list, str, int, bool, float, None."""
    if isinstance(value, GenericComplexObject):
        properties = {**value.adapted_properties, **value.extended_properties}
        return plain_value(properties) if properties else (value.to_string or "")
    if isinstance(value, Mapping):
        return {snake_case(str(key)): plain_value(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set):
        return [plain_value(item) for item in value]
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)
