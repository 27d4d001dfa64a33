"""Which settings count: the file, its place, and the order of the sources."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Any

import platformdirs
import pytest
from pydantic import SecretStr, ValidationError

from bridge.errors import SettingsError
from bridge.settings import AgentSettings, ExchangeSettings, Loaded, Settings, effective, load_settings

APP = "00000000-0000-0000-0000-000000000001"
THUMBPRINT = "0123456789abcdef0123456789ABCDEF01234567"
FILE = f"""\
[agent]
host = "agent.contoso.example"
user = 'CONTOSO\\svc'
password = "from the file"

[exchange]
organization = "contoso.onmicrosoft.com"
app_id = "{APP}"
certificate_thumbprint = "{THUMBPRINT}"
"""
ENVIRONMENT = {
    "EXO_BRIDGE_AGENT__HOST": "other.contoso.example",
    "EXO_BRIDGE_AGENT__USER": "svc",
    "EXO_BRIDGE_AGENT__PASSWORD": "from the environment",
    "EXO_BRIDGE_EXCHANGE__ORGANIZATION": "contoso.onmicrosoft.com",
    "EXO_BRIDGE_EXCHANGE__APP_ID": APP,
    "EXO_BRIDGE_EXCHANGE__CLIENT_SECRET": "secret",
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A settings file with what is required."""
    path = tmp_path / "settings.toml"
    path.write_text(FILE, "utf-8")
    return path


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder without a settings file."""
    folder = tmp_path / "empty"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def load(file: Path, more: str = "", environ: dict[str, str] | None = None, **options: Any) -> Loaded:
    """Load that file with more text at its end, in that environment and no other."""
    file.write_text(f"{file.read_text('utf-8')}{more}", "utf-8")
    return load_settings(file, environ=environ or {}, **options)


def test_what_is_left_out_has_its_default(file: Path) -> None:
    """A short file is enough, and everything else is as documented."""
    settings = load(file).settings
    agent = settings.agent
    assert (agent.tls, agent.effective_port, agent.auth, agent.encryption) == (True, 5986, "negotiate", "auto")
    assert (agent.configuration_name, agent.runspace_name) == ("Microsoft.PowerShell", "exo-bridge")
    assert (agent.idle_timeout, agent.connect_timeout, agent.operation_timeout, agent.read_timeout) == (300, 30, 20, 30)
    assert agent.on_exit == "disconnect"
    assert settings.exchange.logon == "certificate"
    assert settings.exchange.environment == "O365Default"
    assert (settings.log.file, settings.log.level, settings.scripts.folder) == (None, "info", None)
    assert settings.log.effective_file.name == "exo-bridge.jsonl"


def test_the_port_follows_tls(file: Path) -> None:
    """Without TLS it is WinRM's port for HTTP; a port that is set stays."""
    assert load(file, overrides={"agent": {"tls": False}}).settings.agent.effective_port == 5985
    assert load(file, overrides={"agent": {"tls": False, "port": 8080}}).settings.agent.effective_port == 8080


def test_a_later_source_replaces_an_earlier_one_key_by_key(file: Path, tmp_path: Path) -> None:
    """Default, file, secrets directory, environment, command line: each key is the last one's that has it."""
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    (secrets / "agent__password").write_text("from the directory\n", "utf-8")
    (secrets / "AGENT__runspace_name").write_text("directory", "utf-8")
    (secrets / "somebody_elses").write_text("x", "utf-8")
    (secrets / "other__thing").write_text("x", "utf-8")
    (secrets / "agent__folder").mkdir()
    environ = {
        "EXO_BRIDGE_SECRETS_DIR": str(secrets),
        "EXO_BRIDGE_AGENT__RUNSPACE_NAME": "environment",
        "EXO_BRIDGE_AGENT__IDLE_TIMEOUT": "600",
        "EXO_BRIDGE_PWSH": "/not/a/setting",
        "PATH": "/bin",
    }
    loaded = load(file, environ=environ, overrides={"agent": {"idle_timeout": 900, "on_exit": None}, "log": {}})
    agent = loaded.settings.agent
    assert agent.password.get_secret_value() == "from the directory"
    assert (agent.runspace_name, agent.idle_timeout, agent.on_exit) == ("environment", 900, "disconnect")
    assert {key: loaded.origins[f"agent.{key}"] for key in ("host", "password", "runspace_name", "on_exit")} == {
        "host": f"{file}:2",
        "password": "secrets directory",
        "runspace_name": "environment EXO_BRIDGE_AGENT__RUNSPACE_NAME",
        "on_exit": "default",
    }
    assert loaded.origins["agent.idle_timeout"] == "command line"
    assert loaded.file == file


