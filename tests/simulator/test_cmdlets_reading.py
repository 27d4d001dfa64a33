"""Get-User, Get-Recipient, Get-Mailbox, Get-DistributionGroup and their Get-EXO kin: who is found, what is shown."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from bridge.scripts import ScriptFolder
from bridge.simulator.exchange_module.functions import OWN_COMMANDS, cmdlets
from bridge.simulator.tenant.cmdlets import CMDLETS
from bridge.simulator.tenant.invocation import MORE_RESULTS
from tests.simulator.cmdlet_calls import Organization

NOT_FOUND = "ManagementObjectNotFoundException"
READERS = ["Get-User", "Get-Recipient", "Get-Mailbox", "Get-DistributionGroup", "Get-EXOMailbox", "Get-EXORecipient"]
MINIMUM = {
    *("Alias", "DisplayName", "DistinguishedName", "EmailAddresses", "ExchangeVersion", "ExternalDirectoryObjectId"),
    *("Guid", "Id", "Name", "OrganizationId", "PrimarySmtpAddress", "RecipientType", "RecipientTypeDetails"),
    "UserPrincipalName",
}


@pytest.fixture
def org() -> Organization:
    """Two people of one name, a user without a mailbox, shared mailboxes, a contact and groups."""
    made = Organization()
    jane = made.account(
        "jane.doe",
        first_name="Jane",
        last_name="Doe",
        department="Sales",
        custom_attributes={"CustomAttribute1": "E0042"},
        email_addresses=("smtp:j.doe@contoso.example", "SIP:jane.doe@contoso.example"),
    )
    made.account("john.obrien", display_name="John O'Brien", department="Sales", synchronized=True)
    made.account("alex.kim1", display_name="Alex Kim")
    made.account("alex.kim2", display_name="Alex Kim", hidden=True)
    made.account("temp", "User", disabled=True)
    made.account("info", "SharedMailbox", send_on_behalf=(jane.guid,))
    made.account("supplier", "MailContact", primary_smtp_address="supplier@fabrikam.example")
    made.group("staff", members=(jane.guid,), managed_by=(jane.guid,))
    made.group("finance", "MailUniversalSecurityGroup", synchronized=True)
    return made


def test_every_cmdlet_has_documented_parameters() -> None:
    """What the tenant does is a part of what the module knows."""
    assert CMDLETS.keys() <= cmdlets().keys()


def test_every_cmdlet_of_the_scripts_is_there() -> None:
    """No shipped script calls a cmdlet that neither the tenant nor the module itself has."""
    folder = ScriptFolder()
    called = {cmdlet for name in folder.names() for cmdlet in folder.get(name).cmdlets}
    assert called - set(OWN_COMMANDS) <= CMDLETS.keys()


@pytest.mark.parametrize(
    ("cmdlet", "names"),
    [
        ("Get-User", "jane.doe john.obrien alex.kim1 alex.kim2 temp info"),
        ("Get-Mailbox", "jane.doe john.obrien alex.kim1 alex.kim2 info"),
        ("Get-EXOMailbox", "jane.doe john.obrien alex.kim1 alex.kim2 info"),
        ("Get-Recipient", "jane.doe john.obrien alex.kim1 alex.kim2 info supplier staff finance"),
        ("Get-EXORecipient", "jane.doe john.obrien alex.kim1 alex.kim2 info supplier staff finance"),
        ("Get-DistributionGroup", "staff finance"),
    ],
)
@pytest.mark.parametrize("parameters", [{}, {"Identity": ""}, {"Identity": None}], ids=["none", "empty", "null"])
def test_without_an_identity(org: Organization, cmdlet: str, names: str, parameters: dict[str, Any]) -> None:
    """No identity, an empty one and null mean everything of the cmdlet's kind, as in Exchange."""
    assert org.names(cmdlet, **parameters) == names.split()


@pytest.mark.parametrize("cmdlet", ["Get-User", "Get-Recipient", "Get-Mailbox", "Get-EXOMailbox", "Get-EXORecipient"])
def test_the_forms_of_an_identity(org: Organization, cmdlet: str) -> None:
    """Guid, Entra id, addresses, principal name, name, alias, display name and distinguished name; case is ignored."""
    (row,) = org.rows("Get-Mailbox", Identity="jane.doe")
    forms = [row[name] for name in ("Guid", "ExternalDirectoryObjectId", "UserPrincipalName", "DistinguishedName")]
    forms += [row[name] for name in ("Name", "Alias", "DisplayName")] + ["j.doe@contoso.example"]
    for form in forms:
        assert org.names(cmdlet, Identity=form.upper()) == ["jane.doe"], form


