"""The little of PSRP's outer form that is read without understanding a message: fragments and message heads.

Source: Microsoft's protocol document MS-PSRP, sections 2.2.4 (fragments) and 2.2.1 (messages).
"""

from __future__ import annotations

import struct
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

SESSION_CAPABILITY = 0x00010002
RUNSPACEPOOL_STATE = 0x00021005
APPLICATION_PRIVATE_DATA = 0x00021009
RUNSPACEPOOL_INIT_DATA = 0x0002100B
PIPELINE_STATE = 0x00041006

# Object id, fragment id, flags (1 start, 2 end) and length of the blob; big-endian.
_FRAGMENT = struct.Struct(">QQBI")
_END = 2
# Destination and type; little-endian. The ids of pool and pipeline follow.
_MESSAGE = struct.Struct("<II")
_CLIENT = 1


@dataclass(frozen=True)
class Fragment:
    """One fragment: the whole of it, its blob, and whether it is the last of its message."""

    whole: bytes
    blob: bytes
    is_last: bool


def fragments(data: bytes) -> Iterator[Fragment]:
    """The fragments that ``data`` consists of. Raises ValueError when it ends within one."""
    start = 0
    while start < len(data):
        if len(data) < start + _FRAGMENT.size:
            raise ValueError("the data ends within the head of a fragment")
        _, _, flags, length = _FRAGMENT.unpack_from(data, start)
        end = start + _FRAGMENT.size + length
        if len(data) < end:
            raise ValueError("the data ends within a fragment")
        yield Fragment(data[start:end], data[start + _FRAGMENT.size : end], bool(flags & _END))
        start = end


def message_type(blob: bytes) -> int:
    """The type of the message that begins with ``blob``; 0 when that is too short to hold one."""
    return int(_MESSAGE.unpack_from(blob)[1]) if len(blob) >= _MESSAGE.size else 0


def message_to_client(kind: int, pool_id: uuid.UUID, content: str) -> bytes:
    """A message of a pool for its client, in one fragment."""
    body = _MESSAGE.pack(_CLIENT, kind) + pool_id.bytes_le + bytes(16) + content.encode("utf-8")
    return _FRAGMENT.pack(1, 0, 3, len(body)) + body
