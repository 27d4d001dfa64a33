"""An input file as rows, one by one: CSV, JSON lines, TOML or YAML, by its suffix.

Rule: whatever the file holds, reading yields rows, mistakes and notices. CSV and JSON lines of any length need no
memory; a file of TOML or YAML is read whole.
"""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Iterable, Iterator
from pathlib import Path

from bridge.batch.csv_rows import csv_rows
from bridge.batch.encodings import Encoding, encoding_of, open_text
from bridge.batch.json_rows import json_rows
from bridge.batch.rows import Entry, Header, Mistake, Notice, Row
from bridge.batch.toml_rows import toml_rows
from bridge.batch.yaml_rows import check_yaml, yaml_rows
from bridge.errors import UsageError

CSV = (".csv", ".tsv", ".txt")
JSON_LINES = (".jsonl", ".ndjson")
YAML = (".yaml", ".yml")
SUFFIXES = (*CSV, *JSON_LINES, ".toml", *YAML)
"""What an input file's name ends in."""


def read_entries(file: Path, encoding: str | None = None) -> Iterator[Entry]:
    """The header (CSV only), the rows, mistakes and notices of a file, in its order.

    ``encoding`` is a codec of Python's; without it the encoding is found. Raises UsageError when the file cannot be
    opened, its suffix stands for no format, or PyYAML is missing; that is at once, not at the first entry.
    """
    suffix = file.suffix.lower()
    if suffix not in SUFFIXES:
        raise UsageError(f"{file}: an input file ends in one of {', '.join(SUFFIXES)}, which says its format.")
    if suffix in YAML:
        check_yaml()
    with _said(file):
        found = encoding_of(file, encoding)
        file.open("rb").close()
    return _entries(file, suffix, found)


def _entries(file: Path, suffix: str, encoding: Encoding) -> Iterator[Entry]:
    line = 1
    if encoding.is_guessed:
        yield Notice(
            file.name,
            1,
            "",
            "The file is not UTF-8 and is read as Windows-1252, as Excel writes a plain CSV. Look at names with "
            'accents, or save it as "CSV UTF-8"; --encoding says what it is.',
        )
    with _said(file), open_text(file, encoding) as stream:
        try:
            for entry in _rows(stream, suffix, file.name):
                if isinstance(entry, Header | Row):
                    line = entry.line
                yield entry
        except UnicodeError as error:
            # A byte that stands for nothing is found in its cell; what is left is a character that is cut off.
            why = error.reason if isinstance(error, UnicodeDecodeError) else str(error)
            yield Mistake(
                file.name,
                line,
                "",
                f"After this line the file cannot be read as {encoding.name}: {why}.",
                "Save it as UTF-8, or say with --encoding what it is.",
            )


def _rows(stream: Iterable[str], suffix: str, name: str) -> Iterator[Entry]:
    if suffix in CSV:
        return csv_rows(stream, name)
    if suffix in JSON_LINES:
        return json_rows(stream, name)
    return (yaml_rows if suffix in YAML else toml_rows)("".join(stream), name)


@contextlib.contextmanager
def _said(file: Path) -> Generator[None]:
    """An OSError as what a person can correct."""
    try:
        yield
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror or error}.") from error
