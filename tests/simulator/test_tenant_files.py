"""Tenant files: what is read, what is written, and what is refused with a place and a remedy."""

from __future__ import annotations

import importlib.resources
import json
import re
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.simulator.tenant import AccessEntry, Account, Group, Regional, Tenant, TenantFileError, Throttle, files
from bridge.simulator.tenant.objects import (
    CALENDAR,
    CUSTOM_ATTRIBUTES,
    EXTENSION_ATTRIBUTES,
    GROUP_TYPES,
    MAILBOX_TYPES,
    AutomaticReplies,
    FolderEntry,
    Hold,
)
from bridge.simulator.tenant.state import Behaviour, Certificate, Logon, Organization, TenantState

TENANT_ID = "11111111-2222-4333-8444-555555555555"
JANE = {
    "type": "UserMailbox",
    "name": "Jane Doe",
    "user_principal_name": "jane@x.example",
    "primary_smtp_address": "jane@x.example",
}
JOHN = JANE | {"name": "John", "user_principal_name": "john@x.example", "primary_smtp_address": "john@x.example"}
STAFF = {"type": "MailUniversalDistributionGroup", "name": "Staff", "primary_smtp_address": "staff@x.example"}


def document(**sections: Any) -> dict[str, Any]:
    """A tenant file's tables: an organization, and what is given."""
    return {"organization": {"name": "x.onmicrosoft.com", "tenant_id": TENANT_ID}} | sections


def load(folder: Path, sections: dict[str, Any], suffix: str = ".toml") -> Tenant:
    """The tenant in a file with these sections."""
    path = folder / f"tenant{suffix}"
    path.write_text(tomli_w.dumps(sections) if suffix == ".toml" else json.dumps(sections), "utf-8")
    return Tenant.load(path)


@pytest.mark.parametrize("suffix", [".toml", ".json"])
def test_a_small_file(tmp_path: Path, suffix: str) -> None:
    """A few keys are enough: the rest has defaults, and references go by address in any case."""
    group = STAFF | {"members": ["JANE@x.example"], "managed_by": ["john@x.example"]}
    tenant = load(tmp_path, document(accounts=[JANE, JOHN], groups=[group]), suffix)
    jane, john, staff = tenant.directory.objects()
    assert isinstance(staff, Group)
    assert (staff.members, staff.managed_by) == ((jane.guid,), (john.guid,))
    assert (jane.display_name, jane.synchronized, tenant.delay) == ("Jane Doe", False, 0.0)
    assert tenant.logon_settings()["organization"] == "x.onmicrosoft.com"


def test_the_guid_follows_from_the_name(tmp_path: Path) -> None:
    """Without a guid an account has the same one at every load, and each account its own."""
    first = [thing.guid for thing in load(tmp_path, document(accounts=[JANE, JOHN])).directory.objects()]
    second = [thing.guid for thing in load(tmp_path, document(accounts=[JOHN, JANE])).directory.objects()]
    assert first == second[::-1]
    assert len(set(first)) == 2


@pytest.mark.parametrize("suffix", [".toml", ".json"])
def test_the_demo_tenant_saves_and_loads(tmp_path: Path, suffix: str) -> None:
    """What was saved loads to the same tenant, changes and behaviour included, and stays readable."""
    tenant = Tenant.demo()
    tenant.denied = {"Set-Mailbox", "Add-MailboxPermission:AutoMapping"}
    tenant.throttle = Throttle(every=5, kind="error", seconds=1.5, calls=3)
    tenant.delay, tenant.token_seconds, tenant.module_installed = 2.5, 60.0, False
    path = tmp_path / f"saved{suffix}"
    tenant.save(path)
    assert Tenant.load(path).snapshot() == tenant.snapshot()
    assert '"pieter.jansen@contoso.example"' in path.read_text("utf-8")
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_a_calendar_names_its_users_by_address(tmp_path: Path) -> None:
    """In the file there are addresses and SIDs, in memory guids; Default and Anonymous are what they are."""
    path = tmp_path / "saved.toml"
    gone = {"user": "S-1-5-21-1-2-3-4", "rights": ["Reviewer"]}
    editor = {"user": "JOHN@x.example", "rights": ["Editor"], "flags": ["Delegate"]}
    tenant = load(tmp_path, document(accounts=[JANE | {"calendar": [*EVERYBODY, editor, gone]}, JOHN]))
    jane, john = tenant.directory.objects()
    assert isinstance(jane, Account)
    assert [entry.user for entry in jane.calendar] == ["Default", "Anonymous", john.guid, gone["user"]]
    tenant.save(path)
    assert '"john@x.example"' in path.read_text("utf-8")
    assert Tenant.load(path).snapshot() == tenant.snapshot()


