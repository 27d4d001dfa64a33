"""Get-User, Get-Recipient and Get-EXORecipient.

Rules: Get-User sees every account, also one without a mailbox, and shows nothing of its mail; Get-Recipient sees
everything with an address, groups too, and has no user principal name; Get-EXORecipient shows little unless asked.
"""

from __future__ import annotations

from bridge.simulator.tenant.cmdlets.lookup import (
    EXO_IDENTITIES,
    chosen,
    is_recipient,
    is_user,
    not_of_type,
    projection,
    supports,
    texts,
)
from bridge.simulator.tenant.cmdlets.rows import RECIPIENT, USER, View, recipient_type
from bridge.simulator.tenant.invocation import Invocation
from bridge.simulator.tenant.objects import CUSTOM_ATTRIBUTES, EXTENSION_ATTRIBUTES, DirectoryObject

# The values of -RecipientType. Source: Get-Recipient.
_RECIPIENT_TYPES = (
    "DynamicDistributionGroup",
    "MailContact",
    "MailNonUniversalGroup",
    "MailUniversalDistributionGroup",
    "MailUniversalSecurityGroup",
    "MailUser",
    "PublicFolder",
    "UserMailbox",
)
# Of Get-EXORecipient; Archive, MailboxMove and Policy hold nothing that is known here. Source: cmdlet-property-sets.
_SETS = {
    "Minimum": (
        "ExchangeVersion",
        "ExternalDirectoryObjectId",
        "Name",
        "OrganizationId",
        "RecipientType",
        "RecipientTypeDetails",
    ),
    "Custom": (*CUSTOM_ATTRIBUTES, *EXTENSION_ATTRIBUTES),
    "Archive": (),
    "MailboxMove": (),
    "Policy": (),
}


def get_user(call: Invocation) -> None:
    """Get-User."""
    supports(call, "Identity", "Anr", "Filter", "RecipientTypeDetails", "Sortby")
    view = View(call.directory)
    call.reply.output += [USER.row(view, thing) for thing in call.allowed(chosen(call, is_user, USER, view))]


def get_recipient(call: Invocation) -> None:
    """Get-Recipient. -Properties narrows the row to these and the identity."""
    supports(call, "Identity", "Anr", "Filter", "RecipientType", "RecipientTypeDetails", "SortBy", "Properties")
    view = View(call.directory)
    names = None
    if texts(call.parameters.get("Properties")):
        names = projection(call, RECIPIENT, {"Minimum": ("Identity", "Guid")})
    call.reply.output += [RECIPIENT.row(view, thing, names) for thing in call.allowed(_recipients(call, view))]


def get_exo_recipient(call: Invocation) -> None:
    """Get-EXORecipient."""
    supports(
        call,
        *EXO_IDENTITIES,
        "Anr",
        "Filter",
        "RecipientType",
        "RecipientTypeDetails",
        "Properties",
        "PropertySets",
    )
    view = View(call.directory)
    names = projection(call, RECIPIENT, _SETS)
    call.reply.output += [RECIPIENT.row(view, thing, names) for thing in call.allowed(_recipients(call, view))]


def _recipients(call: Invocation, view: View) -> list[DirectoryObject]:
    """What was chosen, of the kinds that -RecipientType names."""
    things = chosen(call, is_recipient, RECIPIENT, view)
    if types := texts(call.parameters.get("RecipientType")):
        wanted = {name.lower() for name in types}
        if unknown := sorted(wanted - {name.lower() for name in _RECIPIENT_TYPES}):
            raise not_of_type("RecipientType", unknown[0], "RecipientType[]")
        things = [thing for thing in things if recipient_type(thing).lower() in wanted]
    return things
