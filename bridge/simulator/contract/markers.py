"""Custom attributes by which New- scripts find again what they have created."""

from __future__ import annotations

from collections.abc import Mapping

from bridge.simulator.contract.binding import text_of
from bridge.simulator.contract.run import Row, Run
from bridge.simulator.tenant import CmdletError


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


def write_markers(
    run: Run, cmdlet: str, about: str, guid: str, markers: Mapping[str, str], *, is_new: bool, **more: bool
) -> None:
    """Give an object its markers; one that was made a moment ago is told of where that fails."""
    run.verbose(f"Marking the {about}.")
    try:
        run.call(cmdlet, Identity=guid, **more, **markers)
    except CmdletError as error:
        if not is_new:
            raise
        text = f"The {about} was created with the id {guid} and is without its markers: {error.message}"
        run.fail("NotMarked", "InvalidResult", text, guid)
