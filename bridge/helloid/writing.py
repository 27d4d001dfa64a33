"""An answer as the document that a wrapper gets: one line of JSON in ASCII, whichever code page it passes through.

    v1   what HelloID takes as it is; a list of permissions is an array, and an object without Success where it failed
    v2   what the wrapper copies into ``$outputContext``, of which only the keys of the step are there; ``Output`` is
         what an import writes, ``Logs`` what goes into the process log

Source: helloid-connector.md of the reference, sections 5.1, 5.3 and 5.5.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

from bridge.helloid.answer import Answer, AuditLine
from bridge.helloid.task import Contract, Step

if TYPE_CHECKING:
    from bridge.helloid.schemas import AnswerV1, AnswerV2, AuditLog, ListedPermission

_ACTIONS = {
    Step.CREATE: "CreateAccount",
    Step.UPDATE: "UpdateAccount",
    Step.ENABLE: "EnableAccount",
    Step.DISABLE: "DisableAccount",
    Step.DELETE: "DeleteAccount",
    Step.GRANT: "GrantPermission",
    Step.REVOKE: "RevokePermission",
    Step.SUB_PERMISSIONS: "UpdatePermission",
    Step.RESOURCES: "CreateResource",
}
"""HelloID's own word for what a step does; none where it has none."""

_IMPORTS = (Step.IMPORT_ACCOUNTS, Step.IMPORT_PERMISSIONS, Step.IMPORT_SUB_PERMISSIONS)


def written(contract: Contract, step: Step | None, answer: Answer, hide: Callable[[str], str]) -> bytes:
    """The document; ``hide`` takes secrets out of what people read. ``step`` is None where it could not be read."""
    made = _v1(step, answer, hide) if contract is Contract.V1 else _v2(step, answer, hide)
    return json.dumps(made, ensure_ascii=True, separators=(",", ":"), default=str).encode("ascii") + b"\n"


def _v1(step: Step | None, answer: Answer, hide: Callable[[str], str]) -> AnswerV1 | list[ListedPermission]:
    if step is Step.PERMISSIONS and answer.success:
        return answer.permissions
    told: AnswerV1 = {"Success": answer.success, "AuditLogs": _audit(step, answer, hide)}
    if step is Step.CREATE:
        told["AccountReference"] = answer.account.given if answer.account else None
        told["Account"] = answer.previous_data
        told["ExportData"] = answer.data
    if step is Step.SUB_PERMISSIONS:
        told["SubPermissions"] = answer.sub_permissions
    return told


def _v2(step: Step | None, answer: Answer, hide: Callable[[str], str]) -> AnswerV2:
    told: AnswerV2 = {
        "Success": answer.success,
        "AuditLogs": _audit(step, answer, hide),
        "Logs": [{"Level": line.level, "Message": hide(line.message)} for line in answer.logs],
    }
    if step is Step.CREATE:
        told["AccountReference"] = answer.account.given if answer.account else None
        told["AccountCorrelated"] = answer.is_correlated
        told["Data"] = answer.data
    if step in (Step.UPDATE, Step.ENABLE, Step.DISABLE, Step.DELETE):
        told["Data"] = answer.data
        told["PreviousData"] = answer.previous_data
    if step is Step.PERMISSIONS:
        told["Permissions"] = answer.permissions
    if step is Step.SUB_PERMISSIONS:
        told["SubPermissions"] = answer.sub_permissions
    if step in _IMPORTS:
        told["Output"] = answer.output
    return told


def _audit(step: Step | None, answer: Answer, hide: Callable[[str], str]) -> list[AuditLog]:
    return [_line(step, line, hide) for line in answer.audit]


def _line(step: Step | None, line: AuditLine, hide: Callable[[str], str]) -> AuditLog:
    told: AuditLog = {"Message": hide(line.message), "IsError": line.is_error}
    if action := line.action or (_ACTIONS.get(step, "") if step else ""):
        told["Action"] = action
    return told
