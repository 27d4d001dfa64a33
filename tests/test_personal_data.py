"""Names and addresses in a log: kept, masked or hashed."""

from __future__ import annotations

import io
import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.actions import ACTIONS
from bridge.logs import LogObserver, configure
from bridge.logs.personal import PersonalData, Treatment, machine_key
from bridge.model import Identity, Outcome, Problem, Record, Status

KEY = b"k" * 32
ID = "0f3c1e9a-53b2-4f0e-9f7b-1c2d3e4f5a6b"


def logged(tmp_path: Path, treatment: Treatment) -> list[dict[str, Any]]:
    """The events of one call about John O'Brien and the mailbox of Jane, who are named in every way."""
    file = tmp_path / f"{treatment}.jsonl"
    log = configure(file=file, stream=io.StringIO(), treatments=[PersonalData(treatment, KEY)])
    observer = LogObserver(log)
    (call,) = ACTIONS["shared-mailbox.grant"].calls(
        {"mailbox": "jane.doe@contoso.example", "user": "John O'Brien", "right": "full-access"}
    )
    observer.sending(call)
    observer.record(call, Record("verbose", "Adding 'John O'Brien' to the mailbox 'Jane Doe'."))
    problem = Problem("access-denied", "JANE.DOE@contoso.example: john o'brien may not.", "Ask.")
    observer.finished(
        call,
        Outcome(
            call.action,
            Status.FAILED,
            call.parameters,
            identity=Identity(ID, "Jane Doe"),
            before={"rights": ["full-access"], "hidden": False, "name": "Jane Doe"},
            problem=problem,
        ),
    )
    log.close()
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


@pytest.mark.parametrize("treatment", ["mask", "hash"])
def test_nobody_is_named(tmp_path: Path, treatment: Treatment) -> None:
    """Neither in parameters, nor in what Exchange says, nor in another letter case; the rest can still be read."""
    found = logged(tmp_path, treatment)
    text = json.dumps(found).lower()

    assert not any(name in text for name in ("jane", "brien", "contoso", "doe"))
    sending, record, finished = found
    assert sending["parameters"]["right"] == "full-access"
    assert record["message"].startswith("Adding '")
    assert finished["identity"]["id"] == ID
    assert finished["before"]["rights"] == ["full-access"]
    assert finished["before"]["hidden"] is False
    assert finished["problem"]["code"] == "access-denied"


def test_everybody_is_named_where_it_is_to_be_kept(tmp_path: Path) -> None:
    """That is what the setting says, and the default."""
    assert logged(tmp_path, "keep")[0]["parameters"]["user"] == "John O'Brien"


def test_a_hash_can_be_followed_and_not_be_tried_out(tmp_path: Path) -> None:
    """The same for the same name wherever it stands, another with another key."""
    sending, _, finished = logged(tmp_path, "hash")
    mine = sending["parameters"]["mailbox"]

    assert mine in finished["problem"]["message"]
    assert mine == PersonalData("hash", KEY).text("Jane.Doe@Contoso.example")
    assert mine != PersonalData("hash", b"another").text("jane.doe@contoso.example")


@given(st.sampled_from(["mask", "hash"]), st.text(min_size=3).filter(lambda text: text.strip() == text))
def test_a_name_of_any_characters_is_treated(treatment: Treatment, name: str) -> None:
    """Whatever a name is made of, a sentence in which Exchange quotes it does not show it."""
    event = {"action": "group.grant", "call": "c", "parameters": {"group": name}}
    personal = PersonalData(treatment, KEY)
    shown = personal.event(event)["parameters"]["group"]

    assert shown == "***" if treatment == "mask" else len(shown) == 13
    said = personal.event({"call": "c", "message": f"Object '{name}' was not found."})["message"]
    assert said.startswith("Object '")
    assert said == f"Object '{shown}' was not found."


def test_the_key_of_a_machine_is_made_once(tmp_path: Path) -> None:
    """Every process has the same one; only its owner can read it."""
    first = machine_key(tmp_path / "data")

    assert len(first) == 32
    assert machine_key(tmp_path / "data") == first
    (file,) = (tmp_path / "data").iterdir()
    if os.name != "nt":
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_key_that_cannot_be_kept_is_made_for_this_time(tmp_path: Path) -> None:
    """A folder that is a file does not keep anything from being logged."""
    blocked = tmp_path / "file"
    blocked.write_text("")

    assert len(machine_key(blocked / "data")) == 32
