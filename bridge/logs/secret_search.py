"""Looks for secrets in bytes that are about to be given to somebody.

Rules: this does not trust ``Redaction``, which it is the check of: it does not replace, it looks, in bytes, whatever
the encoding of the file. What it knows of forms is in ``redaction.forms_of``; on top of that it undoes URL encoding and
JSON's escapes in the data, the latter several times over: a log line may quote a log line.
"""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Iterable, Iterator

from bridge.logs.redaction import SHORTEST, forms_of

_ENCODINGS = ("utf-8", "utf-16-le", "utf-16-be")
_ESCAPE = re.compile(rb"(?:\\u[0-9a-fA-F]{4})+|\\[\"\\/bfnrt]")
_SHORT_ESCAPES = {b"\\b": b"\b", b"\\f": b"\f", b"\\n": b"\n", b"\\r": b"\r", b"\\t": b"\t"}
_DIGITS = re.compile(rb"[0-9a-fA-F]{4}")
_TIMES = 3
# What one byte can become when it is escaped as often: a character is 6, and each backslash of it doubles then.
_GROWTH = 16


class SecretSearch:
    """Finds any of the secrets in data, in any form; ``secrets`` are pairs of a name and the secret."""

    def __init__(self, secrets: Iterable[tuple[str, str]]) -> None:
        self._forms: dict[str, set[bytes]] = {}
        for name, secret in secrets:
            if len(secret) >= SHORTEST:
                forms = {form.encode(one, "surrogatepass") for form in forms_of(secret) for one in _ENCODINGS}
                self._forms.setdefault(name, set()).update(forms)

    @property
    def reach(self) -> int:
        """How many bytes a secret can take: so much of the data before belongs to a piece that is searched."""
        return _GROWTH * max((len(form) for forms in self._forms.values() for form in forms), default=1)

    def hits(self, data: bytes) -> list[str]:
        """The names of the secrets that are in the data; empty when there is none."""
        views = set(_views(data))
        return [name for name, forms in self._forms.items() if any(form in view for view in views for form in forms)]


def _views(data: bytes) -> Iterator[bytes]:
    """The data as it is, and without what encodes it."""
    yield data
    yield urllib.parse.unquote_to_bytes(data)
    for _ in range(_TIMES):
        data = _ESCAPE.sub(_unescaped, data)
        yield data


def _unescaped(match: re.Match[bytes]) -> bytes:
    escape = match[0]
    if escape[1:2] != b"u":
        return _SHORT_ESCAPES.get(escape, escape[1:])
    # Escapes in a row are units of UTF-16, of which two may be one character.
    units = bytes.fromhex(b"".join(_DIGITS.findall(escape)).decode("ascii"))
    return units.decode("utf-16-be", "surrogatepass").encode("utf-8", "surrogatepass")
