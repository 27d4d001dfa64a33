"""No secret shows in what is raised, whatever is wrong; and whatever is wrong, it is a SettingsError."""

from __future__ import annotations

import json
import logging
import tempfile
import traceback
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from bridge.errors import SettingsError
from bridge.settings import Loaded, effective, load_settings
from bridge.settings.keys import KEYS, SECTIONS, Key

CANARY = "canary-5e0b1f"
SECRET_KEYS = [key for key in KEYS if key.is_secret]
RIGHT: dict[str, dict[str, Any]] = {
    "agent": {"host": "agent", "user": "u", "password": CANARY},
    "exchange": {"app_id": "a", "organization": "c", "client_secret": CANARY},
}


def told(error: SettingsError) -> str:
    """All that anybody could show of an error: its texts, and the traceback with the variables of our frames."""
    frames = [
        frame for frame, _ in traceback.walk_tb(error.__traceback__) if frame.f_globals["__name__"].startswith("bridge")
    ]
    assert frames
    assert error.__cause__ is None
    assert error.__context__ is None
    return "\n".join(
        [
            str(error),
            repr(error),
            error.message,
            error.remedy,
            repr(error.mistakes),
            *(str(mistake) for mistake in error.mistakes),
            *traceback.format_exception(error),
            *(repr(frame.f_locals) for frame in frames),
        ]
    )


def refused(path: Path | None = None, **options: Any) -> str:
    """What is told of settings that are refused."""
    with pytest.raises(SettingsError) as caught:
        load_settings(path, **({"environ": {}} | options))
    return told(caught.value)


def test_the_secret_keys() -> None:
    """A new secret is one more line here, and in docs/settings.md."""
    assert [key.full_name for key in SECRET_KEYS] == [
        "agent.password",
        "exchange.certificate_pfx",
        "exchange.certificate_password",
        "exchange.client_secret",
        "exchange.password",
    ]


@pytest.mark.parametrize("key", SECRET_KEYS, ids=lambda key: key.full_name)
@pytest.mark.parametrize("shape", [CANARY, [CANARY], {"value": CANARY}, f"{CANARY}\ud800"])
def test_a_secret_of_any_shape_is_never_shown(key: Any, shape: Any) -> None:
    """Right or wrong in itself, beside other mistakes, over all kinds of log-on at once."""
    tables = {section: dict(table) for section, table in RIGHT.items()}
    tables[key.section][key.name] = shape
    tables["exchange"]["certificate_thumbprint"] = "short"
    tables["agent"]["port"] = 0
    text = refused(replacing=tables)
    assert CANARY not in text
    assert "agent.port" in text


@pytest.mark.parametrize("source", ["file", "directory", "environment", "command line"])
def test_a_secret_of_any_source_is_never_shown(tmp_path: Path, source: str) -> None:
    """It makes no difference where it was read."""
    environ: dict[str, str] = {"EXO_BRIDGE_AGENT__PORT": "0"}
    overrides: dict[str, Any] = {}
    file = tmp_path / "settings.toml"
    file.touch()
    for key in SECRET_KEYS:
        if source == "file":
            file.write_text(f"{file.read_text('utf-8')}{key.full_name} = '{CANARY}'\n", "utf-8")
        elif source == "directory":
            environ["EXO_BRIDGE_SECRETS_DIR"] = str(tmp_path)
            (tmp_path / f"{key.section}__{key.name}").write_text(CANARY, "utf-8")
        elif source == "environment":
            environ[key.variable] = CANARY
        else:
            overrides.setdefault(key.section, {})[key.name] = CANARY
    text = refused(file, environ=environ, overrides=overrides)
    assert CANARY not in text
    assert "exchange.client_secret, exchange.password" in text


@pytest.mark.parametrize(
    "text",
    [
        f"password = '{CANARY}'",
        f"[agent]\npasswd = '{CANARY}'",
        f"[agent]\nkey = '{CANARY}'\ntoken = 5",
        f"[exchange]\nclient_secert = '{CANARY}'",
        f"agent = '{CANARY}'",
        f"exchange = ['{CANARY}']",
        f"[[exchange]]\nclient_secret = '{CANARY}'",
        f"[agent.password]\nvalue = '{CANARY}'",
        f"[agent]\npassword = '{CANARY}\nuser = 'u'",
        f"[agent]\npassword = {CANARY}",
        f"[agent]\npassword = '{CANARY}'\npassword = '{CANARY}'",
        f"[exchange]\nauthority = 'https://u:{CANARY}@login.microsoftonline.com'",
    ],
)
def test_a_secret_that_stands_wrong_is_never_shown(tmp_path: Path, text: str) -> None:
    """Under a misspelt key, without a section, in a section of another shape, in what is no TOML."""
    file = tmp_path / "settings.toml"
    file.write_text(text, "utf-8")
    assert CANARY not in refused(file)


@pytest.mark.parametrize(
    "environ",
    [
        {"EXO_BRIDGE_AGENT__PASSWD": CANARY},
        {"EXO_BRIDGE_AGENT_PASSWORD": CANARY},
        {"EXO_BRIDGE_AGENT": CANARY},
        {"EXO_BRIDGE_AGNT__PASSWORD": CANARY},
    ],
)
def test_a_secret_in_a_misspelt_variable_is_never_shown(environ: dict[str, str]) -> None:
    """The variable is named, its value is not."""
    text = refused(environ=environ, overrides=RIGHT)
    assert CANARY not in text
    assert next(iter(environ)) in text


SECRET = "aB3~" + "x7Qk.Lm9_" * 4


