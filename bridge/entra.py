"""The access token for a log-on to Exchange Online by app secret: Entra ID's client credentials grant, asked from here.

Rules: the secret goes to the authority of the settings and nowhere else, so a redirect is never followed, and what goes
to this machine itself goes through no proxy. What is sent and what comes back is never logged. An exception of
requests' holds the request, secret included, so ours is not chained to it, and no frame in its traceback has the
secret.

Source: Microsoft, "OAuth 2.0 client credentials flow on the Microsoft identity platform" for the request and its
answers. What an AADSTS number means stands in ``meaning.py``; Get-BridgeToken.ps1 asks from the agent.
"""

from __future__ import annotations

import re
import urllib.parse
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import requests
from pydantic import SecretStr

from bridge.errors import BridgeError, EntraUnreachable, ExchangeLogonRefused
from bridge.meaning import remedy_of_entra

if TYPE_CHECKING:
    from bridge.settings import ExchangeSettings

SCOPE = "https://outlook.office365.com/.default"

_TOKEN = re.compile(r"[!-~]+")
_LONGEST_REASON = 300


@dataclass(frozen=True)
class _Answer:
    """An HTTP answer without what was sent for it; ``fields`` is the JSON object, empty where there is none."""

    status: int
    content_type: str
    fields: dict[str, Any]


def access_token(exchange: ExchangeSettings, *, timeout: float) -> SecretStr:
    """Fetch an access token for Exchange Online with the application's id and client secret.

    ``timeout`` is in seconds, for the connection and again for the answer.

    Raises ExchangeLogonRefused when Entra ID refuses (its AADSTS code is in the message), and EntraUnreachable when
    there is no answer, a passing fault, or an answer that is not Entra ID's.
    """
    result = _token(exchange, timeout)
    if isinstance(result, BridgeError):
        raise result
    return result


def _token(exchange: ExchangeSettings, timeout: float) -> SecretStr | BridgeError:
    """The token, or the error to raise: it is raised where no variable has the secret or the answer."""
    authority = exchange.authority.rstrip("/")
    answer = _ask(authority, exchange, timeout)
    if isinstance(answer, BridgeError):
        return answer
    token = answer.fields.get("access_token")
    if answer.status == HTTPStatus.OK and isinstance(token, str) and _TOKEN.fullmatch(token):
        return SecretStr(token)
    return _refusal(authority, answer, exchange.client_secret.get_secret_value())


def _ask(authority: str, exchange: ExchangeSettings, timeout: float) -> _Answer | BridgeError:
    """Send the request. What requests raises ends here, because it holds the request."""
    tenant = urllib.parse.quote(exchange.tenant_id or exchange.organization, safe="")
    form = {
        "grant_type": "client_credentials",
        "client_id": exchange.app_id,
        "client_secret": exchange.client_secret.get_secret_value(),
        "scope": SCOPE,
    }
    try:
        with requests.Session() as session:
            session.trust_env = not authority.startswith("http:")
            response = session.post(
                f"{authority}/{tenant}/oauth2/v2.0/token",
                data=form,
                headers={"Accept": "application/json"},
                auth=_no_header,
                timeout=timeout,
                allow_redirects=False,
            )
            return _Answer(response.status_code, response.headers.get("Content-Type", ""), _fields(response))
    except requests.Timeout:
        return EntraUnreachable(f"{authority} did not answer within {timeout:g} s.")
    except requests.exceptions.SSLError:
        return EntraUnreachable(
            f"The certificate of {authority} is not accepted.",
            remedy="Where a proxy opens TLS, name its CA in REQUESTS_CA_BUNDLE.",
        )
    except requests.exceptions.ProxyError:
        return EntraUnreachable(f"The proxy on the way to {authority} does not answer or refuses.")
    except (requests.RequestException, OSError) as error:
        return EntraUnreachable(f"There is no connection to {authority} ({type(error).__name__}).")


def _no_header(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """The request as it is. Without an auth of its own, requests adds what a .netrc file has for that host."""
    return request


def _fields(response: requests.Response) -> dict[str, Any]:
    try:
        fields = response.json()
    except (ValueError, RecursionError):
        return {}
    return fields if isinstance(fields, dict) else {}


def _refusal(authority: str, answer: _Answer, secret: str) -> BridgeError:
    """What an answer without a token means."""
    reason = _first_line(str(answer.fields.get("error_description") or answer.fields.get("error") or ""), secret)
    if answer.status in (HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN) and reason:
        return ExchangeLogonRefused(
            f"Entra ID refused the log-on by app secret: {reason}", remedy=remedy_of_entra(reason)
        )
    if answer.status == HTTPStatus.TOO_MANY_REQUESTS or answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return EntraUnreachable(
            f"{authority} answered with the HTTP status {answer.status}.", remedy="Run it again in a few minutes."
        )
    kind = answer.content_type.partition(";")[0].strip()[:60] or "no content type"
    return EntraUnreachable(
        f"{authority} answered, but not as Entra ID does (HTTP status {answer.status}, {kind!r}).",
        remedy="Check [exchange] authority, and that no proxy or log-on page answers in its place.",
    )


def _first_line(text: str, secret: str) -> str:
    """The reason without trace ids, on one line; should it repeat the secret, without that."""
    line = text.partition("\n")[0].strip()
    line = re.sub(r"\s*Trace ID:.*", "", line)
    for form in {secret, urllib.parse.quote(secret, safe=""), urllib.parse.quote_plus(secret)}:
        line = line.replace(form, "********")
    return "".join(character for character in line if character.isprintable())[:_LONGEST_REASON]
