"""Runs in which things die, thousands of them: every change is made exactly once, and nothing else is told.

    python -m benchmarks.crash_soak [--runs N] [--items M] [--seed FIRST] [--engine contract|pwsh] [--together N]

It is what tests/batch/test_crash.py does, with more and larger runs. Seeds count up from the first. A seed that fails
is printed at once, with how to repeat it alone; in the end it says what happened how often, and ends with 1 when a seed
failed. A real PowerShell is that of EXO_BRIDGE_PWSH, or pwsh on the path.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.batch.crash_plan import crash_plan
from tests.batch.crash_runs import crash_runs
from tests.batch.crash_seeds import fate_of

_SAY_EVERY = 30.0  # seconds
_FAILED = 1


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--items", type=int, default=200, help="changes of a run, about")
    parser.add_argument("--seed", type=int, default=0, help="the first seed")
    parser.add_argument("--engine", choices=("contract", "pwsh"), default="contract")
    parser.add_argument("--together", type=int, default=0, help="runs at a time; 10, and 2 on a real PowerShell")
    arguments = parser.parse_args()
    together = arguments.together or {"contract": 10, "pwsh": 2}[arguments.engine]
    seeds = range(arguments.seed, arguments.seed + arguments.runs)
    happened: Counter[str] = Counter()
    failed: list[int] = []
    start = said = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="exo-bridge-crash-") as folder:
        plan = crash_plan(Path(folder), arguments.items, arguments.engine)
        fates = (fate_of(seed, plan) for seed in seeds)
        for count, told in enumerate(crash_runs(plan, fates, Path(folder), together), start=1):
            happened += told.happened
            if told.mistakes:
                failed.append(seeds[count - 1])
                print(told, flush=True)
            if time.monotonic() - said > _SAY_EVERY:
                said = time.monotonic()
                print(f"{count} of {len(seeds)} runs, {len(failed)} failed, {said - start:.0f} s", flush=True)
    for what, times in sorted(happened.items()):
        print(f"  {what:<28}{times:>8}")
    print(f"{len(seeds)} runs of {arguments.items} changes in {time.monotonic() - start:.0f} s, {len(failed)} failed")
    if failed:
        print(f"failed seeds: {', '.join(map(str, failed))}")
        sys.exit(_FAILED)


if __name__ == "__main__":
    main()
