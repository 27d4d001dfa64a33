"""mailbox/Set-MailboxAddress.ps1, in Python."""

from __future__ import annotations

import re
from typing import Any

from bridge.simulator.contract.binding import text_of
from bridge.simulator.contract.mailbox_attributes import is_on_premises
from bridge.simulator.contract.run import Row, Run, guid_of, name_of

_SMTP = re.compile(r"[^@\s:]+@[^@\s:]+")
_OWNED = re.compile(r"\.(onmicrosoft\.(com|us|de)|partner\.onmschina\.cn)$", re.IGNORECASE)


def set_addresses(run: Run) -> None:
    """mailbox/Set-MailboxAddress.ps1."""
    mailbox, primary = run.values["Mailbox"], run.values["Primary"]
    wanted = [address for address in (primary, *run.values["Add"]) if address]
    removed = [address for address in run.values["Remove"] if address]
    for address in (*wanted, *removed):
        if not _SMTP.fullmatch(address) or (_among(address, wanted) and _among(address, removed)):
            text = f"'{address}' is no SMTP address, or it is both wanted and removed."
            run.fail("InvalidAddress", "InvalidArgument", text, mailbox)
    target = run.find_one("mailbox", mailbox, "Get-Mailbox")
    if target is None:
        run.fail("NotFound", "ObjectNotFound", f"There is no mailbox '{mailbox}'.", mailbox)
    current = [text_of(address) for address in target["EmailAddresses"]]
    smtp = [address[5:] for address in current if _is_smtp(address)]
    old = next((address[5:] for address in current if address.startswith("SMTP:")), "")
    new: list[str] = []
    for address in wanted:
        if not _among(address, [*smtp, *new]):
            new.append(address)
    gone = [address for address in smtp if _among(address, removed)]
    first = next(address for address in (*smtp, *new) if _same(address, primary or old))
    _refuse(run, target, gone, new, first)
    after = [
        f"SMTP:{first}",
        *(
            re.sub("^SMTP:", "smtp:", one)
            for one in current
            if not _is_smtp(one) or not _among(one[5:], [*gone, first])
        ),
        *(f"smtp:{address}" for address in new if not _same(address, first)),
    ]
    _write(run, target, old, first, new, gone, after)
    differs = bool(new or gone) or not _same(first, old)
    run.output(
        {
            "Status": "changed" if differs else "unchanged",
            "Reason": ("would change the addresses" if run.values["DryRun"] else "addresses changed")
            if differs
            else "already so",
            "Identity": {"Id": guid_of(target), "Name": name_of(target)},
            "Before": {"PrimarySmtpAddress": old, "EmailAddresses": current},
            "After": {"PrimarySmtpAddress": first, "EmailAddresses": after},
        }
    )


def _refuse(run: Run, target: Row, gone: list[str], new: list[str], first: str) -> None:
    """What stays as it is: the primary address, and those in the organization's own domains."""
    kept = [one for one in (*gone, *new) if _OWNED.search(one) or (_among(one, gone) and _same(one, first))]
    if kept:
        run.fail(
            "AddressKept",
            "InvalidArgument",
            f"'{kept[0]}' is the primary address of '{name_of(target)}', "
            "or in a domain whose addresses are not changed.",
            run.values["Mailbox"],
        )


def _write(run: Run, target: Row, old: str, first: str, new: list[str], gone: list[str], after: list[str]) -> None:
    if not new and not gone and _same(first, old):
        return
    if is_on_premises(target):
        run.fail(
            "SynchronizedFromOnPremises",
            "InvalidOperation",
            f"The mailbox '{name_of(target)}' is synchronised from on-premises; its addresses are changed there.",
            run.values["Mailbox"],
        )
    if run.values["DryRun"]:
        return
    run.verbose(
        f"Setting the addresses of '{name_of(target)}': adding {len(new)}, removing {len(gone)}, primary '{first}'."
    )
    edit: dict[str, list[str]] = {}
    if new:
        edit["Add"] = [f"smtp:{address}" for address in new]
    if gone:
        edit["Remove"] = [f"smtp:{address}" for address in gone]
    addresses: Any = edit if _same(first, old) else after
    run.call("Set-Mailbox", Identity=guid_of(target), EmailAddresses=addresses)


def _is_smtp(address: str) -> bool:
    return address.lower().startswith("smtp:")


def _same(one: str, other: str) -> bool:
    return one.lower() == other.lower()


def _among(address: str, addresses: list[str]) -> bool:
    return any(_same(address, one) for one in addresses)
