"""New- and Set-DistributionGroup, and the groups that are no distribution groups."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.simulator.tenant.objects import Group
from tests.simulator.cmdlet_calls import Organization

NEW, SET, GET = "New-DistributionGroup", "Set-DistributionGroup", "Get-DistributionGroup"
BYPASS = {"BypassSecurityGroupManagerCheck": True}


@pytest.fixture
def org() -> Organization:
    """An organization without anybody."""
    return Organization()


@pytest.mark.parametrize(
    ("kind", "details"),
    [
        ({}, "MailUniversalDistributionGroup"),
        ({"Type": "Distribution"}, "MailUniversalDistributionGroup"),
        ({"Type": "Security"}, "MailUniversalSecurityGroup"),
    ],
)
def test_a_new_group_is_answered_and_found(org: Organization, kind: dict[str, str], details: str) -> None:
    """The row of the new group is that which Get-DistributionGroup gives."""
    owner = org.account("jane.doe")

    (made,) = org.rows(NEW, Name="Sales", PrimarySmtpAddress="sales@contoso.example", ManagedBy="jane.doe", **kind)

    assert (made["RecipientTypeDetails"], made["Alias"], made["ManagedBy"]) == (details, "sales", [owner.name])
    assert org.rows(GET, Identity=made["Guid"]) == [made]


def test_a_new_group_is_seen_after_the_delay(org: Organization) -> None:
    """Whoever reads sees nothing of it until then; whoever changes it by its id can do so at once."""
    org.directory.delay = 60.0
    (made,) = org.rows(NEW, Name="Sales", PrimarySmtpAddress="sales@contoso.example")

    assert org.fails(GET, Identity=made["Guid"]).reason == "ManagementObjectNotFoundException"
    assert org.rows(GET) == []
    org.call(SET, Identity=made["Guid"], CustomAttribute1="D42", **BYPASS)
    assert org.rows(GET, Filter="CustomAttribute1 -eq 'D42'") == []

    org.now = 60.0
    assert [row["Name"] for row in org.rows(GET, Filter="CustomAttribute1 -eq 'D42'")] == ["Sales"]


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        ({"Name": "STAFF"}, "ADObjectAlreadyExistsException"),
        ({"Name": "x", "PrimarySmtpAddress": "Staff@contoso.example"}, "ProxyAddressExistsException"),
        ({"Name": "x", "PrimarySmtpAddress": "x@fabrikam.example"}, "NotAcceptedDomainException"),
        ({"Name": "x" * 65}, "DataValidationException"),
        ({"Name": "x", "Type": "Room"}, "DataValidationException"),
        ({"Name": "x", "ManagedBy": "nobody"}, "ManagementObjectNotFoundException"),
        ({"Name": ""}, "ParameterBindingValidationException"),
    ],
)
def test_a_group_that_cannot_be_made(org: Organization, parameters: dict[str, str], reason: str) -> None:
    """The error says why, and there is no new group."""
    org.group("staff")

    assert org.fails(NEW, **parameters).reason == reason
    assert [row["Name"] for row in org.rows(GET)] == ["staff"]


def test_attributes_of_a_group_are_set_and_cleared(org: Organization) -> None:
    """What is given changes and the rest stays."""
    staff = org.group("staff", custom_attributes={"CustomAttribute1": "a", "CustomAttribute2": "b"})

    org.call(SET, Identity="staff", CustomAttribute1=None, CustomAttribute15="c", DisplayName="All", **BYPASS)

    changed = org.directory.current(staff.guid)
    assert isinstance(changed, Group)
    assert changed.custom_attributes == {"CustomAttribute2": "b", "CustomAttribute15": "c"}
    assert (changed.display_name, changed.hidden) == ("All", False)


@pytest.mark.parametrize(
    ("more", "bypass", "reason"),
    [
        ({"synchronized": True}, BYPASS, "InvalidOperationException"),
        ({}, {}, "OperationRequiresGroupManagerException"),
    ],
)
def test_a_group_that_cannot_be_changed(
    org: Organization, more: dict[str, Any], bypass: dict[str, bool], reason: str
) -> None:
    """A synchronised one, and one that the caller does not manage."""
    staff = org.group("staff", **more)

    assert org.fails(SET, Identity="staff", CustomAttribute1="a", **bypass).reason == reason
    assert org.directory.current(staff.guid) == staff


@pytest.mark.parametrize("kind", ["GroupMailbox", "DynamicDistributionGroup"])
def test_other_groups_are_recipients_and_no_distribution_groups(org: Organization, kind: str) -> None:
    """Get-Recipient shows them with their type, and the cmdlets for distribution groups do not know them."""
    org.group("project", kind)

    assert [row["RecipientTypeDetails"] for row in org.rows("Get-Recipient", RecipientTypeDetails=[kind])] == [kind]
    assert org.rows(GET) == []
    assert org.fails("Get-DistributionGroupMember", Identity="project").reason == "ManagementObjectNotFoundException"