def test_a_replaced_section_is_taken_whole(file: Path) -> None:
    """What stands in for a section hides all that others say of it, mistakes too; other sections stay."""
    file.write_text("[agent]\nhots = 5\n[exchange]\nclient_secret = 'x'\n[regional]\nlanguage = 'nl-NL'\n", "utf-8")
    simulated = {
        "agent": {"host": "127.0.0.1", "port": 1, "tls": False, "user": "u", "password": "p"},
        "exchange": {"app_id": APP, "organization": "contoso.example", "certificate_thumbprint": THUMBPRINT},
    }
    environ = {"EXO_BRIDGE_AGENT__USER": "somebody", "EXO_BRIDGE_AGENT__NO_SUCH": "x"}
    loaded = load(file, environ=environ, replacing=simulated, overrides={"agent": {"runspace_name": "mine"}})
    settings = loaded.settings
    assert (settings.agent.user, settings.agent.runspace_name) == ("u", "mine")
    assert (settings.exchange.logon, settings.regional.language) == ("certificate", "nl-NL")
    assert loaded.origins["agent.user"] == "command line"


def test_the_environment_alone_can_be_enough(empty: Path) -> None:
    """Without any file the variables say it all, in any case of letters."""
    environ = {name.lower(): value for name, value in ENVIRONMENT.items()}
    loaded = load_settings(environ=environ)
    assert loaded.file is None
    assert loaded.settings.agent.host == "other.contoso.example"
    assert loaded.settings.exchange.logon == "app-secret"


@pytest.mark.parametrize(
    ("variable", "text", "value"),
    [
        ("AGENT__TLS", "no", False),
        ("AGENT__TLS", "TRUE", True),
        ("AGENT__PORT", " 444 ", 444),
        ("AGENT__PORT", "", None),
        ("AGENT__CA_FILE", "", None),
        ("REGIONAL__LOCALIZE_FOLDERS", "1", True),
        ("LOG__FILE", "log.jsonl", Path("log.jsonl")),
        ("REGIONAL__TIME_FORMAT", "1", "1"),
    ],
)
def test_text_means_what_its_key_takes(file: Path, variable: str, text: str, value: object) -> None:
    """The environment has text alone; numbers, truths, paths and nothing are made of it."""
    settings = load(file, environ={f"EXO_BRIDGE_{variable}": text}).settings
    section, key = variable.lower().split("__")
    assert getattr(getattr(settings, section), key) == value


