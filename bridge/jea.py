"""A JEA endpoint: the scripts as functions of a PowerShell module, and the files that make an endpoint of it.

A JEA endpoint is in no-language mode: it runs the commands that a role makes visible, and no script that is sent to it.

Rules:

- Each script is one function, made from its name alone: ``group/Grant-GroupMember.ps1`` is
  ``Grant-ExoBridgeGroupMember``. Its text is the function's body, unchanged.
- What the log-on of the settings never runs is in the module, so that the hash is the same, and hidden from clients.
- The module carries one hash over the names and texts of its scripts. A client whose scripts have another hash runs
  nothing there: what is installed would do something else than what it means.
- A JEA endpoint puts restricted stand-ins before some common commands, for what a client may ask; in the module the
  names mean the commands themselves, by aliases that do not leave it.
- A folder is written whole or not at all. The files are ASCII, for Windows PowerShell 5.1; a script of the user that is
  not makes the module UTF-8 with the mark by which 5.1 knows it.

Sources: Microsoft, "JEA role capabilities" and "JEA session configurations" (the keys of the files, the stand-ins);
CommandMetadata.GetRestrictedCommands of PowerShell (their names).
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import secrets
import shutil
import uuid
from collections.abc import Collection, Iterator
from pathlib import Path

from bridge.errors import ScriptError, UsageError
from bridge.scripts import Script, ScriptFolder

MODULE = "ExoBridge"
"""The name of the module, of the role capability, and of the endpoint that is proposed."""
_STAND_INS = {
    "Microsoft.PowerShell.Core": ("Exit-PSSession", "Get-Command", "Get-Help", "Out-Default"),
    "Microsoft.PowerShell.Utility": ("Get-FormatData", "Measure-Object", "Select-Object"),
}
_MODULES = ("Microsoft.PowerShell.Management", "Microsoft.PowerShell.Security", "Microsoft.PowerShell.Utility")
"""What the scripts use of PowerShell's own; in a restricted session no module is loaded by itself."""
_NAME = re.compile(r"(?P<verb>[A-Za-z]+)-(?P<noun>[A-Za-z][A-Za-z0-9]*)")
_USING = re.compile(r"^\s*using\s", re.IGNORECASE | re.MULTILINE)
# The ids of the files are made from what they hold, so that the same scripts give the same files.
_NAMESPACE = uuid.UUID("3d0f3c0e-6a53-4f0c-9a43-8f1b8a1a7c52")


def function_name(script: str) -> str:
    """The function of a script (``group/Get-Group.ps1``). Raises ScriptError when its name is not Verb-Noun."""
    match = _NAME.fullmatch(script.rsplit("/", 1)[-1].removesuffix(".ps1"))
    if match is None:
        raise ScriptError(f"The script {script!r} cannot be a function: its name is not Verb-Noun.")
    return f"{match['verb']}-{MODULE}{match['noun']}"


def scripts_sha256(scripts: ScriptFolder) -> str:
    """The hash over all scripts, hex: what a module with exactly these scripts carries. Raises ScriptError."""
    lines = (f"{script.name} {script.sha256}\n" for script in scripts.all())
    return hashlib.sha256("".join(lines).encode("utf-8")).hexdigest()


