"""The objects of a tenant, found by index, with the delay after which a change can be seen.

Rules: an object is found first by what is unique (guid, SID, address, user principal name, distinguished name), then
by what can be shared (name, alias, display name); every look-up is by index. Whoever changes something sees the truth
(``current``); whoever reads sees what has spread (``visible``): the state before a change until ``delay`` seconds
after it, and nothing of a new object until then. Writing twice within the delay keeps both earlier states, so readers
see them in order.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import TypeVar

from bridge.simulator.tenant.objects import Account, DirectoryObject, Group

Accept = Callable[[DirectoryObject], bool]
_Thing = TypeVar("_Thing", bound=DirectoryObject)

_GUID = re.compile(r"\{?[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\}?")


def is_guid(text: str) -> bool:
    """Whether ``text`` is spelt as a GUID."""
    return _GUID.fullmatch(text) is not None


def _routing_domain(organization: str) -> str:
    """``contoso.mail.onmicrosoft.com`` of ``contoso.onmicrosoft.com``: where a hybrid organization sends mail."""
    name, dot, rest = organization.partition(".")
    return f"{name}.mail{dot}{rest}"


class Directory:
    """All accounts and groups of one organization, named ``organization`` (its .onmicrosoft.com domain).

    ``domains`` are its other accepted domains. ``manager_bypass`` says whether the caller may change groups that
    it does not manage.
    """

    def __init__(self, organization: str, clock: Callable[[], float], domains: Iterable[str] = ()) -> None:
        self.organization = organization
        self._domains = {domain.lower() for domain in (organization, _routing_domain(organization), *domains)}
        self.delay = 0.0
        self.manager_bypass = True
        self._clock = clock
        self._objects: dict[str, DirectoryObject] = {}
        self._unique: dict[str, list[str]] = {}
        self._shared: dict[str, list[str]] = {}
        self._before: dict[str, list[tuple[float, DirectoryObject | None]]] = {}

    @property
    def now(self) -> datetime:
        """The time, in UTC."""
        return datetime.fromtimestamp(self._clock(), UTC)

    # --- what is there

    def __len__(self) -> int:
        return len(self._objects)

    def current(self, guid: str) -> DirectoryObject | None:
        """The object as it is, or None."""
        return self._objects.get(guid)

    def visible(self, guid: str) -> DirectoryObject | None:
        """The object as a reader sees it now, or None."""
        history = self._before.get(guid)
        if history:
            now = self._clock()
            for visible_at, before in history:
                if now < visible_at:
                    return before
            del self._before[guid]
        return self._objects.get(guid)

    def objects(self) -> Iterator[DirectoryObject]:
        """All objects as they are, in the order in which they were made."""
        yield from list(self._objects.values())

    def everything(self) -> Iterator[DirectoryObject]:
        """All objects as a reader sees them, in the order in which they were made."""
        if not self._before:
            yield from list(self._objects.values())
            return
        for guid in list(self._objects):
            thing = self.visible(guid)
            if thing is not None:
                yield thing

    def accounts(self) -> Iterator[Account]:
        """All accounts as a reader sees them."""
        return (thing for thing in self.everything() if isinstance(thing, Account))

    def groups(self) -> Iterator[Group]:
        """All groups as a reader sees them."""
        return (thing for thing in self.everything() if isinstance(thing, Group))

    # --- finding

    def find(self, identity: str, accept: Accept) -> list[DirectoryObject]:
        """All current objects that ``identity`` can mean and ``accept`` lets through; unique identities win."""
        key = identity.strip().lower()
        if is_guid(key):
            key = key.strip("{}")
        for index in (self._unique, self._shared):
            found = [self._objects[guid] for guid in index.get(key, ()) if accept(self._objects[guid])]
            if found:
                return found
        return []

    def distinguished_name(self, thing: DirectoryObject) -> str:
        """The LDAP name of an object in Exchange Online's own directory."""
        name = re.sub(r'([,+"\\<>;=])', r"\\\1", thing.name)
        return (
            f"CN={name},OU={self.organization},OU=Microsoft Exchange Hosted Organizations,"
            "DC=EURPR01A001,DC=PROD,DC=OUTLOOK,DC=COM"
        )

    def accepts(self, address: str) -> bool:
        """Whether an SMTP address is in one of the organization's accepted domains."""
        return address.rpartition("@")[2].lower() in self._domains

    # --- changing

    def add(self, thing: DirectoryObject) -> None:
        """Put a new object in; it can be seen at once. Raises ValueError when its guid is taken."""
        if thing.guid in self._objects:
            raise ValueError(f"the guid {thing.guid} is taken")
        self._objects[thing.guid] = thing
        self._index(thing)

    def create(self, thing: DirectoryObject) -> None:
        """Put a new object in; readers see it after ``delay`` seconds. Raises ValueError when its guid is taken."""
        self.add(thing)
        if self.delay > 0:
            self._before[thing.guid] = [(self._clock() + self.delay, None)]

    def put(self, thing: DirectoryObject) -> None:
        """Replace the object that has this guid; readers see it after ``delay`` seconds."""
        old = self._objects[thing.guid]
        if self.delay > 0:
            self._before.setdefault(thing.guid, []).append((self._clock() + self.delay, old))
        self._objects[thing.guid] = thing
        if self._keys(old) != self._keys(thing):
            self._unindex(old)
            self._index(thing)

    def remove(self, guid: str) -> None:
        """Delete an object, at once and for everybody. References to it stay, as they do in Exchange."""
        self._unindex(self._objects.pop(guid))
        self._before.pop(guid, None)

    def _keys(self, thing: DirectoryObject) -> tuple[frozenset[str], frozenset[str]]:
        names = {self.distinguished_name(thing).lower(), f"{self.organization}/{thing.name}".lower()}
        return frozenset(thing.unique_keys()) | names, frozenset(thing.shared_keys())

    def _index(self, thing: DirectoryObject) -> None:
        for index, keys in zip((self._unique, self._shared), self._keys(thing), strict=True):
            for key in keys:
                index.setdefault(key, []).append(thing.guid)

    def _unindex(self, thing: DirectoryObject) -> None:
        for index, keys in zip((self._unique, self._shared), self._keys(thing), strict=True):
            for key in keys:
                index[key].remove(thing.guid)
                if not index[key]:
                    del index[key]
