"""``exo-bridge session jea-files``: the files that make a JEA endpoint of the scripts. Talks to no agent."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bridge.cli import output
from bridge.cli.options import NO_AGENT, Invocation

HIDDEN = NO_AGENT - {"dry_run"}


def jea_files(
    invocation: Invocation,
    out: Annotated[Path, typer.Option("--out", metavar="FOLDER", help="Where to write; it is made where needed.")],
    group: Annotated[
        str, typer.Option("--group", metavar="NAME", help=r"Who may use the endpoint, such as CONTOSO\exo-bridge.")
    ],
    force: Annotated[bool, typer.Option("--force", metavar="", help="Replace the files that are there.")] = False,
) -> None:
    """Write the files of a JEA endpoint, which runs these scripts and nothing else, and say how to install them."""
    from bridge.cli.running import prepared
    from bridge.jea import file_texts, install_commands, scripts_sha256, write_files
    from bridge.session.exchange_logon import unused_scripts

    dry_run = invocation.options.dry_run
    with prepared(invocation) as running:
        scripts = running.scripts
        # A simulator's log-on is not the one that the files are for.
        hidden = unused_scripts(running.settings.exchange) if running.simulator is None else frozenset()
        if dry_run:
            files = [out / name for name in file_texts(scripts, group, hidden)]
        else:
            files = write_files(out, scripts, group, hidden=hidden, force=force)
        digest = scripts_sha256(scripts)
    commands = install_commands(out)
    if invocation.options.json:
        rows = [{"id": str(path), "name": path.name, "dry_run": dry_run} for path in files]
        output.print_json({"rows": rows, "scripts": digest, "install": commands})
        return
    for path in files:
        output.print_line(f"{'would write' if dry_run else 'written'} {path}")
    output.print_line()
    for line in commands:
        output.print_line(line)
