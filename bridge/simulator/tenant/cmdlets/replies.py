"""Get- and Set-MailboxAutoReplyConfiguration.

Rules: what is not given stays. Exchange keeps messages as HTML and puts html and body around a text that has none; null
and an empty text clear a message. A reply that is on needs the internal message, and the external one where others than
the organization get it. Start and end belong to Scheduled, which needs both in their order. All of it is the mailbox's
own, so a synchronised mailbox takes it.
Source: Microsoft, Set-MailboxAutoReplyConfiguration.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import cast

from bridge.simulator.tenant import errors
from bridge.simulator.tenant.cmdlets.lookup import is_mailbox, not_of_type, one_asked, required, supports, write
from bridge.simulator.tenant.invocation import Invocation
from bridge.simulator.tenant.objects import REPLY_AUDIENCES, REPLY_STATES, Account, AutomaticReplies


def get_mailbox_auto_reply_configuration(call: Invocation) -> None:
    """Get-MailboxAutoReplyConfiguration."""
    supports(call, "Identity", "UseCustomRouting")
    mailbox = cast(Account, one_asked(call, is_mailbox))
    replies = mailbox.replies
    call.reply.output.append(
        {
            "Identity": mailbox.name,
            "MailboxOwnerId": mailbox.name,
            "AutoReplyState": replies.state,
            "ExternalAudience": replies.audience,
            "InternalMessage": replies.internal_message,
            "ExternalMessage": replies.external_message,
            "StartTime": datetime.fromisoformat(replies.start) if replies.start else None,
            "EndTime": datetime.fromisoformat(replies.end) if replies.end else None,
        }
    )


def set_mailbox_auto_reply_configuration(call: Invocation) -> None:
    """Set-MailboxAutoReplyConfiguration."""
    supports(
        call,
        *("Identity", "AutoReplyState", "InternalMessage", "ExternalMessage", "ExternalAudience"),
        *("StartTime", "EndTime"),
    )
    identity = required(call, "Identity")
    mailbox = cast(Account, call.one(identity, is_mailbox))
    now = mailbox.replies
    state = _one_of(call, "AutoReplyState", "OofState", REPLY_STATES, now.state)
    scheduled = state == "Scheduled"
    replies = AutomaticReplies(
        state=state,
        internal_message=_message(call, "InternalMessage", now.internal_message),
        external_message=_message(call, "ExternalMessage", now.external_message),
        audience=_one_of(call, "ExternalAudience", "ExternalAudience", REPLY_AUDIENCES, now.audience),
        start=_moment(call, "StartTime", now.start) if scheduled else "",
        end=_moment(call, "EndTime", now.end) if scheduled else "",
    )
    _check(replies)
    write(call, mailbox, dataclasses.replace(mailbox, replies=replies))


def _check(replies: AutomaticReplies) -> None:
    """What Exchange refuses. Raises CmdletError."""
    if replies.state == "Disabled":
        return
    if not replies.internal_message:
        raise errors.invalid_value("An automatic reply that is on needs InternalMessage.")
    if replies.audience != "None" and not replies.external_message:
        raise errors.invalid_value(f"ExternalMessage is needed while ExternalAudience is {replies.audience}.")
    if replies.state == "Scheduled" and not replies.start < replies.end:
        raise errors.invalid_value("StartTime has to be before EndTime.")


def _one_of(call: Invocation, name: str, type_name: str, allowed: Iterable[str], now: str) -> str:
    """A value of an enumeration in its own spelling; ``now`` where it was not given."""
    if not call.given(name):
        return now
    for value in allowed:
        if value.lower() == call.text(name).lower():
            return value
    raise not_of_type(name, call.text(name), type_name)


def _message(call: Invocation, name: str, now: str) -> str:
    """The message as Exchange keeps it."""
    if not call.given(name):
        return now
    text = call.text(name).replace("\r\n", "\n")
    if not text or re.search(r"<html\b", text, re.IGNORECASE):
        return text
    return f"<html>\n<body>\n{text}\n</body>\n</html>\n"


def _moment(call: Invocation, name: str, now: str) -> str:
    """A moment as text in UTC, to the second."""
    if not call.given(name):
        return now
    value = call.parameters[name]
    # PowerShell's form has seven digits after the second, one more than Python reads.
    moment = value if isinstance(value, datetime) else _read(call, name, re.sub(r"\.\d+", "", str(value)))
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _read(call: Invocation, name: str, text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise errors.parameter_type(call.cmdlet, name, text, "System.DateTime") from None
