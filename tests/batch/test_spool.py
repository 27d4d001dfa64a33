"""The items of a plan in the making, on disk."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.actions import ACTIONS
from bridge.batch.first_lines import FirstLines
from bridge.batch.plan import Plan, PlanItem, read_plan, write_plan
from bridge.batch.spool import SpooledItems
from bridge.errors import UsageError
from bridge.model import Identity, Outcome, Problem, Status


def items(count: int) -> Iterator[PlanItem]:
    """Items with all that an item can have, odd characters too."""
    for line in range(2, count + 2):
        (call,) = ACTIONS["group.grant"].calls({"group": "staff", "member": f"{line} \u20ac\n\U0001f600"}, dry_run=True)
        outcome = Outcome(
            action=call.action,
            status=Status.CHANGED if line % 2 else Status.FAILED,
            parameters=call.parameters,
            dry_run=True,
            reason="would add the member",
            identity=Identity("1", "Staff") if line % 2 else None,
            before={"is_member": False},
            after={"is_member": True},
            problem=None if line % 2 else Problem("object-not-found", "There is none.", "Look."),
            call_id=call.id,
        )
        yield PlanItem(call, outcome, line)


def test_items_come_back_as_they_were_given() -> None:
    """All of them in their order, any number of times, also while somebody else goes through them."""
    given = list(items(50))

    spooled = SpooledItems(given)

    assert len(spooled) == 50
    assert list(spooled) == given
    assert list(zip(spooled, spooled, strict=True)) == [(one, one) for one in given]


def test_a_plan_of_spooled_items_is_the_same_plan(tmp_path: Path) -> None:
    """It has the same hash, and the same file is written."""
    given = tuple(items(5))
    spooled = Plan("contoso.example", "agent", SpooledItems(given))

    write_plan(spooled, tmp_path / "plan.json")

    assert spooled.hash == Plan("contoso.example", "agent", given).hash
    assert list(read_plan(tmp_path / "plan.json").items) == list(given)


def test_no_place_for_the_items_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names the folder, and what to do."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))

    with pytest.raises(UsageError, match="gone") as error:
        SpooledItems(items(1))
    assert "TMPDIR" in error.value.remedy


def test_what_goes_wrong_while_items_are_made_comes_out() -> None:
    """An agent that is lost half way ends it, with its own error."""

    def lost() -> Iterator[PlanItem]:
        yield from items(2)
        raise LookupError("lost")

    with pytest.raises(LookupError, match="lost"):
        SpooledItems(lost())


def test_first_lines(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Whatever was said, the line that said it first is known, and nothing is left on disk."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with FirstLines() as lines:
        assert lines.line("staff") is None
        for line in range(2, 5_000):
            lines.add(f"name {line % 1_000}", line)
            lines.add(str(line % 1_000).encode(), line)
        assert [lines.line("name 7"), lines.line(b"7"), lines.line(b"0"), lines.line("7")] == [7, 7, 1_000, None]
        assert list(tmp_path.iterdir())
    assert not list(tmp_path.iterdir())


def test_first_lines_cannot_be_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A folder for temporary files that is not there ends with a sentence that names it."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    with pytest.raises(UsageError, match="gone"):
        FirstLines()
