"""The agent's certificate: made anew at each start by a CA of its own, which the client is told to trust."""

from __future__ import annotations

import datetime
import ssl
from dataclasses import dataclass
from pathlib import Path

NAMES = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class AgentCertificate:
    """What the server needs, and the CA's certificate (PEM) that a client has to trust."""

    context: ssl.SSLContext
    ca_pem: bytes


def agent_certificate(names: tuple[str, ...] = NAMES, *, days: int = 30) -> AgentCertificate:
    """A certificate for these names that ends in ``days`` days; a negative number makes one that has ended."""
    import trustme  # takes a fifth of a second, and is needed only with TLS

    ca = trustme.CA()
    until = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=days)
    certificate = ca.issue_cert(*names, not_after=until, not_before=until - datetime.timedelta(days=60))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return AgentCertificate(context, ca.cert_pem.bytes())


def write_ca(path: Path, certificate: AgentCertificate) -> Path:
    """Write the CA's certificate for a client. Raises OSError."""
    path.write_bytes(certificate.ca_pem)
    return path
