"""``exo-bridge demo``: what exo-bridge does, shown on a simulated agent and the demo organization.

Rules: the demo goes the way of every command: settings, session, scripts, outcomes. It knows what should come out, and
its exit code is 0 only when that came out; it is the same on both engines.
"""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import typer

from bridge.actions import ACTIONS
from bridge.cli import output
from bridge.cli.examples import command_line
from bridge.cli.options import Invocation
from bridge.errors import BridgeError
from bridge.model import Outcome, Status

if TYPE_CHECKING:
    from bridge.cli.running import Running
    from bridge.session import Session
    from bridge.simulator.tenant import CmdletRecord

HIDDEN = frozenset(("settings", "simulate", "tenant", "dry_run"))


@dataclass(frozen=True)
class Step:
    """One thing that the demo shows: what a person would ask, the action, and how each of its calls should end."""

    title: str
    action: str
    parameters: dict[str, Any]
    expected: tuple[Status, ...]


_JANE = "jane.doe@contoso.example"
_MEMBERSHIP = {"group": "staff@contoso.example", "member": _JANE}
_RIGHTS = {"mailbox": "info@contoso.example", "user": _JANE, "right": ["full-access", "send-as"]}
_REGIONAL = {
    "mailbox": _JANE,
    "language": "nl-NL",
    "date_format": "dd-MM-yy",
    "time_format": "H:mm",
    "time_zone": "W. Europe Standard Time",
    "localize_folders": True,
}
_CHANGED, _UNCHANGED = Status.CHANGED, Status.UNCHANGED

STEPS = (
    Step("Which user is Jane?", "account.find", {"user": _JANE}, (_UNCHANGED,)),
    Step("And which mailbox is John's?", "mailbox.find", {"mailbox": "john.obrien@contoso.example"}, (_UNCHANGED,)),
    Step("Which groups can have members?", "group.list", {}, (_UNCHANGED,)),
    Step("Which shared mailboxes are there?", "shared-mailbox.list", {}, (_UNCHANGED,)),
    Step("Make Jane a member of Staff.", "group.grant", _MEMBERSHIP, (_CHANGED,)),
    Step("Once more: she is one already.", "group.grant", _MEMBERSHIP, (_UNCHANGED,)),
    Step("Take her out again.", "group.revoke", _MEMBERSHIP, (_CHANGED,)),
    Step("Give her two rights on the mailbox Info.", "shared-mailbox.grant", _RIGHTS, (_CHANGED, _CHANGED)),
    Step("Once more: she has them.", "shared-mailbox.grant", _RIGHTS, (_UNCHANGED, _UNCHANGED)),
    Step("Her mailbox in Dutch, with a Dutch calendar.", "mailbox.set-regional", _REGIONAL, (_CHANGED,)),
)


def demo(invocation: Invocation) -> None:
    """Show what exo-bridge does, on a simulated agent and organization. Needs no settings and changes nothing real."""
    from bridge.cli.running import prepared

    quiet = invocation.options.json
    outcomes: list[Outcome] = []
    cmdlets: list[CmdletRecord] = []
    with ExitStack() as stack:
        # With no settings of its own, the demo is the same everywhere.
        folder = stack.enter_context(TemporaryDirectory(prefix="exo-bridge-"))
        (settings := Path(folder) / "settings.toml").touch()
        invocation.options = replace(invocation.options, simulate=True, settings=settings, tenant=None)
        running = stack.enter_context(prepared(invocation))
        session = stack.enter_context(running.session())
        if running.simulator is None:
            raise RuntimeError("the demo runs on a simulator")
        running.simulator.tenant.observers.append(cmdlets.append)
        state = session.open()
        if not quiet:
            output.print_line(
                f"A simulated agent listens on port {running.simulator.port} of this machine (engine "
                f"{running.simulator.engine}). One runspace was opened there: PowerShell {state.power_shell_version}, "
                f"connected to {state.organization}."
            )
        wrong = sum(not _show(step, session, running, outcomes, quiet=quiet) for step in STEPS)
    if quiet:
        output.print_json(
            {
                "run": invocation.run,
                "outcomes": [outcome.as_json() for outcome in outcomes],
                "rows": [],
                "counts": _counts(outcomes),
                "log": str(running.log.file or ""),
            }
        )
        if wrong:
            raise typer.Exit(BridgeError.exit_code)
        return
    _print_summary(outcomes, cmdlets, running)
    if wrong:
        raise BridgeError(
            f"{wrong} of {len(STEPS)} steps did not end as the demo expects.", remedy="Please report it, with the log."
        )


def _counts(outcomes: list[Outcome]) -> dict[str, int]:
    return dict(sorted(Counter(str(outcome.status) for outcome in outcomes).items()))


def _print_summary(outcomes: list[Outcome], cmdlets: list[CmdletRecord], running: Running) -> None:
    """What happened, as this process, the simulated Exchange and the log have it."""
    logons = sum(record.cmdlet == "Connect-ExchangeOnline" for record in cmdlets)
    changes = sum(record.changed for record in cmdlets)
    output.print_line()
    output.print_line("What happened", style="bold")
    output.print_line(f"  {', '.join(f'{count} {status}' for status, count in _counts(outcomes).items())}")
    output.print_line(
        f"  Exchange executed {len(cmdlets)} cmdlets, of which {changes} changed something; log-ons to it: {logons}."
    )
    output.print_line(f"  Every step is in the log: {running.log.file or 'none could be written'}")


def _show(step: Step, session: Session, running: Running, outcomes: list[Outcome], *, quiet: bool) -> bool:
    """Run and print one step; whether it ended as expected."""
    from bridge.logs import LogObserver
    from bridge.runner import run_calls

    action = ACTIONS[step.action]
    ended = run_calls(action.calls(step.parameters), session, [LogObserver(running.log)])
    outcomes += ended
    right = tuple(outcome.status for outcome in ended) == step.expected
    if not quiet:
        output.print_line()
        output.print_line(step.title, style="bold")
        output.print_line(f"  $ {command_line(action, step.parameters)}", style="dim")
        output.print_rows([row for outcome in ended for row in outcome.rows], action.result)
        output.print_outcomes(ended)
        if not right:
            output.print_line(f"  expected: {', '.join(step.expected)}", style="red")
    return right
