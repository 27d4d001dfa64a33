"""The references that HelloID keeps for us, in every shape in which a version of the connector stored them.

    account      ``{Guid, UserPrincipalName}`` (1.0.1), ``"<guid>"`` (3.x)
    permission   ``{Id, Name}``, ``{Id, Name, Permissions}`` (1.0.1), ``{Id}``, ``{Id, Permission}`` (3.x)
    of a right   ``{Id: "FullAccess-<guid>"}``, ``{Id, Permission}`` (3.x)
    of the rule  ``{Reference: "dg"}``, ``{Reference: "FullAccess"}`` (3.x): a permission that has sub-permissions

Rules: what was stored is given back as it was, so nothing changes in HelloID when a tenant moves here. The id decides;
a name is for people only. A shape that is not in the table is refused, never guessed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bridge.errors import UsageError

RIGHTS = {"FullAccess": "full-access", "SendAs": "send-as", "SendOnBehalf": "send-on-behalf"}
"""A right as HelloID's references have it (spaces in it do not count), and as our actions have it."""

_BY_WORD = {word.lower(): right for word, right in RIGHTS.items()}
_GUID = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_LONGEST_SHOWN = 200


@dataclass(frozen=True)
class AccountReference:
    """Which mailbox or user: its GUID, its user principal name where it was stored, and the reference as it was."""

    id: str
    name: str
    given: Any


@dataclass(frozen=True)
class PermissionReference:
    """Which group, mailbox or setting: its id, its name where it was stored, and the reference as it was.

    ``rights`` are those that it names, as our actions have them; empty where it names none.
    """

    id: str
    name: str
    rights: tuple[str, ...]
    given: Any


def account_reference(given: Any, *, dry_run: bool = False) -> AccountReference | None:
    """The account that a reference names; None where there is none.

    In a dry run there may be a placeholder of an earlier dry run in its place, which counts as none. Raises UsageError
    for a shape that is not in the table.
    """
    if given in (None, "", {}):
        return None
    facts = _facts(given) if isinstance(given, Mapping) else {"guid": given}
    identity, name = facts.get("guid"), facts.get("userprincipalname")
    if isinstance(identity, str) and _GUID.fullmatch(identity.strip()):
        return AccountReference(identity.strip(), name if isinstance(name, str) else "", given)
    if dry_run and isinstance(given, str):
        return None
    raise UsageError(
        f"The account reference {_shown(given)} is none that this connector stored.",
        remedy='It is a GUID, or {"Guid": ..., "UserPrincipalName": ...}.',
    )


def permission_reference(given: Any) -> PermissionReference | None:
    """The permission that a reference names; None where there is none.

    Raises UsageError for a shape that is not in the table, and for a right that is not known.
    """
    if given in (None, "", {}):
        return None
    facts = _facts(given) if isinstance(given, Mapping) else {}
    identity = next((facts[key] for key in ("id", "reference") if facts.get(key)), None)
    if isinstance(identity, int) and not isinstance(identity, bool):
        identity = str(identity)
    if not isinstance(identity, str) or not identity.strip():
        raise UsageError(
            f"The permission reference {_shown(given)} is none that this connector stored.",
            remedy='It has the key "Id", or "Reference" for a permission with sub-permissions.',
        )
    identity, name = identity.strip(), facts.get("name")
    prefix, _, rest = identity.partition("-")
    rights = _rights(facts)
    if _GUID.fullmatch(rest) and not _GUID.fullmatch(identity):
        identity, rights = rest, (_right(prefix),)
    return PermissionReference(identity, name if isinstance(name, str) else "", rights, given)


def _rights(facts: Mapping[str, Any]) -> tuple[str, ...]:
    """The rights that a reference names, each once."""
    if "reference" in facts and not facts.get("id"):
        word = _bare(facts["reference"])
        return (_BY_WORD[word],) if word in _BY_WORD else ()
    several = facts.get("permissions") or facts.get("permission") or ()
    words = several if isinstance(several, list | tuple) else (several,)
    return tuple(dict.fromkeys(_right(word) for word in words))


def _right(word: Any) -> str:
    if _bare(word) in _BY_WORD:
        return _BY_WORD[_bare(word)]
    raise UsageError(
        f"There is no right {_shown(word)}.", remedy=f"A permission reference names one of {', '.join(RIGHTS)}."
    )


def _bare(word: Any) -> str:
    return "".join(word.split()).lower() if isinstance(word, str) else ""


def _facts(given: Mapping[str, Any]) -> dict[str, Any]:
    """The keys in lower case: PowerShell does not tell them apart by it."""
    return {str(key).lower(): value for key, value in given.items()}


def _shown(given: Any) -> str:
    text = json.dumps(given, default=str)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}..."
