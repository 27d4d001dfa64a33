"""Every fault at every exchange: the table tests/faults/table.toml, and a chosen set of it on a real PowerShell.

A ``rule`` of the table says, for some faults at some WSMan actions in one ``moment``, what is right; each combination
in it is a case, once with a read (two repetitions allowed) and once with a change. Afterwards the same session, where
it lives, and else a new one, must read. What is compared are ``ASPECTS``.
"""

from __future__ import annotations

import itertools
import time
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bridge import errors
from bridge.actions import ACTIONS
from bridge.model import Call, Listener, Outcome, Record
from bridge.patience import Patience
from bridge.runner import run_call
from bridge.scripts import ScriptFolder
from bridge.session import Session
from tests.agent import Agent, running_agent

TABLE = tomllib.loads((Path(__file__).parents[1] / "faults" / "table.toml").read_text("utf-8"))
FAULTS: Mapping[str, str] = TABLE["codes"]
MOMENTS: Mapping[str, list[str]] = TABLE["moments"]
KINDS = ("read", "change")
RECORDS = ("verbose", "debug", "warning", "information", "progress", "error")
ASPECTS = ("status", "code", "executions", "events", "session", "next", "left", "pipelines")
PARAMETERS = {
    "read": ("account.find", {"user": "jane.doe@contoso.example"}),
    "change": ("group.grant", {"group": "staff@contoso.example", "member": "jane.doe@contoso.example"}),
}


@dataclass(frozen=True)
class Case:
    """One combination, with the rule that says what is right."""

    moment: str
    action: str
    fault: str
    after: bool
    kind: str
    rule: Mapping[str, Any]

    @property
    def spec(self) -> str:
        """What the simulator is told."""
        return f"{self.action}={self.fault}{'@after' if self.after and self.fault != 'lost' else ''}"

    @property
    def name(self) -> str:
        """Its id."""
        return f"{self.moment}-{self.spec}-{self.kind}"

    def right(self) -> dict[str, Any]:
        """What is right, aspect by aspect; executions and left are collections of what is allowed."""
        rule, status = self.rule, str(self.rule[self.kind])
        is_change = self.kind == "change"
        failed = status in ("failed", "unknown", "not opened")
        return {
            "status": status,
            "code": rule.get("code", FAULTS[self.fault]) if failed else "",
            "executions": rule.get("executions", [0]) if is_change else [0],
            "events": self._events(),
            "session": rule["session"],
            "next": "",
            "left": rule.get("left", ["disconnected"]),
            "pipelines": 0,
        }

    def _events(self) -> list[str]:
        """The rule's events, those that come together written out."""
        told = {**TABLE["told"], "reached": TABLE["told"]["reached"][self.moment]}
        if self.kind == "change":
            told["read repeated"] = []
        return [name for event in self.rule["events"] for name in told.get(event, [event])]


def selects(entry: Mapping[str, Any], moment: str, action: str, fault: str, *, after: bool) -> bool:
    """Whether an entry of the table is about this combination."""
    return (
        moment in entry.get("moments", MOMENTS)
        and action in entry.get("actions", MOMENTS[moment])
        and fault in entry.get("faults", FAULTS)
        and after in entry.get("after", [False, True])
    )


def combinations() -> Iterator[tuple[str, str, str, bool]]:
    """Moment, action, fault, and whether the work is done first: all that mean something."""
    for moment, actions in MOMENTS.items():
        for action, fault, after in itertools.product(actions, FAULTS, (False, True)):
            if not any(selects(entry, moment, action, fault, after=after) for entry in TABLE["left_out"]):
                yield moment, action, fault, after


def cases() -> list[Case]:
    """Every combination that a rule is about, with each kind."""
    return [
        Case(*combination, kind, rule)
        for rule in TABLE["rule"]
        for combination in combinations()
        if selects(rule, *combination[:3], after=combination[3])
        for kind in KINDS
        if kind in rule
    ]


CASES = {case.name: case for case in cases()}


