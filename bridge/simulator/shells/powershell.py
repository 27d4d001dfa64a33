"""A shell with a real PowerShell behind it: its PSRP bytes pass, unread, to PowerShell's own server over stdio.

``pwsh -s`` (``powershell.exe -s``) takes one XML element a line and answers in the same way. Rules, from PowerShell's
OutOfProcServerMediator.cs and OutOfProcTransportManager.cs:

- An id in an element is in lower case; all zeros mean the pool.
- Each line is handled on a thread of its own, so order holds only across answers: the first Data of a pipeline waits
  for CommandAck, and each further Data with the same id, and its Signal or Close, for the DataAck of the one before.
- The Close of the pool blocks until every pipeline was closed, those that have ended too.
- It knows no Disconnect and no Connect: both are played here. Who connects gets what the pool said when it was opened.
- An empty line, or the end of its input, ends the process.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import re
import subprocess
import threading
import uuid
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bridge.simulator.shells import psrp
from bridge.simulator.shells.outbox import BufferedShell, Outbox
from bridge.simulator.shells.process import kill_group, resident_bytes, start, streams
from bridge.simulator.wsman_fault import ABORTED, WsmanFault, aborted, command_not_found, timed_out

_POOL = uuid.UUID(int=0)
_ACK_SECONDS = 30.0
_CLOSE_SECONDS = 5.0
_STDERR_LINES = 20
_LINE = re.compile(rb"<(\w+)\b[^>]*?PSGuid='([0-9a-fA-F-]{36})'[^>]*?(?:/>|>([^<]*)</\1>)")
_RUNSPACES = re.compile(rb'"MinRunspaces">(\d+)<.*?"MaxRunspaces">(\d+)<', re.DOTALL)
# Stopped, completed or failed.
_ENDED = re.compile(rb'N="PipelineState">[345]<')
# What the pool says when it opens, and what a new client is told again; the last two with its first Receive.
_REPLAYED = (psrp.APPLICATION_PRIVATE_DATA, psrp.RUNSPACEPOOL_STATE)
_KEPT = (psrp.SESSION_CAPABILITY, *_REPLAYED)


def server_command(powershell: str) -> list[str]:
    """The command line that makes a PowerShell (its path) a server on its standard streams."""
    return [powershell, "-NoLogo", "-NoProfile", "-s"]


@dataclass
class _Message:
    """A message of which not all fragments have come. Of most only the head is kept."""

    fragments: list[bytes] = field(default_factory=list)
    content: bytes = b""


class PowerShellShell(BufferedShell):
    """One process ``argv``, with ``environment`` added to the environment of this one.

    Raises WsmanFault when the process cannot be started. ``process_id`` is the process's. The process does not outlive
    ``close`` or ``kill``.
    """

    def __init__(
        self,
        argv: Sequence[str],
        environment: Mapping[str, str],
        *,
        shell_id: str,
        owner: str,
        resource_uri: str,
        name: str,
        idle_timeout: float,
    ) -> None:
        super().__init__(
            shell_id=shell_id, owner=owner, resource_uri=resource_uri, name=name, idle_timeout=idle_timeout
        )
        try:
            self._process = start(argv, environment)
        except OSError as error:
            raise WsmanFault(
                ABORTED,
                "w:InternalError",
                f"The PowerShell {argv[0]} could not be started: {error.strerror}. ",
                is_sender=False,
            ) from error
        self.process_id = self._process.pid
        self._stdin, self._stdout, self._stderr = streams(self._process)
        self._writing = threading.Lock()
        self._acks: dict[tuple[str, uuid.UUID], threading.Event] = {}
        # Data that waits for the DataAck of the one before, by id; an id is here while an answer is outstanding.
        self._waiting: dict[uuid.UUID, deque[tuple[str, bytes]]] = {}
        self._partial: dict[uuid.UUID | None, _Message] = {}
        self._said: dict[int, bytes] = {}
        self._runspaces = (1, 1)
        self._unclosed: set[uuid.UUID] = set()
        self._last_words: deque[str] = deque(maxlen=_STDERR_LINES)
        self._has_ended = False
        self._is_ended_by_us = False
        self._ending = threading.Lock()
        # Daemons, since on Windows a program that a script left behind can hold the pipes open.
        self._threads = [
            threading.Thread(target=self._read_answers, name=f"powershell-{self.process_id}-stdout", daemon=True),
            threading.Thread(target=self._read_stderr, name=f"powershell-{self.process_id}-stderr", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    # What the front asks

    def feed(self, data: bytes, pipeline_id: uuid.UUID | None = None, stream: str = "Default") -> None:
        """PSRP fragments for the pool or for a pipeline; ``stream`` is ``Default`` or ``PromptResponse``.

        Raises WsmanFault when the process has ended or there is no such pipeline.
        """
        target = pipeline_id or _POOL
        with self._changed:
            if self.closed:
                raise self._ended()
            if pipeline_id is not None and pipeline_id not in self._unclosed:
                raise command_not_found()
            if pipeline_id is None and (numbers := _RUNSPACES.search(data)):
                self._runspaces = int(numbers[1]), int(numbers[2])
            if target in self._waiting:
                self._waiting[target].append((stream, data))
                return
            self._waiting[target] = deque()
        self._send_data(target, stream, data)

    def command(self, pipeline_id: uuid.UUID, data: bytes) -> None:
        """Start a pipeline; ``data`` holds the first fragments of its CREATE_PIPELINE. Raises WsmanFault."""
        with self._changed:
            self._open_outbox(pipeline_id)
            self._unclosed.add(pipeline_id)
        try:
            self._ask("Command", pipeline_id)
            self.feed(data, pipeline_id)
        except WsmanFault:
            self._forget(pipeline_id)
            raise

    def signal(self, pipeline_id: uuid.UUID, code: str) -> None:
        """Stop (``.../ctrl_c``) or terminate (``.../Terminate``) a pipeline. Raises WsmanFault."""
        with self._changed:
            if pipeline_id not in self._unclosed:
                raise command_not_found()
            # A Signal that overtakes what starts the pipeline would be lost.
            self._changed.wait_for(lambda: self.closed or pipeline_id not in self._waiting, _ACK_SECONDS)
            terminate = code.lower().endswith("/terminate")
            if terminate:
                self._unclosed.discard(pipeline_id)
        if not terminate:
            self._ask("Signal", pipeline_id)
            return
        try:
            self._ask("Close", pipeline_id)
        finally:
            self._forget(pipeline_id)

    def connect(self, data: bytes, client_session: str) -> bytes:  # noqa: ARG002 - what the client says is not needed
        """A new client takes over; the answer is for connectResponseXml.

        Raises WsmanFault while a client is connected, or when the pool was not opened yet.
        """
        with self._changed:
            self._refuse_second_client()
            if not all(kind in self._said for kind in _KEPT):
                raise aborted()
            self.reconnect(client_session)
            self._outboxes[None].replace(b"".join(self._said[kind] for kind in _REPLAYED))
            least, most = self._runspaces
            numbers = f'<I32 N="MinRunspaces">{least}</I32><I32 N="MaxRunspaces">{most}</I32>'
            return self._said[psrp.SESSION_CAPABILITY] + psrp.message_to_client(
                psrp.RUNSPACEPOOL_INIT_DATA, uuid.UUID(self.id), f'<Obj RefId="0"><MS>{numbers}</MS></Obj>'
            )

    def memory_bytes(self) -> int | None:
        """What its process takes up; None where the system does not tell."""
        return resident_bytes(self.process_id)

    def kill(self) -> None:
        """End the process at once, as a crash would; the shell is then closed."""
        self._is_ended_by_us = True
        self._process.kill()
        self._end()

    def close(self) -> None:
        """Close the pipelines and the pool, then end the process, by force after a few seconds. Does not raise."""
        with self._changed:
            has_process, unclosed = not self._has_ended and not self._is_ended_by_us, list(self._unclosed)
            self._is_ended_by_us = True
            self._unclosed.clear()
            self._mark_closed()
        if has_process:
            with contextlib.suppress(WsmanFault):
                for target in (*unclosed, _POOL):
                    self._ask("Close", target, _CLOSE_SECONDS)
        self._end()

    # To the process

    def _send(self, line: str) -> None:
        try:
            with self._writing:
                self._stdin.write(line.encode("ascii") + b"\n")
                self._stdin.flush()
        except (OSError, ValueError):
            # Its pipe is broken, or was closed here; who reads its output may not have noticed yet.
            self._mark_closed()
            raise self._ended() from None

    def _send_data(self, target: uuid.UUID, stream: str, data: bytes) -> None:
        text = base64.b64encode(data).decode("ascii")
        self._send(f"<Data Stream='{stream}' PSGuid='{target}'>{text}</Data>")

    def _ask(self, verb: str, target: uuid.UUID, seconds: float = _ACK_SECONDS) -> None:
        """Send one element and wait for its Ack. Raises WsmanFault when there is none in time."""
        key = verb + "Ack", target
        answered = threading.Event()
        with self._changed:
            if self._has_ended:
                raise self._ended()
            self._acks[key] = answered
        try:
            self._send(f"<{verb} PSGuid='{target}' />")
            if not answered.wait(seconds):
                raise timed_out()
        finally:
            with self._changed:
                self._acks.pop(key, None)
        if self._has_ended:
            raise self._ended()

    def _open_outbox(self, pipeline_id: uuid.UUID) -> None:
        if self.closed:
            raise self._ended()
        self._outboxes[pipeline_id] = Outbox()

    def _forget(self, pipeline_id: uuid.UUID) -> None:
        with self._changed:
            self._unclosed.discard(pipeline_id)
            self._outboxes.pop(pipeline_id, None)
            self._waiting.pop(pipeline_id, None)
            self._partial.pop(pipeline_id, None)
            self._changed.notify_all()

    # From the process

    def _read_answers(self) -> None:
        for line in self._stdout:
            if (element := _LINE.match(line.strip())) is not None:
                with contextlib.suppress(ValueError, binascii.Error, WsmanFault):
                    self._answer(element[1].decode(), uuid.UUID(element[2].decode()), element[3] or b"")
        with self._changed:
            self._has_ended = True
            self._mark_closed()
            for answered in self._acks.values():
                answered.set()

    def _answer(self, verb: str, target: uuid.UUID, content: bytes) -> None:
        """One element; anything but these is none of ours."""
        if verb == "Data":
            self._wait_for_room()
            self._keep(None if target == _POOL else target, base64.b64decode(content, validate=True))
        elif verb == "DataAck":
            with self._changed:
                waiting = self._waiting.get(target)
                following = waiting.popleft() if waiting else None
                if following is None:
                    self._waiting.pop(target, None)
                    self._changed.notify_all()
            if following is not None:
                self._send_data(target, *following)
        else:
            with self._changed:
                if (answered := self._acks.get((verb, target))) is not None:
                    answered.set()

    def _keep(self, target: uuid.UUID | None, data: bytes) -> None:
        with self._changed:
            outbox = self._outboxes.get(target)
            if outbox is None or self.closed:
                return
            outbox.add(data)
            for fragment in psrp.fragments(data):
                self._look_at(target, fragment)
            self._changed.notify_all()

    def _look_at(self, target: uuid.UUID | None, fragment: psrp.Fragment) -> None:
        """See when a pipeline ends, and remember what the pool says. Lock held."""
        message = self._partial.setdefault(target, _Message())
        kind = psrp.message_type(message.content or fragment.blob)
        if kind == psrp.PIPELINE_STATE or not message.content:
            message.content += fragment.blob
        if target is None and kind in _KEPT:
            message.fragments.append(fragment.whole)
        if not fragment.is_last:
            return
        del self._partial[target]
        if target is None and kind in _KEPT:
            self._said[kind] = b"".join(message.fragments)
        elif target is not None and kind == psrp.PIPELINE_STATE and _ENDED.search(message.content):
            self._outboxes[target].done = True

    def _read_stderr(self) -> None:
        for line in self._stderr:
            self._last_words.append(line.decode("utf-8", "replace").rstrip())

    # The end

    def _ended(self) -> WsmanFault:
        """Aborted; with what the process said last, when it ended by itself with an error."""
        if self._is_ended_by_us:
            return aborted()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(1)
        self._threads[1].join(1)
        code, words = self._process.returncode, " ".join(filter(None, self._last_words))
        if not code or not words:
            return aborted()
        text = f"The PowerShell behind the shell ended with exit code {code}: {words} "
        return WsmanFault(ABORTED, "w:InternalError", text, is_sender=False)

    def _end(self) -> None:
        """End the process, its threads and pipes. Once is enough, more often does no harm."""
        with self._ending:
            self._mark_closed()
            with contextlib.suppress(OSError, ValueError):
                self._stdin.close()
            try:
                self._process.wait(_CLOSE_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            kill_group(self.process_id)
            for thread, pipe in zip(self._threads, (self._stdout, self._stderr), strict=True):
                thread.join(_CLOSE_SECONDS)
                if not thread.is_alive():
                    pipe.close()
