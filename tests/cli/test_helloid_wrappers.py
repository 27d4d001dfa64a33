"""`exo-bridge helloid wrappers`: what it writes, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

from bridge.helloid.wrappers import files
from tests.cli.conftest import Cli


def test_the_connector_is_written(cli: Cli, tmp_path: Path) -> None:
    """All files are there, with the text that they have in the checkout; no settings are needed."""
    out = tmp_path / "new" / "connector"
    result = cli("helloid", "wrappers", "--out", str(out), "--json")
    assert result.code == 0, result.err
    written = {path.relative_to(out).as_posix(): path for path in out.rglob("*") if path.is_file()}
    assert {name: path.read_text("utf-8") for name, path in written.items()} == dict(files())
    assert {row["id"] for row in result.json["rows"]} == {str(path) for path in written.values()}
    assert json.loads((out / "v2" / "configuration.json").read_bytes())


def test_files_are_replaced_only_when_that_is_wanted(cli: Cli, tmp_path: Path) -> None:
    """A file that is there is left, and nothing else is written, unless --force says otherwise."""
    script = tmp_path / "v2" / "create.ps1"
    script.parent.mkdir()
    script.write_text("mine", "ascii")
    refused = cli("helloid", "wrappers", "--out", str(tmp_path))
    assert refused.code == 2
    assert "--force" in refused.err
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [script]
    assert cli("helloid", "wrappers", "--out", str(tmp_path), "--force").code == 0
    assert script.read_text("ascii") == files()["v2/create.ps1"]


def test_a_dry_run_writes_nothing(cli: Cli, tmp_path: Path) -> None:
    """With --dry-run the files are named, and none is written."""
    out = tmp_path / "connector"
    result = cli("helloid", "wrappers", "--out", str(out), "--dry-run")
    assert (result.code, out.exists()) == (0, False)
    assert f"would write {len(files())} files" in result.out


def test_a_folder_that_cannot_be_made_is_a_mistake_in_usage(cli: Cli, tmp_path: Path) -> None:
    """A file in the place of the folder is named."""
    out = tmp_path / "file"
    out.write_text("", "ascii")
    result = cli("helloid", "wrappers", "--out", str(out))
    assert result.code == 2
    assert "cannot be written" in result.err
