"""The faults of WSMan: which number means which error.

Source: wsmerror.h of Windows, as in PowerShell's WSManNativeApi; those below 2^31 are Windows' own error numbers.
"""

from __future__ import annotations

from bridge import errors

TIMED_OUT = 2150858793
"""Nothing came in the time that the request gave; usual while output is waited for."""
SHELL_NOT_FOUND = 2150858843
"""No such shell, or no such pipeline in it."""
ABORTED = 995
"""The request was ended on the agent: its thread or the service has ended."""

FAULTS: dict[int, type[errors.AgentError]] = {
    5: errors.AgentAccessDenied,
    14: errors.ShellQuota,  # out of memory
    ABORTED: errors.RunspaceLost,
    1115: errors.RunspaceLost,  # shutdown in progress
    1311: errors.AgentLogonRefused,  # no domain controller
    1312: errors.AgentLogonRefused,  # no such log-on session
    1326: errors.AgentLogonRefused,
    2150858752: errors.EndpointUnknown,  # resource not found
    2150858770: errors.AgentUnreachable,
    TIMED_OUT: errors.AgentTimeout,
    2150858811: errors.EndpointUnknown,  # invalid resource URI
    2150858813: errors.ProtocolError,  # invalid selectors
    2150858815: errors.ShellQuota,
    **dict.fromkeys((2150858823, 2150858824, 2150858825), errors.RequestTooLarge),
    SHELL_NOT_FOUND: errors.RunspaceLost,
    2150858980: errors.AgentLogonRefused,  # not in TrustedHosts
    2150859046: errors.AgentUnreachable,  # network timed out
    2150859082: errors.RunspaceLost,  # shell closed
    # MaxShellsPerUser, operations of a user, quota of a user, of the system, MaxConcurrentUsers
    **dict.fromkeys((2150859173, 2150859174, 2150859175, 2150859176, 2150859179), errors.ShellQuota),
    2150859180: errors.AgentAccessDenied,  # no remote shells
    2150859203: errors.EndpointAccount,
    2150859204: errors.RunspaceLost,  # shell disconnected
    2150859205: errors.AgentError,  # this kind of shell cannot be disconnected
    2150859206: errors.RunspaceBusy,  # another client's session
    2150859213: errors.RunspaceBusy,  # connected to another client
    # Disconnected without grace, or disconnect and reconnect not possible in this state
    **dict.fromkeys((2150859214, 2150859215, 2150859216, 2150859219), errors.RunspaceLost),
    2150859230: errors.RunspaceLost,  # the service's stream has ended
    2150859231: errors.EndpointAccount,
    2150859235: errors.AgentAccessDenied,  # local connections only
    # The endpoint's own: shells, users, operations, commands in a shell
    **dict.fromkeys(range(2150859236, 2150859243), errors.ShellQuota),
}
"""The error of each number. One that is not here is an AgentError, with the number and the agent's own words."""
