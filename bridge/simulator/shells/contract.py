"""A shell without a PowerShell: psrpcore speaks PSRP, and an engine in Python runs what the pipelines hold.

Rules:

- One runspace, whatever the pool's maximum is: the pipelines that run at the same time share it. The maximum says how
  many run at the same time; the others wait.
- Each pipeline has a thread. When the client stops the pipeline, the engine's next write raises ``PipelineStopped``.
- What psrpcore leaves out or does otherwise than a real server is put right here: it does not answer the client's
  SESSION_CAPABILITY on Connect, has no way to end a pipeline as Failed, and has one queue for all targets.
- psrpcore is not thread safe: all use of it is under the shell's lock.
"""

from __future__ import annotations

import os
import threading
import uuid
from collections import deque
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree as ET

import psrpcore
from psrpcore import PSRPPayload, ServerPipeline, ServerRunspacePool, StreamType
from psrpcore.types import (
    PipelineState,
    PSInvocationState,
    PSObject,
    PSRPMessageType,
    PSVersion,
    RunspacePoolState,
    VerboseRecord,
    WarningRecord,
)

from bridge.simulator.engine import Command, EngineRunspace, ErrorInfo, PipelineStopped, TerminatingError
from bridge.simulator.shells import psrp
from bridge.simulator.shells.contract_values import error_record, from_psrp, informational_record, to_psrp
from bridge.simulator.shells.outbox import BufferedShell, Outbox
from bridge.simulator.wsman_fault import WsmanFault, command_not_found

# As large as those of a real PowerShell.
_FRAGMENT_BYTES = 32_768
_CLOSE_SECONDS = 5.0
# WSManPluginErrorCodes.ManagedException of PowerShell's WSManPlugin.cs, as a number without sign.
_MANAGED_EXCEPTION = 0x80540FA0
_UNREADABLE = (psrpcore.PSRPCoreError, ET.ParseError, ValueError, KeyError, AttributeError, TypeError)


class ContractPipeline:
    """One running pipeline as its engine sees it, a ``Pipeline``. The shell's lock guards what it holds."""

    def __init__(self, shell: ContractShell, server: ServerPipeline) -> None:
        self.server = server
        self.stopped = False
        self.waiting_input: deque[Any] = deque()
        self.input_has_ended = True
        self._shell = shell
        self._commands: list[Command] = []

    @property
    def commands(self) -> list[Command]:
        """What is to be run."""
        return self._commands

    def take_request(self) -> None:
        """Read the commands out of the message that created the pipeline."""
        request = self.server.metadata
        self.input_has_ended = bool(getattr(request, "no_input", True))
        self._commands = [
            Command(
                text=str(command.command_text),
                is_script=bool(command.is_script),
                parameters={str(name): from_psrp(value) for name, value in command.parameters if name},
                arguments=[from_psrp(value) for name, value in command.parameters if not name],
            )
            for command in getattr(request, "commands", [])
        ]

    def output(self, value: Any) -> None:
        """One object; a dict becomes a PSCustomObject, a dict inside it a Hashtable."""
        self._shell.write(self, to_psrp(value), PSRPMessageType.PipelineOutput)

    def verbose(self, text: str) -> None:
        """One verbose record."""
        self._shell.write(self, informational_record(VerboseRecord, text), PSRPMessageType.VerboseRecord)

    def warning(self, text: str) -> None:
        """One warning record."""
        self._shell.write(self, informational_record(WarningRecord, text), PSRPMessageType.WarningRecord)

    def error(self, info: ErrorInfo) -> None:
        """One error record that does not end the pipeline."""
        self._shell.write(self, error_record(info), PSRPMessageType.ErrorRecord)

    def read(self) -> Iterator[Any]:
        """The pipeline's input, as it comes, until its end."""
        yield from self._shell.input_of(self)


