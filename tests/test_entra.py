"""The token that Entra ID gives an application, asked for over a real connection."""

from __future__ import annotations

import json
import socket
import threading
import traceback
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from pydantic import SecretStr

from bridge.entra import access_token
from bridge.errors import EntraUnreachable, ExchangeError, ExchangeLogonRefused
from bridge.settings import ExchangeSettings

APP = "cae36d1d-083f-5f9d-8628-84ad13f2988e"
SECRET = "canary~1/+&=% secret"
TENANT = "contoso.onmicrosoft.com"


@dataclass
class Request:
    """What the server was sent."""

    path: str
    headers: dict[str, str]
    form: dict[str, str]


@dataclass
class TokenServer:
    """A loopback server that gives every request one answer, and remembers what it was asked."""

    port: int = 0
    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})
    silent: threading.Event | None = None
    requests: list[Request] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def answers(self, body: dict[str, Any] | bytes, status: int = 200, **headers: str) -> None:
        """Set the answer; a dict is sent as JSON."""
        self.body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.status = status
        self.headers |= headers

    def refuses(self, code: int, text: str, *, error: str = "invalid_client", status: int = 401) -> None:
        """Answer as Entra ID does when it gives no token."""
        description = f"AADSTS{code}: {text} Trace ID: 0 Correlation ID: 0 Timestamp: 2026-02-03 04:05:06Z"
        self.answers({"error": error, "error_description": description, "error_codes": [code]}, status)


@pytest.fixture
def server() -> Iterator[TokenServer]:
    """A server that gives a token until it is told otherwise."""
    state = TokenServer()
    state.answers({"token_type": "Bearer", "expires_in": 3599, "access_token": "the-token"})

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            """Remember the request, and answer."""
            sent = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
            state.requests.append(Request(self.path, dict(self.headers), dict(urllib.parse.parse_qsl(sent))))
            if state.silent:
                state.silent.wait(30)
                return
            self.send_response(state.status)
            for name, value in state.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(state.body)))
            self.end_headers()
            self.wfile.write(state.body)

        def do_GET(self) -> None:
            """A redirect that is followed would come as this."""
            self.do_POST()

        def log_message(self, *_: object) -> None:
            """Nothing is printed."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        http.daemon_threads = False
        state.port = http.server_address[1]
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield state
        finally:
            http.shutdown()
            thread.join()


def settings(authority: str, **changes: Any) -> ExchangeSettings:
    """A log-on by app secret at that authority."""
    values = {"app_id": APP, "client_secret": SECRET, "organization": TENANT, "authority": authority}
    return ExchangeSettings(**(values | changes))


def refusal(exchange: ExchangeSettings, *, timeout: float = 10) -> ExchangeError:
    """The error that is raised; nothing of it, of its cause or of the frames that it passed holds the secret."""
    with pytest.raises(ExchangeError) as caught:
        access_token(exchange, timeout=timeout)
    error = caught.value
    assert error.__cause__ is None
    assert error.__context__ is None
    ours = [
        frame for frame in traceback.walk_tb(error.__traceback__) if frame[0].f_globals["__name__"] == "bridge.entra"
    ]
    locals_ = [repr(frame.f_locals) for frame, _ in ours]
    told = [str(error), repr(error), error.remedy, *traceback.format_exception(error), *locals_]
    assert ours
    for form in (SECRET, urllib.parse.quote_plus(SECRET), urllib.parse.quote(SECRET)):
        assert not any(form in text for text in told)
    return error


def test_the_token_is_asked_for_with_the_client_credentials_grant(server: TokenServer) -> None:
    """The form holds what Entra ID wants, odd characters as they are, and the token comes back masked."""
    token = access_token(settings(server.url), timeout=10)
    assert isinstance(token, SecretStr)
    assert token.get_secret_value() == "the-token"
    assert "the-token" not in repr(token)
    (request,) = server.requests
    assert request.path == f"/{TENANT}/oauth2/v2.0/token"
    assert request.form == {
        "grant_type": "client_credentials",
        "client_id": APP,
        "client_secret": SECRET,
        "scope": "https://outlook.office365.com/.default",
    }


def test_the_tenant_id_names_the_directory_where_it_is_set(server: TokenServer) -> None:
    """With tenant_id the organization's name is not needed for the address, and neither can leave the path."""
    access_token(settings(f"{server.url}/", tenant_id="a/../b?c"), timeout=10)
    assert server.requests[0].path == "/a%2F..%2Fb%3Fc/oauth2/v2.0/token"


