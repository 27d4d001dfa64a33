"""Answers requests in turn, in one thread, while others are let in and wait.

Rules:

- A request's time counts from its arrival. One whose time is up before its turn is answered as not sent; one whose
  client is gone by then is not begun, because nobody would learn how it ended.
- What is refused was not begun, so its client may go on with a process of its own. A request that was begun and has
  no answer, because the process ends, gets none: what became of it is in the journal.
- A client that is silent, slow or says what is no request is given up after seconds, in a thread of its own.

A refusal is ``{"refused": {"code", "message"}}``, with one of these codes:

    bad-request      it is no JSON object, or its deadline is no number
    too-large        the line is too long
    settings-differ  it is for another settings file
    ending           the process ends: it was idle, was told to, or starts anew after an upgrade
"""

from __future__ import annotations

import contextlib
import json
import math
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from bridge.helloid.resident.channel import Channel, Connection
from bridge.helloid.resident.lines import Lines, TooLargeError
from bridge.model import Listener

SILENT_SECONDS = 5.0
"""How long a client may take to say one whole line, and how long one may say nothing after an answer."""
_WRITE_SECONDS = 30.0
_POLL_SECONDS = 0.1
_LOOK_EVERY = 2.0  # seconds
_END_SECONDS = 2.0
_MOST_CLIENTS = 64
"""Who comes beyond these waits to be let in, and may give up with nothing said."""
_LONGEST_DEADLINE = 3600.0
_MARGIN = 0.5
"""Seconds before a request's time is up at which it is answered as not sent."""


class Answering(Protocol):
    """What the server serves."""

    def refusal(self, settings: str) -> tuple[str, str] | None:
        """The code and message for a request of this settings file ("" for none named), None when it is served."""

    def answer(self, document: bytes) -> bytes:
        """The answer to a request, whose deadline is what is left now. Called in the server's own thread.

        Raises Interrupted: how it ended is not known.
        """

    def busy(self, document: bytes) -> bytes:
        """The answer to a request whose time was up before its turn. Called in any thread."""

    def rest(self) -> None:
        """Called again and again while there is nothing to answer, and before each request; in the server's thread."""


class End(StrEnum):
    """Why the server ended."""

    ASKED = "asked"
    IDLE = "idle"
    CHANGED = "changed"


@dataclass
class _Request:
    """One that waits: ``text`` is its JSON without a deadline, ``until`` when its time is up (monotonic).

    ``taken`` says that it was begun or given up.
    """

    text: str
    until: float
    connection: Connection
    lock: threading.Lock = field(default_factory=threading.Lock)
    taken: bool = False
    ended: threading.Event = field(default_factory=threading.Event)
    answer: bytes | None = None

    def take(self) -> bool:
        """Whether it is the caller's: the first that asks has it."""
        with self.lock:
            taken, self.taken = self.taken, True
            return not taken

    def end(self, answer: bytes | None) -> None:
        """Give it its answer; None for no answer."""
        self.answer = answer
        self.ended.set()

    def document(self) -> bytes:
        """The request with what is left of its time."""
        left = round(max(self.until - time.monotonic(), 0.001), 3)
        others = self.text[1:-1]
        return f'{{"deadline": {left}{", " if others else ""}{others}}}'.encode()


