"""The channel on Windows: a named pipe that only this account may open, and only from this machine.

Rules:

- The pipe's owner and the only entry of its access list are the user of this process, whatever groups it is in; an
  administrator's pipe would else belong to all administrators. Without its first instance being ours nothing is served.
- A client looks at the owner before it sends: a name alone proves nothing. It lets the server identify it and no more.
- Reads and writes are overlapped, so each has a limit of time.

Typed for Windows and not run anywhere else. ``_winapi`` is CPython's own, and what multiprocessing's pipes are made of.
Source: Microsoft, "CreateNamedPipeW", "Security Descriptor String Format", "GetSecurityInfo", "PeekNamedPipe".
"""

from __future__ import annotations

import _winapi
import contextlib
import ctypes
import sys
import time
from ctypes import wintypes

assert sys.platform == "win32"  # noqa: S101  # by this mypy knows that the module is for Windows alone

_PREFIX = "\\\\.\\pipe\\"
_FIRST_INSTANCE = 0x00080000  # FILE_FLAG_FIRST_PIPE_INSTANCE
_DUPLEX = 0x00000003  # PIPE_ACCESS_DUPLEX
_OVERLAPPED = 0x40000000  # FILE_FLAG_OVERLAPPED
_BYTES_FROM_HERE = 0x00000008  # PIPE_TYPE_BYTE | PIPE_READMODE_BYTE | PIPE_WAIT | PIPE_REJECT_REMOTE_CLIENTS
_UNLIMITED = 255  # PIPE_UNLIMITED_INSTANCES
_IDENTIFICATION = 0x00110000  # SECURITY_SQOS_PRESENT | SECURITY_IDENTIFICATION
_BUFFER = 65536
_TOKEN_QUERY, _TOKEN_USER = 0x0008, 1
_SDDL_REVISION = 1
_KERNEL_OBJECT, _OWNER = 6, 0x00000001  # SE_KERNEL_OBJECT, OWNER_SECURITY_INFORMATION
_BUSY_SECONDS = 0.05
_GONE = (_winapi.ERROR_BROKEN_PIPE, 232, 233)  # and ERROR_NO_DATA, ERROR_PIPE_NOT_CONNECTED

_kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)
_advapi32 = ctypes.WinDLL("advapi32", use_last_error=True)
# Handles and pointers are wider than the int that ctypes takes each argument for.
_kernel32.LocalFree.argtypes = (ctypes.c_void_p,)
_kernel32.PeekNamedPipe.argtypes = (wintypes.HANDLE, *[ctypes.c_void_p] * 5)
_advapi32.OpenProcessToken.argtypes = (wintypes.HANDLE, wintypes.DWORD, ctypes.c_void_p)
_advapi32.GetTokenInformation.argtypes = (
    wintypes.HANDLE,
    ctypes.c_int,
    ctypes.c_void_p,
    wintypes.DWORD,
    ctypes.c_void_p,
)
_advapi32.ConvertSidToStringSidW.argtypes = (ctypes.c_void_p, ctypes.c_void_p)
_advapi32.ConvertStringSecurityDescriptorToSecurityDescriptorW.argtypes = (
    wintypes.LPCWSTR,
    wintypes.DWORD,
    ctypes.c_void_p,
    ctypes.c_void_p,
)
_advapi32.GetSecurityInfo.argtypes = (wintypes.HANDLE, ctypes.c_int, wintypes.DWORD, *[ctypes.c_void_p] * 5)


class _SecurityAttributes(ctypes.Structure):
    _fields_ = (("length", wintypes.DWORD), ("descriptor", ctypes.c_void_p), ("inherit", wintypes.BOOL))


class PipeConnection:
    """One instance of the pipe with somebody at its other end."""

    def __init__(self, handle: int) -> None:
        self._handle = handle

    def receive(self, most: int, seconds: float) -> bytes:
        """See ``channel.Connection``."""
        try:
            overlapped, _ = _winapi.ReadFile(self._handle, most, overlapped=True)
            _finish(overlapped, seconds)
        except OSError as error:
            if error.winerror in _GONE:
                return b""
            raise
        return bytes(overlapped.getbuffer() or b"")

    def send(self, data: bytes, seconds: float) -> None:
        """See ``channel.Connection``."""
        until = time.monotonic() + seconds
        left = memoryview(data)
        while left:
            overlapped, _ = _winapi.WriteFile(self._handle, left[:_BUFFER], overlapped=True)
            left = left[_finish(overlapped, until - time.monotonic()) :]

    def is_gone(self) -> bool:
        """See ``channel.Connection``."""
        return not _kernel32.PeekNamedPipe(self._handle, None, 0, None, None, None)

    def close(self) -> None:
        """See ``channel.Connection``. What was written and not read yet stays readable at the other end."""
        with contextlib.suppress(OSError):
            _winapi.CloseHandle(self._handle)


