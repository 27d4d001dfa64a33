"""Exchange in the runspace: how it stands there, and connecting it.

Rules:

- Whoever takes a runspace over looks at what is there (Get-BridgeState.ps1), and connects again only where the account,
  the cmdlets or the token do not fit.
- A JEA endpoint is looked at first: with other scripts than these, nothing is run in it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from bridge import errors
from bridge.jea import function_name, scripts_sha256
from bridge.model import Listener, Reply
from bridge.scripts import ScriptFolder
from bridge.session.exchange import BridgeState, bridge_state, fits
from bridge.session.exchange_logon import logon_parameters, setup_error
from bridge.session.runspace import NamedRunspace
from bridge.settings import Settings

_CONNECT = "session/Connect-Bridge.ps1"
_STATE = "session/Get-BridgeState.ps1"


class ExchangeSetup:
    """Connects Exchange in the open runspace.

    ``run`` runs a script there and raises AgentError; ``hide`` is told of a secret that comes up on the way (a token).
    Each method raises AgentError, which says that no call was sent, and ExchangeError.
    """

    def __init__(
        self,
        settings: Settings,
        scripts: ScriptFolder,
        runspace: NamedRunspace,
        run: Callable[[str, Mapping[str, Any]], Reply],
        *,
        listener: Listener,
        hide: Callable[[str], None],
    ) -> None:
        self._settings = settings
        self._scripts = scripts
        self._runspace = runspace
        self._run = run
        self._listener = listener
        self._hide = hide

    def set_up(self, runspace: str) -> BridgeState:
        """Connect Exchange where it is not connected as it should be; ``runspace`` is ``new`` or ``taken over``."""
        is_jea = self._settings.agent.jea
        state = self.read_state(runspace) if is_jea or runspace == "taken over" else None
        if state is not None and is_jea:
            self._check_installed(state)
        if state is None or not self.fits(state):
            state = self.connect(runspace)
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

    def fits(self, state: BridgeState) -> bool:
        """Whether Exchange is connected as the settings want it, with the cmdlets that the scripts need."""
        return fits(state, self._settings.exchange, self._scripts.cmdlets())

    def read_state(self, runspace: str) -> BridgeState:
        """How Exchange stands in the runspace."""
        return self._state(self._send(_STATE, {}), runspace)

    def connect(self, runspace: str) -> BridgeState:
        """Connect Exchange, whatever was connected before."""
        exchange = self._settings.exchange
        self._listener("connecting exchange", organization=exchange.organization)
        parameters = logon_parameters(
            exchange,
            self._scripts.cmdlets(),
            timeout=self._settings.agent.read_timeout,
            hide=self._hide,
            run=self._send,
        )
        return self._state(self._send(_CONNECT, parameters), runspace)

    def ask(self, script: str, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """The one object that a script of the session answers."""
        reply = self._send(script, parameters)
        self._check_answered(reply)
        return reply.output[0]

    def _send(self, script: str, parameters: Mapping[str, Any]) -> Reply:
        try:
            reply = self._run(script, parameters)
        except errors.AgentError as error:
            error.maybe_sent = False
            raise
        if self._settings.agent.jea and reply.errors and function_name(script) == reply.errors[0].target:
            raise errors.InstalledScriptsDiffer(
                f"The endpoint {self._settings.agent.configuration_name!r} has no function {function_name(script)}."
            )
        return reply

    def _state(self, reply: Reply, runspace: str) -> BridgeState:
        self._check_answered(reply)
        return bridge_state(reply.output[0], runspace, self._runspace.id)

    def _check_installed(self, state: BridgeState) -> None:
        """Refuse a JEA endpoint whose functions are not these scripts. Raises InstalledScriptsDiffer."""
        wanted, installed = scripts_sha256(self._scripts), state.installed_scripts
        if installed != wanted:
            raise errors.InstalledScriptsDiffer(
                f"The endpoint {self._settings.agent.configuration_name!r} has other scripts than this client: their "
                f"hash is {installed[:12] or 'not there'}, and {wanted[:12]} here. Nothing was run."
            )

    def _check_answered(self, reply: Reply) -> None:
        """Raise what it means that a script of the session did not answer."""
        if not reply.ok or not reply.output:
            raise setup_error(reply, self._settings.exchange.logon)
