"""An hour of simulated life: clients that come, work and go while everything fails now and then; then the accounts.

Rules:

- Time is made to pass between the steps, for the agent and the organization: idle shells and tokens end, and the
  runspaces grow old. Everything else is real, and everything random follows from the seed, which names the test.
- Each change gives another person access to another mailbox, so that the organization's record says how often it was
  executed.
- What is looked at afterwards is what a person has: the clients' logs, next to the agent's own record of its faults.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import json
import random
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from bridge import errors
from bridge.actions import ACTIONS
from bridge.logs import Log, LogObserver, configure
from bridge.model import Outcome
from bridge.patience import Patience
from bridge.runner import run_call
from bridge.session import Session
from tests.agent import Agent, running_agent

SEEDS = range(4)
HOUR = 3600.0
LIMITS: dict[str, Any] = {
    "operation_timeout": 1,
    "read_timeout": 2,
    "abandoned_after": 20,
    "wait_timeout": 0,
    "recycle_age": 900,
    "recycle_pipelines": 8,
}
TOKEN_SECONDS = 500.0
MAILBOXES = ("info@contoso.example", "sales@contoso.example", "invoices@contoso.example")
PEOPLE = tuple(
    f"{name}@contoso.example"
    for name in (
        "jane.doe",
        "john.obrien",
        "alex.kim",
        "alex.kim2",
        "sanne.devries",
        "pieter.jansen",
        "fatima.elamrani",
        "lukas.weber",
        "chloe.martin",
        "wei.zhang",
        "aisha.khan",
        "tom.baker",
    )
)
FAULTS = (
    *("reset", "close", "lost", "garbage", "truncated", "empty", "401", "status:502", "status:503", "fault:995"),
    *("fault:2150858793", "fault:2150858843", "quota", "shell-gone", "kill", "shell-gone@after", "kill@after"),
    *("hang:0.05", "reset@after", "garbage@after"),
)
WHERE = (*("Command", "Receive", "Signal") * 3, "Enumerate", "Create", "Send", "Connect", "Disconnect", "Delete")
QUIET = {"round trip", "verbose", "debug", "information", "progress", "script sent", "pipeline ended"}
"""What a log says without telling that anything is the matter."""
TELLS = {
    "Enumerate": {"session not opened", "finished"},
    "Create": {"session not opened", "finished"},
    "Connect": {"runspace gone", "session not opened"},
    "Send": {"runspace lost", "session not opened", "finished"},
    "Command": {"runspace lost", "session not opened", "warning", "finished"},
    "Receive": {"runspace gone", "runspace lost", "session not opened", "warning", "finished"},
    "Signal": {"pipeline not closed"},
    "Disconnect": {"runspace not disconnected", "runspace gone", "session not opened"},
    "Delete": {"runspace not closed", "runspace gone"},
}
"""By the action of an exchange that failed: what the log must say next to tell what that meant."""
REASONS = {"runspace lost", "runspace gone", "runspace replaced", "runspace recycled"}
LOGON_REASONS = {"runspace opened", "runspace taken over", "runspace kept", "exchange connection lost", "token ends"}
AGENT_CODES = {
    kind.code for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.AgentError)
}
HARMLESS = {
    ("Delete", "fault 2150858843"),
    ("Signal", "fault 2150858843"),
    ("Receive", "fault 2150858793"),
}
"""What an agent may answer without anything being the matter: gone is what was wanted, and no output yet."""


@dataclass
class Step:
    """One thing that a client did: what its log says of it, and which faults the agent had meanwhile."""

    what: str
    had_shell: bool
    after_failure: bool
    lines: list[dict[str, Any]] = field(default_factory=list)
    injected: list[tuple[str, str]] = field(default_factory=list)

    def events(self) -> list[str]:
        """The names of what was logged, in order."""
        return [line["event"] for line in self.lines]


class Client:
    """Somebody with a runspace of its own name; each session of it is as another process would have it."""

    def __init__(self, agent: Agent, name: str, folder: Path, rng: random.Random) -> None:
        self.name = name
        self.session: Session | None = None
        self.failed = False
        self._agent = agent
        self._rng = rng
        self._file = folder / f"{name}.jsonl"
        self.log: Log = configure(file=self._file, file_level="debug", verbosity=2, stream=io.StringIO())
        self._read = 0

    def open(self) -> str:
        """Begin a session; a failure is logged as a command would tell it. What is the matter, or ""."""
        on_exit = self._rng.choice(["disconnect", "disconnect", "disconnect", "close"])
        session = self._agent.session(listener=self.log.listen, runspace_name=self.name, on_exit=on_exit, **LIMITS)
        try:
            session.open()
        except errors.BridgeError as error:
            self.log.event("session not opened", error=error.message)
            session.leave()
            return error.code
        self.session = session
        return ""

    def call(self, action: str, **parameters: Any) -> Outcome:
        """One call in the open session."""
        assert self.session is not None
        (call,) = ACTIONS[action].calls(parameters)
        outcome = run_call(call, self.session, [LogObserver(self.log)], patience=Patience(retries=2))
        self.failed = outcome.problem is not None and outcome.problem.code in AGENT_CODES
        return outcome

    def leave(self) -> None:
        """End the session, if there is one."""
        if self.session is not None:
            self.session.leave()
        self.session, self.failed = None, False

    def news(self) -> list[dict[str, Any]]:
        """The lines of the log since the last time."""
        lines = self._file.read_text("utf-8").splitlines() if self._file.exists() else []
        new, self._read = lines[self._read :], len(lines)
        return [json.loads(line) for line in new]


class Hour:
    """The clients, the steps that they take, and how each change was reported."""

    def __init__(self, agent: Agent, folder: Path, seed: int) -> None:
        # Chance must be the same in every run, and keeps no secret.
        self.rng = random.Random(seed)  # noqa: S311
        self.agent = agent
        self.clients = [Client(agent, name, folder, self.rng) for name in ("desk", "night", "helpdesk")]
        self.steps: list[Step] = []
        self.reported: dict[tuple[str, str], str] = {}
        self._changes = list(itertools.product(MAILBOXES, PEOPLE))
        self.rng.shuffle(self._changes)
        self._wire = folder / "wire.jsonl"
        self._seen = 0

    def live(self) -> None:
        """An hour of steps, with a fault now and then, and in some hours a long silence of the agent."""
        simulator, passed = self.agent.simulator, 0.0
        if self.rng.random() < 0.4:
            simulator.faults.add(f"{self.rng.choice(['Command', 'Receive'])}#{self.rng.randint(10, 40)}=hang:2.2")
        while passed < HOUR:
            if self.rng.random() < 0.4:
                simulator.faults.add(f"{self.rng.choice(WHERE)}={self.rng.choice(FAULTS)}")
            self.step(self.rng.choice(self.clients))
            seconds = 400.0 if self.rng.random() < 0.03 else self.rng.uniform(15, 75)
            simulator.pass_time(seconds)
            passed += seconds

    def end(self) -> None:
        """No faults any more: each client leaves what it has, and a new session of it must do all there is to do."""
        simulator = self.agent.simulator
        for action in set(WHERE):
            while simulator.faults.next(action) is not None:
                pass
        for client in self.clients:
            with self._stepping(client, "leave"):
                client.leave()
        simulator.pass_time(LIMITS["abandoned_after"] + 10.0)
        for client in self.clients:
            with self._stepping(client, "open"):
                assert client.open() == ""
            for action in ("read", "change"):
                with self._stepping(client, "call"):
                    assert self._call(client, action).problem is None
            with self._stepping(client, "leave"):
                client.leave()

    def step(self, client: Client) -> None:
        """One thing that this client does."""
        if client.session is None:
            with self._stepping(client, "open"):
                client.open()
        elif self.rng.random() < 0.15:
            with self._stepping(client, "leave"):
                client.leave()
        else:
            with self._stepping(client, "call"):
                self._call(client, self.rng.choice(["read", "change"]))

    def _call(self, client: Client, kind: str) -> Outcome:
        if kind == "read" or not self._changes:
            return client.call("account.find", user=self.rng.choice(PEOPLE))
        mailbox, user = self._changes.pop()
        outcome = client.call("shared-mailbox.grant", mailbox=mailbox, user=user, right=["full-access"])
        self.reported[mailbox, user] = str(outcome.status)
        return outcome

    @contextlib.contextmanager
    def _stepping(self, client: Client, what: str) -> Iterator[None]:
        had = any(shell.name == client.name for shell in self.agent.simulator.shells())
        step = Step(what, had, client.failed)
        yield
        while any(running for shell in self.agent.simulator.shells() for _, running in shell.pipelines()):
            time.sleep(0.01)
        step.lines = client.news()
        lines = self._wire.read_text("utf-8").splitlines()
        new, self._seen = [json.loads(line) for line in lines[self._seen :]], len(lines)
        step.injected = [(line["action"], line["injected"]) for line in new if line["injected"]]
        self.steps.append(step)

    def executions(self) -> Counter[tuple[str, str]]:
        """How often the organization gave a person access to a mailbox, by their addresses."""
        address = {thing.guid: thing.primary_smtp_address for thing in self.agent.simulator.tenant.directory.accounts()}
        return Counter(
            (address[record.parameters["Identity"]], address[record.parameters["User"]])
            for record in self.agent.records
            if record.changed
        )


def is_failure(line: dict[str, Any]) -> bool:
    """Whether a round trip of the log failed in a way that must mean something."""
    return line["answer"] != "ok" and (line["wsman"], line["answer"]) not in HARMLESS


def breaks(action: str, what: str) -> bool:
    """Whether a fault of the agent's breaks the exchange, so that the client has no answer to it, or a refusal."""
    if what.startswith(("hang", "shell-gone", "kill")):
        return False
    return (action, what.removesuffix("@after").replace(":", " ")) not in HARMLESS


