"""The items of a run are begun in an order in which none meets another that is about the same."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bridge.actions import ACTIONS
from bridge.batch.turns import Turns
from bridge.journal import Item, Planned, State


def item(identity: str, member: str = "", *, creates: bool = False) -> Item:
    """An item about an object, or about one member of a group."""
    if creates:
        new = {"name": "n", "address": "a@contoso.example", "kind": "distribution"}
        (call,) = ACTIONS["group.create"].calls(new)
    else:
        (call,) = ACTIONS["group.grant"].calls({"group": identity or "new", "member": member or "m"})
    before = {"member_id": member} if member else {}
    return Item("run", 0, Planned(call, expected=before, wanted=before, identity=identity), State.PLANNED, "")


ITEMS = st.lists(
    st.builds(
        item,
        st.sampled_from(["", "group-1", "group-2"]),
        st.sampled_from(["", "jane", "john"]),
        creates=st.sampled_from([False] * 9 + [True]),
    ),
    max_size=30,
)


def about(one: Item) -> tuple[str, str]:
    """What an item is about."""
    return one.planned.identity, str(one.planned.expected.get("member_id", ""))


def is_alone(one: Item) -> bool:
    """Whether an item has to meet nobody."""
    return one.planned.call.creates or not one.planned.identity


@given(ITEMS, st.randoms(use_true_random=False), st.integers(1, 8))
def test_all_have_their_turn_in_order(items: list[Item], chance: Any, most: int) -> None:
    """Whatever ends first: no two about the same at a time and in their order, those that create alone, none left."""
    turns = Turns(items)
    begun: list[Item] = []
    under_way: list[Item] = []
    while not turns.is_over:
        one = turns.begin() if len(under_way) < most else None
        if one is not None:
            assert not any(about(other) == about(one) or is_alone(other) for other in under_way)
            assert not (is_alone(one) and under_way)
            begun.append(one)
            under_way.append(one)
            continue
        assert under_way, "nobody is under way, and nobody has a turn"
        turns.done(under_way.pop(chance.randrange(len(under_way))))
    assert sorted(map(id, begun)) == sorted(map(id, items))
    for same in set(map(about, items)):
        assert [x for x in begun if about(x) == same] == [x for x in items if about(x) == same]
    for position, one in enumerate(items):
        if is_alone(one):
            assert {id(x) for x in begun[: position + 1]} == {id(x) for x in items[: position + 1]}


@given(ITEMS, st.integers(0, 20))
def test_what_was_begun_and_not_sent_is_begun_anew(items: list[Item], count: int) -> None:
    """All of it, before the items that were not begun, and those about the same in the order that they had."""
    turns = Turns(items)
    begun = [one for one in (turns.begin() for _ in range(count)) if one is not None]
    turns.not_begun(begun)
    left = turns.waiting()
    assert sorted(map(id, left)) == sorted(map(id, items))
    for same in set(map(about, items)):
        assert [x for x in left if about(x) == same] == [x for x in items if about(x) == same]
