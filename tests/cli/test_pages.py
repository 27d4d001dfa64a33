"""The pages that are made from the code."""

from __future__ import annotations

from pathlib import Path

from bridge.actions import ACTIONS
from bridge.cli.pages import actions_page, permissions_part, schema_files

PAGE = Path(__file__).resolve().parents[2] / "docs" / "actions.md"


def test_actions_page_is_up_to_date() -> None:
    """docs/actions.md is what the registry makes it; ``python -m bridge.cli.pages`` writes it anew."""
    assert PAGE.read_text("utf-8") == actions_page()


def test_actions_page_has_every_action() -> None:
    """Each action has its heading, and its cmdlets are named."""
    page = actions_page()
    assert [line.removeprefix("### ") for line in page.splitlines() if line.startswith("### ")] == list(ACTIONS)
    assert "`Add-DistributionGroupMember`" in page


def test_permissions_page_is_up_to_date() -> None:
    """docs/permissions.md ends with what is computed from the scripts, and each action is there."""
    part = permissions_part()
    assert PAGE.with_name("permissions.md").read_text("utf-8").endswith(f"\n{part}")
    assert all(f"| `{name}` |" in part for name in ACTIONS)


def test_schemas_are_up_to_date() -> None:
    """docs/schemas has what the models of request and answer make, and nothing else."""
    folder = PAGE.with_name("schemas")
    assert {file.name: file.read_text("utf-8") for file in folder.iterdir()} == schema_files()