@pytest.mark.parametrize("cmdlet", READERS)
def test_nobody_of_that_name(org: Organization, cmdlet: str) -> None:
    """The error names the identity and the real exception; odd characters are text."""
    for identity in ("nobody@contoso.example", "'; Remove-Mailbox $(1) \"\n|", "x" * 10_000):
        error = org.fails(cmdlet, Identity=identity)
        assert (error.reason, error.terminating) == (NOT_FOUND, False)
        assert error.message.startswith(f"Ex6F9304|Microsoft.Exchange.Configuration.Tasks.{NOT_FOUND}|")
        assert identity in error.message


def test_kinds_that_a_cmdlet_does_not_see(org: Organization) -> None:
    """A user without a mailbox is a user only; a group is a recipient and no mailbox; a contact is no user."""
    assert org.names("Get-User", Identity="temp") == ["temp"]
    assert org.fails("Get-Recipient", Identity="temp@contoso.example").reason == NOT_FOUND
    assert org.fails("Get-Mailbox", Identity="staff").reason == NOT_FOUND
    assert org.fails("Get-User", Identity="supplier").reason == NOT_FOUND
    assert org.fails("Get-DistributionGroup", Identity="jane.doe").reason == NOT_FOUND


def test_an_identity_that_several_have(org: Organization) -> None:
    """Reading answers all of them, and so does a wildcard."""
    for cmdlet in ("Get-User", "Get-Mailbox", "Get-EXORecipient"):
        assert org.names(cmdlet, Identity="Alex Kim") == ["alex.kim1", "alex.kim2"]
        assert org.names(cmdlet, Identity="alex*") == ["alex.kim1", "alex.kim2"]
        assert org.names(cmdlet, Identity="zz*") == []


def test_user_row(org: Organization) -> None:
    """What Get-User shows: the person and the account, and nothing of the mailbox."""
    (row,) = org.rows("Get-User", Identity="jane.doe")
    assert (row["FirstName"], row["Department"], row["RecipientTypeDetails"]) == ("Jane", "Sales", "UserMailbox")
    assert row["WindowsLiveID"] == "jane.doe@contoso.example"
    assert not {"PrimarySmtpAddress", "EmailAddresses", "Alias"} & row.keys()
    (temp,) = org.rows("Get-User", Identity="temp")
    assert (temp["RecipientType"], temp["AccountDisabled"]) == ("User", True)


def test_mailbox_row(org: Organization) -> None:
    """What Get-Mailbox shows; who may send on behalf stands there by name."""
    (row,) = org.rows("Get-Mailbox", Identity="info")
    assert (row["RecipientType"], row["RecipientTypeDetails"], row["IsShared"]) == (
        "UserMailbox",
        "SharedMailbox",
        True,
    )
    assert row["GrantSendOnBehalfTo"] == ["jane.doe"]
    (jane,) = org.rows("Get-Mailbox", Identity="jane.doe")
    assert (jane["CustomAttribute1"], jane["CustomAttribute2"], jane["IsDirSynced"]) == ("E0042", "", False)
    assert jane["EmailAddresses"] == [
        "SMTP:jane.doe@contoso.example",
        "smtp:j.doe@contoso.example",
        "SIP:jane.doe@contoso.example",
    ]
    assert org.names("Get-Mailbox", Identity=jane["ExchangeGuid"]) == ["jane.doe"]


def test_group_and_recipient_rows(org: Organization) -> None:
    """What Get-DistributionGroup shows, and that Get-Recipient has no user principal name."""
    (staff,) = org.rows("Get-DistributionGroup", Identity="staff")
    assert (staff["GroupType"], staff["ManagedBy"], staff["IsDirSynced"]) == ("Universal", ["jane.doe"], False)
    (finance,) = org.rows("Get-DistributionGroup", Identity="finance")
    assert (finance["GroupType"], finance["IsDirSynced"]) == ("Universal, SecurityEnabled", True)
    (jane,) = org.rows("Get-Recipient", Identity="jane.doe")
    assert "UserPrincipalName" not in jane
    assert jane["PrimarySmtpAddress"] == jane["WindowsLiveID"]


