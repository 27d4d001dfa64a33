"""New-Mailbox: what a new shared mailbox is, what is refused, and when others see it."""

from __future__ import annotations

import pytest

from bridge.simulator.tenant.objects import Account
from tests.simulator.cmdlet_calls import Organization

DESK = {"Shared": True, "Name": "Service Desk", "PrimarySmtpAddress": "desk@contoso.example"}


@pytest.fixture
def org() -> Organization:
    """An organization without anybody."""
    return Organization()


def test_a_new_shared_mailbox(org: Organization) -> None:
    """It is answered with its ids; nobody can log on, and its principal name is in the organization's own domain."""
    (row,) = org.rows("New-Mailbox", **DESK, DisplayName="The Desk")
    (made,) = org.directory.accounts()
    assert (row["Guid"], row["ExternalDirectoryObjectId"]) == (made.guid, made.external_id)
    assert (made.type, made.disabled, made.alias) == ("SharedMailbox", True, "desk")
    assert made.user_principal_name == f"desk@{org.directory.organization}"
    assert org.rows("Get-Mailbox", Identity="desk@contoso.example") == [row]
    assert (row["Name"], row["DisplayName"]) == ("Service Desk", "The Desk")


def test_it_is_seen_after_the_delay(org: Organization) -> None:
    """Readers see nothing of it until then, while a change by its guid already works."""
    org.directory.delay = 60.0
    (row,) = org.rows("New-Mailbox", **DESK)
    assert org.fails("Get-Mailbox", Identity=row["Guid"]).reason == "ManagementObjectNotFoundException"
    assert org.rows("Get-Recipient", Filter="EmailAddresses -eq 'desk@contoso.example'") == []
    assert org.call("Set-Mailbox", Identity=row["Guid"], CustomAttribute1="D42").changed
    org.now = 60.0
    assert [one["Guid"] for one in org.rows("Get-Mailbox")] == [row["Guid"]]


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"Name": "sales"}, "ADObjectAlreadyExistsException"),
        ({"PrimarySmtpAddress": "sales@contoso.example"}, "ProxyAddressExistsException"),
        ({"PrimarySmtpAddress": "desk@elsewhere.example"}, "NotAcceptedDomainException"),
        ({"Name": "x" * 65}, "DataValidationException"),
        ({"Name": ""}, "ParameterBindingValidationException"),
        ({"Shared": False}, "NotSupportedException"),
    ],
)
def test_what_is_refused(org: Organization, given: dict[str, str], reason: str) -> None:
    """A name or an address that is taken, another domain, a name too long, and any other kind of mailbox."""
    org.account("sales", "SharedMailbox")
    assert org.fails("New-Mailbox", **(DESK | given)).reason == reason
    assert [thing.name for thing in org.directory.objects()] == ["sales"]


def test_a_principal_name_that_is_taken(org: Organization) -> None:
    """Another object's address in the organization's own domain is not given twice."""
    taken = f"smtp:desk@{org.directory.organization}"
    org.account("sales", "SharedMailbox", email_addresses=(taken,))
    assert org.fails("New-Mailbox", **DESK).reason == "ProxyAddressExistsException"
    assert all(isinstance(thing, Account) for thing in org.directory.objects())
