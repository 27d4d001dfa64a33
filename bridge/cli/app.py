"""The command line as a whole: which commands there are and in which order they are shown.

Rule: only the groups that the words of a command line name are imported and get their commands. Nothing else can be run
or shown then, and the others take as long as all else that a command needs to start.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Collection
from functools import partial
from typing import Annotated

import typer

from bridge.actions import AREAS
from bridge.cli import (
    actions_command,
    bundle_command,
    demo,
    doctor_command,
    explain_command,
    helloid_commands,
    report_command,
    simulate,
)
from bridge.cli.help import HelpCommand, HelpGroup
from bridge.cli.options import NO_AGENT, command
from bridge.program import NAME, program_version

_CHANGES = "Many changes"
_SESSION = "Session and settings"
_CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 120}


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"{NAME} {program_version()}")
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

    def add_group(panel: str, name: str, summary: str, fill: Callable[[typer.Typer], None]) -> None:
        group = typer.Typer(cls=HelpGroup)
        if words is None or name in words:
            fill(group)
        else:
            _fill_with_nothing(group)
        app.add_typer(group, name=name, help=summary, rich_help_panel=panel)

    for area, about in AREAS.items():
        add_group("Actions", area, about.summary, partial(_fill_area, area))
    add_group(
        _CHANGES, "batch", "Many changes from a file.", _fill_from("batch_commands", "plan_commands", "apply_commands")
    )
    add_group(_CHANGES, "journal", "What was sent to Exchange, and how it ended.", _fill_from("journal_commands"))
    report_command.add_report_command(app)
    add_group(_SESSION, "session", "The named runspace on the agent.", _fill_from("session_commands"))
    add_group(
        _SESSION,
        "settings",
        "The settings: effective values, a check, a schema for editors.",
        _fill_from("settings_commands"),
    )
    add_group(_SESSION, "log", "What was done, step by step, from the log.", _fill_from("log_commands"))
    bundle_command.add_bundle_command(app)
    app.add_typer(
        helloid_commands.helloid_group(is_named=words is None or "helloid" in words),
        name="helloid",
        help="Answer one request of HelloID's wrapper scripts: JSON on standard input, JSON on standard output.",
        rich_help_panel="Other programs",
    )
    return app


def _fill_area(area: str, group: typer.Typer) -> None:
    from bridge.cli.action_commands import add_action_commands

    add_action_commands(group, area)


def _fill_from(*modules: str) -> Callable[[typer.Typer], None]:
    """Give a group the commands of these modules of the command line."""

    def fill(group: typer.Typer) -> None:
        for module in modules:
            importlib.import_module(f"bridge.cli.{module}").add_commands(group)

    return fill


def _fill_with_nothing(group: typer.Typer) -> None:
    """Typer refuses a group without commands."""
    group.command(hidden=True)(lambda: None)
