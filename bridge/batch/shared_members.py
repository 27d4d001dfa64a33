"""The members of the groups that calls are about, read once for all of them.

Rule: a member who is named by id or primary address is known from the members, because both belong to one object alone;
what other names mean is found out together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bridge.batch.desired import MEMBERSHIP
from bridge.batch.members import Run, by_name
from bridge.batch.names import Found, Names, told
from bridge.model import Call, Kind, Outcome

SCRIPT = "session/Get-GroupMemberById.ps1"

_WRITABLE = frozenset(("MailUniversalDistributionGroup", "MailUniversalSecurityGroup", "RoomList"))


class SharedMembers:
    """Groups and their members as they were when ``prepare`` was called. ``run`` runs reads."""

    def __init__(self, run: Run, names: Names) -> None:
        self._run = run
        self._names = names
        self._members: dict[str, Mapping[str, Mapping[str, Any]]] = {}

    def prepare(self, calls: Sequence[Call]) -> None:
        """Read what these calls need, grants and revokes of members. Raises what ``run`` raises."""
        self._names.look("group", (call.parameters["group"] for call in calls))
        groups = {group.id: group for call in calls if (group := self._group(call))}
        reads = [
            Call("group.members", SCRIPT, Kind.READ, {"group": group.id, "group_name": group.name})
            for group in groups.values()
        ]
        for group_id, outcome in zip(groups, self._run(reads), strict=True):
            if outcome.problem is None:
                self._members[group_id] = by_name(outcome.rows)
        others = (call.parameters["member"] for call in calls if self._is_read(call) and self._row(call) is None)
        self._names.look("recipient", others)

    def seen(self, call: Call) -> Outcome | None:
        """What a dry run of this call would tell; None where that is not known."""
        group = self._group(call)
        if group is None or group.id not in self._members:
            return None
        row = self._row(call)
        if row is None:
            found = self._names.get("recipient", call.parameters["member"])
            if found is None:
                return None
            member_id, name = found.id, found.name
        else:
            member_id, name = row["id"], row["display_name"]
        is_member = member_id in self._members[group.id]
        about = {"member_id": member_id, "member_name": name, "is_member": is_member}
        return told(call, group, about, "is_member", _REASONS, wanted=call.action == MEMBERSHIP.grant)

    def _group(self, call: Call) -> Found | None:
        """The group of a call, where its members can be changed."""
        found = self._names.get("group", call.parameters["group"])
        return found if found and found.type in _WRITABLE and not found.is_synchronized else None

    def _is_read(self, call: Call) -> bool:
        group = self._group(call)
        return group is not None and group.id in self._members

    def _row(self, call: Call) -> Mapping[str, Any] | None:
        """The member of whom a call is, where the group has somebody of that id or primary address."""
        group, member = self._group(call), call.parameters["member"]
        # Beyond ASCII, Exchange may see two texts as different that are the same here in small letters.
        return self._members[group.id].get(member.lower()) if group and member.isascii() else None


_REASONS = {
    (True, True): "already a member",
    (True, False): "would add the member",
    (False, True): "would remove the member",
    (False, False): "not a member",
}
