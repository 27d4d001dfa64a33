"""docs/integrate.md: its examples do what the page says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import bridge
from bridge.helloid.service import handlers
from tests.agent import Agent, running_agent

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "integrate.md").read_text("utf-8")


@pytest.fixture
def agent() -> Iterator[Agent]:
    """An agent without PowerShell; what calls exo-bridge is what is tried here."""
    with running_agent("contract") as running:
        yield running


def _examples(language: str, page: str = PAGE) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)


def _run(command: list[str], agent: Agent, folder: Path) -> str:
    """What a program printed that finds exo-bridge on its path and the settings where they are looked for."""
    agent.simulator.write_settings(folder / "settings.toml")
    done = _started(command, folder)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def _started(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """How a program ended that finds exo-bridge on its path."""
    places = [str(Path(sys.executable).parent), os.environ["PATH"]]
    return subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "PATH": os.pathsep.join(places)},
        capture_output=True,
        encoding="utf-8",
        timeout=120,
    )


def test_the_python_program(agent: Agent, tmp_path: Path) -> None:
    """It grants, and at the second run there is nothing to do."""
    (example,) = _examples("python")
    (tmp_path / "program.py").write_text(example, "utf-8")
    assert _run([sys.executable, "program.py"], agent, tmp_path) == "Jane Doe: changed\n"
    assert _run([sys.executable, "program.py"], agent, tmp_path) == "Jane Doe: unchanged\n"
    assert agent.changes() == ["Add-DistributionGroupMember"]


def test_the_example_of_the_readme(agent: Agent, tmp_path: Path) -> None:
    """It makes its grant."""
    (example,) = _examples("python", (ROOT / "README.md").read_text("utf-8"))
    (tmp_path / "program.py").write_text(example, "utf-8")
    assert _run([sys.executable, "program.py"], agent, tmp_path) == ""
    assert agent.changes() == ["Add-DistributionGroupMember"]


@pytest.mark.pwsh
def test_the_powershell_scripts(agent: Agent, tmp_path: Path, pwsh_path: str) -> None:
    """The one with commands makes a grant; the one with documents finds the account and the group and sees it there."""
    commands, documents = _examples("powershell")
    (tmp_path / "commands.ps1").write_text(commands, "utf-8")
    (tmp_path / "documents.ps1").write_text(documents, "utf-8")
    command = [pwsh_path, "-NoLogo", "-NoProfile", "-File"]
    assert _run([*command, "commands.ps1"], agent, tmp_path).split() == ["group.grant:", "changed"]
    success, line = _run([*command, "documents.ps1"], agent, tmp_path).splitlines()
    assert success == "Success: True"
    assert line.startswith("Nothing to do (already a member)")
    assert agent.changes() == ["Add-DistributionGroupMember"]


@pytest.mark.pwsh
def test_the_commands_without_settings(tmp_path: Path, pwsh_path: str) -> None:
    """The script ends with the reason, and not without a word."""
    (tmp_path / "commands.ps1").write_text(_examples("powershell")[0], "utf-8")
    (tmp_path / "settings.toml").write_text("[agent]\n", "utf-8")
    done = _started([pwsh_path, "-NoLogo", "-NoProfile", "-File", "commands.ps1"], tmp_path)
    assert done.returncode != 0
    assert "The settings cannot be used" in done.stderr


def test_every_public_name_is_on_the_page() -> None:
    """The table of names has each of them."""
    table = PAGE.partition("| name | what it is |")[2].partition("\n\n")[0]
    assert [name for name in bridge.__all__ if f"`{name}" not in table and name != "Settings"] == []


def test_every_action_is_on_the_page() -> None:
    """The tables of actions and targets have whatever the service answers for contract v2."""
    table = PAGE.partition("| action | targets | what it does |")[2].partition("### The answer")[0]
    for step, target in handlers():
        if target != "user":
            assert f"`{step}`" in table
            assert f"`{target}`" in table
