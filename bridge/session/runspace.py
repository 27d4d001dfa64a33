"""The named runspace on the agent: found and taken over, or opened; disconnected for the next process, or closed.

Rules:

- One client at a time. On this machine whoever wants the runspace waits in line (``lock.py``); elsewhere the agent says
  that another client is connected, and one waits until it is not. Both waits have one limit, and are told.
- A client that the agent believes connected, and that said nothing for longer than a living one can, is dead: its
  shell is taken over once the agent lets go of it, or replaced.
- A process of this machine that died left word of its shell: that is disconnected in its name and taken over at once.
- Of two shells with our name one is used, and the other is closed. Shells of other owners, other names and other
  endpoints are never touched.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from pypsrp.complex_objects import RunspacePoolState
from pypsrp.exceptions import WSManFaultError
from pypsrp.powershell import RunspacePool
from pypsrp.shell import SignalCode

from bridge import errors
from bridge.model import Listener
from bridge.patience import Deadline
from bridge.session.lock import Holder, Left, RunspaceLock
from bridge.session.shells import RunspaceInfo, delete_shell, disconnect_shell, enumerate_shells
from bridge.session.wsman import ObservedWSMan, is_not_found, translated
from bridge.settings import AgentSettings
from bridge.wsman_faults import TIMED_OUT

if TYPE_CHECKING:
    from bridge.session.wire_trace import WireTrace

_POLL_SECONDS = 0.5
LOST = (errors.RunspaceLost, errors.AgentTimeout, errors.ProtocolError)
"""What says that a runspace that was there is of no use any more, while another may be."""
OPEN_SECONDS = 180.0
"""How long a runspace may take to open or to be taken over: PowerShell's own OpenTimeout (New-PSSessionOption)."""


