"""What an error record of the remote pipeline says, as plain facts.

Rules: nothing that could name the kind of the error is dropped, whether we know that kind or not. What tells kinds
apart is taken from where nobody translates: types, ids, and the HTTP status in a message of a Get-EXO* cmdlet. Sources:
the REST module's own messages (``<string id>|<type>|<text>``, observed with module 3.x), its record ids
(``[Server=..,RequestId=..,TimeStamp=..]``), and System.Management.Automation.ErrorCategory.
"""

from __future__ import annotations

import re
from typing import Any

from pypsrp.complex_objects import GenericComplexObject

from bridge.model import RemoteError

_EXCHANGE_MESSAGE = re.compile(r"^(?P<id>[^|\s]*)\|(?P<type>[\w.+`]+)\|(?P<text>.*)$", re.DOTALL)
# A Get-EXO* cmdlet puts Exchange's answer into its message as it came, in JSON.
_REST_STATUS = re.compile(r"\bHttpStatusCode=(?P<status>\d{3})\b")
_REST_DETAIL = re.compile(r'"message"\s*:\s*"(?P<id>[^|\s"]*)\|(?P<type>[\w.+`]+)\|(?P<text>(?:[^"\\]|\\.)*)"')
_REQUEST_ID = re.compile(r"\bRequestId=(?P<id>[0-9A-Fa-f-]+)")
_CATEGORIES = (
    *("NotSpecified", "OpenError", "CloseError", "DeviceError", "DeadlockDetected", "InvalidArgument", "InvalidData"),
    *("InvalidOperation", "InvalidResult", "InvalidType", "MetadataError", "NotImplemented", "NotInstalled"),
    *("ObjectNotFound", "OperationStopped", "OperationTimeout", "SyntaxError", "ParserError", "PermissionDenied"),
    *("ResourceBusy", "ResourceExists", "ResourceUnavailable", "ReadError", "WriteError", "FromStdErr"),
    *("SecurityError", "ProtocolError", "ConnectionError", "AuthenticationError", "LimitsExceeded", "QuotaExceeded"),
    "NotEnabled",
)


def remote_error(record: Any) -> RemoteError:
    """The facts of a pypsrp error record. One that pypsrp could not read is a text, which is then the message."""
    if isinstance(record, str):
        return RemoteError(" ".join(record.split()))
    exception = record.exception
    message, types = "", []
    if isinstance(exception, GenericComplexObject):
        properties = {**exception.extended_properties, **exception.adapted_properties}
        message = str(properties.get("Message") or exception.to_string or "")
        types = [str(name).removeprefix("Deserialized.") for name in exception.types]
    return exchange_error(
        message or str(record),
        reason=str(record.reason or ""),
        exception_type=types[0] if types else "",
        error_id=str(record.fq_error or ""),
        activity=str(record.activity or ""),
        target=str(record.target_name or ""),
        category=_category(record.category),
        position=str(record.script_stacktrace or ""),
    )


def exchange_error(
    message: str,
    reason: str,
    exception_type: str,
    error_id: str,
    activity: str,
    target: str,
    category: str = "",
    position: str = "",
) -> RemoteError:
    """The facts of an error, with what its message and its id hold.

    Of an Exchange message the text is what is for people; its type is more than the record's own. ``position`` is the
    record's ScriptStackTrace.
    """
    status = _REST_STATUS.search(message)
    match = _EXCHANGE_MESSAGE.match(message) or _REST_DETAIL.search(message)
    request = _REQUEST_ID.search(error_id)
    return RemoteError(
        message=" ".join((match["text"] if match else message).split()),
        reason=reason,
        exception_type=match["type"] if match else exception_type,
        error_id=error_id,
        activity=activity,
        target=target,
        category=category,
        position="; ".join(line.strip() for line in position.splitlines() if line.strip()),
        request_id=request["id"] if request else "",
        string_id=match["id"] if match else "",
        http_status=int(status["status"]) if status else 0,
    )


def _category(number: Any) -> str:
    """The name of a category, which has only its number in the record; its text is translated."""
    return _CATEGORIES[number] if isinstance(number, int) and 0 <= number < len(_CATEGORIES) else ""
