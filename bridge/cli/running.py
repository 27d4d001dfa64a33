"""What a command needs to run: settings, a log, a session; with ``--simulate`` an agent too. Ended with the command.

Rules: with ``--simulate`` [agent] and [exchange] are the simulator's, whatever file and environment say; the other
sections count as always. An error that nobody foresaw is written to the log
with its traceback, which is shown nowhere else: only the log knows which secrets to hide.
"""

from __future__ import annotations

import contextlib
import logging
import traceback
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import typer
from pydantic import BaseModel, SecretStr

from bridge.errors import BridgeError, UsageError
from bridge.logs import Log, LogObserver, configure
from bridge.patience import Patience
from bridge.scripts import ScriptFolder
from bridge.session import Session
from bridge.settings import Loaded, Settings, load_settings

if TYPE_CHECKING:
    from bridge.actions.action import Action
    from bridge.cli.options import Invocation, Options
    from bridge.model import Call, OnRow, Outcome
    from bridge.simulator import Simulator, SimulatorOptions


class Running:
    """A command under way: its settings, where they are from, its log, and the simulator when there is one."""

    def __init__(self, loaded: Loaded, log: Log, simulator: Simulator | None, deadline: float | None = None) -> None:
        self.loaded = loaded
        self._deadline = deadline
        self.settings: Settings = loaded.settings
        self.log = log
        self.simulator = simulator
        self.scripts = ScriptFolder(self.settings.scripts.folder)

    def session(self) -> Session:
        """A session that is not open yet; what happens to it is logged."""
        return Session(
            self.settings,
            self.scripts,
            listener=self.log.listen,
            hide=self.log.redaction.add,
            deadline=self._deadline,
        )

    def defaults(self, action: Action) -> dict[str, Any]:
        """The values of the section of the settings that stands in for what is not given to this action."""
        section = getattr(self.settings, action.defaults) if action.defaults else None
        return section.model_dump() if isinstance(section, BaseModel) else {}

    def run(self, calls: Sequence[Call], on_row: OnRow | None = None) -> list[Outcome]:
        """The outcomes of the calls, in one session. Raises AgentError, ExchangeError, Interrupted.

        ``on_row`` takes the rows of reads one by one; see ``bridge.runner.run_calls``.
        """
        from bridge.runner import run_calls

        with self.session() as session:
            session.open()
            return run_calls(calls, session, [LogObserver(self.log)], patience=self._patience(), on_row=on_row)

    def _patience(self) -> Patience:
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
        with told_when_unforeseen(log):
            yield Running(loaded, log, simulator, options.deadline)


@contextlib.contextmanager
def told_when_unforeseen(log: Log) -> Iterator[None]:
    """Write an error that nobody foresaw to the log, with its traceback, and raise it again."""
    try:
        yield
    except (BridgeError, typer.Exit, typer.TyperException):
        raise
    except Exception as error:
        log.event("unforeseen error", level=logging.ERROR, error=type(error).__name__, traceback=traceback.format_exc())
        raise


def start_log(invocation: Invocation, settings: Settings) -> Log:
    """Set the log up, and let the invocation know it."""
    options = invocation.options
    invocation.log = configure(
        verbosity=options.verbose,
        file=settings.log.effective_file,
        file_level=settings.log.level,
        secrets=_secrets(settings),
        run=invocation.run,
    )
    return invocation.log


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
        overrides={"agent": agent, "log": {"file": str(options.log_file) if options.log_file else None}},
        replacing=simulator.settings() if simulator else {},
    )


def _secrets(model: BaseModel) -> Iterator[str]:
    """Every secret value in the settings."""
    for name in type(model).model_fields:
        value = getattr(model, name)
        if isinstance(value, SecretStr):
            yield value.get_secret_value()
        elif isinstance(value, BaseModel):
            yield from _secrets(value)