def test_the_demo_file_describes_every_key() -> None:
    """The comment at the head of the demo tenant's file names all keys that a tenant file can have."""
    text = (importlib.resources.files("bridge.simulator") / "demo_tenant.toml").read_text("utf-8")
    head = text.partition("\n[organization]\n")[0]
    places = (Organization, Logon, Certificate, Behaviour)
    kinds: tuple[type[Any], ...] = (*places, Account, Group, AccessEntry, Regional, Throttle)
    kinds += (AutomaticReplies, FolderEntry, Hold)
    keys = {field.name for kind in kinds for field in fields(kind) if field.compare}
    assert {key for key in keys if not re.search(rf"\b{key}\b", head)} == set()


def test_saving_again_replaces_the_file(tmp_path: Path) -> None:
    """The file is the tenant as it is at the last save."""
    path = tmp_path / "tenant.toml"
    tenant = Tenant.demo()
    tenant.save(path)
    tenant.denied = {"Get-User"}
    tenant.save(path)
    assert Tenant.load(path).denied == {"Get-User"}


# Text of all kinds, as a name may have it; no half characters, which no file can hold.
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
NAMES = TEXTS.filter(lambda text: bool(text.strip()))
YES_OR_NO = st.sampled_from(["True", "False"])
SECONDS = st.floats(0, 1e6)


@st.composite
def states(draw: st.DrawFn) -> TenantState:
    """Tenants with accounts and groups that refer to each other."""
    guids = [str(guid) for guid in draw(st.lists(st.uuids(), min_size=2, max_size=8, unique=True))]
    some = st.lists(st.sampled_from(guids), max_size=3).map(tuple)
    lists = st.lists(TEXTS, max_size=3).map(tuple)
    cut = draw(st.integers(1, len(guids) - 1))

    def common(number: int) -> dict[str, Any]:
        return {
            "guid": guids[number],
            "external_id": str(draw(st.uuids(version=4))),
            "name": draw(NAMES),
            "display_name": draw(TEXTS),
            "alias": draw(TEXTS),
            "primary_smtp_address": f"{number}@x.example",
            "email_addresses": tuple(f"smtp:other{number}.{more}@x.example" for more in range(draw(st.integers(0, 2)))),
            "synchronized": draw(st.booleans()),
            "hidden": draw(st.booleans()),
            "custom_attributes": draw(st.dictionaries(st.sampled_from(CUSTOM_ATTRIBUTES), TEXTS, max_size=3)),
            "extension_attributes": draw(st.dictionaries(st.sampled_from(EXTENSION_ATTRIBUTES), lists, max_size=2)),
            "send_as": draw(some),
            "send_on_behalf": draw(some),
        }

    holders = st.builds(FolderEntry, user=st.sampled_from([*guids, "S-1-5-21-1-2-3-4"]), rights=st.just(("Editor",)))
    entries = st.builds(AccessEntry, trustee=st.sampled_from([*guids, "S-1-5-21-1-2-3-4"]), auto_mapping=st.booleans())
    accounts = tuple(
        Account(
            **common(number),
            type=draw(st.sampled_from(MAILBOX_TYPES)),
            user_principal_name=f"upn{number}@x.example",
            department=draw(TEXTS),
            mailbox_settings=draw(
                st.fixed_dictionaries({}, optional={"AuditEnabled": YES_OR_NO, "RetentionUrl": TEXTS})
            ),
            regional=draw(st.builds(Regional, language=TEXTS, date_format=TEXTS)),
            full_access=tuple(draw(st.lists(entries, max_size=3))),
            replies=draw(st.builds(AutomaticReplies, internal_message=TEXTS, external_message=TEXTS)),
            hold=draw(st.builds(Hold, enabled=st.booleans(), days=st.integers(0, 9999), owner=TEXTS)),
            calendar=(*CALENDAR, *draw(st.lists(holders, max_size=3))),
        )
        for number in range(cut)
    )
    groups = tuple(
        Group(**common(number), type=draw(st.sampled_from(GROUP_TYPES)), managed_by=draw(some), members=draw(some))
        for number in range(cut, len(guids))
    )
    return TenantState(
        organization=Organization(
            name=draw(NAMES), tenant_id=TENANT_ID, domains=tuple(draw(st.lists(TEXTS, max_size=2)))
        ),
        logon=Logon(app_id=draw(TEXTS), client_secret=draw(TEXTS), password=draw(TEXTS)),
        behaviour=Behaviour(
            visibility_delay=draw(SECONDS),
            manager_bypass=draw(st.booleans()),
            throttle=Throttle(every=draw(st.integers(0, 99)), seconds=draw(SECONDS), calls=7),
        ),
        accounts=accounts,
        groups=groups,
    )


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(states(), st.sampled_from([".toml", ".json"]))
def test_every_tenant_survives_its_file(state: TenantState, suffix: str) -> None:
    """Any tenant, written as TOML or JSON, is read back equal; whatever characters its texts have."""
    assert files.loads(files.dumps(state, suffix), f"any{suffix}") == state


