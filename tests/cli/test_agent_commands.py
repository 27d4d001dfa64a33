"""The commands that talk to an agent, on a simulated one, through the wire."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bridge.cli import session_commands
from bridge.cli.running import Running
from tests.agent import Agent, running_agent
from tests.cli.conftest import CANARY, Cli

JANE = "jane.doe@contoso.example"
GRANT = ("group", "grant", "--group", "staff@contoso.example", "--member", JANE)
SIMULATED = ("--simulate", "--engine", "contract")


def test_grant_again_revoke(cli: Cli, settings: str, agent: Agent) -> None:
    """One connects; those after it take the runspace over, and Exchange is not connected again."""
    results = [
        cli(*GRANT, "--settings", settings, "--json"),
        cli(*GRANT, "--settings", settings, "--json"),
        cli("group", "revoke", *GRANT[2:], "--settings", settings, "--json"),
    ]
    outcomes = [result.json["outcomes"][0] for result in results]
    assert [outcome["status"] for outcome in outcomes] == ["changed", "unchanged", "changed"]
    assert [result.code for result in results] == [0, 0, 0]
    assert outcomes[1]["reason"] == "already a member"
    assert len({result.json["run"] for result in results}) == 3
    assert agent.changes() == ["Add-DistributionGroupMember", "Remove-DistributionGroupMember"]
    assert agent.logons() == 1


def test_several_rights_are_several_outcomes(cli: Cli, settings: str) -> None:
    """Each right is an outcome of its own, and the worst decides the exit code."""
    arguments = ("shared-mailbox", "grant", "--user", JANE, "--right", "full-access", "--right", "send-as")
    done = cli(*arguments, "--mailbox", "info@contoso.example", "--settings", settings, "--json")
    assert [(one["parameters"]["right"], one["status"]) for one in done.json["outcomes"]] == [
        ("full-access", "changed"),
        ("send-as", "changed"),
    ]
    person = cli(*arguments, "--mailbox", "nobody@contoso.example", "--settings", settings)
    assert person.code == 1
    assert person.out.count("failed    shared-mailbox.grant") == 2
    assert "object-not-found" in person.out
    assert "what to do: " in person.out


def test_dry_run(cli: Cli, settings: str, agent: Agent) -> None:
    """``--dry-run`` says what would change and changes nothing."""
    result = cli(*GRANT, "--settings", settings, "--dry-run", "--json")
    assert result.code == 0
    assert (result.json["outcomes"][0]["status"], result.json["outcomes"][0]["dry_run"]) == ("changed", True)
    assert agent.changes() == []


def test_rows(cli: Cli, settings: str) -> None:
    """A list has an object for each item in rows, with id and name; for people it is a table with whole ids."""
    rows = cli("group", "list", "--settings", settings, "--json").json["rows"]
    assert rows
    assert all(len(row["id"]) == 36 and row["name"] for row in rows)
    table = cli("group", "list", "--settings", settings).out
    assert all(f"{row['id']}  {row['name']}" in table for row in rows)


def test_regional_defaults(cli: Cli, settings: str) -> None:
    """[regional] stands in for what is not given; a flag that it sets can be taken back."""
    with Path(settings).open("a", encoding="utf-8") as file:
        file.write('[regional]\nlanguage = "nl-NL"\nlocalize_folders = true\n')
    arguments = ("mailbox", "set-regional", "--mailbox", JANE, "--settings", settings, "--dry-run", "--json")
    assert cli(*arguments).json["outcomes"][0]["parameters"] == {
        "mailbox": JANE,
        "language": "nl-NL",
        "localize_folders": True,
    }
    given = cli(*arguments, "--language", "de-DE", "--no-localize-folders").json["outcomes"][0]["parameters"]
    assert given == {"mailbox": JANE, "language": "de-DE"}


def test_agent_errors(cli: Cli, settings: str) -> None:
    """A wrong password and a wrong port end with 3, each with its own code and remedy."""
    text = Path(settings).read_text("utf-8")
    Path(settings).write_text(text.replace("canary", "kanari"), "utf-8")
    refused = cli("group", "list", "--settings", settings, "--json")
    assert (refused.code, refused.json["problem"]["code"]) == (3, "agent-logon-refused")
    port = next(line for line in text.splitlines() if line.startswith("port"))
    Path(settings).write_text(text.replace(port, "port = 9"), "utf-8")
    person = cli("group", "list", "--settings", settings)
    assert person.code == 3
    assert person.out == ""
    assert "What to do: Check [agent] host and port" in person.err


def test_lost_answer_is_unknown(cli: Cli, tmp_path: Path) -> None:
    """A change whose answer was lost ends with 4, and says to look before it is done again."""
    file = tmp_path / "settings.toml"
    with running_agent("contract", faults=("Command#2=lost",)) as agent:
        agent.simulator.write_settings(file)
        result = cli(*GRANT, "--settings", str(file), "--json")
    outcome = result.json["outcomes"][0]
    assert (result.code, outcome["status"]) == (4, "unknown")
    assert "Look at the object" in outcome["problem"]["remedy"]


def test_no_secret_anywhere(cli: Cli, settings: str, agent: Agent, tmp_path: Path) -> None:
    """Neither the password nor the app secret is on the console at -vv, in the log file, or in JSON."""
    secrets = (CANARY, str(agent.simulator.settings()["exchange"]["client_secret"]))
    log = tmp_path / "log.jsonl"
    common = ("--settings", settings, "-vv", "--log-file", str(log))
    texts = []
    for arguments in ((*GRANT, "--json"), GRANT, ("settings", "show"), ("session", "show"), ("session", "close")):
        result = cli(*arguments, *common)
        assert result.code == 0
        texts += [result.out, result.err]
    texts.append(log.read_text("utf-8"))
    for secret in secrets:
        assert not [text for text in texts if secret in text or json.dumps(secret)[1:-1] in text]
    assert "round trip" in texts[1]


@pytest.mark.parametrize("verbosity", [(), ("-vv",)])
def test_unforeseen_error(
    cli: Cli, settings: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verbosity: tuple[str, ...]
) -> None:
    """A mistake of ours is one sentence and the log's place; the traceback is in the log, without secrets."""

    def fail(_running: Running, **_options: bool) -> None:
        raise RuntimeError(f"with {CANARY}")

    monkeypatch.setattr(session_commands, "_runspaces", fail)
    log = tmp_path / "log.jsonl"
    result = cli("session", "show", "--settings", settings, "--log-file", str(log), "--json", *verbosity)
    assert result.code == 1
    assert str(log) in result.json["problem"]["remedy"]
    assert ("Traceback" in result.err) == bool(verbosity)
    lines = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    (line,) = (line for line in lines if line["event"] == "unforeseen error")
    assert "Traceback" in line["traceback"]
    assert "RuntimeError: with ********" in line["traceback"]
    assert CANARY not in result.out + result.err


