"""What a process of this machine that died had on the agent is taken over at once, with what it had sent."""

from __future__ import annotations

import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bridge.actions import ACTIONS
from bridge.model import Call, Status
from bridge.outcomes import outcome_of
from bridge.runner import run_call
from bridge.scripts import ScriptFolder
from bridge.session import Session
from bridge.settings import load_settings
from bridge.simulator.tenant import Throttle
from tests.agent import Agent
from tests.batch.crash import DEADLY

SCRIPT = "mailbox/Set-MailboxAttribute.ps1"
GONE = '{"shell": "' + "0" * 8 + '", "session": "y", "batch": "z"}'
IDS = [f"{number:032x}" for number in range(1, 61)]


def change(text: str, call_id: str = "") -> Call:
    """A call that writes this value to a mailbox."""
    given = {"mailbox": "info@contoso.example", "set": [f"CustomAttribute1={text}"]}
    (call,) = ACTIONS["mailbox.set"].calls(given)
    return replace(call, id=call_id or call.id)


def die() -> None:
    """End this process as kill -9 does."""
    os.kill(os.getpid(), DEADLY)


def die_in_a_batch(settings: dict[str, Any], ids: list[str], answers: int) -> None:
    """Send calls in a batch, and die after some answers, while the agent has more than one of them."""
    with Session(load_settings(overrides=settings, environ={}).settings, ScriptFolder(None)) as session:
        session.open()
        batch = session.batch([SCRIPT], lambda *_: None)

        def calls() -> Iterator[Call]:
            for number, one in enumerate(ids):
                if number > answers and batch.on_their_way > 1:
                    die()
                yield change(str(number), one)

        for _ in batch.answers(calls()):
            pass


def die_in_a_call(settings: dict[str, Any], ids: list[str], _answers: int) -> None:
    """Die while a call runs."""

    def on_record(_record: object) -> None:
        die()

    with Session(load_settings(overrides=settings, environ={}).settings, ScriptFolder(None)) as session:
        session.open()
        call = change("0")
        session.run(call.script, call.parameters, on_record, call_id=ids[0])


def died(agent: Agent, work: Callable[..., None], ids: list[str], answers: int = 0) -> None:
    """Do this in a process that dies of it. Exchange is slow enough for calls to wait while one runs."""
    agent.simulator.tenant.throttle = Throttle(every=1, seconds=0.02)
    process = multiprocessing.get_context("spawn").Process(target=work, args=(agent.simulator.settings(), ids, answers))
    process.start()
    process.join(120)
    assert process.exitcode == -DEADLY if sys.platform != "win32" else process.exitcode == DEADLY


def values(agent: Agent) -> list[str]:
    """What was written to the mailbox, in order."""
    return [record.parameters["CustomAttribute1"] for record in agent.records if record.changed]


@pytest.fixture(autouse=True)
def _own_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The line of these processes is nobody else's."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path))


def test_a_batch_is_taken_over(agent: Agent) -> None:
    """What was sent comes to its end once, in order, and the answers that nobody got are there."""
    died(agent, die_in_a_batch, IDS, 10)
    (shell,) = agent.simulator.shells()
    with agent.session(on_exit="close") as session:
        begun = time.monotonic()
        assert session.open(left=[change(str(number), one) for number, one in enumerate(IDS)]).runspace == "taken over"
        assert time.monotonic() - begun < agent.settings().agent.abandoned_after
        assert [one.id for one in agent.simulator.shells()] == [shell.id]
        assert shell.pipelines() == []
        got = [answer.call.id for answer in session.left_answers]
        made = values(agent)
        assert made == [str(number) for number in range(len(made))]
        assert got
        assert got == IDS[len(made) - len(got) : len(made)]
        for answer in session.left_answers:
            assert outcome_of(answer.call, answer.reply, answer.seconds).status is Status.CHANGED
        assert run_call(change("after"), session).status is Status.CHANGED
    assert agent.logons() == 1


def test_a_batch_that_nobody_asks_for_is_ended(agent: Agent) -> None:
    """Whoever comes next, for whatever: what waits for input is ended, and nothing more of it is done."""
    died(agent, die_in_a_batch, IDS, 10)
    with agent.session(on_exit="close") as session:
        assert session.open().runspace == "taken over"
        before = values(agent)
        assert run_call(change("after"), session).status is Status.CHANGED
        assert values(agent) == [*before, "after"]


def test_what_another_machine_left_is_not_waited_for_for_ever(
    agent: Agent, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nobody here has word of what still waits in a runspace, it is replaced after a time."""
    died(agent, die_in_a_batch, IDS, 10)
    (shell,) = agent.simulator.shells()
    shell.disconnect()
    for name in ("XDG_STATE_HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(tmp_path / "another"))
    monkeypatch.setattr("bridge.session.session._OWN_SECONDS", 2.0)
    with agent.session(on_exit="close") as session:
        assert session.open().runspace == "new"
        assert run_call(change("after"), session).status is Status.CHANGED
    assert values(agent)[-1] == "after"
    assert agent.simulator.shells() == []


def test_a_call_comes_to_its_end(agent: Agent) -> None:
    """The runspace of a process that died while a call ran is used at once, after that call."""
    died(agent, die_in_a_call, ["1" * 32])
    with agent.session(on_exit="close") as session:
        assert session.open().runspace == "taken over"
        assert run_call(change("after"), session).status is Status.CHANGED
    assert values(agent)[-1] == "after"
    assert agent.logons() == 1


@pytest.mark.parametrize("note", ["", "{", "[]", '{"shell": 1, "session": null}', GONE])
def test_word_that_is_of_no_use(contract: Agent, tmp_path: Path, note: str) -> None:
    """A note that was cut off, or that names a shell which is gone, keeps nobody from opening a runspace."""
    with contract.session(on_exit="close") as session:
        session.open()
        (lines,) = (tmp_path / "exo-bridge" / "lines").iterdir()
    (lines / "left.json").write_text(note, "ascii")
    with contract.session(on_exit="close") as session:
        assert session.open().runspace == "new"


def test_nobody_else_takes_over_what_is_alive(contract: Agent, tmp_path: Path) -> None:
    """A shell that its client left in order belongs to nobody: there is no word of it."""
    with contract.session() as session:
        session.open()
        (lines,) = (tmp_path / "exo-bridge" / "lines").iterdir()
        assert (lines / "left.json").exists()
    assert not (lines / "left.json").exists()
