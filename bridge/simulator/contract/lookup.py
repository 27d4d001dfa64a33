"""Get-Term and Select-Named of the scripts: several objects that people name are found with one call.

Rules: the filter names all that a text can mean; which of the rows it does mean is chosen afterwards. Ids and addresses
are one object's own and go before names, which several may have.
"""

from __future__ import annotations

import re

from bridge.simulator.contract.binding import text_of
from bridge.simulator.contract.run import Row

_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z", re.IGNORECASE)


def term(value: str) -> str:
    """Get-Term: the filter that finds whatever a text can name. A quote in it is written twice, as OPATH has it."""
    fields = ["Alias", "Name", "DisplayName"]
    if _GUID.match(value):
        fields += ["Guid", "ExternalDirectoryObjectId"]
    if "@" in value:
        fields += ["EmailAddresses", "WindowsLiveID"]
    quoted = value.replace("'", "''")
    return " -or ".join(f"{field} -eq '{quoted}'" for field in fields)


def named(value: str, rows: list[Row]) -> list[Row]:
    """Select-Named: those of the rows that a text names."""
    own = [row for row in rows if value.lower() in _own_names(row)]
    if own:
        return own
    return [
        row
        for row in rows
        if value.lower() in (text_of(row[name]).lower() for name in ("Alias", "Name", "DisplayName"))
    ]


def _own_names(row: Row) -> set[str]:
    """What belongs to this object alone, lower case; an address has no prefix here."""
    texts = [row["Guid"], row["ExternalDirectoryObjectId"], row["WindowsLiveID"], *row["EmailAddresses"]]
    return {re.sub(r"^\w+:", "", text_of(text)).lower() for text in texts}
