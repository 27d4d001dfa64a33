"""What can be done: every action, by name.

A new action is an entry in the module of its area, with a script under ``ps_scripts``, and nothing else: its command,
options, help and documentation are made from the entry.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from bridge.actions import accounts, groups, mailboxes, shared_mailboxes
from bridge.actions.action import Action, Parameters, parameter_name

__all__ = ["ACTIONS", "Action", "Parameters", "parameter_name"]

ACTIONS: Mapping[str, Action] = MappingProxyType(
    {action.name: action for module in (accounts, mailboxes, groups, shared_mailboxes) for action in module.ACTIONS}
)