def check_changes(hour: Hour) -> None:
    """Changed is exactly once in the organization's record, failed never, unknown either; nothing else is there."""
    executions = hour.executions()
    allowed = {"changed": {1}, "unchanged": {0}, "failed": {0}, "unknown": {0, 1}}
    wrong = {
        change: (status, executions[change])
        for change, status in hour.reported.items()
        if executions[change] not in allowed[status]
    }
    assert wrong == {}
    assert set(executions) <= set(hour.reported)
    assert len(hour.reported) > 5


def check_faults(hour: Hour) -> None:
    """A fault that broke an exchange is a round trip that failed, and the log says next what that meant."""
    for step in hour.steps:
        failed = Counter(line["wsman"] for line in step.lines if line["event"] == "round trip" and is_failure(line))
        broken = Counter(action for action, what in step.injected if breaks(action, what))
        assert broken <= failed, step
        for number, line in enumerate(step.lines):
            if line["event"] == "round trip" and is_failure(line):
                told = {later["event"] for later in step.lines[number:]}
                assert told & TELLS[line["wsman"]], (line, step)


def check_rebuilds(hour: Hour) -> None:
    """A runspace is opened in place of one that the log says was lost, and Exchange connected for a reason too."""
    for step in hour.steps:
        events = step.events()
        for number, event in enumerate(events):
            before = set(events[:number])
            if event == "runspace opened":
                is_first = step.what == "open" and not step.had_shell and "runspace taken over" not in before
                assert is_first or before & REASONS, step
            if event == "connecting exchange":
                assert before & LOGON_REASONS, step


