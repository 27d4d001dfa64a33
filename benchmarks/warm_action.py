"""What exo-bridge adds to a warm action: its time over that of bare pypsrp, which sends the same script.

    python -m benchmarks.warm_action [--engine contract|pwsh] [--blocks N]

Both run in this process, in turns, in the same runspace on the same simulated agent, so that the noise of the
machine meets both. The ratio is of medians. exo-bridge closes each pipeline, as it must on Windows, and so does the
bare one here.
"""

from __future__ import annotations

import argparse
import statistics

from pypsrp.powershell import PowerShell, RunspacePool
from pypsrp.wsman import WSMan

from benchmarks.simulated import SimulatedAgent, simulated_agent, timed
from bridge.actions import ACTIONS
from bridge.runner import run_call
from bridge.scripts import ScriptFolder
from bridge.session import Session
from bridge.settings import Settings, load_settings

USER = "jane.doe@contoso.example"
PER_BLOCK = 20


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", choices=("contract", "pwsh"), default="contract")
    parser.add_argument("--blocks", type=int, default=10, help="how often each has its turn")
    arguments = parser.parse_args()
    bare: list[float] = []
    ours: list[float] = []
    with simulated_agent(arguments.engine) as agent:
        settings = load_settings(agent.settings).settings
        for _ in range(arguments.blocks):
            with Session(settings, ScriptFolder()) as session:
                session.open()
                ours += ours_block(session)
            bare += bare_block(settings)
        trips = round_trips(settings, agent)
    first, second = statistics.median(bare), statistics.median(ours)
    print(f"engine {arguments.engine}, account.find, {len(ours)} of each, medians:")
    print(f"  bare pypsrp   {first * 1000:6.2f} ms")
    print(f"  exo-bridge    {second * 1000:6.2f} ms   ratio {second / first:.2f}   goal 1.10")
    print(f"  round trips for one action of exo-bridge: {trips:.2f}   goal 2")


def round_trips(settings: Settings, agent: SimulatedAgent) -> float:
    """How many requests the agent answers for one action in an open session, by its own wire log."""
    with Session(settings, ScriptFolder()) as session:
        session.open()
        before = agent.round_trips()
        ours_block(session)
        return (agent.round_trips() - before) / PER_BLOCK


def ours_block(session: Session) -> list[float]:
    """The times of exo-bridge in the open session."""
    (call,) = ACTIONS["account.find"].calls({"user": USER})
    return [timed(lambda: run_call(call, session)) for _ in range(PER_BLOCK)]


def bare_block(settings: Settings) -> list[float]:
    """The times of bare pypsrp in the same runspace, taken over and left again."""
    agent = settings.agent
    text = ScriptFolder().get("account/Find-Account.ps1").text
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
    with wsman:
        (pool,) = RunspacePool.get_runspace_pools(wsman)
        pool.connect()
        times = [timed(lambda: invoke(pool, text)) for _ in range(PER_BLOCK)]
        pool.disconnect()
    return times


def invoke(pool: RunspacePool, text: str) -> None:
    """One pipeline of bare pypsrp, closed."""
    powershell = PowerShell(pool)
    powershell.add_script(text, use_local_scope=True)
    powershell.add_parameters({"User": USER, "Verbose": True})
    powershell.invoke()
    powershell.close()


if __name__ == "__main__":
    main()
