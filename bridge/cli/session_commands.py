"""``exo-bridge session``: the named runspace on the agent.

Rules: only ``connect`` opens a runspace or connects Exchange. A runspace that another client uses is shown, and is
neither disconnected nor closed. With ``--dry-run`` nothing is opened, taken over or closed.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import typer

from bridge.cli import output
from bridge.cli.options import Invocation, command
from bridge.errors import ExchangeError, RunspaceBusy, RunspaceLost

if TYPE_CHECKING:
    from bridge.cli.running import Running
    from bridge.session import BridgeState, RunspaceInfo

_COLUMNS = ("mine", "name", "state", "run_seconds", "idle_seconds", "owner", "client_ip", "process_id", "id")


def add_commands(app: typer.Typer) -> None:
    """Give ``app`` the group ``session``."""
    group = typer.Typer(no_args_is_help=True)
    for name, function in (("show", show), ("connect", connect), ("disconnect", disconnect), ("close", close)):
        group.command(name)(command(function))
    app.add_typer(
        group, name="session", help="The named runspace on the agent.", rich_help_panel="Session and settings"
    )


def show(invocation: Invocation) -> None:
    """Show the shells on the agent that this account may see, and how ours is connected to Exchange."""
    from bridge.cli.running import prepared

    with prepared(invocation) as running:
        found = _runspaces(running)
        state = None
        if not invocation.options.dry_run and _mine(found) and not _in_use(found):
            with running.session() as session:
                state = session.look()
    if invocation.options.json:
        output.print_json({"rows": [_row(info) for info in found], "state": asdict(state) if state else None})
        return
    output.print_rows([_row(info) for info in found], _COLUMNS)
    name = running.settings.agent.runspace_name
    if state is not None:
        output.print_line()
        _print_state(state)
    elif not _mine(found):
        output.print_line(f"There is no runspace {name!r} on {running.settings.agent.host}.")
    elif _in_use(found):
        output.print_line(f"The runspace {name!r} is in use by another client.")


def connect(invocation: Invocation) -> None:
    """Open the runspace or take it over, connect Exchange where it is not connected, and leave it for others."""
    from bridge.cli.running import prepared

    with prepared(invocation, agent={"on_exit": "disconnect"}) as running:
        if invocation.options.dry_run:
            there = bool(_mine(_runspaces(running)))
            _print_step(invocation, running, "changed", "it would be taken over" if there else "it would be opened")
            return
        with running.session() as session:
            state = session.open()
    if invocation.options.json:
        output.print_json(
            {"rows": [{"id": state.shell_id, "name": running.settings.agent.runspace_name, **asdict(state)}]}
        )
    else:
        _print_state(state)


def disconnect(invocation: Invocation) -> None:
    """Make sure that the runspace is there for the next process: disconnected, with Exchange still connected."""
    from bridge.cli.running import prepared

    with prepared(invocation) as running:
        found = _runspaces(running)
        if _in_use(found):
            raise _busy(running, found)
        reason = "it is disconnected" if _mine(found) else "there is none"
        _print_step(invocation, running, "unchanged", reason, found)


def close(invocation: Invocation) -> None:
    """End the runspace, and with it the connection to Exchange."""
    from bridge.cli.running import prepared

    with prepared(invocation) as running:
        found = _runspaces(running)
        if _in_use(found):
            raise _busy(running, found)
        if not _mine(found):
            _print_step(invocation, running, "unchanged", "there is none")
        elif invocation.options.dry_run:
            _print_step(invocation, running, "changed", "it would be closed", found)
        else:
            _close(running)
            _print_step(invocation, running, "changed", "it was closed", found)


def _close(running: Running) -> None:
    session = running.session()
    try:
        session.look()
    except ExchangeError as error:
        # Whatever is the matter with it, it is to go.
        running.log.event("runspace state not read", error=error.message)
    finally:
        session.close()
    if _mine(_runspaces(running)):
        raise RunspaceLost(
            "The runspace could not be closed.", remedy="The log says why; the agent ends it when it has been idle."
        )


def _runspaces(running: Running) -> list[RunspaceInfo]:
    from bridge.session import runspaces

    return runspaces(running.settings, listener=running.log.listen)


def _mine(found: list[RunspaceInfo]) -> list[RunspaceInfo]:
    return [info for info in found if info.mine]


def _in_use(found: list[RunspaceInfo]) -> bool:
    """Whether ours is there and another client has it."""
    return bool(_mine(found)) and all(info.state == "Connected" for info in _mine(found))


def _busy(running: Running, found: list[RunspaceInfo]) -> RunspaceBusy:
    address = _mine(found)[0].client_ip or "address not known"
    return RunspaceBusy(
        f"The runspace {running.settings.agent.runspace_name!r} is in use by another client ({address})."
    )


def _row(info: RunspaceInfo) -> dict[str, Any]:
    return {"id": info.shell_id, **asdict(info)}


def _print_step(
    invocation: Invocation, running: Running, status: str, reason: str, found: list[RunspaceInfo] | None = None
) -> None:
    """One thing that was or was not done to the runspace."""
    name = running.settings.agent.runspace_name
    if not invocation.options.json:
        note = " (dry run: nothing was changed)" if invocation.options.dry_run else ""
        output.print_line(f"{status:<10}runspace {name}: {reason}{note}")
        return
    ids = [info.shell_id for info in _mine(found or [])]
    row = {
        "id": ids[0] if ids else "",
        "name": name,
        "status": status,
        "reason": reason,
        "dry_run": invocation.options.dry_run,
    }
    output.print_json({"rows": [row]})


def _print_state(state: BridgeState) -> None:
    facts = asdict(state)
    facts["memory"] = f"{facts.pop('memory_bytes') / 2**20:.0f} MiB"
    del facts["account"]  # how the next process recognises the log-on; nothing for people
    facts["connection"] = facts["connection"] or "not connected to Exchange"
    output.print_facts({name: value for name, value in facts.items() if value})
