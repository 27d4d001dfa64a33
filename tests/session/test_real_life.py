"""The runspace shared, slow, dying, and still right."""

from __future__ import annotations

import _thread
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from bridge import errors
from bridge.actions import ACTIONS
from bridge.model import Outcome, Status
from bridge.patience import Patience
from bridge.runner import run_call, run_calls
from bridge.session import Session
from tests.agent import Agent, running_agent

JANE = "jane.doe@contoso.example"


class Told:
    """A listener that keeps what it is told."""

    def __init__(self) -> None:
        self.events: list[tuple[str, dict[str, Any]]] = []

    def __call__(self, event: str, /, **facts: Any) -> None:
        """Keep one event."""
        self.events.append((event, facts))

    def names(self) -> list[str]:
        """What happened to the runspace, in order."""
        kinds = ("runspace", "waiting", "connection", "exchange", "token")
        return [event for event, _ in self.events if event.startswith(kinds)]


def find(session: Session, *, retries: int = 0) -> Outcome:
    """Read one account."""
    (call,) = ACTIONS["account.find"].calls({"user": JANE})
    return run_call(call, session, patience=Patience(retries=retries))


def grant(session: Session) -> Outcome:
    """Change one membership."""
    (call,) = ACTIONS["group.grant"].calls({"group": "staff@contoso.example", "member": JANE})
    return run_call(call, session)


# --- one at a time


def test_several_threads_take_turns(contract: Agent) -> None:
    """Eight sessions at once: each has its turn, none sees another, one runspace serves all."""
    outcomes: list[Outcome] = []

    def work() -> None:
        with contract.session() as session:
            session.open()
            outcomes.append(find(session))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [outcome.problem for outcome in outcomes] == [None] * 8
    assert len(contract.simulator.shells()) == 1
    assert contract.logons() == 1


def test_who_waits_too_long_is_told_who_has_it(contract: Agent) -> None:
    """The process, since when, and how long the wait was; the holder goes on."""
    told = Told()
    with contract.session() as first:
        first.open()
        with (
            contract.session(wait_timeout=0, listener=told) as second,
            pytest.raises(errors.RunspaceBusy, match="on this machine by process"),
        ):
            second.open()
        assert find(first).problem is None
    ((event, facts),) = [one for one in told.events if one[0] == "waiting for the runspace"]
    assert event
    assert facts["at_most"] == 0
    assert "since" in facts["held_by"]


@pytest.mark.parametrize("is_here", [True, False], ids=["on this machine", "elsewhere"])
def test_a_holder_that_was_killed_blocks_nobody(contract: Agent, tmp_path: Path, *, is_here: bool) -> None:
    """Here its shell is taken over at once; elsewhere's is replaced when the agent has not heard of it for a while."""
    settings = tmp_path / "settings.toml"
    contract.simulator.write_settings(settings)
    program = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from bridge.scripts import ScriptFolder\n"
        "from bridge.session import Session\n"
        "from bridge.settings import load_settings\n"
        "session = Session(load_settings(Path(sys.argv[1])).settings, ScriptFolder())\n"
        "print(session.open().shell_id, flush=True)\n"
        "time.sleep(60)\n"
    )
    elsewhere = {} if is_here else dict.fromkeys(("XDG_STATE_HOME", "LOCALAPPDATA"), str(tmp_path))
    holder = subprocess.Popen(
        [sys.executable, "-c", program, str(settings)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **elsewhere},
    )
    assert holder.stdout is not None
    shell_id = holder.stdout.readline().strip()
    holder.kill()
    holder.wait()
    holder.stdout.close()
    shell = contract.simulator.shells()[0]
    assert (shell.id, shell.connected) == (shell_id, True)
    if not is_here:
        shell.used -= 100  # nothing was heard of it for that long

    told = Told()
    with contract.session(wait_timeout=5, listener=told) as session:
        assert session.open().runspace == ("taken over" if is_here else "new")
        assert find(session).problem is None
    assert ("runspace left by a dead process" if is_here else "runspace replaced") in told.names()
    assert ([one.id for one in contract.simulator.shells()] == [shell_id]) is is_here


