"""The scripts of ps_scripts/account and ps_scripts/mailbox, in Python."""

from __future__ import annotations

from typing import Any

from bridge.simulator.contract.binding import text_of
from bridge.simulator.contract.run import Row, Run, guid_of, name_of


def find_account(run: Run) -> None:
    """account/Find-Account.ps1."""
    for row in _found(run, "user", "Get-User", run.values["User"]):
        run.output(_account(row))


def find_mailbox(run: Run) -> None:
    """mailbox/Find-Mailbox.ps1."""
    for row in _found(run, "mailbox", "Get-Mailbox", run.values["Mailbox"]):
        run.output(
            _account(row)
            | {
                "PrimarySmtpAddress": text_of(row["PrimarySmtpAddress"]),
                "EmailAddresses": [text_of(address) for address in row["EmailAddresses"]],
                "Hidden": row["HiddenFromAddressListsEnabled"],
            }
        )


def _found(run: Run, kind: str, cmdlet: str, identity: str) -> list[Row]:
    """What an identity or -Where means."""
    where = run.values["Where"]
    if bool(identity) == bool(where):
        run.fail(
            "EmptyIdentity",
            "InvalidArgument",
            f"Name the {kind} with -{kind.title()} or with -Where, not with both and not with neither.",
        )
    if where:
        field, _, wanted = where.partition("=")
        if not wanted.strip():
            run.fail(
                "EmptyIdentity",
                "InvalidArgument",
                f"'{where}' has no value after the '='; that could mean every {kind} without one.",
                where,
            )
        quoted = wanted.replace("'", "''")
        query = f"{field} -eq '{quoted}'"
        run.verbose(f"Reading the {'mailboxes' if kind == 'mailbox' else 'users'} with {query}.")
        return run.call(cmdlet, Filter=query, ResultSize="Unlimited")
    row = run.find_one(kind, identity, cmdlet)
    if row is None:
        run.fail("NotFound", "ObjectNotFound", f"There is no {kind} '{identity}'.", identity)
    return [row]


def set_regional(run: Run) -> None:
    """mailbox/Set-MailboxRegional.ps1."""
    mailbox, localize = run.values["Mailbox"], run.values["LocalizeFolders"]
    wanted = {name: run.values[name] for name in ("Language", "DateFormat", "TimeFormat", "TimeZone")}
    if not localize and not any(wanted.values()):
        run.fail(
            "NothingToSet",
            "InvalidArgument",
            "None of language, date format, time format, time zone and folder names was given.",
            mailbox,
        )
    target = run.find_one("mailbox", mailbox, "Get-Mailbox")
    if target is None:
        run.fail("NotFound", "ObjectNotFound", f"There is no mailbox '{mailbox}'.", mailbox)
    identity = guid_of(target)
    run.verbose(f"Reading the regional configuration of '{name_of(target)}'.")
    (current,) = run.call(
        "Get-MailboxRegionalConfiguration", Identity=identity, VerifyDefaultFolderNameLanguage=localize
    )
    before: dict[str, Any] = {name: text_of(current[name]) for name in wanted}
    change: dict[str, Any] = {
        name: value for name, value in wanted.items() if value and not _same(name, value, before[name])
    }
    if "Language" in change:
        # An empty format is the language's own one.
        change = {name: wanted[name] for name in ("DateFormat", "TimeFormat")} | change
    after = before | change
    if localize:
        before["FoldersLocalized"] = text_of(current["DefaultFolderNameMatchingUserLanguage"]) == "True"
        after["FoldersLocalized"] = True
        if "Language" in change or not before["FoldersLocalized"]:
            change["LocalizeDefaultFolderName"] = True
    names = ", ".join(sorted(change, key=str.lower))
    if change and not run.values["DryRun"]:
        run.verbose(f"Setting {names} of '{name_of(target)}'.")
        run.call("Set-MailboxRegionalConfiguration", Identity=identity, **change)
    reason = f"would set {names}" if run.values["DryRun"] else f"{names} set"
    run.output(
        {
            "Status": "changed" if change else "unchanged",
            "Reason": reason if change else "already so",
            "Identity": {"Id": identity, "Name": name_of(target)},
            "Before": before,
            "After": after,
        }
    )


def _same(name: str, wanted: str, current: str) -> bool:
    """Whether a setting is as wanted: case matters in a format and nowhere else."""
    return wanted == current if name.endswith("Format") else wanted.lower() == current.lower()


def _account(row: Row) -> Row:
    return {
        "Id": guid_of(row),
        "Name": name_of(row) or text_of(row["Name"]),
        "DisplayName": name_of(row),
        "UserPrincipalName": text_of(row["UserPrincipalName"]),
        "RecipientTypeDetails": text_of(row["RecipientTypeDetails"]),
    }
