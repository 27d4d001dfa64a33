"""The pages of the manual that are made from the code: ``python -m bridge.cli.pages`` writes them into the checkout.

``docs/actions.md``, ``docs/errors.md``, ``docs/schemas`` and ``integrations/helloid`` are made as a whole; of
``docs/settings.md`` the table of keys at its end, and of ``docs/permissions.md`` what each action needs. Tests hold
them to that.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from bridge.actions import ACTIONS, AREAS, actions_of
from bridge.cli.actions_command import describe
from bridge.cli.errors_page import errors_page
from bridge.cli.examples import Trial, trials
from bridge.helloid.schemas import schemas
from bridge.helloid.wrappers import files
from bridge.roles import permissions_of
from bridge.scripts import ScriptFolder
from bridge.settings import settings_table

_HEAD = """# What can be done

Made from the registry of actions by `python -m bridge.cli.pages`. `exo-bridge actions` lists those of the installation
at hand, and `exo-bridge actions NAME` shows one: its options, an example, its result, the Exchange cmdlets that it uses
and its script. Every action is a command with `--json`, `--dry-run`, `--simulate` and the other options that all
commands have (`exo-bridge COMMAND --help`).

A *read* answers with rows. A *change* compares first: what is so already is *unchanged*, and nothing is written.

What was created can be seen only seconds or minutes later. An action that creates waits for that, at most
`[exchange] visibility_timeout` seconds, and says *accepted, not visible yet* where the time was not enough; the next
call of the same process that names it waits once more.

When Exchange slows a call down, the outcome says by how much, and the next calls wait as long and then ever shorter.
What it refused because of too many calls is sent again after `[exchange] throttle_pause` seconds, doubled each time,
at most `[agent] read_retries` times; so is a read that failed in passing. No other change is sent twice.

Each action has an example that works on the demo organization. What it costs in Exchange calls is measured there each
time this page is made, looking for what was created included.
"""


def actions_page() -> str:
    """docs/actions.md: each action by area, with a line feed at the end."""
    scripts = ScriptFolder()
    tried = {trial.action.name: trial for trial in trials()}
    parts = [_HEAD]
    for name, area in AREAS.items():
        parts.append(f"## {name}\n\n{area.summary}\n")
        parts += [_section(describe(action, scripts), tried[action.name]) for action in actions_of(name).values()]
    return "\n".join(parts)


def _section(action: dict[str, Any], trial: Trial) -> str:
    """One action, with what its example cost."""
    lines = [f"### {action['name']}", "", f"{action['summary']} ({action['kind']})", "", f"    {_usage(action)}", ""]
    if action["parameters"]:
        lines += ["| option | what it is |", "|---|---|"]
        lines += [f"| `{one['option']}` | {_about(one)} |" for one in action["parameters"]]
        lines.append("")
    place = "Each row has" if action["kind"] == "read" else "Before and after have"
    lines.append(f"- {place}: {_codes(action['result'])}.")
    if action["defaults"]:
        lines.append(f"- What is not given comes from `[{action['defaults']}]` in the settings.")
    cost = (
        f"{trial.first_calls}"
        if action["kind"] == "read"
        else (f"{trial.first_calls} to make the change, {trial.again_calls} when it is so already")
    )
    lines += [
        f"- Example: `{action['example']}`",
        f"- Exchange calls of the example, measured: {cost}.",
        f"- Exchange cmdlets: {_codes(action['cmdlets'])}.",
        f"- Script: [{action['script']}](../ps_scripts/{action['script']}).",
        "",
    ]
    return "\n".join(lines)


def _usage(action: dict[str, Any]) -> str:
    """The command with its options; what may be left out is in brackets."""
    words = [action["command"]]
    for one in action["parameters"]:
        value = "" if one["type"] == "bool" else f" {'|'.join(one['values']) or one['name'].upper()}"
        word = f"{one['option']}{value}"
        words.append((word if one["required"] else f"[{word}]") + ("..." if one["several"] else ""))
    return " ".join(words)


def _about(parameter: dict[str, Any]) -> str:
    notes = [note for note in ("required", "several") if parameter[note]]
    text = str(parameter["description"]) + (f" ({', '.join(notes)})" if notes else "")
    return text.replace("|", "\\|")


def _codes(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def permissions_part() -> str:
    """The end of docs/permissions.md: what each action needs, with a line feed at the end."""
    scripts = ScriptFolder()
    lines = [
        "## What each action needs",
        "",
        "Computed from the scripts by `python -m bridge.cli.pages`: the least roles that hold the cmdlets of the",
        "action's script, and the least role in Entra ID that has them. A `Get-EXO*` cmdlet is granted with the one",
        "without `EXO`.",
        "",
        "| action | Exchange roles | role in Entra ID | Exchange cmdlets |",
        "|---|---|---|---|",
    ]
    for action in ACTIONS.values():
        script = scripts.get(action.script)
        needed = permissions_of([script])
        roles = ", ".join(needed.roles)
        lines.append(f"| `{action.name}` | {roles} | {needed.entra_role} | {_codes(sorted(script.cmdlets))} |")
    everything = permissions_of(script for script in scripts.all() if script.is_action)
    lines += ["", "## All actions together", "", f"{everything.entra_role} in Entra ID, or these roles:", ""]
    lines += ["| Exchange role | cmdlets of it |", "|---|---|"]
    lines += [f"| {role} | {_codes(list(cmdlets))} |" for role, cmdlets in everything.roles.items()]
    return "\n".join([*lines, ""])


def schema_files() -> dict[str, str]:
    """docs/schemas: the JSON schemas of HelloID's documents by file name, with a line feed at the end."""
    return {f"{name}.json": json.dumps(schema, indent=2) + "\n" for name, schema in schemas().items()}


def main() -> int:
    """Write the pages; the exit code."""
    docs = Path(__file__).resolve().parents[2] / "docs"
    for page, part in (("settings.md", settings_table()), ("permissions.md", permissions_part())):
        path = docs / page
        text = path.read_text("utf-8")
        begin = text.rfind(part.partition("\n")[0])
        if begin < 0:
            sys.stderr.write(f"{path}: the part that is made was not found\n")
            return 1
        path.write_text(text[:begin] + part, "utf-8", newline="\n")
    (docs / "actions.md").write_text(actions_page(), "utf-8", newline="\n")
    (docs / "errors.md").write_text(errors_page(), "utf-8", newline="\n")
    (docs / "schemas").mkdir(exist_ok=True)
    for name, text in schema_files().items():
        (docs / "schemas" / name).write_text(text, "utf-8", newline="\n")
    for name, text in files().items():
        path = docs.parent / "integrations" / "helloid" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
