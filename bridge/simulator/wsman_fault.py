"""A WSMan fault, by which the agent refuses a request or says that there is nothing yet.

Codes and sentences as Windows sends them (recorded in pypsrp's own test data; wsmerror.h for the numbers).
"""

from __future__ import annotations

OPERATION_TIMED_OUT = 2150858793
SHELL_NOT_FOUND = 2150858843
ABORTED = 995
ACCESS_DENIED = 5
CONNECTED_TO_OTHER_CLIENT = 2150859213


class WsmanFault(Exception):  # noqa: N818 - the protocol's own word
    """Answered as HTTP 500 with a SOAP fault: ``code`` is WSManFault's, ``subcode`` SOAP's (``w:TimedOut``).

    ``is_sender`` says whose fault it is.
    """

    def __init__(self, code: int, subcode: str, reason: str, *, is_sender: bool = True) -> None:
        super().__init__(reason)
        self.code = code
        self.subcode = subcode
        self.reason = reason
        self.is_sender = is_sender


def timed_out() -> WsmanFault:
    """No output within OperationTimeout; the client asks again."""
    return WsmanFault(
        OPERATION_TIMED_OUT,
        "w:TimedOut",
        "The WS-Management service cannot complete the operation within the time specified in OperationTimeout.  ",
        is_sender=False,
    )


def shell_not_found(shell_id: str) -> WsmanFault:
    """There is no shell of that id."""
    return WsmanFault(
        SHELL_NOT_FOUND,
        "w:InvalidSelectors",
        f"The request for the Windows Remote Shell with ShellId {shell_id} failed because the shell was not found on "
        "the server. Possible causes are: the specified ShellId is incorrect or the shell no longer exists on the "
        "server. Provide the correct ShellId or create a new shell and retry the operation. ",
    )


def command_not_found() -> WsmanFault:
    """There is no command of that id, or all its output was handed out."""
    return WsmanFault(
        SHELL_NOT_FOUND,
        "w:InvalidSelectors",
        "The Windows Remote Shell received a request to perform an operation on a command identifier that does not "
        "exist. Either the command has completed execution or the client specified an invalid command identifier. ",
    )


def access_denied() -> WsmanFault:
    """The account may not do this."""
    return WsmanFault(ACCESS_DENIED, "w:AccessDenied", "Access is denied. ")


def aborted() -> WsmanFault:
    """The shell ended, or a newer Receive took this one's place."""
    return WsmanFault(
        ABORTED,
        "w:InternalError",
        "The I/O operation has been aborted because of either a thread exit or an application request. ",
        is_sender=False,
    )


def in_use() -> WsmanFault:
    """Another client is connected to the shell."""
    return WsmanFault(
        CONNECTED_TO_OTHER_CLIENT,
        "w:Concurrency",
        "The WinRM Shell client cannot process the request. The shell handle is connected to another client. ",
    )
