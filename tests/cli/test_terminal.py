"""``exo-bridge batch`` at a terminal: the question, the progress bar and Ctrl-C, as a person has them."""

from __future__ import annotations

import contextlib
import json
import os
import re
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.journal import Journal
from tests.agent import Agent
from tests.cli.conftest import Cli

# Windows has no pseudo terminals.
pty = pytest.importorskip("pty")
termios = pytest.importorskip("termios")

MAILBOXES = ("info", "sales", "invoices", "jane.doe", "john.obrien", "maria.garcia")
SECONDS = 60.0
# Makes the terminal the one that sends signals to this process, which does not ignore them, and becomes exo-bridge.
START = (
    "import fcntl, os, signal, sys, termios\n"
    "signal.signal(signal.SIGINT, signal.SIG_DFL)\n"
    "fcntl.ioctl(0, termios.TIOCSCTTY, 0)\n"
    "os.execv(sys.executable, [sys.executable, '-m', 'bridge', *sys.argv[1:]])\n"
)


class Terminal:
    """``exo-bridge`` with these arguments in a terminal of its own."""

    def __init__(self, *arguments: str) -> None:
        self.fd, slave = pty.openpty()
        self.before = termios.tcgetattr(slave)
        self.slave = slave
        self.screen = ""
        self.process = subprocess.Popen(
            [sys.executable, "-c", START, *arguments],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            env=os.environ | {"COLUMNS": "150", "TERM": "xterm", "NO_COLOR": "1"},
        )

    def wait_for(self, text: str) -> None:
        """Wait until this is on the screen."""
        ends = time.monotonic() + SECONDS
        while text not in self.screen:
            assert time.monotonic() < ends, self.screen
            self._read(0.1)

    def shows(self, text: str) -> None:
        """Wait until this is on the screen, while another thread waits for the end."""
        ends = time.monotonic() + SECONDS
        while text not in self.screen:
            assert time.monotonic() < ends, self.screen
            time.sleep(0.01)

    def type(self, keys: str) -> None:
        """Type these keys."""
        os.write(self.fd, keys.encode("ascii"))

    def wait_until_it_reads(self) -> None:
        """Wait until it sleeps: a signal in the moment between its question and its reading does not end the reading.

        Where the system has no /proc there is nothing to see, and a second must do.
        """
        state = Path(f"/proc/{self.process.pid}/stat")
        asleep = 0
        while asleep < 10:
            is_asleep = not state.exists() or state.read_text("ascii").rpartition(")")[2].split()[0] == "S"
            asleep = asleep + 1 if is_asleep else 0
            time.sleep(0.1)

    def end(self) -> int:
        """Wait for its end, and give the exit code."""
        ends = time.monotonic() + SECONDS
        while self.process.poll() is None:
            assert time.monotonic() < ends, self.screen
            self._read(0.1)
        self._read(0.1)
        return self.process.returncode

    @property
    def is_restored(self) -> bool:
        """Whether the terminal echoes and reads lines as before, and its cursor was shown again where it was hidden."""
        shown = self.screen.rfind("\x1b[?25h") >= self.screen.rfind("\x1b[?25l")
        return shown and termios.tcgetattr(self.slave) == self.before

    def close(self) -> None:
        """End what is left."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.fd)
        os.close(self.slave)

    def _read(self, seconds: float) -> None:
        while select.select([self.fd], [], [], seconds)[0]:
            with contextlib.suppress(OSError):
                self.screen += os.read(self.fd, 65536).decode("utf-8", "replace").replace("\r\n", "\n")
            seconds = 0


@pytest.fixture
def changes(tmp_path: Path) -> str:
    """A file with six changes."""
    file = tmp_path / "changes.csv"
    file.write_text("action,mailbox\n" + "".join(f"mailbox.hide,{one}@contoso.example\n" for one in MAILBOXES), "utf-8")
    return str(file)


@pytest.fixture
def terminals() -> Iterator[list[Terminal]]:
    """Those that a test opened; they are closed."""
    opened: list[Terminal] = []
    yield opened
    for terminal in opened:
        terminal.close()


@pytest.fixture
def asked(settings: str, journal: Path, changes: str, terminals: list[Terminal]) -> Terminal:
    """A terminal in which ``batch run`` asks whether to make the six changes."""
    terminals.append(Terminal("batch", "run", changes, "--settings", settings))
    terminals[0].wait_for("[y/N]: ")
    return terminals[0]


def test_yes(asked: Terminal, agent: Agent) -> None:
    """The plan is on the screen when it is asked, and after yes all of it is made."""
    assert "6 to change, 0 already so, 0 failed." in asked.screen
    assert "Make 6 changes in contoso.onmicrosoft.com?" in asked.screen
    # While the person thinks, the runspace is there for others.
    assert [shell.connected for shell in agent.simulator.shells()] == [False]
    assert agent.changes() == []
    asked.type("y\n")
    assert asked.end() == 0
    assert len(agent.changes()) == 6
    assert "6 changed." in asked.screen
    assert asked.is_restored


@pytest.mark.parametrize("keys", ["n\n", "\n", "\x03", "\x04"], ids=["no", "enter", "ctrl-c", "ctrl-d"])
def test_anything_else(asked: Terminal, agent: Agent, journal: Path, keys: str) -> None:
    """Every other end of the question changes nothing, leaves no run behind, and has the exit code 130."""
    asked.wait_until_it_reads()
    asked.type(keys)
    assert asked.end() == 130
    assert "nothing was changed" in asked.screen
    assert agent.changes() == []
    with Journal(journal) as found:
        assert list(found.runs()) == []
    assert asked.is_restored


def test_a_plan_is_shown_before_it_is_asked(
    cli: Cli, settings: str, journal: Path, changes: str, agent: Agent, terminals: list[Terminal], tmp_path: Path
) -> None:
    """``batch apply`` without approval shows the plan and asks; with nothing to change it asks nothing."""
    plan = str(tmp_path / "plan.json")
    assert cli("batch", "plan", changes, "--out", plan, "--settings", settings).code == 0
    terminals.append(terminal := Terminal("batch", "apply", plan, "--settings", settings))
    terminal.wait_for("[y/N]: ")
    assert "6 to change" in terminal.screen
    terminal.type("yes\n")
    assert terminal.end() == 0
    assert len(agent.changes()) == 6

    assert cli("batch", "plan", changes, "--out", plan, "--settings", settings).code == 0
    terminals.append(again := Terminal("batch", "apply", plan, "--settings", settings))
    assert again.end() == 0
    assert "[y/N]" not in again.screen


def test_the_bar(asked: Terminal) -> None:
    """A person sees how much is done, by outcome, how fast, and what it is about."""
    asked.type("y\n")
    assert asked.end() == 0
    bars = re.findall(r"Applying .*?(\d)/6 .*", asked.screen)
    assert bars
    assert re.search(r"\d changed +[\d.]+/s .*@contoso\.example", asked.screen)
    assert asked.is_restored


def test_ctrl_c_once(asked: Terminal, settings: str, agent: Agent) -> None:
    """What is under way comes to its end, the command that goes on is printed, and it does what is left, once."""
    pressed: list[str] = []

    def press(_record: object) -> None:
        if agent.changes() and not pressed:
            pressed.append("once")
            asked.type("\x03")
            asked.shows("Stopping after the item")

    agent.simulator.tenant.observers.append(press)
    asked.type("y\n")
    assert asked.end() == 130
    agent.simulator.tenant.observers.remove(press)
    made = len(agent.changes())
    assert 1 <= made < 6
    (command,) = re.findall(r"exo-bridge (batch resume \S+)", asked.screen)
    assert asked.is_restored

    done = subprocess.run(
        [sys.executable, "-m", "bridge", *command.split(), "--settings", settings],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "6 changed." in done.stdout
    assert len(agent.changes()) == 6


def test_ctrl_c_twice(asked: Terminal, settings: str, agent: Agent) -> None:
    """The running call is stopped, nothing further is begun, and the next resume finds out what became of it."""
    pressed: list[str] = []

    def press(_record: object) -> None:
        if agent.changes() and not pressed:
            pressed.append("twice")
            asked.type("\x03")
            asked.shows("Stopping after the item")
            asked.type("\x03")
            asked.shows("batch resume")

    agent.simulator.tenant.observers.append(press)
    asked.type("y\n")
    assert asked.end() == 130
    agent.simulator.tenant.observers.remove(press)
    assert asked.is_restored
    assert "Traceback" not in asked.screen
    resumed = subprocess.run(
        [sys.executable, "-m", "bridge", "batch", "resume", "--settings", settings, "--json"],
        # So long the change that was stopped is looked for before it is told as not made.
        env=os.environ | {"EXO_BRIDGE_EXCHANGE__VISIBILITY_TIMEOUT": "2"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert resumed.returncode == 0, resumed.stderr
    assert json.loads(resumed.stdout)["counts"]["changed"] == 6
    assert len(agent.changes()) == 6
