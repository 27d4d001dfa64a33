"""Regional settings of an account's mailbox as one permission; the values are those of [regional] in the settings.

Rules:

- Where [regional] sets nothing, the permission is not offered, and a grant of it fails.
- The reference is the one that version 3.x of the connector stores; its end is the country and for people only.
- A revoke changes nothing and says so: nobody knows what was there before, and it is the person's own by now.
"""

from __future__ import annotations

from bridge.errors import UsageError
from bridge.helloid.answer import Answer, AuditLine, Exchange, LogLine
from bridge.helloid.parts import Who, both
from bridge.helloid.task import Step, Target, Task
from bridge.helloid.words import line_of, named
from bridge.settings import HelloIdSettings

_ACTION = "mailbox.set-regional"
_ID = "MailboxRegionalConfiguration"
_NOT_SET = "There are no regional settings to give: set [regional] language and what else is wanted."


def permissions(task: Task, exchange: Exchange, settings: HelloIdSettings, answer: Answer) -> None:
    """The one permission, if [regional] sets anything. Exchange is not asked."""
    del task, settings
    values = exchange.defaults(_ACTION)
    if not any(values.values()):
        answer.logs.append(LogLine("warning", _NOT_SET))
        return
    language = str(values.get("language") or "")
    suffix = language.rpartition("-")[2].upper() or "Default"
    answer.permissions.append(
        {"DisplayName": f"Mailbox Regional Configuration - {suffix}", "Identification": {"Id": f"{_ID}-{suffix}"}}
    )


def grant(task: Task, exchange: Exchange, settings: HelloIdSettings, answer: Answer) -> None:
    """Set what [regional] says, where it differs."""
    del settings
    if who := _who(task, answer):
        if not any(exchange.defaults(_ACTION).values()):
            answer.audit.append(AuditLine(_NOT_SET, is_error=True))
            return
        account, _ = who
        outcome = exchange.change(_ACTION, mailbox=account.id)
        name = outcome.identity.name if outcome.identity else account.name
        words = f"the regional settings of {named('account', account.id, name)}"
        answer.audit.append(line_of(outcome, f"set {words}", f"Set {words}"))


def revoke(task: Task, exchange: Exchange, settings: HelloIdSettings, answer: Answer) -> None:
    """Nothing; see the module."""
    del exchange, settings
    if who := _who(task, answer):
        account, _ = who
        words = f"the regional settings of {named('account', account.id, account.name)}"
        text = f"Skipped: {words} stay as they are, because what was there before is not known."
        answer.audit.append(AuditLine(text))


def _who(task: Task, answer: Answer) -> Who | None:
    """See ``parts.both``. Raises UsageError also for the reference of another permission."""
    who = both(task, answer)
    if who and not who[1].id.lower().startswith(_ID.lower()):
        raise UsageError(
            f"{who[1].id} is not the permission for regional settings.",
            remedy=f"Its id begins with {_ID}; let HelloID retrieve the permissions again.",
        )
    return who


HANDLERS = {
    (Step.PERMISSIONS, Target.REGIONAL): permissions,
    (Step.GRANT, Target.REGIONAL): grant,
    (Step.REVOKE, Target.REGIONAL): revoke,
}
