"""WSMan's messages: a request is read, an answer or a fault is written. No input or output here.

Sources: DSP0226 (WS-Management) and MS-WSMV for the elements; the shapes of the answers follow those that Windows
sends, as recorded in pypsrp's test data.
"""

from __future__ import annotations

import re
import uuid
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

from bridge.simulator.front.refusals import schema_violation
from bridge.simulator.wsman_fault import WsmanFault

NAMESPACES = {
    "s": "http://www.w3.org/2003/05/soap-envelope",
    "a": "http://schemas.xmlsoap.org/ws/2004/08/addressing",
    "x": "http://schemas.xmlsoap.org/ws/2004/09/transfer",
    "n": "http://schemas.xmlsoap.org/ws/2004/09/enumeration",
    "w": "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd",
    "p": "http://schemas.microsoft.com/wbem/wsman/1/wsman.xsd",
    "rsp": "http://schemas.microsoft.com/wbem/wsman/1/windows/shell",
    "pwsh": "http://schemas.microsoft.com/powershell",
    "f": "http://schemas.microsoft.com/wbem/wsman/1/wsmanfault",
    "cfg": "http://schemas.microsoft.com/wbem/wsman/1/config",
}
SHELL = NAMESPACES["rsp"]
POWERSHELL = "http://schemas.microsoft.com/powershell/"
_FAULT_ACTION = "http://schemas.dmtf.org/wbem/wsman/1/wsman/fault"
_ANONYMOUS = "http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous"
_DECLARATIONS = " ".join(f"xmlns:{prefix}={quoteattr(uri)}" for prefix, uri in NAMESPACES.items())
_DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:([\d.]+)S)?)?")
_DEFAULT_TIMEOUT = 60.0
_DEFAULT_ENVELOPE = 153_600
_SMALLEST_ENVELOPE = 8_192


@dataclass(frozen=True)
class Request:
    """One request.

    ``action`` is the last part of its URI, ``timeout`` OperationTimeout in seconds, ``max_envelope`` bytes.
    """

    action: str
    action_uri: str
    message_id: str
    resource_uri: str
    to: str
    timeout: float
    max_envelope: int
    session_id: str
    selectors: Mapping[str, str]
    options: Mapping[str, str]
    body: ET.Element

    @property
    def shell_id(self) -> str:
        """The shell that the request is about, also where it is to be made or its commands are to be enumerated."""
        if (selected := self.selectors.get("ShellId")) is not None:
            return selected.upper()
        if (new := self.body.find("rsp:Shell", NAMESPACES)) is not None:
            return new.get("ShellId", "").upper()
        return self.text("n:Enumerate/w:Filter/w:SelectorSet/w:Selector").upper()

    @property
    def command_id(self) -> str:
        """The id of the pipeline that the request is about, upper case; empty where it is about the shell."""
        return next((value.upper() for element in self.body.iter() if (value := element.get("CommandId"))), "")

    def find(self, path: str) -> ET.Element:
        """An element of the body. Raises WsmanFault when the request lacks it."""
        element = self.body.find(path, NAMESPACES)
        if element is None:
            raise schema_violation(f"no element {path}")
        return element

    def text(self, path: str) -> str:
        """The text of an element of the body, or ""."""
        return self.body.findtext(path, "", NAMESPACES) or ""


def parse(raw: bytes) -> Request:
    """Read a request. Raises ValueError when it is not a SOAP envelope with a header and a body."""
    try:
        # The server listens on the loopback for clients of this machine's own user.
        envelope = ET.fromstring(raw)  # noqa: S314
    except ET.ParseError as error:
        raise ValueError(str(error)) from None
    header, body = envelope.find("s:Header", NAMESPACES), envelope.find("s:Body", NAMESPACES)
    if header is None or body is None:
        raise ValueError("not a SOAP envelope")

    def text(path: str) -> str:
        return (header.findtext(path, "", NAMESPACES) or "").strip()

    action = text("a:Action")
    size = text("w:MaxEnvelopeSize")
    return Request(
        action=action.rsplit("/", 1)[-1],
        action_uri=action,
        message_id=text("a:MessageID"),
        resource_uri=text("w:ResourceURI"),
        to=text("a:To"),
        timeout=seconds(text("w:OperationTimeout"), _DEFAULT_TIMEOUT),
        max_envelope=max(_SMALLEST_ENVELOPE, int(size) if size.isdecimal() else _DEFAULT_ENVELOPE),
        session_id=text("p:SessionId"),
        selectors={
            element.get("Name", ""): element.text or ""
            for element in header.findall("w:SelectorSet/w:Selector", NAMESPACES)
        },
        options={
            element.get("Name", ""): element.text or ""
            for element in header.findall("w:OptionSet/w:Option", NAMESPACES)
        },
        body=body,
    )


def answer(request: Request, body: str) -> bytes:
    """The answer to a request, with this body (XML)."""
    return _envelope(request.message_id, request.action_uri + "Response", body)


def fault(message_id: str, error: WsmanFault) -> bytes:
    """The SOAP fault that says this."""
    side = "s:Sender" if error.is_sender else "s:Receiver"
    reason = escape(error.reason)
    return _envelope(
        message_id,
        _FAULT_ACTION,
        f"<s:Fault><s:Code><s:Value>{side}</s:Value><s:Subcode><s:Value>{error.subcode}</s:Value></s:Subcode></s:Code>"
        f'<s:Reason><s:Text xml:lang="en-US">{reason}</s:Text></s:Reason><s:Detail>'
        f'<f:WSManFault Code="{error.code}" Machine="127.0.0.1"><f:Message>{reason}</f:Message></f:WSManFault>'
        "</s:Detail></s:Fault>",
    )


def seconds(text: str, default: float) -> float:
    """An ISO 8601 duration in seconds, or ``default`` where it is none."""
    match = _DURATION.fullmatch(text)
    if match is None or not any(match.groups()):
        return default
    days, hours, minutes, rest = (float(part or 0) for part in match.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + rest


def duration(value: float) -> str:
    """Seconds as WinRM writes them in a shell: ``P0DT0H5M12S``."""
    minutes, rest = divmod(int(value), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    return f"P{days}DT{hours}H{minutes}M{rest}S"


def _envelope(relates_to: str, action: str, body: str) -> bytes:
    return (
        f'<s:Envelope xml:lang="en-US" {_DECLARATIONS}><s:Header><a:Action>{escape(action)}</a:Action>'
        f"<a:MessageID>uuid:{str(uuid.uuid4()).upper()}</a:MessageID><a:To>{_ANONYMOUS}</a:To>"
        f"<a:RelatesTo>{escape(relates_to)}</a:RelatesTo></s:Header><s:Body>{body}</s:Body></s:Envelope>"
    ).encode()