def test_a_client_elsewhere_is_waited_for(contract: Agent, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Another machine has a line of its own: the agent says that the runspace is in use, until it is not."""
    told = Told()
    elsewhere = contract.session()
    with monkeypatch.context() as other_machine:
        for name in ("XDG_STATE_HOME", "LOCALAPPDATA"):
            other_machine.setenv(name, str(tmp_path))
        elsewhere.open()
    timer = threading.Timer(1.0, elsewhere.leave)
    timer.start()
    with contract.session(wait_timeout=20, listener=told) as session:
        assert session.open().runspace == "taken over"
    timer.join()
    assert "waiting for the runspace" in told.names()
    assert contract.logons() == 1


def test_of_two_shells_with_our_name_one_is_closed(contract: Agent) -> None:
    """One is used, the other closed, and a third of another name left alone."""
    with contract.session(runspace_name="other") as other:
        other.open()
    ids = []
    for _ in range(2):
        with contract.session() as session:
            ids.append(session.open().shell_id)
        for shell in contract.simulator.shells():
            shell.name = shell.name.replace("exo-bridge", "hidden")
    for shell in contract.simulator.shells():
        shell.name = shell.name.replace("hidden", "exo-bridge")

    with contract.session() as session:
        assert session.open().shell_id in ids

    assert sorted(shell.name for shell in contract.simulator.shells()) == ["exo-bridge", "other"]


# --- life and death


@pytest.mark.parametrize("fault", ["Command=shell-gone", "Command=kill", "Command=fault:2150858843"])
def test_a_runspace_that_is_gone_before_a_change_is_built_anew(agent: Agent, fault: str) -> None:
    """Idle timeout, reboot, killed: opened once more, and the change is made exactly once."""
    told = Told()
    with agent.session(listener=told) as session:
        session.open()
        agent.simulator.faults.add(fault)
        outcome = grant(session)

    assert outcome.status is Status.CHANGED
    assert agent.changes() == ["Add-DistributionGroupMember"]
    assert "runspace lost" in told.names()
    assert agent.logons() == 2


def test_a_read_is_repeated_within_its_budget(agent: Agent) -> None:
    """The runspace dies in the middle of a read: built anew, and read again; with no budget the read is failed."""
    with agent.session() as session:
        session.open()
        agent.simulator.faults.add("Receive=shell-gone")
        assert find(session, retries=2).problem is None
        agent.simulator.faults.add("Receive=shell-gone")
        outcome = find(session)
    assert outcome.problem
    assert outcome.problem.code == "runspace-lost"


def test_after_an_unknown_change_the_session_goes_on(contract: Agent) -> None:
    """Three rights, the answer to the first one lost: it is unknown, the others are done, nothing is done twice."""
    calls = ACTIONS["shared-mailbox.grant"].calls(
        {
            "mailbox": "sales@contoso.example",
            "user": "john.obrien@contoso.example",
            "right": ["full-access", "send-as", "send-on-behalf"],
        }
    )
    with contract.session() as session:
        session.open()
        contract.simulator.faults.add("Command=lost")
        outcomes = run_calls(calls, session)

    assert [str(outcome.status) for outcome in outcomes] == ["unknown", "changed", "changed"]
    assert sorted(contract.changes()) == ["Add-MailboxPermission", "Add-RecipientPermission", "Set-Mailbox"]


def test_nothing_more_is_sent_when_the_agent_stays_away(contract: Agent) -> None:
    """The rebuild fails too: the calls that were left are not sent, and say so."""
    calls = ACTIONS["shared-mailbox.grant"].calls(
        {"mailbox": "sales@contoso.example", "user": "john.obrien@contoso.example", "right": ["full-access", "send-as"]}
    )
    with contract.session() as session:
        session.open()
        contract.simulator.faults.add("Command=shell-gone")
        contract.simulator.faults.add("Create**=quota")
        outcomes = run_calls(calls, session)

    assert [outcome.problem.code if outcome.problem else "" for outcome in outcomes] == ["shell-quota", "not-sent"]
    assert contract.changes() == []


def test_exchange_is_connected_again_when_its_connection_is_gone(agent: Agent) -> None:
    """The shell lives, the context inside is lost: connected again, and the change is made once."""
    told = Told()
    with agent.session(listener=told) as session:
        session.open()
        session.run("session/Get-BridgeState.ps1", {}, lambda _record: None)
        disconnect_exchange(agent)
        outcome = grant(session)

    assert outcome.status is Status.CHANGED
    assert agent.changes() == ["Add-DistributionGroupMember"]
    assert "exchange connection lost" in told.names()
    assert len(agent.simulator.shells()) == 1


def disconnect_exchange(agent: Agent) -> None:
    """What Exchange forgets when it restarts: the connections that it knew."""
    gateway = agent.simulator._gateway
    for connection in list(gateway._connections.values()):
        connection.disconnect()
    for shell in agent.simulator.shells():
        runspace = getattr(shell, "_runspace", None)
        if runspace is not None and runspace._runspace.connection is not None:
            runspace._runspace.connection.disconnect()


def test_a_token_that_ends_is_renewed_between_two_calls(contract: Agent) -> None:
    """An access token lives an hour, and nobody but us can renew it."""
    told = Told()
    contract.simulator.tenant.token_seconds = 200
    with contract.session(listener=told) as session:
        session.open()
        contract.simulator.tenant.token_seconds = 3600
        assert grant(session).status is Status.CHANGED
    assert "token ends" in told.names()
    assert contract.logons() == 2


def test_a_token_ends_in_a_runspace_that_is_gone(contract: Agent) -> None:
    """The renewal finds out: the runspace is opened anew, and the change is made once."""
    told = Told()
    contract.simulator.tenant.token_seconds = 200
    with contract.session(listener=told) as session:
        session.open()
        contract.simulator.tenant.token_seconds = 3600
        contract.simulator.pass_time(400)
        assert grant(session).status is Status.CHANGED
    assert [name for name in told.names() if name in ("token ends", "runspace lost", "runspace opened")] == [
        "runspace opened",
        "token ends",
        "runspace lost",
        "runspace opened",
    ]
    assert contract.changes() == ["Add-DistributionGroupMember"]


@pytest.mark.parametrize("fault", ["Command=fault:5", "Receive=fault:5"])
@pytest.mark.parametrize("auth", ["basic", "ntlm"])
def test_a_renewal_that_fails_is_no_unknown_change(auth: Any, fault: str) -> None:
    """The change was not sent yet, so it is failed; the next call mends what broke, message encryption included."""
    with running_agent("contract", auth=auth) as agent:
        agent.simulator.tenant.token_seconds = 200
        with agent.session() as session:
            session.open()
            agent.simulator.tenant.token_seconds = 3600
            agent.simulator.faults.add(fault)
            assert (grant(session).status, agent.changes()) == (Status.FAILED, [])
            assert grant(session).status is Status.CHANGED
    assert agent.changes() == ["Add-DistributionGroupMember"]


def test_the_second_attempt_is_mended_after_too(contract: Agent) -> None:
    """The call after a rebuild is lost: unknown, and the next one first sees to the runspace."""
    told = Told()
    with contract.session(listener=told) as session:
        session.open()
        contract.simulator.faults.add("Command=shell-gone")
        # The first Command meets its end, the second connects Exchange anew, the third is the change again.
        contract.simulator.faults.add("Command#3=lost")
        assert grant(session).status is Status.UNKNOWN
        assert find(session).problem is None
    assert "runspace kept" in told.names()
    assert contract.changes() == ["Add-DistributionGroupMember"]


@pytest.mark.parametrize("limit", [{"recycle_pipelines": 3}, {"recycle_age": 1}])
def test_a_runspace_that_grew_old_is_replaced_between_two_calls(contract: Agent, limit: dict[str, Any]) -> None:
    """By number of pipelines, and by age; nothing is lost by it."""
    told = Told()
    with contract.session(listener=told, **limit) as session:
        first = session.open().shell_id
        if "recycle_age" in limit:
            time.sleep(1.1)
        outcomes = [find(session) for _ in range(4)]
    assert [outcome.problem for outcome in outcomes] == [None] * 4
    assert "runspace recycled" in told.names()
    assert [shell.id for shell in contract.simulator.shells()] != [first]
    assert len(contract.simulator.shells()) == 1


@pytest.mark.pwsh
def test_a_runspace_that_grew_large_is_replaced(pwsh_path: str) -> None:
    """A PowerShell is above one MiB from the start: whoever takes such a runspace over opens a new one."""
    with running_agent("pwsh", pwsh=pwsh_path) as agent:
        with agent.session() as session:
            first = session.open().shell_id
        with agent.session(recycle_memory=1) as session:
            assert session.open().shell_id != first
            assert find(session).problem is None
        assert len(agent.simulator.shells()) == 1


# --- connections


@pytest.mark.parametrize("auth", ["basic", "ntlm"])
def test_connections_that_the_agent_closes_are_made_anew(auth: Any) -> None:
    """http.sys closes idle ones; with message encryption the client must log on anew, and it does."""
    with running_agent("contract", auth=auth) as agent, agent.session() as session:
        session.open()
        for _ in range(3):
            agent.simulator.close_connections()
            time.sleep(0.05)
            assert find(session).problem is None
        assert grant(session).status is Status.CHANGED
    assert agent.changes() == ["Add-DistributionGroupMember"]


@pytest.mark.parametrize("action", ["Create", "Command", "Receive", "Signal", "Disconnect", "Enumerate"])
@pytest.mark.parametrize("what", ["reset", "garbage", "empty", "401", "status:502", "status:503"])
def test_a_fault_at_any_exchange_leaves_the_truth(contract: Agent, action: str, what: str) -> None:
    """Whatever is answered wherever: at most one change, reported as it is, and the next session works."""
    with contract.session() as session:
        if action in ("Create", "Enumerate"):
            contract.simulator.faults.add(f"{action}={what}")
            with pytest.raises(errors.AgentError) as raised:
                session.open()
            assert raised.value.remedy
            status = None
        else:
            session.open()
            contract.simulator.faults.add(f"{action}={what}")
            status = grant(session).status

    done = contract.changes()
    assert len(done) <= 1
    if status is Status.CHANGED:
        assert done == ["Add-DistributionGroupMember"]
    if status is Status.FAILED or status is None:
        assert done == []
    for shell in contract.simulator.shells():
        shell.disconnect()
    with contract.session() as session:
        session.open()
        assert find(session).problem is None


@pytest.mark.parametrize("action", ["Command", "Receive", "Disconnect"])
@pytest.mark.parametrize(
    "what", ["forged:5", "forged:2150858843", "401", "status:400", "status:413", "garbage", "empty"]
)
def test_nobody_on_the_way_can_say_that_nothing_was_done(action: str, what: str) -> None:
    """Where messages are encrypted, plain text proves nothing: what was made is not told as failed, nor made twice."""
    with running_agent("contract", auth="ntlm") as agent:
        with agent.session() as session:
            session.open()
            agent.simulator.faults.add(f"{action}={what}@after")
            status = grant(session).status
        done = [record.cmdlet for record in agent.records].count("Add-DistributionGroupMember")
        assert done <= 1
        # A pipeline that had begun may be stopped before its change.
        assert status in ((Status.CHANGED, Status.UNKNOWN) if done else (Status.FAILED, Status.UNKNOWN))
        with agent.session() as session:
            assert find(session).problem is None


def test_an_agent_that_stays_silent_is_given_up(contract: Agent) -> None:
    """After one more request, not after five minutes; what was sent is unknown."""
    with contract.session(operation_timeout=1, read_timeout=2) as session:
        session.open()
        contract.simulator.faults.add("Receive*2=hang:4")
        outcome = grant(session)
    assert outcome.status in (Status.UNKNOWN, Status.CHANGED)
    assert len(contract.changes()) <= 1


# --- deadlines and stopping


def test_a_deadline_stops_what_runs(contract: Agent) -> None:
    """A call that takes too long is stopped; whether it was made is not known, and nothing more is sent."""
    contract.simulator.tenant.throttle.every, contract.simulator.tenant.throttle.seconds = 1, 0.0
    with contract.session(deadline=2.5) as session:
        session.open()
        contract.simulator.tenant.throttle.seconds = 3.0
        outcomes = run_calls(
            ACTIONS["shared-mailbox.grant"].calls(
                {"mailbox": "sales@contoso.example", "user": JANE, "right": ["full-access", "send-as"]}
            ),
            session,
        )
    assert outcomes[0].status is Status.UNKNOWN
    assert outcomes[0].problem
    assert outcomes[0].problem.code == "deadline"
    assert outcomes[1].problem
    assert outcomes[1].problem.code in ("deadline", "not-sent")
    assert len(contract.changes()) <= 1


if sys.platform != "win32":  # where a signal is sent to a thread in another way

    def test_a_second_signal_leaves_at_once(contract: Agent) -> None:
        """Without waiting for the agent, and with a word about what may still run there."""
        contract.simulator.tenant.throttle.every = 1
        with contract.session() as session:
            session.open()
            contract.simulator.tenant.throttle.seconds = 3.0
            contract.simulator.faults.add("Signal=hang:3")
            main = threading.main_thread().ident
            assert main is not None
            # A real signal, which ends a wait for the agent; interrupt_main() is seen only after it.
            timers = [threading.Timer(seconds, signal.pthread_kill, (main, signal.SIGINT)) for seconds in (0.5, 1.0)]
            for timer in timers:
                timer.start()
            with pytest.raises(errors.Interrupted, match="may still run") as raised:
                grant(session)
            for timer in timers:
                timer.join()
        assert raised.value.at_once
        (outcome,) = raised.value.outcomes
        assert outcome.status is Status.UNKNOWN


def test_a_session_may_be_left_in_another_thread(contract: Agent) -> None:
    """Its turn ends with it all the same, and the next one comes at once."""
    first = contract.session()
    first.open()
    thread = threading.Thread(target=first.leave)
    thread.start()
    thread.join()
    with contract.session(wait_timeout=0) as session:
        assert session.open().runspace == "taken over"


def test_a_runspace_that_could_not_be_set_up_again_is_reached_anew(contract: Agent) -> None:
    """The rebuild fails, the runspace is closed and our turn is over; the next call stands in line again."""
    with contract.session() as session:
        session.open()
        contract.simulator.tenant.module_installed = False
        contract.simulator.faults.add("Command=shell-gone")
        outcome = find(session)
        assert outcome.problem
        assert outcome.problem.code == "module-missing"
        contract.simulator.tenant.module_installed = True
        assert find(session).problem is None
        with contract.session(wait_timeout=0) as other, pytest.raises(errors.RunspaceBusy):
            other.open()
    assert len(contract.simulator.shells()) == 1


def test_a_signal_while_the_runspace_opens_leaves_nothing(contract: Agent) -> None:
    """The shell that was just made is ended, and nobody has to wait for it."""
    contract.simulator.faults.add("Receive=hang:1.5")
    timer = threading.Timer(0.4, _thread.interrupt_main)
    timer.start()
    with contract.session() as session, pytest.raises(KeyboardInterrupt):
        session.open()
    timer.join()
    assert contract.simulator.shells() == []
