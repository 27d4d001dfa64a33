"""Finds the scripts, and reads from their text what each takes and which Exchange cmdlets it uses.

Rules:

- A script's name is its path in the folder, with ``/``: ``group/Grant-GroupMember.ps1``, spelt exactly.
- A user's own folder comes first: a script there replaces the shipped one of that name, and others are added.
- What stands in the own folder runs with the rights of exo-bridge, so not everybody may write it.
- A script's text has line feeds alone as line ends, whatever the file has, and its hash is the hash of that
  text: a checkout on Windows and one on Linux send and name the same script.
- The param() block is the contract, and it is read here without PowerShell. Comments and strings are no code;
  what stands in ``$( )`` inside a double-quoted string is.
- An Exchange cmdlet is a Verb-Noun in code that is neither PowerShell's own nor a function of the script.
  That list is what Connect-Bridge.ps1 imports, so it is never kept by hand.
"""

from __future__ import annotations

import functools
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from bridge.errors import ScriptError
from bridge.file_access import check_folders, read_closed

SESSION_FOLDER = "session"

# Windows PowerShell 5.1's own commands that a script may use; they need no import from Exchange.
_BUILT_IN_NOUNS = {
    "Add": "Member Type",
    "Compare": "Object",
    "ConvertFrom": "Json",
    "ConvertTo": "Json SecureString",
    "ForEach": "Object",
    "Get": "ChildItem Command Content Date Item Member Module Process Unique Variable",
    "Group": "Object",
    "Import": "Module",
    "Join": "Path",
    "Measure": "Object",
    "New": "Object TimeSpan Variable",
    "Out": "Null String",
    "Remove": "Module Variable",
    "Select": "Object String",
    "Set": "StrictMode Variable",
    "Sort": "Object",
    "Split": "Path",
    "Start": "Sleep",
    "Tee": "Object",
    "Test": "Path",
    "Where": "Object",
    "Write": "Debug Error Information Output Progress Verbose Warning",
}
BUILT_INS = frozenset(f"{verb}-{noun}" for verb, nouns in _BUILT_IN_NOUNS.items() for noun in nouns.split())
_BUILT_INS = frozenset(name.lower() for name in BUILT_INS)
_COMMAND = re.compile(r"(?<![\w$.:@\\/-])[A-Za-z]+-[A-Za-z]\w*(?![\w-]*[\\/.:])\b")
_FUNCTION = re.compile(r"\b(?:function|filter)\s+(?:\w+:)?([A-Za-z][\w-]*)", re.IGNORECASE)
_PARAM = re.compile(r"\bparam\s*\(", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"\s*\[\s*([A-Za-z_][\w.]*)\s*(\(|(?:\[\])?\s*\])")
_NAME = re.compile(r"\$([A-Za-z_]\w*)")
_VALUE = re.compile(r"'((?:[^']|'')*)'|\"([^\"]*)\"")
# Where something that is no code may begin, or a bracket or an escaped character stands; and the same inside a string.
_MARK = re.compile(r"[<#@'\"`()]")
_STRING_MARK = re.compile(r"[\n`$\"]")


@dataclass(frozen=True)
class ScriptParameter:
    """One parameter of a script.

    ``type`` is spelt as in the script, lower case (``string``, ``switch``, ``string[]``; ``object`` where
    none is given); ``values`` are those of a ValidateSet, else empty.
    """

    name: str
    type: str = "object"
    mandatory: bool = False
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class Script:
    """One script: its name, its file, its text, and what the text says.

    ``sha256`` is the hash of the text in UTF-8 (hex), ``cmdlets`` the Exchange cmdlets that it uses.
    """

    name: str
    path: Path
    text: str
    sha256: str
    parameters: tuple[ScriptParameter, ...]
    cmdlets: frozenset[str]

    @property
    def is_action(self) -> bool:
        """Whether it does an action; the others set the runspace up, look at it, or serve a batch."""
        return not self.name.startswith(f"{SESSION_FOLDER}/")


