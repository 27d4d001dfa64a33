"""Nobody but the same account reaches the resident process, or is taken for it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bridge.errors import UsageError
from bridge.helloid.resident.address import address_of, served, serving
from bridge.helloid.resident.channel import connect, listen
from tests.helloid.resident import LIMIT, own_address

_NOBODY = 65534
# Each becomes another account by itself, which may not be allowed to start this Python.
_CONNECT = (
    f"import os, socket, sys; os.setuid({_NOBODY}); s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]);"
    "print(s.recv(1))"
)
_LISTEN = (
    f"import os, socket, sys; os.setuid({_NOBODY}); s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]);"
    "s.listen(); os.chmod(sys.argv[1], 0o666); print(flush=True); s.accept(); sys.stdin.read()"
)

posix = pytest.mark.skipif(sys.platform == "win32", reason="there are no Unix sockets here")
as_root = pytest.mark.skipif(
    sys.platform == "win32" or os.geteuid() != 0, reason="only root can act as another account"
)


@posix
def test_a_folder_that_others_may_enter_is_refused() -> None:
    """Nothing is served in a folder that is not this account's alone."""
    with own_address() as address:
        Path(address).parent.chmod(0o755)
        with pytest.raises(PermissionError, match="not this account's alone"):
            listen(address)


@posix
def test_a_file_that_is_no_socket_is_left_alone() -> None:
    """Only a socket that a dead process left is taken away."""
    with own_address() as address:
        Path(address).write_text("precious", "utf-8")
        with pytest.raises(FileExistsError):
            listen(address)
        assert Path(address).read_text("utf-8") == "precious"


@posix
def test_a_socket_is_for_its_owner_alone() -> None:
    """No group and nobody else may open it, and it is gone when it is closed."""
    with own_address() as address:
        channel = listen(address)
        assert Path(address).stat().st_mode & 0o777 == 0o600
        channel.close()
        assert not Path(address).exists()


@as_root
def test_another_account_is_not_let_in() -> None:
    """Where somebody opened folder and socket to all, the system's word on who comes still counts."""
    with own_address() as address:
        channel = listen(address)
        Path(address).parent.chmod(0o755)
        Path(address).chmod(0o666)
        command = [sys.executable, "-c", _CONNECT, address]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as other:
            assert channel.accept(LIMIT) is None
            assert other.communicate()[0] == b"b''\n"
        channel.close()


@as_root
def test_another_account_is_not_taken_for_ours() -> None:
    """A client leaves before it said anything when somebody else serves the address."""
    with own_address() as address:
        Path(address).parent.chmod(0o777)
        command = [sys.executable, "-c", _LISTEN, address]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
            assert other.stdout is not None
            other.stdout.readline()
            with pytest.raises(PermissionError, match="another account"):
                connect(address, LIMIT)
            other.kill()


def test_one_process_serves_an_address() -> None:
    """Who serves it is known while it does, another one is refused, and afterwards it is free."""
    with own_address() as address:
        with serving(address):
            assert served(address).process_id == os.getpid()
            with pytest.raises(UsageError, match=f"Process {os.getpid()} serves"), serving(address):
                pytest.fail("it was served twice")
        assert served(address).process_id == 0


@posix
@pytest.mark.parametrize("name", ["", " ", "a/b", "/folder/", "x" * 200])
def test_what_can_be_no_name_is_told(name: str) -> None:
    """With what would be right."""
    with pytest.raises(UsageError) as told:
        address_of(name)
    assert "name" in told.value.remedy or "letters" in told.value.remedy


@posix
def test_a_name_is_a_socket_in_the_state_folder_and_a_path_is_itself() -> None:
    """Two accounts may use the same name."""
    assert address_of("bridge").startswith(os.environ["XDG_STATE_HOME"])
    assert address_of("/run/bridge/s") == "/run/bridge/s"
