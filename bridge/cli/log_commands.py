"""``exo-bridge log``: what was done, read again from the log file.

Rules: nothing here writes to the log, and nothing needs an agent. Times are local ones for people, and UTC with
``--json``, which prints the lines as they are in the file. A run and a call are named by their ids or a beginning.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from bridge.cli import output, row_output
from bridge.cli.help import HelpCommand
from bridge.cli.options import NO_AGENT, Invocation, command
from bridge.errors import BridgeError, SettingsError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from bridge.logs.reading import LogReader, Wanted

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_AGO = re.compile(r"(\d{1,6})([smhd])")
_STYLES = {"warning": "yellow", "error": "red"}
_LAST = "last"

LogFileOption = Annotated[
    Path | None,
    typer.Option("--file", metavar="FILE", help="This log instead of the one in the settings.", show_default=False),
]


def add_commands(group: typer.Typer) -> None:
    """Give the group ``log`` its commands."""
    hidden = NO_AGENT | {"log_file", "log_level", "verbose"}
    group.command("show", cls=HelpCommand)(command(show, hidden=hidden))


def show(
    invocation: Invocation,
    run: Annotated[
        str,
        typer.Option(
            "--run", metavar="RUN", help="Only this run: its id, a beginning of it, or last.", show_default=False
        ),
    ] = "",
    item: Annotated[
        str,
        typer.Option("--item", metavar="ID", help="Only this call: its id or a beginning of it.", show_default=False),
    ] = "",
    since: Annotated[
        str,
        typer.Option(
            "--since",
            metavar="WHEN",
            help="Only what is not older: 30s, 15m, 2h, 7d, or a local time such as 2026-11-24T08:00.",
            show_default=False,
        ),
    ] = "",
    level: Annotated[
        Literal["debug", "info", "warning", "error"] | None,
        typer.Option("--level", help="Only what is at least as grave.", show_default=False),
    ] = None,
    follow: Annotated[
        bool, typer.Option("--follow", metavar="", help="Go on with what is written from now on, until Ctrl-C.")
    ] = False,
    file: LogFileOption = None,
    json: Annotated[
        bool,
        typer.Option(
            "--json", metavar="", help="Print the lines as the log has them: JSON, UTC.", rich_help_panel="Output"
        ),
    ] = False,
) -> None:
    """Show what was done: each command, call, record and round trip, as far as [log] level keeps them."""
    from bridge.logs.reading import LogReader, Wanted

    reader = LogReader(file or log_path(invocation))
    try:
        if file is not None and not (follow or reader.is_there):
            raise UsageError(f"--file: there is no log {file}.", remedy="Name a file that [log] file named.")
        named = last_run(reader.path) if run == _LAST else run.strip().lower()
        wanted = Wanted(run=named, item=item.strip().lower().replace("-", ""), since=moment(since), level=level or "")
        _print(reader, wanted, follow=follow, as_json=json)
    except OSError as error:
        raise BridgeError(
            f"The log {reader.path} cannot be read: {error.strerror or error}.",
            remedy="Give --file, or let this account read it.",
        ) from error
    if reader.passed_over:
        output.print_line(f"{reader.passed_over} lines that are none of the log's were left out.", stderr=True)


def log_path(invocation: Invocation) -> Path:
    """The log that is meant: that of the settings, or the usual one where there are no settings."""
    from bridge.settings import LogSettings, load_settings

    options = invocation.options
    if options.log_file is not None:
        return options.log_file
    try:
        return load_settings(options.settings).settings.log.effective_file
    except SettingsError:
        if options.settings is not None:
            raise
        return LogSettings().effective_file


def last_run(path: Path) -> str:
    """The id of the last run in a log. Raises UsageError when there is none, and OSError."""
    from bridge.logs import reading

    last = reading.last_run(path)
    if not last:
        raise UsageError(f"The log {path} has no run.")
    return last


def moment(text: str) -> str:
    """A moment as the log spells it, from ``2h`` or a local time; empty for an empty text. Raises UsageError."""
    if not text:
        return ""
    found = _AGO.fullmatch(text.strip().lower())
    try:
        if found:
            when = datetime.now(UTC) - timedelta(**{_UNITS[found[2]]: int(found[1])})
        else:
            when = datetime.fromisoformat(text.strip()).astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        raise UsageError(
            f"--since: {text!r} is no moment.", remedy="Give 30s, 15m, 2h, 7d, or a time such as 2026-11-24T08:00."
        ) from None
    return when.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _print(reader: LogReader, wanted: Wanted, *, follow: bool, as_json: bool) -> None:
    events: Iterable[dict[str, Any]] = filter(wanted, reader.events(follow=follow))
    if as_json:
        for event in events:
            row_output.print_row(event)
        return
    shown = 0
    for run, its in groupby(events, key=lambda event: str(event.get("run", ""))):
        if shown:
            output.print_line()
        for style, line in _lines(run, its):
            shown += 1
            output.print_line(line, style=style)
    if not shown and reader.is_there:
        output.print_line(f"The log {reader.path} has nothing of that.")
    elif not shown:
        output.print_line(f"There is no log {reader.path} yet. Each account has its own; --file shows another one.")


def _lines(run: str, events: Iterator[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    """The lines of one run with their styles, under a line that says which one it is."""
    from bridge.logs.people import line_for_people

    day = ""
    for event in events:
        when, level = _local(str(event.get("time", ""))), str(event.get("level", ""))
        if when[:10] != day:
            day = when[:10]
            yield "bold", f"{day}  run {run}"
        yield _STYLES.get(level, ""), line_for_people(when[11:23], level, event)


def _local(time: str) -> str:
    """A time of the log in local time, to the millisecond; as it is when it is none."""
    try:
        return datetime.fromisoformat(time).astimezone().isoformat(timespec="milliseconds")
    except ValueError:
        return time