EVERYBODY = [{"user": name, "rights": ["None"]} for name in ("Default", "Anonymous")]
BAD: list[tuple[dict[str, Any], str, str]] = [
    (document(account=[]), "account", "accounts"),
    (document(accounts=[JANE | {"nmae": "x"}]), "accounts[1] (jane@x.example).nmae", "name"),
    (document(accounts=[JANE | {"name": 5}]), "accounts[1] (jane@x.example).name", "text"),
    (document(accounts=[JANE | {"name": " "}]), "accounts[1] (jane@x.example).name", "name"),
    (document(logon={"permission": "all"}), "logon.permission", "Exchange.ManageAsApp"),
    (document(logon={"certificates": [{"thumbprint": "12"}]}), "logon.certificates[1].thumbprint", "40 hexadecimal"),
    (
        document(logon={"certificates": [{"thumbprint": "0" * 40, "provider": "CGN"}]}),
        "logon.certificates[1].provider",
        "CNG",
    ),
    (document(logon={"certificates": [{"file": "x"}]}), "logon.certificates[1]", "thumbprint"),
    (document(accounts=[JANE | {"hidden": "yes"}]), "accounts[1] (jane@x.example).hidden", "true or false"),
    (document(accounts=[JANE | {"type": "Mailbox"}]), "accounts[1] (jane@x.example).type", "UserMailbox"),
    (document(accounts=[JANE | {"guid": "12"}]), "accounts[1] (jane@x.example).guid", "guid"),
    (document(accounts=[JANE | {"created": "soon"}]), "accounts[1] (jane@x.example).created", "2024"),
    (document(accounts=[JANE | {"email_addresses": ["x"]}]), "email_addresses[1]", "smtp:"),
    (document(accounts=[JANE | {"custom_attributes": {"CustomAttribute16": ""}}]), "custom_attributes", "Attribute15"),
    (document(accounts=[JANE | {"extension_attributes": {"ExtensionCustomAttribute1": "x"}}]), "Attribute1", "list"),
    (document(accounts=[JANE | {"extension_attributes": []}]), "extension_attributes", "table"),
    (document(accounts=[JANE | {"extension_attributes": {"CustomAttribute1": []}}]), "extension_", "Attribute5"),
    (document(accounts=[JANE | {"mailbox_settings": {"Audit": "True"}}]), "mailbox_settings", "AuditEnabled"),
    (document(accounts=[JANE | {"mailbox_settings": {"AuditEnabled": "1"}}]), "mailbox_settings.AuditEnabled", "True"),
    (document(accounts=[JANE | {"regional": {"lang": "nl"}}]), ".regional.lang", "language"),
    (document(accounts=[JANE | {"replies": {"state": "On"}}]), ".replies.state", "Scheduled"),
    (document(accounts=[JANE | {"replies": {"audience": "Friends"}}]), ".replies.audience", "Known"),
    (document(accounts=[JANE | {"replies": {"state": "Scheduled", "start": "soon"}}]), ".replies.start", "2024"),
    (document(accounts=[JANE | {"hold": {"days": -1}}]), ".hold.days", "whole number"),
    (document(accounts=[JANE | {"calendar": []}]), ".calendar", "Default"),
    (document(accounts=[JANE | {"calendar": [*EVERYBODY, {"user": "x", "rights": ["Boss"]}]}]), "[3].rights", "Editor"),
    (document(accounts=[JANE | {"calendar": [*EVERYBODY, {"user": "x", "rights": ["Editor"]}]}]), "accounts[1]", "'x'"),
    (
        document(accounts=[JANE | {"calendar": [*EVERYBODY, {"user": "x", "rights": ["Editor"], "flags": ["Boss"]}]}]),
        "[3].flags",
        "Delegate",
    ),
    (document(accounts=[JANE | {"full_access": [{"trustee": JANE["name"]}]}]), "accounts[1]", "'Jane Doe'"),
    (document(accounts=[JANE | {"full_access": [{"rights": []}]}]), "full_access[1]", "trustee"),
    (
        document(accounts=[JANE | {"full_access": [{"trustee": "jane@x.example", "rights": ["All"]}]}]),
        "full_access[1].rights",
        "FullAccess",
    ),
    (document(accounts=[{"type": "User", "name": "x"}]), "accounts[1]", "user_principal_name"),
    (document(accounts=[JANE | {"primary_smtp_address": ""}]), "accounts[1]", "primary_smtp_address"),
    (document(accounts=[{"type": "User"}]), "accounts[1]", "name"),
    (document(accounts=["Jane"]), "accounts[1]", "table"),
    (document(accounts={}), "accounts", "list"),
    (document(accounts=[JANE, JANE]), "accounts[2]", "accounts[1]"),
    (document(accounts=[JANE, JOHN | {"email_addresses": ["smtp:JANE@x.example"]}]), "accounts[2]", "jane@x.example"),
    (document(accounts=[JANE], groups=[STAFF | {"members": ["jan@x.example"]}]), "groups[1]", "mean jane@x.example"),
    (document(groups=[STAFF | {"members": ["S-1-5-21-1"]}]), "groups[1]", "S-1-5-21-1"),
    (document(groups=[STAFF | {"members": "jane@x.example"}]), "groups[1] (staff@x.example).members", "list"),
    (document(groups=[STAFF | {"department": "x"}]), "groups[1] (staff@x.example).department", "known"),
    (document(behaviour={"denied": ["Set-Mailbx"]}), "behaviour.denied[1]", "Set-Mailbox"),
    (document(behaviour={"denied": ["Set-Mailbox:Nme"]}), "behaviour.denied[1]", "Name"),
    (document(behaviour={"token_seconds": -1}), "behaviour.token_seconds", "seconds"),
    (document(behaviour={"token_seconds": True}), "behaviour.token_seconds", "true"),
    (document(behaviour={"module_version": "new"}), "behaviour.module_version", "3.9.2"),
    (document(behaviour={"throttle": {"kind": "slow"}}), "behaviour.throttle.kind", "delay"),
    (document(behaviour={"throttle": {"every": 1.5}}), "behaviour.throttle.every", "whole"),
    (document(behaviour={"throttle": {"calls": 1}}), "behaviour.throttle.calls", "every"),
    (document(logon={"secret": "x"}), "logon.secret", "client_secret"),
    ({"organization": {"name": "x"}}, "organization", "tenant_id"),
    ({"organization": {"name": "", "tenant_id": TENANT_ID}}, "organization.name", "onmicrosoft"),
    ({"organization": {"name": "x", "tenant_id": "x"}}, "organization.tenant_id", "guid"),
    ({}, "organization", "missing"),
]


