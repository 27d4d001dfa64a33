"""Sub-permissions: what follows from the departments is granted, what is known not to follow is revoked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from bridge.errors import UsageError
from bridge.helloid.answer import Answer
from bridge.helloid.references import account_reference, permission_reference
from bridge.helloid.sub_permissions import sub_permissions
from bridge.helloid.task import Contract, CurrentPermission, Source, Step, Target, Task
from bridge.model import Outcome, Status
from bridge.settings import HelloIdSettings
from tests.helloid.recorded_exchange import Answers, RecordedExchange, ended, found

ACCOUNT = "1a4fabbf-bf88-5049-98cb-f4d95edf05dd"
OLD, NEW, OTHER = (f"{digit * 8}-0000-0000-0000-000000000000" for digit in "abc")
SALES, CARE = Source("D1", "Sales"), Source("D2", "Care")


def test_what_does_not_follow_is_revoked_and_what_is_new_is_granted() -> None:
    """The old group goes, the new one comes, and the answer lists the new one only."""
    answer, exchange = run(held=(held(OLD, "Old"),), departments=(SALES,), groups={"D1": [group(NEW, "New")]})

    assert exchange.changes() == [("group.revoke", OLD), ("group.grant", NEW)]
    assert answer.sub_permissions == [{"DisplayName": "New", "Reference": {"Id": NEW}}]
    assert [line.action for line in answer.audit] == ["RevokePermission", "GrantPermission"]
    assert answer.success


def test_what_follows_and_is_held_costs_nothing_and_keeps_its_reference() -> None:
    """What is kept has its reference as it was, its name as it is now, and no call is made for it."""
    kept = CurrentPermission("Once", _reference({"id": NEW.upper(), "Name": "Once"}))

    answer, exchange = run(held=(kept,), departments=(SALES,), groups={"D1": [group(NEW, "Now")]})

    assert exchange.changes() == []
    assert answer.sub_permissions == [{"DisplayName": "Now", "Reference": {"id": NEW.upper(), "Name": "Once"}}]
    assert [line.message for line in answer.audit] == [
        "Nothing to do: what is held is what follows from the departments."
    ]


@pytest.mark.parametrize(
    "rows",
    [[], [{"id": OLD, "name": "One"}, {"id": NEW, "name": "Two"}], None],
    ids=["none", "several", "the look-up fails"],
)
def test_a_look_up_without_one_result_revokes_nothing(rows: list[dict[str, Any]] | None) -> None:
    """Nothing is revoked, what is held stays listed, and what was found is granted all the same."""
    groups = {"D1": rows, "D2": [group(OTHER, "Care")]}

    answer, exchange = run(held=(held(OLD, "Old"),), departments=(SALES, CARE), groups=groups)

    assert exchange.changes() == [("group.grant", OTHER)]
    assert [one["DisplayName"] for one in answer.sub_permissions] == ["Old", "Care"]
    assert [line.is_error for line in answer.audit] == [True, False]
    assert "Sales (D1)" in answer.audit[0].message
    assert any(line.level == "warning" and "Old is kept" in line.message for line in answer.logs)


@pytest.mark.parametrize("status", [Status.FAILED, Status.UNKNOWN])
def test_only_what_is_proven_changes_the_list(status: Status) -> None:
    """A revoke that failed or is unknown leaves its right listed, and a grant of that kind does not list its own."""

    def lost(_: Mapping[str, Any]) -> Outcome:
        return ended(status, code="agent-timeout")

    answer, _ = run(
        held=(held(OLD, "Old"),),
        departments=(SALES,),
        groups={"D1": [group(NEW, "New")]},
        answers={"group.revoke": lost, "group.grant": lost},
    )

    assert answer.sub_permissions == [{"DisplayName": "Old", "Reference": {"Id": OLD}}]
    assert [line.is_error for line in answer.audit] == [True, True]
    assert not answer.success


def test_a_person_without_any_has_the_placeholder() -> None:
    """An update that leaves nothing answers with the placeholder, so that HelloID keeps the permission."""
    answer, exchange = run(held=(held(OLD, "Old"),))

    assert exchange.changes() == [("group.revoke", OLD)]
    assert answer.sub_permissions == [
        {"DisplayName": "No permissions defined", "Reference": {"Id": "No permissions defined"}}
    ]


def test_a_revoke_takes_all_that_is_held_and_looks_nothing_up() -> None:
    """The operation revoke asks for no department, also in reconciliation, and lists nothing afterwards."""
    answer, exchange = run(
        held=(held(OLD, "Old"), held(NEW, "New")), departments=None, operation="revoke", is_reconciliation=True
    )

    assert [action for action, _ in exchange.asked] == ["group.revoke", "group.revoke"]
    assert answer.sub_permissions == []
    assert answer.success


def test_without_a_person_only_a_revoke_is_done() -> None:
    """An update without a person, as in reconciliation, is refused, and all that is held stays listed."""
    answer, exchange = Answer(), RecordedExchange()

    with pytest.raises(UsageError, match="has no person"):
        sub_permissions(task(held=(held(OLD, "Old"),), departments=None), exchange, HelloIdSettings(), answer)

    assert exchange.asked == []
    assert answer.sub_permissions == [{"DisplayName": "Old", "Reference": {"Id": OLD}}]


def test_two_departments_with_one_group_are_granted_once() -> None:
    """One group for both departments is one change and one entry."""
    both = {"D1": [group(NEW, "New")], "D2": [group(NEW.upper(), "New")]}

    answer, exchange = run(departments=(SALES, CARE), groups=both)

    assert exchange.changes() == [("group.grant", NEW)]
    assert len(answer.sub_permissions) == 1


def test_a_preview_without_an_account_says_so() -> None:
    """A preview of an account that is not there yet succeeds without any call."""
    answer, exchange = run(departments=(SALES,), account=None, dry_run=True)

    assert exchange.asked == []
    assert [line.message for line in answer.audit] == [
        "Would set the sub-permissions of an account that is not there yet."
    ]


def test_rights_of_shared_mailboxes_are_sub_permissions_each() -> None:
    """Each right of the settings is granted by itself, and a right that is not among them any more is revoked."""
    answer, exchange = run(
        target=Target.SHARED_MAILBOXES,
        held=(held(f"FullAccess-{NEW}", "FullAccess-Sales"), held(f"SendOnBehalf-{NEW}", "SendOnBehalf-Sales")),
        departments=(SALES,),
        groups={"D1": [mailbox(NEW, "Sales"), mailbox(OTHER, "Jane Doe", "UserMailbox")]},
    )

    assert exchange.changes() == [
        ("shared-mailbox.revoke", f"{NEW} send-on-behalf"),
        ("shared-mailbox.grant", f"{NEW} send-as"),
    ]
    assert [one["Reference"] for one in answer.sub_permissions] == [
        {"Id": f"FullAccess-{NEW}"},
        {"Id": f"SendAs-{NEW}"},
    ]


def test_the_right_of_a_separate_permission_is_that_of_its_reference() -> None:
    """With one permission for each right its reference says which right follows from a department."""
    answer, exchange = run(
        target=Target.SHARED_MAILBOX_RIGHTS,
        rule={"Reference": "SendOnBehalf"},
        departments=(SALES,),
        groups={"D1": [mailbox(NEW, "Sales")]},
    )

    assert exchange.changes() == [("shared-mailbox.grant", f"{NEW} send-on-behalf")]
    assert answer.sub_permissions == [
        {"DisplayName": "Sales - Send on Behalf", "Reference": {"Id": NEW, "Permission": "SendOnBehalf"}}
    ]


def test_a_separate_permission_without_a_right_is_refused() -> None:
    """A reference that names no right is a failure, nothing is done, and what is held stays listed."""
    answer, exchange = Answer(), RecordedExchange()
    given = task(target=Target.SHARED_MAILBOX_RIGHTS, rule={"Reference": "x"}, held=(held(f"SendAs-{NEW}", "Sales"),))

    with pytest.raises(UsageError, match="names no right"):
        sub_permissions(given, exchange, HelloIdSettings(), answer)

    assert exchange.asked == []
    assert [one["DisplayName"] for one in answer.sub_permissions] == ["Sales"]


def run(
    *,
    groups: Mapping[str, list[dict[str, Any]] | None] | None = None,
    answers: Answers | None = None,
    **facts: Any,
) -> tuple[Answer, RecordedExchange]:
    """Handle one task; ``groups`` are the rows of each department, None where the look-up fails."""

    def look_up(given: Mapping[str, Any]) -> Outcome:
        rows = (groups or {})[given["where"].partition("=")[2]]
        return ended(Status.FAILED, code="throttled") if rows is None else found(*rows)

    looks: dict[str, Callable[[Mapping[str, Any]], Outcome]] = {"group.list": look_up, "mailbox.find": look_up}
    answer, exchange = Answer(), RecordedExchange(looks | dict(answers or {}))
    sub_permissions(task(**facts), exchange, HelloIdSettings(), answer)
    return answer, exchange


def task(
    *,
    target: Target = Target.GROUPS,
    rule: Any = None,
    held: tuple[CurrentPermission, ...] = (),
    departments: tuple[Source, ...] | None = (),
    account: str | None = ACCOUNT,
    operation: str = "update",
    **facts: Any,
) -> Task:
    """A task of contract v2."""
    return Task(
        contract=Contract.V2,
        step=Step.SUB_PERMISSIONS,
        target=target,
        account=account_reference(account),
        permission=permission_reference(rule or {"Reference": "dg"}),
        current=held,
        departments=departments,
        operation=operation,
        **facts,
    )


def held(identity: str, name: str) -> CurrentPermission:
    """A sub-permission that HelloID holds."""
    return CurrentPermission(name, _reference({"Id": identity}))


def group(identity: str, name: str) -> dict[str, Any]:
    """A row of group.list, as far as it is looked at."""
    return {"id": identity, "name": name, "display_name": name}


def mailbox(identity: str, name: str, kind: str = "SharedMailbox") -> dict[str, Any]:
    """A row of mailbox.find, as far as it is looked at."""
    return {**group(identity, name), "recipient_type_details": kind}


def _reference(given: Any) -> Any:
    reference = permission_reference(given)
    assert reference is not None
    return reference
