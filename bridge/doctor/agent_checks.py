"""The first hop: from here to the agent, up to the log-on."""

from __future__ import annotations

import datetime

from bridge.doctor.finding import Seen, failed, of_error, ok, warning
from bridge.doctor.visit import Visit
from bridge.errors import (
    AgentAccessDenied,
    AgentLogonRefused,
    AgentTimeout,
    AgentTlsError,
    AgentUnreachable,
    BridgeError,
    ProtocolError,
    RunspaceLost,
    ScriptError,
)
from bridge.session import runspaces
from bridge.session.probing import addresses, connect, greet, look, proxy

_SOON_DAYS = 21
_OFFERED_AS = {
    "basic": ("basic",),
    "credssp": ("credssp",),
    "kerberos": ("kerberos", "negotiate"),
    "negotiate": ("negotiate",),
    "ntlm": ("negotiate", "ntlm"),
}


def settings(visit: Visit) -> Seen:
    """That they can be used, which they can when it comes to this; the own scripts, and who else may reach all that."""
    try:
        count = len(visit.scripts.all())
    except ScriptError as error:
        return of_error(error)
    if visit.exposures:
        seen = " ".join(one.seen for one in visit.exposures)
        return warning("open-to-others", seen, f"{', '.join(one.remedy for one in visit.exposures)}.")
    agent, exchange = visit.settings.agent, visit.settings.exchange
    return ok(
        f"The settings have no mistakes: {agent.host}:{agent.effective_port} by {agent.auth}, Exchange by "
        f"{exchange.logon}; {count} scripts can be read."
    )


def name(visit: Visit) -> Seen:
    """That the host has an address."""
    if way := proxy(visit.settings.agent):
        return ok(f"The way to {visit.settings.agent.host} goes through the proxy {way}, which looks the name up.")
    try:
        found = addresses(visit.settings.agent)
    except AgentUnreachable as error:
        return failed(
            "name-unknown",
            error.message,
            f"Check [agent] host, and this machine's DNS: `Resolve-DnsName {visit.settings.agent.host}`.",
        )
    return ok(f"{visit.settings.agent.host} is {', '.join(found)}.")


def port(visit: Visit) -> Seen:
    """That something listens there."""
    if way := proxy(visit.settings.agent):
        return ok(f"The port is behind the proxy {way}; the next check goes through it.")
    agent = visit.settings.agent
    try:
        seconds = connect(agent)
    except (AgentTimeout, AgentUnreachable) as error:
        return failed(
            error.code,
            error.message,
            f"See from here `Test-NetConnection {agent.host} -Port {agent.effective_port}`, and on the agent whether "
            "WinRM listens and the firewall lets it through: `Get-ChildItem WSMan:\\localhost\\Listener; "
            "Get-NetFirewallRule -Name WINRM*`.",
        )
    return ok(f"Port {visit.settings.agent.effective_port} is open; a connection takes {_milliseconds(seconds)}.")


def certificate(visit: Visit) -> Seen:
    """TLS: that the agent's certificate is trusted as every connection does it, and how long it lasts."""
    agent = visit.settings.agent
    try:
        visit.greeting = greet(agent)
    except AgentTlsError:
        raise
    except BridgeError as error:
        visit.greeting_error = error  # what answers there is the next check's business
    if not agent.tls:
        protected = "sent in the clear" if agent.encryption == "never" or agent.auth == "basic" else "encrypted"
        return ok(f"TLS is not used; messages are {protected}, by the settings.")
    seen = look(agent)
    if seen is None:
        return ok("The certificate of the agent is trusted; when it ends cannot be seen.")
    days = (seen.ends - datetime.datetime.now(datetime.UTC)).days
    how = "pinned by its fingerprint" if agent.fingerprint else f"trusted, for {', '.join(seen.names) or 'no name'}"
    said = f"The certificate of the agent is {how}, and ends on {seen.ends:%Y-%m-%d} ({days} days)."
    if days >= _SOON_DAYS:
        return ok(said)
    return warning(
        "agent-certificate-ending",
        said,
        "Renew it on the agent and bind it to the listener: `Set-WSManInstance -ResourceURI winrm/config/Listener "
        "-SelectorSet @{Address='*'; Transport='HTTPS'} -ValueSet @{CertificateThumbprint='THUMBPRINT'}`.",
    )


def winrm(visit: Visit) -> Seen:
    """That WinRM answers, and offers the log-on of the settings."""
    agent, greeting = visit.settings.agent, visit.greeting
    if isinstance(visit.greeting_error, RunspaceLost):
        return failed(
            ProtocolError.code,
            f"Port {agent.effective_port} ends the connection without an answer: {visit.greeting_error.message}",
            "Look whether [agent] tls fits the port (5985 has none, 5986 has it): on the agent, "
            "`Get-ChildItem WSMan:\\localhost\\Listener`.",
        )
    if visit.greeting_error is not None:
        raise visit.greeting_error
    offers = greeting.offers if greeting else ()
    shown = ", ".join(offers) or "no log-on by name"
    wanted = _OFFERED_AS.get(agent.auth)
    if wanted and not {one.lower() for one in offers} & set(wanted):
        service = {"basic": "Basic", "credssp": "CredSSP", "kerberos": "Kerberos"}.get(agent.auth, "Negotiate")
        return failed(
            "logon-not-offered",
            f"WinRM answers, and does not offer log-on by {agent.auth}: it offers {shown}.",
            f"Set [agent] auth to what is offered, or let it be offered, on the agent: `Set-Item "
            f"WSMan:\\localhost\\Service\\Auth\\{service} $true`.",
        )
    took = f" after {_milliseconds(greeting.seconds)}" if greeting else ""
    return ok(f"WinRM answers{took} and offers {shown}.")


def logon(visit: Visit) -> Seen:
    """That the account is let in; what it may do there comes later."""
    agent = visit.settings.agent
    try:
        visit.shells = runspaces(visit.settings, listener=visit.listener, trace=visit.trace)
    except AgentAccessDenied:
        return ok(f"{_who(visit)} is let in; which shells there are it may not ask.")
    except AgentLogonRefused as error:
        return failed(
            error.code,
            error.message,
            "Try the account by itself, from a Windows machine: `Test-WSMan -ComputerName "
            f"{agent.host} -Port {agent.effective_port}{' -UseSSL' if agent.tls else ''} -Authentication "
            f"{_authentication(agent.auth)} -Credential (Get-Credential)`. {error.remedy}",
        )
    return ok(f"{_who(visit)} is let in by {agent.auth}.")


def _who(visit: Visit) -> str:
    return visit.settings.agent.user or "Whoever runs this"


def _authentication(auth: str) -> str:
    """What Test-WSMan calls it."""
    return {"basic": "Basic", "credssp": "CredSSP", "kerberos": "Kerberos", "certificate": "ClientCertificate"}.get(
        auth, "Negotiate"
    )


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"
