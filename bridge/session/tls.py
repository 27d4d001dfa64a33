"""TLS to the agent: which certificate is trusted, and what is said when one is not.

Rules: a pinned fingerprint stands for every other check of the certificate. Without a pin the chain, the name and the
dates are checked, by ``ca_file`` alone or by the well-known CAs and the system's store. A message about a certificate
shows the one that the agent has; it is looked at over a connection of its own on which nothing is sent. Sources:
OpenSSL's x509_vfy.h for the numbers of a failed check, its sslerr.h for the reasons, RFC 8446 section 6 for the alerts.
"""

from __future__ import annotations

import datetime
import functools
import re
import ssl
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import urllib3.util.ssl_
from requests.adapters import HTTPAdapter

from bridge import errors

if TYPE_CHECKING:
    import requests
    from pypsrp.wsman import WSMan

    from bridge.settings import AgentSettings

_LOOK_TIMEOUT = 5
_PIN = re.compile(r'Fingerprints did not match\. Expected "(?P<expected>\w+)", got "(?P<seen>\w+)"')
_NO_TLS = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNKNOWN_PROTOCOL", "RECORD_LAYER_FAILURE")
# The last one is how TLS 1.2 says that a client certificate is missing, and also that nothing is spoken by both.
_CLIENT_CERTIFICATE = (
    "CERTIFICATE_REQUIRED",
    "BAD_CERTIFICATE",
    "UNSUPPORTED_CERTIFICATE",
    "CERTIFICATE_REVOKED",
    "CERTIFICATE_EXPIRED",
    "CERTIFICATE_UNKNOWN",
    "UNKNOWN_CA",
    "ACCESS_DENIED",
    "HANDSHAKE_FAILURE",
)
_COMPARE = "`(Get-Item Cert:\\LocalMachine\\My\\THUMBPRINT).GetCertHashString('SHA256')` on the agent shows its own"


@dataclass(frozen=True)
class SeenCertificate:
    """The certificate that a server has: SHA-256 in small hexadecimal letters, names, issuer, first and last moment."""

    fingerprint: str
    names: tuple[str, ...]
    issuer: str
    begins: datetime.datetime
    ends: datetime.datetime


class _Adapter(HTTPAdapter):
    """The connections of one session of requests: what they trust, and that none stays open after a refused log-on.

    With a fingerprint they trust that certificate. ``context`` is one that trusts more than requests itself.
    """

    def __init__(self, original: HTTPAdapter, *, fingerprint: str = "", context: ssl.SSLContext | None = None) -> None:
        self._fingerprint = fingerprint
        self._context = context
        self._last: requests.Response | None = None
        super().__init__(max_retries=original.max_retries)
        # pypsrp's own pools, which it can forbid to make a new connection.
        self.poolmanager.pool_classes_by_scheme = original.poolmanager.pool_classes_by_scheme

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        """The way without a proxy."""
        super().init_poolmanager(*arguments, ssl_context=self._context, **options)

    def proxy_manager_for(self, proxy: Any, **options: Any) -> Any:
        """The way through a proxy: what holds inside it is the same."""
        return super().proxy_manager_for(proxy, ssl_context=self._context, **options)

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        """What is checked on a new connection: with a pin that certificate, and only that."""
        checked = False if self._fingerprint else verify
        super().cert_verify(conn, url, checked, cert)  # type: ignore[no-untyped-call]  # the stubs leave it bare
        conn.assert_fingerprint = self._fingerprint or None

    def send(self, request: requests.PreparedRequest, *arguments: Any, **options: Any) -> requests.Response:
        """One request."""
        self._last = super().send(request, *arguments, **options)
        return self._last

    def close(self) -> None:
        """Close everything: a log-on that failed halfway left its answer unread, and its connection in no pool."""
        if self._last is not None:
            self._last.close()
        super().close()


def set_trust(wsman: WSMan, agent: AgentSettings) -> None:
    """Let every connection that pypsrp makes from now on trust what the settings say."""
    transport = wsman.transport
    # pypsrp builds a session whenever it has none and lets nobody in.
    build = functools.partial(_session, transport._build_session, agent)
    transport._build_session = build  # type: ignore[method-assign]  # there is no other way in


def _session(build: Callable[[], requests.Session], agent: AgentSettings) -> requests.Session:
    session = build()
    url = "https://" if agent.tls else "http://"
    original = session.get_adapter(url)
    if not isinstance(original, HTTPAdapter):
        raise TypeError(f"pypsrp's adapter is a {type(original).__name__}")
    context = None
    if agent.tls and not (agent.ca_file or agent.fingerprint):
        context = urllib3.util.ssl_.create_urllib3_context()
        context.load_default_certs()
    session.mount(url, _Adapter(original, fingerprint=agent.fingerprint, context=context))
    return session


def tls_error(causes: Iterable[BaseException], agent: AgentSettings, *, maybe_sent: bool) -> errors.AgentError:
    """What an ``SSLError`` of requests means; ``causes`` are that and all that it was raised from.

    A check of a certificate and a refusal within the handshake prove that nothing was sent; a break later does not.
    """
    where = f"{agent.host}:{agent.effective_port}"
    below = list(causes)
    for one in below:
        if isinstance(one, ssl.SSLCertVerificationError):
            return _not_trusted(one, agent, where)
        if pin := _PIN.search(str(one)):
            return _not_pinned(pin["seen"], pin["expected"], where)
    for one in below:
        if isinstance(one, ssl.SSLError) and (known := _by_reason(getattr(one, "reason", None) or "", agent, where)):
            return known
        if "private key is encrypted" in str(one):  # urllib3's own words for it
            return errors.AgentTlsError(
                f"The key {agent.certificate_key_file} is encrypted by a password.",
                remedy="Write it without: `openssl pkey -in ENCRYPTED -out PLAIN`, readable by this account only.",
            )
    return errors.RunspaceLost(f"The TLS connection to {where} broke: {_words(below)}.", maybe_sent=maybe_sent)


