"""What other processes do to a journal in the tests: ``python -m tests.journal.processes WHAT PATH [RUN] [...]``.

Each prints one line when it has come to the moment that its test waits for.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

from bridge.journal import Journal, JournalError, JournalReader, Planned
from tests.journal.conftest import outcome, planned


def tell(line: str) -> None:
    """One line, at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def hang(path: Path, run: str) -> None:
    """Write an intent, and be killed before the outcome."""
    with Journal(path) as journal, journal.holding(run):
        done, under_way = planned("done"), planned("under way")
        journal.plan(run, [done, under_way, planned("left")])
        journal.intend(run, [done])
        journal.finish(run, [(done, outcome(done.call))])
        journal.intend(run, [under_way])
        tell(under_way.call.id)
        time.sleep(600)


def hang_inside(path: Path, run: str) -> None:
    """Be killed in the middle of a transaction."""

    def items() -> Iterator[Planned]:
        yield from (planned(str(number)) for number in range(2000))
        tell("planning")
        time.sleep(600)

    with Journal(path) as journal:
        journal.plan(run, items())


def work(path: Path, run: str, count: str) -> None:
    """Send this many items, one by one, in a journal that may not be there yet."""
    with Journal(path, timeout=60) as journal:
        for number in range(int(count)):
            item = planned(f"{os.getpid()}-{number}")
            journal.intend(run, [item])
            journal.finish(run, [(item, outcome(item.call))])
    tell("done")


def fill(path: Path, run: str) -> None:
    """Write until the file may grow no more, and tell how many intents were written; not on Windows."""
    if sys.platform != "win32":
        import resource

        with Journal(path) as journal:
            size = path.stat().st_size + 200_000
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
            written = 0
            try:
                while written < 100_000:
                    journal.intend(run, [planned("x" * 1000)])
                    written += 1
            except JournalError as error:
                tell(f"{written} {error.code} {error.message}")


def without_rights(path: Path, run: str) -> None:
    """Read, and try to write, as somebody who may only read."""
    if sys.platform != "win32" and os.geteuid() == 0:
        os.setgid(65534)
        os.setuid(65534)
    # Windows says of every folder that it may be written to.
    with patch("os.access", return_value=True), JournalReader(path) as reader:
        tell(reader.run(run).facts.kind)
    try:
        with Journal(path) as journal:
            journal.intend(run, [planned()])
    except JournalError as error:
        tell(f"{error.code} {error.message}")


if __name__ == "__main__":
    name, file, *rest = sys.argv[1:]
    globals()[name](Path(file), *rest)
