"""The command line. The only part that prints, reads signals, or decides an exit code.

``main`` is the one place where an error becomes a message and an exit code:

    BridgeError                    its message, its remedy, its exit code
    a mistake in the command line  what it is, what would be right, 2
    Ctrl-C, SIGTERM                130, after the running call was stopped
    anything else                  one sentence and where the log is, 1; the traceback stands in the log alone
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import sys
import traceback
from collections.abc import Iterator, Sequence
from types import FrameType
from typing import TYPE_CHECKING, Any

import typer

from bridge.errors import BridgeError, Interrupted, OutcomeUnknown, SettingsError, UsageError
from bridge.model import Status
from bridge.program import NAME

if TYPE_CHECKING:
    from bridge.cli.options import Invocation

__all__ = ["main"]

_OBJECTS_UNTIL_COLLECTED = 100_000
_COMPLETE = "_EXO_BRIDGE_COMPLETE"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; ``arguments`` are those of the process unless given. Returns the exit code.

    Raises SystemExit, and nothing else: when a shell asks for completions, or nobody reads the output any more.
    """
    _put_off_the_first_collection()
    from bridge.cli import output
    from bridge.cli.app import build_app
    from bridge.cli.console_close import close_interrupts
    from bridge.cli.options import Invocation

    given = list(sys.argv[1:] if arguments is None else arguments)
    invocation = Invocation()
    output.prepare_streams()
    as_json = "--json" in given
    try:
        with _signals_interrupt(), close_interrupts():
            # The values are taken as they are: on Windows click would expand * and %NAME% in them.
            # A shell that asks for completions names them elsewhere.
            words = None if _COMPLETE in os.environ else given
            code = build_app(words)(
                given, prog_name=NAME, standalone_mode=False, windows_expand_args=False, obj=invocation
            )
    except BridgeError as error:
        return _report(invocation, error, as_json=as_json)
    except typer.TyperException as error:
        return _report(invocation, _usage(error), as_json=as_json)
    except (KeyboardInterrupt, typer.Abort):
        return _report(invocation, Interrupted("Stopped."), as_json=as_json)
    except Exception as error:
        if "-vv" in given and invocation.log is None:
            # Where in the code, without any value. The text of the error may hold a secret.
            sys.stderr.writelines(traceback.format_tb(error.__traceback__))
        return _report(invocation, _unforeseen(invocation, error), as_json=as_json)
    if code == Interrupted.exit_code:
        # typer makes this code, without a word, of a KeyboardInterrupt.
        return _report(invocation, Interrupted("Stopped."), as_json=as_json)
    return code if isinstance(code, int) else 0


def _put_off_the_first_collection() -> None:
    """Let garbage be looked for late the first time, and then as Python does.

    A short command is imports above all, which make many objects and no garbage (measured: a tenth of its time). A long
    one makes garbage steadily, which is found fastest while it is in the processor's cache: left until it was much, it
    took a tenth of the simulator's time, and more the larger the organization had become.
    """
    usual = gc.get_threshold()
    if usual[0] == _OBJECTS_UNTIL_COLLECTED:
        return

    def as_usual(phase: str, _info: dict[str, int]) -> None:
        if phase == "stop":
            gc.callbacks.remove(as_usual)
            gc.set_threshold(*usual)

    gc.callbacks.append(as_usual)
    gc.set_threshold(_OBJECTS_UNTIL_COLLECTED)


@contextlib.contextmanager
def _signals_interrupt() -> Iterator[None]:
    """SIGTERM, SIGHUP of a closed terminal, and Ctrl-Break on Windows end a command as Ctrl-C does."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before: dict[int, Any] = {}
    with contextlib.suppress(ValueError):  # not in the main thread: the process's owner decides
        for name in ("SIGTERM", "SIGHUP", "SIGBREAK"):
            number = getattr(signal, name, None)
            # What was told to be ignored, as nohup does with SIGHUP, stays ignored.
            if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
                before[number] = signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _report(invocation: Invocation, error: BridgeError, *, as_json: bool) -> int:
    """Tell a person or a program what went wrong; the exit code."""
    from bridge.cli import output

    message, remedy = invocation.redact(error.message), invocation.redact(error.remedy)
    mistakes = error.mistakes if isinstance(error, SettingsError) else []
    outcomes = error.outcomes if isinstance(error, Interrupted) else []
    code = error.exit_code
    if any(outcome.status is Status.UNKNOWN for outcome in outcomes):
        # Running it again is the wrong advice then, whatever ended it.
        code, remedy = OutcomeUnknown.exit_code, invocation.redact(OutcomeUnknown.remedy)
    # What was typed wrong, or stopped by hand, has no more to it.
    plain = error.code in (UsageError.code, Interrupted.code)
    try:
        if as_json:
            output.print_json(
                {
                    "run": invocation.run,
                    "problem": {"code": error.code, "message": message, "remedy": remedy},
                    "outcomes": [outcome.as_json() for outcome in outcomes],
                    "rows": [vars(mistake) for mistake in mistakes],
                }
            )
            return code
        output.print_outcomes(outcomes)
    except BridgeError:
        pass  # stdout takes nothing any more; stderr may
    output.print_error(message, remedy, mistakes, code="" if plain else error.code)
    return code


def _usage(error: typer.TyperException) -> UsageError:
    """A mistake that typer found, with the command whose help says what is right."""
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else NAME
    message = error.format_message().replace("Value error, ", "")
    return UsageError(
        message if message.endswith((".", "?", ")")) else f"{message}.", remedy=f"See `{command} --help`."
    )


def _unforeseen(invocation: Invocation, error: Exception) -> BridgeError:
    """An error that is a mistake in exo-bridge itself. Its own text may hold anything, and is not shown."""
    file = invocation.log.file if invocation.log else None
    return BridgeError(
        f"Something went wrong that exo-bridge did not foresee ({type(error).__name__}).",
        remedy=f"The traceback is in {file}; please report it." if file else "Please report it, with the command.",
    )
