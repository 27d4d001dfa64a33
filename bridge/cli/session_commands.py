"""``exo-bridge session``: the named runspace on the agent.

Rules:

- Only ``connect`` opens a runspace or connects Exchange. With ``--dry-run`` nothing is opened, taken over or closed.
- A runspace that another client uses is shown, and is neither disconnected nor closed. A client that said nothing for
  longer than [agent] abandoned_after is dead, and ``close --all`` ends what it left behind.
- Ours is what the settings name: this name, this endpoint, this account. Nothing else is touched.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bridge.cli import jea_command, output, role_group_command
from bridge.cli.help import HelpCommand
from bridge.cli.options import Invocation, command
from bridge.errors import AgentError, ExchangeError, RunspaceBusy, RunspaceLost

if TYPE_CHECKING:
    from bridge.cli.running import Running
    from bridge.session import BridgeState, RunspaceInfo

_COLUMNS = (
    "mine",
    "name",
    "endpoint",
    "state",
    "age",
    "idle",
    "owner",
    "client_ip",
    "process_id",
    "memory",
    "commands",
    "id",
)


def add_commands(group: typer.Typer) -> None:
    """Give the group ``session`` its commands."""
    for name, function in (("show", show), ("connect", connect), ("disconnect", disconnect), ("close", close)):
        group.command(name, cls=HelpCommand)(command(function))
    group.command("jea-files", cls=HelpCommand)(command(jea_command.jea_files, hidden=jea_command.HIDDEN))
    group.command("role-group", cls=HelpCommand)(
        command(role_group_command.role_group, hidden=role_group_command.HIDDEN)
    )


def show(invocation: Invocation) -> None:
    """Show the shells on the agent that this account may see, what runs in them, and how ours is connected."""
    from bridge.cli.running import prepared

    with prepared(invocation) as running:
        found = _runspaces(running, with_commands=True)
        state = None
        if not invocation.options.dry_run and _mine(found) and not _in_use(found):
            with running.session() as session:
                state = session.look()
    rows = [_shell_row(info, state) for info in found]
    if invocation.options.json:
        output.print_json({"rows": rows, "state": asdict(state) if state else None})
        return
    output.print_rows([_for_people(row) for row in rows], _COLUMNS)
    name = running.settings.agent.runspace_name
    if state is not None:
        output.print_line()
        _print_state(state)
    elif not _mine(found):
        output.print_line(f"There is no runspace {name!r} on {running.settings.agent.host}.")
    elif any(row["mine"] and row["abandoned"] for row in rows):
        output.print_line(f"The client of the runspace {name!r} is silent and counts as dead.")
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


def close(
    invocation: Invocation,
    every: Annotated[
        bool,
        typer.Option(
            "--all", metavar="", help="Close each shell of ours, also one whose client is silent and counts as dead."
        ),
    ] = False,
) -> None:
    """End the runspace, and with it the connection to Exchange."""
    from bridge.cli.running import prepared

    with prepared(invocation) as running:
        found = _runspaces(running)
        if every:
            _close_all(invocation, running, _mine(found))
            return
        if _in_use(found):
            raise _busy(running, found)
        if not _mine(found):
            _print_step(invocation, running, "unchanged", "there is none")
        elif invocation.options.dry_run:
            _print_step(invocation, running, "changed", "it would be closed", found)
        else:
            _close(running)
            _print_step(invocation, running, "changed", "it was closed", found)


def _close_all(invocation: Invocation, running: Running, mine: list[RunspaceInfo]) -> None:
    """Close ours and print what became of each. Raises typer.Exit (3) when one is left."""
    dry_run = invocation.options.dry_run
    if not dry_run:
        _delete_unused(running, mine)
        left = {info.shell_id: info for info in _mine(_runspaces(running))}
    else:
        left = {info.shell_id: info for info in mine if info.in_use}
    rows = []
    for before in mine:
        info = left.get(before.shell_id)
        if info is None:
            status, reason = "changed", "it would be closed" if dry_run else "it was closed"
        elif info.in_use:
            status, reason = "failed", f"it is in use by another client ({info.client_ip or 'address not known'})"
        else:
            status, reason = "failed", "it could not be closed; the log says why"
        rows.append(_step(invocation, running, status, reason, before.shell_id))
    _print_steps(invocation, rows or [_step(invocation, running, "unchanged", "there is none")])
    if any(row["status"] == "failed" for row in rows):
        raise typer.Exit(RunspaceBusy.exit_code)


def _delete_unused(running: Running, mine: list[RunspaceInfo]) -> None:
    """End each of ours that no living client uses, by its id: a client that has another one is not waited for."""
    from bridge.session import delete_runspace

    for info in mine:
        if info.in_use:
            continue
        try:
            delete_runspace(running.settings, info.shell_id, listener=running.log.listen, trace=running.trace)
        except AgentError as error:
            # Whether it is left all the same is looked at afterwards.
            running.log.event("runspace not closed", shell=info.shell_id, error=error.message)


def _close(running: Running) -> None:
    _end(running)
    if _mine(_runspaces(running)):
        raise RunspaceLost(
            "The runspace could not be closed.", remedy="The log says why; the agent ends it when it has been idle."
        )


def _end(running: Running) -> None:
    """Take the runspace over, and end it."""
    session = running.session()
    try:
        session.look()
    except ExchangeError as error:
        # Whatever is the matter with it, it is to go.
        running.log.event("runspace state not read", error=error.message)
    finally:
        session.close()


def _runspaces(running: Running, *, with_commands: bool = False) -> list[RunspaceInfo]:
    from bridge.session import runspaces

    return runspaces(running.settings, listener=running.log.listen, with_commands=with_commands, trace=running.trace)


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


def _shell_row(info: RunspaceInfo, state: BridgeState | None) -> dict[str, Any]:
    """A shell as JSON has it. What a look into the runspace says of its memory is exact, the agent rounds.

    ``memory_bytes`` and ``commands`` are None where they are not known.
    """
    looked_into = state is not None and state.shell_id.upper() == info.shell_id
    memory = state.memory_bytes if state is not None and looked_into else 0
    return {
        "id": info.shell_id,
        **asdict(info),
        "endpoint": info.resource_uri.rpartition("/")[2],
        "in_use": info.in_use,
        "memory_bytes": memory or info.memory_bytes,
    }


def _for_people(row: dict[str, Any]) -> dict[str, Any]:
    """The same for a table; what cannot be asked of a shell while a client uses it says so."""
    unknown = "in use" if row["in_use"] else "not known"
    memory, commands = row["memory_bytes"], row["commands"]
    return {
        **row,
        "age": _duration(row["run_seconds"]),
        "idle": _duration(row["idle_seconds"]),
        "state": f"{row['state']}, abandoned" if row["abandoned"] else row["state"],
        "memory": unknown if memory is None else _mebibytes(memory),
        "commands": unknown if commands is None else [f"{one['state'].lower()} {one['id']}" for one in commands],
    }


def _duration(seconds: float) -> str:
    """As ``1:02:03``, hours first."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}"