@pytest.mark.parametrize(
    ("cmdlet", "query", "names"),
    [
        ("Get-Mailbox", "CustomAttribute1 -eq 'e0042'", "jane.doe"),
        ("Get-Mailbox", "DisplayName -eq 'John O''Brien'", "john.obrien"),
        ("Get-Mailbox", "displayname -like 'Alex*' -and HiddenFromAddressListsEnabled -eq $false", "alex.kim1"),
        ("Get-Mailbox", "CustomAttribute1 -eq '$(nothing)'", ""),
        ("Get-Mailbox", "CustomAttribute1 -ne $null", "jane.doe"),
        ("Get-Mailbox", "EmailAddresses -eq 'j.doe@contoso.example'", "jane.doe"),
        ("Get-Mailbox", "EmailAddresses -like 'sip:*'", "jane.doe"),
        ("Get-EXOMailbox", "RecipientTypeDetails -eq 'SharedMailbox'", "info"),
        ("Get-User", "Department -eq 'Sales' -and -not (LastName -eq 'Doe')", "john.obrien"),
        ("Get-User", "WhenCreatedUTC -gt '2025-01-01'", ""),
        ("Get-DistributionGroup", "IsDirSynced -eq 'False'", "staff"),
        ("Get-Recipient", "IsDirSynced -eq $true", "john.obrien finance"),
    ],
)
def test_filter(org: Organization, cmdlet: str, query: str, names: str) -> None:
    """An OPATH filter is read and nothing in it is run."""
    assert org.names(cmdlet, Filter=query) == names.split()


def test_filter_by_membership(org: Organization) -> None:
    """Groups of a user and members of a group, by distinguished name."""
    (jane,), (staff,) = org.rows("Get-User", Identity="jane.doe"), org.rows("Get-DistributionGroup", Identity="staff")
    assert org.names("Get-Recipient", Filter=f"Members -eq '{jane['DistinguishedName']}'") == ["staff"]
    assert org.names("Get-Recipient", Filter=f"MemberOfGroup -eq '{staff['DistinguishedName']}'") == ["jane.doe"]
    assert org.names("Get-Mailbox", Filter=f"GrantSendOnBehalfTo -eq '{jane['DistinguishedName']}'") == ["info"]
    assert org.names("Get-Mailbox", Filter="GrantSendOnBehalfTo -eq 'jane.doe'") == []


@pytest.mark.parametrize(
    "query", ["CustomAttribute1 = 'x'", "Nonsense -eq 'x'", "Identity -eq 'x'", "Members -eq 'x'", "(Name -eq 'x'"]
)
def test_filter_refused(org: Organization, query: str) -> None:
    """A filter that does not parse, or asks for what cannot be filtered on, is an error."""
    error = org.fails("Get-Mailbox", Filter=query)
    assert error.reason == "ParsingException"


def test_type_anr_and_order(org: Organization) -> None:
    """-RecipientTypeDetails, -RecipientType, -Anr, -SortBy and -ManagedBy choose and sort."""
    assert org.names("Get-Mailbox", RecipientTypeDetails=["sharedmailbox"]) == ["info"]
    assert org.names("Get-Recipient", RecipientTypeDetails="SharedMailbox, MailContact") == ["info", "supplier"]
    assert org.names("Get-EXORecipient", RecipientType=["MailContact"]) == ["supplier"]
    assert org.names("Get-User", Anr="doe") == ["jane.doe"]
    assert org.names("Get-Mailbox", SortBy="Name")[0] == "alex.kim1"
    assert org.names("Get-User", Sortby="displayname")[-1] == "temp"
    assert org.names("Get-DistributionGroup", ManagedBy="jane.doe") == ["staff"]
    refused: list[tuple[str, dict[str, Any]]] = [
        ("Get-Mailbox", {"RecipientTypeDetails": ["Shared"]}),
        ("Get-Recipient", {"RecipientType": ["Mailbox"]}),
        ("Get-Mailbox", {"SortBy": "nothing"}),
        ("Get-Mailbox", {"Identity": "info", "Anr": "info"}),
        ("Get-DistributionGroup", {"Identity": "staff", "ManagedBy": "jane.doe"}),
        ("Get-EXOMailbox", {"Identity": "info", "UserPrincipalName": "info@contoso.example"}),
    ]
    for cmdlet, given in refused:
        assert org.fails(cmdlet, **given).message