class Told:
    """A listener and an observer that keep the names of what they are told of the session, in order."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def __call__(self, event: str, /, **facts: Any) -> None:
        """Keep one event of the session."""
        if event not in ("round trip", "script sent", "pipeline ended", *RECORDS):
            self.names.append(event)

    def sending(self, call: Call) -> None:
        """Nothing: only what happens afterwards is compared."""

    def record(self, call: Call, record: Record) -> None:
        """Keep that the runner repeats a read: the scripts have nothing to warn of here."""
        if record.stream == "warning":
            self.names.append("read repeated")

    def finished(self, call: Call, outcome: Outcome) -> None:
        """Nothing: the outcome is compared itself."""


class Bench:
    """One agent for many cases; each finds the organization as it was, and a warm runspace or none."""

    def __init__(self, agent: Agent, **timeouts: int) -> None:
        self.agent = agent
        self._timeouts = timeouts
        self._scripts = ScriptFolder()
        self._snapshot = agent.simulator.tenant.snapshot()

    def run(self, case: Case) -> dict[str, Any]:
        """What happened, aspect by aspect."""
        simulator, told = self.agent.simulator, Told()
        before = self._prepare(warm=case.moment != "opening")
        seen: dict[str, Any] = {"status": "not opened", "code": "", "session": "none", "next": ""}
        on_exit = "close" if case.action == "Delete" else "disconnect"
        with self._session(told, on_exit=on_exit) as session:
            if case.moment in ("opening", "taking over"):
                simulator.faults.add(case.spec)
            try:
                opened = session.open().shell_id
            except errors.AgentError as error:
                seen["code"] = error.code
            else:
                before = before or opened
                for spec in (*case.rule.get("with", []), case.spec) if case.moment == "call" else ():
                    simulator.faults.add(spec)
                outcome = self._call(case.kind, session, told)
                seen["status"], seen["code"] = str(outcome.status), outcome.problem.code if outcome.problem else ""
                self._settle()
                seen["next"] = self._read(session)
                shells = [shell.id for shell in simulator.shells() if shell.connected]
                seen["session"] = "same" if shells == [before] else "new"
            if case.moment == "leaving":
                simulator.faults.add(case.spec)
        assert simulator.faults.next(case.action) is None, "the fault was not met"
        self._settle()
        seen["events"] = told.names
        seen["executions"] = len(self.agent.changes())
        seen["left"] = self._left()
        seen["pipelines"] = sum(len(shell.pipelines()) for shell in simulator.shells())
        if case.moment != "call":
            seen["next"] = seen["next"] or self._next_session()
        return seen

    def _prepare(self, *, warm: bool) -> str:
        """The organization as it was, and the id of a warm runspace where one is wanted, else none at all."""
        simulator = self.agent.simulator
        simulator.tenant.restore(self._snapshot)
        shells = simulator.shells()
        if not warm or len(shells) != 1 or shells[0].connected or shells[0].pipelines():
            for shell in shells:
                shell.close()
        if warm and not simulator.shells():
            with self._session() as session:
                session.open()
        self.agent.records.clear()
        return "".join(shell.id for shell in simulator.shells())

    def _session(self, listener: Listener | None = None, **agent: Any) -> Session:
        """A session with the small time limits; the scripts are read once for all."""
        return Session(self.agent.settings(**self._timeouts, **agent), self._scripts, listener=listener)

    def _next_session(self) -> str:
        """A new session, when the agent has not heard of the last one for long: "" or what is wrong."""
        for shell in self.agent.simulator.shells():
            shell.used -= 100
        try:
            with self._session(wait_timeout=2) as session:
                session.open()
                if problem := self._read(session):
                    return problem
        except errors.BridgeError as error:
            return f"no new session: {error.message}"
        left = self._left()
        return "" if left == "disconnected" else f"after a new session: {left}"

    def _left(self) -> str:
        """The shells that are left, in a word each."""
        states = ["connected" if shell.connected else "disconnected" for shell in self.agent.simulator.shells()]
        return " and ".join(sorted(states)) or "none"

    def _settle(self) -> None:
        """Wait until nothing runs on the agent any more."""
        until = time.monotonic() + 10
        while any(running for shell in self.agent.simulator.shells() for _, running in shell.pipelines()):
            assert time.monotonic() < until, "a pipeline does not come to its end"
            time.sleep(0.01)

    def _read(self, session: Session) -> str:
        """One read: "" or its problem."""
        outcome = self._call("read", session)
        return f"{outcome.problem.code}: {outcome.problem.message}" if outcome.problem else ""

    @staticmethod
    def _call(kind: str, session: Session, *observers: Told) -> Outcome:
        action, parameters = PARAMETERS[kind]
        (call,) = ACTIONS[action].calls(parameters)
        return run_call(call, session, observers, patience=Patience(retries=2))


def differences(case: Case, seen: Mapping[str, Any]) -> dict[str, str]:
    """Where what happened is not what is right: by aspect, in words."""
    right, found = case.right(), {}
    for aspect in ASPECTS:
        wanted, got = right[aspect], seen[aspect]
        if got not in wanted if aspect in ("executions", "left") else got != wanted:
            found[aspect] = f"{got!r} instead of {wanted!r}"
    return found


@pytest.fixture(scope="module")
def contract_bench() -> Iterator[Bench]:
    """One agent without PowerShell for all cases. A silent agent is given up after two seconds."""
    with running_agent("contract") as agent:
        yield Bench(agent, operation_timeout=1, read_timeout=2)


@pytest.fixture(scope="module")
def pwsh_bench(pwsh_path: str) -> Iterator[Bench]:
    """One agent with a real PowerShell for the chosen cases."""
    with running_agent("pwsh", pwsh=pwsh_path) as agent:
        yield Bench(agent)


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """A read is repeated without half a second's wait."""
    monkeypatch.setattr("bridge.patience._FIRST_PAUSE", 0.01)


