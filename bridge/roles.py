"""Which Exchange management roles hold the cmdlets that the scripts use: the least roles for a script, or for all.

Rules:

- What a script needs is computed from its text: its Exchange cmdlets, and the parameters in it that belong to one role
  alone. Nothing is kept by hand but which role holds what.
- The least roles are those whose broadest is the narrowest; of these, the fewest.
- A Get-EXO* cmdlet needs what the cmdlet without EXO needs: Exchange refuses it with that name.
- A cmdlet that is not in the table has no known role, and is an error: a guess would be missing on the agent.

Sources: answers of Microsoft's writers in the issues 434 of OfficeDocs-Exchange (rights on mailboxes), 9428 (Send As)
and 7970 (Get-EXO*) of office-docs-powershell; the documentation of -BypassSecurityGroupManagerCheck; Microsoft,
"Built-in management roles" and "Permissions in Exchange Online"; the roles that Microsoft365DSC names for its
resources. In an organization `Get-ManagementRole -Cmdlet NAME` tells; New-BridgeRoleGroup.ps1 looks before it changes
anything.
"""

from __future__ import annotations

import fnmatch
import itertools
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from bridge.errors import ScriptError, UsageError
from bridge.scripts import Script, code_of

_VIEWS = {
    *("Get-DistributionGroup", "Get-DistributionGroupMember", "Get-Mailbox", "Get-MailboxFolderPermission"),
    *("Get-MailboxFolderStatistics", "Get-MailboxPermission", "Get-MailboxRegionalConfiguration", "Get-Recipient"),
    "Get-User",
}
_OPTIONS = {
    *("Add-MailboxFolderPermission", "Get-MailboxAutoReplyConfiguration", "Get-MailboxFolderPermission"),
    *("Get-MailboxRegionalConfiguration", "Remove-MailboxFolderPermission", "Set-MailboxAutoReplyConfiguration"),
    *("Set-MailboxFolderPermission", "Set-MailboxRegionalConfiguration"),
}
_GROUPS = {
    *("Add-DistributionGroupMember", "Get-DistributionGroup", "Get-DistributionGroupMember", "Get-Recipient"),
    *("New-DistributionGroup", "Remove-DistributionGroupMember", "Set-DistributionGroup"),
}
ROLES: Mapping[str, frozenset[str]] = {
    "View-Only Recipients": frozenset(_VIEWS),
    "User Options": frozenset(_OPTIONS),
    "Legal Hold": frozenset({"Set-Mailbox:LitigationHold*"}),
    "Distribution Groups": frozenset(_GROUPS),
    "Security Group Creation and Membership": frozenset(
        _GROUPS
        | {
            "Add-DistributionGroupMember:BypassSecurityGroupManagerCheck",
            "Remove-DistributionGroupMember:BypassSecurityGroupManagerCheck",
            "Set-DistributionGroup:BypassSecurityGroupManagerCheck",
        }
    ),
    "Mail Recipient Creation": frozenset({"Get-Recipient", "New-Mailbox"}),
    "Mail Recipients": frozenset(
        _VIEWS
        | _OPTIONS
        | {
            *("Add-MailboxPermission", "Add-RecipientPermission", "Get-RecipientPermission"),
            *("Remove-MailboxPermission", "Remove-RecipientPermission", "Set-Mailbox"),
        }
    ),
}
"""What each role holds of what scripts use, from the narrowest role to the broadest.

``Cmdlet:Parameter`` is a parameter that other roles with the cmdlet do not have; it may end with a ``*``.
"""

RECIPIENT_ADMINISTRATOR = "Exchange Recipient Administrator"
ADMINISTRATOR = "Exchange Administrator"
_OF_RECIPIENT_ADMINISTRATOR = frozenset(
    ("View-Only Recipients", "User Options", "Distribution Groups", "Mail Recipient Creation", "Mail Recipients")
)

_SPECIAL = sorted({entry for held in ROLES.values() for entry in held if ":" in entry})
_ALWAYS = frozenset(("Identity", "Confirm", "ErrorAction"))
_ENTRY = re.compile(r"[^\\'\x00-\x1f\x7f-\U0010ffff]+\\[A-Za-z]+-[A-Za-z0-9]+")


@dataclass(frozen=True)
class Permissions:
    """What a script needs: its ``roles``, with what each is needed for, and the least ``entra_role`` that has them all.

    The values of ``roles`` are cmdlets, sorted; one that is needed with a parameter of its own can stand in two roles.
    """

    roles: Mapping[str, tuple[str, ...]]
    entra_role: str


def permissions_of(scripts: Iterable[Script], roles: Mapping[str, frozenset[str]] = ROLES) -> Permissions:
    """The least of ``roles`` for these scripts together. Raises ScriptError: a cmdlet is in none of them."""
    needed = {need for script in scripts for need in _needs(script, roles)}
    least = _least(needed, roles)
    is_enough = all(_holders(need, roles) & _OF_RECIPIENT_ADMINISTRATOR for need in needed)
    return Permissions(_shared_out(needed, least, roles), RECIPIENT_ADMINISTRATOR if is_enough else ADMINISTRATOR)


