"""A canary in every secret setting is nowhere to be seen, however much is asked for and whatever goes wrong."""

from __future__ import annotations

import base64
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
import tomli_w

from bridge.logs.secret_search import SecretSearch
from bridge.simulator import Engine, Simulator, SimulatorOptions
from bridge.simulator.tenant.state import Certificate
from tests.pfx import Pfx

CANARY = "C4nary'\"& %$\u00e9-"
PASSWORD = CANARY + "agent-password"
SECRET = CANARY + "client-secret"
EXCHANGE_PASSWORD = CANARY + "exchange-password"
PFX_PASSWORD = CANARY + "pfx-password"
SEARCH = SecretSearch(
    [("password", PASSWORD), ("secret", SECRET), ("exchange password", EXCHANGE_PASSWORD), ("pfx", PFX_PASSWORD)]
)
PFX_FILE = r"C:\certificates\exo.pfx"


@pytest.fixture(scope="module")
def pfx() -> Pfx:
    """A certificate that the application has."""
    return Pfx()


@pytest.fixture(params=["contract", pytest.param("pwsh", marks=pytest.mark.pwsh)])
def simulator(request: pytest.FixtureRequest, pfx: Pfx) -> Iterator[Simulator]:
    """An agent whose account, application and user have canaries for secrets."""
    engine: Engine = request.param
    pwsh = request.getfixturevalue("pwsh_path") if engine == "pwsh" else None
    with Simulator(SimulatorOptions(engine=engine, pwsh=pwsh, password=PASSWORD)) as running:
        logon = running.tenant.logon
        object.__setattr__(logon, "client_secret", SECRET)
        object.__setattr__(logon, "password", EXCHANGE_PASSWORD)
        file = Certificate(thumbprint="1" * 40, file=PFX_FILE, password=PFX_PASSWORD)
        object.__setattr__(logon, "certificates", (file, Certificate(thumbprint=pfx.thumbprint)))
        yield running


def settings_file(folder: Path, simulator: Simulator, logon: str, pfx: Pfx | None = None, **wrong: str) -> Path:
    """The settings for one kind of log-on; ``pfx`` is what is sent, ``wrong`` replaces values of [agent]."""
    values = simulator.settings()
    values["agent"] |= wrong
    if logon == "token-from-agent":
        values["exchange"]["token_from"] = "agent"
    if logon.startswith("certificate"):
        del values["exchange"]["client_secret"]
        values["exchange"]["certificate_password"] = PFX_PASSWORD
    if logon == "certificate-file":
        values["exchange"]["certificate_agent_file"] = PFX_FILE
    if pfx is not None:
        values["exchange"]["certificate_pfx"] = base64.b64encode(pfx.content(PFX_PASSWORD)).decode()
    if logon == "password":
        del values["exchange"]["client_secret"], values["exchange"]["app_id"], values["exchange"]["tenant_id"]
        values["exchange"] |= {"user": simulator.tenant.logon.user, "password": EXCHANGE_PASSWORD}
    file = folder / "settings.toml"
    file.write_text(tomli_w.dumps(values), "utf-8")
    assert tomllib.loads(file.read_text("utf-8"))["agent"]["password"].startswith(CANARY)
    return file


