"""Every case under tests/cases, on both engines, through session and runner.

A case is a file: the action is its folder. ``setup`` are calls that prepare the organization, ``[tenant]`` is how it
behaves meanwhile, ``[expect]`` is what must come out. Of ``rows``, ``before`` and ``after`` only the keys that stand
there are compared; ``changes`` are the cmdlets that changed something, none unless it says which; ``again`` is the
status of the same call once more.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from bridge.actions import ACTIONS
from bridge.model import Call, Outcome
from bridge.runner import run_call
from bridge.session import Session
from tests.agent import Agent, running_agent

FOLDER = Path(__file__).parent / "cases"
CASES = {f"{path.parent.name}/{path.stem}": path for path in sorted(FOLDER.glob("*/*.toml"))}
EXPECTED = frozenset(
    (
        "status",
        "reason",
        "code",
        "message",
        "identity",
        "before",
        "after",
        "rows",
        "row_count",
        "contains",
        "lacks",
        "changes",
        "arguments",
        "again",
    )
)


class Bench:
    """One agent and one open runspace for all the cases that leave the organization's behaviour as it is."""

    def __init__(self, agent: Agent) -> None:
        self.agent = agent
        self._session: Session | None = None

    def session(self, tenant: Mapping[str, Any]) -> Session:
        """An open session; a new runspace where the organization behaves otherwise than before."""
        if tenant and self._session:
            self.end_session()
        if self._session is None:
            self._session = self.agent.session(on_exit="close")
            self._session.open()
        return self._session

    def end_session(self) -> None:
        """The next case gets a new runspace."""
        if self._session:
            self._session.close()
            self._session = None


@pytest.fixture(scope="session")
def contract_bench() -> Iterator[Bench]:
    """The engine without PowerShell."""
    with running_agent("contract") as agent:
        bench = Bench(agent)
        yield bench
        bench.end_session()


@pytest.fixture(scope="session")
def pwsh_bench(pwsh_path: str) -> Iterator[Bench]:
    """A real PowerShell."""
    with running_agent("pwsh", pwsh=pwsh_path) as agent:
        bench = Bench(agent)
        yield bench
        bench.end_session()


@pytest.mark.parametrize("name", CASES)
def test_case_on_the_contract_engine(contract_bench: Bench, name: str) -> None:
    """What the file says comes out, without PowerShell."""
    check(contract_bench, name)


@pytest.mark.pwsh
@pytest.mark.parametrize("name", CASES)
def test_case_on_a_real_powershell(pwsh_bench: Bench, name: str) -> None:
    """The same comes out when a real PowerShell runs the real script."""
    check(pwsh_bench, name)


@pytest.mark.parametrize("action", ACTIONS)
def test_every_action_has_its_cases(action: str) -> None:
    """Changed and unchanged, dry run, not found, ambiguous, no role and odd characters, as far as it takes anything."""
    names = " ".join(path.stem for name, path in CASES.items() if name.startswith(f"{action}/"))
    wanted = ["no_role"] if action != "shared-mailbox.list" else ["throttled"]
    fields = {name for name, field in ACTIONS[action].parameters.model_fields.items() if field.annotation is not bool}
    if fields:
        wanted += ["odd_characters"]
    if fields - {"where", "attribute"}:  # these name no single object
        wanted += ["not_found", "ambiguous"]
    if "dry_run" in names or ACTIONS[action].kind == "change":
        wanted += ["changed", "dry_run"]

    assert [word for word in wanted if word not in names] == []


def check(bench: Bench, name: str) -> None:
    """Run one case and compare."""
    case = tomllib.loads(CASES[name].read_text("utf-8"))
    action = name.partition("/")[0]
    expect = case["expect"]
    assert set(expect) <= EXPECTED, "an unknown key in [expect] would compare nothing"
    agent, tenant = bench.agent, agent_tenant(bench)
    snapshot = tenant.snapshot()
    try:
        for step in case.get("setup", ()):
            assert run(bench.session({}), step["action"], step["parameters"]).status == "changed"
        behave(bench, case.get("tenant", {}))
        session = bench.session(case.get("tenant", {}))
        agent.records.clear()
        outcome = run(session, action, case["parameters"], dry_run=case.get("dry_run", False))
        compare(outcome, expect)
        assert agent.changes() == expect.get("changes", [])
        if "arguments" in expect:
            sent = [record.parameters for record in agent.records if record.changed][-1]
            assert {key: sent.get(key) for key in expect["arguments"]} == expect["arguments"]
        if "again" in expect:
            again = run(session, action, case["parameters"], dry_run=case.get("dry_run", False))
            assert str(again.status) == expect["again"]
    finally:
        tenant.restore(snapshot)
        if case.get("tenant"):
            bench.end_session()


def agent_tenant(bench: Bench) -> Any:
    """The organization behind the agent."""
    return bench.agent.simulator.tenant


def behave(bench: Bench, behaviour: Mapping[str, Any]) -> None:
    """Set how the organization behaves: ``denied`` roles, ``manager_bypass``, ``throttle``."""
    tenant = agent_tenant(bench)
    for key, value in behaviour.items():
        if key == "denied":
            tenant.denied = set(value)
        elif key == "manager_bypass":
            tenant.directory.manager_bypass = value
        elif key == "throttle":
            for name, setting in value.items():
                setattr(tenant.throttle, name, setting)
            tenant.throttle.calls = 0
        else:
            pytest.fail(f"[tenant] {key} is not known here")


def run(session: Session, action: str, parameters: Mapping[str, Any], *, dry_run: bool = False) -> Outcome:
    """One call and its outcome."""
    call: Call
    (call,) = ACTIONS[action].calls(parameters, dry_run=dry_run)
    return run_call(call, session)


def compare(outcome: Outcome, expect: Mapping[str, Any]) -> None:
    """The outcome is what the case expects."""
    shown = {**outcome.as_json(), "rows": list(outcome.rows)}
    assert str(outcome.status) == expect["status"], shown
    assert (outcome.problem is None) == ("code" not in expect), shown
    if outcome.problem:
        assert outcome.problem.code == expect["code"], shown
        assert outcome.problem.message
        assert outcome.problem.remedy
        assert expect.get("message", "").lower() in outcome.problem.message.lower(), shown
    if "reason" in expect:
        assert outcome.reason == expect["reason"], shown
    if "identity" in expect:
        assert outcome.identity, shown
        assert outcome.identity.name == expect["identity"]
        assert len(outcome.identity.id) == 36
    for part in ("before", "after"):
        assert has(getattr(outcome, part), expect.get(part, {})), shown
    if "rows" in expect:
        assert len(outcome.rows) == len(expect["rows"]), shown
        assert all(has(row, wanted) for row, wanted in zip(outcome.rows, expect["rows"], strict=True)), shown
    if "row_count" in expect:
        assert len(outcome.rows) == expect["row_count"], shown
    for wanted in expect.get("contains", ()):
        assert any(has(row, wanted) for row in outcome.rows), shown
    for unwanted in expect.get("lacks", ()):
        assert not any(has(row, unwanted) for row in outcome.rows), shown


def has(row: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether the row has these values."""
    return all(row.get(key) == value for key, value in wanted.items())