class Server:
    """One channel and who answers what comes over it.

    ``default_seconds`` is how long the answer may take where a request does not say. ``changed`` says whether what
    runs here is not any more what is installed; it is asked before each request.
    """

    def __init__(
        self,
        channel: Channel,
        answering: Answering,
        *,
        default_seconds: float,
        changed: Callable[[], bool],
        listener: Listener,
    ) -> None:
        self._channel = channel
        self._answering = answering
        self._default = default_seconds
        self._changed = changed
        self._listener = listener
        self._requests: queue.SimpleQueue[_Request] = queue.SimpleQueue()
        self._is_ending = False
        self._failure: OSError | None = None
        self._clients: set[threading.Thread] = set()

    def run(self, halt: Callable[[], bool], idle_end: float) -> End:
        """Answer until ``halt`` says so, nothing came for ``idle_end`` seconds, or the installation changed.

        The channel is closed afterwards. Raises Interrupted, and OSError where nobody can be let in any more.
        """
        letting_in = threading.Thread(target=self._let_in, daemon=True, name="resident-accept")
        letting_in.start()
        try:
            return self._answer_in_turn(halt, idle_end)
        finally:
            self._is_ending = True
            letting_in.join(_END_SECONDS)
            self._end()

    # --- in turn

    def _answer_in_turn(self, halt: Callable[[], bool], idle_end: float) -> End:
        last = looked = time.monotonic()
        while not halt():
            if self._failure is not None:
                raise self._failure
            self._answering.rest()
            request = self._next()
            now = time.monotonic()
            if request is not None or now - looked >= _LOOK_EVERY:
                looked = now
                if self._changed():
                    if request is not None and request.take():
                        request.end(_refused("ending", "The process starts anew, for what is installed now."))
                    return End.CHANGED
            if request is not None:
                self._serve(request)
                last = time.monotonic()
            elif now - last >= idle_end:
                return End.IDLE
        return End.ASKED

    def _next(self) -> _Request | None:
        try:
            return self._requests.get(timeout=_POLL_SECONDS)
        except queue.Empty:
            return None

    def _serve(self, request: _Request) -> None:
        if not request.take():
            self._listener("request not begun", reason="its time was up before its turn")
            return
        if request.connection.is_gone():
            self._listener("request not begun", reason="its client is gone")
            request.end(None)
            return
        start = time.monotonic()
        answer = None
        try:
            # Somebody may have come into line for the runspace while the last one was answered.
            self._answering.rest()
            answer = self._answering.answer(request.document())
        finally:
            request.end(answer)
        self._listener("request answered", seconds=round(time.monotonic() - start, 3))

    def _end(self) -> None:
        self._channel.close()
        until = time.monotonic() + _END_SECONDS
        while (request := self._next_left()) is not None:
            if request.take():
                request.end(_ENDING)
        for client in list(self._clients):
            client.join(max(0.0, until - time.monotonic()))

    def _next_left(self) -> _Request | None:
        try:
            return self._requests.get_nowait()
        except queue.Empty:
            return None

    # --- who comes

    def _let_in(self) -> None:
        while not self._is_ending:
            if len(self._clients) >= _MOST_CLIENTS:
                time.sleep(_POLL_SECONDS)
                continue
            try:
                connection = self._channel.accept(_POLL_SECONDS)
            except OSError as error:
                self._failure = error
                return
            if connection is None:
                continue
            client = threading.Thread(target=self._attend, args=(connection,), daemon=True, name="resident-client")
            self._clients.add(client)
            client.start()

    def _attend(self, connection: Connection) -> None:
        lines = Lines(connection)
        try:
            while line := lines.read(SILENT_SECONDS):
                answer = self._answer_to(line, connection)
                if answer is None:
                    break
                lines.write(answer, _WRITE_SECONDS)
        except TooLargeError:
            self._say_last(lines, _refused("too-large", "The request is too long."))
        except OSError:
            pass  # it is gone, or too slow; nobody is there to be told
        finally:
            connection.close()
            self._clients.discard(threading.current_thread())

    def _answer_to(self, line: bytes, connection: Connection) -> bytes | None:
        try:
            text, settings, seconds = _heading(line, self._default)
        except _NoRequestError as error:
            return _refused("bad-request", f"This is no request: {error}.")
        refusal = self._answering.refusal(settings)
        if refusal is not None:
            return _refused(*refusal)
        request = _Request(text, time.monotonic() + seconds, connection)
        self._requests.put(request)
        if self._is_ending and request.take():
            return _ENDING
        if not request.ended.wait(max(0.0, seconds - _MARGIN)) and request.take():
            return self._answering.busy(line)
        request.ended.wait()
        return request.answer

    def _say_last(self, lines: Lines, answer: bytes) -> None:
        try:
            lines.write(answer, SILENT_SECONDS)
        except OSError:
            return


class _NoRequestError(Exception):
    """A line holds no request; its text says why."""


def _heading(line: bytes, default: float) -> tuple[str, str, float]:
    """What a line holds as JSON, without its deadline; its settings file; and how many seconds it has.

    Raises _NoRequestError. The letter case of a key does not count, as in ``envelope.py``.
    """
    try:
        given = json.loads(line.decode("utf-8-sig"))
        if not isinstance(given, dict):
            raise _NoRequestError("it is no JSON object")
        named = {name.lower(): name for name in given}
        settings = given.get(named.get("settings", "")) or ""
        seconds = given.pop(named.get("deadline", ""), None)
        text = json.dumps(given)
    except RecursionError:
        raise _NoRequestError("it is nested too deeply") from None
    except ValueError:
        raise _NoRequestError("it is no JSON in UTF-8") from None
    if not isinstance(settings, str):
        raise _NoRequestError("its settings are no path")
    return text, settings, _seconds(default if seconds is None else seconds)


def _seconds(given: Any) -> float:
    """A deadline as a number, which may come as text. Raises _NoRequestError."""
    seconds = math.nan
    if isinstance(given, str | int | float) and not isinstance(given, bool):
        with contextlib.suppress(ValueError, OverflowError):
            seconds = float(given)
    if not 0 < seconds <= _LONGEST_DEADLINE:
        raise _NoRequestError("its deadline is no number of seconds")
    return seconds


def _refused(code: str, message: str) -> bytes:
    return json.dumps({"refused": {"code": code, "message": message}}).encode()


_ENDING = _refused("ending", "The process ends.")
