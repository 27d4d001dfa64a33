"""The WSMan faults by which the service, rather than a shell, refuses a request.

Source: wsmerror.h for numbers, subcodes and what each is for.
"""

from __future__ import annotations

from bridge.simulator.wsman_fault import WsmanFault


def injected(code: int) -> WsmanFault:
    """A fault that was asked for."""
    return WsmanFault(code, "w:InternalError", f"This fault ({code}) was injected. ", is_sender=False)


def internal_error(error: Exception) -> WsmanFault:
    """The simulator itself has failed. The code is Windows' ERROR_INTERNAL_ERROR."""
    return WsmanFault(1359, "w:InternalError", f"The simulated agent has failed: {error!r}. ", is_sender=False)


def resource_not_found(resource_uri: str) -> WsmanFault:
    """There is nothing of that name to be looked at."""
    return WsmanFault(
        2150858752,
        "a:DestinationUnreachable",
        f"The WS-Management service cannot process the request. It cannot find the resource {resource_uri}. ",
    )


def action_not_supported(action: str) -> WsmanFault:
    """There is no such action here."""
    return WsmanFault(
        2150858771, "a:ActionNotSupported", f"The WS-Management service does not support the action {action}. "
    )


def schema_violation(what: str) -> WsmanFault:
    """The request lacks something, or has it in a form that cannot be read."""
    return WsmanFault(2150858817, "w:SchemaValidationError", f"The message does not match its schema: {what}. ")


def endpoint_unknown(name: str) -> WsmanFault:
    """There is no session configuration of that name."""
    return WsmanFault(
        2150858811,
        "w:InvalidResourceURI",
        f"The WS-Management service cannot process the request. Cannot find the {name} session configuration in the "
        "WSMan: drive on the server computer. ",
    )


def shell_quota(allowed: int) -> WsmanFault:
    """The account has as many shells as it may have."""
    return WsmanFault(
        2150859173,
        "w:QuotaLimit",
        f"The WS-Management service cannot process the request. This user is allowed a maximum number of {allowed} "
        "concurrent shells, which has been exceeded. Close existing shells or raise the quota for this user. ",
    )


def shell_id_in_use(shell_id: str) -> WsmanFault:
    """The client chose an id that a shell has already."""
    return WsmanFault(2150859223, "w:AlreadyExists", f"There is a shell with the ShellId {shell_id} already. ")


def shell_disconnected() -> WsmanFault:
    """The shell must be reconnected first."""
    return WsmanFault(
        2150859204, "w:InvalidSelectors", "The shell is disconnected: reconnect or connect to it, then try again. "
    )


def other_session() -> WsmanFault:
    """The SessionId is not that of the client that the shell belongs to."""
    return WsmanFault(
        2150859206, "w:InvalidSelectors", "The SessionId of the request is not that of the client of this shell. "
    )


def not_disconnected() -> WsmanFault:
    """Reconnect to a shell that is connected."""
    return WsmanFault(2150859216, "w:InvalidSelectors", "The shell is not disconnected, so it cannot be reconnected. ")
