"""The bodies of the answers, and what is in the bodies of the requests in base64.

Source of what a shell tells about itself: the enumeration of a Windows Server 2019.
"""

from __future__ import annotations

import base64
import binascii
import time
import uuid
from xml.sax.saxutils import escape

from bridge.simulator.front.refusals import schema_violation
from bridge.simulator.front.soap import SHELL, Request, duration
from bridge.simulator.shells.base import Shell

_MAX_IDLE_SECONDS = 2_147_483.647
# What Windows allows since Windows 8, in kB; a client that asks goes by it.
_MAX_ENVELOPE_KB = 500


def decode(text: str) -> bytes:
    """Bytes that came as base64. Raises WsmanFault."""
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise schema_violation(f"content that is not base64 ({error})") from None


def shell(one: Shell) -> str:
    """The element Shell."""
    now, memory = time.monotonic(), one.memory_bytes()
    values = {
        "ShellId": one.id,
        "Name": one.name,
        "ResourceUri": one.resource_uri,
        "Owner": one.owner,
        "ClientIP": "127.0.0.1",
        "ProcessId": str(one.process_id),
        "IdleTimeOut": f"PT{one.idle_timeout:.3f}S",
        "InputStreams": "stdin pr",
        "OutputStreams": "stdout",
        "MaxIdleTimeOut": f"PT{_MAX_IDLE_SECONDS:.3f}S",
        "Locale": "en-US",
        "DataLocale": "en-US",
        "CompressionMode": "NoCompression",
        "ProfileLoaded": "Yes",
        "Encoding": "UTF8",
        "BufferMode": "Block",
        "State": "Connected" if one.connected else "Disconnected",
        "ShellRunTime": duration(now - one.born),
        "ShellInactivity": duration(now - one.used),
        "MemoryUsed": f"{memory // 2**20}MB" if memory is not None else "",
    }
    # What is not known has no element, nor has the name of a shell without one.
    elements = "".join(f"<rsp:{name}>{escape(value)}</rsp:{name}>" for name, value in values.items() if value)
    return f"<rsp:Shell>{elements}</rsp:Shell>"


def created(request: Request, one: Shell) -> str:
    """The answer to Create."""
    return (
        f"<x:ResourceCreated><a:Address>{escape(request.to)}</a:Address><a:ReferenceParameters>"
        f"<w:ResourceURI>{escape(request.resource_uri)}</w:ResourceURI><w:SelectorSet>"
        f'<w:Selector Name="ShellId">{one.id}</w:Selector></w:SelectorSet></a:ReferenceParameters>'
        f"</x:ResourceCreated>{shell(one)}"
    )


def received(command_id: uuid.UUID | None, chunks: list[bytes], *, is_last: bool) -> str:
    """The answer to Receive; without ``command_id`` for the pool."""
    command = f' CommandId="{str(command_id).upper()}"' if command_id is not None else ""
    stream = f'<rsp:Stream Name="stdout"{command}'
    body = f"{stream}>{base64.b64encode(b''.join(chunks)).decode()}</rsp:Stream>" if chunks else ""
    if command:
        if is_last:
            body += f'{stream} End="true"></rsp:Stream>'
        state = "Done" if is_last else "Running"
        body += f'<rsp:CommandState{command} State="{SHELL}/CommandState/{state}"/>'
    return f"<rsp:ReceiveResponse>{body}</rsp:ReceiveResponse>"


def connected(content: bytes) -> str:
    """The answer to a Connect to a shell."""
    text = base64.b64encode(content).decode()
    return (
        "<rsp:ConnectResponse><rsp:InputStreams>stdin pr</rsp:InputStreams>"
        "<rsp:OutputStreams>stdout</rsp:OutputStreams>"
        f"<pwsh:connectResponseXml>{text}</pwsh:connectResponseXml></rsp:ConnectResponse>"
    )


def command(shell_id: str, command_id: uuid.UUID, *, is_running: bool) -> str:
    """The element Command of an enumeration."""
    return (
        f"<rsp:Command><rsp:ShellId>{shell_id}</rsp:ShellId><rsp:CommandId>{str(command_id).upper()}</rsp:CommandId>"
        f"<rsp:State>{'Running' if is_running else 'Done'}</rsp:State></rsp:Command>"
    )


def enumerated(items: list[str]) -> str:
    """The answer to Enumerate, with all items at once."""
    return (
        f"<n:EnumerateResponse><n:EnumerationContext/><w:Items>{''.join(items)}</w:Items><w:EndOfSequence/>"
        "</n:EnumerateResponse>"
    )


def configuration() -> str:
    """The answer to Get of the service's configuration."""
    return f"<cfg:Config><cfg:MaxEnvelopeSizekb>{_MAX_ENVELOPE_KB}</cfg:MaxEnvelopeSizekb></cfg:Config>"
