"""What exo-bridge adds to a warm action: its time over that of bare pypsrp, which sends the same script.

    python -m benchmarks.warm_action [--engine contract|pwsh] [--count N]

Both run in this process against the same simulated agent, in turns, so that the noise of the machine meets both. The
ratio is of medians. exo-bridge closes each pipeline, as it must on Windows, and so does the bare one here.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

from pypsrp.powershell import PowerShell, RunspacePool
from pypsrp.wsman import WSMan

from benchmarks.simulated import simulated_agent
from bridge.actions import ACTIONS
from bridge.runner import run_call
from bridge.scripts import ScriptFolder
from bridge.session import Session
from bridge.settings import load_settings

USER = "jane.doe@contoso.example"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", choices=("contract", "pwsh"), default="contract")
    parser.add_argument("--count", type=int, default=200)
    arguments = parser.parse_args()
    with simulated_agent(arguments.engine) as file:
        settings = load_settings(file).settings
        scripts = ScriptFolder()
        with Session(settings, scripts) as session:
            state = session.open()
            agent = settings.agent
            wsman = WSMan(
                agent.host,
                port=agent.effective_port,
                username=agent.user,
                password=agent.password.get_secret_value(),
                ssl=False,
                auth="basic",
                encryption="never",
                no_proxy=True,
            )
            session.leave()
            session.open()
            with wsman, RunspacePool(wsman) as pool:
                # The bare pool has its own runspace; Get-BridgeState needs no connection to Exchange.
                text = scripts.get("session/Get-BridgeState.ps1").text
                bare, ours = measure(
                    arguments.count,
                    lambda: invoke(pool, text),
                    lambda: session.run("session/Get-BridgeState.ps1", {}, lambda _record: None),
                )
            (call,) = ACTIONS["account.find"].calls({"user": USER})
            whole = [seconds(lambda: run_call(call, session)) for _ in range(arguments.count)]
    print(f"engine {arguments.engine}, PowerShell {state.power_shell_version}, {arguments.count} of each, medians:")
    print(f"  bare pypsrp            {bare * 1000:6.2f} ms")
    print(f"  exo-bridge             {ours * 1000:6.2f} ms   ratio {ours / bare:.2f}")
    print(f"  account.find, whole    {statistics.median(whole) * 1000:6.2f} ms")


def invoke(pool: RunspacePool, text: str) -> None:
    """One pipeline of bare pypsrp, closed."""
    powershell = PowerShell(pool)
    powershell.add_script(text, use_local_scope=True)
    powershell.add_parameters({"Verbose": True})
    powershell.invoke()
    powershell.close()


def measure(count: int, *functions: Callable[[], object]) -> list[float]:
    """The median time of each, in seconds, measured in turns."""
    times: list[list[float]] = [[] for _ in functions]
    for _ in range(count):
        for function, own in zip(functions, times, strict=True):
            own.append(seconds(function))
    return [statistics.median(own) for own in times]


def seconds(function: Callable[[], object]) -> float:
    """How long one call takes."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