class NamedRunspace:
    """The runspace that [agent] names, as one client has it. Not safe for several threads: pypsrp is not."""

    def __init__(self, agent: AgentSettings, listener: Listener, trace: WireTrace | None = None) -> None:
        self._agent = agent
        self._trace = trace
        self._listener = listener
        self._wsman: ObservedWSMan | None = None
        self._pool: RunspacePool | None = None
        self._lock: RunspaceLock | None = None
        self._left: Left | None = None
        self._has_batch = False
        self._keys_exchanged = False
        self.limit = Deadline()
        self.opened = 0.0

    @property
    def is_open(self) -> bool:
        """Whether there is a runspace to run something in."""
        return self._pool is not None

    @property
    def is_wanted(self) -> bool:
        """Whether another process of this machine waits for us to leave it."""
        return self._lock is not None and self._lock.is_wanted()

    @property
    def id(self) -> str:
        """The shell's id on the agent."""
        return self.pool.id

    @property
    def pool(self) -> RunspacePool:
        """The open pool. Raises RunspaceLost when there is none."""
        if self._pool is None:
            raise errors.RunspaceLost("There is no open runspace.")
        return self._pool

    @property
    def wsman(self) -> ObservedWSMan:
        """The connection to the agent, made when it is first asked for. Raises AgentError."""
        if self._wsman is None:
            with translated(self._agent, maybe_sent=False):
                self._wsman = ObservedWSMan(self._agent, self._listener, self._trace)
        self._wsman.limit = self.limit
        return self._wsman

    # --- coming

    def reach(self, deadline: Deadline, *, may_open: bool = True) -> bool:
        """Take the runspace over (True), or open it (False; with ``may_open`` False there is none then).

        Waits for its turn as long as [agent] wait_timeout and the deadline allow. Raises AgentError.
        """
        limit = Deadline(deadline.remaining(self._agent.wait_timeout))
        if self._wait_in_line(limit):
            self._let_go_for_the_dead()
        told = False
        while True:
            mine = [info for info in enumerate_shells(self.wsman) if info.mine]
            free = [info for info in mine if info.state != "Connected"]
            in_use = [info for info in mine if info.in_use]
            abandoned = [info for info in mine if info.abandoned]
            for info in free:
                if self._take_over(info):
                    self._close_others([other for other in free if other is not info] + abandoned)
                    return True
            if in_use:
                self._wait_for_client(in_use[0], limit, told=told)
                told = True
                continue
            self._close_others(abandoned)
            if may_open:
                self._open()
            return False

    def replace(self) -> None:
        """Open a new runspace in place of one that is lost or has grown old. Raises AgentError."""
        if not self.is_open:
            # It was closed meanwhile, and with it went our turn.
            self.reach(Deadline())
            return
        pool, self._pool = self._pool, None
        self.wsman.reset()
        if pool is not None and pool.id:
            self._delete(pool.id)
        self._open()

    def reset_connection(self) -> None:
        """Log on anew at the next request, after a connection that broke."""
        self.wsman.reset()

    def exchange_keys(self) -> None:
        """Once for each client of a runspace; needed before a SecureString can be sent. Raises AgentError."""
        if not self._keys_exchanged:
            with translated(self._agent, maybe_sent=False):
                self.pool.exchange_keys()
            self._keys_exchanged = True

    def _wait_in_line(self, limit: Deadline) -> bool:
        """Have our turn; False when we had it already, or no line can be kept. Raises RunspaceBusy."""
        if self._lock is not None:
            return False
        agent = self._agent
        what = f"{agent.host}:{agent.effective_port}/{agent.configuration_name}/{agent.user}/{agent.runspace_name}"
        lock = RunspaceLock(what.lower())
        seconds = limit.remaining(float(agent.wait_timeout))

        def waiting(holder: Holder | None) -> None:
            held_by = str(holder) if holder else "another process that waits"
            self._listener("waiting for the runspace", held_by=held_by, at_most=round(seconds))

        try:
            holder = lock.acquire(seconds, waiting)
        except OSError as error:
            # The agent still keeps two clients apart; what is lost is the order of those who wait.
            self._listener("line not kept", error=str(error))
            return False
        if holder is not None:
            raise errors.RunspaceBusy(
                f"The runspace {agent.runspace_name!r} is in use on this machine by {holder}; "
                f"{seconds:.0f} s of waiting were not enough."
            )
        self._lock = lock
        return True

    def _wait_for_client(self, info: RunspaceInfo, limit: Deadline, *, told: bool) -> None:
        """Wait a little for a client on another machine; tell it unless that was told; give up at the limit."""
        name = self._agent.runspace_name
        where = info.client_ip or "an address that is not known"
        if limit.has_passed:
            raise errors.RunspaceBusy(
                f"The runspace {name!r} on {self._agent.host} is in use by another client ({where}), which was heard "
                f"{info.idle_seconds:.0f} s ago; it counts as dead after {self._agent.abandoned_after} s."
            )
        if not told:
            at_most = round(limit.remaining(self._agent.wait_timeout))
            self._listener("waiting for the runspace", held_by=f"a client at {where}", at_most=at_most)
        time.sleep(limit.remaining(_POLL_SECONDS))

    def _take_over(self, info: RunspaceInfo) -> bool:
        """Connect to a disconnected shell; False when it ended, or somebody else was faster."""
        pool = self._new_pool()
        pool.id = info.shell_id
        pool.shell.id = info.shell_id
        pool.shell.opened = True
        pool.state = RunspacePoolState.DISCONNECTED
        # pypsrp sets this itself only in get_runspace_pools(), which asks for every shell of the account and forgets
        # the names by which ours is known.
        pool._new_client = True
        try:
            with translated(self._agent, maybe_sent=False):
                self._patiently(pool, pool.connect)
        except KeyboardInterrupt:
            self.wsman.reset()
            self._delete(info.shell_id)
            raise
        except errors.RunspaceBusy as error:
            self._listener("runspace gone", shell=info.shell_id, error=error.message)
            return False
        except errors.AgentError as error:
            is_lost = isinstance(error, LOST)
            if is_lost or pool.protocol_version is not None:
                # Half taken over it would be connected to nobody, and in everybody's way.
                self.wsman.reset()
                self._delete(info.shell_id)
            if not is_lost:
                raise
            self._listener("runspace gone", shell=info.shell_id, error=error.message)
            return False
        self._pool = pool
        self.opened = time.monotonic() - info.run_seconds
        self.note()
        self._listener("runspace taken over", runspace=info.shell_id, idle_seconds=round(info.idle_seconds))
        return True

    def _open(self) -> None:
        pool = self._new_pool()
        self._pool = pool
        try:
            with translated(self._agent, maybe_sent=False):
                self._patiently(pool, pool.open)
        except errors.AgentError:
            # The shell may be there all the same.
            self._pool = None
            self._delete(pool.id)
            raise
        self.opened = time.monotonic()
        self.note()
        self._listener("runspace opened", runspace=pool.id, configuration=self._agent.configuration_name)

    def _patiently(self, pool: RunspacePool, begin: Callable[[], None]) -> None:
        """Open or connect a pool. "Nothing yet" is an answer: pypsrp takes it so for a pipeline, but not here."""
        until = time.monotonic() + OPEN_SECONDS
        step = begin
        while True:
            try:
                return step()
            except WSManFaultError as error:
                if error.code != TIMED_OUT or not pool.shell.opened or time.monotonic() > until:
                    raise
                step = partial(self._await_open, pool)

    def _await_open(self, pool: RunspacePool) -> None:
        """Receive until the pool is open; pypsrp has no public way to go on with what it began."""
        while pool.state != RunspacePoolState.OPENED:
            pool._receive()

    def note(self, batch: str = "") -> None:
        """Tell who comes after us, should we die, which shell is ours and which batch is open in it, "" for none."""
        self._has_batch = bool(batch)
        if self._lock is not None and self._pool is not None:
            self._lock.note(Left(self._pool.id, str(self.wsman.session_id), batch))

    def _let_go_for_the_dead(self) -> None:
        """Disconnect the shell that a process of this machine had when it died. Raises AgentError."""
        self._left = self._lock.left() if self._lock is not None else None
        if self._left is None:
            return
        try:
            disconnect_shell(self.wsman, self._left.shell, self._left.session)
            self._listener("runspace left by a dead process", shell=self._left.shell, batch=self._left.batch)
        except (*LOST, errors.RunspaceBusy) as error:
            # It ended meanwhile, or it was let go of and belongs to nobody or to somebody else.
            self._listener("runspace gone", shell=self._left.shell, error=error.message)

    @property
    def left_batch(self) -> str:
        """The batch that a process which died left in this runspace; "" for none."""
        return self._left.batch if self._left is not None and self._left.shell == self.id else ""

    def forget_pipeline(self, pipeline_id: str) -> None:
        """Close a pipeline whose answer was lost, and which has ended. Never raises an agent's error."""
        try:
            self.end_pipeline(pipeline_id)
        except errors.AgentError as error:
            self._listener("pipeline not closed", error=error.message)

    def end_pipeline(self, pipeline_id: str) -> None:
        """End a pipeline, if it is there, and what runs in it. Raises AgentError: it may still be there."""
        self.pool.pipelines.pop(pipeline_id.upper(), None)
        try:
            with translated(self._agent, maybe_sent=False):
                self.pool.shell.signal(SignalCode.TERMINATE, pipeline_id.upper())
        except errors.AgentError as error:
            if not is_not_found(error):
                raise

    def _new_pool(self) -> RunspacePool:
        agent = self._agent
        pool = RunspacePool(
            self.wsman,
            configuration_name=agent.configuration_name,
            idle_timeout=agent.idle_timeout,
            no_profile=agent.no_profile,
        )
        pool.shell.name = agent.runspace_name
        self._keys_exchanged = False
        return pool

    def _close_others(self, infos: list[RunspaceInfo]) -> None:
        for info in infos:
            self._listener("runspace replaced", shell=info.shell_id, state=info.state, idle=round(info.idle_seconds))
            self._delete(info.shell_id)

    def _delete(self, shell_id: str) -> None:
        """End a shell, if it is there. Never raises an agent's error: one that stays is told, and ends by itself."""
        try:
            delete_shell(self.wsman, shell_id)
        except errors.AgentError as error:
            if not is_not_found(error):
                self._listener("runspace not closed", shell=shell_id, error=error.message)

    # --- going

    def disconnect(self) -> None:
        """Leave the runspace for the next process. Never raises."""
        with self._letting_go("runspace not disconnected") as pool:
            if pool is not None and pool.state == RunspacePoolState.OPENED:
                pool.disconnect()
                self._forget_note()
                self._listener("runspace disconnected", idle_timeout=self._agent.idle_timeout)
            elif pool is not None:
                # A signal came while it was opened.
                self.wsman.reset()
                self._delete(pool.id)

    def close(self) -> None:
        """End the runspace on the agent. Never raises."""
        with self._letting_go("runspace not closed") as pool:
            if pool is None:
                return
            try:
                with translated(self._agent, maybe_sent=False):
                    pool.close()
                self._forget_note()
            except errors.AgentError as error:
                if not is_not_found(error):
                    raise
                self._forget_note()
                # Gone is what was wanted.
                self._listener("runspace gone", shell=pool.id, error=error.message)
            else:
                self._listener("runspace closed")

    def _forget_note(self) -> None:
        if self._lock is not None and not self._has_batch:
            self._lock.note(None)

    def abandon(self) -> None:
        """Let go at once, without a word to the agent."""
        self._pool = None
        with self._letting_go("runspace abandoned"):
            pass

    @contextlib.contextmanager
    def _letting_go(self, failure: str) -> Iterator[RunspacePool | None]:
        """The pool to let go of. A failure is told, not raised; afterwards it is the next one's turn."""
        pool, self._pool = self._pool, None
        try:
            with translated(self._agent, maybe_sent=False):
                yield pool
        except errors.AgentError as error:
            self._listener(failure, error=error.message)
        finally:
            if self._wsman is not None:
                self._wsman.close()
                self._wsman = None
            if self._lock is not None:
                self._lock.release()
                self._lock = None
