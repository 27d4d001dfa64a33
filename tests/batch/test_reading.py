"""Reading input files: what Excel and others write, and what is broken about it, with line and column."""

from __future__ import annotations

import csv
import io
import sys
from pathlib import Path

import pytest

from bridge.batch.reading import read_entries
from bridge.batch.rows import Entry, Header, Mistake, Notice, Row
from bridge.errors import UsageError

TEXT = 'group,member\r\nstaff,"Müller, Jürgen"\r\nsales,Zoë\r\n'
ROWS = [
    (2, (("group", "staff"), ("member", "Müller, Jürgen"))),
    (3, (("group", "sales"), ("member", "Zoë"))),
]


def read(folder: Path, data: bytes, name: str = "changes.csv", encoding: str | None = None) -> list[Entry]:
    """What reading a file with these bytes yields."""
    file = folder / name
    file.write_bytes(data)
    return list(read_entries(file, encoding))


def rows(entries: list[Entry]) -> list[tuple[int, tuple[tuple[str, object], ...]]]:
    """The rows: line and cells."""
    return [(entry.line, entry.cells) for entry in entries if isinstance(entry, Row)]


def mistakes(entries: list[Entry]) -> list[Mistake]:
    """The mistakes, those of the rows too."""
    return [
        one
        for entry in entries
        for one in (entry.mistakes if isinstance(entry, Row) else [entry])
        if isinstance(one, Mistake)
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_every_encoding_and_separator_is_found(tmp_path: Path, encoding: str, separator: str) -> None:
    """A comma, semicolon or tab, with a byte order mark or without: the same rows, and nothing to tell."""
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=separator).writerows(csv.reader(TEXT.splitlines()))

    entries = read(tmp_path, text.getvalue().encode(encoding))

    assert rows(entries) == ROWS
    assert len(entries) == 3


def test_windows_1252_is_read_and_told(tmp_path: Path) -> None:
    """A plain CSV of Excel's is no UTF-8: its names are read right, and a notice says how it was read."""
    notice, *entries = read(tmp_path, TEXT.encode("cp1252"))

    assert rows(entries) == ROWS
    assert isinstance(notice, Notice)
    assert "Windows-1252" in notice.message
    assert "--encoding" in notice.message


def test_an_encoding_that_was_given_is_used(tmp_path: Path) -> None:
    """What a person says counts, and is not told as a guess."""
    text = "group,member\nstaff,Łódź\n"

    assert rows(read(tmp_path, text.encode("cp1250"), encoding="cp1250")) == [
        (2, (("group", "staff"), ("member", "Łódź")))
    ]
    assert len(read(tmp_path, TEXT.encode("utf-8-sig"), encoding="utf-8")) == 3


def test_the_separator_that_a_file_names_counts(tmp_path: Path) -> None:
    """Excel's first line ``sep=;`` decides, is no row, and counts as a line."""
    entries = read(tmp_path, b"sep=|\r\ngroup|member\r\nstaff|a,b;c\r\n")

    assert entries[0] == Header(2, ("group", "member"))
    assert rows(entries) == [(3, (("group", "staff"), ("member", "a,b;c")))]


def test_separators_in_a_quoted_header_do_not_count(tmp_path: Path) -> None:
    """Only those outside of quotes part the columns."""
    assert read(tmp_path, b'"a,b,c";member\n1;2\n')[0] == Header(1, ("a,b,c", "member"))


def test_a_row_over_several_lines_stands_where_it_begins(tmp_path: Path) -> None:
    """Line breaks in quotes belong to the value, and the lines after it are counted right."""
    entries = read(tmp_path, b'group,member\r\n"a\r\nb\n\nc",d\r\ne,f\r\n')

    assert rows(entries) == [
        (2, (("group", "a\r\nb\n\nc"), ("member", "d"))),
        (6, (("group", "e"), ("member", "f"))),
    ]


