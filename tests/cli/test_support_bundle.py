"""``exo-bridge support-bundle``: what is in it, and that no secret is."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import platformdirs
import pytest

from bridge.logs import Redaction
from bridge.logs.secret_search import SecretSearch
from tests.agent import Agent
from tests.cli.conftest import CANARY, Cli, Result

GRANT = ("group", "grant", "--group", "staff@contoso.example", "--member")
FILES = [
    "versions.json",
    "settings.json",
    "doctor.json",
    "log.jsonl",
    "agent.json",
    "timings.json",
    "runs.json",
    "items.jsonl",
    "manifest.json",
]
FILES_OF_A_READ = [name for name in FILES if name not in ("runs.json", "items.jsonl")]


@pytest.fixture
def on_agent(cli: Cli, settings: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Runs a command with a log, a journal and a data folder of this test's own."""
    monkeypatch.setenv("EXO_BRIDGE_LOG__FILE", str(tmp_path / "log.jsonl"))
    monkeypatch.setenv("EXO_BRIDGE_JOURNAL__PATH", str(tmp_path / "journal.db"))
    monkeypatch.setattr(platformdirs, "user_data_dir", lambda *_, **__: str(tmp_path / "data"))
    return lambda *words: cli(*words, "--settings", settings)


def members(file: Path) -> dict[str, bytes]:
    """The files in a bundle."""
    with zipfile.ZipFile(file) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def rows(data: bytes) -> list[dict[str, Any]]:
    """The rows of one of its documents."""
    found: list[dict[str, Any]] = json.loads(data)["rows"]
    return found


def test_the_bundle_of_a_failed_run(on_agent: Callable[..., Result], tmp_path: Path) -> None:
    """It has what the run left, what there is here and what the doctor sees; each file is as the manifest says."""
    on_agent(*GRANT, "alex.kim@contoso.example")
    failed = on_agent(*GRANT, "nobody@contoso.example", "--json", "--log-level", "debug").json
    out = tmp_path / "bundle.zip"
    said = on_agent("support-bundle", "--last", "--out", str(out))

    assert said.code == 0
    found = members(out)
    assert list(found) == FILES
    assert all(name in said.out for name in FILES)
    manifest = json.loads(found["manifest.json"])
    assert manifest["runs"] == [failed["run"]]
    assert {one["name"]: one["sha256"] for one in manifest["files"]} == {
        name: hashlib.sha256(data).hexdigest() for name, data in found.items() if name != "manifest.json"
    }
    log = [json.loads(line) for line in found["log.jsonl"].splitlines()]
    assert {event["run"] for event in log} == {failed["run"]}
    assert log[-1]["event"] == "command ended"
    (item,) = [json.loads(line) for line in found["items.jsonl"].splitlines()]
    assert (item["state"], item["problem"]["code"]) == ("failed", "object-not-found")
    assert {row["event"] for row in rows(found["agent.json"])} == {"runspace taken over", "exchange connected"}
    assert {row["kind"] for row in rows(found["timings.json"])} >= {"group.grant", "Command", "Receive"}
    assert "failed" not in {row["status"] for row in rows(found["doctor.json"])}
    values = {row["key"]: row["value"] for row in rows(found["settings.json"])}
    assert values["agent.password"] == "********"
    assert "pypsrp" in json.loads(found["versions.json"])["packages"]


def test_nobody_is_named_in_it(on_agent: Callable[..., Result], tmp_path: Path) -> None:
    """Names and addresses are hashed, the same in log and journal, unless they are to be kept."""
    on_agent(*GRANT, "alex.kim2@contoso.example")
    out = tmp_path / "bundle.zip"
    on_agent("support-bundle", "last", "--no-doctor", "--out", str(out))
    text = b"".join(members(out).values()).decode().lower()

    assert "doctor.json" not in text
    assert not any(name in text for name in ("alex", "all staff", "staff@", "operator"))
    log = [json.loads(line) for line in members(out)["log.jsonl"].splitlines()]
    (sending,) = [event["parameters"] for event in log if event["event"] == "sending"]
    assert json.loads(members(out)["items.jsonl"])["parameters"] == sending
    on_agent("support-bundle", "last", "--no-doctor", "--personal-data", "keep", "--force", "--out", str(out))
    assert "alex.kim2@contoso.example" in members(out)["items.jsonl"].decode()


def test_no_secret_is_in_it(on_agent: Callable[..., Result], agent: Agent, tmp_path: Path) -> None:
    """The settings' and the token's, also where an older log has them in plain: the bundle hides them by itself."""
    on_agent("group", "list")
    log = tmp_path / "log.jsonl"
    run = json.loads(log.read_text("utf-8").splitlines()[-1])["run"]
    leaked = {"time": "2026-01-01T00:00:00.000Z", "level": "info", "event": "verbose", "run": run}
    with log.open("a", encoding="utf-8") as stream:
        stream.write(json.dumps({**leaked, "message": f"operator:{CANARY}", CANARY: [CANARY.encode().hex(), CANARY]}))
        stream.write("\n")
    out = tmp_path / "bundle.zip"
    assert on_agent("support-bundle", run[:8], "--out", str(out)).code == 0

    secret = agent.simulator.tenant.logon.client_secret
    search = SecretSearch([("password", CANARY), ("client secret", secret)])
    assert list(members(out)) == FILES_OF_A_READ
    assert [name for name, data in members(out).items() if search.hits(data)] == []


def test_what_is_not_hidden_is_not_written(
    on_agent: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a redaction that is broken on purpose the search finds the secret, says where, and nothing is left."""
    on_agent("group", "list")
    log = tmp_path / "log.jsonl"
    run = json.loads(log.read_text("utf-8").splitlines()[-1])["run"]
    with log.open("a", encoding="utf-8") as stream:
        stream.write(json.dumps({"event": "verbose", "run": run, "message": f"x{CANARY}x"}) + "\n")
    monkeypatch.setattr(Redaction, "text", lambda _self, text: text)
    out = tmp_path / "bundle.zip"
    refused = on_agent("support-bundle", run, "--no-doctor", "--out", str(out))

    assert refused.code == 1
    assert "log.jsonl of the bundle would hold the secret of agent.password" in refused.err
    assert not out.exists()
    assert not list(tmp_path.glob(".exo-bridge-*"))


def test_it_is_shown_before_it_is_written(on_agent: Callable[..., Result], tmp_path: Path) -> None:
    """--dry-run lists the same files and writes none; --json is one document."""
    on_agent("group", "list")
    out = tmp_path / "bundle.zip"
    shown = on_agent("support-bundle", "--last", "--no-doctor", "--dry-run", "--json", "--out", str(out)).json

    assert [row["name"] for row in shown["rows"]] == [name for name in FILES_OF_A_READ if name != "doctor.json"]
    assert shown["file"] is None
    assert list(tmp_path.glob("*.zip")) == []


def test_what_cannot_be_bundled(on_agent: Callable[..., Result], tmp_path: Path) -> None:
    """No run, a run that is not there, no place for the file, and a file that is there are each said."""
    out = tmp_path / "bundle.zip"
    there = tmp_path / "there.zip"
    there.write_text("mine")

    def code(*words: str) -> int:
        return on_agent("support-bundle", "--no-doctor", *words).code

    assert code("--out", str(out)) == 2
    assert code("--last", "--out", str(out)) == 2
    assert code("abc", "--out", str(out)) == 2
    assert code("--last", "--out", str(tmp_path)) == 2
    assert code("--last", "--out", str(tmp_path / "none" / "b.zip")) == 2
    assert code("--last", "--out", str(there)) == 2
    assert there.read_text() == "mine"
