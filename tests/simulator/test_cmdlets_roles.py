"""Management roles, role groups and service principals of the tenant, and what they grant an application."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from bridge.simulator.tenant import CmdletError, ExchangeConnection, Tenant, TenantFileError, files

APP, OBJECT = "cae36d1d-083f-5f9d-8628-84ad13f2988e", "6233fba6-0198-4277-892f-9275bf728bcc"
ROLE, GROUP = "Own Recipients", "Own group"


@pytest.fixture
def tenant() -> Tenant:
    """The demo organization, whose application has no role in Entra ID."""
    state = Tenant.demo().snapshot()
    return Tenant(dataclasses.replace(state, logon=dataclasses.replace(state.logon, directory_role=False)))


@pytest.fixture
def administrator(tenant: Tenant) -> ExchangeConnection:
    """A person's connection, with every cmdlet."""
    credential = {"UserName": tenant.logon.user, "Password": tenant.logon.password}
    return tenant.connect({"Credential": credential})


def application(tenant: Tenant) -> ExchangeConnection:
    """The application's connection, by its certificate."""
    return tenant.connect(
        {
            "AppId": APP,
            "CertificateThumbprint": tenant.logon.certificate_thumbprint,
            "Organization": tenant.organization.name,
        }
    )


def made(administrator: ExchangeConnection, *cmdlets: str, parent: str = "Mail Recipients") -> None:
    """A role with these cmdlets, its group, and the application in it."""
    administrator.invoke("New-ManagementRole", {"Name": ROLE, "Parent": parent, "EnabledCmdlets": list(cmdlets)})
    administrator.invoke("New-ServicePrincipal", {"AppId": APP, "ObjectId": OBJECT, "DisplayName": "bridge"})
    administrator.invoke("New-RoleGroup", {"Name": GROUP, "Roles": [ROLE]})
    administrator.invoke("Add-RoleGroupMember", {"Identity": GROUP, "Member": "bridge"})


def refused(connection: ExchangeConnection, cmdlet: str, **parameters: Any) -> str:
    """The reason of the error of a call."""
    with pytest.raises(CmdletError) as raised:
        connection.invoke(cmdlet, parameters)
    return raised.value.reason


def test_without_any_role_the_application_is_refused(tenant: Tenant) -> None:
    """Neither a role in Entra ID nor a role group: there is no log-on."""
    with pytest.raises(CmdletError, match="isn't supported in this scenario"):
        application(tenant)


def test_the_role_group_grants_its_cmdlets_alone(tenant: Tenant, administrator: ExchangeConnection) -> None:
    """Other cmdlets do not exist, and Get-EXO* goes by the cmdlet that Exchange runs for it."""
    made(administrator, "Get-Mailbox", "Set-Mailbox")
    connection = application(tenant)
    assert {name for name in connection.commands if not name.startswith("Get-EXO")} == {"Get-Mailbox", "Set-Mailbox"}
    assert connection.invoke("Get-EXOMailbox", {"Identity": "info@contoso.example"}).output
    assert refused(connection, "Get-EXORecipient", Identity="info@contoso.example") != ""
    assert refused(connection, "Get-User") == "CommandNotFoundException"
    assert (
        refused(connection, "Set-Mailbox", Identity="info", LitigationHoldEnabled=True) == "ParameterBindingException"
    )


def test_roles_add_up(tenant: Tenant, administrator: ExchangeConnection) -> None:
    """A second role brings the parameter that the first does not have, from the next connection on."""
    made(administrator, "Get-Mailbox", "Set-Mailbox")
    before = application(tenant)
    administrator.invoke("New-ManagementRoleAssignment", {"SecurityGroup": GROUP, "Role": "Legal Hold"})
    assert "Set-Mailbox:LitigationHoldEnabled" in before.denied
    assert "Set-Mailbox:LitigationHoldEnabled" not in application(tenant).denied


def test_a_role_in_entra_id_grants_all(tenant: Tenant, administrator: ExchangeConnection) -> None:
    """A role group takes nothing away from an application that has a role in Entra ID."""
    made(administrator, "Get-Mailbox")
    tenant.logon = dataclasses.replace(tenant.logon, directory_role=True)
    assert "Set-Mailbox" in application(tenant).commands


def test_what_the_tenant_denies_stays_denied(tenant: Tenant, administrator: ExchangeConnection) -> None:
    """What the file's ``denied`` names is missing, whatever the roles grant."""
    made(administrator, "Get-Mailbox", "Set-Mailbox")
    tenant.denied.add("Set-Mailbox")
    assert "Set-Mailbox" not in application(tenant).commands


