"""What the New- cmdlets have in common: who a new object is.

Rules: a name belongs to one object of the organization, and an address to one. Without an address there is one in the
organization's own domain, and without an alias it follows from the address, or from the name.
Source: New-DistributionGroup and New-Mailbox, -Name, -Alias and -PrimarySmtpAddress.
"""

from __future__ import annotations

import re
import uuid
from typing import Any

from bridge.simulator.tenant import errors
from bridge.simulator.tenant.cmdlets.addresses import primary_of_new
from bridge.simulator.tenant.cmdlets.lookup import required
from bridge.simulator.tenant.invocation import Invocation

_MAX_NAME = 64
_NOT_IN_ALIAS = re.compile(r"[^A-Za-z0-9!#%&'*+/=?^_`{|}~.-]")


def fields_of_new(call: Invocation) -> dict[str, Any]:
    """The fields of a new object from -Name, -DisplayName, -Alias and -PrimarySmtpAddress.

    Raises CmdletError: the name is too long or taken, or the address cannot be had.
    """
    name = required(call, "Name").strip()
    if len(name) > _MAX_NAME:
        raise errors.invalid_value(f"The name '{name}' is longer than {_MAX_NAME} characters.")
    if call.directory.find(name, lambda thing: thing.name.lower() == name.lower()):
        raise errors.name_exists(name)
    address = call.text("PrimarySmtpAddress")
    alias = call.text("Alias") or _NOT_IN_ALIAS.sub("", address.partition("@")[0] or name)
    return {
        "guid": str(uuid.uuid4()),
        "external_id": str(uuid.uuid4()),
        "name": name,
        "display_name": call.text("DisplayName") or name,
        "alias": alias,
        "primary_smtp_address": primary_of_new(call, address or f"{alias}@{call.directory.organization}"),
        "created": call.directory.now.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
