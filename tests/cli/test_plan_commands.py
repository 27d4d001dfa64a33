"""``batch plan`` and ``batch show``: what a person and a program are told before anything is changed."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bridge.batch.plan import read_plan
from bridge.cli import plan_output, plan_progress
from tests.agent import Agent
from tests.cli.conftest import Cli, Result

STAFF, FINANCE = "staff@contoso.example", "finance@contoso.example"
JANE, JOHN, PIETER = (f"{name}@contoso.example" for name in ("jane.doe", "john.obrien", "pieter.jansen"))
CHANGES = (
    "action,group,member,mailbox,user,right",
    f"mailbox.hide,,,{JANE},,",
    f"group.grant,{STAFF},{JANE},,,",
    f"group.revoke,{STAFF},{PIETER},,,",
    f"shared-mailbox.grant,,,info@contoso.example,{JANE},send-as",
    f"group.grant,{FINANCE},{JOHN},,,",
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def planned(cli: Cli, folder: Path, settings: str) -> Callable[..., Result]:
    """Writes a CSV file with these lines and plans it."""

    def run(*lines: str, options: tuple[str, ...] = ()) -> Result:
        (folder / "changes.csv").write_text("\n".join(lines) + "\n", "utf-8")
        return cli("batch", "plan", "changes.csv", "--out", "plan.json", "--settings", settings, *options)

    return run


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Sets keys of [batch]."""

    def replace(**keys: Any) -> None:
        for name, value in keys.items():
            monkeypatch.setenv(f"EXO_BRIDGE_BATCH__{name.upper()}", str(value))

    return replace


def test_a_plan_begins_with_what_matters(planned: Callable[..., Result], folder: Path, agent: Agent) -> None:
    """The counts, the hash and the next command; the file has that hash, and nothing was changed."""
    result = planned(*CHANGES)

    lines = result.out.splitlines()
    plan = read_plan(folder / "plan.json")
    assert result.code == 0
    assert lines[0] == "4 to change, 1 already so, 0 failed."
    assert lines[1].split() == ["hash", plan.hash]
    assert lines[2].split(maxsplit=1) == ["next", f"exo-bridge batch apply plan.json --approve {plan.hash}"]
    assert (plan.source, plan.organization, plan.agent) == ("changes.csv", "contoso.onmicrosoft.com", "127.0.0.1")
    assert agent.changes() == []


def test_what_could_do_harm_comes_first(planned: Callable[..., Result], cli: Cli, limits: Callable[..., None]) -> None:
    """Protected objects, then what is taken away, then rights, then the rest, with line, object and what is done."""
    limits(protected="info@contoso.example")
    planned(*CHANGES)

    lines = [re.sub(r" {2,}", " | ", line.rstrip()) for line in cli("batch", "show", "plan.json").out.splitlines()]

    start = lines.index("Protected objects: 1")
    assert lines[start:] == [
        "Protected objects: 1",
        "action | line | object | what",
        "shared-mailbox.grant | 5 | Info | user=jane.doe@contoso.example right=send-as (Jane Doe); would grant send-as",
        "",
        "Taken away: 1",
        "action | line | object | what",
        "group.revoke | 4 | All Staff | member=pieter.jansen@contoso.example (Pieter Jansen); would remove the member",
        "",
        "Rights and memberships given: 1",
        "action | line | object | what",
        "group.grant | 3 | All Staff | member=jane.doe@contoso.example (Jane Doe); would add the member",
        "",
        "Other changes: 1",
        "action | line | object | what",
        "mailbox.hide | 2 | Jane Doe | would be hidden",
    ]


def test_show_needs_no_agent_and_no_settings(planned: Callable[..., Result], cli: Cli, agent: Agent) -> None:
    """It prints what ``plan`` printed."""
    printed = planned(*CHANGES).out
    agent.records.clear()

    assert cli("batch", "show", "plan.json").out == printed
    assert agent.records == []


