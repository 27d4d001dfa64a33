"""Many changes: the time of one streaming pipeline over that of bare pypsrp, which invokes once for each.

    python -m benchmarks.batch [--engine contract|pwsh] [--count N] [--bare N] [--large N]

On the contract engine the items hide mailboxes of the demo organization, most of them hidden already. A real PowerShell
is given a script of its own that calls no cmdlet and gives the result of a change, since what is to be measured is the
way to it and not the simulator's cmdlets. Bare pypsrp takes turns with the stream in the same runspace; it closes each
pipeline, as it must on Windows. With ``--large N`` the stream is run once more with N items, in a process of its own
like the first, and memory and time are compared (RSS from /proc, so this needs Linux).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pypsrp.powershell import PowerShell

from benchmarks.memory import resident
from benchmarks.simulated import SimulatedAgent, simulated_agent
from bridge.model import Call, Kind
from bridge.scripts import ScriptFolder
from bridge.session import Session
from bridge.settings import load_settings

SCRIPTS = {"contract": "mailbox/Hide-Mailbox.ps1", "pwsh": "benchmark/Set-Nothing.ps1"}
MAILBOX = "info@contoso.example"
OWN_SCRIPT = """\
[CmdletBinding()]
param([Parameter(Mandatory)] [string] $Mailbox)
$ErrorActionPreference = 'Stop'
Write-Verbose "Reading the mailbox '$Mailbox'."
Write-Verbose "Hiding '$Mailbox' from address lists."
[pscustomobject]@{
    Status   = 'changed'
    Reason   = 'hidden'
    Identity = @{ Id = $Mailbox; Name = $Mailbox }
    Before   = @{ Hidden = $false }
    After    = @{ Hidden = $true }
}
"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", choices=("contract", "pwsh"), default="contract")
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--bare", type=int, default=500, help="how many of bare pypsrp, whose time is per item")
    parser.add_argument("--large", type=int, default=0)
    parser.add_argument("--client", nargs=2, metavar=("SETTINGS", "WIRE_LOG"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.client:
        agent = SimulatedAgent(Path(arguments.client[0]), Path(arguments.client[1]), 0)
        print(json.dumps(client(agent, arguments.engine, arguments.count, arguments.bare)))
        return
    with simulated_agent(arguments.engine) as agent:
        first = measured(agent, arguments.engine, arguments.count, arguments.bare)
        print(f"engine {arguments.engine}, {arguments.count} items, each:")
        print(f"  bare pypsrp   {first['bare'] * 1000:6.2f} ms")
        goal = {"contract": 5, "pwsh": 10}[arguments.engine]
        ratio = first["bare"] / first["stream"]
        print(f"  stream        {first['stream'] * 1000:6.2f} ms   ratio {ratio:.1f}   goal {goal}")
        print(f"  round trips   {first['round_trips']:6.3f}      goal 0.2")
        if arguments.large:
            large = measured(agent, arguments.engine, arguments.large, 0)
            times = large["stream"] * arguments.large / (first["stream"] * arguments.count)
            print(f"  {arguments.large} items: {times:.2f} times as long   goal 10.5 for ten times as many")
            print(f"  memory of the client: {large['memory'] / first['memory']:.3f} times   goal 1.1")


def measured(agent: SimulatedAgent, engine: str, count: int, bare: int) -> dict[str, float]:
    """What a client in a process of its own measures."""
    command = [sys.executable, "-m", "benchmarks.batch", "--engine", engine, "--count", str(count), "--bare", str(bare)]
    command += ["--client", str(agent.settings), str(agent.wire_log)]
    result: dict[str, float] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return result


def client(agent: SimulatedAgent, engine: str, count: int, bare: int) -> dict[str, float]:
    """Seconds and round trips for an item of the stream, seconds for one of bare pypsrp, and the memory in MiB."""
    with tempfile.TemporaryDirectory(prefix="exo-bridge-benchmark-") as folder:
        own = Path(folder) / SCRIPTS["pwsh"]
        own.parent.mkdir()
        own.write_text(OWN_SCRIPT, "ascii")
        scripts = ScriptFolder(Path(folder))
        with Session(load_settings(agent.settings).settings, scripts) as session:
            session.open()
            stream(session, engine, 200)
            bare_seconds = alone(session, scripts.get(SCRIPTS[engine]).text, bare // 2)
            before, start = agent.round_trips(), time.perf_counter()
            stream(session, engine, count)
            seconds = time.perf_counter() - start
            trips = agent.round_trips() - before
            bare_seconds += alone(session, scripts.get(SCRIPTS[engine]).text, bare - bare // 2)
            return {
                "stream": seconds / count,
                "round_trips": trips / count,
                "bare": bare_seconds / bare if bare else 0.0,
                "memory": resident(os.getpid()),
            }


def calls(engine: str, count: int) -> Iterator[Call]:
    """So many changes."""
    for _ in range(count):
        yield Call("mailbox.hide", SCRIPTS[engine], Kind.CHANGE, {"mailbox": MAILBOX})


def stream(session: Session, engine: str, count: int) -> None:
    """Run them in one pipeline."""
    pipeline = session.batch([SCRIPTS[engine]], lambda _call, _record: None)
    done = sum(answer.reply.ok for answer in pipeline.answers(calls(engine, count)))
    assert done == count


def alone(session: Session, text: str, count: int) -> float:
    """The seconds that bare pypsrp takes for so many pipelines in the runspace of the session."""
    pool: Any = session._runspace.pool
    start = time.perf_counter()
    for _ in range(count):
        powershell = PowerShell(pool)
        powershell.add_script(text, use_local_scope=True)
        powershell.add_parameters({"Mailbox": MAILBOX, "Verbose": True})
        powershell.invoke()
        powershell.close()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
