"""Custom attributes by which New- scripts find again what they have created."""

from __future__ import annotations

from collections.abc import Mapping

from bridge.simulator.contract.binding import text_of
from bridge.simulator.contract.run import Row


def quoted(value: str) -> str:
    """A text as it stands in a filter: a quote is written twice."""
    return value.replace("'", "''")


def attribute(row: Row | None, key: str) -> str:
    """A custom attribute, whatever the case in which it is named; empty where there is no row."""
    return next((text_of(value) for name, value in (row or {}).items() if name.lower() == key.lower()), "")


def has_all(row: Row, wanted: Mapping[str, str]) -> bool:
    """Whether the row has these values, whatever their case."""
    return all(attribute(row, key).lower() == value.lower() for key, value in wanted.items())


def markers_of(row: Row | None, wanted: Mapping[str, str]) -> list[str]:
    """What the row has of the wanted attributes, as Field=Value."""
    return [f"{key}={attribute(row, key)}" for key in wanted if attribute(row, key)]


def addresses_of(row: Row) -> list[str]:
    """All addresses of a row without their prefix, lower case."""
    return [text_of(address).partition(":")[2].lower() for address in row["EmailAddresses"]]
