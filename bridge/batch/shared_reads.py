"""What many calls of a batch need, read once for all of them, and changes that then look at nothing themselves.

Rules:

- Where several calls are about the members of one group, or the rights on one mailbox, these are read once; what the
  other names in those calls mean is found out together. All that is then known stands for the look that each call
  would have taken.
- What was read is told only where it says the same as that look: a call that would fail, a name that means nothing or
  several things, a holder of rights whom nobody knows, are looked at one by one.
- What was read is as it was when ``prepare`` was called. What is changed after that is not in it.
- A script that a user's own folder replaces is never passed over: nothing is known then of what it does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from bridge.batch import shared_rights
from bridge.batch.desired import MEMBERSHIP, PAIRS, RIGHT, Pair
from bridge.batch.members import Run
from bridge.batch.names import Names
from bridge.batch.shared_members import SharedMembers
from bridge.batch.shared_rights import SharedRights
from bridge.model import Call, Outcome, Status

READ_ONCE_FROM = 3
"""So many calls about the members of one group, or the rights on one mailbox, make reading all of them worth while."""

_DIRECT = {
    MEMBERSHIP.grant: "session/Add-GroupMemberById.ps1",
    MEMBERSHIP.revoke: "session/Remove-GroupMemberById.ps1",
    RIGHT.grant: "session/Add-MailboxRightById.ps1",
    RIGHT.revoke: "session/Remove-MailboxRightById.ps1",
}


class SharedReads:
    """What a window of calls needs to know.

    ``run`` runs the reads; ``replaced`` are the scripts that are not the shipped ones, by name.
    """

    def __init__(self, run: Run, replaced: Collection[str] = ()) -> None:
        self._run = run
        self._replaced = frozenset(replaced)
        self._actions: frozenset[str] = frozenset()
        self._forget()

    def prepare(self, calls: Sequence[Call]) -> None:
        """Look at a window of calls, forget the one before, and read once what several of them need.

        Raises what ``run`` raises. A read that fails leaves the calls that need it to themselves.
        """
        self._forget()
        self._actions = frozenset(call.action for call in calls if self._is_shared(call))
        if members := self._several(calls, MEMBERSHIP):
            self._members.prepare(members)
        if rights := self._several(calls, RIGHT):
            self._rights.prepare(rights)

    def seen(self, call: Call) -> Outcome | None:
        """The outcome that a dry run of this call would have, from what was read; None: it has to look by itself."""
        if not self._is_shared(call):
            return None
        return self._members.seen(call) if PAIRS[call.action] is MEMBERSHIP else self._rights.seen(call)

    def direct(self, call: Call, seen: Outcome) -> Call | None:
        """The call that makes this change by ids and without looking; None where there is none.

        ``seen`` is what ``seen`` gave or the call's own dry run, and is to be recent: it is not checked again. The call
        has the same action and id, and its outcome the same shape; the parameters are its own.
        """
        identity = seen.identity
        if identity is None or not identity.id or seen.status is not Status.CHANGED or not self._is_shared(call):
            return None
        thing, person, *_ = PAIRS[call.action].fields
        if not seen.before.get(f"{person}_id"):
            return None
        known = {
            thing: identity.id,
            person: seen.before[f"{person}_id"],
            f"{thing}_name": identity.name,
            f"{person}_name": seen.before[f"{person}_name"],
        }
        return replace(call, script=_DIRECT[call.action], parameters={**call.parameters, **known}, dry_run=False)

    @property
    def scripts(self) -> frozenset[str]:
        """The scripts that ``direct`` can name for the calls of this window."""
        return frozenset(_DIRECT[action] for action in self._actions)

    def _forget(self) -> None:
        found = Names(self._run)
        self._members, self._rights = SharedMembers(self._run, found), SharedRights(self._run, found)

    def _is_shared(self, call: Call) -> bool:
        return call.action in PAIRS and not self._replaced & {call.script, shared_rights.SCRIPT}

    def _several(self, calls: Iterable[Call], pair: Pair) -> list[Call]:
        """The calls of this pair about what several of them are about."""
        mine = [call for call in calls if PAIRS.get(call.action) is pair and self._is_shared(call)]
        counts = Counter(call.parameters[pair.fields[0]] for call in mine)
        return [call for call in mine if counts[call.parameters[pair.fields[0]]] >= READ_ONCE_FROM]
