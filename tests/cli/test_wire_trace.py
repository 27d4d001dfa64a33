"""``--trace-wire``: the conversation with the agent, decoded."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

from tests.agent import Agent
from tests.cli.conftest import Cli


def traced(file: Path) -> list[dict[str, Any]]:
    """The lines of a trace."""
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


def test_both_directions_are_decoded(cli: Cli, settings: str, tmp_path: Path) -> None:
    """What was asked and what Exchange answered can be read, behind a warning; each request has its answer."""
    file = tmp_path / "deep" / "wire.jsonl"
    said = cli(
        "account", "find", "--user", "jane.doe@contoso.example", "--settings", settings, "--trace-wire", str(file)
    )

    assert said.code == 0
    assert "Look at the file before you give it away" in said.err
    found = traced(file)
    assert [line["direction"] for line in found] == ["sent", "received"] * (len(found) // 2)
    messages = [(line["wsman"], one["type"], one["data"]) for line in found for one in line["messages"]]
    (asked,) = [data for wsman, kind, data in messages if kind == "CREATE_PIPELINE" and "Find-Account" in data]
    assert "jane.doe@contoso.example" in asked
    assert any(kind == "PIPELINE_OUTPUT" and "Jane Doe" in data for _, kind, data in messages)
    assert {data for _, kind, data in messages if kind == "ENCRYPTED_SESSION_KEY"} == {"********"}
    assert not any("bytes)" not in line["envelope"] for line in found if line["messages"])
    if os.name != "nt":
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_what_went_wrong_is_there(cli: Cli, agent: Agent, settings: str, tmp_path: Path) -> None:
    """A request that got no answer, and one that was answered with an error."""
    file = tmp_path / "wire.jsonl"
    agent.simulator.faults.add("Enumerate=fault:5")
    assert cli("group", "list", "--settings", settings, "--trace-wire", str(file)).code == 3

    sent, received = traced(file)
    assert sent["wsman"] == "Enumerate"
    assert "WinRMTransportError" in received["error"]
    assert "Fault" in received["envelope"]


def test_a_trace_that_cannot_be_written_is_a_mistake(cli: Cli, settings: str, tmp_path: Path) -> None:
    """Whoever asks for it wants it: nothing is sent without."""
    blocked = tmp_path / "file"
    blocked.write_text("")
    refused = cli("group", "list", "--settings", settings, "--trace-wire", str(blocked / "wire.jsonl"))

    assert refused.code == 2
    assert "--trace-wire" in refused.err


def test_the_commands_about_sessions_are_traced_too(cli: Cli, settings: str, tmp_path: Path) -> None:
    """They ask the agent outside of a session."""
    file = tmp_path / "wire.jsonl"
    assert cli("session", "show", "--settings", settings, "--trace-wire", str(file)).code == 0

    assert [line["wsman"] for line in traced(file)[:2]] == ["Enumerate", "EnumerateResponse"]
