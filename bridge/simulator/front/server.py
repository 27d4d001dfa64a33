"""HTTP(S) on the loopback: one thread for each TCP connection, which is what a log-on belongs to.

Rules: the TLS handshake is done in the connection's thread. After ``stop`` no thread and no socket is left.
"""

from __future__ import annotations

import ssl
import sys
import threading
from typing import Any

from bridge.simulator.faults import FaultPlan
from bridge.simulator.front.auth import Accounts
from bridge.simulator.front.handler import Agent, AgentServer, WsmanHandler
from bridge.simulator.front.service import WsmanService
from bridge.simulator.front.wire import LineLog


class FrontServer:
    """Serves one ``WsmanService`` on 127.0.0.1.

    ``port`` 0 takes a free one. ``tls`` makes it HTTPS; ``must_encrypt`` refuses plain messages over HTTP, as WinRM
    does by default. Raises OSError when the port cannot be had.
    """

    def __init__(
        self,
        service: WsmanService,
        accounts: Accounts,
        *,
        port: int = 0,
        tls: ssl.SSLContext | None = None,
        must_encrypt: bool = False,
        faults: FaultPlan | None = None,
        log: LineLog | None = None,
    ) -> None:
        self.faults = faults or FaultPlan()
        agent = Agent(
            service=service,
            accounts=accounts,
            faults=self.faults,
            log=log or LineLog(None),
            must_encrypt=must_encrypt and tls is None,
        )
        self._server = _Server(port, agent, tls)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, name="simulator-front"
        )
        self._thread.start()

    @property
    def port(self) -> int:
        """The port that is listened on."""
        return int(self._server.server_address[1])

    def close_connections(self) -> None:
        """Close every TCP connection, as Windows does with idle ones."""
        self._server.close_clients()

    def stop(self) -> None:
        """End all connections and shells, and wait for all threads."""
        self._server.agent.stopping.set()
        self._server.shutdown()
        self._thread.join()
        self._server.close_clients()
        # A Receive that waits for output ends with its shell, and only then its thread.
        self._server.agent.service.close()
        self._server.server_close()


class _Server(AgentServer):
    request_queue_size = 64
    # On Windows that would let two servers have the same port.
    allow_reuse_address = sys.platform != "win32"

    def __init__(self, port: int, agent: Agent, tls: ssl.SSLContext | None) -> None:
        super().__init__(port, WsmanHandler)
        self.agent = agent
        self._tls = tls

    def service_actions(self) -> None:
        self.agent.service.end_idle()

    def finish_request(self, request: Any, client_address: Any) -> None:
        if self._tls is None:
            super().finish_request(request, client_address)
            return
        with self.clients_lock:
            # The new socket takes the descriptor over, so it is the one to shut down, also within the handshake.
            self.clients.discard(request)
            wrapped = self._tls.wrap_socket(request, server_side=True, do_handshake_on_connect=False)
            self.clients.add(wrapped)
        try:
            wrapped.do_handshake()
            super().finish_request(wrapped, client_address)
        finally:
            self.shutdown_request(wrapped)
