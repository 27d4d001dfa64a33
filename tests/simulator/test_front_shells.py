"""The agent's shells over the wire: whose they are, who is connected, how many there may be, when they end."""

from __future__ import annotations

import time
import uuid
import xml.etree.ElementTree as ET
from collections.abc import Callable
from typing import Any

import pytest
from pypsrp.exceptions import WSManFaultError
from pypsrp.powershell import PowerShell, RunspacePool
from pypsrp.wsman import NAMESPACES, SelectorSet, WSMan

from tests.simulator.front_agent import SHELL_URI, front_agent, run

ENUMERATE = ET.Element("{http://schemas.xmlsoap.org/ws/2004/09/enumeration}Enumerate")


def fault_of(action: Callable[[], Any]) -> int | None:
    """The code of the WSMan fault that an action meets."""
    with pytest.raises(WSManFaultError) as raised:
        action()
    code: int | None = raised.value.code
    return code


def shells_seen(wsman: WSMan) -> list[dict[str, str]]:
    """What the enumeration says about each shell."""
    body = wsman.enumerate(SHELL_URI, ENUMERATE)
    return [
        {element.tag.rpartition("}")[2]: element.text or "" for element in shell}
        for shell in body.iter(f"{{{NAMESPACES['rsp']}}}Shell")
    ]


def test_a_shell_tells_about_itself_as_windows_does() -> None:
    """Name, owner, endpoint, process and state, before and after a disconnect."""
    with front_agent() as agent, agent.client() as wsman:
        pool = RunspacePool(wsman, idle_timeout=120)
        pool.shell.name = "job & 17"
        pool.open()
        (seen,) = shells_seen(wsman)
        (shell,) = agent.service.shells()
        assert seen["ShellId"] == shell.id == str(pool.id).upper()
        assert seen["Name"] == "job & 17"
        assert seen["Owner"] == "operator"
        assert seen["ResourceUri"].endswith("/powershell/Microsoft.PowerShell")
        assert seen["ProcessId"] == str(shell.process_id)
        assert seen["IdleTimeOut"] == "PT120.000S"
        assert seen["State"] == "Connected"
        assert seen["ShellRunTime"].startswith("P0DT0H0M")
        assert pool.is_alive()
        pool.disconnect()
        (seen,) = shells_seen(wsman)
        assert seen["State"] == "Disconnected"


def test_a_new_client_takes_a_disconnected_shell_over() -> None:
    """With the pipeline that runs in it: what it says then goes to the new one, and the old one is not let in."""
    with front_agent() as agent, agent.client() as first, agent.client() as second:
        pool = RunspacePool(first)
        pool.open()
        powershell = PowerShell(pool)
        powershell.add_script("wait").begin_invoke()
        powershell.poll_invoke()
        pool.disconnect()

        (found,) = RunspacePool.get_runspace_pools(second)
        found.connect()
        (running,) = found.create_disconnected_power_shells()
        agent.words.go.set()
        # It takes what there is, up to the end.
        running.connect()  # type: ignore[no-untyped-call]  # pypsrp gives it no types
        assert running.output[-1] == "done"
        assert run(found, "echo", 1) == [1]
        assert fault_of(pool.connect) == 2150859213
        found.close()
        assert agent.service.shells() == []


def test_the_same_client_comes_back() -> None:
    """Disconnect and connect by the client that was there before."""
    with front_agent() as agent, agent.client() as wsman, RunspacePool(wsman) as pool:
        pool.disconnect()
        pool.connect()
        assert run(pool, "echo", 1) == [1]


def test_only_the_connected_client_is_served() -> None:
    """Each refusal has Windows' own code."""
    uri = "http://schemas.microsoft.com/powershell/Microsoft.PowerShell"
    with front_agent() as agent, agent.client() as first, agent.client() as second, RunspacePool(first) as pool:
        selector = SelectorSet()
        selector.add_option("ShellId", str(pool.id).upper())
        (known,) = RunspacePool.get_runspace_pools(second)
        reconnect = ET.Element(f"{{{NAMESPACES['rsp']}}}Reconnect")

        assert fault_of(known.connect) == 2150859213
        assert fault_of(lambda: first.reconnect(uri, reconnect, selector_set=selector)) == 2150859216
        assert fault_of(lambda: second.reconnect(uri, reconnect, selector_set=selector)) == 2150859213
        assert fault_of(lambda: second.command(uri, ET.Element("x"), selector_set=selector)) == 2150859206
        pool.disconnect()
        assert fault_of(lambda: second.reconnect(uri, reconnect, selector_set=selector)) == 2150859206
        assert fault_of(lambda: first.command(uri, ET.Element("x"), selector_set=selector)) == 2150859204
        first.reconnect(uri, reconnect, selector_set=selector)


