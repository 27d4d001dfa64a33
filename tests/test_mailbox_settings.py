"""Automatic replies, litigation hold and the calendar: what the models refuse, undoing, and what is not visible yet.

What each action does on its own is in its cases.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from bridge.actions import ACTIONS
from bridge.errors import UsageError
from bridge.model import Outcome
from bridge.runner import run_call
from bridge.session import Session
from tests.agent import Agent, running_agent

JANE, JOHN = "jane.doe@contoso.example", "john.obrien@contoso.example"
REPLIES, HOLD, RELEASE = (
    "mailbox.set-automatic-replies",
    "mailbox.set-litigation-hold",
    "mailbox.remove-litigation-hold",
)
GIVE, TAKE = "mailbox.set-folder-permission", "mailbox.remove-folder-permission"
SCHEDULE = {"state": "scheduled", "start": "2026-12-24T17:00+01:00", "end": "2027-01-02T08:00Z"}


@pytest.mark.parametrize(
    ("name", "given", "said"),
    [
        (REPLIES, {"state": "on"}, "--state is one of 'disabled', 'enabled' or 'scheduled'"),
        (REPLIES, {"state": "enabled", "start": "2026-12-24T17:00Z"}, "go with --state scheduled"),
        (REPLIES, {"state": "scheduled", "start": "2026-12-24T17:00Z"}, "needs --start and --end"),
        (REPLIES, SCHEDULE | {"start": "2027-01-02T08:00+00:00"}, "--start has to be before --end"),
        (REPLIES, SCHEDULE | {"start": "2026-12-24T17:00"}, "--start: say the offset from UTC too"),
        (REPLIES, SCHEDULE | {"end": "24-12-2026"}, "--end: it is no moment"),
        (REPLIES, {"state": "enabled", "internal_message": "\0"}, "--internal-message: character 1"),
        (HOLD, {"duration": "0"}, "--duration: it is neither a number of days nor unlimited"),
        (HOLD, {"duration": "seven years"}, "--duration"),
        (RELEASE, {}, "say with --confirm-release that it is meant"),
        (RELEASE, {"confirm_release": False}, "say with --confirm-release that it is meant"),
        (GIVE, {"user": JOHN, "right": "Boss"}, "--right: 'boss' is none of None, AvailabilityOnly"),
        (GIVE, {"user": JOHN, "right": "Editor,ReadItems"}, "--right: a role stands alone"),
        (GIVE, {"user": JOHN, "right": "Author", "delegate": "yes"}, "a delegate has the right Editor"),
        (TAKE, {"user": "anonymous"}, "--user: the entry of anonymous is always there"),
    ],
)
def test_a_mistake_is_told_before_anything_is_sent(name: str, given: dict[str, Any], said: str) -> None:
    """Values that Exchange does not know, that contradict each other, or that need a confirmation."""
    with pytest.raises(UsageError) as error:
        ACTIONS[name].calls({"mailbox": JANE} | given, dry_run=True)
    assert said in str(error.value)


def test_moments_are_sent_in_utc() -> None:
    """Whatever offset they were given with."""
    (call,) = ACTIONS[REPLIES].calls({"mailbox": JANE} | SCHEDULE)
    assert (call.parameters["start"], call.parameters["end"]) == ("2026-12-24T16:00:00Z", "2027-01-02T08:00:00Z")


def test_an_empty_message_is_sent() -> None:
    """It clears the message, which is something else than not giving one."""
    (call,) = ACTIONS[REPLIES].calls({"mailbox": JANE, "state": "disabled", "internal_message": ""})
    assert call.parameters == {"mailbox": JANE, "state": "disabled", "internal_message": ""}


def test_rights_are_sent_as_exchange_spells_them() -> None:
    """In any letter case, single rights each once."""
    (call,) = ACTIONS[GIVE].calls({"mailbox": JANE, "user": JOHN, "right": "readitems, CREATEITEMS,ReadItems"})
    assert call.parameters["right"] == "ReadItems,CreateItems"


class Bench:
    """An agent and its one open session."""

    def __init__(self, agent: Agent, session: Session) -> None:
        self.tenant = agent.simulator.tenant
        self._agent = agent
        self._session = session

    def run(self, name: str, **given: Any) -> Outcome:
        """Run one action on Jane's mailbox."""
        self._agent.records.clear()
        (call,) = ACTIONS[name].calls({"mailbox": JANE} | given)
        return run_call(call, self._session)

    def changed(self, name: str, **given: Any) -> Mapping[str, Any]:
        """What was before a call that changed something."""
        outcome = self.run(name, **given)
        assert (str(outcome.status), outcome.problem) == ("changed", None)
        return outcome.before

    def cmdlets(self) -> list[tuple[str, bool]]:
        """What the last call asked of Exchange, and whether it changed anything."""
        return [(record.cmdlet, record.changed) for record in self._agent.records]


