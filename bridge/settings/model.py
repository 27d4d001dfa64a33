"""What can be set: one model for each section of the settings file.

Rules:

- A model is frozen, takes no unknown key, and shows no value in an error or a repr that is secret.
- What one field alone can tell (its type, its range, its choices) stands at the field. What it takes more to tell, or
  a better sentence, stands in ``violations`` of the section, which finds all at once.
- A section is valid by itself: it can be built in a program without a file, and the same rules hold.
- A model reads nothing: ``Settings`` is what it is given, and ``load_settings`` gives it sources.
"""

from __future__ import annotations

import base64
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

import platformdirs
from pydantic import AfterValidator, Field, SecretStr
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from bridge.settings.agent import AgentSettings
from bridge.settings.batch import BatchSettings
from bridge.settings.helloid import HelloIdSettings
from bridge.settings.section import Flag, Line, Section, Violation, Whole, hexadecimal_digits, is_host, is_loopback

APP_NAME = "exo-bridge"

Logon = Literal["certificate", "certificate-file", "certificate-pfx", "app-secret", "managed-identity", "password"]
TokenFrom = Literal["here", "agent"]
Environment = Literal["O365Default", "O365USGovGCCHigh", "O365USGovDoD", "O365GermanyCloud", "O365China"]


def _thumbprint(text: str) -> str:
    return hexadecimal_digits(text, count=40, shown_by="`Get-ChildItem Cert:\\CurrentUser\\My` on the agent")