def test_a_program_gets_rows(planned: Callable[..., Result], cli: Cli) -> None:
    """One for each item, with its risk; ``show`` has the same rows as ``plan``."""
    document = planned(*CHANGES, options=("--json",)).json

    assert document["counts"] == {"changed": 4, "unchanged": 1, "failed": 0}
    assert [(row["line"], row["risk"], row["status"]) for row in document["rows"]] == [
        (2, "other", "changed"),
        (3, "given", "changed"),
        (4, "removed", "changed"),
        (5, "given", "changed"),
        (6, "none", "unchanged"),
    ]
    assert {"id", "name", "action", "parameters", "before", "after", "problem"} <= set(document["rows"][0])
    assert document["refusals"] == []
    shown = cli("batch", "show", "plan.json", "--json").json
    assert (shown["rows"], shown["hash"]) == (document["rows"], document["hash"])


def test_planning_twice_gives_one_hash(planned: Callable[..., Result]) -> None:
    """On the command line too."""
    first, second = (planned(*CHANGES, options=("--json",)).json["hash"] for _ in range(2))

    assert first == second


def test_failures_are_in_the_plan_and_in_the_exit_code(planned: Callable[..., Result], folder: Path) -> None:
    """The plan is written, the failure shown with what to do, and the exit code is 1."""
    result = planned(*CHANGES, f"group.grant,nogroup,{JANE},,,")

    assert result.code == 1
    assert result.out.startswith("4 to change, 1 already so, 1 failed.")
    (line,) = [line for line in result.out.splitlines() if "nogroup" in line]
    assert "There is no distribution group or mail-enabled security group 'nogroup'." in line
    assert "Check the spelling." in line
    assert len(read_plan(folder / "plan.json").items) == 6


def test_a_plan_is_not_written_over_its_file(cli: Cli, tmp_path: Path) -> None:
    """Whoever names the file itself as --out keeps it."""
    file = tmp_path / "changes.csv"
    file.write_text("action,mailbox\nmailbox.hide,info@contoso.example\n", "utf-8")
    result = cli("batch", "plan", str(file), "--out", str(file), "--simulate", "--engine", "contract")
    assert result.code == 2
    assert "is the file to plan for" in result.err
    assert file.read_text("utf-8").startswith("action,mailbox")


def test_a_limit_refuses_with_its_own_exit_code(
    planned: Callable[..., Result], folder: Path, limits: Callable[..., None]
) -> None:
    """The plan is written all the same; the limit, its items and how to raise it are told, also to a program."""
    limits(max_changes=3, max_removed_percent=5, protected="ceo; jane.doe@*")
    result = planned(*CHANGES)

    assert result.code == 5
    assert "The plan has 4 changes; at most 3 may be made in one batch." in result.err
    assert "Set [batch] max_changes to 4" in result.err
    assert "batch apply" not in result.out
    assert "would touch what 'jane.doe@*' protects: line 2 (mailbox.hide), line 3 (group.grant), line 5" in result.err
    plan = read_plan(folder / "plan.json")
    document = planned(*CHANGES, options=("--json",)).json
    assert [one["limit"] for one in document["refusals"]] == ["max_changes", "protected"]
    assert document["hash"] == plan.hash
    assert document["refusals"][0]["items"] == [document["rows"][4 - 1]["id"]]


def test_a_group_that_would_lose_too_many_is_refused(planned: Callable[..., Result]) -> None:
    """The limits as they come: two of the three members of a group."""
    result = planned("group,member,state", f"{FINANCE},{JANE},exactly")

    assert result.code == 5
    assert "2 of the 2 members of the group Finance would be taken out; at most 1 may be (25 percent)." in result.err
    assert "Set [batch] max_removed_percent to 100." in result.err


def test_a_file_with_mistakes_is_not_planned(planned: Callable[..., Result], folder: Path, agent: Agent) -> None:
    """All mistakes are shown, nothing is connected, no plan is written."""
    result = planned("action,group,member", f"group.grant,,{JANE}", "group.grnt,a,b")

    assert result.code == 2
    assert "changes.csv:2" in result.out
    assert "changes.csv:3" in result.out
    assert agent.records == []
    assert not (folder / "plan.json").exists()


