"""The module of the simulator on a real PowerShell, and the gateway that it calls.

A small tenant of a few fixed answers stands behind the gateway, so that what is proved here is the way between.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import platformdirs
import pytest

from bridge.simulator.exchange_module import command_module, functions, has_credential
from bridge.simulator.gateway import TOKEN_VARIABLE, URL_VARIABLE, Gateway
from bridge.simulator.tenant import CmdletError, Reply, Tenant

GRANTED = frozenset(
    (
        "Add-DistributionGroupMember",
        "Add-RecipientPermission",
        "Get-DistributionGroup",
        "Get-EXOMailbox",
        "Set-Mailbox",
        "Set-MailboxAutoReplyConfiguration",
    )
)
NOT_FOUND = "Microsoft.Exchange.Configuration.Tasks.ManagementObjectNotFoundException"
REQUEST = "[Server=AM0PR01MB1,RequestId=11111111-2222-3333-4444-555555555555,TimeStamp=Tue, 03 Feb 2026 04:05:06 GMT]"


class FakeConnection:
    """A connection that answers by the identity that it is given."""

    def __init__(self, tenant: FakeTenant, number: int, parameters: dict[str, Any]) -> None:
        self.tenant = tenant
        self.id = f"00000000-0000-0000-0000-{number:012}"
        wanted = {name.lower() for name in parameters.get("CommandName") or GRANTED}
        self.commands = frozenset(
            name for name in GRANTED - tenant.denied if name.lower() in wanted or name.startswith("Get-EXO")
        )
        self.organization = parameters.get("Organization", "")
        self.connected = True

    @property
    def denied(self) -> frozenset[str]:
        """What the roles do not grant."""
        return frozenset(self.tenant.denied)

    def invoke(self, cmdlet: str, parameters: dict[str, Any]) -> Reply:
        """Answer by the identity that is asked for."""
        self.tenant.calls.append((cmdlet, parameters))
        match parameters.get("Identity"):
            case "missing":
                raise self._error(f"Ex6F9304|{NOT_FOUND}|The object 'missing', it is not there.")
            case "refused":
                raise CmdletError(
                    "A parameter cannot be found that matches parameter name 'X'.",
                    reason="ParameterBindingException",
                    exception_type="System.Management.Automation.ParameterBindingException",
                    error_id=f"NamedParameterNotFound,{cmdlet}",
                    category="InvalidArgument",
                    activity=cmdlet,
                    terminating=True,
                )
            case "half":
                return Reply(output=[{"Name": "one"}], errors=[self._error(f"|{NOT_FOUND}|The other.")])
            case "warn":
                return Reply(warnings=["first warning", "second <warning>"])
            case "many":
                return Reply(output=[{"Name": f"row {number}"} for number in range(1203)])
            case "odd":
                return Reply(output=[ODD])
        return Reply()

    def _error(self, message: str) -> CmdletError:
        return CmdletError(
            message,
            reason="ManagementObjectNotFoundException",
            exception_type=NOT_FOUND,
            error_id=f"{REQUEST},Write-ErrorMessage",
            activity="Get-DistributionGroup",
        )

    def information(self) -> list[dict[str, Any]]:
        """One row, as Get-ConnectionInformation's."""
        return [
            {
                "ConnectionId": self.id,
                "State": "Connected",
                "TokenStatus": "Active",
                "Organization": self.organization,
                "TokenExpiryTimeUTC": "2030-01-02T03:04:05Z",
            }
        ]

    def disconnect(self) -> None:
        """Remember that it was ended."""
        self.connected = False


