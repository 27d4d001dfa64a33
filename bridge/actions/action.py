"""What an action is: a name, a script, a model of its parameters, and how parameters become calls.

Rules: the model's fields are the script's parameters (``user_name`` is ``-UserName``), in the same order, except
``-DryRun``, which belongs to the call. What was not given is not sent. Text is sent as it is; only what could mean
another object than the one that was meant is refused here: an empty text, and characters that XML cannot carry. A list
of texts is one parameter of one call, each text once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import pydantic
from pydantic import AfterValidator, BaseModel, ConfigDict

from bridge.errors import UsageError
from bridge.model import Call, Kind, new_id

MAX_TEXT = 32_767
"""The longest text that is sent, in characters; no identity or setting of Exchange is near it."""


_NO_XML = frozenset("\0\ufffe\uffff")
"""What no XML can carry; pypsrp escapes all other control characters."""


def _text(value: str) -> str:
    if not value.strip():
        raise ValueError("it is empty; give a value, or leave the option out")
    return _sendable(value)


def _sendable(value: str) -> str:
    if len(value) > MAX_TEXT:
        raise ValueError(f"it has {len(value)} characters; {MAX_TEXT} are the most that is sent")
    for position, character in enumerate(value):
        if character in _NO_XML or "\ud800" <= character <= "\udfff":
            raise ValueError(f"character {position + 1} ({ord(character):#06x}) cannot be sent")
    return value


def _each_once(values: list[str]) -> list[str]:
    return list(dict.fromkeys(values))


def _field_and_value(text: str) -> str:
    name, equals, value = text.partition("=")
    if not equals or not name.isascii() or not name.isalnum() or not name[0].isalpha() or not value.strip():
        raise ValueError("it is not Field=Value, such as CustomAttribute1=E0042")
    return text


Text = Annotated[str, AfterValidator(_text)]
TextOrEmpty = Annotated[str, AfterValidator(_sendable)]
"""A text that may be empty: it clears what is there. Never an identity."""

Texts = Annotated[list[Text], AfterValidator(_each_once)]
Where = Annotated[Text, AfterValidator(_field_and_value)]
Right = Literal["full-access", "send-as", "send-on-behalf"]


class Parameters(BaseModel):
    """The base of all parameter models. Frozen; an unknown name is a mistake."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, strict=True)


class NoParameters(Parameters):
    """Nothing to choose."""


@dataclass(frozen=True)
class Action:
    """One thing that can be done.

    ``result`` names the keys of a row (read) or of before and after (change), snake case. ``defaults`` names a section
    of the settings whose values stand in for what was not given. ``each`` is the parameter of which a command line may
    give several values: each value is a call of its own. ``creates`` says that it makes a new object, which can be seen
    only later. ``example`` is what it is given in an example on the demo organization.
    """

    name: str
    script: str
    kind: Kind
    summary: str
    parameters: type[Parameters]
    result: tuple[str, ...]
    defaults: str = ""
    each: str = ""
    creates: bool = False
    example: Mapping[str, Any] = field(default_factory=dict)

    @property
    def area(self) -> str:
        """``shared-mailbox`` of ``shared-mailbox.grant``."""
        return self.name.partition(".")[0]

    @property
    def verb(self) -> str:
        """``grant`` of ``shared-mailbox.grant``."""
        return self.name.partition(".")[2]

    def calls(
        self, given: Mapping[str, Any], *, dry_run: bool = False, defaults: Mapping[str, Any] | None = None
    ) -> list[Call]:
        """The calls that these parameters mean: one, or one for each value of ``each``.

        ``given`` maps field names to values; None and an empty list count as not given. ``defaults`` stands in for
        what was not given. Raises UsageError that names every parameter that is wrong.
        """
        present = {name: value for name, value in given.items() if value is not None and value != []}
        for name, value in (defaults or {}).items():
            if value and name in self.parameters.model_fields:
                present.setdefault(name, value)
        several = present.get(self.each) if self.each else None
        values = list(dict.fromkeys(several)) if isinstance(several, list | tuple) else [several]
        return [
            Call(
                action=self.name,
                script=self.script,
                kind=self.kind,
                parameters=self._checked(present | ({self.each: value} if value is not None else {})),
                dry_run=dry_run and self.kind is Kind.CHANGE,
                creates=self.creates,
                id=new_id(),
            )
            for value in values
        ]

    def _checked(self, given: Mapping[str, Any]) -> dict[str, Any]:
        try:
            model = self.parameters.model_validate(dict(given))
        except pydantic.ValidationError as error:
            lines = [self._mistake(dict(one)) for one in error.errors(include_url=False)]
            raise UsageError(f"{self.name}: " + "; ".join(lines) + ".") from None
        return {
            name: value
            for name, value in model.model_dump(exclude_unset=True).items()
            if value is not None and value is not False
        }

    def _mistake(self, error: Mapping[str, Any]) -> str:
        """One mistake of pydantic's in a sentence."""
        if not error["loc"]:
            return str(error["msg"]).removeprefix("Value error, ")
        name = str(error["loc"][0]).replace("_", "-")
        option = f"--{name}"
        if error["type"] == "missing":
            return f"{option} is missing"
        if error["type"] == "extra_forbidden":
            known = ", ".join(f"--{field.replace('_', '-')}" for field in self.parameters.model_fields)
            return f"there is no {option}; there are {known or 'no parameters'}"
        if error["type"] == "literal_error":
            return f"{option} is one of {error['ctx']['expected']}"
        return f"{option}: {str(error['msg']).removeprefix('Value error, ')}"


def parameter_name(field: str) -> str:
    """The script's name of a field: ``no_automapping`` is ``NoAutomapping``."""
    return "".join(part[:1].upper() + part[1:] for part in field.split("_"))