@pytest.mark.parametrize(
    ("sections", "place", "words"), BAD, ids=[f"{number}-{bad[1]}" for number, bad in enumerate(BAD)]
)
def test_refused_files(tmp_path: Path, sections: dict[str, Any], place: str, words: str) -> None:
    """What cannot be right is refused with the file, the place in it and what would be right."""
    with pytest.raises(TenantFileError) as refused:
        load(tmp_path, sections)
    assert place in refused.value.place
    assert words in refused.value.message
    assert str(refused.value).startswith(str(tmp_path / "tenant.toml"))


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("tenant.toml", b"[organization]\nname =\n", "line 2"),
        ("tenant.json", b'{"organization":\n,}', "line 2"),
        ("tenant.json", b"[" * 100_000, "deep"),
        ("tenant.json", b"[]", "table"),
        ("tenant.json", b'{"organization": null}', "null"),
        ("tenant.json", b'{"organization": {"name": "\\ud800", "tenant_id": "x"}}', "surrogate"),
        (
            "tenant.json",
            b'{"organization": {"name": "x", "tenant_id": "x"}, "groups": [{"type": "RoomList", "name": "\\ud800"}]}',
            "surrogate",
        ),
        ("tenant.json", b'{"organization": {"name": "a", "name": "b"}}', "the key name stands twice"),
        ("tenant.json", b'{"groups": ' + b"1" * 5000 + b"}", "digits"),
        ("tenant.toml", b"groups = " + b"1" * 5000, "digits"),
        ("tenant.toml", b"name = '\xff'", "UTF-8"),
        ("tenant.yaml", b"", ".toml or .json"),
        ("tenant.toml", None, "cannot be read"),
    ],
)
def test_files_that_are_no_tenant(tmp_path: Path, name: str, content: bytes | None, words: str) -> None:
    """Neither a wrong syntax nor a missing file ends in anything but a TenantFileError with the line or the reason."""
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(TenantFileError, match=words):
        Tenant.load(path)


def test_saving_where_nothing_can_be_written(tmp_path: Path) -> None:
    """A folder that is not there and a wrong suffix are refused, and nothing is left behind."""
    for path in (tmp_path / "missing" / "tenant.toml", tmp_path / "tenant.txt"):
        with pytest.raises(TenantFileError):
            Tenant.demo().save(path)
    assert list(tmp_path.iterdir()) == []


def test_a_secret_is_not_shown() -> None:
    """The representation of a log-on has neither the secret nor the password."""
    logon = replace(Logon(), client_secret="canary-1", password="canary-2")
    assert "canary" not in repr(logon)
