"""``exo-bridge helloid serve``: a process that stays, and answers the requests of HelloID's wrapper scripts in turn.

Rules:

- There is one for each name ([helloid] pipe); a second one says so and ends with exit code 2.
- It ends after the answer that is under way: when nothing came for [helloid] idle_end seconds, at a signal, and when
  what is installed or the settings changed; then it starts another one in its place.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bridge.cli import output
from bridge.cli.halting import halting
from bridge.cli.options import Invocation
from bridge.errors import Interrupted, UsageError

if TYPE_CHECKING:
    from bridge.cli.running import Running
    from bridge.helloid.resident.channel import Channel
    from bridge.helloid.resident.server import End

HIDDEN = frozenset(("dry_run", "deadline"))
INSTEAD = "Ask for it in the request, as HelloID's preview does, or of one request: `exo-bridge helloid --dry-run`."


def serve(
    invocation: Invocation,
    pipe: Annotated[
        str | None,
        typer.Option(
            "--pipe", metavar="NAME", help="The name to be reached by, instead of [helloid] pipe.", show_default=False
        ),
    ] = None,
    where: Annotated[
        bool, typer.Option("--where", metavar="", help="Print the address and who serves it, and end.")
    ] = False,
) -> None:
    """Stay, and answer the requests of HelloID's wrapper scripts in turn, with a warm runspace."""
    from bridge.cli.running import prepared
    from bridge.helloid.resident.address import address_of, served, serving
    from bridge.helloid.resident.channel import listen
    from bridge.helloid.resident.server import End
    from bridge.helloid.resident.upkeep import start_anew

    with prepared(invocation) as running:
        address = address_of(pipe or running.settings.helloid.pipe)
        if where:
            with _usable(address):
                found = served(address)
            _print_address(invocation, found.address, found.process_id)
            return
        with contextlib.ExitStack() as stack:
            with _usable(address):
                stack.enter_context(serving(address))
                channel = listen(address)
            end = _serve(invocation, running, channel, address)
    if end is End.CHANGED:
        start_anew()


def _serve(invocation: Invocation, running: Running, channel: Channel, address: str) -> End:
    from bridge.cli.helloid_resident import Resident
    from bridge.helloid.resident.server import End, Server
    from bridge.helloid.resident.upkeep import Installation

    settings = running.settings
    installation = Installation(_made_from(running))
    resident = Resident(running, is_told=invocation.options.settings is not None)
    server = Server(
        channel,
        resident,
        default_seconds=settings.helloid.deadline,
        changed=installation.has_changed,
        listener=running.log.listen,
    )
    try:
        with halting("request") as halt:
            _print_address(invocation, address, os.getpid())
            running.log.event("serving", address=address)
            end = server.run(halt, settings.helloid.idle_end)
    finally:
        resident.leave()
    running.log.event("serving ended", reason=end.value)
    if end is End.CHANGED and not installation.wait_until_whole():
        running.log.event("installation not whole", level=logging.WARNING)
    if resident.was_stopped:
        raise Interrupted("Stopped while a request was answered.")
    return end


def _made_from(running: Running) -> list[Path]:
    """The files that the settings are from, and own scripts; with the folders, where a file may come."""
    from bridge.settings.sources import SECRETS_VARIABLE

    places = [running.loaded.file] if running.loaded.file else []
    secrets, scripts = os.environ.get(SECRETS_VARIABLE, ""), running.settings.scripts.folder
    for folder in ([Path(secrets)] if secrets else []) + ([scripts] if scripts else []):
        with contextlib.suppress(OSError):
            places += [folder, *folder.rglob("*")]
    return [path.absolute() for path in places]


@contextlib.contextmanager
def _usable(address: str) -> Iterator[None]:
    """What the system says of an address that cannot be served, as a mistake in usage."""
    try:
        yield
    except OSError as error:
        told = error.strerror or str(error)
        raise UsageError(
            f"{address} cannot be served: {told}.", remedy="Give another name or path: [helloid] pipe or --pipe."
        ) from error


def _print_address(invocation: Invocation, address: str, process_id: int) -> None:
    if invocation.options.json:
        output.print_json({"rows": [{"id": address, "name": address, "process_id": process_id}]})
    elif process_id:
        output.print_line(f"{address} is served by process {process_id}.")
    else:
        output.print_line(f"{address} is not served.")
    sys.stdout.flush()
