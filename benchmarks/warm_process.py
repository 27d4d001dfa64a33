"""What the warm runspace saves: a process that takes it over, over one that opens it and connects Exchange.

    python -m benchmarks.warm_process [--engine contract|pwsh] [--count N]

Each is a whole process, ``exo-bridge account find``, against the same simulated agent; before a cold one the runspace
is closed. The ratio is of medians. The simulated log-on takes a fraction of what the real one takes.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.simulated import simulated_agent


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", choices=("contract", "pwsh"), default="contract")
    parser.add_argument("--count", type=int, default=10)
    arguments = parser.parse_args()
    cold, warm = [], []
    with simulated_agent(arguments.engine) as settings:
        for _ in range(arguments.count):
            run(settings, "session", "close")
            cold.append(run(settings, "account", "find", "--user", "jane.doe@contoso.example"))
            warm.append(run(settings, "account", "find", "--user", "jane.doe@contoso.example"))
    first, second = statistics.median(cold), statistics.median(warm)
    print(f"engine {arguments.engine}, {arguments.count} of each, medians of whole processes:")
    print(f"  opens and connects   {first:6.2f} s")
    print(f"  takes over           {second:6.2f} s   ratio {second / first:.2f}")


def run(settings: Path, *words: str) -> float:
    """The time of one command, in seconds."""
    start = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "bridge", *words, "--settings", str(settings), "--json"],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
