"""Many changes from a file: what it says, whether all of it can be right, and a file to begin with.

``read_items`` and ``survey`` are the ways in; ``bridge.batch.checking`` has the rules.
"""

from __future__ import annotations

from bridge.batch.checking import Found, Item, Survey, check, read_items, survey
from bridge.batch.desired import Wish, resolve, unmatched
from bridge.batch.rows import Mistake, Notice
from bridge.batch.template import csv_template

__all__ = [
    "Found",
    "Item",
    "Mistake",
    "Notice",
    "Survey",
    "Wish",
    "check",
    "csv_template",
    "read_items",
    "resolve",
    "survey",
    "unmatched",
]
