"""Plans: made on the simulated organization, written, read, and refused when somebody changed them."""

from __future__ import annotations

import codecs
import json
import weakref
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bridge.actions import ACTIONS
from bridge.batch import Item, Mistake, Notice, Wish, check
from bridge.batch.guards import refusals
from bridge.batch.members import Members, Run, group_sizes
from bridge.batch.plan import Plan, PlanItem, read_plan, write_plan
from bridge.batch.planning import Progress, plan_items
from bridge.batch.rows import Header, Row
from bridge.batch.sending import Sender
from bridge.cli.plan_output import print_plan
from bridge.errors import AgentError, UsageError
from bridge.model import Outcome, Status
from bridge.patience import Patience
from bridge.runner import Runner, run_call
from bridge.session import Session
from bridge.settings.batch import BatchSettings
from tests.agent import Agent, running_agent

STAFF, FINANCE = "staff@contoso.example", "finance@contoso.example"
JANE, JOHN, AISHA, PIETER = (
    f"{name}@contoso.example" for name in ("jane.doe", "john.obrien", "aisha.khan", "pieter.jansen")
)

ALEX, JANE_NAME = "alex.kim@contoso.example", "Jane Doe"

Made = Callable[..., Plan]


@pytest.fixture(scope="module")
def agent() -> Iterator[Agent]:
    """A simulated agent with the demo organization."""
    with running_agent("contract") as agent:
        yield agent


@pytest.fixture(scope="module")
def session(agent: Agent) -> Iterator[Session]:
    """One open session for all tests."""
    with agent.session(on_exit="close") as session:
        session.open()
        yield session


@pytest.fixture
def run(agent: Agent, session: Session) -> Iterator[Run]:
    """Runs dry runs and reads; nothing in the organization may change by them."""
    before = agent.simulator.tenant.snapshot()
    agent.records.clear()
    yield looks(session)
    assert agent.changes() == []
    agent.simulator.tenant.restore(before)


@pytest.fixture
def made(run: Run) -> Made:
    """Makes the plan for a CSV file with these lines."""

    def make(*lines: str, progress: Progress = lambda *_: None) -> Plan:
        items, left = plan_items(rows(*lines), run, Members(run), progress)
        return Plan("contoso.example", "agent", items, left=left)

    return make


def looks(session: Session) -> Run:
    """Runs dry runs and reads in a session."""
    return Sender(session, Runner(session), Patience()).looks


def rows(*lines: str) -> list[Item | Wish]:
    """What a CSV file with these lines asks for; the first line names the columns."""
    names = lines[0].split(",")
    entries: list[Header | Row] = [Header(1, tuple(names))]
    entries += [Row(line, tuple(zip(names, text.split(","), strict=True))) for line, text in enumerate(lines[1:], 2)]
    found = list(check(entries, "changes.csv"))
    assert not [one for one in found if isinstance(one, Mistake)]
    return [one for one in found if not isinstance(one, Mistake | Notice)]


def told(plan: Plan) -> list[tuple[int, str, str, str]]:
    """The items: line, action, how they would end and why."""
    return [
        (
            item.line,
            item.call.action,
            str(item.outcome.status),
            item.outcome.problem.code if item.outcome.problem else item.outcome.reason,
        )
        for item in plan.items
    ]


def items(plan: Plan) -> tuple[PlanItem, ...]:
    """The items, to look at one of them."""
    return tuple(plan.items)


MIXED = (
    "action,group,member,mailbox",
    f"group.grant,{STAFF},{JANE},",
    f"group.revoke,{STAFF},{PIETER},",
    f"group.revoke,{STAFF},{ALEX},",
    f"mailbox.hide,,,{JANE}",
    f"group.grant,{STAFF},nobody@contoso.example,",
)


def test_a_plan_says_how_each_row_would_end(made: Made) -> None:
    """In the order of the file, with what is already so and what cannot be done; nothing is changed."""
    plan = made(*MIXED)

    assert told(plan) == [
        (2, "group.grant", "changed", "would add the member"),
        (3, "group.revoke", "changed", "would remove the member"),
        (4, "group.revoke", "unchanged", "not a member"),
        (5, "mailbox.hide", "changed", "would be hidden"),
        (6, "group.grant", "failed", "object-not-found"),
    ]
    assert items(plan)[0].outcome.before["is_member"] is False
    assert items(plan)[0].is_compared
    assert plan.counts() == {Status.CHANGED: 3, Status.UNCHANGED: 1, Status.FAILED: 1}


