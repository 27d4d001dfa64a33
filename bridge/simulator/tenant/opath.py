"""Exchange's filter language (OPATH), as far as -Filter of the recipient cmdlets uses it.

    expression = term { -or term }
    term       = factor { -and factor }
    factor     = -not factor | ! factor | ( expression ) | property operator value
    operator   = -eq | -ne | -like | -notlike | -gt | -ge | -lt | -le
    value      = 'text' (a quote inside is doubled) | "text" | $true | $false | $null | a bare word or number

Rules: names, operators and texts compare without regard to case; ``'True'`` equals ``$true``; ``$null`` equals what is
empty; a property with several values matches when one of them does; ``*`` is a wildcard in -like and -notlike only.
Nothing is ever evaluated: a value is data however it is spelt.
Source: https://learn.microsoft.com/powershell/exchange/recipient-filters and filters-v2.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

Getter = Callable[[str], Any]
Test = Callable[[Getter], bool]

_MAX_DEPTH = 50
_COMPARISONS = ("-eq", "-ne", "-like", "-notlike", "-gt", "-ge", "-lt", "-le")
_TOKEN = re.compile(
    r"""\s*(?:
        (?P<single>'(?:[^']|'')*') | (?P<double>"(?:[^"]|"")*") |
        (?P<open>\() | (?P<close>\)) | (?P<bang>!) |
        (?P<operator>-[A-Za-z]+) | (?P<variable>\$[A-Za-z]+) | (?P<word>[^\s()'"!]+)
    )""",
    re.VERBOSE,
)


class OpathError(ValueError):
    """A filter that does not parse; the message is Exchange's, with the place where reading stopped."""


class _Token(NamedTuple):
    kind: str
    text: str
    position: int


@dataclass(frozen=True)
class Filter:
    """A filter that was read: the properties that it names (as written) and its test."""

    properties: frozenset[str]
    test: Test

    def matches(self, get: Getter) -> bool:
        """Whether the object whose properties ``get`` answers passes."""
        return self.test(get)


def parse(text: str) -> Filter:
    """Read ``text``. Raises OpathError, which says where."""
    parser = _Parser(text)
    test = parser.expression(0)
    if parser.current.kind != "end":
        parser.fail()
    return Filter(frozenset(parser.properties), test)


def quote(value: str) -> str:
    """``value`` as an OPATH text: in single quotes, with quotes inside doubled."""
    return "'" + value.replace("'", "''") + "'"


class _Parser:
    """Recursive descent over the tokens; every method leaves ``current`` on the first token it did not take."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.properties: set[str] = set()
        self._tokens = _tokens(text)
        self._index = 0

    @property
    def current(self) -> _Token:
        return self._tokens[self._index]

    def take(self) -> _Token:
        token = self.current
        if token.kind == "end":
            self.fail()
        self._index += 1
        return token

    def fail(self) -> None:
        raise OpathError(_complaint(self.text, self.current.position))

    def _operator(self, name: str) -> bool:
        if self.current.kind == "operator" and self.current.text.lower() == name:
            self._index += 1
            return True
        return False

    def expression(self, depth: int) -> Test:
        tests = [self._term(depth)]
        while self._operator("-or"):
            tests.append(self._term(depth))
        return tests[0] if len(tests) == 1 else lambda get: any(test(get) for test in tests)

    def _term(self, depth: int) -> Test:
        tests = [self._factor(depth)]
        while self._operator("-and"):
            tests.append(self._factor(depth))
        return tests[0] if len(tests) == 1 else lambda get: all(test(get) for test in tests)

    def _factor(self, depth: int) -> Test:
        if depth > _MAX_DEPTH:
            self.fail()
        if self.current.kind == "bang" or (self.current.kind, self.current.text.lower()) == ("operator", "-not"):
            self.take()
            negated = self._factor(depth + 1)
            return lambda get: not negated(get)
        if self.current.kind == "open":
            self.take()
            inner = self.expression(depth + 1)
            if self.current.kind != "close":
                self.fail()
            self.take()
            return inner
        return self._comparison()

    def _comparison(self) -> Test:
        if self.current.kind != "word" or not re.fullmatch(r"[A-Za-z][A-Za-z0-9]*", self.current.text):
            self.fail()
        name = self.take().text
        if self.current.kind != "operator" or self.current.text.lower() not in _COMPARISONS:
            self.fail()
        operator = self.take().text.lower()
        value = self._value()
        self.properties.add(name)
        return _comparison(name, operator, value)

    def _value(self) -> str | bool | None:
        token = self.take()
        if token.kind == "single":
            return token.text[1:-1].replace("''", "'")
        if token.kind == "double":
            return token.text[1:-1].replace('""', '"')
        if token.kind == "word":
            return token.text
        variables: dict[str, bool | None] = {"$true": True, "$false": False, "$null": None}
        if token.kind == "variable" and token.text.lower() in variables:
            return variables[token.text.lower()]
        raise OpathError(_complaint(self.text, token.position))


def _tokens(text: str) -> list[_Token]:
    tokens = []
    position = 0
    while position < len(text.rstrip()):
        match = _TOKEN.match(text, position)
        if match is None or match.lastgroup is None:
            raise OpathError(_complaint(text, position))
        tokens.append(_Token(match.lastgroup, match[match.lastgroup], match.start(match.lastgroup)))
        position = match.end()
    return [*tokens, _Token("end", "", len(text))]


def _complaint(text: str, position: int) -> str:
    shown = text if len(text) <= 200 else text[:200] + "..."
    return (
        "Invalid filter syntax. For a description of the filter parameter syntax see the command help.\n"
        f'"{shown}" at position {position + 1}.'
    )


def _comparison(name: str, operator: str, value: str | bool | None) -> Test:
    if operator in ("-ne", "-notlike"):
        positive = _comparison(name, "-eq" if operator == "-ne" else "-like", value)
        return lambda get: not positive(get)
    if value is None:
        return lambda get: operator == "-eq" and not list(_texts(get(name)))
    wanted = _text(value)
    test = _single_test(operator, wanted)
    return lambda get: any(test(text) for text in _texts(get(name)))


def _single_test(operator: str, wanted: str) -> Callable[[str], bool]:
    if operator == "-eq":
        return lambda text: text == wanted
    if operator == "-like":
        pattern = like(wanted)
        return lambda text: pattern.fullmatch(text) is not None
    orders: dict[str, Callable[[str], bool]] = {
        "-gt": lambda text: _ordered(text) > _ordered(wanted),
        "-ge": lambda text: _ordered(text) >= _ordered(wanted),
        "-lt": lambda text: _ordered(text) < _ordered(wanted),
        "-le": lambda text: _ordered(text) <= _ordered(wanted),
    }
    return orders[operator]


@lru_cache(maxsize=256)
def like(pattern: str) -> re.Pattern[str]:
    """The pattern of -like: ``*`` is any text, everything else is itself, without regard to case."""
    return re.compile(".*".join(re.escape(part) for part in pattern.split("*")), re.IGNORECASE | re.DOTALL)


def _ordered(text: str) -> tuple[int, float, str]:
    """Numbers before texts, numbers by size."""
    try:
        return (0, float(text), "")
    except ValueError:
        return (1, 0.0, text)


def _texts(value: Any) -> Iterable[str]:
    if value is None or value == "":
        return ()
    if isinstance(value, (list, tuple)):
        return tuple(_text(item) for item in value)
    return (_text(value),)


def _text(value: Any) -> str:
    return str(value).casefold()
