"""A JEA endpoint: the scripts as functions in a runspace that runs no script, made from the files of `jea-files`."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pypsrp.powershell import PowerShell

from bridge import errors
from bridge.actions import ACTIONS
from bridge.jea import function_name, write_files
from bridge.model import Record
from bridge.runner import run_call
from bridge.scripts import ScriptFolder
from bridge.session import Session
from bridge.session.exchange_logon import CERTIFICATE_SCRIPT, TOKEN_SCRIPT, unused_scripts
from bridge.simulator import Simulator, SimulatorError, SimulatorOptions
from tests.agent import Agent, running_agent
from tests.test_cases import CASES, Bench, check

GROUP = r"CONTOSO\exo-bridge"
GRANT = "group/Grant-GroupMember.ps1"
MEMBERSHIP = {"group": "staff@contoso.example", "member": "jane.doe@contoso.example"}
Start = Callable[[Path | None], Agent]


@pytest.fixture(params=["contract", pytest.param("pwsh", marks=pytest.mark.pwsh)])
def start(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Start]:
    """Starts an agent on each engine whose JEA endpoint has the shipped scripts, with an own folder before them."""
    pwsh = request.getfixturevalue("pwsh_path") if request.param == "pwsh" else None
    running = []

    def begin(own: Path | None = None) -> Agent:
        write_files(tmp_path, ScriptFolder(own), GROUP)
        context = running_agent(request.param, pwsh=pwsh, jea=tmp_path / "ExoBridge.pssc")
        running.append(context)
        return context.__enter__()

    yield begin
    for context in running:
        context.__exit__(None, None, None)


def happy_cases() -> dict[str, str]:
    """For each action the first case that comes out well in an organization that behaves as always."""
    found: dict[str, str] = {}
    for name, path in CASES.items():
        case = tomllib.loads(path.read_text("utf-8"))
        action = name.partition("/")[0]
        is_plain = "code" not in case["expect"] and not case.get("tenant") and not case.get("dry_run")
        if is_plain and (action not in found or case["expect"]["status"] == "changed" != status_of(found[action])):
            found[action] = name
    return found


def status_of(case: str) -> str:
    """What a case expects."""
    return str(tomllib.loads(CASES[case].read_text("utf-8"))["expect"]["status"])


def no_record(_record: Record) -> None:
    """Takes a record and does nothing with it."""


def test_every_action_works_in_no_language_mode(start: Start) -> None:
    """One case of each action comes out as on an endpoint that takes scripts, over one connection with a token."""
    cases = happy_cases()
    bench = Bench(start(None))
    for case in cases.values():
        check(bench, case)
    bench.end_session()

    assert cases.keys() == ACTIONS.keys()


def test_verbose_lines_and_a_dry_run(start: Start) -> None:
    """A function tells what it does as a script does, and changes nothing in a dry run."""
    agent = start(None)
    records: list[Record] = []
    with agent.session() as session:
        session.open()
        reply = session.run(GRANT, {**MEMBERSHIP, "dry_run": True}, records.append)

    assert reply.ok
    assert [record.stream for record in records] == ["verbose"] * len(records) != []
    assert agent.changes() == []


def test_an_error_keeps_its_meaning(start: Start) -> None:
    """What a function raises is told apart as what a script raises, though PowerShell adds the function's name."""
    agent = start(None)
    with agent.session() as session:
        session.open()
        (call,) = ACTIONS["group.grant"].calls({**MEMBERSHIP, "group": "nobody@contoso.example"})
        outcome = run_call(call, session)

    assert outcome.problem
    assert outcome.problem.code == "object-not-found"
    assert outcome.problem.error_id == f"Bridge.NotFound,{function_name(GRANT)}"


def test_a_runspace_of_the_endpoint_is_taken_over(start: Start) -> None:
    """The next process finds it, with Exchange connected and its functions."""
    agent = start(None)
    with agent.session() as session:
        session.open()
    with agent.session() as session:
        state = session.open()

    assert (state.runspace, state.connection) == ("taken over", "existing")
    assert len(state.installed_scripts) == 64
    assert agent.logons() == 1


