"""Scripts with one thing wrong, run for real: each must fail on a real PowerShell as it would on an agent.

An own script folder holds the spoilt copy; everything else is as it ships. The organization is looked at afterwards:
nothing was changed.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.actions import ACTIONS
from bridge.model import Status
from bridge.runner import run_call
from bridge.scripts import ScriptFolder, cmdlets_of
from tests.agent import Agent, running_agent

pytestmark = pytest.mark.pwsh

GRANT = "group/Grant-GroupMember.ps1"
RIGHT = "shared-mailbox/Grant-SharedMailboxRight.ps1"
REVOKE = "group/Revoke-GroupMember.ps1"


@pytest.fixture(scope="module")
def agent(pwsh_path: str) -> Iterator[Agent]:
    """One agent with a real PowerShell for all of them; each gets a runspace of its own."""
    with running_agent("pwsh", pwsh=pwsh_path) as running:
        yield running


@pytest.mark.parametrize(
    ("script", "old", "new", "code"),
    [
        pytest.param(
            REVOKE, "Remove-DistributionGroupMember", "Remove-DistributionGroupMembr", "cmdlet-not-granted", id="cmdlet"
        ),
        pytest.param(GRANT, "-Member $memberId", "-Membr $memberId", "parameter-not-granted", id="parameter"),
        pytest.param(
            RIGHT,
            "-AutoMapping (-not $NoAutomapping)",
            "-AutoMapping 'perhaps'",
            "invalid-value",
            id="a value of another type",
        ),
        pytest.param(GRANT, "$about = @{", "$about = @{{", "script-syntax", id="syntax"),
    ],
)
def test_a_mistake_in_a_script_fails(agent: Agent, tmp_path: Path, script: str, old: str, new: str, code: str) -> None:
    """A misspelt cmdlet or parameter, a value that does not convert, a syntax error."""
    run_spoilt(agent, tmp_path, script, old, new, code)


@pytest.mark.parametrize(
    ("script", "old"),
    [
        (REVOKE, "-Confirm:$false"),
        (RIGHT, "-AccessRights SendAs -Confirm:$false"),
    ],
)
def test_a_change_that_would_ask_fails(agent: Agent, tmp_path: Path, script: str, old: str) -> None:
    """Without -Confirm:$false a cmdlet asks, nobody can answer, and nothing is changed."""
    run_spoilt(agent, tmp_path, script, old, old.removesuffix("-Confirm:$false"), "confirmation-asked")


def test_a_cmdlet_that_is_not_imported_is_not_there(agent: Agent, tmp_path: Path) -> None:
    """A cmdlet that the list of imports lacks is unknown, although the roles grant it and Exchange has it."""
    # Called by a string, it is not seen by what computes the list.
    text = ScriptFolder().get(GRANT).text
    hidden = "& ('Add-Distribution' + 'GroupMember')"
    assert "Add-DistributionGroupMember" not in cmdlets_of(text.replace("Add-DistributionGroupMember", hidden))
    run_spoilt(agent, tmp_path, GRANT, "Add-DistributionGroupMember", hidden, "cmdlet-not-granted")


def run_spoilt(agent: Agent, folder: Path, script: str, old: str, new: str, code: str) -> None:
    """Run the spoilt copy of a script; it fails with this code, and the organization is as it was."""
    text = ScriptFolder().get(script).text
    assert old in text
    path = folder / script
    path.parent.mkdir(parents=True)
    path.write_bytes(text.replace(old, new).encode())
    member = "jane.doe@contoso.example" if script == GRANT else "wei.zhang@contoso.example"
    given = {"group": "staff@contoso.example", "member": member}
    name = {GRANT: "group.grant", REVOKE: "group.revoke", RIGHT: "shared-mailbox.grant"}[script]
    if script == RIGHT:
        right = "full-access" if "AutoMapping" in old else "send-as"
        given = {"mailbox": "sales@contoso.example", "user": "jane.doe@contoso.example", "right": right}
    (call,) = ACTIONS[name].calls(given)
    before = agent.simulator.tenant.snapshot()
    with agent.session(scripts=folder, on_exit="close") as session:
        session.open()
        outcome = run_call(call, session)
    assert outcome.status is Status.FAILED, outcome
    assert outcome.problem
    assert outcome.problem.code == code, outcome.problem
    assert agent.simulator.tenant.snapshot() == before
