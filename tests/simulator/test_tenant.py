"""The tenant: logging on, what a connection has, how calls are checked, throttled and recorded, and its state."""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from bridge.simulator.tenant import CmdletError, CmdletRecord, ExchangeConnection, Tenant, Throttle

JANE = "jane.doe@contoso.example"
STAFF = "staff@contoso.example"
NOT_FOUND = "Microsoft.Exchange.Configuration.Tasks.ManagementObjectNotFoundException"


class Watched:
    """The demo tenant with a clock that is set by hand, and what it was asked and how long it slept."""

    def __init__(self) -> None:
        self.now = 1_750_000_000.0
        self.slept: list[float] = []
        self.records: list[CmdletRecord] = []
        self.tenant = Tenant(Tenant.demo().snapshot(), clock=lambda: self.now, sleep=self._sleep)
        self.tenant.observers.append(self.records.append)

    def _sleep(self, seconds: float) -> None:
        # Others can call the tenant while one caller is slowed down.
        reached = threading.Event()

        def look() -> None:
            with self.tenant.lock:
                reached.set()

        other = threading.Thread(target=look)
        other.start()
        assert reached.wait(10)
        other.join()
        self.slept.append(seconds)

    def logon(self, kind: str = "certificate", **more: Any) -> dict[str, Any]:
        """The parameters of Connect-ExchangeOnline for one kind of log-on."""
        values = self.tenant.logon_settings()
        given: dict[str, Any] = {"Organization": values["organization"]} | more
        if kind == "certificate":
            return {"AppId": values["app_id"], "CertificateThumbprint": values["certificate_thumbprint"]} | given
        if kind == "access-token":
            return {"AccessToken": self.tenant.issue_token(values["app_id"], values["client_secret"])} | given
        return {"Credential": {"UserName": values["user"], "Password": values["password"]}} | given

    def connect(self, kind: str = "certificate", **more: Any) -> ExchangeConnection:
        """A connection; its record is dropped."""
        connection = self.tenant.connect(self.logon(kind, **more))
        self.records.clear()
        return connection


@pytest.fixture
def watched() -> Watched:
    """The demo tenant."""
    return Watched()


@contextmanager
def refused(exception_type: str) -> Iterator[list[CmdletError]]:
    """That an error of this type (its short name) is raised."""
    errors: list[CmdletError] = []
    with pytest.raises(CmdletError) as caught:
        yield errors
    errors.append(caught.value)
    assert caught.value.reason == exception_type
    assert caught.value.exception_type.endswith(exception_type)


# --- logging on


@pytest.mark.parametrize("kind", ["certificate", "access-token", "password"])
def test_log_on(watched: Watched, kind: str) -> None:
    """Each kind of log-on gives a connection of its own with a valid token."""
    first, second = watched.connect(kind), watched.connect(kind)
    assert first.id != second.id
    (row,) = first.information()
    assert (row["ConnectionId"], row["State"], row["TokenStatus"]) == (first.id, "Connected", "Active")
    assert row["Organization"] == "contoso.onmicrosoft.com"
    assert row["CertificateAuthentication"] is (kind == "certificate")
    assert row["TokenExpiryTimeUTC"] == datetime.fromtimestamp(watched.now + 3600, UTC)
    assert row["UserPrincipalName"] == ("operator@contoso.onmicrosoft.com" if kind == "password" else "")


@pytest.mark.parametrize("name", ["CONTOSO.onmicrosoft.com", "contoso.example", "e850083c-95fb-5b76-8782-c996e0b4ef17"])
def test_the_organization_has_several_names(watched: Watched, name: str) -> None:
    """Its own domain, another of its domains and its id lead to it, in any case."""
    assert watched.connect(Organization=name).information()[0]["Organization"] == name


