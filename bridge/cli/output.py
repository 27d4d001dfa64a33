"""What is printed: tables and lines for people, one JSON document for programs.

Rules:

- Results go to stdout, errors and logs to stderr; with ``--json`` a problem is a document on stdout too.
- No id is cut: on a terminal a long value is folded in its cell, in a pipe every row is one line.
- What comes from Exchange is shown as it is, except for characters that would move the cursor, colour the terminal or
  turn the direction of the text: these are shown as escapes. Nothing is read as markup.
- What the terminal's encoding lacks is shown as an escape; JSON stays JSON in every encoding.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bridge.model import Kind, Outcome, Status

if TYPE_CHECKING:
    from bridge.errors import Mistake

VERSION = 1
_PIPE_WIDTH = 100_000
_LONGEST_PARAMETER = 200
_STYLES = {Status.CHANGED: "green", Status.UNCHANGED: "cyan", Status.FAILED: "red", Status.UNKNOWN: "bold yellow"}
# Marks and overrides of the direction of text.
_TURNS = frozenset(map(chr, (0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))))


def prepare_streams() -> None:
    """Make stdout and stderr take every character, whatever their encoding."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            with contextlib.suppress(ValueError, OSError):
                stream.reconfigure(errors="backslashreplace")


def print_json(document: Mapping[str, Any]) -> None:
    """One document on stdout, in one line, with the version first."""
    unicode = (getattr(sys.stdout, "encoding", None) or "").lower().replace("-", "") == "utf8"
    text = json.dumps({"version": VERSION, **document}, ensure_ascii=not unicode, default=str)
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def print_rows(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> None:
    """A table of these keys of the rows; nothing when there are no rows."""
    if not rows:
        return
    console = _console()
    table = Table(
        box=box.SIMPLE_HEAD if console.is_terminal else None,
        header_style="bold",
        pad_edge=False,
        show_edge=False,
        padding=(0, 2, 0, 0),
    )
    for column in columns:
        table.add_column(column.replace("_", " "), overflow="fold")
    for row in rows:
        table.add_row(*(Text(shown(row.get(column))) for column in columns))
    console.print(table)


def print_facts(facts: Mapping[str, Any]) -> None:
    """Names and values, one below the other."""
    width = max((len(name) for name in facts), default=0)
    for name, value in facts.items():
        print_line(Text.assemble((name.replace("_", " ").ljust(width), "bold"), "  ", shown(value)))


def print_line(text: str | Text = "", *, style: str = "") -> None:
    """One line on stdout; never cut, never read as markup."""
    line = Text(shown(text), style=style) if isinstance(text, str) else text
    _console().print(line, soft_wrap=True)


def print_outcomes(outcomes: Iterable[Outcome]) -> None:
    """One line for each outcome: the status, what it is about, and why; for a failure also what to do."""
    for outcome in outcomes:
        print_line(_outcome_line(outcome))
        for warning in outcome.warnings:
            print_line(Text.assemble("  ", ("warning: ", "yellow"), shown(warning)))
        if outcome.problem is not None:
            problem = outcome.problem
            kind = f" ({problem.error_type})" if problem.error_type else ""
            print_line(Text.assemble("  ", (problem.code, "bold"), f": {shown(problem.message)}{shown(kind)}"))
            print_line(Text.assemble("  ", ("what to do: ", "bold"), shown(problem.remedy)))


def _outcome_line(outcome: Outcome) -> Text:
    if outcome.kind is Kind.READ and outcome.problem is None:
        return Text(shown(outcome.reason) + ".", style="dim")
    about = " ".join(f"{name.replace('_', '-')}={_quoted(value)}" for name, value in outcome.parameters.items())
    line = Text.assemble(
        (str(outcome.status), _STYLES[outcome.status]),
        " " * (10 - len(outcome.status)),
        (outcome.action, "bold"),
        f" {about}" if about else "",
    )
    if outcome.reason:
        line.append(f": {shown(outcome.reason)}")
    if changes := _changes(outcome):
        line.append(f" [{changes}]", style="dim")
    if outcome.dry_run:
        line.append(" (dry run: nothing was changed)", style="magenta")
    return line


def _changes(outcome: Outcome) -> str:
    """What differs between before and after."""
    return ", ".join(
        f"{name.replace('_', ' ')}: {_quoted(outcome.before[name])} -> {_quoted(value)}"
        for name, value in outcome.after.items()
        if name in outcome.before and outcome.before[name] != value
    )


def print_error(message: str, remedy: str = "", mistakes: Sequence[Mistake] = ()) -> None:
    """What went wrong and what to do, on stderr."""
    console = _console(stderr=True)
    console.print(Text.assemble(("Error: ", "bold red"), shown(message)), soft_wrap=True)
    for mistake in mistakes:
        console.print(Text(f"  {shown(str(mistake))}"), soft_wrap=True)
    if remedy:
        console.print(Text.assemble(("What to do: ", "bold"), shown(remedy)), soft_wrap=True)


def shown(value: Any) -> str:
    """A value for people, on one line: booleans are yes and no, None is empty, lists have commas."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.1f}"
    if isinstance(value, list | tuple):
        return ", ".join(shown(item) for item in value)
    if isinstance(value, Mapping):
        return ", ".join(f"{shown(name)}: {shown(item)}" for name, item in value.items())
    return "".join(_harmless(character) for character in str(value))


def _harmless(character: str) -> str:
    if character in _TURNS or unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp"):
        return character.encode("unicode_escape").decode("ascii")
    return character


def _quoted(value: Any) -> str:
    """A value as part of a line, in quotes where it would not stand alone; a very long one is shortened."""
    text = shown(value)
    if len(text) > _LONGEST_PARAMETER:
        text = f"{text[:_LONGEST_PARAMETER]}... ({len(text)} characters)"
    return f'"{text}"' if not text or set(text) & set(" =\"'") else text


def _console(*, stderr: bool = False) -> Console:
    stream = sys.stderr if stderr else sys.stdout
    return Console(
        file=stream, markup=False, highlight=False, emoji=False, width=None if stream.isatty() else _PIPE_WIDTH
    )