def check_mending(hour: Hour) -> None:
    """What is unknown says where to look; the next call first tells whether the runspace was kept or lost."""
    for step in hour.steps:
        for line in step.lines:
            if line["event"] == "finished" and line["status"] in ("failed", "unknown"):
                assert line["problem"]["message"], step
                assert line["problem"]["remedy"], step
        if step.what == "call" and step.after_failure:
            told = [event for event in step.events() if event not in QUIET]
            assert told[0] == "sending", step
            assert told[1] in {"runspace kept", "pipeline not closed", *REASONS}, step


def check_fullness(hour: Hour) -> None:
    """Otherwise the other tests would show little: calls, faults, lost and recycled runspaces, ended tokens."""
    counts = Counter(event for step in hour.steps for event in step.events())
    assert sum(len(step.injected) for step in hour.steps) >= 10
    assert counts["finished"] >= 25
    assert counts["runspace lost"] + counts["runspace gone"]
    assert counts["runspace recycled"] + counts["exchange connection lost"] + counts["runspace kept"]


@pytest.mark.parametrize("seed", SEEDS)
def test_an_hour_of_life(seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It ends with sessions that work, every change is as it was reported, and the logs explain every step."""
    monkeypatch.setattr("bridge.patience._FIRST_PAUSE", 0.01)
    with running_agent("contract", wire_log=tmp_path / "wire.jsonl") as agent, contextlib.ExitStack() as stack:
        agent.simulator.tenant.token_seconds = TOKEN_SECONDS
        hour = Hour(agent, tmp_path, seed)
        for client in hour.clients:
            stack.callback(client.log.close)
        hour.live()
        hour.end()
    # The agent has ended, so nothing is executed any more.
    for check in (check_changes, check_faults, check_rebuilds, check_mending, check_fullness):
        check(hour)
