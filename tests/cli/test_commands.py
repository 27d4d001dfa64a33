"""The commands without an agent: help, options, mistakes, completion, what is imported."""

from __future__ import annotations

import errno
import io
import json
import os
import subprocess
import sys
import types
from pathlib import Path
from typing import Literal

import pytest
import typer
from pydantic import Field

from bridge.actions import ACTIONS, AREAS, Area, actions_of
from bridge.actions.action import Action, Parameters, Texts
from bridge.cli import action_commands, main
from bridge.cli.options import Invocation
from bridge.errors import Interrupted, OutcomeUnknown
from bridge.model import Kind, Outcome, Status
from tests.agent import Agent
from tests.cli.conftest import Cli

GRANT = ("shared-mailbox", "grant", "--mailbox", "info", "--user", "jane")
COMMON = ("--settings", "--simulate", "--engine", "--tenant", "--dry-run", "--json", "--verbose", "--log-file")
HEAVY = ("pypsrp", "psrpcore", "requests", "spnego", "cryptography", "structlog", "bridge.simulator", "bridge.session")


def environment() -> dict[str, str]:
    """What a process needs to find the checkout and to write text as we read it."""
    return {**os.environ, "PYTHONUTF8": "1", "COLUMNS": "200"}


def printed_by(script: str) -> list[str]:
    """The lines that a Python of its own prints when it runs this."""
    run = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        encoding="utf-8",
        env=environment(),
        timeout=60,
        check=True,
    )
    return run.stdout.splitlines()


@pytest.mark.parametrize("name", ACTIONS)
def test_each_action_has_a_command(cli: Cli, name: str) -> None:
    """The help of an action's command has its summary, its options and the options of every command."""
    action = ACTIONS[name]
    result = cli(action.area, action.verb, "--help")
    assert result.code == 0
    assert action.summary.split(".")[0] in result.out
    for option in (*(f"--{field.replace('_', '-')}" for field in action.parameters.model_fields), *COMMON):
        assert option in result.out


def add_area(monkeypatch: pytest.MonkeyPatch, action: Action) -> None:
    """An area of its own for an action, in a module of its own."""
    module = types.ModuleType(f"actions_of_{action.area}")
    vars(module)["ACTIONS"] = (action,)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setitem(AREAS, action.area, Area(f"Actions on a {action.area}.", (module.__name__,)))
    actions_of.cache_clear()


def test_new_action(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """An action that was added to the registry has its group, command, options and help at once."""

    class Light(Parameters):
        colour: Literal["red", "green"] = Field(description="The colour.")
        brightly: bool = Field(default=False, description="With all its power.")
        where: str | None = Field(default=None, description="The place.")

    lamp = Action("lamp.light", "lamp/Set-Lamp.ps1", Kind.CHANGE, "Light a lamp.", Light, (), each="colour")
    add_area(monkeypatch, lamp)
    assert "lamp" in cli("--help").out
    result = cli("lamp", "light", "--help")
    assert "The colour. One of: red, green. May be given several times." in " ".join(result.out.split())
    assert "--brightly" in result.out
    assert "--no-brightly" not in result.out
    assert cli("lamp", "light", "--colour", "blue").code == 2


def test_list_option(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """A field that is a list may be given several times, and all its values are one call."""

    class Light(Parameters):
        place: Texts | None = Field(default=None, description="The places.")
        colour: list[Literal["red", "green"]] = Field(description="The colours.")

    ran: list[dict[str, object]] = []
    lamp = Action("lamp.light", "lamp/Set-Lamp.ps1", Kind.CHANGE, "Light lamps.", Light, ())
    add_area(monkeypatch, lamp)
    monkeypatch.setattr(
        action_commands,
        "run_action",
        lambda _invocation, action, given, **_more: ran.extend(dict(call.parameters) for call in action.calls(given)),
    )
    cli("lamp", "light", "--colour", "red", "--place", "hall, left", "--place", "attic", "--place", "attic")
    cli("lamp", "light", "--colour", "green", "--colour", "red")
    assert ran == [{"colour": ["red"], "place": ["hall, left", "attic"]}, {"colour": ["green", "red"]}]
    assert " ".join(cli("lamp", "light", "--help").out.split()).count("May be given several times.") == 2
    wrong = cli("lamp", "light", "--colour", "red", "--place", "")
    assert wrong.code == 2
    assert "--place: it is empty" in wrong.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((*GRANT, "--right", "full-acess"), ("'full-acess'", "full-access", "send-as", "send-on-behalf")),
        ((*GRANT, "--rigth", "send-as"), ("--rigth", "--right")),
        (GRANT, ("--right",)),
        ((*GRANT, "--right", "send-as", "--user", " "), ("--user", "empty")),
        (("group", "grant", "--group", "staff"), ("--member",)),
        (("group", "grant", "--group", "staff", "--member", ""), ("--member", "empty")),
        (("group", "grant", "--group", "staff", "--member", "a" * 40_000), ("--member", "40000")),
        (("group", "grnat"), ("'grnat'", "grant")),
        (("group", "list", "staff"), ("staff",)),
        (("mailbox", "find"), ("--mailbox", "--where")),
        (("mailbox", "find", "--mailbox", "a", "--where", "Alias=a"), ("--mailbox", "--where")),
        (("mailbox", "find", "--where", "Alias"), ("--where", "Field=Value")),
        (("mailboxes",), ("'mailboxes'", "mailbox")),
        (("actions", "group.grand"), ("group.grand", "group.grant")),
        (("group", "list", "--engine", "perl"), ("perl", "auto", "pwsh", "contract")),
        (("group", "list", "--tenant", "t.toml"), ("--tenant", "--simulate")),
        (("simulate", "--port", "70000"), ("--port", "65535")),
        (("simulate", "--fault", "Nothing=at-all"), ("Nothing",)),
        (("simulate", "--tenant", "no-such-file.toml"), ("no-such-file.toml",)),
    ],
)
def test_mistakes_in_the_command_line(cli: Cli, arguments: tuple[str, ...], said: tuple[str, ...]) -> None:
    """A mistake ends with 2 and names what is wrong and what would be right, for a person and for a program."""
    result = cli(*arguments)
    assert result.code == 2
    assert result.out == ""
    assert result.err.startswith("Error: ")
    assert "What to do: " in result.err
    for words in said:
        assert words in result.err
    program = cli(*arguments, "--json")
    assert program.code == 2
    assert program.err == ""
    problem = program.json["problem"]
    assert problem["code"] == "usage"
    assert problem["remedy"]
    assert all(words in problem["message"] for words in said)


