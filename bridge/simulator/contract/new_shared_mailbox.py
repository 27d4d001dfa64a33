"""The script shared-mailbox/New-SharedMailbox.ps1, in Python."""

from __future__ import annotations

from typing import Any

from bridge.simulator.contract.binding import text_of
from bridge.simulator.contract.markers import addresses_of, attribute, has_all, markers_of, quoted, write_markers
from bridge.simulator.contract.run import Row, Run, guid_of, name_of


def create_shared_mailbox(run: Run) -> None:
    """shared-mailbox/New-SharedMailbox.ps1."""
    name, address = run.values["Name"], run.values["Address"]
    wanted = dict(sorted(item.split("=", 1) for item in run.values["Marker"]))
    target, owner = _find(run, wanted)
    if target is None and owner is not None:
        other = (
            f"'{name_of(owner)}' <{text_of(owner['PrimarySmtpAddress'])}> ({text_of(owner['RecipientTypeDetails'])})"
        )
        text = f"The address '{address}' belongs to {other}, which is not this shared mailbox."
        run.fail("Exists", "ResourceExists", text, address)
    before: dict[str, Any] = {"Exists": target is not None, "Marker": markers_of(target, wanted)}
    shown = name_of(target) if target else run.values["DisplayName"] or name
    guid = guid_of(target or {})
    mark = {key: value for key, value in wanted.items() if attribute(target, key).lower() != value.lower()}
    if not run.values["DryRun"]:
        if target is None:
            run.verbose(f"Creating the shared mailbox '{name}' with the address '{address}'.")
            (made,) = run.call("New-Mailbox", Shared=True, Name=name, DisplayName=shown, PrimarySmtpAddress=address)
            guid = guid_of(made)
        if mark:
            write_markers(run, "Set-Mailbox", f"shared mailbox '{shown}'", guid, mark, is_new=target is None)
    done = "created" if target is None else "marked" if mark else ""
    reason = f"the mailbox would be {done}" if run.values["DryRun"] else f"mailbox {done}"
    run.output(
        {
            "Status": "changed" if done else "unchanged",
            "Reason": reason if done else "exists already",
            "Identity": {"Id": guid, "Name": shown},
            "Before": before,
            "After": {"Exists": True, "Marker": [f"{key}={value}" for key, value in wanted.items()]},
        }
    )


def _find(run: Run, wanted: dict[str, str]) -> tuple[Row | None, Row | None]:
    """The shared mailbox, and whoever has the address."""
    name, address = run.values["Name"], run.values["Address"]
    rows: list[Row] = []

    def read() -> list[Row]:
        query = f"EmailAddresses -eq '{quoted(address)}'"
        if wanted:
            tests = " -and ".join(f"{key} -eq '{quoted(value)}'" for key, value in wanted.items())
            query += f" -or (RecipientTypeDetails -eq 'SharedMailbox' -and {tests})"
        rows.extend(run.call("Get-Recipient", Filter=query, ResultSize="Unlimited"))
        shared = [row for row in rows if text_of(row["RecipientTypeDetails"]) == "SharedMailbox"]
        marked = [row for row in shared if has_all(row, wanted)]
        return marked or [
            row
            for row in shared
            if text_of(row["Name"]).lower() == name.lower() and not any(attribute(row, key) for key in wanted)
        ]

    target = run.find_one("shared mailbox", address, read)
    return target, next((row for row in rows if address.lower() in addresses_of(row)), None)
