"""Set-Mailbox, the members of groups and the regional configuration: what is changed, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.simulator.tenant.cmdlets.cultures import CULTURES, TIME_ZONES
from bridge.simulator.tenant.invocation import MORE_RESULTS
from bridge.simulator.tenant.objects import Account, Group, Regional
from tests.simulator.cmdlet_calls import Organization

NOT_FOUND = "ManagementObjectNotFoundException"
AMBIGUOUS = "ManagementObjectAmbiguousException"
BYPASS = {"BypassSecurityGroupManagerCheck": True}
GET_REGIONAL, SET_REGIONAL = "Get-MailboxRegionalConfiguration", "Set-MailboxRegionalConfiguration"
ADD_MEMBER, REMOVE_MEMBER = "Add-DistributionGroupMember", "Remove-DistributionGroupMember"


@pytest.fixture
def org() -> Organization:
    """An organization without anybody."""
    return Organization()


@pytest.fixture
def jane(org: Organization) -> Account:
    """A mailbox."""
    return org.account("jane.doe")


@pytest.fixture
def staff(org: Organization) -> Group:
    """A group without members."""
    return org.group("staff")


def warned(org: Organization, cmdlet: str, **parameters: Any) -> str:
    """The one warning of a call that answers and changes nothing."""
    call = org.call(cmdlet, **parameters)
    assert (call.reply.output, call.changed) == ([], False)
    (warning,) = call.reply.warnings
    return warning


def test_set_mailbox(org: Organization, jane: Account) -> None:
    """What is given is set, and nothing is answered; null and an empty text take a custom attribute away."""
    given = {"DisplayName": "Jane O'Doe $(1)", "HiddenFromAddressListsEnabled": True, "CustomAttribute7": "x"}
    call = org.call("Set-Mailbox", Identity=jane.guid, **given, Confirm=False)
    assert (call.reply.output, call.reply.warnings, call.changed) == ([], [], True)
    (row,) = org.rows("Get-Mailbox", Identity=jane.guid)
    assert {name: row[name] for name in given} == given
    for nothing in (None, ""):
        org.call("Set-Mailbox", Identity=jane.guid, CustomAttribute7="y")
        org.call("Set-Mailbox", Identity=jane.guid, CustomAttribute7=nothing)
        assert org.current(jane).custom_attributes == {}


def test_set_mailbox_of_what_is_so(org: Organization, jane: Account) -> None:
    """A change that changes nothing is a warning."""
    cases: list[dict[str, Any]] = [
        {},
        {"DisplayName": jane.display_name},
        {"CustomAttribute1": None},
        {"GrantSendOnBehalfTo": []},
    ]
    for given in cases:
        assert "no settings of" in warned(org, "Set-Mailbox", Identity=jane.guid, **given)
    assert org.current(jane) is jane


def test_send_on_behalf(org: Organization, jane: Account) -> None:
    """A list replaces, a table adds and removes, null takes all away."""
    info = org.account("info", "SharedMailbox")
    finance = org.group("finance", "MailUniversalSecurityGroup")
    john = org.account("john", "MailUser")

    def after(value: Any) -> list[str]:
        org.call("Set-Mailbox", Identity=info.guid, GrantSendOnBehalfTo=value)
        names: list[str] = org.rows("Get-Mailbox", Identity=info.guid)[0]["GrantSendOnBehalfTo"]
        return names

    assert after({"Add": jane.guid}) == ["jane.doe"]
    assert after({"add": ["finance", john.guid], "remove": "jane.doe@contoso.example"}) == ["finance", "john"]
    assert after("jane.doe") == ["jane.doe"]
    assert after([john.guid, finance.guid]) == ["john", "finance"]
    assert after({"@odata.type": "#Exchange.GenericHashTable", "Remove": [john.guid]}) == ["finance"]
    assert after(None) == []


def test_send_on_behalf_already_so(org: Organization, jane: Account) -> None:
    """Adding who is there and removing who is not is the warning of a change without effect."""
    info = org.account("info", "SharedMailbox", send_on_behalf=(jane.guid,))
    john = org.account("john")
    for table in ({"Add": jane.guid}, {"Remove": john.guid}):
        assert "no settings of" in warned(org, "Set-Mailbox", Identity=info.guid, GrantSendOnBehalfTo=table)


def test_set_mailbox_refusals(org: Organization, jane: Account) -> None:
    """Nobody, several, a delegate who cannot be one, and values that are too long or of a wrong type."""
    org.account("alex1", display_name="Alex Kim")
    org.account("alex2", display_name="Alex Kim")
    org.account("temp", "User")
    org.group("list")
    assert org.fails("Set-Mailbox", Identity="nobody", DisplayName="x").reason == NOT_FOUND
    assert org.fails("Set-Mailbox", Identity="Alex Kim", DisplayName="x").reason == AMBIGUOUS
    assert org.fails("Set-Mailbox", DisplayName="x").error_id.startswith("MissingMandatoryParameter")
    assert org.fails("Set-Mailbox", Identity="", DisplayName="x").reason == "ParameterBindingValidationException"
    for delegate, reason in [("nobody", NOT_FOUND), ("temp", NOT_FOUND), ("list", NOT_FOUND), ("Alex Kim", AMBIGUOUS)]:
        error = org.fails("Set-Mailbox", Identity=jane.guid, DisplayName="x", GrantSendOnBehalfTo={"Add": delegate})
        assert error.reason == reason
    values: list[dict[str, Any]] = [
        {"GrantSendOnBehalfTo": {"Append": jane.guid}},
        {"CustomAttribute1": "x" * 1025},
        {"DisplayName": ""},
        {"DisplayName": "x" * 257},
        {"HiddenFromAddressListsEnabled": "yes"},
    ]
    for value in values:
        assert org.fails("Set-Mailbox", Identity=jane.guid, **value).message
    org.call("Set-Mailbox", Identity=jane.guid, DisplayName="x" * 256, CustomAttribute1="x" * 1024)


def test_a_synchronized_mailbox(org: Organization) -> None:
    """What on-premises holds is refused there; the cloud can take the Exchange attributes over, not the name."""
    synced = org.account("synced", synchronized=True)
    delegates = {"GrantSendOnBehalfTo": {"Add": synced.guid}}
    for given in ({"CustomAttribute1": "x"}, delegates, {"HiddenFromAddressListsEnabled": True}):
        error = org.fails("Set-Mailbox", Identity="synced", **given)
        assert "synchronized from your on-premises" in error.message
        assert f"'Set-Mailbox', '{next(iter(given))}'" in error.message
    assert org.rows("Get-Mailbox", Identity="synced")[0]["IsExchangeCloudManaged"] is False
    together = org.fails("Set-Mailbox", Identity="synced", IsExchangeCloudManaged=True, CustomAttribute1="x")
    assert together.error_id.startswith("AmbiguousParameterSet")
    org.call("Set-Mailbox", Identity="synced", IsExchangeCloudManaged=True)
    org.call("Set-Mailbox", Identity="synced", CustomAttribute1="x")
    assert org.current(synced).custom_attributes == {"CustomAttribute1": "x"}
    assert "synchronized" in org.fails("Set-Mailbox", Identity="synced", DisplayName="x").message


def test_cloud_management_is_for_synchronized_mailboxes(org: Organization, jane: Account) -> None:
    """A mailbox whose home is the cloud cannot be handed to it."""
    assert org.fails("Set-Mailbox", Identity=jane.guid, IsExchangeCloudManaged=True).reason == "RecipientTaskException"


def test_members(org: Organization, jane: Account, staff: Group) -> None:
    """A member is added and removed once; the second time is an error of its own type, and nothing is answered."""
    call = {"Identity": staff.guid, "Member": jane.guid} | BYPASS
    assert org.rows(ADD_MEMBER, **call) == []
    assert org.names("Get-DistributionGroupMember", Identity="staff") == ["jane.doe"]
    again = org.fails(ADD_MEMBER, **call)
    assert again.reason == "MemberAlreadyExistsException"
    assert again.message.startswith("|Microsoft.Exchange.Management.Tasks.MemberAlreadyExistsException|")
    assert org.rows(REMOVE_MEMBER, **call) == []
    assert org.fails(REMOVE_MEMBER, **call).reason == "MemberNotFoundException"
    assert org.current(staff).members == ()


@pytest.mark.parametrize(
    ("type_", "taken"),
    [("SharedMailbox", True), ("MailUser", True), ("MailContact", True), ("GuestMailUser", True), ("User", False)],
)
def test_who_can_be_a_member(org: Organization, staff: Group, type_: str, taken: bool) -> None:
    """Everything with an address; a user without one is not found."""
    org.account("x", type_)
    if taken:
        assert org.call(ADD_MEMBER, Identity="staff", Member="x", **BYPASS).changed
    else:
        error = org.fails(ADD_MEMBER, Identity="staff", Member="x", **BYPASS)
        assert error.message.startswith("Ex94914C|")
        assert error.reason == NOT_FOUND


def test_a_group_in_a_group(org: Organization, staff: Group) -> None:
    """A group can be a member, and only direct members are listed."""
    inner = org.group("inner", members=(org.account("jane").guid,))
    org.call(ADD_MEMBER, Identity="staff", Member=inner.guid, **BYPASS)
    assert org.names("Get-DistributionGroupMember", Identity="staff") == ["inner"]


@pytest.mark.parametrize("cmdlet", [ADD_MEMBER, REMOVE_MEMBER])
def test_member_refusals(org: Organization, jane: Account, staff: Group, cmdlet: str) -> None:
    """No group, no member, several, no bypass of the manager check, and a group whose home is on-premises."""
    org.group("synced", synchronized=True)
    org.account("alex1", display_name="Alex Kim")
    org.account("alex2", display_name="Alex Kim")
    assert org.fails(cmdlet, Identity="nothing", Member=jane.guid, **BYPASS).message.startswith("Ex6F9304|")
    assert org.fails(cmdlet, Identity="staff", Member="nobody", **BYPASS).message.startswith("Ex94914C|")
    assert org.fails(cmdlet, Identity="staff", Member="Alex Kim", **BYPASS).reason == AMBIGUOUS
    assert org.fails(cmdlet, Identity="staff", **BYPASS).reason == "ParameterBindingException"
    for bypass in ({}, {"BypassSecurityGroupManagerCheck": False}):
        error = org.fails(cmdlet, Identity="staff", Member=jane.guid, **bypass)
        assert error.reason == "OperationRequiresGroupManagerException"
    error = org.fails(cmdlet, Identity="synced", Member=jane.guid, **BYPASS)
    assert f"The action '{cmdlet}'" in error.message


def test_members_of_a_large_group(org: Organization) -> None:
    """A thousand members and the warning, unless all are asked for; the group has to be named."""
    org.group("all", members=tuple(org.account(f"user{number}").guid for number in range(1001)))
    reply = org.call("Get-DistributionGroupMember", Identity="all").reply
    assert (len(reply.output), reply.warnings) == (1000, [MORE_RESULTS])
    assert len(org.rows("Get-DistributionGroupMember", Identity="all", ResultSize="Unlimited")) == 1001
    assert org.fails("Get-DistributionGroupMember").error_id.startswith("MissingMandatoryParameter")


def test_a_member_is_seen_after_the_delay(org: Organization, jane: Account, staff: Group) -> None:
    """While a change spreads the list is the old one, and adding again already knows the new one."""
    org.directory.delay = 60.0
    call = {"Identity": staff.guid, "Member": jane.guid} | BYPASS
    org.call(ADD_MEMBER, **call)
    assert org.rows("Get-DistributionGroupMember", Identity="staff") == []
    assert org.fails(ADD_MEMBER, **call).reason == "MemberAlreadyExistsException"
    org.now = 60.0
    assert org.names("Get-DistributionGroupMember", Identity="staff") == ["jane.doe"]


def test_regional(org: Organization, jane: Account) -> None:
    """Nothing until it is set; then as it was set, in the documented spelling."""
    (row,) = org.rows(GET_REGIONAL, Identity=jane.guid)
    names = ("Language", "DateFormat", "TimeFormat", "TimeZone")
    assert [row[name] for name in names] == ["", "", "", ""]
    given = {"Language": "NL-nl", "DateFormat": "dd-MM-yy", "TimeFormat": "H:mm", "TimeZone": "tokyo standard time"}
    assert org.rows(SET_REGIONAL, Identity=jane.guid, **given) == []
    (row,) = org.rows(GET_REGIONAL, Identity=jane.guid)
    assert [row[name] for name in names] == ["nl-NL", "dd-MM-yy", "H:mm", "Tokyo Standard Time"]
    assert "no settings of" in warned(org, SET_REGIONAL, Identity=jane.guid, **given)


def test_regional_formats_of_another_language(org: Organization) -> None:
    """Old formats do not outlive their language: they are refused, and an empty or null one is the language's own."""
    org.account("x", regional=Regional(language="nl-NL", date_format="dd-MM-yy"))
    assert org.fails(SET_REGIONAL, Identity="x", Language="en-US").reason == "DataValidationException"
    for nothing in ("", None):
        org.call(SET_REGIONAL, Identity="x", Language="en-US", DateFormat=nothing, TimeFormat=nothing)
        (row,) = org.rows(GET_REGIONAL, Identity="x")
        assert (row["DateFormat"], row["TimeFormat"]) == ("M/d/yyyy", "h:mm tt")
    assert org.fails(SET_REGIONAL, Identity="x", Language="nl-NL").reason == "DataValidationException"


