"""``exo-bridge journal``: what was to be done, what was sent, and how it ended.

Rules:

- Nothing here writes to the journal, and nothing needs an agent; with ``--simulate`` it is the simulator's journal.
- A run is named by its id, by a beginning that only it has, or by ``last``.
- An item whose process died before its outcome counts as unknown, because nobody knows what became of it.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from bridge.cli import output, row_output
from bridge.cli.help import HelpCommand
from bridge.cli.options import NO_AGENT, Invocation, command
from bridge.errors import ActionFailed, SettingsError, UsageError

if TYPE_CHECKING:
    from bridge.journal import Item, JournalReader, Run

_MOST_SHOWN = 200
_FORMATS = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl"}
_COLUMNS = (
    "run",
    "position",
    "id",
    "state",
    "action",
    "object",
    "parameters",
    "line",
    "at",
    "sent_at",
    "settled_by",
    "dry_run",
    "reason",
    "identity_id",
    "identity_name",
    "before",
    "after",
    "problem_code",
    "problem_message",
    "problem_remedy",
    "problem_error_type",
    "problem_error_id",
    "problem_category",
    "problem_position",
    "problem_request_id",
    "warnings",
    "seconds",
    "throttled_seconds",
    "script",
    "sha256",
)

RunName = Annotated[
    str, typer.Argument(metavar="RUN", help="The run: its id, a beginning of it, or last.", show_default=False)
]
JournalFile = Annotated[
    Path | None,
    typer.Option("--file", metavar="FILE", help="This journal instead of the one in the settings.", show_default=False),
]


def add_commands(group: typer.Typer) -> None:
    """Give the group ``journal`` its commands."""
    hidden = NO_AGENT - {"simulate"}
    for name, function in (("list", list_runs), ("show", show), ("export", export), ("verify", verify)):
        group.command(name, cls=HelpCommand)(command(function, hidden=hidden))


def list_runs(
    invocation: Invocation,
    file: JournalFile = None,
    most: Annotated[int, typer.Option("--most", metavar="N", min=1, help="How many runs, the newest first.")] = 50,
) -> None:
    """List the runs, the newest first."""
    path = journal_file(invocation, file)
    rows: list[dict[str, Any]] = []
    if file is not None or path.exists():
        with _reader(path) as journal:
            rows = [run.as_json() for run in islice(journal.runs(), most)]
    if invocation.options.json:
        output.print_json({"file": str(path), "rows": rows})
    elif rows:
        columns = ("run", "began", "kind", "user", "organization", "ended", "items")
        output.print_rows([_run_for_people(row) for row in rows], columns)
    else:
        output.print_line(f"The journal {path} has no runs.")


def show(
    invocation: Invocation,
    run: RunName,
    failed: Annotated[bool, typer.Option("--failed", metavar="", help="Only what failed.")] = False,
    unknown: Annotated[
        bool, typer.Option("--unknown", metavar="", help="Only what may or may not have been done.")
    ] = False,
    file: JournalFile = None,
) -> None:
    """Show one run: its facts, and its items as they stand."""
    from bridge.journal import State

    only = [*([State.FAILED] if failed else []), *([State.OPEN, State.UNKNOWN] if unknown else [])] or list(State)
    with _reader(journal_file(invocation, file)) as journal:
        found = journal.run(journal.find(run))
        items = journal.items(found.id, only)
        if invocation.options.json:
            output.print_json({"run": found.as_json(), "rows": (item.as_json() for item in items)})
            return
        rows = [_item_for_people(item) for item in islice(items, _MOST_SHOWN)]
    output.print_facts(_facts_for_people(found))
    output.print_line()
    output.print_rows(rows, ("position", "state", "action", "about", "why", "id"))
    left = sum(found.counts[state] for state in only) - len(rows)
    if left > 0:
        output.print_line(f"{left} more: exo-bridge journal export {found.id}")


def export(
    invocation: Invocation,
    run: RunName,
    form: Annotated[
        Literal["csv", "jsonl"] | None,
        typer.Option("--format", help="The format; left out, that of --out, else jsonl.", show_default=False),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="The file to write, instead of stdout.", show_default=False),
    ] = None,
    file: JournalFile = None,
) -> None:
    """Write every item of a run with all that is known of it, as CSV or JSON lines."""
    if out is not None and form not in (None, _FORMATS[row_output.check_suffix(out)]):
        raise UsageError(f"--format {form} and --out {out.name} are two formats.", remedy="Leave --format out.")
    with _reader(journal_file(invocation, file)) as journal:
        found = journal.run(journal.find(run))
        rows = (item.as_json() for item in journal.items(found.id))
        if out is not None:
            count = _to_file(rows, out)
            row = {"run": found.id, "items": count, "file": str(out)}
            if invocation.options.json:
                output.print_json({"rows": [row]})
            else:
                output.print_line(f"{count} items of the run {found.id} are in {out}.")
        elif invocation.options.json:
            output.print_json({"rows": rows})
        else:
            write = _csv_on_stdout() if form == "csv" else row_output.print_row
            for one in rows:
                write(one)


def verify(invocation: Invocation, run: RunName, file: JournalFile = None) -> None:
    """Check that the records of a run are what was written, and name the items that have an intent and no outcome."""
    with _reader(journal_file(invocation, file)) as journal:
        found = journal.verify(journal.find(run))
    if invocation.options.json:
        output.print_json({"rows": [{**vars(found), "ok": found.ok}]})
    else:
        output.print_line(f"Run {found.run}: {found.records} records of {found.items} items.")
        for mistake in found.mistakes:
            output.print_line(f"  {mistake}", style="red")
        for item in found.open:
            output.print_line(f"  open: the item {item} has an intent and no outcome", style="yellow")
        if found.open_count > len(found.open):
            output.print_line(f"  open: {found.open_count - len(found.open)} more")
        output.print_line("The records are what was written." if found.ok else "The records are not what was written.")
    if not found.ok:
        raise typer.Exit(ActionFailed.exit_code)


def journal_file(invocation: Invocation, file: Path | None) -> Path:
    """The journal that is meant: that of the settings, or the usual one where there are no settings."""
    from bridge.journal import default_path, journal_path
    from bridge.settings import load_settings

    if file is not None:
        return file
    options = invocation.options
    try:
        return journal_path(load_settings(options.settings).settings, is_simulated=options.simulate)
    except SettingsError:
        if options.settings is not None:
            raise
        usual = default_path()
        return usual.with_stem(f"{usual.stem}-simulated") if options.simulate else usual


def _reader(path: Path) -> JournalReader:
    from bridge.journal import JournalReader

    return JournalReader(path)


def _run_for_people(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **row,
        "run": row["id"][:12],
        "began": _moment(row["began_at"]),
        "user": f"{row['user']}@{row['machine']}" if row["machine"] else row["user"],
        "ended": row["ended"] or "not ended",
        "items": _counts(row["counts"]),
    }


def _facts_for_people(run: Run) -> dict[str, Any]:
    row = run.as_json()
    return {
        "run": run.id,
        "items": _counts(row["counts"]),
        "ended": f"{_moment(run.ended_at)} ({run.ended})" if run.ended else "not ended: under way, or its process died",
        "began": _moment(run.began_at),
        **({"resumed": _moment(run.resumed_at)} if run.resumed_at else {}),
        **{
            name: row[name]
            for name in ("kind", "command", "user", "machine", "agent", "organization", "source", "plan", "version")
            if row[name]
        },
    }


def _item_for_people(item: Item) -> dict[str, Any]:
    outcome = item.outcome
    why = "sent, and nothing is known of it" if item.state == "open" else ""
    if outcome is not None:
        why = outcome.problem.message if outcome.problem else outcome.reason
    about = " ".join(output.shown(value) for value in item.planned.call.parameters.values())
    return {"position": item.position, "state": str(item.state), "action": item.planned.call.action} | {
        "about": about,
        "why": f"{why} (settled by: {item.settled_by})" if item.settled_by else why,
        "id": item.id,
    }


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {state}" for state, count in counts.items() if count) or "none"


def _moment(at: str) -> str:
    """A moment of the journal to the second; it is UTC."""
    return f"{at[:19].replace('T', ' ')} UTC" if at else ""


def _to_file(rows: Iterator[dict[str, Any]], file: Path) -> int:
    """Write the rows to a file; how many they were. Raises BridgeError."""
    is_csv = row_output.check_suffix(file) == ".csv"
    count = 0
    with row_output.row_file(file, _COLUMNS) as target:
        for row in rows:
            target.write(_flat(row) if is_csv else row)
            count += 1
        target.keep()
    return count


def _csv_on_stdout() -> Callable[[dict[str, Any]], None]:
    """Prints rows as CSV, after a line with the names of the columns."""
    text = io.StringIO()
    writer = csv.DictWriter(text, _COLUMNS, lineterminator="\n")

    def flush() -> None:
        output.print_text(text.getvalue())
        text.seek(0)
        text.truncate()

    def write(row: dict[str, Any]) -> None:
        writer.writerow({column: row_output.cell(value) for column, value in _flat(row).items()})
        flush()

    writer.writeheader()
    flush()
    return write


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    """The row with one text a cell: of identity and problem each part, what else has parts as JSON."""
    flat = dict(row)
    for name in ("identity", "problem"):
        parts = flat.pop(name) or {}
        flat |= {column: parts.get(column.removeprefix(f"{name}_"), "") for column in _columns_of(name)}
    return {
        name: json.dumps(value, ensure_ascii=False, default=str) if isinstance(value, dict | list | bool) else value
        for name, value in flat.items()
    }


def _columns_of(name: str) -> list[str]:
    return [column for column in _COLUMNS if column.startswith(f"{name}_")]