@pytest.mark.parametrize(
    ("kind", "change", "reason", "code"),
    [
        ("certificate", {"CertificateThumbprint": "0" * 40}, "MsalServiceException", "AADSTS700027"),
        ("certificate", {"AppId": "11111111-1111-1111-1111-111111111111"}, "MsalServiceException", "AADSTS700016"),
        ("certificate", {"Organization": "fabrikam.example"}, "MsalServiceException", "AADSTS90002"),
        ("certificate", {"Organization": ""}, "ArgumentException", ""),
        ("access-token", {"AccessToken": "made.up.token"}, "UnauthorizedAccessException", "UnAuthorized"),
        ("access-token", {"Organization": "fabrikam.example"}, "MsalServiceException", "AADSTS90002"),
        ("access-token", {"AccessToken": ""}, "MsalClientException", "window handle"),
        (
            "password",
            {"Credential": {"UserName": "operator@contoso.onmicrosoft.com", "Password": "wrong"}},
            "MsalUiRequiredException",
            "AADSTS50126",
        ),
        ("password", {"Credential": {"UserName": JANE, "Password": ""}}, "MsalUiRequiredException", "AADSTS50126"),
        ("password", {"Credental": {}}, "ParameterBindingException", "Credental"),
        ("certificate", {"PageSize": -1}, "ParameterBindingArgumentTransformationException", "PageSize"),
    ],
)
def test_log_on_refused(watched: Watched, kind: str, change: dict[str, Any], reason: str, code: str) -> None:
    """What is wrong about a log-on is refused with the type of the real error, ends the statement and is recorded."""
    with refused(reason) as errors:
        watched.tenant.connect(watched.logon(kind) | change)
    assert errors[0].terminating
    assert code in errors[0].message
    (record,) = watched.records
    assert (record.cmdlet, record.error) == ("Connect-ExchangeOnline", errors[0].exception_type)


def test_nobody_logs_on_with_nothing() -> None:
    """Where the tenant has no secrets, empty ones are no log-on."""
    state = Tenant.demo().snapshot()
    tenant = Tenant(type(state)(organization=state.organization))
    with pytest.raises(PermissionError):
        tenant.issue_token("", "")
    with refused("MsalUiRequiredException"):
        tenant.connect({"Credential": {"UserName": "", "Password": ""}})


def test_credential_ends_with_the_module(watched: Watched) -> None:
    """A module that has no -Credential any more does not know the parameter; nor where it is denied."""
    watched.tenant.denied = {"connect-exchangeonline:credential"}
    with refused("ParameterBindingException"):
        watched.tenant.connect(watched.logon("password"))
    watched.tenant.denied = set()
    watched.tenant.module_version = "3.11.0"
    with refused("ParameterBindingException"):
        watched.tenant.connect(watched.logon("password"))
    watched.connect("certificate")


def test_a_token_looks_like_one(watched: Watched) -> None:
    """A token has Entra ID's three parts and says whose it is, for whom and until when; no two are the same."""
    logon = watched.tenant.logon_settings()
    token = watched.tenant.issue_token(logon["app_id"].upper(), logon["client_secret"])
    claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    assert claims["exp"] == watched.now + 3600
    assert claims["tid"] == logon["tenant_id"]
    assert token != watched.tenant.issue_token(logon["app_id"], logon["client_secret"])
    with pytest.raises(PermissionError):
        watched.tenant.issue_token(logon["app_id"], logon["client_secret"] + "x")


# --- the token's end


def test_an_access_token_ends(watched: Watched) -> None:
    """After its end cmdlets fail as unauthorized, the connection says so, and nobody logs on with it again."""
    watched.tenant.token_seconds = 60
    logon = watched.logon("access-token")
    connection = watched.tenant.connect(logon)
    watched.now += 59
    connection.invoke("Get-User", {"Identity": JANE})
    watched.now += 1
    with refused("UnauthorizedAccessException") as errors:
        connection.invoke("Get-User", {"Identity": JANE})
    assert (errors[0].error_id, errors[0].terminating) == ("UnAuthorized,Get-User", True)
    assert connection.information()[0]["TokenStatus"] == "Expired"
    with refused("UnauthorizedAccessException"):
        watched.tenant.connect(logon)


@pytest.mark.parametrize("kind", ["certificate", "password"])
def test_other_tokens_are_renewed(watched: Watched, kind: str) -> None:
    """A certificate or a password keeps the connection alive."""
    connection = watched.connect(kind)
    watched.now += 10_000
    assert connection.invoke("Get-User", {"Identity": JANE}).output
    (row,) = connection.information()
    assert row["TokenStatus"] == "Active"
    assert row["TokenExpiryTimeUTC"].timestamp() > watched.now


def test_after_the_disconnect(watched: Watched) -> None:
    """A connection that was ended shows no information and runs nothing; ending it is recorded once."""
    connection = watched.connect()
    connection.disconnect()
    connection.disconnect()
    assert connection.information() == []
    assert [record.cmdlet for record in watched.records] == ["Disconnect-ExchangeOnline"]
    with refused("UnauthorizedAccessException") as errors:
        connection.invoke("Get-User", {"Identity": JANE})
    assert errors[0].error_id == "UnAuthorized,Get-User"


# --- what a connection has


