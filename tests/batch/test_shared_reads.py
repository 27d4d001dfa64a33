"""What is read once for many calls: the same as a look at each of them, or nothing; and changes without a look."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.actions import ACTIONS
from bridge.batch.names import Names
from bridge.batch.shared_reads import SharedReads
from bridge.model import Call, Outcome, Problem, Status
from bridge.scripts import ScriptFolder
from tests.batch.desk import FINANCE, INFO, JANE, JOHN, PIETER, SALES, STAFF, SYNCED, Desk, looks

NOBODY = "nobody@contoso.example"
RIGHTS = ("full-access", "send-as", "send-on-behalf")


def facts(outcome: Outcome) -> Outcome:
    """What is compared of an outcome: all but the time that it took."""
    return dataclasses.replace(outcome, seconds=0.0, warnings=tuple(outcome.warnings))


def confuse(desk: Desk) -> None:
    """Somebody is called as somebody else's address, a contact as a group, and a contact as a mailbox's alias."""
    wei, contact = desk.thing("wei.zhang@contoso.example"), desk.thing("office@northwind.example")
    desk.put(dataclasses.replace(wei, display_name=JANE))
    desk.put(dataclasses.replace(contact, name="info", display_name="All Staff"))


PLAIN = (JOHN.upper(), PIETER, "jane.doe", "John O'Brien", FINANCE)
MEMBERS = (
    *(*PLAIN, JANE, "Alex Kim", "MARIA GARC\u00cdA", "maria.garcia@contoso.onmicrosoft.com", " jane.doe ", "j*"),
    *("/o=Contoso/ou=Exchange Administrative Group/cn=Recipients/cn=mgarcia", "tom.ba\u212aer@contoso.example"),
    *("office@northwind.example", "sam.taylor@contoso.example", NOBODY, "info", "All Staff", SYNCED, "x" * 300),
)
GROUPS = (STAFF, "all staff", FINANCE, SYNCED, NOBODY)
USERS = (*PLAIN, JANE, "Alex Kim", "office@northwind.example", "sam.taylor@contoso.example", NOBODY, SALES, STAFF)
MAILBOXES = (INFO, "Sales", "room1")


def ids(desk: Desk, *names: str) -> list[str]:
    """The ids of objects: Exchange's own, and Entra's in capital letters."""
    things = [desk.thing(name) for name in names]
    return [*(thing.guid for thing in things), *(thing.external_id.upper() for thing in things)]


def compare(desk: Desk, calls: list[Call]) -> list[Outcome]:
    """What is known of calls without a look at each, after that was seen to be what each look says."""
    shared = SharedReads(desk.sender.looks)
    shared.prepare(calls)
    known = [shared.seen(call) for call in calls]
    for call, seen, looked in zip(calls, known, desk.sender.looks(calls), strict=True):
        assert seen is None or facts(seen) == facts(looked), call
    return [seen for seen in known if seen is not None]


def test_memberships_are_seen_as_a_look_sees_them(desk: Desk) -> None:
    """For every way to name a member and a group it is the same as the script's own dry run, or it is not known."""
    confuse(desk)
    members = [*MEMBERS, *ids(desk, PIETER, FINANCE, JANE)]
    calls = [
        call
        for action, groups in (("group.grant", (*GROUPS, *ids(desk, STAFF))), ("group.revoke", (STAFF, SYNCED)))
        for group, member in product(groups, members)
        for call in looks(action, [{"group": group, "member": member}])
    ]

    known = compare(desk, calls)

    plain = set(product((STAFF, FINANCE), (*PLAIN, "office@northwind.example")))
    assert plain <= {(one.parameters["group"], one.parameters["member"]) for one in known}
    assert {one.status for one in known} == {Status.CHANGED, Status.UNCHANGED}


