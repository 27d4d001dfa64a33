"""``exo-bridge helloid serve`` as a process: one runspace for all requests, and nothing lost however it ends."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import bridge
from bridge.helloid.resident.address import served
from bridge.helloid.resident.channel import connect
from bridge.helloid.resident.client import Refused, ask
from tests.agent import Agent, running_agent
from tests.helloid.resident import LIMIT, Resident, grant, messages, serving
from tests.session.test_processes import comings_and_goings

JANE = "1a4fabbf-bf88-5049-98cb-f4d95edf05dd"
JOHN = "67bcfc5e-0242-5c23-8efe-2ecba8552718"
DEVELOPMENT = "d633533b-8367-59eb-afa9-f8677a1955ab"

signals = pytest.mark.skipif(sys.platform == "win32", reason="Windows sends Ctrl-C to a whole console only")


@pytest.fixture
def wire_log(tmp_path: Path) -> Path:
    """What the agent was asked, line by line."""
    return tmp_path / "wire.jsonl"


@pytest.fixture
def agent(wire_log: Path) -> Iterator[Agent]:
    """An agent in this process."""
    with running_agent("contract", wire_log=wire_log) as agent:
        yield agent


@pytest.fixture
def settings(agent: Agent, tmp_path: Path) -> Path:
    """A settings file that reaches the agent, with which an unused runspace is kept for long."""
    file = tmp_path / "settings.toml"
    agent.simulator.write_settings(file)
    text = file.read_text("utf-8").replace("[agent]", "[agent]\nabandoned_after = 3600", 1)
    file.write_text(f"{text}\n[helloid]\nlinger = 600\n", "utf-8")
    return file


def wait_until(is_so: Callable[[], bool]) -> None:
    """Wait for something that happens in another process."""
    until = time.monotonic() + LIMIT
    while not is_so():
        assert time.monotonic() < until
        time.sleep(0.05)


def is_listening(address: str) -> bool:
    """Whether somebody lets clients in; a second or so after that one has the address."""
    try:
        connect(address, LIMIT).close()
    except (FileNotFoundError, ConnectionRefusedError):
        return False
    return True


def changed(settings: Path, key: str, value: int) -> None:
    """Write another value of a key of [helloid]."""
    lines = [line for line in settings.read_text("utf-8").splitlines() if not line.startswith(f"{key} =")]
    settings.write_text("\n".join([*lines, f"{key} = {value}", ""]), "utf-8")


@signals
def test_requests_share_one_runspace(agent: Agent, settings: Path, tmp_path: Path, wire_log: Path) -> None:
    """It is opened and connected to Exchange once, and left for the next process when the resident one is ended."""
    with serving(tmp_path, "--settings", str(settings)) as resident:
        for person in (JANE, JOHN):
            answer = resident.ask(grant(person, DEVELOPMENT, settings=settings))
            assert answer["Success"], answer
        assert comings_and_goings(wire_log) == ["Create"]
        assert resident.terminate() == 0, resident.said()
        assert served(resident.address).process_id == 0
    assert comings_and_goings(wire_log) == ["Create", "Disconnect"]
    assert agent.logons() == 1
    assert agent.changes() == ["Add-DistributionGroupMember"] * 2


def test_two_at_once_are_both_answered(agent: Agent, settings: Path, tmp_path: Path) -> None:
    """One after the other, each within its time."""
    with serving(tmp_path, "--settings", str(settings)) as resident, ThreadPoolExecutor(2) as pool:
        requests = [grant(person, DEVELOPMENT, settings=settings) for person in (JANE, JOHN)]
        assert all(answer["Success"] for answer in pool.map(resident.ask, requests))
    assert agent.changes() == ["Add-DistributionGroupMember"] * 2


def test_one_whose_time_is_up_is_answered_in_time(agent: Agent, settings: Path, tmp_path: Path) -> None:
    """While another request takes all of its time it is told that nothing was sent, and nothing is."""
    with serving(tmp_path, "--settings", str(settings)) as resident, ThreadPoolExecutor(1) as pool:
        resident.ask(grant(JOHN, DEVELOPMENT, settings=settings))
        agent.simulator.faults.add("Command=hang:4")
        slow = pool.submit(resident.ask, grant(JOHN, DEVELOPMENT, settings=settings))
        time.sleep(0.5)  # until it is under way
        late = resident.ask(grant(JANE, DEVELOPMENT, seconds=1, settings=settings))
        assert not slow.done()
        assert not late["Success"]
        assert "nothing was sent" in messages(late)
        assert slow.result()["Success"]
        resident.ask(grant(JOHN, DEVELOPMENT, settings=settings))
    assert len(agent.changes()) == 1


def test_another_process_gets_the_runspace(agent: Agent, settings: Path, tmp_path: Path, wire_log: Path) -> None:
    """It is left while somebody waits for it, long before it is left for being unused, and taken over again."""
    find = [sys.executable, "-m", "bridge", "account", "find", "--user", "jane.doe@contoso.example"]
    with serving(tmp_path, "--settings", str(settings)) as resident:
        resident.ask(grant(JANE, DEVELOPMENT, settings=settings))
        subprocess.run([*find, "--settings", str(settings)], check=True, stdout=subprocess.DEVNULL)
        assert resident.ask(grant(JOHN, DEVELOPMENT, settings=settings))["Success"]
    goings = comings_and_goings(wire_log)
    assert goings == ["Create", "Disconnect", "Connect", "Disconnect", "Connect"]
    assert agent.logons() == 1


def test_an_unused_runspace_is_left(settings: Path, tmp_path: Path, wire_log: Path) -> None:
    """After [helloid] linger the agent has it back, though nobody asked for it."""
    changed(settings, "linger", 0)
    with serving(tmp_path, "--settings", str(settings)) as resident:
        resident.ask(grant(JANE, DEVELOPMENT, settings=settings))
        wait_until(lambda: comings_and_goings(wire_log) == ["Create", "Disconnect"])


@pytest.mark.parametrize("named", [True, False])
def test_a_request_for_other_settings_is_refused(named: bool, agent: Agent, settings: Path, tmp_path: Path) -> None:
    """A request that names others, or leaves open which, never reaches the organization of these."""
    other = tmp_path / "other.toml" if named else None
    with serving(tmp_path, "--settings", str(settings)) as resident:
        with pytest.raises(Refused) as refused:
            resident.ask(grant(JANE, DEVELOPMENT, settings=other))
        assert refused.value.code == "settings-differ"
    assert not agent.records


def test_there_is_one_for_an_address(settings: Path, tmp_path: Path) -> None:
    """A second one says which process serves it and ends; the first goes on."""
    with serving(tmp_path, "--settings", str(settings)) as resident:
        command = [sys.executable, "-m", "bridge", "helloid", "serve", "--pipe", resident.address]
        second = subprocess.run([*command, "--settings", str(settings)], check=False, capture_output=True, text=True)
        assert second.returncode == 2
        assert f"Process {resident.process_id} serves {resident.address} already." in second.stderr
        where = subprocess.run(
            [*command, "--where", "--json", "--settings", str(settings)], check=True, capture_output=True
        )
        (row,) = json.loads(where.stdout)["rows"]
        assert (row["id"], row["process_id"]) == (resident.address, resident.process_id)
        assert resident.ask(grant(JANE, DEVELOPMENT, settings=settings))["Success"]


@signals
def test_an_answer_under_way_is_finished(agent: Agent, settings: Path, tmp_path: Path) -> None:
    """A signal ends the process only after the request that it works on has its answer."""
    with serving(tmp_path, "--settings", str(settings)) as resident, ThreadPoolExecutor(1) as pool:
        resident.ask(grant(JOHN, DEVELOPMENT, settings=settings))
        agent.simulator.faults.add("Command=hang:2@after")
        answer = pool.submit(resident.ask, grant(JANE, DEVELOPMENT, settings=settings))
        wait_until(lambda: len(agent.changes()) == 2)
        assert resident.terminate() == 0, resident.said()
        assert answer.result()["Success"], answer.result()


def test_a_crash_loses_nothing(agent: Agent, settings: Path, tmp_path: Path) -> None:
    """What the killed process had under way is settled from the journal by the next one, before it does the same."""
    request = grant(JANE, DEVELOPMENT, settings=settings)
    with serving(tmp_path, "--settings", str(settings)) as resident, ThreadPoolExecutor(1) as pool:
        agent.simulator.faults.add("Command#2=hang:5@after")
        agent.simulator.faults.add("Command#3=hang:5@after")
        lost = pool.submit(resident.ask, request)
        wait_until(lambda: bool(agent.changes()))
        resident.kill()
        with pytest.raises(ConnectionError):
            lost.result()
    agent.simulator.pass_time(4000)  # until the agent's client counts as dead
    with serving(tmp_path, "--settings", str(settings)) as resident:
        answer = resident.ask(request)
    assert answer["Success"], answer
    logs = " ".join(line["Message"] for line in answer["Logs"])
    assert "whose answer was lost, was made" in logs
    assert agent.changes() == ["Add-DistributionGroupMember"]


def test_the_request_after_a_broken_one_is_served(agent: Agent, settings: Path, tmp_path: Path) -> None:
    """A change whose answer is lost is told as unknown, and the next request gets a session that works."""
    with serving(tmp_path, "--settings", str(settings)) as resident:
        resident.ask(grant(JOHN, DEVELOPMENT, settings=settings))
        agent.simulator.faults.add("Command=lost")
        broken = resident.ask(grant(JANE, DEVELOPMENT, settings=settings))
        assert not broken["Success"]
        assert "may or may not" in messages(broken)
        again = resident.ask(grant(JANE, DEVELOPMENT, settings=settings))
        assert again["Success"], again


def test_new_settings_are_used(agent: Agent, settings: Path, tmp_path: Path) -> None:
    """When the settings file changes, a process with the new settings takes the place of the old one."""
    with serving(tmp_path, "--settings", str(settings)) as resident:
        changed(settings, "idle_end", 1)
        assert resident.wait() == 0, resident.said()
        wait_until(lambda: is_listening(resident.address))
        assert served(resident.address).process_id != resident.process_id
        # The new one ends by itself: its settings say so.
        wait_until(lambda: served(resident.address).process_id == 0)


@pytest.fixture(params=["checkout", "installed"])
def installed(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, Path]:
    """A folder with a copy of the package, as a checkout has it or pip, and a file that an upgrade writes there."""
    return copied(tmp_path / "packages", is_checkout=request.param == "checkout")


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A folder with a copy of the package as pip has it."""
    return copied(tmp_path / "packages", is_checkout=False)[0]