def test_notices_are_kept_in_the_plan(planned: Callable[..., Result], cli: Cli) -> None:
    """A row that is there twice is told when planned and when shown."""
    planned(*CHANGES, CHANGES[2])

    assert "Line 7: It says the same as line 3." in cli("batch", "show", "plan.json").out


def test_nothing_to_do_has_no_next_command(planned: Callable[..., Result]) -> None:
    """A plan in which all is already so says that."""
    result = planned(CHANGES[0], CHANGES[-1])

    assert result.code == 0
    assert result.out.splitlines()[2].split(maxsplit=1) == ["next", "nothing is to be done"]


def test_many_items_do_not_bury_a_person(planned: Callable[..., Result], monkeypatch: pytest.MonkeyPatch) -> None:
    """The first of each action are shown, the others counted."""
    monkeypatch.setattr(plan_output, "_MOST_SHOWN", 1)
    result = planned(*CHANGES[:4], f"group.grant,{FINANCE},{JANE},,,")

    assert "Rights and memberships given: 2" in result.out
    assert "1 more; --json has all" in result.out


def test_an_edited_plan_is_not_shown(planned: Callable[..., Result], cli: Cli, folder: Path) -> None:
    """Exit code 2 and how to make it again."""
    planned(*CHANGES)
    file = folder / "plan.json"
    head, item, *others = file.read_text("utf-8").splitlines()
    document = json.loads(item.removesuffix(","))
    document["parameters"]["mailbox"] = JOHN
    file.write_text("\n".join([head, f"{json.dumps(document)},", *others]), "utf-8")

    result = cli("batch", "show", "plan.json")

    assert result.code == 2
    assert "plan.json was edited after it was made" in result.err
    assert "exo-bridge batch plan" in result.err


@pytest.mark.parametrize(("out", "said"), [("gone/plan.json", "there is no folder"), (".", "is a folder")])
def test_a_place_for_the_plan_is_looked_at_first(cli: Cli, folder: Path, agent: Agent, out: str, said: str) -> None:
    """Before anything is read or connected."""
    result = cli("batch", "plan", "changes.csv", "--out", out)

    assert result.code == 2
    assert said in result.err


def test_progress_is_told_on_stderr(planned: Callable[..., Result], monkeypatch: pytest.MonkeyPatch) -> None:
    """Where stderr is no terminal a line now and then; stdout has the plan alone."""
    monkeypatch.setattr(plan_progress, "_LINE_SECONDS", 0.0)
    result = planned(*CHANGES, options=("--json",))

    assert [line for line in result.err.splitlines() if line.startswith("Looked at")] == [
        f"Looked at {number} of 5, now {name}."
        for number, name in enumerate((JANE, STAFF, STAFF, "info@contoso.example", FINANCE), 1)
    ]
    assert result.json["hash"]


def test_names_from_outside_are_shown_as_they_are(planned: Callable[..., Result], cli: Cli) -> None:
    """A name that looks like markup or would turn the direction of the text is harmless."""
    result = planned("action;group;member", f"group.grant;[red]x\u202e;{JANE}")

    assert result.code == 1
    assert "\u202e" not in result.out
    assert "[red]x\\u202e" in result.out


class Terminal(io.StringIO):
    """A stderr that is a terminal."""

    def isatty(self) -> bool:
        """Yes."""
        return True


def test_a_terminal_gets_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the counts and what was looked at last, of which nothing is read as markup."""
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    with plan_progress.PlanProgress() as progress:
        progress(1, 3, "staff")
        progress(3, 3, "[red]x\u202e")

    assert "3/3" in terminal.getvalue()
    assert "[red]x\\u202e" in terminal.getvalue()


def test_lines_of_a_log_and_a_bar_do_not_mix(monkeypatch: pytest.MonkeyPatch) -> None:
    """With -v there is no bar on a terminal either."""
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    with plan_progress.PlanProgress(lines=True) as progress:
        progress(1, 3, "staff")

    assert terminal.getvalue() == ""
