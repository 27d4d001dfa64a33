"""What every shipped script must keep to, read by PowerShell's own parser. No script is run here.

All scripts, and all the spoilt copies that show that the checks bite, are parsed by one PowerShell process.
The spoilt copies name what is done to a script and what the checks have to say about it.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bridge.scripts import BUILT_INS, ScriptFolder, ScriptParameter, cmdlets_of
from bridge.simulator.contract.engine import FUNCTIONS

pytestmark = pytest.mark.pwsh

NAMES = ScriptFolder().names()
CMDLETS: dict[str, dict[str, Any]] = json.loads(
    (Path(__file__).parents[1] / "bridge" / "simulator" / "exchange_module" / "cmdlets.json").read_text("utf-8")
)
COMMON = {"ErrorAction", "WarningAction", "InformationAction", "Verbose", "ErrorVariable", "WarningVariable"}

# What a script may use of Windows PowerShell 5.1 itself, with the parameters that 5.1 has.
BUILT_IN_PARAMETERS: dict[str, set[str]] = {
    "Add-Type": {"AssemblyName"},
    "ConvertFrom-Json": {"InputObject"},
    "ForEach-Object": {"Process", "Begin", "End", "MemberName"},
    "Get-Command": {"Name", "ListImported"},
    "Get-Module": {"Name", "ListAvailable"},
    "Get-Variable": {"Name", "Scope", "ValueOnly"},
    "Import-Module": {"Name"},
    "Select-Object": {"First", "Last", "Property", "ExpandProperty", "Unique"},
    "Sort-Object": {"Property", "Unique", "Descending"},
    "Where-Object": {"FilterScript"},
    "Write-Error": {"ErrorId", "Category", "TargetObject", "Message"},
    "Write-Verbose": {"Message"},
}

# What PowerShell 7 has and Windows PowerShell 5.1 has not, by the parser's names.
NOT_IN_5_1 = {
    "TernaryExpressionAst",
    "PipelineChainAst",
    "background",
    "clean",
    "token QuestionMark",
    "token QuestionDot",
    "token QuestionLBracket",
    "token QuestionQuestion",
    "token QuestionQuestionEquals",
    "token AndAnd",
    "token OrOr",
    "token Clean",
}


@dataclass(frozen=True)
class Spoilt:
    """A copy of a script with one thing wrong: ``new`` for ``old``; ``problem`` is to be found."""

    script: str
    old: str
    new: str
    problem: str


GRANT = "group/Grant-GroupMember.ps1"
LIST = "group/Get-Group.ps1"
MEMBERS = "group/Get-GroupMember.ps1"
SPOILT: dict[str, Spoilt] = {
    "a misspelt cmdlet": Spoilt(GRANT, "Add-DistributionGroupMember", "Add-DistributionGroupMembr", "unknown command"),
    "a misspelt parameter": Spoilt(GRANT, "-Member $memberId", "-Membr $memberId", "no parameter Membr"),
    "a shortened parameter": Spoilt(GRANT, "-Member $memberId", "-Memb $memberId", "no parameter Memb"),
    "a misspelt splatted parameter": Spoilt(
        "mailbox/Set-MailboxRegional.ps1",
        "$change.LocalizeDefaultFolderName",
        "$change.LocalizeDefaultFolders",
        "no parameter LocalizeDefaultFolders",
    ),
    "no -Confirm": Spoilt(GRANT, "-Confirm:$false", "", "-Confirm:$false"),
    "-Confirm without $false": Spoilt(GRANT, "-Confirm:$false", "-Confirm", "-Confirm:$false"),
    "no -ErrorAction": Spoilt(LIST, "-ErrorAction Stop", "", "-ErrorAction Stop"),
    "another -ErrorAction": Spoilt(LIST, "-ErrorAction Stop", "-ErrorAction Continue", "-ErrorAction Stop"),
    "no -ResultSize": Spoilt(LIST, "-ResultSize Unlimited", "", "-ResultSize Unlimited"),
    "an empty identity": Spoilt(MEMBERS, "Get-Recipient -Identity $Value", "Get-Recipient", "-ResultSize Unlimited"),
    "a positional argument": Spoilt(GRANT, "-Identity $groupId", "$groupId", "by position"),
    "an alias": Spoilt(MEMBERS, "ForEach-Object", "foreach", "unknown command foreach"),
    "a program": Spoilt(LIST, "[string] $Where\n)", "[string] $Where\n)\ncurl x", "unknown command curl"),
    "a cmdlet of PowerShell 7": Spoilt(LIST, "Write-Verbose", "Join-String", "unknown command Join-String"),
    "a cmdlet called by a string": Spoilt(
        MEMBERS, "{ Get-Recipient ", "{ & 'Get-Recipient' ", "Get-Recipient would not be imported"
    ),
    "a parameter of PowerShell 7": Spoilt(MEMBERS, "| ForEach-Object {", "| ForEach-Object -Parallel {", "Parallel"),
    "a command by variable": Spoilt(LIST, 'Write-Verbose "R', '& $x "R', "unknown command $x"),
    "the ternary operator": Spoilt(LIST, "$reason = ''", "$reason = $_ ? 1 : 2", "Windows PowerShell 5.1"),
    "??": Spoilt(LIST, "$reason = ''", "$reason = $_ ?? 2", "Windows PowerShell 5.1"),
    "??=": Spoilt(LIST, "$reason = ''", "$kind ??= 2", "Windows PowerShell 5.1"),
    "?.": Spoilt(LIST, "$reason = ''", "$reason = ${x}?.Name", "Windows PowerShell 5.1"),
    "?[": Spoilt(LIST, "$reason = ''", "$reason = ${x}?[0]", "Windows PowerShell 5.1"),
    "&&": Spoilt(LIST, "$reason = ''", "Write-Verbose 1 && Write-Verbose 2", "Windows PowerShell 5.1"),
    "||": Spoilt(LIST, "$reason = ''", "Write-Verbose 1 || Write-Verbose 2", "Windows PowerShell 5.1"),
    "&": Spoilt(LIST, "$reason = ''", "Write-Verbose 1 &", "Windows PowerShell 5.1"),
    "a clean block": Spoilt(
        LIST, 'Write-Verbose "', 'function f { end { } clean { } }\nWrite-Verbose "', "Windows PowerShell 5.1"
    ),
    "a syntax error": Spoilt(LIST, "[string] $Where\n)", "[string] $Where\n", "syntax"),
    "a letter outside ASCII": Spoilt(LIST, "Reading the groups", "R\u00e9ading the groups", "ASCII"),
    "no synopsis": Spoilt(LIST, ".SYNOPSIS", ".NOTES", "synopsis"),
    "no description": Spoilt(LIST, ".DESCRIPTION", ".NOTES", "description"),
    "no example": Spoilt(GRANT, ".EXAMPLE", ".NOTES", "example"),
    "a parameter without help": Spoilt(GRANT, ".PARAMETER DryRun", ".NOTES", "help for DryRun"),
    "help for no parameter": Spoilt(GRANT, ".PARAMETER DryRun", ".PARAMETER DryRn", "help for DRYRN"),
    "no CmdletBinding": Spoilt(GRANT, "[CmdletBinding()]\n", "", "CmdletBinding"),
    "too short": Spoilt("shared-mailbox/Get-SharedMailbox.ps1", "\n\n", "\n", "lines"),
    "too long": Spoilt(LIST, "\n\n", "\n" * 80, "lines"),
}


@dataclass(frozen=True)
class Parsed:
    """One script's text and what the parser found in it."""

    text: str
    tree: Mapping[str, Any]


