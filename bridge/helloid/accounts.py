"""Create, enable and disable of an account: it is correlated, never made, and shown in the address lists or hidden.

    create            no account or several: failed; one: correlated, and shown or hidden where that is mapped
    enable, disable   as mapped; in reconciliation, which has no mapped fields, enable shows and disable hides

Rules: the account of disable may be gone, that of enable may not. Contract v1 correlates on the user principal name
alone; with a mailbox it sets the regional settings too, where [regional] has some, and writes only what differs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bridge.errors import UsageError
from bridge.helloid.account_fields import HIDDEN, account_named, account_of, field_of, is_mapped, truth_of, with_field
from bridge.helloid.answer import Answer, AuditLine, Exchange
from bridge.helloid.references import AccountReference
from bridge.helloid.task import Contract, Step, Target, Task
from bridge.helloid.words import line_of
from bridge.model import Outcome, Status
from bridge.settings import HelloIdSettings

PLACEHOLDER = "Currently not available in preview"
"""The account reference of a dry run that found no account; HelloID takes no empty one."""


def correlate(task: Task, exchange: Exchange, settings: HelloIdSettings, answer: Answer) -> None:
    """Create of v2: the one mailbox whose field has the person's value."""
    del settings
    asked = task.correlation
    if asked is None or not asked.enabled:
        raise UsageError("Correlation is switched off, and accounts are only correlated.", remedy=_CORRELATION)
    if not asked.field.strip():
        raise UsageError("Correlation names no account field.", remedy=_CORRELATION)
    if not asked.value.strip():
        raise UsageError(
            f"The person has no value to correlate on for {asked.field}.", remedy="Look at the mapping of the person."
        )
    if "*" in asked.value:
        raise UsageError(
            f"The value to correlate on for {asked.field} has a '*': {asked.value}. It could mean somebody else.",
            remedy="Correct the value of the person.",
        )
    where = f"{asked.field.strip()} = {asked.value}"
    found = exchange.read("mailbox.find", where=f"{asked.field.strip()}={asked.value}")
    row = _the_one(found, where, "mailbox", task, answer)
    if row is None:
        return
    answer.account = AccountReference(row["id"], row["user_principal_name"], row["id"])
    answer.is_correlated = True
    answer.data = with_field(task.data, "Guid", row["id"])
    answer.data = with_field(answer.data, "UserPrincipalName", row["user_principal_name"])
    name = account_named(answer.account, row["display_name"])
    answer.audit.append(AuditLine(f"Correlated to {name} on {where}.", action="CorrelateAccount"))
    if is_mapped(task.data, HIDDEN):
        wanted = truth_of(task.data, HIDDEN)
        answer.data = with_field(answer.data, HIDDEN, wanted)
        if wanted is not bool(row["hidden"]):
            _show_or_hide(task, exchange, answer, name, hide=wanted, action="UpdateAccount")


def correlate_user(task: Task, exchange: Exchange, settings: HelloIdSettings, answer: Answer) -> None:
    """Create of v1 without a mailbox: the user of the person's user principal name."""
    name = _user_principal_name(task, settings)
    found = exchange.read("account.find", user=name)
    _correlated_v1(_the_one(found, name, "user", task, answer), {"userPrincipalName": name}, answer)


def correlate_mailbox(task: Task, exchange: Exchange, settings: HelloIdSettings, answer: Answer) -> None:
    """Create of v1: the mailbox of the person's user principal name, and its regional settings where they are set."""
    name = _user_principal_name(task, settings)
    found = exchange.read("mailbox.find", mailbox=name)
    row = _the_one(found, name, "mailbox", task, answer)
    regional = {key: value for key, value in exchange.defaults("mailbox.set-regional").items() if value}
    account = {"userPrincipalName": name, **{_CAMEL.get(key, key): value for key, value in regional.items()}}
    found_account = _correlated_v1(row, account, answer)
    if found_account is None or not regional:
        return
    outcome = exchange.change("mailbox.set-regional", mailbox=found_account.id)
    what = f"the regional settings of {account_named(found_account, answer.data['DisplayName'])}"
    answer.audit.append(line_of(outcome, f"set {what}", f"Set {what}", action="UpdateAccount"))


_CAMEL = {
    "date_format": "dateFormat",
    "time_format": "timeFormat",
    "time_zone": "timeZone",
    "localize_folders": "localizeDefaultFolderName",
}


