"""Where settings come from: the file, the secrets directory, the environment, tables from a program.

Rules:

- pydantic-settings reads and merges: of a key the first source that has it counts. What it passes over without a word
  is noted here as each source gives its values: the origin of each, and every mistake.
- A key that there is not is a mistake wherever it stands, also where another source would hide it. Its value is never
  shown: it may be a secret under a misspelt name.
- A secret is a ``SecretStr`` from here on, so nobody who looks at what the sources give can show it.
- A relative path in a file is relative to that file; ``~`` is the user's home in every source.
- A file that lies in the working folder counts only where nobody else can have put it there.
- In the environment and the secrets directory all is text, and the key's type says what it means.
"""

from __future__ import annotations

import difflib
import errno
import re
import sys
import tomllib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import platformdirs
from pydantic_settings import (
    EnvSettingsSource,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    TomlConfigSettingsSource,
)

from bridge.errors import Mistake
from bridge.file_access import DoubtfulFileError, read_own
from bridge.settings.keys import DELIMITER, ENVIRONMENT_PREFIX, KEYS, MASK, SECTIONS, looks_secret
from bridge.settings.model import APP_NAME, Settings
from bridge.settings.toml_lines import lines_of

FILE_VARIABLE = f"{ENVIRONMENT_PREFIX}SETTINGS"
SECRETS_VARIABLE = f"{ENVIRONMENT_PREFIX}SECRETS_DIR"
COMMAND_LINE = "command line"
SECRETS_DIRECTORY = "secrets directory"

_FILE_NAME = "settings.toml"
_TOML_PLACE = re.compile(r"(?P<what>.*?) ?\((?:at line (?P<line>\d+), column (?P<column>\d+)|at end of document)\)")
_ANOTHER_FILE = "Name another file with --settings."
_TOML_FIX = "Text stands in quotes, a Windows path best in single ones: 'C:\\folder'."
_TWICE_FIX = "A section or a key stands there twice; take one out."


@dataclass(frozen=True)
class Entry:
    """The value that a source has for a key, and the origin as people read it."""

    value: Any
    origin: str


@dataclass
class Reading:
    """What was read: by full key name, with the mistakes in where things stand. ``looked_at`` are places of a file.

    ``unread`` says that there is a file whose keys are not known, so none can be called missing. Of the sections in
    ``closed`` no further source counts.
    """

    entries: dict[str, Entry] = field(default_factory=dict)
    mistakes: list[Mistake] = field(default_factory=list)
    file: Path | None = None
    unread: bool = False
    looked_at: tuple[Path, ...] = ()
    closed: Collection[str] = ()

    def mistake(self, place: str, key: str, message: str, fix: str) -> None:
        """Note a mistake whose value is not shown."""
        self.mistakes.append(Mistake(place, key, "", message, fix))

    def take(
        self,
        tables: Mapping[str, Any],
        origin: Callable[[str, str], str],
        *,
        base: Path | None = None,
        is_text: bool = False,
    ) -> dict[str, Any]:
        """What one source has, by section and key, without what is a mistake; a value of None is not given.

        ``origin`` tells where a section (its name and ``""``) or a key stands. ``base`` is the folder that a relative
        path is relative to. ``is_text`` says that numbers and truths are text in this source.
        """
        taken: dict[str, dict[str, Any]] = {section: {} for section in SECTIONS}
        for section, table in tables.items():
            if section not in SECTIONS:
                self.mistake(origin(section, ""), _printable(section), "there is no such section.", _suggest(section))
            elif section in self.closed:
                continue
            elif not isinstance(table, Mapping):
                fix = f"Write [{section}] and its keys below."
                self.mistake(origin(section, ""), section, "it is a section, not one value.", fix)
            else:
                for name, value in table.items():
                    if value is None:
                        continue
                    place, key = origin(section, name), SECTIONS[section].get(name)
                    if key is None:
                        wrong = f"{section}.{_printable(name)}"
                        self.mistake(place, wrong, "there is no such key.", _suggest(name, section))
                        continue
                    taken[section][name] = key.read(value, base=base, is_text=is_text)
                    self.entries.setdefault(key.full_name, Entry(taken[section][name], place))
        return taken


def sources(
    reading: Reading,
    path: Path | None,
    environ: Mapping[str, str],
    overrides: Mapping[str, Any],
    replacing: Mapping[str, Any],
) -> tuple[PydanticBaseSettingsSource, ...]:
    """All sources, the one that counts most first; they note in ``reading``. Never raises for what stands in them."""
    return (
        TableSource(reading, overrides),
        TableSource(reading, replacing, is_whole=True),
        TextSource(reading, _variables(environ, reading), env_prefix=ENVIRONMENT_PREFIX),
        TextSource(reading, _secrets(environ.get(SECRETS_VARIABLE, ""), reading), env_prefix=""),
        *_file(path, environ, reading),
    )