def test_the_same_plan_twice_has_the_same_hash(made: Made) -> None:
    """Whenever it is made and by whom; another organization state or another row gives another one."""
    first, second = made(*MIXED), made(*MIXED)

    assert first.hash == second.hash
    assert [item.call.id for item in first.items] != [item.call.id for item in second.items]
    assert replace(first, made="later", agent="other", version="9", left=("x",)).hash == first.hash
    assert made(*MIXED[:-1]).hash != first.hash


def test_the_hash_follows_the_organization(agent: Agent, session: Session, made: Made) -> None:
    """A member who came since makes it another plan, in which that is already so."""
    before = made(*MIXED)
    (call,) = ACTIONS["group.grant"].calls({"group": STAFF, "member": JANE})
    assert run_call(call, session).status is Status.CHANGED
    agent.records.clear()

    after = made(*MIXED)

    assert (items(before)[0].outcome.status, items(after)[0].outcome.status) == (Status.CHANGED, Status.UNCHANGED)
    assert before.hash != after.hash


def test_a_plan_comes_back_from_its_file_as_it_was(made: Made, tmp_path: Path) -> None:
    """The same items with the same ids, and the same hash."""
    plan = replace(made(*MIXED), source="changes.csv", made="2026-01-01T00:00:00+00:00", left=("Something.",))
    write_plan(plan, tmp_path / "plan.json")

    found = read_plan(tmp_path / "plan.json")

    assert found.hash == plan.hash
    assert told(found) == told(plan)
    assert [item.call for item in found.items] == [item.call for item in plan.items]
    assert (found.source, found.made, found.left) == (plan.source, plan.made, plan.left)
    assert list(tmp_path.iterdir()) == [tmp_path / "plan.json"]


def test_a_plan_file_is_read_item_by_item(made: Made, tmp_path: Path) -> None:
    """It is JSON with an item on each line; the items can be gone through again, also by two at the same time."""
    file = tmp_path / "plan.json"
    write_plan(made(*MIXED), file)
    lines = file.read_text("ascii").splitlines()
    assert [json.loads(line.removesuffix(","))["line"] for line in lines[1:-1]] == [2, 3, 4, 5, 6]
    assert len(json.loads(file.read_text("ascii"))["items"]) == len(read_plan(file).items) == 5

    found = read_plan(file)

    assert [first == second for first, second in zip(found.items, found.items, strict=True)] == [True] * 5


@pytest.mark.parametrize("data", [b"", b"\xff", b"other\n" * 9])
def test_a_plan_file_that_is_edited_while_it_is_used_is_refused(made: Made, tmp_path: Path, data: bytes) -> None:
    """Nothing is taken from it that was not there when its hash was looked at."""
    file = tmp_path / "plan.json"
    write_plan(made(*MIXED), file)
    found = read_plan(file)
    file.write_bytes(file.read_bytes().split(b"\n")[0] + b"\n" + data)

    with pytest.raises(UsageError, match="edited while it was used"):
        next(iter(found.items))


def test_a_plan_file_that_went_through_windows_is_the_same(made: Made, tmp_path: Path) -> None:
    """A byte order mark and other line ends change nothing of it."""
    file = tmp_path / "plan.json"
    write_plan(made(*MIXED), file)
    written = read_plan(file).hash
    file.write_bytes(codecs.BOM_UTF8 + file.read_bytes().replace(b"\n", b"\r\n"))

    assert read_plan(file).hash == written


def test_a_plan_without_items_comes_back(tmp_path: Path) -> None:
    """It has a hash too."""
    write_plan(Plan("contoso.example", "agent", ()), tmp_path / "plan.json")

    found = read_plan(tmp_path / "plan.json")

    assert (len(found.items), list(found.items), dict(found.counts())) == (0, [], {})


class Counted:
    """Items that are made as they are asked for, and how many of them there were at most at the same time."""

    def __init__(self, count: int) -> None:
        self.most = 0
        self._count = count
        self._alive = 0

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[PlanItem]:
        for number in range(self._count):
            (call,) = ACTIONS["group.revoke"].calls({"group": STAFF, "member": f"m{number}"}, dry_run=True)
            item = PlanItem(call, Outcome(call.action, Status.CHANGED, call.parameters, call_id=call.id), number)
            self._alive += 1
            self.most = max(self.most, self._alive)
            weakref.finalize(item, self._gone)
            yield item

    def _gone(self) -> None:
        self._alive -= 1