def test_a_script_is_refused(start: Start) -> None:
    """A client that sends scripts is told of the setting, and leaves no shell behind."""
    agent = start(None)
    with agent.session(jea=False) as session, pytest.raises(errors.EndpointWithoutScripts) as raised:
        session.open()

    assert "jea = true" in raised.value.remedy
    assert agent.records == []
    assert agent.simulator.shells() == []


def test_other_scripts_are_refused(start: Start, tmp_path: Path) -> None:
    """A client whose scripts are not those of the endpoint connects nothing and changes nothing."""
    agent = start(None)
    own = tmp_path / "own"
    (own / "group").mkdir(parents=True)
    text = ScriptFolder().get(GRANT).text
    (own / GRANT).write_text(f"{text}# changed\n", "utf-8")
    with agent.session(scripts=own) as session, pytest.raises(errors.InstalledScriptsDiffer) as raised:
        session.open()

    assert "jea-files" in raised.value.remedy
    assert agent.records == []
    assert agent.simulator.shells() == []


def test_a_runspace_from_before_the_installation_is_replaced(start: Start, tmp_path: Path) -> None:
    """It has the functions of its time; a new one has those that are installed now."""
    agent = start(None)
    with agent.session() as session:
        before = session.open().shell_id
    own = tmp_path / "own"
    own.mkdir()
    (own / "Get-Answer.ps1").write_text("[CmdletBinding()]\nparam()\n42\n", "utf-8")
    write_files(tmp_path, ScriptFolder(own), GROUP, force=True)
    with agent.session(scripts=own) as session:
        state = session.open()

    assert (state.runspace, state.connection) == ("new", "new")
    assert before not in [shell.id for shell in agent.simulator.shells()]


@pytest.mark.pwsh
def test_an_endpoint_without_the_functions(pwsh_path: str) -> None:
    """An endpoint that is none of ours says that it does not know the function, and the error says what to do."""
    with (
        running_agent("pwsh", pwsh=pwsh_path) as agent,
        agent.session(jea=True) as session,
        pytest.raises(errors.InstalledScriptsDiffer) as raised,
    ):
        session.open()

    assert function_name("session/Get-BridgeState.ps1") in raised.value.message
    assert agent.records == []


def test_what_the_log_on_does_not_need_is_hidden(start: Start, tmp_path: Path) -> None:
    """The functions that take a secret or a certificate are no part of the role; another log-on is told of it."""
    agent = start(None)
    secret = agent.settings().exchange
    at_agent = secret.model_copy(update={"token_from": "agent"})
    write_files(tmp_path, ScriptFolder(), GROUP, hidden=unused_scripts(secret), force=True)
    with agent.session() as session:
        session.open()
        for script in (TOKEN_SCRIPT, CERTIFICATE_SCRIPT):
            (error,) = session.run(script, {}, no_record).errors
            assert (error.reason, error.target) == ("CommandNotFoundException", function_name(script))
    settings = agent.settings(on_exit="close", runspace_name="other").model_copy(update={"exchange": at_agent})
    with Session(settings, ScriptFolder()) as session, pytest.raises(errors.InstalledScriptsDiffer) as raised:
        session.open()
    assert function_name(TOKEN_SCRIPT) in raised.value.message
    assert "jea-files" in raised.value.remedy

    write_files(tmp_path, ScriptFolder(), GROUP, hidden=unused_scripts(at_agent), force=True)
    with Session(settings, ScriptFolder()) as session:
        assert session.open().connection == "new"


def test_shells_of_other_endpoints_are_left_alone(start: Start) -> None:
    """A runspace of the same name on another endpoint is neither taken over nor closed."""
    agent = start(None)
    with agent.session(configuration_name="PowerShell.7", jea=False) as session:
        other = session.open().shell_id
    with agent.session() as session:
        state = session.open()

    assert (state.runspace, state.shell_id != other) == ("new", True)
    assert len(agent.simulator.shells()) == 2


