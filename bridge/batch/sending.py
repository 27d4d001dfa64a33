"""How the items of a batch get to the agent: calls in, their outcomes out as they end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

from bridge.model import Call, Outcome
from bridge.runner import Runner


class Sender(Protocol):
    """Runs calls in the runspace, in their order."""

    def send(self, calls: Iterable[Call]) -> Iterator[Outcome]:
        """The outcome of each call, as it ends.

        Raises Interrupted, with the outcome of the call that was running in ``outcomes``.
        """


class OneByOne:
    """One pipeline for each call."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    def send(self, calls: Iterable[Call]) -> Iterator[Outcome]:
        """The outcome of each call, as it ends; see ``Runner.run``."""
        for call in calls:
            yield self._runner.run(call)