class ScriptFolder:
    """The scripts that ship, with a user's own folder before them.

    ``path`` is that own folder, or None, and ``replaced`` are the names of shipped scripts that have another one there.
    Raises ScriptError when it is not a folder, or everybody may write there. A file is read once, when it is asked for.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path
        shipped, own = _files(shipped_folder()), {} if path is None else _own_files(path)
        if not shipped:
            said = f"The folder {shipped_folder()} holds no scripts; this installation is not complete."
            raise ScriptError(said, remedy="Install exo-bridge again.")
        self.replaced: frozenset[str] = frozenset(shipped.keys() & own.keys())
        self._own = frozenset(own)
        self._files = shipped | own
        self._scripts: dict[str, Script] = {}

    def get(self, name: str) -> Script:
        """The script of that name (``group/Get-Group.ps1``). Raises ScriptError when there is none."""
        if name not in self._scripts:
            if name not in self._files:
                folder = self.path or shipped_folder()
                raise ScriptError(f"There is no script {name!r} in {folder}. There are: {', '.join(self.names())}.")
            self._scripts[name] = read_script(name, self._files[name], is_own=name in self._own)
        return self._scripts[name]

    def names(self) -> list[str]:
        """The names of all scripts, sorted."""
        return sorted(self._files)

    def all(self) -> list[Script]:
        """All scripts, by name."""
        return [self.get(name) for name in self.names()]

    def cmdlets(self) -> tuple[str, ...]:
        """The Exchange cmdlets that the action scripts use, sorted: what the runspace has to import."""
        return tuple(sorted({cmdlet for script in self.all() if script.is_action for cmdlet in script.cmdlets}))


@functools.cache
def shipped_folder() -> Path:
    """Where the scripts are: inside the package when it was installed from a wheel, else in the checkout."""
    package = Path(__file__).resolve().parent
    inside = package / "ps_scripts"
    return inside if inside.is_dir() else package.parent / "ps_scripts"


def read_script(name: str, path: Path, *, is_own: bool = False) -> Script:
    """Read one file, an own one where ``is_own``. Raises ScriptError when it cannot be used, and says why."""
    try:
        text = (read_closed(path) if is_own else path.read_bytes()).decode("utf-8-sig")
    except OSError as error:
        said = f"The script {path} cannot be read: {error.strerror or error}."
        raise ScriptError(said, remedy=getattr(error, "fix", None)) from error
    except UnicodeDecodeError as error:
        raise ScriptError(f"The script {path} is not UTF-8 (byte {error.start}).") from error
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    try:
        code = code_of(text)
        parameters = _parameters_in(code, text)
    except ValueError as error:
        raise ScriptError(f"The script {path} cannot be understood: {error}.") from error
    digest = hashlib.sha256(text.encode("utf-8")).hexdigest()
    return Script(name, path, text, digest, parameters, _cmdlets_in(code))


def cmdlets_of(text: str) -> frozenset[str]:
    """The Exchange cmdlets that a script's text uses."""
    return _cmdlets_in(code_of(text))


def _cmdlets_in(code: str) -> frozenset[str]:
    own = {name.lower() for name in _FUNCTION.findall(code)}
    return frozenset(name for name in _COMMAND.findall(code) if name.lower() not in own | _BUILT_INS)


def parameters_of(text: str) -> tuple[ScriptParameter, ...]:
    """The parameters of a script's text, in order. Raises ValueError when its param() block does not end."""
    return _parameters_in(code_of(text), text)


def _parameters_in(code: str, text: str) -> tuple[ScriptParameter, ...]:
    start = _PARAM.search(code)
    function = _FUNCTION.search(code)
    if start is None or (function is not None and function.start() < start.start()):
        return ()
    begin = start.end()
    return tuple(
        parameter
        for first, last in _parts(code, begin)
        if (parameter := _parameter(code[first:last], text[first:last])) is not None
    )


def code_of(text: str) -> str:
    """The text with every comment and string blanked out, and every character that stays where it was."""
    out = list(text)
    position = 0
    # What the scanner is inside of: "(" for code in $( ) of a string, with the number of open brackets.
    stack: list[tuple[str, int]] = []
    while mark := _MARK.search(text, position):
        position = mark.start()
        end, inner = _skip(text, position)
        if inner:
            stack.append((inner, 0))
            _blank(out, position, end)
            position = _string(text, out, end, stack)
            continue
        if end > position:
            _blank(out, position, end)
            position = end
            continue
        character = text[position]
        if stack:
            quote, depth = stack[-1]
            if character == "(":
                stack[-1] = (quote, depth + 1)
            elif character == ")":
                stack[-1] = (quote, depth - 1)
                if depth == 1:
                    position = _string(text, out, position + 1, stack)
                    continue
        position += 2 if character == "`" else 1
    return "".join(out)


