"""What the log says, where, and what it never says."""

from __future__ import annotations

import base64
import io
import json
import logging
import urllib.parse
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.actions import ACTIONS
from bridge.logs import LogObserver, Redaction, configure
from bridge.model import Identity, Outcome, Problem, Record, Status


def lines(path: Path) -> list[dict[str, Any]]:
    """The events in a log file, without their times and without how long something took."""
    return [
        {key: value for key, value in json.loads(line).items() if key not in ("time", "seconds")}
        for line in path.read_text("utf-8").splitlines()
    ]


def test_one_call_in_the_file(tmp_path: Path) -> None:
    """Every line says which run, call, action, script and runspace it is about."""
    file = tmp_path / "deep" / "log.jsonl"
    log = configure(file=file, run="r1", stream=io.StringIO())
    observer = LogObserver(log)
    (call,) = ACTIONS["group.grant"].calls({"group": "staff", "member": "jane"})
    about = {"run": "r1", "runspace": "S1", "call": call.id, "action": "group.grant", "script": call.script}

    log.listen("runspace opened", runspace="S1")
    observer.sending(call)
    observer.record(call, Record("verbose", "Reading the group 'staff'."))
    observer.record(call, Record("progress", "50 %"))
    observer.finished(
        call,
        Outcome("group.grant", Status.CHANGED, call.parameters, reason="member added", identity=Identity("1", "Staff")),
    )
    log.close()

    assert lines(file) == [
        {"level": "info", "event": "runspace opened", "run": "r1", "runspace": "S1"},
        {
            "level": "info",
            "event": "sending",
            **about,
            "parameters": {"group": "staff", "member": "jane"},
            "dry_run": False,
        },
        {"level": "info", "event": "verbose", **about, "message": "Reading the group 'staff'."},
        {
            "level": "info",
            "event": "finished",
            **about,
            "status": "changed",
            "reason": "member added",
            "identity": {"id": "1", "name": "Staff"},
        },
    ]


def test_a_failure_is_a_warning_with_its_problem(tmp_path: Path) -> None:
    """The code, the sentence and the remedy; on the console with -v only, since the outcome says it too."""
    file = tmp_path / "log.jsonl"
    quiet, console = io.StringIO(), io.StringIO()
    (call,) = ACTIONS["group.list"].calls({})
    log = configure(stream=quiet)
    LogObserver(log).finished(call, Outcome("group.list", Status.FAILED, {}))
    log.close()
    log = configure(file=file, file_level="warning", verbosity=1, stream=console)

    LogObserver(log).sending(call)
    problem = Problem("throttled", "Slow down.", "Wait.", retry=True)
    LogObserver(log).finished(call, Outcome("group.list", Status.FAILED, {}, problem=problem))
    log.close()

    line = lines(file)[-1]
    assert (line["level"], line["status"], line["problem"]) == ("warning", "failed", vars(problem))
    assert "throttled" in console.getvalue()
    assert quiet.getvalue() == ""


@pytest.mark.parametrize(("verbosity", "shown"), [(0, {"w"}), (1, {"w", "i"}), (2, {"w", "i", "d"})])
def test_verbosity_decides_what_the_console_shows(verbosity: int, shown: set[str]) -> None:
    """Warnings always, what is done with -v, round trips with -vv."""
    console = io.StringIO()
    log = configure(verbosity=verbosity, stream=console)

    log.event("warning", message="w!")
    log.event("verbose", message="i!")
    log.event("round trip", action="d!")
    log.close()

    assert {mark for mark in "wid" if f"{mark}!" in console.getvalue()} == shown


def test_verbosity_reaches_the_file_too(tmp_path: Path) -> None:
    """What a person saw with -vv can be read again in the file."""
    file = tmp_path / "log.jsonl"
    log = configure(verbosity=2, file=file, stream=io.StringIO())
    log.event("round trip", action="Receive")
    log.close()

    assert [line["event"] for line in lines(file)] == ["round trip"]


