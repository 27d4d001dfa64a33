"""Permissions of groups and shared mailboxes, where an organization does not do as it is told or is very large."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.errors import UsageError
from bridge.helloid import folders, groups, shared_mailboxes
from bridge.helloid.answer import Answer
from bridge.helloid.references import account_reference, permission_reference
from bridge.helloid.task import Contract, Step, Target, Task
from bridge.model import Outcome, Status
from bridge.settings import HelloIdSettings
from tests.helloid.recorded_exchange import RecordedExchange, about, ended, found, missing

ACCOUNT = "1a4fabbf-bf88-5049-98cb-f4d95edf05dd"
THING = "bdba5976-0614-5e03-80a3-7ede540dcbe6"


def test_every_right_is_tried_and_told() -> None:
    """Of three rights one fails and one is unknown: each has its line, the last is tried too, and it is no success."""
    outcomes = iter(
        (ended(Status.FAILED, code="throttled"), ended(Status.UNKNOWN, code="agent-timeout"), ended(Status.CHANGED))
    )
    exchange = RecordedExchange({"shared-mailbox.grant": lambda _: next(outcomes)})

    answer = granted(exchange, {"Id": THING, "Permissions": ["Full Access", "Send As", "Send on Behalf"]})

    assert [right for _, right in exchange.changes()] == [
        f"{THING} full-access",
        f"{THING} send-as",
        f"{THING} send-on-behalf",
    ]
    assert [line.is_error for line in answer.audit] == [True, True, False]
    assert "[throttled]" in answer.audit[0].message
    assert answer.audit[1].message.startswith("It may or may not have been made: grant Send As")
    assert not answer.success


@pytest.mark.parametrize(
    ("automapping", "expected"), [(True, {"full-access": None, "send-as": None}), (False, {"full-access": True})]
)
def test_automapping_is_a_setting_that_has_effect(*, automapping: bool, expected: dict[str, Any]) -> None:
    """Without automapping Full Access is granted without it; Send As knows no such thing."""
    exchange = RecordedExchange()

    granted(exchange, {"Id": THING}, HelloIdSettings(automapping=automapping))

    given = {asked["right"]: asked["no_automapping"] for _, asked in exchange.asked}
    assert {right: given[right] for right in expected} == expected
    assert given["send-as"] is None


def test_the_words_of_what_is_gone_and_of_what_is_already_so_differ() -> None:
    """A revoke tells apart that nothing was granted, that the account is gone, and that the mailbox is gone."""
    ends = (
        about(Status.UNCHANGED, name="Info", reason="not granted", user_id=ACCOUNT, user_name="Jane Doe"),
        about(Status.UNCHANGED, name="Info", reason="the user does not exist", user_id="", user_name=ACCOUNT),
        about(Status.UNCHANGED, reason="the mailbox does not exist", user_id="", user_name=ACCOUNT),
    )

    outcomes = iter(ends)
    exchange = RecordedExchange({"shared-mailbox.revoke": lambda _: next(outcomes)})

    told = [revoked(exchange).audit[0] for _ in ends]

    assert [line.message.partition(":")[0] for line in told] == [
        "Nothing to do (not granted)",
        "Skipped, because it no longer exists (the user does not exist)",
        "Skipped, because it no longer exists (the mailbox does not exist)",
    ]
    assert not any(line.is_error for line in told)


def test_a_group_that_goes_meanwhile_is_gone() -> None:
    """Exchange's own "not found" in the middle of a revoke is a skip, and of a grant it is a failure."""
    exchange = RecordedExchange({"group.revoke": lambda _: missing(), "group.grant": lambda _: missing()})
    revoke, grant = Answer(), Answer()

    groups.revoke(task(Step.REVOKE, Target.GROUPS, {"Id": THING}), exchange, HelloIdSettings(), revoke)
    groups.grant(task(Step.GRANT, Target.GROUPS, {"Id": THING}), exchange, HelloIdSettings(), grant)

    assert [line.is_error for line in (*revoke.audit, *grant.audit)] == [False, True]
    assert revoke.audit[0].message.startswith("Skipped")


def test_an_import_has_at_most_500_accounts_in_one_element() -> None:
    """1201 members are three elements of one permission, each account once, and a group without users has none."""
    members = [member(THING, f"{number:08}-0000-0000-0000-000000000000") for number in range(1201)]
    rows = [*members, members[0], member(THING, ACCOUNT, "MailContact"), member("elsewhere", ACCOUNT)]
    exchange = RecordedExchange(
        {
            "group.list": lambda _: found(group(THING, "Big"), group("empty", "Empty")),
            "import.memberships": lambda _: found(*rows),
        }
    )
    answer = Answer()

    groups.import_permissions(task(Step.IMPORT_PERMISSIONS, Target.GROUPS), exchange, HelloIdSettings(), answer)

    assert [len(one["AccountReferences"]) for one in answer.output] == [500, 500, 201]
    assert [one["PermissionReference"] for one in answer.output] == [{"Id": THING}] * 3
    accounts = [account for one in answer.output for account in one["AccountReferences"]]
    assert sorted(accounts) == sorted(one["member_id"] for one in members)


