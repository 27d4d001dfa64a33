"""A small organization, and calls of single cmdlets on it without a connection in between."""

from __future__ import annotations

import dataclasses
import itertools
import uuid
from typing import Any

import pytest

from bridge.simulator.tenant.cmdlets import CMDLETS
from bridge.simulator.tenant.directory import Directory
from bridge.simulator.tenant.invocation import Invocation
from bridge.simulator.tenant.objects import Account, Group
from bridge.simulator.tenant.records import CmdletError

DOMAIN = "contoso.example"


class Organization:
    """Makes objects by short names and calls cmdlets. ``now`` is the directory's clock, in seconds."""

    def __init__(self) -> None:
        self.now = 0.0
        self.directory = Directory("contoso.onmicrosoft.com", lambda: self.now, [DOMAIN])
        self._numbers = itertools.count(1)

    def account(self, name: str, type_: str = "UserMailbox", **more: Any) -> Account:
        """An account ``name@contoso.example``; what is given replaces what follows from its name."""
        address = f"{name}@{DOMAIN}"
        facts: dict[str, Any] = {
            "guid": self._guid(),
            "external_id": self._guid(),
            "name": name,
            "display_name": name.replace(".", " ").title(),
            "type": type_,
            "alias": "" if type_ == "User" else name,
            "primary_smtp_address": "" if type_ == "User" else address,
            "user_principal_name": "" if type_ == "MailContact" else address,
        }
        made = Account(**(facts | more))
        self.directory.add(made)
        return made

    def group(self, name: str, type_: str = "MailUniversalDistributionGroup", **more: Any) -> Group:
        """A group ``name@contoso.example``."""
        facts: dict[str, Any] = {
            "guid": self._guid(),
            "external_id": self._guid(),
            "name": name,
            "display_name": name.title(),
            "type": type_,
            "alias": name,
            "primary_smtp_address": f"{name}@{DOMAIN}",
        }
        made = Group(**(facts | more))
        self.directory.add(made)
        return made

    def _guid(self) -> str:
        return str(uuid.UUID(int=next(self._numbers)))

    def call(self, cmdlet: str, **parameters: Any) -> Invocation:
        """Call one cmdlet."""
        invocation = Invocation(cmdlet, parameters, self.directory)
        CMDLETS[cmdlet](invocation)
        return invocation

    def rows(self, cmdlet: str, **parameters: Any) -> list[dict[str, Any]]:
        """What a cmdlet answers; a warning is a failure here."""
        reply = self.call(cmdlet, **parameters).reply
        assert (reply.warnings, reply.errors) == ([], [])
        return reply.output

    def names(self, cmdlet: str, **parameters: Any) -> list[str]:
        """The names in what a cmdlet answers."""
        return [row["Name"] for row in self.rows(cmdlet, **parameters)]

    def fails(self, cmdlet: str, **parameters: Any) -> CmdletError:
        """The error that ends a call; nothing is different after it."""
        before = [dataclasses.replace(thing) for thing in self.directory.everything()]
        with pytest.raises(CmdletError) as caught:
            self.call(cmdlet, **parameters)
        assert list(self.directory.everything()) == before
        return caught.value

    def current(self, thing: Account | Group) -> Any:
        """The object as it is now."""
        return self.directory.current(thing.guid)
