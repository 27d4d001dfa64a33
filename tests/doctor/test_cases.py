"""Each defect of cases.toml: the right check sees it, no other does, and the remedy takes it away."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from bridge.doctor import CHECKS, NAMES, Finding, Health
from tests.doctor.bench import TEMP_VARIABLE, Case

CASES: list[dict[str, Any]] = tomllib.loads(Path(__file__).with_name("cases.toml").read_text("utf-8"))["case"]
RUNS = [
    pytest.param(case, engine, id=f"{case['title']}-{engine}", marks=[pytest.mark.pwsh] if engine == "pwsh" else [])
    for case in CASES
    for engine in case.get("engines", ["contract"])
]
FIXED = ("orphaned-shells", "temp-litter")


@pytest.fixture(autouse=True)
def _temporary_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a case sets is put back."""
    monkeypatch.setenv(TEMP_VARIABLE, "")


def start(case: dict[str, Any], engine: str, folder: Path, request: pytest.FixtureRequest) -> Case:
    """The case, not started yet."""
    return Case(case, engine, folder, request.getfixturevalue("pwsh_path") if engine == "pwsh" else None)


def dependents(name: str) -> set[str]:
    """The checks that need this one, directly or not."""
    found: set[str] = set()
    for check in CHECKS:
        if {name, *found} & set(check.needs):
            found.add(check.name)
    return found


@pytest.mark.parametrize(("case", "engine"), RUNS)
def test_a_defect(case: dict[str, Any], engine: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """The check that is named sees it, with what to do; what needs it is skipped, and all others are well."""
    status = Health(case.get("status", "failed"))
    with start(case, engine, tmp_path, request) as running:
        findings = {finding.name: finding for finding in running.walk()}
        seen = findings[case["check"]]
        text = f"{seen.seen} {seen.remedy}"
        assert (seen.status, seen.cause) == (status, case["cause"]), text
        assert case["seen"] in seen.seen
        assert case["remedy"] in seen.remedy
        assert not [secret for secret in running.secrets() if secret and secret in text]
        assert tuple(findings) == NAMES
        check_the_others(case, findings, status)
        if not case.get("stays"):
            fix = case["cause"] in FIXED
            if not fix:
                running.repair()
            after = running.walk(only=(case["check"],), fix=fix)[-1]
            assert (after.name, after.status) == (case["check"], Health.OK), after
            if fix:
                assert running.walk(only=(case["check"],))[-1].status is Health.OK


def check_the_others(case: dict[str, Any], findings: dict[str, Finding], status: Health) -> None:
    """What needs the check is skipped, and all others are well."""
    broken = {case["check"]} if status is Health.FAILED else set()
    broken |= set(case.get("also", ()))
    skipped = {name for one in broken for name in dependents(one)}
    for name, finding in findings.items():
        if name in skipped:
            assert finding.status is Health.SKIPPED, finding
        elif name not in {case["check"], *case.get("also", ())}:
            assert finding.status is Health.OK, finding
    for name in case.get("also", ()):
        assert findings[name].status is Health.FAILED
