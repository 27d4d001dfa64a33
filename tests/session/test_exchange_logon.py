"""Log-on to Exchange Online: each kind connects, and is refused with what to do about it."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from bridge import errors
from bridge.scripts import ScriptFolder
from bridge.session import BridgeState, Session
from bridge.settings import load_settings
from bridge.simulator.tenant import Tenant
from bridge.simulator.tenant.state import Certificate
from tests.agent import Agent, running_agent
from tests.pfx import Pfx

PASSWORD = "pfx-password-\u00e9"
FILE = r"C:\certificates\exo.pfx"
OTHER_THUMBPRINT = "8ACE13579BDF02468ACE13573F1C0A9E5B7D2468"
IDENTITY = "22222222-2222-2222-2222-222222222222"
KINDS = (
    "certificate",
    "certificate-file",
    "certificate-pfx",
    "app-secret",
    "token-from-agent",
    "managed-identity",
    "user-assigned-identity",
    "password",
)


@pytest.fixture(scope="module")
def pfx() -> Pfx:
    """A certificate that the application has."""
    return Pfx()


@pytest.fixture(scope="module", params=["contract", pytest.param("pwsh", marks=pytest.mark.pwsh)])
def shared(request: pytest.FixtureRequest) -> Iterator[Agent]:
    """One agent on each engine for all tests here."""
    pwsh = request.getfixturevalue("pwsh_path") if request.param == "pwsh" else None
    with running_agent(request.param, pwsh=pwsh) as running:
        yield running


@pytest.fixture
def agent(shared: Agent, pfx: Pfx) -> Agent:
    """The agent as it is at the start, with every kind of log-on."""
    tenant = shared.simulator.tenant
    tenant.restore(Tenant.demo().snapshot())
    tenant.logon = replace(
        tenant.logon,
        certificates=(
            Certificate(thumbprint=OTHER_THUMBPRINT, file=FILE, password=PASSWORD),
            Certificate(thumbprint=pfx.thumbprint),
        ),
        managed_identity=True,
        managed_identity_id=IDENTITY,
    )
    shared.records.clear()
    return shared


def exchange(agent: Agent, kind: str, pfx: Pfx) -> dict[str, Any]:
    """The keys of [exchange] for a kind of log-on."""
    logon = agent.simulator.tenant.logon
    general = {"organization": "contoso.onmicrosoft.com", "app_id": logon.app_id}
    content = base64.encodebytes(pfx.content(PASSWORD)).decode()
    secret = agent.simulator.settings()["exchange"]
    return {
        "certificate": general | {"certificate_thumbprint": logon.certificate_thumbprint},
        "certificate-file": general | {"certificate_agent_file": FILE.upper(), "certificate_password": PASSWORD},
        "certificate-pfx": general | {"certificate_pfx": content, "certificate_password": PASSWORD},
        "app-secret": secret,
        "token-from-agent": secret | {"token_from": "agent"},
        "managed-identity": {"organization": general["organization"], "managed_identity": True},
        "user-assigned-identity": {
            "organization": general["organization"],
            "managed_identity": True,
            "managed_identity_id": IDENTITY,
        },
        "password": {"user": logon.user, "password": logon.password},
    }[kind]


def session(agent: Agent, keys: dict[str, Any]) -> Session:
    """A session that logs on with these keys of [exchange] and ends its runspace."""
    values = agent.simulator.settings() | {"exchange": keys}
    values["agent"]["on_exit"] = "close"
    return Session(load_settings(overrides=values, environ={}).settings, ScriptFolder())


def opened(agent: Agent, keys: dict[str, Any]) -> BridgeState:
    """The state of such a session."""
    with session(agent, keys) as opening:
        return opening.open()


def refused(agent: Agent, keys: dict[str, Any], error: type[errors.ExchangeError]) -> errors.ExchangeError:
    """The error of a session that does not open; no shell is left and no secret told."""
    with session(agent, keys) as opening, pytest.raises(error) as raised:
        opening.open()
    assert type(raised.value) is error
    assert agent.simulator.shells() == []
    secrets = [str(keys[key]) for key in ("certificate_password", "client_secret", "password") if key in keys]
    assert not [secret for secret in secrets if secret in f"{raised.value} {raised.value.remedy}"]
    return raised.value


@pytest.mark.parametrize("delegated", ["", "contoso.example"])
@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_connects(agent: Agent, pfx: Pfx, kind: str, delegated: str) -> None:
    """Also for a partner, whose customer's organization is the one that is connected."""
    keys = exchange(agent, kind, pfx)
    if delegated:
        keys |= {"delegated_organization": delegated, "organization": "partner.onmicrosoft.com"}
        keys.pop("tenant_id", None)
    state = opened(agent, keys)
    assert state.organization == (delegated or "contoso.onmicrosoft.com")
    assert state.connection == "new"
    assert state.missing_commands == ()
    assert agent.logons() == 1


