"""Message encryption, which protects a conversation without TLS: which answer is believed, and on which connection.

Rules:

- pypsrp takes an answer in plain text also where all is encrypted, so anybody on the way could put a fault in the place
  of an answer (pypsrp 0.9.1, ``TransportHTTP._send_request``). Here such a message is none of the agent's.
- What HTTP itself says comes in plain text: a log-on that is refused (401), a page of a proxy, the 400 of an agent that
  cannot read a message. It proves nothing about a message that was sent before it.
- pypsrp encrypts for the connection that it believes to have. What it sends on a new one cannot be read (400,
  measured). So a connection that has ended is noticed before anything is sent.
"""

from __future__ import annotations

import functools
from http import HTTPStatus
from typing import Any

import requests
from pypsrp.exceptions import AuthenticationError, WinRMError

_ENCRYPTED = ("multipart/encrypted", "multipart/x-multi-encrypted")
# With these HTTP has a message of WSMan: an answer or a fault.
_WITH_MESSAGE = (HTTPStatus.OK, HTTPStatus.INTERNAL_SERVER_ERROR)


class RefusedInPlainText(AuthenticationError):  # noqa: N818 - named as what it is, beside pypsrp's
    """A log-on that was refused after a message had been sent; nobody knows by whom."""


def believe_what_is_encrypted(transport: Any) -> None:
    """Let a TransportHTTP of pypsrp raise WinRMError for a message that came in plain text."""
    build = transport._build_session

    def check(session: requests.Session, response: requests.Response, *_: Any, **__: Any) -> None:
        if transport.encryption and transport.session is not session:
            # Read with the keys of its successor it would spoil them.
            response.close()
            raise WinRMError("The answer belongs to a connection that was given up.")
        is_plain = not response.headers.get("content-type", "").startswith(_ENCRYPTED)
        # Before there are keys, the log-on alone is answered.
        if is_plain and transport.encryption and response.content and response.status_code in _WITH_MESSAGE:
            raise WinRMError("An answer came in plain text, where the agent encrypts what it says.")

    def build_session() -> requests.Session:
        session: requests.Session = build()
        session.hooks["response"].append(functools.partial(check, session))
        return session

    transport._build_session = build_session
