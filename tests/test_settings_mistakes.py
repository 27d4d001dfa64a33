"""What is said about settings that cannot be used: all at once, where it stands, and what would be right."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bridge.errors import Mistake, SettingsError
from bridge.settings import load_settings

APP = "00000000-0000-0000-0000-000000000001"
THUMBPRINT = "0123456789abcdef0123456789abcdef01234567"
CERTIFICATE = {"auth": "certificate", "certificate_file": __file__, "certificate_key_file": __file__}
RIGHT: dict[str, dict[str, Any]] = {
    "agent": {"host": "agent", "user": "u", "password": "p"},
    "exchange": {"app_id": APP, "organization": "c", "certificate_thumbprint": THUMBPRINT},
}


def mistakes(text: str | None = None, *, folder: Path | None = None, **options: Any) -> list[Mistake]:
    """The mistakes of a file with this text in that folder, or of other sources alone."""
    path = None
    if text is not None and folder is not None:
        path = folder / "settings.toml"
        path.write_text(text, "utf-8")
    with pytest.raises(SettingsError) as caught:
        load_settings(path, **({"environ": {}} | options))
    assert caught.value.exit_code == 2
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    return caught.value.mistakes


def wrong(section: str, **values: Any) -> list[Mistake]:
    """The mistakes when these values stand in for right ones; None takes a key away."""
    table = {name: value for name, value in (RIGHT[section] | values).items() if value is not None}
    return mistakes(replacing=RIGHT | {section: table})


def test_all_mistakes_are_told_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    """Unknown names, wrong types, broken rules and what is missing: one look is enough."""
    text = f"""\