@given(
    st.text(st.characters(codec="utf-8"), min_size=3, max_size=30),
    st.text(st.characters(codec="utf-8"), max_size=10),
)
def test_a_secret_is_hidden_however_it_is_written(secret: str, around: str) -> None:
    """Plain, JSON, URL, base64 of UTF-8 and of UTF-16, alone or within a longer text or a nested value."""
    redaction = Redaction([secret])
    forms = [
        secret,
        json.dumps(secret)[1:-1],
        urllib.parse.quote(secret, safe=""),
        base64.b64encode(secret.encode()).decode().rstrip("="),
        base64.b64encode(secret.encode("utf-16-le")).decode().rstrip("="),
    ]
    for form in forms:
        hidden = redaction.value({"a": [around + form + around, {"b": form}], "c": ValueError(form)})
        assert form not in (hidden["a"][1]["b"], hidden["c"]) or form in "********"
        assert hidden["a"][1]["b"] == "********"


def test_secrets_reach_neither_console_nor_file(tmp_path: Path) -> None:
    """Whatever the event, its name, its keys and its values are; a secret that comes later is hidden from then on."""
    file = tmp_path / "log.jsonl"
    console = io.StringIO()
    log = configure(verbosity=2, file=file, secrets=["CANARY-one"], stream=console)
    log.redaction.add("CANARY-two")

    facts: dict[str, Any] = {"CANARY-two": "x"}
    log.event("CANARY-one", **facts)
    log.event("verbose", message="a CANARY-one b", nested={"k": ["CANARY-two"]}, error=OSError("CANARY-one"))
    log.close()

    assert "CANARY" not in console.getvalue() + file.read_text("utf-8")
    assert len(lines(file)) == 2


def test_a_file_that_cannot_be_opened_is_said_and_no_more(tmp_path: Path) -> None:
    """The action goes on, and the console still works."""
    blocked = tmp_path / "file"
    blocked.write_text("")
    console = io.StringIO()
    log = configure(file=blocked / "log.jsonl", stream=console)
    log.event("warning", message="still here")
    log.close()

    assert log.file is None
    assert "log file not written" in console.getvalue()
    assert "still here" in console.getvalue()


def test_a_console_that_cannot_show_a_letter_shows_another() -> None:
    """An old code page must not stop anything."""
    raw = io.BytesIO()
    console = io.TextIOWrapper(raw, encoding="ascii")
    log = configure(stream=console)
    log.event("warning", message="caf\u00e9 \U0001f600")
    log.close()

    assert b"caf? ?" in raw.getvalue()


def test_pypsrp_stays_silent() -> None:
    """Its loggers print payloads at DEBUG: they stay at WARNING whatever the verbosity."""
    configure(verbosity=2, stream=io.StringIO()).close()

    assert all(
        not logging.getLogger(name).isEnabledFor(logging.INFO)
        for name in ("pypsrp.wsman", "pypsrp", "urllib3", "spnego")
    )


def test_a_name_from_exchange_makes_no_line_and_reaches_no_terminal() -> None:
    """What would begin a line, colour the terminal or turn the text is an escape on the console."""
    stream = io.StringIO()
    log = configure(verbosity=2, stream=stream)
    name = "x\n00:00:00 info finished \x1b[2J\x9b31m\u202e\u2028"
    log.event("verbose", message=f"Reading '{name}'.", group=name, names=[name])
    log.close()

    (line,) = stream.getvalue().splitlines()
    assert line.isprintable()
    assert "Reading 'x\\n00:00:00 info finished \\x1b[2J\\x9b31m\\u202e\\u2028'." in line


@pytest.mark.parametrize("event", ["command failed", "unforeseen error"])
def test_what_a_command_says_itself_is_not_on_its_console(event: str, tmp_path: Path) -> None:
    """The error that ends a command is told once, in its own words; the file has it, and the console with -v."""
    file, quiet, told = tmp_path / "log.jsonl", io.StringIO(), io.StringIO()
    for verbosity, console in ((0, quiet), (1, told)):
        log = configure(verbosity=verbosity, file=file, stream=console)
        log.event(event, level=logging.ERROR, causes=["urllib3.MaxRetryError: no"])
        log.close()

    assert quiet.getvalue() == ""
    assert event in told.getvalue()
    assert [line["event"] for line in lines(file)] == [event, event]
