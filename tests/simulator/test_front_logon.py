"""What the simulated agent asks of a log-on by certificate, seen by a plain HTTP client."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

import pytest
import requests

from bridge.simulator import Simulator, SimulatorError, SimulatorOptions
from bridge.simulator.front.auth import MUTUAL


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    """An agent that knows two accounts by their certificates, one of them locked."""
    options = SimulatorOptions(
        engine="contract", tls=True, auth="certificate", accounts={"somebody": "x"}, locked=("somebody",)
    )
    with Simulator(options) as running:
        yield running


def post(simulator: Simulator, account: str = "", **headers: str) -> int:
    """The status of an empty request, with the certificate of an account or with none."""
    files: dict[str, Any] = simulator.client_certificate(account) if account else {}
    with requests.post(
        f"https://127.0.0.1:{simulator.port}/wsman",
        headers=headers,
        verify=simulator.settings()["agent"]["ca_file"],
        cert=tuple(files.values()) or None,
        timeout=30,
    ) as answer:
        return answer.status_code


def test_certificate_and_header_are_both_needed(simulator: Simulator) -> None:
    """A certificate alone is no log-on, and neither is the header that announces one."""
    assert post(simulator, "operator", Authorization=MUTUAL) == HTTPStatus.OK
    assert post(simulator, "operator") == HTTPStatus.UNAUTHORIZED
    assert post(simulator, Authorization=MUTUAL) == HTTPStatus.UNAUTHORIZED


@pytest.mark.parametrize("account", ["somebody", "nobody"])
def test_whoever_is_locked_or_unknown_is_refused(simulator: Simulator, account: str) -> None:
    """Though the CA that the agent trusts has signed the certificate."""
    assert post(simulator, account, Authorization=MUTUAL) == HTTPStatus.UNAUTHORIZED


def test_a_log_on_by_certificate_needs_tls() -> None:
    """Said when the simulator is made, not when it is used."""
    with pytest.raises(SimulatorError, match="TLS"):
        Simulator(SimulatorOptions(engine="contract", auth="certificate"))
