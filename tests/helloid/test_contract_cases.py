"""Every case under tests/helloid/cases, on both engines: request, tenant before, response, tenant after.

``[request]`` is the document of a wrapper, with ``{id:ADDRESS}`` for the id of whoever has that address. ``[[setup]]``
are actions before it, ``[tenant]`` is how the organization behaves meanwhile, ``[settings.SECTION]`` are settings.
``[expect]``: ``audit`` has the message of each audit line, one that begins with ``!`` is an error; ``response`` is what
the answer has at least (``*`` stands for any text), ``contains`` items that its lists have among others, ``lacks`` keys
that it does not have; ``exit_code`` is 0 unless given. ``changes`` are the cmdlets that changed something, none unless
it says which. ``after`` are reads whose rows are as they say; ``again`` is the audit of the same request once more.
"""

from __future__ import annotations

import itertools
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from bridge.helloid.service import handlers
from tests.agent import running_agent
from tests.helloid.bench import Answered, HelloIdBench, differs
from tests.helloid.requests import promised
from tests.test_cases import behave

FOLDER = Path(__file__).parent / "cases"
CASES = {f"{path.parent.name}/{path.stem}": path for path in sorted(FOLDER.glob("*/*.toml"))}
KEYS = frozenset(("title", "request", "setup", "tenant", "settings", "expect"))
EXPECTED = frozenset(("exit_code", "success", "audit", "response", "contains", "lacks", "changes", "after", "again"))


@pytest.fixture(scope="module")
def contract_bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HelloIdBench]:
    """The engine without PowerShell."""
    with running_agent("contract") as agent:
        bench = HelloIdBench(agent, tmp_path_factory.mktemp("contract"))
        yield bench
        bench.close()


@pytest.fixture(scope="module")
def pwsh_bench(pwsh_path: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[HelloIdBench]:
    """A real PowerShell."""
    with running_agent("pwsh", pwsh=pwsh_path) as agent:
        bench = HelloIdBench(agent, tmp_path_factory.mktemp("pwsh"))
        yield bench
        bench.close()


@pytest.mark.parametrize("name", CASES)
def test_case_on_the_contract_engine(contract_bench: HelloIdBench, name: str) -> None:
    """What the file says comes out, without PowerShell."""
    check(contract_bench, name)


@pytest.mark.pwsh
@pytest.mark.parametrize("name", CASES)
def test_case_on_a_real_powershell(pwsh_bench: HelloIdBench, name: str) -> None:
    """The same comes out when a real PowerShell runs the real scripts."""
    check(pwsh_bench, name)


def test_every_step_of_every_target_has_a_case_and_one_in_dry_run() -> None:
    """No handler is without a request that is really made, and none without one that is a preview."""
    found: dict[bool, set[tuple[str, str]]] = {False: set(), True: set()}
    for path in CASES.values():
        request = tomllib.loads(path.read_text("utf-8"))["request"]
        is_dry = request.get("dryRun", False) or request.get("actionContext", {}).get("DryRun", False)
        found[is_dry].add((request["action"], request["target"]))
    wanted = {(str(step), str(target)) for step, target in handlers()}

    assert {is_dry: sorted(wanted - made) for is_dry, made in found.items()} == {False: [], True: []}


def check(bench: HelloIdBench, name: str) -> None:
    """Run one case and compare."""
    case = tomllib.loads(CASES[name].read_text("utf-8"))
    expect = case["expect"]
    assert set(case) <= KEYS, "an unknown part would say nothing"
    assert set(expect) <= EXPECTED, "an unknown key in [expect] would compare nothing"
    snapshot, records = bench.tenant.snapshot(), bench.agent.records
    try:
        for step in case.get("setup", ()):
            assert bench.run(step["action"], step["parameters"]).status == "changed", step
        if case.get("tenant"):
            bench.close()
            behave(bench, case["tenant"])  # type: ignore[arg-type]  # it needs the agent alone, which both benches have
        bench.session()
        records.clear()
        answered = bench.ask(case["request"], **case.get("settings", {}))
        compare(bench, answered, expect)
        assert bench.agent.changes() == expect.get("changes", []), answered
        for look in expect.get("after", ()):
            rows = bench.run(look["action"], look.get("parameters", {})).rows
            assert differs(list(rows), bench.filled(look["rows"]), "after") == ""
        if "again" in expect:
            again = bench.ask(case["request"], **case.get("settings", {}))
            assert messages(again.document) == bench.filled(expect["again"])
    finally:
        bench.tenant.restore(snapshot)
        if case.get("tenant"):
            bench.close()


def compare(bench: HelloIdBench, answered: Answered, expect: Mapping[str, Any]) -> None:
    """The answer is what the case expects."""
    document = promised(answered.document)
    assert answered.exit_code == expect.get("exit_code", 0), document
    if "success" in expect:
        assert document["Success"] is expect["success"], document
    if "audit" in expect:
        told, wanted = messages(document), bench.filled(expect["audit"])
        pairs = list(itertools.zip_longest(told, wanted, fillvalue=""))
        assert [differs(*pair) for pair in pairs if differs(*pair)] == [], document
    assert differs(document, bench.filled(expect.get("response", {}))) == "", document
    for key, items in bench.filled(expect.get("contains", {})).items():
        for item in items:
            assert any(differs(one, item) == "" for one in document[key]), (item, document)
    for key in expect.get("lacks", ()):
        assert key not in document, document


def messages(document: Any) -> list[str]:
    """The messages of the audit, an error with ``!`` before it."""
    return [f"{'!' if line['IsError'] else ''}{line['Message']}" for line in document["AuditLogs"]]
