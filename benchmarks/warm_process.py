"""A process that takes the warm runspace over: what it saves, and what it costs.

    python -m benchmarks.warm_process [--engine contract|pwsh] [--count N]

It is compared with one that opens the runspace and connects Exchange, and with the import of pypsrp, which every
client pays. Each is a whole process, ``exo-bridge account find``, against the same simulated agent; before a cold one
the runspace is closed. They run in turns. The ratios are of medians. The simulated log-on takes a fraction of what
the real one takes.
"""

from __future__ import annotations

import argparse
import statistics

from benchmarks.processes import python_runs
from benchmarks.simulated import simulated_agent, timed

BARE = ("-c", "import pypsrp.powershell")
OURS = ("-m", "bridge", "account", "find", "--user", "jane.doe@contoso.example")
CLOSE = ("-m", "bridge", "session", "close")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", choices=("contract", "pwsh"), default="contract")
    parser.add_argument("--count", type=int, default=10)
    arguments = parser.parse_args()
    bare, cold, warm = [], [], []
    with simulated_agent(arguments.engine) as agent, python_runs() as run:
        settings = ("--settings", str(agent.settings), "--json")
        run(*BARE)
        run(*OURS, *settings)
        for _ in range(arguments.count):
            run(*CLOSE, *settings)
            cold.append(timed(lambda: run(*OURS, *settings)))
            bare.append(timed(lambda: run(*BARE)))
            warm.append(timed(lambda: run(*OURS, *settings)))
    least, first, second = statistics.median(bare), statistics.median(cold), statistics.median(warm)
    print(f"engine {arguments.engine}, {arguments.count} of each, medians of whole processes:")
    print(f"  opens and connects   {first:6.2f} s")
    print(f"  takes over           {second:6.2f} s   ratio {second / first:.2f}")
    print(f"  imports pypsrp only  {least:6.2f} s   takes over, to this: ratio {second / least:.2f}   goal 2.00")


if __name__ == "__main__":
    main()
