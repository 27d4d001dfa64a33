"""Log-on of one TCP connection, and the message encryption that goes with it.

Rules: Basic is checked for every request, Negotiate and NTLM once for each connection, as WinRM does; whoever gets a
new connection logs on anew; by certificate the TLS handshake has told who it is. Whoever is locked is refused like
whoever gives a wrong password. pyspnego is the acceptor; its NTLM reads the accounts from the file that the variable
NTLM_USER_FILE names (``DOMAIN:USER:PASSWORD`` a line); that variable is set only while a client logs on.
Sources: MS-WSMV 2.2.9.1 for the encrypted form, DSP0226 (security profiles) for the header of a log-on
by certificate.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import os
import re
import secrets
import struct
import tempfile
import threading
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

import spnego
import spnego.exceptions
from spnego.channel_bindings import GssChannelBindings

BASIC = 'Basic realm="WSMAN"'
NEGOTIATE = "Negotiate"
MUTUAL = "http://schemas.dmtf.org/wbem/wsman/1/wsman/secprofile/https/mutual"
_PROTOCOL = "application/HTTP-SPNEGO-session-encrypted"
_VARIABLE = "NTLM_USER_FILE"
_BOUNDARY = "Encrypted Boundary"


class NotLoggedOn(Exception):  # noqa: N818 - a step of the log-on, not a failure
    """Answered as 401, with these WWW-Authenticate values."""

    def __init__(self, challenges: list[str]) -> None:
        super().__init__("401")
        self.challenges = challenges


class Accounts:
    r"""Who may log on, by which kinds (``basic``, ``ntlm``, ``certificate``).

    Names may be ``DOMAIN\user`` and are compared without case. Whoever is ``locked`` may not, whatever the password.
    With a ``binding``, a log-on by NTLM must be bound to that TLS end point. Raises ValueError for a name or password
    that the accounts' file cannot hold.
    """

    # The variable is the process's, so all agents in it share this.
    _publishing = threading.RLock()

    def __init__(
        self,
        passwords: Mapping[str, str],
        kinds: tuple[str, ...],
        *,
        locked: Collection[str] = (),
        binding: bytes = b"",
    ) -> None:
        self.kinds = kinds
        self.binding = GssChannelBindings(application_data=binding) if binding else None
        self._locked = {name.lower() for name in locked}
        self._passwords = {name.lower(): (name, password) for name, password in passwords.items()}
        self._file = _write_file(passwords) if "ntlm" in kinds else None

    @property
    def challenges(self) -> list[str]:
        """What a client is offered."""
        offered = {"basic": BASIC, "ntlm": NEGOTIATE}
        return [offered[kind] for kind in self.kinds if kind in offered]

    def check(self, name: str, password: str) -> str | None:
        """The account's name where the password is right, else None."""
        known = self._passwords.get(name.lower())
        if known is None or not secrets.compare_digest(known[1].encode(), password.encode()):
            return None
        return known[0]

    def name(self, principal: str) -> str:
        """The account that somebody calls so, in its own spelling."""
        known = self._passwords.get(principal.lower())
        return known[0] if known else principal

    def may(self, account: str) -> bool:
        """Whether there is such an account, and it is not locked."""
        return account.lower() in self._passwords and account.lower() not in self._locked

    @contextlib.contextmanager
    def published(self) -> Iterator[None]:
        """While this lasts, pyspnego knows the accounts; the variable is then as it was."""
        with self._publishing:
            before = os.environ.get(_VARIABLE)
            os.environ[_VARIABLE] = str(self._file)
            try:
                yield
            finally:
                os.environ.pop(_VARIABLE)
                if before is not None:
                    os.environ[_VARIABLE] = before

    def close(self) -> None:
        """Take the accounts' file away."""
        if self._file is not None:
            self._file.unlink(missing_ok=True)


def _write_file(passwords: Mapping[str, str]) -> Path:
    """The accounts in a file that only this user can read."""
    if any(set(":\r\n") & set(text) for pair in passwords.items() for text in pair):
        raise ValueError("with NTLM a name or password of the simulated agent can hold no colon and no line break")
    handle, name = tempfile.mkstemp(prefix="exo-bridge-accounts-")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        for account, password in passwords.items():
            domain, _, user = account.rpartition("\\")
            file.write(f"{domain}:{user}:{password}\n")
    return Path(name)