def test_what_excel_leaves_behind_is_no_row(tmp_path: Path) -> None:
    """Lines of separators, blank lines and empty cells at the end mean nothing."""
    entries = read(tmp_path, b"\r\ngroup;member;;\r\n;;;\r\n\r\nstaff;jane;;;;;\r\n ; ;\r\n")

    assert entries[0] == Header(2, ("group", "member", "", ""))
    assert rows(entries) == [(5, (("group", "staff"), ("member", "jane")))]
    assert mistakes(entries) == []


@pytest.mark.parametrize(
    ("data", "line", "column", "said"),
    [
        (b"", 1, "", "empty"),
        (b"\n \n", 1, "", "empty"),
        (b"a,b\n1,2,3\n", 2, "column 3", "3 cells"),
        (b'a,b\n1,2\n1,"2"x\n', 3, "b", "closing quote"),
        (b'a,b\n1,"2\n', 2, "b", "never closed"),
        (b"a,b\n1," + b"x" * 1_000_000 + b"\n", 2, "b", "131072 characters"),
        (b'a,b\n"' + b"x,\n" * 100_000 + b'",2\n', 2, "a", "131072 characters"),
        (b"a,,b\n1,2,3\n", 1, "column 2", "no name"),
        (b'"a,b\n1,2\n', 1, "column 1", "never closed"),
    ],
)
def test_a_broken_csv_is_told_with_line_and_column(
    tmp_path: Path, data: bytes, line: int, column: str, said: str
) -> None:
    """The first mistake names the line, the column and what is wrong."""
    first = mistakes(read(tmp_path, data))[0]

    assert (first.line, first.column) == (line, column)
    assert said in first.message


def test_reading_goes_on_after_a_broken_row(tmp_path: Path) -> None:
    """Each broken row is told, and the good ones are there."""
    entries = read(tmp_path, b'a,b\n1,"2"x\n3,4\n5,"6"y\n7,8\n')

    assert [mistake.line for mistake in mistakes(entries)] == [2, 4]
    assert [line for line, _ in rows(entries)] == [3, 5]


def test_a_character_that_is_cut_off_is_told(tmp_path: Path) -> None:
    """A UTF-16 file that ends in the middle of a character ends in a mistake after the last row."""
    entries = read(tmp_path, "group,member\nstaff,jane\nsales,zoë\n".encode("utf-16") + b"a")

    assert mistakes(entries)[0].message.startswith("After this line")


@pytest.mark.parametrize("head", [b"PK\x03\x04", b"\xd0\xcf\x11\xe0"])
def test_a_workbook_is_told_to_be_one(tmp_path: Path, head: bytes) -> None:
    """Excel's own file with the name of a CSV is no table of strange characters."""
    with pytest.raises(UsageError, match="is a workbook, not text"):
        read(tmp_path, head + bytes(100))


def test_json_lines(tmp_path: Path) -> None:
    """Values keep their type, names their order and number; blank lines are left out."""
    entries = read(tmp_path, '{"a": "ü", "b": [1, null], "a": true}\n\n{"c": ""}\n'.encode(), "x.jsonl")

    assert rows(entries) == [(1, (("a", "ü"), ("b", [1, None]), ("a", True))), (3, (("c", ""),))]
    assert all(entry.typed for entry in entries if isinstance(entry, Row))


@pytest.mark.parametrize(
    ("line", "column", "said"),
    [
        ('{"a": }', "character 7", "not JSON"),
        ("[1]", "", "not an object"),
        ("7", "", "not an object"),
        ("[" * 100_000, "", "too deep"),
        ('{"a": ' + "9" * 5000 + "}", "", "too long"),
    ],
)
def test_a_broken_json_line_is_told(tmp_path: Path, line: str, column: str, said: str) -> None:
    """With its line and character; the line after it is read."""
    entries = read(tmp_path, f'{{"a": "b"}}\n{line}\n{{"c": "d"}}\n'.encode(), "x.ndjson")

    (mistake,) = mistakes(entries)
    assert (mistake.line, mistake.column) == (2, column)
    assert said in mistake.message
    assert [number for number, _ in rows(entries)] == [1, 3]


