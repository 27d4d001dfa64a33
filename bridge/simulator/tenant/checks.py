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
    EVERYBODY,
    EXTENSION_ATTRIBUTES,
    FOLDER_FLAGS,
    FOLDER_RIGHTS,
    FOLDER_ROLES,
    GROUP_TYPES,
    MAILBOX_SETTINGS,
    REPLY_AUDIENCES,
    REPLY_STATES,
    Account,
    AutomaticReplies,
    DirectoryObject,
    Group,
)
from bridge.simulator.tenant.roles import BUILT_IN
from bridge.simulator.tenant.state import PERMISSIONS, PROVIDERS, Logon, TenantState
from bridge.simulator.tenant.throttle import KINDS

_Thing = TypeVar("_Thing", bound=DirectoryObject)

RIGHTS = ("FullAccess", "ReadPermission", "ChangePermission", "ChangeOwner", "DeleteItem", "ExternalAccount")
INHERITANCE = ("All", "None", "Descendents", "SelfAndChildren", "Children")
_REFERENCES = ("send_as", "send_on_behalf", "managed_by", "members")
_SID = re.compile(r"S-1-5(-\d+)+", re.IGNORECASE)
_THUMBPRINT = re.compile(r"[0-9A-Fa-f]{40}")
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
    if isinstance(thing, Account) and any(entry.user not in EVERYBODY for entry in thing.calendar):
        changes["calendar"] = tuple(
            entry if entry.user in EVERYBODY else dataclasses.replace(entry, user=replace(entry.user))
            for entry in thing.calendar
        )
    # Most objects refer to nobody, and a large file has many.
    return dataclasses.replace(thing, **changes) if changes else thing


def checked(state: TenantState, by_place: Mapping[str, DirectoryObject], reader: FieldReader) -> TenantState:
    """The state with references resolved. ``by_place`` are its objects by their place. Raises TenantFileError."""
    _check_sections(state, reader)
    _check_roles(state, reader)
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


def _check_logon(logon: Logon, reader: FieldReader) -> None:
    _one_of(logon.permission, PERMISSIONS, "logon.permission", reader)
    for number, certificate in enumerate(logon.certificates, 1):
        place = f"logon.certificates[{number}]"
        _one_of(certificate.provider, PROVIDERS, join(place, "provider"), reader)
        if not _THUMBPRINT.fullmatch(certificate.thumbprint):
            raise reader.fail(join(place, "thumbprint"), "40 hexadecimal digits are needed here")


def _check_sections(state: TenantState, reader: FieldReader) -> None:
    if not state.organization.name.strip():
        raise reader.fail("organization.name", "the organization's .onmicrosoft.com domain is needed here")
    _one_guid(state.organization.tenant_id, "organization.tenant_id", reader)
    _check_logon(state.logon, reader)
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


def _check_roles(state: TenantState, reader: FieldReader) -> None:
    """A role comes after its parent and has no other cmdlets; names and ids are unique, and what is named is there."""
    known = {name: frozenset(entries) for name, entries in BUILT_IN.items()}
    for number, role in enumerate(state.roles, 1):
        place = f"roles[{number}]"
        _one_of(role.parent, known, f"{place}.parent", reader)
        for cmdlet in role.cmdlets:
            _one_of(cmdlet, sorted(known[role.parent]), f"{place}.cmdlets", reader)
        _unused(role.name, known, f"{place}.name", reader)
        known[role.name] = frozenset(role.cmdlets)
    principals: list[str] = []
    for number, principal in enumerate(state.service_principals, 1):
        for name in ("app_id", "object_id"):
            _one_guid(getattr(principal, name), f"service_principals[{number}].{name}", reader)
        _unused(principal.object_id, principals, f"service_principals[{number}].object_id", reader)
        principals.append(principal.object_id)
    groups: list[str] = []
    for number, group in enumerate(state.role_groups, 1):
        place = f"role_groups[{number}]"
        _unused(group.name, groups, f"{place}.name", reader)
        groups.append(group.name)
        for name in group.roles:
            _one_of(name, known, f"{place}.roles", reader)
        for member in group.members:
            _one_of(member, principals, f"{place}.members", reader)


def _unused(value: str, taken: Iterable[str], place: str, reader: FieldReader) -> None:
    if value.lower() in (one.lower() for one in taken):
        raise reader.fail(place, f"'{value[:80]}' is there already")


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
    for name in thing.extension_attributes:
        _one_of(name, EXTENSION_ATTRIBUTES, f"{place}.extension_attributes", reader)
    _one_moment(thing.created, join(place, "created"), reader)
    if isinstance(thing, Account):
        if thing.type != "MailContact" and not thing.user_principal_name:
            raise reader.fail(place, f"a {thing.type} needs a user_principal_name")
        for number, entry in enumerate(thing.full_access, 1):
            at = f"{place}.full_access[{number}]"
            for right in entry.rights:
                _one_of(right, RIGHTS, f"{at}.rights", reader)
            _one_of(entry.inheritance, INHERITANCE, f"{at}.inheritance", reader)
        for name, value in thing.mailbox_settings.items():
            _one_of(name, MAILBOX_SETTINGS, f"{place}.mailbox_settings", reader)
            if MAILBOX_SETTINGS[name]:
                _one_of(value, ("True", "False"), f"{place}.mailbox_settings.{name}", reader)
        _check_replies(thing.replies, join(place, "replies"), reader)
        _check_calendar(thing, join(place, "calendar"), reader)


def _check_replies(replies: AutomaticReplies, place: str, reader: FieldReader) -> None:
    _one_of(replies.state, REPLY_STATES, join(place, "state"), reader)
    _one_of(replies.audience, REPLY_AUDIENCES, join(place, "audience"), reader)
    for name in ("start", "end"):
        moment = getattr(replies, name)
        if moment or replies.state == "Scheduled":
            _one_moment(moment, join(place, name), reader)


def _check_calendar(account: Account, place: str, reader: FieldReader) -> None:
    for number, entry in enumerate(account.calendar, 1):
        at = f"{place}[{number}]"
        for right in entry.rights:
            allowed = FOLDER_RIGHTS if len(entry.rights) > 1 else (*FOLDER_ROLES, *FOLDER_RIGHTS)
            _one_of(right, allowed, f"{at}.rights", reader)
        for flag in entry.flags:
            _one_of(flag, FOLDER_FLAGS, f"{at}.flags", reader)
    for name in EVERYBODY:
        if [entry.user for entry in account.calendar].count(name) != 1:
            raise reader.fail(place, f"one entry for {name} is needed here")


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

    trustees = set()
    if isinstance(thing, Account):
        trustees = {entry.trustee for entry in thing.full_access} | {entry.user for entry in thing.calendar}
    return resolve(thing, guid_of)


def _one_of(value: str, allowed: Iterable[str], place: str, reader: FieldReader) -> None:
    names = list(allowed)
    if value not in names:
        raise reader.fail(place, f"'{value[:80]}' is none of {', '.join(names)}")


def _one_moment(value: str, place: str, reader: FieldReader) -> None:
    try:
        datetime.fromisoformat(value)
    except ValueError:
        raise reader.fail(place, "a moment like 2024-01-15T08:00:00Z is needed here") from None


def _one_guid(value: str, place: str, reader: FieldReader) -> None:
    if not is_guid(value) or value != value.lower() or value.startswith("{"):
        raise reader.fail(place, "a guid is needed here, in lower case and without braces")


def _near(given: str, names: Iterable[str]) -> str:
    near = difflib.get_close_matches(given, list(names), 1)
    return f" (did you mean {near[0]}?)" if near else ""
