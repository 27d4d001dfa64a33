"""Where settings come from: the file, the secrets directory, the environment, a command line.

Rules:

- Each source gives values for keys, each with its origin; a later source replaces an earlier one key by key.
- A key that there is not is a mistake wherever it stands, also where a later source would hide it. Its value is never
  shown: it may be a secret under a misspelt name.
- A relative path in a file is relative to that file; ``~`` is the user's home in every source.
- In the environment and the secrets directory all is text, and the key's type says what it means.
"""

from __future__ import annotations

import difflib
import re
import sys
import tomllib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import platformdirs

from bridge.errors import Mistake
from bridge.settings.keys import ENVIRONMENT_PREFIX, KEYS, SECTIONS
from bridge.settings.model import APP_NAME

FILE_VARIABLE = f"{ENVIRONMENT_PREFIX}SETTINGS"
SECRETS_VARIABLE = f"{ENVIRONMENT_PREFIX}SECRETS_DIR"
COMMAND_LINE = "command line"
SECRETS_DIRECTORY = "secrets directory"

_FILE_NAME = "settings.toml"
_TOML_PLACE = re.compile(r"(?P<what>.*?) ?\((?:at line (?P<line>\d+), column (?P<column>\d+)|at end of document)\)")


@dataclass(frozen=True)
class Entry:
    """The value that a source has for a key, and the origin as people read it."""

    value: Any
    origin: str


@dataclass
class Reading:
    """What was read: by full key name, with the mistakes in where things stand. ``looked_at`` are places of a file.

    ``unread`` says that there is a file whose keys are not known, so none can be called missing.
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

    def take(self, section: str, name: str, value: Any, origin: str, *, base: Path | None = None) -> None:
        """Take one value; ``base`` is the folder that a relative path is relative to."""
        if section in self.closed:
            return
        key = SECTIONS[section].get(name)
        if key is None:
            self.mistake(origin, f"{section}.{_printable(name)}", "there is no such key.", _suggest_key(section, name))
            return
        if value == "" and not key.required and key.default is None:
            value = None
        if key.is_path and isinstance(value, str):
            value = _path(value, base)
        self.entries[key.full_name] = Entry(value, origin)


def read(
    path: Path | None,
    environ: Mapping[str, str],
    overrides: Mapping[str, Any],
    replacing: Mapping[str, Any],
) -> Reading:
    """Read all sources. Never raises for what stands in them."""
    # Of these sections nothing but what replaces them counts.
    reading = Reading(closed=frozenset(replacing))
    file = _find_file(path, environ, reading)
    if file is not None:
        _read_file(file, reading)
    if environ.get(SECRETS_VARIABLE):
        _read_secrets(Path(environ[SECRETS_VARIABLE]), reading)
    _read_environment(environ, reading)
    reading.closed = ()
    _read_tables(replacing, reading)
    _read_tables(overrides, reading)
    return reading


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


def _read_file(file: Path, reading: Reading) -> None:
    reading.file = file
    text = _text_of(file, reading)
    if text is None:
        reading.unread = True
        return
    try:
        document = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        _note_syntax(file, error, reading)
        reading.unread = True
        return
    lines = _lines(text)
    for section, table in document.items():
        place = f"{file}:{lines.get((section,), 1)}"
        if _is_section(section, table, place, reading):
            for name, value in table.items():
                line = lines.get((section, name))
                origin = f"{file}:{line}" if line else place
                reading.take(section, name, value, origin, base=file.absolute().parent)


def _text_of(file: Path, reading: Reading) -> str | None:
    """The file's text, or None and a mistake."""
    place, again = str(file), "Name another file with --settings."
    try:
        if file.is_dir():
            reading.mistake(place, "", "it is a folder, not a settings file.", again)
            return None
        data = file.read_bytes()
    except FileNotFoundError:
        reading.mistake(place, "", "there is no such file.", again)
        return None
    except OSError as error:
        reading.mistake(place, "", f"it cannot be read: {error.strerror or type(error).__name__}.", again)
        return None
    except ValueError:  # a name with a NUL in it
        reading.mistake(ascii(place), "", "it is no file name.", again)
        return None
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        reading.mistake(place, "", "it is UTF-16.", "Save it as UTF-8; Windows PowerShell's > writes UTF-16.")
        return None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        reading.mistake(f"{place}:{line}", "", "it is not UTF-8.", "Save the file as UTF-8.")
        return None


def _note_syntax(file: Path, error: Exception, reading: Reading) -> None:
    place, what = str(file), "a value is too large or nested too deep"
    if isinstance(error, tomllib.TOMLDecodeError) and (found := _TOML_PLACE.fullmatch(str(error))):
        what = found["what"]
        what = f"{what[:1].lower()}{what[1:]}"
        if found["line"]:
            place = f"{place}:{found['line']}"
            what = f"{what} (column {found['column']})"
    reading.mistake(
        place,
        "",
        f"it is not TOML: {what}.",
        "Text stands in quotes, a Windows path best in single ones: 'C:\\folder'.",
    )


