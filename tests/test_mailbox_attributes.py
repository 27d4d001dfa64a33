"""mailbox.show, .hide, .set and .set-addresses, and what the finding actions find, through session and runner.

The organization is the demo tenant, put back for each example; what is asserted is what the tenant holds.
"""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Iterator, Mapping
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from bridge.actions import ACTIONS
from bridge.actions.mailbox_attributes import ATTRIBUTES
from bridge.errors import UsageError
from bridge.model import Outcome, Status
from bridge.runner import run_call
from bridge.session import Session
from bridge.simulator.tenant import Account
from tests.agent import Agent, running_agent

JANE = "jane.doe@contoso.example"
JOHN = "john.obrien@contoso.example"
OWNED = (
    "SIP:jane.doe@contoso.example",
    "smtp:Jane.Doe@contoso.onmicrosoft.com",
    "SPO:SPO_1@SPO_2",
    "X500:/o=Contoso/cn=jdoe",
)


class Bench:
    """An agent, an open session, and the tenant behind them."""

    def __init__(self, agent: Agent, session: Session) -> None:
        self.agent = agent
        self.session = session
        self.tenant = agent.simulator.tenant

    def account(self, address: str) -> Account:
        """The account as it is."""
        (found,) = self.tenant.directory.find(address, lambda thing: isinstance(thing, Account))
        return cast(Account, found)

    def change(self, address: str, **fields: Any) -> None:
        """Make an account what a test needs."""
        self.tenant.directory.put(dataclasses.replace(self.account(address), **fields))

    def run(self, action: str, **parameters: Any) -> Outcome:
        """One call and its outcome."""
        (call,) = ACTIONS[action].calls(parameters)
        return run_call(call, self.session)


@pytest.fixture(scope="module", params=["contract", pytest.param("pwsh", marks=pytest.mark.pwsh)])
def engine(request: pytest.FixtureRequest) -> Iterator[Bench]:
    """Both engines, one after the other."""
    pwsh = request.getfixturevalue("pwsh_path") if request.param == "pwsh" else None
    with running_agent(request.param, pwsh=pwsh) as agent, agent.session(on_exit="close") as session:
        session.open()
        yield Bench(agent, session)


@pytest.fixture
def bench(engine: Bench) -> Iterator[Bench]:
    """The demo tenant as it is shipped."""
    snapshot = engine.tenant.snapshot()
    yield engine
    engine.tenant.restore(snapshot)


many = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)

# --- addresses


def spellings(local: str) -> st.SearchStrategy[str]:
    """An address in one of several letter cases."""
    return st.sampled_from([local, local.upper(), local.title()]).map(lambda text: f"{text}@contoso.example")


ADDRESS = st.sampled_from(["jd", "jd.x", "o'd", "a+b"]).flatmap(spellings)
SOME = st.lists(ADDRESS, max_size=3)


def lower(account: Account) -> set[str]:
    """All addresses of an account, the primary one among them, in lower case and without prefix for SMTP."""
    others = {address.lower().removeprefix("smtp:") for address in account.email_addresses}
    return others | {account.primary_smtp_address.lower()}


def has(account: Account) -> tuple[str, list[str]]:
    """The addresses of an account, whatever their order."""
    return account.primary_smtp_address, sorted(account.email_addresses)


@many
@given(ADDRESS, st.lists(ADDRESS, max_size=3, unique_by=str.lower), SOME, SOME, st.none() | ADDRESS, st.randoms())
def test_merging_addresses(
    bench: Bench,
    first: str,
    others: list[str],
    add: list[str],
    remove: list[str],
    primary: str | None,
    order: random.Random,
) -> None:
    """Always one primary, nothing lost that was not removed, spelt as it was, in any order, once and for all."""
    others = [address for address in others if address.lower() != first.lower()]
    addresses = (*(f"smtp:{address}" for address in others), *OWNED)
    bench.change(JANE, primary_smtp_address=first, email_addresses=addresses)
    before = bench.account(JANE)
    wanted: dict[str, Any] = {"mailbox": before.guid, "add": add, "remove": remove, "primary": primary}
    try:
        ACTIONS["mailbox.set-addresses"].calls(wanted)
    except UsageError:
        assume(condition=False)

    outcome = bench.run("mailbox.set-addresses", **wanted)
    after = bench.account(JANE)

    gone = {address.lower() for address in remove}
    if (primary or first).lower() in gone:
        assert outcome.problem
        assert outcome.problem.code == "address-kept"
        assert after == before
        return
    assert outcome.problem is None
    assert after.primary_smtp_address.lower() == (primary or first).lower()
    assert not any(address.startswith("SMTP:") for address in after.email_addresses)
    assert lower(after) == (lower(before) - gone) | {
        address.lower() for address in (*add, *([primary] if primary else []))
    }
    assert set(OWNED) <= set(after.email_addresses)
    kept = {first, *others} - {address for address in (first, *others) if address.lower() in gone}
    assert kept <= {after.primary_smtp_address, *(one.removeprefix("smtp:") for one in after.email_addresses)}
    assert outcome.after["primary_smtp_address"] == after.primary_smtp_address
    assert sorted(outcome.after["email_addresses"]) == sorted(
        [f"SMTP:{after.primary_smtp_address}", *after.email_addresses]
    )
    assert bench.run("mailbox.set-addresses", **wanted).status is Status.UNCHANGED

    bench.change(JANE, primary_smtp_address=first, email_addresses=addresses)
    one_spelling = {address.lower(): address for address in add}.values()
    shuffled = wanted | {"add": order.sample(add, len(add)), "remove": order.sample(remove, len(remove))}
    bench.run("mailbox.set-addresses", **shuffled)
    if len(one_spelling) == len(set(add)):
        assert has(bench.account(JANE)) == has(after)

    undo_addresses(bench, outcome)
    assert has(bench.account(JANE)) == has(before)


