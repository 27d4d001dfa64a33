"""A small HTTP server on the loopback for the gateway: threads, sockets, heads and bodies.

Answers to the module are sent in chunks as they are made. After ``stop`` no thread and no socket of it is
left: the sockets of clients that keep their connection open are shut down, and every thread is waited for.
"""

from __future__ import annotations

import json
import threading
import urllib.parse
from collections.abc import Iterator
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import Any, Protocol

from bridge.simulator.exchange_module import clixml
from bridge.simulator.http_server import TrackingServer

TOKEN_HEADER = "X-Simulator-Token"  # noqa: S105 - the header's name

_MAX_BODY = 64 * 1024 * 1024

Documents = Iterator[dict[str, Any]]


class Service(Protocol):
    """What the server asks."""

    def is_token(self, value: str) -> bool:
        """Whether who sends this may go on."""

    def answer(self, path: str, body: dict[str, Any]) -> Documents | None:
        """The documents that answer a request, at least one; None for a path that there is not."""

    def issue_token(self, form: dict[str, str]) -> tuple[HTTPStatus, dict[str, Any]]:
        """Status and JSON body of the token endpoint."""


class LoopbackServer:
    """Serves one ``Service`` on a free port of 127.0.0.1. Raises OSError when there is none."""

    def __init__(self, service: Service) -> None:
        self._server = _Server(service)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, name="simulator-gateway"
        )
        self._thread.start()

    @property
    def url(self) -> str:
        """``http://127.0.0.1:PORT``, without a slash at the end."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def stop(self) -> None:
        """End all connections and wait for all threads."""
        self._server.shutdown()
        self._thread.join()
        self._server.close_clients()
        self._server.server_close()


class _Server(TrackingServer):
    def __init__(self, service: Service) -> None:
        super().__init__(0, _Handler)
        self.service = service


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    # One packet for head and body, sent at once: else each call waits for a delayed acknowledgement.
    wbufsize = -1
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        """Every request is a POST."""
        # A body that was not read would be taken for the next request; such a client is sent away.
        self.close_connection = True
        try:
            length = int(self.headers.get("Content-Length", ""))
        except ValueError:
            return self._json(HTTPStatus.LENGTH_REQUIRED, {"error": "Content-Length is required"})
        if not 0 <= length <= _MAX_BODY:
            return self._json(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, {"error": "the body is too large"})
        body = self.rfile.read(length)
        self.close_connection = self.headers.get("Connection", "").lower() == "close"
        parts = self.path.strip("/").split("/")
        if parts[1:] == ["oauth2", "v2.0", "token"]:
            form = dict(urllib.parse.parse_qsl(body.decode("utf-8", "replace")))
            return self._json(*self.server.service.issue_token(form))
        if not self.server.service.is_token(self.headers.get(TOKEN_HEADER, "")):
            return self._json(HTTPStatus.UNAUTHORIZED, {"error": f"the header {TOKEN_HEADER} is missing or wrong"})
        try:
            request = json.loads(body)
        except ValueError:
            request = None
        if not isinstance(request, dict):
            return self._json(HTTPStatus.BAD_REQUEST, {"error": "the body is not a JSON object"})
        documents = None
        if len(parts) == 2 and parts[0] == "powershell":
            documents = self.server.service.answer(parts[1], request)
        if documents is None:
            return self._json(HTTPStatus.NOT_FOUND, {"error": "there is nothing at this path"})
        return self._stream(documents)

    def _json(self, status: HTTPStatus, body: dict[str, Any]) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _stream(self, documents: Documents) -> None:
        # The work is done before the head is sent, so that a fault in it is not taken for an answer.
        lines = (f"{clixml.document(document)}\n".encode() for document in documents)
        first = next(lines)
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "application/x-clixml-lines")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self._chunk(first)
        for line in lines:
            self._chunk(line)
        self.wfile.write(b"0\r\n\r\n")

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Nothing: the tenant records what was done."""