def copied(folder: Path, *, is_checkout: bool) -> tuple[Path, Path]:
    """The folder with a copy of the package, and the file that an upgrade writes there."""
    package = Path(bridge.__file__).parent
    scripts = package / "ps_scripts" if (package / "ps_scripts").is_dir() else package.parent / "ps_scripts"
    shutil.copytree(package, folder / "bridge", ignore=shutil.ignore_patterns("__pycache__", "ps_scripts"))
    if is_checkout:
        shutil.copytree(scripts, folder / "ps_scripts")
        return folder, folder / "bridge" / "runner.py"
    shutil.copytree(scripts, folder / "bridge" / "ps_scripts")
    facts = folder / "exo_bridge-9.9.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: exo-bridge\nVersion: 9.9\n", "utf-8")
    (facts / "RECORD").write_text("bridge/__init__.py,,\nexo_bridge-9.9.dist-info/RECORD,,\n", "utf-8")
    return folder, facts / "RECORD"


def test_an_upgrade_is_noticed(installed: tuple[Path, Path], settings: Path, tmp_path: Path) -> None:
    """When what is installed changes, a new process takes the place of the old one."""
    folder, written = installed
    changed(settings, "idle_end", 10)
    with serving(tmp_path, "--settings", str(settings), installed=folder) as resident:
        assert resident.ask(grant(JANE, DEVELOPMENT, settings=settings))["Success"]
        with written.open("a", encoding="utf-8") as file:
            file.write("\n")
        assert resident.wait() == 0, resident.said()
        wait_until(lambda: is_listening(resident.address))
        assert served(resident.address).process_id != resident.process_id
        answer = json.loads(ask(resident.address, grant(JOHN, DEVELOPMENT, settings=settings), LIMIT))
        assert answer["Success"], answer
        wait_until(lambda: served(resident.address).process_id == 0)


