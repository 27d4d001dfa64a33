"""What the tests of the journal share: a journal, a run that was begun, calls and outcomes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bridge.actions import ACTIONS
from bridge.journal import Journal, Planned, RunFacts
from bridge.model import Call, Identity, Outcome, Problem, Status


def call(member: str = "jane.doe@contoso.example", *, dry_run: bool = False) -> Call:
    """A change."""
    (made,) = ACTIONS["group.grant"].calls({"group": "Staff@contoso.example", "member": member}, dry_run=dry_run)
    return made


def planned(member: str = "jane.doe@contoso.example", **facts: Any) -> Planned:
    """An item of a plan."""
    return Planned(call(member), sha256="ab" * 32, **facts)


def outcome(of: Call, status: Status = Status.CHANGED, **facts: Any) -> Outcome:
    """How that call ended."""
    problem = Problem("not-found", "There is no group.", "Look.", "T", "Bridge.NotFound", retry=True)
    return Outcome(
        action=of.action,
        status=status,
        parameters=of.parameters,
        identity=Identity("g-1", "Staff"),
        before={"is_member": False},
        after={"is_member": True},
        problem=problem if status in (Status.FAILED, Status.UNKNOWN) else None,
        warnings=["slow"],
        seconds=0.25,
        call_id=of.id,
        **facts,
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a journal may be; there is none yet."""
    return tmp_path / "state" / "journal.db"


@pytest.fixture
def journal(path: Path) -> Iterator[Journal]:
    """An open journal without runs."""
    with Journal(path) as journal:
        yield journal


@pytest.fixture
def run(journal: Journal) -> str:
    """A run that was begun."""
    facts = RunFacts(
        "batch", "batch run changes.csv", "svc", "pc-1", "agent", "contoso", "0.1", "0" * 64, "changes.csv"
    )
    journal.begin(facts)
    return facts.id