def test_entries_of_a_custom_role(administrator: ExchangeConnection) -> None:
    """They can be removed and added again; none comes that the parent does not have."""
    made(administrator, "Get-Mailbox", "Set-Mailbox")

    def entries() -> list[str]:
        return [
            row["Name"] for row in administrator.invoke("Get-ManagementRoleEntry", {"Identity": f"{ROLE}\\*"}).output
        ]

    administrator.invoke("Remove-ManagementRoleEntry", {"Identity": f"{ROLE}\\Set-Mailbox"})
    assert entries() == ["Get-Mailbox"]
    administrator.invoke("Add-ManagementRoleEntry", {"Identity": f"{ROLE}\\get-user"})
    assert entries() == ["Get-Mailbox", "Get-User"]
    reason = refused(administrator, "Add-ManagementRoleEntry", Identity=f"{ROLE}\\New-Mailbox")
    assert reason == "ManagementObjectNotFoundException"


@pytest.mark.parametrize(
    ("cmdlet", "parameters", "reason"),
    [
        ("New-ManagementRole", {"Name": ROLE, "Parent": "Mail Recipients"}, "ADObjectAlreadyExistsException"),
        ("New-ManagementRole", {"Name": "x", "Parent": "Nobody"}, "ManagementObjectNotFoundException"),
        ("New-ManagementRole", {"Name": "x" * 65, "Parent": "Legal Hold"}, "DataValidationException"),
        ("Remove-ManagementRoleEntry", {"Identity": "Legal Hold\\Set-Mailbox"}, "InvalidOperationException"),
        ("Remove-ManagementRoleEntry", {"Identity": f"{ROLE}\\New-Mailbox"}, "ManagementObjectNotFoundException"),
        ("Get-ManagementRoleEntry", {"Identity": "Nobody\\*"}, "ManagementObjectNotFoundException"),
        ("Get-ManagementRoleEntry", {"Identity": "Legal Hold"}, "DataValidationException"),
        ("New-RoleGroup", {"Name": GROUP.upper()}, "ADObjectAlreadyExistsException"),
        ("Get-RoleGroup", {"Identity": "Nobody"}, "ManagementObjectNotFoundException"),
        ("Add-RoleGroupMember", {"Identity": GROUP, "Member": APP}, "MemberAlreadyExistsException"),
        ("Add-RoleGroupMember", {"Identity": GROUP, "Member": "Jane Doe"}, "ManagementObjectNotFoundException"),
        ("New-ManagementRoleAssignment", {"SecurityGroup": GROUP, "Role": ROLE}, "ADObjectAlreadyExistsException"),
        ("New-ServicePrincipal", {"AppId": APP, "ObjectId": OBJECT}, "ADObjectAlreadyExistsException"),
        ("New-ServicePrincipal", {"AppId": "bridge", "ObjectId": OBJECT}, "DataValidationException"),
    ],
)
def test_refusals(
    tenant: Tenant, administrator: ExchangeConnection, cmdlet: str, parameters: dict[str, str], reason: str
) -> None:
    """The error says why, and nothing is different."""
    made(administrator, "Get-Mailbox")
    before = tenant.snapshot()
    assert refused(administrator, cmdlet, **parameters) == reason
    assert tenant.snapshot() == before


@pytest.mark.parametrize("suffix", [".toml", ".json"])
def test_roles_survive_a_file(tenant: Tenant, administrator: ExchangeConnection, suffix: str) -> None:
    """A file holds roles, role groups and service principals, and gives them back."""
    made(administrator, "Get-Mailbox")
    state = tenant.snapshot()
    assert files.loads(files.dumps(state, suffix), f"x{suffix}") == state


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[[roles]]\nname = "x"\nparent = "Mail Recipient"', r"roles\[1\].parent"),
        ('[[roles]]\nname = "legal hold"\nparent = "Mail Recipients"', r"roles\[1\].name: .*already"),
        ('[[roles]]\nname = "x"\nparent = "Legal Hold"\ncmdlets = ["New-Mailbox"]', r"roles\[1\].cmdlets"),
        ('[[role_groups]]\nname = "x"\nroles = ["y"]', r"role_groups\[1\].roles"),
        ('[[role_groups]]\nname = "x"\nmembers = ["y"]', r"role_groups\[1\].members"),
        ('[[service_principals]]\napp_id = "x"\nobject_id = "y"', r"service_principals\[1\].app_id"),
    ],
)
def test_mistakes_in_a_file(text: str, message: str) -> None:
    """What cannot be is refused with its place."""
    organization = f'[organization]\nname = "contoso.onmicrosoft.com"\ntenant_id = "{APP}"\n'
    with pytest.raises(TenantFileError, match=message):
        files.loads(organization + text, "x.toml")
