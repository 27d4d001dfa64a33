"""What stays behind: the memory of client and simulator after many actions over that after a tenth of them.

    python -m benchmarks.memory [--engine contract|pwsh] [--count N]

One session in a process of its own repeats one read action; the simulated agent has its own process too. Memory is
what the system counts as resident (RSS). It is read from /proc, so this needs Linux.
"""

from __future__ import annotations

import argparse
import mmap
import os
import subprocess
import sys
from pathlib import Path

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
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--client", nargs=2, metavar=("SETTINGS", "PID"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.client:
        client(Path(arguments.client[0]), int(arguments.client[1]), arguments.count)
        return
    if not Path("/proc/self/statm").exists():
        parser.error("there is no /proc/self/statm here; memory can be read on Linux only")
    with simulated_agent(arguments.engine) as agent:
        words = ["--count", str(arguments.count), "--client", str(agent.settings), str(agent.process_id)]
        subprocess.run([sys.executable, "-m", "benchmarks.memory", *words], check=True)


def client(settings: Path, simulator: int, count: int) -> None:
    """Run the actions in one session and print both ratios."""
    (call,) = ACTIONS["account.find"].calls({"user": USER})
    # A runspace that is replaced on the way would hide what stays behind in it.
    never = dict.fromkeys(("recycle_pipelines", "recycle_age", "recycle_memory"), 0)
    loaded = load_settings(settings, overrides={"agent": never})
    early: dict[str, float] = {}
    with Session(loaded.settings, ScriptFolder()) as session:
        session.open()
        for number in range(1, count + 1):
            outcome = run_call(call, session)
            if outcome.problem is not None:
                raise SystemExit(f"action {number} failed: {outcome.problem.message}")
            if number == count // 10:
                early = memory(simulator)
        late = memory(simulator)
    print(f"account.find, resident memory after {count // 10} and after {count} actions in one session:")
    for name, before in early.items():
        after = late[name]
        print(f"  {name:<10} {before:6.1f} MiB  {after:6.1f} MiB   ratio {after / before:.3f}   goal 1.10")


def memory(simulator: int) -> dict[str, float]:
    """The resident memory of this process and the simulator's, in MiB."""
    return {name: resident(process) for name, process in (("client", os.getpid()), ("simulator", simulator))}


def resident(process: int) -> float:
    """The resident memory of a process in MiB, from /proc (proc_pid_statm(5): the second number, in pages)."""
    pages = int(Path(f"/proc/{process}/statm").read_text("ascii").split()[1])
    return pages * mmap.PAGESIZE / 2**20


if __name__ == "__main__":
    main()
