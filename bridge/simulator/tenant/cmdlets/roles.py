r"""Management roles and their entries, role groups with their members, and service principals.

Rules: a custom role starts with all cmdlets of its parent, or with those of -EnabledCmdlets, and never gets one that
the parent does not have; a built-in role is never changed. Members of a role group are service principals: others are
not kept here. The types of the errors are those of objects in general; of these cmdlets' own none is documented.

Sources: the documentation of each cmdlet (parameters, and the identity ``Role\Cmdlet`` of an entry).
"""

from __future__ import annotations

import dataclasses
import fnmatch
import uuid
from typing import Any

from bridge.simulator.tenant import errors
from bridge.simulator.tenant.cmdlets.lookup import required, supports, texts
from bridge.simulator.tenant.directory import is_guid
from bridge.simulator.tenant.invocation import Invocation
from bridge.simulator.tenant.roles import BUILT_IN, CustomRole, RoleGroup, ServicePrincipal


def get_management_role(call: Invocation) -> None:
    """Get-ManagementRole: all roles, or the one of -Identity."""
    supports(call, "Identity")
    names = [*BUILT_IN, *(role.name for role in call.roles.custom)]
    if identity := call.text("Identity"):
        names = [_role(call, identity)]
    call.rows([_role_row(call, name) for name in names])


def new_management_role(call: Invocation) -> None:
    """New-ManagementRole: a role with the cmdlets of its -Parent. Raises CmdletError: its name is taken."""
    supports(call, "Name", "Parent", "Description", "EnabledCmdlets", "Force")
    name, parent = required(call, "Name"), _role(call, required(call, "Parent"))
    if len(name) > 64:
        raise errors.invalid_value(f"The name '{name}' is longer than 64 characters.")
    if call.roles.name_of(name) is not None:
        raise errors.name_exists(name)
    there = call.roles.entries(parent)
    wanted = {one.lower() for one in texts(call.parameters.get("EnabledCmdlets"))}
    known = {cmdlet.lower() for cmdlet in there}
    if wanted - known:
        raise errors.reference_not_found(min(wanted - known))
    cmdlets = tuple(cmdlet for cmdlet in there if not wanted or cmdlet.lower() in wanted)
    call.roles.put(CustomRole(name=name, parent=parent, cmdlets=cmdlets))
    call.changed = True
    call.reply.output.append(_role_row(call, name))


def get_management_role_entry(call: Invocation) -> None:
    r"""Get-ManagementRoleEntry: the entries of ``Role\Cmdlet``, in which both may have a ``*``."""
    supports(call, "Identity")
    role, cmdlet = _entry_identity(call)
    names = [*BUILT_IN, *(one.name for one in call.roles.custom)]
    chosen = [name for name in names if fnmatch.fnmatchcase(name.lower(), role.lower())]
    rows = [
        _entry_row(name, entry, parameters)
        for name in chosen
        for entry, parameters in call.roles.entries(name).items()
        if fnmatch.fnmatchcase(entry.lower(), cmdlet.lower())
    ]
    if not chosen or (not rows and "*" not in cmdlet):
        raise errors.not_found(f"{role}\\{cmdlet}")
    call.rows(rows)


def add_management_role_entry(call: Invocation) -> None:
    """Add-ManagementRoleEntry: a cmdlet of the parent that the role does not have."""
    supports(call, "Identity")
    role, cmdlet = _entry_of_custom(call)
    there = call.roles.entries(role.parent)
    name = next((one for one in there if one.lower() == cmdlet.lower()), None)
    if name is None:
        raise errors.reference_not_found(f"{role.parent}\\{cmdlet}")
    if name in role.cmdlets:
        raise errors.name_exists(f"{role.name}\\{name}")
    call.roles.put(dataclasses.replace(role, cmdlets=tuple(sorted((*role.cmdlets, name)))))
    call.changed = True


def remove_management_role_entry(call: Invocation) -> None:
    """Remove-ManagementRoleEntry."""
    supports(call, "Identity", "Force")
    role, cmdlet = _entry_of_custom(call)
    left = tuple(one for one in role.cmdlets if one.lower() != cmdlet.lower())
    if left == role.cmdlets:
        raise errors.not_found(f"{role.name}\\{cmdlet}")
    call.roles.put(dataclasses.replace(role, cmdlets=left))
    call.changed = True


def get_role_group(call: Invocation) -> None:
    """Get-RoleGroup: all custom role groups, or the one of -Identity."""
    supports(call, "Identity")
    groups = [_group(call)] if call.text("Identity") else list(call.roles.groups)
    call.rows([_group_row(call, group) for group in groups])


def new_role_group(call: Invocation) -> None:
    """New-RoleGroup with -Roles and -Members. Raises CmdletError: its name is taken."""
    supports(call, "Name", "Description", "DisplayName", "Force", "Members", "Roles")
    name = required(call, "Name")
    if any(group.name.lower() == name.lower() for group in call.roles.groups):
        raise errors.name_exists(name)
    roles = tuple(_role(call, role) for role in texts(call.parameters.get("Roles")))
    members = tuple(_principal(call, member).object_id for member in texts(call.parameters.get("Members")))
    group = RoleGroup(name=name, roles=roles, members=members)
    call.roles.put(group)
    call.changed = True
    call.reply.output.append(_group_row(call, group))


