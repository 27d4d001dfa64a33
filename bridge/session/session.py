"""The named runspace: found or opened, connected to Exchange once, left for the next process or closed.

Rules:

- There is one runspace of a name. One that is disconnected is taken over; one that another client is connected to is
  busy, and is not touched. Shells of other owners, other names and other endpoints are never touched.
- Exchange is connected once in the life of the runspace. Whoever takes it over looks at what is there
  (Get-BridgeState.ps1) and connects again only where the account, the cmdlets or the token do not fit.
- A runspace that could not be set up is closed, not left behind half done.
"""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Self

from pypsrp.complex_objects import RunspacePoolState
from pypsrp.powershell import RunspacePool

from bridge import errors
from bridge.entra import access_token
from bridge.meaning import meaning_of_record
from bridge.model import Listener, OnRecord, Record, Reply
from bridge.scripts import ScriptFolder
from bridge.session.pipeline import Pipeline
from bridge.session.wsman import ObservedWSMan, RunspaceInfo, enumerate_shells, translated
from bridge.settings import AgentSettings, Settings

_CONNECT = "session/Connect-Bridge.ps1"
_STATE = "session/Get-BridgeState.ps1"
_TOKEN_MARGIN = timedelta(minutes=5)
_LOGON_NAMES = {"certificate": "certificate", "app-secret": "access-token", "password": "password"}


@dataclass(frozen=True)
class BridgeState:
    """What the runspace is and how it is connected to Exchange.

    ``runspace`` is ``new`` or ``taken over``, ``connection`` ``new``, ``existing`` or, when Exchange is not connected,
    ``""``; ``token_expires`` is ISO 8601 in UTC or ``""``; ``missing_commands`` are the cmdlets that the roles do not
    grant.
    """

    runspace: str
    connection: str
    organization: str
    logon: str
    account: str
    power_shell_version: str
    power_shell_edition: str
    language_mode: str
    module_version: str
    commands: tuple[str, ...]
    missing_commands: tuple[str, ...]
    token_expires: str
    shell_id: str
    process_id: int
    memory_bytes: int


