"""The way to the agent, looked at step by step: its name, its port, its certificate, what answers there.

Rules: nothing is logged on to and nothing is sent but a handshake and one empty request. Trust, proxies and a client's
certificate are those of every other connection, so that what passes here passes there.
"""

from __future__ import annotations

import re
import socket
import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

import requests

from bridge import errors
from bridge.session.tls import SeenCertificate, look
from bridge.session.wsman import ObservedWSMan, nobody, translated
from bridge.settings import is_loopback

if TYPE_CHECKING:
    from bridge.settings import AgentSettings

__all__ = ["Answer", "SeenCertificate", "addresses", "connect", "greet", "look", "proxy"]

_SCHEME = re.compile(r"(?:^|,)\s*(Negotiate|Kerberos|NTLM|CredSSP|Basic)\b(?!\s*=)", re.IGNORECASE)


@dataclass(frozen=True)
class Answer:
    """What an empty request without a log-on was answered: the log-ons that are offered, and after how many seconds."""

    offers: tuple[str, ...]
    seconds: float


def proxy(agent: AgentSettings) -> str:
    """Host and port of the proxy that the environment names for the way to the agent; "" where there is none."""
    from requests.utils import get_environ_proxies, select_proxy

    url = f"{'https' if agent.tls else 'http'}://{agent.host}:{agent.effective_port}/"
    chosen = None if is_loopback(agent.host) else select_proxy(url, get_environ_proxies(url))
    # What stands before the @ may be a password.
    return chosen.rpartition("://")[2].rpartition("@")[2].rstrip("/") if chosen else ""


def addresses(agent: AgentSettings) -> tuple[str, ...]:
    """The addresses of [agent] host. Raises AgentUnreachable."""
    try:
        found = socket.getaddrinfo(agent.host, agent.effective_port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        said = getattr(error, "strerror", None) or str(error)
        raise errors.AgentUnreachable(f"The name {agent.host!r} has no address: {said}.") from error
    return tuple(dict.fromkeys(str(address[0]) for *_, address in found))


def connect(agent: AgentSettings) -> float:
    """Connect to the port and hang up; the seconds that it took. Raises AgentUnreachable and AgentTimeout."""
    where = f"{agent.host}:{agent.effective_port}"
    start = time.monotonic()
    try:
        with socket.create_connection((agent.host, agent.effective_port), timeout=agent.connect_timeout):
            return time.monotonic() - start
    except TimeoutError as error:
        raise errors.AgentTimeout(f"{where} did not answer within {agent.connect_timeout} s.") from error
    except OSError as error:
        raise errors.AgentUnreachable(f"There is no connection to {where}: {error.strerror or error}.") from error


def greet(agent: AgentSettings) -> Answer:
    """Send one empty request without a log-on. Raises AgentTlsError, ProtocolError and other AgentErrors."""
    with translated(agent, maybe_sent=False):
        wsman = ObservedWSMan(agent, nobody)
        session = wsman.transport._build_session()  # pypsrp has no public way to a session that trusts what it trusts
        session.auth = _nobody
        start = time.monotonic()
        try:
            # Not session.post, which takes another trust and another proxy from the environment than pypsrp does.
            answer = session.send(
                session.prepare_request(requests.Request("POST", wsman.transport.endpoint, data=b"")),
                timeout=(agent.connect_timeout, agent.read_timeout),
                allow_redirects=False,
            )
            seconds = time.monotonic() - start
        finally:
            session.close()
            wsman.close()
    if answer.status_code != HTTPStatus.UNAUTHORIZED:
        raise errors.ProtocolError(
            f"{agent.host}:{agent.effective_port} answered an empty request with the HTTP status {answer.status_code}; "
            f"WinRM answers with {HTTPStatus.UNAUTHORIZED}."
        )
    offered = _SCHEME.findall(answer.headers.get("WWW-Authenticate", ""))
    return Answer(tuple(dict.fromkeys(offered)), seconds)


def _nobody(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """The request as it is: no log-on, and none from a .netrc file."""
    return request
