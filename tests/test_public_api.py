"""The public interface for Python programs: ``from bridge import ...``."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import structlog

import bridge
from bridge import ActionFailed, Bridge, BridgeError, OutcomeUnknown, Settings, Status, UsageError, load_settings
from bridge.journal import JournalReader, State
from tests.agent import Agent

STAFF = "staff@contoso.example"
JANE = "jane.doe@contoso.example"


def _settings(agent: Agent, folder: Path, **other: Any) -> Settings:
    """The settings of an agent, with journal and log in this folder."""
    values = agent.simulator.settings()
    values |= {"journal": {"path": folder / "journal.db"}, "log": {"file": folder / "log.jsonl"}} | other
    return load_settings(overrides=values, environ={}).settings


def test_a_program_changes_and_reads(agent: Agent, tmp_path: Path) -> None:
    """A grant is looked at, made, found in what is read, and unchanged the second time."""
    with Bridge(_settings(agent, tmp_path)) as exchange:
        would = exchange.change("group.grant", group=STAFF, member=JANE, dry_run=True)
        assert (would.status, would.dry_run, agent.changes()) == (Status.CHANGED, True, [])
        assert exchange.change("group.grant", group=STAFF, member=JANE).status is Status.CHANGED
        again = exchange.change("group.grant", group=STAFF, member=JANE)
        members = exchange.read("group.members", group=STAFF).rows
    assert (again.status, again.reason) == (Status.UNCHANGED, "already a member")
    assert agent.changes() == ["Add-DistributionGroupMember"]
    assert "Jane Doe" in [row["name"] for row in members]


def test_rows_one_by_one(agent: Agent, tmp_path: Path) -> None:
    """What is read can be taken as it comes; no outcome holds it then."""
    rows: list[dict[str, Any]] = []
    with Bridge(_settings(agent, tmp_path)) as exchange:
        outcome = exchange.read("group.list", on_row=rows.append)
    assert STAFF in [row["primary_smtp_address"] for row in rows]
    assert list(outcome.rows) == []


def test_changes_are_in_the_journal(contract: Agent, tmp_path: Path) -> None:
    """All changes of a with block are one run of the journal; reads and dry runs are not in it."""
    with Bridge(_settings(contract, tmp_path)) as exchange:
        exchange.read("group.list")
        exchange.change("group.grant", group=STAFF, member=JANE, dry_run=True)
        assert not (tmp_path / "journal.db").exists()
        exchange.change("group.grant", group=STAFF, member=JANE)
        exchange.change("group.revoke", group=STAFF, member=JANE)
        run_id = exchange.run_id
    with JournalReader(tmp_path / "journal.db") as reader:
        (run,) = reader.runs()
        items = list(reader.items(run.id))
    assert (run.id, run.ended, run.facts.command) == (run_id, "done", "exo-bridge API")
    assert [(item.planned.call.action, item.state) for item in items] == [
        ("group.grant", State.CHANGED),
        ("group.revoke", State.CHANGED),
    ]


def test_without_a_journal_nothing_is_sent(contract: Agent, tmp_path: Path) -> None:
    """A journal that cannot be written keeps a change from being sent, unless the program wants none."""
    (tmp_path / "journal.db").mkdir()
    with Bridge(_settings(contract, tmp_path)) as exchange, pytest.raises(BridgeError, match=r"journal\.db"):
        exchange.change("group.grant", group=STAFF, member=JANE)
    assert contract.changes() == []
    with Bridge(_settings(contract, tmp_path), journal=False) as exchange:
        assert exchange.change("group.grant", group=STAFF, member=JANE).status is Status.CHANGED


def test_raising_is_the_callers_choice(contract: Agent, tmp_path: Path) -> None:
    """A failure is an outcome with a code; with check it is raised, and carries the outcome."""
    with Bridge(_settings(contract, tmp_path)) as exchange:
        outcome = exchange.change("group.grant", group="nobody@contoso.example", member=JANE)
        with pytest.raises(ActionFailed) as raised:
            exchange.change("group.grant", group="nobody@contoso.example", member=JANE, check=True)
    assert outcome.problem is not None
    assert (outcome.status, outcome.problem.code) == (Status.FAILED, "object-not-found")
    assert raised.value.outcome is not None
    assert raised.value.outcome.problem == outcome.problem
    assert raised.value.remedy == outcome.problem.remedy


def test_a_lost_answer_is_unknown(contract: Agent, tmp_path: Path) -> None:
    """With check, a change whose answer was lost raises its own error: nobody may take it for a failure."""
    with Bridge(_settings(contract, tmp_path)) as exchange:
        contract.simulator.faults.add("Command=lost")
        with pytest.raises(OutcomeUnknown) as raised:
            exchange.change("group.grant", group=STAFF, member=JANE, check=True)
    assert raised.value.outcome is not None
    assert raised.value.outcome.status is Status.UNKNOWN


@pytest.mark.parametrize(
    ("method", "action", "given", "message"),
    [
        ("change", "group.grnt", {}, "There is no action group.grnt. Did you mean group.grant?"),
        ("read", "group.grant", {"group": STAFF, "member": JANE}, "group.grant is a change: call change()."),
        ("change", "group.list", {}, "group.list is a read: call read()."),
        ("change", "group.grant", {"group": STAFF}, "group.grant: --member is missing."),
        (
            "change",
            "shared-mailbox.grant",
            {"mailbox": "info@contoso.example", "user": JANE, "right": ["full-access", "send-as"]},
            "shared-mailbox.grant: right takes one value a call.",
        ),
    ],
)
def test_mistakes(
    contract: Agent, tmp_path: Path, method: str, action: str, given: dict[str, Any], message: str
) -> None:
    """What cannot be right is raised with a sentence, and nothing is sent."""
    with Bridge(_settings(contract, tmp_path)) as exchange:
        before = len(contract.records)
        with pytest.raises(UsageError) as raised:
            getattr(exchange, method)(action, **given)
        assert len(contract.records) == before
    assert raised.value.message == message


def test_defaults_of_the_settings(contract: Agent, tmp_path: Path) -> None:
    """What a section of the settings stands in for, it stands in for here too."""
    settings = _settings(contract, tmp_path, regional={"language": "nl-NL"})
    with Bridge(settings) as exchange:
        outcome = exchange.change("mailbox.set-regional", mailbox=JANE, dry_run=True)
    assert outcome.parameters == {"mailbox": JANE, "language": "nl-NL"}


def test_only_inside_the_with_block(contract: Agent, tmp_path: Path) -> None:
    """Before and after it there is no session, which is said."""
    exchange = Bridge(_settings(contract, tmp_path))
    with pytest.raises(UsageError, match="inside its with block"):
        exchange.read("group.list")
    with exchange:
        exchange.read("group.list")
    with pytest.raises(UsageError, match="inside its with block"):
        exchange.read("group.list")


def test_the_runspace_is_handed_on(contract: Agent, tmp_path: Path) -> None:
    """A second program takes over the runspace of the first, connected as it is."""
    for _ in range(2):
        with Bridge(_settings(contract, tmp_path)) as exchange:
            exchange.read("group.list")
    assert contract.logons() == 1


def test_what_cannot_be_entered_leaves_nothing(contract: Agent, tmp_path: Path) -> None:
    """A refused log-on is raised with its remedy, and a file of settings that is not there names it."""
    values = _settings(contract, tmp_path)
    wrong = values.model_copy(update={"agent": values.agent.model_copy(update={"port": 9})})
    with pytest.raises(BridgeError) as raised, Bridge(wrong):
        pytest.fail("entered")
    assert raised.value.code == "agent-unreachable"
    with pytest.raises(BridgeError, match=r"nowhere\.toml"), Bridge(tmp_path / "nowhere.toml"):
        pytest.fail("entered")


def test_a_deadline_counts_from_the_entry(contract: Agent, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What would be sent after it is not sent, and is told as failed."""
    with Bridge(_settings(contract, tmp_path), deadline=600) as exchange:
        later = SimpleNamespace(monotonic=lambda: time.monotonic() + 600, sleep=time.sleep)
        monkeypatch.setattr("bridge.patience.time", later)
        outcome = exchange.change("group.grant", group=STAFF, member=JANE)
    assert outcome.problem is not None
    assert (outcome.status, outcome.problem.code) == (Status.FAILED, "deadline")
    assert contract.changes() == []


