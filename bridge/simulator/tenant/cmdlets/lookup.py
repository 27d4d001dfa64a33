"""How cmdlets find what they are about, and what they refuse before they look.

Rules: a Get- cmdlet whose -Identity is left out, null or empty answers everything there is, and answers all that an
identity with several meanings or a ``*`` can mean; a cmdlet that changes something wants exactly one object. A
parameter that Exchange has and this tenant does not act on is refused, because ignoring it would answer something
else than Exchange does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from bridge.simulator.exchange_module.functions import cmdlets
from bridge.simulator.tenant import errors, opath
from bridge.simulator.tenant.cmdlets.rows import Kind, View
from bridge.simulator.tenant.directory import Accept
from bridge.simulator.tenant.invocation import Invocation
from bridge.simulator.tenant.objects import (
    ACCOUNT_TYPES,
    DISTRIBUTION_TYPES,
    GROUP_TYPES,
    Account,
    DirectoryObject,
    Group,
)
from bridge.simulator.tenant.records import CmdletError

# All that -RecipientTypeDetails may name; the tenant holds objects of some. Source: Get-Recipient, Get-User.
_TYPE_NAMES = frozenset(
    name.lower()
    for name in (
        *ACCOUNT_TYPES,
        *GROUP_TYPES,
        "DisabledUser",
        "DiscoveryMailbox",
        "LegacyMailbox",
        "LinkedMailbox",
        "LinkedRoomMailbox",
        "MailForestContact",
        "MailNonUniversalGroup",
        "PublicFolder",
        "RemoteEquipmentMailbox",
        "RemoteRoomMailbox",
        "RemoteSharedMailbox",
        "RemoteTeamMailbox",
        "RemoteUserMailbox",
        "SchedulingMailbox",
        "SystemMailbox",
        "TeamMailbox",
    )
)
_ALWAYS_TAKEN = frozenset(("Confirm", "ResultSize"))
# The ways to name one object that the Get-EXO* cmdlets have; only one of them may be used.
EXO_IDENTITIES = ("Identity", "ExternalDirectoryObjectId", "PrimarySmtpAddress", "UserPrincipalName")


def is_user(thing: DirectoryObject) -> bool:
    """What Get-User sees: accounts, with or without a mailbox."""
    return isinstance(thing, Account) and thing.type != "MailContact"


def is_mailbox(thing: DirectoryObject) -> bool:
    """What Get-Mailbox sees."""
    return isinstance(thing, Account) and thing.mailbox


def is_recipient(thing: DirectoryObject) -> bool:
    """What Get-Recipient sees: everything with an address."""
    return thing.recipient


def is_group(thing: DirectoryObject) -> bool:
    """What Get-DistributionGroup sees: neither Microsoft 365 groups nor dynamic ones."""
    return isinstance(thing, Group) and thing.type in DISTRIBUTION_TYPES


def can_be_member(thing: DirectoryObject) -> bool:
    """Who can be in a distribution group. Source: Add-DistributionGroupMember, -Member."""
    return thing.recipient and thing.type != "GroupMailbox"


def is_principal(thing: DirectoryObject) -> bool:
    """Who can hold rights."""
    return thing.principal


def supports(call: Invocation, *names: str) -> None:
    """Refuse parameters other than ``names`` that this tenant would have to ignore; a switch that is off is not given.

    Raises CmdletError with System.NotSupportedException, which no cmdlet of Exchange does.
    """
    switches = {one.name for one in cmdlets()[call.cmdlet] if one.type == "SwitchParameter"}
    for name, value in call.parameters.items():
        if name in names or name in _ALWAYS_TAKEN or (name in switches and not value):
            continue
        text = f"The simulated tenant does not act on the parameter '{name}' of {call.cmdlet}."
        raise errors.exchange_error("", "System.NotSupportedException", text)


def required(call: Invocation, name: str) -> str:
    """A mandatory parameter as text. Raises CmdletError where it is missing, null or empty, as at binding."""
    if not call.given(name):
        raise errors.parameter_missing(call.cmdlet, name)
    text = call.text(name)
    if not text:
        raise errors.parameter_empty(call.cmdlet, name)
    return text


def texts(value: Any) -> list[str]:
    """The texts of a parameter that takes one or several; names of an enumeration may stand in one, with commas."""
    items = value if isinstance(value, list | tuple) else [] if value is None else [value]
    return [part.strip() for item in items for part in str(item).split(",") if part.strip()]


def one_asked(call: Invocation, accept: Accept) -> DirectoryObject:
    """The one object that a Get- cmdlet with a mandatory identity is about, as a reader sees it.

    Raises CmdletError: no identity, nothing of that name, several.
    """
    identity, accept = _identity(call, accept)
    if not identity:
        required(call, "Identity")
    seen = call.directory.visible(call.one(identity, accept).guid)
    if seen is None or not accept(seen):
        raise errors.not_found(identity)
    return seen


def chosen(call: Invocation, accept: Accept, kind: Kind, view: View) -> list[DirectoryObject]:
    """What -Identity, -Anr, -RecipientTypeDetails, -Filter and -SortBy of a Get- cmdlet choose, as a reader sees it.

    Raises CmdletError: an identity that nothing has, a filter that does not parse, a type that does not exist.
    """
    identity, accept = _identity(call, accept)
    anr = call.text("Anr")
    if identity and anr:
        raise errors.ambiguous_parameter_set(call.cmdlet)
    things = _meant(call, identity, accept)
    if anr:
        things = [thing for thing in things if any(name.startswith(anr.lower()) for name in _anr_names(thing))]
    if types := texts(call.parameters.get("RecipientTypeDetails")):
        wanted = {name.lower() for name in types}
        if unknown := sorted(wanted - _TYPE_NAMES):
            raise not_of_type("RecipientTypeDetails", unknown[0], "RecipientTypeDetails[]")
        things = [thing for thing in things if thing.type.lower() in wanted]
    if text := call.text("Filter"):
        things = _filtered(text, things, kind, view)
    if name := call.text("SortBy") or call.text("Sortby"):
        things = _sorted(name, things, kind, view)
    return things


def write(call: Invocation, old: DirectoryObject, new: DirectoryObject) -> None:
    """Put what a Set- cmdlet has made of an object; the warning of the real ones where that is nothing new."""
    if new != old:
        call.put(new)
        return
    identity = f"{call.directory.organization}/{old.name}"
    call.reply.warnings.append(
        f"The command completed successfully but no settings of '{identity}' have been modified."
    )


def not_of_type(parameter: str, value: str, type_name: str) -> CmdletError:
    """A value that a type of Exchange's own does not have; the module does not know the type, so Exchange refuses."""
    return errors.invalid_value(
        f"Cannot process argument transformation on parameter '{parameter}'. "
        f'Cannot convert value "{value}" to type "{type_name}".'
    )


