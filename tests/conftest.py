"""What all tests share: a clean environment, agents, and a real PowerShell where there is one."""

from __future__ import annotations

import os
import shutil
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from tests.agent import Agent, running_agent


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Where a PowerShell was named, a test on the real engine that is skipped all the same is a failure."""
    report = yield
    is_skipped = report.skipped and not hasattr(report, "wasxfail")  # an expected failure did run
    if is_skipped and item.get_closest_marker("pwsh") and os.environ.get("EXO_BRIDGE_PWSH"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped although EXO_BRIDGE_PWSH is set"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_xdist_auto_num_workers() -> Generator[None, int, int]:
    """One worker more than there are cores: tests wait half of their time. What somebody asks for is what they get."""
    count = yield
    return count if "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ else count + 1


@pytest.fixture(scope="session")
def pwsh_path() -> str:
    """The path of a PowerShell; a test that asks for it is skipped where there is none."""
    path = os.environ.get("EXO_BRIDGE_PWSH") or shutil.which("pwsh") or ""
    if not path:
        pytest.skip("no PowerShell: EXO_BRIDGE_PWSH is not set and there is no pwsh on PATH")
    if not Path(path).is_file():
        pytest.fail(f"EXO_BRIDGE_PWSH names no file: {path}")
    return path


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No setting of whoever runs the tests reaches a test, and no log or setting of a test reaches them."""
    for name in list(os.environ):
        if name.startswith("EXO_BRIDGE_") and name != "EXO_BRIDGE_PWSH":
            monkeypatch.delenv(name)
    places = tmp_path_factory.mktemp("home")
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME", "LOCALAPPDATA", "APPDATA"):
        monkeypatch.setenv(name, str(places))


@pytest.fixture(params=["contract", pytest.param("pwsh", marks=pytest.mark.pwsh)])
def agent(request: pytest.FixtureRequest) -> Iterator[Agent]:
    """An agent on each engine."""
    pwsh = request.getfixturevalue("pwsh_path") if request.param == "pwsh" else None
    with running_agent(request.param, pwsh=pwsh) as running:
        yield running


@pytest.fixture
def contract() -> Iterator[Agent]:
    """An agent without PowerShell, for what does not depend on the engine."""
    with running_agent("contract") as running:
        yield running
