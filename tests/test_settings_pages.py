"""The example file, the manual's page and the schema say what the models say."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from bridge.errors import SettingsError
from bridge.settings import load_settings, settings_schema, settings_table
from bridge.settings.keys import KEYS, SECTIONS, Key

ROOT = Path(__file__).resolve().parents[1]
EXAMPLE = (ROOT / "settings.example.toml").read_text("utf-8")
PAGE = (ROOT / "docs" / "settings.md").read_text("utf-8")
# The keys of each kind of log-on that the example holds, with or without a # before them.
LOGONS = {
    "certificate": {"app_id", "certificate_thumbprint"},
    "certificate-file": {"app_id", "certificate_agent_file", "certificate_password"},
    "certificate-pfx": {"app_id", "certificate_pfx_file", "certificate_password"},
    "certificate-pfx by content": {"app_id", "certificate_pfx", "certificate_password"},
    "app-secret": {"app_id", "client_secret", "token_from", "tenant_id", "authority"},
    "managed-identity": {"managed_identity", "managed_identity_id"},
    "password": {"user", "password"},
}


def uncommented(text: str) -> dict[str, Any]:
    """The example with every key that is a comment there."""
    return tomllib.loads(re.sub(r"^# (?=\w+ = )", "", text, flags=re.MULTILINE))


def test_the_example_loads_as_it_is(tmp_path: Path) -> None:
    """Who copies it has only to put own values in place of those that are there."""
    file = tmp_path / "settings.toml"
    file.write_text(EXAMPLE, "utf-8")
    assert load_settings(file, environ={}).settings.exchange.logon == "certificate"


def test_the_example_has_every_key_and_no_other() -> None:
    """Each once, in the order of the models, below its section."""
    table = uncommented(EXAMPLE)
    assert {section: list(keys) for section, keys in table.items()} == {
        section: list(keys) for section, keys in SECTIONS.items()
    }


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.full_name)
def test_the_example_describes_each_key_and_shows_its_default(key: Key) -> None:
    """Above it stands the sentence of the model; a commented value that is no sample is the default."""
    part = re.split(r"^\[", EXAMPLE.partition(f"\n[{key.section}]\n")[2], flags=re.MULTILINE)[0]
    (block,) = [block for block in part.split("\n\n") if re.search(rf"^(# )?{key.name} = ", block, re.MULTILINE)]
    *comment, value = block.strip().splitlines()
    text = " ".join(line.removeprefix("#").strip() for line in comment)
    assert text.removesuffix(" A sample:") == key.description
    if value.startswith("# ") and not text.endswith(" A sample:"):
        assert uncommented(EXAMPLE)[key.section][key.name] == key.default


@pytest.mark.parametrize("logon", LOGONS)
def test_the_example_loads_with_all_keys_of_one_log_on(logon: str, tmp_path: Path) -> None:
    """Every sample is a value that its key takes."""
    table = uncommented(EXAMPLE)
    others = set().union(*LOGONS.values()) - LOGONS[logon]
    table["exchange"] = {name: value for name, value in table["exchange"].items() if name not in others}
    some_file = tmp_path / "some.pem"
    some_file.touch()
    table["agent"] |= dict.fromkeys(("ca_file", "certificate_file", "certificate_key_file"), str(some_file))
    if "certificate_pfx_file" in table["exchange"]:
        table["exchange"]["certificate_pfx_file"] = str(some_file)
    if logon == "managed-identity":
        table["exchange"]["managed_identity"] = True
    # Of the two ways to trust the agent one is kept; each has its turn.
    del table["agent"]["ca_file" if logon == "certificate" else "fingerprint"]
    assert load_settings(environ={}, replacing=table).settings.exchange.logon == logon.partition(" ")[0]


def test_the_page_has_the_table_of_keys() -> None:
    """docs/settings.md ends with what settings_table() makes."""
    assert PAGE.endswith(f"## All keys\n\n{settings_table()}")


def test_the_examples_of_the_page_load(tmp_path: Path) -> None:
    """What the page shows works, with the secrets that it says stand elsewhere."""
    examples = re.findall(r"^```toml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    certificate, secret, user = (re.sub(r"^ca_file.*\n", "", text, flags=re.MULTILINE) for text in examples)
    file = tmp_path / "settings.toml"
    file.write_text(certificate, "utf-8")
    loaded = load_settings(file, environ={"EXO_BRIDGE_AGENT__PASSWORD": "p"})
    assert loaded.settings.exchange.logon == "certificate"
    file.write_text(secret, "utf-8")
    (tmp_path / "agent__password").write_text("p\n", "utf-8")
    (tmp_path / "exchange__client_secret").write_text("s\n", "utf-8")
    loaded = load_settings(file, environ={"EXO_BRIDGE_SECRETS_DIR": str(tmp_path)})
    assert loaded.settings.exchange.logon == "app-secret"
    file.write_text(user, "utf-8")
    loaded = load_settings(file, environ={f"EXO_BRIDGE_{section}__PASSWORD": "p" for section in ("AGENT", "EXCHANGE")})
    assert loaded.settings.exchange.logon == "password"


def test_the_environment_of_the_page_is_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its variables alone make settings, without a file."""
    monkeypatch.chdir(tmp_path)
    (block,) = re.findall(r"^```sh\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    loaded = load_settings(environ=dict(line.split("=", 1) for line in block.splitlines()))
    assert loaded.file is None
    assert (loaded.settings.exchange.logon, loaded.settings.log.level) == ("certificate", "debug")


def test_the_mistakes_of_the_page_are_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page shows what `settings check` says."""
    monkeypatch.chdir(tmp_path)
    Path("settings.toml").write_text("[agent]\nhost = 'a'\nuser = 'u'\npassword = 'p'\nport = '5986'\n", "utf-8")
    with pytest.raises(SettingsError) as caught:
        load_settings(environ={"EXO_BRIDGE_AGENT__HOTS": "x"})
    for mistake in caught.value.mistakes[:2]:
        assert f"\n    {mistake}\n" in PAGE


def test_the_schema_describes_every_key() -> None:
    """An editor can complete and explain each, and marks one that there is not."""
    schema = settings_schema()
    for section, keys in SECTIONS.items():
        name = schema["properties"][section]["$ref"].rpartition("/")[2]
        properties = schema["$defs"][name]
        assert properties["additionalProperties"] is False
        assert {key: value["description"] for key, value in properties["properties"].items()} == {
            key: keys[key].description for key in keys
        }


def test_the_schema_wants_nothing_that_may_stand_elsewhere() -> None:
    """A file without the password or the host is right where the environment has them."""
    schema = settings_schema()
    assert "required" not in schema
    assert not any("required" in definition for definition in schema["$defs"].values())