class FakeTenant:
    """What the gateway needs of a tenant."""

    def __init__(self) -> None:
        self.module_installed = True
        self.module_version = "3.9.2"
        self.denied: set[str] = set()
        self.logons: list[dict[str, Any]] = []
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.connections: list[FakeConnection] = []

    def connect(self, parameters: dict[str, Any]) -> FakeConnection:
        """A new connection, unless the certificate is the wrong one."""
        self.logons.append(parameters)
        if parameters.get("CertificateThumbprint") == "WRONG":
            text = "AADSTS700027: The certificate, as given, is not registered."
            raise CmdletError(
                text,
                reason="MsalServiceException",
                exception_type="Microsoft.Identity.Client.MsalServiceException",
                error_id=text,
                category="OperationStopped",
                terminating=True,
            )
        self.connections.append(FakeConnection(self, len(self.connections) + 1, parameters))
        return self.connections[-1]

    def logon_settings(self) -> dict[str, Any]:
        """Two settings."""
        return {"organization": "contoso.example", "tenant_id": "contoso id"}

    def issue_token(self, app_id: str, secret: str) -> str:
        """A token for the right secret."""
        if secret != "right":
            raise PermissionError(app_id)
        return f"token of {app_id}"


ODD = {
    "Identity": 'O\'Brien & "Sons" <x>',
    "Lines": "one\r\ntwo\tthree_x000A_ \x1b \u20ac \U0001f600",
    "Date": "2024-01-01T00:00:00Z",
    "Yes": True,
    "Number": 7,
    "Big": 2**40,
    "Nothing": None,
    "Empty": "",
    "None": [],
    "One": ["a"],
    "Table": {"Key": ["v", 1], "Inner": {"x": False}},
}


@pytest.fixture
def tenant() -> FakeTenant:
    """A tenant that remembers what it was asked."""
    return FakeTenant()


@pytest.fixture
def gateway(tenant: FakeTenant) -> Iterator[Gateway]:
    """A gateway in front of the tenant."""
    with Gateway(cast(Tenant, tenant)) as started:
        yield started


