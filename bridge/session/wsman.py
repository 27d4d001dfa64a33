"""The connection to the agent: pypsrp's WSMan made from the settings, and errors told as ours.

Rules: pypsrp prints the whole conversation, parameters included, at level DEBUG; its loggers stay at WARNING whatever
the verbosity. Faults are told apart by their code. Source: pypsrp 0.9.1 as measured for what it raises: its own
WinRMError, requests' exceptions, ElementTree's ParseError, and ValueError or OSError.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests
import spnego.exceptions
import urllib3.exceptions
from pypsrp.exceptions import (
    AuthenticationError,
    InvalidPipelineStateError,
    InvalidRunspacePoolStateError,
    SerializationError,
    WinRMError,
    WinRMTransportError,
    WSManFaultError,
)
from pypsrp.wsman import NAMESPACES, WSMan, WSManAction

from bridge import errors
from bridge.model import Listener
from bridge.patience import Deadline
from bridge.session.connections import close_connections, has_dropped
from bridge.session.interruptible import interruptible
from bridge.session.logon import logon_error
from bridge.session.message_encryption import RefusedInPlainText, believe_what_is_encrypted
from bridge.session.tls import set_trust, tls_error
from bridge.settings import is_loopback
from bridge.wsman_faults import ABORTED, FAULTS, SHELL_NOT_FOUND, TIMED_OUT

if TYPE_CHECKING:
    from bridge.session.wire_trace import WireTrace
    from bridge.settings import AgentSettings

logging.getLogger("pypsrp").setLevel(logging.WARNING)

_LAST_WORD = 1.0
"""Seconds that an exchange has at least, also when the deadline has passed: to stop what runs, to let go of a shell."""

RESOURCE_URI = "http://schemas.microsoft.com/powershell/"

# What a pipeline is started and fed with.
_CHANGING = (WSManAction.COMMAND, WSManAction.SEND)

_FOREIGN = (
    WinRMError,
    requests.RequestException,
    urllib3.exceptions.HTTPError,
    spnego.exceptions.SpnegoError,
    ET.ParseError,
    OSError,
    ValueError,
    ImportError,
)


class ObservedWSMan(WSMan):
    """pypsrp's WSMan that tells a listener of each exchange with the agent: its action and its time, no content.

    ``trace`` gets the content, where somebody asked for that. No answer is waited for beyond ``limit``.
    """

    def __init__(self, agent: AgentSettings, listener: Listener, trace: WireTrace | None = None) -> None:
        loopback = is_loopback(agent.host)
        super().__init__(
            agent.host,
            port=agent.effective_port,
            username=agent.user or None,
            password=agent.password.get_secret_value() or None,
            ssl=agent.tls,
            auth=agent.auth,
            # pypsrp's type is narrower than what it takes: the path of a CA file too.
            cert_validation=str(agent.ca_file) if agent.ca_file else True,  # type: ignore[arg-type]
            encryption="never" if agent.auth in ("basic", "certificate") else agent.encryption,
            connection_timeout=agent.connect_timeout,
            operation_timeout=agent.operation_timeout,
            read_timeout=agent.read_timeout,
            no_proxy=loopback,
            certificate_pem=_text(agent.certificate_file),
            certificate_key_pem=_text(agent.certificate_key_file),
            negotiate_send_cbt=agent.channel_binding,
            # Versions below 5 can be listened to in the middle (CVE-2018-0886).
            credssp_minimum_version=5,
        )
        set_trust(self, agent)
        self.agent = agent
        self.listener = listener
        self.limit = Deadline()
        if self.transport.wrap_required:
            believe_what_is_encrypted(self.transport)
        if trace is not None:
            self.transport.send = trace.around(self.transport.send)  # type: ignore[method-assign]  # of this one alone

    def invoke(self, action: str, *arguments: Any, **options: Any) -> ET.Element:
        """One exchange; see pypsrp.

        With message encryption, an agent that closed the connection in between cannot read what was encrypted for it,
        and answers 400. It is then said again on a new connection, but for what makes a change: that the agent did
        nothing nobody can prove.
        """
        if not self.transport.wrap_required:
            return self._exchange(action, *arguments, **options)
        if has_dropped(self.transport):
            self._renew(action)
        try:
            return self._exchange(action, *arguments, **options)
        except WinRMTransportError as error:
            if error.code != HTTPStatus.BAD_REQUEST:
                raise
            self._renew(action)
            if action in _CHANGING:
                raise
            return self._exchange(action, *arguments, **options)

    def _renew(self, action: str) -> None:
        self.listener("connection renewed", wsman=action.rsplit("/", 1)[-1])
        self.reset()

    def receive(self, resource_uri: str, resource: ET.Element, *arguments: Any, **options: Any) -> ET.Element:
        """Wait for output. Silence is answered by one more request, not by pypsrp's five, which take five minutes."""
        retries = 0 if self.limit.remaining(self.agent.read_timeout) < self.agent.read_timeout else 1
        answer = self.invoke(
            WSManAction.RECEIVE, resource_uri, resource, *arguments, retries_on_read_timeout=retries, **options
        )
        body = answer.find("s:Body", NAMESPACES)
        if body is None:
            raise WinRMError("The answer to Receive has no body.")
        return body

    def _exchange(self, action: str, *arguments: Any, **options: Any) -> ET.Element:
        # pypsrp hands both to requests, which takes fractions too.
        self.transport.connection_timeout = self._seconds(self.agent.connect_timeout)  # type: ignore[assignment]
        self.transport.read_timeout = self._seconds(self.agent.read_timeout)  # type: ignore[assignment]
        start = time.monotonic()
        answer = "failed"
        try:
            element: ET.Element = interruptible(functools.partial(super().invoke, action, *arguments, **options))
            answer = "ok"
        except WSManFaultError as error:
            answer = f"fault {error.code}"
            raise
        except AuthenticationError as error:
            if self.transport.encryption is None:
                raise
            raise RefusedInPlainText(str(error)) from error
        finally:
            self.listener(
                "round trip",
                wsman=action.rsplit("/", 1)[-1],
                answer=answer,
                seconds=round(time.monotonic() - start, 4),
            )
        return element

    def _seconds(self, most: int) -> float:
        """How long an exchange may wait now, with a moment for the last word on what the deadline ended."""
        return max(_LAST_WORD, min(most, self.limit.remaining(most) + _LAST_WORD))

    def close(self) -> None:
        """End the connections."""
        close_connections(self.transport)
        super().close()

    def reset(self) -> None:
        """Log on anew at the next exchange.

        After a broken connection pypsrp keeps the keys of the old one and can say nothing more (measured with message
        encryption); it has no public way to let go of them.
        """
        transport = self.transport
        close_connections(transport)
        transport.close()
        transport.session = None
        transport.encryption = None


