"""What a task is done with, made from a workplace: its settings, and Exchange by way of a session and the journal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from bridge.helloid.answer import Answer
from bridge.helloid.exchange import JournaledExchange, Means
from bridge.helloid.service import Desk
from bridge.helloid.task import Task
from bridge.journal import Journal
from bridge.logs import LogObserver
from bridge.model import Runspace
from bridge.workplace import Workplace

_KEPT = 3.0
"""Seconds that are kept for the end of an answer: to stop what runs, to let go of the runspace, for the journal."""


def time_to_work(seconds: float, passed: float = 0.0) -> float:
    """How many of the seconds that an answer may take are there for work, when some have passed."""
    return max(0.1, seconds - passed - min(seconds / 3, _KEPT))


@contextmanager
def desk_at(
    workplace: Workplace,
    open_runspace: Callable[[], Runspace],
    task: Task,
    answer: Answer,
    *,
    open_journal: Callable[[], AbstractContextManager[Journal]] | None = None,
    dry_run: bool = False,
) -> Iterator[Desk]:
    """The desk of one task, whose run is that of the workplace.

    ``open_runspace`` is asked at the first call to Exchange; it raises AgentError and ExchangeError. ``open_journal``
    stands in for that of the workplace; it raises JournalError. ``dry_run`` makes a dry run of a task that is none.
    """
    means = Means(
        open_runspace=open_runspace,
        open_journal=open_journal or workplace.open_journal,
        facts=workplace.run_facts("helloid", f"helloid {task.contract} {task.step} {task.target}"),
        sha256_of=workplace.sha256_of,
        listener=workplace.log.listen,
        patience=workplace.patience(),
        defaults=workplace.defaults,
        visible_after=workplace.settings.exchange.visibility_timeout,
        observers=[LogObserver(workplace.log)],
    )
    settings = workplace.settings.helloid
    if not settings.mail_domain:
        settings = settings.model_copy(update={"mail_domain": workplace.settings.exchange.organization})
    with JournaledExchange(means, answer.logs.append, dry_run=dry_run or task.dry_run) as exchange:
        yield Desk(settings, exchange, workplace.log.redaction.text)
