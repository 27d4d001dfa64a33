"""Requests as the wrapper scripts send them, and what their answers say."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter

from bridge.helloid.schemas import AnswerV1, AnswerV2, ListedPermission
from tests.helloid.bench import Answered

JANE, CHLOE, LUKAS = "jane.doe@contoso.example", "chloe.martin@contoso.example", "lukas.weber@contoso.example"
STAFF, INFO, SALES = "staff@contoso.example", "info@contoso.example", "sales@contoso.example"
JANE_ID, STAFF_ID = "1a4fabbf-bf88-5049-98cb-f4d95edf05dd", "bdba5976-0614-5e03-80a3-7ede540dcbe6"
GONE = "00000000-1111-2222-3333-444444444444"

_V1: TypeAdapter[AnswerV1 | list[ListedPermission]] = TypeAdapter(AnswerV1 | list[ListedPermission])
_V2 = TypeAdapter(AnswerV2)


def v1(action: str, target: str, **keys: Any) -> dict[str, Any]:
    """A request of contract v1."""
    return {"contract": "v1", "action": action, "target": target, **keys}


def v2(action: str, target: str, account: Any = None, permission: Any = None, **context: Any) -> dict[str, Any]:
    """A request of contract v2; ``context`` are keys of ``$actionContext``."""
    references = {"Account": account, "Permission": permission}
    return {
        "contract": "v2",
        "action": action,
        "target": target,
        "actionContext": {"DryRun": False, "References": references, **context},
    }


def person(*departments: str) -> dict[str, Any]:
    """A person with a contract in each of these departments."""
    contracts = [
        {"Context": {"InConditions": True}, "Department": {"ExternalId": key, "DisplayName": f"Department {key}"}}
        for key in departments
    ]
    return {"Person": {"Contracts": contracts}}


def promised(document: Any) -> Any:
    """The same document; it is what its JSON schema promises, and a success has no error in its audit."""
    (_V2 if "Logs" in document else _V1).validate_python(document)
    if isinstance(document, dict):
        assert document["Success"] is not any(line["IsError"] for line in document["AuditLogs"])
    return document


def told(answered: Answered) -> list[str]:
    """The audit of an answer, an error with ``!`` before it."""
    lines = promised(answered.document)["AuditLogs"]
    return [f"{'!' if line['IsError'] else ''}{line['Message']}" for line in lines]
