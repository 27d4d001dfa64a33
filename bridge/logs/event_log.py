"""Windows' Event Log: warnings and errors of exo-bridge go to the log Application, under the source ``exo-bridge``.

Rules: the source is not registered, because that takes an administrator and a message file; Event Viewer then says so
above the text, and shows the text all the same. An event that cannot be written is left out: the file has it too.
Source: Microsoft, "ReportEventW" and "RegisterEventSourceW" (advapi32).
"""

from __future__ import annotations

import logging
import sys
from typing import Any

from bridge.logs.people import line_for_people

SOURCE = "exo-bridge"

if sys.platform == "win32":
    import ctypes
    from ctypes import wintypes

    _ERROR, _WARNING = 1, 2
    _EVENT_ID = 1
    # An event's text holds 31,839 characters at most.
    _LONGEST = 31_000

    class EventLog:
        """A sink for the log. Raises OSError when there is no Event Log to write to."""

        def __init__(self) -> None:
            self._advapi32 = ctypes.WinDLL("advapi32", use_last_error=True)
            self._advapi32.RegisterEventSourceW.argtypes = [wintypes.LPCWSTR, wintypes.LPCWSTR]
            self._advapi32.RegisterEventSourceW.restype = wintypes.HANDLE
            self._advapi32.ReportEventW.argtypes = [
                wintypes.HANDLE,
                wintypes.WORD,
                wintypes.WORD,
                wintypes.DWORD,
                wintypes.LPVOID,
                wintypes.WORD,
                wintypes.DWORD,
                ctypes.POINTER(wintypes.LPCWSTR),
                wintypes.LPVOID,
            ]
            self._advapi32.ReportEventW.restype = wintypes.BOOL
            self._advapi32.DeregisterEventSource.argtypes = [wintypes.HANDLE]
            self._source = self._advapi32.RegisterEventSourceW(None, SOURCE)
            if not self._source:
                raise ctypes.WinError(ctypes.get_last_error())

        def msg(self, event: str, *, level: int, **facts: Any) -> None:
            """Write one event, if it is a warning or worse."""
            if level < logging.WARNING:
                return
            text = line_for_people("", logging.getLevelName(level).lower(), {"event": event, **facts}, ()).strip()
            # A text ends at the first NUL.
            strings = (wintypes.LPCWSTR * 1)(text.replace("\0", " ")[:_LONGEST])
            kind = _ERROR if level >= logging.ERROR else _WARNING
            self._advapi32.ReportEventW(self._source, kind, 0, _EVENT_ID, None, 1, 0, strings, None)

        def close(self) -> None:
            """Let go of the source."""
            self._advapi32.DeregisterEventSource(self._source)

else:

    class EventLog:
        """There is none: only Windows has it."""

        def __init__(self) -> None:
            raise OSError("only Windows has an Event Log")

        def msg(self, event: str, *, level: int, **facts: Any) -> None:
            """Never reached."""

        def close(self) -> None:
            """Never reached."""
