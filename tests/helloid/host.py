"""A stand-in for HelloID: it runs the connector's scripts on a real PowerShell with the variables that HelloID sets."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HOST = Path(__file__).with_name("host.ps1")
WRAPPERS = Path(__file__).parents[2] / "integrations" / "helloid"
CONTEXTS = ("actionContext", "personContext", "resourceContext")


@dataclass(frozen=True)
class Run:
    """One script, such as ``v2/create.ps1``, and its variables: contexts (v2), or what becomes JSON texts (v1)."""

    slot: str
    configuration: Mapping[str, Any]
    variables: Mapping[str, Any] = field(default_factory=dict)
    dry_run: bool = False

    def plan(self) -> dict[str, Any]:
        """What the host reads."""
        contract = self.slot.partition("/")[0]
        if contract == "v1":
            texts = {name: json.dumps(value) for name, value in self.variables.items()}
            given = {**texts, "configuration": json.dumps(self.configuration), "dryRun": self.dry_run}
        else:
            action = {"DryRun": self.dry_run, **self.variables.get("actionContext", {})}
            given = {**self.variables, "actionContext": {**action, "Configuration": self.configuration}}
        return {"script": str(WRAPPERS / self.slot), "contract": contract, "variables": given}


@dataclass(frozen=True)
class Played:
    """What became of a run: the pipeline's output, ``$outputContext`` (v2), the streams, and how long it took."""

    output: list[Any]
    context: dict[str, Any]
    thrown: str
    errors: list[str]
    warnings: list[str]
    verbose: list[str]
    information: list[str]
    seconds: float

    @property
    def text(self) -> Any:
        """The one JSON text that a script of contract v1 writes."""
        [text] = self.output
        return json.loads(text)

    @property
    def answer(self) -> dict[str, Any]:
        """What HelloID takes as the answer, of either contract."""
        answer: dict[str, Any] = self.text if self.output else self.context
        return answer

    @property
    def audit(self) -> list[str]:
        """The messages of the audit lines."""
        return [line["Message"] for line in self.answer["AuditLogs"]]


def play(pwsh: str, folder: Path, runs: Sequence[Run], *, seconds: float = 120) -> list[Played]:
    """Run scripts one after the other in one PowerShell; ``folder`` takes the plan and the results."""
    plan, results = folder / "plan.json", folder / "results.json"
    plan.write_text(json.dumps([run.plan() for run in runs]), encoding="utf-8")
    # Not pipes: a resident process that a script starts would hold them open for as long as it runs.
    with (folder / "host.log").open("wb") as log:
        done = subprocess.run(
            [pwsh, "-NoLogo", "-NoProfile", "-NonInteractive", "-File", str(HOST)],
            env={**os.environ, "HOST_PLAN": str(plan), "HOST_RESULTS": str(results)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            timeout=seconds,
            check=False,
        )
    assert done.returncode == 0, (folder / "host.log").read_text("utf-8", errors="replace")
    rows: list[dict[str, Any]] = json.loads(results.read_text("utf-8"))
    return [
        Played(**{("context" if name == "outputContext" else name): value for name, value in row.items()})
        for row in rows
    ]


def stand_in(folder: Path, name: str, body: str) -> Path:
    """An executable in the place of exo-bridge that runs ``body``, lines of Python; ``sys`` and ``time`` are there."""
    script = folder / f"{name}.py"
    script.write_text(f"#!{sys.executable}\nimport json, os, sys, time\n{body}\n", encoding="utf-8")
    if os.name != "nt":
        script.chmod(0o700)
        return script
    command = folder / f"{name}.cmd"
    command.write_text(f'@"{sys.executable}" "{script}" %*\n', encoding="ascii")
    return command
