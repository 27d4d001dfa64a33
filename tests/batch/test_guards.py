"""The limits of a batch: each refuses what is beyond it and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bridge.actions import ACTIONS
from bridge.batch.guards import LimitReached, Refusal, Stops, protecting, refusals
from bridge.batch.plan import Plan, PlanItem
from bridge.model import Identity, Outcome, Problem, Status
from bridge.settings.batch import BatchSettings

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
STAFF = {"id-staff": 8}


def item(
    action: str = "group.revoke", member: str = "jane", line: int = 2, status: Status = Status.CHANGED
) -> PlanItem:
    """One item about a member of the group with the id ``id-staff``."""
    (call,) = ACTIONS[action].calls({"group": "staff", "member": member}, dry_run=True)
    state = {"member_id": f"id-{member}", "member_name": f"{member.title()} Doe"}
    outcome = Outcome(
        action=action,
        status=status,
        parameters=call.parameters,
        dry_run=True,
        identity=Identity("id-staff", "All Staff"),
        before=state,
        after=state,
    )
    return PlanItem(call, outcome, line)


def removals(count: int) -> list[PlanItem]:
    """So many members who are taken out."""
    return [item(member=f"m{number}", line=number + 2) for number in range(count)]


def refused(
    items: Sequence[PlanItem], now: datetime | None = NOON, sizes: dict[str, int | None] | None = None, **limits: object
) -> list[Refusal]:
    """The limits that a plan with these items breaks."""
    plan = Plan("contoso.example", "agent", tuple(items))
    known: dict[str, int | None] = {**STAFF} if sizes is None else sizes
    return refusals(plan, BatchSettings.model_validate(limits), known, now)


def test_a_plan_within_the_limits_is_not_refused() -> None:
    """Two of eight members is a quarter, which the limits allow as they come."""
    assert refused(removals(2)) == []


def test_too_many_changes_are_refused_with_the_number_that_would_do() -> None:
    """The items beyond the limit are those that break it; what is unchanged or failed does not count."""
    grants = [item("group.grant", member=f"m{number}") for number in range(3)]
    idle = [item("group.grant", status=Status.UNCHANGED), item("group.grant", status=Status.FAILED)]

    (refusal,) = refused([*idle, *grants], max_changes=2)

    assert (refusal.limit, refusal.items) == ("max_changes", (grants[2].call.id,))
    assert refusal.sentence == "The plan has 3 changes; at most 2 may be made in one batch."
    assert "max_changes to 3" in refusal.how
    assert refused([*idle, *grants], max_changes=3) == []


def test_too_many_members_of_a_group_are_refused() -> None:
    """The sentence has the numbers and the group's name, and the percentage that it tells to set is enough."""
    (refusal,) = refused(removals(3))

    assert refusal.sentence == (
        "3 of the 8 members of the group All Staff would be taken out; at most 2 may be (25 percent)."
    )
    assert refusal.how == "Set [batch] max_removed_percent to 38."
    assert refused(removals(3), max_removed_percent=38) == []
    assert len(refused(removals(3), max_removed_percent=37)) == 1


@given(st.integers(1, 24), st.integers(1, 24), st.integers(0, 100))
def test_the_percentage_that_is_told_would_do_and_less_would_not(size: int, count: int, percent: int) -> None:
    """Whatever the size of the group: set as told, the same plan is not refused; one percent less, it still is."""
    count = min(count, size)
    found = refused(removals(count), sizes={"id-staff": size}, max_removed_percent=percent)

    if found:
        told = int(found[0].how.removesuffix(".").rpartition(" ")[2])
        assert told > percent
        assert refused(removals(count), sizes={"id-staff": size}, max_removed_percent=told) == []
        assert refused(removals(count), sizes={"id-staff": size}, max_removed_percent=told - 1) != []
    else:
        assert count == 1 or count * 100 <= size * percent


def test_one_member_may_always_go_unless_none_may() -> None:
    """A group of two would lose half; only 0 percent refuses that."""
    assert refused(removals(1), sizes={"id-staff": 2}) == []
    assert [one.limit for one in refused(removals(1), sizes={"id-staff": 2}, max_removed_percent=0)] == [
        "max_removed_percent"
    ]


def test_the_same_member_twice_is_one_member() -> None:
    """Rows that name a member by address and by name take out one."""
    twice = [item(member="jane"), item(member="jane")]

    assert refused(twice, sizes={"id-staff": 4}) == []


def test_a_group_whose_size_is_not_known_loses_nobody() -> None:
    """A read that failed is not a big group; only without any limit it makes no difference."""
    (refusal,) = refused(removals(1), sizes={"id-staff": None})

    assert "It is not known how many members the group All Staff has" in refusal.sentence
    assert refused(removals(1), sizes={"id-staff": None}, max_removed_percent=100) == []


@pytest.mark.parametrize("pattern", ["jane", "JANE", "id-jane", "Jane Doe", "*doe", "id-staff", "All Staff", "st*"])
def test_protected_objects_and_people_are_refused(pattern: str) -> None:
    """By the name in the file, by the id or name that Exchange found, with a star; in any letter case."""
    (refusal,) = refused([item()], protected=pattern)

    assert refusal.limit == "protected"
    assert refusal.sentence == f"1 change would touch what '{pattern}' protects: line 2 (group.revoke)."


