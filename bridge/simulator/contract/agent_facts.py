"""The scripts of ps_scripts/session about the agent's own PowerShell, in Python.

Rules: the agent is this computer, so its temporary folder is the real one, as it is for a real PowerShell here. Its
clock is the organization's, and its certificates are those that the organization's file says it has.
"""

from __future__ import annotations

import contextlib
import fnmatch
import getpass
import os
import shutil
import socket
import sys
import tempfile
import time
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bridge.simulator.contract.run import Row, Run
from bridge.simulator.contract.session import MODULE, POWERSHELL
from bridge.simulator.exchange_module.functions import cmdlets

_DAY = 86_400.0


def tell(run: Run) -> None:
    """session/Get-BridgeAgent.ps1."""
    run.verbose("Trying the temporary folder.")
    folder = _temporary_folder()
    error, litter = "", 0
    try:
        file = Path(folder) / f"exo-bridge-{uuid.uuid4()}.tmp"
        file.touch(exist_ok=False)
        file.unlink()
        litter = len(_litter(folder))
    except FileNotFoundError:
        error = "DirectoryNotFoundException"
    except OSError:
        error = "UnauthorizedAccessException"
    run.verbose(f"Looking for the installed versions of the module {MODULE}.")
    tenant = run.runspace.tenant
    run.output(
        POWERSHELL
        | {
            "Account": f"{socket.gethostname()}\\{_user()}",
            "Clock": datetime.fromtimestamp(tenant.clock(), UTC).isoformat().replace("+00:00", "Z"),
            "TempFolder": folder,
            "TempError": error,
            "Litter": litter,
            "Module": [tenant.module_version.partition("-")[0]] if tenant.module_installed else [],
            **_certificate(run),
            "FileError": _file_error(run),
        }
    )


def remove_litter(run: Run) -> None:
    """session/Remove-BridgeLitter.ps1."""
    old = _litter(_temporary_folder())
    removed = 0
    for folder in old:
        if run.values["DryRun"]:
            removed += 1
            continue
        run.verbose(f"Removing the folder '{folder}'.")
        try:
            shutil.rmtree(folder)
        except OSError as error:
            run.verbose(f"It is left: {type(error).__name__}.")
        else:
            removed += 1
    run.output(
        {
            "Status": "changed" if removed else "unchanged",
            "Reason": "there is none" if not old else "it was removed" if removed else "it is in use",
            "Removed": removed,
            "Left": len(old) - removed,
        }
    )


def test_parameters(run: Run) -> None:
    """session/Test-BridgeParameter.ps1."""
    connection = run.runspace.connection
    denied = [one.lower() for one in connection.denied] if connection else []
    commands = {name.lower() for name in connection.commands} if connection else set()
    missing = []
    for need in run.values["Need"]:
        name, _, pattern = need.partition(":")
        if not name or not pattern:
            run.fail(
                "NotAParameter",
                "InvalidArgument",
                f"'{need}' is not a parameter of a cmdlet: it is to be Cmdlet:Parameter.",
                need,
            )
        if name.lower() not in commands:
            run.verbose(f"The cmdlet {name} is not there.")
            continue
        tables = (there for known, there in cmdlets().items() if known.lower() == name.lower())
        parameters = [one.name.lower() for there in tables for one in there]
        granted = [one for one in parameters if f"{name.lower()}:{one}" not in denied]
        if not fnmatch.filter(granted, pattern.lower()):
            missing.append(need)
    run.output({"Missing": sorted(missing, key=str.lower)})


def _temporary_folder() -> str:
    """What .NET's Path.GetTempPath gives, asked anew each time."""
    variables = ("TMP", "TEMP") if sys.platform == "win32" else ("TMPDIR",)
    named = next((value for name in variables if (value := os.environ.get(name))), "")
    # Without one .NET takes /tmp/ elsewhere than on Windows, and not what Python found out at its first use.
    return named or (tempfile.gettempdir() if sys.platform == "win32" else "/tmp/")  # noqa: S108 - nothing is kept there


def _litter(folder: str) -> list[Path]:
    """The module's folders that nobody wrote to for a day."""
    return [
        path for path in Path(folder).glob("tmpEXO_*") if path.is_dir() and path.stat().st_mtime < time.time() - _DAY
    ]


def _certificate(run: Run) -> Row:
    """What is known of the certificate that was named."""
    found: Row = {"Certificate": "", "CertificateExpires": "", "KeyError": "", "KeyProvider": ""}
    thumbprint = run.values["Thumbprint"]
    if not thumbprint:
        return found
    run.verbose(f"Looking for the certificate {thumbprint}.")
    tenant = run.runspace.tenant
    known = tenant.logon.certificate(thumbprint=thumbprint)
    if known is None or known.file:
        return found
    ends = datetime.fromtimestamp(tenant.clock(), UTC) + timedelta(days=-1 if known.expired else known.days)
    provider = "CNG: Microsoft Software Key Storage Provider"
    if known.provider == "CSP":
        provider = "CSP: Microsoft Enhanced RSA and AES Cryptographic Provider"
    return {
        "Certificate": "CurrentUser\\My",
        "CertificateExpires": f"{ends:%Y-%m-%dT%H:%M:%SZ}",
        "KeyError": "" if known.readable else "CryptographicException",
        "KeyProvider": provider if known.readable else "",
    }


def _file_error(run: Run) -> str:
    file = run.values["File"]
    if not file:
        return ""
    run.verbose(f"Opening the file '{file}'.")
    known = run.runspace.tenant.logon.certificate(file=file)
    if known is None:
        return "FileNotFoundException"
    return "" if known.readable else "UnauthorizedAccessException"


def _user() -> str:
    with contextlib.suppress(OSError, KeyError, ImportError):
        return getpass.getuser()
    return ""
