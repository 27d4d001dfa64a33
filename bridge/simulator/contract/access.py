"""The scripts of ps_scripts/access, in Python."""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass
from typing import Any

from bridge.simulator.contract.binding import text_of
from bridge.simulator.contract.imports import SYSTEM, named, shown_name
from bridge.simulator.contract.run import Row, Run, guid_of, name_of

_GROUP = re.compile(r"(Mail\w*Universal\w*Group|RoomList)", re.IGNORECASE)
_NO_PRINCIPAL = (
    "MailContact",
    "MailUniversalDistributionGroup",
    "RoomList",
    "GroupMailbox",
    "DynamicDistributionGroup",
)
_SHOWN = ("Name", "WindowsLiveID", "UserPrincipalName")
RIGHTS = ("full-access", "send-as", "send-on-behalf")


@dataclass(frozen=True)
class _Node:
    """A person or a group."""

    id: str
    name: str
    kind: str


@dataclass(frozen=True)
class _Entry:
    """One entry of a mailbox: who has which right, or is denied it."""

    right: str
    holder: str
    deny: bool = False
    inherited: bool = False

    @property
    def order(self) -> int:
        """Windows' order; the lowest entry that meets somebody decides."""
        return 2 * self.inherited + (not self.deny)


def mailbox_access(run: Run) -> None:
    """access/Get-MailboxAccess.ps1."""
    mailbox = run.values["Mailbox"]
    target = run.find_one("mailbox", mailbox, "Get-Mailbox")
    if target is None:
        run.fail("NotFound", "ObjectNotFound", f"There is no mailbox '{mailbox}'.", mailbox)
    run.verbose(f"Reading the rights on the mailbox '{name_of(target)}'.")
    identity = guid_of(target)
    entries = [
        *_full_access(run.call("Get-EXOMailboxPermission", Identity=identity, ResultSize="Unlimited")),
        *_send_as(run.call("Get-EXORecipientPermission", Identity=identity, ResultSize="Unlimited")),
        *(_Entry("send-on-behalf", text_of(one)) for one in target["GrantSendOnBehalfTo"] or ()),
    ]
    walk = _Walk(run)
    for right in RIGHTS:
        ways = [
            (entry, node, path)
            for entry in entries
            if entry.right == right and not SYSTEM.search(entry.holder)
            for node, path in walk.ways_in(entry.holder)
        ]
        order: dict[_Node, int] = {}
        for entry, node, _ in ways:
            order[node] = min(order.get(node, entry.order), entry.order)
        for entry, node, path in ways:
            run.output(_row(node, entry, path, effective=order[node] % 2 == 1))


