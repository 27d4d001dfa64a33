"""Resources: names and addresses of what is made for departments, and failures in the middle of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import UsageError
from bridge.helloid.answer import Answer
from bridge.helloid.resources import address_of, create
from bridge.helloid.task import Contract, Source, Step, Target, Task
from bridge.model import Outcome, Status
from bridge.settings import HelloIdSettings
from tests.helloid.recorded_exchange import RecordedExchange, ended, found

SETTINGS = HelloIdSettings(mail_domain="contoso.example")


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("Sales", "dg_Sales"),
        ("Zorg & Welzijn - Süd", "dg_Zorg_Welzijn_Sud"),
        ("O'Brien's Team", "dg_OBriens_Team"),
        ("Straße Łódź Øst", "dg_Strasse_Lodz_Ost"),
        ("  R.&D.  ", "dg_R_D"),
        ("営業部", "dg_D1"),
        ("", "dg_D1"),
        ("x" * 100, "dg_" + "x" * 61),
    ],
)
def test_an_address_is_the_name_in_plain_letters(name: str, address: str) -> None:
    """Diacritics go, what an address cannot have becomes an underline, and a name without letters is the key."""
    assert address_of("dg_", Source("D1", name), "contoso.example") == f"{address}@contoso.example"


@given(name=st.text(max_size=120), key=st.text(max_size=120))
def test_an_address_is_one_whatever_the_department_is_called(name: str, key: str) -> None:
    """Letters, digits, - and _ before the @, one at least and 64 at most."""
    local = address_of("dg_", Source(key, name), "contoso.example").removesuffix("@contoso.example")

    assert re.fullmatch(r"[A-Za-z0-9_-]{1,64}", local)


def test_a_failure_does_not_end_the_work() -> None:
    """A look-up that fails makes nothing for its department, several are told, and the last one is made."""
    rows = {"D1": None, "D2": [{"id": "1", "name": "One"}, {"id": "2", "name": "Two"}], "D3": []}

    def look_up(given: Mapping[str, Any]) -> Outcome:
        found_rows = rows[given["where"].partition("=")[2]]
        return ended(Status.FAILED, code="throttled") if found_rows is None else found(*found_rows)

    exchange = RecordedExchange({"group.list": look_up})
    answer = Answer()

    create(task(Source("D1", "A"), Source("D2", "B"), Source("", "C"), Source("D3", "D")), exchange, SETTINGS, answer)

    assert exchange.changes() == [("group.create", "dg_D")]
    assert [line.is_error for line in answer.audit] == [True, True, True, False]
    assert "no key" in answer.audit[0].message
    assert "2 have CustomAttribute1 = D2: One (1), Two (2)" in answer.audit[2].message


def test_markers_are_those_of_the_settings() -> None:
    """Key and marker go into the attributes that the settings name, and a long name is cut to what Exchange takes."""
    settings = HelloIdSettings(
        mail_domain="contoso.example", department_attribute="CustomAttribute7", group_marker="Ours", group_prefix="g-"
    )
    exchange = RecordedExchange()

    create(task(Source("D1", "😀" * 50)), exchange, settings, Answer())

    (_, given) = exchange.asked[-1]
    assert given["marker"] == ["CustomAttribute7=D1", "CustomAttribute2=Ours"]
    assert given["name"] == "g-" + "😀" * 31
    assert given["address"] == "g-D1@contoso.example"


def test_without_a_domain_nothing_is_made() -> None:
    """There must be a domain for the addresses."""
    exchange = RecordedExchange()

    with pytest.raises(UsageError, match="domain"):
        create(task(Source("D1", "Sales")), exchange, HelloIdSettings(), Answer())

    assert exchange.asked == []


def task(*sources: Source) -> Task:
    """A task of contract v2."""
    return Task(contract=Contract.V2, step=Step.RESOURCES, target=Target.GROUPS, sources=sources)