def test_another_account_neither_sees_nor_gets_a_shell() -> None:
    """It is not in its list, and cannot be reached by its id."""
    with (
        front_agent() as agent,
        agent.client() as first,
        agent.client("DOMAIN\\bob") as second,
        RunspacePool(first) as pool,
    ):
        assert RunspacePool.get_runspace_pools(second) == []
        selector = SelectorSet()
        selector.add_option("ShellId", str(pool.id).upper())
        assert fault_of(lambda: second.get(SHELL_URI, selector_set=selector)) == 5
        assert fault_of(lambda: second.delete(SHELL_URI, selector_set=selector)) == 5
        assert run(pool, "echo", 1) == [1]


def test_an_account_may_be_without_shells() -> None:
    """It may log on, no more: access denied."""
    with front_agent(without_shells=("operator",)) as agent, agent.client() as wsman:
        assert fault_of(RunspacePool(wsman).open) == 5


def test_an_endpoint_that_is_not_there() -> None:
    """The names that there are, in any case, and no other."""
    with front_agent() as agent, agent.client() as wsman:
        assert fault_of(RunspacePool(wsman, configuration_name="PowerShell.8").open) == 2150858811
        with RunspacePool(wsman, configuration_name="powershell.7") as pool:
            assert run(pool, "echo", 1) == [1]


def test_an_account_has_so_many_shells() -> None:
    """One more is refused, for this account alone, until one is closed."""
    with front_agent(max_shells=1) as agent, agent.client() as wsman, agent.client("DOMAIN\\bob") as other:
        with RunspacePool(wsman):
            assert fault_of(RunspacePool(wsman).open) == 2150859173
            with RunspacePool(other):
                pass
        with RunspacePool(wsman) as pool:
            assert run(pool, "echo", 1) == [1]


def test_a_shell_id_is_for_one_shell() -> None:
    """The first one keeps it."""
    with front_agent() as agent, agent.client() as wsman, RunspacePool(wsman) as pool:
        second = RunspacePool(wsman)
        second.id = second.shell.id = pool.id
        assert fault_of(second.open) == 2150859223
        assert run(pool, "echo", 1) == [1]


def test_a_shell_that_is_not_there() -> None:
    """Unknown, and deleted before."""
    with front_agent() as agent, agent.client() as wsman:
        selector = SelectorSet()
        selector.add_option("ShellId", str(uuid.uuid4()))
        assert fault_of(lambda: wsman.get(SHELL_URI, selector_set=selector)) == 2150858843
        pool = RunspacePool(wsman)
        pool.open()
        agent.service.forget(str(pool.id).upper())
        assert fault_of(lambda: run(pool, "echo", 1)) == 2150858843


@pytest.mark.parametrize("disconnected", [True, False])
def test_a_shell_ends_when_nobody_uses_it(disconnected: bool) -> None:
    """After the idle timeout of its creation, or of the disconnect."""
    with front_agent() as agent, agent.client() as wsman:
        pool = RunspacePool(wsman, idle_timeout=7200 if disconnected else 1)
        pool.open()
        if disconnected:
            body = ET.Element(f"{{{NAMESPACES['rsp']}}}Disconnect")
            ET.SubElement(body, f"{{{NAMESPACES['rsp']}}}IdleTimeOut").text = "PT0.1S"
            selector = SelectorSet()
            selector.add_option("ShellId", str(pool.id).upper())
            wsman.disconnect(pool.shell.resource_uri, body, selector_set=selector)
        give_up = time.monotonic() + 20
        while agent.service.shells():
            assert time.monotonic() < give_up, "the shell does not end"
            time.sleep(0.02)


def test_a_pipeline_is_stopped() -> None:
    """Signal ends it, and its shell goes on."""
    with front_agent() as agent, agent.client() as wsman, RunspacePool(wsman) as pool:
        powershell = PowerShell(pool)
        powershell.add_script("wait").begin_invoke()
        powershell.poll_invoke()
        powershell.stop()
        powershell.close()
        assert agent.service.shells()[0].pipelines() == []
        assert run(pool, "echo", 1) == [1]
