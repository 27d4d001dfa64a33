"""The conversation with the agent as it was, for who has to look below the log: every envelope, its payload decoded.

Rules:

- Two JSON lines for each exchange, what was sent and what came back: the envelope, and the messages of PowerShell's
  remoting protocol that are whole with it. HTTP's headers are not there, so no log-on is.
- A SecureString and a session key are masked, though they are encrypted; the rest passes ``redact``, which hides the
  secrets that it knows. Scripts, parameters, names and addresses stay: that is what it is for.
- The file is for its owner alone. What cannot be traced never fails an exchange.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import re
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pypsrp.messages import MessageType

from bridge.session.clixml import Messages

MASK = "********"
Send = Callable[..., bytes]

# The elements of MS-WSMV and MS-PSRP that hold fragments as base64.
_PAYLOADS = frozenset(("Arguments", "Stream", "creationXml", "connectXml", "connectResponseXml"))
_SECURE_STRING = re.compile(r"(<SS\b[^>]*>)[^<]*(</SS>)")
_TYPES = {number: name for name, number in vars(MessageType).items() if isinstance(number, int)}
_KEYS = frozenset((MessageType.PUBLIC_KEY, MessageType.ENCRYPTED_SESSION_KEY))


class WireTrace:
    """Writes the conversation to a file. Raises OSError when that cannot be opened; closed after use."""

    def __init__(self, path: Path, redact: Callable[[str], str]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "w", encoding="utf-8")
        self._redact = redact
        self._sent = Messages()
        self._received = Messages()

    def close(self) -> None:
        """End the file."""
        self._file.close()

    def around(self, send: Send) -> Send:
        """Pypsrp's ``transport.send`` that is traced."""

        def traced(message: bytes, **options: Any) -> bytes:
            self._write("sent", message, self._sent)
            start = time.monotonic()
            try:
                answer = send(message, **options)
            except Exception as error:
                text = getattr(error, "response_text", None)
                facts = {"error": f"{type(error).__name__}: {error}", "seconds": round(time.monotonic() - start, 4)}
                self._write("received", text.encode("utf-8") if isinstance(text, str) else b"", self._received, **facts)
                raise
            self._write("received", answer, self._received, seconds=round(time.monotonic() - start, 4))
            return answer

        return traced

    def _write(self, direction: str, envelope: bytes, messages: Messages, **facts: Any) -> None:
        with contextlib.suppress(OSError, ValueError):
            moment = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
            line = {"time": moment, "direction": direction, **facts, **_decoded(envelope, messages)}
            self._file.write(json.dumps(_redacted(line, self._redact), ensure_ascii=False) + "\n")
            self._file.flush()


def _decoded(envelope: bytes, messages: Messages) -> dict[str, Any]:
    """An envelope, with the size of each payload in its place, and the messages that are whole now."""
    try:
        root = ET.fromstring(envelope)  # noqa: S314 - from the agent, which pypsrp parses in the same way
    except ET.ParseError:
        return {"text": envelope.decode("utf-8", "backslashreplace")}
    found: list[dict[str, str]] = []
    for element in root.iter():
        if element.tag.rpartition("}")[2] in _PAYLOADS and element.text:
            data = base64.b64decode(element.text)
            element.text = f"({len(data)} bytes)"
            found += _messages(data, messages)
    action = next((element.text or "" for element in root.iter() if element.tag.endswith("}Action")), "")
    return {
        "wsman": action.rsplit("/", 1)[-1],
        "messages": found,
        "envelope": ET.tostring(root, encoding="unicode"),
    }


def _messages(data: bytes, messages: Messages) -> Iterator[dict[str, str]]:
    try:
        for number, content in messages.take(data):
            text = content.decode("utf-8", "backslashreplace")
            hidden = MASK if number in _KEYS else _SECURE_STRING.sub(rf"\g<1>{MASK}\g<2>", text)
            yield {"type": _TYPES.get(number, hex(number)), "data": hidden}
    except ValueError as error:
        yield {"type": "not decoded", "data": str(error)}


def _redacted(value: Any, redact: Callable[[str], str]) -> Any:
    if isinstance(value, dict):
        return {key: _redacted(item, redact) for key, item in value.items()}
    if isinstance(value, list):
        return [_redacted(item, redact) for item in value]
    return redact(value) if isinstance(value, str) else value
