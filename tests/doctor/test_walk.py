"""How the doctor walks: what is shown, what is left, what is changed; and facts that no simulator can have."""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.serialization import pkcs12
from pydantic import SecretStr

from bridge.doctor import NAMES, Check, Finding, Health, Visit, examine, powershell_checks
from bridge.errors import UsageError
from bridge.jea import write_files
from bridge.scripts import ScriptFolder
from bridge.session.wsman import nobody
from tests.agent import Agent, running_agent
from tests.doctor.bench import TEMP_VARIABLE

OF_ERRORS = {"script", "agent-tls", "exchange"}
"""Causes whose remedy is the error's own, which other tests hold; the page names one command more."""
ROOT = Path(__file__).parents[2]
CASES: list[dict[str, Any]] = tomllib.loads(Path(__file__).with_name("cases.toml").read_text("utf-8"))["case"]
TRIED_ELSEWHERE = {
    "settings": "exo-bridge settings check",
    "open-to-others": "exo-bridge settings check",
    "module-unfit": "Install-Module",
}


@pytest.fixture(params=["contract", pytest.param("pwsh", marks=pytest.mark.pwsh)])
def agent(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Agent]:
    """An agent on each engine, with an empty temporary folder."""
    monkeypatch.setenv(TEMP_VARIABLE, str(tmp_path))
    pwsh = request.getfixturevalue("pwsh_path") if request.param == "pwsh" else None
    with running_agent(request.param, pwsh=pwsh) as running:
        yield running


@pytest.fixture
def contract() -> Iterator[Agent]:
    """An agent without PowerShell."""
    with running_agent("contract") as running:
        yield running


def visit(agent: Agent, *, fix: bool = False, **change: Any) -> Visit:
    """A walk of this agent."""
    return Visit(agent.settings(**change), ScriptFolder(), nobody, lambda _secret: None, fix=fix)


def statuses(findings: list[Finding]) -> set[Health]:
    """What there is of them."""
    return {finding.status for finding in findings}


def test_all_is_well(agent: Agent) -> None:
    """Every check is ok, nothing is changed in Exchange, and no shell and no file is left."""
    findings = examine(visit(agent))
    assert [finding.name for finding in findings] == list(NAMES)
    assert statuses(findings) == {Health.OK}, findings
    assert not [finding for finding in findings if finding.remedy or finding.link]
    assert agent.changes() == []
    assert agent.simulator.shells() == []


def test_a_free_runspace_is_taken_over_and_left(agent: Agent) -> None:
    """With Exchange still connected in it: the next command has it warm."""
    with agent.session() as session:
        session.open()
    findings = {finding.name: finding for finding in examine(visit(agent))}
    assert "was taken over" in findings["shell"].seen
    assert "connected already" in findings["exchange-logon"].seen
    (shell,) = agent.simulator.shells()
    assert (shell.name, shell.connected) == ("exo-bridge", False)
    assert agent.logons() == 1


def test_a_runspace_in_use_is_left_alone(contract: Agent) -> None:
    """The doctor opens one beside it, does every check, and closes its own."""
    with contract.session() as session:
        session.open()
        findings = {finding.name: finding for finding in examine(visit(contract))}
        assert findings["runspace"].cause == "runspace-busy"
        assert statuses(list(findings.values())) == {Health.OK, Health.WARNING}
        assert session.run("session/Get-BridgeState.ps1", {}, lambda _record: None).ok
        assert len(contract.simulator.shells()) == 1


