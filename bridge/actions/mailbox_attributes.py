"""Actions on what a mailbox is called, carries and is reached by: its attributes, addresses and place in address lists.

Rules: an attribute is named as Set-Mailbox names it, in any case. Which attributes there are is decided here: those
that Set-Mailbox documents for Exchange Online and Get-Mailbox shows in a form that can be compared. Addresses are SMTP
addresses; what else stands among a mailbox's addresses (SIP:, SPO:, X500:) belongs to the organization, and so do those
in its .onmicrosoft.com domains: they are neither added nor removed.
"""

from __future__ import annotations

import difflib
import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from bridge.actions.action import Action, Parameters, Text, Texts, parameter_name
from bridge.model import Kind

AttributeKind = Literal["text", "name", "yes-or-no", "list"]

# A name is a text that cannot be empty. Source: Set-Mailbox.
ATTRIBUTES: dict[str, AttributeKind] = {
    "display_name": "name",
    "alias": "name",
    "office": "text",
    "simple_display_name": "text",
    "forwarding_smtp_address": "text",
    "retention_comment": "text",
    "retention_url": "text",
    "audit_enabled": "yes-or-no",
    "deliver_to_mailbox_and_forward": "yes-or-no",
    "hidden_from_address_lists_enabled": "yes-or-no",
    "message_copy_for_send_on_behalf_enabled": "yes-or-no",
    "message_copy_for_sent_as_enabled": "yes-or-no",
    "message_tracking_read_status_enabled": "yes-or-no",
    "require_sender_authentication_enabled": "yes-or-no",
    "retention_hold_enabled": "yes-or-no",
    "single_item_recovery_enabled": "yes-or-no",
    **{f"custom_attribute{number}": "text" for number in range(1, 16)},
    **{f"extension_custom_attribute{number}": "list" for number in range(1, 6)},
}
"""What mailbox.set can set, by its snake case name."""

_BY_NAME = {name.replace("_", ""): name for name in ATTRIBUTES}
_YES_OR_NO = {"true": "true", "yes": "true", "false": "false", "no": "false"}
# Exchange Online's own domains, in its clouds.
_OWNED = re.compile(r"\.(onmicrosoft\.(com|us|de)|partner\.onmschina\.cn)$", re.IGNORECASE)


def attribute_name(name: str) -> str:
    """The snake case name of an attribute. Raises ValueError that lists what there is."""
    key = re.sub("[_-]", "", name.strip()).lower()
    if key in _BY_NAME:
        return _BY_NAME[key]
    near = [parameter_name(_BY_NAME[one]) for one in difflib.get_close_matches(key, _BY_NAME, n=3, cutoff=0.7)]
    known = ", ".join(parameter_name(one) for one in ATTRIBUTES)
    hint = f"did you mean {' or '.join(near)}? " if near else ""
    raise ValueError(f"there is no attribute {name.strip()!r}; {hint}There are {known}")


def _assignments(items: list[str]) -> list[str]:
    """Name=Value with the name as Exchange spells it and yes or no as true or false."""
    done: dict[str, list[str]] = {}
    for item in items:
        name, equals, value = item.partition("=")
        if not equals:
            raise ValueError(f"{item!r} is not Name=Value, such as CustomAttribute1=E0042")
        attribute = attribute_name(name)
        spelt = parameter_name(attribute)
        if not value.strip():
            raise ValueError(f"{spelt} has no value; use --clear {spelt} to empty it")
        if ATTRIBUTES[attribute] == "yes-or-no":
            if value.strip().lower() not in _YES_OR_NO:
                raise ValueError(f"{spelt} is true or false, not {value!r}")
            value = _YES_OR_NO[value.strip().lower()]
        if attribute == "forwarding_smtp_address":
            # Exchange shows it with its prefix.
            value = f"smtp:{_smtp(value)}"
        values = done.setdefault(spelt, [])
        if value not in values:
            values.append(value)
        if len(values) > 1 and ATTRIBUTES[attribute] != "list":
            raise ValueError(f"{spelt} is set twice, and has one value")
    return [f"{spelt}={value}" for spelt, values in done.items() for value in values]


def _clearable(items: list[str]) -> list[str]:
    done = []
    for item in items:
        attribute = attribute_name(item)
        spelt = parameter_name(attribute)
        if ATTRIBUTES[attribute] not in ("text", "list"):
            raise ValueError(f"{spelt} always has a value and cannot be cleared")
        done.append(spelt)
    return list(dict.fromkeys(done))


