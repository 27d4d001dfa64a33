"""Log-on to the agent and trust in its certificate: what opens a session, and what is said when it does not."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import pytest
import requests
import trustme
from cryptography.hazmat.primitives import serialization
from spnego.exceptions import NoCredentialError

from bridge import errors
from bridge.actions import ACTIONS
from bridge.runner import run_call
from bridge.session.tls import look
from bridge.session.wsman import ObservedWSMan, agent_error
from bridge.settings import AgentSettings
from bridge.simulator.front.service import Endpoint
from tests.agent import Agent, running_agent


def opens(agent: Agent, **change: Any) -> None:
    """A session with these keys of [agent] opens and closes."""
    with agent.session(on_exit="close", **change) as session:
        assert session.open().organization


def refused(agent: Agent, error: type[errors.AgentError], **change: Any) -> errors.AgentError:
    """The error of a session that does not open; nothing was sent, and no shell is there."""
    with agent.session(**change) as session, pytest.raises(error) as raised:
        session.open()
    assert type(raised.value) is error
    assert not raised.value.maybe_sent
    assert agent.simulator.options.password not in f"{raised.value} {raised.value.remedy}"
    assert agent.simulator.shells() == []
    return raised.value


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize("encryption", ["auto", "always"])
@pytest.mark.parametrize("auth", ["ntlm", "negotiate"])
def test_ntlm_and_negotiate(auth: str, encryption: str, tls: bool) -> None:
    """Both work with encrypted messages, over HTTP to an agent that demands them, and within TLS."""
    with running_agent("contract", auth="ntlm", tls=tls, must_encrypt=True) as agent:
        opens(agent, auth=auth, encryption=encryption)


def test_basic_over_tls() -> None:
    """It has no encryption of its own, and needs none there."""
    with running_agent("contract", tls=True) as agent:
        opens(agent, auth="basic")


def test_messages_in_the_clear_are_refused_by_an_agent_that_encrypts() -> None:
    """On this machine itself they may be asked for; an agent that does not want them answers 500."""
    with running_agent("contract", auth="ntlm", must_encrypt=True) as agent:
        refused(agent, errors.ProtocolError, auth="ntlm", encryption="never")


@pytest.mark.parametrize("auth", ["ntlm", "basic"])
def test_a_wrong_password_and_a_locked_account_look_alike(auth: str) -> None:
    """The agent tells nobody which it is, so both are named."""
    accounts = {"somebody": "else"}
    with running_agent("contract", auth=auth, accounts=accounts, locked=("somebody",)) as agent:
        wrong = refused(agent, errors.AgentLogonRefused, password="not-it")
        locked = refused(agent, errors.AgentLogonRefused, user="somebody", password="else")
    assert "refused the log-on of 'somebody'" in str(locked)
    assert wrong.remedy == locked.remedy
    assert "locked" in locked.remedy


def test_a_kind_of_log_on_that_the_agent_does_not_take() -> None:
    """What it offers instead is told."""
    with running_agent("contract") as agent:
        error = refused(agent, errors.AgentLogonRefused, auth="ntlm")
    assert "does not take log-on by ntlm; it offers Basic" in str(error)


def test_an_account_that_may_log_on_and_not_open_shells() -> None:
    """The group that it is not in is named, and the log-on is not blamed."""
    with running_agent("contract", auth="ntlm", endpoint=Endpoint(without_shells=("operator",))) as agent:
        error = refused(agent, errors.AgentAccessDenied)
    assert "Remote Management Users" in error.remedy


def test_an_endpoint_that_there_is_not_and_a_quota() -> None:
    """Also with encrypted messages each is its own error."""
    with running_agent("contract", auth="ntlm", endpoint=Endpoint(max_shells=0)) as agent:
        refused(agent, errors.EndpointUnknown, configuration_name="Nothing")
        refused(agent, errors.ShellQuota)


def test_a_log_on_is_bound_to_its_tls_connection() -> None:
    """An agent that demands the binding takes ours, and refuses a log-on that was told to do without."""
    with running_agent("contract", auth="ntlm", tls=True, must_bind=True) as agent:
        opens(agent)
        refused(agent, errors.AgentLogonRefused, channel_binding=False)


@pytest.mark.parametrize(
    ("kind", "said", "remedy"),
    [
        ("right", "is from a CA 'OU=Testing CA", "ca_file"),
        ("self-signed", "is self-signed", "ca_file"),
        ("wrong-name", "is from a CA", "ca_file"),
        ("expired", "is from a CA", "ca_file"),
    ],
)
def test_a_certificate_that_nothing_speaks_for(kind: str, said: str, remedy: str) -> None:
    """Without its CA no certificate is trusted; the remedy names the fingerprint that would pin it, and that works."""
    with running_agent("contract", tls=True, certificate=kind) as agent:
        error = refused(agent, errors.AgentTlsError, ca_file=None)
        seen = look(agent.settings().agent)
        assert seen
        opens(agent, ca_file=None, fingerprint=seen.fingerprint)
    assert said in str(error)
    assert remedy in error.remedy
    assert seen.fingerprint in error.remedy


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("expired", "has ended on "),
        ("wrong-name", "is not for 127.0.0.1: it has other.contoso.example."),
    ],
)
def test_a_certificate_of_the_right_ca_that_does_not_fit(kind: str, said: str) -> None:
    """The CA is trusted, and the certificate is refused for what it says itself."""
    with running_agent("contract", tls=True, certificate=kind) as agent:
        assert said in str(refused(agent, errors.AgentTlsError))


def test_a_self_signed_certificate_can_be_its_own_ca_file() -> None:
    """As New-SelfSignedCertificate makes it, exported as PEM."""
    with running_agent("contract", tls=True, certificate="self-signed") as agent:
        opens(agent)


def test_another_certificate_than_the_pinned_one() -> None:
    """Both fingerprints are shown; a CA that is trusted makes no difference."""
    with running_agent("contract", tls=True) as agent:
        seen = look(agent.settings().agent)
        assert seen
        error = refused(agent, errors.AgentTlsError, ca_file=None, fingerprint="AB:" * 31 + "AB")
    assert seen.fingerprint in str(error)
    assert "ab" * 32 in str(error)
    assert seen.fingerprint in error.remedy


def test_a_pin_binds_the_log_on_too() -> None:
    """Message encryption, channel binding and a pinned certificate go together."""
    with running_agent("contract", auth="ntlm", tls=True, must_bind=True, certificate="self-signed") as agent:
        seen = look(agent.settings().agent)
        assert seen
        opens(agent, ca_file=None, fingerprint=seen.fingerprint, encryption="always")


def test_the_store_of_the_system_is_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A company's CA that the machine trusts needs no ca_file. OpenSSL reads this variable on every system."""
    with running_agent("contract", tls=True) as agent:
        monkeypatch.setenv("SSL_CERT_FILE", str(agent.simulator.settings()["agent"]["ca_file"]))
        opens(agent, ca_file=None)