def undo_addresses(bench: Bench, outcome: Outcome) -> None:
    """Write ``before`` back by the same action."""
    was, became = (
        [text[5:] for text in part["email_addresses"] if text.lower().startswith("smtp:")]
        for part in (outcome.before, outcome.after)
    )
    assert outcome.identity
    bench.run(
        "mailbox.set-addresses",
        mailbox=outcome.identity.id,
        primary=outcome.before["primary_smtp_address"],
        add=[one for one in was if one not in became],
        remove=[one for one in became if one not in was],
    )


def test_other_addresses_of_the_mailbox_stay_while_one_is_added(bench: Bench) -> None:
    """An address that somebody adds between the script's read and its write is not lost."""
    jane = bench.account(JANE)
    bench.tenant.delay = 60.0
    bench.change(JANE, email_addresses=("smtp:meanwhile@contoso.example",))

    assert bench.run("mailbox.set-addresses", mailbox=jane.guid, add=["j@contoso.example"]).status is Status.CHANGED
    assert bench.account(JANE).email_addresses == ("smtp:meanwhile@contoso.example", "smtp:j@contoso.example")


# --- attributes


def other_value(name: str, now: Any) -> list[str]:
    """Values that an attribute can take and that it has not."""
    if ATTRIBUTES[name] == "yes-or-no":
        return [str(not now).lower()]
    if ATTRIBUTES[name] == "list":
        return ["b 2", "a'1"]
    return ["smtp:x@fabrikam.example"] if name == "forwarding_smtp_address" else [f"new-{name}"]


def undo_attributes(bench: Bench, outcome: Outcome) -> Outcome:
    """Write ``before`` back by the same action."""
    back: dict[str, list[str]] = {"set": [], "clear": []}
    for name, value in outcome.before.items():
        values = value if isinstance(value, list) else [value]
        if value in ("", []):
            back["clear"].append(name)
        else:
            back["set"] += [f"{name}={str(one).lower() if isinstance(one, bool) else one}" for one in values]
    assert outcome.identity
    return bench.run("mailbox.set", mailbox=outcome.identity.id, **back)


def test_every_attribute_can_be_set_and_set_back(bench: Bench) -> None:
    """All at once: each is written, the second time none is, and what was before can be written back."""
    snapshot = bench.tenant.snapshot()
    flags = [f"{name}=true" for name, kind in ATTRIBUTES.items() if kind == "yes-or-no"]
    is_now = bench.run("mailbox.set", mailbox=JANE, set=flags).before
    bench.tenant.restore(snapshot)
    wanted = [f"{name}={value}" for name in ATTRIBUTES for value in other_value(name, is_now.get(name))]

    outcome = bench.run("mailbox.set", mailbox=JANE, set=wanted)
    assert outcome.status is Status.CHANGED
    assert {name for name in ATTRIBUTES if outcome.before[name] != outcome.after[name]} == set(ATTRIBUTES)
    assert bench.run("mailbox.set", mailbox=JANE, set=wanted).status is Status.UNCHANGED
    assert undo_attributes(bench, outcome).status is Status.CHANGED
    assert bench.tenant.snapshot() == snapshot


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"set": ["Identity=x"]}, "Identity"),
        ({"set": ["=x"]}, "Not an attribute"),
        ({"clear": ["Nothing", "CustomAttribute1"]}, "Nothing"),
        ({"set": ["CustomAttribute1=a", "customattribute1=b"]}, "'a', 'b'"),
        ({"set": ["AuditEnabled=perhaps"]}, "AuditEnabled"),
        ({"clear": ["AuditEnabled"]}, "AuditEnabled"),
    ],
)
def test_the_script_alone_refuses_what_is_no_attribute(bench: Bench, parameters: Mapping[str, Any], said: str) -> None:
    """Whoever sends the script without the model gets an error, and Set-Mailbox is not called."""
    bench.agent.records.clear()
    reply = bench.session.run("mailbox/Set-MailboxAttribute.ps1", {"mailbox": JANE, **parameters}, lambda _: None)

    assert [error.error_id.partition(",")[0] for error in reply.errors] == ["Bridge.InvalidAttribute"]
    assert said in reply.errors[0].message
    assert "Set-Mailbox" not in [record.cmdlet for record in bench.agent.records]


