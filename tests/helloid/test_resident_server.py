"""Who comes to the resident process, and what each is told: in turn, in time, and nobody can hold up the others."""

from __future__ import annotations

import gc
import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from bridge.helloid.resident import lines, server
from bridge.helloid.resident.channel import connect, listen
from bridge.helloid.resident.client import Refused, ask
from bridge.helloid.resident.lines import Lines
from bridge.helloid.resident.server import End, Server
from tests.helloid.resident import LIMIT, own_address


class Echo:
    """Answers with what it was asked; ``slow`` requests are held until ``go``."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.begun = threading.Event()
        self.asked: list[dict[str, Any]] = []
        self.threads: set[int] = set()
        self.rests = 0

    def refusal(self, settings: str) -> tuple[str, str] | None:
        """It serves who names no settings."""
        return ("settings-differ", "other settings") if settings else None

    def answer(self, document: bytes) -> bytes:
        """On several lines."""
        given = json.loads(document)
        self.asked.append(given)
        self.threads.add(threading.get_ident())
        self.begun.set()
        if given.get("slow"):
            assert self.go.wait(LIMIT)
        return json.dumps({"done": given["name"], "text": given.get("text")}, indent=1).encode()

    def busy(self, document: bytes) -> bytes:
        """The name again."""
        return json.dumps({"busy": json.loads(document)["name"]}).encode()

    def rest(self) -> None:
        """Counted."""
        self.rests += 1


class Running:
    """A server in a thread, and how it ended."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.echo = Echo()
        self.told: list[tuple[str, str]] = []
        self.changed = False
        self.halted = False
        self.end: End | None = None
        self._server = Server(
            listen(address),
            self.echo,
            default_seconds=LIMIT,
            changed=lambda: self.changed,
            listener=self._listen,
        )

    def _listen(self, event: str, /, **facts: Any) -> None:
        self.told.append((event, str(facts.get("reason", ""))))

    def run(self, idle_end: float) -> None:
        """Serve until it ends."""
        self.end = self._server.run(lambda: self.halted, idle_end)

    def ask(self, seconds: float = LIMIT, **given: Any) -> dict[str, Any]:
        """The answer to a request."""
        answer: dict[str, Any] = json.loads(ask(self.address, json.dumps(given).encode(), seconds))
        return answer


@contextmanager
def running(idle_end: float = LIMIT) -> Iterator[Running]:
    """A server that is ended afterwards."""
    with own_address() as address:
        resident = Running(address)
        thread = threading.Thread(target=resident.run, args=(idle_end,))
        thread.start()
        try:
            yield resident
        finally:
            resident.halted = True
            resident.echo.go.set()
            thread.join()


def test_a_request_is_answered_on_one_line() -> None:
    """An answer comes back whole, whatever it holds, and a second request goes over the same connection."""
    text = 'Zoë "the \u2028 line"\r\nO\'Brien \U0001f600 \ud800'
    with running() as resident:
        connection = connect(resident.address, LIMIT)
        both = Lines(connection)
        for name in ("first", "second"):
            both.write(json.dumps({"name": name, "text": text}).encode(), LIMIT)
            assert json.loads(both.read(LIMIT)) == {"done": name, "text": text}
        connection.close()


def test_those_who_come_at_once_are_answered_one_after_the_other() -> None:
    """Ten clients at once all get their own answer, and one thread did all the work."""
    with running() as resident, ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda number: resident.ask(name=number)["done"], range(10)))
        assert answers == list(range(10))
        assert len(resident.echo.threads) == 1


def test_the_time_of_a_request_counts_from_its_arrival() -> None:
    """One that waited for another gets what is left of its time, not all of it."""
    with running() as resident, ThreadPoolExecutor(2) as pool:
        slow = pool.submit(resident.ask, name="slow", slow=True, deadline=30)
        assert resident.echo.begun.wait(LIMIT)
        waiting = pool.submit(resident.ask, name="waiting", deadline=40)
        time.sleep(0.3)
        resident.echo.go.set()
        assert (slow.result()["done"], waiting.result()["done"]) == ("slow", "waiting")
        assert resident.echo.asked[1]["deadline"] < 39.9


def test_a_request_whose_time_is_up_before_its_turn_is_not_begun() -> None:
    """It is told so while the other one is still under way, and never reaches who answers."""
    with running() as resident, ThreadPoolExecutor(2) as pool:
        slow = pool.submit(resident.ask, name="slow", slow=True)
        assert resident.echo.begun.wait(LIMIT)
        assert resident.ask(name="late", deadline=0.8) == {"busy": "late"}
        assert not slow.done()
        resident.echo.go.set()
        slow.result()
        assert resident.ask(name="next") == {"done": "next", "text": None}
        assert [given["name"] for given in resident.echo.asked] == ["slow", "next"]
        assert ("request not begun", "its time was up before its turn") in resident.told