@pytest.mark.parametrize("key", [key for key in KEYS if not key.is_path], ids=lambda key: key.full_name)
@pytest.mark.parametrize("text", [SECRET, f"Bearer {SECRET}", f"{SECRET}\n"])
def test_a_secret_in_the_place_of_something_else_is_not_shown(key: Key, text: str) -> None:
    """Pasted under the key next to its own, it is masked in whatever is said of that key."""
    tables = {section: dict(table) for section, table in RIGHT.items()} | {
        section: {} for section in SECTIONS if section not in RIGHT
    }
    tables[key.section] |= {key.name: text, "no_such_key": 1}
    tables["agent"].setdefault("port", 0)
    told_of = refused(replacing=tables)
    assert SECRET not in told_of
    assert f"{key.section}.no_such_key" in told_of


@pytest.mark.parametrize("text", ["opensesame", "correct horse battery staple", f"{40 * '0'}\n{40 * '0'}"])
def test_what_is_no_thumbprint_is_not_shown(text: str) -> None:
    """Whatever stands there instead, its length says enough."""
    tables = RIGHT | {"exchange": {"app_id": "a", "organization": "c", "certificate_thumbprint": text}}
    told_of = refused(replacing=tables)
    assert text not in told_of
    assert "characters are not the 40 hexadecimal digits" in told_of


def test_the_library_that_reads_the_settings_logs_no_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """pydantic-settings can log what each source has; by then a secret is masked."""
    monkeypatch.setenv("PYDANTIC_SETTINGS_DEBUG", "1")
    caplog.set_level(logging.DEBUG)
    file = tmp_path / "settings.toml"
    file.write_text(f"[agent]\npassword = '{CANARY}'\npasswrod = '{CANARY}'\n", "utf-8")
    (tmp_path / "exchange__password").write_text(CANARY, "utf-8")
    environ = {"EXO_BRIDGE_SECRETS_DIR": str(tmp_path), "EXO_BRIDGE_AGENT__PASSWORD": CANARY}
    refused(file, environ=environ, overrides=RIGHT)
    assert CANARY not in caplog.text


def test_loaded_settings_show_no_secret() -> None:
    """Neither their repr nor a dump as JSON nor `settings show`."""
    loaded = load_settings(environ={}, replacing=RIGHT)
    assert loaded.settings.exchange.client_secret.get_secret_value() == CANARY
    shown = (repr(loaded), str(loaded.settings), loaded.settings.model_dump_json(), repr(effective(loaded)))
    assert not any(CANARY in text for text in shown)


VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.dates() | st.just(CANARY),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
NAMES = st.sampled_from([key.name for key in KEYS]) | st.text(max_size=5)
TABLES = st.dictionaries(
    st.sampled_from(list(SECTIONS)) | st.text(max_size=5), VALUES | st.dictionaries(NAMES, VALUES, max_size=6)
)


def mistakes_of(path: Path | None = None, **options: Any) -> str:
    """The mistakes as text, empty for settings that loaded. An error says something, and where."""
    found = []
    try:
        loaded = load_settings(path, **({"environ": {}} | options))
    except SettingsError as error:
        found = error.mistakes
    else:
        assert isinstance(loaded, Loaded)
        return ""
    assert found
    assert all(mistake.message and mistake.place for mistake in found)
    return repr(found)


@given(overrides=TABLES, replacing=TABLES)
@hypothesis_settings(max_examples=40, deadline=None)
def test_any_junk_in_a_program_ends_as_settings_or_a_settings_error(
    overrides: dict[str, Any], replacing: dict[str, Any]
) -> None:
    """No other exception, whatever the tables hold."""
    mistakes_of(overrides=overrides, replacing=replacing)


@given(values=st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=8))
@hypothesis_settings(max_examples=40, deadline=None)
def test_any_junk_under_right_keys_shows_no_secret(values: dict[Any, Any]) -> None:
    """Values of all types for keys that there are: a secret key's canary is never told."""
    tables: dict[str, dict[str, Any]] = {section: {} for section in SECTIONS}
    for key, value in values.items():
        tables[key.section][key.name] = [value, CANARY] if key.is_secret else None if value == CANARY else value
    assert CANARY not in mistakes_of(overrides=RIGHT, replacing=tables)


JSON = st.recursive(
    st.booleans() | st.integers(-(2**60), 2**60) | st.text(st.characters(codec="utf-8"), max_size=8),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=4,
)
LINES = st.one_of(
    st.builds(lambda section: f"[{section}]", st.sampled_from(list(SECTIONS))),
    # JSON of text, numbers, truths and lists is TOML too, but for DEL.
    st.builds(lambda key, value: f"{key.name} = {json.dumps(value)}", st.sampled_from(KEYS), JSON),
    st.builds(lambda key, value: f"{key.full_name} = {json.dumps(value)}", st.sampled_from(KEYS), JSON),
    st.text(st.characters(codec="utf-8"), max_size=12),
)


@given(lines=st.lists(LINES, max_size=8), raw=st.none() | st.binary(max_size=40))
@hypothesis_settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_junk_in_a_file_ends_as_settings_or_a_settings_error(lines: list[str], raw: bytes | None) -> None:
    """Half TOML, no TOML, and bytes."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "settings.toml"
        file.write_bytes("\n".join(lines).encode() if raw is None else raw)
        mistakes_of(file, overrides=RIGHT)


@given(
    environ=st.dictionaries(
        st.sampled_from([key.variable for key in KEYS]) | st.text(max_size=8).map("EXO_BRIDGE_{}".format),
        st.text(max_size=8),
        max_size=6,
    )
)
@hypothesis_settings(max_examples=40, deadline=None)
def test_any_junk_in_the_environment_ends_as_settings_or_a_settings_error(environ: dict[str, str]) -> None:
    """Any variable of ours, with any text."""
    mistakes_of(environ=environ, overrides=RIGHT)
