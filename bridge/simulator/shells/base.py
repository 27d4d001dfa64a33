"""A shell of the simulated agent as the front sees it: PSRP bytes in, PSRP bytes out."""

from __future__ import annotations

import time
import uuid
from typing import Protocol


class Shell(Protocol):
    """One shell with one PowerShell behind it.

    The front sets and reads the plain attributes; ``id`` is upper case, times are ``time.monotonic()`` seconds.
    Every method is safe to call from several threads.
    """

    id: str
    owner: str
    resource_uri: str
    name: str
    idle_timeout: float
    client_session: str
    connected: bool
    closed: bool
    born: float
    used: float
    process_id: int

    def feed(self, data: bytes, pipeline_id: uuid.UUID | None = None, stream: str = "Default") -> None:
        """PSRP fragments for the pool or for a pipeline; ``stream`` is ``Default`` or ``PromptResponse``."""

    def command(self, pipeline_id: uuid.UUID, data: bytes) -> None:
        """Start a pipeline; ``data`` holds the first fragments of its CREATE_PIPELINE."""

    def receive(
        self, pipeline_id: uuid.UUID | None, timeout: float, max_bytes: int, message_id: str
    ) -> tuple[list[bytes], bool]:
        """Wait up to ``timeout`` seconds for output: chunks of fragments, and whether that was the last.

        The same ``message_id`` again gets the same answer again. Raises WsmanFault.
        """

    def signal(self, pipeline_id: uuid.UUID, code: str) -> None:
        """Stop (``.../ctrl_c``) or terminate (``.../Terminate``) a pipeline. Raises WsmanFault."""

    def disconnect(self) -> None:
        """No client any more: waiting receives are aborted, output is kept."""

    def reconnect(self, client_session: str) -> None:
        """The same client is back."""

    def connect(self, data: bytes, client_session: str) -> bytes:
        """A new client takes over: ``data`` is its connectXml, the answer is for connectResponseXml.

        Raises WsmanFault (in use) while a client is connected.
        """

    def pipelines(self) -> list[tuple[uuid.UUID, bool]]:
        """The pipelines whose output was not all handed out, and whether each still runs."""

    def busy(self) -> bool:
        """Whether a pipeline runs or a client waits for output."""

    def memory_bytes(self) -> int | None:
        """What the PowerShell behind it takes up; None where that is not known."""

    def kill(self) -> None:
        """End the PowerShell behind it at once, as a crash would; the shell is then closed."""

    def close(self) -> None:
        """End the shell and everything that it started. Does not raise."""


def age(moment: float) -> float:
    """Seconds since a ``time.monotonic()`` moment."""
    return time.monotonic() - moment
