"""``exo-bridge helloid``: whatever comes in, one document comes out, and what is wrong stands in its audit."""

from __future__ import annotations

import io
import json
import os
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bridge.cli import main
from bridge.errors import Interrupted
from bridge.helloid import service
from bridge.helloid.answer import Answer, AuditLine
from bridge.helloid.desk import time_to_work
from bridge.journal import JournalReader, default_path
from tests.agent import Agent, running_agent
from tests.helloid.requests import GONE, JANE, JANE_ID, v1, v2

DISABLE = v2("disable", "account", JANE_ID, Data={"HiddenFromAddressListsEnabled": "true"})
Ask = Callable[..., tuple[int, Any]]


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]) -> Ask:
    """The command with this on standard input: its exit code, and the one document that it printed."""

    def run(document: Any, *options: str) -> tuple[int, Any]:
        raw = document if isinstance(document, bytes) else json.dumps(document).encode()
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(raw)))
        capfdbinary.readouterr()
        code = main(["helloid", *options])
        printed = capfdbinary.readouterr().out
        assert printed.isascii()
        assert printed.endswith(b"\n")
        assert printed.count(b"\n") == 1
        return code, json.loads(printed)

    return run


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Agent]:
    """An agent, reached by the settings in ``settings.toml``."""
    with running_agent("contract") as agent:
        agent.simulator.write_settings(tmp_path / "settings.toml")
        yield agent


def message(answer: Any) -> str:
    """The one line of the audit, which is an error."""
    (line,) = answer["AuditLogs"]
    assert (answer["Success"], line["IsError"]) == (False, True)
    return str(line["Message"])


@pytest.mark.parametrize(
    ("document", "wrong"),
    [
        (b"", "nothing came on standard input"),
        (b" \r\n", "nothing came on standard input"),
        (b"not JSON", "is not JSON: Expecting value, line 1, column 1"),
        (b'{"deadline": NaN}', "NaN is no number"),
        (b"[]", "is not a JSON object"),
        (b'"text"', "is not a JSON object"),
        (b"[" * 200_000, "is nested too deeply"),
        (b'{"x": ' + b"1" * 5_000 + b"}", "a number in it is too long"),
        (b'{"contract": "v2\xff"}', "is not UTF-8: byte 17 cannot be read"),
        ({"contract": "v3", "action": "grant", "target": "groups"}, "contract: Input should be 'v1' or 'v2'"),
        ({"contract": "v2", "action": "dance", "target": "groups"}, "action: Input should be"),
        ({"contract": "v2", "action": "grant"}, "target: Field required"),
        ({**DISABLE, "actionContext": ["a"]}, "actionContext: Input should be"),
        ({**DISABLE, "actionContext": {"DryRun": "perhaps"}}, "actionContext.DryRun: Input should be a valid boolean"),
        ({**DISABLE, "deadline": "soon"}, "deadline: Input should be a valid number"),
        ({**DISABLE, "deadline": 0}, "deadline: Input should be greater than 0"),
        (v2("create", "regional"), "There is no create for regional"),
        (v2("disable", "account", "the account of Jane"), "The account reference *is none that this connector stored"),
        (v2("grant", "groups", JANE_ID, ["x"]), "The permission reference *is none that this connector stored"),
        (v2("subpermissions", "groups", JANE_ID, {"Reference": "dg"}, Operation="dance"), "There is no operation"),
    ],
)
def test_a_wrong_document(ask: Ask, document: Any, wrong: str) -> None:
    """It is answered with what is wrong, and exit code 2; no settings are needed for that."""
    code, answer = ask(document)

    assert code == 2
    start, _, rest = wrong.partition("*")
    assert start in message(answer)
    assert rest in message(answer)
    assert message(answer).endswith("[usage]")


def test_a_large_document_with_a_byte_order_mark(ask: Ask, agent: Agent, tmp_path: Path) -> None:
    """Ten megabytes of a person that nobody reads are no hindrance."""
    document = {**DISABLE, "settings": str(tmp_path / "settings.toml"), "personContext": {"Person": {"x": "é" * 10**7}}}
    code, answer = ask(b"\xef\xbb\xbf" + json.dumps(document, ensure_ascii=False).encode())

    assert (code, answer["Success"]) == (0, True)
    assert agent.changes() == ["Set-Mailbox"]


