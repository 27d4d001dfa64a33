"""The least roles for what a script does in Exchange."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.errors import ScriptError
from bridge.roles import ADMINISTRATOR, RECIPIENT_ADMINISTRATOR, ROLES, permissions_of
from bridge.scripts import Script, ScriptFolder, read_script
from bridge.simulator.tenant.roles import Roles

VIEW, OPTIONS, HOLD, MEMBERSHIP, RECIPIENTS = (
    "View-Only Recipients",
    "User Options",
    "Legal Hold",
    "Security Group Creation and Membership",
    "Mail Recipients",
)


def script_of(folder: Path, text: str) -> Script:
    """A script with this text."""
    path = folder / "Test-It.ps1"
    path.write_text(text, "ascii")
    return read_script("own/Test-It.ps1", path)


@pytest.mark.parametrize("script", [one for one in ScriptFolder().all() if one.is_action], ids=lambda one: one.name)
def test_every_shipped_script_has_its_roles(script: Script) -> None:
    """Each cmdlet of a shipped script is in one of the least roles for it."""
    permissions = permissions_of([script])
    granted = {cmdlet for cmdlets in permissions.roles.values() for cmdlet in cmdlets}
    assert granted == {name.replace("Get-EXO", "Get-") for name in script.cmdlets}


@pytest.mark.parametrize(
    ("text", "roles", "entra"),
    [
        ("Get-User -Identity $x", {VIEW}, RECIPIENT_ADMINISTRATOR),
        ("Get-EXOMailboxPermission -Identity $x", {VIEW}, RECIPIENT_ADMINISTRATOR),
        ("Get-EXORecipientPermission -Identity $x", {RECIPIENTS}, RECIPIENT_ADMINISTRATOR),
        ("Get-Mailbox; Set-MailboxRegionalConfiguration -Identity $x", {VIEW, OPTIONS}, RECIPIENT_ADMINISTRATOR),
        ("Set-Mailbox -Identity $x -Office $y -Confirm:$false", {RECIPIENTS}, RECIPIENT_ADMINISTRATOR),
        ("Set-Mailbox -Identity $x -LitigationHoldEnabled $true", {HOLD}, ADMINISTRATOR),
        ("$c = @{ Identity = $x; LitigationHoldEnabled = $true }\nSet-Mailbox @c", {HOLD}, ADMINISTRATOR),
        ("$c = @{}\n$c.LitigationHoldOwner = $a = 'x'\nSet-Mailbox @c", {HOLD}, ADMINISTRATOR),
        ("$c = @{ Office = 'x' }\n$c.LitigationHoldOwner = 'x'\nSet-Mailbox @c", {HOLD, RECIPIENTS}, ADMINISTRATOR),
        ("Set-Mailbox -Identity $x `\n    -LitigationHoldDuration 5 -Office $y", {HOLD, RECIPIENTS}, ADMINISTRATOR),
        (
            "$c = Get-Table\n$c['LitigationHoldOwner'] = 1\nSet-Mailbox @c -Office 1",
            {HOLD, RECIPIENTS},
            ADMINISTRATOR,
        ),
        ("Add-DistributionGroupMember -Identity $x -Member $y", {"Distribution Groups"}, RECIPIENT_ADMINISTRATOR),
        ("Add-DistributionGroupMember -Identity $x -BypassSecurityGroupManagerCheck", {MEMBERSHIP}, ADMINISTRATOR),
        ("# Set-Mailbox\nGet-User 'Set-Mailbox'", {VIEW}, RECIPIENT_ADMINISTRATOR),
    ],
)
def test_least_roles(tmp_path: Path, text: str, roles: set[str], entra: str) -> None:
    """The parameters that one role alone has count, also where they are given in a table."""
    functions = "function Get-Table { @{} }\n"
    permissions = permissions_of([script_of(tmp_path, functions + text)])
    assert (set(permissions.roles), permissions.entra_role) == (roles, entra)


def test_a_cmdlet_without_a_known_role_is_an_error(tmp_path: Path) -> None:
    """An own script that uses one is refused, with the cmdlet and the way to find its role."""
    with pytest.raises(ScriptError, match="'New-MailContact'") as raised:
        permissions_of([script_of(tmp_path, "New-MailContact -Name $x")])
    assert "Get-ManagementRole -Cmdlet New-MailContact" in str(raised.value.remedy)


def test_the_organization_grants_what_the_table_says() -> None:
    """The roles of the simulated organization hold each cmdlet and parameter that the table has for them."""
    roles = Roles()
    for role, held in ROLES.items():
        entries = roles.entries(role)
        for entry in held:
            cmdlet, _, parameter = entry.partition(":")
            assert any(name.startswith(parameter.rstrip("*")) for name in entries[cmdlet]), (role, entry)