def test_paths_are_relative_to_the_file_they_stand_in(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a file, relative to it; from elsewhere as given; with ~ from the user's home."""
    monkeypatch.setenv("HOME", str(file.parent))
    monkeypatch.setenv("USERPROFILE", str(file.parent))
    (file.parent / "ca.pem").touch()
    more = "[log]\nfile = '~/log.jsonl'\n[scripts]\nfolder = 'own/scripts'\n"
    loaded = load(file, more, environ={"EXO_BRIDGE_AGENT__CA_FILE": str(file.parent / "ca.pem")})
    assert loaded.settings.scripts.folder == file.parent / "own" / "scripts"
    assert loaded.settings.log.file == file.parent / "log.jsonl"
    assert load(file, overrides={"scripts": {"folder": Path("x")}}).settings.scripts.folder == Path("x")


def test_the_file_is_looked_for_in_the_documented_places(
    file: Path, empty: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is named comes first, then the variable, the working folder, the user's folder."""

    def host(path: Path | None = None, **environ: str) -> str:
        return load_settings(path, environ=environ).settings.agent.host

    def write(path: Path, name: str) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(FILE.replace("agent.contoso.example", name), "utf-8")
        return path

    user = write(Path(platformdirs.user_config_dir("exo-bridge", appauthor=False)) / "settings.toml", "user")
    assert host() == "user"
    write(empty / "settings.toml", "folder")
    assert host() == "folder"
    assert load_settings(environ={}).origins["agent.host"] == "settings.toml:2"
    assert host(EXO_BRIDGE_SETTINGS=str(user)) == "user"
    assert host(EXO_BRIDGE_SETTINGS="") == "folder"
    assert host(file, EXO_BRIDGE_SETTINGS=str(user)) == "agent.contoso.example"


def found_in_the_working_folder(file: Path) -> str:
    """What is wrong with a file that is found there, while it can be used when it is named."""
    assert load_settings(file, environ={}).settings.agent.host == "agent.contoso.example"
    assert load_settings(environ={"EXO_BRIDGE_SETTINGS": str(file)}).settings.agent.host == "agent.contoso.example"
    with pytest.raises(SettingsError) as error:
        load_settings(environ={})
    (mistake,) = error.value.mistakes
    assert mistake.place == file.name
    assert "--settings" in mistake.fix
    return f"{mistake.message} {mistake.fix}"


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX modes")
def test_a_file_in_the_working_folder_that_everybody_may_write(empty: Path) -> None:
    """It may be anyone's, so it counts only when it is named."""
    file = empty / "settings.toml"
    file.write_text(FILE, "utf-8")
    file.chmod(0o646)
    said = found_in_the_working_folder(file)
    assert "everybody may write it (mode 0646)" in said
    assert f"chmod o-w {file}" in said
    file.chmod(0o664)
    assert load_settings(environ={}).file == Path("settings.toml")


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() != 0, reason="only root can give a file to another account")
def test_a_file_in_the_working_folder_that_another_account_put_there(empty: Path) -> None:
    """Whoever can write in a folder could have everything sent to an agent of theirs, when we work in it."""
    file = empty / "settings.toml"
    file.write_text(FILE, "utf-8")
    shutil.chown(file, 4242)
    assert "it belongs to another account (uid 4242)" in found_in_the_working_folder(file)


def test_on_windows_the_machines_folder_is_the_last_place(
    empty: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A file for all users of a machine is found where Windows keeps such files."""
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(platformdirs, "site_config_dir", lambda _name, *, appauthor: str(tmp_path / f"all{appauthor}"))
    with pytest.raises(SettingsError, match="no settings file") as caught:
        load_settings(environ={})
    assert str(tmp_path / "allFalse" / "settings.toml") in caught.value.message
    (tmp_path / "allFalse").mkdir()
    (tmp_path / "allFalse" / "settings.toml").write_text(FILE, "utf-8")
    assert load_settings(environ={}).settings.agent.host == "agent.contoso.example"


def test_a_file_as_windows_editors_write_it(file: Path) -> None:
    """A byte order mark and CR LF are fine, and lines are counted as an editor does."""
    file.write_bytes(b"\xef\xbb\xbf" + FILE.replace("\n", "\r\n").encode())
    assert load_settings(file, environ={}).origins["exchange.app_id"] == f"{file}:8"


def test_the_line_of_a_key_is_told_however_it_is_written(file: Path) -> None:
    """Dotted keys, inline tables, quoted keys, text and lists over several lines that look like keys."""
    file.write_text(
        'agent.host = "a"\n'
        "agent.user = '''\\\n"
        'port = 1"""\n'
        "[agent]'''\n"
        "# [exchange]\n"
        'exchange = { "app_id" = "x", organization = "c", client_secret = "s" }\n'
        '[ "log" ]  # the log\n'
        "\n"
        "level = 'debug'\n",
        "utf-8",
    )
    with pytest.raises(SettingsError) as caught:
        load_settings(file, environ={"EXO_BRIDGE_AGENT__PASSWORD": "p"})
    (mistake,) = caught.value.mistakes
    assert (mistake.place, mistake.key) == (f"{file}:2", "agent.user")
    origins = load_settings(file, environ={}, overrides={"agent": {"user": "u", "password": "p"}}).origins
    places = {key: origins[key].rpartition(":")[2] for key in ("agent.host", "exchange.app_id", "log.level")}
    assert places == {"agent.host": "1", "exchange.app_id": "6", "log.level": "9"}


def test_effective_values_name_every_key_and_mask_secrets(file: Path) -> None:
    """`settings show` has one row a key, with the port and the log file that are used."""
    rows = {row["key"]: row for row in effective(load(file))}
    assert rows["agent.password"] == {"key": "agent.password", "value": "********", "origin": f"{file}:4"}
    assert rows["exchange.client_secret"]["value"] == ""
    assert (rows["agent.port"]["value"], rows["agent.tls"]["value"]) == (5986, True)
    assert rows["log.file"]["value"].endswith("exo-bridge.jsonl")
    assert rows["scripts.folder"]["value"] is None


def test_a_thumbprint_may_be_pasted_from_windows() -> None:
    """Its dialogs put spaces between the digits and an invisible mark before them."""
    pasted = "\u200e" + " ".join(THUMBPRINT[i : i + 2] for i in range(0, 40, 2))
    settings = ExchangeSettings(app_id=APP, organization="c", certificate_thumbprint=pasted)
    assert settings.certificate_thumbprint == THUMBPRINT


@pytest.mark.parametrize(
    ("values", "logon"),
    [
        ({"app_id": APP, "organization": "c", "certificate_thumbprint": THUMBPRINT}, "certificate"),
        ({"app_id": APP, "organization": "c", "certificate_thumbprint": THUMBPRINT, "tenant_id": "t"}, "certificate"),
        ({"app_id": APP, "organization": "c", "certificate_agent_file": "C:\\a.pfx"}, "certificate-file"),
        ({"app_id": APP, "organization": "c", "certificate_pfx_file": __file__}, "certificate-pfx"),
        ({"app_id": APP, "organization": "c", "certificate_pfx": "TUlJ\nSw=="}, "certificate-pfx"),
        ({"app_id": APP, "organization": "c", "client_secret": "s"}, "app-secret"),
        ({"organization": "c", "managed_identity": True}, "managed-identity"),
        ({"user": "u@c", "password": "p"}, "password"),
    ],
)
def test_the_keys_say_which_log_on(values: dict[str, Any], logon: str) -> None:
    """Each kind of log-on is known by its own keys."""
    assert ExchangeSettings(**values).logon == logon


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost", "LocalHost"])
@pytest.mark.parametrize("values", [{"auth": "basic"}, {"encryption": "never"}])
def test_this_machine_may_be_reached_in_the_clear(host: str, values: dict[str, Any]) -> None:
    """For a simulator on loopback nothing needs to be encrypted."""
    assert not AgentSettings(host=host, tls=False, user="u", password=SecretStr("p"), **values).tls


def test_kerberos_needs_no_password() -> None:
    """Whoever runs exo-bridge is meant."""
    assert AgentSettings(host="agent", auth="kerberos").user == ""


def test_a_section_keeps_its_rules_without_a_file() -> None:
    """A program that builds the models itself gets the same rules, and no secret in the error."""
    with pytest.raises(ValidationError, match="in the clear") as caught:
        AgentSettings(host="agent", tls=False, auth="basic", user="u", password=SecretStr("canary"))
    assert "canary" not in str(caught.value)


def test_settings_that_are_built_from_values_read_nothing(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only load_settings looks at files, and of the environment only at what it is given."""
    monkeypatch.chdir(file.parent)
    for name, text in (ENVIRONMENT | {"EXO_BRIDGE_LOG__LEVEL": "debug", "EXO_BRIDGE_NO__SUCH": "x"}).items():
        monkeypatch.setenv(name, text)
    loaded = load_settings(file, environ={})
    built = Settings(agent=loaded.settings.agent, exchange=loaded.settings.exchange)
    assert (built.agent.host, built.log.level) == ("agent.contoso.example", "info")
    assert built == loaded.settings
    with pytest.raises(ValidationError, match="2 validation errors"):
        Settings.model_validate({})


def test_settings_are_frozen(file: Path) -> None:
    """Nobody changes them under somebody else."""
    with pytest.raises(ValidationError, match="frozen"):
        load(file).settings.agent.host = "x"


def test_a_log_on_by_certificate_needs_no_user(file: Path) -> None:
    """The agent knows whose certificate it is."""
    given = {"host": "a", "auth": "certificate", "certificate_file": str(file), "certificate_key_file": str(file)}
    agent = load(file, replacing={"agent": given}).settings.agent
    assert (agent.user, agent.certificate_file, agent.certificate_key_file) == ("", file, file)


def test_a_fingerprint_is_taken_as_it_is_shown(file: Path) -> None:
    """With colons and in capitals, or as Windows' dialog copies it, it means the same."""
    shown = ":".join(["AB"] * 32)
    for text in (shown, "\u200e" + "ab " * 32, "ab" * 32):
        assert load(file, overrides={"agent": {"fingerprint": text}}).settings.agent.fingerprint == "ab" * 32