def _mebibytes(count: int) -> str:
    return f"{count / 2**20:.0f} MiB"


def _print_step(
    invocation: Invocation, running: Running, status: str, reason: str, found: list[RunspaceInfo] | None = None
) -> None:
    """One thing that was or was not done to the runspace."""
    ids = [info.shell_id for info in _mine(found or [])]
    _print_steps(invocation, [_step(invocation, running, status, reason, ids[0] if ids else "")])


def _step(invocation: Invocation, running: Running, status: str, reason: str, shell_id: str = "") -> dict[str, Any]:
    return {
        "id": shell_id,
        "name": running.settings.agent.runspace_name,
        "status": status,
        "reason": reason,
        "dry_run": invocation.options.dry_run,
    }


def _print_steps(invocation: Invocation, rows: list[dict[str, Any]]) -> None:
    if invocation.options.json:
        output.print_json({"rows": rows})
        return
    for row in rows:
        note = " (dry run: nothing was changed)" if row["dry_run"] else ""
        which = f" {row['id']}" if len(rows) > 1 else ""
        output.print_line(f"{row['status']:<10}runspace {row['name']}{which}: {row['reason']}{note}")


def _print_state(state: BridgeState) -> None:
    facts = asdict(state)
    facts["memory"] = _mebibytes(facts.pop("memory_bytes"))
    del facts["account"]  # how the next process recognises the log-on; nothing for people
    facts["connection"] = facts["connection"] or "not connected to Exchange"
    output.print_facts({name: value for name, value in facts.items() if value})
