"""``exo-bridge explain``: what a code means, why it happens and what to do."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Annotated

import typer

from bridge.cli import output
from bridge.cli.options import NO_AGENT, Invocation
from bridge.errors import OutcomeUnknown, UsageError

if TYPE_CHECKING:
    from bridge.catalogue import Entry

HIDDEN = NO_AGENT | {"settings", "log_file"}


def _complete(incomplete: str) -> list[str]:
    from bridge.catalogue import catalogue

    return [code for code in catalogue() if code.startswith(incomplete)]


def explain(
    invocation: Invocation,
    code: Annotated[
        str | None,
        typer.Argument(
            metavar="[CODE]",
            help="A code that exo-bridge has told, such as agent-tls; or an error's type or id, a WSMan fault's number "
            "or an AADSTS number. All codes when it is left out.",
            autocompletion=_complete,
        ),
    ] = None,
) -> None:
    """What an error's code means: its cause, what to do, and whether trying again helps."""
    from bridge.catalogue import catalogue

    entries = [_found(code)] if code is not None else list(catalogue().values())
    if invocation.options.json:
        output.print_json({"rows": [entry.as_json() for entry in entries]})
    elif code is None:
        output.print_rows([vars(entry) for entry in entries], ("code", "sentence"))
    else:
        _print_one(entries[0])


def _found(word: str) -> Entry:
    """The entry. Raises UsageError with codes that are written alike."""
    from bridge.catalogue import catalogue, find

    entry = find(word)
    if entry is not None:
        return entry
    known = catalogue()
    wanted = word.lower().replace("_", "-").replace(" ", "-")
    near = difflib.get_close_matches(wanted, known, n=3) or [one for one in known if wanted and wanted in one]
    hint = f" Did you mean: {', '.join(near[:5])}?" if near else ""
    raise UsageError(f"There is no code {word!r}.{hint}", remedy="`exo-bridge explain` lists all codes.")


def _print_one(entry: Entry) -> None:
    output.print_line(entry.sentence)
    output.print_line()
    exit_code = str(entry.exit_code)
    if entry.answer_lost:
        exit_code += f"; {OutcomeUnknown.exit_code} where a change was under way"
    output.print_facts(
        {
            "code": entry.code,
            "cause": entry.cause,
            "what to do": entry.remedy,
            "retry helps": entry.retry,
            "exit code": exit_code,
        }
    )
    told_so = [sign for sign in entry.signs if not sign.remedy]
    if told_so:
        output.print_line()
        output.print_line(f"Recognised by: {', '.join(f'{sign.kind} {sign.name}' for sign in told_so)}.")
    for sign in entry.signs:
        if sign.remedy:
            output.print_line()
            output.print_line(f"{sign.kind} {sign.name}: {sign.remedy}")
