"""What is printed: tables and lines for people, one JSON document for programs.

Rules:

- Results go to stdout, errors and logs to stderr; with ``--json`` a problem is a document on stdout too.
- No id is cut: on a terminal a long value is folded in its cell, in a pipe every row is one line.
- What comes from Exchange is shown as it is, except for characters that would move the cursor, colour the terminal or
  turn the direction of the text: these are shown as escapes. Nothing is read as markup.
- What the terminal's encoding lacks is shown as an escape; JSON stays JSON in every encoding.
- A line is made of pieces: texts, or texts with a style. Only ``_print`` and ``print_rows`` know rich. It is imported
  when there is something to show to a person, because that takes as long as the whole start of a command.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridge.errors import BridgeError, Interrupted
from bridge.model import Kind, Outcome, Status
from bridge.plain_text import one_line

if TYPE_CHECKING:
    from rich.console import Console

    from bridge.errors import Mistake

Piece = str | tuple[str, str]
"""A text, or a text with its style in rich's words."""

VERSION = 1
_PIPE_WIDTH = 100_000
_LONGEST_PARAMETER = 200
_STYLES = {Status.CHANGED: "green", Status.UNCHANGED: "cyan", Status.FAILED: "red", Status.UNKNOWN: "bold yellow"}
# The control characters that JSON lets stand as they are; some terminals obey them.
_CONTROLS = re.compile("[\x7f-\x9f]")


def prepare_streams() -> None:
    """Make stdout and stderr take every character, whatever their encoding.

    A process may have been given none of them, as a service has. Then there is one that takes everything.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115 - as long as the process
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            with contextlib.suppress(ValueError, OSError):
                stream.reconfigure(errors="backslashreplace")


def print_json(document: Mapping[str, Any]) -> None:
    """One document on stdout, in one line, with the version first.

    A value that is an iterator becomes a list, whose items are written one by one. Raises Interrupted when nobody reads
    it, and BridgeError.
    """
    try:
        for piece in _json_pieces({"version": VERSION, **document}):
            print_text(piece)
    except BridgeError:
        # What is told of it is a document of its own, in a line of its own.
        with contextlib.suppress(BridgeError):
            print_text("\n")
        raise


def _json_pieces(document: Mapping[str, Any]) -> Iterator[str]:
    before = "{"
    for name, value in document.items():
        yield f"{before}{json.dumps(name)}: "
        before = ", "
        if not isinstance(value, Iterator):
            yield json_text(value)
            continue
        yield "["
        for number, item in enumerate(value):
            yield f"{', ' if number else ''}{json_text(item)}"
        yield "]"
    yield "}\n"


def print_text(text: str) -> None:
    """Text on stdout, at once. Raises Interrupted when nobody reads it, and BridgeError."""
    try:
        with _writing():
            sys.stdout.write(text)
            sys.stdout.flush()
    except BrokenPipeError:
        # What is still in the buffer would be tried again at the end of the process.
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise Interrupted("Whoever reads the rows has stopped reading.", remedy="Nothing is to be done.") from None


@contextlib.contextmanager
def _writing() -> Iterator[None]:
    """Raises BridgeError when the output has no place; that nobody reads it any more is BrokenPipeError."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise BridgeError(
            f"The output cannot be written: {error.strerror or error}.",
            remedy="Send it to a place that can be written, on a disk with room for it.",
        ) from error


@contextlib.contextmanager
def telling(outcomes: Iterable[Outcome] = ()) -> Iterator[None]:
    """What was done is done, and the exit code is to say how it went: where stdout takes nothing, stderr has it."""
    try:
        yield
    except Interrupted:
        return
    except BridgeError as error:
        print_outcomes(outcomes, stderr=True)
        print_error(error.message, error.remedy)
    except SystemExit:
        return  # rich leaves so when nobody reads any more