def test_a_plan_of_any_length_needs_no_memory(tmp_path: Path) -> None:
    """Its hash, its limits, what a person sees of it and its file need few of its items at a time."""
    items = Counted(500)
    plan = Plan("contoso.example", "agent", items)

    limits = BatchSettings(max_changes=400, protected="m7*")
    assert [one.limit for one in refusals(plan, limits, {STAFF: 10})] == [
        "max_changes",
        "max_removed_percent",
        "protected",
    ]
    print_plan(plan, None)
    write_plan(plan, tmp_path / "plan.json")
    assert read_plan(tmp_path / "plan.json").hash == plan.hash
    assert items.most < 50


def edit_member(document: dict[str, Any]) -> None:
    """Somebody else is granted."""
    document["items"][0]["parameters"]["member"] = JOHN


def edit_status(document: dict[str, Any]) -> None:
    """What was already so is to be done."""
    document["items"][2]["status"] = "changed"


def edit_before(document: dict[str, Any]) -> None:
    """Another state was found."""
    document["items"][0]["before"]["is_member"] = True


def drop_item(document: dict[str, Any]) -> None:
    """One item less."""
    del document["items"][1]


def swap_items(document: dict[str, Any]) -> None:
    """Another order."""
    document["items"].reverse()


def edit_organization(document: dict[str, Any]) -> None:
    """It is for another organization."""
    document["organization"] = "fabrikam.example"


def edit_hash(document: dict[str, Any]) -> None:
    """The hash alone."""
    document["hash"] = "0" * 64


@pytest.mark.parametrize(
    "edit", [edit_member, edit_status, edit_before, drop_item, swap_items, edit_organization, edit_hash]
)
def test_an_edited_plan_is_refused(made: Made, tmp_path: Path, edit: Callable[[dict[str, Any]], None]) -> None:
    """Whatever was changed in what decides what is done."""
    file = tmp_path / "plan.json"
    write_plan(made(*MIXED), file)
    document = json.loads(file.read_text("utf-8"))
    edit(document)
    rows, written = document["items"], document.pop("hash")
    head = json.dumps(document | {"items": []}).removesuffix("]}")
    file.write_text("\n".join([head, ",\n".join(map(json.dumps, rows)), f'], "hash": "{written}"}}', ""]), "utf-8")

    with pytest.raises(UsageError, match="edited after it was made"):
        read_plan(file)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "[]",
            "{",
            '{"version": 2}',
            '{"version": 1}',
            '{"version": 2, "items": 3}',
            '{"version": 2, "items": [1]}',
        ),
        *('{"version": 1, "items": [\n], "hash": ""}', '{"version": 2, "items": [\n], "hash": ""}'),
        *(
            '{"version": 2, "items": [\n',
            '{"version": 2, "items": [\n]',
            "\ud800",
            "[" * 9999,
            '{"version": 2, "a": [\n1\n]}',
        ),
    ],
)
def test_a_file_that_is_no_plan_is_refused(tmp_path: Path, text: str) -> None:
    """With a sentence and what to do, whatever it holds."""
    (tmp_path / "plan.json").write_text(text, "utf-8", errors="surrogatepass")

    with pytest.raises(UsageError) as caught:
        read_plan(tmp_path / "plan.json")
    assert "batch plan" in caught.value.remedy


def test_members_who_are_there_are_read_once(agent: Agent, made: Made) -> None:
    """Many rows for one group cost one read of its members, and one look for all who are not among them."""
    there = [f"group.grant,{STAFF},{member}" for member in (PIETER, AISHA.upper(), "wei.zhang@contoso.example")]

    plan = made("action,group,member", *there, f"group.grant,{STAFF},{JANE}")

    assert told(plan) == [
        *((line, "group.grant", "unchanged", "already a member") for line in (2, 3, 4)),
        (5, "group.grant", "changed", "would add the member"),
    ]
    assert items(plan)[0].outcome.before["member_name"] == "Pieter Jansen"
    assert [record.cmdlet for record in agent.records].count("Get-DistributionGroupMember") == 1
    assert len(agent.records) == 3


def test_a_group_that_cannot_be_read_is_told_by_each_row(made: Made) -> None:
    """The rows fail as they would one by one."""
    plan = made("action,group,member", *[f"group.grant,nogroup,{member}" for member in (JANE, JOHN, AISHA)])

    assert [row[2:] for row in told(plan)] == [("failed", "object-not-found")] * 3


