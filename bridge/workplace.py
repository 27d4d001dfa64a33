"""What every run needs, whoever asks for it: settings and a log, and from them sessions, waits and the journal.

Rule: what happens on a simulator that runs inside the process is in a journal of its own, so that the real one stays a
record of what was done to a real organization.
"""

from __future__ import annotations

import contextlib
import getpass
import platform
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from bridge.logs import Log, LogObserver
from bridge.patience import Patience
from bridge.program import program_version
from bridge.scripts import ScriptFolder
from bridge.session import Session
from bridge.settings import Settings

if TYPE_CHECKING:
    from bridge.actions.action import Action
    from bridge.journal import Journal, JournalObserver, RunFacts
    from bridge.runner import Runner
    from bridge.session.wire_trace import WireTrace


class Workplace:
    """The settings, the log and the run that work is done with.

    ``deadline`` is how many seconds a session and its waits may take, None for no limit. ``is_simulated`` says that the
    agent is a simulator inside this process.
    """

    def __init__(
        self,
        settings: Settings,
        log: Log,
        run_id: str,
        *,
        deadline: float | None = None,
        trace: WireTrace | None = None,
        is_simulated: bool = False,
    ) -> None:
        self.settings = settings
        self.log = log
        self.run_id = run_id
        self.trace = trace
        self.scripts = ScriptFolder(settings.scripts.folder)
        self.deadline = deadline
        self._is_simulated = is_simulated

    def session(self) -> Session:
        """A session that is not open yet; what happens to it is logged."""
        return Session(
            self.settings,
            self.scripts,
            listener=self.log.listen,
            hide=self.log.redaction.add,
            deadline=self.deadline,
            trace=self.trace,
        )

    def runner(self, session: Session, patience: Patience | None = None) -> Runner:
        """A runner in the open session; what it does is logged."""
        from bridge.runner import Runner

        return Runner(session, [LogObserver(self.log)], patience or self.patience())

    def patience(self) -> Patience:
        """The waits that the settings allow."""
        settings = self.settings
        return Patience(
            retries=settings.agent.read_retries,
            throttle_pause=settings.exchange.throttle_pause,
            visibility=settings.exchange.visibility_timeout,
            deadline=self.deadline,
        )

    def defaults(self, action: Action) -> dict[str, Any]:
        """The values of the section of the settings that stands in for what is not given to this action."""
        section = getattr(self.settings, action.defaults) if action.defaults else None
        return section.model_dump() if isinstance(section, BaseModel) else {}

    @property
    def organization(self) -> str:
        """The organization that the settings ask for."""
        exchange = self.settings.exchange
        return exchange.delegated_organization or exchange.organization

    def sha256_of(self, script: str) -> str:
        """The hash of a script's text. Raises ScriptError."""
        return self.scripts.get(script).sha256

    @property
    def journal_path(self) -> Path:
        """The file of the journal."""
        from bridge.journal import journal_path

        return journal_path(self.settings, is_simulated=self._is_simulated)

    def open_journal(self) -> Journal:
        """The journal, to read and to write. Raises JournalError."""
        from bridge.journal import Journal

        return Journal(self.journal_path, hide=self.log.redaction.text)

    def run_facts(self, kind: str, command: str, *, run: str = "", plan: str = "", source: str = "") -> RunFacts:
        """What the journal says of a run: this one, unless another is named."""
        from bridge.journal import RunFacts

        return RunFacts(
            kind=kind,
            command=command,
            user=_user(),
            machine=platform.node(),
            agent=self.settings.agent.host,
            organization=self.organization,
            version=program_version(),
            plan=plan,
            source=source,
            id=run or self.run_id,
        )

    @contextlib.contextmanager
    def journaled(self, command: str) -> Iterator[JournalObserver]:
        """The observer that writes single actions into the journal, as one run that ``command`` began.

        Raises JournalError when the journal cannot be written: nothing was sent then.
        """
        from bridge.journal import recorded

        facts = self.run_facts("action", command)
        with (
            self.open_journal() as journal,
            recorded(journal, facts, sha256_of=self.sha256_of, listener=self.log.listen) as observer,
        ):
            yield observer


def _user() -> str:
    # Raises where the system knows no name for the account, as in a container.
    with contextlib.suppress(KeyError, OSError, ImportError):
        return getpass.getuser()
    return ""
