"""What must not be read in a log: secrets, in every form in which a text can hold them.

Rules: the forms are plain, escaped (JSON, Python, XML, CLIXML), URL-encoded, base64 and URL-safe base64, each of these
also of the UTF-16 that PowerShell encodes, and of a secret that is only a part of what was encoded: base64 has three
ways to write a byte, by its place. A secret shorter than three characters cannot be told from other text, and is not
looked for.
"""

from __future__ import annotations

import base64
import bisect
import json
import urllib.parse
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from typing import Any
from xml.sax.saxutils import escape

MASK = "********"
SHORTEST = 3
"""How many characters a secret has at least that is looked for."""
_SHORTEST_PART = 8
_MOST_NAMES = 1000

Event = MutableMapping[str, Any]


class Redaction:
    """Replaces secrets by ``********`` in everything that is logged, also where they are encoded."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        # The longest first, since the short ones are parts of them; and how long each is, to leave those out quickly
        # that are longer than a text.
        self._forms: tuple[str, ...] = ()
        self._lengths: tuple[int, ...] = ()
        # The names of facts are few, and the same on every line.
        self._names: dict[str, str] = {}
        for secret in secrets:
            self.add(secret)

    def add(self, secret: str) -> None:
        """One more secret to hide from now on."""
        if len(secret) >= SHORTEST:
            self._forms = tuple(sorted({*self._forms, *forms_of(secret)}, key=len, reverse=True))
            self._lengths = tuple(-len(form) for form in self._forms)
            self._names.clear()

    def text(self, text: str) -> str:
        """The text without secrets."""
        for form in self._forms[bisect.bisect_left(self._lengths, -len(text)) :]:
            if form in text:
                text = text.replace(form, MASK)
        return self._wide(text) if "\0" in text else text

    def _wide(self, text: str) -> str:
        """The text without secrets that were UTF-16 before somebody took them for something else."""
        for form in self._forms:
            text = text.replace("\0".join(form), MASK)
        return text

    def value(self, value: Any) -> Any:
        """A value of an event without secrets; what is not plain data becomes its text."""
        if value is None or isinstance(value, bool | int | float):
            return value
        if isinstance(value, Mapping):
            return {self._name(str(key)): self.value(item) for key, item in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self.value(item) for item in value]
        return self.text(str(value))

    def __call__(self, _logger: Any, _method: str, event: Event) -> Event:
        """As a processor of structlog."""
        return {self._name(key): self.value(value) for key, value in event.items()}

    def _name(self, name: str) -> str:
        known = self._names.get(name)
        if known is None:
            known = self.text(name)
            if len(self._names) < _MOST_NAMES:
                self._names[name] = known
        return known


def forms_of(secret: str) -> set[str]:
    """How a secret can look in a text."""
    data = secret.encode("utf-8", "surrogatepass")
    wide = secret.encode("utf-16-le", "surrogatepass")
    quoted = {urllib.parse.quote(data, safe=""), urllib.parse.quote(data), urllib.parse.quote_plus(data)}
    forms = {
        secret,
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        repr(secret)[1:-1],
        secret.encode("unicode_escape").decode("ascii"),
        escape(secret),
        escape(secret, {'"': "&quot;", "'": "&apos;"}),
        escape(secret, {'"': "&quot;", "'": "&#39;"}),
        escape(secret, {'"': "&quot;", "'": "&#x27;"}),
        _clixml(secret),
        _clixml(escape(secret)),
        *quoted,
        *(_lower_hex(form) for form in quoted),
    }
    for raw in (data, wide):
        forms.add(base64.b64encode(raw).decode("ascii").rstrip("="))
        forms.update(part for part in _base64_parts(raw) if len(part) >= _SHORTEST_PART)
    forms |= {form.replace("+", "-").replace("/", "_") for form in forms if _is_base64(form, secret)}
    return {form for form in forms if form}


def _base64_parts(data: bytes) -> Iterator[str]:
    """The base64 of what has these bytes somewhere in it: those characters that depend on nothing else."""
    for before in range(3):
        text = base64.b64encode(b"\0" * before + data).decode("ascii")
        yield text[(before * 8 + 5) // 6 : (before + len(data)) * 8 // 6]


def _is_base64(form: str, secret: str) -> bool:
    return form != secret and ("+" in form or "/" in form) and form.isascii() and "%" not in form


def _clixml(text: str) -> str:
    """The text as CLIXML writes it: what XML cannot hold is ``_xHHHH_`` (MS-PSRP 2.2.5.3.2)."""
    return "".join(character if character.isprintable() else f"_x{ord(character):04X}_" for character in text)


def _lower_hex(quoted: str) -> str:
    """URL encoding with small hexadecimal digits, as .NET's WebUtility does not, and HttpUtility does."""
    return "%".join(part[:2].lower() + part[2:] if index else part for index, part in enumerate(quoted.split("%")))
