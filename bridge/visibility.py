"""Waiting until what was created can be seen: Exchange accepts a new object seconds to minutes before it shows it.

Rules:

- After an action that creates, the object is looked for by its id until it is there or the time is up. Nothing else
  changes the outcome: the object was created, seen or not.
- What was not seen in time is remembered. The next call of this process that names it waits first, once more.
- A look that fails ends the wait; it says nothing about the object.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from bridge.errors import AgentError, ExchangeError
from bridge.model import Call, Identity, OnRecord, Outcome, Record, Runspace, Status
from bridge.patience import Patience

SCRIPT = "session/Test-Recipient.ps1"
_NOT_YET = "accepted, not visible yet"


class Visibility:
    """What this process created in the runspace and has not seen yet."""

    def __init__(self, runspace: Runspace, patience: Patience) -> None:
        self._runspace = runspace
        self._patience = patience
        self._unseen: dict[str, Identity] = {}

    def after(self, call: Call, outcome: Outcome, on_record: OnRecord) -> Outcome:
        """The outcome of a call that may have created something, once that can be seen or the time is up."""
        created = call.creates and outcome.status is Status.CHANGED and not call.dry_run
        identity = outcome.identity
        if not created or identity is None or not identity.id or self._seen(identity, on_record):
            return outcome
        addresses = (value for value in call.parameters.values() if isinstance(value, str) and "@" in value)
        self._unseen |= {name.lower(): identity for name in (identity.id, identity.name, *addresses)}
        return replace(outcome, reason=f"{outcome.reason}; {_NOT_YET}" if outcome.reason else _NOT_YET)

    def before(self, call: Call, on_record: OnRecord) -> None:
        """Wait for what the call names and was not seen yet."""
        for identity in self._named(call):
            if self._seen(identity, on_record):
                self._unseen = {name: one for name, one in self._unseen.items() if one != identity}

    def concerns(self, call: Call) -> bool:
        """Whether the call names something that was not seen yet."""
        return any(self._named(call))

    def _named(self, call: Call) -> Iterator[Identity]:
        names = (value.lower() for value in call.parameters.values() if isinstance(value, str))
        return (self._unseen[name] for name in names if name in self._unseen)

    def _seen(self, identity: Identity, on_record: OnRecord) -> bool:
        for number, _ in enumerate(self._patience.looks()):
            if number == 1:
                on_record(Record("verbose", f"Waiting until '{identity.name}' can be seen."))
            try:
                reply = self._runspace.run(SCRIPT, {"identity": identity.id}, on_record)
            except (AgentError, ExchangeError) as error:
                on_record(Record("warning", f"It could not be seen whether '{identity.name}' is there: {error}"))
                return False
            if not reply.ok:
                return False
            if reply.output and reply.output[0].get("visible"):
                return True
        return False