def test_hiding_can_be_undone_by_showing(bench: Bench) -> None:
    """The one writes back what the other changed."""
    snapshot = bench.tenant.snapshot()
    assert bench.run("mailbox.hide", mailbox=JANE).status is Status.CHANGED
    assert bench.account(JANE).hidden
    assert bench.run("mailbox.show", mailbox=JANE).status is Status.CHANGED
    assert bench.tenant.snapshot() == snapshot


# --- finding

# Texts of all kinds, and many that look like a filter.
VALUES = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0\ufffe\uffff"), min_size=1, max_size=30
) | st.text(st.sampled_from("ab'\"`$()*-= \u2019&|"), min_size=1, max_size=12)


@many
@given(VALUES.filter(lambda text: bool(text.strip())), st.sampled_from(["'", "''", "*", " ", '"']))
@example("'", "'")
@example("O'Brien' -or Name -like '*", "'")
@example("$(1+1)", "*")
@example("\x1b\r\n_x001B_", " ")
def test_any_value_finds_exactly_who_has_it(bench: Bench, value: str, more: str) -> None:
    """Whatever characters are in it, one object is found by it: neither none nor another with almost this value."""
    almost = value + more
    bench.change(JANE, custom_attributes={"CustomAttribute7": value}, department=value)
    bench.change(JOHN, custom_attributes={"CustomAttribute7": almost}, department=almost)
    for action, field in (("mailbox.find", "CustomAttribute7"), ("account.find", "Department")):
        for text, owner in ((value, JANE), (almost, JOHN)):
            outcome = bench.run(action, where=f"{field}={text}")
            assert [row["id"] for row in outcome.rows] == [bench.account(owner).guid]


# --- what is refused before anything is sent


@pytest.mark.parametrize(
    ("action", "given", "said"),
    [
        ("mailbox.set", {}, "give --set or --clear"),
        ("mailbox.set", {"set": ["CustomAtribute1=x"]}, "did you mean CustomAttribute1"),
        ("mailbox.set", {"set": ["Nonsense=x"]}, "There are DisplayName, Alias"),
        ("mailbox.set", {"clear": ["CustomAttribute16"]}, "CustomAttribute16"),
        ("mailbox.set", {"set": ["CustomAttribute1"]}, "is not Name=Value"),
        ("mailbox.set", {"set": ["CustomAttribute1="]}, "--clear CustomAttribute1"),
        ("mailbox.set", {"set": ["AuditEnabled=maybe"]}, "true or false"),
        ("mailbox.set", {"set": ["CustomAttribute1=a", "custom_attribute1=b"]}, "set twice"),
        ("mailbox.set", {"set": ["CustomAttribute1=a"], "clear": ["customattribute1"]}, "both set and cleared"),
        ("mailbox.set", {"clear": ["DisplayName"]}, "cannot be cleared"),
        ("mailbox.set", {"clear": ["AuditEnabled"]}, "cannot be cleared"),
        ("mailbox.set", {"set": ["ForwardingSmtpAddress=jane"]}, "not an SMTP address"),
        ("mailbox.set", {"set": "CustomAttribute1=x"}, "--set"),
        ("mailbox.set-addresses", {}, "give --add, --remove or --primary"),
        ("mailbox.set-addresses", {"add": ["jane"]}, "not an SMTP address"),
        ("mailbox.set-addresses", {"add": ["x500:/o=a@b.c"]}, "not an SMTP address"),
        ("mailbox.set-addresses", {"remove": ["SPO:SPO_1@SPO_2"]}, "not an SMTP address"),
        ("mailbox.set-addresses", {"remove": ["j@contoso.mail.onmicrosoft.com"]}, "it is not removed"),
        ("mailbox.set-addresses", {"add": ["j@x.example"], "remove": ["J@x.example"]}, "both wanted and removed"),
        ("mailbox.set-addresses", {"primary": "j@x.example", "remove": ["J@x.example"]}, "both wanted and removed"),
    ],
)
def test_a_wrong_parameter_is_named(action: str, given: dict[str, Any], said: str) -> None:
    """The message says what is wrong and what would be right."""
    with pytest.raises(UsageError) as error:
        ACTIONS[action].calls({"mailbox": JANE, **given})
    assert said in error.value.message


def test_names_and_addresses_are_sent_as_exchange_spells_them() -> None:
    """Letter case, underscores and prefixes are the caller's; each value goes once."""
    (call,) = ACTIONS["mailbox.set"].calls(
        {"mailbox": "m", "set": ["custom-attribute1=E=1", "AUDITENABLED=Yes", "CustomAttribute1=E=1"]}
    )
    assert call.parameters == {"mailbox": "m", "set": ["CustomAttribute1=E=1", "AuditEnabled=true"]}
    (call,) = ACTIONS["mailbox.set-addresses"].calls({"mailbox": "m", "add": ["smtp:A@x.example", "a@X.example"]})
    assert call.parameters == {"mailbox": "m", "add": ["A@x.example"]}