def test_an_import_that_breaks_off_writes_nothing() -> None:
    """Rows that came before a failure are not taken for all there are."""

    def broken(_: Any) -> Outcome:
        return ended(Status.FAILED, code="throttled", rows=({**right("full-access"), "id": THING},))

    exchange, answer = RecordedExchange({"shared-mailbox.rights": broken}), Answer()

    shared_mailboxes.import_permissions_of_rights(
        task(Step.IMPORT_PERMISSIONS, Target.SHARED_MAILBOX_RIGHTS), exchange, HelloIdSettings(), answer
    )

    assert answer.output == []
    assert [line.is_error for line in answer.audit] == [True]


@pytest.mark.parametrize("name", ["x" * 200, "😀" * 100, "Büro Zürich " * 20], ids=["long", "emoji", "diacritics"])
def test_display_names_are_as_long_as_helloid_takes_with_their_ends(name: str) -> None:
    """A long name is cut to 100 UTF-16 units, no character in half, and what tells the rights apart is whole."""
    exchange, answer = RecordedExchange({"shared-mailbox.list": lambda _: found({"id": THING, "name": name})}), Answer()

    shared_mailboxes.permissions_of_rights(
        task(Step.PERMISSIONS, Target.SHARED_MAILBOX_RIGHTS), exchange, HelloIdSettings(), answer
    )

    names = [one["DisplayName"] for one in answer.permissions]
    assert [shown.rpartition(" - ")[2] for shown in names] == ["Full Access", "Send As", "Send on Behalf"]
    assert all(90 < len(shown.encode("utf-16-le")) // 2 <= 100 for shown in names)


def test_a_folder_permission_that_was_changed_by_hand_means_what_it_says() -> None:
    """User and right in the reference go before the number."""
    exchange, answer = RecordedExchange(), Answer()
    given = {"Id": "1", "mailboxFolderUser": "Anonymous", "mailboxFolderAccessRight": "LimitedDetails"}

    folders.grant(task(Step.GRANT, Target.FOLDER, given), exchange, HelloIdSettings(), answer)

    assert exchange.asked == [
        ("mailbox.set-folder-permission", {"mailbox": ACCOUNT, "user": "Anonymous", "right": "LimitedDetails"})
    ]


def test_without_a_permission_reference_nothing_is_done() -> None:
    """A grant without one is refused, and a preview without one says so."""
    exchange, answer = RecordedExchange(), Answer()

    with pytest.raises(UsageError, match="permission reference"):
        groups.grant(task(Step.GRANT, Target.GROUPS), exchange, HelloIdSettings(), answer)
    groups.grant(task(Step.GRANT, Target.GROUPS, dry_run=True), exchange, HelloIdSettings(), answer)

    assert exchange.asked == []
    assert [(line.message, line.is_error) for line in answer.audit] == [
        ("Would grant the permission; HelloID has no reference of the permission in this preview.", False)
    ]


def task(step: Step, target: Target, permission: Any = None, *, dry_run: bool = False) -> Task:
    """A task of contract v2."""
    return Task(
        contract=Contract.V2,
        step=step,
        target=target,
        dry_run=dry_run,
        account=account_reference(ACCOUNT),
        permission=permission_reference(permission),
    )


def granted(exchange: RecordedExchange, permission: Any, settings: HelloIdSettings | None = None) -> Answer:
    """The answer to a grant on a shared mailbox."""
    answer = Answer()
    given = task(Step.GRANT, Target.SHARED_MAILBOXES, permission)
    shared_mailboxes.grant(given, exchange, settings or HelloIdSettings(), answer)
    return answer


def revoked(exchange: RecordedExchange) -> Answer:
    """The answer to a revoke of Full Access on a shared mailbox."""
    answer = Answer()
    given = task(Step.REVOKE, Target.SHARED_MAILBOX_RIGHTS, {"Id": THING, "Permission": "FullAccess"})
    shared_mailboxes.revoke(given, exchange, HelloIdSettings(), answer)
    return answer


def group(identity: str, name: str) -> dict[str, Any]:
    """A row of group.list."""
    return {"id": identity, "name": name, "display_name": name, "kind": "distribution", "primary_smtp_address": "a@b"}


def member(identity: str, account: str, kind: str = "UserMailbox") -> dict[str, Any]:
    """A row of import.memberships."""
    return {"id": identity, "name": "x", "member_id": account, "member_name": "x", "member_kind": kind}


def right(name: str) -> dict[str, Any]:
    """A row of shared-mailbox.rights."""
    return {"name": "x", "primary_smtp_address": "a@b", "user_id": ACCOUNT, "user_kind": "user", "right": name}
