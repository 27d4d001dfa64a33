"""The script of `exo-bridge session role-group`, run in a real PowerShell by an administrator of the organization."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bridge.actions import ACTIONS
from bridge.cli import main
from bridge.model import Outcome, Status
from bridge.runner import run_calls
from bridge.scripts import ScriptFolder
from bridge.simulator.exchange_module.functions import cmdlets
from bridge.simulator.gateway import Gateway
from bridge.simulator.tenant.roles import CustomRole
from tests.agent import Agent, running_agent

pytestmark = pytest.mark.pwsh
OBJECT_ID = "6233fba6-0198-4277-892f-9275bf728bcc"


class Administrator:
    """Runs the script in a PowerShell that an administrator has connected, on the agent's organization."""

    def __init__(self, agent: Agent, pwsh: str, script: Path) -> None:
        self.agent = agent
        self.pwsh = pwsh
        self.script = script

    def run(self, arguments: str = "", object_id: str = OBJECT_ID) -> subprocess.CompletedProcess[str]:
        """The script with the application's ids; on stdout JSON: what it did, or the id of its error."""
        logon = self.agent.simulator.tenant.logon
        command = (
            f"$password = ConvertTo-SecureString '{logon.password}' -AsPlainText -Force\n"
            f"$credential = [pscredential]::new('{logon.user}', $password)\n"
            "Connect-ExchangeOnline -Credential $credential -ShowBanner:$false -ErrorAction Stop\n"
            f"try {{ $done = @(& '{self.script}' -AppId {logon.app_id} -ObjectId {object_id} {arguments}) }} "
            "catch { $done = @($_.FullyQualifiedErrorId) }\n"
            "ConvertTo-Json -InputObject $done -Compress"
        )
        with Gateway(self.agent.simulator.tenant) as gateway:
            return subprocess.run(
                [self.pwsh, "-NoLogo", "-NoProfile", "-NonInteractive", "-Command", command],
                env=os.environ | gateway.environment(),
                capture_output=True,
                encoding="utf-8",
                timeout=120,
                check=False,
            )

    def steps(self, object_id: str = OBJECT_ID) -> list[Any]:
        """What the script said it did: (what, status) of each step, or the id of its error."""
        result = self.run(object_id=object_id)
        last = result.stdout.splitlines()[-1:] or [""]
        assert last[0].startswith("["), result.stdout + result.stderr
        return [step if isinstance(step, str) else (step["What"], step["Status"]) for step in json.loads(last[0])]


@pytest.fixture(scope="module")
def agent(pwsh_path: str) -> Iterator[Agent]:
    """One agent for all tests here."""
    with running_agent("pwsh", pwsh=pwsh_path) as running:
        yield running


@pytest.fixture
def administrator(agent: Agent, pwsh_path: str, tmp_path: Path) -> Iterator[Administrator]:
    """Whoever runs the script; the application has no role in Entra ID."""
    tenant = agent.simulator.tenant
    before = tenant.snapshot()
    tenant.restore(dataclasses.replace(before, logon=dataclasses.replace(before.logon, directory_role=False)))
    agent.records.clear()
    script = tmp_path / "New-BridgeRoleGroup.ps1"
    assert main(["session", "role-group", "--out", str(script)]) == 0
    yield Administrator(agent, pwsh_path, script)
    tenant.restore(before)
    for shell in agent.simulator.shells():
        shell.close()


def test_second_run_changes_nothing(administrator: Administrator) -> None:
    """The first run makes roles, group, service principal and membership; the second finds them all."""
    first = administrator.steps()
    assert {status for _, status in first} == {"changed"}
    assert [what for what, _ in first][-3:] == ["role group", "service principal", "member"]
    state = administrator.agent.simulator.tenant.snapshot()
    administrator.agent.records.clear()
    assert administrator.steps() == [(what, "unchanged") for what, _ in first]
    assert administrator.agent.changes() == []
    assert administrator.agent.simulator.tenant.snapshot() == state


def test_what_if_changes_nothing(administrator: Administrator) -> None:
    """-WhatIf says what would be made, and makes nothing."""
    before = administrator.agent.simulator.tenant.snapshot()
    result = administrator.run("-WhatIf")
    assert "What if" in result.stdout, result.stdout + result.stderr
    assert "exo-bridge Mail Recipients" in result.stdout
    assert administrator.agent.simulator.tenant.snapshot() == before


def test_a_role_that_differs_is_put_right(administrator: Administrator) -> None:
    """A cmdlet too many is removed from a role that is there, and one that is missing is added."""
    roles = administrator.agent.simulator.tenant.roles
    name = "exo-bridge Mail Recipients"
    roles.put(CustomRole(name=name, parent="Mail Recipients", cmdlets=("Get-User", "Set-CASMailbox")))
    administrator.steps()
    held = roles.entries(name)
    assert "Set-CASMailbox" not in held
    assert {"Get-User", "Set-Mailbox", "Add-RecipientPermission"} <= set(held)
    assert administrator.agent.changes().count("Remove-ManagementRoleEntry") == 1


def test_another_object_id_is_refused(administrator: Administrator) -> None:
    """An application that Exchange knows by another object id is not touched, and neither is anything else."""
    administrator.steps()
    state = administrator.agent.simulator.tenant.snapshot()
    assert administrator.steps("11111111-1111-1111-1111-111111111111") == [
        "Bridge.ObjectIdDiffers,New-BridgeRoleGroup.ps1"
    ]
    assert administrator.agent.simulator.tenant.snapshot() == state


def test_a_role_without_the_cmdlet_is_refused(administrator: Administrator) -> None:
    """Where a built-in role does not hold what it should, nothing is changed."""
    text = administrator.script.read_text("ascii")
    administrator.script.write_text(text.replace("'New-Mailbox'", "'New-MailContact'"), "ascii")
    state = administrator.agent.simulator.tenant.snapshot()
    assert administrator.steps() == ["Bridge.RoleDiffers,New-BridgeRoleGroup.ps1"]
    assert administrator.agent.simulator.tenant.snapshot() == state


def test_the_application_can_do_every_action_and_no_more(administrator: Administrator) -> None:
    """With the role group alone every example works; a cmdlet and a parameter that were not granted do not exist."""
    administrator.steps()
    agent = administrator.agent
    beginning = agent.simulator.tenant.snapshot()
    with agent.session() as session:
        state = session.open()
        assert state.missing_commands == ()
        for action in ACTIONS.values():
            agent.simulator.tenant.restore(beginning)
            outcomes: list[Outcome] = run_calls(action.calls(action.example), session)
            wanted = Status.CHANGED if action.kind == "change" else Status.UNCHANGED
            assert {outcome.status for outcome in outcomes} == {wanted}, (action.name, outcomes)
    connection = agent.simulator.tenant.connect(
        {
            "AppId": beginning.logon.app_id,
            "CertificateThumbprint": beginning.logon.certificate_thumbprint,
            "Organization": beginning.organization.name,
        }
    )
    used = {name.replace("Get-EXO", "Get-") for name in ScriptFolder().cmdlets()}
    assert {name for name in connection.commands if not name.startswith("Get-EXO")} == used
    assert set(cmdlets()) - connection.commands >= {"Set-CASMailbox", "Get-RoleGroup", "Get-AcceptedDomain"}
    assert "Get-EXOCasMailbox" in connection.denied
    assert "Set-Mailbox:LitigationHoldEnabled" not in connection.denied
    assert "Add-DistributionGroupMember:BypassSecurityGroupManagerCheck" not in connection.denied
