"""The agents of these tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.agent import Agent, running_agent


@pytest.fixture(params=["contract", pytest.param("pwsh", marks=pytest.mark.pwsh)])
def agent(request: pytest.FixtureRequest) -> Iterator[Agent]:
    """An agent on each engine."""
    pwsh = request.getfixturevalue("pwsh_path") if request.param == "pwsh" else None
    with running_agent(request.param, pwsh=pwsh) as running:
        yield running


@pytest.fixture
def contract() -> Iterator[Agent]:
    """An agent without PowerShell, for what does not depend on the engine."""
    with running_agent("contract") as running:
        yield running