def test_rights_are_seen_as_a_look_sees_them(desk: Desk) -> None:
    """For every way to name a holder and a mailbox it is the same as the script's own dry run, or it is not known."""
    confuse(desk)
    calls = [
        call
        for action, mailbox in product(("shared-mailbox.grant", "shared-mailbox.revoke"), MAILBOXES)
        for call in looks(action, [{"mailbox": mailbox, "user": user, "right": list(RIGHTS)} for user in USERS])
    ]

    known = compare(desk, calls)

    assert set(product((INFO, "Sales"), PLAIN)) <= {
        (one.parameters["mailbox"], one.parameters["user"]) for one in known
    }
    assert {one.status for one in known} == {Status.CHANGED, Status.UNCHANGED}


def test_names_mean_together_what_each_means_alone(desk: Desk) -> None:
    """Whatever names are looked up together, each means what it means to the script of a single call."""
    confuse(desk)
    things = list(desk.agent.simulator.tenant.directory.objects())
    written = [
        text
        for one in things
        for text in (one.guid, one.external_id, one.name, one.display_name, one.alias, one.primary_smtp_address)
        if text.strip()
    ]
    spelt = st.sampled_from(written).flatmap(lambda text: st.sampled_from((text, text.upper(), f"{text} ", text[1:])))

    @settings(max_examples=15, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(spelt.filter(str.strip), min_size=1, max_size=45, unique=True))
    def check(names: list[str]) -> None:
        found = Names(desk.sender.looks)
        found.look("recipient", names)
        alone = desk.sender.looks(looks("group.grant", [{"group": STAFF, "member": name} for name in names]))
        for name, outcome in zip(names, alone, strict=True):
            one = found.get("recipient", name)
            if one is None:
                assert outcome.problem is not None, name
            else:
                assert (one.id, one.name) == (outcome.before["member_id"], outcome.before["member_name"])

    check()


def test_what_was_read_is_forgotten_with_the_next_window(desk: Desk) -> None:
    """What is known of a window stands for that window alone."""
    calls = looks("group.grant", [{"group": STAFF, "member": one} for one in (JANE, PIETER, JOHN)])
    shared = SharedReads(desk.sender.looks)
    shared.prepare(calls)
    assert all(shared.seen(call) for call in calls)

    shared.prepare(calls[:1])

    assert [shared.seen(call) for call in calls] == [None, None, None]


@pytest.mark.parametrize("failing", ["recipient.find", "group.members"])
def test_a_read_that_fails_says_nothing(desk: Desk, failing: str) -> None:
    """Where names or members cannot be read each call looks by itself: a failed read is never taken for absence."""
    calls = looks("group.grant", [{"group": STAFF, "member": one} for one in (JANE, PIETER, JOHN)])

    def run(reads: Iterable[Call]) -> Iterator[Outcome]:
        for outcome in desk.sender.looks(reads):
            problem = Problem("throttled", "Too many.", "Wait.")
            yield dataclasses.replace(outcome, problem=problem) if outcome.action == failing else outcome

    shared = SharedReads(run)
    shared.prepare(calls)

    assert [shared.seen(call) for call in calls] == [None, None, None]


def test_a_script_of_the_user_is_not_passed_over(desk: Desk, tmp_path: Path) -> None:
    """What another script than the shipped one does is not known, so it looks and changes itself."""
    own = tmp_path / "group" / "Grant-GroupMember.ps1"
    own.parent.mkdir()
    own.write_text("param([string] $Group, [string] $Member, [switch] $DryRun)\n", "utf-8")
    replaced = ScriptFolder(tmp_path).replaced
    assert replaced == {"group/Grant-GroupMember.ps1"}
    grants, revokes = (
        looks(action, [{"group": STAFF, "member": one} for one in (JANE, PIETER, JOHN)])
        for action in ("group.grant", "group.revoke")
    )
    shared = SharedReads(desk.sender.looks, replaced)

    shared.prepare([*grants, *revokes])

    assert [shared.seen(call) for call in grants] == [None, None, None]
    assert all(shared.seen(call) for call in revokes)
    assert shared.scripts == {"session/Remove-GroupMemberById.ps1"}
    seen = desk.sender.run(grants[0])
    assert SharedReads(desk.sender.looks).direct(grants[0], seen) is not None
    assert shared.direct(grants[0], seen) is None


