"""What the tests of runs share: an agent, and a journal of their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.journal import Journal
from tests.agent import Agent, running_agent
from tests.batch.bench import Bench
from tests.batch.desk import Desk


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


@pytest.fixture(scope="module")
def contract_desk() -> Iterator[Desk]:
    """The engine without PowerShell."""
    with running_agent("contract") as agent, agent.session(on_exit="close") as session:
        session.open()
        yield Desk(agent, session)


@pytest.fixture(scope="module")
def pwsh_desk(pwsh_path: str) -> Iterator[Desk]:
    """A real PowerShell."""
    with running_agent("pwsh", pwsh=pwsh_path) as agent, agent.session(on_exit="close") as session:
        session.open()
        yield Desk(agent, session)


@pytest.fixture(params=["contract", pytest.param("pwsh", marks=pytest.mark.pwsh)])
def desk(request: pytest.FixtureRequest) -> Iterator[Desk]:
    """One engine after the other; the organization is put back."""
    found: Desk = request.getfixturevalue(f"{request.param}_desk")
    tenant = found.agent.simulator.tenant
    before = tenant.snapshot()
    found.agent.records.clear()
    yield found
    tenant.restore(before)