def test_a_document_that_is_too_large(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is a limit, and what is beyond it is not kept in memory."""
    monkeypatch.setattr("bridge.helloid.envelope.MAX_BYTES", 2**20)
    code, answer = ask({**DISABLE, "personContext": {"Person": {"x": "y" * 2**20}}})

    assert code == 2
    assert "is longer than 1 MB" in message(answer)


def test_settings_of_the_command_line_count_before_those_of_the_request(ask: Ask, agent: Agent, tmp_path: Path) -> None:
    """The administrator who wrote the command decides."""
    code, _ = ask({**DISABLE, "settings": "/nowhere/other.toml"}, "--settings", str(tmp_path / "settings.toml"))

    assert code == 0
    assert agent.changes() == ["Set-Mailbox"]


def test_a_dry_run_of_the_command_line(ask: Ask, agent: Agent, tmp_path: Path) -> None:
    """Whoever tries the command with --dry-run changes nothing, whatever the request says."""
    code, answer = ask(DISABLE, "--dry-run", "--settings", str(tmp_path / "settings.toml"))

    assert (code, answer["Success"], agent.changes()) == (0, True, [])
    assert answer["AuditLogs"][0]["Message"].startswith("Would hide the account")


def test_settings_that_are_not_there(ask: Ask) -> None:
    """The request was right, so the exit code is 0; the audit says what is wrong."""
    code, answer = ask({**DISABLE, "settings": "/nowhere/settings.toml"})

    assert code == 0
    assert "/nowhere/settings.toml" in message(answer)
    assert answer["AuditLogs"][0]["Action"] == "DisableAccount"


def test_an_agent_that_cannot_be_reached(ask: Ask, agent: Agent, tmp_path: Path) -> None:
    """Nothing was sent, and that is what is told, with what to do."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    code, answer = ask(DISABLE, *with_agent(agent, tmp_path, port=port))

    assert code == 0
    assert message(answer).startswith(f"Failed to hide the account {JANE_ID} from the address lists. There is no")
    assert message(answer).endswith("[agent-unreachable]")


def test_a_log_on_that_is_refused(ask: Ask, agent: Agent, tmp_path: Path) -> None:
    """The password of the settings is wrong: it is told, and the password is not."""
    code, answer = ask(DISABLE, *with_agent(agent, tmp_path, password="Wr0ng-Secret"))

    assert code == 0
    assert message(answer).endswith("[agent-logon-refused]")
    assert "Wr0ng-Secret" not in json.dumps(answer)


def test_a_journal_that_cannot_be_written(ask: Ask, agent: Agent, tmp_path: Path) -> None:
    """Nothing is sent then."""
    (tmp_path / "journal").mkdir()
    file = tmp_path / "settings.toml"
    file.write_text(file.read_text("utf-8") + f'\n[journal]\npath = "{(tmp_path / "journal").as_posix()}"\n', "utf-8")
    code, answer = ask(DISABLE, "--settings", str(file))

    assert code == 0
    assert "[journal-not-written]" in message(answer)
    assert agent.changes() == []


def test_an_error_that_nobody_foresaw(ask: Ask, agent: Agent, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told without its text, which may hold anything, and its traceback is in the log."""

    def broken(*_: object) -> None:
        raise RuntimeError("S3cret of somebody")

    monkeypatch.setattr(service, "_handler_of", lambda _task: broken)
    log = tmp_path / "log.jsonl"
    code, answer = ask(DISABLE, "--settings", str(tmp_path / "settings.toml"), "--log-file", str(log))

    assert code == 0
    assert agent.changes() == []
    assert message(answer).startswith("Something went wrong that exo-bridge did not foresee (RuntimeError).")
    assert "S3cret" not in json.dumps(answer)
    assert "in broken" in log.read_text("utf-8")


def test_a_signal_in_the_middle(ask: Ask, agent: Agent, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was done until then is told, and that the rest was not; the exit code says that it was stopped."""

    def stopped(_task: object, _exchange: object, _settings: object, answer: Answer) -> None:
        answer.audit.append(AuditLine("Granted the first right."))
        raise Interrupted("Stopped while a call was running.")

    monkeypatch.setattr(service, "_handler_of", lambda _task: stopped)
    code, answer = ask(DISABLE, "--settings", str(tmp_path / "settings.toml"))

    assert (code, answer["Success"], agent.changes()) == (130, False, [])
    assert [line["IsError"] for line in answer["AuditLogs"]] == [False, True]


def test_secrets_of_the_connector_are_not_used_and_not_told(ask: Ask, agent: Agent, tmp_path: Path) -> None:
    """What stands in HelloID's configuration reaches neither the answer nor the log nor the journal."""
    log = tmp_path / "log.jsonl"
    secrets = {"AppSecret": "S3cret-1", "Password": "S3cret-2", "AppCertificateBase64String": "S3cret-3"}
    context = {**DISABLE["actionContext"], "Configuration": secrets}
    options = ("--settings", str(tmp_path / "settings.toml"), "--log-file", str(log), "--log-level", "debug")
    code, answer = ask({**DISABLE, "actionContext": context, "configuration": secrets}, *options)

    assert (code, answer["Success"]) == (0, True)
    assert agent.changes() == ["Set-Mailbox"]
    written = [
        path.read_bytes()
        for path in (*tmp_path.rglob("*"), *Path(os.environ["XDG_DATA_HOME"]).rglob("*"))
        if path.is_file()
    ]
    assert len(written) > 2
    assert not any(b"S3cret-" in one for one in written)


def test_the_journal_says_who_asked(ask: Ask, agent: Agent, tmp_path: Path) -> None:
    """The run is of the kind helloid, and names the contract, the step and the target; a dry run leaves no run."""
    options = ("--settings", str(tmp_path / "settings.toml"))
    ask({**DISABLE, "actionContext": {**DISABLE["actionContext"], "DryRun": True}}, *options)
    ask(DISABLE, *options)
    assert agent.changes() == ["Set-Mailbox"]
    with JournalReader(default_path()) as journal:
        (run,) = journal.runs()

    assert (run.facts.kind, run.facts.command, run.ended) == ("helloid", "helloid v2 disable account", "done")


def test_the_time_is_up_before_anything_was_sent(ask: Ask, tmp_path: Path) -> None:
    """An agent that does not answer is given up in time, and the change is told as not made."""
    with running_agent("contract", faults=("Any**=hang:20",)) as agent:
        agent.simulator.write_settings(tmp_path / "settings.toml")
        code, answer = ask({**DISABLE, "deadline": 3}, "--settings", str(tmp_path / "settings.toml"))

    assert code == 0
    assert message(answer).startswith("Failed to hide the account")
    assert agent.changes() == []


def test_the_time_is_up_while_a_change_runs(ask: Ask, tmp_path: Path) -> None:
    """It may or may not have been made, and that is what is told; the rest is not sent."""
    with running_agent("contract", faults=("Command#2=hang:20@after",)) as agent:
        agent.simulator.write_settings(tmp_path / "settings.toml")
        request = v2("update", "account", JANE_ID, Data={"Office": "A1", "EmailAddresses": ["smtp:j2@contoso.example"]})
        code, answer = ask({**request, "deadline": 4}, "--settings", str(tmp_path / "settings.toml"))

    assert code == 0
    assert answer["Success"] is False
    first, second = (line["Message"] for line in answer["AuditLogs"])
    assert first.startswith(f"It may or may not have been made: set Office of the account {JANE_ID}.")
    assert second.startswith(f"Failed to set the addresses of the account {JANE_ID}.")
    assert agent.changes() == ["Set-Mailbox"]


def test_time_to_work() -> None:
    """A part of the time is kept for the end, and there is always some to begin with."""
    assert time_to_work(25) == 22
    assert time_to_work(25, 20) == 2
    assert time_to_work(3) == 2
    assert time_to_work(5, 60) > 0


def test_a_simulated_organization_is_asked_too(ask: Ask) -> None:
    """With --simulate nothing else is needed; version 1 gets its own shape."""
    person = {"Accounts": {"MicrosoftActiveDirectory": {"userPrincipalName": JANE}}}
    code, answer = ask(v1("create", "user", person=person), "--simulate", "--engine", "contract")
    missing = ask(
        v2("delete", "account", GONE, Data={"AutoReplyState": "Disabled"}), "--simulate", "--engine", "contract"
    )

    assert (code, answer["AccountReference"]) == (0, {"Guid": JANE_ID, "UserPrincipalName": JANE})
    assert missing[1]["Success"] is True


def with_agent(agent: Agent, folder: Path, **keys: Any) -> tuple[str, str]:
    """The option for settings in which these keys of [agent] are others."""
    values = agent.simulator.settings()
    values["agent"] |= keys
    lines = [
        f"[{name}]\n" + "".join(f"{key} = {json.dumps(one)}\n" for key, one in values[name].items()) for name in values
    ]
    file = folder / "other.toml"
    file.write_text("\n".join(lines), "utf-8")
    return "--settings", str(file)
