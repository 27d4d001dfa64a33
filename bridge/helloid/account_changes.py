"""Update and delete of an account: attributes, addresses, automatic replies.

Rules:

- A field that is mapped is what the mailbox is to have; what is mapped and empty is cleared where it can be empty, and
  left as it is where it always has a value. What is not mapped stays.
- EmailAddresses are added to those that are there, and none is removed. One that begins with ``SMTP:`` becomes the
  primary one; with none of them the primary one stays as it is. Two of them are a mistake. The text of an address stays
  as it was mapped.
- Delete removes nothing: who writes to the mailbox gets an answer. A reply that the person has switched on is kept.
- Only what differs is written, and the audit names what that was.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bridge.actions.action import parameter_name
from bridge.actions.mailbox_attributes import ATTRIBUTES
from bridge.errors import UsageError
from bridge.helloid.account_fields import HIDDEN, account_named, account_of, reply_of, text_of
from bridge.helloid.answer import Answer, AuditLine, Exchange, LogLine
from bridge.helloid.task import Step, Target, Task
from bridge.helloid.words import line_of
from bridge.model import Outcome, Status
from bridge.settings import HelloIdSettings

_ADDRESSES = "emailaddresses"
_NOT_SET = frozenset(
    ("guid", "userprincipalname", "autoreplystate", "internalmessage", "externalmessage", "externalaudience")
)
"""Fields of the mapping that are no attribute that an update sets."""

_ALWAYS = frozenset(parameter_name(name).lower() for name, kind in ATTRIBUTES.items() if kind in ("name", "yes-or-no"))


def update(task: Task, exchange: Exchange, settings: HelloIdSettings, answer: Answer) -> None:
    """Set the mapped attributes and add the mapped addresses."""
    del settings
    account = account_of(task)
    given = {name: value for name, value in task.data.items() if name.lower() not in _NOT_SET}
    if not given:
        raise UsageError(
            "No field that can be updated is mapped.", remedy="Map a field for update, or leave the script out."
        )
    answer.data = dict(task.data)
    addresses = next((given.pop(name) for name in list(given) if name.lower() == _ADDRESSES), None)
    if given:
        _set_attributes(account.id, account_named(account), given, exchange, answer)
    if addresses not in (None, "", []):
        _set_addresses(account.id, account_named(account), addresses, exchange, answer)


def _set_attributes(mailbox: str, name: str, given: Mapping[str, Any], exchange: Exchange, answer: Answer) -> None:
    wanted, cleared = [], []
    for field, value in given.items():
        values = [text_of(field, one) for one in (value if isinstance(value, list) else [value])]
        filled = [text for text in values if text.strip()]
        if filled:
            wanted += [f"{field}={text}" for text in filled]
        elif field.lower() in _ALWAYS:
            answer.logs.append(LogLine("information", f"{field} is mapped and empty; it always has a value and stays."))
        else:
            cleared.append(field)
    if not wanted and not cleared:
        answer.audit.append(AuditLine(f"Nothing to do (no mapped field has a value): update {name}."))
        return
    outcome = exchange.change("mailbox.set", mailbox=mailbox, set=wanted, clear=cleared)
    _note(outcome, answer)
    fields = _changed(outcome) or ", ".join(given)
    answer.audit.append(line_of(outcome, f"set {fields} of {name}", f"Set {fields} of {name}"))


def _set_addresses(mailbox: str, name: str, given: Any, exchange: Exchange, answer: Answer) -> None:
    entries = [text_of("EmailAddresses", one).strip() for one in (given if isinstance(given, list) else [given])]
    others = [entry for entry in entries if ":" in entry and not entry.lower().startswith("smtp:")]
    for entry in others:
        answer.logs.append(LogLine("information", f"{entry} is no SMTP address; Exchange keeps it itself."))
    primary = list(dict.fromkeys(entry for entry in entries if entry.startswith("SMTP:")))
    if len({entry.lower() for entry in primary}) > 1:
        answer.audit.append(
            AuditLine(
                f"Failed to set the addresses of {name}. Several are mapped as the primary one: {', '.join(primary)}. "
                "Map one of them with SMTP: and the others with smtp:.",
                is_error=True,
            )
        )
        return
    added = [entry for entry in entries if entry and entry not in primary and entry not in others]
    if not added and not primary:
        return
    # What is mapped twice, once as the primary one, is that.
    added = [entry for entry in added if _bare(entry) not in {_bare(one) for one in primary}]
    outcome = exchange.change(
        "mailbox.set-addresses", mailbox=mailbox, add=added, primary=primary[0] if primary else None
    )
    _note(outcome, answer)
    answer.audit.append(line_of(outcome, f"set the addresses of {name}", f"Set the addresses of {name}"))


def _note(outcome: Outcome, answer: Answer) -> None:
    """What was there before, by the names that Exchange has for it, and what is there now."""
    if outcome.status not in (Status.CHANGED, Status.UNCHANGED):
        return
    answer.previous_data |= {_field(name): value for name, value in outcome.before.items()}
    for name, value in outcome.after.items():
        if field := next((one for one in answer.data if one.lower() == _field(name).lower()), ""):
            answer.data[field] = value


def _changed(outcome: Outcome) -> str:
    names = [_field(name) for name, value in outcome.after.items() if outcome.before.get(name) != value]
    return ", ".join(names) if outcome.status is Status.CHANGED else ""


def _field(name: str) -> str:
    return HIDDEN if name == "hidden" else parameter_name(name)


def _bare(address: str) -> str:
    return address.lower().removeprefix("smtp:")


def delete(task: Task, exchange: Exchange, settings: HelloIdSettings, answer: Answer) -> None:
    """Switch automatic replies on, as mapped; without mapped fields, as [helloid] says."""
    account = account_of(task)
    reply = reply_of(task.data, settings)
    name = account_named(account)
    if not reply:
        answer.audit.append(AuditLine(f"Nothing to do (no automatic reply is mapped): delete {name}."))
        return
    outcome = exchange.change("mailbox.set-automatic-replies", mailbox=account.id, **reply)
    answer.data = dict(task.data)
    answer.audit.append(
        line_of(
            outcome,
            f"set the automatic replies of {name}",
            f"Set the automatic replies of {name}",
            missing_is_fine=True,
        )
    )


HANDLERS = {
    (Step.UPDATE, Target.ACCOUNT): update,
    (Step.DELETE, Target.ACCOUNT): delete,
}
