"""What a batch from a file costs: memory and time for a long file over those for one of a tenth.

    python -m benchmarks.batch_file [--engine contract|pwsh] [--small N] [--large N]

An organization has as many mailboxes as the long file has lines, and a CSV file hides the first of them, so that the
length of the file is all that differs; the short one goes before and after the long one, because a machine is not
always as fast. A file is checked, planned, shown, applied, reported and taken back (``batch undo``), each by a command
line in a process of its own, which prints data (``--json``), with the journal on this machine's disk. Memory is the
most that was ever resident (VmHWM of proc_pid_status(5)), so this needs Linux. Time is by the clock; that of the
processor is the client's alone, which other work on the machine does not disturb.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

from benchmarks.import_rows import organization
from benchmarks.simulated import simulated_agent
from bridge.cli import main as command_line

MEMORY_GOAL, TIME_GOAL = 1.1, 10.5
MOST_SAID = 2_000
LIMITS = {"EXO_BRIDGE_BATCH__MAX_CHANGES": "1000000"}


@dataclass(frozen=True)
class Cost:
    """What one command cost: seconds by the clock and of the processor, and the most MiB resident."""

    seconds: float
    processor: float
    memory: float


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", choices=("contract", "pwsh"), default="contract")
    parser.add_argument("--small", type=int, default=10_000)
    parser.add_argument("--large", type=int, default=100_000)
    parser.add_argument("--client", nargs=argparse.REMAINDER, metavar="RESULT ARGUMENTS", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.client:
        client(Path(arguments.client[0]), arguments.client[1:])
        return
    if not Path("/proc/self/status").exists():
        parser.error("there is no /proc/self/status here; memory can be read on Linux only")
    content = {**organization(arguments.large), "groups": []}
    counts = (arguments.small, arguments.large, arguments.small)
    first, large, second = (measured(arguments.engine, content, count) for count in counts)
    small = {name: mean(first[name], second[name]) for name in first}
    print(f"exo-bridge batch with {arguments.small} and {arguments.large} changes on the engine {arguments.engine}:")
    for name, before in small.items():
        after = large[name]
        times = after.seconds / before.seconds * 10 * arguments.small / arguments.large
        print(
            f"  {name:<6} {before.seconds:7.1f} s {after.seconds:8.1f} s   ratio for ten times as many {times:5.2f}   "
            f"goal {TIME_GOAL}   (client {before.processor:.1f} s, {after.processor:.1f} s)\n"
            f"         {before.memory:7.1f} MiB {after.memory:6.1f} MiB   ratio {after.memory / before.memory:5.3f}   "
            f"goal {MEMORY_GOAL}"
        )


def mean(*costs: Cost) -> Cost:
    """The mean of each."""
    return Cost(*(statistics.fmean(each) for each in zip(*map(astuple, costs), strict=True)))


def measured(engine: str, content: dict[str, Any], count: int) -> dict[str, Cost]:
    """What each command cost for so many changes in an organization with this content."""
    with tempfile.TemporaryDirectory(prefix="exo-bridge-benchmark-") as name:
        folder = Path(name)
        names = ("changes.csv", "plan.json", "undo.json", "tenant.json", "report.html")
        files = {one: str(folder / one) for one in names}
        Path(files["tenant.json"]).write_text(json.dumps(content), "utf-8")
        rows = [f"mailbox.hide,{account['primary_smtp_address']}\n" for account in content["accounts"][:count]]
        Path(files["changes.csv"]).write_text("".join(["action,mailbox\n", *rows]), "utf-8")
        with simulated_agent(engine, Path(files["tenant.json"])) as agent:
            given = ["--settings", str(agent.settings)]
            commands = {
                "check": ["batch", "check", files["changes.csv"]],
                "plan": ["batch", "plan", files["changes.csv"], "--out", files["plan.json"], *given],
                "show": ["batch", "show", files["plan.json"]],
                "apply": ["batch", "apply", files["plan.json"], "--yes", *given],
                "report": ["report", "last", "--html", files["report.html"], *given],
                "undo": ["batch", "undo", "last", "--out", files["undo.json"], *given],
            }
            environ = os.environ | LIMITS | {"EXO_BRIDGE_JOURNAL__PATH": str(folder / "journal.db")}
            return {name: run(folder, words, environ) for name, words in commands.items()}


def run(folder: Path, words: list[str], environ: dict[str, str]) -> Cost:
    """What ``exo-bridge`` with these words and ``--json`` cost; it must end well."""
    result = folder / "result.json"
    command = [sys.executable, "-m", "benchmarks.batch_file", "--client", str(result), *words, "--json"]
    printed = folder / "printed.json"
    with printed.open("wb") as stdout:
        done = subprocess.run(command, env=environ, stdout=stdout, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        said = printed.read_text("utf-8")[:MOST_SAID]
        raise SystemExit(f"{' '.join(words)} ended with {done.returncode}:\n{said}\n{done.stderr}")
    return Cost(**json.loads(result.read_text("utf-8")))


def client(result: Path, arguments: list[str]) -> None:
    """Run one command line in this process, and write what it cost as JSON."""
    start = time.perf_counter()
    code = command_line(arguments)
    seconds = time.perf_counter() - start
    status = Path("/proc/self/status").read_text("ascii")
    (most,) = re.findall(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)
    cost = {"seconds": seconds, "processor": time.process_time(), "memory": int(most) / 1024}
    result.write_text(json.dumps(cost), "utf-8")
    raise SystemExit(code)


if __name__ == "__main__":
    main()
