"""The cmdlets of the tenant: for each the function that does what Exchange does.

A function takes an ``Invocation`` whose parameters have their documented names, answers into its reply, and raises
CmdletError for what ends the call. A cmdlet that is not here is one that this tenant does not have.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from bridge.simulator.tenant.cmdlets import groups, mailboxes, permissions, regional, users
from bridge.simulator.tenant.invocation import Cmdlet

CMDLETS: Mapping[str, Cmdlet] = MappingProxyType(
    {
        "Add-DistributionGroupMember": groups.add_distribution_group_member,
        "Add-MailboxPermission": permissions.add_mailbox_permission,
        "Add-RecipientPermission": permissions.add_recipient_permission,
        "Get-DistributionGroup": groups.get_distribution_group,
        "Get-DistributionGroupMember": groups.get_distribution_group_member,
        "Get-EXOMailbox": mailboxes.get_exo_mailbox,
        "Get-EXOMailboxPermission": permissions.get_exo_mailbox_permission,
        "Get-EXORecipient": users.get_exo_recipient,
        "Get-EXORecipientPermission": permissions.get_exo_recipient_permission,
        "Get-Mailbox": mailboxes.get_mailbox,
        "Get-MailboxPermission": permissions.get_mailbox_permission,
        "Get-MailboxRegionalConfiguration": regional.get_mailbox_regional_configuration,
        "Get-Recipient": users.get_recipient,
        "Get-RecipientPermission": permissions.get_recipient_permission,
        "Get-User": users.get_user,
        "Remove-DistributionGroupMember": groups.remove_distribution_group_member,
        "Remove-MailboxPermission": permissions.remove_mailbox_permission,
        "Remove-RecipientPermission": permissions.remove_recipient_permission,
        "Set-Mailbox": mailboxes.set_mailbox,
        "Set-MailboxRegionalConfiguration": regional.set_mailbox_regional_configuration,
    }
)

__all__ = ["CMDLETS"]
