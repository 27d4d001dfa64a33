"""Shared mailboxes beyond the cases: what calls cost, whose rights are listed, what is refused before it is sent."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from typing import Any, cast

import pytest

from bridge.actions import ACTIONS
from bridge.errors import UsageError
from bridge.model import Outcome
from bridge.runner import run_call
from bridge.scripts import ScriptFolder
from bridge.session import Session
from bridge.simulator.tenant import AccessEntry, Account
from tests.agent import Agent, running_agent

INFO = "info@contoso.example"
JANE = "jane.doe@contoso.example"
SAM = "sam.taylor@contoso.example"
RIGHTS = ("full-access", "send-as", "send-on-behalf")
GONE = "S-1-5-21-3812345678-1234567890-2345678901-1"


@dataclasses.dataclass(frozen=True)
class Bench:
    """An agent and an open session to it."""

    agent: Agent
    session: Session

    def run(self, action: str, **parameters: Any) -> Outcome:
        """One call; ``calls`` is then about it alone."""
        self.agent.records.clear()
        (call,) = ACTIONS[action].calls(parameters)
        return run_call(call, self.session)

    def calls(self) -> list[str]:
        """The Exchange cmdlets of the last call, in order."""
        return [record.cmdlet for record in self.agent.records if record.cmdlet != "Connect-ExchangeOnline"]


@pytest.fixture(scope="module", params=["contract", pytest.param("pwsh", marks=pytest.mark.pwsh)])
def opened(request: pytest.FixtureRequest) -> Iterator[Bench]:
    """One session on each engine."""
    engine = request.param
    pwsh = request.getfixturevalue("pwsh_path") if engine == "pwsh" else None
    with running_agent(engine, pwsh=pwsh) as agent, agent.session(on_exit="close") as session:
        yield Bench(agent, session)


@pytest.fixture
def bench(opened: Bench) -> Iterator[Bench]:
    """The organization is put back after each test."""
    tenant = opened.agent.simulator.tenant
    snapshot = tenant.snapshot()
    yield opened
    tenant.restore(snapshot)


@pytest.mark.parametrize("right", RIGHTS)
@pytest.mark.parametrize("user", [JANE, "Jane Doe", "1A4FABBF-bf88-5049-98cb-f4d95edf05dd", "finance"])
def test_what_is_so_already_costs_two_calls(bench: Bench, right: str, user: str) -> None:
    """However the user is named, a grant that is there and a revoke of what is not there cost two calls."""
    about = {"mailbox": INFO, "user": user, "right": right}
    assert bench.run("shared-mailbox.revoke", **about).status == "unchanged"
    assert len(bench.calls()) == 2
    assert bench.run("shared-mailbox.grant", **about).status == "changed"
    assert len(bench.calls()) == 3
    assert bench.run("shared-mailbox.grant", **about).status == "unchanged"
    assert len(bench.calls()) == 2


def test_a_user_without_an_address(bench: Bench) -> None:
    """No recipient has the name, so the users are asked, and the right goes to the user."""
    about = {"mailbox": INFO, "user": SAM, "right": "send-as"}
    assert bench.run("shared-mailbox.grant", **about).status == "changed"
    assert bench.calls() == ["Get-Recipient", "Get-User", "Get-RecipientPermission", "Add-RecipientPermission"]
    assert bench.run("shared-mailbox.revoke", **about).status == "changed"


def test_an_address_goes_before_a_name(bench: Bench) -> None:
    """Who is called like somebody else's address is not taken for that person, in either place."""
    rename(bench, "pieter.jansen@contoso.example", JANE)
    rename(bench, "sales@contoso.example", INFO)
    outcome = bench.run("shared-mailbox.grant", mailbox=INFO, user=JANE, right="send-as")
    assert outcome.identity is not None
    assert (outcome.identity.name, outcome.before["user_name"]) == ("Info", "Jane Doe")


def test_only_what_was_given_is_listed(bench: Bench) -> None:
    """Denials and inherited entries are left out; an account that is gone and a name that nobody has are shown so."""
    info = account(bench, INFO)
    jane, sam = account(bench, JANE), account(bench, SAM)
    entries = (
        AccessEntry(jane.guid, deny=True),
        AccessEntry(jane.guid, rights=("ReadPermission",)),
        AccessEntry(sam.guid),
        AccessEntry(GONE),
    )
    put(bench, dataclasses.replace(info, full_access=entries, send_as=(jane.guid,), send_on_behalf=(jane.guid,)))
    rows = bench.run("shared-mailbox.rights", mailbox=INFO).rows
    assert [(row["user_name"], row["user_kind"], row["user_id"], row["right"]) for row in rows] == [
        ("Sam Taylor", "user", sam.guid, "full-access"),
        (GONE, "deleted", "", "full-access"),
        ("Jane Doe", "user", jane.guid, "send-as"),
        ("Jane Doe", "user", jane.guid, "send-on-behalf"),
    ]
    assert {(row["id"], row["name"], row["primary_smtp_address"]) for row in rows} == {(info.guid, "Info", INFO)}


