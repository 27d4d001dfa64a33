"""``exo-bridge journal``: list, show, export, verify."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from bridge.journal import Journal, RunFacts
from bridge.model import Status
from tests.cli.conftest import Cli
from tests.journal.conftest import outcome, planned

ODD = "=cmd|' /C calc'!A0; \"<script>\u202e\n\x1b[31m"


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """A journal with one run that has an item in each state, and a small newer one."""
    with Journal(tmp_path / "journal.db") as journal:
        journal.begin(RunFacts("batch", "batch run x.csv", "svc", "pc", "agent", "contoso", "0.1", id="a" * 32))
        items = [planned(f"{status}@contoso.example", line=number) for number, status in enumerate(Status, 2)]
        journal.plan("a" * 32, [*items, planned(ODD), planned("never")])
        still_open = [item.planned for item in journal.items("a" * 32)][-2]
        journal.intend("a" * 32, [*items, still_open])
        journal.finish("a" * 32, [(item, outcome(item.call, s)) for item, s in zip(items, Status, strict=True)])
        journal.begin(RunFacts("action", user="svc", id="b" * 32))
        journal.end("b" * 32, "done")
        yield journal


def test_list(cli: Cli, journal: Journal) -> None:
    """The runs are listed, the newest first, with who, when, how they ended and how many items are in which state."""
    rows = cli("journal", "list", "--file", str(journal.path), "--json").json["rows"]
    assert [(row["id"][0], row["kind"], row["ended"]) for row in rows] == [("b", "action", "done"), ("a", "batch", "")]
    assert set(rows[1]["counts"].values()) == {1}
    person = cli("journal", "list", "--file", str(journal.path))
    assert "svc@pc" in person.out
    assert "1 open" in person.out
    assert len(cli("journal", "list", "--file", str(journal.path), "--most", "1", "--json").json["rows"]) == 1


def test_show(cli: Cli, journal: Journal) -> None:
    """A run is shown with its facts and items; nothing that an item holds moves the cursor or colours the terminal."""
    result = cli("journal", "show", "aa", "--file", str(journal.path))
    assert result.code == 0
    assert "batch run x.csv" in result.out
    assert "sent, and nothing is known of it" in result.out
    assert "\x1b" not in result.out
    assert "\u202e" not in result.out
    rows = cli("journal", "show", "aa", "--file", str(journal.path), "--json").json
    assert rows["run"]["id"] == "a" * 32
    assert [row["position"] for row in rows["rows"]] == [1, 2, 3, 4, 5, 6]
    assert rows["rows"][4]["parameters"]["member"] == ODD


@pytest.mark.parametrize(
    ("options", "states"),
    [
        (["--failed"], ["failed"]),
        (["--unknown"], ["unknown", "open"]),
        (["--failed", "--unknown"], ["failed", "unknown", "open"]),
    ],
)
def test_show_some(cli: Cli, journal: Journal, options: list[str], states: list[str]) -> None:
    """What failed, and what nobody knows of, is shown alone; an open item is one that nobody knows of."""
    rows = cli("journal", "show", "aa", *options, "--file", str(journal.path), "--json").json["rows"]
    assert [row["state"] for row in rows] == states


def test_show_many(cli: Cli, journal: Journal) -> None:
    """Of a big run a person sees the first items, and how to get the others."""
    facts = RunFacts("batch")
    journal.begin(facts)
    journal.plan(facts.id, (planned() for _ in range(250)))
    result = cli("journal", "show", "last", "--file", str(journal.path))
    assert result.out.count("group.grant") == 200
    assert f"50 more: exo-bridge journal export {facts.id}" in result.out


def test_export(cli: Cli, journal: Journal, tmp_path: Path) -> None:
    """Every item is exported, the same in each format, to a file and to stdout, with every character as it was."""
    where = ("--file", str(journal.path))
    lines = cli("journal", "export", "aa", *where).out
    rows = [json.loads(line) for line in lines.splitlines()]
    assert [row["state"] for row in rows] == ["unchanged", "changed", "failed", "unknown", "open", "planned"]
    assert rows[2]["problem"]["code"] == "not-found"
    assert cli("journal", "export", "aa", "--json", *where).json["rows"] == rows
    text = cli("journal", "export", "aa", "--format", "csv", *where).out
    out = tmp_path / "out.csv"
    told = cli("journal", "export", "aa", "--out", str(out), "--json", *where).json["rows"]
    assert told == [{"run": "a" * 32, "items": 6, "file": str(out)}]
    cells = list(csv.DictReader(io.StringIO(text, newline="")))
    with out.open(encoding="utf-8-sig", newline="") as stream:
        assert list(csv.DictReader(stream)) == cells
    assert [json.loads(cell["parameters"]) for cell in cells] == [row["parameters"] for row in rows]
    assert [cell["problem_code"] for cell in cells] == ["", "", "not-found", "not-found", "", ""]
    assert cells[1]["identity_name"] == "Staff"
    other = tmp_path / "out.jsonl"
    assert "6 items" in cli("journal", "export", "aa", "--out", str(other), *where).out
    assert [json.loads(line) for line in other.read_text("utf-8").splitlines()] == rows


def test_a_name_in_an_exported_csv_is_no_formula(cli: Cli, journal: Journal, tmp_path: Path) -> None:
    """On stdout and in a file a spreadsheet shows it as text; as JSON it is as Exchange has it."""
    item = planned()
    journal.begin(RunFacts("action", user="svc", id="c" * 32))
    journal.plan("c" * 32, [item])
    journal.intend("c" * 32, [item])
    journal.finish("c" * 32, [(item, outcome(item.call, reason="=1+1"))])
    export = ("journal", "export", "cc", "--file", str(journal.path))
    out = tmp_path / "out.csv"
    assert cli(*export, "--out", str(out)).code == 0

    for text in (cli(*export, "--format", "csv").out, out.read_text("utf-8-sig")):
        (row,) = csv.DictReader(io.StringIO(text))
        assert row["reason"] == "'=1+1"
    assert json.loads(cli(*export).out)["reason"] == "=1+1"


def test_export_of_nothing(cli: Cli, journal: Journal) -> None:
    """A run without items is a CSV with its columns alone."""
    text = cli("journal", "export", "last", "--format", "csv", "--file", str(journal.path)).out
    assert text.startswith("run,position,id,state,")
    assert text.count("\n") == 1


def test_two_formats(cli: Cli, journal: Journal, tmp_path: Path) -> None:
    """A format that the file's suffix contradicts is a mistake, and no file is made."""
    out = tmp_path / "out.csv"
    result = cli("journal", "export", "aa", "--format", "jsonl", "--out", str(out), "--file", str(journal.path))
    assert (result.code, out.exists()) == (2, False)


