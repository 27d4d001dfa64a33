"""Checks the built package: which files it holds, and that it works without the checkout.

Builds the source distribution and the wheel, compares the wheel's files with what git has under ``bridge`` and
``ps_scripts``, installs the wheel into a fresh environment, and runs the demo there from an empty folder. The
installation is the one of docs/windows-agent.md: from a wheelhouse, without a package index.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import tempfile
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def main() -> int:
    """The exit code: 0 when all is well."""
    with tempfile.TemporaryDirectory(prefix="exo-bridge-package-") as name:
        folder = Path(name)
        subprocess.run([sys.executable, "-m", "build", "--outdir", str(folder / "dist"), str(ROOT)], check=True)
        wheel = next((folder / "dist").glob("*.whl"))
        source = next((folder / "dist").glob("*.tar.gz"))
        problems = wheel_problems(wheel) + source_problems(source) + demo_problems(wheel, folder)
    for problem in problems:
        print(problem, file=sys.stderr)
    print(f"{wheel.name}: {'not right' if problems else 'right'}")
    return 1 if problems else 0


def wheel_problems(wheel: Path) -> list[str]:
    """Files that the wheel lacks, and files that it should not have."""
    tracked = subprocess.run(
        ["git", "ls-files", "bridge", "ps_scripts"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.splitlines()
    wanted = {f"bridge/{file}" if file.startswith("ps_scripts/") else file for file in tracked}
    wanted.add("bridge/troubleshooting.md")
    with zipfile.ZipFile(wheel) as archive:
        there = {file for file in archive.namelist() if ".dist-info/" not in file}
        metadata = {file.rpartition("/")[2] for file in archive.namelist() if ".dist-info/" in file}
    return (
        [f"the wheel lacks {file}" for file in sorted(wanted - there)]
        + [f"the wheel has {file}, which git has not" for file in sorted(there - wanted)]
        + [f"the wheel lacks {file}" for file in sorted({"LICENSE", "METADATA", "entry_points.txt"} - metadata)]
    )


def source_problems(source: Path) -> list[str]:
    """What somebody who packages exo-bridge from its source needs and does not find."""
    with tarfile.open(source) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    wanted = {"pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", "settings.example.toml", "tests/conftest.py"}
    wanted |= {"integrations/helloid/README.md", "integrations/helloid/v2/create.ps1"}
    return [f"the source distribution lacks {file}" for file in sorted(wanted - names)]


def demo_problems(wheel: Path, folder: Path) -> list[str]:
    """Whether the installed wheel runs the demo where there is no checkout."""
    environment = folder / "environment"
    venv.create(environment, with_pip=True)
    scripts = environment / ("Scripts" if sys.platform == "win32" else "bin")
    pip = [scripts / "python", "-m", "pip", "--quiet"]
    wheelhouse = folder / "wheelhouse"
    subprocess.run([*pip, "wheel", "--wheel-dir", wheelhouse, wheel], check=True)
    subprocess.run([*pip, "install", "--no-index", "--find-links", wheelhouse, "exo-bridge"], check=True)
    empty = folder / "empty"
    empty.mkdir()
    variables = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "EXO_BRIDGE_"))}
    variables |= {"HOME": str(empty), "LOCALAPPDATA": str(empty), "XDG_STATE_HOME": str(empty)}
    explained = subprocess.run(
        [scripts / "exo-bridge", "explain", "name-unknown"], cwd=empty, env=variables, capture_output=True, check=False
    )
    if explained.returncode != 0:
        return ["the installed wheel does not explain what only docs/troubleshooting.md has"]
    demo = subprocess.run(
        [scripts / "exo-bridge", "demo", "--engine", "contract", "--json"],
        cwd=empty,
        env=variables,
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    if demo.returncode != 0:
        return [f"the demo of the installed wheel ended with {demo.returncode}: {demo.stderr[-2000:]}"]
    outcomes = json.loads(demo.stdout)["outcomes"]
    statuses = {outcome["status"] for outcome in outcomes}
    return [] if statuses == {"changed", "unchanged"} else [f"the demo's outcomes were {sorted(statuses)}"]


if __name__ == "__main__":
    sys.exit(main())
