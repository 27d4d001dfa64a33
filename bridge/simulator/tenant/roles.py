"""Management roles, role groups and service principals: what an application may do that has no role in Entra ID.

Rules:

- A built-in role holds whole cmdlets, except that a few parameters belong to one role only. A custom role holds some of
  its parent's cmdlets, each with the parameters that the parent has of it.
- Who is in several roles has all that they hold: a cmdlet in two of them has the parameters of both.
- A role that was changed counts from the next connection on.

Sources: the replies of Microsoft's writers in the issues 434 of OfficeDocs-Exchange (rights on mailboxes) and 9428 of
office-docs-powershell (Get-RecipientPermission); the documentation of -BypassSecurityGroupManagerCheck; Microsoft,
"Built-in management roles". The real roles hold far more cmdlets, of which this tenant has none.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from bridge.simulator.exchange_module.functions import OWN_COMMANDS, cmdlets, inbuilt_commands

_VIEWS = (
    *("Get-CASMailbox", "Get-DistributionGroup", "Get-DistributionGroupMember", "Get-Mailbox"),
    *("Get-MailboxFolderPermission", "Get-MailboxFolderStatistics", "Get-MailboxPermission"),
    *("Get-MailboxRegionalConfiguration", "Get-Recipient", "Get-User"),
)
_FOLDER_PERMISSIONS = tuple(f"{verb}-MailboxFolderPermission" for verb in ("Add", "Get", "Remove", "Set"))
_OPTIONS = (
    *("Get-MailboxAutoReplyConfiguration", "Set-MailboxAutoReplyConfiguration"),
    *("Get-MailboxRegionalConfiguration", "Set-MailboxRegionalConfiguration"),
    *_FOLDER_PERMISSIONS,
)
_GROUPS = (
    *("Add-DistributionGroupMember", "Get-DistributionGroup", "Get-DistributionGroupMember", "Get-Recipient"),
    *("New-DistributionGroup", "Remove-DistributionGroupMember", "Set-DistributionGroup"),
    "Update-DistributionGroupMember",
)
BUILT_IN: Mapping[str, tuple[str, ...]] = {
    "Distribution Groups": _GROUPS,
    "Legal Hold": ("Get-Mailbox", "Get-Recipient", "Set-Mailbox"),
    "Mail Recipient Creation": ("Get-Mailbox", "Get-Recipient", "Get-User", "New-Mailbox"),
    "Mail Recipients": (
        *_VIEWS,
        *_OPTIONS,
        *("Add-MailboxPermission", "Add-RecipientPermission", "Get-RecipientPermission", "Remove-MailboxPermission"),
        *("Remove-RecipientPermission", "Set-CASMailbox", "Set-Mailbox"),
    ),
    "Role Management": (
        *("Add-ManagementRoleEntry", "Add-RoleGroupMember", "Get-ManagementRole", "Get-ManagementRoleAssignment"),
        *("Get-ManagementRoleEntry", "Get-RoleGroup", "Get-RoleGroupMember", "Get-ServicePrincipal"),
        *("New-ManagementRole", "New-ManagementRoleAssignment", "New-RoleGroup", "New-ServicePrincipal"),
        "Remove-ManagementRoleEntry",
    ),
    "Security Group Creation and Membership": _GROUPS,
    "User Options": (*_OPTIONS, "Get-Mailbox", "Get-Recipient", "Get-User"),
    "View-Only Configuration": ("Get-AcceptedDomain", "Get-OrganizationConfig"),
    "View-Only Recipients": _VIEWS,
}
"""The cmdlets of each built-in role, of those that the module knows."""

_HOLD = "LitigationHold"
_BYPASS = "BypassSecurityGroupManagerCheck"
_ALWAYS = frozenset(("Identity", "Confirm", "WhatIf", "ResultSize"))


@dataclass(frozen=True, kw_only=True)
class CustomRole:
    """A role that somebody made: ``cmdlets`` are those that it has of ``parent``, a role of either kind."""

    name: str
    parent: str
    cmdlets: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class RoleGroup:
    """Who (``members``, object ids of service principals) has which ``roles`` (names)."""

    name: str
    roles: tuple[str, ...] = ()
    members: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ServicePrincipal:
    """What Exchange knows of an application of Entra ID; ``object_id`` is that of the enterprise application."""

    app_id: str
    object_id: str
    display_name: str = ""


class Roles:
    """All roles of one organization. Names are found in any case."""

    def __init__(
        self,
        roles: Iterable[CustomRole] = (),
        groups: Iterable[RoleGroup] = (),
        principals: Iterable[ServicePrincipal] = (),
    ) -> None:
        self._custom = {role.name.lower(): role for role in roles}
        self._groups = {group.name.lower(): group for group in groups}
        self._principals = {principal.object_id.lower(): principal for principal in principals}

    @property
    def custom(self) -> tuple[CustomRole, ...]:
        """The custom roles, in the order in which they were made."""
        return tuple(self._custom.values())

    @property
    def groups(self) -> tuple[RoleGroup, ...]:
        """The role groups, in the order in which they were made."""
        return tuple(self._groups.values())

    @property
    def principals(self) -> tuple[ServicePrincipal, ...]:
        """The service principals, in the order in which they were made."""
        return tuple(self._principals.values())

    def put(self, thing: CustomRole | RoleGroup | ServicePrincipal) -> None:
        """Add one, or replace the one of its name or id."""
        if isinstance(thing, CustomRole):
            self._custom[thing.name.lower()] = thing
        elif isinstance(thing, RoleGroup):
            self._groups[thing.name.lower()] = thing
        else:
            self._principals[thing.object_id.lower()] = thing

    def name_of(self, role: str) -> str | None:
        """The name of a role as it is spelt, or None when there is none."""
        custom = self._custom.get(role.lower())
        return custom.name if custom else next((name for name in BUILT_IN if name.lower() == role.lower()), None)

    def parent(self, role: str) -> str:
        """What a custom role was made from; "" of a built-in one."""
        custom = self._custom.get(role.lower())
        return custom.parent if custom else ""

    def entries(self, role: str) -> dict[str, frozenset[str]]:
        """The cmdlets of a role with their parameters. Raises KeyError when there is no such role."""
        custom = self._custom.get(role.lower())
        if custom is None:
            name = self.name_of(role)
            if name is None:
                raise KeyError(role)
            return {cmdlet: _parameters(name, cmdlet) for cmdlet in sorted(set(BUILT_IN[name]))}
        of_parent = self.entries(custom.parent)
        return {cmdlet: of_parent[cmdlet] for cmdlet in custom.cmdlets}

    def of_application(self, app_id: str) -> list[RoleGroup]:
        """The role groups in which an application is."""
        ids = {one.object_id.lower() for one in self.principals if one.app_id.lower() == app_id.lower()}
        return [group for group in self.groups if ids & {member.lower() for member in group.members}]

    def lacking(self, app_id: str) -> frozenset[str]:
        """What the role groups of an application do not grant: ``Cmdlet``, or ``Cmdlet:Parameter``.

        A Get-EXO* cmdlet is granted with the cmdlet that Exchange runs for it, which refuses with its name. Source:
        office-docs-powershell issue 7970.
        """
        granted: dict[str, set[str]] = {}
        for role in {role for group in self.of_application(app_id) for role in group.roles}:
            for cmdlet, parameters in self.entries(role).items():
                granted.setdefault(cmdlet.lower(), set()).update(parameters)
        return frozenset(_missing(granted))


def _parameters(role: str, cmdlet: str) -> frozenset[str]:
    """The parameters that a built-in role has of a cmdlet."""
    names = (parameter.name for parameter in cmdlets()[cmdlet])
    if role == "Role Management":
        return frozenset(names)
    if cmdlet == "Set-Mailbox":
        of_hold = role == "Legal Hold"
        return frozenset(name for name in names if name in _ALWAYS or name.startswith(_HOLD) == of_hold)
    if role != "Security Group Creation and Membership":
        return frozenset(name for name in names if name != _BYPASS)
    return frozenset(names)


def _missing(granted: Mapping[str, Collection[str]]) -> Iterable[str]:
    inbuilt = inbuilt_commands()
    for cmdlet, parameters in cmdlets().items():
        if cmdlet in OWN_COMMANDS:
            continue
        if cmdlet in inbuilt:
            if cmdlet.replace("-EXO", "-").lower() not in granted:
                yield cmdlet
        elif cmdlet.lower() not in granted:
            yield cmdlet
        else:
            of_cmdlet = granted[cmdlet.lower()]
            yield from (f"{cmdlet}:{one.name}" for one in parameters if one.name not in of_cmdlet)
