"""What each WSMan action does with the shells.

Rules, all of them Windows' (MS-WSMV, and faults as recorded):

- A shell belongs to the account that made it; nobody else sees or reaches it.
- One client is connected to it, known by its SessionId. While it is disconnected that client may reconnect and any
  other of the same account may connect; nothing else can be done with it but to look at it or to delete it. A client
  that vanished without a disconnect stays the client until the idle timeout.
- It ends when nobody used it for its idle timeout. Windows takes none under a minute; here any will do.
- A shell whose PowerShell has ended says so to the Receive that waits (995); after that it is not found (2150858843).
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

from bridge.simulator.front import bodies
from bridge.simulator.front.refusals import (
    action_not_supported,
    endpoint_unknown,
    not_disconnected,
    other_session,
    resource_not_found,
    schema_violation,
    shell_disconnected,
    shell_id_in_use,
    shell_quota,
)
from bridge.simulator.front.soap import POWERSHELL, SHELL, Request, seconds
from bridge.simulator.shells.base import Shell, age
from bridge.simulator.wsman_fault import aborted, access_denied, command_not_found, in_use, shell_not_found

_DEFAULT_IDLE = 7200.0
_LARGEST_CHUNK = 390_000
# The rest of an answer, besides the bytes that it brings.
_ENVELOPE_BYTES = 4096
_CONFIGURATION = "/config"


class ShellFactory(Protocol):
    """Makes the shell of the chosen engine. Raises WsmanFault."""

    def __call__(self, *, shell_id: str, owner: str, resource_uri: str, name: str, idle_timeout: float) -> Shell:
        """A new shell, not fed yet."""


@dataclass(frozen=True)
class Endpoint:
    """What the agent allows: the names of its session configurations, shells for each account, and who gets none."""

    configurations: Collection[str] = ("Microsoft.PowerShell", "PowerShell.7")
    max_shells: int = 25
    without_shells: Collection[str] = ()


class WsmanService:
    """The shells of one agent. ``handle`` may be called from several threads; ``close`` is for once."""

    def __init__(self, factory: ShellFactory, endpoint: Endpoint) -> None:
        self._factory = factory
        self._endpoint = endpoint
        self._lock = threading.Lock()
        self._shells: dict[str, Shell] = {}
        # The ids of the shells that are being made, with their owners.
        self._coming: dict[str, str] = {}
        self._is_closed = False
        # Ending a PowerShell takes its time, and nobody has to wait for it.
        self._ending = ThreadPoolExecutor(thread_name_prefix="shell-end")
        self._actions: dict[str, Callable[[Request, str], str]] = {
            "Create": self._create,
            "Delete": self._delete,
            "Command": self._command,
            "Send": self._send,
            "Receive": self._receive,
            "Signal": self._signal,
            "Disconnect": self._disconnect,
            "Reconnect": self._reconnect,
            "Connect": self._connect,
            "Enumerate": self._enumerate,
            "Get": self._get,
        }

    def handle(self, request: Request, account: str) -> str:
        """Do what the request asks; the body of the answer. Raises WsmanFault."""
        action = self._actions.get(request.action)
        if action is None:
            raise action_not_supported(request.action_uri)
        return action(request, account)

    def shells(self) -> list[Shell]:
        """The shells that are open."""
        with self._lock:
            return [shell for shell in self._shells.values() if not shell.closed]

    def shell(self, shell_id: str) -> Shell | None:
        """One of them."""
        with self._lock:
            return self._shells.get(shell_id)

    def forget(self, shell_id: str) -> None:
        """End a shell, and return when it has ended; nothing where it is not there."""
        shell = self._take(shell_id)
        if shell is not None:
            shell.close()

    def close(self) -> None:
        """End all shells. None is made afterwards."""
        with self._lock:
            self._is_closed = True
            shells, self._shells = list(self._shells.values()), {}
        for shell in shells:
            self._ending.submit(shell.close)
        self._ending.shutdown()

    def end_idle(self) -> None:
        """End the shells that nobody used for their idle timeout, in the background; to be called now and then."""
        for shell in self.shells():
            is_used = shell.connected and shell.busy()
            if age(shell.used) > shell.idle_timeout and not is_used and self._take(shell.id):
                self._ending.submit(shell.close)

    def pass_time(self, seconds: float) -> None:
        """Make every shell, and the silence of its client, older at once; those that are idle for too long end."""
        for shell in self.shells():
            shell.born -= seconds
            shell.used -= seconds
        self.end_idle()

    def _take(self, shell_id: str) -> Shell | None:
        with self._lock:
            return self._shells.pop(shell_id, None)

    def _of(self, request: Request, account: str) -> Shell:
        """The shell that a request is about."""
        shell = self.shell(request.shell_id)
        if shell is None:
            raise shell_not_found(request.shell_id)
        if shell.owner.lower() != account.lower():
            raise access_denied()
        if shell.closed and request.action != "Receive":
            self.forget(shell.id)
            raise shell_not_found(shell.id)
        return shell

    def _of_client(self, request: Request, account: str) -> Shell:
        """The shell that a request is about, from the client that is connected to it."""
        shell = self._of(request, account)
        if shell.client_session != request.session_id:
            raise other_session()
        if not shell.connected:
            raise shell_disconnected()
        shell.used = time.monotonic()
        return shell

    # --- one method for each action; each answers the body's XML

    def _create(self, request: Request, account: str) -> str:
        wanted = request.find("rsp:Shell")
        shell_id = str(_guid(wanted.get("ShellId") or str(uuid.uuid4()))).upper()
        self._reserve(shell_id, request, account)
        try:
            shell = self._factory(
                shell_id=shell_id,
                owner=account,
                resource_uri=request.resource_uri,
                name=request.text("rsp:Shell/rsp:Name"),
                idle_timeout=seconds(request.text("rsp:Shell/rsp:IdleTimeOut"), _DEFAULT_IDLE),
            )
            shell.client_session = request.session_id
            try:
                shell.feed(bodies.decode(request.text("rsp:Shell/pwsh:creationXml")))
                self._add(shell)
            except BaseException:
                shell.close()
                raise
        finally:
            with self._lock:
                del self._coming[shell_id]
        return bodies.created(request, shell)

    def _reserve(self, shell_id: str, request: Request, account: str) -> None:
        """See whether the account may have one more shell, and keep the place."""
        name = request.resource_uri.removeprefix(POWERSHELL)
        owner = account.lower()
        if owner in (one.lower() for one in self._endpoint.without_shells):
            raise access_denied()
        if name.lower() not in (one.lower() for one in self._endpoint.configurations):
            raise endpoint_unknown(name)
        with self._lock:
            if shell_id in self._shells or shell_id in self._coming:
                raise shell_id_in_use(shell_id)
            owners = [shell.owner.lower() for shell in self._shells.values() if not shell.closed]
            if [*owners, *self._coming.values()].count(owner) >= self._endpoint.max_shells:
                raise shell_quota(self._endpoint.max_shells)
            self._coming[shell_id] = owner

    def _add(self, shell: Shell) -> None:
        with self._lock:
            if self._is_closed:
                raise aborted()
            self._shells[shell.id] = shell

    def _delete(self, request: Request, account: str) -> str:
        self.forget(self._of(request, account).id)
        return ""

    def _command(self, request: Request, account: str) -> str:
        shell = self._of_client(request, account)
        line = request.find("rsp:CommandLine")
        command_id = _guid(line.get("CommandId") or str(uuid.uuid4()))
        arguments = "".join(element.text or "" for element in line.iter(f"{{{SHELL}}}Arguments"))
        shell.command(command_id, bodies.decode(arguments))
        return f"<rsp:CommandResponse><rsp:CommandId>{str(command_id).upper()}</rsp:CommandId></rsp:CommandResponse>"

    def _send(self, request: Request, account: str) -> str:
        shell = self._of_client(request, account)
        for stream in request.find("rsp:Send").iter(f"{{{SHELL}}}Stream"):
            command_id = stream.get("CommandId")
            kind = "PromptResponse" if stream.get("Name") == "pr" else "Default"
            shell.feed(bodies.decode(stream.text or ""), _guid(command_id) if command_id else None, kind)
        return "<rsp:SendResponse/>"

    def _receive(self, request: Request, account: str) -> str:
        shell = self._of_client(request, account)
        wanted = request.find("rsp:Receive/rsp:DesiredStream").get("CommandId")
        command_id = _guid(wanted) if wanted else None
        # Base64 makes four bytes of three.
        room = min((request.max_envelope - _ENVELOPE_BYTES) * 3 // 4, _LARGEST_CHUNK)
        try:
            chunks, is_last = shell.receive(command_id, request.timeout, room, request.message_id)
        finally:
            shell.used = time.monotonic()
            if shell.closed:
                self.forget(shell.id)
        return bodies.received(command_id, chunks, is_last=is_last)

    def _signal(self, request: Request, account: str) -> str:
        shell = self._of_client(request, account)
        command_id = _guid(request.find("rsp:Signal").get("CommandId") or "")
        shell.signal(command_id, request.text("rsp:Signal/rsp:Code"))
        return "<rsp:SignalResponse/>"

    def _disconnect(self, request: Request, account: str) -> str:
        shell = self._of_client(request, account)
        shell.idle_timeout = seconds(request.text("rsp:Disconnect/rsp:IdleTimeOut"), shell.idle_timeout)
        shell.disconnect()
        return "<rsp:DisconnectResponse/>"

    def _reconnect(self, request: Request, account: str) -> str:
        shell = self._of(request, account)
        is_client = shell.client_session == request.session_id
        if shell.connected:
            raise not_disconnected() if is_client else in_use()
        if not is_client:
            raise other_session()
        shell.used = time.monotonic()
        shell.reconnect(request.session_id)
        return "<rsp:ReconnectResponse/>"

    def _connect(self, request: Request, account: str) -> str:
        if wanted := request.find("rsp:Connect").get("CommandId"):
            shell = self._of_client(request, account)
            if _guid(wanted) not in (pipeline for pipeline, _ in shell.pipelines()):
                raise command_not_found()
            return "<rsp:ConnectResponse/>"
        shell = self._of(request, account)
        reply = shell.connect(bodies.decode(request.text("rsp:Connect/pwsh:connectXml")), request.session_id)
        shell.used = time.monotonic()
        return bodies.connected(reply)

    def _enumerate(self, request: Request, account: str) -> str:
        mine = [shell for shell in self.shells() if shell.owner.lower() == account.lower()]
        if request.resource_uri == SHELL:
            return bodies.enumerated([bodies.shell(shell) for shell in mine])
        if request.resource_uri != f"{SHELL}/Command":
            raise resource_not_found(request.resource_uri)
        return bodies.enumerated(
            [
                bodies.command(shell.id, command_id, is_running=is_running)
                for shell in mine
                if shell.id == request.shell_id
                for command_id, is_running in shell.pipelines()
            ]
        )

    def _get(self, request: Request, account: str) -> str:
        if request.resource_uri.endswith(_CONFIGURATION):
            return bodies.configuration()
        # To be looked at is not to be used.
        return bodies.shell(self._of(request, account))


def _guid(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        raise schema_violation(f"the id {text!r} is no GUID") from None
