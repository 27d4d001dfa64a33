"""What a request leaves out, or says in another place or letter case, is never read as less than it is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from bridge.errors import UsageError
from bridge.helloid.account_changes import delete, update
from bridge.helloid.accounts import correlate, show_or_hide
from bridge.helloid.answer import Answer
from bridge.helloid.envelope import Request
from bridge.helloid.service import Desk, respond
from bridge.helloid.task import Task
from bridge.model import Status
from bridge.settings import HelloIdSettings
from tests.helloid.recorded_exchange import RecordedExchange, ended, found
from tests.helloid.requests import GONE, JANE_ID, STAFF_ID, person, v1, v2
from tests.helloid.test_references import task

HELD = [{"DisplayName": "Staff", "Reference": {"Id": STAFF_ID}}]


def answered(request: dict[str, Any]) -> tuple[dict[str, Any], RecordedExchange]:
    """The answer to a request, and what was asked of Exchange for it."""
    exchange = RecordedExchange()

    @contextmanager
    def open_desk(_request: Request, _task: Task, _answer: Answer) -> Iterator[Desk]:
        yield Desk(HelloIdSettings(), exchange, str)

    return json.loads(respond(json.dumps(request).encode(), open_desk).document), exchange


@pytest.mark.parametrize(
    "context",
    [
        {"Operation": "undefined"},
        {"Operation": ""},
        {"Operation": "update", "CurrentPermissions": [*HELD, {"DisplayName": "?", "Reference": {"Foo": "1"}}]},
    ],
)
def test_a_refused_request_forgets_nothing_that_is_held(context: dict[str, Any]) -> None:
    """HelloID keeps what the answer lists; a request that cannot be right changes none of it."""
    request = v2("subpermissions", "groups", JANE_ID, {"Reference": "dg"}, **{"CurrentPermissions": HELD, **context})
    answer, exchange = answered(request | {"personContext": person("D1")})

    assert answer["Success"] is False
    assert answer["SubPermissions"] == request["actionContext"]["CurrentPermissions"]
    assert exchange.asked == []


@pytest.mark.parametrize(
    "given",
    [
        {"DisplayName": "Jane"},
        {"Contracts": None},
        {"Contracts": [{"Context": {"InConditions": True}, "Department": {"DisplayName": "Sales"}}]},
        {"Contracts": [{"Context": {"InConditions": True}}]},
    ],
)
def test_a_person_of_whom_not_all_is_told_loses_nothing(given: dict[str, Any]) -> None:
    """Without contracts, or without the key of a department, nobody knows what follows, so nothing is revoked."""
    request = v2("subpermissions", "groups", JANE_ID, {"Reference": "dg"}, Operation="update", CurrentPermissions=HELD)
    answer, exchange = answered(request | {"personContext": {"Person": given}})

    assert answer["Success"] is False
    assert answer["SubPermissions"] == HELD
    assert exchange.changes() == []


def test_a_person_without_any_contract_has_no_department() -> None:
    """An empty list says that there is none."""
    request = v2("subpermissions", "groups", JANE_ID, {"Reference": "dg"}, Operation="update")
    assert task(request | {"personContext": {"Person": {"Contracts": []}}}).departments == ()


@pytest.mark.parametrize(
    "request_",
    [
        {**v2("grant", "groups", JANE_ID, {"Id": STAFF_ID}), "dryRun": True},
        v1(
            "grant",
            "groups",
            accountReference=JANE_ID,
            permissionReference={"Id": GONE},
            actionContext={"DryRun": True},
        ),
    ],
    ids=["v2", "v1"],
)
def test_a_dry_run_in_the_other_contracts_place_is_one(request_: dict[str, Any]) -> None:
    """Whoever asks for a dry run gets one."""
    assert task(request_).dry_run


def test_a_field_keeps_the_letter_case_in_which_it_is_mapped() -> None:
    """An answer never has two keys that PowerShell takes for the same."""
    mapped = {"hiddenFromAddressListsEnabled": "true", "userPrincipalName": "", "GUID": ""}
    row = {"id": JANE_ID, "user_principal_name": "jane@contoso.example", "display_name": "Jane", "hidden": False}
    exchange = RecordedExchange(
        {
            "mailbox.find": lambda _: found({**row, "name": "Jane"}),
            "mailbox.hide": lambda _: ended(Status.CHANGED, before={"hidden": False}, after={"hidden": True}),
        }
    )
    correlation = {"Enabled": True, "AccountField": "UserPrincipalName", "PersonFieldValue": "jane@contoso.example"}
    answer = Answer()
    correlate(
        task(v2("create", "account", Data=mapped, CorrelationConfiguration=correlation)),
        exchange,
        HelloIdSettings(),
        answer,
    )
    assert answer.data == {
        "hiddenFromAddressListsEnabled": True,
        "userPrincipalName": "jane@contoso.example",
        "GUID": JANE_ID,
    }
    answer = Answer()
    show_or_hide(task(v2("disable", "account", JANE_ID, Data=mapped)), exchange, HelloIdSettings(), answer)
    assert answer.data == {**mapped, "hiddenFromAddressListsEnabled": True}


def test_an_object_in_a_field_is_no_text() -> None:
    """It is told by the name of the field, and nothing is written."""
    exchange = RecordedExchange()
    for data in ({"CustomAttribute1": {"a": 1}}, {"EmailAddresses": [{"a": 1}]}):
        with pytest.raises(UsageError, match=next(iter(data))):
            update(task(v2("update", "account", JANE_ID, Data=data)), exchange, HelloIdSettings(), Answer())
    assert exchange.asked == []


def test_a_reply_that_there_is_not_is_told_by_its_field() -> None:
    """HelloID's administrator knows fields, and no options of a command line."""
    request = v2("delete", "account", JANE_ID, Data={"AutoReplyState": "On", "InternalMessage": "Gone."})
    with pytest.raises(UsageError, match="AutoReplyState is mapped as 'On'; it is one of Disabled, Enabled, Scheduled"):
        delete(task(request), RecordedExchange(), HelloIdSettings(), Answer())
