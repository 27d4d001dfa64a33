"""The script for automatic replies of ps_scripts/mailbox, in Python."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from bridge.simulator.contract.binding import text_of
from bridge.simulator.contract.run import Row, Run, guid_of, name_of

_MESSAGES = ("InternalMessage", "ExternalMessage")
# What Exchange calls what the script calls otherwise.
_PARAMETERS = {"State": "AutoReplyState", "Audience": "ExternalAudience", "Start": "StartTime", "End": "EndTime"}


def set_replies(run: Run) -> None:
    """mailbox/Set-MailboxAutomaticReply.ps1."""
    mailbox, state = run.values["Mailbox"], run.values["State"].lower()
    target = run.find_one("mailbox", mailbox, "Get-Mailbox")
    if target is None:
        run.fail("NotFound", "ObjectNotFound", f"There is no mailbox '{mailbox}'.", mailbox)
    identity = guid_of(target)
    run.verbose(f"Reading the automatic replies of '{name_of(target)}'.")
    (current,) = run.call("Get-MailboxAutoReplyConfiguration", Identity=identity)
    before = _shown(current)
    after, change = _wanted(run, state, before)
    names = ", ".join(sorted(change, key=str.lower))
    reason = f"would set {names}" if run.values["DryRun"] else f"{names} set"
    # To switch a reply off takes nothing away; every other change would write over it.
    is_free = before["State"] == "disabled" or (names, state) == ("AutoReplyState", "disabled")
    if not change:
        reason = "already so"
    elif not is_free and not run.values["Overwrite"]:
        reason, after, change = "the reply that is there is kept", before, {}
    if change and not run.values["DryRun"]:
        run.verbose(f"Setting {names} of '{name_of(target)}'.")
        run.call("Set-MailboxAutoReplyConfiguration", Identity=identity, **change)
    run.output(
        {
            "Status": "changed" if change else "unchanged",
            "Reason": reason,
            "Identity": {"Id": identity, "Name": name_of(target)},
            "Before": before,
            "After": after,
        }
    )


def _shown(current: Row) -> dict[str, Any]:
    """The replies as they are, as the script shows them."""
    shown = {
        "State": text_of(current["AutoReplyState"]).lower(),
        "Audience": text_of(current["ExternalAudience"]).lower(),
        **{name: text_of(current[name]) for name in _MESSAGES},
    }
    if shown["State"] == "scheduled":
        shown |= {name: _moment(current[_PARAMETERS[name]]) for name in ("Start", "End")}
    return shown


def _wanted(run: Run, state: str, before: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """How the replies are to be, and the arguments that make the difference."""
    after = {**before, "State": state, "Audience": run.values["Audience"].lower() or before["Audience"]}
    for name in ("Start", "End"):
        after.pop(name, None)
        if state == "scheduled":
            after[name] = _moment(datetime.fromisoformat(run.values[name]))
    change = {
        parameter: _sent(after[name]) if name in ("Start", "End") else run.values[name]
        for name, parameter in _PARAMETERS.items()
        if name in after and after[name] != before.get(name)
    }
    for name in _MESSAGES:
        if run.given(name) and _body(run.values[name]) != _body(before[name]):
            change[name] = after[name] = run.values[name]
    return after, change


def _moment(value: datetime) -> str:
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _sent(moment: str) -> str:
    """A moment as the module sends it."""
    return moment.replace("Z", ".0000000Z")


def _body(html: str) -> str:
    """A message without what Exchange does to it."""
    body = re.sub(r"<head\b.*?</head>|</?(html|body)\b[^>]*>", " ", html, flags=re.IGNORECASE | re.DOTALL)
    body = re.sub(r"&(?!#?\w+;)", "&amp;", body)
    return re.sub(r"\s+", " ", body).strip()