def new_management_role_assignment(call: Invocation) -> None:
    """New-ManagementRoleAssignment: give -Role to the role group -SecurityGroup."""
    supports(call, "Name", "Role", "SecurityGroup", "Force")
    role, group = _role(call, required(call, "Role")), _group(call, "SecurityGroup")
    name = call.text("Name") or f"{role}-{group.name}"
    if role in group.roles:
        raise errors.name_exists(name)
    call.roles.put(dataclasses.replace(group, roles=(*group.roles, role)))
    call.changed = True
    call.reply.output.append(
        {"Name": name, "Role": role, "RoleAssigneeName": group.name, "RoleAssigneeType": "RoleGroup"}
    )


def get_role_group_member(call: Invocation) -> None:
    """Get-RoleGroupMember: the service principals of a role group."""
    supports(call, "Identity")
    members = {member.lower() for member in _group(call).members}
    call.rows([_principal_row(one) for one in call.roles.principals if one.object_id.lower() in members])


def add_role_group_member(call: Invocation) -> None:
    """Add-RoleGroupMember. Raises MemberAlreadyExistsException for a member."""
    supports(call, "Identity", "Member", "BypassSecurityGroupManagerCheck")
    group, principal = _group(call), _principal(call, required(call, "Member"))
    if principal.object_id in group.members:
        raise errors.already_member(principal.display_name, group.name)
    call.roles.put(dataclasses.replace(group, members=(*group.members, principal.object_id)))
    call.changed = True


def get_service_principal(call: Invocation) -> None:
    """Get-ServicePrincipal: all, or the one of -Identity."""
    supports(call, "Identity")
    identity = call.text("Identity")
    call.rows([_principal_row(one) for one in ([_principal(call, identity)] if identity else call.roles.principals)])


def new_service_principal(call: Invocation) -> None:
    """New-ServicePrincipal. Raises CmdletError: an id that is none, or that is there already."""
    supports(call, "AppId", "ObjectId", "DisplayName")
    app_id, object_id = required(call, "AppId").lower(), required(call, "ObjectId").lower()
    for value in (app_id, object_id):
        if not is_guid(value):
            raise errors.invalid_value(f"'{value}' is not a GUID.")
    if any(app_id == one.app_id.lower() or object_id == one.object_id.lower() for one in call.roles.principals):
        raise errors.name_exists(app_id)
    principal = ServicePrincipal(app_id=app_id, object_id=object_id, display_name=call.text("DisplayName"))
    call.roles.put(principal)
    call.changed = True
    call.reply.output.append(_principal_row(principal))


def _role(call: Invocation, identity: str) -> str:
    name = call.roles.name_of(identity)
    if name is None:
        raise errors.not_found(identity)
    return name


def _entry_identity(call: Invocation) -> tuple[str, str]:
    r"""The role and the cmdlet of an entry's identity, ``Role\Cmdlet``."""
    identity = required(call, "Identity")
    role, separator, cmdlet = identity.partition("\\")
    if not separator:
        raise errors.invalid_value(f"'{identity}' is not the identity of a role entry, which is Role\\Cmdlet.")
    return role, cmdlet


def _entry_of_custom(call: Invocation) -> tuple[CustomRole, str]:
    identity, cmdlet = _entry_identity(call)
    name = _role(call, identity)
    for role in call.roles.custom:
        if role.name == name:
            return role, cmdlet
    raise errors.exchange_error("", "System.InvalidOperationException", f"The built-in role '{name}' can't be changed.")


def _group(call: Invocation, parameter: str = "Identity") -> RoleGroup:
    identity = required(call, parameter)
    for group in call.roles.groups:
        if group.name.lower() == identity.lower():
            return group
    raise errors.not_found(identity)


def _principal(call: Invocation, identity: str) -> ServicePrincipal:
    """The service principal of an object id, an application id or a display name. Raises CmdletError."""
    found = [
        one
        for one in call.roles.principals
        if identity.lower() in (one.object_id.lower(), one.app_id.lower(), one.display_name.lower())
    ]
    if len(found) != 1:
        raise errors.ambiguous(identity) if found else errors.principal_not_found(identity)
    return found[0]


def _role_row(call: Invocation, name: str) -> dict[str, Any]:
    parent = call.roles.parent(name)
    return {"Identity": name, "Name": name, "Parent": parent, "IsRootRole": not parent, "IsEndUserRole": False}


def _entry_row(role: str, cmdlet: str, parameters: frozenset[str]) -> dict[str, Any]:
    return {
        "Identity": f"{role}\\{cmdlet}",
        "Role": role,
        "Name": cmdlet,
        "Type": "Cmdlet",
        "Parameters": sorted(parameters),
    }


def _group_row(call: Invocation, group: RoleGroup) -> dict[str, Any]:
    ids = {member.lower() for member in group.members}
    members = [one.display_name or one.app_id for one in call.roles.principals if one.object_id.lower() in ids]
    return {"Identity": group.name, "Name": group.name, "Roles": list(group.roles), "Members": members}


def _principal_row(principal: ServicePrincipal) -> dict[str, Any]:
    return {
        "Identity": principal.object_id,
        "Name": principal.object_id,
        "Guid": str(uuid.uuid5(uuid.UUID(principal.object_id), "exchange")),
        "DisplayName": principal.display_name,
        "AppId": principal.app_id,
        "ObjectId": principal.object_id,
        "RecipientType": "ServicePrincipal",
    }
