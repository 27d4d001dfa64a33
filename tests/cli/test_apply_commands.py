"""``exo-bridge batch apply``, ``run``, ``resume`` and ``undo``."""

from __future__ import annotations

import os
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from bridge.cli.halting import halting
from bridge.journal import Journal
from tests.agent import Agent
from tests.cli.conftest import Cli

CSV = """action,mailbox,user,right
mailbox.hide,info@contoso.example,,
shared-mailbox.grant,sales@contoso.example,jane.doe@contoso.example,send-as
mailbox.hide,sales@contoso.example,,
"""


@pytest.fixture
def changes(tmp_path: Path) -> str:
    """A file with three changes."""
    file = tmp_path / "changes.csv"
    file.write_text(CSV, "utf-8")
    return str(file)


@pytest.fixture
def plan(cli: Cli, settings: str, journal: Path, changes: str, tmp_path: Path) -> tuple[str, str]:
    """The plan for these changes, and its hash."""
    out = str(tmp_path / "plan.json")
    result = cli("batch", "plan", changes, "--out", out, "--settings", settings, "--json")
    assert result.code == 0
    return out, result.json["hash"]


def test_apply_approved(cli: Cli, settings: str, agent: Agent, plan: tuple[str, str], tmp_path: Path) -> None:
    """An approved plan is applied; the summary counts, and names the commands that come next, which work."""
    file, approved = plan
    before = agent.simulator.tenant.snapshot()
    result = cli("batch", "apply", file, "--approve", approved, "--settings", settings)
    assert result.code == 0
    assert "3 changed." in result.out
    assert len(agent.changes()) == 3
    (line,) = [one for one in result.out.splitlines() if one.startswith("take back")]
    run = line.split()[line.split().index("undo") + 1]
    undo = str(tmp_path / "undo.json")
    assert cli("batch", "undo", run, "--out", undo, "--settings", settings).code == 0
    again = cli("batch", "apply", undo, "--yes", "--settings", settings, "--json")
    assert again.code == 0
    assert [one["action"] for one in again.json["outcomes"]] == [
        "mailbox.show",
        "shared-mailbox.revoke",
        "mailbox.show",
    ]
    assert agent.simulator.tenant.snapshot() == before


def test_nobody_approved(cli: Cli, settings: str, agent: Agent, plan: tuple[str, str], changes: str) -> None:
    """Without approval and without a terminal nothing is connected, also not when another plan was approved."""
    file, approved = plan
    agent.records.clear()
    for arguments in (
        ("apply", file),
        ("apply", file, "--approve", "0" * 64),
        ("apply", file, "--approve", approved[:4]),
        ("run", changes),
    ):
        result = cli("batch", *arguments, "--settings", settings)
        assert result.code == 2
        assert "What to do:" in result.err
    assert agent.records == []


def test_dry_run_is_refused(cli: Cli, settings: str, agent: Agent, plan: tuple[str, str], changes: str) -> None:
    """What makes changes does not take --dry-run, says what looks and changes nothing, and sends nothing."""
    agent.records.clear()
    for arguments in (("apply", plan[0], "--yes"), ("run", changes, "--yes"), ("resume",)):
        result = cli("batch", *arguments, "--dry-run", "--settings", settings)
        assert result.code == 2
        assert f"batch {arguments[0]} has no --dry-run; nothing was changed." in result.err
        assert "`exo-bridge " in result.err
    assert agent.records == []
    assert cli("helloid", "serve", "--dry-run", "--settings", settings).code == 2


def test_an_edited_journal_is_not_gone_by(
    cli: Cli, settings: str, agent: Agent, plan: tuple[str, str], journal: Path, tmp_path: Path
) -> None:
    """Where the records of a run are not what was written, nothing is taken back by them, and nothing goes on."""
    assert cli("batch", "apply", plan[0], "--yes", "--settings", settings).code == 0
    agent.records.clear()
    with closing(sqlite3.connect(journal)) as other, other:
        other.execute("DROP TRIGGER never_rewritten")
        other.execute("UPDATE record SET body = replace(body, 'info@', 'jane.doe@')")
    for arguments in (("undo", "last", "--out", str(tmp_path / "undo.json")), ("resume",)):
        result = cli("batch", *arguments, "--settings", settings)
        assert result.code == 1
        assert "is not what was written" in result.err
        assert "exo-bridge journal verify" in result.err
    assert agent.records == []
    assert not (tmp_path / "undo.json").exists()


def test_json(cli: Cli, settings: str, plan: tuple[str, str], agent: Agent) -> None:
    """For a program there are the run, how it ended, its counts, and an outcome for each item."""
    file, approved = plan
    assert cli("mailbox", "hide", "--mailbox", "info@contoso.example", "--settings", settings).code == 0
    result = cli("batch", "apply", file, "--approve", approved, "--settings", settings, "--json")
    assert result.code == 1
    document = result.json
    assert (document["ended"], document["counts"]["changed"], document["counts"]["failed"]) == ("done", 2, 1)
    assert [one["status"] for one in document["outcomes"]] == ["failed", "changed", "changed"]
    assert document["outcomes"][0]["problem"]["code"] == "plan-outdated"
    assert [one["line"] for one in document["outcomes"]] == [2, 3, 4]


