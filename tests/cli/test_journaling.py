"""Single actions from the command line are in the journal, or they are not sent."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.journal import JournalReader, State
from tests.agent import Agent
from tests.cli.conftest import Cli

GRANT = ("group", "grant", "--group", "staff@contoso.example", "--member", "jane.doe@contoso.example")


@pytest.fixture
def journal(settings: str) -> Path:
    """The journal that the settings name; it is not there yet."""
    path = Path(settings).with_name("journal.db")
    with Path(settings).open("a", encoding="utf-8") as file:
        file.write(f"\n[journal]\npath = '{path}'\n")
    return path


def test_a_change_is_in_the_journal(cli: Cli, settings: str, journal: Path) -> None:
    """The run has the id of the JSON; its item has what was asked, what was before and after, and its end."""
    result = cli(*GRANT, "--settings", settings, "--json")
    assert result.code == 0
    with JournalReader(journal) as reader:
        (run,) = reader.runs()
        (item,) = reader.items(run.id)
    assert run.id == result.json["run"]
    assert (run.facts.kind, run.facts.command, run.ended) == ("action", "exo-bridge group grant", "done")
    assert run.facts.organization == "contoso.onmicrosoft.com"
    assert item.state is State.CHANGED
    assert item.outcome is not None
    assert dict(item.outcome.before) == result.json["outcomes"][0]["before"]


def test_what_changes_nothing_needs_no_journal(cli: Cli, settings: str, journal: Path) -> None:
    """A read and a dry run make none."""
    assert cli("group", "list", "--settings", settings).code == 0
    assert cli(*GRANT, "--dry-run", "--settings", settings).code == 0
    assert not journal.exists()


def test_without_a_journal_nothing_is_sent(cli: Cli, agent: Agent, settings: str, journal: Path) -> None:
    """A journal that cannot be written keeps the change from being sent, and the message says which file it is."""
    journal.mkdir()
    result = cli(*GRANT, "--settings", settings)
    assert result.code == 1
    assert str(journal) in result.err
    assert agent.changes() == []


def test_the_simulator_has_a_journal_of_its_own(cli: Cli, settings: str, journal: Path) -> None:
    """What --simulate changes is not among what was done to a real organization."""
    assert cli(*GRANT, "--simulate", "--engine", "contract", "--settings", settings).code == 0
    assert not journal.exists()
    with JournalReader(journal.with_stem("journal-simulated")) as reader:
        assert len(list(reader.runs())) == 1