def test_nothing_is_changed_without_fix(contract: Agent, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither an orphaned shell of ours nor one of a doctor that died, until it is said so; another's never."""
    monkeypatch.setenv(TEMP_VARIABLE, str(tmp_path))
    for name in ("exo-bridge", "exo-bridge-doctor-1", "somebody-else"):
        with contract.session(runspace_name=name) as session:
            session.reach()
    for shell in contract.simulator.shells():
        shell.connected = True
        shell.used -= 150
    before = {shell.id for shell in contract.simulator.shells()}
    (warned,) = [one for one in examine(visit(contract)) if one.name == "orphans"]
    assert {shell.id for shell in contract.simulator.shells()} == before
    (fixed,) = [one for one in examine(visit(contract, fix=True)) if one.name == "orphans"]
    assert "2 shells" in warned.seen
    assert "2 shells of ours had been left behind, and are closed now" in fixed.seen
    assert [shell.name for shell in contract.simulator.shells()] == ["somebody-else"]


def test_a_jea_endpoint(tmp_path: Path) -> None:
    """There the scripts are functions, and every check works as elsewhere."""
    write_files(tmp_path, ScriptFolder(), r"CONTOSO\exo-bridge")
    with running_agent("contract", jea=tmp_path / "ExoBridge.pssc") as agent:
        assert statuses(examine(visit(agent))) == {Health.OK}


@pytest.mark.pwsh
def test_a_jea_endpoint_of_powershell(tmp_path: Path, pwsh_path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """In no-language mode too; its module runs in full language, as the check says."""
    monkeypatch.setenv(TEMP_VARIABLE, str(tmp_path))
    write_files(tmp_path, ScriptFolder(), r"CONTOSO\exo-bridge")
    with running_agent("pwsh", pwsh=pwsh_path, jea=tmp_path / "ExoBridge.pssc") as agent:
        findings = examine(visit(agent))
    assert statuses(findings) == {Health.OK}, findings


@pytest.mark.pwsh
def test_both_engines_tell_the_same_of_an_agent(
    tmp_path: Path, pwsh_path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same facts by name, and the same lines of what is done, though the values are each engine's own."""
    monkeypatch.setenv(TEMP_VARIABLE, str(tmp_path))
    given = {"thumbprint": "1" * 40, "file": str(tmp_path / "none.pfx")}
    told: dict[str, list[str]] = {"contract": [], "pwsh": []}
    facts = {}
    for engine in ("contract", "pwsh"):

        def listen(event: str, /, *, _lines: list[str] = told[engine], **facts: Any) -> None:
            if event == "verbose":
                _lines.append(facts["message"])

        with running_agent(engine, pwsh=pwsh_path) as agent, agent.session(listener=listen, on_exit="close") as session:
            session.reach()
            facts[engine] = session.ask("session/Get-BridgeAgent.ps1", given)
    same = ("temp_error", "litter", "module", "certificate", "key_error", "file_error")
    assert list(facts["contract"]) == list(facts["pwsh"])
    assert {name: facts["contract"][name] for name in same} == {name: facts["pwsh"][name] for name in same}
    assert [line for line in told["pwsh"] if "cannot be read" not in line] == told["contract"] != []


def test_one_check_alone(contract: Agent) -> None:
    """What it needs is done and not shown, unless it failed."""
    told: list[Check] = []
    findings = examine(visit(contract), only=("clock",), on_begin=told.append)
    assert [finding.name for finding in findings] == ["clock"]
    assert [check.name for check in told][-2:] == ["powershell", "clock"]
    assert "exchange-logon" not in {check.name for check in told}
    findings = examine(visit(contract, password="not-it"), only=("clock",))
    assert [(one.name, one.status) for one in findings] == [("logon", Health.FAILED), ("clock", Health.SKIPPED)]


def test_a_check_that_there_is_not(contract: Agent) -> None:
    """The names that there are stand in the remedy."""
    with pytest.raises(UsageError) as raised:
        examine(visit(contract), only=("nothing",))
    assert "exchange-answer" in raised.value.remedy


@pytest.mark.pwsh
@pytest.mark.skipif(sys.platform == "win32", reason="the stores of Windows are not files")
@pytest.mark.parametrize(
    ("kind", "status", "cause"),
    [
        (trustme.KeyType.RSA, Health.OK, ""),
        (trustme.KeyType.ECDSA, Health.FAILED, "app-certificate-key"),
    ],
)
def test_a_certificate_in_the_store_of_a_real_powershell(
    tmp_path: Path, pwsh_path: str, monkeypatch: pytest.MonkeyPatch, kind: trustme.KeyType, status: Health, cause: str
) -> None:
    """Its key is tried by a signature, and one that is not RSA's is none for Exchange."""
    thumbprint = keep_certificate(tmp_path / ".dotnet" / "corefx" / "cryptography" / "x509stores" / "my", kind)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv(TEMP_VARIABLE, str(tmp_path))
    with running_agent("pwsh", pwsh=pwsh_path) as agent:
        one = visit(agent)
        exchange = one.settings.exchange.model_copy(
            update={"certificate_thumbprint": thumbprint, "client_secret": SecretStr("")}
        )
        one.settings = one.settings.model_copy(update={"exchange": exchange})
        (*_, seen) = examine(one, only=("app-certificate",))
    assert (seen.status, seen.cause) == (status, cause), seen
    assert f"{thumbprint} is in CurrentUser\\My" in seen.seen


def keep_certificate(store: Path, kind: trustme.KeyType) -> str:
    """Put a certificate with its key into a store of .NET on Linux, which is a folder; its thumbprint."""
    leaf = trustme.CA().issue_cert("exo-bridge.contoso.example", key_type=kind)
    certificate = x509.load_pem_x509_certificate(leaf.cert_chain_pems[0].bytes())
    key: Any = serialization.load_pem_private_key(leaf.private_key_pem.bytes(), None)
    thumbprint = certificate.fingerprint(hashes.SHA1()).hex().upper()  # noqa: S303 - what Windows calls the thumbprint
    content = pkcs12.serialize_key_and_certificates(None, key, certificate, None, serialization.NoEncryption())
    for folder in (store.parents[2], store.parents[1], store.parents[0], store):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = store / f"{thumbprint}.pfx"
    file.write_bytes(content)
    file.chmod(0o600)
    return thumbprint


@pytest.mark.parametrize(
    ("newest", "edition", "power_shell", "fitting"),
    [
        ("3.10.1", "Desktop", "5.1.20348.2849", "3.10.1"),
        ("3.10.0", "Core", "7.6.0", "3.10.0"),
        ("3.10.0", "Core", "7.5.4", "3.9.2"),
        ("3.9.2", "Core", "7.4.0", "3.9.2"),
        ("3.9.2", "Core", "7.3.9", "3.4.0"),
        ("3.4.0", "Core", "7.2.0", "3.4.0"),
        ("3.4.0", "Core", "7.1.7", ""),
        ("3.10.0", "Core", "7.6.0-preview.1", "3.10.0"),
    ],
)
def test_which_module_fits_which_powershell(newest: str, edition: str, power_shell: str, fitting: str) -> None:
    """By Microsoft's table of the versions."""
    assert powershell_checks.fitting_version(newest, edition=edition, power_shell=power_shell) == fitting


def test_a_module_that_does_not_fit(contract: Agent) -> None:
    """It is told with the version that does, and with the endpoint where all do."""
    one = visit(contract)
    one.facts = {"module": ["3.10.0", "3.9.2"], "power_shell_edition": "Core", "power_shell_version": "7.4.6"}
    seen = powershell_checks.module(one)
    assert (seen.status, seen.cause) == (Health.FAILED, "module-unfit")
    assert "Install-Module ExchangeOnlineManagement -RequiredVersion 3.9.2" in seen.remedy


def test_every_cause_is_in_the_documentation() -> None:
    """Each has its heading, and each heading is a cause that a test makes, with the commands that the remedy has."""
    text = (ROOT / "docs" / "troubleshooting.md").read_text("utf-8")
    sections = dict(re.findall(r"^### (\S+)\n\n(.*?)(?=\n##|\Z)", text, re.MULTILINE | re.DOTALL))
    remedies: dict[str, str] = dict(TRIED_ELSEWHERE)
    for case in CASES:
        remedies[case["cause"]] = f"{remedies.get(case['cause'], '')} {case['remedy']}"
    assert sections.keys() == remedies.keys()
    for cause, section in sections.items():
        commands = re.findall(r"`(exo-bridge [a-z -]+|[A-Z]\w+-[A-Z]\w+|\w+ /\w+|certutil -\w+|\$\w+)", section)
        tried = [one for one in commands if one.split(" -")[0] in remedies[cause]]
        assert tried or not commands or cause in OF_ERRORS, (cause, commands, remedies[cause])
