"""Many processes at once on one named runspace: each has its turn, also when some of them are killed."""

from __future__ import annotations

import getpass
import json
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from bridge.errors import RunspaceBusy
from bridge.session.lock import RunspaceLock
from tests.agent import Agent, running_agent

_GROUPS = ("development", "finance")
_PEOPLE = (
    "jane.doe",
    "maria.garcia",
    "sanne.devries",
    "pieter.jansen",
    "fatima.elamrani",
    "lukas.weber",
    "chloe.martin",
    "tom.baker",
    "oliver.stone",
    "alex.kim2",
)
CHANGES = [(f"{group}@contoso.example", f"{person}@contoso.example") for group in _GROUPS for person in _PEOPLE]
"""Group and member: twenty changes that are all still to be made in the demo organization."""

_LIMIT = 300
"""Seconds after which a process that has not ended counts as hanging."""


class Grant:
    """One process that makes one change. What it prints goes to files, so that it never waits for a reader."""

    def __init__(self, change: tuple[str, str], settings: Path, folder: Path) -> None:
        self.change = change
        self.killed = False
        group, member = change
        name = f"{group}-{member}".replace("@", "-")
        self._out, self._err, self._log = (folder / f"{name}.{suffix}" for suffix in ("out", "err", "jsonl"))
        arguments = ["group", "grant", "--group", group, "--member", member, "--settings", str(settings), "--json"]
        arguments += ["--log-file", str(self._log)]
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self._process = subprocess.Popen([sys.executable, "-m", "bridge", *arguments], stdout=out, stderr=err)

    def kill(self) -> None:
        """SIGKILL or TerminateProcess, unless it has ended by itself."""
        if self._process.poll() is None:
            self.killed = True
            self._process.kill()

    def end(self) -> None:
        """Nothing of it is left."""
        self._process.kill()
        self._process.wait()

    def wait(self) -> int:
        """Its exit code."""
        return self._process.wait(_LIMIT)

    def has_ended(self) -> bool:
        """Whether it has, one way or the other."""
        return self._process.poll() is not None

    def has_runspace(self) -> bool:
        """Whether it has had its turn, by its log."""
        if not self._log.exists():
            return False
        text = self._log.read_text("utf-8")
        return "runspace opened" in text or "runspace taken over" in text

    def status(self) -> str:
        """The status that it reported; empty when it was killed before that."""
        text = self._out.read_text("utf-8")
        if not text.endswith("\n"):
            return ""
        document: dict[str, Any] = json.loads(text)
        outcomes = document.get("outcomes") or [{"status": str(document)}]
        return str(outcomes[0]["status"])

    def said(self) -> str:
        """What it printed, for a failed test."""
        return self._out.read_text("utf-8") + self._err.read_text("utf-8")


@pytest.fixture
def wire_log(tmp_path: Path) -> Path:
    """What the agent was asked, line by line."""
    return tmp_path / "wire.jsonl"


@pytest.fixture
def agent(wire_log: Path) -> Iterator[Agent]:
    """An agent in this process."""
    with running_agent("contract", wire_log=wire_log) as agent:
        yield agent


def settings_file(agent: Agent, folder: Path, **keys: int) -> Path:
    """A settings file that reaches the agent; ``keys`` are added to [agent]."""
    file = folder / "settings.toml"
    agent.simulator.write_settings(file)
    added = "\n".join(f"{key} = {value}" for key, value in keys.items())
    file.write_text(file.read_text("utf-8").replace("[agent]", f"[agent]\n{added}", 1), "utf-8")
    return file


def made(agent: Agent) -> list[tuple[str, str]]:
    """The changes that the organization saw, in order, by address."""
    state = agent.simulator.tenant.snapshot()
    address = {thing.guid: thing.primary_smtp_address for thing in (*state.accounts, *state.groups)}
    changes = [record.parameters for record in agent.records if record.changed]
    return [(address[change["Identity"]], address[change["Member"]]) for change in changes]


def comings_and_goings(wire_log: Path) -> list[str]:
    """What clients successfully did to shells as a whole, in order: Create, Connect, Disconnect, Delete."""
    lines = [json.loads(line) for line in wire_log.read_text("utf-8").splitlines()]
    wanted = ("Create", "Connect", "Disconnect", "Delete")
    return [line["action"] for line in lines if line["action"] in wanted and line["status"] == 200]


