"""Both kinds of shell, driven by a PSRP client without WSMan between: the same programs must give the same.

A program is a script for the real PowerShell and a function that does the same for the contract shell.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree as ET

import psrpcore
import pytest
from psrpcore.types import PSInvocationState, PSSecureString

from bridge.simulator.engine import Command, EngineRunspace, ErrorInfo, Pipeline, TerminatingError
from bridge.simulator.shells import outbox
from bridge.simulator.shells.base import Shell
from bridge.simulator.shells.contract import ContractShell
from bridge.simulator.shells.powershell import PowerShellShell, server_command
from bridge.simulator.wsman_fault import (
    ABORTED,
    CONNECTED_TO_OTHER_CLIENT,
    OPERATION_TIMED_OUT,
    SHELL_NOT_FOUND,
    WsmanFault,
)
from tests.simulator.shell_client import MAX_BYTES, STOP, TERMINATE, Result, ShellClient

MANAGED_EXCEPTION = 0x80540FA0
BIG = "x\u20ac" * 700_000
NOT_FOUND = ErrorInfo(
    message="There is no user 'nobody'.",
    reason="ManagementObjectNotFoundException",
    exception_type="System.Exception",
    error_id="Bridge.NotFound",
    category="ObjectNotFound",
    activity="Get-User",
    target="nobody",
)
RECORD = (
    "$e = [Management.Automation.ErrorRecord]::new([Exception]::new(\"There is no user 'nobody'.\"), "
    "'Bridge.NotFound', 'ObjectNotFound', 'nobody'); $e.CategoryInfo.Activity = 'Get-User'; "
    "$e.CategoryInfo.Reason = 'ManagementObjectNotFoundException'; "
)


@dataclass(frozen=True)
class Program:
    """The same in PowerShell and in Python."""

    script: str
    function: Callable[[Pipeline], None]


def _types(pipeline: Pipeline) -> None:
    pipeline.output(
        {
            "Text": "a\r\n\u20ac\U0001f600_x0041_",
            "Yes": True,
            "Number": -7,
            "Long": 2**40,
            "Nothing": None,
            "Half": 0.5,
            "Id": uuid.UUID(int=1),
            "List": ["x", 1, None],
            "Empty": [],
            "Table": {"Id": "1", "Inner": {"z": False}},
        }
    )
    pipeline.output("text")
    pipeline.output(None)
    pipeline.output(-(2**40))


def _records(pipeline: Pipeline) -> None:
    pipeline.verbose("reading")
    pipeline.output(1)
    pipeline.warning("careful")
    pipeline.error(NOT_FOUND)
    pipeline.output(2)


def _fail(pipeline: Pipeline) -> None:
    pipeline.output(1)
    raise TerminatingError(NOT_FOUND)


def _endless(pipeline: Pipeline) -> None:
    while True:
        pipeline.output("tick")
        time.sleep(0.02)


def _slow(pipeline: Pipeline) -> None:
    for number in range(1, 7):
        pipeline.output(number)
        time.sleep(0.1)


def _secret(pipeline: Pipeline) -> None:
    given = pipeline.commands[0].parameters["Secret"]
    pipeline.output(given.reveal()[::-1])


def _many(pipeline: Pipeline) -> None:
    for _ in range(300):
        pipeline.output("x" * 1000)


def _twice(pipeline: Pipeline) -> None:
    for value in pipeline.read():
        pipeline.output(value * 2)


TYPES = Program(
    "[pscustomobject]@{ Text = \"a`r`n\u20ac\" + [char]::ConvertFromUtf32(0x1f600) + '_x0041_'; Yes = $true; "
    "Number = -7; Long = [long] 1099511627776; Nothing = $null; Half = 0.5; "
    "Id = [guid] '00000000-0000-0000-0000-000000000001'; List = @('x', 1, $null); Empty = @(); "
    "Table = @{ Id = '1'; Inner = @{ z = $false } } }; 'text'; $null; [long] -1099511627776",
    _types,
)
RECORDS = Program(
    "[CmdletBinding()] param() Write-Verbose 'reading'; 1; Write-Warning 'careful'; "
    f"{RECORD} $PSCmdlet.WriteError($e); 2",
    _records,
)
FAIL = Program(f"1; {RECORD} throw $e", _fail)
ENDLESS = Program("while ($true) { 'tick'; Start-Sleep -Milliseconds 20 }", _endless)
SLOW = Program("foreach ($number in 1..6) { $number; Start-Sleep -Milliseconds 100 }", _slow)
BIG_OUT = Program('"x\u20ac" * 700000', lambda pipeline: pipeline.output(BIG))
LENGTH = Program(
    "param([string] $Text) $Text.Length",
    lambda pipeline: pipeline.output(len(pipeline.commands[0].parameters["Text"])),
)
SECRET = Program(
    "param([securestring] $Secret) $letters = [Net.NetworkCredential]::new('', $Secret).Password.ToCharArray(); "
    "[array]::Reverse($letters); -join $letters",
    _secret,
)
TWICE = Program("process { $_ * 2 }", _twice)
MANY = Program("foreach ($number in 1..300) { 'x' * 1000 }", _many)
PROGRAMS = (TYPES, RECORDS, FAIL, ENDLESS, SLOW, BIG_OUT, LENGTH, SECRET, TWICE, MANY)


class Programs(EngineRunspace):
    """An engine that knows the programs."""

    def __init__(self) -> None:
        self.closed = False
        self.functions: dict[str, Callable[[Pipeline], None]] = {
            program.script: program.function for program in PROGRAMS
        }

    def run(self, pipeline: Pipeline) -> None:
        """Run the program whose script it is."""
        self.functions[pipeline.commands[0].text](pipeline)

    def close(self) -> None:
        """Remember that it was closed."""
        self.closed = True


def attributes(**other: Any) -> dict[str, Any]:
    """What every shell is made with."""
    values = {"shell_id": str(uuid.uuid4()), "owner": "alice", "resource_uri": "uri", "name": "job", "idle_timeout": 60}
    return values | other


@pytest.fixture(params=["contract", pytest.param("pwsh", marks=pytest.mark.pwsh)])
def shell(request: pytest.FixtureRequest) -> Iterator[Shell]:
    """A shell of each kind, not opened yet; no thread and no process of it may be left after its close."""
    threads = set(threading.enumerate())
    made: Shell
    if request.param == "contract":
        made = ContractShell(Programs(), **attributes())
    else:
        made = PowerShellShell(server_command(request.getfixturevalue("pwsh_path")), {}, **attributes())
    yield made
    made.close()
    assert set(threading.enumerate()) == threads
    if isinstance(made, PowerShellShell):
        assert not process_exists(made.process_id)


@pytest.fixture
def client(shell: Shell) -> ShellClient:
    """A client with the pool open."""
    opened = ShellClient(shell)
    opened.open()
    return opened


def process_exists(process_id: int) -> bool:
    """Whether there is a process of that id (a killed one that nobody waited for counts)."""
    if sys.platform == "win32":
        listed = subprocess.run(["tasklist", "/fi", f"pid eq {process_id}"], capture_output=True, check=True)
        is_listed = str(process_id).encode() in listed.stdout
    else:
        is_listed = subprocess.run(["ps", "-p", str(process_id)], capture_output=True, check=False).returncode == 0
    return is_listed


def fault_of(ask: Callable[[], object]) -> int:
    """The code of the fault that a request gets."""
    with pytest.raises(WsmanFault) as caught:
        ask()
    return caught.value.code


def test_attributes(shell: Shell) -> None:
    """A new shell is connected, has its id in upper case and no pipeline."""
    assert shell.id == shell.id.upper()
    assert (shell.owner, shell.name, shell.connected, shell.closed) == ("alice", "job", True, False)
    assert shell.pipelines() == []
    assert not shell.busy()


def test_output_types(client: ShellClient) -> None:
    """Values arrive as the types that a real PowerShell sends."""
    result = client.run(TYPES.script)
    assert result.state == PSInvocationState.Completed
    row, text, nothing, long = result.output
    assert (text, nothing, long) == ("text", None, -(2**40))
    assert row.PSObject.type_names[0] == "System.Management.Automation.PSCustomObject"
    assert {one.name: type(one.get_value(row)).__name__ for one in row.PSObject.extended_properties} == {
        "Text": "PSString",
        "Yes": "bool",
        "Number": "PSInt",
        "Long": "PSInt64",
        "Nothing": "NoneType",
        "Half": "PSDouble",
        "Id": "PSGuid",
        "List": "PSList",
        "Empty": "PSList",
        "Table": "PSDict",
    }
    assert (row.Text, row.Number, row.Long, row.Half) == ("a\r\n\u20ac\U0001f600_x0041_", -7, 2**40, 0.5)
    assert list(row.List) == ["x", 1, None]
    assert row.List.PSObject.type_names[0] == "Deserialized.System.Object[]"
    assert row.Table == {"Id": "1", "Inner": {"z": False}}
    assert row.Id == uuid.UUID(int=1)


def test_streams(client: ShellClient) -> None:
    """Verbose, warning and error records arrive with their texts, and the pipeline goes on after an error."""
    result = client.run(RECORDS.script, Verbose=True)
    assert result.state == PSInvocationState.Completed
    assert result.output == [1, 2]
    assert [record.Message for record in result.verbose] == ["reading"]
    assert [record.Message for record in result.warnings] == ["careful"]
    texts = [text_of_record(message) for message in client.messages if "Record<" in message]
    assert texts == ["reading", "careful", NOT_FOUND.message]
    assert result.error is None
    (record,) = result.errors
    check_record(record)


def test_terminating_error(client: ShellClient) -> None:
    """A terminating error ends the pipeline as failed, with the record in the state and not in the error stream."""
    result = client.run(FAIL.script)
    assert result.state == PSInvocationState.Failed
    assert result.output == [1]
    assert result.errors == []
    check_record(result.error)


def text_of_record(message: str) -> str | None:
    """The text of the object that a message holds: what pypsrp shows as ``str(record)``."""
    return ET.fromstring(message).findtext("ToString")  # noqa: S314 - the simulator's own output


def check_record(record: Any) -> None:
    """All fields of the record NOT_FOUND."""
    assert str(record) == NOT_FOUND.message
    assert record.Exception.Message == NOT_FOUND.message
    assert record.Exception.PSObject.type_names[0].removeprefix("Deserialized.") == "System.Exception"
    assert record.FullyQualifiedErrorId == NOT_FOUND.error_id
    assert record.TargetObject == "nobody"
    info = record.CategoryInfo
    assert (info.Category.name, info.Reason) == ("ObjectNotFound", NOT_FOUND.reason)
    assert (info.Activity, info.TargetName, info.TargetType) == ("Get-User", "nobody", "String")
    assert info.PSObject.to_string == ("ObjectNotFound: (nobody:String) [Get-User], ManagementObjectNotFoundException")


def test_big_objects(client: ShellClient) -> None:
    """A text of two megabytes crosses whole in both directions."""
    assert client.run(BIG_OUT.script).output == [BIG]
    assert client.run(LENGTH.script, Text=BIG).output == [len(BIG)]


def test_receive_keeps_to_its_size(client: ShellClient) -> None:
    """An answer is no larger than asked for, and what did not fit comes next."""
    pipeline = client.start(MANY.script)
    sizes = []
    is_last = False
    while not is_last:
        chunks, is_last = client.shell.receive(pipeline, 20, 70_000, str(uuid.uuid4()))
        sizes.append(sum(map(len, chunks)))
    assert max(sizes) <= 70_000
    assert sum(sizes) > 300_000


def test_pipeline_input(client: ShellClient) -> None:
    """Objects sent to a pipeline reach it in order, and the end of the input ends it."""
    pipeline = client.start(TWICE.script, input_follows=True)
    client.send(pipeline, 1, 2, 21)
    assert client.finish(pipeline).output == [2, 4, 42]


def test_stop(client: ShellClient) -> None:
    """A pipeline that is stopped ends as stopped, and the runspace can be used again."""
    pipeline = client.start(ENDLESS.script)
    assert client.step(pipeline)
    client.shell.signal(pipeline, STOP)
    assert client.finish(pipeline).state == PSInvocationState.Stopped
    assert client.run(LENGTH.script, Text="abc").output == [3]


def test_stop_at_once(client: ShellClient) -> None:
    """A stop right after the start is not lost."""
    pipeline = client.start(ENDLESS.script)
    client.shell.signal(pipeline, STOP)
    assert client.finish(pipeline).state == PSInvocationState.Stopped


def test_terminate(client: ShellClient) -> None:
    """A terminated pipeline is gone at once: no command of that id."""
    pipeline = client.start(ENDLESS.script)
    assert client.step(pipeline)
    client.shell.signal(pipeline, TERMINATE)
    assert client.shell.pipelines() == []
    assert fault_of(lambda: client.step(pipeline)) == SHELL_NOT_FOUND
    assert fault_of(lambda: client.shell.signal(pipeline, STOP)) == SHELL_NOT_FOUND
    assert fault_of(lambda: client.shell.feed(b"", pipeline)) == SHELL_NOT_FOUND


def test_end_of_a_pipeline(client: ShellClient) -> None:
    """With the last bytes a pipeline has ended; a further Receive is a fault, not an empty answer."""
    pipeline = client.start(LENGTH.script, Text="abc")
    while client.step(pipeline):
        pass
    assert client.shell.pipelines() == []
    assert not client.shell.busy()
    assert fault_of(lambda: client.step(pipeline)) == SHELL_NOT_FOUND


def test_no_output_yet(client: ShellClient) -> None:
    """A Receive for which nothing comes is timed out, and the next one gets what comes then."""
    assert fault_of(lambda: client.shell.receive(None, 0.01, MAX_BYTES, "first")) == OPERATION_TIMED_OUT
    assert client.run(LENGTH.script, Text="abc").output == [3]


def test_repeated_receive(client: ShellClient) -> None:
    """The same message again gets the same bytes again, also when they were the last."""
    pipeline = client.start(LENGTH.script, Text="abc")
    answers: list[tuple[list[bytes], bool]] = []
    while not answers or not answers[-1][1]:
        message = str(uuid.uuid4())
        answers.append(client.shell.receive(pipeline, 20, MAX_BYTES, message))
        assert client.shell.receive(pipeline, 20, MAX_BYTES, message) == answers[-1]


def test_newer_receive(client: ShellClient) -> None:
    """A newer Receive for the same target aborts the one that waits."""
    codes: list[int] = []
    older = threading.Thread(
        target=lambda: codes.append(fault_of(lambda: client.shell.receive(None, 20, MAX_BYTES, "older")))
    )
    older.start()
    while not client.shell.busy():
        time.sleep(0.01)
    assert fault_of(lambda: client.shell.receive(None, 0.05, MAX_BYTES, "newer")) == OPERATION_TIMED_OUT
    older.join()
    assert codes == [ABORTED]


def test_keys_and_secure_string(client: ShellClient) -> None:
    """After the exchange of keys a SecureString parameter arrives as one that can be revealed."""
    client.exchange_keys()
    assert client.run(SECRET.script, Secret=PSSecureString("p\u00e4ss")).output == ["ss\u00e4p"]


def test_disconnect_and_reconnect(client: ShellClient) -> None:
    """Output that came while the client was away is there when it comes back; nothing is lost or doubled."""
    pipeline = client.start(SLOW.script)
    assert client.step(pipeline)
    client.shell.disconnect()
    assert not client.shell.connected
    assert fault_of(lambda: client.shell.receive(pipeline, 20, MAX_BYTES, "x")) == ABORTED
    while client.shell.busy():
        time.sleep(0.02)
    assert client.shell.pipelines() == [(pipeline, False)]
    client.shell.reconnect(client.session)
    assert client.finish(pipeline).output == [1, 2, 3, 4, 5, 6]


def test_take_over(client: ShellClient) -> None:
    """A new client takes a disconnected pool over, with a pipeline that runs, and uses it as its own."""
    client.exchange_keys()
    pipeline = client.start(SLOW.script)
    assert client.step(pipeline)
    seen = client.results[pipeline].output
    client.shell.disconnect()
    other = ShellClient(client.shell, "uuid:other")
    other.take_over()
    assert client.shell.connected
    assert client.shell.client_session == "uuid:other"
    assert other.pool.max_runspaces == 3
    assert [one for one, _ in client.shell.pipelines()] == [pipeline]
    other.adopt(pipeline)
    assert seen + other.finish(pipeline).output == [1, 2, 3, 4, 5, 6]
    assert other.run(LENGTH.script, Text="abc").output == [3]
    other.exchange_keys()
    assert other.run(SECRET.script, Secret=PSSecureString("abc")).output == ["cba"]


def test_no_take_over_while_connected(client: ShellClient) -> None:
    """A pool whose client is connected is in use, and stays as it is."""
    other = ShellClient(client.shell, "uuid:other")
    assert fault_of(other.take_over) == CONNECTED_TO_OTHER_CLIENT
    assert client.shell.client_session == client.session
    assert client.run(LENGTH.script, Text="abc").output == [3]


def test_take_over_before_the_pool_is_open(shell: Shell) -> None:
    """A pool that never opened cannot be taken over."""
    shell.disconnect()
    assert fault_of(ShellClient(shell).take_over) == ABORTED


def test_kept_output_is_bounded(client: ShellClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """While nobody is connected a pipeline waits when much is kept, and goes on when a client is back."""
    monkeypatch.setattr(outbox, "KEPT_BYTES", 50_000)
    client.shell.disconnect()
    pipeline = client.start(MANY.script)
    # More than enough for all 300 kB, were they not held back.
    time.sleep(0.3)
    assert client.shell.pipelines() == [(pipeline, True)]
    client.shell.reconnect(client.session)
    assert client.finish(pipeline).output == ["x" * 1000] * 300


def test_close_with_a_full_outbox(client: ShellClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """A shell can be closed while a pipeline waits for room."""
    monkeypatch.setattr(outbox, "KEPT_BYTES", 50_000)
    client.shell.disconnect()
    client.start(MANY.script)
    time.sleep(0.1)
    client.shell.close()
    assert client.shell.closed


def test_close_ends_what_runs(client: ShellClient) -> None:
    """Close ends running pipelines and aborts who waits; closing again does no harm."""
    client.start(ENDLESS.script)
    codes: list[int] = []
    waiting = threading.Thread(
        target=lambda: codes.append(fault_of(lambda: client.shell.receive(None, 20, MAX_BYTES, "waits")))
    )
    waiting.start()
    client.shell.close()
    waiting.join()
    assert codes == [ABORTED]
    assert client.shell.closed
    client.shell.close()
    assert fault_of(lambda: client.start(LENGTH.script, Text="abc")) == ABORTED


def test_kill(client: ShellClient) -> None:
    """After a kill the shell is closed and every request is a fault."""
    pipeline = client.start(ENDLESS.script)
    assert client.step(pipeline)
    client.shell.kill()
    assert client.shell.closed
    assert fault_of(lambda: client.shell.receive(pipeline, 20, MAX_BYTES, "x")) == ABORTED
    assert fault_of(lambda: client.start(LENGTH.script, Text="abc")) == ABORTED
    client.shell.disconnect()
    assert fault_of(ShellClient(client.shell).take_over) == ABORTED


def test_runspaces_of_the_pool(client: ShellClient) -> None:
    """The pool answers how many runspaces are free, and takes another maximum."""
    client.pool.get_available_runspaces()
    free = client.ask_pool(psrpcore.GetRunspaceAvailabilityEvent)
    assert isinstance(free, psrpcore.GetRunspaceAvailabilityEvent)
    assert free.count == 3
    client.pool.set_max_runspaces(5)
    client.ask_pool(psrpcore.SetRunspaceAvailabilityEvent)
    assert client.pool.max_runspaces == 5


def test_pipelines_of_a_pool_wait_for_a_runspace() -> None:
    """As many pipelines run at the same time as the pool has runspaces; one that waits can be stopped."""
    engine = Programs()
    running = threading.Semaphore(0)
    go_on = threading.Event()

    def hold(pipeline: Pipeline) -> None:
        running.release()
        go_on.wait(20)
        pipeline.output("done")

    engine.functions["hold"] = hold
    with contextlib.closing(ContractShell(engine, **attributes())) as shell:
        client = ShellClient(shell)
        client.open()
        first = [client.start("hold") for _ in range(3)]
        for _ in first:
            assert running.acquire(timeout=20)
        fourth, fifth = client.start("hold"), client.start("hold")
        shell.signal(fourth, STOP)
        assert client.finish(fourth).state == PSInvocationState.Stopped
        assert not running.acquire(blocking=False)
        go_on.set()
        assert [client.finish(one).output for one in (*first, fifth)] == [["done"]] * 4
    assert engine.closed


def test_commands_and_arguments() -> None:
    """An engine gets commands with plain values: names, arguments, switches, lists and tables."""
    engine = Programs()
    seen: list[Command] = []
    engine.functions["Get-It"] = lambda pipeline: seen.extend(pipeline.commands)
    with contextlib.closing(ContractShell(engine, **attributes())) as shell:
        client = ShellClient(shell)
        client.open()
        pipeline = psrpcore.ClientPowerShell(client.pool)
        pipeline.add_command("Get-It").add_parameters(Names=["a", 1], Table={"k": [True, None]}, Half=0.5)
        pipeline.add_argument("first")
        pipeline.start()
        client.results[pipeline.pipeline_id] = Result()
        payload = client.pool.data_to_send()
        assert payload is not None
        shell.command(pipeline.pipeline_id, payload.data)
        client.finish(pipeline.pipeline_id)
    (command,) = seen
    assert (command.text, command.is_script, list(command.arguments)) == ("Get-It", False, ["first"])
    assert command.parameters == {"Names": ["a", 1], "Table": {"k": [True, None]}, "Half": 0.5}
    assert type(command.text) is str


def test_fault_of_the_engine() -> None:
    """An error that an engine did not mean, and a value that has no form, fail the pipeline and say what it was."""
    engine = Programs()

    def breaks(pipeline: Pipeline) -> None:
        raise KeyError(pipeline.commands[0].text)

    engine.functions["breaks"] = breaks
    engine.functions["odd"] = lambda pipeline: pipeline.output(object())
    with contextlib.closing(ContractShell(engine, **attributes())) as shell:
        client = ShellClient(shell)
        client.open()
        for script, reason in (("breaks", "KeyError"), ("odd", "TypeError")):
            result = client.run(script)
            assert result.state == PSInvocationState.Failed
            assert result.error.CategoryInfo.Reason == reason


def test_unreadable_data() -> None:
    """Bytes that are no PSRP do not harm a contract shell: they are refused and it goes on."""
    with contextlib.closing(ContractShell(Programs(), **attributes())) as shell:
        client = ShellClient(shell)
        client.open()
        assert fault_of(lambda: shell.feed(b"garbage")) == MANAGED_EXCEPTION
        assert fault_of(lambda: shell.command(uuid.uuid4(), b"\x00" * 16 + b"\x03" + b"\x00" * 40)) == MANAGED_EXCEPTION
        assert shell.pipelines() == []
        assert client.run(LENGTH.script, Text="abc").output == [3]


def test_process_that_ends_at_once() -> None:
    """A program that is no PowerShell ends the shell, and the fault has what it wrote to its error stream."""
    program = "import sys; print('no such engine', file=sys.stderr); sys.exit(3)"
    with contextlib.closing(PowerShellShell([sys.executable, "-c", program], {}, **attributes())) as shell:
        with pytest.raises(WsmanFault, match="exit code 3: no such engine"):
            ShellClient(shell).open()
        assert shell.closed


def test_process_that_does_not_start() -> None:
    """A path where there is no program is a fault that names it."""
    with pytest.raises(WsmanFault, match="no-such-pwsh could not be started"):
        PowerShellShell(server_command("no-such-pwsh"), {}, **attributes())


@pytest.mark.pwsh
def test_environment_of_the_process(pwsh_path: str) -> None:
    """Given variables are added to the process's environment, and its runspace keeps what a script leaves."""
    shell = PowerShellShell(server_command(pwsh_path), {"SIMULATOR_TEST": "seen"}, **attributes())
    with contextlib.closing(shell):
        client = ShellClient(shell)
        client.open()
        assert client.run("$global:kept = $env:SIMULATOR_TEST; $PID").output == [shell.process_id]
        assert client.run("$kept; exit 3").output == ["seen"]
        assert client.run("$kept").output == ["seen"]


@pytest.mark.pwsh
@pytest.mark.skipif(sys.platform == "win32", reason="a process has no group of its own on Windows")
def test_close_ends_what_a_script_started(pwsh_path: str) -> None:
    """A program that a script left running, with the process's own pipes, does not outlive the shell."""
    shell = PowerShellShell(server_command(pwsh_path), {}, **attributes())
    with contextlib.closing(shell):
        client = ShellClient(shell)
        client.open()
        start = "$info = [Diagnostics.ProcessStartInfo]::new('sleep', '1000'); [Diagnostics.Process]::Start($info).Id"
        (process_id,) = client.run(start).output
        assert process_exists(process_id)
    # Whoever takes in orphans may need a moment to notice that it has ended.
    give_up = time.monotonic() + 20
    while process_exists(process_id) and time.monotonic() < give_up:
        time.sleep(0.05)
    assert not process_exists(process_id)