@pytest.fixture(scope="module", params=["contract", pytest.param("pwsh", marks=pytest.mark.pwsh)])
def engine(request: pytest.FixtureRequest) -> Iterator[Bench]:
    """An agent of each kind, with a session that is open for all tests of this module."""
    pwsh = request.getfixturevalue("pwsh_path") if request.param == "pwsh" else None
    with running_agent(request.param, pwsh=pwsh) as agent:
        session = agent.session(on_exit="close")
        session.open()
        yield Bench(agent, session)
        session.close()


@pytest.fixture
def bench(engine: Bench) -> Iterator[Bench]:
    """The same with the organization as it was."""
    snapshot = engine.tenant.snapshot()
    yield engine
    engine.tenant.restore(snapshot)


@pytest.mark.parametrize(
    "own",
    [
        {"state": "disabled", "internal_message": "Old."},
        {"state": "enabled", "internal_message": "Own.", "external_message": "Own & out.", "audience": "known"},
        SCHEDULE | {"internal_message": "Own.", "audience": "none"},
    ],
    ids=["off", "on", "scheduled"],
)
def test_replies_are_undone_by_writing_before_back(bench: Bench, own: dict[str, Any]) -> None:
    """The organization is the same again, object by object, after replies of any state were written over."""
    bench.run(REPLIES, **own)
    snapshot = bench.tenant.snapshot()
    new = SCHEDULE | {
        "end": "2027-02-01T00:00Z",
        "internal_message": "New.",
        "external_message": "",
        "audience": "none",
    }

    before = bench.changed(REPLIES, **new, overwrite=True)

    assert bench.tenant.snapshot() != snapshot
    bench.changed(REPLIES, **before, overwrite=True)
    assert bench.tenant.snapshot() == snapshot


def test_a_hold_is_undone_by_writing_before_back(bench: Bench) -> None:
    """Setting one by removing it, changing and removing one by setting what was before."""
    nothing = bench.tenant.snapshot()
    assert bench.changed(HOLD, duration="365") == {"held": False}
    held = bench.tenant.snapshot()
    for name, given in ((HOLD, {"duration": "unlimited", "owner": "Legal"}), (RELEASE, {"confirm_release": True})):
        before = dict(bench.changed(name, **given))
        assert before.pop("held") is True
        bench.changed(HOLD, **before)
        assert bench.tenant.snapshot() == held
    bench.changed(RELEASE, confirm_release=True)
    assert bench.tenant.snapshot() == nothing


def test_a_permission_is_undone_by_writing_before_back(bench: Bench) -> None:
    """Giving one by taking it away, changing and taking one away by giving what was before."""
    nothing = bench.tenant.snapshot()
    assert bench.changed(GIVE, user=JOHN, right="Editor", delegate="private-items")["right"] == ""
    given = bench.tenant.snapshot()
    for name, more in ((GIVE, {"right": "ReadItems,CreateItems"}), (TAKE, {})):
        before = bench.changed(name, user=JOHN, **more)
        bench.changed(GIVE, user=before["user_id"], right=before["right"], delegate=before["delegate"])
        assert bench.tenant.snapshot() == given
    bench.changed(TAKE, user=JOHN)
    assert bench.tenant.snapshot() == nothing


def test_an_entry_that_is_not_visible_yet_is_set(bench: Bench) -> None:
    """What Exchange shows is older than what it has: Add is refused, and Set writes the new right."""
    bench.tenant.delay = 3600
    bench.changed(GIVE, user=JOHN, right="Reviewer")

    bench.changed(GIVE, user=JOHN, right="Author")

    assert bench.cmdlets()[-2:] == [("Add-MailboxFolderPermission", False), ("Set-MailboxFolderPermission", True)]
    jane = next(one for one in bench.tenant.snapshot().accounts if one.primary_smtp_address == JANE)
    assert jane.calendar[-1].rights == ("Author",)


def test_what_is_so_already_is_only_read(bench: Bench) -> None:
    """Nothing is written the second time, and nothing is read that is not needed."""
    for name, given, reads in (
        (REPLIES, {"state": "enabled", "internal_message": "Away.", "audience": "none"}, 2),
        (HOLD, {"duration": "365"}, 1),
        (GIVE, {"user": "Default", "right": "Reviewer"}, 3),
        (GIVE, {"user": JOHN, "right": "Reviewer"}, 4),
    ):
        bench.changed(name, **given)
        assert str(bench.run(name, **given).status) == "unchanged"
        assert len(bench.cmdlets()) == reads
        assert not any(changed for _, changed in bench.cmdlets())