def _skip(text: str, position: int) -> tuple[int, str]:
    """What begins here that is no code.

    (its end, "") for a comment or a single-quoted string, (the end of its opening, what closes it) for a
    double-quoted one, and (position, "") when none of them begins here.
    """
    if text.startswith("<#", position):
        return _find(text, "#>", position + 2), ""
    if text[position] == "#" and (position == 0 or text[position - 1] in " \t\n;(){}|,"):
        end = text.find("\n", position)
        return (len(text) if end < 0 else end), ""
    if text.startswith("@'\n", position):
        return _find(text, "\n'@", position + 2), ""
    if text.startswith('@"\n', position):
        return position + 2, '\n"@'
    if text[position] == "'":
        # '' inside is a quote; seen as the end of one string and the start of the next it comes to the same.
        return _find(text, "'", position + 1), ""
    if text[position] == '"':
        return position + 1, '"'
    return position, ""


def _string(text: str, out: list[str], position: int, stack: list[tuple[str, int]]) -> int:
    """Go on inside a double-quoted string until it ends (its entry leaves the stack) or code begins in it."""
    close = stack[-1][0]
    begin = position
    while mark := _STRING_MARK.search(text, position):
        position = mark.start()
        if text[position] == "`":
            position += 2
            continue
        if text.startswith("$(", position):
            _blank(out, begin, position + 1)
            stack[-1] = (close, 0)
            return position + 1
        if text.startswith(close, position):
            position += len(close)
            break
        position += 1
    else:
        position = len(text)
    _blank(out, begin, min(position, len(text)))
    stack.pop()
    return position


def _find(text: str, what: str, position: int) -> int:
    found = text.find(what, position)
    return len(text) if found < 0 else found + len(what)


def _blank(out: list[str], begin: int, end: int) -> None:
    for index in range(begin, min(end, len(out))):
        if out[index] != "\n":
            out[index] = " "


def _parts(code: str, begin: int) -> list[tuple[int, int]]:
    """The parts between the commas of a param() block whose opening bracket stands before ``begin``."""
    parts = []
    depth = 0
    first = begin
    for position in range(begin, len(code)):
        character = code[position]
        if character in "([{":
            depth += 1
        elif character == "," and depth == 0:
            parts.append((first, position))
            first = position + 1
        elif character in ")]}":
            depth -= 1
            if depth < 0:
                return [*parts, (first, position)]
    raise ValueError("its param() block does not end")


def _parameter(code: str, text: str) -> ScriptParameter | None:
    """One part of a param() block; ``text`` is the same stretch with its strings."""
    type_name, mandatory, values = "object", False, ()
    position = 0
    while attribute := _ATTRIBUTE.match(code, position + len(code[position:]) - len(code[position:].lstrip())):
        name, opening = attribute.group(1).lower(), attribute.group(2)
        if opening != "(":
            type_name = name + ("[]" if "[]" in opening else "")
            position = attribute.end()
            continue
        first = attribute.end()
        last = _closing(code, first)
        if name == "parameter":
            mandatory = re.search(r"\bMandatory\b(?!\s*=\s*\$false)", code[first:last], re.IGNORECASE) is not None
        elif name == "validateset":
            values = tuple(one.replace("''", "'") or two for one, two in _VALUE.findall(text[first:last]))
        position = code.index("]", last) + 1
    variable = _NAME.search(code, position)
    return ScriptParameter(variable.group(1), type_name, mandatory, values) if variable else None


def _closing(code: str, begin: int) -> int:
    """The position of the bracket that closes the one before ``begin``."""
    depth = 1
    for position in range(begin, len(code)):
        depth += (code[position] in "([{") - (code[position] in ")]}")
        if depth == 0:
            return position
    raise ValueError("a bracket does not close")


def _own_files(folder: Path) -> dict[str, Path]:
    if not folder.is_dir():
        raise ScriptError(f"The folder for own scripts does not exist: {folder}.")
    files = _files(folder)
    try:
        check_folders(folder, files.values())
    except OSError as error:
        said = f"The folder for own scripts {error.filename} cannot be used: {error.strerror}."
        raise ScriptError(said, remedy=getattr(error, "fix", None)) from error
    return files


def _files(folder: Path) -> dict[str, Path]:
    return {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*.ps1")) if path.is_file()}
