"""Effective access: groups in groups, circles, denials and inheritance, compared with a plain search of the graph."""

from __future__ import annotations

import dataclasses
import itertools
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.actions import ACTIONS
from bridge.runner import run_call
from bridge.session import Session
from bridge.simulator.tenant import AccessEntry, Account, Group
from tests.agent import Agent, running_agent

MAILBOX = "info@contoso.example"
PEOPLE = ("jane.doe", "john.obrien", "alex.kim2", "maria.garcia")
GROUPS = ("Alpha", "Beta's", "Gamma", "Delta, E")
NODES = (*PEOPLE, *GROUPS)
RIGHTS = ("full-access", "send-as", "send-on-behalf")

Row = Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class Entry:
    """One entry of the mailbox."""

    right: str
    holder: str
    deny: bool = False
    inherited: bool = False


@dataclasses.dataclass(frozen=True)
class Graph:
    """Who is in which group, and the entries of the mailbox."""

    members: Mapping[str, tuple[str, ...]]
    entries: tuple[Entry, ...]

    def everybody_in(self, holder: str) -> set[str]:
        """The people that a holder stands for: a plain search, depth first."""
        found: set[str] = set()
        left = [holder]
        while left:
            node = left.pop()
            if node not in found:
                found.add(node)
                left += self.members.get(node, ())
        return found & set(PEOPLE)

    def effective(self, person: str, right: str) -> bool | None:
        """Whether somebody has a right after all; None where no entry meets them. Windows' order of entries."""
        meeting = [one for one in self.entries if one.right == right and person in self.everybody_in(one.holder)]
        for inherited in (False, True):
            kinds = {one.deny for one in meeting if one.inherited is inherited}
            if kinds:
                return True not in kinds
        return None


class Bench:
    """An agent, an open session, and the organization that the graphs are put into."""

    def __init__(self, agent: Agent, session: Session) -> None:
        self._tenant = agent.simulator.tenant
        self._session = session
        self._before = self._tenant.snapshot()
        found = {name: self.find(f"{name}@contoso.example") for name in PEOPLE}
        self._ids = {name: thing.guid for name, thing in found.items()}
        self._ids |= {name: str(uuid.uuid5(uuid.NAMESPACE_DNS, name)) for name in GROUPS}
        self.names = {guid: name for name, guid in self._ids.items()}
        self.shown = {name: name for name in GROUPS}

    def find(self, identity: str) -> Any:
        """The one account of that address."""
        (thing,) = self._tenant.directory.find(identity, lambda _: True)
        return thing

    def set(self, graph: Graph) -> None:
        """Make the organization so."""
        self._tenant.restore(self._before)
        for name in GROUPS:
            guid = self._ids[name]
            self._tenant.directory.add(
                Group(
                    guid=guid,
                    external_id=str(uuid.uuid5(uuid.UUID(guid), "entra")),
                    name=name,
                    display_name=name,
                    type="MailUniversalSecurityGroup",
                    primary_smtp_address=f"{guid}@contoso.example",
                    members=tuple(self._ids[member] for member in graph.members.get(name, ())),
                )
            )
        mailbox = self.find(MAILBOX)
        assert isinstance(mailbox, Account)
        access = [one for one in graph.entries if one.right == "full-access"]
        self._tenant.directory.put(
            dataclasses.replace(
                mailbox,
                full_access=tuple(
                    AccessEntry(self._ids[one.holder], deny=one.deny, inherited=one.inherited) for one in access
                ),
                send_as=tuple(self._ids[one.holder] for one in graph.entries if one.right == "send-as"),
                send_on_behalf=tuple(self._ids[one.holder] for one in graph.entries if one.right == "send-on-behalf"),
            )
        )

    def mailbox(self) -> list[Row]:
        """Who reaches the mailbox."""
        return self._rows("access.mailbox", {"mailbox": MAILBOX})

    def person(self, name: str) -> list[Row]:
        """What somebody reaches."""
        return self._rows("access.person", {"user": self._ids[name]})

    def _rows(self, action: str, parameters: Mapping[str, str]) -> list[Row]:
        (call,) = ACTIONS[action].calls(parameters)
        outcome = run_call(call, self._session)
        assert outcome.problem is None, outcome.problem
        return list(outcome.rows)


@pytest.fixture(scope="module", params=["contract", pytest.param("pwsh", marks=pytest.mark.pwsh)])
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    """A bench on each engine."""
    pwsh = request.getfixturevalue("pwsh_path") if request.param == "pwsh" else None
    with running_agent(request.param, pwsh=pwsh) as agent, agent.session(on_exit="close") as session:
        session.open()
        yield Bench(agent, session)


@pytest.fixture(scope="module")
def contract_bench() -> Iterator[Bench]:
    """A bench for many graphs."""
    with running_agent("contract") as agent, agent.session(on_exit="close") as session:
        session.open()
        yield Bench(agent, session)