def test_only_the_commands_asked_for(watched: Watched) -> None:
    """A connection has what -CommandName names, in any case and with wildcards, and always the Get-EXO* cmdlets."""
    own = watched.connect(CommandName=["Get-Nothing"]).commands
    assert own
    assert all(name.startswith("Get-EXO") for name in own)
    assert watched.connect(CommandName=["get-user", "SET-MAILBOX"]).commands == own | {"Get-User", "Set-Mailbox"}
    assert watched.connect(CommandName="*-DistributionGroupMember").commands >= {
        "Add-DistributionGroupMember",
        "Update-DistributionGroupMember",
    }
    everything = watched.connect().commands
    assert watched.connect(CommandName=["*"]).commands == everything
    assert "Connect-ExchangeOnline" not in everything
    assert {"Get-User", "Remove-MailboxPermission"} < everything


def test_denied_cmdlets(watched: Watched) -> None:
    """What the roles lack is not imported; a cmdlet of the module itself is there and refused by Exchange."""
    watched.tenant.denied = {"SET-mailbox", "Get-EXOMailbox", "Get-EXORecipient:Filter"}
    connection = watched.connect(CommandName=["Set-Mailbox", "Get-User"])
    assert "Set-Mailbox" not in connection.commands
    with refused("CommandNotFoundException") as errors:
        connection.invoke("Set-Mailbox", {"Identity": JANE})
    assert errors[0].terminating
    with refused("CmdletAccessDeniedException") as errors:
        connection.invoke("Get-EXOMailbox", {"Identity": JANE})
    assert not errors[0].terminating
    with refused("CmdletAccessDeniedException"):
        connection.invoke("Get-EXORecipient", {"Filter": "Name -eq 'x'"})
    assert connection.invoke("Get-EXORecipient", {"Identity": JANE}).output


def test_denied_parameters(watched: Watched) -> None:
    """A parameter that the roles lack does not exist, whatever its case; without it the cmdlet works."""
    watched.tenant.denied = {"add-distributiongroupmember:bypasssecuritygroupmanagercheck"}
    connection = watched.connect()
    call = {"Identity": STAFF, "Member": JANE, "bypassSecurityGroupManagerCheck": True}
    with refused("ParameterBindingException") as errors:
        connection.invoke("Add-DistributionGroupMember", call)
    assert errors[0].error_id == "NamedParameterNotFound,Add-DistributionGroupMember"
    assert "'bypassSecurityGroupManagerCheck'" in errors[0].message
    assert not any(record.changed for record in watched.records)


# --- how a call is checked


@pytest.mark.parametrize(
    ("cmdlet", "parameters", "reason"),
    [
        ("Set-Mailbx", {}, "CommandNotFoundException"),
        ("Connect-ExchangeOnline", {}, "CommandNotFoundException"),
        ("Set-Mailbox", {"Identiy": JANE}, "ParameterBindingException"),
        ("Set-Mailbox", {"Identity": JANE, "HiddenFromAddressListsEnabled": "maybe"}, "TransformationException"),
        ("Add-DistributionGroupMember", {"BypassSecurityGroupManagerCheck": None}, "TransformationException"),
        ("Get-EXOMailbox", {"ExternalDirectoryObjectId": "x"}, "TransformationException"),
        ("New-Mailbox", {"Name": "x"}, "NotSupportedException"),
    ],
)
def test_calls_that_do_not_bind(watched: Watched, cmdlet: str, parameters: dict[str, Any], reason: str) -> None:
    """An unknown cmdlet, an unknown parameter and a value of the wrong type end the statement; each is recorded."""
    connection = watched.connect()
    with pytest.raises(CmdletError) as caught:
        connection.invoke(cmdlet, parameters)
    assert caught.value.reason.endswith(reason)
    assert caught.value.terminating
    (record,) = watched.records
    assert (record.cmdlet, record.changed, record.error) == (cmdlet, False, caught.value.exception_type)


def test_names_in_any_case(watched: Watched) -> None:
    """Cmdlets and parameters are found in any case, and recorded as they are documented."""
    watched.connect().invoke("SET-mailbox", {"identity": JANE, "displayNAME": "Jane Roe", "CONFIRM": False})
    wanted = {"Identity": JANE, "DisplayName": "Jane Roe"}
    assert watched.records == [CmdletRecord(watched.now, "Set-Mailbox", wanted, changed=True)]