def _correlated_v1(row: Mapping[str, Any] | None, account: dict[str, Any], answer: Answer) -> AccountReference | None:
    """The account of a row; ``account`` is what the person was to get, as the answer repeats it."""
    answer.previous_data = account
    if row is None:
        return None
    given = {"Guid": row["id"], "UserPrincipalName": row["user_principal_name"]}
    answer.account = AccountReference(row["id"], row["user_principal_name"], given)
    answer.is_correlated = True
    answer.data = {"DisplayName": row["display_name"], **given}
    answer.audit.append(AuditLine(f"Correlated to {account_named(answer.account, row['display_name'])}."))
    return answer.account


_CORRELATION = "Switch correlation on in HelloID and choose the fields of person and account."


def show_or_hide(task: Task, exchange: Exchange, settings: HelloIdSettings, answer: Answer) -> None:
    """Enable and disable: in the address lists or not."""
    del settings
    account = account_of(task)
    hide = task.step is Step.DISABLE
    if is_mapped(task.data, HIDDEN):
        hide = truth_of(task.data, HIDDEN)
    elif task.data and not task.is_reconciliation:
        raise UsageError(f"{HIDDEN} is not mapped for {task.step}.", remedy=f"Map {HIDDEN}, or leave the script out.")
    outcome = _show_or_hide(task, exchange, answer, account_named(account), hide=hide)
    if outcome.status in (Status.CHANGED, Status.UNCHANGED) and "hidden" in outcome.before:
        answer.previous_data = {HIDDEN: bool(outcome.before["hidden"])}
        answer.data = with_field(task.data, HIDDEN, hide)


def _show_or_hide(
    task: Task, exchange: Exchange, answer: Answer, name: str, *, hide: bool, action: str = ""
) -> Outcome:
    account = answer.account or account_of(task)
    outcome = exchange.change("mailbox.hide" if hide else "mailbox.show", mailbox=account.id)
    do, done = (
        (f"hide {name} from the address lists", f"Hid {name} from the address lists")
        if hide
        else (f"show {name} in the address lists", f"Showed {name} in the address lists")
    )
    missing_is_fine = task.step is Step.DISABLE
    answer.audit.append(line_of(outcome, do, done, missing_is_fine=missing_is_fine, action=action))
    return outcome


def _the_one(found: Outcome, where: str, kind: str, task: Task, answer: Answer) -> dict[str, Any] | None:
    """The one row of a search; otherwise an audit line says why there is none."""
    if found.status is Status.UNCHANGED and len(found.rows) == 1:
        return found.rows[0]
    if task.dry_run and task.contract is Contract.V2:
        answer.account = AccountReference("", "", PLACEHOLDER)
    if found.status is not Status.UNCHANGED:
        answer.audit.append(line_of(found, f"correlate to the {kind} {where}", ""))
    elif not found.rows:
        answer.audit.append(
            AuditLine(f"There is no {kind} with {where}, and accounts are only correlated.", is_error=True)
        )
    else:
        names = ", ".join(f"{row['name']} ({row['id']})" for row in found.rows[:5])
        answer.audit.append(
            AuditLine(f"{len(found.rows)} objects match {where}: {names}. Correlation needs one {kind}.", is_error=True)
        )
    return None


def _user_principal_name(task: Task, settings: HelloIdSettings) -> str:
    """The user principal name in the person, at the place that the settings name. Raises UsageError."""
    part: Any = task.data
    for name in settings.user_principal_name.split("."):
        part = field_of(part, name) if isinstance(part, Mapping) else None
    if not isinstance(part, str) or not part.strip():
        raise UsageError(
            f"The person has no user principal name at {settings.user_principal_name}.",
            remedy="Look at the person in HelloID, or at [helloid] user_principal_name.",
        )
    return part.strip()


def create(task: Task, exchange: Exchange, settings: HelloIdSettings, answer: Answer) -> None:
    """Create of an account, in either contract."""
    run = correlate_mailbox if task.contract is Contract.V1 else correlate
    run(task, exchange, settings, answer)


HANDLERS = {
    (Step.CREATE, Target.USER): correlate_user,
    (Step.CREATE, Target.ACCOUNT): create,
    (Step.ENABLE, Target.ACCOUNT): show_or_hide,
    (Step.DISABLE, Target.ACCOUNT): show_or_hide,
}