def test_regional_folder_names(org: Organization, jane: Account) -> None:
    """Default folders are renamed when it is asked for, and compared when it is asked for."""
    org.call(SET_REGIONAL, Identity=jane.guid, Language="nl-NL")

    def match(**more: Any) -> Any:
        return org.rows(GET_REGIONAL, Identity=jane.guid, **more)[0]["DefaultFolderNameMatchingUserLanguage"]

    assert match(VerifyDefaultFolderNameLanguage=True) is False
    org.call(SET_REGIONAL, Identity=jane.guid, LocalizeDefaultFolderName=True)
    assert match(VerifyDefaultFolderNameLanguage=True) is True
    assert match() is False
    org.call(SET_REGIONAL, Identity=jane.guid, Language="de-DE", DateFormat=None, TimeFormat=None)
    assert match(VerifyDefaultFolderNameLanguage=True) is False


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"Language": "xx-XX"}, "CultureNotFoundException"),
        ({"Language": "nl-NL", "DateFormat": "M/d/yyyy"}, "DataValidationException"),
        ({"Language": "nl-NL", "DateFormat": "DD-MM-YY"}, "DataValidationException"),
        ({"TimeFormat": "h:mm:ss"}, "DataValidationException"),
        ({"TimeZone": "Europe/Amsterdam"}, "DataValidationException"),
        ({"LocalizeDefaultFolderName": True}, "RecipientTaskException"),
    ],
)
def test_regional_refusals(org: Organization, jane: Account, given: dict[str, Any], reason: str) -> None:
    """What is not a language, a format of it or a time zone of Windows is refused, with the valid ones or the name."""
    assert org.fails(SET_REGIONAL, Identity=jane.guid, **given).reason == reason


def test_regional_needs_one_mailbox(org: Organization, staff: Group) -> None:
    """No identity, nobody, a group and several are errors; a synchronised mailbox is changed like any."""
    for cmdlet in (GET_REGIONAL, SET_REGIONAL):
        assert org.fails(cmdlet).error_id.startswith("MissingMandatoryParameter")
        assert org.fails(cmdlet, Identity="staff").reason == NOT_FOUND
    org.account("a", display_name="Alex Kim", synchronized=True)
    org.account("b", display_name="Alex Kim")
    assert org.fails(GET_REGIONAL, Identity="Alex Kim").reason == AMBIGUOUS
    assert org.call(SET_REGIONAL, Identity="a", TimeZone="UTC").changed


def test_tables_of_languages_and_zones() -> None:
    """No format stands twice, every language has both kinds, and the identifiers are spelt as Windows spells them."""
    for culture in CULTURES.values():
        for formats in (culture.date_formats, culture.time_formats):
            assert formats
            assert len(set(formats)) == len(formats)
    wanted = ["W. Europe Standard Time", "UTC", "Central Standard Time (Mexico)", "Russia Time Zone 11"]
    assert [TIME_ZONES[zone.lower()] for zone in wanted] == wanted
