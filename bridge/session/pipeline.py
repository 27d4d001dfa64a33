"""One script in one pipeline: parameters in, records told as they arrive, a reply out.

Rules: a pipeline is always closed, since an agent counts those that are not. Its success is its state and its error
stream together. Secrets go as SecureString. A record's order is that of its arrival. Output that somebody takes row by
row is not kept; when that fails the pipeline is stopped, and what went wrong is raised as it was.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from pydantic import SecretStr
from pypsrp.complex_objects import GenericComplexObject, ObjectMeta, PSInvocationState
from pypsrp.powershell import PowerShell, RunspacePool
from pypsrp.shell import SignalCode

from bridge.actions.action import parameter_name
from bridge.errors import DeadlinePassed, Interrupted
from bridge.model import OnRecord, OnRow, Record, RemoteError, Reply
from bridge.patience import Deadline
from bridge.session.error_records import remote_error
from bridge.session.plain_values import plain_value
from bridge.session.wsman import ObservedWSMan, translated

STOP_SECONDS = 10.0
"""How long the agent is given to stop a pipeline. A call to Exchange that is under way ends only by itself."""

LATE_STOP_SECONDS = 2.0
"""The same when the deadline has passed: whoever set it waits."""


class Pipeline:
    """A pipeline that can be run once.

    ``pipeline_id`` is a GUID that the caller chose, so that the pipeline can be found again on the agent.
    ``text`` is a script's, or with ``is_command`` the name of a command. ``parameters`` have snake case names; a
    SecretStr needs keys that were exchanged.
    """

    def __init__(
        self,
        pool: RunspacePool,
        wsman: ObservedWSMan,
        text: str,
        parameters: Mapping[str, Any],
        pipeline_id: str,
        on_record: OnRecord,
        deadline: Deadline,
        on_row: OnRow | None = None,
        *,
        is_command: bool = False,
    ) -> None:
        self._pool = pool
        self._deadline = deadline
        self._wsman = wsman
        self._warnings: list[str] = []
        self._errors: list[RemoteError] = []
        self._handed_on = 0
        self._not_taken: Exception | None = None
        self._powershell = PowerShell(pool)
        self._powershell.id = pipeline_id.upper()
        if is_command:
            self._powershell.add_cmdlet(text, use_local_scope=True)
        else:
            self._powershell.add_script(text, use_local_scope=True)
        for name, value in parameters.items():
            self._powershell.add_parameter(parameter_name(name), self._value(value))
        self._powershell.add_parameters({"Verbose": True})
        self._listen(on_record)
        if on_row is not None:
            self._powershell.output = _Stream(lambda value: self._hand_on(value, on_row))

    def run(self) -> Reply:
        """Start it, wait for its end, close it.

        Raises AgentError, with ``maybe_sent`` False only where the pipeline provably did not start, and Interrupted,
        with what is known, when a signal came: the pipeline is then stopped. Raises what ``on_row`` raised.
        """
        agent = self._wsman.agent
        try:
            with translated(agent, maybe_sent=True, starting=True):
                # Invocation information would bring back every bound parameter with every record.
                self._powershell.begin_invoke(remote_stream_options=0)
            with translated(agent, maybe_sent=True):
                while self._powershell.state == PSInvocationState.RUNNING:
                    if self._deadline.has_passed:
                        return self._give_up()
                    if self._not_taken is not None:
                        break
                    self._powershell.poll_invoke(timeout=self._patience(agent.operation_timeout))
            if self._not_taken is not None and self._powershell.state == PSInvocationState.RUNNING:
                self._stop()
                raise self._not_taken
        except KeyboardInterrupt:
            return self._interrupted()
        self._close()
        if self._not_taken is not None:
            raise self._not_taken
        return self._reply()

    def _patience(self, operation_timeout: int) -> int | None:
        """How long the agent may wait for output, in seconds, where the deadline allows less than the settings say."""
        remaining = self._deadline.remaining(operation_timeout)
        return None if remaining >= operation_timeout else max(1, round(remaining))

    def _give_up(self) -> Reply:
        """The deadline has passed: stop the pipeline; its reply when it came to its end all the same."""
        self._stop()
        if self._powershell.state == PSInvocationState.COMPLETED:
            return self._reply()
        raise DeadlinePassed("The deadline passed while the call was running; it was stopped.", maybe_sent=True)

    def _interrupted(self) -> NoReturn:
        """A signal came: stop the pipeline. A second one leaves it as it is."""
        try:
            self._stop()
        except KeyboardInterrupt:
            raise Interrupted(
                f"Left at once. The pipeline {self._powershell.id} in the shell {self._pool.id} may still run on "
                f"{self._wsman.agent.host}.",
                at_once=True,
            ) from None
        known = self._reply() if self._powershell.state == PSInvocationState.COMPLETED else None
        raise Interrupted("Stopped while a call was running.", reply=known) from None

    def _stop(self) -> None:
        """Ask the agent to stop the pipeline, and wait a little for its last word. Never raises an agent's error."""
        # The signal may have come in the middle of an exchange, whose connection is of no use any more.
        self._wsman.reset()
        until = time.monotonic() + (LATE_STOP_SECONDS if self._deadline.has_passed else STOP_SECONDS)
        try:
            with translated(self._wsman.agent, maybe_sent=True):
                self._pool.shell.signal(SignalCode.PS_CTRL_C, self._powershell.id)
                while self._powershell.state == PSInvocationState.RUNNING and time.monotonic() < until:
                    self._powershell.poll_invoke(timeout=1)
        except Exception:  # the outcome is unknown then, and that is what is reported
            return
        self._close()

    def _close(self) -> None:
        """Let the agent forget the pipeline. Its reply is here already, so a failure of this changes nothing."""
        try:
            with translated(self._wsman.agent, maybe_sent=False):
                self._powershell.close()
        except Exception as error:
            self._wsman.listener("pipeline not closed", error=str(error))

    def _reply(self) -> Reply:
        return Reply(
            output=tuple(self._row(value) for value in self._powershell.output),
            errors=tuple(self._errors),
            warnings=tuple(self._warnings),
            completed=self._powershell.state == PSInvocationState.COMPLETED,
            handed_on=self._handed_on,
        )

    def _value(self, value: Any) -> Any:
        if isinstance(value, SecretStr):
            return self._pool.serialize(value.get_secret_value(), ObjectMeta("SS"))
        return list(value) if isinstance(value, tuple) else value

    def _row(self, value: Any) -> dict[str, Any]:
        plain = plain_value(value)
        return plain if isinstance(plain, dict) else {"value": plain}

    def _hand_on(self, value: Any, on_row: OnRow) -> None:
        """Give a row to whoever takes it. What that raises is kept, so that it is not taken for the agent's fault."""
        if self._not_taken is None:
            self._handed_on += 1
            try:
                on_row(self._row(value))
            except Exception as error:
                self._not_taken = error

    def _listen(self, on_record: OnRecord) -> None:
        """Put lists in place of the streams that tell of each record at the moment at which it is appended."""
        streams = self._powershell.streams

        def tell(stream: str, text: Callable[[Any], str], keep: list[str] | None = None) -> Any:
            def take(record: Any) -> None:
                message = text(record)
                if keep is not None:
                    keep.append(message)
                on_record(Record(stream, message))

            return _Stream(take)

        def error(record: Any) -> None:
            remote = remote_error(record)
            self._errors.append(remote)
            on_record(Record("error", remote.message))

        streams.verbose = tell("verbose", lambda record: str(record.message))
        streams.debug = tell("debug", lambda record: str(record.message))
        streams.warning = tell("warning", lambda record: str(record.message), self._warnings)
        streams.information = tell("information", lambda record: _information(record.message_data))
        streams.progress = tell("progress", _progress)
        streams.error = _Stream(error)


class _Stream(list[Any]):
    """A stream that hands on what is appended, and keeps nothing."""

    def __init__(self, take: Callable[[Any], None]) -> None:
        super().__init__()
        self._take = take

    def append(self, record: Any) -> None:
        self._take(record)


def _information(data: Any) -> str:
    """Write-Host's message, or the text of whatever Write-Information was given."""
    if isinstance(data, GenericComplexObject):
        return str({**data.adapted_properties, **data.extended_properties}.get("Message") or data.to_string or "")
    return str(data)


def _progress(record: Any) -> str:
    percent = f" {record.percent_complete} %" if (record.percent_complete or -1) >= 0 else ""
    return f"{record.activity}: {record.description}{percent}"
