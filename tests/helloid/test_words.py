"""The words of the audit: no two ends of an action read the same, and no name is cut in the wrong place."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import Mistake, SettingsError
from bridge.helloid.words import MAX_NAME, cut, line_of, line_of_error
from bridge.model import Identity, Outcome, Problem, Status

GONE = Problem("object-not-found", "There is no group.", "Check the spelling.")
HERE, NOWHERE = Identity("g-1", "Staff"), Identity("", "Staff")


def ended(status: Status, **facts: Any) -> Outcome:
    """How an action on a group ended."""
    return Outcome("group.grant", status, {}, **{"identity": HERE, **facts})


@pytest.mark.parametrize(
    ("outcome", "missing_is_fine", "is_error", "words"),
    [
        (ended(Status.CHANGED), False, False, "Added A to G."),
        (ended(Status.CHANGED, dry_run=True), False, False, "Would add A to G."),
        (ended(Status.UNCHANGED, reason="already a member"), False, False, "Nothing to do (already a member): add A"),
        (ended(Status.UNCHANGED, reason="no group", identity=NOWHERE), True, False, "Skipped, because it no longer"),
        (ended(Status.UNCHANGED, reason="no member", before={"member_id": ""}), True, False, "Skipped, because it no"),
        (ended(Status.UNCHANGED, reason="no group", identity=NOWHERE), False, True, "Failed to add A to G: no group."),
        (ended(Status.FAILED, problem=GONE), True, False, "Skipped, because it no longer exists: add A to G."),
        (ended(Status.FAILED, problem=GONE), False, True, "Failed to add A to G. There is no group. Check the spel"),
        (ended(Status.UNKNOWN, problem=GONE), True, True, "It may or may not have been made: add A to G."),
    ],
)
def test_each_end_has_its_words(outcome: Outcome, missing_is_fine: bool, is_error: bool, words: str) -> None:
    """Done, would be done, already so, skipped, failed and unknown are told apart; unknown is an error."""
    line = line_of(outcome, "add A to G", "Added A to G", missing_is_fine=missing_is_fine)

    assert line.message.startswith(words)
    assert line.is_error is is_error


def test_several_matches_are_never_all_right() -> None:
    """What matches several objects is no missing object."""
    several = Problem("object-ambiguous", "Several have this name.", "Name it by its id.")
    line = line_of(ended(Status.FAILED, problem=several), "remove A", "Removed A", missing_is_fine=True)

    assert line.is_error
    assert line.message == "Failed to remove A. Several have this name. Name it by its id. [object-ambiguous]"


def test_mistakes_of_the_settings_are_named() -> None:
    """Somebody who sees HelloID's audit alone knows what to correct."""
    error = SettingsError(
        "The settings cannot be used.", mistakes=[Mistake("s.toml:3", "agent.host", "", "gone.", "Add")]
    )

    assert "s.toml:3: agent.host: gone. Add" in line_of_error(error).message


@given(name=st.text(max_size=250), suffix=st.sampled_from(["", " - Full Access", " - Send on Behalf"]))
def test_cut(name: str, suffix: str) -> None:
    """A name is at most as long as HelloID takes, as .NET counts; the suffix is whole, and so is every character."""
    shown = cut(name, suffix)
    units = len(shown.encode("utf-16-le", "surrogatepass")) // 2

    assert units <= MAX_NAME
    assert shown.endswith(suffix)
    assert name.startswith(shown.removesuffix(suffix)) if suffix else name.startswith(shown)
    if len(name.encode("utf-16-le", "surrogatepass")) // 2 + len(suffix) <= MAX_NAME:
        assert shown == name + suffix


def test_cut_between_the_halves_of_a_character() -> None:
    """An emoji that would be halved is left out."""
    assert cut("a" * 99 + "🙂") == "a" * 99
    assert cut("🙂" * 60) == "🙂" * 50
