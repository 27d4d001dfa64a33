"""What can be done: every action, by name.

A new action is an entry in a module of its area, with a script under ``ps_scripts``, and nothing else: its command,
options, help and documentation are made from the entry.

Rule: the modules of an area are imported when one of its actions is first asked for. Building the models of all actions
takes longer than all else that a command needs to start.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bridge.actions.action import Action

__all__ = ["ACTIONS", "AREAS", "Area", "actions_of"]


@dataclass(frozen=True)
class Area:
    """What the actions of an area are about, and the modules whose ``ACTIONS`` they are."""

    summary: str
    modules: tuple[str, ...]


AREAS: dict[str, Area] = {
    "account": Area("Actions on accounts.", ("bridge.actions.accounts",)),
    "mailbox": Area(
        "Actions on mailboxes of any kind.",
        (
            "bridge.actions.mailboxes",
            "bridge.actions.mailbox_attributes",
            "bridge.actions.mailbox_replies",
            "bridge.actions.mailbox_holds",
            "bridge.actions.mailbox_folders",
        ),
    ),
    "group": Area("Actions on distribution groups and mail-enabled security groups.", ("bridge.actions.groups",)),
    "shared-mailbox": Area("Actions on shared mailboxes.", ("bridge.actions.shared_mailboxes",)),
    "access": Area("Effective access: who reaches what, directly and through groups.", ("bridge.actions.access",)),
    "import": Area(
        "Reads of everything there is, for who keeps a copy of it.",
        ("bridge.actions.imports",),
    ),
}
"""The areas, in the order in which they are shown."""


@functools.cache
def actions_of(area: str) -> Mapping[str, Action]:
    """The actions of an area by name, in the order in which they are shown. Raises KeyError when there is none."""
    modules = [importlib.import_module(name) for name in AREAS[area].modules]
    return {action.name: action for module in modules for action in module.ACTIONS}


class _Actions(Mapping[str, "Action"]):
    """All actions by name."""

    def __getitem__(self, name: str) -> Action:
        return actions_of(name.partition(".")[0])[name]

    def __iter__(self) -> Iterator[str]:
        return (name for area in AREAS for name in actions_of(area))

    def __len__(self) -> int:
        return sum(1 for _ in self)


ACTIONS: Mapping[str, Action] = _Actions()
"""Every action, by name."""
