"""docs/windows-agent.md: what it says that one sees is what exo-bridge says, and its settings can be used."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bridge.cli import main
from bridge.program import program_version
from bridge.settings import load_settings
from tests.agent import Agent, running_agent
from tests.doctor.bench import TEMP_VARIABLE, Case

PAGE = (Path(__file__).resolve().parents[1] / "docs" / "windows-agent.md").read_text("utf-8")
TEXT = " ".join(PAGE.split())
CASES = tomllib.loads((Path(__file__).parent / "doctor" / "cases.toml").read_text("utf-8"))["case"]
JANE = "jane.doe@contoso.example"
Run = Callable[..., str]


@pytest.fixture
def agent() -> Iterator[Agent]:
    """An agent without PowerShell."""
    with running_agent("contract") as running:
        yield running


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Runs exo-bridge in an empty folder; all that it printed, its lines unbroken."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "400")
    monkeypatch.setenv("NO_COLOR", "1")

    def call(*arguments: str) -> str:
        capfd.readouterr()
        main(arguments)
        captured = capfd.readouterr()
        return " ".join((captured.out + captured.err).split())

    return call


@pytest.mark.parametrize(
    ("title", "sentence"),
    [
        ("a port where nothing listens", "There is no connection to"),
        ("a wrong password", "refused the log-on of"),
        ("a kind of log-on that is not offered", "does not offer log-on by"),
        ("an account that may not open shells", "answered with fault 5: Access is denied."),
        ("an endpoint that there is not", "2150858811"),
        ("no module", "is not installed for this PowerShell"),
        ("a certificate that is not in the store", "is neither in the store of"),
        ("a certificate that ends soon on the agent", "its key can be used"),
        ("a certificate that the application does not have", "is not registered on application"),
        ("no role", "isn't supported in this scenario"),
    ],
)
def test_what_doctor_says(title: str, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sentence that the page quotes is one that the doctor says of that defect."""
    monkeypatch.setenv(TEMP_VARIABLE, "")
    case = next(case for case in CASES if case["title"] == title)
    with Case(case, "contract", tmp_path, None) as running:
        assert any(sentence in finding.seen for finding in running.walk())
    assert sentence in TEXT


def test_the_settings(tmp_path: Path) -> None:
    """The settings of step 7 have no mistakes, and messages are encrypted by the log-on."""
    (block,) = re.findall(r"^```toml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    file = tmp_path / "settings.toml"
    file.write_text(block, "utf-8")
    agent = load_settings(file, environ={}).settings.agent
    assert (agent.tls, agent.auth, agent.encryption) == (False, "negotiate", "auto")


def test_a_healthy_doctor(agent: Agent, run: Run, tmp_path: Path) -> None:
    """As many checks are well as the page says, and the lines that it shows are among them."""
    agent.simulator.write_settings(tmp_path / "settings.toml")
    seen = run("doctor")
    lines = re.findall(r"^    (ok  .*|\d+ ok\.)$", PAGE, re.MULTILINE)
    assert len(lines) == 6
    machine = re.compile(
        r"CONTOSO\\svc-exo-bridge|5\.1\.[\d.]*\d|vm\\\w+|operator|negotiate|basic|\S+\\\S+(?=, in the mode)"
    )
    assert all(machine.sub("", " ".join(line.split())) in machine.sub("", seen) for line in lines), seen


def test_what_commands_say(agent: Agent, run: Run, tmp_path: Path) -> None:
    """What the page quotes of the first commands is what they print."""
    agent.simulator.write_settings(tmp_path / "settings.toml")
    grant = ("group", "grant", "--group", "staff@contoso.example", "--member", JANE)
    said = [
        (run("--version"), f"exo-bridge {program_version()}"),
        (run("settings", "check"), "settings.toml: no mistakes. Nothing was connected."),
        (run("account", "find", "--user", JANE), "1 found."),
        (run(*grant, "--dry-run"), "would add the member [is member: no -> yes] (dry run: nothing was changed)"),
        (run(*grant), "member added"),
        (run(*grant), "already a member"),
        (
            run("group", "grant", "--group", "nobody@contoso.example", "--member", JANE),
            "object-not-found: There is no distribution group or mail-enabled security group 'nobody@contoso.example'.",
        ),
        (run("helloid", "serve", "--where"), "is not served."),
        (run("demo", "--engine", "contract"), "5 changed, 7 unchanged"),
    ]
    for printed, sentence in said:
        assert sentence in printed
        assert sentence in TEXT


def test_a_mistake_in_the_settings(run: Run, tmp_path: Path) -> None:
    """The mistake that the page quotes is told with its line."""
    (tmp_path / "settings.toml").write_text('[agent]\nport = "x"\n', "utf-8")
    sentence = "settings.toml:2: agent.port = 'x': it is not a whole number from 1 to 65535."
    assert sentence in run("settings", "check")
    assert sentence in TEXT
