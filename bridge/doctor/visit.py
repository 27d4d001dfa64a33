"""What the checks of one walk know by now, and share: each leaves here what the later ones need.

Rules:

- Ours is taken over when it is there and free, because that is what every other command would do. Else a shell of the
  doctor's own is opened beside it, and closed in the end: nobody is waited for, and nothing is replaced.
- Nothing is ended and nothing removed unless ``fix`` says so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bridge.errors import BridgeError
from bridge.model import Listener
from bridge.scripts import ScriptFolder
from bridge.session import BridgeState, RunspaceInfo, Session
from bridge.session.probing import Answer
from bridge.session.wire_trace import WireTrace
from bridge.settings import Exposure, Settings

_OWN = "-doctor-"
_OWN_NAMES = 9
_OWN_IDLE_SECONDS = 60


@dataclass
class Visit:
    """One walk. ``listener``, ``hide`` and ``trace`` are the session's, and so is ``deadline``, in seconds.

    ``exposures`` is what of the settings others may read or write.
    """

    settings: Settings
    scripts: ScriptFolder
    listener: Listener
    hide: Callable[[str], None]
    deadline: float | None = None
    trace: WireTrace | None = None
    fix: bool = False
    exposures: Sequence[Exposure] = ()
    greeting: Answer | None = None
    greeting_error: BridgeError | None = None
    shells: list[RunspaceInfo] = field(default_factory=list)
    session: Session | None = None
    taken_over: bool = False
    facts: Mapping[str, Any] = field(default_factory=dict)
    clock_difference: float = 0.0
    state: BridgeState | None = None

    def own_settings(self, name: str) -> Settings:
        """The settings of a shell of the doctor's own, which is closed in the end."""
        own = {"runspace_name": name, "on_exit": "close", "idle_timeout": _OWN_IDLE_SECONDS}
        return self.settings.model_copy(update={"agent": self.settings.agent.model_copy(update=own)})

    @property
    def own_names(self) -> tuple[str, ...]:
        """What a doctor's own shell may be called: few names, because each has a place to wait in line for it."""
        return tuple(f"{self.settings.agent.runspace_name}{_OWN}{number}" for number in range(1, _OWN_NAMES + 1))

    @property
    def mine(self) -> list[RunspaceInfo]:
        """The shells that the settings name."""
        return [info for info in self.shells if info.mine]

    def open(self) -> None:
        """Reach a runspace. Raises AgentError."""
        mine = self.mine
        is_free = len(mine) == 1 and mine[0].state != "Connected"
        taken = {info.name for info in self.shells}
        own = next((name for name in self.own_names if name not in taken), self.own_names[-1])
        settings = self.settings if is_free else self.own_settings(own)
        self.session = Session(
            settings,
            self.scripts,
            listener=self.listener,
            hide=self.hide,
            deadline=self.deadline,
            trace=self.trace,
        )
        self.taken_over = self.session.reach()

    def ask(self, script: str, **parameters: Any) -> Mapping[str, Any]:
        """What a script of the session answers. Raises AgentError and ExchangeError."""
        return self._open_session().ask(script, {name: value for name, value in parameters.items() if value})

    def connect(self) -> BridgeState:
        """Connect Exchange. Raises AgentError and ExchangeError."""
        self.state = self._open_session().connect(taken_over=self.taken_over)
        return self.state

    def close(self) -> None:
        """Leave the runspace as it was found. Never raises."""
        if self.session is not None:
            self.session.leave()

    def _open_session(self) -> Session:
        if self.session is None:
            raise RuntimeError("the checks that need a runspace come after the one that reaches it")
        return self.session
