"""Agents whose organization is as new for each test, to be asked like HelloID asks."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bridge.cli import main
from tests.agent import Agent, running_agent
from tests.helloid.bench import HelloIdBench


@pytest.fixture(scope="module", params=["contract", pytest.param("pwsh", marks=pytest.mark.pwsh)])
def _each_bench(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[HelloIdBench]:
    pwsh = request.getfixturevalue("pwsh_path") if request.param == "pwsh" else None
    with running_agent(request.param, pwsh=pwsh) as agent:
        bench = HelloIdBench(agent, tmp_path_factory.mktemp(request.param))
        yield bench
        bench.close()


@pytest.fixture(scope="module")
def _contract_bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HelloIdBench]:
    with running_agent("contract") as agent:
        bench = HelloIdBench(agent, tmp_path_factory.mktemp("contract"))
        yield bench
        bench.close()


@pytest.fixture
def bench(_each_bench: HelloIdBench) -> Iterator[HelloIdBench]:
    """An agent on each engine."""
    with as_new(_each_bench):
        yield _each_bench


@pytest.fixture
def contract(_contract_bench: HelloIdBench) -> Iterator[HelloIdBench]:
    """An agent without PowerShell, for what does not depend on the engine."""
    with as_new(_contract_bench):
        yield _contract_bench


AskProcess = tuple[Agent, Callable[[dict[str, Any]], bytes]]


@pytest.fixture
def ask_process(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> Iterator[AskProcess]:
    """An agent, and ``exo-bridge helloid`` with the settings for it: request in, what it printed out."""
    with running_agent("contract") as agent:
        agent.simulator.write_settings(tmp_path / "settings.toml")

        def ask(request: dict[str, Any]) -> bytes:
            stdin = io.TextIOWrapper(io.BytesIO(json.dumps(request).encode()))
            monkeypatch.setattr(sys, "stdin", stdin)
            capfdbinary.readouterr()
            main(["helloid", "--settings", str(tmp_path / "settings.toml")])
            return capfdbinary.readouterr().out

        yield agent, ask


@contextmanager
def as_new(bench: HelloIdBench) -> Iterator[None]:
    """The organization as it was begun with, before and after."""
    before = bench.tenant.snapshot()
    bench.session()
    bench.agent.records.clear()
    try:
        yield
    finally:
        bench.tenant.restore(before)
