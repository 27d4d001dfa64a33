"""Finding scripts and reading what they say: parameters, cmdlets, hashes, and a user's own folder."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import sys
from pathlib import Path

import pytest

from bridge.errors import ScriptError
from bridge.scripts import (
    ScriptFolder,
    ScriptParameter,
    cmdlets_of,
    code_of,
    parameters_of,
    read_script,
    shipped_folder,
)

as_root = pytest.mark.skipif(
    sys.platform == "win32" or os.geteuid() != 0, reason="only root can give a file to another account"
)


def write(folder: Path, name: str, text: str) -> Path:
    """One script file, its folders included; the line ends are written as they are given."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode("utf-8"))
    return path


def test_the_shipped_scripts_are_found_by_name() -> None:
    """Every file of the folder that is a script is there, as AREA/Verb-Noun.ps1, and no other file is taken for one."""
    folder = Path(__file__).parents[1] / "ps_scripts"
    files = sorted(f"{file.parent.name}/{file.name}" for file in folder.glob("*/*") if file.suffix == ".ps1")
    names = ScriptFolder().names()
    assert names == files
    assert {"group/Grant-GroupMember.ps1", "session/Connect-Bridge.ps1"} < set(names)
    assert [name for name in names if not re.fullmatch(r"[a-z-]+/[A-Z][a-z]+-[A-Z][A-Za-z]+\.ps1", name)] == []


def test_a_script_says_what_it_takes_and_uses() -> None:
    """The param() block and the cmdlets are read from the text."""
    script = ScriptFolder().get("shared-mailbox/Grant-SharedMailboxRight.ps1")

    assert script.parameters == (
        ScriptParameter("Mailbox", "string", mandatory=True),
        ScriptParameter("User", "string", mandatory=True),
        ScriptParameter("Right", "string", mandatory=True, values=("full-access", "send-as", "send-on-behalf")),
        ScriptParameter("NoAutomapping", "switch"),
        ScriptParameter("DryRun", "switch"),
    )
    assert script.cmdlets == {
        "Add-MailboxPermission",
        "Add-RecipientPermission",
        "Get-Mailbox",
        "Get-MailboxPermission",
        "Get-Recipient",
        "Get-RecipientPermission",
        "Get-User",
        "Set-Mailbox",
    }


def test_the_cmdlets_to_import_are_those_of_the_action_scripts() -> None:
    """The union is sorted, and what only the session scripts use is not in it: the module itself has it."""
    cmdlets = ScriptFolder().cmdlets()

    assert list(cmdlets) == sorted(set(cmdlets))
    assert {"Get-User", "Set-MailboxRegionalConfiguration", "Get-EXOMailbox"} <= set(cmdlets)
    assert not {"Connect-ExchangeOnline", "Get-ConnectionInformation"} & set(cmdlets)


def test_an_own_folder_replaces_one_script_and_adds_another(tmp_path: Path) -> None:
    """A script of the same name is taken from the own folder, a new name is added, the others stay."""
    write(tmp_path, "group/Get-Group.ps1", "param()\nGet-UnifiedGroup -ErrorAction Stop\n")
    write(tmp_path, "group/Get-Owner.ps1", "param([string] $Group)\nGet-Group -Identity $Group\n")
    folder = ScriptFolder(tmp_path)

    assert folder.get("group/Get-Group.ps1").path == tmp_path / "group" / "Get-Group.ps1"
    assert folder.get("group/Get-Owner.ps1").parameters == (ScriptParameter("Group", "string"),)
    assert folder.get("account/Find-Account.ps1").path.is_relative_to(shipped_folder())
    assert {"Get-UnifiedGroup", "Get-Group", "Get-User"} <= set(folder.cmdlets())
    assert len(folder.all()) == len(ScriptFolder().all()) + 1


def test_an_own_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    """The message names the folder."""
    with pytest.raises(ScriptError, match="nowhere"):
        ScriptFolder(tmp_path / "nowhere")


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX modes")
@pytest.mark.parametrize("place", ["", "group", "group/Get-Owner.ps1"])
def test_an_own_script_that_everybody_may_write_is_refused(tmp_path: Path, place: str) -> None:
    """The folder, one in it or the script: the message names it and its mode, and says what to do."""
    write(tmp_path, "group/Get-Owner.ps1", "param()\n")
    (tmp_path / place).chmod(0o777)

    with pytest.raises(ScriptError, match=r"everybody may write it \(mode 0777\)") as error:
        ScriptFolder(tmp_path).all()
    assert str(tmp_path / place) in error.value.message
    assert f"chmod o-w {tmp_path / place}" in error.value.remedy


@as_root
def test_own_scripts_may_belong_to_another_account(tmp_path: Path) -> None:
    """Whoever named the folder in the settings trusts its owner, such as an administrator's own account."""
    shutil.chown(write(tmp_path, "Get-Owner.ps1", "param()\n"), 4242)
    shutil.chown(tmp_path, 4242)

    assert ScriptFolder(tmp_path).get("Get-Owner.ps1").text == "param()\n"


@pytest.mark.parametrize(
    "name", ["group/get-group.ps1", "group\\Get-Group.ps1", "../pyproject.toml", "group/Get-Group", ""]
)
def test_a_name_that_is_not_there_is_an_error_that_lists_what_is(name: str) -> None:
    """Names are spelt exactly and never lead out of the folder."""
    with pytest.raises(ScriptError, match=r"group/Grant-GroupMember\.ps1") as error:
        ScriptFolder().get(name)
    assert str(shipped_folder()) in str(error.value)


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
def test_the_hash_is_the_same_whatever_the_line_ends(tmp_path: Path, ends: str) -> None:
    """A checkout on Windows names the same script, and its text has line feeds alone."""
    text = "param([string] $A)\nGet-User -Identity $A\n"
    script = read_script("a.ps1", write(tmp_path, "a.ps1", text.replace("\n", ends)))

    assert script.text == text
    assert script.sha256 == hashlib.sha256(text.encode("utf-8")).hexdigest()


