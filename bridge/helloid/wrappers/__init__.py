"""The scripts that are pasted into HelloID: one for each of its script slots, each complete in itself.

Rules:

- HelloID has no place for a module that scripts share. So each script is put together here from a head of its own, the
  lines that all have, and the lines of its contract; nobody edits one of them by hand.
- A script decides nothing: it hands on what HelloID gives it, and copies the answer.
- ``integrations/helloid`` in the checkout holds what ``files`` gives; ``python -m bridge.cli.pages`` writes it.
"""

from __future__ import annotations

import importlib.resources
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bridge.helloid.task import Contract, Step, Target

_COMMON = "common.ps1"
_STATIC = {
    "README.md": "README.md",
    "v1/configuration.json": "configuration.json",
    "v2/configuration.json": "configuration.json",
    "v2/fieldMapping.json": "fieldMapping.json",
}

# How long HelloID waits, in seconds, and in a preview; helloid-connector.md of the reference, section 5.4.
_ACTION = (30, 30)
_LIST = (900, 900)
_IMPORT = (900, 90)
_RESOURCE = (600, 30)

_LISTS = (
    Step.PERMISSIONS,
    Step.IMPORT_ACCOUNTS,
    Step.IMPORT_PERMISSIONS,
    Step.IMPORT_SUB_PERMISSIONS,
)


@dataclass(frozen=True)
class Slot:
    """One script: its path, and what it asks exo-bridge for."""

    path: str
    contract: Contract
    step: Step
    target: Target

    @property
    def is_list(self) -> bool:
        """Whether it lists things, which may take long."""
        return self.step in _LISTS

    @property
    def changes(self) -> bool:
        """Whether it may change something in Exchange."""
        return not self.is_list and self.target is not Target.USER

    @property
    def seconds(self) -> tuple[int, int]:
        """How long HelloID waits for it, and in a preview."""
        if self.step is Step.PERMISSIONS:
            return _LIST
        if self.is_list:
            return _IMPORT
        return _RESOURCE if self.step is Step.RESOURCES else _ACTION

    @property
    def parts(self) -> tuple[str, ...]:
        """The files with the lines of its contract."""
        if self.contract is Contract.V1:
            return ("v1-list.ps1",) if self.step is Step.PERMISSIONS else ("v1.ps1",)
        if self.step is Step.PERMISSIONS:
            return ("v2.ps1", "v2-list.ps1")
        return ("v2-import.ps1",) if self.is_list else ("v2.ps1",)


_ACCOUNT_FILES = {
    "create": Step.CREATE,
    "update": Step.UPDATE,
    "enable": Step.ENABLE,
    "disable": Step.DISABLE,
    "delete": Step.DELETE,
    "import": Step.IMPORT_ACCOUNTS,
}
_FIXED_FILES = {
    "permissions": Step.PERMISSIONS,
    "grantPermission": Step.GRANT,
    "revokePermission": Step.REVOKE,
}
_PERMISSION_FILES = {
    **_FIXED_FILES,
    "subPermissions": Step.SUB_PERMISSIONS,
    "importPermission": Step.IMPORT_PERMISSIONS,
    "importSubPermissions": Step.IMPORT_SUB_PERMISSIONS,
}
_PERMISSION_SETS = {
    Target.GROUPS: _PERMISSION_FILES,
    Target.SHARED_MAILBOXES: _PERMISSION_FILES,
    Target.SHARED_MAILBOX_RIGHTS: _PERMISSION_FILES,
    Target.FOLDER: _FIXED_FILES,
    Target.REGIONAL: _FIXED_FILES,
}
_V1_FILES = {
    "permissions": Step.PERMISSIONS,
    "grant": Step.GRANT,
    "revoke": Step.REVOKE,
    "dynamicPermissions": Step.SUB_PERMISSIONS,
}
_WORDS = {
    Step.CREATE: "finds the account of a person",
    Step.UPDATE: "updates an account",
    Step.ENABLE: "enables an account",
    Step.DISABLE: "disables an account",
    Step.DELETE: "sets the automatic reply of an account that is deleted",
    Step.IMPORT_ACCOUNTS: "lists the accounts",
    Step.PERMISSIONS: "lists the permissions",
    Step.GRANT: "grants a permission",
    Step.REVOKE: "revokes a permission",
    Step.SUB_PERMISSIONS: "grants and revokes the permissions of a person's departments",
    Step.RESOURCES: "creates what departments lack",
    Step.IMPORT_PERMISSIONS: "lists who has which permission",
    Step.IMPORT_SUB_PERMISSIONS: "lists who has which permission of a department",
}


def _slots() -> Iterator[Slot]:
    for name, step in _ACCOUNT_FILES.items():
        yield Slot(f"v2/{name}.ps1", Contract.V2, step, Target.ACCOUNT)
    for target, names in _PERMISSION_SETS.items():
        for name, step in names.items():
            yield Slot(f"v2/permissions/{target}/{name}.ps1", Contract.V2, step, target)
    for target in (Target.GROUPS, Target.SHARED_MAILBOXES):
        yield Slot(f"v2/resources/{target}/resources.ps1", Contract.V2, Step.RESOURCES, target)
    yield Slot("v1/create.correlateUser.ps1", Contract.V1, Step.CREATE, Target.USER)
    yield Slot("v1/create.correlateUpdateMailbox.ps1", Contract.V1, Step.CREATE, Target.ACCOUNT)
    for target in (Target.GROUPS, Target.SHARED_MAILBOXES):
        for name, step in _V1_FILES.items():
            yield Slot(f"v1/{name}.{target}.ps1", Contract.V1, step, target)


SLOTS: tuple[Slot, ...] = tuple(_slots())
"""Every script, in the order in which the documentation lists them."""


def script_of(slot: Slot) -> str:
    """The text of one script: ASCII, with line feeds."""
    return _head(slot) + "".join(_part(name) for name in (_COMMON, *slot.parts))


def files() -> Mapping[str, str]:
    """All files of the connector by their path with ``/``: scripts, forms for HelloID, and what to do with them."""
    return {slot.path: script_of(slot) for slot in SLOTS} | {path: _part(name) for path, name in _STATIC.items()}


def _head(slot: Slot) -> str:
    seconds, preview = slot.seconds
    request = f"contract = '\"{slot.contract}\"'; action = '\"{slot.step}\"'; target = '\"{slot.target}\"'"
    return f"""\
# exo-bridge for HelloID, contract {slot.contract}, {slot.target}: {_WORDS[slot.step]}.
# Made by `exo-bridge helloid wrappers`, which replaces it. README.md says in which field of HelloID it goes.
$Bridge = @{{ Clock = [Diagnostics.Stopwatch]::StartNew(); Seconds = {seconds}; PreviewSeconds = {preview} }}
$Bridge.Changes = ${str(slot.changes).lower()}
$Bridge.Request = [ordered] @{{ {request} }}
"""


def _part(name: str) -> str:
    return (importlib.resources.files(__package__) / "parts" / name).read_text(encoding="utf-8")
