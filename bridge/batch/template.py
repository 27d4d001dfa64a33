"""A CSV to begin with: the columns of an action, and its example as the first row."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from bridge.batch.cells import join
from bridge.batch.columns import ACTION
from bridge.errors import UsageError
from bridge.model import Kind

if TYPE_CHECKING:
    from bridge.actions.action import Action


def csv_template(action: Action) -> str:
    """A header with the columns of an action, and its example. Raises UsageError for an action that only reads."""
    if action.kind is not Kind.CHANGE:
        raise UsageError(f"{action.name} only reads; there is a CSV for what changes something.")
    return csv_text(action, [action.example])


def csv_text(action: Action, rows: Iterable[Mapping[str, Any]], separator: str = ",") -> str:
    """Rows of parameters as CSV, with the column ``action`` first; an empty text cannot be told from none.

    With a byte order mark at its head (``utf-8-sig``) Excel takes it as UTF-8.
    """
    names = list(action.parameters.model_fields)
    text = io.StringIO()
    writer = csv.writer(text, delimiter=separator)
    writer.writerow([ACTION, *names])
    writer.writerows([action.name, *(_cell(row.get(name)) for name in names)] for row in rows)
    return text.getvalue()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return join(value) if isinstance(value, list) else str(value)