def test_an_update_that_is_under_way_is_waited_for(settings: Path, tmp_path: Path, package: Path) -> None:
    """The successor is started when pip has put everything in its place, not when it has begun."""
    changed(settings, "idle_end", 10)
    with serving(tmp_path, "--settings", str(settings), installed=package) as resident:
        old = package / "exo_bridge-9.9.dist-info"
        old.rename(package / "~xo_bridge-9.9.dist-info")
        (package / "bridge").rename(package / "~ridge")
        wait_until(lambda: not is_listening(resident.address))
        time.sleep(1)
        assert served(resident.address).process_id == resident.process_id
        (package / "~ridge").rename(package / "bridge")
        (package / "~xo_bridge-9.9.dist-info").rename(package / "exo_bridge-9.10.dist-info")
        assert resident.wait() == 0, resident.said()
        wait_until(lambda: is_listening(resident.address))
        assert served(resident.address).process_id != resident.process_id
        wait_until(lambda: served(resident.address).process_id == 0)


def test_what_a_dead_process_left_is_in_nobodys_way(settings: Path, tmp_path: Path) -> None:
    """After a kill the address is served again at once."""
    with serving(tmp_path, "--settings", str(settings)) as resident:
        resident.kill()
        again = Resident(("--settings", str(settings)), resident.address, tmp_path)
        try:
            assert again.ask(grant(JANE, DEVELOPMENT, settings=settings))["Success"]
        finally:
            again.kill()


@signals
def test_a_second_signal_stops_the_call(agent: Agent, settings: Path, tmp_path: Path) -> None:
    """It ends the process at once, and its client learns that the outcome is not known."""
    with serving(tmp_path, "--settings", str(settings)) as resident, ThreadPoolExecutor(1) as pool:
        resident.ask(grant(JOHN, DEVELOPMENT, settings=settings))
        agent.simulator.faults.add("Command=hang:3@after")
        stopped = pool.submit(resident.ask, grant(JANE, DEVELOPMENT, settings=settings))
        wait_until(lambda: len(agent.changes()) == 2)
        os.kill(resident.process_id, signal.SIGTERM)
        threading.Event().wait(0.3)
        os.kill(resident.process_id, signal.SIGTERM)
        assert not stopped.result()["Success"]
        assert "Stopped while a call was running" in messages(stopped.result())
        assert resident.wait() == 130, resident.said()