def test_toml(tmp_path: Path) -> None:
    """Each [[items]] is a row on its line, and a text that looks like one is not."""
    text = '# changes\n[[items]]\ngroup = "a"\nmember = """\n[[items]]\n"""\n\n[[items]]\ngroup = "b"\n'

    assert rows(read(tmp_path, text.encode(), "x.toml")) == [
        (2, (("group", "a"), ("member", "[[items]]\n"))),
        (8, (("group", "b"),)),
    ]
    assert rows(read(tmp_path, b'x = 1\nitems = [{a = "b"}]', "x.toml")) == [(2, (("a", "b"),))]


@pytest.mark.parametrize(
    ("text", "line", "column", "said"),
    [
        ("a = \n", 1, "character 5", "not TOML"),
        ("x = 1\ny = 2\n", 1, "x", "no 'x'"),
        ("items = 3\n", 1, "items", "not a list"),
        ("\nitems = [1]\n", 2, "items", "not a table"),
        ("a = " + "[" * 100_000, 1, "", "too deep"),
        ("[[items]]\na = '''\n", 3, "", "not TOML"),
    ],
)
def test_a_broken_toml_is_told(tmp_path: Path, text: str, line: int, column: str, said: str) -> None:
    """With its line and column."""
    first = mistakes(read(tmp_path, text.encode(), "x.toml"))[0]

    assert (first.line, first.column) == (line, column)
    assert said in first.message


def test_yaml(tmp_path: Path) -> None:
    """Every scalar is the text that is written, and each mapping is a row on its line."""
    text = "items:\n  - group: 0123\n    member: no\n\n  - {group: '', member: ~, set: [a, 'b: c', 2026-01-01]}\n"
    expected = [
        (2, (("group", "0123"), ("member", "no"))),
        (5, (("group", ""), ("member", None), ("set", ["a", "b: c", "2026-01-01"]))),
    ]

    assert rows(read(tmp_path, text.encode(), "x.yaml")) == expected
    listed = "\n".join(line[2:] for line in text.splitlines()[1:])
    assert [cells for _, cells in rows(read(tmp_path, listed.encode(), "x.yml"))] == [cells for _, cells in expected]


@pytest.mark.parametrize(
    ("text", "line", "column", "said"),
    [
        ("- a: b\n\t- c", 2, "character 1", "not YAML"),
        ("- a: b\n- \0", 2, "character 3", "0x0000"),
        ("\u2028,", 1, "character 2", "not YAML"),
        ("x: 1\n", 1, "x", "no 'x'"),
        ("just words", 1, "", "not a list"),
        ("- a: b\n- c\n", 2, "", "not a mapping"),
        ("[" * 5000, 1, "", "too deep"),
        ("- a: b\n--- c\n", 2, "character 1", "another document"),
    ],
)
def test_a_broken_yaml_is_told(tmp_path: Path, text: str, line: int, column: str, said: str) -> None:
    """With its line and character."""
    first = mistakes(read(tmp_path, text.encode(), "x.yaml"))[0]

    assert (first.line, first.column) == (line, column)
    assert said in first.message


def test_without_pyyaml_the_remedy_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of YAML is refused at once, and no other is."""
    monkeypatch.setitem(sys.modules, "yaml", None)

    with pytest.raises(UsageError) as error:
        read(tmp_path, b"- a: b", "x.yaml")
    assert "pip install '.[yaml]'" in error.value.remedy
    assert rows(read(tmp_path, b"a\nb\n")) == [(2, (("a", "b"),))]


@pytest.mark.parametrize(
    ("name", "encoding"), [("x.xlsx", None), ("gone.csv", None), ("there.csv", "rot13"), ("there.csv", "x")]
)
def test_a_file_that_cannot_be_read_is_refused_at_once(tmp_path: Path, name: str, encoding: str | None) -> None:
    """A suffix of no format, a file that is not there, an encoding that is none: before the first row."""
    (tmp_path / "there.csv").write_bytes(b"a,b\n")

    with pytest.raises(UsageError):
        read_entries(tmp_path / name, encoding)
