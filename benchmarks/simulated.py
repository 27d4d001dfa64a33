"""A simulated agent in a process of its own, so that it does not share the interpreter with what is measured."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class SimulatedAgent:
    """A running one: the settings file that reaches it, its wire log, and its process id."""

    settings: Path
    wire_log: Path
    process_id: int

    def round_trips(self) -> int:
        """How many requests it has answered."""
        with self.wire_log.open("rb") as lines:
            return sum(1 for _ in lines)


@contextmanager
def simulated_agent(engine: str, tenant: Path | None = None) -> Iterator[SimulatedAgent]:
    """A running ``exo-bridge simulate`` with the demo organization or that of a file; it is ended afterwards."""
    with tempfile.TemporaryDirectory(prefix="exo-bridge-benchmark-") as folder:
        settings, wire_log = Path(folder) / "settings.toml", Path(folder) / "wire.jsonl"
        command = [sys.executable, "-m", "bridge", "simulate", "--engine", engine, "--settings-out", str(settings)]
        command += ["--wire-log", str(wire_log)]
        if tenant is not None:
            command += ["--tenant", str(tenant)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE)
        try:
            assert process.stdout is not None
            json.loads(process.stdout.readline())
            yield SimulatedAgent(settings, wire_log, process.pid)
        finally:
            process.terminate()
            process.wait(30)
            if process.stdout is not None:
                process.stdout.close()


def timed(function: Callable[[], object]) -> float:
    """How long one call takes, in seconds."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start
