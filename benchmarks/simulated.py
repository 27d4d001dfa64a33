"""A simulated agent in a process of its own, so that it does not share the interpreter with what is measured."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def simulated_agent(engine: str) -> Iterator[Path]:
    """The settings file of a running ``exo-bridge simulate``; it is ended afterwards."""
    with tempfile.TemporaryDirectory(prefix="exo-bridge-benchmark-") as folder:
        settings = Path(folder) / "settings.toml"
        command = [sys.executable, "-m", "bridge", "simulate", "--engine", engine, "--settings-out", str(settings)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE)
        try:
            assert process.stdout is not None
            json.loads(process.stdout.readline())
            yield settings
        finally:
            process.terminate()
            process.wait(30)
            if process.stdout is not None:
                process.stdout.close()