class TableSource(InitSettingsSource):
    """What a program passes in. ``is_whole`` says that its sections stand for all that the next sources say of them."""

    def __init__(self, reading: Reading, tables: Mapping[str, Any], *, is_whole: bool = False) -> None:
        super().__init__(Settings, dict(tables))
        self._reading = reading
        self._is_whole = is_whole

    def __call__(self) -> dict[str, Any]:
        """The values, by section and key."""
        taken = self._reading.take(super().__call__(), lambda *_: COMMAND_LINE)
        if self._is_whole:
            self._reading.closed = frozenset(self.init_kwargs)
        return taken


class TextSource(EnvSettingsSource):
    """Texts whose names, in small letters, are a prefix, a section and a key, as in ``exo_bridge_agent__host``.

    The library's own source for secrets has no place here: it reads what other programs keep in that folder too, and
    strips blanks that may be part of a secret.
    """

    def __init__(self, reading: Reading, texts: Mapping[str, Entry], *, env_prefix: str) -> None:
        self._reading = reading
        self._texts = texts
        super().__init__(
            Settings,
            case_sensitive=False,
            env_prefix=env_prefix.lower(),
            env_nested_delimiter=DELIMITER,
            env_nested_max_split=1,
        )

    def _load_env_vars(self) -> Mapping[str, str | None]:
        return {name: entry.value for name, entry in self._texts.items()}

    def __call__(self) -> dict[str, Any]:
        """The values, by section and key."""
        return self._reading.take(super().__call__(), self._origin, is_text=True)

    def _origin(self, section: str, name: str) -> str:
        return self._texts[f"{self.env_prefix}{section}{DELIMITER}{name}"].origin


class FileSource(TomlConfigSettingsSource):
    """The settings file. Making it raises OSError, ValueError or RecursionError when the file cannot be read.

    ``is_named`` says that somebody named it; else what others may have written raises DoubtfulFileError.
    """

    def __init__(self, reading: Reading, file: Path, *, is_named: bool) -> None:
        # The library passes over what is no plain file.
        if file.is_dir():
            raise IsADirectoryError
        if not file.is_file():
            file.stat()
            raise OSError(errno.EINVAL, "Not a plain file")
        self._reading = reading
        self._file = file
        self._is_named = is_named
        self._lines: dict[tuple[str, ...], int] = {}
        super().__init__(Settings, toml_file=file.absolute())

    def _read_file(self, file_path: Any) -> dict[str, Any]:
        # Editors on Windows begin a file with a byte order mark, which is no TOML.
        data = file_path.read_bytes() if self._is_named else read_own(file_path)
        text = data.decode("utf-8-sig")
        table = tomllib.loads(text)
        self._lines = lines_of(text)
        return table

    def __call__(self) -> dict[str, Any]:
        """The values, by section and key."""
        return self._reading.take(super().__call__(), self._origin, base=self._file.absolute().parent)

    def _origin(self, section: str, name: str) -> str:
        return f"{self._file}:{self._lines.get((section, name)) or self._lines.get((section,), 1)}"


def _file(path: Path | None, environ: Mapping[str, str], reading: Reading) -> tuple[FileSource, ...]:
    """The file as a source; none where there is none, or a mistake instead."""
    file = _find_file(path, environ, reading)
    if file is None:
        return ()
    reading.file = file
    try:
        return (FileSource(reading, file, is_named=file not in reading.looked_at[:1]),)
    except (OSError, ValueError, RecursionError) as error:
        named = path is None and bool(environ.get(FILE_VARIABLE))
        fix = f"{FILE_VARIABLE} names it; name another one there, or with --settings." if named else _ANOTHER_FILE
        _note_unread(file, error, reading, fix)
        return ()


def _find_file(path: Path | None, environ: Mapping[str, str], reading: Reading) -> Path | None:
    if path is not None:
        return path
    if environ.get(FILE_VARIABLE):
        return Path(environ[FILE_VARIABLE])
    places = [Path(_FILE_NAME), Path(platformdirs.user_config_dir(APP_NAME, appauthor=False)) / _FILE_NAME]
    if sys.platform == "win32":
        places.append(Path(platformdirs.site_config_dir(APP_NAME, appauthor=False)) / _FILE_NAME)
    reading.looked_at = tuple(places)
    return next((place for place in places if _is_there(place)), None)


def _is_there(place: Path) -> bool:
    try:
        return place.exists()
    except OSError:  # a folder on the way that may not be entered
        return False


