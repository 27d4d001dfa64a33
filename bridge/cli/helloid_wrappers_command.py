"""``exo-bridge helloid wrappers``: the connector's scripts and forms, to be put into HelloID. Talks to no agent."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bridge.cli import output
from bridge.cli.options import NO_AGENT, Invocation
from bridge.errors import UsageError

HIDDEN = (NO_AGENT - {"dry_run"}) | {"settings", "verbose", "log_file", "log_level"}


def wrappers(
    invocation: Invocation,
    out: Annotated[Path, typer.Option("--out", metavar="FOLDER", help="Where to write; it is made where needed.")],
    force: Annotated[bool, typer.Option("--force", metavar="", help="Replace the files that are there.")] = False,
) -> None:
    """Write the connector for HelloID: a script for each of its fields, its forms, and how to put them in."""
    from bridge.helloid.wrappers import files

    dry_run = invocation.options.dry_run
    texts = {out / name: text for name, text in files().items()}
    there = [path for path in texts if path.exists()]
    if there and not force:
        raise UsageError(f"{there[0]} is there already.", remedy="Give another --out, or --force to replace the files.")
    if not dry_run:
        for path, text in texts.items():
            _write(path, text)
    if invocation.options.json:
        output.print_json({"rows": [{"id": str(path), "name": path.name, "dry_run": dry_run} for path in texts]})
        return
    output.print_line(f"{'would write' if dry_run else 'written'} {len(texts)} files to {out}")
    output.print_line(f"What to do with them: {out / 'README.md'}")


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\r\n" if path.suffix == ".ps1" else "\n")
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror or error}.") from error
