"""What the log tells of one action, for each way in which it can end: every event, whole."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bridge.actions import ACTIONS
from bridge.logs import LogObserver, configure
from bridge.runner import run_call
from tests.agent import Agent, running_agent

STAFF, JANE = "staff@contoso.example", "jane.doe@contoso.example"
JANE_ID, STAFF_ID = "1a4fabbf-bf88-5049-98cb-f4d95edf05dd", "bdba5976-0614-5e03-80a3-7ede540dcbe6"
SCRIPT = "group/Grant-GroupMember.ps1"
# What is another one each time. It is compared where it stands twice: the pipeline's id is the call's.
MADE = ("time", "seconds", "runspace", "sha256")


@pytest.fixture
def agent() -> Iterator[Agent]:
    """An agent with the demo organization."""
    with running_agent("contract") as agent:
        yield agent


def story(agent: Agent, folder: Path, group: str, *, fault: str = "") -> list[dict[str, Any]]:
    """The events of one grant, from its sending on, without what is another one each time."""
    file = folder / "log.jsonl"
    log = configure(file=file, run="r1", stream=io.StringIO())
    (call,) = ACTIONS["group.grant"].calls({"group": group, "member": JANE})
    with agent.session(listener=log.listen) as session:
        session.open()
        if fault:
            agent.simulator.faults.add(fault)
        run_call(call, session, [LogObserver(log)])
    log.close()
    events = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    first = next(number for number, event in enumerate(events) if event["event"] == "sending")
    told = []
    for event in events[first:]:
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", event["time"])
        assert event["runspace"] == events[0]["runspace"]
        assert event.pop("call", call.id) == call.id
        assert event.pop("pipeline", call.id).replace("-", "") == call.id
        told.append({name: value for name, value in event.items() if name not in MADE})
    return told


def about(level: str, event: str, **facts: Any) -> dict[str, Any]:
    """An event of the call."""
    return {"level": level, "event": event, "run": "r1", "action": "group.grant", "script": SCRIPT, **facts}


SENT = {"level": "info", "event": "script sent", "run": "r1", "script": SCRIPT}
LEFT = {"level": "info", "event": "runspace disconnected", "run": "r1", "idle_timeout": 300}


def sending(group: str) -> dict[str, Any]:
    """That the call is about to be sent."""
    return about("info", "sending", parameters={"group": group, "member": JANE}, dry_run=False)


READING = about("info", "verbose", message=f"Reading the group '{STAFF}'.")
ADDING = about("info", "verbose", message="Adding 'Jane Doe' to the group 'All Staff'.")


def finished(status: str, reason: str, *, was: bool) -> dict[str, Any]:
    """How the call ended, when an answer came."""
    who = {"member_id": JANE_ID, "member_name": "Jane Doe"}
    return about(
        "info",
        "finished",
        status=status,
        reason=reason,
        identity={"id": STAFF_ID, "name": "All Staff"},
        before={**who, "is_member": was},
        after={**who, "is_member": True},
    )


def test_changed_and_unchanged(agent: Agent, tmp_path: Path) -> None:
    """What was asked, what was sent, each Exchange call, and the verdict with the state before and after."""
    told = story(agent, tmp_path, STAFF)
    assert told == [sending(STAFF), SENT, READING, ADDING, finished("changed", "member added", was=False), LEFT]
    (tmp_path / "log.jsonl").unlink()
    told = story(agent, tmp_path, STAFF)
    assert told == [sending(STAFF), SENT, READING, ADDING, finished("unchanged", "already a member", was=True), LEFT]


def test_failed(agent: Agent, tmp_path: Path) -> None:
    """The error as it came, and the problem with its code and remedy."""
    message = "There is no distribution group or mail-enabled security group 'nobody@contoso.example'."
    problem = {
        "code": "object-not-found",
        "message": message,
        "remedy": "Check the spelling. A new object can take a minute to be visible in Exchange.",
        "error_type": "",
        "error_id": "Bridge.NotFound",
        "retry": False,
        "category": "ObjectNotFound",
        "position": "",
        "request_id": "",
    }
    assert story(agent, tmp_path, "nobody@contoso.example") == [
        sending("nobody@contoso.example"),
        SENT,
        about("info", "verbose", message="Reading the group 'nobody@contoso.example'."),
        about("warning", "error", message=message),
        about("warning", "finished", status="failed", problem=problem),
        LEFT,
    ]


def test_unknown(agent: Agent, tmp_path: Path) -> None:
    """The shell was gone before the answer: the log says that nobody knows, why, and what to look at."""
    *told, last = story(agent, tmp_path, STAFF, fault="Receive=shell-gone")
    problem = told[-1].pop("problem")
    assert told == [
        sending(STAFF),
        SENT,
        about(
            "warning",
            "finished",
            status="unknown",
            reason="sent, and the answer was lost: it may or may not have been made",
        ),
    ]
    assert (problem["code"], problem["retry"]) == ("runspace-lost", False)
    assert "2150858843" in problem["message"]
    assert "Look at" in problem["remedy"]
    assert last["event"] == "runspace not disconnected"
