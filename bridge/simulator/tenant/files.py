"""Tenant files: TOML or JSON, by the suffix. The head of demo_tenant.toml describes them for people.

Rules:

- [organization], [logon] and [behaviour], then [[accounts]] and [[groups]], then [[roles]], [[role_groups]] and
  [[service_principals]]; the keys are the fields of the classes in ``state``, ``objects`` and ``roles``.
- Whoever is referred to (members, managers, who may) is named by address, user principal name or guid; it is written
  by user principal name or address. A SID stands for a trustee that no longer exists.
- An object without ``guid`` gets one that follows from its name, the same at every load.
- A file that cannot be right is refused as a whole: TenantFileError says the file, the place and what would be right.
"""

from __future__ import annotations

import contextlib
import json
import tomllib
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomli_w

from bridge.simulator.tenant.checks import checked, resolve
from bridge.simulator.tenant.fields import FieldReader, table_of
from bridge.simulator.tenant.objects import Account, DirectoryObject, Group
from bridge.simulator.tenant.records import TenantFileError
from bridge.simulator.tenant.roles import CustomRole, RoleGroup, ServicePrincipal
from bridge.simulator.tenant.state import Behaviour, Logon, Organization, TenantState

_ROLE_SECTIONS: dict[str, type[Any]] = {
    "roles": CustomRole,
    "role_groups": RoleGroup,
    "service_principals": ServicePrincipal,
}
SECTIONS = ("organization", "logon", "behaviour", "accounts", "groups", *_ROLE_SECTIONS)
_SUFFIXES = (".toml", ".json")


def check_suffix(path: Path) -> None:
    """Raise TenantFileError for a suffix that stands for no format."""
    if path.suffix.lower() not in _SUFFIXES:
        raise TenantFileError(path, "", "a tenant file ends in .toml or .json")


def read(path: Path) -> TenantState:
    """The state in a file. Raises TenantFileError, also when the file cannot be read."""
    check_suffix(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise TenantFileError(path, "", f"this is not UTF-8: byte {error.start} is wrong") from None
    except OSError as error:
        raise TenantFileError(path, "", f"it cannot be read: {error.strerror or error}") from error
    return loads(text, str(path))


def write(path: Path, state: TenantState) -> None:
    """Write a state, whole or not at all. Raises TenantFileError."""
    check_suffix(path)
    unfinished = path.with_name(path.name + ".new")
    try:
        unfinished.write_bytes(dumps(state, path.suffix).encode("utf-8"))
        unfinished.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            unfinished.unlink()
        raise TenantFileError(path, "", f"it cannot be written: {error.strerror or error}") from error


def loads(text: str, name: str) -> TenantState:
    """The state in the text of a file; ``name`` is the file's and its suffix says the format."""
    try:
        if name.lower().endswith(".json"):
            document = json.loads(text, object_pairs_hook=_unique_keys)
        else:
            document = tomllib.loads(text)
    except ValueError as error:
        # A mistake of syntax comes with line and column; a number with thousands of digits is one too.
        raise TenantFileError(name, "", str(error)) from None
    except RecursionError:
        raise TenantFileError(name, "", "it is nested too deeply") from None
    return _state(document, FieldReader(name))


def dumps(state: TenantState, suffix: str) -> str:
    """The text of a file with this suffix, which loads to an equal state."""
    document = _document(state)
    if suffix.lower() == ".json":
        return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    return tomli_w.dumps(document)


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A table of JSON. TOML refuses a key that stands there twice; JSON's reader would take the last one."""
    table = dict(pairs)
    if len(table) < len(pairs):
        names = [key for key, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {twice} stands twice in one table")
    return table


def _state(document: Any, reader: FieldReader) -> TenantState:
    reader.check_keys(document, SECTIONS, "")
    if "organization" not in document:
        raise reader.fail("organization", "this section is missing; it needs name and tenant_id")
    accounts = _objects(Account, document, "accounts", reader)
    groups = _objects(Group, document, "groups", reader)
    state = TenantState(
        organization=reader.read(Organization, document["organization"], "organization"),
        logon=reader.read(Logon, document.get("logon", {}), "logon"),
        behaviour=reader.read(Behaviour, document.get("behaviour", {}), "behaviour"),
        accounts=tuple(accounts.values()),
        groups=tuple(groups.values()),
        **{section: _plain(kind, document, section, reader) for section, kind in _ROLE_SECTIONS.items()},
    )
    return checked(state, {**accounts, **groups}, reader)


def _objects(kind: type[Any], document: Mapping[str, Any], section: str, reader: FieldReader) -> dict[str, Any]:
    """The objects of one section by their place in the file."""
    found = {}
    for number, table in enumerate(reader.items(document.get(section, []), section), 1):
        place = f"{section}[{number}]"
        if isinstance(table, Mapping):
            label = table.get("user_principal_name") or table.get("primary_smtp_address") or table.get("name")
            if isinstance(label, str):
                # Half a character in it could not be shown.
                shown = label[:80].encode("utf-8", "backslashreplace").decode("utf-8")
                place = f"{place} ({shown})"
                table = _derived(table, section, label)
        found[place] = reader.read(kind, table, place)
    return found


def _plain(kind: type[Any], document: Mapping[str, Any], section: str, reader: FieldReader) -> tuple[Any, ...]:
    """What one section lists, where nothing follows from anything else."""
    tables = reader.items(document.get(section, []), section)
    return tuple(reader.read(kind, table, f"{section}[{number}]") for number, table in enumerate(tables, 1))


def _derived(table: Mapping[str, Any], section: str, label: str) -> dict[str, Any]:
    """The table with what follows from the rest where it was left out: guid, external id and display name."""
    guid = table.get("guid") or _guid_for(f"{section}/{label.lower()}")
    external = _guid_for(f"external/{guid}")
    name = table.get("name")
    # A name of a wrong type is to be refused as the name.
    display_name = name if isinstance(name, str) else ""
    return {"external_id": external, "display_name": display_name, **table, "guid": guid}


def _guid_for(text: str) -> str:
    """A guid that follows from a text. Half a character may stand in it, which is refused with its place later on."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, text.encode("utf-8", "replace").decode("utf-8")))


def _document(state: TenantState) -> dict[str, Any]:
    """The tables of a file. Objects are written with readable references, where those lead back."""
    by_guid: dict[str, DirectoryObject] = {thing.guid: thing for thing in (*state.accounts, *state.groups)}
    return {
        "organization": table_of(state.organization),
        "logon": table_of(state.logon),
        "behaviour": table_of(state.behaviour),
        "accounts": [_table(account, by_guid) for account in state.accounts],
        "groups": [_table(group, by_guid) for group in state.groups],
        **{
            section: [table_of(one) for one in things]
            for section in _ROLE_SECTIONS
            if (things := getattr(state, section))
        },
    }


def _table(thing: DirectoryObject, by_guid: Mapping[str, DirectoryObject]) -> dict[str, Any]:
    def readable(guid: str) -> str:
        target = by_guid.get(guid)
        if target is None:
            return guid
        return getattr(target, "user_principal_name", "") or target.primary_smtp_address or guid

    return table_of(resolve(thing, readable))
