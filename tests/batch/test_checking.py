"""Checking rows: what they ask for as calls and wishes, and everything that is wrong with them at once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from bridge.actions import ACTIONS
from bridge.actions.action import Action
from bridge.batch import Item, Mistake, Notice, Survey, Wish, csv_template, read_items, survey
from bridge.errors import UsageError
from bridge.model import Kind

CHANGES = [action for action in ACTIONS.values() if action.kind is Kind.CHANGE]


def write(folder: Path, text: str, name: str = "changes.csv") -> Path:
    """A file with this text."""
    (file := folder / name).write_text(text, encoding="utf-8", newline="")
    return file


def surveyed(folder: Path, text: str, action: str | None = None, name: str = "changes.csv") -> Survey:
    """What is in a text and what is wrong with it."""
    return survey(write(folder, text, name), action)


def calls(folder: Path, text: str, action: str | None = None, name: str = "changes.csv") -> list[tuple[Any, ...]]:
    """The calls of a file without mistakes: line, action, parameters."""
    found = list(read_items(write(folder, text, name), action))
    assert not [one for one in found if isinstance(one, Mistake)]
    return [(one.line, one.call.action, dict(one.call.parameters)) for one in found if isinstance(one, Item)]


def places(found: Survey) -> list[tuple[int, str]]:
    """Where the mistakes are."""
    return [(mistake.line, mistake.column) for mistake in found.mistakes]


def test_a_row_is_the_call_of_its_parameters(tmp_path: Path) -> None:
    """In every spelling of a column; a flag is a word, an empty cell was not given, two rights are two calls."""
    text = (
        "Mailbox,USER,right,no-automapping\n"
        "info,jane,full-access;send-as,\n"
        "info,bob,send-on-behalf,\n"
        "sales,bob,full-access,Yes\n"
    )

    assert calls(tmp_path, text, "shared-mailbox.grant") == [
        (2, "shared-mailbox.grant", {"mailbox": "info", "user": "jane", "right": "full-access"}),
        (2, "shared-mailbox.grant", {"mailbox": "info", "user": "jane", "right": "send-as"}),
        (3, "shared-mailbox.grant", {"mailbox": "info", "user": "bob", "right": "send-on-behalf"}),
        (
            4,
            "shared-mailbox.grant",
            {"mailbox": "sales", "user": "bob", "right": "full-access", "no_automapping": True},
        ),
    ]


def test_blanks_around_a_cell_do_not_count(tmp_path: Path) -> None:
    """Nobody sees them in Excel, and a name with them would not be found; in JSON a text is taken as it is."""
    row = {"group": " staff", "member": "jane doe "}

    assert calls(tmp_path, "group,member\n staff,jane doe \u00a0\n", "group.grant") == [
        (2, "group.grant", {"group": "staff", "member": "jane doe"})
    ]
    assert calls(tmp_path, json.dumps(row) + "\n", "group.grant", "changes.jsonl") == [(1, "group.grant", row)]


def test_each_row_may_name_its_action(tmp_path: Path) -> None:
    """One file holds rows of many actions, each with the columns that it takes."""
    text = "action,group,member,mailbox,set\ngroup.grant,staff,jane,,\nMailbox Set,,,jane,Office=A1;Alias=jd\n"

    assert calls(tmp_path, text) == [
        (2, "group.grant", {"group": "staff", "member": "jane"}),
        (3, "mailbox.set", {"mailbox": "jane", "set": ["Office=A1", "Alias=jd"]}),
    ]


def test_json_lines_and_toml_are_the_same_calls(tmp_path: Path) -> None:
    """Lists are lists, a whole number is its digits, and an empty text was given."""
    row = {"action": "mailbox.set-litigation-hold", "mailbox": "jane", "duration": 30, "owner": ""}
    expected = [(1, row["action"], {"mailbox": "jane", "duration": "30", "owner": ""})]

    assert calls(tmp_path, json.dumps(row), name="x.jsonl") == expected
    text = "[[items]]\n" + "".join(f"{name} = {json.dumps(value)}\n" for name, value in row.items())
    assert calls(tmp_path, text, name="x.toml") == expected
    listed = json.dumps({"mailbox": "jane", "set": ["Office=a;b", "Alias=j"]})
    assert calls(tmp_path, listed, "mailbox.set", "x.jsonl") == [
        (1, "mailbox.set", {"mailbox": "jane", "set": ["Office=a;b", "Alias=j"]})
    ]


def test_the_settings_stand_in_for_what_was_not_given(tmp_path: Path) -> None:
    """An empty cell is filled as a command line is; a cell that says no is not."""
    text = "mailbox,language,localize_folders\njane,,no\nbob,fr-FR,\n"

    def defaults(action: Action) -> Mapping[str, Any]:
        assert action.defaults == "regional"
        return {"language": "nl-NL", "localize_folders": True}

    found = list(read_items(write(tmp_path, text), "mailbox.set-regional", defaults=defaults))

    assert [dict(one.call.parameters) for one in found if isinstance(one, Item)] == [
        {"mailbox": "jane", "language": "nl-NL"},
        {"mailbox": "bob", "language": "fr-FR", "localize_folders": True},
    ]


@pytest.mark.parametrize("action", CHANGES, ids=lambda action: action.name)
def test_a_template_is_a_file_without_mistakes(tmp_path: Path, action: Action) -> None:
    """The template of every action has its columns, and its row is the calls of its example."""
    file = write(tmp_path, csv_template(action))

    found = list(read_items(file))

    expected = [dict(call.parameters) for call in action.calls(action.example)]
    assert [dict(one.call.parameters) for one in found if isinstance(one, Item)] == expected
    assert survey(file, action.name).counts == {action.name: len(expected)}


def test_an_action_that_only_reads_has_no_template() -> None:
    """There is nothing to change with it."""
    with pytest.raises(UsageError, match="only reads"):
        csv_template(ACTIONS["group.list"])


def test_all_mistakes_are_told_at_once_by_place(tmp_path: Path) -> None:
    """Header and rows, by line and column, whatever came first."""
    found = surveyed(
        tmp_path,
        "action,mailbox,user,right,hug,right,no_automapping\n"
        "shared-mailbox.grant,,jane,own,x,,maybe\n"
        "group.list,,,,,,\n"
        "grup.grant,,,,,,\n"
        "group.grant,info,,,,,\n"
        ",info,jane,send-as,,,\n"
        "shared-mailbox.grant,a\0b,jane,send-as,,,\n",
    )

    assert places(found) == [
        (1, "hug"),
        (1, "right"),
        (1, "group"),
        (1, "member"),
        (2, "right"),
        (2, "no_automapping"),
        (2, "mailbox"),
        (3, "action"),
        (4, "action"),
        (5, "mailbox"),
        (6, "action"),
        (7, "mailbox"),
    ]
    messages = [f"{mistake.message} {mistake.fix}" for mistake in found.mistakes]
    assert "'own' is not possible. One of 'full-access', 'send-as' or 'send-on-behalf'." in messages
    assert any("no action 'grup.grant'. Did you mean group.grant" in message for message in messages)
    assert str(found.mistakes[-1]).startswith("changes.csv:7, mailbox: Character 2 (0x0000) cannot be sent.")


def test_what_holds_for_a_column_is_told_once(tmp_path: Path) -> None:
    """An unknown, a missing and a nameless column are one mistake each, however many rows there are."""
    found = surveyed(tmp_path, "group,membr,\n" + "staff,jane,x\n" * 100, "group.grant")

    assert [(mistake.line, mistake.column) for mistake in found.mistakes] == [
        (1, "membr"),
        (1, "member"),
        (1, "column 3"),
    ]
    assert "Did you mean member?" in found.mistakes[0].fix


def test_without_anything_to_do_the_header_says_so(tmp_path: Path) -> None:
    """Neither an action nor a state: one mistake, not one for each row."""
    found = surveyed(tmp_path, "group,member\na,b\nc,d\n")

    assert places(found) == [(1, "action")]


def test_a_byte_that_is_no_character_is_told_in_its_cell(tmp_path: Path) -> None:
    """A damaged UTF-8 file is told with line, column and byte."""
    (file := tmp_path / "x.csv").write_bytes(
        "group,member\nstaff,zoë\nstaff,j\u00fcrgen\n".encode().replace(b"\xc3\xbc", b"\xfc")
    )

    found = survey(file, "group.grant")

    assert places(found) == [(3, "member")]
    assert "Character 2 is the byte 0xFC" in found.mistakes[0].message


@pytest.mark.parametrize(
    ("row", "column", "said"),
    [
        ({"group": "a"}, "member", "missing"),
        ({}, "group", "missing"),
        ({"group": "a", "member": {"x": 1}}, "member", "not a text"),
        ({"group": "a", "member": True}, "member", "not a text"),
        ({"group": "a", "member": 1.5}, "member", "not a text"),
        ({"group": "a", "member": ["b"]}, "member", "not a text"),
        ({"group": "a", "member": "\ud800"}, "member", "0xd800"),
        ({"group": "a", "member": ""}, "member", "empty"),
        ({"group": "a", "member": "b", "x": "y"}, "x", "no 'x'"),
        ({"group": "a", "member": "b", "Member": "c"}, "member", "once as 'Member'"),
        ({"action": "group.revoke", "group": "a", "member": "b"}, "action", "--action is group.grant"),
        ({"action": 5, "group": "a", "member": "b"}, "action", "no action '5'"),
        ({"group": "a", "member": "x" * 1_000_000}, "member", "1000000 characters"),
    ],
)
def test_a_wrong_value_is_told(tmp_path: Path, row: dict[str, Any], column: str, said: str) -> None:
    """With the column as the file names it."""
    found = surveyed(tmp_path, json.dumps(row), "group.grant", "x.jsonl")

    assert (found.mistakes[0].line, found.mistakes[0].column) == (1, column)
    assert said in found.mistakes[0].message
    assert not found.counts


@pytest.mark.parametrize(
    ("name", "said"), [("group.lst", "no action"), ("group.list", "only reads"), ("", "no action")]
)
def test_a_wrong_action_for_the_file_is_refused(tmp_path: Path, name: str, said: str) -> None:
    """It is wrong before any row is."""
    with pytest.raises(UsageError, match=said):
        read_items(write(tmp_path, "group,member\n"), name)


def test_a_file_without_rows_is_a_mistake(tmp_path: Path) -> None:
    """Somebody who asks for nothing has probably given the wrong file."""
    assert places(surveyed(tmp_path, "group,member\n", "group.grant")) == [(1, "")]
    assert places(surveyed(tmp_path, "", name="x.jsonl")) == [(1, "")]


def test_rows_that_are_there_twice_are_told_and_not_refused(tmp_path: Path) -> None:
    """A notice names both lines; the columns' order and an empty cell make no difference."""
    found = surveyed(tmp_path, "group,member\na,b\na,c\na,b\na,b\n", "group.grant")

    assert [(notice.line, notice.message) for notice in found.notices] == [
        (4, "It says the same as line 2."),
        (5, "It says the same as line 2."),
    ]
    assert not found.mistakes
    assert found.counts == {"group.grant": 4}


