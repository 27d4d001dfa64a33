"""Where a command may put its file: said before any work, and nothing is replaced that is no file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bridge.cli import places
from bridge.errors import UsageError


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("", "is a folder"),
        ("nowhere/x.json", "there is no folder"),
        ("there.json", "is there already"),
        (os.devnull, "is no plain file"),
    ],
)
def test_wrong_place(tmp_path: Path, place: str, said: str) -> None:
    """The message names the option and the place."""
    (tmp_path / "there.json").write_text("{}", "utf-8")
    with pytest.raises(UsageError, match=said) as raised:
        places.check_place(tmp_path / place, "--out", force=False)
    assert str(tmp_path / Path(place).parent) in raised.value.message or os.devnull in raised.value.message
    assert "--out" in raised.value.message + raised.value.remedy


def test_right_place(tmp_path: Path) -> None:
    """A new file, and with force one that is there, are fine."""
    places.check_place(tmp_path / "new.json", "--out", force=False)
    (tmp_path / "there.json").write_text("{}", "utf-8")
    places.check_place(tmp_path / "there.json", "--out")
