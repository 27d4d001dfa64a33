"""Waiting for the agent where the system wakes no call for a signal, as on Windows."""

from __future__ import annotations

import contextvars
import signal
import sys
import threading
import time
from typing import Any

import pytest

from bridge.errors import Interrupted
from bridge.model import Status
from bridge.session import interruptible
from tests.agent import running_agent
from tests.session.test_real_life import find, grant

NAME: contextvars.ContextVar[str] = contextvars.ContextVar("NAME", default="nobody")


@pytest.fixture(autouse=True)
def is_deaf(monkeypatch: pytest.MonkeyPatch) -> None:
    """A system on which the main thread hears no signal while it waits for a socket."""
    monkeypatch.setattr(interruptible, "_IS_DEAF", True)


def test_a_call_gives_and_raises_what_it_would() -> None:
    """Its result, its error, and in its thread what the caller has set."""
    NAME.set("somebody")
    assert interruptible.interruptible(lambda: (NAME.get(), threading.current_thread().name)) == (
        "somebody",
        "exchange",
    )
    with pytest.raises(ZeroDivisionError):
        interruptible.interruptible(lambda: 1 // 0)


def test_a_session_works_as_always() -> None:
    """With message encryption too, whose keys belong to one connection."""
    with running_agent("contract", auth="ntlm") as agent, agent.session() as session:
        session.open()
        assert grant(session).status is Status.CHANGED
        assert find(session).problem is None


if sys.platform != "win32":  # where a signal is sent to a thread in another way

    @pytest.mark.parametrize("auth", ["basic", "ntlm"])
    def test_ctrl_c_stops_what_runs_while_the_agent_is_silent(auth: Any) -> None:
        """At once, the pipeline is stopped on a connection of its own, and the late answer spoils nothing."""
        with running_agent("contract", auth=auth) as agent, agent.session() as session:
            session.open()
            agent.simulator.faults.add("Receive=hang:3@after")
            main = threading.main_thread().ident
            assert main is not None
            timer = threading.Timer(0.5, signal.pthread_kill, (main, signal.SIGINT))
            start = time.monotonic()
            timer.start()
            with pytest.raises(Interrupted) as raised:
                grant(session)
            timer.join()
            # It was not waited for; how fast that is is no matter of this test.
            assert time.monotonic() - start < 3
            (outcome,) = raised.value.outcomes
            done = agent.changes()
            assert outcome.status in ((Status.CHANGED, Status.UNKNOWN) if done else (Status.FAILED, Status.UNKNOWN))
            time.sleep(3)
            assert find(session).problem is None
