"""The command line as a whole: which commands there are and in which order they are shown."""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated

import typer

from bridge.cli import (
    actions_command,
    apply_commands,
    batch_commands,
    bundle_command,
    demo,
    doctor_command,
    explain_command,
    journal_commands,
    log_commands,
    plan_commands,
    report_command,
    session_commands,
    settings_commands,
    simulate,
)
from bridge.cli.action_commands import add_action_commands
from bridge.cli.help import HelpCommand, HelpGroup
from bridge.cli.options import NO_AGENT, command

_CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 120}


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"exo-bridge {version('exo-bridge')}")
        raise typer.Exit


def _root(
    version: Annotated[
        bool,
        typer.Option("--version", metavar="", callback=_version, is_eager=True, help="Print the version and exit."),
    ] = False,
) -> None:
    """Automates Exchange Online through one PowerShell runspace on an agent server."""


def build_app(words: Collection[str] | None = None) -> typer.Typer:
    """The application with all its commands; with ``words``, those of the command line, as far as they need it."""
    app = typer.Typer(
        cls=HelpGroup,
        context_settings=_CONTEXT,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    app.callback()(_root)
    for name, function, hidden in (
        ("demo", demo.demo, demo.HIDDEN),
        ("actions", actions_command.actions, NO_AGENT),
        ("simulate", simulate.simulate, simulate.HIDDEN),
        ("doctor", doctor_command.doctor, doctor_command.HIDDEN),
        ("explain", explain_command.explain, explain_command.HIDDEN),
    ):
        app.command(name, cls=HelpCommand, rich_help_panel="Start here")(command(function, hidden=hidden))
    add_action_commands(app, words)
    batch = batch_commands.add_commands(app)
    plan_commands.add_plan_commands(batch)
    apply_commands.add_apply_commands(batch)
    journal_commands.add_commands(app)
    report_command.add_report_command(app)
    session_commands.add_commands(app)
    settings_commands.add_commands(app)
    log_commands.add_commands(app)
    bundle_command.add_bundle_command(app)
    return app
