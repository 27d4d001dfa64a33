"""A process on three pipes, apart from the terminal, and its end with all that it started."""

from __future__ import annotations

import contextlib
import mmap
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO


def start(argv: Sequence[str], environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Start ``argv`` with ``environment`` added to this process's. Raises OSError.

    The terminal's Ctrl-C does not reach it: it is ended by whoever started it.
    """
    flags = 0
    if sys.platform == "win32":
        flags = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
    return subprocess.Popen(  # noqa: S603 - the command is the simulator's own setting
        argv,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, **environment},
        creationflags=flags,
        start_new_session=True,
    )


def streams(process: subprocess.Popen[bytes]) -> tuple[IO[bytes], IO[bytes], IO[bytes]]:
    """Its standard input, output and error."""
    if process.stdin is None or process.stdout is None or process.stderr is None:
        raise RuntimeError("the process was started without pipes")
    return process.stdin, process.stdout, process.stderr


def resident_bytes(process_id: int) -> int | None:
    """How much memory a process has in use; None where it has ended, or the system has no /proc to say so."""
    try:
        pages = Path(f"/proc/{process_id}/statm").read_text("ascii").split()[1]
    except (OSError, IndexError):
        return None
    return int(pages) * mmap.PAGESIZE


def kill_group(process_id: int) -> None:
    """End what a process that ``start`` started has left behind. On Windows it has no group and that is left alone."""
    if sys.platform != "win32":
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process_id, signal.SIGKILL)