def special_parameters(scripts: Iterable[Script]) -> tuple[str, ...]:
    """The parameters (``Cmdlet:Parameter``, the last may end with a ``*``) of these scripts that one role alone has."""
    found = set()
    for script in scripts:
        code = code_of(script.text)
        for entry in _SPECIAL:
            cmdlet, _, pattern = entry.partition(":")
            if cmdlet in script.cmdlets and fnmatch.filter(_parameters(code, cmdlet, script.text), pattern):
                found.add(entry)
    return tuple(sorted(found))


def with_entries(entries: Iterable[str]) -> Mapping[str, frozenset[str]]:
    r"""ROLES and what somebody knows besides: ``entries`` are Exchange's identities of role entries, ``Role\Cmdlet``.

    Raises UsageError for one that is none.
    """
    roles = dict(ROLES)
    for entry in entries:
        if not _ENTRY.fullmatch(entry):
            raise UsageError(
                f"{entry!r} is not an entry of a role.",
                remedy=r"It is ROLE\CMDLET, such as 'Recipient Policies\Get-X'.",
            )
        role, _, cmdlet = entry.partition("\\")
        roles[role] = roles.get(role, frozenset()) | {cmdlet}
    return roles


def _needs(script: Script, roles: Mapping[str, frozenset[str]]) -> set[str]:
    """The cmdlets of a script as the roles have them, with the parameters that belong to one role alone."""
    code = code_of(script.text)
    needed: set[str] = set()
    for cmdlet in script.cmdlets:
        name = cmdlet.replace("Get-EXO", "Get-")
        used = _parameters(code, cmdlet, script.text)
        special = {
            entry: {one for one in used if fnmatch.fnmatchcase(one, entry.partition(":")[2])}
            for entry in _SPECIAL
            if entry.startswith(f"{name}:")
        }
        those = set().union(*special.values())
        needed |= {entry for entry, found in special.items() if found}
        # Where a call sets nothing but such parameters, their role is enough.
        if not those or used - those - _ALWAYS:
            needed.add(name)
        if not all(_holders(need, roles) for need in (name, *needed)):
            raise ScriptError(
                f"No management role is known for the Exchange cmdlet {cmdlet!r} in the script {script.name}.",
                remedy=f"Get-ManagementRole -Cmdlet {name} tells which roles hold it. Name one to "
                f"`exo-bridge session role-group` with --entry 'ROLE\\{name}'.",
            )
    return needed


def _parameters(code: str, cmdlet: str, text: str) -> set[str]:
    """The parameters with which code calls a cmdlet, by name; what is given with @name is looked for in the code.

    A table whose keys cannot be read there counts as every parameter that the script's text names anywhere.
    """
    used: set[str] = set()
    for call in re.finditer(rf"(?<![\w-]){cmdlet}\b((?:`\n|[^\n|;}}])*)", code, re.IGNORECASE):
        used |= set(re.findall(r"\s-([A-Za-z]\w*)", call[1]))
        for table in re.findall(r"\s@(\w+)", call[1]):
            keys = set(re.findall(rf"\${table}\.(\w+)(?=[^\n=]*=(?!=))", code))
            for literal in re.findall(rf"\${table}\s*\+?=\s*@\{{([^}}]*)\}}", code):
                keys |= set(re.findall(r"(?:^|[;\n{{])\s*(\w+)\s*=", literal))
            if re.search(rf"\${table}\[", code) or not keys:
                keys |= set(re.findall(r"\w+", text))
            used |= keys
    return used


def _holders(need: str, roles: Mapping[str, frozenset[str]]) -> set[str]:
    return {role for role, held in roles.items() if need in held}


def _least(needed: Collection[str], roles: Mapping[str, frozenset[str]]) -> tuple[str, ...]:
    """The least set of roles, in their order, that holds all that is needed."""
    names = tuple(role for role, held in roles.items() if held & set(needed))
    sets = (some for count in range(len(names) + 1) for some in itertools.combinations(names, count))
    return min(
        (some for some in sets if all(_holders(need, roles) & set(some) for need in needed)),
        key=lambda some: ([names.index(role) for role in reversed(some)], len(some)),
    )


def _shared_out(
    needed: Collection[str], least: Collection[str], roles: Mapping[str, frozenset[str]]
) -> dict[str, tuple[str, ...]]:
    """Each cmdlet that is needed to the first of the least roles that holds it."""
    shared: dict[str, set[str]] = {role: set() for role in least}
    for need in needed:
        role = next(role for role in least if need in roles[role])
        shared[role].add(need.partition(":")[0])
    return {role: tuple(sorted(cmdlets)) for role, cmdlets in shared.items()}
