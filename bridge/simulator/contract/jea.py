"""A JEA endpoint without a PowerShell: which function of its module is which script.

Rules: of the endpoint's files only the module and its role are read, and of those only what `exo-bridge session
jea-files` writes: each function begins with a line ``function NAME {`` and ends with a line that begins with ``}`` and
names its script; what the role makes visible is one array on one line.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from bridge.simulator.engine import Command, ErrorInfo, TerminatingError

_FUNCTION = re.compile(r"^function ([\w-]+) \{\n(.*?)^\} # \S+\.ps1$", re.MULTILINE | re.DOTALL)
_VISIBLE = re.compile(r"^ *VisibleFunctions = @\((.*)\)$", re.MULTILINE)
_HASH = re.compile(r"^\$script:ExoBridgeScripts = '([0-9a-f]+)'$", re.MULTILINE)


@dataclass(frozen=True)
class JeaModule:
    """The visible functions of an endpoint: the hash of each text by its name in lower case, and the hash over all."""

    scripts: str
    functions: dict[str, str]

    @classmethod
    def read(cls, session_file: Path) -> JeaModule:
        """The module of the same name, in the folder beside the session configuration file. Raises OSError."""
        name = session_file.stem
        path = session_file.parent / name / f"{name}.psm1"
        text = path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n")
        found = _HASH.search(text)
        role = (path.parent / "RoleCapabilities" / f"{name}.psrc").read_text("utf-8-sig")
        visible = set(re.findall(r"'([\w-]+)'", " ".join(_VISIBLE.findall(role)).lower()))
        functions = {
            match[1].lower(): hashlib.sha256(match[2].encode("utf-8")).hexdigest()
            for match in _FUNCTION.finditer(text)
            if match[1].lower() in visible
        }
        return cls(found[1] if found else "", functions)

    def script_hash(self, command: Command) -> str:
        """The hash of the script that a command is. Raises TerminatingError for a script's text, or another command."""
        if command.is_script:
            _refuse(
                "The syntax is not supported by this runspace. This can occur if the runspace is in no-language mode.",
                "ParentContainsErrorRecordException",
                "ScriptsNotAllowed",
                "ParserError",
                command.text,
            )
        known = self.functions.get(command.text.lower())
        if known is None:
            _refuse(
                f"The term '{command.text}' is not recognized as a name of a cmdlet, function, script file, or "
                "executable program.\nCheck the spelling of the name, or if a path was included, verify that the path "
                "is correct and try again.",
                "CommandNotFoundException",
                "CommandNotFoundException",
                "ObjectNotFound",
                command.text,
            )
        return known


def of_function(error: TerminatingError, function: str) -> TerminatingError:
    """What the binder says of a script, as it says it of a function: its name in the error id and as the activity."""
    info = error.info
    return TerminatingError(
        ErrorInfo(
            message=info.message,
            reason=info.reason,
            exception_type=info.exception_type,
            error_id=f"{info.error_id},{function}",
            category=info.category,
            activity=function,
            target=info.target,
        )
    )


def _refuse(message: str, reason: str, error_id: str, category: str, target: str) -> NoReturn:
    raise TerminatingError(
        ErrorInfo(
            message=message,
            reason=reason,
            exception_type=f"System.Management.Automation.{reason}",
            error_id=error_id,
            category=category,
            activity="",
            target=target,
        )
    )
