"""Many calls through one pipeline of the runspace (Invoke-Batch.ps1), whose input and output are open together.

Rules:

- The order of the calls is the order of their execution. A few are on their way while one runs: as many as the agent
  does in a second, so that it never waits for the next and soon comes to an end when no more are to come.
- Whoever takes the answers slowly is waited for: no call is taken and nothing received meanwhile.
- Nothing is sent twice. After a broken connection nothing new is sent at all; what is on its way is finished, and its
  answers are received on a new connection as long as the agent lets us.
- Whatever happens, every call that was taken is in one place: its answer was handed out or is in ``not_taken``, or it
  is in ``maybe_run``, or in ``not_started``. An answer of which a part was lost is none.
- An error that ends the iteration says why; those say what is to be settled, and what can simply be run again.
"""

from __future__ import annotations

import contextlib
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from pypsrp.complex_objects import PSInvocationState
from pypsrp.exceptions import WSManFaultError
from pypsrp.powershell import RunspacePool

from bridge import errors
from bridge.actions.action import parameter_name
from bridge.jea import function_name
from bridge.model import Call, Record
from bridge.patience import Deadline
from bridge.session.open_pipeline import OpenPipeline
from bridge.session.pipeline import STOP_SECONDS
from bridge.session.stream_items import Answer, Item, Pace
from bridge.session.wsman import ObservedWSMan, translated

_SEND_CHARACTERS = 100_000
"""How much goes into one Send at most, about; more than one call that alone is larger is never in it."""
_PAUSES = (0.0, 0.5, 2.0)
"""Seconds before each try to go on after a broken connection."""


