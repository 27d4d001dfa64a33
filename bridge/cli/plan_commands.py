"""``exo-bridge batch plan`` and ``batch show``: what a file would change, before anything is changed.

Rules: a plan is written although items failed in it, and although the limits of the settings refuse it, because a
person decides with it in hand; the exit code says so. It is not written when the file has mistakes, or when the agent
or Exchange cannot be reached.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bridge.cli import batch_commands, output
from bridge.cli.batch_commands import ActionName, EncodingName, File
from bridge.cli.help import HelpCommand
from bridge.cli.options import NO_AGENT, Invocation, command
from bridge.cli.places import check_place
from bridge.errors import ActionFailed, SettingsError, UsageError
from bridge.program import program_version

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bridge.batch import Item, Wish
    from bridge.batch.guards import Refusal
    from bridge.batch.plan import Items, Plan
    from bridge.cli.running import Running

PlanFile = Annotated[
    Path, typer.Argument(metavar="PLAN", help="The plan, as `batch plan` wrote it.", show_default=False)
]


def add_commands(group: typer.Typer) -> None:
    """Give the group ``batch`` its commands ``plan`` and ``show``."""
    group.command("plan", cls=HelpCommand)(command(plan, hidden=frozenset(("dry_run",))))
    group.command("show", cls=HelpCommand)(command(show, hidden=NO_AGENT | {"log_file"}))


def plan(
    invocation: Invocation,
    file: File,
    out: Annotated[
        Path, typer.Option("--out", metavar="FILE", help="Where to write the plan (JSON).", show_default=False)
    ],
    action: ActionName = None,
    encoding: EncodingName = None,
) -> None:
    """Look at the organization for each row of a file, and write what would be changed. Changes nothing."""
    from bridge.batch.guards import LimitReached
    from bridge.batch.plan import write_plan
    from bridge.cli.plan_output import plan_json, print_plan, print_refusals
    from bridge.cli.running import prepared
    from bridge.model import Status

    check_place(out, "--out")
    if out.exists() and file.exists() and out.samefile(file):
        raise UsageError(f"--out: {out} is the file to plan for.", remedy="Give another name, such as plan.json.")
    with prepared(invocation) as running:
        made, refusals = plan_of(invocation, running, file, action, encoding)
        write_plan(made, out)
        limits = running.settings.batch
    if invocation.options.json:
        output.print_json({"run": invocation.run, **plan_json(made, out, limits.patterns, refusals)})
    else:
        print_plan(made, out, limits.patterns, is_refused=bool(refusals))
        print_refusals(refusals)
    if refusals:
        raise typer.Exit(LimitReached.exit_code)
    if made.counts().get(Status.FAILED):
        raise typer.Exit(ActionFailed.exit_code)


def show(invocation: Invocation, file: PlanFile) -> None:
    """Show a plan: counts first, then what could do harm, the worst first. Connects nothing."""
    from bridge.batch.plan import read_plan
    from bridge.cli.plan_output import plan_json, print_plan

    found = read_plan(file)
    protected = _protected(invocation)
    if invocation.options.json:
        output.print_json(plan_json(found, file, protected))
    else:
        print_plan(found, file, protected)


def plan_of(
    invocation: Invocation, running: Running, file: Path, action: str | None, encoding: str | None
) -> tuple[Plan, list[Refusal]]:
    """The plan for a file, and the limits that it breaks.

    Raises UsageError, AgentError, ExchangeError and Interrupted; and typer.Exit when the file has mistakes, which are
    printed.
    """
    from bridge.batch import survey
    from bridge.batch.guards import refusals
    from bridge.batch.members import Members, group_sizes
    from bridge.batch.planning import plan_items
    from bridge.cli.plan_progress import PlanProgress

    seen = survey(file, action, encoding=encoding, defaults=running.defaults)
    if seen.mistakes:
        batch_commands.check(invocation, file, action, encoding)
    notices = [f"Line {notice.line}: {notice.message}" for notice in seen.notices]
    found = _rows(running, file, action, encoding)
    with running.session() as session, PlanProgress(lines=invocation.options.verbose > 0) as progress:
        organization = session.open().organization
        run = running.sender(session).looks
        members = Members(run)
        items, left = plan_items(
            found, run, members, progress, total=sum(seen.counts.values()), replaced=running.scripts.replaced
        )
        made = made_now(running, organization, items, source=file.name, left=(*notices, *left))
        sizes = group_sizes(made, members)
    return made, refusals(made, running.settings.batch, sizes)


def made_now(running: Running, organization: str, items: Items, **facts: Any) -> Plan:
    """A plan that is made by this command; ``facts`` are the other fields of Plan."""
    from bridge.batch.plan import Plan

    return Plan(
        organization=organization,
        agent=running.settings.agent.host,
        items=items,
        made=datetime.now(UTC).isoformat(timespec="seconds"),
        version=program_version(),
        **facts,
    )


def _rows(running: Running, file: Path, action: str | None, encoding: str | None) -> Iterator[Item | Wish]:
    """What a file without mistakes asks for. Raises UsageError when it has one now."""
    from bridge.batch import Mistake, Notice, read_items

    for found in read_items(file, action, encoding=encoding, defaults=running.defaults):
        if isinstance(found, Mistake):
            raise UsageError(f"{file} was changed while it was read. {found}")
        if not isinstance(found, Notice):
            yield found


def _protected(invocation: Invocation) -> Sequence[str]:
    """The patterns of protected objects; none where there are no settings."""
    from bridge.settings import load_settings

    try:
        return load_settings(invocation.options.settings).settings.batch.patterns
    except SettingsError:
        if invocation.options.settings is not None:
            raise
        return ()
