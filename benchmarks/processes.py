"""Whole processes of this Python, to be timed.

Rule: byte code is kept, in a folder of the measurement's own, as it is for an installed program. Where the environment
forbids to write it (PYTHONDONTWRITEBYTECODE) a checkout would be compiled at each start, and the libraries would not.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Run = Callable[..., None]


@contextmanager
def python_runs() -> Iterator[Run]:
    """A function that runs this Python with the words that it is given, and waits for its end.

    It raises CalledProcessError when the process fails. The first run of anything compiles; it is not to be timed.
    """
    with tempfile.TemporaryDirectory(prefix="exo-bridge-byte-code-") as folder:
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        environment["PYTHONPYCACHEPREFIX"] = folder

        def run(*words: str) -> None:
            subprocess.run([sys.executable, *words], check=True, stdout=subprocess.DEVNULL, env=environment)

        yield run
