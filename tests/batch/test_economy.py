"""What a batch costs Exchange: what many rows need is read once, and only what differs is sent."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from bridge.batch import Item
from bridge.batch.members import Members
from bridge.batch.plan import Plan
from bridge.batch.planning import plan_items
from bridge.batch.shared_reads import SharedReads
from bridge.journal import Item as JournalItem
from bridge.journal import Journal
from bridge.model import Call, Outcome, Status
from tests.batch.desk import INFO, JANE, PIETER, STAFF, Desk, crowd, looks, memberships


def told(item: JournalItem) -> str:
    """Where an item stands, with what went wrong."""
    problem = item.outcome.problem if item.outcome else None
    return f"{item.state}: {problem.message}" if problem else str(item.state)


def carried_out(desk: Desk, calls: list[Call], folder: Path) -> tuple[Counter[str], Counter[str]]:
    """Plan and apply; gives how the items ended, and which cmdlets that took."""
    desk.asked()
    run = desk.sender.looks
    found, _ = plan_items([Item(call, line) for line, call in enumerate(calls, 2)], run, Members(run))
    with Journal(folder / "journal.db") as journal:
        run_id = desk.apply(Plan("contoso.onmicrosoft.com", "127.0.0.1", found), journal)
        return Counter(told(item) for item in journal.items(run_id)), desk.asked()


def test_a_thousand_grants_cost_little_more_than_what_they_change(desk: Desk, tmp_path: Path) -> None:
    """1 000 grants into 10 groups, 900 of them there already: planned and applied with at most 150 Exchange calls."""
    rows = crowd(desk, groups=10, people=100, members=90)

    states, asked = carried_out(desk, memberships("group.grant", rows), tmp_path)

    assert states == {"changed": 100, "unchanged": 900}
    assert asked["Add-DistributionGroupMember"] == 100
    assert asked.total() <= 145
    for group, member in rows:
        assert desk.thing(member).guid in getattr(desk.thing(group), "members", ())


def test_rights_on_a_mailbox_are_read_once(desk: Desk, tmp_path: Path) -> None:
    """Sixty grants and revokes on one mailbox cost its rights twice, to plan and to apply, and what they change."""
    people = [person for _, person in crowd(desk, groups=1, people=30, members=0)]
    info = desk.thing(INFO)
    there = tuple(desk.thing(person).guid for person in people[:10])
    desk.put(dataclasses.replace(info, send_as=(*info.send_as, *there)))
    calls = looks("shared-mailbox.grant", [{"mailbox": INFO, "user": one, "right": "send-as"} for one in people])
    calls += looks("shared-mailbox.revoke", [{"mailbox": INFO, "user": one, "right": "full-access"} for one in people])

    states, asked = carried_out(desk, calls, tmp_path)

    assert states == {"changed": 20, "unchanged": 40}
    assert asked["Add-RecipientPermission"] == 20
    assert asked.total() <= 20 + 2 * 10


def test_revokes_cost_what_they_change(desk: Desk, tmp_path: Path) -> None:
    """Those who are to leave a group are found among its members, which are read once to plan and once to apply."""
    rows = crowd(desk, groups=1, people=40, members=25)

    states, asked = carried_out(desk, memberships("group.revoke", rows), tmp_path)

    assert states == {"changed": 25, "unchanged": 15}
    assert asked["Remove-DistributionGroupMember"] == 25
    assert asked.total() <= 25 + 2 * 3


def test_a_few_rows_read_nothing_besides(desk: Desk) -> None:
    """Two rows about a group cost less than all its members, so nothing is read once for them."""
    calls = looks("group.grant", [{"group": STAFF, "member": JANE}, {"group": STAFF, "member": PIETER}])
    shared = SharedReads(desk.sender.looks)

    shared.prepare([*calls, *looks("mailbox.hide", [{"mailbox": INFO}] * 5)])

    assert [shared.seen(call) for call in calls] == [None, None]
    assert desk.asked() == {}


def test_rows_are_planned_a_thousand_at_a_time() -> None:
    """Not more are held at a time, however many there are, and they keep their order."""
    windows = []

    def run(calls: Iterable[Call]) -> Iterator[Outcome]:
        window = list(calls)
        windows.append(len(window))
        for call in window:
            yield Outcome(call.action, Status.CHANGED, call.parameters, dry_run=True, call_id=call.id)

    calls = looks("mailbox.hide", [{"mailbox": f"box {number}"} for number in range(2_500)])

    found, left = plan_items((Item(call, line) for line, call in enumerate(calls, 2)), run, Members(run))

    assert windows == [1_000, 1_000, 500]
    assert [(item.call, item.line) for item in found] == [(call, line) for line, call in enumerate(calls, 2)]
    assert left == ()
