"""What HelloID asks for, whichever version of its contract it speaks: the same words for both.

Source: helloid-connector.md of the reference, sections 5.1, 5.2 and 5.5.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from bridge.helloid.references import AccountReference, PermissionReference


class Contract(StrEnum):
    """HelloID's PowerShell contract: v1 has variables and one JSON text, v2 has contexts."""

    V1 = "v1"
    V2 = "v2"


class Step(StrEnum):
    """What is to be done; the names of HelloID's script slots."""

    CREATE = "create"
    UPDATE = "update"
    ENABLE = "enable"
    DISABLE = "disable"
    DELETE = "delete"
    PERMISSIONS = "permissions"
    GRANT = "grant"
    REVOKE = "revoke"
    SUB_PERMISSIONS = "subpermissions"
    RESOURCES = "resources"
    IMPORT_ACCOUNTS = "import-accounts"
    IMPORT_PERMISSIONS = "import-permissions"
    IMPORT_SUB_PERMISSIONS = "import-subpermissions"


class Target(StrEnum):
    """What it is about. ``sharedmailbox-rights`` are shared mailboxes with one entitlement for each right.

    ``user`` is the correlation of a user without a mailbox's settings (create.correlateUser of 1.0.1); ``account`` is
    a mailbox.
    """

    USER = "user"
    ACCOUNT = "account"
    GROUPS = "groups"
    SHARED_MAILBOXES = "sharedmailboxes"
    SHARED_MAILBOX_RIGHTS = "sharedmailbox-rights"
    FOLDER = "folder"
    REGIONAL = "regional"


@dataclass(frozen=True)
class Correlation:
    """How an account is found: the field of Exchange and the value that the person has for it."""

    enabled: bool
    field: str
    value: str


@dataclass(frozen=True)
class Source:
    """One element of a resource (a department): its key and its name. Contracts of a person have the same two."""

    id: str
    name: str


@dataclass(frozen=True)
class CurrentPermission:
    """A sub-permission that HelloID holds: its name, and its reference as it was stored and as it is understood."""

    name: str
    reference: PermissionReference


@dataclass(frozen=True)
class Task:
    """One request.

    ``data`` are the mapped fields (v1: the parts of the person that are used); ``account`` and ``permission`` are None
    where HelloID has none. ``operation`` is grant, update or revoke for sub-permissions, "" elsewhere;
    ``is_reconciliation`` says that there is neither person nor data. ``departments`` are those of the person's
    contracts in conditions, without doubles, None where there is no person; ``sources`` are those of a resource.
    ``import_fields`` are the fields of an account import. ``seconds`` is how long the answer may take from now on, None
    for no limit.
    """

    contract: Contract
    step: Step
    target: Target
    dry_run: bool = False
    account: AccountReference | None = None
    permission: PermissionReference | None = None
    permission_name: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    correlation: Correlation | None = None
    operation: str = ""
    is_reconciliation: bool = False
    departments: tuple[Source, ...] | None = None
    current: tuple[CurrentPermission, ...] = ()
    sources: tuple[Source, ...] = ()
    import_fields: tuple[str, ...] = ()
    seconds: float | None = None
