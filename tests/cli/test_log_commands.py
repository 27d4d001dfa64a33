"""``exo-bridge log show``, and what a command leaves in the log."""

from __future__ import annotations

import json
import logging
import os
import re
from pathlib import Path
from typing import Any
from uuid import UUID

import platformdirs
import pytest

from bridge.scripts import ScriptFolder
from tests.agent import Agent
from tests.cli.conftest import Cli

GRANT = ("group", "grant", "--group", "staff@contoso.example", "--member")
ALEX = "alex.kim2@contoso.example"
READING, ADDING = "Reading the group 'staff@contoso.example'.", "Adding 'Alex Kim' to the group 'All Staff'."
NOBODY = "There is no recipient 'nobody@contoso.example'; a user without a mailbox or an address cannot be a member."
# What the script tells on its way, by the outcome.
SAID = {
    "changed": [("info", "verbose", READING), ("info", "verbose", ADDING)],
    "unchanged": [("info", "verbose", READING), ("info", "verbose", ADDING)],
    "failed": [
        ("info", "verbose", READING),
        ("info", "verbose", "Reading the recipient 'nobody@contoso.example'."),
        ("warning", "error", NOBODY),
    ],
    "unknown": [],
}


@pytest.fixture
def log(settings: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The log file of the commands of one test."""
    file = Path(settings).with_name("log.jsonl")
    with Path(settings).open("a", encoding="utf-8") as stream:
        stream.write(f"\n[log]\nfile = {json.dumps(str(file))}\n")
    monkeypatch.setenv("EXO_BRIDGE_JOURNAL__PATH", str(file.with_name("journal.db")))
    return file


def events(log: Path) -> list[dict[str, Any]]:
    """What is in the log."""
    return [json.loads(line) for line in log.read_text("utf-8").splitlines()]


def test_a_failed_action_can_be_read_by_somebody_else(cli: Cli, agent: Agent, settings: str, log: Path) -> None:
    """What was asked, which runspace, what was sent, what came back with its times, the verdict, and why."""
    assert cli(*GRANT, "nobody@contoso.example", "--settings", settings).code == 1

    shown = cli("log", "show", "--settings", settings)

    assert shown.code == 0
    (sent,) = [event for event in events(log) if event["event"] == "sending"]
    for text in (
        "exo-bridge group grant",
        "runspace opened runspace=",
        "exchange connected",
        'parameters={"group": "staff@contoso.example", "member": "nobody@contoso.example"}',
        "script=group/Grant-GroupMember.ps1 sha256=",
        f"call={sent['call']}",
        "verbose: Reading the recipient 'nobody@contoso.example'.",
        "status=failed",
        "problem=object-not-found",
        "remedy=",
        "runspace disconnected",
        "command ended seconds=",
    ):
        assert text in shown.out
    assert re.search(r"verbose: Reading the recipient .* seconds=\d", shown.out)


@pytest.mark.parametrize("status", SAID)
def test_the_events_of_a_call_as_data(cli: Cli, agent: Agent, settings: str, log: Path, status: str) -> None:
    """Each of the four outcomes: every line with its run, runspace, call and pipeline, and nothing else on it."""
    grant = (*GRANT, "nobody@contoso.example" if status == "failed" else ALEX, "--settings", settings)
    # The runspace is warm then, and the call is the second command in it.
    cli(*(grant if status == "unchanged" else ("group", "members", *GRANT[2:4], "--settings", settings)))
    log.unlink()
    if status == "unknown":
        agent.simulator.faults.add("Command#2=lost")
    document = cli(*grant, "--json").json
    its = _of_the_call(log)

    (outcome,) = document["outcomes"]
    assert outcome["status"] == status
    call = its[0]["call"]
    common = {"run": document["run"], "runspace": its[0]["runspace"]}
    about = {"call": call, "action": "group.grant", "script": "group/Grant-GroupMember.ps1"}
    pipeline = {"pipeline": str(UUID(call))}
    ended = {key: outcome[key] for key in ("status", "reason", "identity", "before", "after") if outcome[key]}
    if outcome["problem"]:
        ended["problem"] = {**outcome["problem"], "retry": False}
    sha256 = ScriptFolder().get("group/Grant-GroupMember.ps1").sha256
    parameters = {"group": "staff@contoso.example", "member": grant[5]}
    ends_at = "warning" if outcome["problem"] else "info"
    assert its == [
        {"level": "info", "event": "sending", **about, **common, "parameters": parameters, "dry_run": False},
        {"level": "info", "event": "script sent", "script": about["script"], "sha256": sha256, **pipeline, **common},
        *(
            {"level": level, "event": event, "message": message, **about, **pipeline, **common}
            for level, event, message in SAID[status]
        ),
        {"level": ends_at, "event": "finished", **about, **common, **ended},
    ]


def _of_the_call(log: Path) -> list[dict[str, Any]]:
    """The events from the sending of the only call to its end, without times."""
    kept = [{key: value for key, value in one.items() if key not in ("time", "seconds")} for one in events(log)]
    names = [event["event"] for event in kept]
    return kept[names.index("sending") : names.index("finished") + 1]


def test_only_what_is_asked_for(cli: Cli, settings: str, log: Path) -> None:
    """A run, a call, a level, a time; as lines of JSON too, which are those of the file."""
    for member in (ALEX, "nobody@contoso.example"):
        cli(*GRANT, member, "--settings", settings)
    first, second = dict.fromkeys(event["run"] for event in events(log))
    calls = [event["call"] for event in events(log) if event["event"] == "sending"]

    def show(*words: str) -> list[dict[str, Any]]:
        out = cli("log", "show", *words, "--json", "--settings", settings).out
        return [json.loads(line) for line in out.splitlines()]

    assert show() == events(log)
    assert {event["run"] for event in show("--run", first[:8])} == {first}
    assert {event["run"] for event in show("--run", "last")} == {second}
    assert {event["call"] for event in show("--item", calls[0]) if "call" in event} == {calls[0]}
    assert {event["level"] for event in show("--level", "warning")} == {"warning"}
    assert show("--since", "1h") == events(log)
    assert show("--since", "2099-01-01T00:00") == []


def test_the_last_run_is_not_a_look_at_it(cli: Cli, settings: str, log: Path) -> None:
    """After a failure somebody runs doctor; the last run is still the one that failed."""
    cli(*GRANT, "nobody@contoso.example", "--settings", settings)
    (failed,) = {event["run"] for event in events(log)}
    cli("doctor", "--settings", settings)
    cli("log", "show", "--settings", settings)

    shown = cli("log", "show", "--run", "last", "--json", "--settings", settings).out
    assert {json.loads(line)["run"] for line in shown.splitlines()} == {failed}


def test_the_help_says_what_json_is(cli: Cli) -> None:
    """Not one document, as of other commands, but lines."""
    assert "one JSON document" not in cli("log", "show", "--help").out


def test_what_there_is_not(cli: Cli, settings: str, log: Path) -> None:
    """No log yet, no such run, and a moment that is none are each said."""
    assert "There is no log" in cli("log", "show", "--settings", settings).out
    missing = cli("log", "show", "--file", str(log.with_name("nowhere.jsonl")), "--settings", settings)
    assert missing.code == 2
    assert "nowhere.jsonl" in missing.err
    assert cli("log", "show", "--run", "last", "--settings", settings).code == 2
    wrong = cli("log", "show", "--since", "yesterday", "--settings", settings)

    assert wrong.code == 2
    assert "'yesterday' is no moment" in wrong.err


def test_an_error_that_ends_a_command_is_in_its_log(cli: Cli, agent: Agent, settings: str, log: Path) -> None:
    """With its code, its remedy, and what lay below it, so that a log alone tells why nothing was done."""
    agent.simulator.faults.add("Enumerate=status:503")
    assert cli("group", "list", "--settings", settings).code == 3

    (failed,) = [event for event in events(log) if event["event"] == "command failed"]
    assert failed["level"] == "error"
    assert failed["problem"]["code"] == "agent-protocol"
    assert failed["problem"]["remedy"]
    assert failed["causes"][0].startswith("pypsrp.exceptions.")


def test_the_level_of_the_file_is_an_option(cli: Cli, settings: str, log: Path) -> None:
    """--log-level debug has the round trips in the file and not on the console; it never wakes pypsrp's own loggers."""
    quiet = cli("group", "list", "--settings", settings, "--log-level", "debug")

    assert "round trip" in {event["event"] for event in events(log)}
    assert "round trip" not in quiet.err
    assert not any(
        logging.getLogger(name).isEnabledFor(logging.INFO) for name in ("pypsrp", "pypsrp.wsman", "urllib3", "requests")
    )


def test_a_log_without_names(cli: Cli, settings: str, log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """[log] personal_data = "hash": what is logged of a call names nobody, in the file and on the console."""
    monkeypatch.setenv("EXO_BRIDGE_LOG__PERSONAL_DATA", "hash")
    monkeypatch.setattr(platformdirs, "user_data_dir", lambda *_, **__: str(log.parent / "data"))
    said = cli(*GRANT, ALEX, "--settings", settings, "-v")

    assert said.code == 0
    for text in (said.err, log.read_text("utf-8")):
        assert "Reading the group '#" in text
        assert not any(name in text for name in ("alex", "Alex", "staff@", "All Staff"))


@pytest.mark.skipif(os.name == "nt", reason="Windows has one")
def test_the_event_log_is_not_there(cli: Cli, settings: str, log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Elsewhere than on Windows the setting is told to do nothing, and the action is done."""
    monkeypatch.setenv("EXO_BRIDGE_LOG__EVENT_LOG", "true")
    said = cli("group", "list", "--settings", settings)

    assert said.code == 0
    assert "event log not written" in said.err
