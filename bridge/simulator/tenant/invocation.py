"""One call of one cmdlet, as its function sees it: what it was given, what it can look at, and where it answers.

Rules: parameters have their documented spelling, and are known to exist and to be granted before a function runs.
Reading goes through ``visible`` (what has spread), changing starts from what ``find`` gives (the truth). A function
raises CmdletError for an error that ends the call, and appends to ``reply`` for everything else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from bridge.simulator.tenant import errors
from bridge.simulator.tenant.directory import Accept, Directory
from bridge.simulator.tenant.objects import DirectoryObject
from bridge.simulator.tenant.records import Reply
from bridge.simulator.tenant.roles import Roles

_Thing = TypeVar("_Thing")
DEFAULT_RESULT_SIZE = 1000
MORE_RESULTS = (
    "There are more results available than are currently displayed. To view them, increase the value for the "
    "ResultSize parameter."
)


@dataclass
class Invocation:
    """``changed`` is set by ``put`` and ``create``: whether anything in the organization is different now."""

    cmdlet: str
    parameters: Mapping[str, Any]
    directory: Directory
    reply: Reply = field(default_factory=Reply)
    changed: bool = False
    roles: Roles = field(default_factory=Roles)

    def text(self, name: str) -> str:
        """A parameter as text; "" where it was not given or is null."""
        value = self.parameters.get(name)
        return "" if value is None else str(value)

    def given(self, name: str) -> bool:
        """Whether the parameter was given at all, null included."""
        return name in self.parameters

    def one(
        self,
        identity: str,
        accept: Accept,
        missing: Callable[[str], Exception] = errors.not_found,
    ) -> DirectoryObject:
        """The one object that an identity means. Raises CmdletError: not there (``missing``), or several."""
        found = self.directory.find(identity, accept)
        if not found:
            raise missing(identity)
        if len(found) > 1:
            raise errors.ambiguous(identity)
        return found[0]

    def create(self, thing: DirectoryObject) -> None:
        """Add a new object: the change is made."""
        self.directory.create(thing)
        self.changed = True

    def put(self, thing: DirectoryObject) -> None:
        """Replace an object: the change is made."""
        self.directory.put(thing)
        self.changed = True

    def allowed(self, things: list[_Thing]) -> list[_Thing]:
        """As many as -ResultSize allows; the warning of the real cmdlets where there are more.

        Raises CmdletError for a size that is neither a number nor Unlimited.
        """
        wanted = self.parameters.get("ResultSize")
        if wanted is None:
            limit = DEFAULT_RESULT_SIZE
        elif str(wanted).lower() == "unlimited":
            return things
        else:
            if not re.fullmatch(r"[0-9]{1,9}", str(wanted)):
                raise errors.invalid_value(f"'{wanted}' is not a valid value for ResultSize.")
            limit = int(str(wanted))
        if len(things) > limit:
            self.reply.warnings.append(MORE_RESULTS)
        return things[:limit]

    def rows(self, rows: list[dict[str, Any]]) -> None:
        """Answer rows, as many as -ResultSize allows."""
        self.reply.output += self.allowed(rows)


Cmdlet = Callable[[Invocation], None]
