"""What is printed: nothing is cut, nothing is read as markup, every encoding carries it."""

from __future__ import annotations

import errno
import io
import json
import sys
import unicodedata
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.cli import apply_progress, main, output, plan_progress
from bridge.errors import BridgeError
from bridge.journal import State
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


def test_items_of_json_are_written_one_by_one(capsys: pytest.CaptureFixture[str]) -> None:
    """A list of any length needs no memory: an item is out before the next one is taken."""
    written = ""

    def rows() -> Iterator[dict[str, int]]:
        nonlocal written
        for number in range(3):
            yield {"id": number}
            written += capsys.readouterr().out
            assert written.endswith(f'{{"id": {number}}}')

    output.print_json({"rows": rows(), "none": iter(()), "one": "x"})
    document = json.loads(written + capsys.readouterr().out)
    assert document == {"version": 1, "rows": [{"id": 0}, {"id": 1}, {"id": 2}], "none": [], "one": "x"}


def test_error_amid_json_is_a_document_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    """What a program reads as lines is the broken document, and then the one that says why."""

    def rows() -> Iterator[int]:
        yield 1
        raise BridgeError("The journal is gone.")

    with pytest.raises(BridgeError, match="gone"):
        output.print_json({"rows": rows()})
    output.print_json({"problem": "gone"})
    _, document = capsys.readouterr().out.splitlines()
    assert json.loads(document) == {"version": 1, "problem": "gone"}


class Full(io.StringIO):
    """A stream on a disk that is full."""

    def __init__(self, *, is_terminal: bool = False) -> None:
        super().__init__()
        self._is_terminal = is_terminal

    def isatty(self) -> bool:
        """As it was said."""
        return self._is_terminal

    def write(self, _text: str) -> int:
        """Never."""
        raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("arguments", [["actions"], ["actions", "--json"]])
def test_output_without_room(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    """Where stdout takes nothing, stderr says why and what to do, and nothing is printed that is for programmers."""
    monkeypatch.setattr(sys, "stdout", Full())
    assert main(arguments) == 1
    said = capsys.readouterr().err
    assert "Error: The output cannot be written: No space left on device." in said
    assert "Traceback" not in said


@pytest.mark.parametrize("missing", ["stdin", "stdout", "stderr"])
def test_process_without_streams(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    """A service has none of them, and its commands work all the same."""
    monkeypatch.setattr(sys, missing, None)
    assert main(["actions", "--json"]) == 0
    assert main(["actions"]) == 0
    getattr(sys, missing).close()


@pytest.mark.parametrize("is_terminal", [False, True])
def test_progress_that_nobody_can_see(monkeypatch: pytest.MonkeyPatch, is_terminal: bool) -> None:
    """Nothing fails because stderr takes nothing any more: not the work, whose progress it is."""
    monkeypatch.setattr(sys, "stderr", Full(is_terminal=is_terminal))
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(apply_progress, "_LINE_SECONDS", 0.0)
    monkeypatch.setattr(plan_progress, "_LINE_SECONDS", 0.0)
    with apply_progress.ApplyProgress() as applying:
        applying({State.PLANNED: 2}, None)
        applying.tell("The agent cannot be reached.")
    with plan_progress.PlanProgress() as planning:
        planning(1, 2, "staff")
        planning(2, 2, "staff")
    output.print_line("Done.", stderr=True)


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


def test_json_has_no_control_character(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a UTF-8 terminal too, a name that would command it is an escape in the document, and the same name read."""
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="utf-8", newline="\n", write_through=True))
    name = "Zo\u00eb \x9b31m \x7f \x1b[2J"
    output.print_json({"name": name})
    document = written.getvalue().decode()
    assert "Zo\u00eb" in document
    assert not [one for one in document[:-1] if unicodedata.category(one) == "Cc"]
    assert json.loads(document)["name"] == name


def test_joined_emoji_stays_whole() -> None:
    """The joiner between the parts of an emoji is no control character."""
    family = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
    assert output.shown(family) == family