@pytest.fixture(scope="session")
def parsed(pwsh_path: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Parsed]:
    """Every shipped script by its name and every spoilt copy by its title, read by one PowerShell process."""
    folder = tmp_path_factory.mktemp("scripts")
    texts = {name: ScriptFolder().get(name).text for name in NAMES}
    for title, spoilt in SPOILT.items():
        original = texts[spoilt.script]
        assert spoilt.old in original, f"{title}: {spoilt.script} no longer has {spoilt.old!r}"
        texts[title] = original.replace(spoilt.old, spoilt.new)
    files = {}
    for number, (title, text) in enumerate(texts.items()):
        files[title] = folder / f"{number}.ps1"
        # With a byte order mark Windows PowerShell reads it as UTF-8 too.
        files[title].write_text(text, "utf-8-sig", newline="\n")
    trees = parse(pwsh_path, folder, list(files.values()))
    return {title: Parsed(texts[title], trees[str(path)]) for title, path in files.items()}


def parse(pwsh: str, folder: Path, paths: list[Path]) -> dict[str, Mapping[str, Any]]:
    """What PowerShell's parser finds in each file, by the file's path."""
    (folder / "paths.txt").write_text("\n".join(map(str, paths)), "utf-8")
    # As a command and not as a file: a file may be refused by Windows' execution policy.
    subprocess.run(
        [
            pwsh,
            "-NoLogo",
            "-NoProfile",
            "-Command",
            "& ([scriptblock]::Create([IO.File]::ReadAllText($env:PARSER_SCRIPT)))",
        ],
        env={
            **os.environ,
            "PARSER_SCRIPT": str(Path(__file__).with_name("parse_scripts.ps1")),
            "SCRIPTS_TO_PARSE": str(folder / "paths.txt"),
            "PARSED_SCRIPTS": str(folder / "parsed.json"),
        },
        check=True,
        timeout=120,
    )
    return {tree["path"]: tree for tree in json.loads((folder / "parsed.json").read_text("utf-8"))}


