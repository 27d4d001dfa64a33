"""The scripts of ps_scripts/session that get something ready for the log-on, in Python."""

from __future__ import annotations

import base64
import re
import urllib.parse
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from psrpcore.types import PSSecureString

from bridge.simulator.contract.run import Run

if TYPE_CHECKING:
    import requests

_SCOPE = "https://outlook.office365.com/.default"
_SECONDS = 30
_SAFE_AUTHORITY = re.compile(
    r"https://[^/]|http://(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?(/|\Z)", re.IGNORECASE | re.ASCII
)


def import_certificate(run: Run) -> None:
    """session/Import-BridgeCertificate.ps1."""
    # A simulator that opens no PFX does without this library's second of loading.
    from cryptography.hazmat.primitives.hashes import SHA1

    values = run.values
    if values["FilePath"]:
        kept = {"CertificateFilePath": values["FilePath"]}
        if values["Password"]:
            kept["CertificatePassword"] = values["Password"].reveal()
        run.runspace.certificate = kept
        run.output({"Source": "file", "Thumbprint": "", "Expires": ""})
        return
    run.verbose("Opening the certificate that was sent.")
    key, certificate = _open_pfx(values["Pfx"].reveal(), values["Password"].reveal() if values["Password"] else "")
    if certificate is None:
        run.fail(
            "PfxNotOpened",
            "SecurityError",
            "The certificate that was sent cannot be opened: its password is wrong, or it is no PFX.",
            "Pfx",
        )
    thumbprint = certificate.fingerprint(SHA1()).hex().upper()  # noqa: S303 - what Windows calls the thumbprint
    if key is None:
        run.fail("NoPrivateKey", "InvalidData", f"The certificate {thumbprint} has no private key with it.", thumbprint)
    ends = certificate.not_valid_after_utc
    expires = f"{ends:%Y-%m-%dT%H:%M:%SZ}"
    if ends < datetime.now(UTC):
        run.fail("CertificateExpired", "InvalidData", f"The certificate {thumbprint} ended at {expires}.", thumbprint)
    run.runspace.certificate = {"Certificate": thumbprint}
    run.output({"Source": "content", "Thumbprint": thumbprint, "Expires": expires})


def _open_pfx(text: str, password: str) -> tuple[Any, Any]:
    """Key and certificate, None for each that is not there; (None, None) for what cannot be opened."""
    from cryptography.hazmat.primitives.serialization import pkcs12

    try:
        data = base64.b64decode(text)
        key, certificate, others = pkcs12.load_key_and_certificates(data, password.encode() if password else None)
    except ValueError:
        return None, None
    return key, certificate or next(iter(others), None)


def fetch_token(run: Run) -> None:
    """session/Get-BridgeToken.ps1."""
    authority, app_id, secret = run.values["Authority"], run.values["AppId"], run.values["ClientSecret"].reveal()
    if not _SAFE_AUTHORITY.match(authority):
        message = f"The secret is not sent to {authority}: it is no address that begins with https://."
        run.fail("AuthorityInClear", "InvalidArgument", message, authority)
    tenant = urllib.parse.quote(run.values["Tenant"], safe="")
    run.verbose(f"Asking {authority} for a token for the application '{app_id}'.")
    form = {"grant_type": "client_credentials", "client_id": app_id, "client_secret": secret, "scope": _SCOPE}
    status, fields = _post(f"{authority.rstrip('/')}/{tenant}/oauth2/v2.0/token", form)
    token = fields.get("access_token")
    is_fine = status == 200
    if is_fine and isinstance(token, str) and re.fullmatch(r"[!-~]+", token):
        run.output({"AccessToken": PSSecureString(token)})
        return
    reason = str(fields.get("error_description") or "")
    code = re.search(r"AADSTS\d+", reason)
    if code and status in (400, 401, 403):
        reason = re.split(r"\s*Trace ID:|\r|\n", reason)[0].replace(secret, "********")
        message = f"Entra ID refused the log-on by app secret: {reason}"
        run.fail("TokenRefused", "AuthenticationError", message, code[0])
    said = "did not answer"
    if is_fine:
        said = "answered, but not as Entra ID does"
    elif status:
        said = f"answered with the HTTP status {status}"
    run.fail("EntraUnreachable", "ConnectionError", f"{authority} {said} to the agent.", authority)


def _post(url: str, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
    """The HTTP status (0 without an answer) and the JSON object that was answered."""
    import requests

    try:
        with requests.Session() as session:
            session.trust_env = not url.startswith("http:")
            response = session.post(url, data=form, timeout=_SECONDS, allow_redirects=False, auth=_no_header)
    except (requests.RequestException, OSError):
        return 0, {}
    try:
        fields = response.json()
    except (ValueError, RecursionError):
        fields = {}
    return response.status_code, fields if isinstance(fields, dict) else {}


def _no_header(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """The request as it is, without what a .netrc file has for that host."""
    return request
