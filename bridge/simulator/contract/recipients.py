"""The scripts of ps_scripts/session that look for recipients, in Python."""

from __future__ import annotations

from bridge.simulator.contract.binding import text_of
from bridge.simulator.contract.lookup import named, term
from bridge.simulator.contract.run import NOT_FOUND, Row, Run, guid_of, is_of_type, name_of
from bridge.simulator.tenant import CmdletError

_SOME = 20


def test_recipient(run: Run) -> None:
    """session/Test-Recipient.ps1."""
    identity = run.values["Identity"]
    if not identity.strip() or "*" in identity:
        run.fail("EmptyIdentity", "InvalidArgument", f"'{identity}' does not name one recipient.", identity)
    run.verbose(f"Looking for the recipient '{identity}'.")
    try:
        found = run.call("Get-Recipient", Identity=identity)
    except CmdletError as error:
        if not is_of_type(error, NOT_FOUND):
            raise
        found = []
    run.output({"Visible": bool(found)})


def find_recipients(run: Run) -> None:
    """session/Find-Recipient.ps1."""
    names = run.values["Name"]
    for name in names:
        if not name.strip() or "*" in name:
            text = f"'{name}' does not name one recipient: it is empty or has a '*', which could mean all of them."
            run.fail("EmptyIdentity", "InvalidArgument", text, name)
    for first in range(0, len(names), _SOME):
        some = names[first : first + _SOME]
        run.verbose("Reading what these mean: '{}'.".format("', '".join(some)))
        query = " -or ".join(term(name) for name in some)
        rows = run.call("Get-Recipient", Filter=query, ResultSize="Unlimited")
        rows = [row for row in rows if _is_kind(row, run.values["Kind"].lower())]
        for name in some:
            found = named(name, rows)
            only = found[0] if len(found) == 1 else {}
            run.output(
                {
                    "Name": name,
                    "Count": len(found),
                    "Id": guid_of(only),
                    "DisplayName": name_of(only),
                    "RecipientTypeDetails": text_of(only.get("RecipientTypeDetails")),
                    "IsDirSynced": text_of(only.get("IsDirSynced")) == "True",
                }
            )


def _is_kind(row: Row, kind: str) -> bool:
    details = text_of(row["RecipientTypeDetails"])
    if kind == "group":
        return "Group" in details or "RoomList" in details
    return kind == "recipient" or text_of(row["RecipientType"]) == "UserMailbox"