class ContractShell(BufferedShell):
    """One shell whose pipelines ``runspace`` runs. The runspace is closed with it.

    ``process_id`` is this process's. No thread of it outlives ``close`` unless an engine does not return.
    """

    def __init__(
        self,
        runspace: EngineRunspace,
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
        self.process_id = os.getpid()
        self._runspace = runspace
        self._pool = ServerRunspacePool({"PSVersionTable": {"PSVersion": PSVersion("5.1.0.0"), "PSEdition": "Desktop"}})
        self._pipelines: dict[uuid.UUID, ContractPipeline] = {}
        self._running = 0
        self._threads: set[threading.Thread] = set()

    # What the front asks

    def feed(self, data: bytes, pipeline_id: uuid.UUID | None = None, stream: str = "Default") -> None:  # noqa: ARG002 - nothing here asks the client's host, so nothing comes by PromptResponse
        """PSRP fragments for the pool or for a pipeline. Raises WsmanFault for what cannot be read."""
        with self._changed:
            if self.closed:
                raise self._ended()
            if pipeline_id is not None and pipeline_id not in self._pipelines:
                raise command_not_found()
            self._take_in(data, pipeline_id)
            self._hand_out()

    def command(self, pipeline_id: uuid.UUID, data: bytes) -> None:
        """Start a pipeline; ``data`` holds the first fragments of its CREATE_PIPELINE. Raises WsmanFault."""
        with self._changed:
            if self.closed:
                raise self._ended()
            self._pipelines[pipeline_id] = ContractPipeline(self, ServerPipeline(self._pool, pipeline_id))
            self._outboxes[pipeline_id] = Outbox()
            try:
                self.feed(data, pipeline_id)
            except WsmanFault:
                self._forget(pipeline_id)
                raise

    def signal(self, pipeline_id: uuid.UUID, code: str) -> None:
        """Stop (``.../ctrl_c``) or terminate (``.../Terminate``) a pipeline. Raises WsmanFault."""
        with self._changed:
            pipeline = self._pipelines.get(pipeline_id)
            if pipeline is None:
                raise command_not_found()
            pipeline.stopped = True
            if code.lower().endswith("/terminate"):
                self._forget(pipeline_id)
            self._changed.notify_all()

    def connect(self, data: bytes, client_session: str) -> bytes:
        """A new client takes over: ``data`` is its connectXml, the answer is for connectResponseXml.

        Raises WsmanFault while a client is connected, or for data that cannot be read.
        """
        with self._changed:
            self._refuse_second_client()
            # A pool that was not opened yet has nothing to be taken over.
            if self._pool.state != RunspacePoolState.Opened:
                raise self._ended()
            pool_outbox = self._outboxes[None]
            self._pool.disconnect()
            self._pool.connect()
            pool_outbox.replace(b"")
            try:
                self._take_in(data, None)
            except WsmanFault:
                self._pool.state = RunspacePoolState.Opened
                raise
            self._hand_out()
            self.reconnect(client_session)
            said = [fragment.whole for fragment in psrp.fragments(b"".join(pool_outbox.chunks))]
            # SESSION_CAPABILITY and RUNSPACEPOOL_INIT_DATA; private data and state are for the next Receive.
            pool_outbox.replace(b"".join(said[2:]))
            return b"".join(said[:2])

    def kill(self) -> None:
        """End the runspace at once; the shell is then closed."""
        self.close()

    def close(self) -> None:
        """Stop the pipelines, wait some seconds for their threads, and close the runspace. Does not raise."""
        with self._changed:
            for pipeline in self._pipelines.values():
                pipeline.stopped = True
            threads = [*self._threads]
            self._mark_closed()
        for thread in threads:
            thread.join(_CLOSE_SECONDS)
        self._runspace.close()

    # What the engine does

    def write(self, pipeline: ContractPipeline, value: PSObject | bool | None, message: PSRPMessageType) -> None:
        """Send one object of a pipeline. Raises PipelineStopped."""
        self._wait_for_room()
        with self._changed:
            if pipeline.stopped or self.closed:
                raise PipelineStopped
            pipeline.server.prepare_message(value, message)  # type: ignore[arg-type]  # psrpcore takes a bool as well
            self._hand_out()

    def input_of(self, pipeline: ContractPipeline) -> Iterator[Any]:
        """What the client sends to a pipeline, until it ends it. Raises PipelineStopped."""
        while True:
            with self._changed:
                self._changed.wait_for(
                    lambda: pipeline.stopped or self.closed or pipeline.waiting_input or pipeline.input_has_ended
                )
                if pipeline.stopped or self.closed:
                    raise PipelineStopped
                if not pipeline.waiting_input:
                    return
                value = pipeline.waiting_input.popleft()
            yield value

    def _run(self, pipeline: ContractPipeline) -> None:
        """A pipeline's thread: wait for its turn, run, and tell how it ended."""
        with self._changed:
            self._changed.wait_for(
                lambda: pipeline.stopped or self.closed or self._running < max(1, self._pool.max_runspaces)
            )
            self._running += 1
            pipeline.server.state = PSInvocationState.Running
        error: ErrorInfo | None = None
        try:
            if not pipeline.stopped:
                self._runspace.run(pipeline)
        except PipelineStopped:
            pipeline.stopped = True
        except TerminatingError as ending:
            error = ending.info
        except Exception as fault:  # the client must learn of it
            error = _fault_of_engine(fault)
        with self._changed:
            self._running -= 1
            self._threads.discard(threading.current_thread())
            self._end(pipeline, error)

    def _end(self, pipeline: ContractPipeline, error: ErrorInfo | None) -> None:
        """Send the state that a pipeline ended with. Lock held."""
        server = pipeline.server
        if pipeline.stopped:
            server.stop()
        elif error is not None:
            failed = PSInvocationState.Failed
            server.prepare_message(PipelineState(PipelineState=int(failed), ExceptionAsErrorRecord=error_record(error)))
            server.state = failed
        else:
            server.complete()
        self._hand_out()
        if (outbox := self._outboxes.get(server.pipeline_id)) is not None:
            outbox.done = True
        self._changed.notify_all()

    # PSRP

    def _take_in(self, data: bytes, pipeline_id: uuid.UUID | None) -> None:
        """Read all messages that are whole now, and do what they ask. Lock held."""
        try:
            # What is no fragment would stay in psrpcore's buffer and spoil all that follows.
            for _ in psrp.fragments(data):
                pass
            self._pool.receive_data(PSRPPayload(data, StreamType.default, pipeline_id))
            while (event := self._pool.next_event()) is not None:
                self._on_event(event)
        except _UNREADABLE as error:
            text = f"The PowerShell plugin could not read the data that it got: {error} "
            raise WsmanFault(_MANAGED_EXCEPTION, "w:InternalError", text) from error

    def _on_event(self, event: psrpcore.PSRPEvent[Any, Any]) -> None:
        pool = self._pool
        match event:
            case psrpcore.SessionCapabilityEvent() if pool.state == RunspacePoolState.Connecting:
                pool.prepare_message(pool.our_capability)
            case psrpcore.CreatePipelineEvent() | psrpcore.GetCommandMetadataEvent():
                self._start(self._pipelines[event.pipeline_id])
            case psrpcore.PipelineInputEvent() if event.pipeline_id in self._pipelines:
                self._pipelines[event.pipeline_id].waiting_input.append(from_psrp(event.data))
                self._changed.notify_all()
            case psrpcore.EndOfPipelineInputEvent() if event.pipeline_id in self._pipelines:
                self._pipelines[event.pipeline_id].input_has_ended = True
                self._changed.notify_all()
            case psrpcore.SetMaxRunspacesEvent() | psrpcore.SetMinRunspacesEvent() | psrpcore.ResetRunspaceStateEvent():
                pool.runspace_availability_response(event.ci, response=True)
                self._changed.notify_all()
            case psrpcore.GetAvailableRunspacesEvent():
                pool.runspace_availability_response(event.ci, max(0, pool.max_runspaces - self._running))

    def _start(self, pipeline: ContractPipeline) -> None:
        pipeline.take_request()
        name = f"pipeline-{pipeline.server.pipeline_id}"
        thread = threading.Thread(target=self._run, args=(pipeline,), name=name, daemon=True)
        self._threads.add(thread)
        thread.start()

    def _hand_out(self) -> None:
        """Move what psrpcore has to send to the outbox of its target. Lock held."""
        while (payload := self._pool.data_to_send(_FRAGMENT_BYTES)) is not None:
            # A pipeline that was terminated gets nothing more.
            if (outbox := self._outboxes.get(payload.pipeline_id)) is not None:
                outbox.add(payload.data)
        self._changed.notify_all()

    def _forget(self, pipeline_id: uuid.UUID) -> None:
        """Drop a pipeline and its output. Lock held."""
        self._pipelines.pop(pipeline_id, None)
        self._outboxes.pop(pipeline_id, None)
        self._pool.pipeline_table.pop(pipeline_id, None)


def _fault_of_engine(fault: Exception) -> ErrorInfo:
    """The record of an error that the engine did not mean to raise."""
    return ErrorInfo(
        message=f"The contract engine of the simulator has failed: {fault!r}",
        reason=type(fault).__name__,
        exception_type="Bridge.Simulator.EngineFault",
        error_id="Bridge.Simulator.EngineFault",
        category="NotSpecified",
        activity="",
        target="",
    )
