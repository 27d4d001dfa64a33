"""A console window that is closed, a log-off, a shutdown: on Windows they come by another way than Ctrl-C.

Windows calls a handler in a thread of its own and ends the process when that returns, five seconds later at most for
a window that is closed. So the handler asks the main thread to stop, as Ctrl-C would, and waits. Typed for Windows and
not run anywhere else. Source: Microsoft, "HandlerRoutine callback function" and "SetConsoleCtrlHandler function".
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

CLOSE_EVENTS = (2, 5, 6)
"""CTRL_CLOSE_EVENT, CTRL_LOGOFF_EVENT, CTRL_SHUTDOWN_EVENT."""
_SECONDS = 4.5

if sys.platform == "win32":
    import _thread
    import ctypes
    import threading

    @contextmanager
    def close_interrupts() -> Iterator[None]:
        """While this is entered, a console that is closed raises KeyboardInterrupt in the main thread."""
        ended = threading.Event()

        def handle(event: int) -> int:
            if event not in CLOSE_EVENTS:
                return 0
            _thread.interrupt_main()
            ended.wait(_SECONDS)
            return 1

        # It is called as long as it is registered, so it is kept as long.
        handler = ctypes.WINFUNCTYPE(ctypes.c_int, ctypes.c_uint)(handle)
        ctypes.windll.kernel32.SetConsoleCtrlHandler(handler, 1)
        try:
            yield
        finally:
            ended.set()
            ctypes.windll.kernel32.SetConsoleCtrlHandler(handler, 0)

else:

    @contextmanager
    def close_interrupts() -> Iterator[None]:
        """Elsewhere a terminal that is closed sends SIGHUP, which is a signal like SIGTERM; nothing is to be done."""
        yield
