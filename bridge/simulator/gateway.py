"""The way from PowerShell to the tenant: a small HTTP server on the loopback, and the module that calls it.

Rules:

- Only who knows the token of this start gets in; it is in the environment of the PowerShell that is
  started. The token endpoint is open, as Entra ID's is: what it asks for is the application's secret.
- A request is JSON; an answer is CLIXML, one document a line, up to PAGE_SIZE rows each, so that a long
  list streams.
- Every connection that a PowerShell opens is a connection of the tenant with an id of its own. None
  outlives the gateway.
- The HTTP status tells about the way only. What a cmdlet answers, errors too, is in the documents.
"""

from __future__ import annotations

import os
import secrets
import shutil
import sys
import tempfile
import threading
import urllib.parse
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any

import platformdirs

from bridge.simulator.exchange_module import MODULE_NAME, command_module, render
from bridge.simulator.loopback import Documents, LoopbackServer
from bridge.simulator.tenant.errors import connection_lost, not_connected
from bridge.simulator.tenant.records import CmdletError

if TYPE_CHECKING:
    from bridge.simulator.tenant import ExchangeConnection, Tenant

PAGE_SIZE = 500
URL_VARIABLE = "EXO_BRIDGE_SIMULATOR_URL"
TOKEN_VARIABLE = "EXO_BRIDGE_SIMULATOR_TOKEN"  # noqa: S105 - the variable's name

_MODULE_PATH = "PSModulePath"
_POLICY = "PSExecutionPolicyPreference"
"""The policy of one process (Microsoft, about_Execution_Policies). PowerShell's own option for it sets this variable,
but not with -s. Elsewhere than on Windows it changes nothing."""
_TOKEN_SECONDS = 3599
_WRITE_ERROR = "Write-ErrorMessage"