verbose = true
[agnt]
host = "x"
[agent]
hots = "x"
port = "5986"
tls = 1
auth = "NTML"
read_timeout = 10
idle_timeout = 5
user = ["a"]
[exchange]
certificate_thumbprint = "{THUMBPRINT}"
client_secret = "canary"
[log]
level = "inf"
"""
    found = mistakes(text, folder=tmp_path, environ={"EXO_BRIDGE_EXCHANGE__APPID": "x", "EXO_BRIDGE_AGENT_HOST": "x"})
    file = tmp_path / "settings.toml"
    told = [str(mistake).replace(f"{file}", "FILE") for mistake in found]
    assert told == [
        (
            "FILE:1: verbose: there is no such section. There are [agent], [exchange], [regional], [log], [journal], "
            "[batch], [helloid], [scripts]."
        ),
        "FILE:2: agnt: there is no such section. Did you mean [agent]?",
        "FILE:5: agent.hots: there is no such key. Did you mean host?",
        "FILE:6: agent.port = '5986': it is not a whole number from 1 to 65535. Write it without quotes.",
        "FILE:7: agent.tls = 1: it is not true or false.",
        (
            "FILE:8: agent.auth = 'NTML': it is not one of negotiate, ntlm, kerberos, credssp, basic, "
            'certificate. Did you mean "ntlm"?'
        ),
        (
            "FILE:9: agent.read_timeout, agent.operation_timeout: read_timeout (10) is not more than operation_timeout "
            "(20). Set read_timeout to 30."
        ),
        "FILE:10: agent.idle_timeout = 5: it is not a whole number from 60 to 2147483.",
        "FILE:11: agent.user = [...]: it is not text.",
        (
            "FILE:13 and FILE:14: exchange.certificate_thumbprint, exchange.client_secret: certificate_thumbprint and "
            "client_secret are 2 kinds of log-on at once. Keep one of them."
        ),
        "FILE:16: log.level = 'inf': it is not one of warning, info, debug. Did you mean \"info\"?",
        (
            "environment EXO_BRIDGE_AGENT_HOST: it names no key. Two underlines part section and key: "
            "EXO_BRIDGE_AGENT__HOST."
        ),
        "environment EXO_BRIDGE_EXCHANGE__APPID: exchange.appid: there is no such key. Did you mean app_id?",
        "FILE: agent.host: it is missing. Set it under [agent] in the file, or as EXO_BRIDGE_AGENT__HOST.",
        (
            "FILE: agent.password: it is missing. Log-on by negotiate needs user and password. Set it under [agent] in "
            "the file, in the secrets directory, or as EXO_BRIDGE_AGENT__PASSWORD."
        ),
    ]


def test_without_a_file_the_places_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has no settings yet learns where they belong and what is needed."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SettingsError) as caught:
        load_settings(environ={})
    assert "looked for settings.toml, " in caught.value.message
    assert str(Path("exo-bridge") / "settings.toml") in caught.value.message
    assert [mistake.key for mistake in caught.value.mistakes] == [
        "agent.host",
        "agent.user",
        "agent.password",
        "exchange.certificate_thumbprint, exchange.client_secret, exchange.password",
    ]
    assert caught.value.__notes__ == [str(mistake) for mistake in caught.value.mistakes]


@pytest.mark.parametrize(
    ("data", "place", "message"),
    [
        (b"[agent]\nhost = agent", ":2", "it is not TOML: invalid value (column 8)."),
        (b"[agent\n", ":1", "it is not TOML: expected ']'"),
        (b'[agent]\nca_file = "C:\\certs\\ca.pem"\n', ":2", "it is not TOML: unescaped '\\' in a string"),
        (b"[agent]\nhost = '", "", "it is not TOML: "),
        (b"[agent]\n[agent]\n", ":2", "it is not TOML: cannot declare ('agent',) twice"),
        (b"[agent]\nuser = 'caf\xe9'\n", ":2", "it is not UTF-8."),
        ("[agent]\n".encode("utf-16"), "", "it is UTF-16."),
        (b"x = " + b"[" * 100_000, "", "it is not TOML: a value is too large or nested too deep."),
        (b"x = " + b"1" * 10_000, "", "it is not TOML: a value is too large or nested too deep."),
    ],
)
def test_a_file_that_is_not_toml(tmp_path: Path, data: bytes, place: str, message: str) -> None:
    """The line and column are told, and what Windows users run into has its hint."""
    file = tmp_path / "settings.toml"
    file.write_bytes(data)
    with pytest.raises(SettingsError) as caught:
        load_settings(file, environ={}, replacing=RIGHT)
    (mistake,) = caught.value.mistakes
    assert mistake.place == f"{file}{place}"
    assert mistake.message.startswith(message)


@pytest.mark.parametrize("text", ["[agent]\n[agent]\n", "[agent]\nhost = 'a'\nhost = 'b'\n", "agent = {}\n[agent]\n"])
def test_what_stands_in_a_file_twice(tmp_path: Path, text: str) -> None:
    """A section or a key that is there twice is told as that, with no advice on quotes."""
    (file := tmp_path / "settings.toml").write_text(text, "utf-8")
    with pytest.raises(SettingsError) as caught:
        load_settings(file, environ={}, replacing=RIGHT)
    (mistake,) = caught.value.mistakes
    assert "twice; take one out" in mistake.fix
    assert "quotes" not in mistake.fix


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    """Missing, a folder, and no name of a file at all."""
    assert load_settings(environ={}, replacing=RIGHT).settings.agent.host == "agent"
    for path, message in (
        (tmp_path / "none.toml", "there is no such file."),
        (tmp_path, "it is a folder, not a settings file."),
        (Path("a\0b"), "it is no file name."),
        # A file on the way is told by the system, on Windows as a file that is not there.
        (tmp_path / "file" / "settings.toml", ("it cannot be read: ", "there is no such file.")),
    ):
        (tmp_path / "file").touch()
        (mistake,) = mistakes(environ={"EXO_BRIDGE_SETTINGS": str(path)}, replacing=RIGHT)
        assert mistake.message.startswith(message)


def test_a_secrets_directory_that_is_not_right(tmp_path: Path) -> None:
    """No such folder, a key that there is not, and a file that is not text."""
    (mistake,) = mistakes(environ={"EXO_BRIDGE_SECRETS_DIR": str(tmp_path / "none")}, replacing=RIGHT)
    assert mistake.message.startswith("EXO_BRIDGE_SECRETS_DIR cannot be read: ")
    (tmp_path / "agent__pasword").write_text("canary", "utf-8")
    (tmp_path / "log__level").write_bytes(b"\xff\xfe")
    found = mistakes(environ={"EXO_BRIDGE_SECRETS_DIR": str(tmp_path)}, overrides=RIGHT)
    assert [str(mistake) for mistake in found] == [
        "secrets directory: log.level: its file cannot be read. It is to be a file in UTF-8.",
        "secrets directory: agent.pasword: there is no such key. Did you mean password?",
    ]


@pytest.mark.parametrize(
    ("section", "values", "key", "said"),
    [
        ("agent", {"host": ""}, "host", "it is empty"),
        ("agent", {"host": "https://agent"}, "host", "name or address alone"),
        ("agent", {"host": "agent:5986"}, "host", "name or address alone"),
        ("agent", {"host": "a b"}, "host", "name or address alone"),
        ("agent", {"host": 5}, "host", "it is not text"),
        ("agent", {"port": 0}, "port", "from 1 to 65535"),
        ("agent", {"port": True}, "port", "from 1 to 65535"),
        ("agent", {"tls": "true"}, "tls", "true or false"),
        ("agent", {"ca_file": "no-such-file.pem"}, "ca_file", "no such file"),
        ("agent", {"ca_file": 5}, "ca_file", "not a path"),
        ("agent", {"user": None}, "user", "needs user and password"),
        ("agent", {"user": "a\nb"}, "user", "line break"),
        ("agent", {"password": ""}, "password", "needs user and password"),
        ("agent", {"auth": "basic", "encryption": "always"}, "encryption", "basic has no message encryption"),
        ("agent", {"fingerprint": "AB:CD"}, "fingerprint", "its 4 characters are not the 64 hexadecimal digits"),
        ("agent", {"fingerprint": "0" * 64, "tls": False}, "tls, agent.fingerprint", "Set tls = true"),
        ("agent", {"fingerprint": "0" * 64, "ca_file": __file__}, "ca_file, agent.fingerprint", "two ways to trust"),
        ("agent", {"channel_binding": "no"}, "channel_binding", "true or false"),
        ("agent", {"auth": "certificate", "certificate_key_file": __file__}, "certificate_file",
         "needs certificate_file and certificate_key_file"),
        ("agent", {"auth": "certificate", "certificate_file": "none.pem", "certificate_key_file": __file__},
         "certificate_file", "no such file"),
        ("agent", CERTIFICATE | {"encryption": "always"}, "encryption", "certificate has no message encryption"),
        ("agent", CERTIFICATE | {"tls": False}, "tls, agent.auth", "Set tls = true"),
        ("agent", {"operation_timeout": 30}, "read_timeout, agent.operation_timeout", "Set read_timeout to 40"),
        ("agent", {"idle_timeout": 59}, "idle_timeout", "from 60"),
        ("agent", {"on_exit": "leave"}, "on_exit", "disconnect, close"),
        ("exchange", {"certificate_thumbprint": THUMBPRINT[1:]}, "certificate_thumbprint", "40 hexadecimal digits"),
        ("exchange", {"app_id": None}, "app_id", "it is missing"),
        ("exchange", {"organization": None}, "organization", "it is missing"),
        ("exchange", {"environment": "O365USGovDOD"}, "environment", 'Did you mean "O365USGovDoD"?'),
        ("exchange", {"authority": "http://login.microsoftonline.com"}, "authority", "https://"),
        ("exchange", {"authority": "https://u:canary@login"}, "authority", "https://"),
        ("exchange", {"authority": "https://[::1"}, "authority", "https://"),
        ("exchange", {"user": "u@c"}, "certificate_thumbprint, exchange.user", "2 kinds of log-on"),
        ("exchange", {"client_secret": "s", "password": "p"},
         "certificate_thumbprint, exchange.client_secret, exchange.password", "3 kinds of log-on"),
        ("exchange", {"certificate_thumbprint": None, "user": "u@c"}, "password", "needs user and password"),
        ("exchange", {"certificate_thumbprint": None, "client_secret": "s", "environment": "O365China"},
         "environment, exchange.client_secret", "Use a certificate"),
        ("exchange", {"certificate_agent_file": "C:\\a.pfx"},
         "certificate_thumbprint, exchange.certificate_agent_file", "2 kinds of log-on"),
        ("exchange", {"certificate_thumbprint": None, "certificate_pfx_file": "none.pfx"}, "certificate_pfx_file",
         "no such file"),
        ("exchange", {"certificate_thumbprint": None, "certificate_pfx": "canary!"}, "certificate_pfx",
         "ToBase64String"),
        ("exchange", {"certificate_password": "canary"}, "certificate_password", "no PFX file"),
        ("exchange", {"certificate_thumbprint": None, "certificate_agent_file": "C:\\a.pfx", "app_id": None},
         "app_id", "certificate-file needs app_id and organization"),
        ("exchange", {"certificate_thumbprint": None, "managed_identity": True, "organization": None},
         "organization", "managed-identity needs organization"),
        ("exchange", {"managed_identity_id": "x"}, "managed_identity_id, exchange.managed_identity",
         "managed_identity = true"),
        ("exchange", {"token_from": "there"}, "token_from", "here, agent"),
    ],
)  # fmt: skip
def test_one_wrong_value(section: str, values: dict[str, Any], key: str, said: str) -> None:
    """Each names its key and says what would be right; nothing else is complained about."""
    (mistake,) = wrong(section, **values)
    assert mistake.key == f"{section}.{key}"
    assert said in f"{mistake.message} {mistake.fix}"
    assert "canary" not in str(mistake)


@pytest.mark.parametrize(
    "values", [{"auth": "basic"}, {"encryption": "never"}, {"auth": "basic", "host": "localhost.example"}]
)
def test_nothing_is_sent_in_the_clear_over_a_network(values: dict[str, Any]) -> None:
    """Without TLS a log-on or messages without encryption are for this machine only."""
    (mistake,) = wrong("agent", tls=False, **values)
    assert "in the clear" in mistake.message


def test_a_log_on_is_named_when_there_is_none() -> None:
    """All kinds are listed."""
    (mistake,) = wrong("exchange", certificate_thumbprint=None)
    keys = ("certificate_thumbprint", "certificate_agent_file", "certificate_pfx_file", "certificate_pfx")
    assert all(key in mistake.fix for key in (*keys, "client_secret", "managed_identity", "user and password"))


def test_a_key_in_the_wrong_section_is_sent_home(tmp_path: Path) -> None:
    """Also when no section was written at all."""
    text = "host = 'a'\n[log]\nclient_secret = 'canary'\nfolder = 'x'\n[agent]\npaswordd = 'canary'\n"
    found = mistakes(text, folder=tmp_path, overrides=RIGHT)
    assert [mistake.fix for mistake in found] == [
        "It belongs under [agent].",
        "It belongs under [exchange].",
        "It belongs under [scripts].",
        "Did you mean password?",
    ]
    assert all(mistake.value == "" for mistake in found)


@pytest.mark.parametrize("text", ["agent = 'canary'", "[[agent]]\npassword = 'canary'", "agent = [1]"])
def test_a_section_of_the_wrong_shape_is_not_shown(tmp_path: Path, text: str) -> None:
    """One value or a list in place of a section: what it holds stays hidden."""
    first = mistakes(text, folder=tmp_path)[0]
    assert (first.key, first.value, first.message) == ("agent", "", "it is a section, not one value.")


def test_a_value_is_shown_short_and_on_one_line() -> None:
    """What is shown fits a terminal, and cannot drive it."""
    (mistake,) = wrong("agent", auth="\x1b[31m\n" + "x" * 10_000)
    assert mistake.value.isprintable()
    assert len(mistake.value) < 120


def test_a_path_is_shown_whatever_it_looks_like() -> None:
    """Where a file was looked for is what one needs to know."""
    (mistake,) = wrong("agent", ca_file="/etc/ssl/ContosoIssuingCA2024.pem")
    assert "ContosoIssuingCA2024" in mistake.value


def test_of_a_file_that_was_not_read_no_key_is_called_missing(tmp_path: Path) -> None:
    """One slip in the TOML is one mistake: what the file holds is not known."""
    (mistake,) = mistakes("[agent]\nhost = 'agent'\nuser = svc\n", folder=tmp_path)
    assert mistake.place == f"{tmp_path / 'settings.toml'}:3"
    (mistake,) = mistakes(environ={"EXO_BRIDGE_SETTINGS": str(tmp_path / "none.toml")})
    assert mistake.message == "there is no such file."
    assert "EXO_BRIDGE_SETTINGS" in mistake.fix


def test_a_folder_in_place_of_a_secret_is_told(tmp_path: Path) -> None:
    """A mount whose file is missing is a folder; the secret of another source is not taken without a word."""
    (tmp_path / "agent__password").mkdir()
    (mistake,) = mistakes(environ={"EXO_BRIDGE_SECRETS_DIR": str(tmp_path)}, replacing=RIGHT)
    assert mistake.key == "agent.password"


def test_settings_from_a_program(tmp_path: Path) -> None:
    """A path may be text, and the error as text has each mistake with its place."""
    file = tmp_path / "settings.toml"
    file.write_text("[agent]\nhost = 'agent'\nrecycle_age = -1\n", "utf-8")
    with pytest.raises(SettingsError, match=r"settings.toml:3: agent.recycle_age = -1: .* a whole number from 0 up"):
        load_settings(str(file), environ={})
