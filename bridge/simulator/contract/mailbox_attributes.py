"""Show-Mailbox.ps1, Hide-Mailbox.ps1 and Set-MailboxAttribute.ps1 of ps_scripts/mailbox, in Python."""

from __future__ import annotations

import re
from typing import Any

from bridge.simulator.contract.binding import text_of
from bridge.simulator.contract.run import Row, Run, guid_of, name_of
from bridge.simulator.tenant.cmdlets.mailbox_settings import SETTING_PARAMETERS
from bridge.simulator.tenant.objects import EXTENSION_ATTRIBUTES

# What the on-premises directory holds; the display name stays there even where the cloud holds the Exchange attributes.
_ELSEWHERE = re.compile(
    "(DisplayName|Alias|Office|SimpleDisplayName|HiddenFrom.*|RequireSender.*|.*CustomAttribute[0-9]+)"
)


def show(run: Run) -> None:
    """mailbox/Show-Mailbox.ps1."""
    mailbox = run.values["Mailbox"]
    target = run.find_one("mailbox", mailbox, "Get-Mailbox")
    if target is None:
        run.fail("NotFound", "ObjectNotFound", f"There is no mailbox '{mailbox}'.", mailbox)
    _set_hidden(run, target, hidden=False)


def hide(run: Run) -> None:
    """mailbox/Hide-Mailbox.ps1."""
    mailbox = run.values["Mailbox"]
    target = run.find_one("mailbox", mailbox, "Get-Mailbox")
    if target is not None:
        _set_hidden(run, target, hidden=True)
        return
    run.output(
        {
            "Status": "unchanged",
            "Reason": "the mailbox does not exist",
            "Identity": {"Id": "", "Name": mailbox},
            "Before": {"Hidden": True},
            "After": {"Hidden": True},
        }
    )


def _set_hidden(run: Run, target: Row, *, hidden: bool) -> None:
    is_hidden = text_of(target["HiddenFromAddressListsEnabled"]) == "True"
    differs = is_hidden != hidden
    if differs and is_on_premises(target):
        run.fail(
            "SynchronizedFromOnPremises",
            "InvalidOperation",
            f"The mailbox '{name_of(target)}' is synchronised from on-premises; address lists are changed there.",
            run.values["Mailbox"],
        )
    if differs and not run.values["DryRun"]:
        run.verbose(
            f"{'Hiding' if hidden else 'Showing'} '{name_of(target)}' {'from' if hidden else 'in'} address lists."
        )
        run.call("Set-Mailbox", Identity=guid_of(target), HiddenFromAddressListsEnabled=hidden)
    done = "hidden" if hidden else "shown"
    run.output(
        {
            "Status": "changed" if differs else "unchanged",
            "Reason": (f"would be {done}" if run.values["DryRun"] else done) if differs else "already so",
            "Identity": {"Id": guid_of(target), "Name": name_of(target)},
            "Before": {"Hidden": is_hidden},
            "After": {"Hidden": hidden},
        }
    )


def is_on_premises(target: Row) -> bool:
    """Whether the on-premises directory is the home of a mailbox's Exchange attributes."""
    return text_of(target["IsDirSynced"]) == "True" and text_of(target["IsExchangeCloudManaged"]) != "True"


def set_attributes(run: Run) -> None:
    """mailbox/Set-MailboxAttribute.ps1."""
    mailbox = run.values["Mailbox"]
    wanted = _wanted(run)
    target = run.find_one("mailbox", mailbox, "Get-Mailbox")
    if target is None:
        run.fail("NotFound", "ObjectNotFound", f"There is no mailbox '{mailbox}'.", mailbox)
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    change: dict[str, Any] = {}
    for name in sorted((one for one in SETTING_PARAMETERS if one.lower() in wanted), key=str.lower):
        before[name], after[name] = _compared(run, target, name, wanted.pop(name.lower()))
        is_list = isinstance(after[name], list)
        if (set(before[name]) != set(after[name])) if is_list else before[name] != after[name]:
            change[name] = None if after[name] in ("", []) else after[name]
    if wanted:
        given = {item.partition("=")[0] for item in run.values["Set"]} | set(run.values["Clear"])
        names = ", ".join(sorted(name for name in given if name.lower() in wanted))
        run.fail("InvalidAttribute", "InvalidArgument", f"Not an attribute that is set here: {names}.", mailbox)
    _refuse_synchronized(run, target, list(change))
    names = ", ".join(change)
    if change and not run.values["DryRun"]:
        run.verbose(f"Setting {names} of '{name_of(target)}'.")
        run.call("Set-Mailbox", Identity=guid_of(target), **change)
    run.output(
        {
            "Status": "changed" if change else "unchanged",
            "Reason": (f"would set {names}" if run.values["DryRun"] else f"{names} set") if change else "already so",
            "Identity": {"Id": guid_of(target), "Name": name_of(target)},
            "Before": before,
            "After": after,
        }
    )


def _wanted(run: Run) -> dict[str, list[str]]:
    """The values that each named attribute is to have, by its name in lower case."""
    wanted: dict[str, list[str]] = {}
    for item in run.values["Set"]:
        name, _, value = item.partition("=")
        values = wanted.setdefault(name.lower(), [])
        if value and value not in values:
            values.append(value)
    for name in run.values["Clear"]:
        wanted[name.lower()] = []
    return wanted


def _compared(run: Run, target: Row, name: str, new: list[str]) -> tuple[Any, Any]:
    """What an attribute is and what it is to be, as a boolean, a list or a text."""
    current = target[name]
    is_list = name in EXTENSION_ATTRIBUTES
    is_flag = isinstance(current, bool)
    if (len(new) > 1 and not is_list) or (is_flag and " ".join(new).lower() not in ("true", "false")):
        values = "', '".join(new)
        run.fail(
            "InvalidAttribute",
            "InvalidArgument",
            f"{name} cannot be '{values}'.",
            run.values["Mailbox"],
        )
    if is_flag:
        return current, new[0].lower() == "true"
    if is_list:
        return [text_of(item) for item in current or ()], new
    return text_of(current), "".join(new)


def _refuse_synchronized(run: Run, target: Row, names: list[str]) -> None:
    if text_of(target["IsDirSynced"]) != "True":
        return
    if not is_on_premises(target):
        kept = [name for name in names if name == "DisplayName"]
    else:
        kept = [name for name in names if _ELSEWHERE.fullmatch(name)]
    if kept:
        run.fail(
            "SynchronizedFromOnPremises",
            "InvalidOperation",
            f"'{name_of(target)}' is synchronised from on-premises; these are changed there: {', '.join(kept)}.",
            run.values["Mailbox"],
        )
