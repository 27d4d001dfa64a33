"""The cmdlets of the tenant: for each the function that does what Exchange does.

A function takes an ``Invocation`` whose parameters have their documented names, answers into its reply, and raises
CmdletError for what ends the call. A cmdlet that is not here is one that this tenant does not have.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from bridge.simulator.tenant.cmdlets import (
    folders,
    groups,
    mailboxes,
    new_mailbox,
    permissions,
    regional,
    replies,
    roles,
    users,
)
from bridge.simulator.tenant.invocation import Cmdlet

CMDLETS: Mapping[str, Cmdlet] = MappingProxyType(
    {
        "Add-DistributionGroupMember": groups.add_distribution_group_member,
        "Add-MailboxFolderPermission": folders.add_mailbox_folder_permission,
        "Add-MailboxPermission": permissions.add_mailbox_permission,
        "Add-ManagementRoleEntry": roles.add_management_role_entry,
        "Add-RecipientPermission": permissions.add_recipient_permission,
        "Add-RoleGroupMember": roles.add_role_group_member,
        "Get-DistributionGroup": groups.get_distribution_group,
        "Get-DistributionGroupMember": groups.get_distribution_group_member,
        "Get-EXOMailbox": mailboxes.get_exo_mailbox,
        "Get-EXOMailboxPermission": permissions.get_exo_mailbox_permission,
        "Get-EXORecipient": users.get_exo_recipient,
        "Get-EXORecipientPermission": permissions.get_exo_recipient_permission,
        "Get-Mailbox": mailboxes.get_mailbox,
        "Get-MailboxAutoReplyConfiguration": replies.get_mailbox_auto_reply_configuration,
        "Get-MailboxFolderPermission": folders.get_mailbox_folder_permission,
        "Get-MailboxFolderStatistics": folders.get_mailbox_folder_statistics,
        "Get-MailboxPermission": permissions.get_mailbox_permission,
        "Get-MailboxRegionalConfiguration": regional.get_mailbox_regional_configuration,
        "Get-ManagementRole": roles.get_management_role,
        "Get-ManagementRoleEntry": roles.get_management_role_entry,
        "Get-Recipient": users.get_recipient,
        "Get-RecipientPermission": permissions.get_recipient_permission,
        "Get-RoleGroup": roles.get_role_group,
        "Get-RoleGroupMember": roles.get_role_group_member,
        "Get-ServicePrincipal": roles.get_service_principal,
        "Get-User": users.get_user,
        "New-DistributionGroup": groups.new_distribution_group,
        "New-Mailbox": new_mailbox.new_mailbox,
        "New-ManagementRole": roles.new_management_role,
        "New-ManagementRoleAssignment": roles.new_management_role_assignment,
        "New-RoleGroup": roles.new_role_group,
        "New-ServicePrincipal": roles.new_service_principal,
        "Remove-DistributionGroupMember": groups.remove_distribution_group_member,
        "Remove-MailboxFolderPermission": folders.remove_mailbox_folder_permission,
        "Remove-MailboxPermission": permissions.remove_mailbox_permission,
        "Remove-ManagementRoleEntry": roles.remove_management_role_entry,
        "Remove-RecipientPermission": permissions.remove_recipient_permission,
        "Set-DistributionGroup": groups.set_distribution_group,
        "Set-Mailbox": mailboxes.set_mailbox,
        "Set-MailboxAutoReplyConfiguration": replies.set_mailbox_auto_reply_configuration,
        "Set-MailboxFolderPermission": folders.set_mailbox_folder_permission,
        "Set-MailboxRegionalConfiguration": regional.set_mailbox_regional_configuration,
    }
)

__all__ = ["CMDLETS"]
