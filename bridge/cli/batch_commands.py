"""``exo-bridge batch``: many changes from a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bridge.cli import output
from bridge.cli.help import HelpCommand
from bridge.cli.options import NO_AGENT, Invocation, command
from bridge.errors import UsageError

if TYPE_CHECKING:
    from bridge.batch import Survey

_MOST_SHOWN = 200

File = Annotated[
    Path,
    typer.Argument(
        metavar="FILE",
        help="The changes: .csv (.tsv, .txt), .jsonl (.ndjson), .toml or .yaml (.yml).",
        show_default=False,
    ),
]
ActionName = Annotated[
    str | None,
    typer.Option(
        "--action", metavar="NAME", help="The action of rows that name none, such as group.grant.", show_default=False
    ),
]
EncodingName = Annotated[
    str | None,
    typer.Option(
        "--encoding",
        metavar="NAME",
        help="What the file's bytes are, such as utf-8 or cp1252; without it that is found.",
        show_default=False,
    ),
]


def add_commands(group: typer.Typer) -> None:
    """Give the group ``batch`` its command ``check``."""
    group.command("check", cls=HelpCommand)(command(check, hidden=NO_AGENT | {"settings", "log_file"}))


def check(invocation: Invocation, file: File, action: ActionName = None, encoding: EncodingName = None) -> None:
    """Look for mistakes in every row of a file, all at once, and count its items. Connects nothing."""
    from bridge.batch import survey

    found = survey(file, action, encoding=encoding)
    if invocation.options.json:
        output.print_json(
            {
                "file": str(file),
                "counts": dict(found.counts),
                "exact_groups": found.wishes,
                "notices": [vars(notice) for notice in found.notices],
                "rows": [vars(mistake) for mistake in found.mistakes],
            }
        )
    else:
        _print(found)
    if found.mistakes:
        raise typer.Exit(UsageError.exit_code)


def _print(found: Survey) -> None:
    rows = [
        {"place": f"{one.file}:{one.line}", "column": one.column, "wrong": one.message, "right": one.fix}
        for one in found.mistakes[:_MOST_SHOWN]
    ]
    output.print_rows(rows, ("place", "column", "wrong", "right"))
    if len(found.mistakes) > _MOST_SHOWN:
        output.print_line(f"{len(found.mistakes) - _MOST_SHOWN} more mistakes; --json has all.")
    for notice in found.notices[:_MOST_SHOWN]:
        output.print_line(f"{notice.file}:{notice.line}: {notice.message}", style="yellow")
    if len(found.notices) > _MOST_SHOWN:
        output.print_line(f"{len(found.notices) - _MOST_SHOWN} more of these; --json has all.")
    if found.mistakes:
        count = "One mistake" if len(found.mistakes) == 1 else f"{len(found.mistakes)} mistakes"
        output.print_line(f"{count}; as long as there is one, nothing of the file is used.")
        return
    counts: list[dict[str, Any]] = [{"action": name, "items": count} for name, count in found.counts.items()]
    if found.wishes:
        counts.append({"action": "groups with exactly their members", "items": found.wishes})
    output.print_rows(counts, ("action", "items"))
    output.print_line("No mistakes. Nothing was connected.")
