"""``exo-bridge batch apply``, ``run``, ``resume`` and ``undo``: changes are made here, and taken back.

Rules: nothing is changed that nobody approved: by the plan's hash, by --yes, or by an answer on a terminal. The limits
of the settings are looked at before that. The whole plan is in the journal before its first change, so whatever ends
this process, ``resume`` goes on.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bridge.cli import output
from bridge.cli.batch_commands import ActionName, EncodingName, File
from bridge.cli.help import HelpCommand
from bridge.cli.options import Invocation, command
from bridge.cli.places import check_place
from bridge.cli.plan_commands import PlanFile, made_now, plan_of
from bridge.errors import Interrupted, UsageError
from bridge.model import Status

if TYPE_CHECKING:
    from bridge.batch.applying import Ending, Tools
    from bridge.batch.members import Run
    from bridge.batch.plan import Plan
    from bridge.cli.running import Running
    from bridge.journal import Journal
    from bridge.session import Session

_SHORTEST_HASH = 8
_LOOK = (
    "`exo-bridge batch plan FILE --out PLAN` looks and changes nothing; `exo-bridge batch show PLAN` shows it again."
)
_LOOK_AT_RUN = "`exo-bridge journal show RUN` shows what is left of it."

Yes = Annotated[bool, typer.Option("--yes", metavar="", help="Do not ask.")]
RunName = Annotated[str, typer.Argument(metavar="RUN", help="The run: its id, a beginning of it, or last.")]


def add_commands(group: typer.Typer) -> None:
    """Give the group ``batch`` its commands that change something."""
    for name, function, instead in (
        ("apply", apply, _LOOK),
        ("run", run, _LOOK),
        ("resume", resume, _LOOK_AT_RUN),
        ("undo", undo, ""),
    ):
        group.command(name, cls=HelpCommand)(
            command(function, hidden=frozenset(("dry_run",)), instead_of_dry_run=instead)
        )


def apply(
    invocation: Invocation,
    file: PlanFile,
    approve: Annotated[
        str | None,
        typer.Option(
            "--approve",
            metavar="HASH",
            help="The hash of the plan that was looked at, or its beginning; then nobody is asked.",
            show_default=False,
        ),
    ] = None,
    yes: Yes = False,
) -> None:
    """Make the changes of a plan, exactly these. Each object is looked at again; what was changed since is left."""
    from bridge.batch.plan import read_plan
    from bridge.cli.plan_output import print_plan
    from bridge.cli.running import prepared

    found = read_plan(file)
    is_approved = _is_approved(found, approve) or yes
    _check_can_ask(invocation, is_approved)
    with prepared(invocation) as running:
        if not is_approved:
            print_plan(found, None, running.settings.batch.patterns)
        _apply(invocation, running, found, f"exo-bridge batch apply {file}", is_approved=is_approved)


def run(
    invocation: Invocation, file: File, action: ActionName = None, encoding: EncodingName = None, yes: Yes = False
) -> None:
    """Plan the changes of a file and make them, in one go."""
    from bridge.batch.guards import LimitReached
    from bridge.cli.plan_output import print_plan, print_refusals
    from bridge.cli.running import prepared

    _check_can_ask(invocation, yes)
    with prepared(invocation) as running:
        made, refusals = plan_of(invocation, running, file, action, encoding)
        if not invocation.options.json:
            print_plan(made, None, running.settings.batch.patterns)
            print_refusals(refusals)
        if refusals:
            raise LimitReached(refusals) if invocation.options.json else typer.Exit(LimitReached.exit_code)
        _apply(invocation, running, made, f"exo-bridge batch run {file}", is_approved=yes)


def resume(
    invocation: Invocation,
    run: RunName = "last",
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", metavar="", help="Send also what failed, once more.")
    ] = False,
) -> None:
    """Go on with a run that did not come to its end. What nobody knows of is found out first."""
    from bridge.batch.applying import left_calls
    from bridge.batch.applying import resume as go_on
    from bridge.cli.running import prepared

    with prepared(invocation) as running, running.open_journal() as journal:
        begun = journal.run(_named(journal, run)).facts
        facts = running.run_facts(begun.kind, "exo-bridge batch resume", run=begun.id)
        _check_organization(begun.organization, facts.organization)
        journal.check(begun.id)
        with journal.holding(begun.id), running.session() as session:
            session.open(left=left_calls(journal, begun.id))
            with _at_work(invocation, running, journal, session) as tools:
                ending = go_on(begun.id, facts, tools, retry_failed=retry_failed)
        _tell(invocation, journal, ending)


def undo(
    invocation: Invocation,
    run: RunName,
    out: Annotated[
        Path, typer.Option("--out", metavar="FILE", help="Where to write the plan (JSON).", show_default=False)
    ],
) -> None:
    """Write a plan that takes a run back: its changes in reverse, as far as they can be. Changes nothing."""
    from bridge.batch.guards import LimitReached, refusals
    from bridge.batch.members import Members, group_sizes
    from bridge.batch.plan import write_plan
    from bridge.batch.undo import undo_items
    from bridge.cli.plan_output import plan_json, print_plan, print_refusals
    from bridge.cli.running import prepared

    check_place(out, "--out")
    with prepared(invocation) as running:
        with running.open_journal() as journal, running.session() as session:
            found = _named(journal, run)
            begun = journal.run(found).facts
            _check_organization(begun.organization, running.organization)
            journal.check(found)
            organization = session.open().organization
            looks = running.sender(session).looks
            items, left = undo_items(journal, found, looks)
            made = made_now(running, organization, items, source=f"run {found}", undoes=found, left=left)
            limits = running.settings.batch
            broken = refusals(made, limits, group_sizes(made, Members(looks)))
        write_plan(made, out)
    if invocation.options.json:
        output.print_json({"run": invocation.run, **plan_json(made, out, limits.patterns, broken)})
    else:
        print_plan(made, out, limits.patterns, is_refused=bool(broken))
        print_refusals(broken)
    if broken:
        raise typer.Exit(LimitReached.exit_code)


def _apply(invocation: Invocation, running: Running, plan: Plan, command: str, *, is_approved: bool) -> None:
    """Ask, and make the changes of a plan. Raises LimitReached, UsageError and typer.Exit with the exit code."""
    from bridge.batch.applying import apply as make

    kind = "undo" if plan.undoes else "batch"
    facts = running.run_facts(kind, command, run=invocation.run, plan=plan.hash, source=plan.source)
    with running.open_journal() as journal:
        if not is_approved and plan.counts().get(Status.CHANGED):
            # While a person thinks, the runspace is there for others.
            with running.session() as session:
                _check(running, plan, session)
            _ask(plan)
        with running.session() as session:
            _check(running, plan, session)
            with journal.holding(facts.id), _at_work(invocation, running, journal, session) as tools:
                ending = make(plan, facts, tools)
        _tell(invocation, journal, ending)


@contextlib.contextmanager
def _at_work(invocation: Invocation, running: Running, journal: Journal, session: Session) -> Iterator[Tools]:
    """With what a run is applied: signals end it well, and it is seen how far it is."""
    from bridge.batch.applying import Tools
    from bridge.batch.guards import Stops
    from bridge.cli.apply_progress import ApplyProgress
    from bridge.cli.halting import halting

    is_noisy = invocation.options.verbose > 0
    with ApplyProgress(lines=is_noisy) as progress, halting("item") as halt:
        yield Tools(
            journal=journal,
            sender=running.sender(session, tell=progress.tell, is_halted=halt),
            sha256_of=running.sha256_of,
            patience=running.patience(),
            is_halted=halt,
            progress=progress,
            stops=Stops(running.settings.batch),
            left=session.left_answers,
            replaced=running.scripts.replaced,
        )


def _check(running: Running, plan: Plan, session: Session) -> None:
    """Raise UsageError when a plan is for another organization, LimitReached when the settings refuse it."""
    _check_organization(plan.organization, session.open().organization)
    _check_limits(running, plan, running.sender(session).looks)


def _check_limits(running: Running, plan: Plan, look: Run) -> None:
    """Raise LimitReached when the settings refuse a plan."""
    from bridge.batch.guards import LimitReached, refusals
    from bridge.batch.members import Members, group_sizes

    now = datetime.now()  # noqa: DTZ005 - the window is in local time
    if found := refusals(plan, running.settings.batch, group_sizes(plan, Members(look)), now):
        raise LimitReached(found)


def _check_organization(planned: str, connected: str) -> None:
    """Raise UsageError when this is for another organization."""
    if planned.casefold() != connected.casefold():
        raise UsageError(
            f"It was made for {planned or 'no organization'}, and this is {connected}. Nothing was sent.",
            remedy="Give the settings of that organization, or plan for this one.",
        )


def _is_approved(plan: Plan, approve: str | None) -> bool:
    """Whether the plan was approved by its hash. Raises UsageError when another one was."""
    if approve is None:
        return False
    if len(approve) < _SHORTEST_HASH or not plan.hash.startswith(approve.lower()):
        raise UsageError(
            f"--approve: the plan has the hash {plan.hash}.",
            remedy=f"Look at it with `exo-bridge batch show`, and give its hash or the first {_SHORTEST_HASH} of it.",
        )
    return True


def _check_can_ask(invocation: Invocation, is_approved: bool) -> None:
    """Raise UsageError where there is nobody to ask."""
    if not is_approved and (invocation.options.json or not (sys.stdin.isatty() and sys.stderr.isatty())):
        raise UsageError(
            "There is nobody to ask whether these changes are to be made.",
            remedy="Approve them: `batch apply PLAN --approve HASH`, or --yes.",
        )


def _ask(plan: Plan) -> None:
    """Ask the person at the terminal. Raises Interrupted for every answer but yes, also for Ctrl-C and Ctrl-D."""
    count = plan.counts()[Status.CHANGED]
    question = f"Make {count} change{'s' if count > 1 else ''} in {plan.organization}?"
    try:
        typer.confirm(output.shown(question), err=True, abort=True)
    except (typer.Abort, KeyboardInterrupt):
        raise Interrupted("Not approved; nothing was changed.", remedy="Apply it when you are ready.") from None


def _named(journal: Journal, run: str) -> str:
    """The id of a run; ``last`` is the last one of a batch. Raises UsageError."""
    if run == "last":
        batches = (one.id for one in journal.runs() if one.facts.kind in ("batch", "undo"))
        return next(batches, None) or journal.find(run)
    return journal.find(run)


def _tell(invocation: Invocation, journal: Journal, ending: Ending) -> None:
    """Print what became of a run. Raises typer.Exit with the exit code."""
    from bridge.cli.apply_output import print_summary, summary, summary_json

    found = summary(journal, ending)
    with output.telling():
        if invocation.options.json:
            output.print_json(summary_json(journal, found))
        else:
            print_summary(found, invocation.options.settings)
    raise typer.Exit(found.exit_code)
