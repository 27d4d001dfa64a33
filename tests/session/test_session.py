"""The named runspace against a simulated agent: opened, taken over, left, closed, and everything that can be wrong."""

from __future__ import annotations

import _thread
import logging
import threading
from typing import Any

import pytest

from bridge import errors
from bridge.actions import ACTIONS
from bridge.model import Outcome, Record
from bridge.runner import run_call
from bridge.scripts import ScriptFolder
from bridge.session import Session, runspaces
from bridge.settings import load_settings
from bridge.simulator.front.service import Endpoint
from tests.agent import Agent, running_agent

JANE = "jane.doe@contoso.example"


def find(session: Session, user: str = JANE) -> Outcome:
    """Read one account."""
    (call,) = ACTIONS["account.find"].calls({"user": user})
    return run_call(call, session)


def grant(session: Session, **parameters: Any) -> Outcome:
    """Change one membership."""
    given = {"group": "finance@contoso.example", "member": JANE, **parameters}
    (call,) = ACTIONS["group.grant"].calls(given)
    return run_call(call, session)


def test_a_runspace_is_opened_and_left_for_the_next(agent: Agent) -> None:
    """The second process takes it over, warm: Exchange is not connected again, and nothing is left running."""
    with agent.session() as first:
        state = first.open()
        assert (state.runspace, state.connection) == ("new", "new")
        assert state.organization
        assert state.missing_commands == ()
        assert find(first).rows[0]["user_principal_name"] == JANE
    (shell,) = agent.simulator.shells()
    assert not shell.connected
    assert shell.pipelines() == []

    with agent.session() as second:
        state = second.open()
        assert (state.runspace, state.connection) == ("taken over", "existing")
        assert state.shell_id == shell.id
        assert find(second).rows[0]["user_principal_name"] == JANE
    assert agent.logons() == 1


def test_a_runspace_can_be_closed_at_the_end(agent: Agent) -> None:
    """With [agent] on_exit = "close" nothing stays on the agent."""
    with agent.session(on_exit="close") as session:
        session.open()
    assert agent.simulator.shells() == []


def test_a_record_arrives_while_the_script_runs(agent: Agent) -> None:
    """What the script is about to do is told before Exchange does it."""
    told: list[tuple[str, int]] = []
    with agent.session() as session:
        session.open()
        before = len(agent.records)

        def on_record(record: Record) -> None:
            told.append((record.message, len(agent.records) - before))

        reply = session.run("account/Find-Account.ps1", {"user": JANE}, on_record)

    assert reply.ok
    assert [message for message, _ in told] == [f"Reading the user '{JANE}'."]


def test_every_pipeline_is_closed(contract: Agent) -> None:
    """Also the one that failed."""
    with contract.session() as session:
        session.open()
        assert find(session, "nobody@contoso.example").problem
        assert find(session).problem is None
        (shell,) = contract.simulator.shells()
        assert shell.pipelines() == []


def test_a_connection_of_another_account_is_not_used(contract: Agent) -> None:
    """Settings that name another log-on connect again in the same runspace."""
    with contract.session() as session:
        session.open()
    values = contract.simulator.settings()
    logon = contract.simulator.tenant.logon_settings()
    del values["exchange"]["client_secret"]
    values["exchange"]["certificate_thumbprint"] = logon["certificate_thumbprint"]
    with Session(load_settings(overrides=values, environ={}).settings, ScriptFolder()) as session:
        state = session.open()
    assert (state.runspace, state.connection, state.logon) == ("taken over", "new", "certificate")
    assert contract.logons() == 2


def test_a_runspace_in_use_is_not_touched(contract: Agent) -> None:
    """Whoever comes second is told that, and the first goes on."""
    with contract.session() as first, contract.session(wait_timeout=0) as second:
        first.open()
        with pytest.raises(errors.RunspaceBusy, match="in use"):
            second.open()
        assert find(first).problem is None
    assert len(contract.simulator.shells()) == 1


def test_runspaces_of_another_name_are_not_touched(contract: Agent) -> None:
    """Two names are two runspaces; only the one that the settings name is ours."""
    with contract.session(runspace_name="payroll") as other:
        other.open()
        with contract.session() as session:
            assert session.open().runspace == "new"
        listed = runspaces(contract.settings())
        assert {(info.name, info.state, info.mine) for info in listed} == {
            ("payroll", "Connected", False),
            ("exo-bridge", "Disconnected", True),
        }
        assert all(info.owner == "operator" for info in listed)


def test_a_runspace_of_another_account_is_not_seen() -> None:
    """It has our name, and it is not ours."""
    with running_agent("contract", accounts={"somebody": "else"}) as agent:
        with agent.session(user="somebody", password="else") as theirs:
            theirs.open()
        with agent.session() as session:
            assert session.open().runspace == "new"
        assert len(agent.simulator.shells()) == 2


def test_a_look_connects_nothing(contract: Agent) -> None:
    """No runspace is opened by looking for one."""
    with contract.session() as session:
        assert session.look() is None
    assert contract.simulator.shells() == []
    with contract.session() as session:
        session.open()
    with contract.session() as session:
        state = session.look()
        assert state
        assert state.connection == "existing"


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"port": 9}, errors.AgentUnreachable),
        ({"password": "wrong"}, errors.AgentLogonRefused),
        ({"user": "nobody"}, errors.AgentLogonRefused),
        ({"configuration_name": "Nothing"}, errors.EndpointUnknown),
    ],
)
def test_a_wrong_way_to_the_agent(contract: Agent, change: dict[str, Any], error: type[errors.AgentError]) -> None:
    """Each has its own error, with a sentence and a remedy, and leaves nothing behind."""
    with contract.session(**change) as session, pytest.raises(error) as raised:
        session.open()
    assert not raised.value.maybe_sent
    assert raised.value.remedy
    assert "wrong" not in str(raised.value)
    assert contract.simulator.shells() == []


