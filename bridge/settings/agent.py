"""The section [agent]: the way to the agent server, how it is trusted, how to log on to it, and the runspace there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr

from bridge.settings.section import (
    Flag,
    Line,
    Name,
    Section,
    Violation,
    Whole,
    hexadecimal_digits,
    is_host,
    is_loopback,
)


def _fingerprint(text: str) -> str:
    """Small letters without colons, as it is compared."""
    shown_by = "`(Get-Item Cert:\\LocalMachine\\My\\THUMBPRINT).GetCertHashString('SHA256')` on the agent"
    return hexadecimal_digits(text, count=64, shown_by=shown_by).lower()


class AgentSettings(Section):
    """[agent]: the way to the agent server, and the runspace there."""

    host: Name = Field(description="Name or address of the agent server, as its certificate has it.")
    port: Annotated[Whole, Field(ge=1, le=65535)] | None = Field(
        default=None, description="Port of WinRM; left out, it is 5986 with TLS and 5985 without."
    )
    tls: Flag = Field(default=True, description="Whether to speak HTTPS.")
    ca_file: Path | None = Field(
        default=None,
        description="PEM file of the CA that issued the agent's certificate; left out, the well-known CAs and those of "
        "the system are trusted.",
    )
    fingerprint: Annotated[str, AfterValidator(_fingerprint)] = Field(
        default="",
        description="SHA-256 of the agent's certificate (64 hexadecimal digits, colons allowed): this certificate is "
        "trusted and no other, whoever issued it, whatever its name and end date.",
    )
    auth: Literal["negotiate", "ntlm", "kerberos", "credssp", "basic", "certificate"] = Field(
        default="negotiate",
        description="How to log on to the agent: negotiate (Kerberos where it can be, else NTLM), ntlm, kerberos, "
        "credssp, basic or certificate.",
    )
    user: Line = Field(
        default="",
        description="The account that may open a shell on the agent; with kerberos it may be left out, and whoever "
        "runs exo-bridge is meant; with certificate the agent knows whose it is.",
    )
    password: SecretStr = Field(default=SecretStr(""), description="The password of that account.")
    certificate_file: Path | None = Field(
        default=None, description="Log-on by certificate: PEM file of the client certificate."
    )
    certificate_key_file: Path | None = Field(
        default=None, description="Log-on by certificate: PEM file of its private key, not encrypted by a password."
    )
    channel_binding: Flag = Field(
        default=True,
        description="Whether log-on by negotiate, ntlm or kerberos is bound to the TLS connection, so that nobody in "
        "between can use it; false only where something between ends the TLS.",
    )
    encryption: Literal["auto", "always", "never"] = Field(
        default="auto",
        description="Message encryption by the log-on: auto (where there is no TLS), always or never; basic and "
        "certificate have none.",
    )
    configuration_name: Name = Field(
        default="Microsoft.PowerShell",
        description="The session configuration on the agent: Microsoft.PowerShell is Windows PowerShell 5.1; "
        "PowerShell.7 and JEA endpoints go by their names.",
    )
    jea: Flag = Field(
        default=False,
        description="Whether that is a JEA endpoint made by `exo-bridge session jea-files`: its own functions are "
        "called, and no script is sent.",
    )
    no_profile: Flag = Field(
        default=False,
        description="Whether the agent opens the runspace without the user profile of its account; the certificates "
        "of that account are then not there.",
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

    wait_timeout: Annotated[Whole, Field(ge=0, le=86_400)] = Field(
        default=30, description="Seconds to wait for the runspace while another client uses it."
    )
    abandoned_after: Annotated[Whole, Field(ge=10, le=86_400)] = Field(
        default=90,
        description="Seconds of silence after which the client that the agent still believes connected counts as "
        "dead, and the runspace is replaced; more than read_timeout.",
    )
    read_retries: Annotated[Whole, Field(ge=0, le=20)] = Field(
        default=2,
        description="How often a read is repeated when the agent or Exchange failed in passing, and any call that "
        "Exchange refused because of too many; 0 is never.",
    )
    recycle_age: Annotated[Whole, Field(ge=0)] = Field(
        default=14_400,
        description="Seconds after which the runspace is replaced between two actions, because the module's memory "
        "grows; 0 is never.",
    )
    recycle_pipelines: Annotated[Whole, Field(ge=0)] = Field(
        default=5_000, description="The number of pipelines of one process after which it is replaced; 0 is never."
    )
    recycle_memory: Annotated[Whole, Field(ge=0)] = Field(
        default=1_024, description="The memory of its PowerShell in MiB above which it is replaced; 0 is never."
    )

    @property
    def effective_port(self) -> int:
        """The port that is used: ``port``, else WinRM's own for HTTPS (5986) or HTTP (5985)."""
        return self.port if self.port is not None else 5986 if self.tls else 5985

    def violations(self) -> Iterator[Violation]:
        """Rules about the host, the log-on, encryption and the timeouts."""
        if not is_host(self.host):
            yield Violation(
                ("host",), "it is not a host's name or address alone.", "Port and TLS have their own keys: port, tls."
            )
        yield from self._logon_violations()
        yield from self._trust_violations()
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

        if self.abandoned_after <= self.read_timeout:
            yield Violation(
                ("abandoned_after", "read_timeout"),
                f"abandoned_after ({self.abandoned_after}) is not more than read_timeout ({self.read_timeout}): "
                "a client that only waits for an answer would count as dead.",
                f"Set abandoned_after to {self.read_timeout * 3}.",
            )

    def _logon_violations(self) -> Iterator[Violation]:
        """What each kind of log-on needs and has."""
        if self.auth == "certificate":
            yield from self._missing(self.auth, "certificate_file", "certificate_key_file")
        elif self.auth != "kerberos":
            yield from self._missing(self.auth, "user", "password")
        if self.auth in ("basic", "certificate") and self.encryption == "always":
            fix = 'Use "auto", or another auth.'
            yield Violation(("encryption",), f"{self.auth} has no message encryption.", fix)

    def _trust_violations(self) -> Iterator[Violation]:
        """How the agent's certificate is trusted, and what has no meaning without TLS."""
        if not self.tls and self.auth == "certificate":
            yield Violation(("tls", "auth"), "log-on by certificate is a part of TLS.", "Set tls = true.")
        if not self.tls and self.fingerprint:
            yield Violation(("tls", "fingerprint"), "without TLS there is no certificate.", "Set tls = true.")
        if self.fingerprint and self.ca_file:
            fix = "Keep fingerprint for this certificate alone, or ca_file for all of that CA."
            yield Violation(("ca_file", "fingerprint"), "they are two ways to trust the agent.", fix)
