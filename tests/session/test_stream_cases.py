"""Every case of a change under tests/cases comes out of a batch as it comes out of a single call, on both engines."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from bridge.actions import ACTIONS
from bridge.jea import write_files
from bridge.model import Call, Kind, Outcome, Record
from bridge.outcomes import outcome_of
from bridge.scripts import ScriptFolder
from bridge.session import Session
from tests.agent import running_agent
from tests.test_cases import CASES, Bench, agent_tenant, behave, run

CHANGES = [name for name in CASES if ACTIONS[name.partition("/")[0]].kind is Kind.CHANGE]

GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# Exchange's error ids name the request, and its time.
TIME = re.compile(r"TimeStamp=[^\]]+")


@pytest.fixture(scope="module")
def contract_bench() -> Iterator[Bench]:
    """The engine without PowerShell."""
    with running_agent("contract") as agent:
        bench = Bench(agent)
        yield bench
        bench.end_session()


@pytest.fixture(scope="module")
def pwsh_bench(pwsh_path: str) -> Iterator[Bench]:
    """A real PowerShell."""
    with running_agent("pwsh", pwsh=pwsh_path) as agent:
        bench = Bench(agent)
        yield bench
        bench.end_session()


def alone(session: Session, call: Call) -> tuple[Outcome, list[Record]]:
    """The outcome of one pipeline for the call, and its records."""
    records: list[Record] = []
    parameters = {**call.parameters, **({"dry_run": True} if call.dry_run else {})}
    reply = session.run(call.script, parameters, records.append, call_id=call.id)
    return outcome_of(call, reply, 0), records


def in_batch(session: Session, call: Call) -> tuple[Outcome, list[Record]]:
    """The outcome of the call in a batch, and its records."""
    (answer,) = session.batch([call.script], lambda _call, _record: None).answers([call])
    return outcome_of(call, answer.reply, answer.seconds), list(answer.records)


def shown(outcome: Outcome, records: list[Record]) -> list[str]:
    """What is compared: all but how long it took, and the ids that were made just now."""
    facts = {key: value for key, value in outcome.as_json().items() if key != "seconds"}
    facts |= facts["problem"] or {}
    lines = [f"{key}: {value}" for key, value in facts.items() if key != "problem"]
    text = "\n".join([*lines, *(f"{record.stream}: {record.message}" for record in records)])
    if outcome.action.endswith(".create"):
        text = GUID.sub("GUID", text)
    if outcome.problem and outcome.problem.request_id:
        text = text.replace(outcome.problem.request_id, "REQUEST")
    return TIME.sub("TIME", text).splitlines()


def check(bench: Bench, name: str) -> None:
    """Run a case both ways, each from the same state, and compare."""
    case: Mapping[str, Any] = tomllib.loads(CASES[name].read_text("utf-8"))
    (call,) = ACTIONS[name.partition("/")[0]].calls(case["parameters"], dry_run=case.get("dry_run", False))
    tenant, behaviour = agent_tenant(bench), case.get("tenant", {})
    before = tenant.snapshot()
    seen = []
    try:
        for step in case.get("setup", ()):
            assert run(bench.session({}), step["action"], step["parameters"]).status == "changed"
        prepared = tenant.snapshot()
        behave(bench, behaviour)
        session = bench.session(behaviour)
        for way in (alone, in_batch):
            tenant.restore(prepared)
            behave(bench, behaviour)
            bench.agent.records.clear()
            outcome, records = way(session, call)
            cmdlets = [(record.cmdlet, record.changed) for record in bench.agent.records]
            seen.append((shown(outcome, records), cmdlets))
    finally:
        tenant.restore(before)
        if behaviour:
            bench.end_session()

    assert seen[1] == seen[0]


@pytest.mark.parametrize("name", CHANGES)
def test_case_in_a_batch_on_the_contract_engine(contract_bench: Bench, name: str) -> None:
    """Outcome, records and cmdlets are the same."""
    check(contract_bench, name)


@pytest.mark.pwsh
@pytest.mark.parametrize("name", CHANGES)
def test_case_in_a_batch_on_a_real_powershell(pwsh_bench: Bench, name: str) -> None:
    """Outcome, records and cmdlets are the same where a real PowerShell runs the real script."""
    check(pwsh_bench, name)


@pytest.mark.parametrize("engine", ["contract", pytest.param("pwsh", marks=pytest.mark.pwsh)])
def test_cases_in_a_batch_of_a_jea_endpoint(engine: Any, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """The functions of the endpoint's module give the same as one at a time, errors included."""
    pwsh = request.getfixturevalue("pwsh_path") if engine == "pwsh" else None
    write_files(tmp_path, ScriptFolder(), r"CONTOSO\exo-bridge")
    names = ("changed", "not_found", "ambiguous", "dry_run")
    with running_agent(engine, pwsh=pwsh, jea=tmp_path / "ExoBridge.pssc") as agent:
        bench = Bench(agent)
        for name in CHANGES:
            if name.startswith("group.grant/") and any(word in name for word in names):
                check(bench, name)
        bench.end_session()


@pytest.mark.parametrize("engine", ["contract", pytest.param("pwsh", marks=pytest.mark.pwsh)])
def test_a_batch_of_a_jea_endpoint_runs_its_functions_alone(
    engine: Any, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """A command that is no function of the module is refused, though the batch itself may run any."""
    pwsh = request.getfixturevalue("pwsh_path") if engine == "pwsh" else None
    write_files(tmp_path, ScriptFolder(), r"CONTOSO\exo-bridge")
    with (
        running_agent(engine, pwsh=pwsh, jea=tmp_path / "ExoBridge.pssc") as agent,
        agent.session(on_exit="close") as session,
    ):
        session.open()
        call = Call("x", "process/Get-Process.ps1", Kind.CHANGE, {})
        (answer,) = session.batch([], lambda _call, _record: None).answers([call])

    assert [error.target for error in answer.reply.errors] == ["Get-ExoBridgeProcess"]
    assert not answer.reply.completed