def test_nothing_heavy_is_imported_for_help_and_completion() -> None:
    """Help, completion and the list of actions' names come without the libraries that only a run needs."""
    script = (
        "import sys\n"
        "from bridge.cli import main\n"
        "main(['--help']); main(['group', 'grant', '--help']); main(['group', 'grnat'])\n"
        f"print(sorted(name for name in sys.modules if name.startswith({HEAVY!r})))\n"
    )
    assert printed_by(script)[-1] == "[]"


def test_garbage_is_looked_for_late_once() -> None:
    """Not while a short command starts; in a long one from the first time on as Python does."""
    script = (
        "import gc\n"
        "from bridge.cli import main\n"
        "usual, looks = gc.get_threshold(), []\n"
        "gc.callbacks.append(lambda phase, _: looks.append(phase))\n"
        "main(['--version']); main(['--version'])\n"
        "print(looks.count('stop'), gc.get_threshold()[0] > 10 * usual[0])\n"
        "kept = [[] for _ in range(200_000)]\n"
        "print(gc.get_threshold() == usual, len(gc.callbacks))\n"
    )
    assert printed_by(script)[-2:] == ["0 True", "True 1"]


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("exo-bridge shared-mailbox gr", ["grant"]),
        ("exo-bridge shared-mailbox grant --right send", ["send-as", "send-on-behalf"]),
        ("exo-bridge group list --engine p", ["pwsh"]),
        ("exo-bridge actions group.r", ["group.revoke"]),
    ],
)
def test_completion(
    typed: str, offered: list[str], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """A shell is offered commands, values of options, and names of actions."""
    monkeypatch.setenv("_EXO_BRIDGE_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", typed)
    monkeypatch.setenv("COMP_CWORD", str(len(typed.split()) - 1))
    with pytest.raises(SystemExit) as end:
        main([])
    assert end.value.code == 0
    assert capfd.readouterr().out.split() == offered


def test_actions_for_programs(cli: Cli) -> None:
    """``actions --json`` has one row for each action, with all that there is to know about it."""
    rows = {row["name"]: row for row in cli("actions", "--json").json["rows"]}
    assert rows.keys() == ACTIONS.keys()
    grant = rows["shared-mailbox.grant"]
    assert grant["kind"] == "change"
    assert grant["command"] == "exo-bridge shared-mailbox grant"
    assert {"Add-MailboxPermission", "Add-RecipientPermission", "Set-Mailbox"} <= set(grant["cmdlets"])
    assert len(grant["sha256"]) == 64
    right = next(parameter for parameter in grant["parameters"] if parameter["name"] == "right")
    assert right["values"] == ["full-access", "send-as", "send-on-behalf"]
    assert (right["option"], right["type"], right["required"], right["several"]) == ("--right", "choice", True, True)
    assert cli("actions", "group.list", "--json").json["rows"] == [rows["group.list"]]


def test_actions_for_people(cli: Cli) -> None:
    """The list has a line for each action; one action is shown with its options and cmdlets."""
    listed = cli("actions").out
    assert all(f"{name} " in listed for name in ACTIONS)
    one = cli("actions", "group.grant").out
    assert "--member  (required)" in one
    assert "Add-DistributionGroupMember" in one


def test_every_option_is_taken_where_it_makes_no_difference(cli: Cli, tmp_path: Path) -> None:
    """A script may pass the same options to every command."""
    result = cli(
        "settings",
        "schema",
        "--simulate",
        "--engine",
        "contract",
        "--dry-run",
        "--json",
        "-vv",
        "--log-file",
        str(tmp_path / "log"),
        "--settings",
        str(tmp_path / "none.toml"),
        "--tenant",
        str(tmp_path / "t.toml"),
    )  # fmt: skip - one option after the other reads better
    assert result.code == 0
    assert result.json["rows"][0]["$schema"]


def test_version(cli: Cli) -> None:
    """``--version`` tells the name and the version."""
    assert cli("--version").out.startswith("exo-bridge ")


def test_without_a_command(cli: Cli) -> None:
    """Nothing typed is answered with the help and the exit code for wrong usage."""
    result = cli()
    assert result.code == 2
    assert "shared-mailbox" in result.out
    assert result.err == ""


def test_interrupted(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C ends with 130 and tells how the calls until then ended."""

    def interrupted(_invocation: Invocation, action: Action, given: dict[str, str], **_more: object) -> None:
        error = Interrupted("Stopped while a call was running.")
        error.outcomes = [Outcome(action.name, Status.CHANGED, given)]
        raise error

    monkeypatch.setattr(action_commands, "run_action", interrupted)
    person = cli("group", "grant", "--group", "staff", "--member", "jane")
    assert person.code == 130
    assert person.out.startswith("changed   group.grant")
    assert "Stopped" in person.err
    program = cli("group", "grant", "--group", "staff", "--member", "jane", "--json")
    assert program.code == 130
    assert program.json["problem"]["code"] == "interrupted"
    assert [outcome["status"] for outcome in program.json["outcomes"]] == ["changed"]


def test_interrupted_with_an_unknown_outcome(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody knows what became of a call the exit code says that, and nobody is told to run it again."""

    def interrupted(_invocation: Invocation, action: Action, given: dict[str, str], **_more: object) -> None:
        error = Interrupted("Left at once.", at_once=True)
        error.outcomes = [Outcome(action.name, Status.UNKNOWN, given)]
        raise error

    monkeypatch.setattr(action_commands, "run_action", interrupted)
    result = cli("group", "grant", "--group", "staff", "--member", "jane")
    assert result.code == 4
    assert OutcomeUnknown.remedy in result.err
    assert cli("group", "grant", "--group", "staff", "--member", "jane", "--json").code == 4


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_an_outcome_that_cannot_be_printed(
    cli: Cli, settings: str, agent: Agent, monkeypatch: pytest.MonkeyPatch, options: list[str]
) -> None:
    """A change that was made ends with 0 and is told on stderr, also where stdout takes nothing."""

    class Full(io.StringIO):
        def write(self, _text: str) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(sys, "stdout", Full())
    names = ("--group", "staff@contoso.example", "--member", "alex.kim@contoso.example")
    result = cli("group", "grant", *names, "--settings", settings, *options)
    assert result.code == 0
    assert result.err.startswith("changed   group.grant")
    assert "No space left on device" in result.err
    assert agent.changes() == ["Add-DistributionGroupMember"]


def test_ctrl_c_before_anything_ran(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C where no call runs ends with 130 too."""

    def interrupt(*_given: object, **_more: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(action_commands, "run_action", interrupt)
    result = cli("group", "list", "--json")
    assert result.code == 130
    assert result.json["problem"]["code"] == "interrupted"


def test_typer_exit_code_is_kept(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """The exit code that a command chose is that of the process."""

    def leave(*_given: object, **_more: object) -> None:
        raise typer.Exit(4)

    monkeypatch.setattr(action_commands, "run_action", leave)
    assert cli("group", "list").code == 4


def test_python_dash_m() -> None:
    """``python -m bridge`` is the same program, and its exit code is that of the command."""
    run = subprocess.run(
        [sys.executable, "-m", "bridge", "group", "grant", "--json"],
        capture_output=True,
        text=True,
        env=environment(),
        timeout=60,
        check=False,
    )
    assert run.returncode == 2
    assert json.loads(run.stdout)["problem"]["code"] == "usage"
