"""``exo-bridge helloid``: one request of a HelloID wrapper script from standard input, its answer to standard output.

Rules:

- There is always one answer on stdout, and nothing else: what is wrong with settings, agent, Exchange or journal is an
  audit line in it. Exit code 0 says that the request was answered, whether it succeeded or not; 2 that the request's
  document is wrong; 130 that a signal stopped it.
- The request says how long the answer may take; [helloid] deadline where it does not. A part of it is kept for stopping
  what runs, for the journal, and for the way of the answer.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from bridge.cli.help import HelpCommand, HelpGroup
from bridge.cli.options import Invocation, command

if TYPE_CHECKING:
    from bridge.helloid.answer import Answer
    from bridge.helloid.envelope import Request
    from bridge.helloid.service import Desk
    from bridge.helloid.task import Task

HIDDEN = frozenset(("json",))


class _RequestGroup(HelpGroup):
    """A group that without a command answers a request."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """The words that are left for a command; none of them is no mistake here, unless a person sits there."""
        if not args and not ctx.resilient_parsing and not sys.stdin.isatty():
            return super(HelpGroup, self).parse_args(ctx, args)
        return super().parse_args(ctx, args)


def helloid_group(*, is_named: bool) -> typer.Typer:
    """The group ``helloid``, which answers one request where no command is named.

    ``is_named`` says that the command line may name it; without, it is only shown.
    """
    group = typer.Typer(cls=_RequestGroup, invoke_without_command=True)
    group.callback()(_unless_command(command(answer_one, hidden=HIDDEN)) if is_named else _nothing)
    if is_named:
        from bridge.cli import helloid_serve, helloid_wrappers_command

        group.command("serve", cls=HelpCommand)(
            command(helloid_serve.serve, hidden=helloid_serve.HIDDEN, instead_of_dry_run=helloid_serve.INSTEAD)
        )
        wrappers = command(helloid_wrappers_command.wrappers, hidden=helloid_wrappers_command.HIDDEN)
        group.command("wrappers", cls=HelpCommand)(wrappers)
    return group


def _nothing() -> None:
    """Not run."""


def answer_one(invocation: Invocation) -> None:
    """Answer one request of a HelloID wrapper script: JSON on standard input, JSON on standard output."""
    from bridge.helloid.envelope import MAX_BYTES
    from bridge.helloid.service import respond

    start = time.monotonic()
    document = sys.stdin.buffer.read(MAX_BYTES + 1)
    response = respond(document, functools.partial(_desk, invocation, start))
    sys.stdout.buffer.write(response.document)
    sys.stdout.buffer.flush()
    raise typer.Exit(response.exit_code)


@contextlib.contextmanager
def _desk(invocation: Invocation, start: float, request: Request, task: Task, answer: Answer) -> Iterator[Desk]:
    """What the task is done with: settings, log and session of this process. Raises BridgeError."""
    from bridge.cli.running import prepared
    from bridge.helloid.desk import desk_at, time_to_work

    options = invocation.options
    if options.settings is None and request.settings:
        invocation.options = replace(options, settings=Path(request.settings))
    with prepared(invocation) as running:
        seconds = options.deadline or request.deadline or running.settings.helloid.deadline
        running.deadline = time_to_work(seconds, time.monotonic() - start)
        with running.session() as session:

            def opened() -> Any:
                session.open()
                return session

            with desk_at(running, opened, task, answer, dry_run=options.dry_run) as desk:
                yield desk


def _unless_command(run: Callable[..., None]) -> Callable[..., None]:
    """The same, left out where a command of the group is named."""

    @functools.wraps(run)
    def maybe(context: typer.Context, **given: Any) -> None:
        if context.invoked_subcommand is None:
            run(context, **given)

    maybe.__signature__ = inspect.signature(run)  # type: ignore[attr-defined]  # what inspect.signature looks at first
    return maybe
