"""What can be set: one model for each section of the settings file.

Rules:

- A model is frozen, takes no unknown key, and shows no value in an error or a repr that is secret.
- What one field alone can tell (its type, its range, its choices) stands at the field. What it takes more to tell, or
  a better sentence, stands in ``violations`` of the section, which finds all at once.
- A section is valid by itself: it can be built in a program without a file, and the same rules hold.
- A model reads nothing: ``Settings`` is what it is given, and ``load_settings`` gives it sources.
"""

from __future__ import annotations

import ipaddress
import re
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Self

import platformdirs
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, model_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

APP_NAME = "exo-bridge"
RULE = "settings_rule"

Logon = Literal["certificate", "app-secret", "password"]
Environment = Literal["O365Default", "O365USGovGCCHigh", "O365USGovDoD", "O365GermanyCloud", "O365China"]

_HOST_NAME = re.compile(r"[^\W_]([\w.-]*\w)?\.?")
_THUMBPRINT = re.compile(r"[0-9A-Fa-f]{40}")
# What the certificate dialogs of Windows put between or before the digits when a thumbprint is copied from them.
_THUMBPRINT_NOISE = re.compile(r"[\s:\u200e\u200f\ufeff]")


class Violation(NamedTuple):
    """A rule of a section that is broken: the keys it is about, what is wrong, what would be right. No secret."""

    keys: tuple[str, ...]
    message: str
    fix: str


def _one_line(text: str) -> str:
    if any(not character.isprintable() for character in text):
        raise ValueError("it has a line break or another character that cannot be printed")
    return text


def _thumbprint(text: str) -> str:
    bare = _THUMBPRINT_NOISE.sub("", text)
    if bare and not _THUMBPRINT.fullmatch(bare):
        shown_by = "`Get-ChildItem Cert:\\CurrentUser\\My` on the agent"
        raise ValueError(f"its {len(bare)} characters are not the 40 hexadecimal digits that {shown_by} shows")
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


