"""How the help of a command looks: plain text, its options and commands by the panel that they were given.

Rule: no box and no colour. It is the same on every console and in a pipe, and it is there five times as fast as with
rich, whose import takes longer than all else that ``--help`` does. Contexts and formatters are ``Any``, because typer
keeps their types to itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from typer import echo
from typer.core import TyperCommand, TyperGroup

_OPTIONS = "Options"
_COMMANDS = "Commands"
_ARGUMENTS = "Arguments"


class HelpCommand(TyperCommand):
    """A command whose help has a section for each panel of its options."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the arguments and options."""
        _write(formatter, _parameters(self, ctx))


class HelpGroup(TyperGroup):
    """A group whose help has a section for each panel of its commands; with no words it shows it, with exit code 2."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """The words that are left for the command."""
        if not args and not ctx.resilient_parsing:
            echo(ctx.get_help())
            ctx.exit(2)
        return super().parse_args(ctx, args)

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the options and the commands."""
        _write(formatter, _parameters(self, ctx))
        commands = [(name, command) for name, command in self.commands.items() if not command.hidden]
        # What does not fit in its line is folded, not cut.
        _write(
            formatter,
            ((getattr(one, "rich_help_panel", None) or _COMMANDS, (name, one.help or "")) for name, one in commands),
        )


def _parameters(command: TyperCommand | TyperGroup, ctx: Any) -> list[tuple[str, tuple[str, str]]]:
    """What can be given: the section, and a name with its description."""
    found = []
    for parameter in command.get_params(ctx):
        record = parameter.get_help_record(ctx)
        if record is not None:
            usual = _ARGUMENTS if parameter.param_type_name == "argument" else _OPTIONS
            found.append((getattr(parameter, "rich_help_panel", None) or usual, record))
    return found


def _write(formatter: Any, rows: Iterable[tuple[str, tuple[str, str]]]) -> None:
    sections: dict[str, list[tuple[str, str]]] = {}
    for section, row in rows:
        sections.setdefault(section, []).append(row)
    for section, records in sections.items():
        with formatter.section(section):
            formatter.write_dl(records)
