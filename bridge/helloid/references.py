"""The references that HelloID keeps for us, in every shape in which a version of the connector stored them.

    account      ``{Guid, UserPrincipalName}`` (1.0.1), ``"<guid>"`` (3.x)
    permission   ``{Id, Name}``, ``{Id, Name, Permissions}`` (1.0.1), ``{Id}``, ``{Id, Permission}`` (3.x)
    of a right   ``{Id: "FullAccess-<guid>"}``, ``{Id, Permission}`` (3.x)

Rules: what was stored is given back as it was, so nothing changes in HelloID when a tenant moves here. The id decides;
a name is for people only. A shape that is not in the table is refused, never guessed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

RIGHTS = {"FullAccess": "full-access", "SendAs": "send-as", "SendOnBehalf": "send-on-behalf"}
"""A right as HelloID's references have it (spaces in it do not count), and as our actions have it."""


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