def write_files(
    folder: Path, scripts: ScriptFolder, group: str, *, hidden: Collection[str] = (), force: bool = False
) -> list[Path]:
    r"""Write the module folder ``ExoBridge`` and ``ExoBridge.pssc`` below ``folder``; gives the files.

    ``group`` (``CONTOSO\exo-bridge``) is who may use the endpoint; ``hidden`` are scripts that they may not run. Raises
    UsageError when files are there already and ``force`` is not given, or cannot be written; ScriptError for scripts
    that cannot be functions.
    """
    texts = file_texts(scripts, group, hidden)
    module, session = folder / MODULE, folder / f"{MODULE}.pssc"
    there = [path for path in (module, session) if path.exists()]
    if there and not force:
        raise UsageError(f"{there[0]} is there already.", remedy="Give another --out, or --force to replace it.")
    if module.exists() and not (module / f"{MODULE}.psd1").is_file():
        raise UsageError(f"{module} is not a folder that this command wrote.", remedy="Give another --out.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _new_folder(folder) as new:
            for name, text in texts.items():
                path = new / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(text.encode("ascii" if text.isascii() else "utf-8-sig"))
            _put(new / MODULE, module, new / "replaced")
            (new / f"{MODULE}.pssc").replace(session)
    except OSError as error:
        said = f"{error.filename}: {error.strerror}" if error.filename else str(error)
        raise UsageError(f"The files cannot be written: {said}.", remedy="Give --out a folder to write in.") from error
    return [folder / name for name in texts]


@contextlib.contextmanager
def _new_folder(place: Path) -> Iterator[Path]:
    """A folder in ``place`` that is gone in the end; whoever may read ``place`` may read it. Raises OSError.

    One of ``tempfile`` is for its owner alone, which on Windows goes along with what is moved out of it: the user of
    the endpoint could not read the module.
    """
    new = place / f".exo-bridge-{secrets.token_hex(8)}"
    new.mkdir()
    try:
        yield new
    finally:
        shutil.rmtree(new, ignore_errors=True)


def _put(new: Path, place: Path, replaced: Path) -> None:
    """Move a folder to its place; what was there goes to ``replaced``, and comes back on failure. Raises OSError."""
    was_there = place.exists()
    if was_there:
        place.rename(replaced)
    try:
        new.rename(place)
    except OSError:
        if was_there:
            replaced.rename(place)
        raise


def file_texts(scripts: ScriptFolder, group: str, hidden: Collection[str] = ()) -> dict[str, str]:
    """The files, by their path below the folder. Raises ScriptError."""
    functions = _functions(scripts)
    names = _array(tuple(name for name, script in functions.items() if script.name not in hidden))
    digest = scripts_sha256(scripts)
    return {
        f"{MODULE}/{MODULE}.psm1": _module(functions, digest),
        f"{MODULE}/{MODULE}.psd1": _data(
            "The scripts of exo-bridge as functions.",
            RootModule=f"'{MODULE}.psm1'",
            ModuleVersion="'1.0'",
            GUID=_guid("module"),
            Author="'exo-bridge'",
            PowerShellVersion="'5.1'",
            FunctionsToExport=names,
            CmdletsToExport="@()",
            VariablesToExport="@()",
            AliasesToExport="@()",
        ),
        f"{MODULE}/RoleCapabilities/{MODULE}.psrc": _data(
            "What the role may do: run the scripts of exo-bridge, and nothing else.",
            GUID=_guid("role"),
            ModulesToImport=_array((*_MODULES, MODULE)),
            VisibleFunctions=names,
        ),
        f"{MODULE}.pssc": _data(
            "The endpoint. Whoever is in the group gets the role, in no-language mode.",
            SchemaVersion="'2.0.0.0'",
            GUID=_guid("session"),
            SessionType="'RestrictedRemoteServer'",
            RoleDefinitions=f"@{{ {_quoted(group)} = @{{ RoleCapabilities = '{MODULE}' }} }}",
        ),
    }


def install_commands(folder: Path) -> list[str]:
    """The commands that install the files on the agent. One of them restarts WinRM."""
    return [
        f"# Copy {folder} to the agent, and go there in an elevated PowerShell of the version that the endpoint gets.",
        "$parent = if ($PSVersionTable.PSEdition -eq 'Core') { 'PowerShell' } else { 'WindowsPowerShell' }",
        f'Copy-Item -Path .\\{MODULE} -Destination "$env:ProgramFiles\\$parent\\Modules" -Recurse -Force',
        "# The first time, and when the group has changed. It restarts WinRM, which ends every remote session there.",
        f"Test-PSSessionConfigurationFile -Path .\\{MODULE}.pssc",
        f"Unregister-PSSessionConfiguration -Name {MODULE} -ErrorAction SilentlyContinue -Force",
        f"Register-PSSessionConfiguration -Name {MODULE} -Path .\\{MODULE}.pssc -Force",
    ]


def _functions(scripts: ScriptFolder) -> dict[str, Script]:
    """Each script by its function. Raises ScriptError for two of one name."""
    functions: dict[str, Script] = {}
    taken: dict[str, str] = {}
    for script in scripts.all():
        name = function_name(script.name)
        other = taken.setdefault(name.lower(), script.name)
        if other != script.name:
            raise ScriptError(f"The scripts {other!r} and {script.name!r} would both be the function {name}.")
        if _USING.search(script.text):
            raise ScriptError(f"The script {script.name!r} cannot be a function: it has a using statement.")
        functions[name] = script
    return functions


def _module(functions: dict[str, Script], digest: str) -> str:
    newline = "\n"
    aliases = [f"${{alias:{name}}} = '{module}\\{name}'" for module, names in _STAND_INS.items() for name in names]
    bodies = [
        f"function {name} {{\n{script.text}{'' if script.text.endswith(newline) else newline}}} # {script.name}\n"
        for name, script in functions.items()
    ]
    return "\n".join(
        [
            "# Written by exo-bridge session jea-files; write it anew instead of changing it.",
            f"$script:ExoBridgeScripts = '{digest}'",
            "# A JEA endpoint puts restricted functions of these names before the commands.",
            *aliases,
            "",
            *bodies,
        ]
    )


def _data(comment: str, **keys: str) -> str:
    """A PowerShell data file."""
    lines = "".join(f"    {key} = {value}\n" for key, value in keys.items())
    return f"# {comment} Written by exo-bridge session jea-files.\n@{{\n{lines}}}\n"


def _array(names: tuple[str, ...]) -> str:
    return "@(" + ", ".join(f"'{name}'" for name in names) + ")"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _guid(what: str) -> str:
    return f"'{uuid.uuid5(_NAMESPACE, what)}'"