def _not_trusted(error: ssl.SSLCertVerificationError, agent: AgentSettings, where: str) -> errors.AgentTlsError:
    """The certificate did not pass OpenSSL's checks."""
    seen = look(agent)
    pin = (
        f"or, if {_COMPARE} as that, set [agent] fingerprint to {seen.fingerprint}"
        if seen
        else "or pin the agent's certificate by [agent] fingerprint"
    )
    its = f"The certificate of {where}"
    match error.verify_code:
        case 10:  # X509_V_ERR_CERT_HAS_EXPIRED
            return errors.AgentTlsError(
                f"{its} has ended{f' on {seen.ends:%Y-%m-%d}' if seen else ''}.",
                remedy="Renew it on the agent and bind it to WinRM's listener; look at this machine's clock too.",
            )
        case 9:  # X509_V_ERR_CERT_NOT_YET_VALID
            return errors.AgentTlsError(
                f"{its} is valid only later{f', from {seen.begins:%Y-%m-%d %H:%M} UTC' if seen else ''}.",
                remedy="Look at this machine's clock and the agent's.",
            )
        case 62 | 64:  # X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH
            names = ", ".join(seen.names) or "no name" if seen else "other names"
            return errors.AgentTlsError(
                f"{its} is not for {agent.host}: it has {names}.",
                remedy=f"Set [agent] host to a name in the certificate, {pin}.",
            )
        case 18:  # X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT
            return errors.AgentTlsError(
                f"{its} is self-signed, and not trusted here.",
                remedy=f"Set [agent] ca_file to that certificate (PEM), {pin}.",
            )
    issuer = f" {seen.issuer!r}" if seen else ""
    return errors.AgentTlsError(
        f"{its} is from a CA{issuer} that is not trusted here ({error.verify_message}).",
        remedy=f"Set [agent] ca_file to the CA's certificate (PEM), {pin}.",
    )


def _not_pinned(seen: str, expected: str, where: str) -> errors.AgentTlsError:
    return errors.AgentTlsError(
        f"The certificate of {where} is another than the settings name: its fingerprint is {seen}, not {expected}.",
        remedy=f"Only if the agent has a new certificate ({_COMPARE}), set [agent] fingerprint to {seen}.",
    )


def _by_reason(reason: str, agent: AgentSettings, where: str) -> errors.AgentTlsError | None:
    """What an OpenSSL reason means, where it means that nothing was sent."""
    said = reason.lower().replace("_", " ")
    if reason in _NO_TLS:
        return errors.AgentTlsError(
            f"{where} does not speak TLS ({said}).",
            remedy="Set [agent] port to that of WinRM's HTTPS listener (5986), or tls to false.",
        )
    if reason in ("NO_CERTIFICATE_OR_CRL_FOUND", "NO_CERTIFICATE_FOUND"):
        return errors.AgentTlsError(
            f"The file {agent.ca_file} holds no certificate.", remedy="[agent] ca_file is to be PEM, not DER or PFX."
        )
    if reason in ("KEY_VALUES_MISMATCH", "NO_START_LINE", "PEM_LIB", "BAD_BASE64_DECODE"):
        return errors.AgentTlsError(
            f"{agent.certificate_file} and {agent.certificate_key_file} are not a certificate and its key ({said}).",
            remedy="[agent] certificate_file and certificate_key_file are to be PEM, and belong together.",
        )
    alert = reason.partition("_ALERT_")[2]
    if alert not in _CLIENT_CERTIFICATE:
        return None
    if agent.auth == "certificate":
        return errors.AgentTlsError(
            f"The agent {where} refused the client certificate {agent.certificate_file} ({said}).",
            remedy="The agent must trust its CA (Trusted Root Certification Authorities of the computer); it must not "
            "have ended, and must be made for client authentication.",
        )
    return errors.AgentTlsError(
        f"The agent {where} refused the TLS connection ({said}).",
        remedy='It may want a client certificate ([agent] auth = "certificate"), or an older TLS than this machine '
        "speaks.",
    )


def _words(causes: list[BaseException]) -> str:
    """The library's own words, the innermost that there are."""
    said = [str(one) for one in causes if isinstance(one, ssl.SSLError)]
    return said[-1].rstrip(".") if said else "no reason given"


def look(agent: AgentSettings) -> SeenCertificate | None:
    """The certificate that the agent has, trusted or not; None when it cannot be had. Sends nothing but a handshake."""
    from cryptography import x509  # for errors only; pypsrp brings it along
    from cryptography.hazmat.primitives import hashes

    try:
        pem = ssl.get_server_certificate((agent.host, agent.effective_port), timeout=_LOOK_TIMEOUT)
        certificate = x509.load_pem_x509_certificate(pem.encode())
    except (OSError, ValueError):
        return None
    try:
        alternatives = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        names = [str(name.value) for name in alternatives if isinstance(name, x509.DNSName | x509.IPAddress)]
    except (x509.ExtensionNotFound, ValueError):
        names = []
    return SeenCertificate(
        fingerprint=certificate.fingerprint(hashes.SHA256()).hex(),
        names=tuple(names),
        issuer=certificate.issuer.rfc4514_string(),
        begins=certificate.not_valid_before_utc,
        ends=certificate.not_valid_after_utc,
    )
