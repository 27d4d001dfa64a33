"""The journal: what was to be done, what was sent, and how it ended. It outlives the process that writes it.

schema.py    the file: SQLite, its tables, their versions
states.py    which record may follow which
records.py   runs, items and records as data
reader.py    reads: runs, items, what is open, whether all records are what was written
journal.py   writes
observer.py  tells it what happens to each call
errors.py    what can go wrong
"""

from __future__ import annotations

from bridge.journal.errors import JournalError, JournalNotRead, JournalNotWritten, JournalRefused
from bridge.journal.journal import Journal, default_path, journal_path
from bridge.journal.observer import JournalObserver, recorded
from bridge.journal.reader import JournalReader, Verification
from bridge.journal.records import Item, JournalRecord, Planned, RecordKind, Run, RunFacts, State

__all__ = [
    "Item",
    "Journal",
    "JournalError",
    "JournalNotRead",
    "JournalNotWritten",
    "JournalObserver",
    "JournalReader",
    "JournalRecord",
    "JournalRefused",
    "Planned",
    "RecordKind",
    "Run",
    "RunFacts",
    "State",
    "Verification",
    "default_path",
    "journal_path",
    "recorded",
]
