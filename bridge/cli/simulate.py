"""``exo-bridge simulate``: a simulated agent that runs until it is told to end.

Rules: one JSON line on stdout says that it is ready and where; its password stands in the settings file alone, which
only this user can read. Ctrl-C, SIGTERM and, on Windows, Ctrl-Break end it cleanly: exit code 0, everything saved.
"""

from __future__ import annotations

import os
import signal
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType
from typing import Annotated, Literal

import typer

from bridge.cli import output
from bridge.cli.options import NO_AGENT, Engine, Invocation
from bridge.cli.places import check_place
from bridge.errors import UsageError

HIDDEN = (NO_AGENT - {"engine", "tenant"}) | {"settings", "json", "verbose", "log_file"}


def simulate(
    _invocation: Invocation,
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="The port; 0 takes a free one.")] = 0,
    engine: Annotated[
        Engine, typer.Option("--engine", help="What runs the scripts. auto takes pwsh where a PowerShell is found.")
    ] = "auto",
    tenant: Annotated[
        Path | None,
        typer.Option(
            "--tenant", metavar="FILE", help="The organization (TOML or JSON) instead of the demo.", show_default=False
        ),
    ] = None,
    tenant_out: Annotated[
        Path | None,
        typer.Option(
            "--tenant-out", metavar="FILE", help="Save the organization there at the end.", show_default=False
        ),
    ] = None,
    settings_out: Annotated[
        Path | None,
        typer.Option(
            "--settings-out",
            metavar="FILE",
            help="Write the settings that reach it there; without it, to a temporary file that is named.",
            show_default=False,
        ),
    ] = None,
    wire_log: Annotated[
        Path | None,
        typer.Option("--wire-log", metavar="FILE", help="One JSON line for each WSMan exchange.", show_default=False),
    ] = None,
    cmdlet_log: Annotated[
        Path | None,
        typer.Option(
            "--cmdlet-log", metavar="FILE", help="One JSON line for each Exchange cmdlet.", show_default=False
        ),
    ] = None,
    fault: Annotated[
        list[str] | None,
        typer.Option(
            "--fault",
            metavar="SPEC",
            help="What goes wrong on purpose, such as Receive#2=reset. May be given several times.",
            show_default=False,
        ),
    ] = None,
    tls: Annotated[
        bool, typer.Option("--tls", metavar="", help="HTTPS, with a certificate made for this run.")
    ] = False,
    auth: Annotated[Literal["basic", "ntlm"], typer.Option("--auth", help="How clients log on.")] = "basic",
    jea: Annotated[
        Path | None,
        typer.Option(
            "--jea",
            metavar="FILE",
            help="A JEA endpoint too: the file .pssc that `exo-bridge session jea-files` wrote.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Run a simulated agent and organization until Ctrl-C, for exo-bridge or any other WinRM client."""
    from bridge.cli.running import simulator_of
    from bridge.simulator import SimulatorOptions

    if settings_out is not None:
        check_place(settings_out, "--settings-out")
        _check_own(settings_out)
    if tenant_out is not None:
        check_place(tenant_out, "--tenant-out")
    options = SimulatorOptions(
        port=port,
        engine=engine,
        tenant=tenant,
        tenant_out=tenant_out,
        wire_log=wire_log,
        cmdlet_log=cmdlet_log,
        faults=tuple(fault or ()),
        tls=tls,
        auth=auth,
        jea=jea,
    )
    with told_to_end() as end, ExitStack() as stack:
        simulator = stack.enter_context(simulator_of(options))
        file = settings_out or Path(stack.enter_context(_temporary_folder())) / "settings.toml"
        simulator.write_settings(file)
        agent = simulator.settings()["agent"]
        output.print_json(
            {
                "host": agent["host"],
                "port": agent["port"],
                "tls": agent["tls"],
                "engine": simulator.engine,
                "auth": agent["auth"],
                "user": agent["user"],
                "settings": str(file.absolute()),
                "process_id": os.getpid(),
            }
        )
        # In short waits, because on Windows a signal does not end a long one.
        while not end.wait(0.5):
            pass


def _check_own(file: Path) -> None:
    """Raise UsageError when there is a file that no simulator wrote: it may be what reaches the real agent."""
    from bridge.simulator import SETTINGS_MARK

    try:
        with file.open("rb") as stream:
            first = stream.readline(len(SETTINGS_MARK) + 2)
    except FileNotFoundError:
        return
    except OSError as error:
        raise UsageError(f"--settings-out: {file} cannot be read: {error.strerror or error}.") from error
    if first and first.rstrip() != SETTINGS_MARK.encode():
        raise UsageError(
            f"--settings-out: {file} was not written by a simulator, and is not replaced.",
            remedy="Give another name, such as simulated.toml.",
        )


@contextmanager
def told_to_end() -> Iterator[threading.Event]:
    """An event that is set when a signal asks the process to end; the handlers before are put back."""
    end = threading.Event()

    def handle(_number: int, _frame: FrameType | None) -> None:
        end.set()

    names = ("SIGINT", "SIGTERM", "SIGBREAK")
    numbers = [number for name in names if (number := getattr(signal, name, None)) is not None]
    before = {number: signal.signal(number, handle) for number in numbers}
    try:
        yield end
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _temporary_folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="exo-bridge-")
