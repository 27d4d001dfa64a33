"""``exo-bridge batch undo`` of a run with every kind of change: the organization is as before, on both engines."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bridge.actions import ACTIONS
from bridge.model import Kind
from tests.agent import Agent, running_agent
from tests.cli.conftest import Cli

JANE, JOHN, MARIA, PIETER = (
    f"{name}@contoso.example" for name in ("jane.doe", "john.obrien", "maria.garcia", "pieter.jansen")
)
AISHA, SANNE, TOM, WEI = (
    f"{name}@contoso.example" for name in ("aisha.khan", "sanne.devries", "tom.baker", "wei.zhang")
)
INFO, SALES, STAFF, FINANCE = (f"{name}@contoso.example" for name in ("info", "sales", "staff", "finance"))
NEW_GROUP, NEW_MAILBOX = "sales.north@contoso.example", "projects@contoso.example"
AWAY = {"internal_message": "<b>Away</b>", "external_message": "Away", "audience": "known"}
CHRISTMAS = {"start": "2026-12-24T17:00+01:00", "end": "2027-01-02T08:00+01:00"}
ROWS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("group.create", {"name": "Sales North", "address": NEW_GROUP, "kind": "distribution", "managed_by": SANNE}),
    ("shared-mailbox.create", {"name": "Projects", "address": NEW_MAILBOX, "marker": ["CustomAttribute1=P1"]}),
    ("group.grant", {"group": STAFF, "member": JANE}),
    ("group.grant", {"group": STAFF, "member": JOHN}),
    ("group.grant", {"group": FINANCE, "member": JANE}),
    ("group.revoke", {"group": STAFF, "member": PIETER}),
    ("group.revoke", {"group": STAFF, "member": MARIA}),
    ("shared-mailbox.grant", {"mailbox": INFO, "user": JANE, "right": ["full-access", "send-as", "send-on-behalf"]}),
    ("shared-mailbox.grant", {"mailbox": SALES, "user": JOHN, "right": ["send-as"]}),
    ("shared-mailbox.revoke", {"mailbox": INFO, "user": PIETER, "right": ["full-access", "send-as"]}),
    ("shared-mailbox.revoke", {"mailbox": SALES, "user": "chloe.martin@contoso.example", "right": ["send-on-behalf"]}),
    ("mailbox.hide", {"mailbox": INFO}),
    ("mailbox.hide", {"mailbox": JANE}),
    ("mailbox.show", {"mailbox": TOM}),
    ("mailbox.set", {"mailbox": JANE, "set": ["CustomAttribute1=E0099", "CustomAttribute3= x "], "clear": ["Office"]}),
    ("mailbox.set", {"mailbox": JANE, "set": ['RetentionComment=a;b "c"', "AuditEnabled=false"]}),
    ("mailbox.set", {"mailbox": WEI, "set": ["ExtensionCustomAttribute1=labs", "ExtensionCustomAttribute2=a;b"]}),
    ("mailbox.set", {"mailbox": TOM, "set": ["RetentionUrl=https://a.example"], "clear": ["CustomAttribute2"]}),
    ("mailbox.set", {"mailbox": TOM, "set": ["RetentionUrl=https://b.example"]}),
    ("mailbox.set-addresses", {"mailbox": MARIA, "primary": "maria@contoso.example", "remove": [MARIA]}),
    (
        "mailbox.set-addresses",
        {"mailbox": JOHN, "add": ["jo@contoso.example"], "primary": "john@contoso.example"},
    ),
    ("mailbox.set-regional", {"mailbox": JANE, "language": "nl-NL", "date_format": "dd-MM-yy", "time_format": "H:mm"}),
    ("mailbox.set-regional", {"mailbox": JANE, "time_zone": "Romance Standard Time"}),
    (
        "mailbox.set-automatic-replies",
        {"mailbox": JANE, "state": "enabled", **AWAY},
    ),
    ("mailbox.set-automatic-replies", {"mailbox": AISHA, "state": "scheduled", **AWAY, **CHRISTMAS}),
    ("mailbox.set-litigation-hold", {"mailbox": JANE, "duration": "2555", "owner": "Legal"}),
    ("mailbox.remove-litigation-hold", {"mailbox": AISHA, "confirm_release": True}),
    ("mailbox.set-folder-permission", {"mailbox": JANE, "user": "Default", "right": "LimitedDetails"}),
    ("mailbox.set-folder-permission", {"mailbox": JANE, "user": SANNE, "right": "Editor", "delegate": "yes"}),
    ("mailbox.remove-folder-permission", {"mailbox": MARIA, "user": SANNE}),
)


@pytest.fixture(scope="module", params=["contract", pytest.param("pwsh", marks=pytest.mark.pwsh)])
def agent(request: pytest.FixtureRequest) -> Iterator[Agent]:
    """An agent on each engine."""
    pwsh = request.getfixturevalue("pwsh_path") if request.param == "pwsh" else None
    with running_agent(request.param, pwsh=pwsh) as agent:
        yield agent


@pytest.fixture
def settings(settings: str, tmp_path: Path) -> str:
    """Settings with a journal of their own, and leave to take half the members out of a group."""
    with Path(settings).open("a", encoding="utf-8") as file:
        file.write(f"\n[journal]\npath = {json.dumps(str(tmp_path / 'journal.db'))}\n")
        file.write("\n[batch]\nmax_removed_percent = 50\n")
    return settings


class Batch:
    """Runs files in a folder, and takes the runs back."""

    def __init__(self, cli: Cli, settings: str, folder: Path) -> None:
        self._cli = cli
        self._settings = settings
        self._folder = folder

    def run(self, *rows: tuple[str, dict[str, Any]]) -> dict[str, Any]:
        """Plan a file with these rows, apply it, and give what the summary says."""
        file = self._folder / "changes.jsonl"
        file.write_text("".join(f"{json.dumps({'action': name, **given})}\n" for name, given in rows), "utf-8")
        self.json("plan", str(file), "--out", self._plan)
        return self.apply()

    def undo(self, run: str) -> dict[str, Any]:
        """Make a plan that takes a run back, and give what it says."""
        return self.json("undo", run, "--out", self._plan)

    def apply(self) -> dict[str, Any]:
        """Apply the last plan."""
        return self.json("apply", self._plan, "--yes")

    def json(self, *arguments: str) -> dict[str, Any]:
        """What a command of ``batch`` prints; it ends well."""
        result = self._cli("batch", *arguments, "--settings", self._settings, "--json")
        told = result.json
        rows = told.get("outcomes", told["rows"])
        assert [(one["line"], one["problem"]["message"]) for one in rows if one["problem"]] == []
        assert result.code == 0
        return told

    @property
    def _plan(self) -> str:
        return str(self._folder / "plan.json")


@pytest.fixture
def batch(cli: Cli, settings: str, tmp_path: Path) -> Batch:
    """Files, plans and runs of one test."""
    return Batch(cli, settings, tmp_path)


on_contract = pytest.mark.parametrize("agent", ["contract"], indirect=True)


def test_every_kind_of_change(batch: Batch, agent: Agent) -> None:
    """One file with every action that changes something, several of them twice on one object, is taken back whole."""
    assert {name for name, _ in ROWS} == {name for name, action in ACTIONS.items() if action.kind is Kind.CHANGE}
    before = agent.objects()
    made = batch.run(*ROWS)
    assert made["counts"] == {"changed": 33} | {name: 0 for name in made["counts"] if name != "changed"}
    assert agent.objects() != before

    planned = batch.undo(made["run"])
    assert planned["counts"] == {"changed": 31, "unchanged": 0, "failed": 0}
    left = [sentence for sentence in planned["left"] if "not deleted" in sentence]
    assert [sentence.split()[0] for sentence in left] == ["shared-mailbox.create", "group.create"]
    undone = batch.apply()
    assert undone["counts"]["changed"] == 31

    now = agent.objects()
    assert {guid: now[guid] for guid in before} == before
    assert sorted(now[guid]["name"] for guid in now.keys() - before.keys()) == ["Projects", "Sales North"]


@on_contract
def test_markers_of_what_was_there(batch: Batch, agent: Agent) -> None:
    """A mailbox that got its markers later loses them again; that a group keeps them is told."""
    there = {"name": "G", "address": "g@contoso.example", "kind": "distribution"}
    mailbox = {"name": "M", "address": "m@contoso.example"}
    batch.run(("group.create", there), ("shared-mailbox.create", mailbox))
    before = agent.objects()
    made = batch.run(
        ("group.create", {**there, "marker": ["CustomAttribute1=Q"]}),
        ("shared-mailbox.create", {**mailbox, "marker": ["CustomAttribute1=Q", "CustomAttribute2=R"]}),
    )
    assert made["counts"]["changed"] == 2

    planned = batch.undo(made["run"])
    assert planned["left"] == [
        "group.create G: the markers of a group that was there already stay; clear them in Exchange."
    ]
    assert batch.apply()["counts"]["changed"] == 1
    now = agent.objects()
    assert [now[guid]["name"] for guid in before if now[guid] != before[guid]] == ["G"]


@on_contract
def test_undoing_the_undoing(batch: Batch, agent: Agent) -> None:
    """The run that took a run back is taken back itself: what was not created is as the first run left it."""
    made = batch.run(*ROWS)
    after = agent.objects()
    batch.undo(made["run"])
    undone = batch.apply()
    planned = batch.undo(undone["run"])
    assert (planned["counts"]["changed"], planned["undoes"]) == (31, undone["run"])
    batch.apply()
    assert agent.objects() == after


@on_contract
def test_what_is_not_known(batch: Batch, agent: Agent) -> None:
    """Whether Outlook opened a mailbox by itself is told as left, and nothing else differs."""
    before = agent.objects()
    lukas = {"mailbox": SALES, "user": "lukas.weber@contoso.example", "right": ["full-access"]}
    made = batch.run(("shared-mailbox.revoke", lukas))
    planned = batch.undo(made["run"])
    assert planned["left"] == [
        "shared-mailbox.revoke Sales: whether Outlook opened the mailbox by itself is not known."
    ]
    batch.apply()
    for was, now in zip(before.values(), agent.objects().values(), strict=True):
        entries = now.pop("full_access", []), was.pop("full_access", [])
        without = [[{**one, "auto_mapping": None} for one in entry] for entry in entries]
        assert (now, without[0]) == (was, without[1])


@on_contract
def test_done_by_somebody_else(batch: Batch, cli: Cli, settings: str, agent: Agent) -> None:
    """What somebody took back already is unchanged, and what they changed to something else since is written back."""
    before = agent.objects()
    made = batch.run(("mailbox.hide", {"mailbox": INFO}), ("mailbox.set", {"mailbox": JANE, "set": ["Office=A"]}))
    assert cli("mailbox", "show", "--mailbox", INFO, "--settings", settings).code == 0
    assert cli("mailbox", "set", "--mailbox", JANE, "--set", "Office=B", "--settings", settings).code == 0
    assert batch.undo(made["run"])["counts"] == {"changed": 1, "unchanged": 1, "failed": 0}
    batch.apply()
    assert agent.objects() == before
