"""What an import costs: memory and time of the client for a large organization over those for a small one.

    python -m benchmarks.import_rows [--engine contract|pwsh] [--small N] [--large N]

An organization of N mailboxes has 3 N memberships: every mailbox is in three groups of a hundred. All accounts and all
memberships are read row by row in one session, in a process of its own, and written to a file as the command line does.
Memory is the most that was ever resident (VmHWM of proc_pid_status(5)), so this needs Linux. Time is that of the two
reads, without the log-on: by the clock, and the processor's for the client alone, which other work on the machine
does not disturb.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.simulated import simulated_agent, timed
from bridge.actions import ACTIONS
from bridge.cli.row_output import row_file
from bridge.runner import run_call
from bridge.scripts import ScriptFolder
from bridge.session import Session
from bridge.settings import load_settings

DEMO = Path(__file__).parents[1] / "bridge" / "simulator" / "demo_tenant.toml"
GROUP_SIZE, GROUPS_EACH = 100, 3
MEMORY_GOAL, TIME_GOAL = 1.2, 1.2


@dataclass(frozen=True)
class Cost:
    """What one import cost: rows that came, seconds by the clock and of the processor, and the most MiB resident."""

    accounts: int
    memberships: int
    seconds: float
    processor: float
    memory: float

    @property
    def rows(self) -> int:
        """How many rows came in all."""
        return self.accounts + self.memberships


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", choices=("contract", "pwsh"), default="contract")
    parser.add_argument("--small", type=int, default=1_000)
    parser.add_argument("--large", type=int, default=25_000)
    parser.add_argument("--client", type=Path, metavar="SETTINGS", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.client:
        client(arguments.client)
        return
    if not Path("/proc/self/status").exists():
        parser.error("there is no /proc/self/status here; memory can be read on Linux only")
    small, large = (measured(arguments.engine, count) for count in (arguments.small, arguments.large))
    print("import.accounts and import.memberships, row by row to a file:")
    for count, cost in ((arguments.small, small), (arguments.large, large)):
        print(
            f"  {count:>6} mailboxes  {cost.accounts:>6} + {cost.memberships:>6} rows  {cost.memory:6.1f} MiB  "
            f"{cost.seconds:7.2f} s  of which client {cost.processor:7.2f} s"
        )
    each = (large.seconds / large.rows) / (small.seconds / small.rows)
    client_each = (large.processor / large.rows) / (small.processor / small.rows)
    print(f"  memory                 ratio {large.memory / small.memory:.3f}   goal {MEMORY_GOAL:.2f}")
    print(f"  time a row             ratio {each:.3f}   goal {TIME_GOAL:.2f}")
    print(f"  time a row, client     ratio {client_each:.3f}   goal {TIME_GOAL:.2f}")


def measured(engine: str, mailboxes: int) -> Cost:
    """An import from a simulated organization of that size, by a process of its own."""
    with tempfile.TemporaryDirectory(prefix="exo-bridge-benchmark-") as folder:
        tenant = Path(folder) / "tenant.json"
        tenant.write_text(json.dumps(organization(mailboxes)), "utf-8")
        with simulated_agent(engine, tenant) as agent:
            words = [sys.executable, "-m", "benchmarks.import_rows", "--client", str(agent.settings)]
            said = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    return Cost(**json.loads(said))


def organization(mailboxes: int) -> dict[str, Any]:
    """The content of a tenant file: the demo's organization and log-on, and this many mailboxes."""
    demo = tomllib.loads(DEMO.read_text("utf-8"))
    addresses = [f"user{number:05}@contoso.example" for number in range(mailboxes)]
    parts = [addresses[start : start + GROUP_SIZE] for start in range(0, mailboxes, GROUP_SIZE)] * GROUPS_EACH
    return {
        "organization": demo["organization"],
        "logon": demo["logon"],
        "accounts": [
            {
                "type": "UserMailbox",
                "name": address.partition("@")[0],
                "display_name": f"Person {number:05}",
                "user_principal_name": address,
                "primary_smtp_address": address,
            }
            for number, address in enumerate(addresses)
        ],
        "groups": [
            {
                "type": "MailUniversalDistributionGroup",
                "name": f"group{number:04}",
                "primary_smtp_address": f"group{number:04}@contoso.example",
                "members": part,
            }
            for number, part in enumerate(parts)
        ],
    }


def client(settings: Path) -> None:
    """Read everything row by row, and print what it cost as JSON."""
    loaded = load_settings(settings)
    counts: dict[str, int] = {}
    with (
        tempfile.TemporaryDirectory(prefix="exo-bridge-benchmark-") as folder,
        Session(loaded.settings, ScriptFolder()) as session,
    ):
        session.open()
        before = time.process_time()
        seconds = timed(lambda: counts.update(read_all(session, Path(folder))))
        processor = time.process_time() - before
    status = Path("/proc/self/status").read_text("ascii")
    (most,) = re.findall(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)
    print(json.dumps({**counts, "seconds": seconds, "processor": processor, "memory": int(most) / 1024}))


def read_all(session: Session, folder: Path) -> dict[str, int]:
    """How many rows each import has written."""
    counts = {}
    for name in ("accounts", "memberships"):
        action = ACTIONS[f"import.{name}"]
        (call,) = action.calls({})
        file = folder / f"{name}.jsonl"
        with row_file(file, action.result) as rows:
            outcome = run_call(call, session, on_row=rows.write)
            if outcome.problem is not None:
                raise SystemExit(f"{call.action} failed: {outcome.problem.message}")
            rows.keep()
        with file.open("rb") as lines:
            counts[name] = sum(1 for _ in lines)
    return counts


if __name__ == "__main__":
    main()