def _note_unread(file: Path, error: Exception, reading: Reading, fix: str) -> None:
    """Note why a file gives nothing; ``fix`` is for where its content is not to blame."""
    reading.unread = True
    place = str(file)
    match error:
        case FileNotFoundError():
            what = "there is no such file."
        case IsADirectoryError():
            what = "it is a folder, not a settings file."
        case DoubtfulFileError():
            what = f"it was found in the working folder, and {error.strerror}."
            fix = f"Name it with --settings if it is the one you mean. {error.fix}"
        case OSError():
            what = f"it cannot be read: {error.strerror or type(error).__name__}."
        case UnicodeDecodeError() if error.object.startswith((b"\xff\xfe", b"\xfe\xff")):
            what, fix = "it is UTF-16.", "Save it as UTF-8; Windows PowerShell's > writes UTF-16."
        case UnicodeDecodeError():
            line = error.object.count(b"\n", 0, error.start) + 1
            place, what, fix = f"{place}:{line}", "it is not UTF-8.", "Save the file as UTF-8."
        case tomllib.TOMLDecodeError():
            found = _TOML_PLACE.fullmatch(str(error))
            text = found["what"] if found else str(error)
            if found and found["line"]:
                place, text = f"{place}:{found['line']}", f"{text} (column {found['column']})"
            # What tomllib cannot declare, overwrite, mutate or redefine is there already.
            fix = _TWICE_FIX if text.startswith("Cannot ") else _TOML_FIX
            what = f"it is not TOML: {text[:1].lower()}{text[1:]}."
        case _ if not place.isprintable():  # with a NUL in it, for which there is no type of error
            place, what = ascii(place), "it is no file name."
        case _:
            what, fix = "it is not TOML: a value is too large or nested too deep.", _TOML_FIX
    reading.mistake(place, "", what, fix)


def _variables(environ: Mapping[str, str], reading: Reading) -> dict[str, Entry]:
    """The variables that name a section and a key, by their names in small letters."""
    found = {}
    for variable, text in environ.items():
        prefix, name = variable[: len(ENVIRONMENT_PREFIX)], variable[len(ENVIRONMENT_PREFIX) :].lower()
        if prefix.upper() != ENVIRONMENT_PREFIX:
            continue
        origin = f"environment {variable}"
        section, separator, _ = name.partition(DELIMITER)
        if separator and section in SECTIONS:
            found[f"{prefix.lower()}{name}"] = Entry(text, origin)
        elif separator:
            reading.mistake(origin, "", "there is no such section.", _suggest(section))
        elif section.partition("_")[0] in SECTIONS:
            # One underline is what is forgotten most.
            known = section.partition("_")
            right = f"{ENVIRONMENT_PREFIX}{known[0]}{DELIMITER}{known[2] or 'KEY'}".upper()
            reading.mistake(origin, "", "it names no key.", f"Two underlines part section and key: {right}.")
    return found


def _secrets(folder: str, reading: Reading) -> dict[str, Entry]:
    """Files named section__key. Others may be there for other programs, so only what begins as ours is looked at."""
    if not folder:
        return {}
    try:
        files = sorted(path for path in Path(folder).iterdir() if path.exists())
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else "") or "not the name of a folder"
        reading.mistake(SECRETS_DIRECTORY, "", f"{SECRETS_VARIABLE} cannot be read: {reason}.", "Name a folder.")
        return {}
    found = {}
    for path in files:
        section, separator, name = path.name.lower().partition(DELIMITER)
        # A folder with the name of a key is a mount whose file is missing.
        if separator and section in SECTIONS and (path.is_file() or name in SECTIONS[section]):
            try:
                text = path.read_text("utf-8-sig").rstrip("\r\n")
            except (OSError, UnicodeDecodeError):
                what, fix = "its file cannot be read.", "It is to be a file in UTF-8."
                reading.mistake(SECRETS_DIRECTORY, f"{section}.{_printable(name)}", what, fix)
            else:
                found[path.name.lower()] = Entry(text, SECRETS_DIRECTORY)
    return found


def _suggest(name: Any, section: str = "") -> str:
    """What was meant by a name that is no key of this section, or no section."""
    homes = [f"[{key.section}]" for key in KEYS if key.name == name]
    if homes:
        return f"It belongs under {' or '.join(homes)}."
    names = list(SECTIONS[section]) if section else [f"[{one}]" for one in SECTIONS]
    near = difflib.get_close_matches(str(name) if section else f"[{name}]", names, n=1)
    there = f"[{section}] has" if section else "There are"
    return f"Did you mean {near[0]}?" if near else f"{there} {', '.join(names)}."


def _printable(name: Any) -> str:
    """A key that there is not, in a message. A long one may be anything, so only its beginning is shown."""
    text = MASK if looks_secret(str(name)) else str(name)
    text = text if len(text) <= 40 else f"{text[:40]}..."
    return text if text.isprintable() else ascii(text)[1:-1]