def test_several_values_of_an_option_are_one_call(cli: Cli) -> None:
    """``mailbox set`` with several --set and --clear is one outcome, with all of them before and after."""
    given = ("ExtensionCustomAttribute1=a, b", "ExtensionCustomAttribute1=c", "Office=Ghent")
    values = (word for value in given for word in ("--set", value))
    mailbox = ("--mailbox", "jane.doe@contoso.example", "--clear", "CustomAttribute1", "--clear", "CustomAttribute2")
    result = cli("mailbox", "set", *mailbox, *values, *SIMULATED, "--json")
    (outcome,) = result.json["outcomes"]
    assert (result.code, outcome["status"]) == (0, "changed")
    assert outcome["after"] == {
        "extension_custom_attribute1": ["a, b", "c"],
        "office": "Ghent",
        "custom_attribute1": "",
        "custom_attribute2": "",
    }


def test_simulate_keeps_the_organization(cli: Cli, tmp_path: Path) -> None:
    """With ``--simulate --tenant FILE`` a change is there in the next command, and nothing else is needed."""
    tenant = str(tmp_path / "tenant.toml")
    first = cli(*GRANT, *SIMULATED, "--tenant", tenant)
    assert (first.code, first.out.split()[0]) == (0, "changed")
    second = cli(*GRANT, *SIMULATED, "--tenant", tenant)
    assert (second.code, second.out.split()[0]) == (0, "unchanged")


def test_demo(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The demo ends as it expects, also where the settings of the folder are wrong, and names its log."""
    (tmp_path / "settings.toml").write_text("this is no TOML", "utf-8")
    monkeypatch.chdir(tmp_path)
    log = tmp_path / "demo.jsonl"
    person = cli("demo", "--engine", "contract", "--log-file", str(log))
    assert person.code == 0
    assert "5 changed, 7 unchanged" in person.out
    assert "log-ons to it: 1" in person.out
    assert str(log) in person.out
    assert log.stat().st_size > 0


@pytest.mark.pwsh
def test_demo_is_the_same_on_both_engines(cli: Cli, pwsh_path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A real PowerShell and the contract engine come to the same outcomes."""
    monkeypatch.setenv("EXO_BRIDGE_PWSH", pwsh_path)
    results = [cli("demo", "--engine", engine, "--json") for engine in ("pwsh", "contract")]
    assert [result.code for result in results] == [0, 0]
    real, contract = [
        [{key: value for key, value in one.items() if key != "seconds"} for one in result.json["outcomes"]]
        for result in results
    ]
    assert real == contract
