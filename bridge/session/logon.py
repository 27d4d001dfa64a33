"""What is said when the log-on to the agent fails: by what was tried, not by text that somebody translates.

WinRM answers every refused log-on with 401 and no reason, so that nobody learns which accounts there are. Source of
the texts that are looked for: pypsrp 0.9.1 and pyspnego 0.12, whose messages are English always.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pypsrp.exceptions import AuthenticationError
from spnego.exceptions import SpnegoError

from bridge import errors

if TYPE_CHECKING:
    from bridge.settings import AgentSettings

# pypsrp's sentence when none of what the agent offers is what it can do.
_OFFER = re.compile(r"authentication methods .* - actual: '([^']*)'")
_ON_LINUX = (
    " (on Linux it is built, with gcc and the system's Kerberos: `apt install gcc libkrb5-dev krb5-user` or "
    "`dnf install gcc krb5-devel krb5-workstation`)"
)


def logon_error(error: Exception, agent: AgentSettings) -> errors.AgentLogonRefused | None:
    """An exception of the log-on as ours, or None for any other exception."""
    where = f"{agent.host}:{agent.effective_port}"
    if isinstance(error, AuthenticationError):
        return _refused(error, agent, where)
    if isinstance(error, SpnegoError):
        return errors.AgentLogonRefused(
            f"Log-on to {where} by {agent.auth} could not be done: {' '.join(str(error).split())}.",
            remedy="Try `kinit` as that account; [agent] host must be the agent's name in the domain, not an address, "
            "and the clocks must agree."
            if agent.auth == "kerberos"
            else None,
        )
    if isinstance(error, UnicodeEncodeError):
        return errors.AgentLogonRefused(
            f"User or password for {where} have letters that log-on by {agent.auth} cannot carry.",
            remedy="Set [agent] auth to negotiate, or choose a password of Latin-1 letters.",
        )
    if isinstance(error, ImportError):
        return errors.AgentLogonRefused(
            f"Log-on by {agent.auth} needs a library that is not installed ({error}).",
            remedy=f"`pip install '.[{agent.auth}]'` in the folder of its source"
            f"{_ON_LINUX if agent.auth == 'kerberos' else ''}, or set [agent] auth to negotiate.",
        )
    return None


def _refused(error: AuthenticationError, agent: AgentSettings, where: str) -> errors.AgentLogonRefused:
    """401."""
    if offer := _OFFER.search(str(error)):
        return errors.AgentLogonRefused(
            f"The agent {where} does not take log-on by {agent.auth}; it offers {offer[1] or 'nothing'}."
        )
    if agent.auth == "certificate":
        return errors.AgentLogonRefused(
            f"The agent {where} knows no account for the client certificate {agent.certificate_file}, or refuses it.",
            remedy="On the agent, `Get-ChildItem WSMan:\\localhost\\ClientCertificate` lists which certificates mean "
            "which account, and WSMan:\\localhost\\Service\\Auth\\Certificate must be true.",
        )
    return errors.AgentLogonRefused(f"The agent {where} refused the log-on of {agent.user!r} by {agent.auth}.")
