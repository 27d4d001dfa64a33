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
    return [code for code in _known() if code.startswith(incomplete)]


def _known() -> list[str]:
    """Codes, and what only ``doctor`` names as a cause."""
    from bridge.catalogue import catalogue
    from bridge.troubleshooting import sections

    return list(dict.fromkeys([*catalogue(), *sections()]))


def explain(
    invocation: Invocation,
    code: Annotated[
        str | None,
        typer.Argument(
            metavar="[CODE]",
            help="A code that exo-bridge has told, such as agent-tls, or a cause that doctor names; an error's type or "
            "id, a WSMan fault's number or an AADSTS number. All codes when it is left out.",
            autocompletion=_complete,
        ),
    ] = None,
) -> None:
    """What an error's code means: its cause, what to do, and whether trying again helps."""
    from bridge.catalogue import catalogue, find
    from bridge.troubleshooting import sections

    as_json = invocation.options.json
    if code is None:
        entries = catalogue().values()
        if as_json:
            output.print_json({"rows": [entry.as_json() for entry in entries]})
        else:
            output.print_rows([vars(entry) for entry in entries], ("code", "sentence"))
        return
    entry = find(code)
    more = sections().get(entry.code if entry else code, "")
    if entry is None and not more:
        raise _unknown(code)
    if as_json:
        facts = entry.as_json() if entry else {"id": code, "name": code, "code": code}
        output.print_json({"rows": [{**facts, "more": more}]})
        return
    if entry is not None:
        _print_one(entry)
    if entry is not None and more:
        output.print_line()
    for line in more.splitlines():
        output.print_line(line)


def _unknown(word: str) -> UsageError:
    """The error for what is no code, with those that are written alike."""
    known = _known()
    wanted = word.lower().replace("_", "-").replace(" ", "-")
    near = difflib.get_close_matches(wanted, known, n=3) or [one for one in known if wanted and wanted in one]
    hint = f" Did you mean: {', '.join(near[:5])}?" if near else ""
    return UsageError(f"There is no code {word!r}.{hint}", remedy="`exo-bridge explain` lists all codes.")


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
