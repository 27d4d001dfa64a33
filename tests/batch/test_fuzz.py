"""Input files of any content: always items or mistakes with a line, never a traceback; and what is written is read."""

from __future__ import annotations

import codecs
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bridge.actions import ACTIONS
from bridge.batch import Item, Mistake, Notice, Survey, Wish, read_items, survey
from bridge.batch.cells import join, split
from bridge.batch.template import csv_text
from bridge.errors import UsageError

SUFFIXES = (".csv", ".jsonl", ".toml", ".yaml")
# Chance finds the first: hypothesis takes the constants of the code for values worth trying.
WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
# Pieces that mean something to one of the formats, so that chance finds its way past the header.
PIECES = st.sampled_from(
    [
        *("action", "group", "member", "state", "mailbox", "user", "right", "set", "marker", "no_automapping"),
        *("group.grant", "mailbox.set", "shared-mailbox.grant", "present", "absent", "exactly", "full-access", "yes"),
        *(",", ";", "\t", "\n", "\r\n", "\r", '"', '""', "=", "sep=;\n", "\0", "\ufeff", " ", "é", "\u2028", "x" * 200),
        *(
            "{",
            "}",
            "[",
            "]",
            ":",
            '{"group": "a", ',
            "[[items]]\n",
            'group = "a"\n',
            "'''",
            "\\ud800",
            "null",
            "1e999",
        ),
    ]
)
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0\ufffe\uffff"), min_size=1, max_size=20).filter(
    lambda text: text.strip()
)


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """One folder for all examples."""
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def surveyed(folder: Path, data: bytes, suffix: str, action: str | None) -> Survey:
    """What is in a file with these bytes; what is wrong has a line of the file, and what is not wrong was read."""
    (file := folder / f"x{suffix}").write_bytes(data)
    found = survey(file, action)
    told: list[Mistake | Notice] = [*found.mistakes, *found.notices]
    for one in told:
        assert 1 <= one.line <= data.count(b"\n") + data.count(b"\r") + 1
        assert one.message.endswith((".", "?"))
        str(one)
    assert found.mistakes or found.counts or found.wishes
    lines = [mistake.line for mistake in found.mistakes]
    assert lines == sorted(lines)
    return found


@settings(deadline=None)
@given(st.binary(max_size=300), st.sampled_from(SUFFIXES), st.sampled_from([None, "group.grant", "mailbox.set"]))
@example(codecs.BOM_UTF16_LE + b"a", ".csv", None)
@example(codecs.BOM_UTF32_LE + b"\xff\xff\xff\xff", ".csv", None)
@example(b"\0" * 8, ".csv", None)
@example(b'{"a": ' + b"[" * 5000, ".jsonl", None)
@example(b"[" * 2000, ".yaml", None)
@example(b"%YAML " + b"9" * 5000 + b".1\n--- a", ".yaml", None)
@example(b'- group: "\\UFFFFFFFF"', ".yaml", None)
@example(b"&a [*a, {group: *a}]", ".yaml", "group.grant")
@example(WORKBOOKS[0], ".csv", None)
@example(WORKBOOKS[1] + b"\xa1\xb1", ".yaml", "mailbox.set")
def test_any_bytes_end_in_items_or_mistakes(folder: Path, data: bytes, suffix: str, action: str | None) -> None:
    """Whatever the bytes, the format and the action; a workbook is told as that."""
    if data.startswith(WORKBOOKS):
        with pytest.raises(UsageError, match="is a workbook"):
            surveyed(folder, data, suffix, action)
    else:
        surveyed(folder, data, suffix, action)


@settings(deadline=None)
@given(
    st.lists(PIECES, max_size=40).map("".join),
    st.sampled_from(SUFFIXES),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    st.sampled_from([None, "group.grant", "shared-mailbox.grant", "mailbox.set"]),
)
def test_any_text_ends_in_items_or_mistakes(
    folder: Path, text: str, suffix: str, encoding: str, action: str | None
) -> None:
    """Also what is nearly right."""
    surveyed(folder, text.encode(encoding), suffix, action)


@settings(deadline=None)
@given(st.lists(st.tuples(*[st.sampled_from(["", "a", "b", "exactly", "present", "x;y", '"'])] * 4), max_size=8))
def test_any_rows_under_a_right_header_end_in_items_or_mistakes(folder: Path, rows: list[tuple[str, ...]]) -> None:
    """Rows of the right form with any values."""
    lines = ["state,group,member,mailbox", *(",".join(row) for row in rows)]

    surveyed(folder, "\n".join(lines).encode(), ".csv", None)


@settings(deadline=None)
@given(
    st.lists(
        st.fixed_dictionaries(
            {"name": TEXT, "address": TEXT, "kind": st.sampled_from(["distribution", "mail-enabled-security"])},
            optional={"managed_by": TEXT, "marker": st.just(['CustomAttribute1=a;"b"', "CustomAttribute2= x"])},
        ),
        min_size=1,
        max_size=5,
    ),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"]),
    st.sampled_from(",;\t"),
)
def test_items_that_are_written_are_read_again(
    folder: Path, rows: list[dict[str, Any]], encoding: str, separator: str
) -> None:
    """Any text with separators, quotes, line breaks and any script in it, in each encoding, with each separator.

    Blanks around it do not count.
    """
    action = ACTIONS["group.create"]
    (file := folder / "round.csv").write_bytes(csv_text(action, rows, separator).encode(encoding))

    found = [one for one in read_items(file) if not isinstance(one, Notice)]

    assert not [one for one in found if isinstance(one, Mistake | Wish)]
    seen = [{name: text.strip() if isinstance(text, str) else text for name, text in row.items()} for row in rows]
    expected = [dict(call.parameters) for row in seen for call in action.calls(row)]
    assert [dict(one.call.parameters) for one in found if isinstance(one, Item)] == expected


