"""``exo-bridge session`` on a simulated agent, through the wire."""

from __future__ import annotations

import sys
import threading
import time
import uuid
from pathlib import Path
from typing import Any

import pytest

from bridge import errors
from bridge.actions import ACTIONS
from bridge.runner import run_call
from bridge.session import delete_runspace
from bridge.settings import load_settings
from tests.agent import Agent, running_agent
from tests.cli.conftest import Cli

JANE = "jane.doe@contoso.example"


def test_session_commands(cli: Cli, settings: str, agent: Agent) -> None:
    """The runspace is shown, opened, taken over and closed by name; a dry run only says so."""
    assert "There is no runspace" in cli("session", "show", "--settings", settings).out
    assert cli("session", "connect", "--dry-run", "--settings", settings).out.startswith("changed   runspace")
    assert agent.simulator.shells() == []
    opened = cli("session", "connect", "--settings", settings, "--json").json["rows"][0]
    assert (opened["runspace"], opened["connection"]) == ("new", "new")
    again = cli("session", "connect", "--settings", settings, "--json").json["rows"][0]
    assert (again["runspace"], again["connection"], again["id"]) == ("taken over", "existing", opened["id"])
    shown = cli("session", "show", "--settings", settings, "--json").json
    assert [(row["id"], row["mine"], row["state"]) for row in shown["rows"]] == [(opened["id"], True, "Disconnected")]
    assert shown["state"]["organization"] == "contoso.onmicrosoft.com"
    assert cli("session", "disconnect", "--settings", settings, "--json").json["rows"][0]["status"] == "unchanged"
    cli("session", "close", "--dry-run", "--settings", settings)
    assert len(agent.simulator.shells()) == 1
    closed = cli("session", "close", "--settings", settings, "--json").json["rows"][0]
    assert (closed["status"], closed["id"]) == ("changed", opened["id"])
    assert agent.simulator.shells() == []
    assert cli("session", "close", "--settings", settings, "--json").json["rows"][0]["status"] == "unchanged"
    assert agent.logons() == 1


def test_connect_leaves_the_runspace_whatever_on_exit_says(cli: Cli, settings: str, agent: Agent) -> None:
    """``session connect`` would be of no use if it closed what it opened."""
    text = Path(settings).read_text("utf-8").replace("[agent]", '[agent]\non_exit = "close"', 1)
    Path(settings).write_text(text, "utf-8")
    assert cli("session", "connect", "--settings", settings).code == 0
    assert len(agent.simulator.shells()) == 1
    assert cli("account", "find", "--user", JANE, "--settings", settings).code == 0
    assert agent.simulator.shells() == []


