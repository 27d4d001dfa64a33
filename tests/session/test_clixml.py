"""Values as XML and back, and messages out of fragments, compared with pypsrp's own."""

from __future__ import annotations

import itertools
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pypsrp.serializer import Serializer

from bridge.session.clixml import Messages, plain_data, written
from bridge.session.plain_values import plain_value

KEYS = st.from_regex(r"[a-z]{1,8}", fullmatch=True)
SIMPLE = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text()
PLAIN: st.SearchStrategy[Any] = st.recursive(
    SIMPLE,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


def fragment(message: int, number: int, flags: int, part: bytes) -> bytes:
    """One fragment: 1 is the flag of the first, 2 that of the last."""
    return struct.pack(">QQBI", message, number, flags, len(part)) + part


def message(kind: int, text: bytes) -> bytes:
    """One message: destination, type, two ids, data."""
    return struct.pack("<II", 1, kind) + bytes(32) + text


@given(PLAIN)
def test_what_is_written_is_read_as_it_was(value: Any) -> None:
    """Every text, whatever characters it has, every number, and what is made of them."""
    assert plain_data(written(value, itertools.count()).encode("utf-8")) == value


@given(st.dictionaries(KEYS, SIMPLE | st.dictionaries(KEYS, SIMPLE | st.lists(st.text()))))
def test_pypsrp_reads_what_is_written(value: Any) -> None:
    """What a call holds is read by another reader too."""
    assert plain_value(Serializer().deserialize(written(value, itertools.count()))) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b"", None),
        (b"<S />", ""),
        (b"<G>00000000-0000-0000-0000-000000000000</G>", "00000000-0000-0000-0000-000000000000"),
        (b"<Db>0.5</Db>", 0.5),
        (b"<C>65</C>", "A"),
        (b'<Obj RefId="0"><ToString>Red</ToString><I32>1</I32></Obj>', "Red"),
        (b'<Obj RefId="0"><MS><S N="UserName">x</S><Nil N="B" /></MS></Obj>', {"user_name": "x", "b": None}),
        (b'<Obj RefId="0"><LST><Obj RefId="1"><LST><S>a</S></LST></Obj><Ref RefId="1" /></LST></Obj>', [["a"], ["a"]]),
    ],
)
def test_values_of_a_powershell(text: bytes, value: Any) -> None:
    """What nothing here writes, and a PowerShell does."""
    assert plain_data(text) == value


@pytest.mark.parametrize("text", [b"<S>", b"not XML", b'<Ref RefId="7" />', b"<I32>x</I32>"])
def test_what_is_no_value(text: bytes) -> None:
    """It is a ValueError, which is told as an answer that cannot be understood."""
    with pytest.raises(ValueError, match=r".+"):
        plain_data(text)


def test_fragments_become_messages() -> None:
    """Several in one answer, one over several answers, with and without a byte order mark."""
    one, two = message(7, b"\xef\xbb\xbf<S>a</S>"), message(8, b"<S>b</S>")
    messages = Messages()

    assert list(messages.take(fragment(1, 0, 3, one) + fragment(2, 0, 1, two[:50]))) == [(7, b"<S>a</S>")]
    assert list(messages.take(fragment(2, 1, 2, two[50:]))) == [(8, b"<S>b</S>")]


def test_a_message_with_a_part_lost_is_left_out() -> None:
    """Its beginning, its middle or its end: what comes after it is read."""
    text = message(7, b"<S>abcdef</S>")
    whole = fragment(9, 0, 3, message(8, b"<S>b</S>"))
    parts = [fragment(1, 0, 1, text[:44]), fragment(1, 1, 0, text[44:48]), fragment(1, 2, 2, text[48:])]
    for lost in range(3):
        left = b"".join(part for number, part in enumerate(parts) if number != lost)
        assert list(Messages().take(left + whole)) == [(8, b"<S>b</S>")]


@pytest.mark.parametrize("data", [b"\0" * 5, fragment(1, 0, 3, b"x" * 50)[:-1]])
def test_what_is_no_fragment(data: bytes) -> None:
    """An answer that is cut off is no answer."""
    with pytest.raises(ValueError, match="fragment"):
        list(Messages().take(data))
