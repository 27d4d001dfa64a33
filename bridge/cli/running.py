"""What a command needs to run: settings, a log, a session; with ``--simulate`` an agent too. Ended with the command.

Rules: with ``--simulate`` [agent] and [exchange] are the simulator's, whatever file and environment say; the other
sections count as always. ``log_setup`` has what is logged of the command itself.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bridge.cli.log_setup import logged, start_log, wire_trace
from bridge.errors import UsageError
from bridge.logs import Log, LogObserver
from bridge.program import NAME
from bridge.settings import Loaded, load_settings
from bridge.workplace import Workplace

if TYPE_CHECKING:
    from bridge.batch.sending import Sender
    from bridge.cli.options import Invocation, Options
    from bridge.model import Call, Observer, OnRow, Outcome
    from bridge.session import Session
    from bridge.session.wire_trace import WireTrace
    from bridge.simulator import Simulator, SimulatorOptions


class Running(Workplace):
    """A command under way: where its settings are from, and the simulator when there is one."""

    def __init__(
        self,
        loaded: Loaded,
        log: Log,
        simulator: Simulator | None,
        run_id: str,
        deadline: float | None = None,
        trace: WireTrace | None = None,
    ) -> None:
        super().__init__(
            loaded.settings, log, run_id, deadline=deadline, trace=trace, is_simulated=simulator is not None
        )
        self.loaded = loaded
        self.simulator = simulator

    def sender(
        self,
        session: Session,
        *,
        tell: Callable[[str], None] | None = None,
        is_halted: Callable[[], bool] | None = None,
    ) -> Sender:
        """What sends the calls of a batch in the open session; ``tell`` gets a sentence when it has to wait."""
        from bridge.batch.sending import Sender

        def wait_told(sentence: str) -> None:
            self.log.listen("waiting for the agent", message=sentence)
            if tell is not None:
                tell(sentence)

        patience = self.patience()
        return Sender(
            session,
            self.runner(session, patience),
            patience,
            unreachable=self.settings.batch.unreachable_timeout,
            tell=wait_told,
            is_halted=is_halted or (lambda: False),
        )

    def run(self, calls: Sequence[Call], on_row: OnRow | None = None) -> list[Outcome]:
        """The outcomes of the calls, in one session; what they change is in the journal.

        ``on_row`` takes the rows of reads one by one; see ``bridge.runner.run_calls``. Raises AgentError,
        ExchangeError, Interrupted, and JournalError before anything was sent.
        """
        from bridge.runner import run_calls

        with contextlib.ExitStack() as stack:
            observers: list[Observer] = []
            if any(call.changes for call in calls):
                command = f"{NAME} {calls[0].action.replace('.', ' ')}"
                observers.append(stack.enter_context(self.journaled(command)))
            session = stack.enter_context(self.session())
            session.open()
            return run_calls(
                calls, session, [*observers, LogObserver(self.log)], patience=self.patience(), on_row=on_row
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
