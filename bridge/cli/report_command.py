"""``exo-bridge report``: one page that tells a person what became of a run, and the same as data.

Rules:

- The page is there whole or not at all, and replaces no file unasked. Only its owner may read it, like the journal.
- What it tells is the journal as it stood at one moment, also while the run goes on.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bridge.cli import output
from bridge.cli.help import HelpCommand
from bridge.cli.journal_commands import JournalFile, RunName, journal_file
from bridge.cli.options import NO_AGENT, Invocation, command
from bridge.cli.places import check_place
from bridge.errors import BridgeError, UsageError
from bridge.whole_file import whole_file

if TYPE_CHECKING:
    from bridge.cli.report.facts import Facts
    from bridge.journal import JournalReader


def add_report_command(app: typer.Typer) -> None:
    """Give ``app`` the command ``report``."""
    hidden = NO_AGENT - {"simulate"} | {"log_file"}
    app.command("report", cls=HelpCommand, rich_help_panel="Many changes")(command(report, hidden=hidden))


def report(
    invocation: Invocation,
    run: RunName,
    html: Annotated[
        Path | None,
        typer.Option("--html", metavar="FILE", help="The page to write, such as report.html.", show_default=False),
    ] = None,
    force: Annotated[bool, typer.Option("--force", metavar="", help="Replace the file that is there.")] = False,
    file: JournalFile = None,
) -> None:
    """Write a page about a run: counts, what needs a look, failures by cause, every item with before and after."""
    from bridge.cli.report.facts import facts_of, item_json, items_in_order
    from bridge.journal import JournalReader

    as_json = invocation.options.json
    if html is not None:
        check_place(html, "--html", force=force)
    elif not as_json:
        raise UsageError("There is nothing to write.", remedy="Give --html FILE for a page, or --json for the facts.")
    with JournalReader(journal_file(invocation, file)) as journal, journal.at_one_moment():
        found = journal.run(journal.find(run))
        facts = facts_of(found, items_in_order(journal, found.id))
        if html is not None:
            _write_page(journal, facts, html)
        if as_json:
            rows = (item_json(item) for item in items_in_order(journal, found.id))
            output.print_json({**facts.as_json(), "file": str(html) if html else None, "rows": rows})
    if not as_json:
        output.print_line(f"{facts.items} items of the run {found.id} are in {html}.")


def _write_page(journal: JournalReader, facts: Facts, file: Path) -> None:
    """Write the page of a run, whole or not at all. Raises BridgeError when it cannot be written or read."""
    from bridge.cli.report.facts import items_in_order
    from bridge.cli.report.page import page

    try:
        with whole_file(file) as whole:
            whole.stream.writelines(page(facts, items_in_order(journal, facts.run.id), datetime.now(UTC)))
            whole.keep()
    except OSError as error:
        raise BridgeError(
            f"The page cannot be written to {file}: {error.strerror or error}.",
            remedy="Give --html a file that can be written, on a disk with room for it.",
        ) from error
