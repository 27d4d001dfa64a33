"""``exo-bridge support-bundle``: one file for who is asked for help. Nothing leaves this machine by it.

Rules: what will be in the file is shown before it is there, and with --dry-run nothing is written. Names and addresses
are hashed unless something else is asked for. The doctor is asked too, which connects to the agent; --no-doctor is
without. Where the settings cannot be used there is no bundle: nobody knows then what is secret.
"""

from __future__ import annotations

from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from bridge.cli import output
from bridge.cli.help import HelpCommand
from bridge.cli.options import Invocation, command
from bridge.cli.places import check_place
from bridge.errors import BridgeError, UsageError
from bridge.program import program_version

if TYPE_CHECKING:
    from collections.abc import Callable

    from bridge.cli.running import Running
    from bridge.cli.support_bundle.bundle import Bundle
    from bridge.doctor import Finding
    from bridge.journal import JournalReader
    from bridge.logs.secret_search import SecretSearch

_LAST = "last"
_KILOBYTE = 1024


def add_bundle_command(app: typer.Typer) -> None:
    """Give ``app`` the command ``support-bundle``."""
    app.command("support-bundle", cls=HelpCommand, rich_help_panel="Session and settings")(command(support_bundle))


def support_bundle(
    invocation: Invocation,
    out: Annotated[
        Path,
        typer.Option("--out", metavar="FILE", help="The zip to write, such as bundle.zip.", show_default=False),
    ],
    runs: Annotated[
        list[str] | None,
        typer.Argument(metavar="[RUN]...", help="The runs: ids, beginnings of them, or last.", show_default=False),
    ] = None,
    last: Annotated[bool, typer.Option("--last", metavar="", help="The last run that sent something or could not.")] = (
        False
    ),
    doctor: Annotated[bool, typer.Option("--doctor/--no-doctor", help="Ask the doctor too, which connects.")] = True,
    personal_data: Annotated[
        Literal["keep", "mask", "hash"], typer.Option("--personal-data", help="What becomes of names and addresses.")
    ] = "hash",
    force: Annotated[bool, typer.Option("--force", metavar="", help="Replace the file that is there.")] = False,
) -> None:
    """Write a zip about some runs, to send it to somebody: log, journal, settings, doctor; without secrets."""
    from bridge.cli.running import prepared
    from bridge.cli.support_bundle.bundle import bundled
    from bridge.cli.support_bundle.contents import Contents
    from bridge.logs.secret_search import SecretSearch
    from bridge.logs.starting import named_secrets
    from bridge.logs.starting import personal_data as treated

    wanted = [*(runs or ()), *([_LAST] if last else [])]
    if not wanted:
        raise UsageError("Which run is it about?", remedy="Give its id, the beginning of it, or --last.")
    check_place(out, "--out", force=force)
    with prepared(invocation) as running, ExitStack() as stack:
        secrets = list(named_secrets(running.settings))

        def hide(secret: str) -> None:
            secrets.append(("a token", secret))
            running.log.redaction.add(secret)

        def search() -> SecretSearch:
            return SecretSearch(secrets)

        journal = _journal(running, stack)
        ids = _ids(running, journal, wanted)
        findings = _findings(running, hide) if doctor else None
        contents = Contents(running, ids, journal, treated(personal_data))
        facts = {
            "bundle": 1,
            "made": datetime.now(UTC).isoformat(timespec="seconds"),
            "exo_bridge": program_version(),
            "runs": ids,
            "personal_data": personal_data,
        }
        try:
            bundle = stack.enter_context(bundled(out, contents.members(findings), facts, search))
            if not invocation.options.json:
                _tell(bundle, facts)
            if not invocation.options.dry_run:
                bundle.keep()
        except OSError as error:
            raise BridgeError(
                f"The bundle cannot be written to {out}: {error.strerror or error}.",
                remedy="Give --out a file that can be written, on a disk with room for it.",
            ) from error
    if invocation.options.json:
        written = None if invocation.options.dry_run else str(out)
        output.print_json(
            {"run": invocation.run, "file": written, **facts, "rows": [vars(one) for one in bundle.files]}
        )
    else:
        output.print_line(
            f"Nothing was written (dry run): {out} would hold this."
            if invocation.options.dry_run
            else f"{out} holds this. No secret was found in it; look at it before you send it."
        )


def _journal(running: Running, stack: ExitStack) -> JournalReader | None:
    """The journal, where there is one. Raises JournalError."""
    from bridge.journal import JournalReader

    path = running.journal_path
    return stack.enter_context(JournalReader(path)) if path.exists() else None


def _ids(running: Running, journal: JournalReader | None, wanted: list[str]) -> list[str]:
    """The ids of the runs that are meant. Raises UsageError: one of them names no run, or several."""
    from bridge.cli.support_bundle.contents import named_run
    from bridge.logs.reading import last_run

    ids: dict[str, None] = {}
    for text in wanted:
        if text == _LAST:
            found = [run for run in [last_run(running.settings.log.effective_file, running.run_id)] if run]
        else:
            known = [run.id for run in journal.runs() if run.id.startswith(text.lower())] if journal else []
            found = list(dict.fromkeys([*known, *named_run(running, text)]))
        if len(found) != 1:
            which = "There is no run" if not found else f"{len(found)} runs are"
            raise UsageError(
                f"{which} {text!r} in the log and the journal.", remedy="`exo-bridge log show` names the runs."
            )
        ids[found[0]] = None
    return list(ids)


def _findings(running: Running, hide: Callable[[str], None]) -> list[Finding]:
    from bridge.doctor import Visit, examine
    from bridge.settings import exposures

    found = exposures(running.loaded)
    visit = Visit(running.settings, running.scripts, running.log.listen, hide, trace=running.trace, exposures=found)
    return examine(visit)


def _tell(bundle: Bundle, facts: dict[str, Any]) -> None:
    """What is in it, before it is there."""
    output.print_line(f"A bundle about {', '.join(facts['runs'])}; names and addresses: {facts['personal_data']}.")
    output.print_rows([{**vars(one), "size": _size(one.size)} for one in bundle.files], ("name", "size", "about"))


def _size(count: int) -> str:
    return f"{count} B" if count < _KILOBYTE else f"{count / _KILOBYTE:.1f} KB"
