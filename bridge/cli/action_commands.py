"""The commands that are made from the actions: one for each, with its options, help and JSON.

Rules: nothing here knows an action by name. A field of an action's model is an option: text takes a value, a choice its
values, a bool is a flag. An option may be given several times where its field is a list, which is one call with all
its values, and where the action names the field in ``each``, which is a call for each value. What an option means is
checked by the model, so that a command line and a program get the same answers. What only reads can write its rows one
by one as they come; otherwise they are kept until the end, since a table and a document need all of them.
"""

from __future__ import annotations

import enum
import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bridge.actions import actions_of
from bridge.actions.fields import choices, takes_several, value_type
from bridge.cli import output
from bridge.cli.help import HelpCommand
from bridge.cli.options import Invocation, command
from bridge.errors import UsageError
from bridge.model import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pydantic.fields import FieldInfo

    from bridge.actions.action import Action
    from bridge.model import Outcome


def add_action_commands(group: typer.Typer, area: str) -> None:
    """Give the group of an area a command for each of its actions."""
    for action in actions_of(area).values():
        group.command(action.verb, cls=HelpCommand, help=action.summary)(action_command(action))


_ROWS: Mapping[str, tuple[Any, Any]] = {
    "jsonl": (
        bool,
        typer.Option(
            "--jsonl",
            metavar="",
            help="Print each row as one JSON line as it comes, however many they are; the outcome goes to stderr.",
            rich_help_panel="Output",
        ),
    ),
    "out": (
        Path | None,
        typer.Option(
            "--out",
            metavar="FILE",
            help="Write the rows to this file as they come: JSON lines (.jsonl, .ndjson) or .csv. It is there only "
            "when all rows are.",
            rich_help_panel="Output",
            show_default=False,
        ),
    ),
}


def action_command(action: Action) -> Callable[..., None]:
    """The function of an action's command, with the model's fields as its parameters."""

    def run(invocation: Invocation, *, jsonl: bool = False, out: Path | None = None, **given: Any) -> None:
        run_action(invocation, action, {name: _plain(value) for name, value in given.items()}, jsonl=jsonl, out=out)

    parameters = [_parameter(action, name) for name in action.parameters.model_fields]
    if action.kind is Kind.READ:
        parameters += [
            inspect.Parameter(
                name,
                inspect.Parameter.KEYWORD_ONLY,
                default=False if kind is bool else None,
                annotation=Annotated[kind, option],
            )
            for name, (kind, option) in _ROWS.items()
        ]
    return command(run, parameters=parameters)


def run_action(
    invocation: Invocation,
    action: Action,
    given: Mapping[str, Any],
    *,
    jsonl: bool = False,
    out: Path | None = None,
) -> None:
    """Run an action's calls and print their outcomes. Raises BridgeError, and typer.Exit with the exit code."""
    # What is wrong with the options is told before any settings are needed.
    action.calls(given)
    if jsonl and (out or invocation.options.json):
        raise UsageError("--jsonl prints the rows and nothing else: it goes neither with --json nor with --out.")
    from bridge.cli import row_output
    from bridge.cli.running import prepared

    if out is not None:
        row_output.check_suffix(out)
    with prepared(invocation) as running:
        calls = action.calls(given, dry_run=invocation.options.dry_run, defaults=running.defaults(action))
        if jsonl or out:
            quiet = invocation.options.verbose > 0
            outcomes = row_output.run_streamed(
                lambda on_row: running.run(calls, on_row), action.result, out, quiet=quiet
            )
        else:
            outcomes = running.run(calls)
    if jsonl:
        output.print_outcomes(outcomes, stderr=True)
    else:
        with output.telling(outcomes):
            print_action(invocation, action, outcomes)
    from bridge.outcomes import exit_code

    raise typer.Exit(exit_code(outcomes))


def print_action(invocation: Invocation, action: Action, outcomes: list[Outcome]) -> None:
    """The outcomes, and the rows that a read found."""
    rows = [row for outcome in outcomes for row in outcome.rows]
    if invocation.options.json:
        output.print_json(
            {"run": invocation.run, "outcomes": [outcome.as_json() for outcome in outcomes], "rows": rows}
        )
        return
    output.print_rows(rows, action.result)
    output.print_outcomes(outcomes)


def _parameter(action: Action, name: str) -> inspect.Parameter:
    """One field as a parameter of the command's function."""
    field = action.parameters.model_fields[name]
    kind = value_type(field)
    option = f"--{name.replace('_', '-')}"
    if kind is bool and action.defaults:
        # The settings may say yes where the command line wants no.
        option = f"{option}/--no-{option.removeprefix('--')}"
    several = takes_several(action, name)
    # None says that it was not given, which is not the same as the default that the model has.
    annotation = _option_type(name, kind, several=several)
    return inspect.Parameter(
        name,
        inspect.Parameter.KEYWORD_ONLY,
        default=... if field.is_required() else None,
        annotation=Annotated[
            annotation if field.is_required() else annotation | None,
            typer.Option(
                option,
                metavar="" if kind is bool else name.upper() if choices(kind) else "TEXT",
                help=_help(field, several=several),
                show_default=False,
            ),
        ],
    )


def _option_type(name: str, kind: Any, *, several: bool) -> Any:
    """The type as typer takes it: a choice is an enum, because a list of a Literal it does not take."""
    values = choices(kind)
    one: Any = enum.Enum(name, [(value, value) for value in values]) if values else kind
    return list[one] if several else one


def _help(field: FieldInfo, *, several: bool) -> str:
    text = field.description or ""
    values = choices(value_type(field))
    if not all(value in text for value in values):
        text += f" One of: {', '.join(values)}."
    return text + (" May be given several times." if several else "")


def _plain(value: Any) -> Any:
    """The value of an option as the model wants it."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value.value if isinstance(value, enum.Enum) else value