def test_what_is_no_tls_is_told() -> None:
    """The plain port of an agent does not look like a certificate that is wrong."""
    with running_agent("contract") as agent:
        error = refused(agent, errors.AgentTlsError, tls=True)
    assert "does not speak TLS" in str(error)
    assert "tls to false" in error.remedy


def test_a_ca_file_that_holds_no_certificate(tmp_path: Path) -> None:
    """It was exported as DER, perhaps."""
    file = tmp_path / "ca.cer"
    file.write_bytes(b"\x30\x82\x01\x00")
    with running_agent("contract", tls=True) as agent:
        error = refused(agent, errors.AgentTlsError, ca_file=str(file))
    assert str(file) in str(error)
    assert "PEM" in error.remedy


@pytest.fixture(scope="module")
def client_ca() -> trustme.CA:
    """A CA that no agent knows."""
    return trustme.CA()


def write_client(folder: Path, certificate: trustme.LeafCert, key: bytes | None = None) -> dict[str, str]:
    """The settings for a client certificate; ``key`` is another key than its own."""
    pem, key_file = folder / "client.pem", folder / "client.key"
    pem.write_bytes(certificate.cert_chain_pems[0].bytes())
    key_file.write_bytes(key or certificate.private_key_pem.bytes())
    return {"certificate_file": str(pem), "certificate_key_file": str(key_file)}


def test_a_client_certificate_logs_on() -> None:
    """No user and no password are needed; the shell belongs to the account that the certificate means."""
    with running_agent("contract", auth="certificate", tls=True) as agent:
        with agent.session(user="") as session:
            session.open()
        (shell,) = agent.simulator.shells()
        assert shell.owner == "operator"
        with agent.session(user="", on_exit="close") as session:
            assert session.open().runspace == "taken over"


def test_client_certificates_that_are_refused(client_ca: trustme.CA, tmp_path: Path) -> None:
    """Of a CA that the agent does not trust, of nobody, of somebody locked, and none at all: each is told."""
    accounts = {"somebody": "else"}
    with running_agent("contract", auth="certificate", tls=True, accounts=accounts, locked=("somebody",)) as agent:
        other = write_client(tmp_path, client_ca.issue_cert(common_name="operator"))
        error = refused(agent, errors.AgentTlsError, **other)
        assert f"refused the client certificate {other['certificate_file']} (tlsv1 alert unknown ca)" in str(error)
        for account in ("nobody", "somebody"):
            own = agent.simulator.client_certificate(account)
            error = refused(agent, errors.AgentLogonRefused, **own)
            assert own["certificate_file"] in str(error)
            assert "ClientCertificate" in error.remedy
        error = refused(agent, errors.AgentLogonRefused, auth="basic", password="none")
        assert "refused the log-on" in str(error)


