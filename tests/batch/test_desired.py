"""A wish for exactly these members, and the calls that make it true."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.batch import Wish, resolve, unmatched
from bridge.errors import UsageError

CURRENT = [
    {"id": "id-jane", "primary_smtp_address": "Jane@contoso.example"},
    {"id": "id-bob", "primary_smtp_address": "bob@contoso.example"},
    {"id": "id-contact", "primary_smtp_address": ""},
]


def done(wish: Wish, known: dict[str, str] | None = None) -> list[tuple[str, str]]:
    """The calls as action and member."""
    calls = resolve(wish, CURRENT, known)
    assert all(call.parameters["group"] == wish.group for call in calls)
    return [(call.action, call.parameters["member"]) for call in calls]


def test_only_what_differs_is_called() -> None:
    """Who is there under an address or id stays, who is new is granted, who is too many is revoked, by id."""
    wish = Wish("staff", ("jane@contoso.example", "ID-CONTACT", "Ann"), 2)

    assert done(wish, {"Ann": "id-ann"}) == [("group.grant", "id-ann"), ("group.revoke", "id-bob")]


def test_a_member_under_another_name_is_not_taken_out() -> None:
    """Who is named by a second address is known by id to be there."""
    wish = Wish("staff", ("jane@contoso.example", "robert@contoso.example", "id-contact"), 2)

    assert unmatched(wish, CURRENT) == ["robert@contoso.example"]
    assert done(wish, {"robert@contoso.example": "ID-BOB"}) == []


def test_nobody_is_taken_out_while_somebody_is_not_known() -> None:
    """Without the id of each member no call is made, and the message names who it is."""
    with pytest.raises(UsageError, match=r"staff are: Ann\."):
        resolve(Wish("staff", ("jane@contoso.example", "Ann"), 2), CURRENT)


@given(st.sets(st.integers(0, 9)), st.sets(st.integers(0, 9), min_size=1))
def test_the_calls_lead_from_what_is_to_what_is_wanted(current: set[int], wanted: set[int]) -> None:
    """Whoever is there and whoever is wanted: done on the one they give the other, each once."""
    wish = Wish("staff", tuple(f"{one}@contoso.example" for one in sorted(wanted)), 1)
    rows = [{"id": f"id{one}", "primary_smtp_address": f"{one}@contoso.example"} for one in current]
    there = {f"id{one}" for one in current}

    for call in resolve(wish, rows, {f"{one}@contoso.example": f"id{one}" for one in wanted}):
        member = call.parameters["member"]
        assert (member in there) == (call.action == "group.revoke")
        there ^= {member}

    assert there == {f"id{one}" for one in wanted}