def test_twenty_processes_have_their_turn(agent: Agent, tmp_path: Path, wire_log: Path) -> None:
    """All succeed; one opens the runspace and connects Exchange, the others come and go one by one, and it is left."""
    settings = settings_file(agent, tmp_path, wait_timeout=_LIMIT)
    with ExitStack() as stack:
        grants = [Grant(change, settings, tmp_path) for change in CHANGES]
        for grant in grants:
            stack.callback(grant.end)
        for grant in grants:
            assert grant.wait() == 0, grant.said()
    assert [grant.status() for grant in grants] == ["changed"] * len(CHANGES)
    assert sorted(made(agent)) == sorted(CHANGES)
    assert agent.logons() == 1
    assert comings_and_goings(wire_log) == ["Create", "Disconnect"] + ["Connect", "Disconnect"] * (len(CHANGES) - 1)
    (shell,) = agent.simulator.shells()
    assert (shell.name, shell.connected) == ("exo-bridge", False)


def test_killed_processes_do_no_harm(agent: Agent, tmp_path: Path) -> None:
    """A third is killed: no change is made twice, what was reported was made, and others and later ones go on.

    Twelve processes here, not twenty: whoever comes after a killed client waits until that one counts as dead, ten
    seconds at least.
    """
    chance = random.Random(4)  # noqa: S311  # a repeatable choice, no secret
    changes = CHANGES[:12]
    settings = settings_file(
        agent, tmp_path, wait_timeout=_LIMIT, operation_timeout=2, read_timeout=3, abandoned_after=10
    )
    with ExitStack() as stack:
        grants = [Grant(change, settings, tmp_path) for change in changes]
        for grant in grants:
            stack.callback(grant.end)
        victims = chance.sample(grants, len(grants) // 3)
        kill_at_random_moments(victims, agent, chance)
        assert any(victim.killed for victim in victims)
        survivors = [grant for grant in grants if not grant.killed]
        for grant in survivors:
            assert grant.wait() == 0, grant.said()
        last = Grant(CHANGES[-1], settings, tmp_path)
        stack.callback(last.end)
        assert last.wait() == 0, last.said()

    done = made(agent)
    assert len(done) == len(set(done))
    assert {grant.status() for grant in survivors} == {"changed"}
    reported = {grant.change for grant in (*grants, last) if grant.status() == "changed"}
    assert reported <= set(done) <= {*changes, last.change}
    (shell,) = agent.simulator.shells()
    assert (shell.name, shell.connected) == ("exo-bridge", False)


def kill_at_random_moments(victims: list[Grant], agent: Agent, chance: random.Random) -> None:
    """Kill the first victim a random moment after it got the runspace, and each other one at any time.

    Any time is a random moment after a random number of changes was made, so that it falls into the time in which
    the processes are at work, however fast the machine is.
    """
    first, *others = victims
    counts = {victim: chance.randrange(8) for victim in others}
    delays = {victim: chance.uniform(0.0, 0.15) for victim in victims}
    waiting = list(victims)
    at: dict[Grant, float] = {}

    def is_due(victim: Grant) -> bool:
        reached = victim.has_runspace() if victim is first else len(agent.changes()) >= counts[victim]
        return reached or victim.has_ended()

    while waiting or at:
        for victim in [victim for victim in waiting if is_due(victim)]:
            waiting.remove(victim)
            at[victim] = time.monotonic() + delays[victim]
        for victim in [victim for victim, moment in at.items() if time.monotonic() >= moment]:
            del at[victim]
            victim.kill()
        time.sleep(0.01)


def test_an_account_without_a_name_has_its_turn_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A task on Windows whose environment names no account gets the runspace, and who waits is told that."""

    def nameless() -> str:
        raise ImportError("No module named 'pwd'")  # what Python says there, before 3.13

    monkeypatch.setattr(getpass, "getuser", nameless)
    first, second = RunspaceLock("agent", tmp_path), RunspaceLock("agent", tmp_path)
    assert first.acquire(1, print) is None
    try:
        holder = second.acquire(0, lambda _: None)
    finally:
        first.release()
    assert holder is not None
    assert holder.user == "an account without a name"


def test_waiting_for_a_client_elsewhere_is_told_once(
    agent: Agent, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long one waits for a client on another machine, the log has one line about it and no more."""
    told: list[str] = []

    def listen(event: str, /, **_facts: Any) -> None:
        told.append(event)

    with agent.session() as other:
        other.open()
        with monkeypatch.context() as patch:
            # Another machine has another line to wait in.
            for name in ("XDG_STATE_HOME", "LOCALAPPDATA"):
                patch.setenv(name, str(tmp_path))
            with agent.session(wait_timeout=2, listener=listen) as session, pytest.raises(RunspaceBusy):
                session.open()
    assert told.count("waiting for the runspace") == 1