CHANGES: dict[str, tuple[str, dict[str, Any], str]] = {
    "grant": ("group.grant", {"group": STAFF, "member": JOHN}, "Add-DistributionGroupMember"),
    "revoke": ("group.revoke", {"group": STAFF, "member": PIETER}, "Remove-DistributionGroupMember"),
    **{
        f"{verb} {right}": (f"shared-mailbox.{verb}", {"mailbox": INFO, "user": user, "right": right}, cmdlet)
        for verb, user, right, cmdlet in (
            ("grant", JOHN, "full-access", "Add-MailboxPermission"),
            ("grant", JOHN, "send-as", "Add-RecipientPermission"),
            ("grant", JOHN, "send-on-behalf", "Set-Mailbox"),
            ("revoke", PIETER, "full-access", "Remove-MailboxPermission"),
            ("revoke", PIETER, "send-as", "Remove-RecipientPermission"),
            ("revoke", PIETER, "send-on-behalf", "Set-Mailbox"),
        )
    },
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_direct_change_does_the_same_as_the_script(desk: Desk, name: str) -> None:
    """With one cmdlet, and with the outcome that the script of the action gives for the same change."""
    action, parameters, cmdlet = CHANGES[name]
    (call,) = ACTIONS[action].calls(parameters)
    tenant = desk.agent.simulator.tenant
    if action == "shared-mailbox.revoke":
        desk.sender.run(
            dataclasses.replace(call, action="shared-mailbox.grant", script=ACTIONS["shared-mailbox.grant"].script)
        )
    before = tenant.snapshot()
    seen = desk.sender.run(dataclasses.replace(call, dry_run=True))
    scripted = desk.sender.run(call)
    after = tenant.snapshot()
    tenant.restore(before)
    desk.asked()

    direct = SharedReads(desk.sender.looks).direct(call, seen)

    assert direct is not None
    done = desk.sender.run(direct)
    assert facts(dataclasses.replace(done, parameters=call.parameters)) == facts(scripted)
    assert scripted.status is Status.CHANGED
    assert desk.asked() == {cmdlet: 1}
    assert tenant.snapshot() == after


@pytest.mark.parametrize("name", ["grant", "revoke"])
def test_a_direct_change_that_somebody_else_made_is_unchanged(desk: Desk, name: str) -> None:
    """Between the look and the change somebody else can make it, and Exchange says so."""
    action, parameters, _ = CHANGES[name]
    (call,) = ACTIONS[action].calls(parameters)
    direct = SharedReads(desk.sender.looks).direct(call, desk.sender.run(dataclasses.replace(call, dry_run=True)))
    assert direct is not None
    desk.sender.run(direct)

    again = desk.sender.run(direct)

    assert (again.status, again.before) == (Status.UNCHANGED, again.after)
    assert again.reason == {"grant": "already a member", "revoke": "not a member"}[name]


def test_there_is_no_direct_change_where_there_is_nothing_to_do(desk: Desk) -> None:
    """Not for a look that failed, one that found it so already, and an action that has none."""
    shared = SharedReads(desk.sender.looks)
    for action, parameters in (
        ("group.grant", {"group": STAFF, "member": PIETER}),
        ("group.grant", {"group": STAFF, "member": NOBODY}),
        ("group.revoke", {"group": STAFF, "member": NOBODY}),
        ("mailbox.hide", {"mailbox": INFO}),
    ):
        (call,) = ACTIONS[action].calls(parameters)
        assert shared.direct(call, desk.sender.run(dataclasses.replace(call, dry_run=True))) is None