class ExchangeSettings(Section):
    """[exchange]: the organization, and exactly one way to log on to it."""

    organization: Line = Field(
        default="",
        description="The organization's primary domain, such as contoso.onmicrosoft.com; a log-on as an application "
        "needs it.",
    )
    delegated_organization: Line = Field(
        default="", description="The customer's organization, where a partner manages it."
    )
    environment: Environment = Field(
        default="O365Default", description="The cloud, as Connect-ExchangeOnline names it in ExchangeEnvironmentName."
    )
    app_id: Line = Field(default="", description="Application (client) id of the application that logs on.")
    certificate_thumbprint: Annotated[str, AfterValidator(_thumbprint)] = Field(
        default="",
        description="Log-on by certificate, with app_id: the thumbprint (40 hexadecimal digits) of its certificate in "
        "the agent's store.",
    )
    certificate_agent_file: Line = Field(
        default="",
        description="Log-on by a PFX file on the agent, with app_id: its path there, C:\\certificates\\exo.pfx.",
    )
    certificate_pfx_file: Path | None = Field(
        default=None,
        description="Log-on by a PFX file on this machine, with app_id: its content is sent to the agent for each "
        "log-on, encrypted by the session's own key.",
    )
    certificate_pfx: SecretStr = Field(
        default=SecretStr(""), description="The content of such a PFX file, as base64, in place of its path."
    )
    certificate_password: SecretStr = Field(
        default=SecretStr(""), description="The password of the PFX file, wherever that is."
    )
    client_secret: SecretStr = Field(
        default=SecretStr(""), description="Log-on by app secret, with app_id: the application's client secret."
    )
    token_from: TokenFrom = Field(
        default="here",
        description="For the log-on by app secret: who asks Entra ID for the token. here is this machine, which the "
        "secret then never leaves; agent is the agent, which gets it encrypted.",
    )
    tenant_id: Line = Field(
        default="",
        description="For the log-on by app secret: the directory (tenant) id; left out, the organization is named.",
    )
    authority: Line = Field(
        default="https://login.microsoftonline.com",
        description="For the log-on by app secret: where Entra ID issues tokens.",
    )
    managed_identity: Flag = Field(
        default=False,
        description="Log-on as the identity that Azure gave to the agent, which is a virtual machine there.",
    )
    managed_identity_id: Line = Field(
        default="", description="The client id of an identity that a user assigned; left out, it is the machine's own."
    )
    user: Line = Field(
        default="",
        description="Log-on by user and password: the user principal name. Only while the module on the agent still "
        "has -Credential.",
    )
    password: SecretStr = Field(default=SecretStr(""), description="The password of that user.")
    visibility_timeout: Annotated[Whole, Field(ge=0, le=3600)] = Field(
        default=60, description="Seconds to wait until something that was created can be seen; 0 is not at all."
    )
    throttle_pause: Annotated[Whole, Field(ge=0, le=3600)] = Field(
        default=5,
        description="Seconds to wait before a call is sent again that Exchange refused because of too many; doubled "
        "each time.",
    )

    @property
    def logon(self) -> Logon:
        """The one kind of log-on for which the keys are set."""
        return self._logons()[0][0]

    def _logons(self) -> list[tuple[Logon, str]]:
        """Each kind of log-on of which a key is set, and that key."""
        keys: tuple[tuple[Logon, str], ...] = (
            ("certificate", "certificate_thumbprint"),
            ("certificate-file", "certificate_agent_file"),
            ("certificate-pfx", "certificate_pfx_file"),
            ("certificate-pfx", "certificate_pfx"),
            ("app-secret", "client_secret"),
            ("managed-identity", "managed_identity"),
            ("password", "password" if self.password else "user"),
        )
        return [(logon, key) for logon, key in keys if getattr(self, key)]

    def violations(self) -> Iterator[Violation]:
        """Rules about the log-on and the values that it needs.

        Source of what goes together: Microsoft, "Connect-ExchangeOnline" (Organization with a certificate, a managed
        identity or an app's AccessToken).
        """
        logons = self._logons()
        if not logons:
            yield Violation(
                ("certificate_thumbprint", "client_secret", "password"),
                "there is no log-on to Exchange Online.",
                "Give one: app_id and certificate_thumbprint, certificate_agent_file, certificate_pfx_file or "
                "certificate_pfx (certificate), app_id and client_secret (app secret), managed_identity, "
                "or user and password.",
            )
        elif len(logons) > 1:
            keys = tuple(key for _, key in logons)
            message = f"{' and '.join(keys)} are {len(logons)} kinds of log-on at once."
            yield Violation(keys, message, "Keep one of them.")
        else:
            yield from self._needed()
        yield from self._without_meaning()
        if not _is_authority(self.authority):
            yield Violation(
                ("authority",),
                "it is not the address of a token service.",
                "It starts with https:// (http:// to this machine only) and has no user, query or fragment.",
            )

    def _needed(self) -> Iterator[Violation]:
        """What the kind of log-on needs besides its own key."""
        if self.logon == "password":
            yield from self._missing(self.logon, "user", "password")
        elif self.logon == "managed-identity":
            yield from self._missing(self.logon, "organization")
        else:
            yield from self._missing(self.logon, "app_id", "organization")
        if self.logon == "app-secret" and self.environment != "O365Default":
            yield Violation(
                ("environment", "client_secret"),
                f"log-on by app secret is there for O365Default only, not for {self.environment}.",
                "Use a certificate (app_id, certificate_thumbprint).",
            )

    def _without_meaning(self) -> Iterator[Violation]:
        """What stands there and would not be used, and a PFX that is none."""
        files = (self.certificate_agent_file, self.certificate_pfx_file, self.certificate_pfx)
        if self.certificate_password and not any(files):
            yield Violation(
                ("certificate_password",),
                "there is no PFX file that it could open.",
                "Give certificate_agent_file, certificate_pfx_file or certificate_pfx too, or leave it out.",
            )
        if self.managed_identity_id and not self.managed_identity:
            yield Violation(
                ("managed_identity_id", "managed_identity"),
                "the id of a managed identity is there, and the log-on by it is not chosen.",
                "Set managed_identity = true, or leave the id out.",
            )
        if self.certificate_pfx and not _is_base64(self.certificate_pfx.get_secret_value()):
            yield Violation(
                ("certificate_pfx",),
                "it is not the content of a PFX file as base64.",
                "`[Convert]::ToBase64String([IO.File]::ReadAllBytes(FILE))` shows the right one in PowerShell, "
                "`base64 -w0 FILE` on Linux.",
            )