def _lines(text: str) -> dict[tuple[str, ...], int]:
    """The line, from 1, on which each section and each key of a section first stands.

    The text is valid TOML. A statement is a run of lines that is TOML by itself; no part of one is.
    """
    found: dict[tuple[str, ...], int] = {}
    header: tuple[str, ...] = ()
    statement, start = "", 1
    for number, line in enumerate(text.split("\n"), 1):
        start = start if statement else number
        statement += f"{line}\n"
        try:
            table = tomllib.loads(statement)
        except (ValueError, RecursionError):
            continue
        is_header, statement = statement.lstrip().startswith("["), ""
        if is_header:
            header = _header(table)
        for path in [header] if is_header else _paths(table, header):
            found.setdefault(path[:1], start)
            found.setdefault(path[:2], start)
    return found


def _header(table: Any) -> tuple[str, ...]:
    """The path that a header opens: ``[a.b]`` is ``{"a": {"b": {}}}``, and ``[[a]]`` is ``{"a": [{}]}``."""
    path: tuple[str, ...] = ()
    while table:
        if isinstance(table, list):
            table = table[0]
        else:
            key, table = next(iter(table.items()))
            path = (*path, key)
    return path


def _paths(table: dict[str, Any], header: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """The paths of the keys of one statement, and of those one level below, as in ``agent = { host = "a" }``."""
    for key, value in table.items():
        yield (*header, key)
        if isinstance(value, dict):
            for inner in value:
                yield (*header, key, inner)


def _is_section(section: str, table: Any, place: str, reading: Reading) -> bool:
    """Whether this is a section that there is, as a table; a mistake is noted where it is not."""
    if section not in SECTIONS:
        reading.mistake(place, _printable(section), "there is no such section.", _suggest_section(section))
        return False
    if not isinstance(table, Mapping):
        if section not in reading.closed:
            reading.mistake(place, section, "it is a section, not one value.", f"Write [{section}] and its keys below.")
        return False
    return True


def _read_secrets(folder: Path, reading: Reading) -> None:
    """Files named section__key. Others may be there for other programs, so only what begins as ours is looked at."""
    try:
        files = sorted(path for path in folder.iterdir() if path.is_file())
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else "") or "not the name of a folder"
        reading.mistake(SECRETS_DIRECTORY, "", f"{SECRETS_VARIABLE} cannot be read: {reason}.", "Name a folder.")
        return
    for path in files:
        section, separator, name = path.name.lower().partition("__")
        if not separator or section not in SECTIONS:
            continue
        try:
            text = path.read_text("utf-8-sig").rstrip("\r\n")
        except (OSError, UnicodeDecodeError):
            reading.mistake(SECRETS_DIRECTORY, f"{section}.{name}", "its file cannot be read.", "It is to be UTF-8.")
            continue
        _take_text(section, name, text, SECRETS_DIRECTORY, reading)


def _read_environment(environ: Mapping[str, str], reading: Reading) -> None:
    for variable, text in environ.items():
        if not variable.upper().startswith(ENVIRONMENT_PREFIX):
            continue
        origin = f"environment {variable}"
        section, separator, name = variable[len(ENVIRONMENT_PREFIX) :].lower().partition("__")
        if separator and section in SECTIONS:
            _take_text(section, name, text, origin, reading)
        elif separator:
            reading.mistake(origin, "", "there is no such section.", _suggest_section(section))
        elif section.partition("_")[0] in SECTIONS:
            # One underline is what is forgotten most.
            known = section.partition("_")
            reading.mistake(
                origin, "", "it names no key.", f"Two underlines part section and key: {_variable(known[0], known[2])}."
            )


def _take_text(section: str, name: str, text: str, origin: str, reading: Reading) -> None:
    key = SECTIONS[section].get(name)
    reading.take(section, name, key.from_text(text) if key else text, origin)


def _read_tables(tables: Mapping[str, Any], reading: Reading) -> None:
    """What a program passes in, by section; None means that nothing was given."""
    for section, table in tables.items():
        if _is_section(section, table, COMMAND_LINE, reading):
            for name, value in table.items():
                if value is not None:
                    reading.take(section, name, value, COMMAND_LINE)


def _path(text: str, base: Path | None) -> Path | str:
    path = Path(text)
    if text.startswith("~"):
        try:
            path = path.expanduser()
        except RuntimeError:  # there is no such user, or no home
            return path
    return base / path if base is not None else path


def _variable(section: str, name: str) -> str:
    return f"{ENVIRONMENT_PREFIX}{section}__{name or 'KEY'}".upper()


def _suggest_section(name: str) -> str:
    homes = [key.section for key in KEYS if key.name == name]
    if homes:
        return f"The key belongs under {' or '.join(f'[{section}]' for section in homes)}."
    near = difflib.get_close_matches(str(name), SECTIONS, n=1)
    return f"Did you mean [{near[0]}]?" if near else f"There are {', '.join(f'[{section}]' for section in SECTIONS)}."


def _suggest_key(section: str, name: str) -> str:
    homes = [key.section for key in KEYS if key.name == name]
    if homes:
        return f"It belongs under {' or '.join(f'[{other}]' for other in homes)}."
    near = difflib.get_close_matches(str(name), SECTIONS[section], n=1)
    return f"Did you mean {near[0]}?" if near else f"[{section}] has {', '.join(SECTIONS[section])}."


def _printable(name: Any) -> str:
    """A key that there is not, in a message. A long one may be anything, so only its beginning is shown."""
    text = str(name)
    text = text if len(text) <= 40 else f"{text[:40]}..."
    return text if text.isprintable() else ascii(text)[1:-1]
