"""What undoes a change: the fitting action with the state before.

Rules:

- Only what an outcome says was changed is undone, on the object that it was, by its id. What differs between before and
  after is written back, and nothing else.
- What cannot be written back is said, never guessed: an object that was created (nothing here deletes), a setting that
  was empty where Exchange has no way to empty it.
- An undoing is a call like any other: it reads first, and finds what was changed since.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bridge.actions import ACTIONS
from bridge.actions.action import parameter_name
from bridge.model import Call, Outcome, Status

Given = dict[str, Any]


@dataclass(frozen=True)
class Undoing:
    """The call that undoes a change, None where there is none; ``left`` says what it does not bring back."""

    call: Call | None
    left: str = ""


def undoing(outcome: Outcome) -> Undoing:
    """What undoes the change that an outcome tells of. Raises UsageError when its state before cannot be right."""
    if outcome.status is not Status.CHANGED or outcome.dry_run:
        return Undoing(None, "nothing was changed")
    if outcome.identity is None or not outcome.identity.id:
        return Undoing(None, "the outcome does not say which object was changed")
    if outcome.action not in _UNDO:
        return Undoing(None, f"there is no action that undoes {outcome.action}")
    name, given, left = _UNDO[outcome.action](outcome.identity.id, outcome.before, outcome.after)
    if not given:
        return Undoing(None, left)
    (call,) = ACTIONS[name].calls(given)
    return Undoing(call, left)


State = Mapping[str, Any]
_Undo = Callable[[str, State, State], tuple[str, Given, str]]


def _membership(name: str) -> _Undo:
    return lambda group, before, _after: (name, {"group": group, "member": before["member_id"]}, "")


def _right(name: str) -> _Undo:
    left = "whether Outlook opened the mailbox by itself is not known" if name.endswith(".grant") else ""

    def undo(mailbox: str, before: State, _after: State) -> tuple[str, Given, str]:
        about = left if before["right"] == "full-access" else ""
        return name, {"mailbox": mailbox, "user": before["user_id"], "right": before["right"]}, about

    return undo


def _address_lists(mailbox: str, before: State, _after: State) -> tuple[str, Given, str]:
    return ("mailbox.hide" if before["hidden"] else "mailbox.show"), {"mailbox": mailbox}, ""


def _attributes(mailbox: str, before: State, after: State) -> tuple[str, Given, str]:
    values: list[str] = []
    empty: list[str] = []
    for key in sorted(name for name in before if before[name] != after.get(name)):
        was = before[key] if isinstance(before[key], list) else [before[key]]
        texts = [str(one).lower() if isinstance(one, bool) else str(one) for one in was if one != ""]
        values += [f"{parameter_name(key)}={text}" for text in texts]
        empty += [] if texts else [parameter_name(key)]
    return "mailbox.set", {"mailbox": mailbox, "set": values, "clear": empty}, ""


def _addresses(mailbox: str, before: State, after: State) -> tuple[str, Given, str]:
    was, now = _smtp(before["email_addresses"]), _smtp(after["email_addresses"])
    primary = before["primary_smtp_address"]
    given = {
        "mailbox": mailbox,
        "add": [address for key, address in was.items() if key not in now],
        "remove": [address for key, address in now.items() if key not in was],
        "primary": primary if primary != after["primary_smtp_address"] else None,
    }
    return "mailbox.set-addresses", given, ""


def _smtp(addresses: list[str]) -> dict[str, str]:
    return {address[5:].lower(): address[5:] for address in addresses if address.lower().startswith("smtp:")}


def _regional(mailbox: str, before: State, after: State) -> tuple[str, Given, str]:
    names = ("language", "date_format", "time_format", "time_zone")
    changed = [name for name in names if before.get(name, "") != after.get(name, "")]
    given = {name: before[name] for name in changed if before.get(name)}
    left = [name.replace("_", " ") for name in changed if not before.get(name)]
    if after.get("folders_localized") and before.get("folders_localized") and "language" in given:
        given["localize_folders"] = True
    elif after.get("folders_localized") and before.get("folders_localized") is False:
        left.append("names of the folders")
    told = f"cannot be brought back: {', '.join(left)}" if left else ""
    return "mailbox.set-regional", {"mailbox": mailbox, **given} if given else {}, told


def _replies(mailbox: str, before: State, _after: State) -> tuple[str, Given, str]:
    names = ("state", "internal_message", "external_message", "audience", "start", "end")
    given = {name: before[name] for name in names if name in before}
    return "mailbox.set-automatic-replies", {"mailbox": mailbox, **given, "overwrite": True}, ""


def _hold(mailbox: str, before: State, _after: State) -> tuple[str, Given, str]:
    if not before["held"]:
        return "mailbox.remove-litigation-hold", {"mailbox": mailbox, "confirm_release": True}, ""
    given = {"mailbox": mailbox, "duration": before["duration"], "owner": before["owner"]}
    return "mailbox.set-litigation-hold", given, ""


def _folder(mailbox: str, before: State, _after: State) -> tuple[str, Given, str]:
    about = {"mailbox": mailbox, "user": before["user_id"]}
    if not before["right"]:
        return "mailbox.remove-folder-permission", about, ""
    delegate = {"delegate": before["delegate"]} if before["right"] == "Editor" else {}
    return "mailbox.set-folder-permission", {**about, "right": before["right"], **delegate}, ""


def _created_group(_group: str, before: State, _after: State) -> tuple[str, Given, str]:
    if before["exists"]:
        return "", {}, "the markers of a group that was there already stay; clear them in Exchange"
    return "", {}, "a group that was created is not deleted; take its members out, or delete it in Exchange"


def _created_mailbox(mailbox: str, before: State, after: State) -> tuple[str, Given, str]:
    if not before["exists"]:
        return "", {}, "a mailbox that was created is not deleted; revoke its rights, or delete it in Exchange"
    fields = {marker.partition("=")[0] for marker in before["marker"]}
    added = [name for marker in after["marker"] if (name := marker.partition("=")[0]) not in fields]
    return "mailbox.set", {"mailbox": mailbox, "set": before["marker"], "clear": added}, ""


_UNDO: dict[str, _Undo] = {
    "group.create": _created_group,
    "shared-mailbox.create": _created_mailbox,
    "group.grant": _membership("group.revoke"),
    "group.revoke": _membership("group.grant"),
    "shared-mailbox.grant": _right("shared-mailbox.revoke"),
    "shared-mailbox.revoke": _right("shared-mailbox.grant"),
    "mailbox.show": _address_lists,
    "mailbox.hide": _address_lists,
    "mailbox.set": _attributes,
    "mailbox.set-addresses": _addresses,
    "mailbox.set-regional": _regional,
    "mailbox.set-automatic-replies": _replies,
    "mailbox.set-litigation-hold": _hold,
    "mailbox.remove-litigation-hold": _hold,
    "mailbox.set-folder-permission": _folder,
    "mailbox.remove-folder-permission": _folder,
}