class RegionalSettings(Section):
    """[regional]: what mailbox.set-regional sets where its caller says nothing."""

    language: Line = Field(default="", description="Language and country, such as nl-NL.")
    date_format: Line = Field(default="", description="A date format of that language, such as dd-MM-yy.")
    time_format: Line = Field(default="", description="A time format of that language, such as H:mm.")
    time_zone: Line = Field(
        default="", description="Windows' name of the time zone, such as 'W. Europe Standard Time'."
    )
    localize_folders: Flag = Field(
        default=False, description="Whether to name the default folders in the mailbox's language."
    )


class LogSettings(Section):
    """[log]: the log file. The console is the business of -v and -vv."""

    file: Path | None = Field(
        default=None, description="The log file (JSON lines); left out, it is in the user's own folder for logs."
    )
    level: Literal["warning", "info", "debug"] = Field(
        default="info", description="What the file holds: warning, info (each step) or debug (round trips too)."
    )
    max_size: Annotated[Whole, Field(ge=0, le=10_000)] = Field(
        default=10, description="Megabytes after which the file is renamed and a new one begun; 0 is without limit."
    )
    keep_days: Annotated[Whole, Field(ge=0, le=3650)] = Field(
        default=30,
        description="A new file is begun each day, and a renamed one is deleted after so many days; 0 is neither.",
    )
    personal_data: Literal["keep", "mask", "hash"] = Field(
        default="keep",
        description="Names and addresses in the log: keep, mask (***) or hash (the same for the same name, made with "
        "a key of this machine). The journal has them always, because it is needed to undo.",
    )
    event_log: Flag = Field(
        default=False, description="Whether warnings and errors go to Windows' Event Log too (log Application)."
    )

    @property
    def effective_file(self) -> Path:
        """The file that is written: ``file``, else exo-bridge.jsonl in the user's folder for logs."""
        return self.file or Path(platformdirs.user_log_dir(APP_NAME, appauthor=False)) / f"{APP_NAME}.jsonl"


class JournalSettings(Section):
    """[journal]: the record of every change: what was to be done, what was sent, how it ended."""

    path: Path | None = Field(
        default=None,
        description="The journal (SQLite), on a local disk; left out, it is in the user's own folder for data.",
    )

    @property
    def effective_path(self) -> Path:
        """The file that is written: ``path``, else journal.db in the user's folder for data."""
        return self.path or Path(platformdirs.user_data_dir(APP_NAME, appauthor=False)) / "journal.db"


class ScriptSettings(Section):
    """[scripts]: the user's own scripts."""

    folder: Path | None = Field(
        default=None,
        description="A folder of own scripts. One at the path of a shipped script, such as "
        "group/Grant-GroupMember.ps1, replaces it; one of another name becomes no action.",
    )


class Settings(BaseSettings):
    """All settings."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, case_sensitive=True)

    agent: AgentSettings
    exchange: ExchangeSettings
    regional: RegionalSettings = RegionalSettings()
    log: LogSettings = LogSettings()
    journal: JournalSettings = JournalSettings()
    batch: BatchSettings = BatchSettings()
    helloid: HelloIdSettings = HelloIdSettings()
    scripts: ScriptSettings = ScriptSettings()

    @classmethod
    def settings_customise_sources(cls, *_: Any, **library: Any) -> tuple[PydanticBaseSettingsSource, ...]:
        """Nothing is read but what is passed in: values, or ``_sources``, of which the first that has a key counts."""
        given: PydanticBaseSettingsSource = library["init_settings"]
        sources: tuple[PydanticBaseSettingsSource, ...] = given().get("_sources", (given,))
        return sources


def _is_base64(text: str) -> bool:
    """Whether it is base64, on one line or several."""
    try:
        return bool(base64.b64decode("".join(text.split()), validate=True))
    except ValueError:
        return False


def _is_authority(text: str) -> bool:
    try:
        parts = urllib.parse.urlsplit(text)
        host, _port = parts.hostname or "", parts.port
    except ValueError:
        return False
    clean = not (parts.query or parts.fragment or "@" in parts.netloc or "\\" in text or " " in text)
    return clean and is_host(host) and (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host)))
