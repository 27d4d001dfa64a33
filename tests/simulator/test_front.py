"""An unmodified pypsrp against the agent's WinRM service: log-on, encryption, scripts, and what is left afterwards."""

from __future__ import annotations

import base64
import http.client
import os
import socket
import threading
from pathlib import Path

import pytest
import requests
from pypsrp.client import Client
from pypsrp.complex_objects import ObjectMeta
from pypsrp.exceptions import AuthenticationError, WinRMTransportError
from pypsrp.powershell import PowerShell, RunspacePool

from bridge.simulator.front.auth import Accounts
from bridge.simulator.front.server import FrontServer
from bridge.simulator.front.tls import AgentCertificate, agent_certificate
from tests.simulator.front_agent import BIG, PASSWORDS, front_agent, run


@pytest.fixture(scope="module")
def certificate() -> AgentCertificate:
    """One for all tests: it takes a while to make."""
    return agent_certificate()


@pytest.mark.parametrize(
    ("kind", "auth", "user", "encryption", "tls"),
    [
        ("basic", "basic", "operator", "never", False),
        ("ntlm", "ntlm", "operator", "auto", False),
        ("ntlm", "negotiate", "DOMAIN\\bob", "always", False),
        ("ntlm", "ntlm", "operator", "never", False),
        ("basic", "basic", "operator", "auto", True),
        ("ntlm", "negotiate", "operator", "auto", True),
        ("ntlm", "ntlm", "DOMAIN\\bob", "always", True),
    ],
)
def test_a_client_runs_scripts(
    kind: str, auth: str, user: str, encryption: str, tls: bool, certificate: AgentCertificate, tmp_path: Path
) -> None:
    """Large things pass in both directions, secrets too, and the shell is gone when the pool is."""
    ca_file = tmp_path / "ca.pem" if tls else None
    with (
        front_agent(kind, certificate=certificate if tls else None, ca_file=ca_file) as agent,
        agent.client(user, auth=auth, encryption=encryption) as wsman,
    ):
        with RunspacePool(wsman) as pool:
            assert run(pool, "echo", "O'Brien \u20ac \U0001f600") == ["O'Brien \u20ac \U0001f600"]
            assert run(pool, "big") == [BIG]
            assert run(pool, "length", BIG) == [len(BIG)]
            assert run(pool, "many") == list(range(200))
            pool.exchange_keys()
            assert run(pool, "reveal", pool.serialize("secret", ObjectMeta("SS"))) == ["secret"]
            (shell,) = agent.service.shells()
            assert shell.owner == user
        assert agent.service.shells() == []


def test_the_simple_client_works() -> None:
    """Client.execute_ps opens and closes a pool for each script."""
    with (
        front_agent() as agent,
        Client(
            "127.0.0.1",
            port=agent.server.port,
            ssl=False,
            auth="basic",
            encryption="never",
            username="operator",
            password=PASSWORDS["operator"],
            no_proxy=True,
        ) as client,
    ):
        _, streams, had_errors = client.execute_ps("echo")
        assert had_errors
        # How pypsrp runs a script; a word that the engine here does not know.
        assert [str(error) for error in streams.error] == ["There is no Invoke-Expression."]
        assert agent.service.shells() == []


@pytest.mark.parametrize(("kind", "auth"), [("basic", "basic"), ("ntlm", "ntlm"), ("ntlm", "negotiate")])
@pytest.mark.parametrize(("user", "password"), [("operator", "wrong"), ("nobody", "correct horse")])
def test_a_wrong_password_is_refused(kind: str, auth: str, user: str, password: str) -> None:
    """The same answer for a wrong name as for a wrong password, and no shell."""
    encryption = "never" if auth == "basic" else "auto"
    with (
        front_agent(kind) as agent,
        agent.client(user, auth=auth, encryption=encryption, password=password) as wsman,
    ):
        with pytest.raises(AuthenticationError):
            RunspacePool(wsman).open()
        assert agent.service.shells() == []


def test_a_kind_of_log_on_that_is_not_offered_is_refused() -> None:
    """Basic at an agent with NTLM alone, although the password is right."""
    with front_agent("ntlm") as agent, agent.client() as wsman, pytest.raises(AuthenticationError):
        RunspacePool(wsman).open()


def test_plain_messages_can_be_refused() -> None:
    """An agent that must encrypt takes encrypted messages, and answers plain ones with 500 as WinRM does."""
    with front_agent("ntlm", must_encrypt=True) as agent:
        with agent.client(auth="ntlm", encryption="auto") as wsman, RunspacePool(wsman) as pool:
            assert run(pool, "echo", "x") == ["x"]
        with agent.client(auth="ntlm", encryption="never") as wsman:
            with pytest.raises(WinRMTransportError) as raised:
                RunspacePool(wsman).open()
            assert raised.value.code == 500


