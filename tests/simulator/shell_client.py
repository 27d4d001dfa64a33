"""A PSRP client (psrpcore's) that drives a Shell directly, without WSMan and HTTP, for the tests of the shells."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, field
from typing import Any

import psrpcore
from psrpcore.types import PSInvocationState, RunspacePoolState

from bridge.simulator.shells.base import Shell
from bridge.simulator.shells.psrp import fragments

MAX_BYTES = 300_000
STOP = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell/signal/ctrl_c"
TERMINATE = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell/signal/Terminate"
Event = psrpcore.PSRPEvent[Any, Any]
_SECONDS = 20.0
_MESSAGE_HEAD = 40


@dataclass
class Result:
    """What one pipeline gave: ``error`` is the record of a failed state."""

    state: PSInvocationState = PSInvocationState.NotStarted
    output: list[Any] = field(default_factory=list)
    errors: list[Any] = field(default_factory=list)
    verbose: list[Any] = field(default_factory=list)
    warnings: list[Any] = field(default_factory=list)
    error: Any = None


class ShellClient:
    """One client with one pool on ``shell``; ``pool_id`` is the shell's id."""

    def __init__(self, shell: Shell, session: str = "uuid:client") -> None:
        self.shell = shell
        self.session = session
        self.pool = psrpcore.ClientRunspacePool(runspace_pool_id=uuid.UUID(shell.id), max_runspaces=3)
        self.results: dict[uuid.UUID, Result] = {}
        # The messages as they came, in one piece each: psrpcore does not keep the text of a record.
        self.messages: list[str] = []
        self._partial = b""

    def open(self) -> None:
        """Open the pool: what Create and the first Receives do."""
        self.shell.client_session = self.session
        self.pool.open()
        self.shell.feed(self._outgoing())
        self._wait_for_pool()

    def take_over(self) -> None:
        """Connect to the pool that another client left, and learn of its pipelines."""
        self.pool.connect()
        answer = self.shell.connect(self._outgoing(), self.session)
        assert len(list(fragments(answer))) == 2
        self._take_in(answer, None)
        self._wait_for_pool()

    def start(self, script: str, *, input_follows: bool = False, **parameters: Any) -> uuid.UUID:
        """Start a pipeline of one script; gives its id."""
        pipeline = psrpcore.ClientPowerShell(self.pool, no_input=not input_follows)
        pipeline.add_script(script, use_local_scope=True)
        pipeline.add_parameters(**parameters)
        pipeline.start()
        self.results[pipeline.pipeline_id] = Result()
        first, *rest = self._fragments()
        self.shell.command(pipeline.pipeline_id, first)
        # The rest of a long message follows by Send.
        for data in rest:
            self.shell.feed(data, pipeline.pipeline_id)
        return pipeline.pipeline_id

    def adopt(self, pipeline_id: uuid.UUID) -> None:
        """Take part in a pipeline that another client started."""
        pipeline = psrpcore.ClientPowerShell(self.pool)
        del self.pool.pipeline_table[pipeline.pipeline_id]
        pipeline.pipeline_id = pipeline_id
        self.pool.pipeline_table[pipeline_id] = pipeline
        self.results[pipeline_id] = Result()

    def send(self, pipeline_id: uuid.UUID, *values: Any) -> None:
        """Input objects, and the end of the input."""
        pipeline = self.pool.pipeline_table[pipeline_id]
        for value in values:
            pipeline.send(value)
        pipeline.send_eof()
        self.shell.feed(self._outgoing(), pipeline_id)

    def step(self, pipeline_id: uuid.UUID, timeout: float = 5.0) -> bool:
        """One Receive for a pipeline; False when its output has ended."""
        chunks, is_last = self.shell.receive(pipeline_id, timeout, MAX_BYTES, f"uuid:{uuid.uuid4()}")
        for chunk in chunks:
            self._take_in(chunk, pipeline_id)
        return not is_last

    def finish(self, pipeline_id: uuid.UUID) -> Result:
        """Receive until the pipeline has ended, and close it."""
        give_up = time.monotonic() + _SECONDS
        while self.step(pipeline_id, _SECONDS):
            assert time.monotonic() < give_up, "the pipeline does not end"
        self.shell.signal(pipeline_id, TERMINATE)
        return self.results[pipeline_id]

    def run(self, script: str, **parameters: Any) -> Result:
        """Run one script to its end."""
        return self.finish(self.start(script, **parameters))

    def exchange_keys(self) -> None:
        """Make SecureStrings possible in both directions."""
        self.pool.exchange_key()
        self.shell.feed(self._outgoing())
        self._wait_for(psrpcore.EncryptedSessionKeyEvent)

    def ask_pool(self, event_type: type[Event]) -> Event:
        """Send what the pool has prepared, and wait for the answer of that type."""
        self.shell.feed(self._outgoing())
        return self._wait_for(event_type)

    def _wait_for_pool(self) -> None:
        while self.pool.state != RunspacePoolState.Opened:
            self._wait_for(psrpcore.RunspacePoolStateEvent)

    def _wait_for(self, event_type: type[Event]) -> Event:
        while True:
            chunks, _ = self.shell.receive(None, _SECONDS, MAX_BYTES, f"uuid:{uuid.uuid4()}")
            found = [event for chunk in chunks for event in self._take_in(chunk, None) if isinstance(event, event_type)]
            if found:
                return found[0]

    def _outgoing(self) -> bytes:
        return b"".join(self._fragments())

    def _fragments(self) -> list[bytes]:
        """What is to be sent, in parts that each hold whole fragments."""
        parts = []
        while (payload := self.pool.data_to_send(100_000)) is not None:
            parts.append(payload.data)
        return parts

    def _take_in(self, data: bytes, pipeline_id: uuid.UUID | None) -> list[Event]:
        for fragment in fragments(data):
            self._partial += fragment.blob
            if fragment.is_last:
                self.messages.append(self._partial[_MESSAGE_HEAD:].decode("utf-8-sig"))
                self._partial = b""
        self.pool.receive_data(psrpcore.PSRPPayload(data, psrpcore.StreamType.default, pipeline_id))
        events = []
        while (event := self.pool.next_event()) is not None:
            events.append(event)
            self._note(event)
        return events

    def _note(self, event: Event) -> None:
        result = self.results.get(event.pipeline_id) if event.pipeline_id else None
        if result is None:
            return
        match event:
            case psrpcore.PipelineOutputEvent():
                result.output.append(event.data)
            case psrpcore.ErrorRecordEvent():
                result.errors.append(event.record)
            case psrpcore.VerboseRecordEvent():
                result.verbose.append(event.record)
            case psrpcore.WarningRecordEvent():
                result.warnings.append(event.record)
            case psrpcore.PipelineStateEvent():
                result.state, result.error = event.state, event.reason
