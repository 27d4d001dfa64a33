"""How worn a runspace is: its age, what this process ran in it, its memory. One that is worn out is replaced.

Rules: the limits are those of [agent], 0 for none. A call of a batch counts as a pipeline. Memory is looked at now and
then only, since a look is a pipeline itself.
"""

from __future__ import annotations

from bridge.model import Listener
from bridge.settings import AgentSettings

_MEMORY_EVERY = 100
"""After how many pipelines the memory is looked at again."""


class Wear:
    """What is known of one runspace after the other. Ages are seconds. That it is worn out is told."""

    def __init__(self, agent: AgentSettings, listener: Listener) -> None:
        self._agent = agent
        self._listener = listener
        self._pipelines = 0
        self._looked_at = 0

    def is_new(self) -> None:
        """Another runspace took the place of this one."""
        self._pipelines = self._looked_at = 0

    def ran(self, pipelines: int = 1) -> None:
        """So many more ran in it."""
        self._pipelines += pipelines

    def is_above_limits(self, age: float, under_way: int = 0) -> bool:
        """Whether it is too old, with ``under_way`` pipelines more that do not count yet; nothing is told."""
        agent = self._agent
        return bool(
            (agent.recycle_age and age > agent.recycle_age)
            or (agent.recycle_pipelines and self._pipelines + under_way >= agent.recycle_pipelines)
        )

    def is_old(self, age: float) -> bool:
        """Whether it is too old."""
        if not self.is_above_limits(age):
            return False
        self._listener("runspace recycled", age=round(age), pipelines=self._pipelines)
        return True

    def wants_look(self) -> bool:
        """Whether its memory is to be looked at now."""
        if not self._agent.recycle_memory or self._pipelines - self._looked_at < _MEMORY_EVERY:
            return False
        self._looked_at = self._pipelines
        return True

    def is_large(self, memory_bytes: int) -> bool:
        """Whether it needs too much memory."""
        limit = self._agent.recycle_memory * 2**20
        if not limit or memory_bytes <= limit:
            return False
        self._listener("runspace recycled", memory_bytes=memory_bytes, pipelines=self._pipelines)
        return True
