"""-EmailAddresses of Set-Mailbox: the proxy addresses of a mailbox, as a whole list or as a table with Add and Remove.

Rules: ``SMTP:`` in capitals marks the primary address, of which there is exactly one; in a list without any prefix it
is the first. An address compares without regard to case and is kept as it is spelt. A new SMTP address is in an
accepted domain, and no address belongs to two objects. The table leaves alone what it does not name; a new primary in
it makes the old one an ordinary address.
Source: Set-Mailbox, -EmailAddresses, and "Add or remove email addresses for a mailbox in Exchange Online".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from bridge.simulator.tenant import errors
from bridge.simulator.tenant.cmdlets.rows import email_addresses
from bridge.simulator.tenant.invocation import Invocation
from bridge.simulator.tenant.objects import Account

_PREFIXED = re.compile(r"([A-Za-z0-9]+):(.*)", re.DOTALL)
_SMTP = re.compile(r"[^@\s]+@[^@\s]+")


class _Address(NamedTuple):
    """``prefix`` as it is spelt; ``SMTP`` is the primary address."""

    prefix: str
    value: str

    @property
    def key(self) -> tuple[str, str]:
        return self.prefix.lower(), self.value.lower()

    @property
    def text(self) -> str:
        return f"{self.prefix}:{self.value}"


def addressed(call: Invocation, mailbox: Account) -> dict[str, Any]:
    """The fields of the mailbox that -EmailAddresses changes. Raises CmdletError: see the rules."""
    given = call.parameters["EmailAddresses"]
    now = [_parsed(text) for text in email_addresses(mailbox)]
    new = _edited(now, given) if isinstance(given, Mapping) else _listed(given)
    primary = [address for address in new if address.prefix == "SMTP"]
    if len(primary) != 1:
        what = "no primary SMTP address" if not primary else "more than one primary SMTP address"
        raise errors.invalid_value(f"The e-mail addresses of '{mailbox.name}' have {what}; exactly one is needed.")
    known = {address.key for address in now}
    for address in new:
        if address.key not in known:
            _check(call, mailbox.guid, address)
    others = tuple(address.text for address in new if address.prefix != "SMTP")
    return {"primary_smtp_address": primary[0].value, "email_addresses": others}


def _parsed(text: str) -> _Address:
    match = _PREFIXED.fullmatch(text)
    return _Address(match[1], match[2]) if match else _Address("smtp", text)


def _items(value: Any) -> list[str]:
    items = value if isinstance(value, list | tuple) else [value]
    return [str(item) for item in items if item is not None and str(item)]


def _listed(given: Any) -> list[_Address]:
    texts = _items(given)
    new = [_parsed(text) for text in texts]
    if texts and not any(_PREFIXED.fullmatch(text) for text in texts):
        new[0] = _Address("SMTP", new[0].value)
    _refuse_twice(new)
    return new


def _edited(now: list[_Address], table: Mapping[Any, Any]) -> list[_Address]:
    edits = {str(key).lower(): items for key, items in table.items() if not str(key).startswith("@")}
    if unknown := sorted(edits.keys() - {"add", "remove"}):
        raise errors.invalid_value(f"'{unknown[0]}' is not an operation on a list; there are Add and Remove.")
    added = [_parsed(text) for text in _items(edits.get("add"))]
    _refuse_twice(added)
    removed = {_parsed(text).key for text in _items(edits.get("remove"))}
    kept = [address for address in now if address.key not in removed]
    primary = next((address for address in added if address.prefix == "SMTP"), None)
    if primary is not None:
        kept = [_Address("smtp", one.value) if one.prefix == "SMTP" else one for one in kept if one.key != primary.key]
    known = {address.key for address in kept}
    return kept + [address for address in added if address.key not in known]


def _refuse_twice(addresses: Iterable[_Address]) -> None:
    seen: set[tuple[str, str]] = set()
    for address in addresses:
        if address.key in seen:
            raise errors.invalid_value(f"The address '{address.text}' stands there twice.")
        seen.add(address.key)


def primary_of_new(call: Invocation, text: str) -> str:
    """The primary address of an object that is being made. Raises CmdletError where it cannot have it."""
    _check(call, "", _Address("SMTP", text))
    return text


def _check(call: Invocation, owner: str, address: _Address) -> None:
    """That the object with the guid ``owner`` can have a new address."""
    if address.prefix.lower() == "smtp":
        if not _SMTP.fullmatch(address.value):
            raise errors.invalid_value(f"'{address.value}' isn't a valid SMTP address.")
        if not call.directory.accepts(address.value):
            raise errors.not_accepted_domain(address.value.rpartition("@")[2])
    key = address.value.strip().lower()
    others = call.directory.find(key, lambda thing: thing.guid != owner and key in thing.unique_keys())
    if others:
        raise errors.address_exists(address.text, others[0].name)