def test_an_error_of_exchange(watched: Watched) -> None:
    """What Exchange refuses does not end the statement and has the id of its request and the cmdlet in it."""
    with refused("ManagementObjectNotFoundException") as errors:
        watched.connect().invoke("get-mailbox", {"Identity": "nobody@contoso.example"})
    error = errors[0]
    assert (error.terminating, error.activity, error.category) == (False, "Get-Mailbox", "NotSpecified")
    assert error.message.startswith(f"Ex6F9304|{NOT_FOUND}|")
    moment = "Sun, 15 Jun 2025 15:06:40 GMT"
    guid = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    assert re.fullmatch(rf"\[Server=\w+,RequestId={guid},TimeStamp={moment}\],Write-ErrorMessage", error.error_id)
    assert [record.error for record in watched.records] == [NOT_FOUND]


def test_what_if(watched: Watched) -> None:
    """With -WhatIf nothing is done, so there is nothing to record."""
    connection = watched.connect()
    call = {"Identity": STAFF, "Member": JANE, "BypassSecurityGroupManagerCheck": True}
    connection.invoke("Add-DistributionGroupMember", call | {"WhatIf": True})
    assert watched.records == []
    connection.invoke("Add-DistributionGroupMember", call)
    assert [record.changed for record in watched.records] == [True]


# --- throttling


def test_throttled_with_a_delay(watched: Watched) -> None:
    """Every n-th call takes longer and warns; the tenant is free for others meanwhile."""
    watched.tenant.throttle = Throttle(every=2, seconds=1.25)
    connection = watched.connect()
    warnings = [connection.invoke("Get-User", {"Identity": JANE}).warnings for _ in range(4)]
    assert [len(lines) for lines in warnings] == [0, 1, 0, 1]
    assert warnings[1][0].startswith("Micro delay applied. Actual delayed: 1250 msecs")
    assert watched.slept == [1.25, 1.25]


def test_throttled_with_an_error(watched: Watched) -> None:
    """After the n-th call all are refused, change nothing and are recorded."""
    watched.tenant.throttle = Throttle(after=1, kind="error")
    connection = watched.connect()
    connection.invoke("Get-User", {"Identity": JANE})
    with refused("OverBudgetException") as errors:
        connection.invoke("Set-Mailbox", {"Identity": JANE, "DisplayName": "J"})
    assert errors[0].error_id.endswith(",Write-ErrorMessage")
    assert [(record.cmdlet, record.changed, bool(record.error)) for record in watched.records] == [
        ("Get-User", False, False),
        ("Set-Mailbox", False, True),
    ]


# --- records


def test_secrets_are_masked(watched: Watched) -> None:
    """No secret of a log-on is in a record, whether it was right or wrong; what is no secret is."""
    logon = watched.tenant.logon_settings()
    watched.connect()
    for given in (watched.logon("password"), watched.logon("access-token")):
        watched.tenant.connect(given)
    for given in ({"AccessToken": "canary"}, {"certificatepassword": "canary"}, {"Credential": "canary"}):
        with pytest.raises(CmdletError):
            watched.tenant.connect(given)
    shown = [record.to_dict()["parameters"] for record in watched.records]
    assert shown[0]["Credential"] == {"UserName": logon["user"], "Password": "***"}
    assert shown[1] == {"AccessToken": "***", "Organization": logon["organization"]}
    assert "canary" not in repr(shown)