def test_a_name_that_means_two_is_not_guessed(bench: Bench) -> None:
    """Where a holder's name is found twice the row says that it is unknown, and gives no id."""
    info, jane = account(bench, INFO), account(bench, JANE)
    put(bench, dataclasses.replace(info, full_access=(), send_as=(), send_on_behalf=(jane.guid,)))
    for address in (JANE, "wei.zhang@contoso.example"):
        put(bench, dataclasses.replace(account(bench, address), name="J. Doe"))
    (row,) = bench.run("shared-mailbox.rights", mailbox=INFO).rows
    assert (row["user_name"], row["user_kind"], row["user_id"]) == ("J. Doe", "unknown", "")


def test_what_all_rights_cost(bench: Bench) -> None:
    """Send As of all mailboxes is one call, and a holder is looked up once, however many mailboxes there are."""
    for mailbox in (INFO, "sales@contoso.example", "invoices@contoso.example"):
        put(bench, dataclasses.replace(account(bench, mailbox), full_access=(), send_as=(), send_on_behalf=()))
        bench.run("shared-mailbox.grant", mailbox=mailbox, user=JANE, right="full-access")
    assert len(bench.run("shared-mailbox.rights").rows) == 3
    assert sorted(bench.calls()) == [
        "Get-EXOMailbox",
        *["Get-EXOMailboxPermission"] * 3,
        "Get-EXORecipientPermission",
        "Get-Recipient",
    ]


def test_more_holders_than_one_filter_takes(bench: Bench) -> None:
    """Holders are looked up twenty at a time, and none is lost."""
    people = [one for one in bench.agent.simulator.tenant.directory.accounts() if one.type == "User" or one.mailbox]
    everybody = {one.guid for one in people}
    entries = tuple(AccessEntry(guid) for guid in everybody)
    put(bench, dataclasses.replace(account(bench, INFO), full_access=entries, send_as=(), send_on_behalf=()))
    rows = bench.run("shared-mailbox.rights", mailbox=INFO).rows
    assert {row["user_id"] for row in rows} == everybody
    assert len(everybody) > 20
    assert bench.calls().count("Get-Recipient") == -(-len(everybody) // 20)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"name": "x" * 65}, "64"),
        ({"address": "desk"}, "address"),
        ({"marker": ["CustomAttribute16=x"]}, "CustomAttribute15"),
        ({"marker": ["CustomAttribute1="]}, "CustomAttribute1"),
        ({"marker": ["CustomAttribute1=a", "customattribute1=b"]}, "twice"),
    ],
)
def test_what_cannot_be_created_is_not_sent(given: dict[str, Any], said: str) -> None:
    """A name that is too long, what is no address, and markers that are none are refused at once."""
    with pytest.raises(UsageError, match=said):
        ACTIONS["shared-mailbox.create"].calls({"name": "Desk", "address": "desk@contoso.example"} | given)


def test_a_marker_is_spelt_as_exchange_spells_it() -> None:
    """The attribute may be written in any case, and a value may hold anything."""
    given = {
        "name": "Desk",
        "address": "desk@contoso.example",
        "marker": ["customATTRIBUTE7=a=b ", "CustomAttribute7=a=b "],
    }
    (call,) = ACTIONS["shared-mailbox.create"].calls(given)
    assert call.parameters["marker"] == ["CustomAttribute7=a=b "]


def test_functions_that_scripts_share_are_the_same() -> None:
    """A script stands alone, so what several need is copied: the copies are equal."""
    copies: dict[str, set[str]] = {}
    for name in ScriptFolder().names():
        text = ScriptFolder().get(name).text
        for function in ("Find-One", "Get-Term", "Select-Named"):
            for found in re.findall(rf"^function {function}\(.*?^}}$", text, re.DOTALL | re.MULTILINE):
                copies.setdefault(function, set()).add(found)
    assert {function: len(texts) for function, texts in copies.items()} == dict.fromkeys(copies, 1)
    assert len(copies) == 3


def account(bench: Bench, address: str) -> Account:
    """An account of the organization, as it is."""
    (found,) = bench.agent.simulator.tenant.directory.find(address, lambda _: True)
    return cast(Account, found)


def put(bench: Bench, thing: Account) -> None:
    """Change an account behind Exchange's back."""
    bench.agent.simulator.tenant.directory.put(thing)


def rename(bench: Bench, address: str, name: str) -> None:
    """Give somebody a display name that is somebody else's address."""
    put(bench, dataclasses.replace(account(bench, address), display_name=name))