class PipeChannel:
    """The instances of the pipe: always one that waits for the next client."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._waiting: int | None = _instance(name, is_first=True)

    def accept(self, seconds: float) -> PipeConnection | None:
        """See ``channel.Channel``."""
        handle = self._waiting if self._waiting is not None else _instance(self._name)
        self._waiting = handle
        try:
            overlapped = _winapi.ConnectNamedPipe(handle, overlapped=True)
            _finish(overlapped, seconds)
        except TimeoutError:
            return None
        except OSError as error:
            if error.winerror == _winapi.ERROR_NO_DATA:  # it came, and left again
                self._waiting = _instance(self._name)
                _winapi.CloseHandle(handle)
                return None
            raise
        # The next instance is there before this one can go, or the name would be free in between.
        self._waiting = _instance(self._name)
        return PipeConnection(handle)

    def close(self) -> None:
        """See ``channel.Channel``."""
        handle, self._waiting = self._waiting, None
        if handle is not None:
            with contextlib.suppress(OSError):
                _winapi.CloseHandle(handle)


def listen(address: str) -> PipeChannel:
    """Serve the pipe of this name. Raises OSError, PermissionError where somebody else has the name."""
    return PipeChannel(_PREFIX + address)


def connect(address: str, seconds: float) -> PipeConnection:
    """Connect to who serves this name. Raises OSError, PermissionError where that is another account."""
    until = time.monotonic() + seconds
    access = _winapi.GENERIC_READ | _winapi.GENERIC_WRITE
    while True:
        try:
            handle = _winapi.CreateFile(
                _PREFIX + address,
                access,
                0,
                _winapi.NULL,
                _winapi.OPEN_EXISTING,
                _OVERLAPPED | _IDENTIFICATION,
                _winapi.NULL,
            )
            break
        except OSError as error:
            if error.winerror != _winapi.ERROR_PIPE_BUSY:
                raise
            if time.monotonic() >= until:
                raise TimeoutError(f"{address} lets nobody in") from None
            time.sleep(_BUSY_SECONDS)
    if _owner(handle) != _user():
        _winapi.CloseHandle(handle)
        raise PermissionError(f"the pipe {address} is another account's")
    return PipeConnection(handle)


def _finish(overlapped: _winapi.Overlapped, seconds: float) -> int:
    """How many bytes went over. Raises TimeoutError, with nothing under way any more, and OSError."""
    waited = _winapi.WaitForSingleObject(overlapped.event, max(0, round(seconds * 1000)))
    if waited == _winapi.WAIT_TIMEOUT:
        overlapped.cancel()
    size, error = overlapped.GetOverlappedResult(True)  # noqa: FBT003  # it takes no names
    if error == _winapi.ERROR_OPERATION_ABORTED:
        raise TimeoutError("not in time")
    return size


def _instance(name: str, *, is_first: bool = False) -> int:
    """A new instance of the pipe. Raises OSError."""
    descriptor = ctypes.c_void_p()
    user = _user()
    # O: its owner, D:P an access list that inherits nothing, FA all rights to a file.
    _check(
        _advapi32.ConvertStringSecurityDescriptorToSecurityDescriptorW(
            f"O:{user}D:P(A;;FA;;;{user})", _SDDL_REVISION, ctypes.byref(descriptor), None
        )
    )
    attributes = _SecurityAttributes(ctypes.sizeof(_SecurityAttributes), descriptor.value, 0)
    try:
        return _winapi.CreateNamedPipe(
            name,
            _DUPLEX | _OVERLAPPED | (_FIRST_INSTANCE if is_first else 0),
            _BYTES_FROM_HERE,
            _UNLIMITED,
            _BUFFER,
            _BUFFER,
            0,
            ctypes.addressof(attributes),
        )
    finally:
        _kernel32.LocalFree(descriptor)


def _user() -> str:
    """The security identifier of this process's user. Raises OSError."""
    token = wintypes.HANDLE()
    _check(_advapi32.OpenProcessToken(_winapi.GetCurrentProcess(), _TOKEN_QUERY, ctypes.byref(token)))
    try:
        size = wintypes.DWORD()
        _advapi32.GetTokenInformation(token, _TOKEN_USER, None, 0, ctypes.byref(size))
        # TOKEN_USER begins with a pointer to the identifier.
        buffer = ctypes.create_string_buffer(size.value)
        _check(_advapi32.GetTokenInformation(token, _TOKEN_USER, buffer, size, ctypes.byref(size)))
        return _as_text(ctypes.c_void_p.from_buffer(buffer))
    finally:
        _winapi.CloseHandle(token.value or 0)


def _owner(handle: int) -> str:
    """The security identifier of who owns a pipe. Raises OSError."""
    owner, descriptor = ctypes.c_void_p(), ctypes.c_void_p()
    code = _advapi32.GetSecurityInfo(
        handle, _KERNEL_OBJECT, _OWNER, ctypes.byref(owner), None, None, None, ctypes.byref(descriptor)
    )
    if code:
        raise ctypes.WinError(code)
    try:
        return _as_text(owner)
    finally:
        _kernel32.LocalFree(descriptor)


def _as_text(identifier: ctypes.c_void_p) -> str:
    text = ctypes.c_void_p()
    _check(_advapi32.ConvertSidToStringSidW(identifier, ctypes.byref(text)))
    try:
        return ctypes.wstring_at(text.value or 0)
    finally:
        _kernel32.LocalFree(text)


def _check(done: int) -> None:
    if not done:
        raise ctypes.WinError(ctypes.get_last_error())
