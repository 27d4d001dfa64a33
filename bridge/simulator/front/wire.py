"""The wire log: one JSON line for each exchange, written as it happens, and never a payload."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class Exchange:
    """One HTTP exchange. Sizes are those of the bodies in bytes; ``fault`` is a WSMan code or 0.

    ``status`` is 0 where no answer was sent; ``injected`` names the fault that was injected, or is empty. ``action`` is
    ``log-on`` for what comes before a request is accepted; ``no_profile`` says that a shell without the user profile
    was asked for.
    """

    action: str = "log-on"
    status: int = 0
    fault: int = 0
    request_bytes: int = 0
    response_bytes: int = 0
    shell: str = ""
    command: str = ""
    injected: str = ""
    no_profile: bool = False
    start: float = field(default_factory=time.monotonic)


class LineLog:
    """JSON lines in a file, or nowhere where there is no path. Raises OSError when the file cannot be opened."""

    def __init__(self, path: Path | None) -> None:
        self._lock = threading.Lock()
        self._file = None
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("a", encoding="utf-8", newline="\n")

    def write(self, line: dict[str, Any]) -> None:
        """One line, at once; none after ``close``."""
        if self._file is not None:
            with self._lock:
                if not self._file.closed:
                    self._file.write(json.dumps(line, ensure_ascii=False, default=str) + "\n")
                    self._file.flush()

    def exchange(self, exchange: Exchange) -> None:
        """One line about an exchange whose answer is ready."""
        if self._file is not None:
            line = asdict(exchange)
            start = line.pop("start")
            milliseconds = round((time.monotonic() - start) * 1000, 2)
            self.write({"time": round(time.time(), 3), **line, "milliseconds": milliseconds})

    def close(self) -> None:
        """No more lines."""
        if self._file is not None:
            with self._lock:
                self._file.close()