def json_text(value: Any, *, ascii_only: bool | None = None) -> str:
    """A value as JSON in one line; ``ascii_only`` None is as stdout needs it."""
    if ascii_only is None:
        ascii_only = (getattr(sys.stdout, "encoding", None) or "").lower().replace("-", "") != "utf8"
    text = json.dumps(value, ensure_ascii=ascii_only, default=str)
    # They stand in strings only, so the escape means the same.
    return _CONTROLS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def print_rows(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> None:
    """A table of these keys of the rows; nothing when there are no rows."""
    if not rows:
        return
    from rich import box
    from rich.table import Table
    from rich.text import Text

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
    with _writing():
        console.print(table)


def print_facts(facts: Mapping[str, Any]) -> None:
    """Names and values, one below the other."""
    width = max((len(name) for name in facts), default=0)
    for name, value in facts.items():
        _print((name.replace("_", " ").ljust(width), "bold"), "  ", shown(value))


def print_line(text: str = "", *, style: str = "", stderr: bool = False) -> None:
    """One line on stdout, or on stderr; never cut, never read as markup."""
    _print((shown(text), style), stderr=stderr)


def print_pieces(*pieces: Piece) -> None:
    """One line on stdout, made of these pieces; never cut, never read as markup."""
    _print(*((shown(piece[0]), piece[1]) if isinstance(piece, tuple) else shown(piece) for piece in pieces))


def print_outcomes(outcomes: Iterable[Outcome], *, stderr: bool = False) -> None:
    """One line for each outcome: the status, what it is about, and why; for a failure also what to do."""
    for outcome in outcomes:
        for line in _outcome_lines(outcome):
            _print(*line, stderr=stderr)


def _outcome_lines(outcome: Outcome) -> Iterator[list[Piece]]:
    if outcome.kind is Kind.READ and outcome.problem is None:
        yield [(shown(outcome.reason) + ".", "dim")]
    else:
        yield _outcome_line(outcome)
    if outcome.throttled_seconds:
        yield ["  ", ("throttled: ", "yellow"), f"Exchange slowed this call down by {outcome.throttled_seconds:.1f} s"]
    for warning in outcome.warnings:
        yield ["  ", ("warning: ", "yellow"), shown(warning)]
    if outcome.problem is not None:
        problem = outcome.problem
        kind = f" ({problem.error_type})" if problem.error_type else ""
        yield ["  ", (problem.code, "bold"), f": {shown(problem.message)}{shown(kind)}"]
        yield ["  ", ("what to do: ", "bold"), shown(problem.remedy)]


def _outcome_line(outcome: Outcome) -> list[Piece]:
    about = " ".join(f"{name.replace('_', '-')}={_quoted(value)}" for name, value in outcome.parameters.items())
    line: list[Piece] = [
        (str(outcome.status), _STYLES[outcome.status]),
        " " * (10 - len(outcome.status)),
        (outcome.action, "bold"),
        f" {about}" if about else "",
    ]
    if outcome.reason:
        line.append(f": {shown(outcome.reason)}")
    if changes := _changes(outcome):
        line.append((f" [{changes}]", "dim"))
    if outcome.dry_run:
        line.append((" (dry run: nothing was changed)", "magenta"))
    return line


def _changes(outcome: Outcome) -> str:
    """What differs between before and after."""
    return ", ".join(
        f"{name.replace('_', ' ')}: {_quoted(outcome.before[name])} -> {_quoted(value)}"
        for name, value in outcome.after.items()
        if name in outcome.before and outcome.before[name] != value
    )


def print_error(message: str, remedy: str = "", mistakes: Sequence[Mistake] = (), *, code: str = "") -> None:
    """What went wrong and what to do, on stderr; ``code`` is what ``exo-bridge explain`` tells more about."""
    _print(("Error: ", "bold red"), shown(message), stderr=True)
    for mistake in mistakes:
        _print(f"  {shown(str(mistake))}", stderr=True)
    if remedy:
        _print(("What to do: ", "bold"), shown(remedy), stderr=True)
    if code:
        _print(("More about it: ", "bold"), f"exo-bridge explain {code}", stderr=True)


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
    return one_line(str(value))


def _quoted(value: Any) -> str:
    """A value as part of a line, in quotes where it would not stand alone; a very long one is shortened."""
    text = shown(value)
    if len(text) > _LONGEST_PARAMETER:
        text = f"{text[:_LONGEST_PARAMETER]}... ({len(text)} characters)"
    return f'"{text}"' if not text or set(text) & set(" =\"'") else text


def _print(*pieces: Piece, stderr: bool = False) -> None:
    """One line, not cut."""
    from rich.text import Text

    # What cannot be told to a person is not told: no work fails for that.
    with contextlib.suppress(OSError) if stderr else _writing():
        _console(stderr=stderr).print(Text.assemble(*pieces), soft_wrap=True)


def _console(*, stderr: bool = False) -> Console:
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    return Console(
        file=stream, markup=False, highlight=False, emoji=False, width=None if stream.isatty() else _PIPE_WIDTH
    )
