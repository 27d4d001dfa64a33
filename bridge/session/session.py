"""A session: the named runspace with Exchange connected in it, kept that way whatever happens meanwhile.

Rules:

- Exchange is connected once in the life of the runspace, see ``setting_up``.
- Between two calls everything is mended: a runspace that is gone is opened anew, once; one that has grown old is
  replaced; Exchange is connected again when its connection or its token ended. A call that provably did not start,
  or did not reach Exchange, is then sent once more. Nothing else is ever sent twice here.
- A runspace that could not be set up is closed, not left behind half done.
"""

from __future__ import annotations

import contextlib
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from bridge import errors
from bridge.jea import function_name
from bridge.model import Call, Listener, OnRecord, OnRow, Record, Reply
from bridge.patience import Deadline
from bridge.scripts import ScriptFolder
from bridge.session.batches import Batches
from bridge.session.exchange import BridgeState, connection_gone, token_ends
from bridge.session.pipeline import Pipeline
from bridge.session.runspace import LOST, NamedRunspace
from bridge.session.setting_up import ExchangeSetup
from bridge.session.stream import BatchPipeline
from bridge.session.stream_items import Answer
from bridge.session.wear import Wear
from bridge.session.wsman import nobody
from bridge.settings import Settings

if TYPE_CHECKING:
    from bridge.session.wire_trace import WireTrace