def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path: Path) -> None:
    """Windows PowerShell's editor writes one."""
    assert read_script("a.ps1", write(tmp_path, "a.ps1", "\ufeffparam()\n")).text == "param()\n"


def test_a_file_that_is_not_utf8_is_an_error(tmp_path: Path) -> None:
    """It would be sent as something that its author did not write."""
    path = tmp_path / "a.ps1"
    path.write_bytes(b"# caf\xe9\n")

    with pytest.raises(ScriptError, match="not UTF-8"):
        read_script("a.ps1", path)


def test_a_param_block_without_end_is_an_error(tmp_path: Path) -> None:
    """The message names the file."""
    with pytest.raises(ScriptError, match=r"a\.ps1"):
        read_script("a.ps1", write(tmp_path, "a.ps1", "param([string] $A"))


@pytest.mark.parametrize(
    ("text", "cmdlets"),
    [
        ("Get-User -Identity x", {"Get-User"}),
        ("# Get-User\n<# Set-User #> Get-Mailbox # Remove-User", {"Get-Mailbox"}),
        ("'Get-User' + \"Get-Mailbox\"", set()),
        ("'it''s Get-User'; Get-Mailbox", {"Get-Mailbox"}),
        ('"say `"Get-User`" and ""Get-User""" ; Get-Mailbox', {"Get-Mailbox"}),
        ('"found $(Get-User -Filter "a $(Get-Mailbox) b") times"', {"Get-User", "Get-Mailbox"}),
        ("@'\nGet-User 'x'\n'@\nGet-Mailbox", {"Get-Mailbox"}),
        ('@"\nGet-User "x" $(Get-Mailbox)\n"@\nGet-Group', {"Get-Mailbox", "Get-Group"}),
        ("$x = Get-User|Where-Object { Get-Mailbox }", {"Get-User", "Get-Mailbox"}),
        ("foreach($u in(Get-User)){Get-Mailbox;Write-Verbose x}", {"Get-User", "Get-Mailbox"}),
        ("if (Get-User) { } elseif (@(Get-Mailbox)) { }", {"Get-User", "Get-Mailbox"}),
        ("function Find-One { Get-User }\nFind-One", {"Get-User"}),
        ("$a-notin $b; $x -replace 'a-b'; -not $true; $h.Get-User", set()),
        ("Write-Verbose x; write-error y; ForEach-Object { }", set()),
        ("a`\n  -Force; $env:Path-X; C:\\Get-User\\x.ps1", set()),
        ("", set()),
    ],
)
def test_cmdlets_are_found_in_code_alone(text: str, cmdlets: set[str]) -> None:
    """Neither comments nor strings are code; what stands in $( ) of a string is."""
    assert cmdlets_of(text) == cmdlets


@pytest.mark.parametrize(
    ("text", "parameters"),
    [
        ("Get-User", ()),
        ("param()", ()),
        ("[CmdletBinding()]\nPARAM (\n  $A\n)", (ScriptParameter("A"),)),
        (
            "param([string]$A = 'x, y)', [int] $B = (1 + 2))",
            (ScriptParameter("A", "string"), ScriptParameter("B", "int")),
        ),
        ("param([Parameter(Mandatory)][string[]]$A)", (ScriptParameter("A", "string[]", mandatory=True),)),
        ("param([Parameter(Mandatory = $true, Position=0)] $A)", (ScriptParameter("A", mandatory=True),)),
        ("param([Parameter(Mandatory=$false)] [switch] $A)", (ScriptParameter("A", "switch"),)),
        (
            "param([ValidateSet('it''s', \"b\")] [string] $A)",
            (ScriptParameter("A", "string", values=("it's", "b")),),
        ),
        ("param([ValidatePattern('^[a-z]=')] [string] $A)", (ScriptParameter("A", "string"),)),
        ("param(\n  # a comment, with $B\n  [string] $A # and )\n)", (ScriptParameter("A", "string"),)),
        ("function F { param($X) }\nparam($A)", ()),
    ],
)
def test_parameters_are_read_from_the_param_block(text: str, parameters: tuple[ScriptParameter, ...]) -> None:
    """Types, mandatory and allowed values, whatever the layout."""
    assert parameters_of(text) == parameters


def test_blanking_keeps_every_position() -> None:
    """Comments and strings become blanks of the same length, so that positions mean the same in both."""
    text = "a 'b' # c\n\"d $(e 'f') g\" h"

    assert len(code_of(text)) == len(text)
    assert code_of(text).split() == ["a", "(e", ")", "h"]


@pytest.mark.parametrize("name", ["Find-One", "Get-Term", "Select-Named", "Get-Name", "Test-Reason"])
def test_the_function_that_several_scripts_have_is_the_same_in_all(name: str) -> None:
    """A script stands alone, so such a function is in several of them; a correction must reach all."""
    copies = []
    for script in ScriptFolder().all():
        if f"function {name}" in script.text:
            start = script.text.index(f"function {name}")
            copies.append(script.text[start : script.text.index("\n}\n", start)])

    assert len(copies) > 1
    assert len(set(copies)) == 1
