"""A request as the task that it asks for: the two contracts become the same.

Rules: of a person's contracts those in conditions count; in a dry run all do, because a preview knows no conditions.
What HelloID leaves empty in a preview (references, the operation) may be missing there and nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pydantic

from bridge.errors import UsageError
from bridge.helloid.envelope import EmploymentContract, Held, Request
from bridge.helloid.references import PermissionReference, account_reference, permission_reference
from bridge.helloid.task import Contract, Correlation, CurrentPermission, Source, Step, Task

_OPERATIONS = ("grant", "update", "revoke")


def task_of(request: Request) -> Task:
    """The task of a request. Raises UsageError for a reference, a contract or an operation that cannot be right."""
    return _task_of_v1(request) if request.contract is Contract.V1 else _task_of_v2(request)


def _task_of_v1(request: Request) -> Task:
    permission, current = _permission_of_v1(request.permission_reference), request.entitlement_context
    return Task(
        contract=request.contract,
        step=request.action,
        target=request.target,
        dry_run=request.dry_run,
        account=account_reference(request.account_reference, dry_run=request.dry_run),
        permission=permission,
        permission_name=permission.name if permission else "",
        data=request.person,
        operation=_operation(request.action, request.operation, dry_run=request.dry_run),
        departments=_departments(request.person, dry_run=request.dry_run),
        current=_current(current.current_permissions or _current_of_seed(request.permission_reference)),
        sources=_sources(request),
        seconds=request.deadline,
    )


def _task_of_v2(request: Request) -> Task:
    context = request.action_context
    asked = context.correlation_configuration
    return Task(
        contract=request.contract,
        step=request.action,
        target=request.target,
        dry_run=context.dry_run,
        account=account_reference(context.references.account, dry_run=context.dry_run),
        permission=permission_reference(context.references.permission),
        permission_name=context.permission_display_name,
        data=context.data,
        correlation=Correlation(
            asked.enabled, asked.account_field, asked.person_field_value or asked.account_field_value
        )
        if asked
        else None,
        operation=_operation(request.action, context.operation, dry_run=context.dry_run),
        is_reconciliation=context.origin.lower() == "reconciliation",
        departments=_departments(request.person_context.person, dry_run=context.dry_run),
        current=_current(context.current_permissions),
        sources=_sources(request),
        import_fields=tuple(dict.fromkeys(context.import_fields)),
        seconds=request.deadline,
    )


def _operation(step: Step, given: str, *, dry_run: bool) -> str:
    """What is to be done with sub-permissions; a preview says nothing and means a grant."""
    if step is not Step.SUB_PERMISSIONS:
        return ""
    operation = given.strip().lower()
    if operation in _OPERATIONS:
        return operation
    if dry_run:
        return "grant"
    raise UsageError(f"There is no operation {given!r} for sub-permissions; there are {', '.join(_OPERATIONS)}.")


def _departments(person: Mapping[str, Any], *, dry_run: bool) -> tuple[Source, ...] | None:
    """The departments of the contracts that count, each key once, in their order; None where there is no person."""
    if not person:
        return None
    given = next((value for name, value in person.items() if name.lower() == "contracts"), None) or []
    try:
        contracts = [EmploymentContract.model_validate(one) for one in (given if isinstance(given, list) else [given])]
    except pydantic.ValidationError:
        raise UsageError("The person's contracts are not what HelloID sends.") from None
    found: dict[str, Source] = {}
    for contract in contracts:
        department = contract.department
        if department.external_id and (dry_run or contract.context.in_conditions):
            key = department.external_id.casefold()
            found.setdefault(key, Source(department.external_id, department.display_name))
    return tuple(found.values())


def _current(held: Iterable[Held]) -> tuple[CurrentPermission, ...]:
    """The sub-permissions that HelloID holds; its placeholder for none at all has no reference that names anything."""
    current = []
    for one in held:
        reference = permission_reference(one.reference) if _names_something(one.reference) else None
        if reference is not None:
            current.append(CurrentPermission(one.display_name, reference))
    return tuple(current)


def _names_something(reference: Any) -> bool:
    """Whether it is more than the placeholder of a person who has no sub-permission."""
    values = list(reference.values()) if isinstance(reference, Mapping) else [reference]
    return any(value and value != "No permissions defined" for value in values)


def _permission_of_v1(given: Any) -> PermissionReference | None:
    """The seed had the sub-permissions that HelloID holds in the permission reference too."""
    if isinstance(given, Mapping):
        given = {name: value for name, value in given.items() if name.lower() != "currentpermissions"}
    return permission_reference(given)


def _current_of_seed(given: Any) -> list[Held]:
    if not isinstance(given, Mapping):
        return []
    found = next((value for name, value in given.items() if name.lower() == "currentpermissions"), None) or []
    try:
        return [Held.model_validate(one) for one in (found if isinstance(found, list) else [found])]
    except pydantic.ValidationError:
        raise UsageError("The current permissions are not what HelloID sends.") from None


def _sources(request: Request) -> tuple[Source, ...]:
    """The elements of a resource, each once."""
    return tuple(
        dict.fromkeys(Source(one.external_id, one.display_name) for one in request.resource_context.source_data)
    )
