"""What the tests of runs share: an agent, and a journal of their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.journal import Journal
from tests.agent import Agent, running_agent
from tests.batch.bench import Bench


@pytest.fixture(scope="module")
def shared_agent() -> Iterator[Agent]:
    """One agent for all tests of a file."""
    with running_agent("contract") as agent:
        yield agent


@pytest.fixture
def bench(shared_agent: Agent, tmp_path: Path) -> Iterator[Bench]:
    """A bench; the organization and the shells are put back."""
    tenant = shared_agent.simulator.tenant
    before = tenant.snapshot()
    shared_agent.records.clear()
    with Journal(tmp_path / "journal.db") as journal:
        yield Bench(shared_agent, journal)
    tenant.restore(before)
    for shell in shared_agent.simulator.shells():
        shell.close()
