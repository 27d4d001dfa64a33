"""What a shell keeps for its client: the bytes that wait for Receive, and who is connected.

Rules, as Windows has them (and pypsrp needs them):

- There is one outbox for the pool and one for each pipeline. A Receive waits for bytes of its own.
- A Receive repeated with the same MessageID gets the same bytes again: its first answer may never have arrived.
- A newer Receive takes the place of an older one that still waits, which is aborted (fault 995); else bytes would go
  to a connection that nobody reads.
- When a pipeline has ended and the client has all its bytes, the pipeline is unknown to a further Receive.
- While no client is connected, output is kept up to KEPT_BYTES; then whoever writes has to wait. This is the
  OutputBufferingMode Block.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections import deque

from bridge.simulator.wsman_fault import WsmanFault, aborted, command_not_found, in_use, timed_out

KEPT_BYTES = 16 * 1024 * 1024


class Outbox:
    """The output of one target. The lock of its shell guards it."""

    def __init__(self) -> None:
        self.chunks: deque[bytes] = deque()
        self.size = 0
        # Nothing more will come.
        self.done = False
        # The client has everything, the end included.
        self.delivered = False
        # The number of the latest Receive, by which an older one that waits sees that it is not the latest.
        self.turn = 0
        self._message_id = ""
        self._answer: tuple[list[bytes], bool] = ([], False)

    def add(self, data: bytes) -> None:
        """Append one chunk of PSRP fragments."""
        self.chunks.append(data)
        self.size += len(data)

    def replace(self, data: bytes) -> None:
        """Drop what waits; ``data`` waits instead."""
        self.chunks.clear()
        self.size = 0
        self.add(data)

    def repeated(self, message_id: str) -> tuple[list[bytes], bool] | None:
        """The answer that this very message got before; None when it is a new one."""
        return self._answer if message_id and message_id == self._message_id else None

    def take(self, max_bytes: int, message_id: str) -> tuple[list[bytes], bool]:
        """Hand out chunks up to ``max_bytes`` in all, but one at least, and say whether they were the last."""
        taken: list[bytes] = []
        room = max_bytes
        while self.chunks and (not taken or len(self.chunks[0]) <= room):
            taken.append(self.chunks.popleft())
            room -= len(taken[-1])
            self.size -= len(taken[-1])
        self.delivered = self.done and not self.chunks
        self._message_id, self._answer = message_id, (taken, self.delivered)
        return self._answer


class BufferedShell:
    """The part of a shell that is the same whatever runs in it: attributes, outboxes, connected or not.

    Attributes and methods are those of ``Shell``. ``_changed`` guards all of them and is notified of every change.
    """

    def __init__(self, *, shell_id: str, owner: str, resource_uri: str, name: str, idle_timeout: float) -> None:
        self.id = shell_id.upper()
        self.owner = owner
        self.resource_uri = resource_uri
        self.name = name
        self.idle_timeout = idle_timeout
        self.client_session = ""
        self.connected = True
        self.closed = False
        self.born = self.used = time.monotonic()
        self._changed = threading.Condition(threading.RLock())
        self._outboxes: dict[uuid.UUID | None, Outbox] = {None: Outbox()}
        self._receiving = 0

    def receive(
        self, pipeline_id: uuid.UUID | None, timeout: float, max_bytes: int, message_id: str
    ) -> tuple[list[bytes], bool]:
        """Wait up to ``timeout`` seconds for output: chunks of fragments, and whether that was the last.

        The same ``message_id`` again gets the same answer again. Raises WsmanFault: timed out, aborted (disconnected,
        closed, ousted), or no such command.
        """
        with self._changed:
            outbox = self._outboxes.get(pipeline_id)
            if outbox is not None and (again := outbox.repeated(message_id)) is not None:
                return again
            if self.closed:
                raise self._ended()
            if outbox is None or outbox.delivered:
                raise command_not_found()
            outbox.turn += 1
            turn = outbox.turn
            self._receiving += 1
            self._changed.notify_all()
            try:
                has_come = self._changed.wait_for(
                    lambda: (
                        outbox.chunks
                        or outbox.done
                        or self.closed
                        or not self.connected
                        or outbox.turn != turn
                        # terminated meanwhile
                        or self._outboxes.get(pipeline_id) is not outbox
                    ),
                    timeout,
                )
            finally:
                self._receiving -= 1
            if self.closed:
                raise self._ended()
            if not self.connected or outbox.turn != turn or self._outboxes.get(pipeline_id) is not outbox:
                raise aborted()
            if not has_come:
                raise timed_out()
            answer = outbox.take(max_bytes, message_id)
            self._changed.notify_all()
            return answer

    def disconnect(self) -> None:
        """No client any more: waiting receives are aborted, output is kept."""
        with self._changed:
            self.connected = False
            self._changed.notify_all()

    def reconnect(self, client_session: str) -> None:
        """The same client is back."""
        with self._changed:
            self.connected = True
            self.client_session = client_session
            self._changed.notify_all()

    def pipelines(self) -> list[tuple[uuid.UUID, bool]]:
        """The pipelines whose output was not all handed out, and whether each still runs."""
        with self._changed:
            return [
                (target, not outbox.done)
                for target, outbox in self._outboxes.items()
                if target is not None and not outbox.delivered
            ]

    def busy(self) -> bool:
        """Whether a pipeline runs or a client waits for output."""
        with self._changed:
            return self._receiving > 0 or any(
                target is not None and not outbox.done for target, outbox in self._outboxes.items()
            )

    def memory_bytes(self) -> int | None:
        """Not known: there is no process of its own behind it."""
        return None

    def _refuse_second_client(self) -> None:
        """Raises WsmanFault when a client is connected, or when the shell is closed. Lock held."""
        if self.closed:
            raise self._ended()
        if self.connected:
            raise in_use()

    def _wait_for_room(self) -> None:
        """Wait while no client is connected and as much is kept as may be. Lock not held."""
        with self._changed:
            self._changed.wait_for(
                lambda: self.connected or self.closed or sum(box.size for box in self._outboxes.values()) < KEPT_BYTES
            )

    def _mark_closed(self) -> None:
        """Abort every wait; what was not handed out is lost."""
        with self._changed:
            self.closed = True
            self._changed.notify_all()

    def _ended(self) -> WsmanFault:
        """What a Receive gets when the shell has ended."""
        return aborted()