def test_a_request_whose_client_is_gone_is_not_begun() -> None:
    """Nobody would learn how it ended, and HelloID may have sent it again by then."""
    with running() as resident, ThreadPoolExecutor(1) as pool:
        slow = pool.submit(resident.ask, name="slow", slow=True)
        assert resident.echo.begun.wait(LIMIT)
        connection = connect(resident.address, LIMIT)
        Lines(connection).write(b'{"name": "gone"}', LIMIT)
        time.sleep(0.5)  # until it stands in line; one that is not read yet is not begun either
        connection.close()
        resident.echo.go.set()
        slow.result()
        resident.ask(name="next")
        assert [given["name"] for given in resident.echo.asked] == ["slow", "next"]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (b"garbage", "no JSON"),
        (b"\xff\xfe{\x00}\x00", "no JSON"),
        (b"[" * 100_000, "nested"),
        (b'["a list"]', "no JSON object"),
        (b'{"name": 1, "deadline": "soon"}', "deadline"),
        (b'{"name": 1, "Deadline": 0}', "deadline"),
        (b'{"name": 1, "deadline": NaN}', "deadline"),
        (b'{"name": 1, "settings": ["a"]}', "settings"),
    ],
)
def test_what_is_no_request_is_refused(line: bytes, told: str) -> None:
    """Garbage is told to be that, and the next client is served."""
    with running() as resident:
        with pytest.raises(Refused, match=told) as refused:
            ask(resident.address, line, LIMIT)
        assert refused.value.code == "bad-request"
        assert resident.ask(name="next")["done"] == "next"


def test_no_depth_of_nesting_ends_the_process() -> None:
    """About where Python itself gives up (1000) as elsewhere: a request is answered or refused, and the next served."""
    # What is collected at that depth has no room to be finalized in: it is to be none of another test's.
    gc.collect()
    with running() as resident:
        for depth in range(940, 1010, 5):
            with suppress(Refused):
                ask(resident.address, b'{"name": "deep", "x": ' + b"[" * depth + b"]" * depth + b"}", LIMIT)
        assert resident.ask(name="next")["done"] == "next"


def test_a_request_for_other_settings_is_refused() -> None:
    """Whoever serves decides it, by the path alone and before the request stands in line."""
    with running() as resident:
        with pytest.raises(Refused) as refused:
            resident.ask(name="other", Settings="/other.toml")
        assert refused.value.code == "settings-differ"
        assert not resident.echo.asked


def test_a_request_that_is_too_long_is_refused() -> None:
    """Its client is told so, and the next one is served."""
    with running() as resident:
        with pytest.raises(Refused) as refused:
            ask(resident.address, b" " * (lines.LARGEST_REQUEST + 1), LIMIT)
        assert refused.value.code == "too-large"
        assert resident.ask(name="next")["done"] == "next"


@pytest.mark.parametrize("said", [b"", b'{"name": "half'])
def test_a_client_that_says_nothing_whole_is_given_up(said: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Silence and half a line end the connection, and others are served meanwhile."""
    monkeypatch.setattr(server, "SILENT_SECONDS", 0.3)
    with running() as resident:
        connection = connect(resident.address, LIMIT)
        connection.send(said, LIMIT)
        assert resident.ask(name="other")["done"] == "other"
        assert connection.receive(100, LIMIT) == b""
        connection.close()
        assert [given["name"] for given in resident.echo.asked] == ["other"]


def test_it_ends_when_nothing_comes() -> None:
    """After its idle time nobody is served any more, and what is idle in between is told again and again."""
    with running(idle_end=0.5) as resident:
        resident.ask(name="first")
        until = time.monotonic() + LIMIT
        while resident.end is None and time.monotonic() < until:
            time.sleep(0.05)
        assert resident.end is End.IDLE
        assert resident.echo.rests > 1
        with pytest.raises((FileNotFoundError, ConnectionRefusedError)):
            resident.ask(name="late")


def test_after_an_upgrade_a_request_is_refused_and_the_process_ends() -> None:
    """What was begun is finished; what waits may go on by itself."""
    with running() as resident, ThreadPoolExecutor(2) as pool:
        slow = pool.submit(resident.ask, name="slow", slow=True)
        assert resident.echo.begun.wait(LIMIT)
        waiting = pool.submit(resident.ask, name="waiting")
        time.sleep(0.3)
        resident.changed = True
        resident.echo.go.set()
        assert slow.result()["done"] == "slow"
        with pytest.raises(Refused) as refused:
            waiting.result()
        assert refused.value.code == "ending"
    assert resident.end is End.CHANGED


def test_one_that_is_told_to_end_answers_what_is_under_way() -> None:
    """The answer still goes out, and what waits is refused."""
    with running() as resident, ThreadPoolExecutor(2) as pool:
        slow = pool.submit(resident.ask, name="slow", slow=True)
        assert resident.echo.begun.wait(LIMIT)
        waiting = pool.submit(resident.ask, name="waiting")
        time.sleep(0.3)
        resident.halted = True
        resident.echo.go.set()
        assert slow.result()["done"] == "slow"
        with pytest.raises(Refused):
            waiting.result()
    assert resident.end is End.ASKED
