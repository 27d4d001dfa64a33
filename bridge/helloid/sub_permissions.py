"""Sub-permissions: the groups or shared mailboxes of the departments in which a person works.

A department's group or mailbox is the one whose [helloid] department_attribute holds the department's key. What is held
and does not follow any more is revoked, then what is new is granted.

Rules:

- No object, or several, for a department is a failure, and so is a look-up that fails, or a department without a key.
  Nothing is revoked then: what is held may be just what could not be found. What was found is still granted.
- What HelloID holds changes only by what is proven: a right stays in the answer until it is known to be gone, and comes
  into it only when it is known to be there. So a failed or unknown part is tried again the next time.
- What is kept is given back with its reference as it was, and costs no call.
- Without a person (reconciliation) nobody knows what follows, so only a revoke is done.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from bridge.errors import UsageError
from bridge.helloid.account_fields import account_of
from bridge.helloid.answer import Answer, AuditLine, Exchange, LogLine
from bridge.helloid.departments import about, of_department
from bridge.helloid.groups import grant_member, revoke_member
from bridge.helloid.parts import shown_name
from bridge.helloid.references import RIGHTS, AccountReference, PermissionReference
from bridge.helloid.schemas import ListedSubPermission
from bridge.helloid.shared_mailboxes import grant_right, revoke_right, sub_permission
from bridge.helloid.task import CurrentPermission, Step, Target, Task
from bridge.helloid.words import cut
from bridge.model import Outcome, Status
from bridge.settings import HelloIdSettings

NONE = "No permissions defined"
"""Name and id of the sub-permission that stands for none at all: without one HelloID forgets the permission."""

_Key = tuple[str, str]
"""The id of a group or mailbox in lower case, and the right on it; "" for a group."""


@dataclass(frozen=True)
class _Wanted:
    """A sub-permission that follows from a department."""

    name: str
    reference: PermissionReference


def sub_permissions(task: Task, exchange: Exchange, settings: HelloIdSettings, answer: Answer) -> None:
    """Revoke what does not follow any more, grant what follows, and tell what the account has then."""
    answer.sub_permissions = [_told(one.name, one.reference.given) for one in task.current]
    if task.departments is None and task.operation != "revoke":
        raise UsageError(
            "The request has no person, or no contracts of theirs (as in reconciliation), so nobody knows which "
            "sub-permissions follow.",
            remedy="Let HelloID's enforcement update the person.",
        )
    if task.account is None and task.dry_run:
        answer.audit.append(AuditLine("Would set the sub-permissions of an account that is not there yet."))
        return
    work = _Work(task, account_of(task), exchange, settings, answer)
    wanted = work.wanted()
    # Until here an audit line says only that something could not be found.
    is_known = answer.success
    held = {key for one in task.current for key in work.keys(one)}
    answer.sub_permissions = [
        told for one in task.current if (told := work.kept(one, wanted, is_known=is_known)) is not None
    ]
    for key, new in wanted.items():
        if key not in held and work.granted(new, key):
            answer.sub_permissions.append(_told(new.name, new.reference.given))
    if not answer.sub_permissions and task.operation != "revoke":
        answer.sub_permissions.append(_told(NONE, {"Id": NONE}))
    if not answer.audit:
        answer.audit.append(AuditLine("Nothing to do: what is held is what follows from the departments."))


@dataclass(frozen=True)
class _Work:
    """One task, and with what it is done."""

    task: Task
    account: AccountReference
    exchange: Exchange
    settings: HelloIdSettings
    answer: Answer

    def wanted(self) -> dict[_Key, _Wanted]:
        """What follows from the departments; an audit line for each whose group or mailbox could not be found."""
        found: dict[_Key, _Wanted] = {}
        if self.task.operation == "revoke":
            return found
        rights = self._rights()
        for department in self.task.departments or ():
            if not department.id:
                text = f"Failed to find {about(self.task.target, department)}: the person's contract has no key of it."
                self.answer.audit.append(AuditLine(text, is_error=True))
                continue
            row = of_department(self.task.target, department, self.exchange, self.settings)
            if row is None:
                where = f"{self.settings.department_attribute} = {department.id}"
                text = f"Failed to find {about(self.task.target, department)}: none has {where}."
                row = AuditLine(text, is_error=True)
            if isinstance(row, AuditLine):
                self.answer.audit.append(row)
                continue
            for right in rights:
                name, given = self._sub_permission(row["id"], shown_name(row), right)
                reference = PermissionReference(row["id"], shown_name(row), (right,) if right else (), given)
                found.setdefault((row["id"].lower(), right), _Wanted(name, reference))
        return found

    def keys(self, one: CurrentPermission) -> list[_Key]:
        """What a sub-permission that is held is about."""
        rights = one.reference.rights or self.settings.right_names
        return [(one.reference.id.lower(), right) for right in (("",) if self._is_of_groups else rights)]

    def kept(
        self, one: CurrentPermission, wanted: Mapping[_Key, _Wanted], *, is_known: bool
    ) -> ListedSubPermission | None:
        """What is told of a sub-permission that is held; None when it is revoked."""
        keys = self.keys(one)
        name = next((wanted[key].name for key in keys if key in wanted), one.name)
        leaving = [key for key in keys if key not in wanted]
        if leaving and not is_known:
            text = f"{one.name or one.reference.id} is kept: not all that follows from the departments is known."
            self.answer.logs.append(LogLine("warning", text))
            return _told(name, one.reference.given)
        reference = replace(one.reference, name=one.reference.name or one.name)
        revoked = [self._revoked(reference, right) for _, right in leaving]
        return None if all(revoked) and len(revoked) == len(keys) else _told(name, one.reference.given)

    def granted(self, new: _Wanted, key: _Key) -> bool:
        """Grant one; whether it is there now."""
        who = (self.account, new.reference)
        if self._is_of_groups:
            return _is_so(grant_member(who, self.exchange, self.answer, self.task))
        return _is_so(grant_right(who, key[1], self.exchange, self.settings, self.answer, self.task))

    def _revoked(self, reference: PermissionReference, right: str) -> bool:
        who = (self.account, reference)
        if self._is_of_groups:
            return _is_so(revoke_member(who, self.exchange, self.answer, self.task))
        return _is_so(revoke_right(who, right, self.exchange, self.answer, self.task))

    @property
    def _is_of_groups(self) -> bool:
        return self.task.target is Target.GROUPS

    def _rights(self) -> tuple[str, ...]:
        """The rights that follow from a department; "" stands for membership. Raises UsageError."""
        if self._is_of_groups:
            return ("",)
        if self.task.target is Target.SHARED_MAILBOXES:
            return self.settings.right_names
        if self.task.permission and self.task.permission.rights:
            return self.task.permission.rights
        if self.task.dry_run and self.task.permission is None:
            self.answer.logs.append(
                LogLine("warning", "This preview has no permission reference; [helloid] rights stand for it.")
            )
            return self.settings.right_names
        raise UsageError(
            "The permission reference names no right.",
            remedy=f"Give the permission in HelloID one of the references {', '.join(RIGHTS)}.",
        )

    def _sub_permission(self, identity: str, name: str, right: str) -> tuple[str, dict[str, str]]:
        if self._is_of_groups:
            return cut(name), {"Id": identity}
        return sub_permission(identity, name, right, separate=self.task.target is Target.SHARED_MAILBOX_RIGHTS)


def _is_so(outcome: Outcome) -> bool:
    """Whether what was to be done is so now, or would be in a dry run."""
    return outcome.status in (Status.CHANGED, Status.UNCHANGED)


def _told(name: str, reference: Any) -> ListedSubPermission:
    return {"DisplayName": name, "Reference": reference}


HANDLERS = {
    (Step.SUB_PERMISSIONS, Target.GROUPS): sub_permissions,
    (Step.SUB_PERMISSIONS, Target.SHARED_MAILBOXES): sub_permissions,
    (Step.SUB_PERMISSIONS, Target.SHARED_MAILBOX_RIGHTS): sub_permissions,
}
