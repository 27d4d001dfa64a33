"""A request as the task that it asks for: the two contracts become the same.

Rules:

- Of a person's contracts those in conditions count; in a dry run all do, because a preview knows no conditions. Without
  contracts at all nobody knows what follows; none of them is another thing.
- What HelloID leaves empty in a preview (references, the operation) may be missing there and nowhere else.
- A dry run is one in whichever place it is asked for.
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
_REMEDY = "Correct what the request says; nothing was changed."


def task_of(request: Request) -> Task:
    """The task of a request. Raises UsageError for a reference, a contract or an operation that cannot be right."""
    return _task_of_v1(request) if request.contract is Contract.V1 else _task_of_v2(request)


def _task_of_v1(request: Request) -> Task:
    permission = _permission_of_v1(request.permission_reference)
    dry_run = _is_dry_run(request)
    return Task(
        contract=request.contract,
        step=request.action,
        target=request.target,
        dry_run=dry_run,
        account=account_reference(request.account_reference, dry_run=dry_run),
        permission=permission,
        permission_name=permission.name if permission else "",
        data=request.person,
        operation=_operation(request.action, request.operation, dry_run=dry_run),
        departments=_departments(request.person, dry_run=dry_run),
        current=_current(held_by(request)),
        sources=_sources(request),
        seconds=request.deadline,
    )


def _task_of_v2(request: Request) -> Task:
    context = request.action_context
    asked = context.correlation_configuration
    dry_run = _is_dry_run(request)
    return Task(
        contract=request.contract,
        step=request.action,
        target=request.target,
        dry_run=dry_run,
        account=account_reference(context.references.account, dry_run=dry_run),
        permission=permission_reference(context.references.permission),
        permission_name=context.permission_display_name,
        data=context.data,
        correlation=Correlation(
            asked.enabled, asked.account_field, asked.person_field_value or asked.account_field_value
        )
        if asked
        else None,
        operation=_operation(request.action, context.operation, dry_run=dry_run),
        is_reconciliation=context.origin.lower() == "reconciliation",
        departments=_departments(request.person_context.person, dry_run=dry_run),
        current=_current(held_by(request)),
        sources=_sources(request),
        import_fields=tuple(dict.fromkeys(context.import_fields)),
        seconds=request.deadline,
    )


def held_by(request: Request) -> list[Held]:
    """The sub-permissions that HelloID holds, as it gave them. Raises UsageError."""
    if request.contract is Contract.V2:
        return request.action_context.current_permissions
    return request.entitlement_context.current_permissions or _current_of_seed(request.permission_reference)


def _is_dry_run(request: Request) -> bool:
    return request.dry_run or request.action_context.dry_run


def _operation(step: Step, given: str, *, dry_run: bool) -> str:
    """What is to be done with sub-permissions; a preview says nothing and means a grant."""
    if step is not Step.SUB_PERMISSIONS:
        return ""
    operation = given.strip().lower()
    if operation in _OPERATIONS:
        return operation
    if dry_run:
        return "grant"
    raise UsageError(
        f"There is no operation {given!r} for sub-permissions; there are {', '.join(_OPERATIONS)}.", remedy=_REMEDY
    )


def _departments(person: Mapping[str, Any], *, dry_run: bool) -> tuple[Source, ...] | None:
    """The departments of the contracts that count, each key once, in their order; "" is one without a key.

    None where there is no person, or one of whom no contracts are told.
    """
    given = next((value for name, value in person.items() if name.lower() == "contracts"), None)
    if given is None:
        return None
    try:
        contracts = [EmploymentContract.model_validate(one) for one in (given if isinstance(given, list) else [given])]
    except pydantic.ValidationError:
        raise UsageError("The person's contracts are not what HelloID sends.", remedy=_REMEDY) from None
    found: dict[str, Source] = {}
    for contract in contracts:
        department = contract.department
        if dry_run or contract.context.in_conditions:
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
        raise UsageError("The current permissions are not what HelloID sends.", remedy=_REMEDY) from None


def _sources(request: Request) -> tuple[Source, ...]:
    """The elements of a resource, each once."""
    return tuple(
        dict.fromkeys(Source(one.external_id, one.display_name) for one in request.resource_context.source_data)
    )