@pytest.mark.pwsh
def test_only_the_role_is_visible(pwsh_path: str, tmp_path: Path) -> None:
    """After Exchange is connected the client reaches the functions of the scripts, and none of Exchange's cmdlets."""
    write_files(tmp_path, ScriptFolder(), GROUP)
    with running_agent("pwsh", pwsh=pwsh_path, jea=tmp_path / "ExoBridge.pssc") as agent:
        with agent.session() as session:
            commands = session.open().commands
        with agent.session() as session:
            session.look()
            found = {}
            for command in (*commands, "Invoke-Expression", "Import-Module", "Connect-ExchangeOnline", "/bin/ls"):
                # Commands of another client: ours sends none but its own functions.
                powershell = PowerShell(session._runspace.pool).add_cmdlet(command)
                powershell.invoke()
                powershell.close()
                found[command] = str(powershell.streams.error[0].fq_error)

    assert len(found) > 20
    assert set(found.values()) == {"CommandNotFoundException"}


@pytest.mark.pwsh
def test_an_own_script_is_a_function(pwsh_path: str, tmp_path: Path) -> None:
    """A script of the user's folder is installed too, with letters beyond ASCII as they are."""
    own = tmp_path / "own"
    own.mkdir()
    (own / "Get-Answer.ps1").write_text('[CmdletBinding()]\nparam([string] $Name)\n"caf\u00e9 $Name"', "utf-8")
    write_files(tmp_path, ScriptFolder(own), GROUP)
    with (
        running_agent("pwsh", pwsh=pwsh_path, jea=tmp_path / "ExoBridge.pssc") as agent,
        agent.session(scripts=own) as session,
    ):
        session.open()
        reply = session.run("Get-Answer.ps1", {"name": "x"}, no_record)

    assert reply.output == ({"value": "caf\u00e9 x"},)


@pytest.mark.pwsh
def test_exchange_is_disconnected_and_connected_again(pwsh_path: str, tmp_path: Path) -> None:
    """The module's functions that stay in an endpoint work there too, and the next call connects anew."""
    own = tmp_path / "own"
    own.mkdir()
    (own / "Disconnect-All.ps1").write_text("Disconnect-ExchangeOnline -Confirm:$false -ErrorAction Stop\n", "utf-8")
    write_files(tmp_path, ScriptFolder(own), GROUP)
    with (
        running_agent("pwsh", pwsh=pwsh_path, jea=tmp_path / "ExoBridge.pssc") as agent,
        agent.session(scripts=own) as session,
    ):
        session.open()
        assert session.run("Disconnect-All.ps1", {}, no_record).ok
        reply = session.run(GRANT, MEMBERSHIP, no_record)
        assert agent.logons() == 2

    assert reply.output[0]["status"] == "changed"


@pytest.mark.parametrize("no_profile", [True, False])
def test_no_profile_is_asked_for_when_the_shell_is_made(no_profile: bool, tmp_path: Path) -> None:
    """The option WINRS_NOPROFILE goes with Create where the settings say so, and nowhere else."""
    log = tmp_path / "wire.jsonl"
    with running_agent("contract", wire_log=log) as agent, agent.session(no_profile=no_profile) as session:
        session.open()
    lines = [json.loads(line) for line in log.read_text("utf-8").splitlines()]

    assert {line["action"] for line in lines if line["no_profile"]} == ({"Create"} if no_profile else set())


def test_a_jea_endpoint_without_its_file(tmp_path: Path) -> None:
    """A simulator for it does not start, and says which file is not there."""
    with pytest.raises(SimulatorError, match=r"ExoBridge\.pssc"):
        Simulator(SimulatorOptions(engine="contract", jea=tmp_path / "ExoBridge.pssc")).start()


@pytest.mark.pwsh
def test_files_that_cannot_be_used(pwsh_path: str, tmp_path: Path) -> None:
    """Where the role's module is damaged no pipeline runs, and what PowerShell says of it is told."""
    write_files(tmp_path, ScriptFolder(), GROUP)
    (tmp_path / "ExoBridge" / "ExoBridge.psm1").write_text("function {", "utf-8")
    with (
        running_agent("pwsh", pwsh=pwsh_path, jea=tmp_path / "ExoBridge.pssc") as agent,
        agent.session() as session,
        pytest.raises(errors.AgentError, match=r"ExoBridge\.pssc.*cannot be used"),
    ):
        session.open()
