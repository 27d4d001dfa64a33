"""The zip of a support bundle.

Rules: it is written beside its place, for its owner alone (on Windows for whom its folder is for), read again member by
member, and searched for every secret in every encoding. Only when none is found it gets its name; else nothing is left
of it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from bridge.errors import SecretFound
from bridge.logs.secret_search import SecretSearch
from bridge.whole_file import part_beside

MANIFEST = "manifest.json"
_CHUNK = 2**20


@dataclass(frozen=True)
class Member:
    """One file of the bundle: its name, what it is, and its lines, which are made when they are written."""

    name: str
    about: str
    lines: Callable[[], Iterable[str]]


@dataclass(frozen=True)
class Written:
    """A file as it is in the bundle; ``size`` in bytes."""

    name: str
    about: str
    size: int
    sha256: str


class Bundle:
    """A bundle that is not at its place yet. Made by ``bundled``."""

    def __init__(self, part: Path, files: list[Written], file: Path) -> None:
        self.files = files
        self._part = part
        self._file = file

    def keep(self) -> None:
        """Put it at its place. Raises OSError."""
        self._part.replace(self._file)


@contextlib.contextmanager
def bundled(
    file: Path, members: Iterable[Member], facts: Mapping[str, Any], secrets: Callable[[], SecretSearch]
) -> Iterator[Bundle]:
    """The bundle of these members and of a manifest that has ``facts``; without ``keep`` nothing is left of it.

    ``secrets`` is asked for after the members were written, since making them may bring up another one. Raises
    SecretFound, and OSError.
    """
    number, part = part_beside(file)
    try:
        with os.fdopen(number, "wb") as stream, zipfile.ZipFile(stream, "w") as archive:
            files = [_add(archive, member) for member in members]
            manifest = {**facts, "files": [asdict(one) for one in files]}
            text = json.dumps(manifest, ensure_ascii=False, indent=2) + "\n"
            files.append(_add(archive, Member(MANIFEST, "What is in this bundle, and of what.", lambda: [text])))
        _check(part, secrets())
        yield Bundle(part, files, file)
    finally:
        part.unlink(missing_ok=True)


def _add(archive: zipfile.ZipFile, member: Member) -> Written:
    size, digest = 0, hashlib.sha256()
    info = zipfile.ZipInfo(member.name, time.localtime()[:6])
    info.compress_type = zipfile.ZIP_DEFLATED
    with archive.open(info, "w") as stream:
        for line in member.lines():
            data = line.encode("utf-8", "backslashreplace")
            size += len(data)
            digest.update(data)
            stream.write(data)
    return Written(member.name, member.about, size, digest.hexdigest())


def _check(part: Path, search: SecretSearch) -> None:
    """Raises SecretFound when a secret is in the file as it was written, or in the name of a member."""
    with zipfile.ZipFile(part) as archive:
        for name in archive.namelist():
            with archive.open(name) as stream:
                hits = {*search.hits(name.encode()), *_hits(stream, search)}
            if hits:
                raise SecretFound(
                    f"{name} of the bundle would hold the secret of {', '.join(sorted(hits))}. Nothing was written."
                )


def _hits(stream: IO[bytes], search: SecretSearch) -> set[str]:
    found: set[str] = set()
    tail = b""
    while chunk := stream.read(_CHUNK):
        found.update(search.hits(tail + chunk))
        # A secret may be on both sides of where it was cut.
        tail = (tail + chunk)[-search.reach :]
    return found
