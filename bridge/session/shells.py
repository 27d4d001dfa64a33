"""The shells on the agent: which there are, what runs in them, and the end of one by its id.

Rules: nothing here connects to a shell, so all of it can be asked while another client uses it. What a shell tells of
itself is an enumeration's (MS-WSMV, and as a Windows Server 2019 answered); what it leaves out is None or "".
"""

from __future__ import annotations

import contextlib
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pypsrp.exceptions import WSManFaultError
from pypsrp.wsman import NAMESPACES, SelectorSet

from bridge.errors import RunspaceBusy
from bridge.model import Listener
from bridge.session.wsman import RESOURCE_URI, ObservedWSMan, nobody, translated

if TYPE_CHECKING:
    from bridge.session.wire_trace import WireTrace
    from bridge.settings import AgentSettings, Settings

_SHELL_URI = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell"
_ENUMERATION = "http://schemas.xmlsoap.org/ws/2004/09/enumeration"
_WSMAN = "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"
_SELECTOR_FILTER = "http://schemas.dmtf.org/wbem/wsman/1/wsman/SelectorFilter"


@dataclass(frozen=True)
class CommandInfo:
    """A pipeline in a shell: its id, which is that of the call, and ``Running`` or ``Done`` (not closed yet)."""

    id: str
    state: str


@dataclass(frozen=True)
class RunspaceInfo:
    """A shell on the agent, as its enumeration tells.

    ``state`` is ``Connected`` or ``Disconnected``, the times are seconds, and ``mine`` says whether it is the one that
    the settings name: this name, this endpoint, this account. ``abandoned`` says that the agent believes a client
    connected which was silent for longer than [agent] abandoned_after. ``memory_bytes`` is None where the agent does
    not tell it, ``commands`` where it was not asked or did not tell.
    """

    shell_id: str
    name: str
    state: str
    owner: str
    client_ip: str
    resource_uri: str
    process_id: int
    run_seconds: float
    idle_seconds: float
    memory_bytes: int | None
    mine: bool
    abandoned: bool
    commands: tuple[CommandInfo, ...] | None = None

    @property
    def in_use(self) -> bool:
        """Whether a client that lives is connected to it."""
        return self.state == "Connected" and not self.abandoned


def enumerate_shells(wsman: ObservedWSMan) -> list[RunspaceInfo]:
    """All shells that the agent shows this account. Raises AgentError."""
    with translated(wsman.agent, maybe_sent=False):
        body = wsman.enumerate(_SHELL_URI, _enumerate_body())
    return [_info(element, wsman.agent) for element in body.iter(f"{{{NAMESPACES['rsp']}}}Shell")]


def enumerate_commands(wsman: ObservedWSMan, shell_id: str) -> tuple[CommandInfo, ...] | None:
    """The pipelines of a shell that were not closed, also of one that another client uses; None where not told.

    Raises AgentError when the agent cannot be asked at all. Source: MS-WSMV, the selector filter as .NET's
    GetRunspacePools sends it.
    """
    body = _enumerate_body()
    ET.SubElement(body, f"{{{_WSMAN}}}Filter", Dialect=_SELECTOR_FILTER).append(_selectors(shell_id).pack())
    with translated(wsman.agent, maybe_sent=False):
        try:
            answer = wsman.enumerate(f"{_SHELL_URI}/Command", body)
        except WSManFaultError as error:
            wsman.listener("commands not told", shell=shell_id, fault=error.code)
            return None
    return tuple(
        CommandInfo(
            id=(element.findtext("rsp:CommandId", "", NAMESPACES) or "").upper(),
            # A state is a word or, as elsewhere in MS-WSMV, the end of a URI.
            state=(element.findtext("rsp:State", "", NAMESPACES) or "").rsplit("/", 1)[-1],
        )
        for element in answer.iter(f"{{{NAMESPACES['rsp']}}}Command")
    )


def delete_shell(wsman: ObservedWSMan, shell_id: str) -> None:
    """End a shell of the endpoint that the settings name, whoever is connected to it. Raises AgentError."""
    with translated(wsman.agent, maybe_sent=False):
        wsman.delete(RESOURCE_URI + wsman.agent.configuration_name, selector_set=_selectors(shell_id))


def disconnect_shell(wsman: ObservedWSMan, shell_id: str, session_id: str) -> None:
    """Disconnect a shell in the name of the client that has it, by its WSMan session, so that another one may connect.

    For a client that is known to be dead: the agent would believe it connected for some time. Raises AgentError.
    """
    own, wsman.session_id = wsman.session_id, session_id
    try:
        with translated(wsman.agent, maybe_sent=False):
            wsman.disconnect(
                RESOURCE_URI + wsman.agent.configuration_name,
                ET.Element(f"{{{NAMESPACES['rsp']}}}Disconnect"),
                selector_set=_selectors(shell_id),
            )
    finally:
        wsman.session_id = own