_OWN_SECONDS = 300.0
"""How long a script of the session may take: the log-on, and before it what another client left running."""


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
        self._deadline = Deadline(deadline)
        self._runspace = NamedRunspace(settings.agent, self._listener, trace)
        self._exchange = ExchangeSetup(
            settings, scripts, self._runspace, self._run_own, listener=self._listener, hide=hide or nobody
        )
        self._runspace.limit = self._deadline
        self._state: BridgeState | None = None
        self._wear = Wear(settings.agent, self._listener)
        self._last_pipeline = ""
        self._batches = Batches(settings.agent, scripts, self._runspace, self._listener)
        self._is_broken = False
        self._is_disconnected = False
        self._is_left = False
        self.left_answers: tuple[Answer, ...] = ()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.leave()

    def open(self, *, left: Sequence[Call] = ()) -> BridgeState:
        """Take the runspace over or open it, and connect Exchange where it is not connected.

        ``left`` are calls of a batch of a process that died, in their order, as far as they are known. Where that batch
        is still there they come to their end, and ``left_answers`` has the answers that can still be had. Raises
        AgentError and ExchangeError.
        """
        if not self._reach(left):
            return self._set_up("new")
        if not self._wear.is_old(self._age):
            try:
                state = self._set_up("taken over")
            except LOST as error:
                self._listener("runspace lost", error=error.message)
            except errors.InstalledScriptsDiffer as error:
                # It may have been opened before its endpoint got the scripts of today.
                self._listener("runspace replaced", error=error.message)
            else:
                if not self._wear.is_large(state.memory_bytes):
                    return state
        return self._rebuild()

    def within(self, seconds: float | None) -> None:
        """What comes next may take so many seconds, from now on; None is no limit. It replaces the deadline."""
        self._deadline = self._runspace.limit = Deadline(seconds)

    @property
    def is_broken(self) -> bool:
        """Whether the last call failed on the way to the agent or back; the next one would begin with mending it."""
        return self._is_broken

    @property
    def is_wanted(self) -> bool:
        """Whether another process of this machine waits for the runspace."""
        return self._runspace.is_wanted

    def look(self) -> BridgeState | None:
        """The state of the runspace if it is there, without connecting Exchange; None when there is none."""
        return self._exchange.read_state("taken over") if self._reach(may_open=False) else None

    def reach(self) -> bool:
        """Take the runspace over (True) or open it (False), and connect nothing; ``ask`` and ``connect`` follow.

        Raises AgentError.
        """
        return self._reach()

    def _reach(self, left: Sequence[Call] = (), *, may_open: bool = True) -> bool:
        if not self._runspace.reach(self._deadline, may_open=may_open):
            return False
        self.left_answers = self._batches.end_left(left)
        return True

    def ask(self, script: str, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """The one object that a script of the session answers in the runspace that was reached.

        Raises AgentError, and ExchangeError where the runspace runs no such script.
        """
        return self._exchange.ask(script, parameters)

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
            self.mend()
            reply = self._sent(script, parameters, on_record, call_id, on_row)
            if not reply.handed_on and self.has_lost_exchange(reply):
                self._connect_again()
                reply = self._run(script, parameters, on_record, "", on_row)
        except errors.AgentError:
            self._is_broken = True
            raise
        return reply

    def batch(self, scripts: Iterable[str], on_record: Callable[[Call, Record], None]) -> BatchPipeline:
        """A pipeline for many calls of these scripts in the open runspace, which is mended first.

        Raises AgentError and ExchangeError: Exchange could not be connected.
        """
        self.mend()
        return self._batches.begin(scripts, on_record)

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
        if not self._is_left:
            # One that cannot be ended is left to the next, who has word of it.
            with contextlib.suppress(errors.AgentError):
                self._end_batch()
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

    def mend(self) -> None:
        """Before a call: what broke at the last one, and what has grown old. Raises AgentError and ExchangeError."""
        if self._deadline.has_passed:
            raise errors.DeadlinePassed("The deadline has passed; nothing more was sent.")
        try:
            self._end_batch()
        except LOST as error:
            self._listener("runspace lost", error=error.message)
            self._batches.forget()
            self._rebuild()
        if self._is_broken:
            self._recover()
        elif self._runspace.is_open and (self._wear.is_old(self._age) or self._has_grown()):
            self._rebuild()
        elif self._is_disconnected:
            self._connect_again()
        elif self._state is not None and token_ends(self._state):
            self._listener("token ends", expires=self._state.token_expires)
            self._connect_again()

    @property
    def wants_mending(self) -> bool:
        """Whether a batch that is under way had better end, so that ``mend`` can do what is due."""
        batch = self._batches.last
        return (
            self._is_disconnected
            or self._wear.is_above_limits(self._age, batch.sent if batch else 0)
            or (self._state is not None and token_ends(self._state))
        )

    def has_lost_exchange(self, reply: Reply) -> bool:
        """Whether a reply says that Exchange is not connected any more; its cmdlet was not run. ``mend`` connects."""
        if self._state is None or not connection_gone(reply, self._state):
            return False
        if not self._is_disconnected:
            self._listener("exchange connection lost", error=reply.errors[-1].message)
        self._is_disconnected = True
        return True

    def _end_batch(self) -> None:
        """What is left to do of a batch after its calls. Raises AgentError: it may still be there."""
        batch = self._batches.last
        if batch is None:
            return
        self._is_broken = self._is_broken or batch.is_broken
        self._batches.end()
        self._wear.ran(max(1, batch.sent))

    def _recover(self) -> None:
        """After a failure: go on with the runspace where it still answers, else with a new one. Raises AgentError."""
        self._runspace.reset_connection()
        self._is_broken = False
        lost = self._last_pipeline
        try:
            # The runspace runs one pipeline at a time: when this one answers, the lost one has ended.
            self._state = self._exchange.read_state("taken over")
            self._runspace.forget_pipeline(lost)
        except errors.AgentError as error:
            self._listener("runspace lost", error=error.message)
            self._rebuild()
            return
        self._listener("runspace kept", runspace=self._runspace.id)
        if not self._exchange.fits(self._state):
            self._connect_again()

    def _connect_again(self) -> None:
        """Connect Exchange in the runspace that is there, or in a new one where that is gone.

        Raises AgentError and ExchangeError.
        """
        try:
            self._state = self._exchange.connect("taken over")
            self._is_disconnected = False
        except LOST as error:
            self._listener("runspace lost", error=error.message)
            self._rebuild()

    def _rebuild(self) -> BridgeState:
        """A new runspace, with Exchange connected. Raises AgentError and ExchangeError."""
        self._runspace.replace()
        self._is_broken = self._is_disconnected = False
        self._wear.is_new()
        return self._set_up("new")

    @property
    def _age(self) -> float:
        """Seconds since the runspace was opened."""
        return time.monotonic() - self._runspace.opened

    def _has_grown(self) -> bool:
        """Whether its memory is above the limit, or it is gone; looked at now and then only."""
        if not self._wear.wants_look():
            return False
        try:
            return self._wear.is_large(self._exchange.read_state("taken over").memory_bytes)
        except LOST as error:
            self._listener("runspace lost", error=error.message)
            return True

    def _set_up(self, runspace: str) -> BridgeState:
        try:
            self._state = self._exchange.set_up(runspace)
        except (errors.ExchangeError, errors.AgentError):
            if runspace == "new":
                self.close()
            raise
        return self._state

    def _run(
        self,
        script: str,
        parameters: Mapping[str, Any],
        on_record: OnRecord,
        call_id: str = "",
        on_row: OnRow | None = None,
        limit: Deadline | None = None,
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
            limit or self._deadline,
            on_row,
            is_command=is_command,
        )
        self._wear.ran()
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

    def _run_own(self, script: str, parameters: Mapping[str, Any]) -> Reply:
        """Run a script of the session; what it says is listened to.

        Raises also RunspaceLost: it did not come to its end, because something else is in the runspace that does not.
        """
        limit = Deadline(self._deadline.remaining(_OWN_SECONDS))
        try:
            return self._run(
                script, parameters, lambda record: self._listener(record.stream, message=record.message), limit=limit
            )
        except errors.DeadlinePassed:
            if self._deadline.has_passed:
                raise
            raise errors.RunspaceLost(
                f"The runspace {self._settings.agent.runspace_name!r} ran nothing for {_OWN_SECONDS:.0f} s."
            ) from None
