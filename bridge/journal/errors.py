"""What can go wrong with the journal.

JournalError
├── JournalNotWritten   exit 1   a record could not be written: nothing is sent then
├── JournalRefused      exit 1   the record would contradict those that are there; another process was faster
├── JournalNotRead      exit 1   damaged, of a newer exo-bridge, or not a journal at all
└── JournalAltered      exit 1   a run's records are not what was written: nothing is done by them
"""

from __future__ import annotations

from bridge.errors import BridgeError


class JournalError(BridgeError):
    """The journal cannot be used."""

    code = "journal"
    cause = "Its file cannot be opened, or is on a drive that does not lock files."
    remedy = "Look at the journal's file: [journal] path in the settings."


class JournalNotWritten(JournalError):  # noqa: N818  # named as in bridge/errors.py
    """A record could not be written: the disk is full, the file is locked or read-only. Nothing is sent without it."""

    code = "journal-not-written"
    cause = "The disk is full, another process holds the file, or this account may not write there."
    retry = True
    remedy = "Give [journal] path a file that can be written, on a local disk with room for it."


class JournalRefused(JournalError):  # noqa: N818  # named as in bridge/errors.py
    """The record would contradict those that are there: an item that is under way or done is not sent again."""

    code = "journal-refused"
    cause = "Another process works on the same run, or the run was ended already."
    remedy = "Look at the run with `exo-bridge journal show`; another process may be working on it."


class JournalNotRead(JournalError):  # noqa: N818  # named as in bridge/errors.py
    """The file is damaged, was written by a newer exo-bridge, or is no journal."""

    code = "journal-not-read"
    cause = "The disk or a copy damaged it, or a newer exo-bridge wrote it."
    remedy = "Keep the file, and give [journal] path another one; a new journal is begun there."


class JournalAltered(JournalError):  # noqa: N818  # named as in bridge/errors.py
    """The records of a run are not what was written. Nothing is sent that would go by them."""

    code = "journal-altered"
    cause = "Somebody changed the journal's file, or a disk did."
    remedy = "`exo-bridge journal verify RUN` names the records; take the run back by hand, from what Exchange shows."
