"""Resources: a group or shared mailbox for each department that has none.

    name      prefix and name of the department, at most 64 characters
    address   the same in plain letters, in [helloid] mail_domain
    markers   department_attribute = the department's key, marker_attribute = HelloID's marker

Rules:

- A department has one already when an object holds its key, whatever that is called by now: nothing is changed there.
  Several are a failure, since nobody can tell which is meant.
- Each department has its own audit line, and one that fails does not keep the next from being done.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from bridge.errors import UsageError
from bridge.helloid.answer import Answer, AuditLine, Exchange
from bridge.helloid.departments import about, kind_of, of_department
from bridge.helloid.task import Source, Step, Target, Task
from bridge.helloid.words import cut, line_of, named
from bridge.model import Status
from bridge.settings import HelloIdSettings

_MAX_NAME = 64
_MAX_LOCAL_PART = 64
"""The longest name of a group or mailbox, and the longest part of an address before the @ (RFC 5321, 4.5.3.1.1)."""

_LETTERS = str.maketrans({"ß": "ss", "æ": "ae", "Æ": "AE", "ø": "o", "Ø": "O", "đ": "d", "Đ": "D", "ł": "l", "Ł": "L"})
"""Letters that have no plain one in Unicode's own tables."""


@dataclass(frozen=True)
class _Kind:
    """How one is made: by which action, with what, with which prefix and marker."""

    create: str
    given: Mapping[str, str]
    prefix: str
    marker: str


def create(task: Task, exchange: Exchange, settings: HelloIdSettings, answer: Answer) -> None:
    """One for each department, in the order of their keys. Raises UsageError where no domain is set."""
    if not settings.mail_domain:
        raise UsageError(
            f"Nobody said in which domain a new {kind_of(task.target)} has its address.",
            remedy="Set [helloid] mail_domain, or [exchange] organization.",
        )
    for source in sorted(task.sources, key=lambda source: (source.id, source.name)):
        answer.audit.append(_line(task.target, source, exchange, settings))
    if not task.sources:
        answer.audit.append(AuditLine("Nothing to do: HelloID named no department."))


def _line(target: Target, source: Source, exchange: Exchange, settings: HelloIdSettings) -> AuditLine:
    """Look for what one department has, and make it where it has none; the audit line of that."""
    if not source.id.strip():
        text = f"Failed to create {about(target, source)}: the department has no key (ExternalId)."
        return AuditLine(text, is_error=True)
    found = of_department(target, source, exchange, settings)
    if isinstance(found, AuditLine):
        return found
    if found is not None:
        what = named(kind_of(target), found["id"], found["name"])
        return AuditLine(f"Nothing to do (it is there already, {what}): create {about(target, source)}.")
    kind = _kind(target, settings)
    name = cut(f"{kind.prefix}{source.name or source.id}", longest=_MAX_NAME)
    address = address_of(kind.prefix, source, settings.mail_domain)
    marker = [f"{settings.department_attribute}={source.id}", f"{settings.marker_attribute}={kind.marker}"]
    outcome = exchange.change(kind.create, name=name, address=address, marker=marker, **kind.given)
    words = f"{about(target, source)} as {name} <{address}>"
    if outcome.status is Status.CHANGED and outcome.before.get("exists"):
        return line_of(outcome, f"mark {words}", f"Marked {words}", action="UpdateResource")
    return line_of(outcome, f"create {words}", f"Created {words}", action="CreateResource")


def _kind(target: Target, settings: HelloIdSettings) -> _Kind:
    if target is Target.GROUPS:
        return _Kind("group.create", {"kind": "distribution"}, settings.group_prefix, settings.group_marker)
    return _Kind("shared-mailbox.create", {}, settings.shared_mailbox_prefix, settings.shared_mailbox_marker)


def address_of(prefix: str, source: Source, domain: str) -> str:
    """The address of a department's group or mailbox: letters and digits as they are, all else as underlines."""
    plain = _plain(f"{prefix}{source.name}") if _plain(source.name) else _plain(f"{prefix}{source.id}")
    return f"{plain[:_MAX_LOCAL_PART].rstrip('_.')}@{domain}"


def _plain(text: str) -> str:
    bare = unicodedata.normalize("NFKD", text.translate(_LETTERS)).encode("ascii", "ignore").decode("ascii")
    words = re.sub(r"[^A-Za-z0-9_-]+", "_", re.sub(r"['`.]", "", bare))
    return re.sub(r"_[_-]*_", "_", words).strip("_-")


HANDLERS = {
    (Step.RESOURCES, Target.GROUPS): create,
    (Step.RESOURCES, Target.SHARED_MAILBOXES): create,
    (Step.RESOURCES, Target.SHARED_MAILBOX_RIGHTS): create,
}