def test_records_of_many_threads(watched: Watched) -> None:
    """Cmdlets of several connections run one after the other: no change is lost, and each has its record."""
    state = watched.tenant.snapshot()
    (staff,) = (group for group in state.groups if group.primary_smtp_address == STAFF)
    others = tuple(group for group in state.groups if group is not staff)
    watched.tenant.restore(replace(state, groups=(replace(staff, members=()), *others)))
    members = [account.guid for account in state.accounts if account.mailbox]
    connections = [watched.tenant.connect(watched.logon()) for _ in members]
    watched.records.clear()

    def add(connection: ExchangeConnection, member: str) -> None:
        call = {"Identity": STAFF, "Member": member, "BypassSecurityGroupManagerCheck": True}
        connection.invoke("Add-DistributionGroupMember", call)

    threads = [threading.Thread(target=add, args=pair) for pair in zip(connections, members, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rows = connections[0].invoke("Get-DistributionGroupMember", {"Identity": STAFF}).output
    assert {row["Guid"] for row in rows} == set(members)
    assert len(watched.records) == len(members) + 1


# --- state


def test_changes_are_seen_later(watched: Watched) -> None:
    """With a delay a reader sees a change after it, not before."""
    watched.tenant.delay = 30
    connection = watched.connect()
    connection.invoke("Set-Mailbox", {"Identity": JANE, "DisplayName": "Jane Roe"})

    def name() -> Any:
        return connection.invoke("Get-Mailbox", {"Identity": JANE}).output[0]["DisplayName"]

    assert name() == "Jane Doe"
    watched.now += 30
    assert name() == "Jane Roe"


def test_snapshot_and_restore(watched: Watched) -> None:
    """Everything that a call or a test changed is as it was, also for a connection that was open meanwhile."""
    tenant = watched.tenant
    connection = watched.connect()
    before = tenant.snapshot()
    tenant.denied = {"Get-Recipient"}
    tenant.throttle.every = 1
    tenant.module_installed, tenant.module_version, tenant.delay = False, "3.7.0", 5.0
    tenant.token_seconds = 1.0
    connection.invoke("Set-Mailbox", {"Identity": JANE, "DisplayName": "Jane Roe"})
    assert tenant.snapshot() != before
    tenant.restore(before)
    assert tenant.snapshot() == before
    assert (tenant.denied, tenant.throttle.every, tenant.module_version) == (set(), 0, "3.9.2")
    assert connection.invoke("Get-Mailbox", {"Identity": JANE}).output[0]["DisplayName"] == "Jane Doe"


def test_the_demo_tenant(watched: Watched) -> None:
    """Who is in the small company: each kind of object that the bridge has to tell apart."""
    connection = watched.connect()

    def rows(cmdlet: str, **parameters: Any) -> list[dict[str, Any]]:
        return connection.invoke(cmdlet, parameters).output

    (jane,) = rows("Get-Mailbox", Filter="CustomAttribute1 -eq 'E0042'")
    assert jane["PrimarySmtpAddress"] == JANE
    assert len(rows("Get-Mailbox", Filter="CustomAttribute2 -eq 'Ghent'")) > 1
    assert rows("Get-Mailbox", Identity="john.obrien@contoso.example")[0]["DisplayName"] == "John O'Brien"
    assert len(rows("Get-User", Filter="DisplayName -eq 'Alex Kim'")) == 2
    assert rows("Get-User", Identity="sam.taylor@contoso.example")[0]["RecipientTypeDetails"] == "User"
    shared = {row["PrimarySmtpAddress"] for row in rows("Get-EXOMailbox", RecipientTypeDetails=["SharedMailbox"])}
    assert {"info@contoso.example", "sales@contoso.example"} <= shared
    groups = {row["PrimarySmtpAddress"]: row for row in rows("Get-DistributionGroup")}
    assert groups["finance@contoso.example"]["RecipientTypeDetails"] == "MailUniversalSecurityGroup"
    assert groups["synced@contoso.example"]["IsDirSynced"] is True
    members = rows("Get-DistributionGroupMember", Identity=STAFF)
    assert members
    assert JANE not in [row["PrimarySmtpAddress"] for row in members]


def test_twenty_five_thousand_mailboxes() -> None:
    """A large organization loads, finds one by index and answers a filter."""
    demo = Tenant.demo().snapshot()
    jane = demo.accounts[0]
    many = tuple(
        replace(
            jane,
            guid=f"00000000-0000-4000-8000-{number:012}",
            external_id=f"00000000-0000-4000-9000-{number:012}",
            name=f"User {number}",
            primary_smtp_address=f"user{number}@contoso.example",
            user_principal_name=f"user{number}@contoso.example",
            custom_attributes={"CustomAttribute1": f"N{number}"},
        )
        for number in range(25_000)
    )
    groups = tuple(
        replace(
            demo.groups[0],
            guid=f"00000000-0000-4000-a000-{number:012}",
            external_id=f"00000000-0000-4000-b000-{number:012}",
            name=f"Group {number}",
            primary_smtp_address=f"group{number}@contoso.example",
            members=tuple(account.guid for account in many[number * 20 : number * 20 + 20]),
        )
        for number in range(1_000)
    )
    tenant = Tenant(replace(demo, accounts=many, groups=groups))
    logon = tenant.logon_settings()
    connection = tenant.connect(
        {
            "AppId": logon["app_id"],
            "Organization": logon["organization"],
            "CertificateThumbprint": logon["certificate_thumbprint"],
        }
    )
    for number in range(0, 25_000, 100):
        (row,) = connection.invoke("Get-Mailbox", {"Identity": f"user{number}@contoso.example"}).output
        assert row["Name"] == f"User {number}"
    (row,) = connection.invoke("Get-Mailbox", {"Filter": "CustomAttribute1 -eq 'N24999'"}).output
    assert row["Name"] == "User 24999"
    assert len(connection.invoke("Get-DistributionGroup", {"ResultSize": "Unlimited"}).output) == 1_000