class Logon:
    """The state of one TCP connection. ``token`` is the WWW-Authenticate value to send with the next answer.

    ``certified`` is the account that the client's certificate means, or an empty text.
    """

    def __init__(self, accounts: Accounts, certified: str = "") -> None:
        self._accounts = accounts
        self._certified = certified
        self._context: spnego.ContextProxy | None = None
        self._user: str | None = None
        self.token = ""

    def account(self, header: str | None) -> str:
        """The account behind an Authorization header. Raises NotLoggedOn."""
        self.token = ""
        scheme, _, value = (header or "").partition(" ")
        user: str | None = None
        if scheme.lower() == "basic" and "basic" in self._accounts.kinds:
            user = self._basic(value)
        elif scheme == MUTUAL and "certificate" in self._accounts.kinds:
            user = self._accounts.name(self._certified)
        else:
            if scheme.lower() in ("negotiate", "ntlm") and "ntlm" in self._accounts.kinds:
                self._negotiate(scheme, value)
            user = self._user
        if user is None or not self._accounts.may(user):
            self._user = None
            raise NotLoggedOn(self._accounts.challenges)
        return user

    def _basic(self, value: str) -> str | None:
        try:
            given = base64.b64decode(value, validate=True)
        except binascii.Error:
            raise NotLoggedOn(self._accounts.challenges) from None
        # RFC 7617 leaves the encoding open: newer clients send UTF-8, requests and others Latin-1.
        try:
            name, _, password = given.decode("utf-8").partition(":")
        except UnicodeDecodeError:
            name, _, password = given.decode("latin-1").partition(":")
        return self._accounts.check(name, password)

    def _negotiate(self, scheme: str, value: str) -> None:
        if self._context is None or self._context.complete:
            # Always pyspnego's own code: the one of the platform would ask for accounts of this machine.
            options = spnego.NegotiateOptions.use_negotiate
            binding = self._accounts.binding
            self._context = spnego.server(protocol="negotiate", options=options, channel_bindings=binding)
            self._user = None
        try:
            with self._accounts.published():
                answer = self._context.step(base64.b64decode(value))
        except (spnego.exceptions.SpnegoError, binascii.Error, ValueError, struct.error):
            self._context = None
            raise NotLoggedOn(self._accounts.challenges) from None
        token = f"{scheme} {base64.b64encode(answer).decode()}" if answer else ""
        if not self._context.complete:
            raise NotLoggedOn([token or scheme])
        self._user, self.token = self._accounts.name(self._context.client_principal or ""), token

    def unwrap(self, content_type: str, body: bytes) -> bytes:
        """Decrypt a multipart/encrypted body. Raises ValueError when it is damaged or not encrypted by this client."""
        boundary = re.search(r'boundary="([^"]+)"', content_type)
        if boundary is None or self._context is None:
            raise ValueError("not an encrypted message of this connection")
        parts = [part for part in body.split(b"--" + boundary[1].encode()) if part.strip(b"\r\n-")]
        clear = b""
        for head, data in zip(parts[::2], parts[1::2], strict=True):
            length = re.search(rb"Length=(\d+)", head)
            payload = data.partition(b"Content-Type: application/octet-stream\r\n")[2]
            if length is None or len(payload) < 4:
                raise ValueError("an encrypted part without length or content")
            (size,) = struct.unpack("<i", payload[:4])
            try:
                piece = self._context.unwrap_winrm(payload[4 : 4 + size], payload[4 + size :])
            except spnego.exceptions.SpnegoError as error:
                raise ValueError(str(error)) from None
            if len(piece) != int(length[1]):
                raise ValueError("an encrypted part of another length than it says")
            clear += piece
        return clear

    def wrap(self, clear: bytes) -> tuple[str, bytes]:
        """The Content-Type and the body of an encrypted answer."""
        if self._context is None:
            raise ValueError("nothing to encrypt with")
        wrapped = self._context.wrap_winrm(clear)
        head = (
            f"--{_BOUNDARY}\r\n\tContent-Type: {_PROTOCOL}\r\n\tOriginalContent: "
            f"type=application/soap+xml;charset=UTF-8;Length={len(clear) + wrapped.padding_length}\r\n"
            f"--{_BOUNDARY}\r\n\tContent-Type: application/octet-stream\r\n"
        ).encode()
        data = struct.pack("<i", len(wrapped.header)) + wrapped.header + wrapped.data
        return (
            f'multipart/encrypted;protocol="{_PROTOCOL}";boundary="{_BOUNDARY}"',
            head + data + f"--{_BOUNDARY}--\r\n".encode(),
        )