MILLION = 1_000_000
TWO = "action,mailbox\nmailbox.hide,a@b.example\n"
JSON = '{"action": "mailbox.hide", "mailbox": %s}\n'


@pytest.mark.parametrize(
    ("data", "suffix", "line", "column", "message"),
    [
        (f"action,mailbox\nmailbox.hide,{'x' * MILLION}\n", ".csv", 2, "mailbox", "The cell has more than 131072"),
        (f"action,mailbox,{'x' * MILLION}\nmailbox.hide,a\n", ".csv", 1, "column 3", "The cell has more than 131072"),
        (f'action,mailbox\nmailbox.hide,"{"x" * 40_000}"\n', ".csv", 2, "mailbox", "It has 40000 characters; 32767"),
        (
            'action,mailbox\nmailbox.hide,"a\nmailbox.hide,b\n',
            ".csv",
            2,
            "mailbox",
            "The quote at the start of the cell",
        ),
        ('action,mailbox\nmailbox.hide,"a"b"\n', ".csv", 2, "mailbox", "After the closing quote comes 'b'"),
        ("action,mailbox,Mailbox\nmailbox.hide,a,b\n", ".csv", 1, "Mailbox", "The column is there twice"),
        ("action\nmailbox.hide\n", ".csv", 1, "mailbox", "The column is missing"),
        ("action,mailbox\nmailbox.hide\n", ".csv", 2, "mailbox", "It is missing"),
        ("action,mailbox\nmailbox.hide,a,b,c\n", ".csv", 2, "column 3", "The row has 4 cells"),
        ("action,mailbox\nmailbox.hide,a\0b\n", ".csv", 2, "mailbox", "Character 2 (0x0000)"),
        ("action,mailbox\r\nmailbox.hide,a\rmailbox.hide,b\n\nx,c\r\n", ".csv", 5, "action", "There is no action 'x'"),
        (TWO.encode("utf-16-le") + b"x", ".csv", 2, "", "After this line the file cannot be read as utf-16-le"),
        (TWO.encode("utf-16") + b"\0", ".csv", 2, "", "After this line the file cannot be read as utf-16"),
        (b"GIF8" + bytes(range(256)), ".csv", 1, "action", "Nothing says what is to be done"),
        (JSON % '"a", "mailbox": "b"', ".jsonl", 1, "mailbox", "It is there twice"),
        (JSON % '"a", "Mailbox": "b"', ".jsonl", 1, "mailbox", "It is there twice"),
        (JSON % ("9" * MILLION), ".jsonl", 1, "", "It cannot be read: it has a number that is too long"),
        (JSON % f'"{"x" * MILLION}"', ".jsonl", 1, "mailbox", "It has 1000000 characters"),
        (JSON % '"a"' + "{", ".jsonl", 2, "character 2", "It is not JSON"),
        (JSON % ("[" * 100_000), ".jsonl", 1, "", "It cannot be read: it is nested too deep"),
        (f"- {{action: mailbox.hide, mailbox: {'9' * 100_000}}}\n", ".yaml", 1, "mailbox", "It has 100000 characters"),
        ("- action: mailbox.hide\n  mailbox: a\n  mailbox: b\n", ".yaml", 1, "mailbox", "It is there twice"),
        (
            "[[items]]\naction = 'mailbox.hide'\nmailbox = 2026-01-02\n",
            ".toml",
            1,
            "mailbox",
            "2026-01-02 is not a text",
        ),
        ("[[items]]\nmailbox = 'a'\nmailbox = 'b'\n", ".toml", 3, "character 14", "It is not TOML"),
        (f"[[items]]\nmailbox = {'9' * 100_000}\n", ".toml", 1, "", "It cannot be read"),
    ],
)
def test_a_mistake_has_its_line_and_column(
    folder: Path, data: str | bytes, suffix: str, line: int, column: str, message: str
) -> None:
    """Each kind of malformed file is told in a short sentence, at the place where a person finds it."""
    found = surveyed(folder, data.encode() if isinstance(data, str) else data, suffix, None)

    told = [one for one in found.mistakes if one.message.startswith(message)]
    assert [(one.line, one.column) for one in told] == [(line, column)]
    assert all(len(str(one)) < 300 for one in found.mistakes)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-16", "utf-32", "utf-8-sig"])
def test_an_encoding_without_a_name_is_found(folder: Path, encoding: str) -> None:
    """Also UTF-16 without a byte order mark."""
    assert surveyed(folder, TWO.encode(encoding), ".csv", None).counts == {"mailbox.hide": 1}


def test_a_bomb_of_references_is_not_unfolded(folder: Path) -> None:
    """YAML in which each of twenty lists holds the one before nine times needs neither time nor memory."""
    rows = ["- {action: mailbox.set, mailbox: m, set: &x0 [A=1]}"]
    rows += [
        f"- {{action: mailbox.set, mailbox: m, set: &x{one} [{', '.join([f'*x{one - 1}'] * 9)}]}}"
        for one in range(1, 20)
    ]

    assert surveyed(folder, "\n".join(rows).encode(), ".yaml", None).mistakes


@settings(deadline=None)
@given(st.lists(TEXT))
def test_a_cell_with_several_values_is_read_as_it_was_written(values: list[str]) -> None:
    """Whatever is in them."""
    assert split(join(values)) == values
