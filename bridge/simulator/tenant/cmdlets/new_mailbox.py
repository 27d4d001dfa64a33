"""New-Mailbox, for shared mailboxes.

Rules: no password is needed, since nobody can log on. The user principal name is the alias in the organization's own
domain, whatever the address is. The new object is answered at once; others see it when it has spread.
Source: New-Mailbox, -Shared.
"""

from __future__ import annotations

from bridge.simulator.tenant import errors
from bridge.simulator.tenant.cmdlets.creating import fields_of_new
from bridge.simulator.tenant.cmdlets.lookup import supports
from bridge.simulator.tenant.cmdlets.rows import MAILBOX, View
from bridge.simulator.tenant.invocation import Invocation
from bridge.simulator.tenant.objects import Account


def new_mailbox(call: Invocation) -> None:
    """New-Mailbox -Shared. Raises CmdletError: not -Shared, or its name or one of its addresses is taken."""
    supports(call, "Shared", "Name", "DisplayName", "Alias", "PrimarySmtpAddress")
    if not call.parameters.get("Shared"):
        raise errors.not_simulated(f"{call.cmdlet} without -Shared")
    fields = fields_of_new(call)
    principal = f"{fields['alias']}@{call.directory.organization}"
    taken = call.directory.find(principal, lambda _: True)
    if taken:
        raise errors.address_exists(principal, taken[0].name)
    mailbox = Account(type="SharedMailbox", user_principal_name=principal, disabled=True, **fields)
    call.create(mailbox)
    call.reply.output.append(MAILBOX.row(View(call.directory), mailbox))