def test_a_client_certificate_that_cannot_be_used(client_ca: trustme.CA, tmp_path: Path) -> None:
    """The key of another certificate, and a key behind a password: seen here, before anything is sent."""
    certificate = client_ca.issue_cert(common_name="operator")
    private = serialization.load_pem_private_key(certificate.private_key_pem.bytes(), None)
    encrypted = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"x")
    )
    with running_agent("contract", auth="certificate", tls=True) as agent:
        another = client_ca.issue_cert(common_name="x").private_key_pem.bytes()
        error = refused(agent, errors.AgentTlsError, **write_client(tmp_path, certificate, another))
        assert "are not a certificate and its key" in str(error)
        error = refused(agent, errors.AgentTlsError, **write_client(tmp_path, certificate, encrypted))
        assert "is encrypted by a password" in str(error)
        assert "openssl pkey" in error.remedy


@pytest.mark.parametrize("auth", ["kerberos", "credssp"])
def test_without_its_library_a_log_on_says_what_to_install(auth: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The extra is named, and for Kerberos the packages that the system must have."""

    def without(*_: Any, **__: Any) -> None:
        raise ImportError("No module named 'the library'")

    monkeypatch.setattr("pypsrp.negotiate.spnego.client", without)
    monkeypatch.setattr("pypsrp.wsman.HttpCredSSPAuth", without)
    with running_agent("contract", auth="ntlm") as agent:
        error = refused(agent, errors.AgentLogonRefused, auth=auth)
    assert f"pip install '.[{auth}]'" in error.remedy
    assert ("libkrb5-dev" in error.remedy) == (auth == "kerberos")


def test_a_log_on_by_kerberos_that_has_no_ticket(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the Kerberos library says is passed on, with what to try."""

    def without_ticket(*_: Any, **__: Any) -> None:
        raise NoCredentialError(context_msg="No Kerberos credentials available")

    monkeypatch.setattr("pypsrp.negotiate.spnego.client", without_ticket)
    with running_agent("contract", auth="ntlm") as agent:
        error = refused(agent, errors.AgentLogonRefused, auth="kerberos")
    assert "No Kerberos credentials available" in str(error)
    assert "kinit" in error.remedy


def made(**agent: Any) -> Any:
    """What pypsrp is given for these keys of [agent]: its transport, with nothing sent."""
    settings = AgentSettings(host="agent.contoso.example", **agent)
    return ObservedWSMan(settings, lambda *_, **__: None).transport


def test_what_pypsrp_is_given_for_kerberos() -> None:
    """Whoever has a ticket, messages encrypted, bound to TLS unless told otherwise. No ticket is asked for here."""
    transport = made(auth="kerberos", encryption="always")
    auth = transport._build_session().auth
    assert (auth.auth_provider, auth.username, auth.password) == ("kerberos", None, None)
    assert (auth.send_cbt, auth.wrap_required, auth.delegate) == (True, True, False)
    assert not made(auth="kerberos", channel_binding=False)._build_session().auth.send_cbt
    assert made(auth="kerberos", tls=False).wrap_required


def test_what_pypsrp_is_given_for_credssp(monkeypatch: pytest.MonkeyPatch) -> None:
    """User and password, and no version of the protocol that can be listened to in the middle."""
    given: dict[str, Any] = {}
    monkeypatch.setattr("pypsrp.wsman.HttpCredSSPAuth", given.update)
    made(auth="credssp", user="u", password="p")._build_session().close()
    assert given == {"username": "u", "password": "p", "minimum_version": 5}


@pytest.mark.parametrize("maybe_sent", [False, True])
def test_tls_that_breaks_later_is_a_lost_connection(maybe_sent: bool) -> None:
    """No certificate is to blame, and whether the request arrived is as unknown as it was."""
    agent = AgentSettings(host="agent.contoso.example", auth="kerberos")
    broken = requests.exceptions.SSLError(ssl.SSLEOFError(8, "EOF occurred in violation of protocol"))
    error = agent_error(broken, agent, maybe_sent=maybe_sent)
    assert type(error) is errors.RunspaceLost
    assert error.maybe_sent == maybe_sent
    assert "EOF occurred in violation of protocol" in str(error)


@pytest.mark.parametrize("fault", ["Command=reset", "Command=close", "Command=lost", "Receive=reset"])
def test_a_change_over_tls_whose_answer_is_lost_is_unknown(fault: str) -> None:
    """Encrypted by TLS and bound to it, the outcome is as honest as without."""
    (call,) = ACTIONS["group.grant"].calls({"group": "finance@contoso.example", "member": "jane.doe@contoso.example"})
    with running_agent("contract", auth="ntlm", tls=True, must_bind=True) as agent, agent.session() as session:
        session.open()
        agent.simulator.faults.add(fault)
        outcome = run_call(call, session)
    assert str(outcome.status) == "unknown"
