"""One TCP connection: HTTP, log-on, message encryption, the injected faults, and the line in the wire log.

Rules: a body is read whole before anything is answered; head and body of an answer go out in one write, with
TCP_NODELAY. The line in the wire log is written before the answer is sent, so who has an answer finds its line.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import sys
import threading
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import Any

from bridge.simulator.faults import Fault, FaultPlan
from bridge.simulator.front import soap
from bridge.simulator.front.auth import Accounts, Logon, NotLoggedOn
from bridge.simulator.front.refusals import injected, internal_error, shell_quota
from bridge.simulator.front.service import WsmanService
from bridge.simulator.front.tls import common_name
from bridge.simulator.front.wire import Exchange, LineLog
from bridge.simulator.http_server import TrackingServer
from bridge.simulator.wsman_fault import WsmanFault

_PATH = "/wsman"
_SOAP = "application/soap+xml;charset=UTF-8"
_HTML = b"<html><head><title>Proxy</title></head><body>This is not the server that you look for.</body></html>"
_MAX_BODY = 8 * 1024 * 1024
_QUOTA = 25


@dataclass(frozen=True)
class Agent:
    """What every connection needs. ``stopping`` is set when the agent is about to end."""

    service: WsmanService
    accounts: Accounts
    faults: FaultPlan
    log: LineLog
    must_encrypt: bool
    stopping: threading.Event = field(default_factory=threading.Event)


class AgentServer(TrackingServer):
    """An HTTP server that knows its agent."""

    agent: Agent


@dataclass(frozen=True)
class _Answer:
    """What is sent. ``status`` 0 sends nothing and ends the connection, with a TCP reset where ``is_reset``.

    One that ``is_forged`` is never encrypted.
    """

    status: int
    body: bytes = b""
    content_type: str = _SOAP
    challenges: tuple[str, ...] = ()
    is_reset: bool = False
    is_forged: bool = False


class WsmanHandler(BaseHTTPRequestHandler):
    """One connection; its server has the ``agent``."""

    server: AgentServer
    protocol_version = "HTTP/1.1"
    # One packet for head and body, sent at once: else each call waits for a delayed acknowledgement.
    wbufsize = -1
    disable_nagle_algorithm = True

    def setup(self) -> None:
        """Nobody is logged on yet."""
        super().setup()
        self._logon = Logon(self.server.agent.accounts, common_name(self.connection))

    def do_POST(self) -> None:
        """Every request is a POST to /wsman."""
        exchange = Exchange()
        answer = self._answer(exchange)
        exchange.status, exchange.response_bytes = answer.status, len(answer.body)
        self.server.agent.log.exchange(exchange)
        self._send(answer)

    def _answer(self, exchange: Exchange) -> _Answer:
        """HTTP and log-on; what is inside is for ``_wsman``."""
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > _MAX_BODY:
            # A body that was not read would be taken for the next request.
            self.close_connection = True
            too_large = length.isdecimal()
            return _Answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE if too_large else HTTPStatus.LENGTH_REQUIRED)
        body = self.rfile.read(int(length))
        exchange.request_bytes = len(body)
        if self.path.partition("?")[0] != _PATH:
            return _Answer(HTTPStatus.NOT_FOUND)
        try:
            account = self._logon.account(self.headers.get("Authorization"))
        except NotLoggedOn as refused:
            return _Answer(HTTPStatus.UNAUTHORIZED, challenges=tuple(refused.challenges))
        token = (self._logon.token,) if self._logon.token else ()
        if not body:
            # The empty request by which a client sets message encryption up.
            return _Answer(HTTPStatus.OK, challenges=token)
        content_type = self.headers.get("Content-Type", "")
        is_encrypted = content_type.startswith("multipart/encrypted")
        if self.server.agent.must_encrypt and not is_encrypted:
            return _Answer(HTTPStatus.INTERNAL_SERVER_ERROR)
        try:
            request = soap.parse(self._logon.unwrap(content_type, body) if is_encrypted else body)
        except ValueError:
            return _Answer(HTTPStatus.BAD_REQUEST)
        answer = self._wsman(request, account, exchange)
        answer = replace(answer, challenges=answer.challenges or token)
        if is_encrypted and answer.body and answer.content_type == _SOAP and not answer.is_forged:
            kind, wrapped = self._logon.wrap(answer.body)
            return replace(answer, body=wrapped, content_type=kind)
        return answer

    def _wsman(self, request: soap.Request, account: str, exchange: Exchange) -> _Answer:
        """Do what is asked, unless a fault says otherwise."""
        exchange.action, exchange.shell, exchange.command = request.action, request.shell_id, request.command_id
        exchange.no_profile = request.options.get("WINRS_NOPROFILE", "").lower() in ("true", "1")
        fault = self.server.agent.faults.next(request.action)
        if fault is None:
            return self._work(request, account, exchange)
        exchange.injected = str(fault)
        if fault.is_after:
            answer = self._work(request, account, exchange)
            return self._happen(fault, request, exchange) or answer
        return self._happen(fault, request, exchange) or self._work(request, account, exchange)

    def _work(self, request: soap.Request, account: str, exchange: Exchange) -> _Answer:
        try:
            return _Answer(HTTPStatus.OK, soap.answer(request, self.server.agent.service.handle(request, account)))
        except WsmanFault as error:
            return self._fault(request, error, exchange)
        except Exception as error:  # a fault of the simulator, which the client is to hear of
            return self._fault(request, internal_error(error), exchange)

    def _fault(self, request: soap.Request, error: WsmanFault, exchange: Exchange) -> _Answer:
        exchange.fault = error.code
        return _Answer(HTTPStatus.INTERNAL_SERVER_ERROR, soap.fault(request.message_id, error))

    def _happen(self, fault: Fault, request: soap.Request, exchange: Exchange) -> _Answer | None:
        """Let a fault happen. What it puts in place of the answer, or None where that is as it would be."""
        agent = self.server.agent
        match fault.what:
            case "reset" | "lost":
                return _Answer(0, is_reset=True)
            case "close":
                return _Answer(0)
            case "garbage":
                return _Answer(HTTPStatus.OK, _HTML, "text/html")
            case "truncated":
                whole = soap.answer(request, "")
                return _Answer(HTTPStatus.OK, whole[: len(whole) // 2])
            case "empty":
                return _Answer(HTTPStatus.OK)
            case "401":
                return _Answer(HTTPStatus.UNAUTHORIZED, challenges=tuple(agent.accounts.challenges))
            case "status":
                return _Answer(int(fault.argument), _HTML, "text/html")
            case "fault":
                return self._fault(request, injected(int(fault.argument)), exchange)
            case "forged":
                return replace(self._fault(request, injected(int(fault.argument)), exchange), is_forged=True)
            case "quota":
                return self._fault(request, shell_quota(_QUOTA), exchange)
            case "hang":
                agent.stopping.wait(fault.argument)
            case "shell-gone":
                agent.service.forget(request.shell_id)
            case "kill" if (shell := agent.service.shell(request.shell_id)) is not None:
                shell.kill()
        return None

    def _send(self, answer: _Answer) -> None:
        if not answer.status:
            self.close_connection = True
            if answer.is_reset:
                self._reset()
            return
        self.send_response_only(answer.status)
        self.send_header("Server", "Microsoft-HTTPAPI/2.0")
        for challenge in answer.challenges:
            self.send_header("WWW-Authenticate", challenge)
        if answer.body:
            self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)
        self.wfile.flush()

    def _reset(self) -> None:
        """End the connection with a reset, as a firewall or a crash does."""
        # Its two numbers are shorts on Windows.
        linger = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)
        with contextlib.suppress(OSError):
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.connection.close()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Nothing: the wire log has it."""