@pytest.mark.parametrize(
    ("endpoint", "error"),
    [
        (Endpoint(without_shells=("operator",)), errors.AgentAccessDenied),
        (Endpoint(max_shells=0), errors.ShellQuota),
    ],
)
def test_an_agent_that_opens_no_shell(endpoint: Endpoint, error: type[errors.AgentError]) -> None:
    """Not in Remote Management Users, and too many shells, are two different things."""
    with running_agent("contract", endpoint=endpoint) as agent, agent.session() as session, pytest.raises(error):
        session.open()


def test_tls_is_checked() -> None:
    """With the CA it works; without it the certificate is refused, and so is a name that it does not have."""
    with running_agent("contract", tls=True, auth="ntlm") as agent:
        with agent.session() as session:
            assert session.open().organization
        with agent.session(ca_file=None) as session, pytest.raises(errors.AgentTlsError):
            session.open()


def test_ntlm_encrypts_messages() -> None:
    """Over plain HTTP, with NTLM, everything works as with Basic."""
    with running_agent("contract", auth="ntlm") as agent, agent.session() as session:
        session.open()
        assert find(session).rows


def test_a_module_that_is_missing(agent: Agent) -> None:
    """Said as what it is, and the runspace that could not be set up is closed."""
    agent.simulator.tenant.module_installed = False
    with agent.session() as session, pytest.raises(errors.ModuleMissing):
        session.open()
    assert agent.simulator.shells() == []


def test_a_wrong_secret_is_refused_before_anything_is_sent(contract: Agent) -> None:
    """Entra ID's code is in the message, the secret is not."""
    values = contract.simulator.settings()
    values["exchange"]["client_secret"] = "CANARY-wrong-secret"
    settings = load_settings(overrides=values, environ={}).settings
    with Session(settings, ScriptFolder()) as session, pytest.raises(errors.ExchangeLogonRefused) as raised:
        session.open()
    assert "AADSTS" in str(raised.value)
    assert "CANARY" not in str(raised.value) + repr(raised.value)
    assert contract.simulator.shells() == []


def test_roles_that_are_missing_are_told(agent: Agent) -> None:
    """The session opens all the same: other actions work."""
    agent.simulator.tenant.denied = {"Set-Mailbox"}
    told: list[str] = []

    def listen(event: str, /, **facts: Any) -> None:
        told.append(f"{event} {facts}")

    with agent.session(listener=listen) as session:
        assert session.open().missing_commands == ("Set-Mailbox",)
        assert find(session).problem is None
    assert any("Set-Mailbox" in line for line in told if line.startswith("cmdlets missing"))


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        ("Command=lost", "unknown"),
        ("Command=reset", "unknown"),
        ("Receive=reset", "unknown"),
        ("Receive=lost", "unknown"),
        ("Receive=garbage", "unknown"),
        ("Receive=truncated", "unknown"),
        ("Receive=empty", "unknown"),
        ("Receive=status:503", "unknown"),
        ("Command=401", "failed"),
        ("Signal=reset", "changed"),
        ("Signal=fault:995", "changed"),
    ],
)
def test_an_answer_that_is_lost_is_unknown_and_never_repeated(contract: Agent, fault: str, status: str) -> None:
    """Failed only where the change provably was not made; what was claimed is what was done, and at most once."""
    with contract.session() as session:
        session.open()
        contract.simulator.faults.add(fault)
        outcome = grant(session)
    assert str(outcome.status) == status
    assert (outcome.problem is None) == (status == "changed")

    contract.simulator.stop()  # what was still running has ended now
    done = contract.changes()
    possible: dict[str, list[list[str]]] = {
        "changed": [["Add-DistributionGroupMember"]],
        "failed": [[]],
        "unknown": [[], ["Add-DistributionGroupMember"]],
    }
    assert done in possible[status]


def test_an_interruption_stops_the_pipeline(contract: Agent) -> None:
    """The running pipeline is stopped on the agent, the change is unknown, and the runspace is left for the next."""
    with contract.session() as session:
        session.open()
        contract.simulator.faults.add("Receive=hang:1.5")
        timer = threading.Timer(0.3, _thread.interrupt_main)
        timer.start()
        with pytest.raises(errors.Interrupted) as raised:
            grant(session)
        timer.join()
    (outcome,) = raised.value.outcomes
    assert str(outcome.status) in ("unknown", "changed")
    (shell,) = contract.simulator.shells()
    assert not shell.connected
    assert shell.pipelines() == []


@pytest.mark.pwsh
def test_an_own_script_runs_instead_of_the_shipped_one(
    pwsh_path: str, tmp_path: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """Only the real engine can run it; pypsrp's loggers show nothing of it."""
    folder = tmp_path / "account"
    folder.mkdir()
    (folder / "Find-Account.ps1").write_text(
        "[CmdletBinding()]\nparam([Parameter(Mandatory)] [string] $User)\n"
        "[pscustomobject]@{ Id = 'x'; Name = $User.ToUpper() }\n",
        "utf-8",
    )
    caplog.set_level(logging.DEBUG)
    with running_agent("pwsh", pwsh=pwsh_path) as agent, agent.session(scripts=tmp_path) as session:
        session.open()
        assert find(session).rows == ({"id": "x", "name": JANE.upper()},)
    assert JANE not in caplog.text
