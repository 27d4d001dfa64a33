"""session/Test-Recipient.ps1, in Python."""

from __future__ import annotations

from bridge.simulator.contract.run import NOT_FOUND, Run, is_of_type
from bridge.simulator.tenant import CmdletError


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