class BatchPipeline:
    """A pipeline that runs many calls, once.

    ``text`` is Invoke-Batch.ps1's, or with ``is_command`` the name of its function; ``scripts`` the texts of the
    scripts that the calls may name, by name (none with ``is_command``). ``pipeline_id`` is a GUID. ``on_record`` is
    told of each record with its call, as it arrives. ``sent`` is how many calls were sent, ``room`` how
    many are taken at a time just now.
    """

    def __init__(
        self,
        pool: RunspacePool,
        wsman: ObservedWSMan,
        text: str,
        scripts: Mapping[str, str],
        pipeline_id: str,
        deadline: Deadline,
        on_record: Callable[[Call, Record], None],
        *,
        is_command: bool = False,
    ) -> None:
        self._wsman = wsman
        self._pipeline = OpenPipeline(pool, wsman, pipeline_id)
        self._text = text
        self._scripts = scripts
        self._deadline = deadline
        self._on_record = on_record
        self._is_command = is_command
        self._pace = Pace()
        self._items: deque[Item] = deque()
        self._answered: deque[Answer] = deque()
        self._skipped: list[Item] = []
        self._unsent: list[Call] = []
        self._no_more = False
        self._has_ended_input = False
        self._has_started = False
        self._has_lost_output = False
        self._tries = 0
        self.sent = 0
        self.room = 0

    @property
    def id(self) -> str:
        """The pipeline's id on the agent."""
        return self._pipeline.id

    @property
    def maybe_run(self) -> tuple[Call, ...]:
        """The calls that were sent and have no answer: each may have been done, in part or not at all."""
        return tuple(item.call for item in self._split()[0])

    @property
    def not_started(self) -> tuple[Call, ...]:
        """The calls that were taken and provably did not start."""
        return (*(item.call for item in self._split()[1]), *self._unsent)

    @property
    def on_their_way(self) -> int:
        """How many calls were sent and have no answer yet."""
        return len(self._items)

    @property
    def not_taken(self) -> tuple[Answer, ...]:
        """The answers that were here when the iteration was left."""
        return tuple(self._answered)

    @property
    def is_broken(self) -> bool:
        """Whether the runspace has to be looked at before it is used again."""
        return self._has_started and (self._pipeline.state is None or self._has_lost_output)

    def finish(self) -> None:
        """Take no more calls; those that were sent are done and answered. May be called from a signal's handler."""
        self._no_more = True

    def answers(self, calls: Iterable[Call | None]) -> Iterator[Answer]:
        """The answers to the calls, in their order, each as soon as it is there. The calls are taken as they are sent.

        ``calls`` gives None while it has none before an answer to those on their way; with none on their way that is
        its end. An exception of ``calls`` comes out after the answers to what was sent before. Raises AgentError when
        not all could be answered, and Interrupted when a signal came: the pipeline is then stopped. Whoever leaves the
        iteration stops it too.
        """
        source = _Source(calls)
        lost: errors.AgentError | None = None
        try:
            self._start()
            while self._pipeline.state is None:
                if self._deadline.has_passed:
                    self._stop()
                    yield from self._deliver()
                    raise errors.DeadlinePassed(
                        "The deadline passed while calls were running; they were stopped.",
                        maybe_sent=bool(self.maybe_run),
                    )
                try:
                    self._refill(source)
                    time.sleep(self._deadline.remaining(self._pace.pause(len(self._items))))
                    self._receive()
                except errors.AgentError as error:
                    lost = lost or error
                    yield from self._deliver()
                    self._go_on_after(error, lost)
                yield from self._deliver()
        except KeyboardInterrupt:
            self._stop()
            yield from self._deliver()
            raise errors.Interrupted("Stopped while calls were running.") from None
        finally:
            self._pipeline.close()
        if lost is not None and (self._has_lost_output or self.maybe_run or self.not_started or not source.is_empty):
            lost.maybe_sent = bool(self.maybe_run)
            raise lost
        self._check_end()
        if source.error is not None:
            raise source.error

    def take_over(self, calls: Iterable[Call]) -> Iterator[Answer]:
        """The answers that the agent has to these calls, which another process sent in this pipeline before it died.

        What was sent comes to its end first. Answers that went to the other process are lost. Raises as ``answers``.
        """
        self._has_started = self._has_lost_output = self._no_more = True
        self._items.extend(Item(call) for call in calls)
        try:
            self._pipeline.connect()
            self._send([])
            while self._pipeline.state is None:
                if self._deadline.has_passed:
                    raise errors.DeadlinePassed("The deadline passed while calls were running; they were stopped.")
                self._receive()
                yield from self._deliver()
        except KeyboardInterrupt:
            raise errors.Interrupted("Stopped while calls were running.") from None
        finally:
            self._pipeline.close()

    def _deliver(self) -> Iterator[Answer]:
        while self._answered:
            yield self._answered.popleft()

    # --- sending

    def _start(self) -> None:
        """Begin the pipeline, and leave its input open. Raises AgentError; no call was sent then."""
        parameters = {} if self._is_command else {"Scripts": dict(self._scripts)}
        self._pipeline.begin(self._text, parameters, is_command=self._is_command)
        self._has_started = True

    def _refill(self, source: _Source) -> None:
        """Send what there is room for, and the end of the input when nothing more is to come. Raises AgentError."""
        if self._has_ended_input:
            return
        calls: list[Call] = []
        self.room = self._pace.room(len(self._items))
        size = 0
        while self.room > len(calls) and size < _SEND_CHARACTERS and not self._no_more:
            call = source.take()
            if call is None:
                # What has nothing to give now, and waits for nothing, has come to its end.
                if source.has_ended or not (calls or self._items):
                    self._no_more = True
                break
            calls.append(call)
            size += sum(len(str(value)) for value in call.parameters.values())
        if source.error is not None:
            self._unsent += calls
            calls = []
        if calls or self._no_more:
            self._send(calls)

    def _send(self, calls: list[Call]) -> None:
        """Send calls, and the end of the input when nothing more is to come."""
        ends = self._no_more
        try:
            self._pipeline.send([self._item(call) for call in calls], ends=ends)
        except errors.AgentError as error:
            if error.maybe_sent:
                self._items.extend(Item(call) for call in calls)
            else:
                self._unsent += calls
            raise
        except BaseException:
            self._items.extend(Item(call) for call in calls)
            raise
        self._items.extend(Item(call) for call in calls)
        self.sent += len(calls)
        self._has_ended_input = ends

    def _item(self, call: Call) -> dict[str, Any]:
        parameters = {
            parameter_name(name): list(value) if isinstance(value, tuple) else value
            for name, value in call.parameters.items()
        }
        if call.dry_run:
            parameters["DryRun"] = True
        script = function_name(call.script) if self._is_command else call.script
        return {"Id": call.id, "Script": script, "Parameters": parameters}

    # --- receiving

    def _receive(self) -> None:
        """Wait for output, and keep the answers that are whole with it. Raises AgentError."""
        agent = self._wsman.agent
        seconds = max(1, round(self._deadline.remaining(agent.operation_timeout)))
        told: list[tuple[Call, Record]] = []
        with translated(agent, maybe_sent=True):
            for said in self._pipeline.receive(seconds):
                self._take(said, told)
        for call, record in told:
            self._on_record(call, record)

    def _take(self, said: Any, told: list[tuple[Call, Record]]) -> None:
        """One array of Invoke-Batch.ps1: an id and some records. Raises ValueError for anything else."""
        if not isinstance(said, list) or not said:
            raise ValueError("the batch gave something that is no array")
        call_id, *rest = said
        if all(item.call.id != call_id for item in self._items):
            return
        while self._items[0].call.id != call_id:
            self._skipped.append(self._items.popleft())
        item = self._items[0]
        told += ((item.call, record) for record in item.take(rest))
        if item.has_ended:
            self._items.popleft()
            self._pace.tell(item.seconds)
            if item.is_whole:
                self._answered.append(item.answer())
            else:
                self._skipped.append(item)

    # --- ending

    def _go_on_after(self, error: errors.AgentError, lost: errors.AgentError) -> None:
        """Receive what is left on a new connection, where there is hope; raises ``lost`` where there is none."""
        if isinstance(error.__cause__, WSManFaultError) or self._tries == len(_PAUSES):
            lost.maybe_sent = bool(self.maybe_run)
            raise lost
        self._has_lost_output = self._has_lost_output or error.maybe_sent
        self._no_more = True
        self._wsman.reset()
        time.sleep(self._deadline.remaining(_PAUSES[self._tries]))
        self._tries += 1

    def _stop(self) -> None:
        """Ask the agent to stop the pipeline, and wait a little for its last words. Never raises an agent's error."""
        # The signal may have come in the middle of an exchange, whose connection is of no use any more, and whose
        # answer is lost.
        self._wsman.reset()
        self._has_lost_output = True
        until = time.monotonic() + STOP_SECONDS
        with contextlib.suppress(errors.AgentError):
            self._pipeline.stop()
            while self._pipeline.state is None and time.monotonic() < until:
                self._receive()

    def _check_end(self) -> None:
        """Raises ProtocolError when the pipeline came to its end before its calls did."""
        if self._pipeline.state == PSInvocationState.COMPLETED and not self.maybe_run:
            return
        why = self._pipeline.said or "a script left it"
        raise errors.ProtocolError(f"The batch ended before its calls: {why}.", maybe_sent=bool(self.maybe_run))

    def _split(self) -> tuple[list[Item], list[Item]]:
        """What was sent and not answered: what may have run, and what did not.

        Calls run one after the other. So when the pipeline has ended and all of its output is here, the first without
        an answer is the last that can have begun.
        """
        waiting = list(self._items)
        if self._pipeline.state is None or self._has_lost_output:
            return [*self._skipped, *waiting], []
        return [*self._skipped, *waiting[:1]], waiting[1:]


class _Source:
    """The calls, and how they ended: ``is_empty`` when all were taken, ``error`` when the next could not be had."""

    def __init__(self, calls: Iterable[Call | None]) -> None:
        self._calls = iter(calls)
        self.is_empty = False
        self.error: Exception | None = None

    @property
    def has_ended(self) -> bool:
        """Whether there are no more calls."""
        return self.is_empty or self.error is not None

    def take(self) -> Call | None:
        """The next call, or None: there is none now, or no more."""
        try:
            return next(self._calls)
        except StopIteration:
            self.is_empty = True
        except Exception as error:
            self.error = error
        return None