@contextlib.contextmanager
def translated(agent: AgentSettings, *, maybe_sent: bool, starting: bool = False) -> Iterator[None]:
    """Raise what pypsrp raises as an AgentError.

    ``maybe_sent`` says whether what is under way may have reached the agent. With ``starting`` it is only now being
    sent, and an exception that proves that it did not arrive, or was refused, makes it False. Later on nothing proves
    that any more: a log-on that is refused while the output is waited for says nothing about the work.
    """
    try:
        yield
    except errors.BridgeError:
        raise
    except _FOREIGN as error:
        sent = maybe_sent and not (starting and _proves_unsent(error))
        raise agent_error(error, agent, maybe_sent=sent) from error
    except AttributeError as error:
        # A message that is no XML stays a string in pypsrp, which has no type (measured).
        if error.name != "MESSAGE_TYPE":
            raise
        raise agent_error(error, agent, maybe_sent=maybe_sent) from error


def _proves_unsent(error: Exception) -> bool:
    """Whether a request that failed so was not carried out: not written, not delivered, or refused by the agent."""
    if isinstance(error, WSManFaultError):
        return isinstance(error.code, int) and error.code not in (TIMED_OUT, ABORTED)
    if isinstance(error, RefusedInPlainText):
        return False
    if isinstance(error, SerializationError | AuthenticationError | UnicodeEncodeError | ImportError):
        return True
    return isinstance(error, requests.ConnectionError) and _never_connected(error)