def test_verify(cli: Cli, journal: Journal) -> None:
    """A sound run is said to be so, with its open items; one that was edited ends with exit code 1."""
    result = cli("journal", "verify", "aa", "--file", str(journal.path))
    assert result.code == 0
    assert "has an intent and no outcome" in result.out
    with closing(sqlite3.connect(journal.path)) as other, other:
        other.execute("DROP TRIGGER never_rewritten")
        other.execute("UPDATE record SET state = 'changed' WHERE state = 'failed'")
    result = cli("journal", "verify", "aa", "--file", str(journal.path))
    assert result.code == 1
    assert "not what was written" in result.out
    rows = cli("journal", "verify", "aa", "--file", str(journal.path), "--json")
    assert (rows.code, rows.json["rows"][0]["ok"], rows.json["rows"][0]["open_count"]) == (1, False, 1)


def test_wrong_run(cli: Cli, journal: Journal) -> None:
    """A run that is not there, or a beginning that several have, is a mistake in the command line."""
    journal.begin(replace(journal.run("a" * 32).facts, id="ab" + "0" * 30))
    for name in ("zz", "a"):
        for verb in ("show", "export", "verify"):
            assert cli("journal", verb, name, "--file", str(journal.path)).code == 2


def test_journal_of_the_settings(cli: Cli, journal: Journal, tmp_path: Path) -> None:
    """Without --file the journal is that of the settings; with --simulate it is another; a mistake is told."""
    settings = tmp_path / "settings.toml"
    settings.write_text(
        '[agent]\nhost = "a.example"\nuser = "u"\npassword = "p"\n[exchange]\nuser = "u@x.example"\npassword = "p"\n'
        f"[journal]\npath = '{journal.path}'\n",
        "utf-8",
    )
    assert len(cli("journal", "list", "--settings", str(settings), "--json").json["rows"]) == 2
    assert cli("journal", "list", "--settings", str(settings), "--simulate", "--json").json["rows"] == []
    settings.write_text("[journal]\npaht = 'x'\n", "utf-8")
    assert cli("journal", "list", "--settings", str(settings)).code == 2


def test_no_journal(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the first change there are no runs; a file that was named and is not there is a problem."""
    monkeypatch.setattr("bridge.journal.default_path", lambda: tmp_path / "none.db")
    assert "no runs" in cli("journal", "list").out
    assert cli("journal", "list", "--json").json["rows"] == []
    result = cli("journal", "list", "--file", str(tmp_path / "none.db"), "--json")
    assert (result.code, result.json["problem"]["code"]) == (1, "journal-not-read")
    assert not (tmp_path / "none.db").exists()