def person_access(run: Run) -> None:
    """access/Get-PersonAccess.ps1."""
    user = run.values["User"]
    target = run.find_one("recipient", user, "Get-Recipient") or run.find_one("user", user, "Get-User")
    if target is None:
        run.fail("NotFound", "ObjectNotFound", f"There is no user or recipient '{user}'.", user)
    paths: dict[str, list[str]] = {}
    send_as: dict[str, list[tuple[_Entry, list[str]]]] = {}
    seen = {guid_of(target)}
    queue: deque[tuple[Row, list[str]]] = deque([(target, [])])
    while queue:
        thing, path = queue.popleft()
        paths |= {text_of(thing[name]).lower(): path for name in _SHOWN if thing.get(name)}
        if text_of(thing["RecipientTypeDetails"]) not in _NO_PRINCIPAL:
            run.verbose(f"Reading where '{thing['Name']}' has Send As.")
            rows = run.call("Get-RecipientPermission", Trustee=guid_of(thing), ResultSize="Unlimited")
            for row in rows:
                own = send_as.setdefault(text_of(row["Identity"]).lower(), [])
                own += [(entry, path) for entry in _send_as([row])]
        run.verbose(f"Reading the groups that '{thing['Name']}' is in.")
        name = text_of(thing["DistinguishedName"]).replace("'", "''")
        for group in run.call("Get-Recipient", Filter=f"Members -eq '{name}'", ResultSize="Unlimited"):
            if guid_of(group) not in seen:
                seen.add(guid_of(group))
                queue.append((group, [shown_name(group), *path]))
                run.output(_row(_node(group), _Entry("member", ""), path, effective=True))
    run.verbose("Reading all mailboxes.")
    for mailbox in run.call("Get-EXOMailbox", Properties=["GrantSendOnBehalfTo"], ResultSize="Unlimited"):
        run.verbose(f"Reading the rights on the mailbox '{mailbox['Name']}'.")
        entries = _full_access(run.call("Get-EXOMailboxPermission", Identity=guid_of(mailbox), ResultSize="Unlimited"))
        delegates = [_Entry("send-on-behalf", text_of(one)) for one in mailbox["GrantSendOnBehalfTo"] or ()]
        ways = [
            *((one, paths[one.holder.lower()]) for one in entries if one.holder.lower() in paths),
            *send_as.get(text_of(mailbox["Name"]).lower(), ()),
            *((one, paths[one.holder.lower()]) for one in delegates if one.holder.lower() in paths),
        ]
        order = {right: min((one.order for one, _ in ways if one.right == right), default=0) for right in RIGHTS}
        for entry, path in ways:
            run.output(_row(_node(mailbox), entry, path, effective=order[entry.right] % 2 == 1))


class _Walk:
    """From the holders of a mailbox's entries inwards; every holder and every group is read once."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._known: dict[str, _Node] = {}
        self._members: dict[str, list[_Node]] = {}

    def ways_in(self, holder: str) -> list[tuple[_Node, list[str]]]:
        """Everybody that a holder stands for, with the names of the groups between, the nearest first."""
        queue: deque[tuple[_Node, list[str]]] = deque([(self._holder(holder), [])])
        seen: set[str] = set()
        found = []
        while queue:
            node, path = queue.popleft()
            if node.id in seen or node.kind == "MailContact":
                continue
            seen.add(node.id)
            if _GROUP.fullmatch(node.kind):
                queue += [(member, [*path, node.name]) for member in self._group(node)]
            else:
                found.append((node, path))
        return found

    def _holder(self, shown: str) -> _Node:
        key = shown.lower()
        if key not in self._known:
            found = named(self._run, shown)
            self._known[key] = _node(found[0]) if len(found) == 1 else _Node("", shown, "")
        return self._known[key]

    def _group(self, group: _Node) -> list[_Node]:
        if group.id not in self._members:
            self._run.verbose(f"Reading the members of the group '{group.name}'.")
            rows = self._run.call("Get-DistributionGroupMember", Identity=group.id, ResultSize="Unlimited")
            self._members[group.id] = [_node(row) for row in rows]
        return self._members[group.id]


def _full_access(rows: list[Row]) -> list[_Entry]:
    return [
        _Entry("full-access", text_of(row["User"]), bool(row["Deny"]), bool(row["IsInherited"]))
        for row in rows
        if "FullAccess" in row["AccessRights"]
    ]


def _send_as(rows: list[Row]) -> list[_Entry]:
    return [
        _Entry("send-as", text_of(row["Trustee"]), row["AccessControlType"] == "Deny", bool(row["IsInherited"]))
        for row in rows
        if "SendAs" in row["AccessRights"]
    ]


def _node(row: Row) -> _Node:
    return _Node(guid_of(row), shown_name(row), text_of(row["RecipientTypeDetails"]))


def _row(node: _Node, entry: _Entry, path: list[str], *, effective: bool) -> dict[str, Any]:
    return {
        "Id": node.id,
        "Name": node.name,
        "Kind": node.kind,
        "Right": entry.right,
        "Inherited": entry.inherited,
        "Entry": "deny" if entry.deny else "allow",
        "Path": path,
        "Effective": effective,
    }