class Session:
    """The runspace that the settings name; a context manager that leaves it as the settings say.

    Not safe for several threads: pypsrp is not. ``listener`` is told of each step and each exchange, ``hide`` of
    a secret that comes up on the way (a token), so that no log shows it.
    """

    def __init__(
        self,
        settings: Settings,
        scripts: ScriptFolder,
        *,
        listener: Listener | None = None,
        hide: Callable[[str], None] | None = None,
    ) -> None:
        self._settings = settings
        self._scripts = scripts
        self._listener: Listener = listener or _nobody
        self._hide = hide or _nobody
        self._wsman: ObservedWSMan | None = None
        self._pool: RunspacePool | None = None
        self._keys_exchanged = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.leave()

    def open(self) -> BridgeState:
        """Take the runspace over or open it, and connect Exchange where it is not connected.

        Raises AgentError and ExchangeError.
        """
        taken_over = self._reach()
        try:
            state = self._read_state("taken over") if taken_over else None
            if state is None or not self._fits(state):
                state = self._connect_exchange("taken over" if taken_over else "new")
        except (errors.ExchangeError, errors.AgentError):
            if not taken_over:
                self.close()
            raise
        if state.missing_commands:
            self._listener("cmdlets missing", cmdlets=", ".join(state.missing_commands))
        self._listener(
            "exchange connected",
            connection=state.connection,
            organization=state.organization,
            logon=state.logon,
            module=state.module_version,
            powershell=state.power_shell_version,
        )
        return state

    def look(self) -> BridgeState | None:
        """The state of the runspace if it is there and free, without connecting Exchange; None when there is none."""
        if all(not info.mine for info in enumerate_shells(self._connection())):
            return None
        return self._read_state("taken over") if self._reach(may_open=False) else None

    def run(self, script: str, parameters: Mapping[str, Any], on_record: OnRecord, *, call_id: str = "") -> Reply:
        """Run a script in the open runspace; see bridge.model.Runspace."""
        pool, wsman = self._open_pool()
        if any(hasattr(value, "get_secret_value") for value in parameters.values()):
            self._exchange_keys()
        text = self._scripts.get(script).text
        pipeline_id = str(uuid.UUID(call_id)) if call_id else str(uuid.uuid4())
        return Pipeline(pool, wsman, text, parameters, pipeline_id, on_record).run()

    def leave(self) -> None:
        """Let go of the runspace: disconnect it for the next process, or close it, as [agent] on_exit says.

        Never raises: what was done is done, and the agent ends a runspace that is left alone by itself.
        """
        if self._settings.agent.on_exit == "close":
            self.close()
            return
        with self._letting_go("runspace not disconnected") as pool:
            if pool is not None and pool.state == RunspacePoolState.OPENED:
                pool.disconnect()
                self._listener("runspace disconnected", idle_timeout=self._settings.agent.idle_timeout)

    def close(self) -> None:
        """End the runspace on the agent, and with it the connection to Exchange. Never raises."""
        with self._letting_go("runspace not closed") as pool:
            if pool is not None:
                # After a failed open() the shell may be there all the same; close() deletes it.
                pool.close()
                self._listener("runspace closed")

    # --- the runspace

    def _reach(self, *, may_open: bool = True) -> bool:
        """Take the named runspace over (True) or open it (False)."""
        agent = self._settings.agent
        wsman = self._connection()
        mine = [info for info in enumerate_shells(wsman) if info.mine]
        free = [info for info in mine if info.state != "Connected"]
        if mine and not free:
            raise errors.RunspaceBusy(
                f"The runspace {agent.runspace_name!r} on {agent.host} is in use by another client "
                f"({mine[0].client_ip or 'address not known'}), for {mine[0].run_seconds:.0f} s since it was opened."
            )
        if free:
            try:
                self._take_over(wsman, free[0])
            except errors.RunspaceLost:
                # It ended between the two requests.
                self._listener("runspace gone", shell=free[0].shell_id)
            else:
                return True
        if may_open:
            self._open_new(wsman)
        return False

    def _take_over(self, wsman: ObservedWSMan, info: RunspaceInfo) -> None:
        pool = self._new_pool(wsman)
        pool.id = info.shell_id
        pool.shell.id = info.shell_id
        pool.shell.opened = True
        pool.state = RunspacePoolState.DISCONNECTED
        # pypsrp sets this itself only in get_runspace_pools(), which asks for every shell of the account and forgets
        # the names by which ours is known.
        pool._new_client = True
        with translated(self._settings.agent, maybe_sent=False):
            pool.connect()
        self._pool = pool
        self._listener("runspace taken over", runspace=info.shell_id, idle_seconds=round(info.idle_seconds))

    def _open_new(self, wsman: ObservedWSMan) -> None:
        agent = self._settings.agent
        pool = self._new_pool(wsman)
        self._pool = pool
        try:
            with translated(agent, maybe_sent=False):
                pool.open()
        except errors.AgentError:
            self.close()
            raise
        self._listener("runspace opened", runspace=pool.id, configuration=agent.configuration_name)

    def _new_pool(self, wsman: ObservedWSMan) -> RunspacePool:
        agent = self._settings.agent
        pool = RunspacePool(wsman, configuration_name=agent.configuration_name, idle_timeout=agent.idle_timeout)
        pool.shell.name = agent.runspace_name
        self._keys_exchanged = False
        return pool

    def _exchange_keys(self) -> None:
        """Once for each client of a runspace; needed before a SecureString can be sent."""
        pool, _ = self._open_pool()
        if not self._keys_exchanged:
            with translated(self._settings.agent, maybe_sent=False):
                pool.exchange_keys()
            self._keys_exchanged = True

    def _connection(self) -> ObservedWSMan:
        if self._wsman is None:
            with translated(self._settings.agent, maybe_sent=False):
                self._wsman = ObservedWSMan(self._settings.agent, self._listener)
        return self._wsman

    def _open_pool(self) -> tuple[RunspacePool, ObservedWSMan]:
        if self._pool is None or self._wsman is None:
            raise errors.RunspaceLost("There is no open runspace.")
        return self._pool, self._wsman

    @contextlib.contextmanager
    def _letting_go(self, failure: str) -> Iterator[RunspacePool | None]:
        """The pool to let go of. A failure is told, not raised; the connection to the agent is closed afterwards."""
        pool, self._pool = self._pool, None
        try:
            with translated(self._settings.agent, maybe_sent=False):
                yield pool
        except errors.AgentError as error:
            self._listener(failure, error=error.message)
        finally:
            if self._wsman is not None:
                self._wsman.close()
                self._wsman = None

    # --- Exchange

    def _read_state(self, runspace: str) -> BridgeState:
        reply = self.run(_STATE, {}, self._on_record)
        if not reply.ok or not reply.output:
            raise self._setup_error(reply)
        return self._bridge_state(reply.output[0], runspace)

    def _connect_exchange(self, runspace: str) -> BridgeState:
        self._listener("connecting exchange", organization=self._settings.exchange.organization)
        reply = self.run(_CONNECT, self._logon_parameters(), self._on_record)
        if not reply.ok or not reply.output:
            raise self._setup_error(reply)
        return self._bridge_state(reply.output[0], runspace)

    def _logon_parameters(self) -> dict[str, Any]:
        """The parameters of Connect-Bridge.ps1. Raises ExchangeError when no token can be had."""
        exchange = self._settings.exchange
        parameters: dict[str, Any] = {
            "command_name": self._scripts.cmdlets(),
            "organization": exchange.organization,
            "delegated_organization": exchange.delegated_organization,
            "environment": exchange.environment,
            "app_id": exchange.app_id,
        }
        if exchange.logon == "certificate":
            parameters["certificate_thumbprint"] = exchange.certificate_thumbprint
        elif exchange.logon == "app-secret":
            token = access_token(exchange, timeout=self._settings.agent.read_timeout)
            self._hide(token.get_secret_value())
            parameters["access_token"] = token
        else:
            parameters |= {"user_name": exchange.user, "password": exchange.password}
        return {name: value for name, value in parameters.items() if value}

    def _fits(self, state: BridgeState) -> bool:
        """Whether the connection that is there is the one that the settings want, with all cmdlets, for a while."""
        exchange = self._settings.exchange
        logon = _LOGON_NAMES[exchange.logon]
        account = (
            logon,
            exchange.app_id,
            exchange.user if logon == "password" else "",
            exchange.organization,
            exchange.delegated_organization,
            exchange.environment,
        )
        if not state.connection or state.account.lower() != "|".join(account).lower():
            return False
        had = {name.lower() for name in (*state.commands, *state.missing_commands)}
        if not {name.lower() for name in self._scripts.cmdlets()} <= had:
            return False
        if logon != "access-token" or not state.token_expires:
            return True
        return datetime.fromisoformat(state.token_expires) > datetime.now(UTC) + _TOKEN_MARGIN

    def _bridge_state(self, row: Mapping[str, Any], runspace: str) -> BridgeState:
        pool, _ = self._open_pool()

        def text(name: str) -> str:
            return str(row.get(name) or "")

        return BridgeState(
            runspace=runspace,
            connection=text("connection"),
            organization=text("organization"),
            logon=text("logon"),
            account=text("account"),
            power_shell_version=text("power_shell_version"),
            power_shell_edition=text("power_shell_edition"),
            language_mode=text("language_mode"),
            module_version=text("module_version"),
            commands=_texts(row.get("command_name")),
            missing_commands=_texts(row.get("missing_command")),
            token_expires=text("token_expires"),
            shell_id=pool.id,
            process_id=int(row.get("process_id") or 0),
            memory_bytes=int(row.get("memory_bytes") or 0),
        )

    def _on_record(self, record: Record) -> None:
        self._listener(record.stream, message=record.message)

    def _setup_error(self, reply: Reply) -> errors.BridgeError:
        """What it means that the runspace could not be set up."""
        if not reply.errors:
            return errors.ExchangeError("The runspace could not be set up, and did not say why.")
        error = reply.errors[0]
        meaning = meaning_of_record(error_id=error.error_id, error_types=(error.exception_type, error.reason))
        message = error.message.rstrip(".") + "."
        kind = _SETUP_ERRORS.get(meaning.code)
        return kind(message) if kind else errors.ExchangeError(message, remedy=meaning.remedy)


_SETUP_ERRORS: dict[str, type[errors.ExchangeError]] = {
    "module-missing": errors.ModuleMissing,
    "wrong-organization": errors.WrongOrganization,
    "exchange-logon-refused": errors.ExchangeLogonRefused,
    "access-denied": errors.ExchangeLogonRefused,
    "logon-kind-gone": errors.LogonKindGone,
    "endpoint-without-scripts": errors.EndpointWithoutScripts,
}


def runspaces(settings: Settings, *, listener: Listener | None = None) -> list[RunspaceInfo]:
    """All shells that the agent shows this account, ours marked. Raises AgentError."""
    agent: AgentSettings = settings.agent
    with translated(agent, maybe_sent=False):
        wsman = ObservedWSMan(agent, listener or _nobody)
    try:
        return enumerate_shells(wsman)
    finally:
        wsman.close()


def _texts(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,) if value else ()
    return tuple(str(item) for item in value or ())


def _nobody(event: str, /, **facts: Any) -> None:
    """The listener where nobody listens."""
