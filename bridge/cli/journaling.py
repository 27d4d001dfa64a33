"""The journal of a command: where it is, what it says of the run, and who writes single actions into it.

Rule: what happens on the simulator of ``--simulate`` is in a journal of its own, so that the real one stays a record of
what was done to a real organization.
"""

from __future__ import annotations

import contextlib
import getpass
import platform
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bridge.cli.program import program_version
from bridge.errors import Interrupted
from bridge.journal import Journal, JournalError, JournalObserver, RunFacts, default_path
from bridge.model import Call

if TYPE_CHECKING:
    from bridge.cli.running import Running
    from bridge.settings import Settings


def journal_path(settings: Settings, *, simulated: bool = False) -> Path:
    """The file of the journal: that of the settings, else the user's own."""
    path = settings.journal.path or default_path()
    return path.with_stem(f"{path.stem}-simulated") if simulated else path


def open_journal(running: Running) -> Journal:
    """The journal, to read and to write. Raises JournalError."""
    path = journal_path(running.settings, simulated=running.simulator is not None)
    return Journal(path, hide=running.log.redaction.text)


def run_facts(running: Running, kind: str, command: str, *, run: str, plan: str = "", source: str = "") -> RunFacts:
    """What the journal says of a run of this command."""
    return RunFacts(
        kind=kind,
        command=command,
        user=_user(),
        machine=platform.node(),
        agent=running.settings.agent.host,
        organization=running.organization,
        version=program_version(),
        plan=plan,
        source=source,
        id=run,
    )


def _user() -> str:
    # Raises where the system knows no name for the account, as in a container.
    with contextlib.suppress(KeyError, OSError, ImportError):
        return getpass.getuser()
    return ""


@contextlib.contextmanager
def journaled(running: Running, run: str, calls: Sequence[Call]) -> Iterator[list[JournalObserver]]:
    """The observer that writes these calls into the journal; none where nothing is to be changed.

    Raises JournalError when the journal cannot be written: nothing was sent then.
    """
    if not any(call.changes for call in calls):
        yield []
        return
    with open_journal(running) as journal, journal.holding(run):
        journal.begin(run_facts(running, "action", f"exo-bridge {calls[0].action.replace('.', ' ')}", run=run))
        observer = JournalObserver(journal, run, sha256_of=running.sha256_of, listener=running.log.listen)
        how = "failed"
        try:
            yield [observer]
            how = "done"
        except Interrupted:
            how = "interrupted"
            raise
        finally:
            # What was done is done, and has been told: a journal that cannot be written now changes none of it.
            try:
                observer.close()
                journal.end(run, how)
            except JournalError as error:
                running.log.listen("run not ended in the journal", error=error.message, remedy=error.remedy)