@pytest.mark.parametrize("pattern", ["jan", "jane?", "[j]ane", "*jane.doe@*", "yes"])
def test_a_pattern_protects_nothing_else(pattern: str) -> None:
    """A part of a name is not the name, and only the star has a meaning."""
    assert refused([item()], protected=pattern) == []


def test_square_brackets_in_a_pattern_are_part_of_a_name() -> None:
    """A group called [old] is protected by its name as it is written."""
    assert protecting(item(member="[old] staff"), ["[old]*"]) == "[old]*"


def test_addresses_that_are_written_to_a_mailbox_are_protected() -> None:
    """Also those that Exchange shows with the kind of address before them."""
    (call,) = ACTIONS["mailbox.set-addresses"].calls({"mailbox": "x", "add": ["ceo@contoso.example"]}, dry_run=True)
    before = {"email_addresses": ["SMTP:x@contoso.example"]}
    planned = PlanItem(
        call, Outcome(call.action, Status.CHANGED, call.parameters, identity=Identity("1", "X"), before=before)
    )

    assert protecting(planned, ["ceo@contoso.example"])
    assert protecting(planned, ["x@contoso.example"])


def test_what_is_already_so_may_be_about_a_protected_object() -> None:
    """Only what would be changed is looked at."""
    assert refused([item(status=Status.UNCHANGED)], protected="*") == []


@pytest.mark.parametrize(
    ("window", "hour", "is_open"),
    [
        ("22:00-06:00", 23, True),
        ("22:00-06:00", 0, True),
        ("22:00-06:00", 6, False),
        ("22:00-06:00", 12, False),
        ("9:00 - 17:00", 9, True),
        ("9:00 - 17:00", 17, False),
        ("", 12, True),
    ],
)
def test_changes_are_made_in_their_time_only(window: str, hour: int, is_open: bool) -> None:
    """Over midnight too; the end is no longer in it."""
    found = refused([item()], NOON.replace(hour=hour), window=window)

    assert [one.limit for one in found] == ([] if is_open else ["window"])


def test_planning_may_be_done_at_any_time() -> None:
    """Without a time of day the window is not looked at."""
    assert refused([item()], None, window="22:00-06:00") == []
    assert refused([item()], NOON, window="22:00-06:00")[0].sentence == (
        "It is 12:00; changes may be made from 22:00 to 06:00 only."
    )


@pytest.mark.parametrize("window", ["22-6", "25:00-06:00", "22:00", "22:60-23:00", "08:00-08:00", "night"])
def test_a_window_that_is_none_is_a_mistake_in_the_settings(window: str) -> None:
    """Two times of day that differ, and nothing else."""
    with pytest.raises(ValidationError):
        BatchSettings(window=window)


def test_all_limits_are_told_at_once() -> None:
    """The error has each sentence, each remedy once, and exit code 5."""
    found = refused(removals(4), max_changes=1, protected="x; m0;", window="22:00-06:00")
    error = LimitReached(found)

    assert [one.limit for one in found] == ["max_changes", "max_removed_percent", "protected", "window"]
    assert all(one.sentence in error.message and one.how in error.remedy for one in found)
    assert (error.code, error.exit_code) == ("limit-reached", 5)


def outcome(status: Status) -> Outcome:
    """The outcome of a change."""
    problem = Problem("x", "x", "x") if status in (Status.FAILED, Status.UNKNOWN) else None
    return Outcome("group.grant", status, {}, problem=problem)


def stopped(stops: Stops, *statuses: Status) -> list[int]:
    """After which of these outcomes the run is to end."""
    return [number for number, status in enumerate(statuses, 1) if stops.should_stop(outcome(status))]


def test_a_run_ends_after_failures_in_a_row() -> None:
    """What went well in between starts the count anew; an unknown outcome is no success."""
    stops = Stops(BatchSettings(stop_after_failures=3, stop_failure_percent=100))
    bad, good = Status.FAILED, Status.CHANGED

    assert stopped(stops, bad, bad, good, bad, Status.UNKNOWN, bad) == [6]


def test_a_run_ends_when_too_many_fail() -> None:
    """A percentage means nothing before the twentieth item."""
    stops = Stops(BatchSettings(stop_after_failures=0, stop_failure_percent=20))

    assert stopped(stops, *[Status.FAILED, Status.CHANGED] * 10) == [20]
    assert "10 of 20 changes failed, more than 20 percent" in stops.should_stop(outcome(Status.CHANGED)).replace(
        "of 21", "of 20"
    )


def test_a_run_goes_on_at_exactly_the_percentage() -> None:
    """A fifth failed, and a fifth may."""
    stops = Stops(BatchSettings(stop_after_failures=0))

    assert stopped(stops, *[*[Status.CHANGED] * 16, *[Status.FAILED] * 4]) == []
    assert stopped(stops, Status.FAILED) == [1]


def test_a_run_ends_with_its_window() -> None:
    """At six in the morning nothing more is sent, however well it goes."""
    clock = iter([NOON.replace(hour=5), NOON.replace(hour=6)])
    stops = Stops(BatchSettings(window="22:00-06:00"), lambda: next(clock))

    assert stops.should_stop(outcome(Status.CHANGED)) == ""
    assert "[batch] window = 22:00-06:00" in stops.should_stop(outcome(Status.CHANGED))


def test_nothing_stops_where_the_limits_say_so() -> None:
    """0 failures in a row and 100 percent are never reached."""
    stops = Stops(BatchSettings(stop_after_failures=0, stop_failure_percent=100))

    assert stopped(stops, *[Status.FAILED] * 50) == []
