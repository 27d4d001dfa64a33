"""The certificates of the simulated agent and of its clients: made anew at each start by CAs of their own.

Rules: a client is told to trust the agent's CA; ``kind`` makes a certificate that it must refuse all the same. Client
certificates are asked for and not demanded, as WinRM does, and the common name of one is the account that it means.
With them the newest TLS is 1.2, in whose handshake a client certificate of another CA is refused for sure; WinRM asks
after the handshake and answers such a one over HTTP, which Python's TLS cannot do.
"""

from __future__ import annotations

import datetime
import hashlib
import ipaddress
import ssl
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import trustme
    from cryptography import x509

NAMES = ("localhost", "127.0.0.1", "::1")
CertificateKind = Literal["right", "ending", "expired", "wrong-name", "self-signed"]
_OTHER_NAMES = ("other.contoso.example",)


@dataclass(frozen=True)
class AgentCertificate:
    """What the server needs, the certificate (PEM) that a client has to trust, and the SHA-256 of the server's own."""

    context: ssl.SSLContext
    ca_pem: bytes
    fingerprint: str

    @property
    def binding(self) -> bytes:
        """What a log-on is bound to: tls-server-end-point (RFC 5929), by the hash of the signature, SHA-256."""
        return b"tls-server-end-point:" + bytes.fromhex(self.fingerprint)


def agent_certificate(
    names: tuple[str, ...] = NAMES, *, days: int = 30, kind: CertificateKind = "right"
) -> AgentCertificate:
    """A certificate for these names that ends in ``days`` days; a negative number makes one that has ended."""
    import trustme  # takes a fifth of a second, and is needed only with TLS

    days = {"expired": -1, "ending": 5}.get(kind, days)
    until = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=days)
    since = until - datetime.timedelta(days=60)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if kind == "self-signed":
        pem, key = _self_signed(names, since, until)
        # Python reads a certificate for a server from a file only.
        with tempfile.TemporaryDirectory(prefix="exo-bridge-simulator-") as folder:
            file = Path(folder) / "agent.pem"
            file.write_bytes(key + pem)
            context.load_cert_chain(file)
        ca_pem = pem
    else:
        ca = trustme.CA()
        identities = _OTHER_NAMES if kind == "wrong-name" else names
        certificate = ca.issue_cert(*identities, not_after=until, not_before=since)
        certificate.configure_cert(context)
        pem, ca_pem = certificate.cert_chain_pems[0].bytes(), ca.cert_pem.bytes()
    der = ssl.PEM_cert_to_DER_cert(pem.decode())
    return AgentCertificate(context, ca_pem, hashlib.sha256(der).hexdigest())


def _self_signed(names: tuple[str, ...], since: datetime.datetime, until: datetime.datetime) -> tuple[bytes, bytes]:
    """A certificate that nobody else signed, as New-SelfSignedCertificate makes them, and its key, as PEM."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, names[0])])
    alternatives = [_general_name(one) for one in names]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(since)
        .not_valid_after(until)
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return certificate.public_bytes(serialization.Encoding.PEM), private


def _general_name(name: str) -> x509.GeneralName:
    from cryptography import x509

    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def write_ca(path: Path, certificate: AgentCertificate) -> Path:
    """Write what a client has to trust. Raises OSError."""
    path.write_bytes(certificate.ca_pem)
    return path


class ClientAuthority:
    """A CA for client certificates."""

    def __init__(self) -> None:
        import trustme

        self._ca: trustme.CA = trustme.CA()

    def ask_on(self, context: ssl.SSLContext) -> None:
        """Let a server ask for the certificates of this CA."""
        self._ca.configure_trust(context)
        context.verify_mode = ssl.CERT_OPTIONAL
        context.maximum_version = ssl.TLSVersion.TLSv1_2

    def write(self, folder: Path, account: str) -> tuple[Path, Path]:
        """Write a certificate that means this account, and its key: the two files (PEM). Raises OSError."""
        certificate = self._ca.issue_cert(common_name=account)
        own = Path(tempfile.mkdtemp(prefix="client-", dir=folder))
        pem, key = own / "client.pem", own / "client.key"
        pem.write_bytes(certificate.cert_chain_pems[0].bytes())
        key.write_bytes(certificate.private_key_pem.bytes())
        return pem, key


def common_name(connection: object) -> str:
    """The common name of the certificate that a client has shown and that was found good, else an empty text."""
    certificate: Any = connection.getpeercert() if isinstance(connection, ssl.SSLSocket) else None
    names = (pair for group in (certificate or {}).get("subject", ()) for pair in group)
    return next((value for kind, value in names if kind == "commonName"), "")