def run(file: Path, *words: str, python: tuple[str, ...] = ("-m", "bridge")) -> str:
    """Everything that one command writes: both streams, its log, the trace of the conversation, and the journal."""
    places = [file.with_name(name) for name in ("log.jsonl", "wire.jsonl", "journal.db", "journal.db-wal")]
    for place in places[:2]:
        place.unlink(missing_ok=True)
    log, wire, journal, _ = places
    options = ("--settings", str(file), "--log-file", str(log), "--trace-wire", str(wire), "-vv")
    done = subprocess.run(
        [sys.executable, *python, *words, *options],
        env={**os.environ, "EXO_BRIDGE_JOURNAL__PATH": str(journal)},
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    assert done.stderr or done.stdout
    written = [place.read_bytes().decode("utf-8", "backslashreplace") for place in places if place.exists()]
    return "".join([done.stdout, done.stderr, *written])


def canaries(text: str) -> list[str]:
    """The secrets that stand in the text, in any form that a log or a protocol may give them."""
    found = []
    for secret in (PASSWORD, SECRET, EXCHANGE_PASSWORD, PFX_PASSWORD):
        forms = {
            secret,
            secret.encode("unicode_escape").decode(),
            quote(secret, safe=""),
            base64.b64encode(secret.encode()).decode().rstrip("="),
            base64.b64encode(secret.encode("utf-16-le")).decode().rstrip("="),
            base64.b64encode(f"operator:{secret}".encode()).decode(),
        }
        found += [form for form in forms if form in text]
    found += SEARCH.hits(text.encode("utf-8", "surrogatepass"))
    return found + (
        ["its end"]
        if any(end in text for end in ("agent-password", "client-secret", "e-password", "x-password"))
        else []
    )


@pytest.mark.parametrize("logon", ["app-secret", "token-from-agent", "certificate-file", "certificate-pfx", "password"])
def test_no_secret_is_shown_when_all_is_well(
    simulator: Simulator, tmp_path: Path, pfx: Pfx, logon: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At -vv, in JSON, in the log, on the page of the run, and where the settings themselves are shown."""
    tokens: list[str] = []
    issue = simulator.tenant.issue_token

    def issued(client_id: str, client_secret: str) -> str:
        tokens.append(issue(client_id, client_secret))
        return tokens[-1]

    monkeypatch.setattr(simulator.tenant, "issue_token", issued)
    file = settings_file(tmp_path, simulator, logon, pfx if logon == "certificate-pfx" else None)
    said = [
        run(
            file, "group", "grant", "--group", "staff@contoso.example", "--member", "jane.doe@contoso.example", "--json"
        ),
        run(file, "session", "show"),
        run(file, "settings", "show"),
        run(file, "settings", "show", "--json"),
        run(file, "journal", "show", "last", "--json"),
        run(file, "report", "last", "--json"),
        run(file, "report", "last", "--html", str(tmp_path / "report.html")),
        (tmp_path / "report.html").read_text("utf-8"),
        run(file, "doctor", "--json"),
    ]
    assert "changed" in said[0]
    assert "exchange connected" in said[0]
    assert "CREATE_PIPELINE" in said[0]
    assert '"group.grant"' in said[4]
    assert '"group.grant"' in said[5]
    assert "group.grant" in said[7]
    assert bool(tokens) == (logon in ("app-secret", "token-from-agent"))
    assert (
        SecretSearch([(str(number), token) for number, token in enumerate(tokens)]).hits("".join(said).encode()) == []
    )
    assert [canaries(text) for text in said] == [[] for _ in said]
    sent = tomllib.loads(file.read_text("utf-8"))["exchange"].get("certificate_pfx")
    assert not sent or not any(sent[start : start + 40] in text for text in said for start in range(0, len(sent), 40))


def test_no_secret_is_shown_when_the_log_on_is_refused(simulator: Simulator, tmp_path: Path) -> None:
    """Neither the agent's password nor the application's secret, where it is the very thing that is wrong."""
    refused = run(settings_file(tmp_path, simulator, "app-secret", user="nobody"), "group", "list", "--json")
    assert "agent-logon-refused" in refused
    file = settings_file(tmp_path, simulator, "app-secret")
    object.__setattr__(simulator.tenant.logon, "client_secret", "another one")
    other = run(file, "group", "list")
    assert "AADSTS" in other

    assert canaries(refused) + canaries(other) == []


@pytest.mark.parametrize("logon", ["token-from-agent", "certificate-file", "certificate-pfx"])
def test_no_secret_is_shown_when_the_agent_refuses_it(
    simulator: Simulator, tmp_path: Path, pfx: Pfx, logon: str
) -> None:
    """A secret that Entra ID does not take from the agent, a password that does not open the file or the PFX."""
    file = settings_file(tmp_path, simulator, logon, pfx if logon == "certificate-pfx" else None)
    text = file.read_text("utf-8").replace("pfx-password", "not-the-pfx-password")
    file.write_text(text, "utf-8")
    object.__setattr__(simulator.tenant.logon, "client_secret", "another one")
    said = run(file, "group", "list", "--json")
    assert "exchange-logon-refused" in said
    assert canaries(said) == []
    assert CANARY[:8] not in said


def test_no_secret_is_shown_when_the_settings_are_wrong(simulator: Simulator, tmp_path: Path) -> None:
    """A secret under a misspelt key, one of a wrong type, two log-ons at once."""
    file = settings_file(tmp_path, simulator, "app-secret")
    values = tomllib.loads(file.read_text("utf-8"))
    values["agent"]["pasword"] = values["agent"].pop("password")
    values["exchange"]["password"] = [EXCHANGE_PASSWORD]
    values["exchange"]["secret"] = {"a": SECRET}
    file.write_text(tomli_w.dumps(values), "utf-8")

    said = run(file, "settings", "check") + run(file, "settings", "check", "--json")

    assert "agent.pasword" in said
    assert canaries(said) == []


# A command that crashes with the secrets in the text of the error; with "leak" nothing is hidden.
CRASH = """
import sys
from bridge.cli import main
from bridge.logs import Redaction
from bridge.session import Session

def crash(self):
    agent, exchange = self._settings.agent, self._settings.exchange
    secrets = agent.password.get_secret_value(), exchange.client_secret.get_secret_value()
    raise RuntimeError(f"crashed with {secrets} {secrets[0]}")

Session.open = crash
if sys.argv[1] == "leak":
    Redaction.text = lambda self, text: text
sys.exit(main(sys.argv[2:]))
"""


def test_no_secret_is_shown_by_a_crash(simulator: Simulator, tmp_path: Path) -> None:
    """A mistake in exo-bridge itself, whose text holds the secrets, tells its traceback to the log without them."""
    said = run(settings_file(tmp_path, simulator, "app-secret"), "group", "list", python=("-c", CRASH, "hide"))

    assert "unforeseen error" in said
    assert "RuntimeError" in said
    assert "in crash" in said
    assert canaries(said) == []


def test_the_search_finds_what_is_not_hidden(simulator: Simulator, tmp_path: Path) -> None:
    """The same crash with a redaction that hides nothing: both secrets are found, so the search would have told."""
    said = run(settings_file(tmp_path, simulator, "app-secret"), "group", "list", python=("-c", CRASH, "leak"))

    assert set(SEARCH.hits(said.encode())) == {"password", "secret"}


def test_no_secret_is_in_the_conversation_of_a_password(simulator: Simulator, tmp_path: Path) -> None:
    """A password that goes to the agent as a SecureString is not in the trace, not even encrypted."""
    file = settings_file(tmp_path, simulator, "password")
    run(file, "group", "list")
    trace = file.with_name("wire.jsonl").read_text("utf-8")

    assert "<SS" in trace
    assert set(re.findall(r"<SS[^>]*>([^<]*)</SS>", trace)) == {"********"}
