"""``batch check``: every mistake of a file at once, for people and for programs, without an agent."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.cli import batch_commands
from tests.cli.conftest import Cli


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, in which there are no settings."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(folder: Path, text: str, name: str = "changes.csv") -> str:
    """A file with this text."""
    (folder / name).write_text(text, encoding="utf-8")
    return str(folder / name)


def test_a_good_file_is_counted(cli: Cli, folder: Path) -> None:
    """By action, with exit code 0."""
    file = write(
        folder,
        "action,group,member,mailbox,state\n"
        "group.grant,staff,jane,,\ngroup.grant,staff,bob,,\nmailbox.hide,,,jane,\n,sales,ann,,exactly\n",
    )
    result = cli("batch", "check", file)

    assert result.code == 0
    lines = [line.split() for line in result.out.splitlines()]
    assert ["group.grant", "2"] in lines
    assert ["mailbox.hide", "1"] in lines
    assert "No mistakes. Nothing was connected." in result.out
    document = cli("batch", "check", file, "--json").json
    assert document["counts"] == {"group.grant": 2, "mailbox.hide": 1}
    assert (document["exact_groups"], document["rows"], document["notices"]) == (1, [], [])


def test_all_mistakes_are_shown_with_their_place(cli: Cli, folder: Path) -> None:
    """A table of place, column, what is wrong and what is right, with exit code 2; the same as rows of JSON."""
    file = write(folder, "group;member\nstaff;\n;jane\nstaff;a;b\n")
    result = cli("batch", "check", file, "--action", "group.grant")

    assert result.code == 2
    assert [line.split("  ")[0] for line in result.out.splitlines()[1:4]] == [
        f"changes.csv:{line}" for line in (2, 3, 4)
    ]
    assert "3 mistakes" in result.out
    document = cli("batch", "check", file, "--action", "group.grant", "--json")
    assert document.code == 2
    assert [(row["line"], row["column"]) for row in document.json["rows"]] == [
        (2, "member"),
        (3, "group"),
        (4, "column 3"),
    ]
    assert set(document.json["rows"][0]) == {"file", "line", "column", "message", "fix"}


def test_many_mistakes_do_not_bury_a_person(cli: Cli, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first are shown, the others counted; JSON has all."""
    monkeypatch.setattr(batch_commands, "_MOST_SHOWN", 3)
    file = write(folder, "group,member\n" + ",jane\n" * 10)

    assert "7 more mistakes" in cli("batch", "check", file, "--action", "group.grant").out
    assert len(cli("batch", "check", file, "--action", "group.grant", "--json").json["rows"]) == 10


def test_notices_do_not_refuse_a_file(cli: Cli, folder: Path) -> None:
    """A guessed encoding and a row that is there twice are told, and the exit code is 0."""
    (folder / "x.csv").write_bytes("group,member\nstaff,J\u00fcrgen\nstaff,J\u00fcrgen\n".encode("cp1252"))
    result = cli("batch", "check", str(folder / "x.csv"), "--action", "group.grant")

    assert result.code == 0
    assert "Windows-1252" in result.out
    assert "x.csv:3: It says the same as line 2." in result.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("gone.csv",), "cannot be read"),
        (("x.xlsx",), ".csv, .tsv"),
        (("x.csv", "--action", "group.lst"), "Did you mean group.list"),
        (("x.csv", "--encoding", "klingon"), "no encoding 'klingon'"),
    ],
)
def test_a_file_that_cannot_be_checked_is_a_mistake_in_the_command(
    cli: Cli, folder: Path, arguments: tuple[str, ...], said: str
) -> None:
    """Exit code 2 and what would be right."""
    write(folder, "group,member\n", "x.csv")
    result = cli("batch", "check", *arguments)

    assert result.code == 2
    assert said in result.err
