"""What every section of the settings is made of: the base model, broken rules, and the types of its fields."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from typing import Annotated, NamedTuple, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

RULE = "settings_rule"

_HOST_NAME = re.compile(r"[^\W_]([\w.-]*\w)?\.?")
# What the certificate dialogs of Windows put between or before the digits when a thumbprint is copied from them.
_DIGIT_NOISE = re.compile(r"[\s:\u200e\u200f\ufeff]")


class Violation(NamedTuple):
    """A rule of a section that is broken: the keys it is about, what is wrong, what would be right. No secret."""

    keys: tuple[str, ...]
    message: str
    fix: str


def _one_line(text: str) -> str:
    if any(not character.isprintable() for character in text):
        raise ValueError("it has a line break or another character that cannot be printed")
    return text


def hexadecimal_digits(text: str, *, count: int, shown_by: str) -> str:
    """The digits of a certificate's hash without what stands between them; an empty text stays empty.

    ``shown_by`` is the command that shows the right ones. Raises ValueError unless there are ``count``.
    """
    bare = _DIGIT_NOISE.sub("", text)
    if bare and not (len(bare) == count and re.fullmatch(r"[0-9A-Fa-f]+", bare)):
        raise ValueError(f"its {len(bare)} characters are not the {count} hexadecimal digits that {shown_by} shows")
    return bare


Line = Annotated[str, AfterValidator(_one_line)]
Name = Annotated[str, Field(min_length=1), AfterValidator(_one_line)]
# A number or a truth must be one in a file; "5986" is text. Sources of text alone convert it before.
Flag = Annotated[bool, Field(strict=True)]
Whole = Annotated[int, Field(strict=True)]


class Section(BaseModel):
    """The base of all sections."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    def violations(self) -> Iterator[Violation]:
        """Every rule that is broken though each field is right by itself."""
        yield from ()

    def _missing(self, logon: str, *keys: str) -> Iterator[Violation]:
        fix = f"Log-on by {logon} needs {' and '.join(keys)}."
        return (Violation((key,), "it is missing.", fix) for key in keys if not getattr(self, key))

    @model_validator(mode="after")
    def _keeps_the_rules(self) -> Self:
        found = list(self.violations())
        if found:
            text = " ".join(f"{', '.join(rule.keys)}: {rule.message} {rule.fix}" for rule in found)
            raise PydanticCustomError(RULE, "{text}", {"text": text, "violations": found})
        return self


def is_host(host: str) -> bool:
    """Whether a text is a host's name or address and nothing else."""
    return _HOST_NAME.fullmatch(host) is not None or _address(host) is not None


def is_loopback(host: str) -> bool:
    """Whether a name or address is this machine's own: localhost, 127.0.0.0/8 or ::1. No name is looked up."""
    address = _address(host)
    return host.lower() == "localhost" if address is None else address.is_loopback


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
