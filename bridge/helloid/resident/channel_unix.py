"""The channel where there are Unix sockets: one in a folder that only this account may enter.

Rules:

- The folder is this account's and nobody else may enter it, or nothing is served there. Beyond that the system is
  asked on both ends whose process the other is: a socket's path alone proves nothing to a client.
- The account is the effective user id. Root may do everything anyway, and is refused all the same.

Source: unix(7) for SO_PEERCRED on Linux; unix(4) of macOS and FreeBSD for LOCAL_PEERCRED and struct xucred.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
import stat
import struct
import sys
import time
from pathlib import Path

assert sys.platform != "win32"  # noqa: S101  # by this mypy knows that the module is not for Windows

_SOL_LOCAL, _LOCAL_PEERCRED = 0, 1
_XUCRED = struct.Struct("=II")
_XUCRED_SIZE = 76
_LONGEST_PATH = 103
"""Bytes; macOS takes one less than 104, Linux 107."""
_BACKLOG = 32
_POLL_SECONDS = 0.05


class UnixConnection:
    """A connected socket."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected

    def receive(self, most: int, seconds: float) -> bytes:
        """See ``channel.Connection``."""
        self._socket.settimeout(max(seconds, 0.001))
        return self._socket.recv(most)

    def send(self, data: bytes, seconds: float) -> None:
        """See ``channel.Connection``."""
        self._socket.settimeout(max(seconds, 0.001))
        self._socket.sendall(data)

    def is_gone(self) -> bool:
        """See ``channel.Connection``."""
        try:
            readable, _, _ = select.select([self._socket], [], [], 0)
            return bool(readable) and not self._socket.recv(1, socket.MSG_PEEK)
        except (OSError, ValueError):
            return True

    def close(self) -> None:
        """See ``channel.Connection``."""
        with contextlib.suppress(OSError):
            self._socket.close()


class UnixChannel:
    """A listening socket."""

    def __init__(self, listening: socket.socket, path: Path) -> None:
        self._socket = listening
        self._path = path

    def accept(self, seconds: float) -> UnixConnection | None:
        """See ``channel.Channel``."""
        self._socket.settimeout(max(seconds, 0.001))
        try:
            connected, _ = self._socket.accept()
        except (TimeoutError, ConnectionAbortedError):
            return None
        if not _is_own(connected):
            connected.close()
            return None
        return UnixConnection(connected)

    def close(self) -> None:
        """See ``channel.Channel``."""
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            self._socket.close()


def listen(address: str) -> UnixChannel:
    """Serve this path; a socket that a dead process left there is taken away.

    The caller holds the lock of the address, so nobody alive serves it. Raises OSError, PermissionError where others
    may enter the folder, and ValueError where the path is too long for a socket.
    """
    path = Path(address)
    check_length(path)
    _check_folder(path.parent)
    with contextlib.suppress(FileNotFoundError):
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise FileExistsError(f"{path} is there and is no socket")
        path.unlink()
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listening.bind(address)
        path.chmod(0o600)
        listening.listen(_BACKLOG)
    except BaseException:
        listening.close()
        raise
    return UnixChannel(listening, path)


def connect(address: str, seconds: float) -> UnixConnection:
    """Connect to who serves this path. Raises OSError, PermissionError where that is another account."""
    connected = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        _reach(connected, address, time.monotonic() + seconds)
        is_own = _is_own(connected)
    except BaseException:
        connected.close()
        raise
    if not is_own:
        connected.close()
        raise PermissionError(f"{address} is served by another account")
    return UnixConnection(connected)


def _reach(connected: socket.socket, address: str, until: float) -> None:
    while True:
        connected.settimeout(max(until - time.monotonic(), 0.001))
        try:
            return connected.connect(address)
        except BlockingIOError:  # so many wait to be let in
            if time.monotonic() >= until:
                raise TimeoutError(f"{address} lets nobody in") from None
            time.sleep(_POLL_SECONDS)


def check_length(path: Path) -> None:
    """Raise ValueError where a path is too long for a socket."""
    length = len(os.fsencode(path))
    if length > _LONGEST_PATH:
        raise ValueError(f"the path of a socket has {_LONGEST_PATH} bytes at most, and {path} has {length}")


def _check_folder(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.stat()
    if found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) & 0o077:
        raise PermissionError(f"{folder} is not this account's alone; `chmod 700` makes it so")


def _is_own(connected: socket.socket) -> bool:
    """Whether the process at the other end is of this account."""
    return _peer(connected) == os.geteuid()


def _peer(connected: socket.socket) -> int:
    """The effective user id of the other end, as it was when it connected or listened; -1 when it is not told."""
    with contextlib.suppress(OSError, struct.error):
        if sys.platform == "linux":
            credentials = struct.Struct("3i")
            got = connected.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, credentials.size)
            user: int = credentials.unpack(got)[1]
        else:
            _, user = _XUCRED.unpack_from(connected.getsockopt(_SOL_LOCAL, _LOCAL_PEERCRED, _XUCRED_SIZE))
        return user
    return -1