class AgentSettings(Section):
    """[agent]: the way to the agent server, and the runspace there."""

    host: Name = Field(description="Name or address of the agent server, as its certificate has it.")
    port: Annotated[Whole, Field(ge=1, le=65535)] | None = Field(
        default=None, description="Port of WinRM; left out, it is 5986 with TLS and 5985 without."
    )
    tls: Flag = Field(default=True, description="Whether to speak HTTPS.")
    ca_file: Path | None = Field(
        default=None,
        description="PEM file of the CA that issued the agent's certificate; left out, the well-known CAs are trusted.",
    )
    auth: Literal["negotiate", "ntlm", "kerberos", "credssp", "basic"] = Field(
        default="negotiate",
        description="How to log on to the agent: negotiate (Kerberos where it can be, else NTLM), ntlm, kerberos, "
        "credssp or basic.",
    )
    user: Line = Field(
        default="",
        description="The account that may open a shell on the agent; with kerberos it may be left out, and whoever "
        "runs exo-bridge is meant.",
    )
    password: SecretStr = Field(default=SecretStr(""), description="The password of that account.")
    encryption: Literal["auto", "always", "never"] = Field(
        default="auto",
        description="Message encryption by the log-on: auto (where there is no TLS), always or never; basic has none.",
    )
    configuration_name: Name = Field(
        default="Microsoft.PowerShell",
        description="The session configuration on the agent: Microsoft.PowerShell is Windows PowerShell 5.1; "
        "PowerShell.7 and JEA endpoints go by their names.",
    )
    runspace_name: Name = Field(
        default="exo-bridge",
        description="The name by which the next process finds the runspace; programs that run at the same time need "
        "one each.",
    )
    idle_timeout: Annotated[Whole, Field(ge=60, le=2_147_483)] = Field(
        default=300, description="Seconds after which the agent ends a runspace that nobody uses."
    )
    connect_timeout: Annotated[Whole, Field(ge=1, le=3600)] = Field(
        default=30, description="Seconds to wait for a connection to the agent."
    )
    operation_timeout: Annotated[Whole, Field(ge=1, le=3600)] = Field(
        default=20, description="Seconds after which the agent answers that it is still at work."
    )
    read_timeout: Annotated[Whole, Field(ge=2, le=7200)] = Field(
        default=30,
        description="Seconds without any answer after which the agent counts as silent; more than operation_timeout.",
    )
    on_exit: Literal["disconnect", "close"] = Field(
        default="disconnect",
        description="What becomes of the runspace in the end: disconnect leaves it, connected to Exchange, for the "
        "next process; close ends it.",
    )

    @property
    def effective_port(self) -> int:
        """The port that is used: ``port``, else WinRM's own for HTTPS (5986) or HTTP (5985)."""
        return self.port if self.port is not None else 5986 if self.tls else 5985

    def violations(self) -> Iterator[Violation]:
        """Rules about the host, the log-on, encryption and the timeouts."""
        if not _is_host(self.host):
            yield Violation(
                ("host",), "it is not a host's name or address alone.", "Port and TLS have their own keys: port, tls."
            )
        if self.auth != "kerberos":
            yield from self._missing(self.auth, "user", "password")
        if self.auth == "basic" and self.encryption == "always":
            yield Violation(("encryption",), "basic has no message encryption.", 'Use "auto", or another auth.')
        plain = "auth" if self.auth == "basic" else "encryption" if self.encryption == "never" else ""
        if not self.tls and plain and not is_loopback(self.host):
            reason = f'{plain} = "{getattr(self, plain)}"'
            yield Violation(
                ("tls", plain),
                f"without TLS, {reason} would send everything in the clear; only this machine itself may be "
                "reached so.",
                "Set tls = true, or auth to negotiate and encryption to auto.",
            )
        if self.read_timeout <= self.operation_timeout:
            yield Violation(
                ("read_timeout", "operation_timeout"),
                f"read_timeout ({self.read_timeout}) is not more than operation_timeout ({self.operation_timeout}).",
                f"Set read_timeout to {self.operation_timeout + 10}.",
            )


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
    client_secret: SecretStr = Field(
        default=SecretStr(""),
        description="Log-on by app secret, with app_id: the application's client secret; it never leaves this machine "
        "but for Entra ID.",
    )
    tenant_id: Line = Field(
        default="",
        description="For the log-on by app secret: the directory (tenant) id; left out, the organization is named.",
    )
    authority: Line = Field(
        default="https://login.microsoftonline.com",
        description="For the log-on by app secret: where Entra ID issues tokens.",
    )
    user: Line = Field(
        default="",
        description="Log-on by user and password: the user principal name. Only while the module on the agent still "
        "has -Credential.",
    )
    password: SecretStr = Field(default=SecretStr(""), description="The password of that user.")

    @property
    def logon(self) -> Logon:
        """The one kind of log-on for which the keys are set."""
        return self._logons()[0][0]

    def _logons(self) -> list[tuple[Logon, str]]:
        """Each kind of log-on of which a key is set, and that key."""
        keys: tuple[tuple[Logon, str], ...] = (
            ("certificate", "certificate_thumbprint"),
            ("app-secret", "client_secret"),
            ("password", "password" if self.password else "user"),
        )
        return [(logon, key) for logon, key in keys if getattr(self, key)]

    def violations(self) -> Iterator[Violation]:
        """Rules about the log-on and the values that it needs.

        Source of what goes together: Microsoft, "Connect-ExchangeOnline" (Organization with a certificate or an app's
        AccessToken).
        """
        logons = self._logons()
        if not logons:
            yield Violation(
                ("certificate_thumbprint", "client_secret", "password"),
                "there is no log-on to Exchange Online.",
                "Give one: app_id and certificate_thumbprint (certificate), app_id and client_secret (app secret), "
                "or user and password.",
            )
        elif len(logons) > 1:
            keys = tuple(key for _, key in logons)
            message = f"{' and '.join(keys)} are {len(logons)} kinds of log-on at once."
            yield Violation(keys, message, "Keep one of them.")
        elif self.logon == "password":
            yield from self._missing(self.logon, "user", "password")
        else:
            yield from self._missing(self.logon, "app_id", "organization")
            if self.logon == "app-secret" and self.environment != "O365Default":
                yield Violation(
                    ("environment", "client_secret"),
                    f"log-on by app secret is there for O365Default only, not for {self.environment}.",
                    "Use a certificate (app_id, certificate_thumbprint).",
                )
        if not _is_authority(self.authority):
            yield Violation(
                ("authority",),
                "it is not the address of a token service.",
                "It starts with https:// (http:// to this machine only) and has no user, query or fragment.",
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

    @property
    def effective_file(self) -> Path:
        """The file that is written: ``file``, else exo-bridge.jsonl in the user's folder for logs."""
        return self.file or Path(platformdirs.user_log_dir(APP_NAME, appauthor=False)) / f"{APP_NAME}.jsonl"


class ScriptSettings(Section):
    """[scripts]: the user's own scripts."""

    folder: Path | None = Field(
        default=None,
        description="A folder of own scripts: one of a shipped script's name replaces it, others are added.",
    )


class Settings(BaseSettings):
    """All settings."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, case_sensitive=True)

    agent: AgentSettings
    exchange: ExchangeSettings
    regional: RegionalSettings = RegionalSettings()
    log: LogSettings = LogSettings()
    scripts: ScriptSettings = ScriptSettings()

    @classmethod
    def settings_customise_sources(cls, *_: Any, **library: Any) -> tuple[PydanticBaseSettingsSource, ...]:
        """Nothing is read but what is passed in: values, or ``_sources``, of which the first that has a key counts."""
        given: PydanticBaseSettingsSource = library["init_settings"]
        sources: tuple[PydanticBaseSettingsSource, ...] = given().get("_sources", (given,))
        return sources


def _is_host(host: str) -> bool:
    return _HOST_NAME.fullmatch(host) is not None or _address(host) is not None


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def is_loopback(host: str) -> bool:
    """Whether a name or address is this machine's own: localhost, 127.0.0.0/8 or ::1. No name is looked up."""
    address = _address(host)
    return host.lower() == "localhost" if address is None else address.is_loopback


def _is_authority(text: str) -> bool:
    try:
        parts = urllib.parse.urlsplit(text)
        host, _port = parts.hostname or "", parts.port
    except ValueError:
        return False
    clean = not (parts.query or parts.fragment or "@" in parts.netloc or "\\" in text or " " in text)
    return clean and _is_host(host) and (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host)))
