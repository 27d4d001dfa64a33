"""``--jsonl`` and ``--out``: rows that are written as they come."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from bridge.cli.row_output import row_file
from tests.cli.conftest import Cli

SIMULATED = ("--simulate", "--engine", "contract")


def test_jsonl_prints_the_rows_and_nothing_else(cli: Cli) -> None:
    """Each line of stdout is a row; how it ended stands on stderr."""
    result = cli("group", "list", "--jsonl", *SIMULATED)

    rows = [json.loads(line) for line in result.out.splitlines()]
    assert rows == cli("group", "list", "--json", *SIMULATED).json["rows"]
    assert f"{len(rows)} found." in result.err
    assert result.code == 0


@pytest.mark.parametrize("suffix", ["jsonl", "ndjson", "CSV"])
def test_out_writes_the_rows_to_a_file(cli: Cli, tmp_path: Path, suffix: str) -> None:
    """The suffix says the format; the document on stdout has the outcome, and no rows."""
    file = tmp_path / f"accounts.{suffix}"
    wanted = cli("import", "accounts", "--json", *SIMULATED).json["rows"]

    result = cli("import", "accounts", "--json", "--out", str(file), *SIMULATED)

    assert result.json["rows"] == []
    assert result.json["outcomes"][0]["reason"] == f"{len(wanted)} found"
    if suffix == "CSV":
        with file.open(encoding="utf-8-sig", newline="") as lines:
            assert list(csv.DictReader(lines)) == [{name: text(value) for name, value in row.items()} for row in wanted]
    else:
        assert [json.loads(line) for line in file.read_text("utf-8").splitlines()] == wanted
    assert list(tmp_path.iterdir()) == [file]


def text(value: object) -> str:
    """A value as it stands in a CSV."""
    return str(value).lower() if isinstance(value, bool) else str(value)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("=1+1", "'=1+1"),
        ("@SUM(1)", "'@SUM(1)"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"),
        ("+1+cmd|' /C calc'!A0", "'+1+cmd|' /C calc'!A0"),
        ("-2+A1", "'-2+A1"),
        ("+31 (0)20-555.01/02", "+31 (0)20-555.01/02"),
        ("-1,234.5e-7", "-1,234.5e-7"),
        ("-", "-"),
        ("O'Brien = x", "O'Brien = x"),
        ([1, "=1", True], "1;'=1;true"),
        (-5, "-5"),
        (None, ""),
    ],
)
def test_no_cell_is_a_formula(tmp_path: Path, name: object, shown: str) -> None:
    """A spreadsheet shows a name that looks like one as text; numbers and telephone numbers stay, and so does JSON."""
    for suffix in ("csv", "jsonl"):
        with row_file(tmp_path / f"rows.{suffix}", ["name"]) as rows:
            rows.write({"name": name})
            rows.keep()

    with (tmp_path / "rows.csv").open(encoding="utf-8-sig", newline="") as lines:
        assert list(csv.DictReader(lines)) == [{"name": shown}]
    assert json.loads((tmp_path / "rows.jsonl").read_text("utf-8")) == {"name": name}


def test_a_failed_read_leaves_the_file_as_it_was(cli: Cli, tmp_path: Path) -> None:
    """What was written last time is not replaced by a part of a list, and no part stays behind."""
    file = tmp_path / "access.jsonl"
    file.write_text("the last whole list\n", "utf-8")

    result = cli("access", "mailbox", "--mailbox", "nobody@contoso.example", "--out", str(file), *SIMULATED)

    assert result.code == 1
    assert file.read_text("utf-8") == "the last whole list\n"
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--out", "rows.xlsx"), 2, "rows.xlsx has to end in one of"),
        (("--jsonl", "--out", "rows.csv"), 2, "--jsonl prints the rows and nothing else"),
        (("--out", "no-such-folder/rows.csv"), 1, "cannot be written to"),
    ],
)
def test_what_cannot_be_written_is_said_at_once(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], code: int, said: str
) -> None:
    """Before anything is read: a suffix without a format, two outputs, a folder that is not there."""
    monkeypatch.chdir(tmp_path)

    result = cli("group", "list", *arguments, *SIMULATED)

    assert result.code == code
    assert said in result.err
    assert list(tmp_path.iterdir()) == []


def test_a_change_has_no_rows_to_write(cli: Cli) -> None:
    """Only what reads takes these options."""
    result = cli("group", "grant", "--group", "staff", "--member", "jane", "--jsonl", *SIMULATED)

    assert result.code == 2
    assert "--jsonl" in result.err
