"""``exo-bridge report``: the page, and the facts as data."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.cli import output
from bridge.cli.report.facts import facts_of
from bridge.cli.report.page import page
from bridge.journal import Item, Journal, JournalReader, Planned, Run, RunFacts, State
from bridge.model import Outcome, Problem, Status
from tests.cli.conftest import Cli
from tests.journal.conftest import outcome, planned

RUN = "a" * 32
ODD = '<script>alert(1)</script>" onmouseover="x\' & \u05d0 \u202e\n\x1b[31m]]> http://x.example/'
VOID = frozenset(("meta", "input", "rect", "br"))
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


class Page(HTMLParser):
    """A page as a browser reads it: its elements, and the texts in the rows of its items, by position."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, str] = {}
        self.rows: dict[str, list[str]] = {}
        self.states: dict[str, str | None] = {}
        self._open: list[tuple[str, str]] = []
        self.feed(text)
        self.close()
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Every element but a void one has an end."""
        given = dict(attrs)
        self.elements.append((tag, given))
        row = self._open[-1][1] if self._open else ""
        if tag == "tr":
            row = given.get("id") or ""
            self.states[row] = given.get("class")
        if tag not in VOID:
            self._open.append((tag, row))

    def handle_endtag(self, tag: str) -> None:
        """It ends the element that was opened last."""
        if tag not in VOID:
            assert self._open.pop()[0] == tag

    def handle_data(self, data: str) -> None:
        """A text, in its element and in its row."""
        if self._open:
            tag, row = self._open[-1]
            self.texts[tag] = self.texts.get(tag, "") + data
            self.rows.setdefault(row, []).append(data)

    def attributes(self, tag: str) -> list[dict[str, str | None]]:
        """The attributes of each such element."""
        return [given for name, given in self.elements if name == tag]


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """A journal with a run that has not ended, with one item in each state and a name that would be code."""
    with Journal(tmp_path / "journal.db") as journal:
        journal.begin(RunFacts("batch", f"batch run {ODD}", "svc", "pc", "agent", "contoso", "0.1", id=RUN))
        items = [planned(f"{status}@contoso.example", line=number) for number, status in enumerate(Status, 2)]
        sent = planned("sent@contoso.example", wanted={"is_member": "as wanted"})
        journal.plan(RUN, [*items, sent, planned(ODD, wanted={ODD: ODD})])
        journal.intend(RUN, [*items, sent])
        ends = [(item, outcome(item.call, status)) for item, status in zip(items, Status, strict=True)]
        ends[0] = (items[0], replace(ends[0][1], seconds=75.5, reason=ODD, after={ODD: ODD}))
        journal.finish(RUN, ends)
        yield journal


def write(cli: Cli, journal: Journal, *more: str) -> Page:
    """The page of the run that begins with ``aa``."""
    file = journal.path.with_name("report.html")
    result = cli("report", "aa", "--html", str(file), "--file", str(journal.path), "--force", *more)
    assert (result.code, result.err) == (0, "")
    return Page(file.read_text("utf-8"))


def test_every_item(cli: Cli, journal: Journal) -> None:
    """Each item has a row with its state, before and after; what nobody knows of is first, then what failed."""
    found = write(cli, journal)
    rows = {name: texts for name, texts in found.rows.items() if name}
    assert list(rows) == ["i4", "i5", "i3", "i1", "i2", "i6"]
    assert [found.states[row] for row in rows] == ["unknown", "open", "failed", "unchanged", "changed", "planned"]
    assert [found.states[row] for row in list(rows)[-3:]] == ["unchanged", "changed", "planned"]
    changed = " ".join(rows["i2"])
    assert "changed@contoso.example" in changed
    assert [text for text in rows["i2"] if text in ("no", "yes")] == ["no", "yes"]
    assert "wanted:" in rows["i5"]
    assert "as wanted" in rows["i5"]


def test_what_a_person_has_to_know(cli: Cli, journal: Journal) -> None:
    """The page names how to settle what is unknown, the causes with their remedies, and whose data it holds."""
    text = "".join(write(cli, journal).rows[""])
    assert "2 may or may not have been made" in text
    assert f"exo-bridge batch resume {RUN[:12]}" in text
    assert "1 failed: not-found" in text
    assert "What to do: Look." in text
    assert "75.50 s" in text
    assert "has not ended" in text
    assert "names, addresses and attributes of people" in text


def test_totals_are_the_journals(cli: Cli, journal: Journal) -> None:
    """The counts on the page and in the JSON are those that the journal gives."""
    told = cli("journal", "show", "aa", "--file", str(journal.path), "--json").json["run"]
    document = cli("report", "aa", "--file", str(journal.path), "--json").json
    assert document["run"] == told
    assert document["actions"] == [{"action": "group.grant", "counts": told["counts"]}]
    assert document["file"] is None
    slots = [slot["counts"] for slot in document["timeline"]]
    ended = ("changed", "unchanged", "failed", "unknown")
    assert {state: sum(slot[state] for slot in slots) for state in ended} == dict.fromkeys(ended, 1)
    tiles = write(cli, journal).texts["b"]
    assert tiles == "".join(str(count) for count in (2, 1, 1, 1, 1, 6))


def test_json(cli: Cli, journal: Journal) -> None:
    """The JSON has the items of the page in its order, as the journal has them, and the causes and the slowest."""
    exported = cli("journal", "export", "aa", "--file", str(journal.path), "--json").json["rows"]
    file = journal.path.with_name("report.html")
    document = cli("report", "aa", "--html", str(file), "--file", str(journal.path), "--json").json
    assert document["file"] == str(file)
    assert file.exists()
    rows = document["rows"]
    assert [row["position"] for row in rows] == [4, 5, 3, 1, 2, 6]
    assert rows[1]["wanted"] == {"is_member": "as wanted"}
    without = [{name: value for name, value in row.items() if name not in ("expected", "wanted")} for row in rows]
    assert sorted(without, key=lambda row: row["position"]) == exported
    (cause,) = document["causes"]
    assert (cause["code"], cause["count"], cause["remedies"]) == ("not-found", 1, ["Look."])
    assert cause["first"] == [exported[2]["id"]]
    assert document["slowest"][0] == {"id": exported[0]["id"], "position": 1, "seconds": 75.5}
    assert document["seconds"] == 75.5 + 3 * 0.25


def test_nothing_from_elsewhere(cli: Cli, journal: Journal) -> None:
    """The page refers to nothing but its own rows, and its policy allows its one script and style sheet alone."""
    found = write(cli, journal)
    refers = [
        (tag, name, value)
        for tag, given in found.elements
        for name, value in given.items()
        if name in ("href", "src", "srcset", "action", "data", "poster", "background", "formaction", "xlink:href")
    ]
    assert refers
    assert all(value is not None and value[1:] in found.rows for _, _, value in refers)
    assert not [name for _, given in found.elements for name in given if name.startswith("on") or name == "style"]
    assert "url(" not in found.texts["style"]
    assert "@import" not in found.texts["style"]
    (policy,) = [one["content"] for one in found.attributes("meta") if "http-equiv" in one]
    assert policy is not None
    assert policy.split("; ") == [
        "default-src 'none'",
        f"style-src '{_hash(found.texts['style'])}'",
        f"script-src '{_hash(found.texts['script'])}'",
        "base-uri 'none'",
        "form-action 'none'",
    ]


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def test_code_is_text(cli: Cli, journal: Journal) -> None:
    """A name that would be a script, an attribute or a mark of direction is shown and changes nothing in the page."""
    found = write(cli, journal)
    assert len(found.attributes("script")) == 1
    assert "alert(1)" not in found.texts["script"]
    assert output.shown(ODD) in found.rows["i6"]
    assert output.shown(ODD) in found.rows["i1"]
    assert not any(set(text) & set("\u202e\x1b") for texts in found.rows.values() for text in texts)


# The names of values are shown with spaces for their underscores, as everywhere.
ANY = st.characters(exclude_categories=(), exclude_characters="_")


@given(st.text(ANY, max_size=40), st.text("<>&\"'`=/! -\x00", max_size=20))
def test_any_name(name: str, marks: str) -> None:
    """Whatever a name holds, it stands in the page as a terminal shows it, and the page has the same elements."""
    item, plain = _item(name + marks, 1), _item("x", 1)
    found, other = (Page(_whole([one])) for one in (item, plain))
    assert [tag for tag, _ in found.elements] == [tag for tag, _ in other.elements]
    assert "".join(found.rows["i1"]) == "".join(other.rows["i1"]).replace("x!", output.shown(name + marks) + "!")


def _item(name: str, position: int) -> Item:
    """A failed item that says ``name`` wherever it can."""
    name = f"{name}!"
    call = replace(planned().call, id="0" * 32, parameters={"group": name, name: [name]})
    told = outcome(call, Status.FAILED)
    problem = Problem(name, name, name, error_type=name)
    told = replace(told, reason=name, before={name: name}, after={name: [name]}, problem=problem, warnings=[name])
    return Item(RUN, position, Planned(call, line=1), State.FAILED, NOW.isoformat(), outcome=told, settled_by=name)


def _whole(items: list[Item]) -> str:
    """The page of these items, as it comes out of its file."""
    return "".join(page(facts_of(_run(), items), items, NOW)).encode().decode()


def _run() -> Run:
    return Run(RunFacts("batch", id=RUN), NOW.isoformat(), dict.fromkeys(State, 0))


def test_many_items() -> None:
    """Many items stand in tables of a hundred, the lists at the head stay short, and no part of the time is lost."""
    items = [
        replace(
            item, at=f"2026-01-02T03:{item.position % 60:02}:00.5+00:00", outcome=_lasting(item, float(item.position))
        )
        for item in (_item("x", number) for number in range(1, 251))
    ]
    facts = facts_of(_run(), items)
    found = Page(_whole(items))
    assert [given for given in found.attributes("div") if given.get("class") == "block"] == [{"class": "block"}] * 3
    assert found.texts["caption"] == "1 to 100101 to 200201 to 250"
    assert sum(1 for row in found.rows if row) == 250
    assert len(found.attributes("a")) == 10 + 20
    assert [item.position for item in facts.slowest] == list(range(250, 230, -1))
    assert sum(slot.counts[State.FAILED] for slot in facts.slots) == 250
    assert len(facts.slots) <= 60
    assert all(one.end == other.begin for one, other in zip(facts.slots, facts.slots[1:], strict=False))
    assert len(found.attributes("rect")) == len([slot for slot in facts.slots if any(slot.counts.values())])


def _lasting(item: Item, seconds: float) -> Outcome:
    assert item.outcome is not None
    return replace(item.outcome, seconds=seconds)


def test_run_without_items(cli: Cli, journal: Journal) -> None:
    """A run that has no items is a page that says so."""
    journal.begin(RunFacts("action", id="b" * 32))
    journal.end("b" * 32, "done")
    file = journal.path.with_name("none.html")
    assert cli("report", "last", "--html", str(file), "--file", str(journal.path)).code == 0
    text = "".join(Page(file.read_text("utf-8")).rows[""])
    assert "The run has no items." in text
    assert "No item has ended yet." in text
    assert "(done)" in text


def test_single_change(cli: Cli, journal: Journal) -> None:
    """Of a single command that is unknown, no batch command is named that would not take it."""
    journal.begin(RunFacts("action", id="b" * 32))
    item = planned()
    journal.plan("b" * 32, [item])
    journal.intend("b" * 32, [item])
    file = journal.path.with_name("one.html")
    assert cli("report", "last", "--html", str(file), "--file", str(journal.path)).code == 0
    text = "".join(Page(file.read_text("utf-8")).rows[""])
    assert "1 may or may not have been made" in text
    assert "batch resume" not in text


def test_file_that_is_there(cli: Cli, journal: Journal, tmp_path: Path) -> None:
    """A file is replaced with --force alone."""
    file = tmp_path / "report.html"
    file.write_text("mine", "utf-8")
    arguments = ("report", "aa", "--html", str(file), "--file", str(journal.path))
    result = cli(*arguments)
    assert (result.code, file.read_text("utf-8")) == (2, "mine")
    assert "--force" in result.err
    assert cli(*arguments, "--force").code == 0
    assert "mine" not in file.read_text("utf-8")


@pytest.mark.parametrize("place", ["", "none/report.html"])
def test_wrong_place(cli: Cli, journal: Journal, tmp_path: Path, place: str) -> None:
    """A folder, or a file in a folder that is not there, is a mistake in the command line."""
    assert cli("report", "aa", "--html", str(tmp_path / place), "--force", "--file", str(journal.path)).code == 2


def test_nothing_to_write(cli: Cli, journal: Journal) -> None:
    """Without --html and --json the command says what to give."""
    result = cli("report", "aa", "--file", str(journal.path))
    assert result.code == 2
    assert "--html FILE" in result.err


def test_whole_or_not_at_all(cli: Cli, journal: Journal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the disk takes no more, the file that was there stays, and no other is left."""
    folder = tmp_path / "pages"
    folder.mkdir()
    file = folder / "report.html"
    file.write_text("mine", "utf-8")

    def full(_number: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    result = cli("report", "aa", "--html", str(file), "--force", "--file", str(journal.path), "--json")
    assert (result.code, result.json["problem"]["code"]) == (1, "error")
    assert "No space left" in result.json["problem"]["message"]
    assert [one.name for one in folder.iterdir()] == ["report.html"]
    assert file.read_text("utf-8") == "mine"


@pytest.mark.skipif(os.name == "nt", reason="on Windows the folder says who may read a file")
def test_only_for_its_owner(cli: Cli, journal: Journal) -> None:
    """Nobody else on the machine may read the page."""
    write(cli, journal)
    assert journal.path.with_name("report.html").stat().st_mode & 0o077 == 0


def test_one_moment(journal: Journal) -> None:
    """What is read in one moment stays the same while another process writes, and that one need not wait."""
    with JournalReader(journal.path) as reader:
        with reader.at_one_moment():
            before = reader.run(RUN)
            journal.end(RUN, "done")
            assert reader.run(RUN) == before
        assert reader.run(RUN).ended == "done"
