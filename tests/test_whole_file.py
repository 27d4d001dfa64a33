"""Files that are there whole or not at all."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bridge.whole_file import whole_file


def write(file: Path, text: str) -> None:
    """Write and keep."""
    with whole_file(file) as whole:
        whole.stream.write(text)
        whole.keep()


def test_a_file_is_there_when_it_is_kept(tmp_path: Path) -> None:
    """Not before, and what was there stays until then; what fails leaves nothing."""
    file = tmp_path / "rows.csv"
    write(file, "first\n")
    with pytest.raises(RuntimeError), whole_file(file) as whole:  # noqa: PT012 - it fails in the middle
        whole.stream.write("second")
        assert file.read_bytes() == b"first\n"
        raise RuntimeError
    assert [one.name for one in tmp_path.iterdir()] == ["rows.csv"]
    assert file.read_bytes() == b"first\n"


def test_what_cannot_get_its_name_stays_and_is_named(tmp_path: Path) -> None:
    """As when Excel has the file open: hours of reading are not lost."""
    file = tmp_path / "rows.csv"
    with whole_file(file) as whole:
        whole.stream.write("all of it")
        file.mkdir()
        with pytest.raises(OSError, match="what was to be in it is in") as raised:
            whole.keep()
    assert raised.value.strerror
    part = Path(raised.value.strerror.rpartition(" is in ")[2])
    assert part.read_text("utf-8") == "all of it"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no modes; a file has the rights of its folder")
def test_others_read_only_what_they_read_before(tmp_path: Path) -> None:
    """A new file is for its owner alone; one that others may read stays so when it is replaced."""
    file = tmp_path / "plan.json"
    write(file, "1")
    assert file.stat().st_mode & 0o777 == 0o600
    file.chmod(0o644)
    write(file, "2")
    assert file.stat().st_mode & 0o777 == 0o644


@pytest.mark.skipif(sys.platform == "win32", reason="a link needs a right there")
def test_a_planted_link_is_not_followed(tmp_path: Path) -> None:
    """Neither under a name that can be foreseen, nor in the place of the file."""
    victim = tmp_path / "victim.txt"
    victim.write_text("precious", "utf-8")
    for name in ("rows.csv.part", "rows.csv"):
        (tmp_path / name).symlink_to(victim)
    write(tmp_path / "rows.csv", "rows")
    assert victim.read_text("utf-8") == "precious"
    assert not (tmp_path / "rows.csv").is_symlink()
