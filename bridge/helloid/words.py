"""The words of the audit: one line for one outcome.

    changed     "Added the account A to the group G."; in a dry run "Would add ..."
    unchanged   "Nothing to do (already a member): add the account A to the group G."
    gone        "Skipped, because it no longer exists (the group does not exist): remove ..."
    failed      "Failed to add ...", the cause, what to do, and the code of the catalogue
    unknown     "It may or may not have been made: add ..."

Rules: what is gone is told by ids that are empty and by the problem's code, never by a text. Only who asks can say
whether a missing object is all right: it is for delete, disable and revoke.
"""

from __future__ import annotations

from bridge.errors import BridgeError, SettingsError
from bridge.helloid.answer import AuditLine
from bridge.model import Outcome, Status
from bridge.problems import NOT_FOUND

MAX_NAME = 100
"""The longest display name that HelloID takes, in characters."""

_MOST_MISTAKES = 5


def line_of(outcome: Outcome, do: str, done: str, *, missing_is_fine: bool = False, action: str = "") -> AuditLine:
    """The audit line of an outcome.

    ``do`` is what was to be done ("add the account A to the group G"), ``done`` the same as a sentence about the past
    ("Added the account A to the group G"). ``action`` is one of HelloID's words for it, "" for that of the step.
    """
    if is_gone(outcome) and missing_is_fine:
        why = outcome.reason if outcome.status is Status.UNCHANGED else ""
        text = f"Skipped, because it no longer exists{f' ({why})' if why else ''}: {do}."
        return AuditLine(text, action=action)
    if outcome.status is Status.CHANGED:
        return AuditLine(f"Would {do}." if outcome.dry_run else f"{done}.", action=action)
    if outcome.status is Status.UNCHANGED:
        # A removal from what is not there is unchanged; where that is not all right it is a failure.
        if is_gone(outcome):
            return AuditLine(f"Failed to {do}: {outcome.reason}.", is_error=True, action=action)
        return AuditLine(f"Nothing to do ({outcome.reason or 'already so'}): {do}.", action=action)
    if outcome.status is Status.UNKNOWN:
        return AuditLine(
            f"It may or may not have been made: {do}. Its answer did not come ({_cause(outcome)}). It is looked at "
            "again at the next action on this object.",
            is_error=True,
            action=action,
        )
    return AuditLine(f"Failed to {do}. {_cause(outcome)}", is_error=True, action=action)


def is_gone(outcome: Outcome) -> bool:
    """Whether the object that an action was about, or whom it was about, does not exist."""
    if outcome.status is Status.FAILED:
        return outcome.problem is not None and outcome.problem.code == NOT_FOUND.code
    if outcome.status is not Status.UNCHANGED or outcome.rows:
        return False
    ids = [value for name, value in outcome.before.items() if name.endswith("_id")]
    return outcome.identity is not None and (not outcome.identity.id or not all(ids))


def line_of_error(error: BridgeError) -> AuditLine:
    """The audit line of an error that kept a task, or what was left of it, from being done."""
    mistakes = error.mistakes[:_MOST_MISTAKES] if isinstance(error, SettingsError) else []
    parts = [error.message, *map(str, mistakes), error.remedy, f"[{error.code}]"]
    return AuditLine(" ".join(parts), is_error=True)


def named(kind: str, identity: str, name: str = "") -> str:
    """An object for people: ``the group Staff (bdba...)``. A name that is only the id again is none."""
    return f"the {kind} {name} ({identity})" if name and name.lower() != identity.lower() else f"the {kind} {identity}"


def cut(name: str, suffix: str = "", *, longest: int = MAX_NAME) -> str:
    """A name that is short enough, the suffix whole.

    HelloID counts as .NET does, in UTF-16: a character outside the basic plane counts as two and is never halved.
    """
    room = longest - _units(suffix)
    if _units(name) > room:
        name = name.encode("utf-16-le", "surrogatepass")[: 2 * room].decode("utf-16-le", "ignore").rstrip()
    return name + suffix


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _cause(outcome: Outcome) -> str:
    problem = outcome.problem
    if problem is None:
        return outcome.reason
    return f"{problem.message} {problem.remedy} [{problem.code}]"
