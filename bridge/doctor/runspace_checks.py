"""On the agent, before anything runs there: whose shells there are, and whether there may be one more."""

from __future__ import annotations

from bridge.doctor.finding import Seen, ok, warning
from bridge.doctor.visit import Visit
from bridge.errors import AgentError, RunspaceBusy
from bridge.session import RunspaceInfo, delete_runspace, runspaces

_SHOWN = 5


def runspace(visit: Visit) -> Seen:
    """The state of our named runspace."""
    agent, mine = visit.settings.agent, visit.mine
    called = f"The runspace {agent.runspace_name!r}"
    if not mine:
        return ok(f"{called} is not there; the next command opens it.")
    used = next((info for info in mine if info.in_use), None)
    if used is not None:
        client = used.client_ip or "an address that is not known"
        return warning(
            RunspaceBusy.code,
            f"{called} is in use by a client at {client}, which was heard {used.idle_seconds:.0f} s ago.",
            "Wait until it is done, or give this client its own [agent] runspace_name; `exo-bridge session show` says "
            "what runs in it.",
        )
    free = [info for info in mine if info.state != "Connected"]
    if free:
        return ok(f"{called} is free, and was used {free[0].idle_seconds:.0f} s ago.")
    return ok(f"{called} was left by a client that died; the next command replaces it.")


def orphans(visit: Visit) -> Seen:
    """Shells of ours that nobody will use again; with ``fix`` they are closed."""
    left = _orphans(visit)
    if not left:
        return ok("No shell of ours was left behind.")
    shown = ", ".join(f"{info.shell_id} (silent for {info.idle_seconds:.0f} s)" for info in left[:_SHOWN])
    count = "One shell" if len(left) == 1 else f"{len(left)} shells"
    if visit.fix:
        _close(visit, left)
        still = _orphans(visit)
        if not still:
            return ok(f"{count} of ours had been left behind, and {'is' if len(left) == 1 else 'are'} closed now.")
        count, shown = f"{len(still)} of {len(left)} shells", "they could not be closed; the log says why"
    return warning(
        "orphaned-shells",
        f"{count} of ours left behind by clients that died: {shown}.",
        "Close them with `exo-bridge doctor --fix`; the agent ends them by itself when they were idle for long enough.",
    )


def shell(visit: Visit) -> Seen:
    """That a runspace can be opened, or taken over; who uses how many."""
    visit.open()
    agent = visit.settings.agent
    how = f"The runspace {agent.runspace_name!r} was taken over"
    if not visit.taken_over:
        how = "A runspace was opened beside it, and is closed in the end" if visit.mine else "A runspace can be opened"
    names = [f"{info.name or 'one without a name'} ({_state(info)})" for info in visit.shells[:_SHOWN]]
    more = f" and {len(visit.shells) - _SHOWN} more" if len(visit.shells) > _SHOWN else ""
    had = f"the account had {len(visit.shells)} before: {', '.join(names)}{more}" if names else "the account had none"
    return ok(f"{how} on {agent.configuration_name!r}; {had}. Only an administrator of the agent can see its limits.")


def _state(info: RunspaceInfo) -> str:
    state = "abandoned" if info.abandoned else info.state.lower()
    return f"{state}, {info.memory_bytes / 2**20:.0f} MiB" if info.memory_bytes else state


def _orphans(visit: Visit) -> list[RunspaceInfo]:
    """Ours without a living client, all but the one that the next command takes over; a doctor's own among them.

    Raises AgentError.
    """
    visit.shells = runspaces(visit.settings, listener=visit.listener, trace=visit.trace)
    free = sorted((info for info in visit.mine if info.state != "Connected"), key=lambda info: info.idle_seconds)
    is_taken = any(info.in_use for info in visit.mine)
    abandoned = [info for info in visit.mine if info.abandoned]
    own = [
        info
        for name in sorted({info.name for info in visit.shells} & set(visit.own_names))
        for info in runspaces(visit.own_settings(name), listener=visit.listener, trace=visit.trace)
        if info.mine and not info.in_use
    ]
    return free[0 if is_taken else 1 :] + abandoned + own


def _close(visit: Visit, left: list[RunspaceInfo]) -> None:
    for info in left:
        settings = visit.settings if info.name == visit.settings.agent.runspace_name else visit.own_settings(info.name)
        try:
            delete_runspace(settings, info.shell_id, listener=visit.listener, trace=visit.trace)
        except AgentError as error:
            # Whether it is left all the same is looked at afterwards.
            visit.listener("runspace not closed", shell=info.shell_id, error=error.message)
