"""The batches of a session, one at a time: many calls through one pipeline, see ``stream``.

A batch waits for input and would keep the runspace for ever. So whoever wants to run anything else ends it first, also
one that a process left which died; the agent knows it by the id that was written down.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Sequence

from bridge import errors
from bridge.jea import function_name
from bridge.model import Call, Listener, Record
from bridge.scripts import ScriptFolder
from bridge.session.runspace import LOST, NamedRunspace
from bridge.session.stream import BatchPipeline
from bridge.session.stream_items import Answer
from bridge.settings import AgentSettings

_BATCH = "session/Invoke-Batch.ps1"


class Batches:
    """Begins and ends the batches in an open runspace. ``last`` is the one that was begun and not ended yet."""

    def __init__(
        self, agent: AgentSettings, scripts: ScriptFolder, runspace: NamedRunspace, listener: Listener
    ) -> None:
        self._agent = agent
        self._scripts = scripts
        self._runspace = runspace
        self._listener = listener
        self.last: BatchPipeline | None = None

    def begin(self, scripts: Iterable[str], on_record: Callable[[Call, Record], None]) -> BatchPipeline:
        """A batch for calls of these scripts."""
        names = tuple(scripts)
        self.last = self._new(names, on_record, str(uuid.uuid4()))
        self._runspace.note(self.last.id)
        self._listener(
            "batch sent", pipeline=self.last.id, scripts={name: self._scripts.get(name).sha256 for name in names}
        )
        return self.last

    def end(self) -> None:
        """What is left to do of the last batch after its calls. Raises AgentError: it may still be there."""
        if self.last is not None and self.last.is_broken:
            self._end_pipeline(self.last.id)
        self.forget()

    def forget(self) -> None:
        """The last batch is not there any more."""
        self.last = None
        self._runspace.note()

    def end_left(self, calls: Sequence[Call]) -> tuple[Answer, ...]:
        """End the batch that a dead process left here; the answers to these calls of it that can still be had.

        Raises AgentError: it may still be there.
        """
        batch_id = self._runspace.left_batch
        if not batch_id:
            return ()
        batch = self._new((), lambda *_: None, batch_id)
        answers: tuple[Answer, ...] = ()
        try:
            answers = tuple(batch.take_over(calls)) if calls else ()
        except errors.AgentError as error:
            self._listener("batch lost", pipeline=batch_id, error=error.message)
        self._end_pipeline(batch_id)
        self._runspace.note()
        return answers

    def _end_pipeline(self, batch_id: str) -> None:
        self._runspace.reset_connection()
        try:
            self._runspace.end_pipeline(batch_id)
        except LOST:
            self._runspace.reset_connection()
            self._runspace.end_pipeline(batch_id)

    def _new(self, scripts: Iterable[str], on_record: Callable[[Call, Record], None], batch_id: str) -> BatchPipeline:
        is_command = self._agent.jea
        return BatchPipeline(
            self._runspace.pool,
            self._runspace.wsman,
            function_name(_BATCH) if is_command else self._scripts.get(_BATCH).text,
            {} if is_command else {name: self._scripts.get(name).text for name in scripts},
            batch_id,
            self._runspace.limit,
            on_record,
            is_command=is_command,
        )