def test_mistakes_do_not_keep_the_good_rows_from_being_read(tmp_path: Path) -> None:
    """Who reads on gets them, in order, each with its line."""
    found = list(read_items(write(tmp_path, "group,member\na,b\n,c\nd,e\n"), "group.grant"))

    assert [(type(one), one.line) for one in found] == [(Item, 2), (Mistake, 3), (Item, 4)]


class TestDesiredState:
    """Rows that say what is to be so."""

    def test_present_and_absent_are_grants_and_revokes(self, tmp_path: Path) -> None:
        """Of memberships and of rights, next to rows with an action."""
        text = (
            "state,group,member,mailbox,user,right,action\n"
            "present,staff,jane,,,,\n"
            "Absent,staff,bob,,,,\n"
            "present,,,info,jane,full-access;send-as,\n"
            "absent,,,info,bob,send-as,\n"
            ",staff,ann,,,,group.grant\n"
        )

        assert calls(tmp_path, text) == [
            (2, "group.grant", {"group": "staff", "member": "jane"}),
            (3, "group.revoke", {"group": "staff", "member": "bob"}),
            (4, "shared-mailbox.grant", {"mailbox": "info", "user": "jane", "right": "full-access"}),
            (4, "shared-mailbox.grant", {"mailbox": "info", "user": "jane", "right": "send-as"}),
            (5, "shared-mailbox.revoke", {"mailbox": "info", "user": "bob", "right": "send-as"}),
            (6, "group.grant", {"group": "staff", "member": "ann"}),
        ]

    def test_the_state_of_an_action_that_has_one_is_its_own(self, tmp_path: Path) -> None:
        """Automatic replies have a parameter of that name."""
        text = "action,mailbox,state\nmailbox.set-automatic-replies,jane,disabled\n"

        assert calls(tmp_path, text) == [(2, "mailbox.set-automatic-replies", {"mailbox": "jane", "state": "disabled"})]

    def test_all_rows_of_a_group_with_exactly_are_one_wish(self, tmp_path: Path) -> None:
        """In the order of the file, each member once; a cell may name several."""
        text = "group,member,state\nstaff,jane,exactly\nsales,x,exactly\nStaff,bob; JANE,exactly\n"

        found = list(read_items(write(tmp_path, text)))

        assert [one for one in found if isinstance(one, Wish)] == [
            Wish("staff", ("jane", "bob"), 2),
            Wish("sales", ("x",), 3),
        ]
        assert [(one.line, one.column) for one in found if isinstance(one, Notice)] == [(4, "member")]

    @pytest.mark.parametrize(
        ("row", "column", "said"),
        [
            ("staff,jane,,there", "state", "'there' is not possible"),
            ("staff,,,exactly", "member", "missing"),
            ('staff,"a;""b""c",,exactly', "member", "quotes"),
            (",jane,,present", "", "not clear"),
            ("staff,jane,info,present", "", "not clear"),
            (",,info,exactly", "state", "Only a group"),
            ("staff,jane,,", "action", "what is to be done"),
        ],
    )
    def test_what_is_wrong_with_such_a_row_is_told(self, tmp_path: Path, row: str, column: str, said: str) -> None:
        """A state that is none, a member that is missing, a row that is about nothing or about two things."""
        (mistake,) = surveyed(tmp_path, f"group,member,mailbox,state\n{row}\n").mistakes

        assert (mistake.line, mistake.column) == (2, column)
        assert said in mistake.message

    def test_rows_that_contradict_each_other_are_refused(self, tmp_path: Path) -> None:
        """Present and absent of the same, in any letter case; exactly and present of the same group."""
        text = "group,member,state\na,x,present\nA,X,absent\nb,x,exactly\nb,y,present\na,z,present\n"

        found = surveyed(tmp_path, text)

        assert [(mistake.line, mistake.message) for mistake in found.mistakes] == [
            (3, "It contradicts line 2, about the same."),
            (5, "Line 4 says exactly who is in this group."),
        ]
