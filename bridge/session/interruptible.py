"""Waiting that Ctrl-C ends, on Windows too.

Windows wakes no socket call for a signal: Python's handler runs when the call returns, which may take as long as the
agent is silent (python/cpython#85609). There the call is made in a thread, and this one waits in short steps.
"""

from __future__ import annotations

import contextvars
import sys
import threading
from collections.abc import Callable
from typing import TypeVar

_Result = TypeVar("_Result")

_IS_DEAF = sys.platform == "win32"
_STEP_SECONDS = 0.1


def interruptible(function: Callable[[], _Result]) -> _Result:
    """What ``function`` gives. Raises what it raises, and at once what a handler of a signal raises meanwhile.

    In the latter case on Windows the function still runs, in a thread that nobody waits for.
    """
    # Signals are handled in the main thread alone.
    if not _IS_DEAF or threading.current_thread() is not threading.main_thread():
        return function()
    results: list[_Result] = []
    failures: list[BaseException] = []
    context = contextvars.copy_context()

    def work() -> None:
        try:
            results.append(context.run(function))
        except BaseException as error:  # for whoever waits
            failures.append(error)

    thread = threading.Thread(target=work, name="exchange", daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(_STEP_SECONDS)
    if failures:
        raise failures[0]
    return results[0]