def _smtp(text: str) -> str:
    """An SMTP address without its prefix."""
    address = re.sub("^smtp:", "", text.strip(), flags=re.IGNORECASE)
    if not re.fullmatch(r"[^@\s:]+@[^@\s:]+\.[^@\s:]+", address):
        raise ValueError(f"{text!r} is not an SMTP address, such as jane.doe@contoso.example")
    return address


def _smtp_list(texts: list[str]) -> list[str]:
    """Each address once, whatever its letter case; the first spelling counts."""
    addresses = [_smtp(text) for text in texts]
    return list({address.lower(): address for address in reversed(addresses)}.values())[::-1]


def _removable(texts: list[str]) -> list[str]:
    owned = [text for text in texts if _OWNED.search(text)]
    if owned:
        raise ValueError(f"{owned[0]!r} is an address that the organization's mail flow needs; it is not removed")
    return texts


_MAILBOX = "Address, user principal name, alias, display name or id of the mailbox."
_Addresses = Annotated[Texts, AfterValidator(_smtp_list)]


class WhichMailbox(Parameters):
    """Which mailbox."""

    mailbox: Text = Field(description=_MAILBOX)


class SetAttributes(Parameters):
    """The mailbox, and what its attributes are to be."""

    mailbox: Text = Field(description=_MAILBOX)
    set: Annotated[Texts, AfterValidator(_assignments)] | None = Field(
        default=None,
        description="Name=Value, such as CustomAttribute1=E0042. A list (ExtensionCustomAttribute1 to 5) has all the "
        "values that are given for it and no others.",
    )
    clear: Annotated[Texts, AfterValidator(_clearable)] | None = Field(
        default=None, description="Name of an attribute that is to be empty."
    )

    @model_validator(mode="after")
    def _something_without_contradiction(self) -> SetAttributes:
        if not self.set and not self.clear:
            raise ValueError("give --set or --clear")
        both = {item.partition("=")[0] for item in self.set or ()} & {*(self.clear or ())}
        if both:
            raise ValueError(f"{sorted(both)[0]} is both set and cleared")
        return self


class SetAddresses(Parameters):
    """The mailbox, and what changes about its addresses."""

    mailbox: Text = Field(description=_MAILBOX)
    add: _Addresses | None = Field(default=None, description="An address that mail is to reach the mailbox by too.")
    remove: Annotated[_Addresses, AfterValidator(_removable)] | None = Field(
        default=None, description="An address that is to be gone; not the primary one, unless --primary gives another."
    )
    primary: Annotated[Text, AfterValidator(_smtp)] | None = Field(
        default=None, description="The address to send from. It is added where it is new; the former one stays."
    )

    @model_validator(mode="after")
    def _something_without_contradiction(self) -> SetAddresses:
        wanted = {address.lower() for address in (*(self.add or ()), *([self.primary] if self.primary else ()))}
        if not wanted and not self.remove:
            raise ValueError("give --add, --remove or --primary")
        both = wanted & {address.lower() for address in self.remove or ()}
        if both:
            raise ValueError(f"{sorted(both)[0]} is both wanted and removed")
        return self


ACTIONS = (
    Action(
        name="mailbox.show",
        script="mailbox/Show-Mailbox.ps1",
        kind=Kind.CHANGE,
        summary="Show a mailbox in the address lists.",
        parameters=WhichMailbox,
        result=("hidden",),
        example={"mailbox": "tom.baker@contoso.example"},
    ),
    Action(
        name="mailbox.hide",
        script="mailbox/Hide-Mailbox.ps1",
        kind=Kind.CHANGE,
        summary="Hide a mailbox from the address lists.",
        parameters=WhichMailbox,
        result=("hidden",),
        example={"mailbox": "jane.doe@contoso.example"},
    ),
    Action(
        name="mailbox.set",
        script="mailbox/Set-MailboxAttribute.ps1",
        kind=Kind.CHANGE,
        summary="Set and clear attributes of a mailbox, where they differ; before and after have those named.",
        parameters=SetAttributes,
        result=tuple(ATTRIBUTES),
        example={
            "mailbox": "jane.doe@contoso.example",
            "set": ["CustomAttribute1=E0043"],
            "clear": ["CustomAttribute2"],
        },
    ),
    Action(
        name="mailbox.set-addresses",
        script="mailbox/Set-MailboxAddress.ps1",
        kind=Kind.CHANGE,
        summary="Add and remove addresses of a mailbox and choose its primary one; what is not named stays.",
        parameters=SetAddresses,
        result=("primary_smtp_address", "email_addresses"),
        example={
            "mailbox": "maria.garcia@contoso.example",
            "primary": "maria@contoso.example",
            "remove": ["maria.lopez@contoso.example"],
        },
    ),
)
