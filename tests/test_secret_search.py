"""The search that a support bundle has to pass: what it finds, and that it does not trust the redaction."""

from __future__ import annotations

import base64
import html
import json
import urllib.parse

from hypothesis import given
from hypothesis import strategies as st

from bridge.logs import Redaction
from bridge.logs.secret_search import SecretSearch

SECRETS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=8, max_size=30)


def encoded(secret: str, around: str) -> dict[str, bytes]:
    """The secret in every form that is to be found, within a longer text."""
    text = around + secret + around
    return {
        "plain": text.encode(),
        "json": json.dumps({"a": text}).encode(),
        "json twice": json.dumps(json.dumps(text)).encode(),
        "url": urllib.parse.quote(text, safe="").encode(),
        "form": urllib.parse.urlencode({"a": text}).encode(),
        "xml": html.escape(text).encode(),
        "utf-16": text.encode("utf-16"),
        "utf-16 big": text.encode("utf-16-be"),
        "base64": base64.b64encode(text.encode()),
        "base64 for url": base64.urlsafe_b64encode(text.encode()),
        "base64 of utf-16": base64.b64encode(text.encode("utf-16-le")),
        "base64 in utf-16": base64.b64encode(text.encode()).decode().encode("utf-16-le"),
    }


@given(SECRETS, st.text(st.sampled_from("ab:{é"), max_size=4))
def test_a_secret_is_found_in_every_form(secret: str, around: str) -> None:
    """Also as a part of what was encoded, wherever it begins in it."""
    search = SecretSearch([("password", secret)])
    missed = [name for name, data in encoded(secret, around).items() if search.hits(data) != ["password"]]

    assert missed == []


@given(SECRETS, st.text(st.sampled_from("ab:{é"), max_size=4))
def test_what_was_redacted_holds_nothing_to_be_found(secret: str, around: str) -> None:
    """Of every form that is a text, as an event has it, and as the file has the event."""
    redaction, search = Redaction([secret]), SecretSearch([("password", secret)])
    texts = [data.decode() for name, data in encoded(secret, around).items() if not name.startswith(("utf", "json"))]
    event = redaction.value({"message": texts, "deep": {"x": [texts]}})

    assert search.hits(json.dumps(event, ensure_ascii=False).encode()) == []


def test_what_is_no_secret_is_not_found() -> None:
    """Other texts, the mask itself, an empty secret and one that is too short to be told from other text."""
    search = SecretSearch([("password", "correct horse"), ("none", ""), ("short", "ab")])

    assert search.hits(b'{"password": "********", "text": "correct house ab"}') == []
