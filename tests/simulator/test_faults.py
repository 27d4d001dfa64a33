"""Faults on purpose: how they are written, and when they strike."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.simulator.faults import ACTIONS, Fault, FaultPlan, parse_fault


@pytest.mark.parametrize(
    ("spec", "fault"),
    [
        ("Receive=reset", Fault("Receive", "reset")),
        ("receive#2=RESET", Fault("Receive", "reset", first=2)),
        ("Command=lost", Fault("Command", "lost")),
        ("Receive#3*2=fault:2150858793", Fault("Receive", "fault", 2150858793, first=3, times=2)),
        ("Send**=hang:0.5", Fault("Send", "hang", 0.5, times=None)),
        ("Any%5=status:503", Fault("Any", "status", 503, percent=5)),
        (" Create=401 ", Fault("Create", "401")),
        ("Command=hang:40@after", Fault("Command", "hang", 40, after=True)),
    ],
)
def test_a_fault_is_read(spec: str, fault: Fault) -> None:
    """Every part of the grammar, whatever the letter case."""
    assert parse_fault(spec) == fault


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("", "is no fault"),
        ("Receive", "is no fault"),
        ("Recieve=reset", "there are Create"),
        ("Receive=explode", "there are reset"),
        ("Receive=hang", "needs a number"),
        ("Receive=reset:1", "takes no number"),
        ("Receive=status:99", "between 200 and 599"),
        ("Receive=hang:1.2.3", "is no number"),
        ("Receive#0=reset", "counted from 1"),
        ("Receive=reset@before", "is no fault"),
        ("Any%500=reset", "100 percent"),
        ("seed=x", "whole number"),
    ],
)
def test_a_wrong_fault_says_what_would_be_right(spec: str, said: str) -> None:
    """Which one it is, and what there is."""
    with pytest.raises(ValueError, match="^" + repr(spec)[0]) as error:
        FaultPlan.parse([spec])
    assert said in str(error.value)


@pytest.mark.parametrize("what", ["reset", "lost", "hang:0.5", "fault:2150858793", "kill@after", "hang:40@after"])
def test_a_fault_is_called_what_it_was_written_as(what: str) -> None:
    """So that the wire log can be compared with what was asked for."""
    assert str(parse_fault(f"Receive={what}")) == what


@pytest.mark.parametrize(("spec", "is_after"), [("Send=reset", False), ("Send=lost", True), ("Send=reset@after", True)])
def test_a_fault_has_its_moment(spec: str, is_after: bool) -> None:
    """Before the work, unless the answer is lost or the SPEC says after."""
    assert parse_fault(spec).is_after == is_after


def test_a_fault_strikes_when_its_turn_comes() -> None:
    """The second and the third Receive, and no other action meanwhile."""
    plan = FaultPlan.parse(["Receive#2*2=reset"])

    met = [plan.next(action) for action in ("Receive", "Command", "Receive", "Send", "Receive", "Receive")]

    assert [str(fault) if fault else "" for fault in met] == ["", "", "reset", "", "reset", ""]


def test_a_fault_that_is_added_counts_from_then_on() -> None:
    """A test says what happens next, whatever happened before."""
    plan = FaultPlan()
    assert plan.next("Receive") is None
    plan.add("Receive=lost")

    assert str(plan.next("Receive")) == "lost"
    assert plan.next("Receive") is None


@given(st.integers(0, 2**32), st.lists(st.sampled_from(ACTIONS), max_size=50))
def test_chance_is_the_same_for_the_same_seed(seed: int, actions: list[str]) -> None:
    """A run that failed can be had again."""
    first, second = (FaultPlan.parse([f"seed={seed}", "Any%30=reset", "Receive%10=lost"]) for _ in range(2))

    assert [first.next(action) for action in actions] == [second.next(action) for action in actions]


def test_chance_strikes_about_as_often_as_it_says() -> None:
    """Of a thousand requests, with 20 percent, between a tenth and a third."""
    plan = FaultPlan.parse(["seed=1", "Any%20=reset"])

    assert 100 < sum(plan.next("Receive") is not None for _ in range(1000)) < 333
