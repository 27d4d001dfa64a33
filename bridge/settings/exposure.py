"""Who else may read what exo-bridge keeps secret, or write what it believes: files and folders that are open to others.

Rules: it is told, and nothing is refused for it. Group and others count alike, because who is in a group changes. On
Windows nothing is told: there the access list of the folder says it.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bridge.file_access import account
from bridge.settings.keys import DELIMITER, KEYS, SECTIONS
from bridge.settings.loading import Loaded

_READ, _WRITE, _ENTER = stat.S_IRGRP | stat.S_IROTH, stat.S_IWGRP | stat.S_IWOTH, stat.S_IXGRP | stat.S_IXOTH


@dataclass(frozen=True)
class Exposure:
    """One file or folder: its mode, what others may do there in one sentence, and the command that ends it."""

    file: Path
    mode: str
    seen: str
    remedy: str

    def as_json(self) -> dict[str, str]:
        """A row for programs."""
        return {"file": str(self.file), "mode": self.mode, "seen": self.seen, "remedy": self.remedy}


def exposures(loaded: Loaded) -> list[Exposure]:
    """What is open to others, of all that these settings name. Raises OSError."""
    return [] if account() is None else list(_all(loaded))


def _all(loaded: Loaded) -> Iterator[Exposure]:
    settings = loaded.settings
    if loaded.file is not None:
        has_secret = any(key.is_secret and _stands_in_file(loaded, key.full_name) for key in KEYS)
        what = "The settings file, which holds a secret," if has_secret else "The settings file"
        yield from _look(loaded.file, what, is_secret=has_secret)
    if loaded.secrets_folder is not None:
        yield from _look_at_secrets(loaded.secrets_folder)
    yield from _look(settings.agent.certificate_key_file, "The key file", is_secret=True)
    yield from _look(settings.exchange.certificate_pfx_file, "The PFX file", is_secret=True)
    own = settings.scripts.folder
    if own is not None:
        yield from _look(own, "The folder for own scripts")
        for script in sorted(own.rglob("*.ps1")):
            yield from _look(script, "The own script")


def _stands_in_file(loaded: Loaded, key: str) -> bool:
    return loaded.origins[key].startswith(f"{loaded.file}:")


def _look(path: Path | None, what: str, *, is_secret: bool = False) -> Iterator[Exposure]:
    mode = _mode(path)
    may = ["read"] if is_secret and mode & _READ else []
    may += ["write"] if mode & _WRITE else []
    if path is not None and may:
        change = "600" if is_secret else "go-w"
        yield _exposure(path, mode, f"{what} may be {_said(may)} by others", change)


def _look_at_secrets(folder: Path) -> Iterator[Exposure]:
    """The folder as a whole: its files are out of reach where it may not be entered."""
    mode = _mode(folder)
    files = [_mode(file) for file in folder.iterdir() if _is_ours(file.name)] if mode & _ENTER else []
    may = ["read"] if any(one & _READ for one in files) else []
    may += ["write"] if mode & _WRITE or any(one & _WRITE for one in files) else []
    if may:
        yield _exposure(folder, mode, f"What is in the secrets directory may be {_said(may)} by others", "700")


def _is_ours(name: str) -> bool:
    section, separator, _ = name.lower().partition(DELIMITER)
    return bool(separator) and section in SECTIONS


def _said(may: list[str]) -> str:
    return " and ".join({"read": "read", "write": "written"}[one] for one in may)


def _exposure(path: Path, mode: int, seen: str, change: str) -> Exposure:
    text = f"{mode:04o}"
    return Exposure(path, text, f"{seen}: {path} (mode {text}).", f"`chmod {change} {path}`")


def _mode(path: Path | None) -> int:
    """The mode of what is there; 0 where nothing is."""
    try:
        return stat.S_IMODE(path.stat().st_mode) if path is not None else 0
    except OSError:
        return 0
