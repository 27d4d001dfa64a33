"""The rate of a batch finds its level when Exchange throttles."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bridge.batch.rate import Rate


def test_no_pause_until_exchange_throttles() -> None:
    """What was never slowed down is not slowed by us."""
    rate = Rate()
    rate.passed()
    assert (rate.pause, str(rate)) == (0.0, "")


def test_the_calls_on_their_way_say_nothing_new() -> None:
    """A window of slowed calls makes the pause longer once, and the next one again."""
    rate = Rate()
    for _ in range(4):
        rate.slowed(2.0, 3)
    assert rate.pause == 2.0
    rate.slowed(2.0, 0)
    assert (rate.pause, str(rate)) == (3.0, "slowed by Exchange to 0.3 a second")


@given(st.floats(0.05, 5.0))
def test_it_finds_its_level(allowed: float) -> None:
    """With a limit of one call in so many seconds the pause comes to it, and stays between half of it and twice it."""
    rate = Rate()
    pauses = []
    for _ in range(2_000):
        if rate.pause < allowed:
            rate.slowed(0.05, 0)
        else:
            rate.passed()
        pauses.append(rate.pause)
    assert all(allowed / 2 <= pause <= allowed * 2 for pause in pauses[200:])


def test_it_goes_away() -> None:
    """When Exchange throttles no more the pause comes to nothing."""
    rate = Rate()
    rate.slowed(60.0, 0)
    for _ in range(200):
        rate.passed()
    assert rate.pause == 0.0
