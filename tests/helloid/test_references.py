"""References in every shape in which a version of the connector stored them, and requests as tasks."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bridge.errors import UsageError
from bridge.helloid.envelope import request_of
from bridge.helloid.reading import task_of
from bridge.helloid.references import account_reference, permission_reference
from bridge.helloid.task import Source, Task
from tests.helloid.requests import GONE, JANE, JANE_ID, v1, v2


def task(request: dict[str, Any]) -> Task:
    """The task of a request."""
    return task_of(request_of(json.dumps(request).encode()))


@pytest.mark.parametrize(
    ("given", "name"),
    [
        (JANE_ID, ""),
        (f" {JANE_ID.upper()} ", ""),
        ({"Guid": JANE_ID, "UserPrincipalName": JANE}, JANE),
        ({"guid": JANE_ID, "userPrincipalName": JANE}, JANE),
        ({"Guid": JANE_ID}, ""),
    ],
)
def test_accounts(given: Any, name: str) -> None:
    """The id decides, the name is kept for people, and the reference stays as it was."""
    reference = account_reference(given)

    assert reference is not None
    assert (reference.id.lower(), reference.name, reference.given) == (JANE_ID, name, given)


@pytest.mark.parametrize("given", [None, "", {}])
def test_no_account(given: Any) -> None:
    """HelloID has no reference yet."""
    assert account_reference(given) is None


@pytest.mark.parametrize("given", ["Jane", 7, [JANE_ID], {"Id": JANE_ID}, {"Guid": ""}, {"Guid": "*"}])
def test_accounts_that_are_none(given: Any) -> None:
    """A shape that nobody stored is refused, not guessed at; a name could mean somebody else."""
    with pytest.raises(UsageError, match="is none that this connector stored"):
        account_reference(given)


def test_the_placeholder_of_a_dry_run() -> None:
    """A dry run may be given what an earlier one left in the place of a reference; nothing else may."""
    assert account_reference("Currently not available in preview", dry_run=True) is None
    with pytest.raises(UsageError):
        account_reference("Currently not available in preview")


@pytest.mark.parametrize(
    ("given", "identity", "rights"),
    [
        ({"Id": GONE, "Name": "All Staff"}, GONE, ()),
        ({"Id": GONE, "Name": "Info", "Permissions": ["Full Access", "Send As"]}, GONE, ("full-access", "send-as")),
        ({"Id": GONE, "Name": "Info", "Permissions": "Send on Behalf"}, GONE, ("send-on-behalf",)),
        ({"id": GONE}, GONE, ()),
        ({"Id": GONE, "Permission": "SendOnBehalf"}, GONE, ("send-on-behalf",)),
        ({"Id": f"FullAccess-{GONE}"}, GONE, ("full-access",)),
        ({"Id": f"sendas-{GONE}"}, GONE, ("send-as",)),
        ({"Reference": "FullAccess"}, "FullAccess", ("full-access",)),
        ({"Reference": "dg"}, "dg", ()),
        ({"Id": "4"}, "4", ()),
        ({"Id": 4}, "4", ()),
        ({"Id": "MailboxRegionalConfiguration-NL"}, "MailboxRegionalConfiguration-NL", ()),
    ],
)
def test_permissions(given: Any, identity: str, rights: tuple[str, ...]) -> None:
    """Each shape says which object and which rights, and stays as it was."""
    reference = permission_reference(given)

    assert reference is not None
    assert (reference.id, reference.rights, reference.given) == (identity, rights, given)


@pytest.mark.parametrize(
    "given", ["text", [GONE], {"Name": "All Staff"}, {"Id": " "}, {"Id": True}, {"Id": GONE, "Permission": "Own"}]
)
def test_permissions_that_are_none(given: Any) -> None:
    """Neither another shape nor a right that there is not."""
    with pytest.raises(UsageError):
        permission_reference(given)


def test_departments() -> None:
    """Those of the contracts in conditions, each once whatever its letter case; in a preview those of all.

    One that is not told is one too, of which nobody knows what follows.
    """
    contracts = [
        {"Context": {"InConditions": True}, "Department": {"ExternalId": "D1", "DisplayName": "One"}},
        {"Context": {"InConditions": True}, "Department": {"ExternalId": "d1", "DisplayName": "One"}},
        {"Context": {"InConditions": False}, "Department": {"ExternalId": 2, "DisplayName": "Two"}},
        {"Context": {"InConditions": True}, "Department": None},
        {"Context": {"InConditions": False}, "Department": None},
    ]
    request = v2("subpermissions", "groups", JANE_ID, {"Reference": "dg"}, Operation="update")
    request["personContext"] = {"Person": {"Contracts": contracts}}
    assert task(request).departments == (Source("D1", "One"), Source("", ""))
    request["actionContext"] |= {"DryRun": True, "Operation": "undefined"}
    assert task(request).departments == (Source("D1", "One"), Source("2", "Two"), Source("", ""))
    assert task(request).operation == "grant"
    request["personContext"] = {"Person": {"Contracts": contracts[0]}}
    assert task(request).departments == (Source("D1", "One"),)
    request["personContext"] = {"Person": {"Contracts": ["D1"]}}
    with pytest.raises(UsageError, match="contracts"):
        task(request)


def test_what_helloid_holds() -> None:
    """Its placeholder for no sub-permission at all is none, and the seed kept them in another place."""
    held = [{"DisplayName": "Staff", "Reference": {"Id": GONE}}]
    none = [{"DisplayName": "No permissions defined", "Reference": {"Id": "No permissions defined"}}]
    keys = {"accountReference": JANE_ID, "operation": "update"}
    for request in (
        v1("subpermissions", "groups", entitlementContext={"CurrentPermissions": held + none}, **keys),
        v1("subpermissions", "groups", permissionReference={"CurrentPermissions": held}, **keys),
        v1("subpermissions", "groups", entitlementContext={"CurrentPermissions": held[0]}, **keys),
        v2("subpermissions", "groups", JANE_ID, None, CurrentPermissions=held + none, Operation="update"),
    ):
        (one,) = task(request).current
        assert (one.name, one.reference.id) == ("Staff", GONE)


def test_sources_and_reconciliation() -> None:
    """An element of a resource is there once; reconciliation has neither data nor person."""
    sources = [{"ExternalId": "D1", "DisplayName": "One"}] * 2 + [{"ExternalId": "D2", "DisplayName": None}]
    request = v2("resources", "groups", Origin="Reconciliation", Data=None)
    request |= {"resourceContext": {"SourceData": sources}, "personContext": None, "unheard": {"of": 1}}
    read = task(request)

    assert read.sources == (Source("D1", "One"), Source("D2", ""))
    assert (read.is_reconciliation, read.data) == (True, {})
