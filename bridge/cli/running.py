"""What a command needs to run: settings, a log, a session; with ``--simulate`` an agent too. Ended with the command.

Rules: with ``--simulate`` [agent] and [exchange] are the simulator's, whatever file and environment say; the other
sections count as always. ``log_setup`` has what is logged of the command itself.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from bridge.cli.log_setup import logged, start_log, wire_trace
from bridge.errors import UsageError
from bridge.logs import Log, LogObserver
from bridge.patience import Patience
from bridge.scripts import ScriptFolder
from bridge.session import Session
from bridge.settings import Loaded, Settings, load_settings

if TYPE_CHECKING:
    from bridge.actions.action import Action
    from bridge.cli.options import Invocation, Options
    from bridge.model import Call, Observer, OnRow, Outcome
    from bridge.runner import Runner
    from bridge.session.wire_trace import WireTrace
    from bridge.simulator import Simulator, SimulatorOptions


class Running:
    """A command under way: its settings, where they are from, its log, and the simulator when there is one."""

    def __init__(
        self,
        loaded: Loaded,
        log: Log,
        simulator: Simulator | None,
        run_id: str,
        deadline: float | None = None,
        trace: WireTrace | None = None,
    ) -> None:
        self.loaded = loaded
        self.run_id = run_id
        self._deadline = deadline
        self.settings: Settings = loaded.settings
        self.log = log
        self.simulator = simulator
        self.trace = trace
        self.scripts = ScriptFolder(self.settings.scripts.folder)

    def session(self) -> Session:
        """A session that is not open yet; what happens to it is logged."""
        return Session(
            self.settings,
            self.scripts,
            listener=self.log.listen,
            hide=self.log.redaction.add,
            deadline=self._deadline,
            trace=self.trace,
        )

    def defaults(self, action: Action) -> dict[str, Any]:
        """The values of the section of the settings that stands in for what is not given to this action."""
        section = getattr(self.settings, action.defaults) if action.defaults else None
        return section.model_dump() if isinstance(section, BaseModel) else {}

    def run(self, calls: Sequence[Call], on_row: OnRow | None = None) -> list[Outcome]:
        """The outcomes of the calls, in one session; what they change is in the journal.

        ``on_row`` takes the rows of reads one by one; see ``bridge.runner.run_calls``. Raises AgentError,
        ExchangeError, Interrupted, and JournalError before anything was sent.
        """
        from bridge.cli.journaling import journaled
        from bridge.runner import run_calls

        with journaled(self, self.run_id, calls) as observers, self.session() as session:
            session.open()
            everybody: list[Observer] = [*observers, LogObserver(self.log)]
            return run_calls(calls, session, everybody, patience=self.patience(), on_row=on_row)

    @property
    def organization(self) -> str:
        """The organization that the settings ask for."""
        exchange = self.settings.exchange
        return exchange.delegated_organization or exchange.organization

    def sha256_of(self, script: str) -> str:
        """The hash of a script's text. Raises ScriptError."""
        return self.scripts.get(script).sha256

    def runner(self, session: Session, patience: Patience | None = None) -> Runner:
        """A runner in the open session; what it does is logged."""
        from bridge.runner import Runner

        return Runner(session, [LogObserver(self.log)], patience or self.patience())

    def patience(self) -> Patience:
        """The waits that the settings allow."""
        settings = self.settings
        return Patience(
            retries=settings.agent.read_retries,
            throttle_pause=settings.exchange.throttle_pause,
            visibility=settings.exchange.visibility_timeout,
            deadline=self._deadline,
        )


@contextlib.contextmanager
def prepared(invocation: Invocation, *, agent: Mapping[str, Any] | None = None) -> Iterator[Running]:
    """Settings, log and simulator as the options say; ``agent`` replaces keys of [agent].

    Raises SettingsError, and UsageError when the simulator cannot be started.
    """
    options = invocation.options
    if options.tenant and not options.simulate:
        raise UsageError("--tenant is the organization of a simulator: give --simulate too.")
    with contextlib.ExitStack() as stack:
        simulator = stack.enter_context(embedded_simulator(options)) if options.simulate else None
        loaded = _load(options, simulator, agent or {})
        log = start_log(invocation, loaded.settings)
        stack.callback(log.close)
        stack.enter_context(logged(invocation, loaded.settings, log))
        trace = stack.enter_context(wire_trace(options.trace_wire, loaded.settings, log))
        yield Running(loaded, log, simulator, invocation.run, options.deadline, trace)


def embedded_simulator(options: Options) -> contextlib.AbstractContextManager[Simulator]:
    """The simulator of ``--simulate``; its organization is kept in ``--tenant``."""
    from bridge.simulator import SimulatorOptions

    tenant = options.tenant
    return simulator_of(
        SimulatorOptions(
            engine=options.engine, tenant=tenant if tenant and tenant.exists() else None, tenant_out=tenant
        )
    )


@contextlib.contextmanager
def simulator_of(options: SimulatorOptions) -> Iterator[Simulator]:
    """A simulator, started and stopped. Raises UsageError when it cannot be as it was asked for."""
    from bridge.simulator import Simulator, SimulatorError

    try:
        simulator = Simulator(options)
        simulator.start()
    except (SimulatorError, ValueError) as error:
        raise UsageError(f"The simulator cannot be started: {error}") from error
    except OSError as error:
        raise UsageError(f"The simulator cannot be started: {_said(error)}.") from error
    try:
        yield simulator
    finally:
        try:
            simulator.stop()
        except (SimulatorError, OSError) as error:
            said = _said(error) if isinstance(error, OSError) else str(error).rstrip(".")
            raise UsageError(
                f"The simulated organization could not be saved: {said}.",
                remedy="Give --tenant or --tenant-out a file that can be written.",
            ) from error


def _said(error: OSError) -> str:
    return f"{error.filename}: {error.strerror}" if error.filename else error.strerror or str(error)


def _load(options: Options, simulator: Simulator | None, agent: Mapping[str, Any]) -> Loaded:
    return load_settings(
        options.settings,
        overrides={
            "agent": agent,
            "log": {"file": str(options.log_file) if options.log_file else None, "level": options.log_level},
        },
        replacing=simulator.settings() if simulator else {},
    )