def is_not_found(error: errors.AgentError) -> bool:
    """Whether the agent said that there is no such shell, or no such pipeline in it."""
    cause = error.__cause__
    return isinstance(cause, WSManFaultError) and cause.code == SHELL_NOT_FOUND


def agent_error(error: Exception, agent: AgentSettings, *, maybe_sent: bool) -> errors.AgentError:
    """An exception of pypsrp, requests or what lies below, as ours."""
    where = f"{agent.host}:{agent.effective_port}"
    if isinstance(error, WSManFaultError):
        return _fault(error, where, maybe_sent=maybe_sent)
    if refused := logon_error(error, agent):
        refused.maybe_sent = maybe_sent
        return refused
    if isinstance(error, InvalidRunspacePoolStateError | InvalidPipelineStateError):
        return errors.RunspaceLost(f"The runspace on {where} has ended: {error}.", maybe_sent=maybe_sent)
    if isinstance(error, WinRMTransportError):
        if error.code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            return errors.RequestTooLarge(f"{where} does not take so large a request.", maybe_sent=maybe_sent)
        return errors.ProtocolError(
            f"{where} answered with the HTTP status {error.code} and no WSMan message.", maybe_sent=maybe_sent
        )
    if isinstance(error, requests.exceptions.SSLError):
        return tls_error(_chain(error), agent, maybe_sent=maybe_sent)
    if isinstance(error, requests.Timeout) and not isinstance(error, requests.ConnectTimeout):
        return errors.AgentTimeout(f"{where} did not answer in time.", maybe_sent=maybe_sent)
    if isinstance(error, requests.ConnectionError):
        if _never_connected(error) or isinstance(error, requests.exceptions.ProxyError):
            return errors.AgentUnreachable(
                f"There is no connection to {where}: {_innermost(error)}.", maybe_sent=maybe_sent
            )
        return errors.RunspaceLost(f"The connection to {where} broke: {_innermost(error)}.", maybe_sent=maybe_sent)
    if isinstance(error, OSError) and not isinstance(error, requests.RequestException):
        return errors.AgentTlsError(
            f"TLS with {where} could not be prepared: {error}.",
            maybe_sent=maybe_sent,
            remedy="Look at [agent] ca_file, certificate_file and certificate_key_file: they are to be there, and "
            "readable by this account.",
        )
    return errors.ProtocolError(
        f"The answer of {where} cannot be understood ({type(error).__name__}: {error}).", maybe_sent=maybe_sent
    )


def _text(path: Path | None) -> str | None:
    return str(path) if path else None


def _fault(error: WSManFaultError, where: str, *, maybe_sent: bool) -> errors.AgentError:
    if not isinstance(error.code, int):
        return errors.ProtocolError(f"{where} answered with an error that is not WSMan's.", maybe_sent=maybe_sent)
    kind = FAULTS.get(error.code, errors.AgentError)
    reason = " ".join((error.reason or "no reason given").split()).rstrip(".")
    return kind(f"The agent {where} answered with fault {error.code}: {reason}.", maybe_sent=maybe_sent)


def _never_connected(error: BaseException) -> bool:
    """Whether the connection was not even made, so that nothing was sent."""
    if isinstance(error, requests.ConnectTimeout):
        return True
    return any(
        isinstance(one, urllib3.exceptions.NewConnectionError | urllib3.exceptions.NameResolutionError)
        for one in _chain(error)
    )


def _innermost(error: BaseException) -> str:
    """The operating system's word for it, which is the last cause that says anything."""
    said = [text for one in _chain(error) if (text := str(one)) and "object at 0x" not in text]
    return said[-1].rstrip(".") if said else type(error).__name__


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An exception and what it holds or was raised from, the outermost first."""
    seen: set[int] = set()
    queue: list[Any] = [error]
    while queue:
        one = queue.pop(0)
        if isinstance(one, BaseException) and id(one) not in seen:
            seen.add(id(one))
            yield one
            queue += [*one.args, getattr(one, "reason", None), one.__cause__, one.__context__]


def nobody(_event: str, /, **_facts: Any) -> None:
    """The listener where nobody listens."""
