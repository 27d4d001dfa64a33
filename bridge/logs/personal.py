"""Personal data in a log: kept, masked, or replaced by a hash, as ``[log] personal_data`` says.

Rules:

- What a call is about is personal: its parameters, the object's name, what was before and after. Truths, numbers,
  immutable ids (GUIDs), and words that the action itself lays down (``full-access``) are not, and stay.
- In a sentence an address is personal, and so are the values of its call and what stands in quotes: the scripts quote
  names, and Exchange does in every language.
- A hash is the same for the same text, in any letter case, so that one can follow an object through a log without
  knowing whose it is. It is made with a key that stays on this machine: without it nobody can try out addresses.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

from bridge.actions import ACTIONS
from bridge.actions.fields import choices, value_type
from bridge.logs.redaction import Event

Treatment = Literal["keep", "mask", "hash"]

PERSONAL_MASK = "***"
_ABOUT = frozenset(("parameters", "identity", "before", "after", "object", "user", "account"))
_SENTENCES = frozenset(("message", "error", "reason", "warnings", "problem", "remedy", "causes", "seen"))
_ADDRESS = re.compile(r"[^\s@'\"<>(),;:|=]+@[^\s@'\"<>(),;:|=]+[^\s@'\"<>(),;:|=.]")
_GUID = re.compile(r"[0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}", re.IGNORECASE)
# From the first quote to the last: a name may have one in it.
_QUOTED = re.compile(r"(?<!\w)(['\"\u2018\u201c\u201e\u00ab])(.+)['\"\u2019\u201d\u201c\u00bb](?!\w)", re.DOTALL)
_TOKEN = re.compile(r"#[0-9a-f]{12}|\*\*\*")
_SHORTEST = 3
_KEY_BYTES = 32


class PersonalData:
    """Treats the events of a log; ``key`` is what makes the hashes, see ``machine_key``."""

    def __init__(self, treatment: Treatment, key: bytes = b"") -> None:
        self._treatment = treatment
        self._key = key
        # What the calls that are under way are about, by their ids.
        self._known: dict[str, set[str]] = {}

    def __call__(self, _logger: Any, _method: str, event: Event) -> Event:
        """As a processor of structlog."""
        return self.event(event)

    def event(self, event: Mapping[str, Any], *, call: str = "") -> dict[str, Any]:
        """An event without personal data, as far as it is not to be kept.

        With ``call`` it is all that there is of the call of that id.
        """
        if self._treatment == "keep":
            return dict(event)
        whole = bool(call)
        call = call or str(event.get("call") or "")
        fixed = _fixed_words(str(event.get("action") or ""))
        about = {key: self._about(value, call, fixed) for key, value in event.items() if key in _ABOUT}
        treated = {key: about[key] if key in about else self._other(key, value, call) for key, value in event.items()}
        if whole or event.get("event") == "finished":
            self._known.pop(call, None)
        return treated

    def text(self, text: str) -> str:
        """A text without addresses, where nothing else is known of it."""
        return text if self._treatment == "keep" else self._addresses(text)

    def _about(self, value: Any, call: str, fixed: Collection[str]) -> Any:
        """A value of what a call is about."""
        if isinstance(value, Mapping):
            return {key: self._about(item, call, fixed) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self._about(item, call, fixed) for item in value]
        if not isinstance(value, str) or not value or value in fixed or _GUID.fullmatch(value):
            return value
        if call and len(value) >= _SHORTEST:
            self._known.setdefault(call, set()).add(value)
        return self._token(value)

    def _other(self, key: str, value: Any, call: str) -> Any:
        if isinstance(value, Mapping):
            return {name: self._other(key, item, call) for name, item in value.items()}
        if isinstance(value, list | tuple):
            return [self._other(key, item, call) for item in value]
        if not isinstance(value, str):
            return value
        return self._sentence(value, call) if key in _SENTENCES else self._addresses(value)

    def _sentence(self, text: str, call: str) -> str:
        for known in sorted(self._known.get(call, ()), key=len, reverse=True):
            # Not within a word: a group named "all" must not cut "allowed".
            text = re.sub(rf"(?<!\w){re.escape(known)}(?!\w)", self._token(known), text, flags=re.IGNORECASE)
        return _QUOTED.sub(self._unquoted, self._addresses(text))

    def _unquoted(self, match: re.Match[str]) -> str:
        inner = match[2]
        quotes = match[0][0], match[0][-1]
        parts = inner.split(quotes[1])
        if all(_TOKEN.fullmatch(part) for part in parts[::2]):
            return match[0]
        return f"{quotes[0]}{self._token(inner)}{quotes[1]}"

    def _addresses(self, text: str) -> str:
        return _ADDRESS.sub(lambda match: self._token(match[0]), text) if "@" in text else text

    def _token(self, text: str) -> str:
        if self._treatment == "mask":
            return PERSONAL_MASK
        digest = hmac.new(self._key, text.casefold().encode("utf-8", "surrogatepass"), hashlib.sha256)
        return f"#{digest.hexdigest()[:12]}"


def machine_key(folder: Path) -> bytes:
    """The key of this machine's hashes, in a file that only its owner can read; made when it is first asked for.

    Where it cannot be kept, a key for this process alone.
    """
    file = folder / "personal-data.key"
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        new = file.with_name(f"{file.name}.{os.getpid()}")
        if not file.exists():
            handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "wb") as stream:
                stream.write(secrets.token_bytes(_KEY_BYTES))
            # Two processes may be here at once: the first one's key counts.
            with suppress(OSError):
                os.link(new, file) if hasattr(os, "link") else new.rename(file)
            new.unlink(missing_ok=True)
        key = file.read_bytes()
        if len(key) == _KEY_BYTES:
            return key
    return secrets.token_bytes(_KEY_BYTES)


def _fixed_words(action: str) -> frozenset[str]:
    """The values that the action's own model lays down for its parameters."""
    if action not in ACTIONS:
        return frozenset()
    fields = ACTIONS[action].parameters.model_fields.values()
    return frozenset(str(word) for field in fields for word in choices(value_type(field)))
