"""The options that every command takes, and how a function becomes a command that takes them.

Rules: a command is a function of an ``Invocation`` and of its own options. ``command`` gives it the common options, so
that they are spelt, described and read in one place. Where one of them can make no difference it is accepted all the
same, so that a script may pass the same options to every command, and is left out of the help. But what would change
something in spite of ``--dry-run`` refuses it.
"""

from __future__ import annotations

import copy
import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_type_hints

import typer

from bridge.errors import UsageError
from bridge.model import new_id

if TYPE_CHECKING:
    from bridge.logs import Log

Engine = Literal["auto", "pwsh", "contract"]
LogLevel = Literal["warning", "info", "debug"]


@dataclass(frozen=True)
class Options:
    """What was given of the options that every command takes. ``verbose`` is the number of ``-v``."""

    settings: Path | None = None
    simulate: bool = False
    engine: Engine = "auto"
    tenant: Path | None = None
    dry_run: bool = False
    json: bool = False
    verbose: int = 0
    log_file: Path | None = None
    log_level: LogLevel | None = None
    trace_wire: Path | None = None
    deadline: float | None = None


class Invocation:
    """One command as it was typed: its name, its options, the id of its run, and its log once that is set up."""

    def __init__(self) -> None:
        self.options = Options()
        self.run = new_id()
        self.command = ""
        self.log: Log | None = None

    def redact(self, text: str) -> str:
        """The text of an error without secrets, as far as they are known by now."""
        return self.log.redaction.text(text) if self.log else text


_AGENT = "Agent"
_OUTPUT = "Output"
_DECLARED: Mapping[str, tuple[Any, Any]] = {
    "settings": (
        Path | None,
        typer.Option(
            "--settings", metavar="FILE", help="The settings file (TOML).", rich_help_panel=_AGENT, show_default=False
        ),
    ),
    "simulate": (
        bool,
        typer.Option(
            "--simulate",
            metavar="",
            help="Use a simulated agent and organization inside this process instead of the agent in the settings.",
            rich_help_panel=_AGENT,
        ),
    ),
    "engine": (
        Engine,
        typer.Option(
            "--engine",
            help="With a simulator: what runs the scripts. auto takes pwsh where a PowerShell is found.",
            rich_help_panel=_AGENT,
        ),
    ),
    "tenant": (
        Path | None,
        typer.Option(
            "--tenant",
            metavar="FILE",
            help="With --simulate: the file (TOML or JSON) that keeps the simulated organization. It is loaded where "
            "it exists, and saved at the end.",
            rich_help_panel=_AGENT,
            show_default=False,
        ),
    ),
    "deadline": (
        float | None,
        typer.Option(
            "--deadline",
            metavar="SECONDS",
            min=1,
            help="How long all may take, waiting and connecting included; a call that still runs then is stopped.",
            rich_help_panel=_AGENT,
            show_default=False,
        ),
    ),
    "dry_run": (
        bool,
        typer.Option("--dry-run", metavar="", help="Read, compare and say what would be changed; change nothing."),
    ),
    "json": (
        bool,
        typer.Option("--json", metavar="", help="Print one JSON document instead of text.", rich_help_panel=_OUTPUT),
    ),
    "verbose": (
        int,
        typer.Option(
            "--verbose",
            "-v",
            metavar="",
            count=True,
            help="Tell on stderr what is done in Exchange; -vv tells round trips and timings too.",
            rich_help_panel=_OUTPUT,
            show_default=False,
        ),
    ),
    "log_file": (
        Path | None,
        typer.Option(
            "--log-file",
            metavar="FILE",
            help="The log file (JSON lines) instead of the one in the settings.",
            rich_help_panel=_OUTPUT,
            show_default=False,
        ),
    ),
    "log_level": (
        LogLevel | None,
        typer.Option(
            "--log-level",
            help="What the log file holds, instead of [log] level: warning, info (each step), debug (round trips too).",
            rich_help_panel=_OUTPUT,
            show_default=False,
        ),
    ),
    "trace_wire": (
        Path | None,
        typer.Option(
            "--trace-wire",
            metavar="FILE",
            help="Write all that is said to the agent and back to FILE (JSON lines), decoded, without secrets, but "
            "with names and addresses.",
            rich_help_panel=_AGENT,
            show_default=False,
        ),
    ),
}

NO_AGENT = frozenset(("simulate", "engine", "tenant", "dry_run", "deadline", "trace_wire"))
"""The common options that make no difference to a command that talks to no agent."""


def command(
    function: Callable[..., None],
    *,
    parameters: list[inspect.Parameter] | None = None,
    hidden: frozenset[str] = frozenset(),
    instead_of_dry_run: str = "",
) -> Callable[..., None]:
    """A function for ``Typer.command`` that takes the common options too.

    ``function`` is called with the Invocation and its own options by name; these are its other parameters, or
    ``parameters``. An own option that has the name of a common one replaces it. ``hidden`` names the common options
    that are not in the help. ``instead_of_dry_run`` says what is right where ``--dry-run`` is
    refused with a UsageError.
    """
    own = parameters if parameters is not None else _own_parameters(function)
    names = {parameter.name for parameter in own}
    common = [_common(name, hidden=name in hidden) for name in _DECLARED if name not in names]
    context = inspect.Parameter("context", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)

    @functools.wraps(function)
    def run(context: typer.Context, **given: Any) -> None:
        invocation = context.ensure_object(Invocation)
        invocation.command = context.command_path
        known = {field.name for field in fields(Options)} & given.keys()
        invocation.options = Options(**{name: given[name] for name in known})
        if invocation.options.dry_run and instead_of_dry_run:
            raise UsageError(f"{invocation.command} has no --dry-run; nothing was changed.", remedy=instead_of_dry_run)
        function(invocation, **{name: value for name, value in given.items() if name in names})

    signature = inspect.Signature([context, *own, *common])
    run.__signature__ = signature  # type: ignore[attr-defined]  # what inspect.signature looks at first
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in signature.parameters.values()}
    return run


def _own_parameters(function: Callable[..., None]) -> list[inspect.Parameter]:
    """All parameters but the first, the Invocation; by name only, so that a default may stand before none."""
    hints = get_type_hints(function, include_extras=True)
    _, *own = inspect.signature(function).parameters.values()
    return [
        parameter.replace(annotation=hints[parameter.name], kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own
    ]


def _common(name: str, *, hidden: bool) -> inspect.Parameter:
    annotation, option = _DECLARED[name]
    if hidden:
        option = copy.copy(option)
        option.hidden = True
    default = next(field.default for field in fields(Options) if field.name == name)
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[annotation, option]
    )
