"""The registry of actions, and how parameters become calls."""

from __future__ import annotations

from typing import Any, get_args

import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.actions import ACTIONS
from bridge.actions.action import parameter_name
from bridge.actions.fields import takes_several, value_type
from bridge.errors import UsageError
from bridge.model import Kind
from bridge.scripts import ScriptFolder


def test_every_action_script_has_an_action_and_every_action_a_script() -> None:
    """A script without an action could never run, and an action without a script neither."""
    scripts = {script.name for script in ScriptFolder().all() if script.is_action}

    assert {action.script for action in ACTIONS.values()} == scripts
    assert [action.name for action in ACTIONS.values()] == list(ACTIONS)


@pytest.mark.parametrize("name", ACTIONS)
def test_the_model_takes_what_the_script_takes(name: str) -> None:
    """The same names in the same order, the same type, mandatory in one as in the other, the same allowed values."""
    action = ACTIONS[name]
    script = ScriptFolder().get(action.script)
    declared = [parameter for parameter in script.parameters if parameter.name != "DryRun"]

    assert [parameter_name(field) for field in action.parameters.model_fields] == [one.name for one in declared]
    for (option, field), parameter in zip(action.parameters.model_fields.items(), declared, strict=True):
        assert field.is_required() == parameter.mandatory
        assert (field.annotation is bool) == (parameter.type == "switch")
        assert takes_several(action, option) == (parameter.type == "string[]" or option == action.each)
        assert field.description
        if parameter.values:
            assert get_args(value_type(field)) == parameter.values


@pytest.mark.parametrize("name", ACTIONS)
def test_a_changing_action_has_a_dry_run(name: str) -> None:
    """Its script takes -DryRun, and a reading one's does not."""
    names = {parameter.name for parameter in ScriptFolder().get(ACTIONS[name].script).parameters}

    assert ("DryRun" in names) == (ACTIONS[name].kind is Kind.CHANGE)


def test_several_rights_are_several_calls() -> None:
    """One call for each right, in the order given, each right once; what was not given is not sent."""
    calls = ACTIONS["shared-mailbox.grant"].calls(
        {"mailbox": "info", "user": "jane", "right": ["send-as", "full-access", "send-as"], "no_automapping": False},
        dry_run=True,
    )

    assert [dict(call.parameters) for call in calls] == [
        {"mailbox": "info", "user": "jane", "right": "send-as"},
        {"mailbox": "info", "user": "jane", "right": "full-access"},
    ]
    assert all(call.dry_run for call in calls)
    assert len({call.id for call in calls}) == 2


def test_a_read_is_never_a_dry_run() -> None:
    """It changes nothing anyway, and its script has no such parameter."""
    (call,) = ACTIONS["group.list"].calls({}, dry_run=True)

    assert not call.dry_run


def test_defaults_stand_in_for_what_was_not_given() -> None:
    """A value that was given wins, and a default for another parameter is left out."""
    (call,) = ACTIONS["mailbox.set-regional"].calls(
        {"mailbox": "jane", "language": "fr-FR", "time_zone": None},
        defaults={"language": "nl-NL", "time_zone": "W. Europe Standard Time", "date_format": "", "other": "x"},
    )

    assert call.parameters == {"mailbox": "jane", "language": "fr-FR", "time_zone": "W. Europe Standard Time"}


@pytest.mark.parametrize(
    ("name", "given", "said"),
    [
        ("account.find", {}, "either --user or --where"),
        ("account.find", {"user": "u", "where": "A=b"}, "either --user or --where"),
        ("account.find", {"user": ""}, "--user: it is empty"),
        ("account.find", {"user": " \t "}, "--user: it is empty"),
        ("account.find", {"user": "a\0b"}, "character 2"),
        ("account.find", {"user": "\ud800"}, "character 1"),
        ("account.find", {"user": "a\ufffe"}, "character 2"),
        ("account.find", {"user": "x" * 32_768}, "32768 characters"),
        ("account.find", {"user": "x", "usr": "y"}, "there is no --usr; there are --user, --where"),
        ("group.grant", {"group": "staff"}, "--member is missing"),
        ("shared-mailbox.grant", {"mailbox": "m", "user": "u"}, "--right is missing"),
        ("shared-mailbox.grant", {"mailbox": "m", "user": "u", "right": ["own"]}, "'send-on-behalf'"),
        ("mailbox.find", {}, "either --mailbox or --where"),
        ("mailbox.find", {"mailbox": "m", "where": "A=b"}, "either --mailbox or --where"),
        ("mailbox.find", {"where": "CustomAttribute1"}, "Field=Value"),
        ("mailbox.find", {"where": "A b=c"}, "Field=Value"),
        ("mailbox.find", {"where": "A="}, "Field=Value"),
        ("mailbox.set-regional", {"language": "nl-NL"}, "--mailbox is missing"),
    ],
)
def test_a_wrong_parameter_is_named(name: str, given: dict[str, Any], said: str) -> None:
    """The message names the option and what would be right."""
    with pytest.raises(UsageError, match="^" + name.replace(".", r"\.")) as error:
        ACTIONS[name].calls(given)
    assert said in error.value.message


def test_all_wrong_parameters_are_named_at_once() -> None:
    """Not only the first."""
    with pytest.raises(UsageError) as error:
        ACTIONS["shared-mailbox.grant"].calls({"mailbox": " ", "right": ["own"]})
    assert all(option in error.value.message for option in ("--mailbox", "--user", "--right"))


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0\ufffe\uffff"), min_size=1, max_size=200))
def test_a_text_is_sent_as_it_is(text: str) -> None:
    """Quotes, wildcards, $(), line breaks: a value is data, whatever is in it; only an empty one is refused."""
    if not text.strip():
        with pytest.raises(UsageError):
            ACTIONS["account.find"].calls({"user": text})
        return
    (call,) = ACTIONS["account.find"].calls({"user": text})

    assert call.parameters == {"user": text}


def test_a_mistake_never_shows_the_value_through_pydantic() -> None:
    """Pydantic's own error, with its copy of the input, is not chained."""
    with pytest.raises(UsageError) as error:
        ACTIONS["account.find"].calls({"user": 5})

    assert error.value.__cause__ is None
    assert error.value.__suppress_context__
    assert not isinstance(error.value, pydantic.ValidationError)