def test_no_credentials_of_a_netrc_file_and_no_proxy_are_used(
    server: TokenServer, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """What goes to this machine goes there alone: no proxy sees the secret, no head carries another password."""
    netrc = tmp_path_factory.mktemp("netrc") / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n", encoding="utf-8")
    monkeypatch.setenv("NETRC", str(netrc))
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    access_token(settings(server.url), timeout=10)
    assert "Authorization" not in server.requests[0].headers


@pytest.mark.parametrize(
    ("code", "text", "said"),
    [
        (7000215, "Invalid client secret provided.", "client_secret is not right"),
        (7000222, "The provided client secret keys for app are expired.", "has ended"),
        (700016, "Application was not found in the directory.", "[exchange] app_id"),
        (90002, "Tenant not found.", "tenant_id"),
        (7000112, "Application is disabled.", "disabled"),
        (999999, "Something new.", "the application id"),
    ],
)
def test_a_refusal_names_entra_ids_code(server: TokenServer, code: int, text: str, said: str) -> None:
    """The code and its text are in the message without trace ids; a known code has a remedy of its own."""
    server.refuses(code, f"{text} {SECRET}")
    error = refusal(settings(server.url))
    assert isinstance(error, ExchangeLogonRefused)
    assert f"AADSTS{code}" in error.message
    assert text in error.message
    assert "Trace ID" not in error.message
    assert said in error.remedy


def test_a_refusal_without_a_code_names_the_error_of_oauth(server: TokenServer) -> None:
    """OAuth's own error, without a code of Entra ID, is a refusal too."""
    server.answers({"error": "unauthorized_client"}, 400)
    error = refusal(settings(server.url))
    assert isinstance(error, ExchangeLogonRefused)
    assert "unauthorized_client" in error.message


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"<html>Sign in to the wireless network</html>", 200),
        (b"", 200),
        (b"[]", 200),
        (b'{"access_token": 5}', 200),
        (b'{"access_token": ""}', 200),
        (b"\xff\xfe{", 200),
        (b"[" * 100_000, 200),
        (b'{"access_token": "two words"}', 200),
        (b"Service Unavailable", 503),
        (b'{"error": "temporarily_unavailable"}', 503),
        (b'{"error": "throttled"}', 429),
        (b"Proxy Authentication Required", 407),
    ],
)
def test_an_answer_that_is_not_entra_ids_is_told_as_that(server: TokenServer, body: bytes, status: int) -> None:
    """A portal's page, a proxy, half an answer: no token, no refusal, and a retry can help."""
    server.answers(body, status)
    error = refusal(settings(server.url))
    assert isinstance(error, EntraUnreachable)
    assert error.retry
    assert f"HTTP status {status}" in error.message


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(server: TokenServer, status: int) -> None:
    """The secret goes to no other place than the authority."""
    server.answers(b"", status, Location=f"{server.url}/elsewhere")
    assert isinstance(refusal(settings(server.url)), EntraUnreachable)
    assert [request.path for request in server.requests] == [f"/{TENANT}/oauth2/v2.0/token"]


def test_damaged_compression_is_told_as_no_answer(server: TokenServer) -> None:
    """A body that cannot be unpacked ends as an error of ours."""
    server.headers["Content-Encoding"] = "gzip"
    server.answers(b"this is no gzip")
    assert isinstance(refusal(settings(server.url)), EntraUnreachable)


def test_a_refused_connection_is_told_with_the_address() -> None:
    """Nobody listens there."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        authority = f"http://127.0.0.1:{unused.getsockname()[1]}"
        error = refusal(settings(authority))
    assert isinstance(error, EntraUnreachable)
    assert authority in error.message


def test_a_server_that_does_not_answer_is_given_up(server: TokenServer) -> None:
    """After the timeout there is an error that says how long was waited."""
    server.silent = threading.Event()
    try:
        error = refusal(settings(server.url), timeout=0.2)
    finally:
        server.silent.set()
    assert isinstance(error, EntraUnreachable)
    assert "0.2 s" in error.message


def test_a_server_without_tls_is_no_entra_id(server: TokenServer) -> None:
    """HTTPS to a port that speaks none is an error of ours too."""
    assert isinstance(refusal(settings(f"https://127.0.0.1:{server.port}")), EntraUnreachable)