class Shell:
    """Runs command lines, each in a new PowerShell, after a connect where one is wanted."""

    def __init__(self, pwsh: str, gateway: Gateway) -> None:
        self.pwsh = pwsh
        self.gateway = gateway

    def run(self, command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a command line as it is."""
        return subprocess.run(
            [self.pwsh, "-NoLogo", "-NoProfile", "-NonInteractive", "-Command", command],
            env=os.environ | self.gateway.environment() | environment,
            capture_output=True,
            encoding="utf-8",
            timeout=120,
            check=False,
        )

    def json(self, command: str, **environment: str) -> Any:
        """What the command's objects are, after it has connected. A failure of the connect is an error here."""
        result = self.run(
            f"$ErrorActionPreference = 'Stop'; {CONNECT}; $ErrorActionPreference = 'Continue'\n"
            f"ConvertTo-Json -InputObject @(& {{ {command} }}) -Depth 6 -Compress",
            **environment,
        )
        # Before it is what the host shows: "What if: ..." and information.
        last = result.stdout.splitlines()[-1:] or [""]
        assert last[0].startswith("["), result.stdout + result.stderr
        return json.loads(last[0])


CONNECT = (
    "Connect-ExchangeOnline -Organization contoso.example -AppId a -CertificateThumbprint AB -ShowBanner:$false "
    "-CommandName Get-DistributionGroup, Add-DistributionGroupMember, Add-RecipientPermission, Set-Mailbox, "
    "Set-MailboxAutoReplyConfiguration"
)
# The fields of the error record that a script can see.
FIELDS = (
    "@{ Message = $_.Exception.Message; Type = $_.Exception.GetType().FullName; Id = $_.FullyQualifiedErrorId; "
    'Reason = $_.CategoryInfo.Reason; Activity = $_.CategoryInfo.Activity; Category = "$($_.CategoryInfo.Category)" }'
)


@pytest.fixture
def shell(pwsh_path: str, gateway: Gateway) -> Shell:
    """Runs command lines with the module on its path."""
    return Shell(pwsh_path, gateway)


def test_unknown_before_connecting(shell: Shell, tenant: FakeTenant) -> None:
    """Without a connection the cmdlets of Exchange are unknown, and the built-in ones say what is missing."""
    result = shell.run(
        "Import-Module ExchangeOnlineManagement; try { Get-DistributionGroup } catch { $_.FullyQualifiedErrorId }\n"
        "try { Get-EXOMailbox -Identity x } catch { $_.FullyQualifiedErrorId; $_.CategoryInfo.Reason }\n"
        "@(Get-ConnectionInformation).Count"
    )
    assert result.stdout.split() == [
        "CommandNotFoundException",
        "UnAuthorized,Get-EXOMailbox",
        "UnauthorizedAccessException",
        "0",
    ], result.stderr
    assert tenant.calls == []


def test_connect_imports_only_the_named(shell: Shell) -> None:
    """Functions of the names given, in one temporary module, are there after the connect, and no other."""
    rows = shell.json(
        "Get-Command -Module tmpEXO_* | ForEach-Object { $_.Name }; "
        "(Get-Command Set-Mailbox).Source -like 'tmpEXO_*'; "
        "try { Add-MailboxPermission -Identity x } catch { $_.FullyQualifiedErrorId }"
    )
    assert rows == [
        "Add-DistributionGroupMember",
        "Add-RecipientPermission",
        "Get-DistributionGroup",
        "Set-Mailbox",
        "Set-MailboxAutoReplyConfiguration",
        True,
        "CommandNotFoundException",
    ]


def test_denied_cmdlet_and_parameter(shell: Shell, tenant: FakeTenant) -> None:
    """A cmdlet that the roles do not grant is not imported, and a parameter that they do not grant does not exist."""
    tenant.denied = {"Set-Mailbox", "add-distributiongroupmember:BypassSecurityGroupManagerCheck"}
    rows = shell.json(
        "try { Set-Mailbox -Identity x } catch { $_.FullyQualifiedErrorId }; "
        "try { Add-DistributionGroupMember -Identity g -Member m -BypassSecurityGroupManagerCheck } "
        "catch { $_.FullyQualifiedErrorId }"
    )
    assert rows == ["CommandNotFoundException", "NamedParameterNotFound,Add-DistributionGroupMember"]
    assert tenant.calls == []


@pytest.mark.parametrize(
    ("command", "error_id"),
    [
        ("Set-Mailbox -Identiy x", "NamedParameterNotFound,Set-Mailbox"),
        (
            "Set-Mailbox -Identity x -HiddenFromAddressListsEnabled maybe",
            "ParameterArgumentTransformationError,Set-Mailbox",
        ),
        (
            "Set-MailboxAutoReplyConfiguration -Identity x -StartTime soon",
            "ParameterArgumentTransformationError,Set-MailboxAutoReplyConfiguration",
        ),
        ("Get-DistributionGroup x y", "PositionalParameterNotFound,Get-DistributionGroup"),
    ],
)
def test_binding_errors(shell: Shell, tenant: FakeTenant, command: str, error_id: str) -> None:
    """A misspelt parameter or a value of the wrong type fails in PowerShell, and nothing reaches the tenant."""
    assert shell.json(f"try {{ {command} }} catch {{ $_.FullyQualifiedErrorId }}") == [error_id]
    assert tenant.calls == []


def test_confirmation(shell: Shell, tenant: FakeTenant) -> None:
    """Where Exchange asks, a call without -Confirm:$false fails and is not sent; -WhatIf sends nothing either."""
    add = "Add-RecipientPermission -Identity m -AccessRights SendAs -Trustee t"
    rows = shell.json(
        f"try {{ {add}; 'done' }} catch {{ 'failed' }}; try {{ {add} -ErrorAction SilentlyContinue; 'done' }} "
        f"catch {{ 'failed' }}; $null = {add} -WhatIf; @(Get-DistributionGroup -Identity x).Count; "
        f"{add} -Confirm:$false; 'done'; Set-Mailbox -Identity x -DisplayName y"
    )
    assert rows[0:2] == ["failed", "failed"]
    assert rows[-1] == "done"
    assert [cmdlet for cmdlet, _ in tenant.calls] == [
        "Get-DistributionGroup",
        "Add-RecipientPermission",
        "Set-Mailbox",
    ]
    assert tenant.calls[1][1] == {"Identity": "m", "AccessRights": "SendAs", "Trustee": "t"}


def test_values_reach_the_tenant(shell: Shell, tenant: FakeTenant) -> None:
    """Switches, lists, tables, null, dates and odd characters arrive as what they are."""
    shell.json(
        "$odd = \"a'b`\"c`$(1)`n\" + [char] 0x20ac + '*'\n"
        "Set-Mailbox $odd -GrantSendOnBehalfTo @{ Add = 'a', $odd; Remove = 'c' } -CustomAttribute1 $null "
        "-ForwardingAddress $null -HiddenFromAddressListsEnabled $true -Force -EmailAddresses 'x', 'y' "
        "-Verbose -ErrorAction Stop -WarningVariable w -Confirm:$false\n"
        "$start = [datetime]::new(2026, 1, 2, 3, 4, 5, [DateTimeKind]::Utc)\n"
        "Set-MailboxAutoReplyConfiguration -Identity z -StartTime $start\n"
        "'piped' | Get-DistributionGroup -ResultSize Unlimited -IncludeManagedByWithDisplayNames:$false"
    )
    odd = "a'b\"c$(1)\n\u20ac*"
    assert tenant.calls[0] == (
        "Set-Mailbox",
        {
            "Identity": odd,
            "GrantSendOnBehalfTo": {"Add": ["a", odd], "Remove": "c"},
            "CustomAttribute1": "",
            "ForwardingAddress": None,
            "HiddenFromAddressListsEnabled": True,
            "Force": True,
            "EmailAddresses": ["x", "y"],
        },
    )
    assert tenant.calls[1][1] == {"Identity": "z", "StartTime": "2026-01-02T03:04:05.0000000Z"}
    assert tenant.calls[2][1] == {
        "Identity": "piped",
        "ResultSize": "Unlimited",
        "IncludeManagedByWithDisplayNames": False,
    }


def test_rows(shell: Shell) -> None:
    """A row's properties have their types and texts; as a string it is its identity."""
    rows = shell.json('$row = Get-DistributionGroup -Identity odd; $row; "$row"; $row.Table.GetType().Name')
    assert rows == [ODD, ODD["Identity"], "Hashtable"]


def test_many_rows(shell: Shell) -> None:
    """A list longer than a page arrives whole and in order, and can be left early."""
    rows = shell.json(
        "$all = @(Get-DistributionGroup -Identity many); $all.Count; $all[-1].Name; "
        "(Get-DistributionGroup -Identity many | Select-Object -First 1).Name; "
        "@(Get-DistributionGroup -Identity nothing).Count"
    )
    assert rows == [1203, "row 1202", "row 0", 0]


def test_error_record(shell: Shell) -> None:
    """An error of Exchange is a plain exception with the type in its message, the reason and the request's id."""
    (record,) = shell.json(f"try {{ Get-DistributionGroup -Identity missing -ErrorAction Stop }} catch {{ {FIELDS} }}")
    assert record == {
        "Message": f"Ex6F9304|{NOT_FOUND}|The object 'missing', it is not there.",
        "Type": "System.Exception",
        "Id": f"{REQUEST},Write-ErrorMessage",
        "Reason": "ManagementObjectNotFoundException",
        "Activity": "Get-DistributionGroup",
        "Category": "NotSpecified",
    }


def test_error_action(shell: Shell) -> None:
    """An error of Exchange does not end the script unless -ErrorAction says so; its rows come all the same."""
    rows = shell.json(
        "try { Get-DistributionGroup -Identity half -ErrorAction SilentlyContinue -ErrorVariable e | "
        "ForEach-Object { $_.Name }; @($e).Count; $global:EXO_LastExecutionStatus } catch { 'caught' }; "
        "try { $null = Get-DistributionGroup -Identity half -ErrorAction Stop; 'went on' } catch { 'caught' }"
    )
    assert rows == ["one", 1, False, "caught"]


def test_terminating_error(shell: Shell) -> None:
    """A terminating error ends the statement whatever -ErrorAction is, and keeps its own type and id."""
    (record,) = shell.json(
        "try { Get-DistributionGroup -Identity refused -ErrorAction SilentlyContinue; 'went on' } "
        f"catch {{ {FIELDS} }}"
    )
    assert record == {
        "Message": "A parameter cannot be found that matches parameter name 'X'.",
        "Type": "System.Management.Automation.ParameterBindingException",
        "Id": "NamedParameterNotFound,Get-DistributionGroup",
        "Reason": "ParameterBindingException",
        "Activity": "Get-DistributionGroup",
        "Category": "InvalidArgument",
    }


def test_warnings(shell: Shell) -> None:
    """Warnings of Exchange are warning records, and never errors."""
    rows = shell.json(
        "Get-DistributionGroup -Identity warn -WarningVariable w -WarningAction SilentlyContinue -ErrorAction Stop; "
        "$w | ForEach-Object { $_.Message }; @(Get-DistributionGroup -Identity warn 3>&1).Count"
    )
    assert rows == ["first warning", "second <warning>", 2]


def test_refused_logon(shell: Shell) -> None:
    """A refused log-on is thrown with its own text as the error's id, and leaves no connection."""
    result = shell.run(
        "try { Connect-ExchangeOnline -CertificateThumbprint WRONG -ShowBanner:$false -ErrorAction Stop } "
        'catch { $_.FullyQualifiedErrorId; $_.CategoryInfo.Reason; "$($_.CategoryInfo.Category)" }\n'
        "@(Get-ConnectionInformation).Count; $global:EXO_LastExecutionStatus"
    )
    assert result.stdout.splitlines() == [
        "AADSTS700027: The certificate, as given, is not registered.",
        "MsalServiceException",
        "OperationStopped",
        "0",
        "False",
    ], result.stderr


def test_disconnect(shell: Shell, tenant: FakeTenant) -> None:
    """A disconnect needs its -Confirm:$false, takes the functions away, and ends the tenant's connection."""
    rows = shell.json(
        "try { Disconnect-ExchangeOnline } catch { 'asked' }; @(Get-ConnectionInformation).Count; "
        "Disconnect-ExchangeOnline -Confirm:$false; @(Get-ConnectionInformation).Count; "
        "@(Get-Module tmpEXO_*).Count; try { Set-Mailbox -Identity x } catch { $_.FullyQualifiedErrorId }; "
        "Disconnect-ExchangeOnline -Confirm:$false; 'quiet'"
    )
    assert rows == ["asked", 1, 0, 0, "CommandNotFoundException", "quiet"]
    assert not tenant.connections[0].connected


def test_connection_information(shell: Shell) -> None:
    """What the tenant says of the connection, and what only this process knows."""
    (row,) = shell.json("Get-ConnectionInformation")
    assert row.pop("ModuleName").startswith("tmpEXO_")
    assert row == {
        "ConnectionId": "00000000-0000-0000-0000-000000000001",
        "State": "Connected",
        "TokenStatus": "Active",
        "Organization": "contoso.example",
        "TokenExpiryTimeUTC": "2030-01-02T03:04:05Z",
        "ModulePrefix": "",
        "ConnectionUsedForInbuiltCmdlets": True,
    }


def test_two_connections(shell: Shell, tenant: FakeTenant) -> None:
    """A second connection with a prefix has functions of its own and can be ended alone."""
    rows = shell.json(
        f"{CONNECT} -Prefix Second; Get-SecondDistributionGroup -Identity s; Get-DistributionGroup -Identity f; "
        "Disconnect-ExchangeOnline -ModulePrefix Second -Confirm:$false; "
        "try { Get-SecondDistributionGroup } catch [Management.Automation.CommandNotFoundException] { 'gone' }; "
        "Get-DistributionGroup -Identity f; "
        "(Get-ConnectionInformation).ConnectionUsedForInbuiltCmdlets"
    )
    assert rows == ["gone", True]
    assert [connection.connected for connection in tenant.connections] == [True, False]


def test_secrets_at_logon(shell: Shell, tenant: FakeTenant) -> None:
    """Tokens and passwords in secure strings reach the tenant as text, for it to check."""
    result = shell.run(
        "$token = ConvertTo-SecureString 'tok' -AsPlainText -Force\n"
        "$pass = ConvertTo-SecureString 'p w' -AsPlainText -Force\n"
        "Connect-ExchangeOnline -AccessToken ([Net.NetworkCredential]::new('', $token).Password) -ShowBanner:$false\n"
        "Connect-ExchangeOnline -Credential ([pscredential]::new('u@contoso.example', $pass)) -ShowBanner:$false\n"
        "Connect-ExchangeOnline -CertificateFilePath x.pfx -CertificatePassword $pass -ShowBanner:$false\n"
        "@(Get-ConnectionInformation).Count"
    )
    assert result.stdout.strip() == "3", result.stderr
    assert [{k: v for k, v in logon.items() if k != "ShowBanner"} for logon in tenant.logons] == [
        {"AccessToken": "tok"},
        {"Credential": {"UserName": "u@contoso.example", "Password": "p w"}},
        {"CertificateFilePath": "x.pfx", "CertificatePassword": "p w"},
    ]


def test_module_version_decides_the_parameters(shell: Shell, tenant: FakeTenant) -> None:
    """The module's version is the tenant's, and -Credential is there only in the versions that have it."""
    command = (
        "$c = (Get-Command Connect-ExchangeOnline).Parameters; $c.ContainsKey('Credential'); "
        "$c.ContainsKey('DisableWAM'); \"$((Get-Module ExchangeOnlineManagement).Version)\""
    )
    seen = []
    for version, denied in (
        ("3.9.2", set()),
        ("3.11.0", set()),
        ("3.7.1", {"Connect-ExchangeOnline:Credential"}),
    ):
        tenant.module_version, tenant.denied = version, denied
        seen.append(shell.run(f"Import-Module ExchangeOnlineManagement; {command}").stdout.split())
    assert seen == [["True", "True", "3.9.2"], ["False", "True", "3.11.0"], ["False", "False", "3.7.1"]]


def test_module_absent(shell: Shell, tenant: FakeTenant) -> None:
    """Where the tenant has no module, importing it says that there is none."""
    tenant.module_installed = False
    result = shell.run(
        "try { Import-Module ExchangeOnlineManagement -ErrorAction Stop } catch { $_.FullyQualifiedErrorId }"
    )
    assert result.stdout.startswith("Modules_ModuleNotFound"), result.stderr


def test_a_module_of_the_user_does_not_come_first(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A module of this name among the user's own modules is not taken instead."""
    if os.name == "nt":
        pytest.skip("the folder of the user's modules cannot be moved by a variable there")
    own = tmp_path / "powershell" / "Modules" / "ExchangeOnlineManagement"
    own.mkdir(parents=True)
    (own / "ExchangeOnlineManagement.psm1").write_text("function Connect-ExchangeOnline { 'real' }")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    result = shell.run("Import-Module ExchangeOnlineManagement; (Get-Module ExchangeOnlineManagement).Path")
    assert result.stdout.strip()
    assert not result.stdout.startswith(str(tmp_path))


def test_tenant_gone(shell: Shell, gateway: Gateway) -> None:
    """A call that cannot reach the tenant is a terminating error."""
    dead = {URL_VARIABLE: "http://127.0.0.1:9/powershell/"}
    result = shell.run(f"try {{ {CONNECT}; 'connected' }} catch {{ 'failed' }}", **dead)
    assert result.stdout.strip() == "failed", result.stderr
    result = shell.run(f"try {{ {CONNECT}; 'connected' }} catch {{ \"$_\" }}", **{TOKEN_VARIABLE: "guess"})
    assert result.stdout.strip() == "The simulated tenant answers 401."


# -- without a PowerShell --


def post(url: str, body: bytes, headers: dict[str, str] | None = None) -> tuple[int, bytes]:
    """Status and body that a POST is answered with."""
    request = urllib.request.Request(url, data=body, headers=headers or {})  # noqa: S310 - loopback
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=30) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def test_token_endpoint(gateway: Gateway) -> None:
    """The token endpoint gives a token for the right secret, and Entra ID's refusal for another."""
    form = "grant_type=client_credentials&client_id=app&scope=https%3A%2F%2Foutlook.office365.com%2F.default"
    status, body = post(gateway.token_url, f"{form}&client_secret=right".encode())
    assert (status, json.loads(body)["access_token"]) == (200, "token of app")
    status, body = post(gateway.token_url, f"{form}&client_secret=wrong".encode())
    assert (status, json.loads(body)["error"]) == (401, "invalid_client")
    assert "AADSTS7000215" in json.loads(body)["error_description"]
    status, body = post(gateway.token_url, form.encode())
    assert (status, json.loads(body)["error"]) == (400, "invalid_request")
    assert gateway.token_url.startswith(f"{gateway.authority}/contoso%20id/")


def test_gateway_refuses(gateway: Gateway, tenant: FakeTenant) -> None:
    """Nothing is done for a caller without the token, at a wrong path, or with what is not JSON."""
    variables = gateway.environment()
    url, token = variables[URL_VARIABLE], {"X-Simulator-Token": variables[TOKEN_VARIABLE]}
    assert post(f"{url}connect", b"{}")[0] == 401
    assert post(f"{url}connect", b"{}", {"X-Simulator-Token": "guess"})[0] == 401
    assert post(f"{url}other", b"{}", token)[0] == 404
    assert post(f"{gateway.authority}/connect", b"{}", token)[0] == 404
    assert post(f"{url}connect", b"[]", token)[0] == 400
    assert post(f"{url}connect", b"{", token)[0] == 400
    assert tenant.logons == []


def test_lost_connection(gateway: Gateway) -> None:
    """A call with the id of a connection that has ended is told so."""
    variables = gateway.environment()
    body = json.dumps({"connection": "gone", "cmdlet": "Get-User", "parameters": {}}).encode()
    status, answer = post(f"{variables[URL_VARIABLE]}invoke", body, {"X-Simulator-Token": variables[TOKEN_VARIABLE]})
    assert status == 200
    assert b"Please re-establish the connection" in answer


def test_the_module_may_run_where_no_script_may(gateway: Gateway) -> None:
    """PowerShell on a Windows client runs no module that is a file unless its process is told to."""
    assert gateway.environment()["PSExecutionPolicyPreference"] == "Bypass"


def test_the_modules_of_a_user_whose_documents_were_moved(
    gateway: Gateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On Windows they are below the documents, wherever OneDrive has put these."""
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(platformdirs, "user_documents_path", lambda: tmp_path)
    folders = gateway.environment()["PSModulePath"].split(os.pathsep)
    assert folders[1] == str(tmp_path / "PowerShell" / "Modules")


def test_stop_leaves_nothing(tenant: FakeTenant) -> None:
    """After the stop the connections are closed and no thread and no file is left, also with a client connected."""
    before = set(threading.enumerate())
    gateway = Gateway(cast(Tenant, tenant))
    gateway.start()
    variables = gateway.environment()
    folder = Path(variables["PSModulePath"].split(os.pathsep)[0])
    assert (folder / "ExchangeOnlineManagement" / "ExchangeOnlineManagement.psd1").is_file()
    post(
        f"{variables[URL_VARIABLE]}connect",
        b'{"parameters": {}}',
        {"X-Simulator-Token": variables[TOKEN_VARIABLE]},
    )
    gateway.stop()
    gateway.stop()
    assert not tenant.connections[0].connected
    assert set(threading.enumerate()) == before
    assert not folder.exists()


def test_credential_by_version() -> None:
    """-Credential goes with the first version after 3.10.1; a label does not count."""
    assert [has_credential(v) for v in ("3.0.0", "3.10.1", "3.10.1-Preview1", "3.10.2", "4.0.0")] == [
        True,
        True,
        True,
        False,
        False,
    ]


def test_command_module_text() -> None:
    """The functions are those that are asked for, known, and not in the module itself."""
    module = command_module(["set-mailbox", "Get-EXOMailbox", "Connect-ExchangeOnline", "Get-Nothing"], (), "My")
    assert module.functions == ("Set-MyMailbox",)
    assert "function Set-MyMailbox {" in module.text
    assert "Get-EXOMailbox" not in module.text


def test_table_of_cmdlets() -> None:
    """Every function has the parameters of the table, and only changing ones ask."""
    table = functions.cmdlets()
    assert len(table) > 40
    text = functions.imported_functions(["Remove-MailboxPermission"])
    assert "ConfirmImpact = 'High'" in text
    assert "$Confirm" not in text
    assert "[bool] $AutoMapping" in functions.imported_functions(["Add-MailboxPermission"])
