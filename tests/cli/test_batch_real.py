"""Many changes from the command line on a real PowerShell: each step from a file to a page about what was done."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.agent import Agent, running_agent
from tests.cli.conftest import Cli, Result

pytestmark = pytest.mark.pwsh

CSV = """action;group;member;mailbox;user;right
group.grant;staff@contoso.example;jane.doe@contoso.example;;;
shared-mailbox.grant;;;info@contoso.example;john.obrien@contoso.example;full-access
mailbox.hide;;;sales@contoso.example;;
mailbox.hide;;;tom.baker@contoso.example;;
group.revoke;staff@contoso.example;pieter.jansen@contoso.example;;;
"""


@pytest.fixture(scope="module")
def agent(pwsh_path: str) -> Iterator[Agent]:
    """An agent with a real PowerShell."""
    with running_agent("pwsh", pwsh=pwsh_path) as agent:
        yield agent


@pytest.fixture
def run(cli: Cli, settings: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """Runs ``exo-bridge`` in a folder with the file, with settings that have a journal of their own."""
    with Path(settings).open("a", encoding="utf-8") as file:
        file.write(f"\n[journal]\npath = {json.dumps(str(tmp_path / 'journal.db'))}\n")
    # As Excel writes it: with a byte order mark, semicolons and its line ends.
    (tmp_path / "changes.csv").write_text(CSV, "utf-8-sig", newline="\r\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EXO_BRIDGE_SETTINGS", settings)
    return cli


def ended(result: Result, code: int = 0) -> Result:
    """A result that has this exit code."""
    assert result.code == code, (result.out, result.err)
    return result


def test_from_a_file_to_a_report(run: Cli, agent: Agent, tmp_path: Path) -> None:
    """Check, plan, show, apply, take back, apply that: the organization is as before, and the journal has both runs."""
    before = agent.objects()
    assert "No mistakes." in ended(run("batch", "check", "changes.csv")).out

    planned = ended(run("batch", "plan", "changes.csv", "--out", "plan.json", "--json")).json
    assert planned["counts"] == {"changed": 4, "unchanged": 1, "failed": 0}
    assert agent.changes() == []
    shown = ended(run("batch", "show", "plan.json")).out
    assert f"batch apply plan.json --approve {planned['hash']}" in shown

    made = ended(run("batch", "apply", "plan.json", "--approve", planned["hash"], "--json")).json
    assert (made["counts"]["changed"], made["counts"]["unchanged"]) == (4, 1)
    assert agent.changes() == [
        "Add-DistributionGroupMember",
        "Add-MailboxPermission",
        "Set-Mailbox",
        "Remove-DistributionGroupMember",
    ]

    ended(run("batch", "undo", "last", "--out", "undo.json"))
    undone = ended(run("batch", "apply", "undo.json", "--yes", "--json")).json
    assert undone["counts"]["changed"] == 4
    assert agent.objects() == before
    check_journal(run, made["run"], undone["run"], tmp_path)


def check_journal(run: Cli, made: str, undone: str, folder: Path) -> None:
    """What is said about the two runs afterwards."""
    listed = ended(run("journal", "list", "--json")).json["rows"]
    assert [one["id"] for one in listed] == [undone, made]
    assert "pieter.jansen@contoso.example" in ended(run("journal", "show", made)).out
    assert ended(run("journal", "show", made, "--failed", "--json")).json["rows"] == []
    exported = list(csv.DictReader(io.StringIO(ended(run("journal", "export", made, "--format", "csv")).out)))
    assert [one["state"] for one in exported] == ["changed", "changed", "changed", "unchanged", "changed"]
    ended(run("journal", "verify", made))
    ended(run("report", made, "--html", "report.html"))
    assert "shared-mailbox.grant" in (folder / "report.html").read_text("utf-8")


def test_run_and_resume(run: Cli, agent: Agent) -> None:
    """A run in one go that is stopped half way is gone on with; nothing is done twice."""

    def interrupt(_record: object) -> None:
        if agent.changes() and interrupt in agent.simulator.tenant.observers:
            agent.simulator.tenant.observers.remove(interrupt)
            os.kill(os.getpid(), signal.SIGINT)

    agent.simulator.tenant.observers.append(interrupt)
    assert "batch resume" in ended(run("batch", "run", "changes.csv", "--yes"), 130).out
    assert 1 <= len(agent.changes()) < 4
    resumed = ended(run("batch", "resume", "last", "--json")).json
    assert (resumed["counts"]["changed"], resumed["counts"]["unchanged"]) == (4, 1)
    assert len(agent.changes()) == 4
