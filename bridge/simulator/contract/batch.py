"""session/Invoke-Batch.ps1, in Python: many scripts one after the other in one pipeline.

A script here is run as a pipeline of its own, whose records are those of an item of the batch.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any

from bridge.simulator.contract.run import Run
from bridge.simulator.engine import Command, ErrorInfo, Pipeline, TerminatingError

# An item that takes longer than this has its records told at once, as in the script.
_SLOW_SECONDS = 0.05


def run_items(run: Run) -> None:
    """Run each item of the input. Raises PipelineStopped."""
    is_slow = True
    for given in run.pipeline.read():
        item = _Item(run.pipeline, given["Id"], is_slow=is_slow)
        try:
            item.commands = [_command(run, given)]
            run.runspace.run_pipeline(item)
        except TerminatingError as error:
            item.fail(error.info)
        is_slow = item.end()


def _command(run: Run, given: dict[str, Any]) -> Command:
    """What an item is: a script of those that were given, or in a JEA endpoint a function. Raises TerminatingError."""
    name = given["Script"]
    parameters = {**given["Parameters"], "Verbose": True}
    if run.function:
        return Command(name, is_script=False, parameters=parameters)
    texts = {key.lower(): text for key, text in (run.values["Scripts"] or {}).items()}
    if name.lower() not in texts:
        run.fail("UnknownScript", "ObjectNotFound", f"There is no script '{name}' here.", name, function="Find-Command")
    return Command(texts[name.lower()], is_script=True, parameters=parameters)


class _Item:
    """The pipeline of one item: what it writes goes out by the batch's pipeline, with the item's id."""

    def __init__(self, outer: Pipeline, item_id: str, *, is_slow: bool) -> None:
        self.commands: Sequence[Command] = ()
        self._outer = outer
        self._id = item_id
        self._is_slow = is_slow
        self._start = time.monotonic()
        self._count = 0
        self._is_whole = True
        self._records: list[Any] = []

    def output(self, value: Any) -> None:
        """One object."""
        self._add("output", value)

    def verbose(self, text: str) -> None:
        """One verbose record."""
        self._add("verbose", text)

    def warning(self, text: str) -> None:
        """One warning record."""
        self._add("warning", text)

    def error(self, info: ErrorInfo) -> None:
        """One error record."""
        facts = (info.message, info.reason, info.exception_type, info.error_id, info.activity, info.target)
        self._add("error", *facts, info.category, "")

    def fail(self, info: ErrorInfo) -> None:
        """The error record that ends the item."""
        self._is_whole = False
        self.error(info)

    def read(self) -> Iterator[Any]:
        """An item has no input."""
        return iter(())

    def end(self) -> bool:
        """Tell that the item has ended; gives whether it was slow."""
        is_slow = self._has_been_slow()
        self._records += ["end", self._count, self._seconds(), self._is_whole]
        self._send()
        return is_slow

    def _add(self, *record: Any) -> None:
        self._count += 1
        self._records += record
        if self._is_slow or self._has_been_slow():
            self._send()

    def _send(self) -> None:
        self._outer.output([self._id, *self._records])
        self._records = []

    def _seconds(self) -> float:
        return time.monotonic() - self._start

    def _has_been_slow(self) -> bool:
        return self._seconds() >= _SLOW_SECONDS