def check(bench: Bench, case: Case) -> None:
    """Run a case and compare."""
    seen = bench.run(case)
    executions = {"changed": [1], "unknown": [0, 1]}.get(seen["status"], [0])
    assert case.kind == "read" or seen["executions"] in executions, "that is not the truth"
    assert differences(case, seen) == {}


def test_the_table_says_something_about_every_combination() -> None:
    """Exactly one rule for each that means something, and none for another; a reason for each that is left out."""
    rules = [
        (combination, sum(selects(rule, *combination[:3], after=combination[3]) for rule in TABLE["rule"]))
        for combination in combinations()
    ]
    assert [combination for combination, count in rules if count != 1] == []
    assert all(entry["why"] for entry in TABLE["left_out"])
    assert set(TABLE["real"]["cases"]) <= set(CASES)


@pytest.mark.parametrize("section", ["rule", "left_out"])
def test_every_entry_of_the_table_is_about_something(section: str) -> None:
    """A misspelt moment, action, fault or key would make an entry mean nothing, or everything."""
    words = {"moments": set(MOMENTS), "actions": set(itertools.chain(*MOMENTS.values())), "faults": set(FAULTS)}
    others = {
        "rule": {*KINDS, "after", "code", "executions", "events", "session", "with", "left"},
        "left_out": {"after", "why"},
    }
    for entry in TABLE[section]:
        assert set(entry) <= {*words, *others[section]}
        assert all(set(entry.get(key, ())) <= allowed for key, allowed in words.items())


@pytest.mark.parametrize("name", CASES)
def test_fault_on_the_contract_engine(contract_bench: Bench, name: str) -> None:
    """Outcome, changes in the organization, what was told, and the session afterwards are what the table says."""
    check(contract_bench, CASES[name])


@pytest.mark.pwsh
@pytest.mark.parametrize("name", TABLE["real"]["cases"])
def test_fault_on_a_real_powershell(pwsh_bench: Bench, name: str) -> None:
    """The same, with a PowerShell that dies, runs on or waits as it really does."""
    check(pwsh_bench, CASES[name])
