"""What a batch from a file costs: memory and time for a long file over those for one of a tenth.

    python -m benchmarks.batch_file [--engine contract|pwsh] [--small N] [--large N]

An organization has as many mailboxes as the long file has lines, and a CSV file hides some of them, spread over all of
it, so that the length of the file is all that differs. It is checked, planned, shown, applied, reported and taken back
(``batch undo``), each by a command line in a process of its own, which prints data (``--json``), with the journal on
this machine's disk. Each command goes over a short file, the long one, and another short one, because a machine is not
always as fast. Memory is the most that was ever resident (VmHWM of proc_pid_status(5)), so this needs Linux. Time is by
the clock; that of the processor is the client's alone.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
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
    with contextlib.ExitStack() as stack:
        first, large, second = (
            stack.enter_context(batch(arguments.engine, content, count))
            for count in (arguments.small, arguments.large, arguments.small)
        )
        print(
            f"exo-bridge batch with {arguments.small} and {arguments.large} changes on the engine {arguments.engine}:"
        )
        for name in first.commands:
            before, after, again = first.run(name), large.run(name), second.run(name)
            tell(name, mean(before, again), after, arguments.large / arguments.small)


def tell(name: str, before: Cost, after: Cost, longer: float) -> None:
    """What a command costs for a file that is so many times as long."""
    print(
        f"  {name:<6} {before.seconds:7.1f} s {after.seconds:8.1f} s   "
        f"ratio for ten times as many {after.seconds / before.seconds * 10 / longer:5.2f}   "
        f"goal {TIME_GOAL}   (client {before.processor:.1f} s, {after.processor:.1f} s)\n"
        f"         {before.memory:7.1f} MiB {after.memory:6.1f} MiB   ratio {after.memory / before.memory:5.3f}   "
        f"goal {MEMORY_GOAL}",
        flush=True,
    )


def mean(*costs: Cost) -> Cost:
    """The mean of each."""
    return Cost(*(statistics.fmean(each) for each in zip(*map(astuple, costs), strict=True)))


@dataclass(frozen=True)
class Batch:
    """One file with its agent: the words of each command, in their order."""

    folder: Path
    commands: dict[str, list[str]]

    def run(self, name: str) -> Cost:
        """What a command with ``--json`` cost; it must end well."""
        result, printed = self.folder / "result.json", self.folder / "printed.json"
        words = [*self.commands[name], "--json"]
        command = [sys.executable, "-m", "benchmarks.batch_file", "--client", str(result), *words]
        environ = os.environ | LIMITS | {"EXO_BRIDGE_JOURNAL__PATH": str(self.folder / "journal.db")}
        with printed.open("wb") as stdout:
            done = subprocess.run(command, env=environ, stdout=stdout, stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode:
            said = printed.read_text("utf-8")[:MOST_SAID]
            raise SystemExit(f"{' '.join(words)} ended with {done.returncode}:\n{said}\n{done.stderr}")
        return Cost(**json.loads(result.read_text("utf-8")))


@contextlib.contextmanager
def batch(engine: str, content: dict[str, Any], count: int) -> Iterator[Batch]:
    """A file with so many changes, and an agent whose organization has this content."""
    with tempfile.TemporaryDirectory(prefix="exo-bridge-benchmark-") as name:
        folder = Path(name)
        tenant, changes, plan = folder / "tenant.json", folder / "changes.csv", folder / "plan.json"
        tenant.write_text(json.dumps(content), "utf-8")
        chosen = content["accounts"][:: len(content["accounts"]) // count][:count]
        rows = [f"mailbox.hide,{account['primary_smtp_address']}\n" for account in chosen]
        changes.write_text("".join(["action,mailbox\n", *rows]), "utf-8")
        with simulated_agent(engine, tenant) as agent:
            commands = {
                "check": f"batch check {changes}",
                "plan": f"batch plan {changes} --out {plan} --settings {agent.settings}",
                "show": f"batch show {plan}",
                "apply": f"batch apply {plan} --yes --settings {agent.settings}",
                "report": f"report last --html {folder / 'report.html'} --settings {agent.settings}",
                "undo": f"batch undo last --out {folder / 'undo.json'} --settings {agent.settings}",
            }
            yield Batch(folder, {name: words.split() for name, words in commands.items()})


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
