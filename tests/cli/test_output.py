"""What is printed: nothing is cut, nothing is read as markup, every encoding carries it."""

from __future__ import annotations

import io
import json
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.cli import output
from bridge.model import Outcome, Problem, Status

ID = "1a4fabbf-bf88-5049-98cb-f4d95edf05dd"


def test_rows_in_a_pipe_are_lines(capsys: pytest.CaptureFixture[str]) -> None:
    """Where stdout is no terminal a row is one line, however long, with its id whole."""
    output.print_rows([{"id": ID, "display_name": "x" * 500, "is_member": True}], ("id", "display_name", "is_member"))
    head, row = capsys.readouterr().out.splitlines()
    assert head.split() == ["id", "display", "name", "is", "member"]
    assert row.split() == [ID, "x" * 500, "yes"]


def test_markup_and_emoji_are_text(capsys: pytest.CaptureFixture[str]) -> None:
    """A name with brackets or colons is shown as it is."""
    output.print_rows([{"name": "[red]Team[/red] :smile: O'Brien"}], ("name",))
    output.print_line("[bold]:smile:")
    assert capsys.readouterr().out.splitlines()[1:] == ["[red]Team[/red] :smile: O'Brien", "[bold]:smile:"]


def test_code_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the code page of western Windows lacks is shown as an escape, and JSON stays the same data."""
    written = io.BytesIO()
    stream = io.TextIOWrapper(written, encoding="cp1252", newline="\n", write_through=True)
    monkeypatch.setattr(sys, "stdout", stream)
    output.prepare_streams()
    output.print_line("Zoë 😀")
    output.print_json({"name": "Zoë 😀"})
    line, document = written.getvalue().decode("cp1252").splitlines()
    assert line == "Zoë \\U0001f600"
    assert json.loads(document) == {"version": 1, "name": "Zoë 😀"}


def test_one_outcome_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Status, what it is about, why, and what changed."""
    output.print_outcomes(
        [
            Outcome(
                "group.grant",
                Status.CHANGED,
                {"group": "All Staff", "member": "jane"},
                dry_run=True,
                reason="would add",
                before={"is_member": False, "member_name": "Jane"},
                after={"is_member": True, "member_name": "Jane"},
            )
        ]
    )
    assert capsys.readouterr().out == (
        'changed   group.grant group="All Staff" member=jane: would add [is member: no -> yes] '
        "(dry run: nothing was changed)\n"
    )


def test_failure_says_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    """A failed outcome has its code, message, Exchange's type and the remedy below it; a newline makes no line."""
    problem = Problem("object-not-found", "There is\nno 'x'.", "Check the spelling.", error_type="NotFoundException")
    output.print_outcomes([Outcome("group.list", Status.FAILED, {}, problem=problem, warnings=["Slow."])])
    assert capsys.readouterr().out.splitlines() == [
        "failed    group.list",
        "  warning: Slow.",
        "  object-not-found: There is\\nno 'x'. (NotFoundException)",
        "  what to do: Check the spelling.",
    ]


def test_a_very_long_parameter_is_shortened(capsys: pytest.CaptureFixture[str]) -> None:
    """Ten thousand characters do not fill the screen; their number is told."""
    output.print_outcomes([Outcome("a.b", Status.CHANGED, {"name": "x" * 10_000})])
    line = capsys.readouterr().out
    assert "(10000 characters)" in line
    assert len(line) < 400


@given(st.text())
def test_no_text_moves_the_cursor(text: str) -> None:
    """Whatever Exchange holds, no control character, line break or change of direction reaches the terminal."""
    shown = output.shown(text)
    assert not [one for one in shown if unicodedata.category(one) in ("Cc", "Cs", "Zl", "Zp")]
    assert not set(shown) & {"\u202e", "\u2066", "\u200f"}


def test_joined_emoji_stays_whole() -> None:
    """The joiner between the parts of an emoji is no control character."""
    family = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
    assert output.shown(family) == family