def test_a_wish_becomes_its_calls(made: Made) -> None:
    """Who is there is already so, who is missing is granted, who is too many is taken out, by id."""
    plan = made("group,member,state", f"{FINANCE},john.obrien@contoso.example,exactly", f"{FINANCE},{JANE},exactly")

    assert [row[1:] for row in told(plan)] == [
        ("group.grant", "unchanged", "already a member"),
        ("group.grant", "changed", "would add the member"),
        ("group.revoke", "changed", "would remove the member"),
    ]
    assert items(plan)[2].outcome.before["member_name"] == "Aisha Khan"
    assert {item.line for item in plan.items} == {2}
    assert plan.left == ()


def test_a_wish_knows_members_by_every_name(made: Made) -> None:
    """Somebody who is there and named by an alias is not taken out; two names of one person are one member."""
    plan = made(
        "group,member,state",
        *[f"{FINANCE},{member},exactly" for member in ("john.obrien", AISHA, JANE, "jane.doe")],
    )

    assert [(row[1], row[2]) for row in told(plan)] == [
        ("group.grant", "unchanged"),
        ("group.grant", "unchanged"),
        ("group.grant", "changed"),
        ("group.grant", "unchanged"),
    ]
    assert items(plan)[3].outcome.reason == "line 2 of this file does the same"


def test_nobody_is_taken_out_while_a_member_is_not_known(made: Made) -> None:
    """The unknown one fails, the others are granted, and the plan says what it leaves."""
    plan = made("group,member,state", f"{FINANCE},{JANE},exactly", f"{FINANCE},who@contoso.example,exactly")

    assert [(row[1], row[2]) for row in told(plan)] == [("group.grant", "changed"), ("group.grant", "failed")]
    (left,) = plan.left
    assert left.startswith(f"Nobody is taken out of {FINANCE} (line 2)")
    assert left.endswith("who these members are: who@contoso.example.")


def test_a_wish_for_a_group_that_cannot_be_read_fails(made: Made) -> None:
    """Each member that it names is a failed item, and nobody is taken out."""
    plan = made("group,member,state", f"nogroup,{JANE},exactly", f"nogroup,{JOHN},exactly")

    assert [row[1:] for row in told(plan)] == [("group.grant", "failed", "object-not-found")] * 2


NEW = "action,group,member,name,address,kind"
CREATE = "group.create,,,Night Shift,night@contoso.example,distribution"


@pytest.mark.parametrize("group", ["night@contoso.example", "NIGHT SHIFT"])
def test_what_an_earlier_line_creates_is_there_for_the_later_ones(made: Made, group: str) -> None:
    """Planned without a state before, under its address or its name; what is not created fails as ever."""
    plan = made(NEW, CREATE, f"group.grant,{group},{JANE},,,", f"group.grant,other@contoso.example,{JANE},,,")

    assert told(plan)[1:] == [
        (3, "group.grant", "changed", "line 2 of this file creates it"),
        (4, "group.grant", "failed", "object-not-found"),
    ]
    assert not items(plan)[1].is_compared
    assert items(plan)[1].outcome.before == {}


def test_an_earlier_line_is_earlier(made: Made) -> None:
    """A row before the one that creates its group fails."""
    plan = made(NEW, f"group.grant,night@contoso.example,{JANE},,,", CREATE)

    assert [row[2] for row in told(plan)] == ["failed", "changed"]


def test_members_of_a_group_that_the_file_creates(made: Made) -> None:
    """Each row stays a change of its own, and a wish for that group has its members."""
    plan = made(
        f"{NEW},state",
        f"{CREATE},",
        f"group.grant,night@contoso.example,{JANE},,,,",
        f"group.grant,night@contoso.example,{JOHN},,,,",
        f",Night Shift,{AISHA},,,,exactly",
    )

    assert [row[2] for row in told(plan)] == ["changed"] * 4


def test_the_same_row_twice_is_one_change(made: Made) -> None:
    """The second is already so by the first, also under another name of the same object."""
    plan = made("action,group,member", *[f"group.grant,{group},{JANE}" for group in (STAFF, STAFF, "All Staff")])

    assert told(plan) == [
        (2, "group.grant", "changed", "would add the member"),
        (3, "group.grant", "unchanged", "line 2 of this file does the same"),
        (4, "group.grant", "unchanged", "line 2 of this file does the same"),
    ]


