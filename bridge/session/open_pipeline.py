"""A pipeline whose input and output are open together, as Invoke-Batch.ps1 needs it.

pypsrp sends input only while a generator that it was given runs, and receives only when there is none left to send. So
what is sent and received here goes by the shell below it; pypsrp begins the pipeline and makes the messages.
"""

from __future__ import annotations

import contextlib
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pypsrp.complex_objects import PSInvocationState
from pypsrp.exceptions import WSManFaultError
from pypsrp.messages import EndOfPipelineInput, MessageType, PipelineInput
from pypsrp.powershell import Fragmenter, PowerShell, RunspacePool
from pypsrp.shell import SignalCode
from pypsrp.wsman import NAMESPACES, SelectorSet

from bridge import errors
from bridge.session.clixml import Messages, PlainSerializer, plain_data
from bridge.session.wsman import ObservedWSMan, translated
from bridge.wsman_faults import TIMED_OUT

_ENDED = frozenset((PSInvocationState.COMPLETED, PSInvocationState.FAILED, PSInvocationState.STOPPED))


class OpenPipeline:
    """A pipeline of an open pool; ``pipeline_id`` is a GUID. ``state`` is pypsrp's once it has ended, None before."""

    def __init__(self, pool: RunspacePool, wsman: ObservedWSMan, pipeline_id: str) -> None:
        self._pool = pool
        self._wsman = wsman
        self._fragmenter = Fragmenter(wsman.max_payload_size, PlainSerializer())
        self._messages = Messages()
        self.id = pipeline_id.upper()
        self.state: int | None = None
        self._failure: dict[str, Any] = {}

    @property
    def said(self) -> str:
        """Why it failed, in PowerShell's words; "" when it did not."""
        exception = self._failure.get("exception")
        return str(exception.get("message") or "") if isinstance(exception, dict) else ""

    def begin(self, text: str, parameters: Mapping[str, Any], *, is_command: bool) -> None:
        """Start the script, or with ``is_command`` the command of this name. Raises AgentError."""
        powershell = PowerShell(self._pool)
        powershell.id = self.id
        if is_command:
            powershell.add_cmdlet(text, use_local_scope=True)
        else:
            powershell.add_script(text, use_local_scope=True)
        for name, value in parameters.items():
            powershell.add_parameter(name, value)
        with translated(self._wsman.agent, maybe_sent=False), contextlib.suppress(_StartedError):
            powershell.begin_invoke(input=_nothing_yet(), remote_stream_options=0)

    def connect(self) -> None:
        """Become the one who gets the output of a pipeline that another process began. Raises AgentError.

        pypsrp does that only for pipelines that it began.
        """
        shell = self._pool.shell
        selectors = SelectorSet()
        selectors.add_option("ShellId", str(shell.id))
        connect = ET.Element(f"{{{NAMESPACES['rsp']}}}Connect", CommandId=self.id)
        with translated(self._wsman.agent, maybe_sent=False):
            self._wsman.connect(shell.resource_uri, connect, selector_set=selectors)

    def send(self, items: Sequence[Mapping[str, Any]], *, ends: bool) -> None:
        """Send items of input, and with ``ends`` its end: one Send where their size allows it. Raises AgentError."""
        messages: list[Any] = [PipelineInput(data=item) for item in items]
        if ends:
            messages.append(EndOfPipelineInput())
        with translated(self._wsman.agent, maybe_sent=True, starting=True):
            for fragment in self._fragmenter.fragment_multiple(messages, self._pool.id, self.id):
                self._pool.shell.send("stdin", fragment, command_id=self.id)

    def receive(self, seconds: int) -> Iterator[Any]:
        """Wait up to so many seconds for output: what there is, as plain data; nothing when the time is up.

        To be iterated inside of ``translated``: raises what pypsrp does, and ValueError for what is no output.
        """
        try:
            _, _, streams = self._pool.shell.receive("stdout", command_id=self.id, timeout=seconds)
        except WSManFaultError as error:
            if error.code != TIMED_OUT:
                raise
            return
        for kind, text in self._messages.take(streams["stdout"]):
            if kind == MessageType.PIPELINE_OUTPUT:
                yield plain_data(text)
            elif kind == MessageType.PIPELINE_STATE:
                self._take_state(plain_data(text))

    def stop(self) -> None:
        """Ask the agent to stop it. Raises AgentError."""
        with translated(self._wsman.agent, maybe_sent=True):
            self._pool.shell.signal(SignalCode.PS_CTRL_C, self.id)

    def close(self) -> None:
        """Let the agent forget it, which ends what still runs in it. Never raises an agent's error."""
        if self.state is None:
            self._wsman.reset()
        try:
            with translated(self._wsman.agent, maybe_sent=False):
                self._pool.shell.signal(SignalCode.TERMINATE, self.id)
        except errors.AgentError as error:
            self._wsman.listener("pipeline not closed", error=error.message)
        self._pool.pipelines.pop(self.id, None)

    def _take_state(self, message: Mapping[str, Any]) -> None:
        state = message.get("pipeline_state")
        if state in _ENDED:
            self.state = state
            self._failure = message.get("exception_as_error_record") or {}


class _StartedError(Exception):
    """Leaves pypsrp's begin_invoke when the pipeline has started and no input was sent."""


def _nothing_yet() -> Iterator[Any]:
    yield from ()
    raise _StartedError