@pytest.mark.parametrize("verb", ["disconnect", "close", "connect"])
def test_a_runspace_in_use_is_left_alone(
    cli: Cli, settings: str, agent: Agent, verb: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While another client has the runspace it is shown, and nothing is done to it."""
    monkeypatch.setenv("EXO_BRIDGE_AGENT__WAIT_TIMEOUT", "1")
    with agent.session(on_exit="close") as other:
        other.open()
        assert "in use by another client" in cli("session", "show", "--settings", settings).out
        busy = cli("session", verb, "--settings", settings, "--json")
        assert busy.code == 3
        assert busy.json["problem"]["code"] == "runspace-busy"
        assert len(agent.simulator.shells()) == 1


def another_runspace(agent: Agent, home: Path, monkeypatch: pytest.MonkeyPatch, **keys: Any) -> str:
    """Open one more runspace and leave it, as a client on another machine does; the shell's id.

    ``keys`` are of [agent]. A second one of our name cannot be had so: the first would be taken over.
    """
    with monkeypatch.context() as patch:
        for name in ("XDG_STATE_HOME", "LOCALAPPDATA"):
            patch.setenv(name, str(home))
        with agent.session(**keys) as session:
            return session.open().shell_id


def test_close_all(cli: Cli, settings: str, agent: Agent, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of ours is closed, also the one whose client is dead; other names and endpoints are not touched."""
    assert cli("session", "close", "--all", "--settings", settings, "--json").json["rows"][0]["status"] == "unchanged"
    ids = [another_runspace(agent, tmp_path, monkeypatch, runspace_name=name) for name in ("one", "two")]
    shells = {shell.id: shell for shell in agent.simulator.shells()}
    for shell_id in ids:
        shells[shell_id].name = "exo-bridge"
    shells[ids[1]].connected = True
    shells[ids[1]].used -= 200
    others = {
        another_runspace(agent, tmp_path, monkeypatch, runspace_name="not ours"),
        another_runspace(agent, tmp_path, monkeypatch, runspace_name="exo-bridge", configuration_name="PowerShell.7"),
    }
    dry = cli("session", "close", "--all", "--dry-run", "--settings", settings, "--json")
    assert {row["status"] for row in dry.json["rows"]} == {"changed"}
    assert len(agent.simulator.shells()) == 4
    done = cli("session", "close", "--all", "--settings", settings, "--json")
    assert (done.code, {(row["id"], row["status"]) for row in done.json["rows"]}) == (
        0,
        {(shell_id, "changed") for shell_id in ids},
    )
    assert {shell.id for shell in agent.simulator.shells()} == others


def test_close_all_leaves_what_a_client_uses(
    cli: Cli, settings: str, agent: Agent, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A living client keeps its runspace, and is told of; a free one of the same name goes all the same."""
    free, used = (another_runspace(agent, tmp_path, monkeypatch, runspace_name=name) for name in ("one", "two"))
    for shell in agent.simulator.shells():
        shell.name = "exo-bridge"
        shell.connected = shell.id == used
    done = cli("session", "close", "--all", "--settings", settings, "--json")
    assert done.code == 3
    assert {(row["id"], row["status"]) for row in done.json["rows"]} == {(free, "changed"), (used, "failed")}
    assert [shell.id for shell in agent.simulator.shells()] == [used]
    person = cli("session", "close", "--all", "--settings", settings)
    assert (person.code, "in use by another client (127.0.0.1)" in person.out) == (3, True)


def test_close_all_ends_an_abandoned_runspace_beside_a_living_client(
    cli: Cli, settings: str, agent: Agent, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The living client, which even holds the line here, is not waited for; what nobody uses any more goes."""
    abandoned, other = (another_runspace(agent, tmp_path, monkeypatch, runspace_name=name) for name in ("one", "two"))
    with agent.session() as living:
        used = living.open().shell_id
        for shell in agent.simulator.shells():
            if shell.id == abandoned:
                shell.name, shell.connected = "exo-bridge", True
                shell.used -= 200
        done = cli("session", "close", "--all", "--settings", settings, "--json")
        assert {(row["id"], row["status"]) for row in done.json["rows"]} == {(abandoned, "changed"), (used, "failed")}
        assert done.code == 3
        assert {shell.id for shell in agent.simulator.shells()} == {used, other}


def test_close_all_tells_what_could_not_be_closed(cli: Cli, settings: str, agent: Agent) -> None:
    """A refusal of the agent leaves the runspace, and the row and the exit code say so."""
    cli("session", "connect", "--settings", settings)
    agent.simulator.faults.add("Delete=fault:5")
    done = cli("session", "close", "--all", "--settings", settings, "--json")
    assert (done.code, done.json["rows"][0]["reason"]) == (3, "it could not be closed; the log says why")
    assert "answered with fault 5" in done.err
    assert cli("session", "close", "--all", "--settings", settings, "--json").code == 0


def test_delete_runspace_ends_ours_only(
    agent: Agent, settings: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not one of another name, nor one in use, nor one that is not there; ours that is free goes."""
    wanted = load_settings(Path(settings)).settings
    foreign = another_runspace(agent, tmp_path, monkeypatch, runspace_name="not ours")
    with agent.session() as session:
        ours = session.open().shell_id
        with pytest.raises(errors.RunspaceBusy, match=ours):
            delete_runspace(wanted, ours)
    assert [delete_runspace(wanted, shell_id) for shell_id in (foreign, ours.lower(), ours)] == [False, True, False]
    assert [shell.id for shell in agent.simulator.shells()] == [foreign]


def test_show_tells_what_runs(cli: Cli, settings: str, agent: Agent) -> None:
    """The pipelines of a shell by the ids of their calls, also while a client uses it, which has no memory to show."""
    (call,) = ACTIONS["account.find"].calls({"user": JANE})
    agent.simulator.faults.add("Signal=fault:5")  # what ended is not closed
    with agent.session() as session:
        session.open()
        (shell,) = agent.simulator.shells()
        agent.simulator.tenant.throttle.every, agent.simulator.tenant.throttle.seconds = 1, 1.0
        thread = threading.Thread(target=run_call, args=(call, session))
        thread.start()
        while not shell.pipelines():
            time.sleep(0.01)
        (row,) = cli("session", "show", "--settings", settings, "--json").json["rows"]
        table = cli("session", "show", "--settings", settings).out.splitlines()
        thread.join()
    pipeline = str(uuid.UUID(call.id)).upper()
    assert (row["commands"], row["in_use"], row["memory_bytes"]) == ([{"id": pipeline, "state": "Running"}], True, None)
    assert f"in use  running {pipeline}" in table[1]
    (row,) = cli("session", "show", "--settings", settings, "--json").json["rows"]
    assert row["commands"] == []


def test_show_tells_that_the_agent_does_not_tell_what_runs(cli: Cli, settings: str, agent: Agent) -> None:
    """A refusal to list the commands costs nothing but that column."""
    cli("session", "connect", "--settings", settings)
    agent.simulator.faults.add("Enumerate#2=fault:5")
    assert "not known" in cli("session", "show", "--settings", settings).out.splitlines()[1]
    agent.simulator.faults.add("Enumerate#2=fault:5")
    shown = cli("session", "show", "--settings", settings, "--json").json
    assert shown["rows"][0]["commands"] is None
    assert shown["state"]


def test_show_tells_age_idle_time_and_client(cli: Cli, settings: str, agent: Agent) -> None:
    """Times for people are hours, minutes and seconds; a client that is silent for too long is shown as such."""
    cli("session", "connect", "--settings", settings)
    (shell,) = agent.simulator.shells()
    shell.born -= 3723
    (row,) = cli("session", "show", "--settings", settings, "--json").json["rows"]
    assert row["run_seconds"] >= 3723
    assert (row["client_ip"], row["abandoned"]) == ("127.0.0.1", False)
    assert "1:02:0" in cli("session", "show", "--settings", settings).out
    shell.connected = True
    shell.used -= 200
    (row,) = cli("session", "show", "--settings", settings, "--json").json["rows"]
    assert (row["abandoned"], row["idle_seconds"] >= 200, row["memory_bytes"]) == (True, True, None)
    assert "counts as dead" in cli("session", "show", "--settings", settings).out


@pytest.mark.pwsh
def test_show_tells_memory(cli: Cli, tmp_path: Path, pwsh_path: str) -> None:
    """The memory of the PowerShell in our runspace, in bytes for programs."""
    file = tmp_path / "settings.toml"
    with running_agent("pwsh", pwsh=pwsh_path) as agent:
        agent.simulator.write_settings(file)
        cli("session", "connect", "--settings", str(file))
        (row,) = cli("session", "show", "--settings", str(file), "--json").json["rows"]
        table, _, _ = cli("session", "show", "--settings", str(file)).out.partition("\n\n")
        with agent.session() as session:
            session.open()
            (used,) = cli("session", "show", "--settings", str(file), "--json").json["rows"]
    assert row["memory_bytes"] > 2**20
    assert " MiB  " in table
    assert used["in_use"]
    if sys.platform == "linux":  # where the simulator can ask for it
        assert used["memory_bytes"] > 2**20
