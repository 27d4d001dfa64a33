"""Which characters the bytes of an input file stand for.

Rules:

- A byte order mark decides: UTF-8, UTF-16 or UTF-32. Without one, a zero as the first or the second byte means UTF-16.
- Else it is UTF-8. Where it is not, it is Windows-1252, which Excel for Western Europe and America writes as plain CSV,
  and that is told; but a file that has UTF-8 characters too is a damaged UTF-8 file.
- A byte that stands for nothing is kept as a lone surrogate (U+DC80 to U+DCFF), so that it is found in its cell and
  told with line and column.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from bridge.errors import UsageError

_CHUNK = 1 << 20
_HEAD = 4
# The mark of UTF-32 begins with that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
"""The first bytes of Excel's own files, new and old."""
_DAMAGED = re.compile("[\udc80-\udcff]")
_NOT_ASCII = re.compile("[\u0080-\ud7ff\ue000-\U0010ffff]")


@dataclass(frozen=True)
class Encoding:
    """A codec of Python's by name, and whether it was guessed because the file is not UTF-8."""

    name: str
    is_guessed: bool = False


def encoding_of(file: Path, given: str | None = None) -> Encoding:
    """The encoding of a file; ``given`` is what a person says it is. Raises UsageError, OSError."""
    if given is not None:
        return Encoding(_known(given))
    with file.open("rb") as stream:
        head = stream.read(_HEAD)
    if head in _WORKBOOKS:
        raise UsageError(f"{file} is a workbook, not text.", remedy="In Excel: Save as, CSV UTF-8.")
    for mark, name in _MARKS:
        if head.startswith(mark):
            return Encoding(name)
    # The names of columns are ASCII, and so is what JSON and TOML begin with.
    if len(head) > 1 and (head[0] == 0) != (head[1] == 0):
        return Encoding("utf-16-be" if head[0] == 0 else "utf-16-le")
    return Encoding("utf-8") if _is_rather_utf8(file) else Encoding("cp1252", is_guessed=True)


def open_text(file: Path, encoding: Encoding) -> TextIO:
    """The file as text, with its line ends as they are. Raises OSError."""
    errors = "surrogatepass" if encoding.name.startswith(("utf-16", "utf-32")) else "surrogateescape"
    return file.open(encoding=encoding.name, errors=errors, newline="")


def damaged_byte(character: str) -> int | None:
    """The byte for which a character stands that no encoding knows, or None."""
    return ord(character) - 0xDC00 if _DAMAGED.match(character) else None


def _is_rather_utf8(file: Path) -> bool:
    """Whether all of it is UTF-8, or more than its ASCII characters are."""
    decode = codecs.getincrementaldecoder("utf-8")("surrogateescape").decode
    is_damaged = has_more = False
    with file.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            text = decode(chunk)
            is_damaged = is_damaged or _DAMAGED.search(text) is not None
            has_more = has_more or _NOT_ASCII.search(text) is not None
    is_damaged = is_damaged or _DAMAGED.search(decode(b"", final=True)) is not None
    return has_more or not is_damaged


def _known(name: str) -> str:
    """The name of a codec for text; with a mark at the head of UTF-8 or without. Raises UsageError."""
    try:
        codec = codecs.lookup(name).name
        "a".encode(codec)
    except (LookupError, ValueError):
        raise UsageError(
            f"--encoding: there is no encoding {name!r}; use one such as utf-8, utf-16 or cp1252."
        ) from None
    return "utf-8-sig" if codec == "utf-8" else codec
