"""Set-Mailbox: the addresses and the settings of a mailbox, what they take and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.simulator.tenant.objects import EXTENSION_ATTRIBUTES, MAILBOX_SETTINGS, Account
from tests.simulator.cmdlet_calls import Organization

PRIMARY = "jane.doe@contoso.example"
OTHERS = ("smtp:J.Doe@contoso.example", "SIP:jane.doe@contoso.example", "SPO:SPO_1@SPO_2")


@pytest.fixture
def org() -> Organization:
    """An organization without anybody."""
    return Organization()


@pytest.fixture
def jane(org: Organization) -> Account:
    """A mailbox with an address of each kind."""
    return org.account("jane.doe", email_addresses=OTHERS)


def addresses(org: Organization, jane: Account, value: Any) -> list[str]:
    """The addresses after they were set, and that Get-Mailbox shows what is kept."""
    org.call("Set-Mailbox", Identity=jane.guid, EmailAddresses=value)
    now = org.current(jane)
    (row,) = org.rows("Get-Mailbox", Identity=jane.guid)
    assert row["PrimarySmtpAddress"] == now.primary_smtp_address
    shown: list[str] = row["EmailAddresses"]
    assert shown == [f"SMTP:{now.primary_smtp_address}", *now.email_addresses]
    return shown


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (["smtp:a@contoso.example", "SMTP:b@contoso.example"], ["SMTP:b@contoso.example", "smtp:a@contoso.example"]),
        (["a@contoso.example", "b@contoso.example"], ["SMTP:a@contoso.example", "smtp:b@contoso.example"]),
        ("SMTP:a@contoso.example", ["SMTP:a@contoso.example"]),
        (
            {"Add": "x@contoso.mail.onmicrosoft.com", "Remove": "smtp:j.doe@CONTOSO.example"},
            [f"SMTP:{PRIMARY}", *OTHERS[1:], "smtp:x@contoso.mail.onmicrosoft.com"],
        ),
        (
            {"Add": ["SMTP:j.doe@contoso.example"]},
            ["SMTP:j.doe@contoso.example", f"smtp:{PRIMARY}", *OTHERS[1:]],
        ),
        ({"Add": ["X500:/o=Contoso/cn=old"]}, [f"SMTP:{PRIMARY}", *OTHERS, "X500:/o=Contoso/cn=old"]),
    ],
)
def test_addresses(org: Organization, jane: Account, value: Any, wanted: list[str]) -> None:
    """A list replaces all, a table leaves what it does not name; capitals make an address the primary one."""
    assert addresses(org, jane, value) == wanted


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (["smtp:a@contoso.example"], "DataValidationException"),
        (["SMTP:a@contoso.example", "SMTP:b@contoso.example"], "DataValidationException"),
        (["SMTP:a@contoso.example", "smtp:A@contoso.example"], "DataValidationException"),
        ([], "DataValidationException"),
        (None, "DataValidationException"),
        ({"Remove": f"smtp:{PRIMARY}"}, "DataValidationException"),
        ({"Add": "not an address"}, "DataValidationException"),
        ({"Replace": "a@contoso.example"}, "DataValidationException"),
        ({"Add": "a@fabrikam.example"}, "NotAcceptedDomainException"),
        ({"Add": "smtp:JOHN@contoso.example"}, "ProxyAddressExistsException"),
        ({"Add": "X500:/o=Contoso/cn=john"}, "ProxyAddressExistsException"),
    ],
)
def test_addresses_that_are_refused(org: Organization, jane: Account, value: Any, kind: str) -> None:
    """Exactly one primary, accepted domains only, and no address belongs to two; nothing is written."""
    org.account("john", email_addresses=("X500:/o=Contoso/cn=john",))
    assert org.fails("Set-Mailbox", Identity=jane.guid, CustomAttribute1="x", EmailAddresses=value).reason == kind


def test_an_address_that_was_taken_away_is_free(org: Organization, jane: Account) -> None:
    """What one mailbox gives up another can have, and is found by it."""
    john = org.account("john")
    addresses(org, jane, {"Remove": OTHERS[0]})
    addresses(org, john, {"Add": OTHERS[0]})
    assert org.names("Get-Mailbox", Identity="j.doe@contoso.example") == ["john"]


def test_lists(org: Organization, jane: Account) -> None:
    """A list is replaced as a whole or by a table, holds each text once, and is gone when it is empty."""
    name = EXTENSION_ATTRIBUTES[0]
    for value, wanted in (
        (["a", "b", "a"], ["a", "b"]),
        ({"Add": ["c", "A"], "Remove": "b"}, ["a", "c", "A"]),
        ("x", ["x"]),
        (None, []),
    ):
        org.call("Set-Mailbox", Identity=jane.guid, **{name: value})
        (row,) = org.rows("Get-EXOMailbox", Identity=jane.guid, PropertySets="Custom")
        assert row[name] == wanted
    assert org.current(jane) == jane
    org.call("Set-Mailbox", Identity=jane.guid, **{name: ["North", "east"]})
    assert org.names("Get-Mailbox", Filter=f"{name} -eq 'north'") == ["jane.doe"]


def test_settings(org: Organization, jane: Account) -> None:
    """Each setting is shown as it was set, and setting it to what it was leaves nothing behind."""
    (before,) = org.rows("Get-Mailbox", Identity=jane.guid)
    wanted = {name: not before[name] if default else "smtp:x@y.z" for name, default in MAILBOX_SETTINGS.items()}
    org.call("Set-Mailbox", Identity=jane.guid, **wanted)
    (after,) = org.rows("Get-Mailbox", Identity=jane.guid)
    assert {name: after[name] for name in wanted} == wanted
    org.call("Set-Mailbox", Identity=jane.guid, **{name: before[name] for name in wanted})
    assert org.current(jane) == jane


@pytest.mark.parametrize(
    ("parameters", "kind"),
    [
        ({"Alias": "a b"}, "DataValidationException"),
        ({"Alias": ""}, "DataValidationException"),
        ({"Alias": "a" * 65}, "DataValidationException"),
        ({"Office": "x" * 1025}, "DataValidationException"),
        ({"ForwardingSmtpAddress": "jane"}, "DataValidationException"),
        ({"AuditEnabled": "yes"}, "ParameterBindingArgumentTransformationException"),
        ({EXTENSION_ATTRIBUTES[0]: [str(number) for number in range(1301)]}, "DataValidationException"),
        ({EXTENSION_ATTRIBUTES[0]: {"Replace": "a"}}, "DataValidationException"),
    ],
)
def test_settings_that_are_refused(org: Organization, jane: Account, parameters: dict[str, Any], kind: str) -> None:
    """A value that cannot be changes nothing, not even what could have been set."""
    assert org.fails("Set-Mailbox", Identity=jane.guid, CustomAttribute1="x", **parameters).reason == kind


def test_what_a_synchronised_mailbox_takes(org: Organization) -> None:
    """What only the cloud holds can be set; addresses and attributes only where the cloud manages the mailbox."""
    synced = org.account("synced", synchronized=True)
    org.call("Set-Mailbox", Identity=synced.guid, RetentionHoldEnabled=True, ForwardingSmtpAddress="x@y.z")
    for parameters in ({"EmailAddresses": {"Add": "a@contoso.example"}}, {"ExtensionCustomAttribute1": "x"}):
        error = org.fails("Set-Mailbox", Identity=synced.guid, **parameters)
        assert (error.reason, next(iter(parameters)) in error.message) == ("InvalidOperationException", True)
    org.call("Set-Mailbox", Identity=synced.guid, IsExchangeCloudManaged=True)
    org.call("Set-Mailbox", Identity=synced.guid, EmailAddresses={"Add": "a@contoso.example"})
    assert org.fails("Set-Mailbox", Identity=synced.guid, DisplayName="x").reason == "InvalidOperationException"