def access_entry() -> st.SearchStrategy[Entry]:
    """Full Access can be denied and inherited; the other rights can only be given."""
    return st.one_of(
        st.builds(Entry, st.just("full-access"), st.sampled_from(NODES), st.booleans(), st.booleans()),
        st.builds(Entry, st.sampled_from(RIGHTS[1:]), st.sampled_from(NODES)),
    )


GRAPHS = st.builds(
    Graph,
    st.dictionaries(st.sampled_from(GROUPS), st.lists(st.sampled_from(NODES), unique=True, max_size=5).map(tuple)),
    st.lists(access_entry(), unique=True, max_size=8).map(tuple),
)


@given(graph=GRAPHS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_mailbox_agrees_with_a_plain_search(contract_bench: Bench, graph: Graph) -> None:
    """For every person and right: the same ways in, the same answer, and a path that is there in the graph."""
    contract_bench.set(graph)

    rows = contract_bench.mailbox()

    found = sorted(
        (contract_bench.names[row["id"]], row["right"], row["entry"] == "deny", row["inherited"], holder(row))
        for row in rows
    )
    assert found == sorted(
        (person, one.right, one.deny, one.inherited, one.holder if one.holder in GROUPS else person)
        for one in graph.entries
        for person in graph.everybody_in(one.holder)
    )
    for row in rows:
        person = contract_bench.names[row["id"]]
        assert row["effective"] == graph.effective(person, row["right"])
        assert all(inner in graph.members[outer] for outer, inner in steps([*row["path"], person]))


@given(graph=GRAPHS, person=st.sampled_from(PEOPLE))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_person_agrees_with_a_plain_search(contract_bench: Bench, graph: Graph, person: str) -> None:
    """The groups, to any depth, and the rights: the same as the mailbox says of this person."""
    contract_bench.set(graph)

    rows = contract_bench.person(person)

    own = [row for row in rows if row["name"] in GROUPS]
    assert sorted(row["name"] for row in own) == sorted(one for one in GROUPS if person in graph.everybody_in(one))
    for row in own:
        assert (row["right"], row["effective"]) == ("member", True)
        assert all(inner in graph.members[outer] for outer, inner in steps([row["name"], *row["path"], person]))
    assert entries([row for row in rows if row["name"] == "Info"]) == entries(
        [row for row in contract_bench.mailbox() if contract_bench.names[row["id"]] == person]
    )


def test_circles_denials_and_depth(bench: Bench) -> None:
    """Two groups in one another, a denial that wins, a grant of its own that goes before an inherited denial."""
    graph = Graph(
        {
            "Alpha": ("Beta's", "jane.doe"),
            "Beta's": ("Alpha", "Gamma"),
            "Gamma": ("Delta, E",),
            "Delta, E": ("john.obrien", "maria.garcia"),
        },
        (
            Entry("full-access", "Alpha"),
            Entry("full-access", "maria.garcia", deny=True),
            Entry("full-access", "Gamma", deny=True, inherited=True),
            Entry("send-as", "Beta's"),
            Entry("send-on-behalf", "john.obrien"),
        ),
    )
    bench.set(graph)
    deep = ["Alpha", "Beta's", "Gamma", "Delta, E"]

    rows = bench.mailbox()

    assert entries([row for row in rows if bench.names[row["id"]] == "john.obrien"]) == [
        ("full-access", "allow", False, deep, True),
        ("full-access", "deny", True, deep[2:], True),
        ("send-as", "allow", False, deep[1:], True),
        ("send-on-behalf", "allow", False, [], True),
    ]
    assert [
        (row["entry"], row["path"], row["effective"])
        for row in rows
        if bench.names[row["id"]] == "maria.garcia" and row["right"] == "full-access" and not row["inherited"]
    ] == [("allow", deep, False), ("deny", [], False)]
    for person in PEOPLE:
        assert entries([row for row in bench.person(person) if row["name"] == "Info"]) == entries(
            [row for row in rows if bench.names[row["id"]] == person]
        )


def holder(row: Row) -> str:
    """Whom the entry is for."""
    return str(row["path"][0]) if row["path"] else next(one for one in PEOPLE if address_name(one) == row["name"])


def address_name(person: str) -> str:
    """The display name of one of these people."""
    return {"jane.doe": "Jane Doe", "john.obrien": "John O'Brien", "alex.kim2": "Alex Kim"}.get(person, "Maria García")


def steps(path: list[str]) -> list[tuple[str, str]]:
    """Each group with what is in it next."""
    return list(itertools.pairwise(path))


def entries(rows: list[Row]) -> list[tuple[Any, ...]]:
    """What the two actions say alike of one person and one mailbox, sorted."""
    return sorted((row["right"], row["entry"], row["inherited"], row["path"], row["effective"]) for row in rows)
