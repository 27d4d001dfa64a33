"""What an action of HelloID costs: through the resident process, and as a process of its own, over the bare action.

    python -m benchmarks.helloid [--engine contract|pwsh] [--blocks N]

The action is the grant of a group to who is a member already, so that each is the same. The bare one is pypsrp, warm,
in this process: the same script with the same parameters, its pipeline closed. It has a runspace of its own on the
same simulated agent, because the resident process keeps its one. They run in turns, so that the noise of the machine
meets both; a process for each action, which takes the warm runspace over from the one before, is measured after them.
The ratios are of medians.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pypsrp.powershell import PowerShell, RunspacePool
from pypsrp.wsman import WSMan

from benchmarks.simulated import simulated_agent, timed
from bridge.helloid.resident.client import ask
from bridge.scripts import ScriptFolder
from bridge.session import Session
from bridge.settings import Settings, load_settings

MEMBER = "1a4fabbf-bf88-5049-98cb-f4d95edf05dd"
GROUP = "d633533b-8367-59eb-afa9-f8677a1955ab"
PER_BLOCK = 20
PROCESSES = 2
LIMIT = 60.0
SERVE = (sys.executable, "-m", "bridge", "helloid", "serve")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", choices=("contract", "pwsh"), default="contract")
    parser.add_argument("--blocks", type=int, default=10, help="how often each has its turn")
    arguments = parser.parse_args()
    text = ScriptFolder().get("group/Grant-GroupMember.ps1").text
    bare: list[float] = []
    resident: list[float] = []
    with simulated_agent(arguments.engine) as agent, tempfile.TemporaryDirectory(prefix="exo-") as folder:
        # A process's own runspace, journal and log, and not those of who measures.
        os.environ |= dict.fromkeys(("XDG_STATE_HOME", "XDG_DATA_HOME", "LOCALAPPDATA"), folder)
        with bare_pool(load_settings(agent.settings).settings) as pool, resident_process(agent.settings) as address:
            for _ in range(arguments.blocks):
                bare += [timed(lambda: invoke(pool, text)) for _ in range(PER_BLOCK)]
                resident += [timed(lambda: answered(ask(address, request(), LIMIT))) for _ in range(PER_BLOCK)]
        count = arguments.blocks * PROCESSES
        process = [timed(lambda: own_process(agent.settings)) for _ in range(count + 1)]
    first, second = statistics.median(bare), statistics.median(resident)
    third = statistics.median(process[1:])  # the first one compiles
    print(f"engine {arguments.engine}, a group granted through HelloID's contract v2, medians:")
    print(f"  bare pypsrp               {first * 1000:7.2f} ms")
    print(f"  through the resident      {second * 1000:7.2f} ms   ratio {second / first:.2f}   goal 1.50")
    print(f"  a process for the action  {third * 1000:7.2f} ms   ratio {third / first:.1f}")
    print(f"of {len(bare)}, {len(resident)} and {count}")


def request() -> bytes:
    """What a wrapper sends."""
    references = {"Account": MEMBER, "Permission": {"Id": GROUP}}
    envelope = {"contract": "v2", "action": "grant", "target": "groups", "deadline": 25}
    return json.dumps({**envelope, "actionContext": {"References": references}}).encode()


def answered(answer: bytes) -> None:
    """Raise where an answer is no success."""
    if not json.loads(answer)["Success"]:
        raise SystemExit(answer.decode())


@contextmanager
def resident_process(settings: Path) -> Iterator[str]:
    """The address of one that has answered once; it is ended afterwards, and leaves the runspace."""
    with tempfile.TemporaryDirectory(prefix="exo-") as folder:
        address = Path(folder).name if sys.platform == "win32" else f"{folder}/s"
        # It finds the settings by itself, so that a request need not name them.
        environment = os.environ | {"EXO_BRIDGE_SETTINGS": str(settings)}
        with subprocess.Popen([*SERVE, "--pipe", address], stdout=subprocess.PIPE, env=environment) as process:
            assert process.stdout is not None
            process.stdout.readline()
            answered(ask(address, request(), LIMIT))
            yield address
            process.terminate()


def own_process(settings: Path) -> None:
    """One process that answers one request."""
    command = [sys.executable, "-m", "bridge", "helloid", "--settings", str(settings)]
    answered(subprocess.run(command, input=request(), check=True, stdout=subprocess.PIPE).stdout)


@contextmanager
def bare_pool(settings: Settings) -> Iterator[RunspacePool]:
    """A runspace of bare pypsrp, connected to Exchange by a session of ours, which leaves it."""
    agent = settings.agent.model_copy(update={"runspace_name": "bare"})
    with Session(settings.model_copy(update={"agent": agent}), ScriptFolder()) as session:
        shell = session.open().shell_id
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
        (pool,) = (pool for pool in RunspacePool.get_runspace_pools(wsman) if pool.id.lower() == shell.lower())
        pool.connect()
        yield pool
        pool.close()


def invoke(pool: RunspacePool, text: str) -> None:
    """One pipeline of bare pypsrp, closed."""
    powershell = PowerShell(pool)
    powershell.add_script(text, use_local_scope=True)
    powershell.add_parameters({"Group": GROUP, "Member": MEMBER, "Verbose": True})
    powershell.invoke()
    powershell.close()


if __name__ == "__main__":
    main()