def test_nothing_is_printed(contract: Agent, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A program's own output stays its own; what was done is in the log file, with the run's id."""
    with Bridge(_settings(contract, tmp_path)) as exchange:
        exchange.change("group.grant", group="nobody@contoso.example", member=JANE)
        run_id = exchange.run_id
    assert capfd.readouterr() == ("", "")
    assert run_id in (tmp_path / "log.jsonl").read_text("utf-8")


def test_the_log_of_a_program_keeps_its_context(contract: Agent, tmp_path: Path) -> None:
    """What a program bound for its own log is still bound afterwards, and nothing of ours is left there."""
    structlog.contextvars.bind_contextvars(request="42")
    try:
        with Bridge(_settings(contract, tmp_path)) as exchange:
            exchange.read("group.list")
        assert structlog.contextvars.get_contextvars() == {"request": "42"}
    finally:
        structlog.contextvars.clear_contextvars()


def test_every_public_name_is_there() -> None:
    """Each name can be imported, is the same object each time, and there are no others."""
    for name in bridge.__all__:
        assert getattr(bridge, name) is getattr(bridge, name)
    with pytest.raises(AttributeError):
        getattr(bridge, "nothing")  # noqa: B009 - an unknown name is what is tried
    assert dir(bridge) == bridge.__all__


def test_importing_the_package_is_cheap() -> None:
    """``import bridge`` loads no library: each is loaded with the name that needs it."""
    code = "import sys, bridge; print([m for m in ('pypsrp', 'pydantic', 'structlog', 'typer') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, encoding="utf-8")
    assert done.stdout.strip() == "[]"