@pytest.mark.parametrize(
    "lines",
    [
        ("group,member,state", f"{STAFF},{JANE},present", "All Staff,Jane Doe,absent"),
        ("group,member,state", "All Staff,Jane Doe,absent", f"{STAFF},{JANE},present"),
        ("group,member,state", f"{STAFF},{JANE},exactly", "All Staff,Jane Doe,absent"),
        ("action,group,member", f"group.revoke,{STAFF},{JANE}", f"group.grant,{STAFF},Jane Doe"),
        (
            "mailbox,user,right,state",
            f"info@contoso.example,{JANE},send-as,present",
            f"info,{JANE},send-as,absent",
        ),
    ],
)
def test_rows_that_want_the_opposite_of_each_other_are_not_done(made: Made, lines: tuple[str, ...]) -> None:
    """Whatever names they have for the same, and whether one would change something now: both fail, with both lines."""
    about = [item for item in made(*lines).items if JANE_NAME in item.outcome.before.values()]
    problems = [item.outcome.problem for item in about if item.outcome.problem]
    assert [problem.code for problem in problems] == ["rows-contradict"] * 2
    assert all("ine 2 and line 3" in problem.message for problem in problems)


def test_a_group_that_has_exactly_its_members_twice_loses_nobody(made: Made) -> None:
    """It has two lists, under two names: nobody knows which is meant, so both fail as a whole."""
    plan = made("group,member,state", f"{STAFF},{JANE},exactly", f"All Staff,{JOHN},exactly")
    problems = [item.outcome.problem for item in plan.items]
    assert {problem.code for problem in problems if problem} == {"rows-contradict"}
    assert all(problems)
    plan = made("group,member,state", f"{STAFF},{JANE},exactly", f"All Staff,{JOHN},present")
    assert {item.outcome.problem.code for item in plan.items if item.outcome.problem} == {"rows-contradict"}
    assert not any(item.changes for item in plan.items)


def test_sizes_are_those_of_the_groups_that_lose_somebody(agent: Agent, run: Run) -> None:
    """By the group's id, each read once, also where the plan has read it before under its name."""
    members = Members(run)
    wished = ("group,member,state", f"{FINANCE},{JANE},exactly")
    revoked = ("action,group,member", f"group.revoke,{STAFF},{PIETER}", f"group.revoke,All Staff,{AISHA}")
    items, _ = plan_items([*rows(*wished), *rows(*revoked)], run, members)

    sizes = group_sizes(Plan("contoso.example", "agent", items), members)

    assert sizes == {"48286b67-82c1-599f-b090-093bd950c3f2": 2, "bdba5976-0614-5e03-80a3-7ede540dcbe6": 9}
    assert [record.cmdlet for record in agent.records].count("Get-DistributionGroupMember") == 2


def test_progress_counts_every_item(made: Made) -> None:
    """One more each time, up to as many as there are in the end."""
    seen: list[tuple[int, int, str]] = []
    plan = made(
        "action,group,member,state",
        f"group.grant,{STAFF},{JANE},",
        f",{FINANCE},{JANE},exactly",
        progress=lambda *told: seen.append(told),
    )

    assert [done for done, _, _ in seen] == [1, 2, 3, 4]
    assert seen[-1][:2] == (len(plan.items), len(plan.items)) == (4, 4)
    assert seen[0][2] == STAFF


def test_an_agent_that_is_gone_ends_planning() -> None:
    """A plan of failures would say nothing of the organization: there is none."""
    with running_agent("contract") as contract, contract.session() as session:
        session.open()
        contract.simulator.stop()
        run = looks(session)
        with pytest.raises(AgentError, match="no connection"):
            plan_items(rows("action,group,member", f"group.grant,{STAFF},{JANE}"), run, Members(run))


@pytest.mark.pwsh
def test_a_real_powershell_gives_the_same_plan(made: Made, pwsh_path: str) -> None:
    """The same file on the same organization has the same hash on both engines."""
    with running_agent("pwsh", pwsh=pwsh_path) as agent, agent.session(on_exit="close") as session:
        session.open()
        look = looks(session)
        items, left = plan_items(rows(*MIXED), look, Members(look))
        assert agent.changes() == []

    assert Plan("contoso.example", "agent", items, left=left).hash == made(*MIXED).hash
