"""What the log costs: the time of a batch with everything in the log file (-vv) over that with the log off.

    python -m benchmarks.log_cost [--engine contract|pwsh] [--calls N] [--blocks N]

Both run in this process, in turns, in the same runspace on the same simulated agent, so that the noise of the machine
meets both. The calls are sent one by one, as a person's script would. The ratio is of medians.
"""

from __future__ import annotations

import argparse
import io
import statistics
import tempfile
from pathlib import Path

from benchmarks.simulated import simulated_agent, timed
from bridge.actions import ACTIONS
from bridge.logs import Log, LogObserver, configure
from bridge.logs.files import MEGABYTE
from bridge.runner import run_call
from bridge.scripts import ScriptFolder
from bridge.session import Session
from bridge.settings import Settings, load_settings

USER = "jane.doe@contoso.example"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", choices=("contract", "pwsh"), default="contract")
    parser.add_argument("--calls", type=int, default=30, help="how many calls a block has")
    parser.add_argument("--blocks", type=int, default=10, help="how often each has its turn")
    arguments = parser.parse_args()
    off: list[float] = []
    on: list[float] = []
    with simulated_agent(arguments.engine) as agent, tempfile.TemporaryDirectory() as folder:
        settings = load_settings(agent.settings).settings
        file = Path(folder) / "log.jsonl"
        for _ in range(arguments.blocks):
            off += block(settings, None, arguments.calls)
            log = configure(
                verbosity=2,
                file=file,
                max_bytes=settings.log.max_size * MEGABYTE,
                keep_days=settings.log.keep_days,
                secrets=[
                    settings.agent.password.get_secret_value(),
                    settings.exchange.client_secret.get_secret_value(),
                ],
                stream=io.StringIO(),
                run="benchmark",
            )
            on += block(settings, log, arguments.calls)
            log.close()
        lines = len(file.read_text("utf-8").splitlines())
    first, second = statistics.median(off), statistics.median(on)
    print(f"engine {arguments.engine}, account.find, {len(on)} of each, medians:")
    print(f"  log off      {first * 1000:6.2f} ms")
    print(f"  log at -vv   {second * 1000:6.2f} ms   ratio {second / first:.2f}   goal 1.15")
    print(f"  {lines / len(on):.1f} lines for each call")


def block(settings: Settings, log: Log | None, calls: int) -> list[float]:
    """The times of some calls in one session."""
    (call,) = ACTIONS["account.find"].calls({"user": USER})
    observers = [LogObserver(log)] if log else []
    with Session(settings, ScriptFolder(), listener=log.listen if log else None) as session:
        session.open()
        return [timed(lambda: run_call(call, session, observers)) for _ in range(calls)]


if __name__ == "__main__":
    main()