def test_ntlm_leaves_the_environment_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two agents at once have the same account with their own passwords, and the variable stays as it was."""
    monkeypatch.setenv("NTLM_USER_FILE", "mine")
    with front_agent("ntlm") as agent:
        monkeypatch.setitem(PASSWORDS, "operator", "another")
        with front_agent("ntlm") as second:
            with agent.client(auth="ntlm", password="correct horse") as wsman, RunspacePool(wsman) as pool:
                assert run(pool, "echo", 1) == [1]
            with second.client(auth="ntlm", password="another") as wsman, RunspacePool(wsman) as pool:
                assert run(pool, "echo", 2) == [2]
    assert os.environ["NTLM_USER_FILE"] == "mine"


@pytest.mark.parametrize("days", [30, -1])
def test_a_certificate_is_checked_by_the_client(days: int, tmp_path: Path) -> None:
    """Neither an unknown authority nor a certificate that has ended is taken."""
    with front_agent(certificate=agent_certificate(days=days), ca_file=tmp_path / "ca.pem") as agent:
        trusted = str(agent.ca_file) if days < 0 else True
        with agent.client(cert_validation=trusted) as wsman, pytest.raises(requests.exceptions.SSLError):
            RunspacePool(wsman).open()


def test_nothing_is_left_when_the_agent_stops(certificate: AgentCertificate, tmp_path: Path) -> None:
    """Neither a client that waits for output nor one that says nothing keeps a thread."""
    before = set(threading.enumerate())
    failed: list[Exception] = []
    with front_agent(certificate=certificate, ca_file=tmp_path / "ca.pem") as agent:
        silent = socket.create_connection(("127.0.0.1", agent.server.port))
        with agent.client() as wsman:
            pool = RunspacePool(wsman)
            pool.open()
            powershell = PowerShell(pool)
            powershell.add_script("wait").begin_invoke()
            powershell.poll_invoke()

            def wait() -> None:
                try:
                    powershell.end_invoke()
                except Exception as error:
                    failed.append(error)

            waiting = threading.Thread(target=wait)
            waiting.start()
            agent.server.stop()
            waiting.join()
        silent.close()
    assert len(failed) == 1
    assert set(threading.enumerate()) == before


@pytest.mark.parametrize(
    ("method", "path", "body", "headers", "status"),
    [
        ("GET", "/wsman", "", {}, 501),
        ("POST", "/elsewhere", "x", {}, 404),
        ("POST", "/wsman", "this is no XML", {}, 400),
        ("POST", "/wsman", "<a/>", {}, 400),
        ("POST", "/wsman", "x", {"Content-Type": "multipart/encrypted"}, 400),
        ("POST", "/wsman", "x", {"Content-Length": "many"}, 411),
        ("POST", "/wsman", "x", {"Content-Length": "999999999"}, 413),
        ("POST", "/wsman", "x", {"Authorization": "Basic !"}, 401),
        ("POST", "/wsman", "x", {"Authorization": "Negotiate !"}, 401),
        ("POST", "/wsman", "x", {"Authorization": ""}, 401),
    ],
)
def test_what_is_no_wsman_gets_its_http_status(
    method: str, path: str, body: str, headers: dict[str, str], status: int
) -> None:
    """Whatever comes, the agent answers and goes on."""
    logon = base64.b64encode(f"operator:{PASSWORDS['operator']}".encode()).decode()
    with front_agent("basic", "ntlm") as agent:
        connection = http.client.HTTPConnection("127.0.0.1", agent.server.port)
        connection.request(method, path, body, {"Authorization": f"Basic {logon}", **headers})
        assert connection.getresponse().status == status
        connection.close()
        with agent.client() as wsman, RunspacePool(wsman) as pool:
            assert run(pool, "echo", 1) == [1]


def test_a_port_that_is_taken_is_an_error() -> None:
    """Nothing is left open by the second that wants it."""
    with front_agent() as agent, pytest.raises(OSError, match=r"[Aa]ddress"):
        FrontServer(agent.service, Accounts({}, ("basic",)), port=agent.server.port)


@pytest.mark.parametrize("password", ["with:colon", "with\nline"])
def test_a_password_that_ntlm_cannot_take_is_refused(password: str) -> None:
    """At the start, and not at the first log-on."""
    with pytest.raises(ValueError, match="no colon and no line break"):
        Accounts({"operator": password}, ("ntlm",))