def _selectors(shell_id: str) -> SelectorSet:
    selectors = SelectorSet()
    selectors.add_option("ShellId", shell_id)
    return selectors


def _enumerate_body() -> ET.Element:
    """All in one answer: OptimizeEnumeration, and more elements than there can be shells."""
    body = ET.Element(f"{{{_ENUMERATION}}}Enumerate")
    ET.SubElement(body, f"{{{_WSMAN}}}OptimizeEnumeration")
    ET.SubElement(body, f"{{{_WSMAN}}}MaxElements").text = "32000"
    return body


def _info(element: ET.Element, agent: AgentSettings) -> RunspaceInfo:
    def text(name: str) -> str:
        return element.findtext(f"rsp:{name}", "", NAMESPACES) or ""

    owner, state, idle_seconds = text("Owner"), text("State"), _seconds(text("ShellInactivity"))
    return RunspaceInfo(
        shell_id=text("ShellId").upper(),
        name=text("Name"),
        state=state,
        owner=owner,
        client_ip=text("ClientIP"),
        resource_uri=text("ResourceUri"),
        process_id=int(text("ProcessId") or 0),
        run_seconds=_seconds(text("ShellRunTime")),
        idle_seconds=idle_seconds,
        memory_bytes=_bytes(text("MemoryUsed")),
        mine=text("Name") == agent.runspace_name
        and text("ResourceUri").lower() == (RESOURCE_URI + agent.configuration_name).lower()
        and _same_account(owner, agent.user),
        abandoned=state == "Connected" and idle_seconds > agent.abandoned_after,
    )


def _same_account(owner: str, user: str) -> bool:
    r"""Whether DOMAIN\user, user@domain and user mean the same account; without a user (Kerberos' cache) any does."""

    def parts(name: str) -> tuple[str, str]:
        domain, backslash, plain = name.lower().rpartition("\\")
        if backslash:
            return domain, plain
        plain, _, domain = name.lower().partition("@")
        return domain, plain

    (owner_domain, owner_name), (domain, name) = parts(owner), parts(user)
    if not name:
        return True
    # A user principal name's domain and the NetBIOS name are different words for the same; an account that is not the
    # owner is refused by the agent at the connect anyway.
    return owner_name == name and (not domain or not owner_domain or "@" in user or owner_domain == domain)


def _seconds(text: str) -> float:
    """An ISO 8601 duration as WinRM writes it, ``P0DT0H5M12S``."""
    match = re.fullmatch(r"P(?:(\d+)D)?T?(?:(\d+)H)?(?:(\d+)M)?(?:([\d.]+)S)?", text)
    if match is None:
        return 0.0
    days, hours, minutes, seconds = (float(part or 0) for part in match.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds


def _bytes(text: str) -> int | None:
    """An amount of memory as WinRM writes it, ``75MB``; None where it writes none."""
    match = re.fullmatch(r"(\d+) ?([KMG]?)B?", text)
    return int(match[1]) * 1024 ** " KMG".index(match[2] or " ") if match else None


def runspaces(
    settings: Settings,
    *,
    listener: Listener | None = None,
    with_commands: bool = False,
    trace: WireTrace | None = None,
) -> list[RunspaceInfo]:
    """All shells that the agent shows this account, ours marked; what runs in them is one more question for each.

    Raises AgentError.
    """
    with _agent(settings, listener, trace) as wsman:
        found = enumerate_shells(wsman)
        if with_commands:
            found = [replace(info, commands=enumerate_commands(wsman, info.shell_id)) for info in found]
        return found


def delete_runspace(
    settings: Settings, shell_id: str, *, listener: Listener | None = None, trace: WireTrace | None = None
) -> bool:
    """End one of our shells that no living client is connected to; False when there is none of ours with this id.

    It is looked at once more before: a shell of another owner, name or endpoint is never ended. Raises RunspaceBusy
    while a client uses it, and AgentError.
    """
    with _agent(settings, listener, trace) as wsman:
        for info in enumerate_shells(wsman):
            if not info.mine or info.shell_id != shell_id.upper():
                continue
            if info.in_use:
                raise RunspaceBusy(f"The shell {info.shell_id} is in use by another client.")
            delete_shell(wsman, info.shell_id)
            wsman.listener("runspace closed", shell=info.shell_id, state=info.state, idle=round(info.idle_seconds))
            return True
    return False


@contextlib.contextmanager
def _agent(settings: Settings, listener: Listener | None, trace: WireTrace | None) -> Iterator[ObservedWSMan]:
    """A connection to the agent for a few questions."""
    with translated(settings.agent, maybe_sent=False):
        wsman = ObservedWSMan(settings.agent, listener or nobody, trace)
    try:
        yield wsman
    finally:
        wsman.close()
