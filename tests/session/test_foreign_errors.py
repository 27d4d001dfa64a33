"""What pypsrp and the libraries below it raise: every class of it becomes an error of the catalogue."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import Any

import pypsrp.exceptions
import pytest
import requests
import spnego.exceptions
import urllib3.exceptions
from pydantic import SecretStr
from pypsrp.complex_objects import PSInvocationState, RunspacePoolState

from bridge.catalogue import catalogue
from bridge.errors import AgentError
from bridge.session.wsman import translated
from bridge.settings import AgentSettings

AGENT = AgentSettings(host="agent.example", user="somebody", password=SecretStr("x"))
PYPSRP: dict[str, tuple[tuple[Any, ...], str]] = {
    "WinRMError": (("Received related id does not match",), "agent-protocol"),
    "AuthenticationError": (("Failed to authenticate the user",), "agent-logon-refused"),
    "WinRMTransportError": (("http", 503, ""), "agent-protocol"),
    "WSManFaultError": ((2150858843, "", "gone", "", "", ""), "runspace-lost"),
    "InvalidRunspacePoolStateError": ((RunspacePoolState.CLOSED, RunspacePoolState.OPENED, "x"), "runspace-lost"),
    "InvalidPipelineStateError": ((PSInvocationState.FAILED, PSInvocationState.RUNNING, "x"), "runspace-lost"),
    "InvalidPSRPOperation": (("Timeout while waiting for key exchange",), "agent-protocol"),
    "FragmentError": (("x",), "agent-protocol"),
    "SerializationError": (("x",), "agent-protocol"),
}
REQUESTS = {
    "ConnectTimeout": "agent-unreachable",
    "ConnectionError": "runspace-lost",
    "ProxyError": "agent-unreachable",
    "ReadTimeout": "agent-timeout",
    # Where the certificate is what was wrong, it says so within; see test_logon.py.
    "SSLError": "runspace-lost",
    "Timeout": "agent-timeout",
    "RetryError": "agent-protocol",
}


def classes(module: Any, root: type[Exception]) -> dict[str, type[Exception]]:
    """The public exceptions of a module that come from ``root``."""
    public = {name: kind for name, kind in vars(module).items() if not name.startswith("_") and isinstance(kind, type)}
    return {name: kind for name, kind in public.items() if issubclass(kind, root)}


def raised(error: Exception) -> AgentError:
    """What is made of an exception."""
    with pytest.raises(AgentError) as info, translated(AGENT, maybe_sent=True):
        raise error
    assert info.value.code in catalogue()
    assert info.value.maybe_sent
    return info.value


@pytest.mark.parametrize("name", classes(pypsrp.exceptions, pypsrp.exceptions.WinRMError))
def test_pypsrp(name: str) -> None:
    """Each of pypsrp's own exceptions has its code; a new one of a later version is missing in the table."""
    arguments, code = PYPSRP[name]
    error = classes(pypsrp.exceptions, Exception)[name](*arguments)
    assert raised(error).code == code


def test_pypsrp_has_no_other_exceptions() -> None:
    """All of them come from one class."""
    assert classes(pypsrp.exceptions, Exception) == classes(pypsrp.exceptions, pypsrp.exceptions.WinRMError)


@pytest.mark.parametrize("name", classes(requests.exceptions, requests.RequestException))
def test_requests(name: str) -> None:
    """Each of requests' exceptions has a code; those of the network have one of their own."""
    kind = classes(requests.exceptions, requests.RequestException)[name]
    error = kind("x", "doc", 0) if issubclass(kind, requests.exceptions.JSONDecodeError) else kind("x")
    codes = [REQUESTS[one.__name__] for one in kind.__mro__ if one.__name__ in REQUESTS]
    assert raised(error).code == (codes[0] if codes else "agent-protocol")


@pytest.mark.parametrize("name", classes(spnego.exceptions, spnego.exceptions.SpnegoError))
def test_spnego(name: str) -> None:
    """Each of the log-on library's exceptions is a log-on that could not be done."""
    kind = classes(spnego.exceptions, spnego.exceptions.SpnegoError)[name]
    error = kind(spnego.exceptions.ErrorCode.failure) if kind is spnego.exceptions.SpnegoError else kind()
    assert raised(error).code == "agent-logon-refused"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ET.ParseError("cut"), "agent-protocol"),
        (urllib3.exceptions.ProtocolError("broken"), "agent-protocol"),
        (urllib3.exceptions.DecodeError("broken"), "agent-protocol"),
        (UnicodeEncodeError("latin-1", "\u20ac", 0, 1, "x"), "agent-logon-refused"),
        (ImportError("no krb5"), "agent-logon-refused"),
        (FileNotFoundError("ca.pem"), "agent-tls"),
        (ValueError("x"), "agent-protocol"),
        (pypsrp.exceptions.WSManFaultError(None, "", "", "", "", ""), "agent-protocol"),
        (pypsrp.exceptions.WSManFaultError(1234567, "", "new", "", "", ""), "agent"),
        (pypsrp.exceptions.WinRMTransportError("http", 413, ""), "agent-request-too-large"),
    ],
)
def test_others(error: Exception, code: str) -> None:
    """What comes from the libraries below, and answers that are no WSMan."""
    assert raised(error).code == code


def test_a_message_that_is_no_xml() -> None:
    """Of such a message pypsrp asks the type of a text; any other missing attribute is a mistake, and stays one."""
    text: Any = "<Obj"
    with pytest.raises(AgentError) as told, translated(AGENT, maybe_sent=True):
        text.MESSAGE_TYPE  # noqa: B018 - what pypsrp does
    assert told.value.code == "agent-protocol"
    with pytest.raises(AttributeError), translated(AGENT, maybe_sent=True):
        text.something_else  # noqa: B018 - a mistake of our own
