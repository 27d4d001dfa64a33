"""What has to be true of a tenant that was read from a file, beyond the types of its fields; and its references.

References are guids in memory and readable names in a file; ``resolve`` puts one for the other.
"""

from __future__ import annotations

import dataclasses
import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, TypeVar

from bridge.simulator.exchange_module.functions import cmdlets
from bridge.simulator.tenant.directory import is_guid
from bridge.simulator.tenant.fields import FieldReader, join
from bridge.simulator.tenant.objects import (
    ACCOUNT_TYPES,
    CUSTOM_ATTRIBUTES,
    GROUP_TYPES,
    Account,
    DirectoryObject,
    Group,
)
from bridge.simulator.tenant.state import TenantState
from bridge.simulator.tenant.throttle import KINDS

_Thing = TypeVar("_Thing", bound=DirectoryObject)

RIGHTS = ("FullAccess", "ReadPermission", "ChangePermission", "ChangeOwner", "DeleteItem", "ExternalAccount")
INHERITANCE = ("All", "None", "Descendents", "SelfAndChildren", "Children")
_REFERENCES = ("send_as", "send_on_behalf", "managed_by", "members")
_SID = re.compile(r"S-1-5(-\d+)+", re.IGNORECASE)
_VERSION = re.compile(r"\d+(\.\d+){1,3}(-[0-9A-Za-z]+)?")


def resolve(thing: _Thing, replace: Callable[[str], str]) -> _Thing:
    """The object with every reference put through ``replace``."""
    changes: dict[str, Any] = {
        name: tuple(replace(one) for one in getattr(thing, name)) for name in _REFERENCES if getattr(thing, name, ())
    }
    if isinstance(thing, Account) and thing.full_access:
        changes["full_access"] = tuple(
            dataclasses.replace(entry, trustee=replace(entry.trustee)) for entry in thing.full_access
        )
    # Most objects refer to nobody, and a large file has many.
    return dataclasses.replace(thing, **changes) if changes else thing


def checked(state: TenantState, by_place: Mapping[str, DirectoryObject], reader: FieldReader) -> TenantState:
    """The state with references resolved. ``by_place`` are its objects by their place. Raises TenantFileError."""
    _check_sections(state, reader)
    owners: dict[str, tuple[str, DirectoryObject]] = {}
    for place, thing in by_place.items():
        _check_object(thing, place, reader)
        for key in _keys(thing):
            there = owners.setdefault(key, (place, thing))
            if there[1] is not thing:
                raise reader.fail(place, f"'{key}' belongs to {there[0]} already; ids and addresses are unique")
    resolved = [_resolved(thing, place, owners, reader) for place, thing in by_place.items()]
    return dataclasses.replace(
        state,
        accounts=tuple(thing for thing in resolved if isinstance(thing, Account)),
        groups=tuple(thing for thing in resolved if isinstance(thing, Group)),
    )


def _keys(thing: DirectoryObject) -> set[str]:
    """What only one object may have. The SID is left out: it follows from the guid and two may share one."""
    return set(thing.unique_keys()) - {thing.sid.lower()}


def _check_sections(state: TenantState, reader: FieldReader) -> None:
    if not state.organization.name.strip():
        raise reader.fail("organization.name", "the organization's .onmicrosoft.com domain is needed here")
    _one_guid(state.organization.tenant_id, "organization.tenant_id", reader)
    behaviour = state.behaviour
    _one_of(behaviour.throttle.kind, KINDS, "behaviour.throttle.kind", reader)
    if not _VERSION.fullmatch(behaviour.module_version):
        raise reader.fail("behaviour.module_version", "a version like 3.9.2 is needed here")
    known = {cmdlet.lower(): cmdlet for cmdlet in cmdlets()}
    for index, entry in enumerate(behaviour.denied, 1):
        cmdlet, _, parameter = entry.partition(":")
        place = f"behaviour.denied[{index}]"
        name = known.get(cmdlet.lower())
        if name is None:
            raise reader.fail(place, f"'{cmdlet}' is no known cmdlet{_near(cmdlet, known.values())}")
        names = [one.name for one in cmdlets()[name]]
        if ":" in entry and parameter.lower() not in (one.lower() for one in names):
            raise reader.fail(place, f"{name} has no parameter '{parameter}'{_near(parameter, names)}")


def _check_object(thing: DirectoryObject, place: str, reader: FieldReader) -> None:
    for name in ("guid", "external_id"):
        _one_guid(getattr(thing, name), join(place, name), reader)
    if not thing.name.strip():
        raise reader.fail(join(place, "name"), "a name is needed here")
    _one_of(thing.type, ACCOUNT_TYPES if isinstance(thing, Account) else GROUP_TYPES, join(place, "type"), reader)
    if thing.recipient and not thing.primary_smtp_address:
        raise reader.fail(place, f"a {thing.type} needs a primary_smtp_address")
    for index, address in enumerate(thing.email_addresses, 1):
        if not re.fullmatch(r"[A-Za-z0-9]+:.+", address, re.DOTALL):
            raise reader.fail(f"{place}.email_addresses[{index}]", "an address with its prefix is needed: smtp:x@y.z")
    for name in thing.custom_attributes:
        _one_of(name, CUSTOM_ATTRIBUTES, f"{place}.custom_attributes", reader)
    try:
        datetime.fromisoformat(thing.created)
    except ValueError:
        raise reader.fail(join(place, "created"), "a moment like 2024-01-15T08:00:00Z is needed here") from None
    if isinstance(thing, Account):
        if thing.type != "MailContact" and not thing.user_principal_name:
            raise reader.fail(place, f"a {thing.type} needs a user_principal_name")
        for number, entry in enumerate(thing.full_access, 1):
            at = f"{place}.full_access[{number}]"
            for right in entry.rights:
                _one_of(right, RIGHTS, f"{at}.rights", reader)
            _one_of(entry.inheritance, INHERITANCE, f"{at}.inheritance", reader)


def _resolved(
    thing: _Thing, place: str, owners: Mapping[str, tuple[str, DirectoryObject]], reader: FieldReader
) -> _Thing:
    def guid_of(reference: str) -> str:
        found = owners.get(reference.strip().lower())
        if found is not None:
            return found[1].guid
        if _SID.fullmatch(reference) and reference in trustees:
            return reference
        raise reader.fail(
            place, f"'{reference}' is nobody here{_near(reference, owners)}; addresses and guids are found"
        )

    trustees = {entry.trustee for entry in thing.full_access} if isinstance(thing, Account) else set()
    return resolve(thing, guid_of)


def _one_of(value: str, allowed: Iterable[str], place: str, reader: FieldReader) -> None:
    names = list(allowed)
    if value not in names:
        raise reader.fail(place, f"'{value[:80]}' is none of {', '.join(names)}")


def _one_guid(value: str, place: str, reader: FieldReader) -> None:
    if not is_guid(value) or value != value.lower() or value.startswith("{"):
        raise reader.fail(place, "a guid is needed here, in lower case and without braces")


def _near(given: str, names: Iterable[str]) -> str:
    near = difflib.get_close_matches(given, list(names), 1)
    return f" (did you mean {near[0]}?)" if near else ""