@pytest.mark.parametrize("kind", KINDS)
def test_a_connection_that_fits_is_used_again(agent: Agent, pfx: Pfx, kind: str) -> None:
    """Whoever takes the runspace over with the same settings connects nothing and sends no secret."""
    keys = exchange(agent, kind, pfx)
    values = agent.simulator.settings() | {"exchange": keys}
    with Session(load_settings(overrides=values, environ={}).settings, ScriptFolder()) as first:
        first.open()
    with session(agent, keys) as second:
        state = second.open()
    assert (state.runspace, state.connection) == ("taken over", "existing")
    assert agent.logons() == 1


def test_a_pfx_file_is_read_here(agent: Agent, pfx: Pfx, tmp_path: Path) -> None:
    """Its path in place of its content; a file without a password too."""
    file = tmp_path / "exo.pfx"
    file.write_bytes(pfx.content(""))
    keys = exchange(agent, "certificate", pfx)
    del keys["certificate_thumbprint"]
    assert opened(agent, keys | {"certificate_pfx_file": file}).logon == "certificate"
    file.write_bytes(b"x" * 50_000)
    error = refused(agent, keys | {"certificate_pfx_file": file}, errors.ExchangeLogonRefused)
    assert "too large" in str(error)


# Kind of log-on, what the tenant has otherwise, what is said, what is to be done.
LOGON_REFUSALS: list[tuple[str, dict[str, Any], str, str]] = [
    ("certificate", {"app_id": IDENTITY}, "AADSTS700016", "app_id"),
    ("certificate", {"certificate_thumbprint": ""}, "AADSTS700027", "upload"),
    ("certificate", {"permission": ""}, "UnAuthorized", "Exchange.ManageAsApp "),
    ("certificate", {"permission": "Exchange.ManageAsAppV2"}, "Module could not", "ManageAsAppV2 is not enough"),
    ("certificate", {"directory_role": False}, "isn't supported", "Exchange Recipient Administrator"),
    ("app-secret", {"permission": ""}, "UnAuthorized", "Exchange.ManageAsApp "),
    ("token-from-agent", {"permission": ""}, "UnAuthorized", "Exchange.ManageAsApp "),
    ("token-from-agent", {"client_secret": "another"}, "AADSTS7000215", "client_secret"),
    ("token-from-agent", {"app_id": IDENTITY}, "AADSTS700016", "app_id"),
    ("managed-identity", {"permission": ""}, "UnAuthorized", "Exchange.ManageAsApp "),
    ("managed-identity", {"managed_identity": False}, "169.254.169.254", "in Azure"),
    ("user-assigned-identity", {"managed_identity_id": ""}, "169.254.169.254", "managed_identity_id"),
    ("password", {"password": "another"}, "AADSTS50126", "user or password"),
]


@pytest.mark.parametrize(("kind", "change", "said", "remedy"), LOGON_REFUSALS)
def test_a_log_on_that_the_organization_refuses(
    agent: Agent, pfx: Pfx, kind: str, change: dict[str, Any], said: str, remedy: str
) -> None:
    """It is told as Exchange tells it, and what to do comes from the type or Entra ID's number."""
    keys = exchange(agent, kind, pfx)
    agent.simulator.tenant.logon = replace(agent.simulator.tenant.logon, **change)
    error = refused(agent, keys, errors.ExchangeLogonRefused)
    assert said in str(error)
    assert remedy in error.remedy


@pytest.mark.parametrize("place", ["store", "file"])
@pytest.mark.parametrize(
    ("wrong", "said", "remedy"),
    [
        ({"provider": "CNG"}, "for signing", "CNG"),
        ({"readable": False}, "Keyset does not exist", "account"),
        ({"expired": True}, "expired", "has ended"),
        ({"registered": False}, "AADSTS700027", "upload"),
    ],
)
def test_a_certificate_that_is_no_good(
    agent: Agent, pfx: Pfx, place: str, wrong: dict[str, Any], said: str, remedy: str
) -> None:
    """A CNG key, a key that the account may not read, one that has ended, one that the application does not have."""
    certificate = Certificate(thumbprint=OTHER_THUMBPRINT, file=FILE, password=PASSWORD)
    keys = exchange(agent, "certificate-file", pfx)
    if place == "store":
        certificate = Certificate(thumbprint=OTHER_THUMBPRINT)
        keys = exchange(agent, "certificate", pfx) | {"certificate_thumbprint": OTHER_THUMBPRINT}
    tenant = agent.simulator.tenant
    tenant.logon = replace(tenant.logon, certificates=(replace(certificate, **wrong),))
    error = refused(agent, keys, errors.ExchangeLogonRefused)
    assert said in str(error)
    assert remedy in error.remedy


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"certificate_agent_file": r"C:\none.pfx"}, "cannot find the file"),
        ({"certificate_password": "not-it"}, "password is not correct"),
    ],
)
def test_a_file_on_the_agent_that_cannot_be_opened(agent: Agent, pfx: Pfx, change: dict[str, str], said: str) -> None:
    """It is not there, or its password is another; both keys are named, because the type is the same."""
    error = refused(agent, exchange(agent, "certificate-file", pfx) | change, errors.ExchangeLogonRefused)
    assert said in str(error)
    assert "certificate_password" in error.remedy
    assert "certificate_agent_file" in error.remedy


