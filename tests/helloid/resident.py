"""The resident process in tests: an address of its own, requests, and ``exo-bridge helloid serve`` as a process."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bridge.helloid.resident.client import ask

LIMIT = 60.0
"""Seconds after which what did not come will not come."""


@contextmanager
def own_address() -> Iterator[str]:
    """An address that nobody else has. A socket's path is short, so it is not in pytest's folder."""
    with tempfile.TemporaryDirectory(prefix="exo-", ignore_cleanup_errors=True) as folder:
        yield Path(folder).name if sys.platform == "win32" else f"{folder}/s"


def grant(member: str, group: str, *, seconds: float = 25.0, settings: Path | None = None) -> bytes:
    """HelloID's grant (v2) of a group to a mailbox, both by GUID."""
    references = {"Account": member, "Permission": {"Id": group}}
    return document("grant", "groups", seconds=seconds, settings=settings, References=references)


def document(action: str, target: str, *, seconds: float = 25.0, settings: Path | None = None, **context: Any) -> bytes:
    """A request of contract v2."""
    envelope = {"contract": "v2", "action": action, "target": target, "deadline": seconds, "actionContext": context}
    if settings is not None:
        envelope["settings"] = str(settings)
    return json.dumps(envelope).encode()


class Resident:
    """A running ``exo-bridge helloid serve``; what it prints is in files, so that it never waits for a reader."""

    def __init__(self, words: Sequence[str], address: str, folder: Path, installed: Path | None = None) -> None:
        self.address = address
        self._out, self._err = folder / "serve.out", folder / "serve.err"
        command = [sys.executable, "-m", "bridge", "helloid", "serve", "--pipe", address, *words]
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self._process = subprocess.Popen(command, stdout=out, stderr=err, cwd=installed)
        until = time.monotonic() + LIMIT
        while "is served by" not in self._out.read_text("utf-8"):
            assert self._process.poll() is None, self.said()
            assert time.monotonic() < until, self.said()
            time.sleep(0.05)

    @property
    def process_id(self) -> int:
        """The process that was started."""
        return self._process.pid

    def ask(self, request: bytes, seconds: float = LIMIT) -> dict[str, Any]:
        """The answer to a request."""
        answer: dict[str, Any] = json.loads(ask(self.address, request, seconds))
        return answer

    def terminate(self) -> int:
        """End it as a service manager does; its exit code."""
        self._process.send_signal(signal.SIGTERM)
        return self.wait()

    def kill(self) -> None:
        """End it without a word."""
        self._process.kill()
        self._process.wait()

    def wait(self) -> int:
        """Its exit code, when it has ended by itself."""
        return self._process.wait(LIMIT)

    def said(self) -> str:
        """What it printed, for a failed test."""
        return self._out.read_text("utf-8") + self._err.read_text("utf-8")


@contextmanager
def serving(folder: Path, *words: str, installed: Path | None = None) -> Iterator[Resident]:
    """A resident process with these words, of the package in ``installed``; it is ended afterwards."""
    with own_address() as address:
        resident = Resident(words, address, folder, installed)
        try:
            yield resident
        finally:
            resident.kill()


def messages(answer: dict[str, Any]) -> str:
    """The audit lines of an answer."""
    return " ".join(line["Message"] for line in answer["AuditLogs"])
