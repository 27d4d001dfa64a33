"""Injected faults as an unmodified pypsrp meets them, what was done all the same, and the line in the wire log."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
import requests
from pypsrp.exceptions import AuthenticationError, WinRMError, WinRMTransportError, WSManFaultError
from pypsrp.powershell import PowerShell, RunspacePool

from tests.simulator.front_agent import BIG, front_agent, run

UNREADABLE = ET.ParseError
BROKEN = requests.exceptions.ConnectionError


def fault_code(error: Exception) -> int | None:
    """The code of a WSMan fault."""
    return error.code if isinstance(error, WSManFaultError) else None


@pytest.mark.parametrize(
    ("fault", "error", "code", "done"),
    [
        ("Command=reset", BROKEN, None, False),
        ("Command=close", BROKEN, None, False),
        ("Command=lost", BROKEN, None, True),
        ("Command=close@after", BROKEN, None, True),
        ("Command=garbage", WinRMError, None, False),
        ("Command=garbage@after", WinRMError, None, True),
        ("Command=truncated", UNREADABLE, None, False),
        ("Command=truncated@after", UNREADABLE, None, True),
        ("Command=empty", UNREADABLE, None, False),
        ("Command=status:503", WSManFaultError, None, False),
        ("Command=401", AuthenticationError, None, False),
        ("Command=fault:2150858815", WSManFaultError, 2150858815, False),
        ("Command=fault:2150858793@after", WSManFaultError, 2150858793, True),
        ("Command=shell-gone", WSManFaultError, 2150858843, False),
        ("Command=kill", WSManFaultError, 2150858843, False),
        ("Receive=reset", BROKEN, None, None),
        ("Receive=fault:995", WSManFaultError, 995, None),
        ("Receive=shell-gone", WSManFaultError, 2150858843, None),
        ("Receive=kill", WSManFaultError, 995, None),
    ],
)
def test_a_fault_is_what_the_client_meets(
    fault: str, error: type[Exception], code: int | None, done: bool | None, tmp_path: Path
) -> None:
    """The exception is the one that pypsrp is known to raise; ``done`` says whether the script ran (None: it may)."""
    log = tmp_path / "wire.jsonl"
    with front_agent(wire_log=log) as agent, agent.client() as wsman:
        pool = RunspacePool(wsman)
        pool.open()
        agent.server.faults.add(fault)
        powershell = PowerShell(pool)
        powershell.add_script("echo").add_parameter("Value", 1)
        with pytest.raises(error) as raised:
            powershell.invoke()
        assert not done or agent.words.running.wait(20)
    assert fault_code(raised.value) == code
    assert done is not False or agent.words.ran == []
    (line,) = [line for line in map(json.loads, log.read_text().splitlines()) if line["injected"]]
    assert line["action"] == fault.partition("=")[0]
    assert line["injected"] == fault.partition("=")[2]


@pytest.mark.parametrize(
    ("fault", "error", "code"),
    [
        ("Create=reset", BROKEN, None),
        ("Create=quota", WSManFaultError, 2150859173),
        ("Create=status:503", WSManFaultError, None),
        ("Create=401", AuthenticationError, None),
        ("Receive=kill", WSManFaultError, 995),
    ],
)
def test_a_fault_while_the_pool_is_opened(fault: str, error: type[Exception], code: int | None) -> None:
    """Given at the start of the agent."""
    with front_agent(faults=(fault,)) as agent, agent.client() as wsman:
        with pytest.raises(error) as raised:
            RunspacePool(wsman).open()
        assert fault_code(raised.value) == code


def test_a_fault_that_the_client_swallows() -> None:
    """No output yet: pypsrp asks again as often as it takes."""
    with front_agent() as agent, agent.client() as wsman, RunspacePool(wsman) as pool:
        agent.server.faults.add("Receive*3=fault:2150858793")
        assert run(pool, "echo", 1) == [1]


def test_a_receive_that_is_repeated_gets_the_same_again() -> None:
    """Its answer came too late, so pypsrp sends it again with the same MessageID: nothing is missing or doubled."""
    with (
        front_agent() as agent,
        agent.client(operation_timeout=1, read_timeout=1) as wsman,
        RunspacePool(wsman) as pool,
    ):
        agent.server.faults.add("Receive=hang:1.5@after")
        assert run(pool, "echo", BIG[:50_000]) == [BIG[:50_000]]


def test_an_answer_that_does_not_come_in_time() -> None:
    """A Command is not sent a second time, although it was run."""
    with front_agent() as agent, agent.client(read_timeout=1) as wsman, RunspacePool(wsman) as pool:
        # The agent does not wait for it when it stops.
        agent.server.faults.add("Command=hang:600@after")
        with pytest.raises(requests.exceptions.ReadTimeout):
            run(pool, "echo", 1)
        assert agent.words.running.wait(20)
        assert agent.words.ran == ["echo"]


@pytest.mark.parametrize("fault", ["Command=truncated", "Command=garbage", "Command=fault:5"])
def test_an_encrypted_connection_goes_on_after_a_fault(fault: str) -> None:
    """What a proxy says is not encrypted; what the agent says is."""
    with front_agent("ntlm") as agent, agent.client(auth="ntlm") as wsman, RunspacePool(wsman) as pool:
        agent.server.faults.add(fault)
        with pytest.raises((WinRMError, ET.ParseError)):
            run(pool, "echo", 1)
        assert run(pool, "echo", 2) == [2]


def test_an_encrypted_connection_that_was_closed_is_lost() -> None:
    """The client logs on anew and sends what was encrypted for the old connection, which the agent cannot read."""
    with front_agent("ntlm") as agent, agent.client(auth="ntlm") as wsman:
        pool = RunspacePool(wsman)
        pool.open()
        agent.server.close_connections()
        with pytest.raises(WinRMTransportError) as raised:
            run(pool, "echo", 1)
        assert raised.value.code == 400


def test_a_connection_that_was_closed_is_opened_again() -> None:
    """Without encryption nobody notices."""
    with front_agent() as agent, agent.client() as wsman, RunspacePool(wsman) as pool:
        agent.server.close_connections()
        assert run(pool, "echo", 1) == [1]


def test_the_wire_log_has_every_exchange_and_nothing_of_what_was_said(tmp_path: Path) -> None:
    """Action, status, fault, sizes, time, shell and command; no script, no value, no password."""
    log = tmp_path / "wire.jsonl"
    with front_agent("ntlm", wire_log=log) as agent, agent.client(auth="ntlm") as wsman, RunspacePool(wsman) as pool:
        assert run(pool, "echo", "canary") == ["canary"]
        shell_id = str(pool.id).upper()
        # It is there as soon as the client has its answer.
        assert [json.loads(line)["action"] for line in log.read_text().splitlines()][-1] == "Signal"
    text = log.read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    actions = [line["action"] for line in lines if line["action"] != "log-on"]
    assert actions[0] == "Create"
    assert actions[-4:] == ["Command", "Receive", "Signal", "Delete"]
    assert {line["shell"] for line in lines if line["action"] != "log-on"} == {shell_id}
    assert {line["status"] for line in lines if line["action"] == "log-on"} == {401, 200}
    (command,) = [line for line in lines if line["action"] == "Command"]
    assert command["command"]
    assert command["request_bytes"] > 1000
    assert command["response_bytes"] > 500
    assert command["milliseconds"] >= 0
    assert command["fault"] == 0
    assert "canary" not in text
    assert "echo" not in text
