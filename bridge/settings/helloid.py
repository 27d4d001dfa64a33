"""The section [helloid]: what the scripts of HelloID's connector have as constants, and how its requests are served."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from bridge.settings.section import Flag, Line, Name, Section, Whole

_RIGHTS = ("full-access", "send-as", "send-on-behalf")


def _rights(text: str) -> str:
    """The rights in the order in which they are given, each once."""
    rights = list(dict.fromkeys(part.strip().lower() for part in text.split(";") if part.strip()))
    wrong = [right for right in rights if right not in _RIGHTS]
    if wrong or not rights:
        raise ValueError(f"it is one or more of {', '.join(_RIGHTS)} with ; between them")
    return ";".join(rights)


class HelloIdSettings(Section):
    """[helloid]: what HelloID's requests do not say themselves."""

    rights: Annotated[Line, AfterValidator(_rights)] = Field(
        default="full-access;send-as",
        description="The rights that a shared mailbox gives as one entitlement, where its reference names none: "
        "full-access, send-as, send-on-behalf, with ; between them.",
    )
    automapping: Flag = Field(
        default=True, description="Whether Outlook opens a mailbox by itself for whom Full Access is granted."
    )
    department_attribute: Name = Field(
        default="CustomAttribute1",
        description="The attribute of a group or shared mailbox that holds the department it belongs to.",
    )
    marker_attribute: Name = Field(
        default="CustomAttribute2",
        description="The attribute that tells the groups and shared mailboxes that HelloID manages.",
    )
    group_marker: Name = Field(
        default="HelloID Dynamic Distribution Group", description="What that attribute holds at a group."
    )
    shared_mailbox_marker: Name = Field(
        default="HelloID Dynamic Shared Mailbox", description="What that attribute holds at a shared mailbox."
    )
    group_prefix: Line = Field(default="dg_", description="What the names of new groups begin with.")
    shared_mailbox_prefix: Line = Field(
        default="smb_", description="What the names of new shared mailboxes begin with."
    )
    mail_domain: Line = Field(
        default="",
        description="The domain of the addresses of new groups and shared mailboxes; left out, it is [exchange] "
        "organization.",
    )
    user_principal_name: Name = Field(
        default="Accounts.MicrosoftActiveDirectory.userPrincipalName",
        description="Contract v1: where in the person the user principal name stands, by which the account is found.",
    )
    reply_internal: str = Field(
        default="",
        description="The automatic reply for senders in the organization when an account is deleted in reconciliation, "
        "where HelloID has no mapped fields; left out, no reply is set then.",
    )
    reply_external: str = Field(default="", description="The same for other senders.")
    deadline: Annotated[Whole, Field(ge=1, le=3600)] = Field(
        default=25,
        description="Seconds that an answer may take, where the request does not say; HelloID ends an action after 30.",
    )
    pipe: Name = Field(
        default="exo-bridge-helloid",
        description="The name under which `exo-bridge helloid serve` is reached: of a named pipe on Windows, elsewhere "
        "of a socket in the user's state folder, or its path.",
    )
    idle_end: Annotated[Whole, Field(ge=1, le=2_592_000)] = Field(
        default=3600, description="Seconds without a request after which `exo-bridge helloid serve` ends."
    )
    linger: Annotated[Whole, Field(ge=0, le=3600)] = Field(
        default=15,
        description="Seconds for which `exo-bridge helloid serve` keeps an unused runspace to itself, unless another "
        "process of this machine wants it; at most a third of [agent] abandoned_after.",
    )

    @property
    def right_names(self) -> tuple[str, ...]:
        """What ``rights`` names, one by one."""
        return tuple(self.rights.split(";"))
