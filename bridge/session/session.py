"""A session: the named runspace with Exchange connected in it, kept that way whatever happens meanwhile.

Rules:

- Exchange is connected once in the life of the runspace. Whoever takes it over looks at what is there
  (Get-BridgeState.ps1) and connects again only where the account, the cmdlets or the token do not fit.
- Between two calls everything is mended: a runspace that is gone is opened anew, once; one that has grown old is
  replaced; Exchange is connected again when its connection or its token ended. A call that provably did not start,
  or did not reach Exchange, is then sent once more. Nothing else is ever sent twice here.
- A runspace that could not be set up is closed, not left behind half done.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from bridge import errors
from bridge.jea import function_name, scripts_sha256
from bridge.model import Call, Listener, OnRecord, OnRow, Record, Reply
from bridge.patience import Deadline
from bridge.scripts import ScriptFolder
from bridge.session.exchange import (
    BridgeState,
    bridge_state,
    connection_gone,
    fits,
    token_ends,
)
from bridge.session.exchange_logon import logon_parameters, setup_error
from bridge.session.pipeline import Pipeline
from bridge.session.runspace import LOST, NamedRunspace
from bridge.session.stream import BatchPipeline
from bridge.session.wsman import nobody
from bridge.settings import Settings

if TYPE_CHECKING:
    from bridge.session.wire_trace import WireTrace

_CONNECT = "session/Connect-Bridge.ps1"
_STATE = "session/Get-BridgeState.ps1"
_BATCH = "session/Invoke-Batch.ps1"
_MEMORY_EVERY = 100
"""After how many pipelines the memory of the runspace is looked at again; a look is a pipeline itself."""


class Session:
    """The runspace that the settings name; a context manager that leaves it as the settings say.

    Not safe for several threads: pypsrp is not. ``listener`` is told of each step and each exchange, ``hide`` of a
    secret that comes up on the way (a token), so that no log shows it. ``deadline`` is the number of seconds that all
    of it may take, from now on; ``trace`` gets the whole conversation.
    """

    def __init__(
        self,
        settings: Settings,
        scripts: ScriptFolder,
        *,
        listener: Listener | None = None,
        hide: Callable[[str], None] | None = None,
        deadline: float | None = None,
        trace: WireTrace | None = None,
    ) -> None:
        self._settings = settings
        self._scripts = scripts
        self._listener: Listener = listener or nobody
        self._hide = hide or nobody
        self._deadline = Deadline(deadline)
        self._runspace = NamedRunspace(settings.agent, self._listener, trace)
        self._state: BridgeState | None = None
        self._pipelines = 0
        self._last_pipeline = ""
        self._batch: BatchPipeline | None = None
        self._is_broken = False
        self._is_left = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.leave()

    def open(self, *, left: Iterable[str] = ()) -> BridgeState:
        """Take the runspace over or open it, and connect Exchange where it is not connected.

        ``left`` are ids of batches that a client may have left open there, which wait for input and would keep the
        runspace: they are ended, and what runs in them is stopped. Raises AgentError and ExchangeError.
        """
        if not self._runspace.reach(self._deadline):
            return self._set_up("new")
        for batch_id in left:
            self._runspace.forget_pipeline(str(uuid.UUID(batch_id)))
        if not self._is_old():
            try:
                state = self._set_up("taken over")
            except LOST as error:
                self._listener("runspace lost", error=error.message)
            except errors.InstalledScriptsDiffer as error:
                # It may have been opened before its endpoint got the scripts of today.
                self._listener("runspace replaced", error=error.message)
            else:
                if not self._is_large(state):
                    return state
        return self._rebuild()

    def look(self) -> BridgeState | None:
        """The state of the runspace if it is there, without connecting Exchange; None when there is none."""
        if not self._runspace.reach(self._deadline, may_open=False):
            return None
        return self._read_state("taken over")

    def reach(self) -> bool:
        """Take the runspace over (True) or open it (False), and connect nothing; ``ask`` and ``connect`` follow.

        Raises AgentError.
        """
        return self._runspace.reach(self._deadline)

    def ask(self, script: str, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """The one object that a script of the session answers in the runspace that was reached.

        Raises AgentError, and ExchangeError where the runspace runs no such script.
        """
        reply = self._prepare(script, parameters)
        self._check_answered(reply, script)
        return reply.output[0]

    def connect(self, *, taken_over: bool) -> BridgeState:
        """Connect Exchange in the runspace that was reached, where it is not. Raises AgentError and ExchangeError."""
        return self._set_up("taken over" if taken_over else "new")

    def run(
        self,
        script: str,
        parameters: Mapping[str, Any],
        on_record: OnRecord,
        *,
        call_id: str = "",
        on_row: OnRow | None = None,
    ) -> Reply:
        """Run a script in the open runspace; see bridge.model.Runspace.

        Raises also ExchangeError: Exchange could not be connected again, and the call was not sent.
        """
        try:
            self._mend()
            reply = self._sent(script, parameters, on_record, call_id, on_row)
            if self._state is not None and not reply.handed_on and connection_gone(reply, self._state):
                self._listener("exchange connection lost", error=reply.errors[-1].message)
                self._connect_again()
                reply = self._run(script, parameters, on_record, "", on_row)
        except errors.AgentError:
            self._is_broken = True
            raise
        return reply

    def batch(
        self, scripts: Iterable[str], on_record: Callable[[Call, Record], None], *, batch_id: str = ""
    ) -> BatchPipeline:
        """A pipeline for many calls of these scripts in the open runspace, which is mended first.

        ``batch_id`` becomes its id on the agent. Raises AgentError and ExchangeError: Exchange could not be connected.
        """
        self._mend()
        names = tuple(scripts)
        is_command = self._settings.agent.jea
        self._batch = BatchPipeline(
            self._runspace.pool,
            self._runspace.wsman,
            function_name(_BATCH) if is_command else self._scripts.get(_BATCH).text,
            {} if is_command else {name: self._scripts.get(name).text for name in names},
            str(uuid.UUID(batch_id)) if batch_id else str(uuid.uuid4()),
            self._deadline,
            on_record,
            is_command=is_command,
        )
        self._pipelines += 1
        self._listener(
            "batch sent", pipeline=self._batch.id, scripts={name: self._scripts.get(name).sha256 for name in names}
        )
        return self._batch

    def _sent(
        self, script: str, parameters: Mapping[str, Any], on_record: OnRecord, call_id: str, on_row: OnRow | None
    ) -> Reply:
        """The reply to a call, in a new runspace where the one that was there proves to be gone."""
        try:
            return self._run(script, parameters, on_record, call_id, on_row)
        except errors.RunspaceLost as error:
            if error.maybe_sent:
                raise
            self._listener("runspace lost", error=error.message)
        self._rebuild()
        return self._run(script, parameters, on_record, call_id, on_row)

    def leave(self) -> None:
        """Let go of the runspace: disconnect it for the next process, or close it, as [agent] on_exit says.

        Never raises: what was done is done, and the agent ends a runspace that is left alone by itself.
        """
        if self._is_left:
            self._runspace.abandon()
        elif self._settings.agent.on_exit == "close":
            self._runspace.close()
        else:
            self._runspace.disconnect()

    def close(self) -> None:
        """End the runspace on the agent, and with it the connection to Exchange. Never raises."""
        self._runspace.close()

    # --- keeping it well

    def _mend(self) -> None:
        """Before a call: what broke at the last one, and what has grown old."""
        if self._deadline.has_passed:
            raise errors.DeadlinePassed("The deadline has passed; nothing more was sent.")
        batch, self._batch = self._batch, None
        if batch is not None and batch.is_broken:
            # It waits for input, and would keep the runspace for ever.
            self._runspace.reset_connection()
            self._runspace.forget_pipeline(batch.id)
            self._is_broken = True
        if self._is_broken:
            self._recover()
        elif self._runspace.is_open and (self._is_old() or self._has_grown()):
            self._rebuild()
        elif self._state is not None and token_ends(self._state):
            self._listener("token ends", expires=self._state.token_expires)
            self._connect_again()

    def _recover(self) -> None:
        """After a failure: go on with the runspace where it still answers, else with a new one. Raises AgentError."""
        self._runspace.reset_connection()
        self._is_broken = False
        lost = self._last_pipeline
        try:
            # The runspace runs one pipeline at a time: when this one answers, the lost one has ended.
            self._state = self._read_state("taken over")
            self._runspace.forget_pipeline(lost)
        except errors.AgentError as error:
            self._listener("runspace lost", error=error.message)
            self._rebuild()
            return
        self._listener("runspace kept", runspace=self._runspace.id)
        if not self._fits(self._state):
            self._connect_again()

    def _connect_again(self) -> None:
        """Connect Exchange in the runspace that is there, or in a new one where that is gone.

        Raises AgentError and ExchangeError.
        """
        try:
            self._state = self._connect_exchange("taken over")
        except LOST as error:
            self._listener("runspace lost", error=error.message)
            self._rebuild()

    def _rebuild(self) -> BridgeState:
        """A new runspace, with Exchange connected. Raises AgentError and ExchangeError."""
        self._runspace.replace()
        self._is_broken = False
        self._pipelines = 0
        return self._set_up("new")

    def _is_old(self) -> bool:
        """By its age, or by the number of pipelines that this process ran in it."""
        agent = self._settings.agent
        age = time.monotonic() - self._runspace.opened
        if (agent.recycle_age and age > agent.recycle_age) or (
            agent.recycle_pipelines and self._pipelines >= agent.recycle_pipelines
        ):
            self._listener("runspace recycled", age=round(age), pipelines=self._pipelines)
            return True
        return False

    def _has_grown(self) -> bool:
        """Whether its memory is above the limit, or it is gone; looked at now and then only."""
        if not self._settings.agent.recycle_memory or not self._pipelines or self._pipelines % _MEMORY_EVERY:
            return False
        try:
            return self._is_large(self._read_state("taken over"))
        except LOST as error:
            self._listener("runspace lost", error=error.message)
            return True

    def _is_large(self, state: BridgeState) -> bool:
        limit = self._settings.agent.recycle_memory * 2**20
        if not limit or state.memory_bytes <= limit:
            return False
        self._listener("runspace recycled", memory_bytes=state.memory_bytes, pipelines=self._pipelines)
        return True

    # --- setting it up

    def _set_up(self, runspace: str) -> BridgeState:
        try:
            is_jea = self._settings.agent.jea
            state = self._read_state(runspace) if is_jea or runspace == "taken over" else None
            if state is not None and is_jea:
                self._check_installed(state)
            if state is None or not self._fits(state):
                state = self._connect_exchange(runspace)
        except (errors.ExchangeError, errors.AgentError):
            if runspace == "new":
                self.close()
            raise
        self._state = state
        if state.missing_commands:
            self._listener("cmdlets missing", cmdlets=", ".join(state.missing_commands))
        self._listener(
            "exchange connected",
            connection=state.connection,
            organization=state.organization,
            logon=state.logon,
            module=state.module_version,
            powershell=state.power_shell_version,
        )
        return state

    def _fits(self, state: BridgeState) -> bool:
        return fits(state, self._settings.exchange, self._scripts.cmdlets())

    def _check_installed(self, state: BridgeState) -> None:
        """Refuse a JEA endpoint whose functions are not these scripts. Raises InstalledScriptsDiffer."""
        wanted, installed = scripts_sha256(self._scripts), state.installed_scripts
        if installed != wanted:
            raise errors.InstalledScriptsDiffer(
                f"The endpoint {self._settings.agent.configuration_name!r} has other scripts than this client: their "
                f"hash is {installed[:12] or 'not there'}, and {wanted[:12]} here. Nothing was run."
            )

    def _read_state(self, runspace: str) -> BridgeState:
        return self._answered(self._prepare(_STATE, {}), runspace)

    def _connect_exchange(self, runspace: str) -> BridgeState:
        exchange = self._settings.exchange
        self._listener("connecting exchange", organization=exchange.organization)
        parameters = logon_parameters(
            exchange,
            self._scripts.cmdlets(),
            timeout=self._settings.agent.read_timeout,
            hide=self._hide,
            run=self._prepare,
        )
        return self._answered(self._prepare(_CONNECT, parameters), runspace)

    def _prepare(self, script: str, parameters: Mapping[str, Any]) -> Reply:
        """Run a script of ours before a call. Raises AgentError, which says that the call was not sent."""
        try:
            return self._run(script, parameters, self._on_record)
        except errors.AgentError as error:
            error.maybe_sent = False
            raise

    def _answered(self, reply: Reply, runspace: str) -> BridgeState:
        self._check_answered(reply, _STATE)
        return bridge_state(reply.output[0], runspace, self._runspace.id)

    def _check_answered(self, reply: Reply, script: str) -> None:
        """Raise what it means that a script of the session did not answer."""
        if reply.ok and reply.output:
            return
        if self._settings.agent.jea and reply.errors and function_name(script) == reply.errors[0].target:
            raise errors.InstalledScriptsDiffer(
                f"The endpoint {self._settings.agent.configuration_name!r} has no function {function_name(script)}."
            )
        raise setup_error(reply, self._settings.exchange.logon)

    def _run(
        self,
        script: str,
        parameters: Mapping[str, Any],
        on_record: OnRecord,
        call_id: str = "",
        on_row: OnRow | None = None,
    ) -> Reply:
        if any(hasattr(value, "get_secret_value") for value in parameters.values()):
            self._runspace.exchange_keys()
        is_command = self._settings.agent.jea
        text = function_name(script) if is_command else self._scripts.get(script).text
        pipeline_id = str(uuid.UUID(call_id)) if call_id else str(uuid.uuid4())
        pipeline = Pipeline(
            self._runspace.pool,
            self._runspace.wsman,
            text,
            parameters,
            pipeline_id,
            on_record,
            self._deadline,
            on_row,
            is_command=is_command,
        )
        self._pipelines += 1
        self._last_pipeline = pipeline_id
        self._listener("script sent", script=script, sha256=self._scripts.get(script).sha256, pipeline=pipeline_id)
        start = time.monotonic()
        try:
            return pipeline.run()
        except errors.Interrupted as error:
            self._is_left = error.at_once
            raise
        finally:
            self._listener("pipeline ended", pipeline=pipeline_id, seconds=round(time.monotonic() - start, 4))

    def _on_record(self, record: Record) -> None:
        self._listener(record.stream, message=record.message)