def test_failures_by_cause(cli: Cli, settings: str, plan: tuple[str, str], tmp_path: Path) -> None:
    """What failed is told by its cause, with its lines and what to do."""
    file, _ = plan
    assert cli("mailbox", "hide", "--mailbox", "info@contoso.example", "--settings", settings).code == 0
    result = cli("batch", "apply", file, "--yes", "--settings", settings)
    assert result.code == 1
    assert "1 failed: plan-outdated" in result.out
    assert "  line 2: mailbox.hide info@contoso.example: Not sent" in result.out
    assert "what to do: Make a new plan" in result.out
    assert "--retry-failed" in result.out
    following = {line[:11].strip(): line[11:].split() for line in result.out.splitlines() if "exo-bridge" in line}
    failed = cli(*following["see failed"][1:4], "--failed", "--settings", settings)
    assert (failed.code, failed.out.count("mailbox.hide")) == (0, 1)
    page = str(tmp_path / "report.html")
    assert cli(*following["report"][1:3], "--html", page, "--settings", settings).code == 0


def test_run(cli: Cli, settings: str, journal: Path, changes: str, agent: Agent) -> None:
    """A file is planned and applied in one go, and a second time there is nothing to do."""
    assert cli("batch", "run", changes, "--yes", "--settings", settings).code == 0
    assert len(agent.changes()) == 3
    again = cli("batch", "run", changes, "--yes", "--settings", settings, "--json")
    assert again.code == 0
    assert again.json["counts"]["unchanged"] == 3
    assert len(agent.changes()) == 3


def test_agent_gone_and_resume(cli: Cli, settings: str, plan: tuple[str, str], agent: Agent) -> None:
    """When the agent refuses half way the exit code is 3 and the command to go on is told; it does what is left."""
    file, _ = plan
    agent.records.clear()

    def refuse(_record: object) -> None:
        if len(agent.changes()) == 1:
            agent.simulator.faults.add("Any%100=401")
            agent.simulator.tenant.observers.remove(refuse)

    agent.simulator.tenant.observers.append(refuse)
    result = cli("batch", "apply", file, "--yes", "--settings", settings)
    assert result.code == 3
    assert "agent-logon-refused" in result.out
    assert "exo-bridge batch resume" in result.out
    agent.simulator.faults.clear()
    resumed = cli("batch", "resume", "--settings", settings, "--json")
    assert resumed.code == 0
    assert resumed.json["counts"]["changed"] == 3
    assert len(agent.changes()) == 3


def test_resume_of_a_run_that_is_done(cli: Cli, settings: str, plan: tuple[str, str], agent: Agent) -> None:
    """It says since when it is done and that nothing was sent, and the run stays as it was."""
    file, _ = plan
    assert cli("batch", "apply", file, "--yes", "--settings", settings).code == 0
    ended = cli("journal", "show", "last", "--settings", settings, "--json").json["run"]
    agent.records.clear()

    resumed = cli("batch", "resume", "last", "--settings", settings)
    assert resumed.code == 0
    moment = ended["ended_at"][:19].replace("T", " ")
    assert resumed.out.startswith(f"This run was done already, at {moment} UTC; nothing was sent now.\n")
    assert "nothing was sent now" in cli("batch", "resume", "--settings", settings, "--json").json["why"]
    assert cli("journal", "show", "last", "--settings", settings, "--json").json["run"] == ended
    assert not agent.changes()


def test_limit(cli: Cli, settings: str, plan: tuple[str, str], agent: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plan beyond a limit is refused with exit code 5, and nothing is sent."""
    monkeypatch.setenv("EXO_BRIDGE_BATCH__MAX_CHANGES", "2")
    result = cli("batch", "apply", plan[0], "--yes", "--settings", settings)
    assert result.code == 5
    assert "max_changes" in result.err
    assert agent.changes() == []


def test_the_limits_look_at_an_undo_too(
    cli: Cli, settings: str, plan: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A plan that takes back more than is allowed is written, and nobody is told to apply it."""
    assert cli("batch", "apply", plan[0], "--yes", "--settings", settings).code == 0
    monkeypatch.setenv("EXO_BRIDGE_BATCH__MAX_CHANGES", "2")
    undo = tmp_path / "undo.json"
    result = cli("batch", "undo", "last", "--out", str(undo), "--settings", settings)
    assert result.code == 5
    assert "max_changes" in result.err
    assert "batch apply" not in result.out
    program = cli("batch", "undo", "last", "--out", str(undo), "--settings", settings, "--json")
    assert [one["limit"] for one in program.json["refusals"]] == ["max_changes"]
    assert undo.exists()


def test_other_organization(cli: Cli, settings: str, plan: tuple[str, str], agent: Agent) -> None:
    """A plan for another organization is refused before anything is sent."""
    from dataclasses import replace

    from bridge.batch.plan import read_plan, write_plan

    file = Path(plan[0])
    write_plan(replace(read_plan(file), organization="other.example"), file)
    result = cli("batch", "apply", str(file), "--yes", "--settings", settings)
    assert result.code == 2
    assert "other.example" in result.err
    assert agent.changes() == []


def test_halting() -> None:
    """The first signal asks for an end, the second one interrupts, and afterwards all is as it was."""
    before = signal.getsignal(signal.SIGINT)
    with halting("item") as halt:
        assert not halt()
        signal.raise_signal(signal.SIGINT)
        assert halt()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


def test_first_signal(cli: Cli, settings: str, plan: tuple[str, str], agent: Agent, journal: Path) -> None:
    """After the first Ctrl-C what is under way comes to its end; the exit code is 130, and resume does the rest."""
    agent.records.clear()

    def interrupt(_record: object) -> None:
        if agent.changes():
            agent.simulator.tenant.observers.remove(interrupt)
            os.kill(os.getpid(), signal.SIGINT)

    agent.simulator.tenant.observers.append(interrupt)
    result = cli("batch", "apply", plan[0], "--yes", "--settings", settings)
    assert result.code == 130
    assert "Stopping after the item" in result.err
    assert " planned, " in result.out
    with Journal(journal) as found:
        assert found.run(found.find("last")).ended == "interrupted"
    assert cli("batch", "resume", "--settings", settings).code == 0
    assert len(agent.changes()) == 3
