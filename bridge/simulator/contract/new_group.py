"""The script group/New-Group.ps1, in Python."""

from __future__ import annotations

from typing import Any

from bridge.simulator.contract.binding import text_of
from bridge.simulator.contract.markers import addresses_of, attribute, has_all, markers_of, quoted, write_markers
from bridge.simulator.contract.run import Row, Run, guid_of, name_of

_TYPES = {
    "distribution": ("MailUniversalDistributionGroup", "Distribution"),
    "mail-enabled-security": ("MailUniversalSecurityGroup", "Security"),
}


def create_group(run: Run) -> None:
    """group/New-Group.ps1."""
    name, address = run.values["Name"], run.values["Address"]
    wanted = dict(sorted(item.split("=", 1) for item in run.values["Marker"]))
    type_details, type_name = _TYPES[run.values["Kind"].lower()]
    target, owner = _find(run, wanted)
    other = owner if target is None else target if text_of(target["RecipientTypeDetails"]) != type_details else None
    if other is not None:
        shown = (
            f"'{name_of(other)}' <{text_of(other['PrimarySmtpAddress'])}> ({text_of(other['RecipientTypeDetails'])})"
        )
        run.fail("Exists", "ResourceExists", f"{shown} is there and is not this group.", address)
    before: dict[str, Any] = {"Exists": target is not None, "Marker": markers_of(target, wanted)}
    new: dict[str, Any] = {"Type": type_name}
    if target is None and run.values["ManagedBy"]:
        new["ManagedBy"] = _manager(run, run.values["ManagedBy"])
    if target is None and not run.values["DryRun"]:
        run.verbose(f"Creating the group '{name}'.")
        (target,) = run.call("New-DistributionGroup", Name=name, PrimarySmtpAddress=address, **new)
    mark = {key: value for key, value in wanted.items() if attribute(target, key).lower() != value.lower()}
    if mark and target is not None and not run.values["DryRun"]:
        about = f"group '{name}'"
        write_markers(
            run,
            "Set-DistributionGroup",
            about,
            guid_of(target),
            mark,
            is_new=not before["Exists"],
            BypassSecurityGroupManagerCheck=True,
        )
    done = "created" if not before["Exists"] else "marked" if mark else ""
    reason = f"the group would be {done}" if run.values["DryRun"] else f"group {done}"
    run.output(
        {
            "Status": "changed" if done else "unchanged",
            "Reason": reason if done else "exists already",
            "Identity": {"Id": guid_of(target or {}), "Name": name_of(target) if target else name},
            "Before": before,
            "After": {"Exists": True, "Marker": [f"{key}={value}" for key, value in wanted.items()]},
        }
    )


def _find(run: Run, wanted: dict[str, str]) -> tuple[Row | None, Row | None]:
    """The group, and whoever has the address."""
    name, address = run.values["Name"], run.values["Address"]
    rows: list[Row] = []

    def read() -> list[Row]:
        tests = " -and ".join(f"{key} -eq '{quoted(value)}'" for key, value in wanted.items())
        only = f"EmailAddresses -eq '{quoted(address)}'" + (f" -or ({tests})" if tests else "")
        rows.extend(run.call("Get-Recipient", Filter=only, ResultSize="Unlimited"))
        groups = [row for row in rows if text_of(row["RecipientTypeDetails"]).startswith("MailUniversal")]
        marked = [row for row in groups if has_all(row, wanted)]
        return marked or [
            row
            for row in groups
            if text_of(row["Name"]).lower() == name.lower() and not any(attribute(row, key) for key in wanted)
        ]

    target = run.find_one("group", address, read)
    owners = [row for row in rows if address.lower() in addresses_of(row)]
    return target, owners[0] if owners else None


def _manager(run: Run, manager: str) -> str:
    owner = run.find_one("recipient", manager, "Get-Recipient")
    if owner is None:
        run.fail("NotFound", "ObjectNotFound", f"There is no recipient '{manager}' that could own the group.", manager)
    return guid_of(owner)
