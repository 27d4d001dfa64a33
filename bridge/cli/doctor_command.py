"""``exo-bridge doctor``: both hops walked through, and what to do about what is wrong.

Rules: results go to stdout as they come, so that it is seen how far it got; on a terminal a line on stderr says what is
waited for. Settings that cannot be used are a finding like any other. Exit code 3 when something failed.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bridge.cli import output
from bridge.cli.options import Invocation
from bridge.errors import AgentError, SettingsError

if TYPE_CHECKING:
    from rich.status import Status

    from bridge.cli.running import Running
    from bridge.doctor import Check, Finding

HIDDEN = frozenset(("dry_run",))

_STYLES = {"ok": "green", "warning": "yellow", "failed": "bold red", "skipped": "dim"}


def doctor(
    invocation: Invocation,
    only: Annotated[
        list[str] | None,
        typer.Option(
            "--only",
            metavar="NAME",
            help="This check, and what it needs; may be given several times.",
            show_default=False,
        ),
    ] = None,
    fix: Annotated[
        bool,
        typer.Option(
            "--fix", metavar="", help="Close shells of ours that were left behind, and remove old temporary folders."
        ),
    ] = False,
) -> None:
    """Look at everything between here and Exchange, in order: what is wrong, and what to do about it."""
    from bridge.cli.running import prepared
    from bridge.doctor import without_settings

    names = tuple(only or ())
    try:
        with prepared(invocation) as running:
            findings = _walk(invocation, running, names, fix=fix and not invocation.options.dry_run)
    except SettingsError as error:
        findings = without_settings(error)
        if not invocation.options.json:
            for finding in findings:
                _print(invocation, finding)
    _conclude(invocation, findings)


def _walk(invocation: Invocation, running: Running, names: tuple[str, ...], *, fix: bool) -> list[Finding]:
    from bridge.doctor import Visit, examine
    from bridge.settings import exposures

    visit = Visit(
        running.settings,
        running.scripts,
        running.log.listen,
        running.log.redaction.add,
        deadline=invocation.options.deadline,
        trace=running.trace,
        fix=fix,
        exposures=exposures(running.loaded),
    )
    with _waiting() as told:

        def begin(check: Check) -> None:
            if told is not None:
                told.update(f"Looking at {check.about} ...")

        def show(finding: Finding) -> None:
            if not invocation.options.json:
                _print(invocation, finding)

        return examine(visit, only=names, on_begin=begin, on_finding=show)


@contextmanager
def _waiting() -> Iterator[Status | None]:
    """The line that says what is waited for, on a terminal; None elsewhere."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console

    with Console(file=sys.stderr).status("Looking ...") as status:
        yield status


def _conclude(invocation: Invocation, findings: list[Finding]) -> None:
    """The document, or the last line. Raises typer.Exit (3) when something failed."""
    counts = {status: sum(str(finding.status) == status for finding in findings) for status in _STYLES}
    if invocation.options.json:
        rows: list[dict[str, Any]] = [finding.as_json() for finding in findings]
        output.print_json({"run": invocation.run, "counts": counts, "rows": _redacted(invocation, rows)})
    else:
        output.print_line(", ".join(f"{count} {status}" for status, count in counts.items() if count) + ".")
    if counts["failed"]:
        raise typer.Exit(AgentError.exit_code)


def _redacted(invocation: Invocation, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {name: invocation.redact(value) if isinstance(value, str) else value for name, value in row.items()}
        for row in rows
    ]


def _print(invocation: Invocation, finding: Finding) -> None:
    status = str(finding.status)
    output.print_pieces(
        (f"{status:<9}", _STYLES[status]), (f"{finding.name:<16}", "bold"), invocation.redact(finding.seen)
    )
    if finding.remedy:
        output.print_pieces("  ", ("what to do: ", "bold"), invocation.redact(finding.remedy))
        output.print_pieces("  ", ("more: ", "bold"), f"exo-bridge explain {finding.cause}")
