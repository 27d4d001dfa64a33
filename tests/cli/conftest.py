"""How the tests of the command line run it: in this process, with what it printed and its exit code."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bridge.cli import main
from tests.agent import Agent, running_agent


@dataclass(frozen=True)
class Result:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """The one document on stdout."""
        document: dict[str, Any] = json.loads(self.out)
        assert document["version"] == 1
        return document


Cli = Callable[..., Result]
CANARY = "canary-7f3e'\"%&-password"


@pytest.fixture
def cli(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Cli:
    """Runs ``exo-bridge`` with these arguments; its help is wide and has no colours."""
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("NO_COLOR", "1")

    def run(*arguments: str) -> Result:
        capfd.readouterr()
        code = main(arguments)
        captured = capfd.readouterr()
        return Result(code, captured.out, captured.err)

    return run


@pytest.fixture(scope="module")
def agent() -> Iterator[Agent]:
    """An agent with a password that must never be seen again."""
    with running_agent("contract", password=CANARY) as agent:
        yield agent


@pytest.fixture
def settings(agent: Agent, tmp_path: Path) -> Iterator[str]:
    """A settings file that reaches it; the organization and the shells are put back."""
    before = agent.simulator.tenant.snapshot()
    file = tmp_path / "settings.toml"
    agent.simulator.write_settings(file)
    agent.records.clear()
    yield str(file)
    agent.simulator.tenant.restore(before)
    for shell in agent.simulator.shells():
        shell.close()


@pytest.fixture
def journal(settings: str, tmp_path: Path) -> Path:
    """The journal that the settings name."""
    path = tmp_path / "journal.db"
    with Path(settings).open("a", encoding="utf-8") as file:
        file.write(f"\n[journal]\npath = {json.dumps(str(path))}\n")
    return path