class Gateway:
    """Serves one tenant to any number of PowerShell processes on this machine.

    ``start`` and ``stop`` (or ``with``) are called once each. Afterwards no thread, socket or file of it is
    left.
    """

    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant
        self._token = secrets.token_urlsafe(32)
        self._server: LoopbackServer | None = None
        self._folder: Path | None = None
        self._lock = threading.Lock()
        self._connections: dict[str, ExchangeConnection] = {}

    def __enter__(self) -> Gateway:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Listen on a free port of 127.0.0.1. Raises OSError."""
        self._server = LoopbackServer(self)
        self._folder = Path(tempfile.mkdtemp(prefix="exo-bridge-module-"))

    def stop(self) -> None:
        """End every connection, the server and its threads, and remove the module's folder."""
        if self._server is not None:
            self._server.stop()
            self._server = None
        with self._lock:
            connections, self._connections = list(self._connections.values()), {}
        for connection in connections:
            connection.disconnect()
        if self._folder is not None:
            # On Windows a PowerShell that still runs can hold a file of it open.
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    @property
    def authority(self) -> str:
        """What stands for https://login.microsoftonline.com: ``http://127.0.0.1:PORT``."""
        if self._server is None:
            raise RuntimeError("the gateway is not started")
        return self._server.url

    @property
    def token_url(self) -> str:
        """The token endpoint of this tenant."""
        tenant = str(self.tenant.logon_settings().get("tenant_id") or "organizations")
        return f"{self.authority}/{urllib.parse.quote(tenant)}/oauth2/v2.0/token"

    def environment(self) -> dict[str, str]:
        """What to add to the environment of a PowerShell that is to reach the tenant.

        The module is as the tenant has it at this moment: its version, or none at all.
        """
        variables = {
            URL_VARIABLE: f"{self.authority}/powershell/",
            TOKEN_VARIABLE: self._token,
            # A Windows client allows no module that is a file unless it is told otherwise.
            _POLICY: "Bypass",
        }
        path = [part for part in os.environ.get(_MODULE_PATH, "").split(os.pathsep) if part]
        if self.tenant.module_installed:
            # PowerShell 7 puts the user's modules before the variable's unless they stand in it; a real
            # module of this name, installed by the user, must not be taken instead.
            path = [str(self._render()), *(str(folder) for folder in _user_modules()), *path]
        if path:
            variables[_MODULE_PATH] = os.pathsep.join(path)
        return variables

    def _render(self) -> Path:
        if self._folder is None:
            raise RuntimeError("the gateway is not started")
        denied = sorted(entry for entry in self.tenant.denied if entry.lower().startswith("connect-"))
        version = self.tenant.module_version
        folder = self._folder / "-".join([version, *(entry.partition(":")[2] for entry in denied)])
        if not (folder / MODULE_NAME).is_dir():
            render(folder, version, denied)
        return folder

    def is_token(self, value: str) -> bool:
        """Whether this is the token of this start."""
        return secrets.compare_digest(value.encode(), self._token.encode())

    def answer(self, path: str, body: dict[str, Any]) -> Documents | None:
        """The documents that answer one request of the module, or None for a path that there is not."""
        actions: dict[str, Callable[[dict[str, Any]], Documents]] = {
            "connect": self._connect,
            "invoke": self._invoke,
            "information": self._information,
            "disconnect": self._disconnect,
        }
        action = actions.get(path)
        return action(body) if action is not None else None

    def _connect(self, body: dict[str, Any]) -> Documents:
        parameters = _table(body, "parameters")
        try:
            connection = self.tenant.connect(parameters)
        except CmdletError as error:
            yield _document(errors=[_error(error, "Connect-ExchangeOnline")])
            return
        with self._lock:
            self._connections[connection.id] = connection
        prefix = next((str(parameters[name]) for name in parameters if name.lower() == "prefix"), "")
        module = command_module(connection.commands, connection.denied, prefix)
        opened = {"ConnectionId": connection.id, "Module": module.text, "Functions": list(module.functions)}
        yield _document(output=[opened])

    def _invoke(self, body: dict[str, Any]) -> Documents:
        cmdlet = str(body.get("cmdlet", ""))
        connection = self._connection(body)
        if connection is None:
            ended = connection_lost if body.get("connection") else not_connected
            yield _document(errors=[_error(ended(cmdlet), cmdlet)])
            return
        try:
            reply = connection.invoke(cmdlet, _table(body, "parameters"))
        except CmdletError as error:
            # It can end the statement or not; which of both is its own to say.
            yield _document(errors=[_error(error, cmdlet)])
            return
        yield _document(
            output=reply.output[:PAGE_SIZE],
            warnings=reply.warnings,
            errors=[_error(error, cmdlet) for error in reply.errors],
        )
        for start in range(PAGE_SIZE, len(reply.output), PAGE_SIZE):
            yield _document(output=reply.output[start : start + PAGE_SIZE])

    def _information(self, body: dict[str, Any]) -> Documents:
        connection = self._connection(body)
        yield _document(output=connection.information() if connection is not None else [])

    def _disconnect(self, body: dict[str, Any]) -> Documents:
        with self._lock:
            connection = self._connections.pop(str(body.get("connection", "")), None)
        if connection is not None:
            connection.disconnect()
        yield _document()

    def _connection(self, body: dict[str, Any]) -> ExchangeConnection | None:
        with self._lock:
            return self._connections.get(str(body.get("connection", "")))

    def issue_token(self, form: dict[str, str]) -> tuple[HTTPStatus, dict[str, Any]]:
        """Status and body of Entra ID's token endpoint, client credentials grant.

        Source: Microsoft, "OAuth 2.0 client credentials flow" and "Microsoft Entra authentication error
        codes".
        """
        if form.get("grant_type") != "client_credentials":
            return HTTPStatus.BAD_REQUEST, _refusal("unsupported_grant_type", 70003, "The grant type is not supported.")
        for name in ("client_id", "client_secret", "scope"):
            if not form.get(name):
                text = f"The request body must contain the following parameter: '{name}'."
                return HTTPStatus.BAD_REQUEST, _refusal("invalid_request", 900144, text)
        try:
            token = self.tenant.issue_token(form["client_id"], form["client_secret"])
        except LookupError:
            text = f"Application with identifier '{form['client_id']}' was not found in the directory."
            return HTTPStatus.BAD_REQUEST, _refusal("unauthorized_client", 700016, text)
        except (CmdletError, ValueError, PermissionError):
            text = f"Invalid client secret provided for app '{form['client_id']}'."
            return HTTPStatus.UNAUTHORIZED, _refusal("invalid_client", 7000215, text)
        body = {"token_type": "Bearer", "expires_in": _TOKEN_SECONDS, "ext_expires_in": _TOKEN_SECONDS}
        return HTTPStatus.OK, body | {"access_token": token}


def _document(
    *,
    output: list[dict[str, Any]] | None = None,
    warnings: list[str] | None = None,
    errors: list[dict[str, Any]] | None = None,
) -> dict[str, Any]:
    return {"Output": output or [], "Warnings": warnings or [], "Errors": errors or []}


def _error(error: CmdletError, cmdlet: str) -> dict[str, Any]:
    """An error for the module. PowerShell adds ``,<its writer>`` to an error id, so that is taken off."""
    writer = cmdlet if error.terminating else _WRITE_ERROR
    error_id, _, last = error.error_id.rpartition(",")
    adds = last.lower() == writer.lower()
    return {
        "Message": error.message,
        "Reason": error.reason,
        "ExceptionType": error.exception_type,
        "ErrorId": error_id if adds else error.error_id,
        "Suffix": writer if adds else "",
        "Category": error.category,
        "Activity": error.activity,
        "Target": error.target,
        "Terminating": error.terminating,
    }


def _refusal(error: str, code: int, text: str) -> dict[str, Any]:
    return {"error": error, "error_description": f"AADSTS{code}: {text}", "error_codes": [code]}


def _table(body: dict[str, Any], name: str) -> dict[str, Any]:
    value = body.get(name)
    return value if isinstance(value, dict) else {}


def _user_modules() -> list[Path]:
    """Where PowerShell 7 looks for the modules of this user. Source: Microsoft, about_PSModulePath."""
    if sys.platform == "win32":
        # OneDrive moves the documents elsewhere.
        modules = platformdirs.user_documents_path() / "PowerShell" / "Modules"
    else:
        data = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
        modules = Path(data) / "powershell" / "Modules"
    return [modules]
