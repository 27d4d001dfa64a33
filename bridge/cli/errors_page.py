"""docs/errors.md: the catalogue of problems as a page."""

from __future__ import annotations

from itertools import groupby

from bridge.catalogue import Entry, Sign, catalogue
from bridge.errors import OutcomeUnknown

_HEAD = """# Errors

Made from the catalogue by `python -m bridge.cli.pages`; `exo-bridge explain CODE` prints an entry of it, and finds one
by an error's type or id, a WSMan fault's number or Entra ID's AADSTS number too.

Every problem has a code that stays the same; messages may change, and Exchange's are in the language of the agent.
*Retry helps* says that the same again may work without anything being done. Exit code 4 takes the place of another one
where a change was under way and nobody knows whether it was made. An error of a kind that is not here is
[exchange-error](#exchange-error), and all that Exchange said of it stays: type, id, category, position in the script
and Exchange's request id.
"""
_KINDS = {
    "type": "error types",
    "id": "error ids",
    "text": "names of Exchange's texts",
    "HTTP": "the HTTP status of a `Get-EXO*` cmdlet",
    "fault": "WSMan faults",
    "Entra ID": "Entra ID",
}


def errors_page() -> str:
    """The page, with a line feed at the end."""
    return "\n".join([_HEAD, *map(_section, catalogue().values())])


def _section(entry: Entry) -> str:
    exit_code = f"{entry.exit_code}"
    if entry.answer_lost:
        exit_code += f" or {OutcomeUnknown.exit_code}"
    lines = [
        f"## {entry.code}",
        "",
        entry.sentence,
        "",
        f"- Cause: {_plain(entry.cause)}",
        f"- What to do: {_plain(entry.remedy)}",
        f"- Retry helps: {'yes' if entry.retry else 'no'}. Exit code: {exit_code}.",
    ]
    for kind, signs in groupby(entry.signs, key=lambda sign: sign.kind):
        lines += _recognised(_KINDS[kind], list(signs))
    return "\n".join([*lines, ""])


def _recognised(kind: str, signs: list[Sign]) -> list[str]:
    """What it is recognised by; what has a remedy of its own in a line of its own."""
    alike = [f"`{sign.name}`" for sign in signs if not sign.remedy]
    lines = [f"- Recognised by {kind}: {', '.join(alike)}."] if alike else []
    return lines + [f"- With `{sign.name}`: {_plain(sign.remedy)}" for sign in signs if sign.remedy]


def _plain(text: str) -> str:
    """A text in which Markdown finds nothing but code in backquotes."""
    parts = text.split("`")
    parts[::2] = [part.replace("\\", "\\\\").replace("*", "\\*").replace("[", "\\[") for part in parts[::2]]
    return "`".join(parts)
