"""What it takes to start: ``exo-bridge --help`` over the import of typer, which every program on typer pays.

    python -m benchmarks.start_up [--count N]

Each is a whole process; they run in turns, so that the noise of the machine meets both. The ratio is of medians.
"""

from __future__ import annotations

import argparse
import statistics

from benchmarks.processes import python_runs
from benchmarks.simulated import timed

BARE = ("-c", "import typer")
OURS = ("-m", "bridge", "--help")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=20)
    arguments = parser.parse_args()
    bare, ours = [], []
    with python_runs() as run:
        run(*BARE)
        run(*OURS)
        for _ in range(arguments.count):
            bare.append(timed(lambda: run(*BARE)))
            ours.append(timed(lambda: run(*OURS)))
    first, second = statistics.median(bare), statistics.median(ours)
    print(f"{arguments.count} of each, medians of whole processes:")
    print(f"  import typer        {first:6.3f} s")
    print(f"  exo-bridge --help   {second:6.3f} s   ratio {second / first:.2f}   goal 1.50")


if __name__ == "__main__":
    main()