def test_property_sets(org: Organization) -> None:
    """Get-EXOMailbox shows the set Minimum unless more is asked for."""
    assert org.rows("Get-EXOMailbox", Identity="info")[0].keys() == MINIMUM
    (row,) = org.rows("Get-EXOMailbox", Identity="info", Properties=["isdirsynced"], PropertySets="Delivery, Custom")
    assert row.keys() > MINIMUM | {"IsDirSynced", "GrantSendOnBehalfTo", "CustomAttribute15"}
    everything = org.rows("Get-EXOMailbox", Identity="info", PropertySets=["All"])
    assert everything[0].keys() == org.rows("Get-Mailbox", Identity="info")[0].keys()
    assert org.rows("Get-EXOMailbox", Identity="info", PropertySets="Quota")[0].keys() == MINIMUM
    assert org.fails("Get-EXOMailbox", Properties="Nonsense").message
    assert org.fails("Get-EXOMailbox", PropertySets="Nonsense").terminating is False
    (recipient,) = org.rows("Get-EXORecipient", Identity="info", Properties=["Guid"])
    assert "Guid" in recipient
    assert "DisplayName" not in recipient
    assert org.rows("Get-Recipient", Identity="info", Properties="DisplayName")[0].keys() >= {"DisplayName"}


def test_other_identities_of_exo_cmdlets(org: Organization) -> None:
    """-PrimarySmtpAddress, -UserPrincipalName and -ExternalDirectoryObjectId find by just that."""
    (row,) = org.rows("Get-EXOMailbox", UserPrincipalName="JANE.DOE@contoso.example")
    assert org.names("Get-EXOMailbox", ExternalDirectoryObjectId=row["ExternalDirectoryObjectId"]) == ["jane.doe"]
    assert org.names("Get-EXORecipient", PrimarySmtpAddress="jane.doe@contoso.example") == ["jane.doe"]
    assert org.fails("Get-EXOMailbox", PrimarySmtpAddress="j.doe@contoso.example").reason == NOT_FOUND


@pytest.mark.parametrize(
    ("size", "count", "more"),
    [(None, 1000, True), (2, 2, True), ("1300", 1203, False), ("Unlimited", 1203, False), ("1203", 1203, False)],
)
def test_result_size(size: Any, count: int, more: bool) -> None:
    """A thousand rows unless more are asked for, with the warning of the real cmdlets when there are more."""
    org = Organization()
    for number in range(1203):
        org.account(f"user{number}")
    reply = org.call("Get-Mailbox", **({} if size is None else {"ResultSize": size})).reply
    assert len(reply.output) == count
    assert reply.warnings == ([MORE_RESULTS] if more else [])


def test_result_size_that_is_none(org: Organization) -> None:
    """A size that is neither a number nor Unlimited is refused."""
    for size in ("all", "", 1.5, -1):
        assert org.fails("Get-Mailbox", ResultSize=size).reason == "DataValidationException"


def test_a_change_is_seen_after_the_delay(org: Organization) -> None:
    """Reading, by identity and by filter, shows what was before until the change has spread."""
    org.directory.delay = 30.0
    (old,) = (thing for thing in org.directory.accounts() if thing.name == "jane.doe")
    org.directory.put(dataclasses.replace(old, department="Finance"))
    assert org.rows("Get-User", Identity="jane.doe")[0]["Department"] == "Sales"
    assert org.names("Get-User", Filter="Department -eq 'Finance'") == []
    org.now = 30.0
    assert org.rows("Get-User", Identity="jane.doe")[0]["Department"] == "Finance"


@pytest.mark.parametrize(
    ("cmdlet", "parameters"),
    [("Get-Mailbox", {"Archive": True}), ("Get-User", {"IsVIP": True}), ("Set-Mailbox", {"MailTip": "x"})],
)
def test_what_the_tenant_does_not_act_on(org: Organization, cmdlet: str, parameters: dict[str, Any]) -> None:
    """A documented parameter that would have to be ignored is refused by name; a switch that is off is not given."""
    error = org.fails(cmdlet, Identity="info", **parameters)
    assert error.exception_type == "System.NotSupportedException"
    assert next(iter(parameters)) in error.message
    assert org.names("Get-Mailbox", Identity="info", Archive=False) == ["info"]