def test_a_pfx_that_cannot_be_used(agent: Agent, pfx: Pfx) -> None:
    """A wrong password, no PFX at all, no private key, one that has ended: told on the agent, before the log-on."""
    keys = exchange(agent, "certificate-pfx", pfx)
    ended, bare = Pfx(ended=True), Pfx(with_key=False)

    def refused_with(**change: str) -> errors.ExchangeError:
        return refused(agent, keys | change, errors.ExchangeLogonRefused)

    assert "certificate_password" in refused_with(certificate_password="not-it").remedy
    nothing = base64.b64encode(b"no PFX").decode()
    assert "cannot be opened" in str(refused_with(certificate_pfx=nothing))
    content = base64.b64encode(bare.content(PASSWORD)).decode()
    assert "has no private key" in str(refused_with(certificate_pfx=content))
    content = base64.b64encode(ended.content(PASSWORD)).decode()
    error = refused_with(certificate_pfx=content)
    assert f"The certificate {ended.thumbprint} ended at" in str(error)
    assert "new certificate" in error.remedy
    assert agent.logons() == 0


def test_a_pfx_that_the_application_does_not_have(agent: Agent) -> None:
    """Its thumbprint is not registered; Entra ID says so, and it is used for one log-on only."""
    stranger = Pfx()
    error = refused(agent, exchange(agent, "certificate-pfx", stranger), errors.ExchangeLogonRefused)
    assert "AADSTS700027" in str(error)
    assert agent.logons() == 1


@pytest.mark.parametrize("kind", ["certificate", "certificate-file", "certificate-pfx", "managed-identity"])
def test_an_organization_that_there_is_not(agent: Agent, pfx: Pfx, kind: str) -> None:
    """Named directly or as a partner's customer, it is refused."""
    for key in ("organization", "delegated_organization"):
        keys = exchange(agent, kind, pfx) | {key: "fabrikam.onmicrosoft.com"}
        error = refused(agent, keys, errors.ExchangeLogonRefused)
        assert "AADSTS90002" in str(error)
        assert "delegated_organization" in error.remedy


def test_a_user_of_another_organization_is_disconnected(agent: Agent, pfx: Pfx) -> None:
    """The log-on works, and leads elsewhere than to the organization in the settings."""
    keys = exchange(agent, "password", pfx) | {"organization": "fabrikam.onmicrosoft.com"}
    error = refused(agent, keys, errors.WrongOrganization)
    assert "Connected to 'contoso.onmicrosoft.com'; 'fabrikam.onmicrosoft.com' was asked for" in str(error)
    assert [record.cmdlet for record in agent.records] == ["Connect-ExchangeOnline", "Disconnect-ExchangeOnline"]


def test_a_module_that_does_not_know_the_kind_of_log_on(agent: Agent, pfx: Pfx) -> None:
    """An old one has no access token, a new one no user and password: each is told as that."""
    agent.simulator.tenant.denied = {"Connect-ExchangeOnline:AccessToken", "Connect-ExchangeOnline:Credential"}
    error = refused(agent, exchange(agent, "app-secret", pfx), errors.ExchangeError)
    assert "Update-Module" in error.remedy
    refused(agent, exchange(agent, "password", pfx), errors.LogonKindGone)


@pytest.mark.parametrize("kind", ["app-secret", "token-from-agent"])
def test_a_token_is_renewed_before_it_ends(agent: Agent, pfx: Pfx, kind: str) -> None:
    """Within five minutes of its end the next call logs on anew first, wherever the token comes from."""
    agent.simulator.tenant.token_seconds = 299
    with session(agent, exchange(agent, kind, pfx)) as opening:
        first = opening.open()
        agent.simulator.tenant.token_seconds = 3600
        reply = opening.run("session/Get-BridgeState.ps1", {}, lambda _record: None)
    assert reply.output[0]["token_expires"] > first.token_expires
    assert agent.logons() == 2


@pytest.mark.parametrize(
    "authority", ["http://login.example", "http://127.0.0.1.example", "ftp://localhost", "x", "https:///x"]
)
def test_the_agent_sends_the_secret_to_no_address_in_clear(agent: Agent, pfx: Pfx, authority: str) -> None:
    """Whoever may call the script can name any authority; one without TLS is refused, unless it is the agent itself."""
    given = {"authority": authority, "tenant": "t", "app_id": "a", "client_secret": SecretStr("canary-secret")}
    with session(agent, exchange(agent, "app-secret", pfx)) as opening:
        opening.open()
        reply = opening.run("session/Get-BridgeToken.ps1", given, lambda _record: None)
    (error,) = reply.errors
    assert error.error_id.startswith("Bridge.AuthorityInClear")
    assert authority in error.message
    assert "https" in error.message
    assert "canary" not in error.message


def test_an_agent_that_does_not_reach_entra_id(agent: Agent, pfx: Pfx) -> None:
    """Nobody listens there: it is the agent's way that is to be looked at, and trying again may help."""
    keys = exchange(agent, "token-from-agent", pfx) | {"authority": "http://127.0.0.1:9"}
    error = refused(agent, keys, errors.EntraUnreachable)
    assert error.retry
    assert "token_from" in error.remedy