def problems(script: Parsed) -> list[str]:
    """Everything that is wrong with a script, in words."""
    found = [f"syntax: {message}" for message in script.tree["errors"]]
    found += [f"{kind} is not in Windows PowerShell 5.1" for kind in sorted(NOT_IN_5_1 & set(script.tree["kinds"]))]
    if not script.text.isascii():
        found.append("not ASCII")
    lines = len(script.text.splitlines())
    if not 40 <= lines <= 110:
        found.append(f"{lines} lines; 40 to 110 are right")
    if not script.tree["cmdletbinding"]:
        found.append("no CmdletBinding")
    found += help_problems(script.tree) + cmdlet_problems(script)
    return found + [text for one in script.tree["commands"] for text in command_problems(one, script.tree)]


def cmdlet_problems(script: Parsed) -> list[str]:
    """Where the cmdlets that scripts.py reads without PowerShell are not those that the parser reads."""
    commands = {command["name"] for command in script.tree["commands"]}
    called = commands - BUILT_INS - set(script.tree["functions"]) - {"$Read", "$command"}
    read = cmdlets_of(script.text)
    return [f"{name} would not be imported" for name in sorted(called - read)] + [
        f"{name} would be imported and is not called" for name in sorted(read - called)
    ]


def help_problems(tree: Mapping[str, Any]) -> list[str]:
    """What the comment-based help lacks, or has too much."""
    topics = tree["help"]
    found = [f"no {topic}" for topic in ("synopsis", "description") if not topics[topic].strip()]
    if not topics["examples"]:
        found.append("no example")
    described = {name.upper() for name in topics["parameters"]}
    names = {parameter["name"].upper(): parameter["name"] for parameter in tree["parameters"]}
    found += [f"no help for {names[name]}" for name in sorted(set(names) - described)]
    return found + [f"help for {name}, which is no parameter" for name in sorted(described - set(names))]


def command_problems(command: Mapping[str, Any], tree: Mapping[str, Any]) -> list[str]:
    """What is wrong with one command."""
    name = command["name"]
    where = f"line {command['line']}: {name}"
    if name in tree["functions"]:
        return []
    if name == "$Read" and "Find-One" in tree["functions"]:
        return []  # the block that a caller hands to Find-One; its commands are looked at where they stand
    if name == "$command" and "Find-Command" in tree["functions"]:
        return []  # the script of an item in Invoke-Batch.ps1
    used = {**command["parameters"], **dict.fromkeys(command["splatted"], "")}
    if name in BUILT_IN_PARAMETERS:
        return [f"{where} has no parameter {one}" for one in sorted(set(used) - BUILT_IN_PARAMETERS[name] - COMMON)]
    if name not in CMDLETS:
        return [f"{where}: unknown command {name}"]
    found = [f"{where} has no parameter {one}" for one in sorted(set(used) - set(CMDLETS[name]) - COMMON)]
    if command["positional"]:
        found.append(f"{where} takes an argument by position")
    if command["parameters"].get("ErrorAction") != "Stop":
        found.append(f"{where} has no -ErrorAction Stop")
    if not name.startswith(("Get-", "Connect-")) and command["parameters"].get("Confirm") != "$false":
        found.append(f"{where} has no -Confirm:$false")
    if "ResultSize" in CMDLETS[name] and "User" not in used and "Trustee" not in used:
        one = "Identity" in used and not name.endswith("Member")
        if not one and used.get("ResultSize") != "Unlimited":
            found.append(f"{where} has no -ResultSize Unlimited")
    return found


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_script_keeps_to_the_contract(parsed: dict[str, Parsed], name: str) -> None:
    """Known commands and parameters, safe changes, the import list, 5.1 syntax, ASCII, help, length."""
    assert problems(parsed[name]) == []


@pytest.mark.parametrize("title", SPOILT)
def test_the_checks_find_what_is_wrong(parsed: dict[str, Parsed], title: str) -> None:
    """Each check is shown a script that breaks it, and says so."""
    assert any(SPOILT[title].problem in problem for problem in problems(parsed[title])), problems(parsed[title])


@pytest.mark.parametrize("name", NAMES)
def test_the_text_and_the_syntax_tree_agree_on_the_parameters(parsed: dict[str, Parsed], name: str) -> None:
    """Names, types, mandatory and allowed values, in their order."""
    assert ScriptFolder().get(name).parameters == tuple(
        ScriptParameter(one["name"], one["type"], one["mandatory"], tuple(one["values"]))
        for one in parsed[name].tree["parameters"]
    )


@pytest.mark.parametrize("name", NAMES)
def test_the_contract_engine_takes_what_the_script_takes(name: str) -> None:
    """The Python function that stands for a script has the script's parameters."""
    assert (
        tuple(ScriptParameter(one.name, one.type, one.mandatory, one.values) for one in FUNCTIONS[name].parameters)
        == ScriptFolder().get(name).parameters
    )
