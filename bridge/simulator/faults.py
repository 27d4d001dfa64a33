"""Faults that the simulated agent is told to have, so that a client can be seen to survive them.

    ACTION[#N][*TIMES][%PERCENT]=WHAT[:ARGUMENT][@after]

``ACTION`` is a WSMan action (Create, Command, Send, Receive, Signal, Delete, Disconnect, Reconnect, Connect, Enumerate,
Get), or Any. ``#N`` is the N-th request with that action from the start (1 unless given), ``*TIMES`` how many in a row
(``**`` is all that follow). ``%PERCENT`` makes it a matter of chance for each request instead, the same in every run:
``seed=NUMBER``, another SPEC, chooses which chance. ``WHAT`` is one of

    reset           the connection is reset before the work is done
    close           the connection is closed in order, without an answer
    lost            the work is done, then the connection is reset
    hang:SECONDS    nothing happens for that time, then the work is done
    garbage         200 with a page of HTML, as a proxy answers
    truncated       200 with the beginning of an answer
    empty           200 with nothing
    401             the log-on is not accepted any more
    status:CODE     this HTTP status with a page of HTML
    fault:CODE      this WSMan fault
    forged:CODE     this WSMan fault in plain text, also where messages are encrypted: somebody on the way says it
    quota           the fault of an account that has all the shells it may have
    shell-gone      the shell ended before (idle timeout, reboot)
    kill            the shell's PowerShell is killed, then the work is tried

All but ``lost`` happen before the work is done, and with ``@after`` when it is done: ``Command=hang:40@after`` runs the
command and answers late, ``Command=kill@after`` lets it begin.

Examples: ``Receive#2=reset``, ``Command=lost``, ``Receive**=hang:5``, ``Any%5=reset``.
"""

from __future__ import annotations

import random
import re
import threading
from collections.abc import Iterable
from dataclasses import dataclass

ACTIONS = (
    "Create",
    "Command",
    "Send",
    "Receive",
    "Signal",
    "Delete",
    "Disconnect",
    "Reconnect",
    "Connect",
    "Enumerate",
    "Get",
)
ANY = "Any"
_PLAIN = ("reset", "close", "lost", "garbage", "truncated", "empty", "401", "quota", "shell-gone", "kill")
_WITH_NUMBER = ("hang", "status", "fault", "forged")
_SPEC = re.compile(
    r"(?P<action>[A-Za-z]+)(?:#(?P<first>\d+))?(?:\*(?P<times>\d+|\*))?(?:%(?P<percent>\d+(?:\.\d+)?))?"
    r"=(?P<what>[A-Za-z0-9-]+)(?::(?P<argument>[\d.]+))?(?P<after>@after)?"
)
_GRAMMAR = (
    "A fault is ACTION[#N][*TIMES][%PERCENT]=WHAT[:ARGUMENT][@after], such as Receive#2=reset, Command=lost or "
    "Any%5=reset"
)


@dataclass(frozen=True)
class Fault:
    """One fault. ``times`` is None for all that follow; ``percent`` is 0 where it is no matter of chance.

    ``argument`` is seconds for ``hang``, a status for ``status``, a WSMan fault code for ``fault`` and
    ``forged``. ``after`` says
    whether ``@after`` was written.
    """

    action: str
    what: str
    argument: float = 0.0
    first: int = 1
    times: int | None = 1
    percent: float = 0.0
    after: bool = False

    @property
    def is_after(self) -> bool:
        """Whether the work is done first."""
        return self.after or self.what == "lost"

    def __str__(self) -> str:
        """What the wire log calls it."""
        number = f":{self.argument:.12g}" if self.what in _WITH_NUMBER else ""
        return f"{self.what}{number}{'@after' if self.after else ''}"


class FaultPlan:
    """Says for each request which fault it meets. Safe for several threads."""

    def __init__(self, faults: Iterable[Fault] = (), seed: int = 0) -> None:
        self._faults = tuple(faults)
        self._lock = threading.Lock()
        self._seen: dict[int, int] = dict.fromkeys(range(len(self._faults)), 0)
        # Chance must be the same in every run, and keeps no secret.
        self._chance = random.Random(seed)  # noqa: S311

    @classmethod
    def parse(cls, specs: Iterable[str]) -> FaultPlan:
        """Read SPECs. Raises ValueError that says what is wrong with which, and what would be right."""
        faults, seed = [], 0
        for spec in specs:
            if spec.startswith("seed="):
                if not spec[5:].isdecimal():
                    raise ValueError(f"{spec!r}: a seed is a whole number, such as seed=42.")
                seed = int(spec[5:])
            else:
                faults.append(parse_fault(spec))
        return cls(faults, seed)

    def add(self, spec: str) -> None:
        """One more fault, counted from now on. Raises ValueError."""
        fault = parse_fault(spec)
        with self._lock:
            self._seen[len(self._faults)] = 0
            self._faults = (*self._faults, fault)

    def clear(self) -> None:
        """Forget all faults."""
        with self._lock:
            self._faults = ()

    def next(self, action: str) -> Fault | None:
        """The fault of a request with this action, or None."""
        with self._lock:
            met = None
            for number, fault in enumerate(self._faults):
                if fault.action in (action, ANY):
                    self._seen[number] += 1
                    if met is None and self._hits(fault, self._seen[number]):
                        met = fault
            return met

    def _hits(self, fault: Fault, seen: int) -> bool:
        if fault.percent:
            return self._chance.random() * 100 < fault.percent
        return seen >= fault.first and (fault.times is None or seen < fault.first + fault.times)


def parse_fault(spec: str) -> Fault:
    """Read one SPEC. Raises ValueError that says what is wrong and what would be right."""
    match = _SPEC.fullmatch(spec.strip())
    if match is None:
        raise ValueError(f"{spec!r} is no fault. {_GRAMMAR}.")
    names = {name.lower(): name for name in (*ACTIONS, ANY)}
    action = names.get(match["action"].lower())
    if action is None:
        raise ValueError(f"{spec!r}: there is no action {match['action']!r}; there are {', '.join(names.values())}.")
    what, argument = match["what"].lower(), match["argument"]
    if what not in (*_PLAIN, *_WITH_NUMBER):
        raise ValueError(f"{spec!r}: there is no fault {what!r}; there are {', '.join((*_PLAIN, *_WITH_NUMBER))}.")
    if (what in _WITH_NUMBER) != (argument is not None):
        needs = "needs a number after a colon" if what in _WITH_NUMBER else "takes no number"
        raise ValueError(f"{spec!r}: {what} {needs}.")
    try:
        number = float(argument or 0)
    except ValueError:
        raise ValueError(f"{spec!r}: {argument!r} is no number.") from None
    if what == "status" and not 200 <= number <= 599:
        raise ValueError(f"{spec!r}: an HTTP status is between 200 and 599.")
    percent = float(match["percent"] or 0)
    if percent > 100:
        raise ValueError(f"{spec!r}: more than 100 percent.")
    if match["first"] == "0" or match["times"] == "0":
        raise ValueError(f"{spec!r}: requests are counted from 1.")
    times = match["times"]
    return Fault(
        action=action,
        what=what,
        argument=number,
        first=int(match["first"] or 1),
        times=None if times == "*" else int(times or 1),
        percent=percent,
        after=match["after"] is not None,
    )
