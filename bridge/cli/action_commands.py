"""The commands that are made from the actions: one for each, with its options, help and JSON.

Rules: nothing here knows an action by name. A field of an action's model is an option: text takes a value, a choice its
values, a bool is a flag; the field that the action names in ``each`` may be given several times. What an option means
is checked by the model, so that a command line and a program get the same answers.
"""

from __future__ import annotations

import enum
import inspect
import sys
import types
import typing
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bridge.actions import ACTIONS
from bridge.actions.action import NoParameters
from bridge.cli import output
from bridge.cli.options import Invocation, command

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pydantic.fields import FieldInfo

    from bridge.actions import Action
    from bridge.model import Outcome


def add_action_commands(app: typer.Typer) -> None:
    """Give ``app`` a command for each action, in a group for each area."""
    areas: dict[str, typer.Typer] = {}
    for action in ACTIONS.values():
        if action.area not in areas:
            areas[action.area] = typer.Typer(no_args_is_help=True)
            app.add_typer(
                areas[action.area], name=action.area, help=area_summary(action.area), rich_help_panel="Actions"
            )
        areas[action.area].command(action.verb, help=action.summary)(action_command(action))


def area_summary(area: str) -> str:
    """What the actions of an area are about: the first line of the module that describes them."""
    modules = [action.parameters.__module__ for action in ACTIONS.values() if action.area == area]
    own = next((name for name in modules if name != NoParameters.__module__), "")
    return inspect.cleandoc((sys.modules[own].__doc__ if own else "") or f"Actions on {area}.").partition("\n")[0]


def action_command(action: Action) -> Callable[..., None]:
    """The function of an action's command, with the model's fields as its parameters."""

    def run(invocation: Invocation, **given: Any) -> None:
        run_action(invocation, action, {name: _plain(value) for name, value in given.items()})

    return command(run, parameters=[_parameter(action, name) for name in action.parameters.model_fields])


def run_action(invocation: Invocation, action: Action, given: Mapping[str, Any]) -> None:
    """Run an action's calls and print their outcomes. Raises BridgeError, and typer.Exit with the exit code."""
    # What is wrong with the options is told before any settings are needed.
    action.calls(given)
    from bridge.cli.running import prepared

    with prepared(invocation) as running:
        calls = action.calls(given, dry_run=invocation.options.dry_run, defaults=running.defaults(action))
        outcomes = running.run(calls)
    print_action(invocation, action, outcomes)
    from bridge.runner import exit_code

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
    several = name == action.each
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


def choices(kind: Any) -> list[str]:
    """The values of a Literal; none for another type."""
    return list(typing.get_args(kind)) if typing.get_origin(kind) is typing.Literal else []


def _plain(value: Any) -> Any:
    """The value of an option as the model wants it."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value.value if isinstance(value, enum.Enum) else value


def value_type(field: FieldInfo) -> Any:
    """The type of a field's value without ``None`` and without its checks: str, bool or a Literal."""
    kind: Any = field.annotation
    while True:
        if typing.get_origin(kind) is Annotated:
            kind = typing.get_args(kind)[0]
        elif typing.get_origin(kind) in (typing.Union, types.UnionType):
            (kind,) = (one for one in typing.get_args(kind) if one is not types.NoneType)
        else:
            return kind