def projection(call: Invocation, kind: Kind, sets: Mapping[str, Iterable[str]]) -> list[str]:
    """The properties that a Get-EXO* cmdlet shows: the set Minimum, what -PropertySets adds and what -Properties adds.

    ``sets`` is what the named sets hold, All apart. Raises CmdletError for a property or a set that there is not.
    """
    known = {name.lower(): name for name in sets}
    names = list(sets["Minimum"])
    for asked in texts(call.parameters.get("PropertySets")):
        if asked.lower() == "all":
            names += kind.properties
        elif asked.lower() in known:
            names += sets[known[asked.lower()]]
        else:
            raise not_of_type("PropertySets", asked, "PropertySet[]")
    for asked in texts(call.parameters.get("Properties")):
        spelt = kind.spelling(asked)
        if asked != "*" and spelt is None:
            raise errors.invalid_value(f"'{asked}' is not a property that {call.cmdlet} has in the simulated tenant.")
        names += [spelt] if spelt else kind.properties
    return list(dict.fromkeys(names))


def _identity(call: Invocation, accept: Accept) -> tuple[str, Accept]:
    """What a cmdlet is asked for, and what it may be; an empty identity means everything."""
    given = [(name, call.text(name)) for name in EXO_IDENTITIES if call.text(name)]
    if len(given) > 1:
        raise errors.ambiguous_parameter_set(call.cmdlet)
    if not given:
        return "", accept
    name, value = given[0]
    attribute = {
        "ExternalDirectoryObjectId": "external_id",
        "PrimarySmtpAddress": "primary_smtp_address",
        "UserPrincipalName": "user_principal_name",
    }.get(name)
    if attribute is None:
        return value, accept
    wanted = value.strip("{}").lower()
    return value, lambda thing: accept(thing) and str(getattr(thing, attribute, "")).lower() == wanted


def _meant(call: Invocation, identity: str, accept: Accept) -> list[DirectoryObject]:
    directory = call.directory
    if not identity:
        return [thing for thing in directory.everything() if accept(thing)]
    if "*" in identity:
        pattern = opath.like(identity.strip())
        return [
            thing
            for thing in directory.everything()
            if accept(thing) and any(pattern.fullmatch(name) for name in thing.shared_keys())
        ]
    seen = (directory.visible(thing.guid) for thing in directory.find(identity, accept))
    found = [thing for thing in seen if thing is not None and accept(thing)]
    if not found:
        raise errors.not_found(identity)
    return found


def _anr_names(thing: DirectoryObject) -> Iterable[str]:
    """What ambiguous name resolution looks at, by its beginning."""
    yield from thing.shared_keys()
    yield thing.primary_smtp_address.lower()
    if isinstance(thing, Account):
        yield thing.first_name.lower()
        yield thing.last_name.lower()


def _filtered(text: str, things: list[DirectoryObject], kind: Kind, view: View) -> list[DirectoryObject]:
    try:
        query = opath.parse(text)
    except opath.OpathError as error:
        raise errors.invalid_filter(str(error)) from None
    for name in sorted(query.properties):
        if name.lower() not in kind.filterable:
            raise errors.invalid_filter(f'"{name}" is not a recognized filterable property.')
    reads = {name: kind.filterable[name.lower()] for name in query.properties}

    def passes(thing: DirectoryObject) -> bool:
        return query.matches(lambda name: reads[name](view, thing))

    return [thing for thing in things if passes(thing)]


def _sorted(name: str, things: list[DirectoryObject], kind: Kind, view: View) -> list[DirectoryObject]:
    spelt = kind.spelling(name)
    if spelt is None:
        raise errors.invalid_value(f"'{name}' is not a property that can be sorted by.")
    read = kind.properties[spelt]
    return sorted(things, key=lambda thing: str(read(view, thing)).casefold())
