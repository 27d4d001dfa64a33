"""Loads the settings, or tells every mistake in them at once.

Rules:

- All mistakes are told together, those of the file in its order, each with its place.
- An exception of pydantic's holds what was read, secrets included. It ends here: ours is not chained to it, and no
  frame of the traceback holds what was read.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from bridge.errors import Mistake, SettingsError
from bridge.settings.keys import KEYS, SECTIONS, Key
from bridge.settings.model import Settings
from bridge.settings.section import RULE, Violation
from bridge.settings.sources import COMMAND_LINE, SECRETS_VARIABLE, Reading, sources

DEFAULT = "default"

_ALL = {key.full_name: key for key in KEYS}
_LINE = re.compile(r":(\d+)(?: and |$)")


@dataclass(frozen=True)
class Loaded:
    """Settings and where they come from.

    ``file`` is the settings file that was read, or None. ``origins`` maps each key (``agent.host``) to its origin:
    ``settings.toml:3``, ``environment EXO_BRIDGE_AGENT__HOST``, ``secrets directory``, ``command line`` or ``default``.
    ``secrets_folder`` is the secrets directory, or None.
    """

    settings: Settings
    file: Path | None
    origins: Mapping[str, str]
    secrets_folder: Path | None = None


def load_settings(
    path: str | os.PathLike[str] | None = None,
    *,
    overrides: Mapping[str, Any] | None = None,
    replacing: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
) -> Loaded:
    """Read the settings from all sources; of a key the last source that has it counts.

    The sources in their order: the defaults, the settings file, the secrets directory (EXO_BRIDGE_SECRETS_DIR), the
    environment (EXO_BRIDGE_AGENT__HOST ...), ``replacing``, ``overrides``. The file is ``path``, else what
    EXO_BRIDGE_SETTINGS names, else settings.toml in the working folder, else in the user's configuration folder, on
    Windows else in the machine's; there may be none.

    ``overrides`` and ``replacing`` are tables by section, such as ``{"agent": {"host": "a"}}``; a value of None is
    not given. ``overrides`` adds keys; a section in ``replacing`` stands for that whole section of all other sources.
    ``environ`` is ``os.environ`` unless given.

    Raises SettingsError with every mistake that was found.
    """
    result = _load(
        None if path is None else Path(path),
        overrides or {},
        replacing or {},
        os.environ if environ is None else environ,
    )
    # The frame of this call is in the traceback, which may be shown with its variables.
    del overrides, replacing, environ
    if isinstance(result, SettingsError):
        raise result
    return result


def _load(
    path: Path | None, overrides: Mapping[str, Any], replacing: Mapping[str, Any], environ: Mapping[str, str]
) -> Loaded | SettingsError:
    reading = Reading()
    settings, mistakes = _validate({"_sources": sources(reading, path, environ, overrides, replacing)}, reading)
    if reading.unread:
        return _error(reading.mistakes, reading)
    mistakes = [*reading.mistakes, *mistakes, *_missing_files(reading)]
    if settings is None or mistakes:
        return _error(mistakes, reading)
    origins = {name: reading.entries[name].origin if name in reading.entries else DEFAULT for name in _ALL}
    secrets = environ.get(SECRETS_VARIABLE)
    return Loaded(settings, reading.file, origins, Path(secrets) if secrets else None)


def _validate(values: dict[str, Any], reading: Reading) -> tuple[Settings | None, list[Mistake]]:
    """The settings of these sources, or the mistakes in what they have."""
    try:
        return Settings(**values), []
    except ValidationError as error:
        wrong = {key.full_name: mistake for key, mistake in _field_mistakes(error, reading)}
        rules = _violations(error)
    if wrong:
        # A section's rules are looked at only when all its fields are right, so it is tried without those that are not.
        sound: dict[str, dict[str, Any]] = {section: {} for section in SECTIONS}
        for name, entry in reading.entries.items():
            if name not in wrong:
                sound[_ALL[name].section][_ALL[name].name] = entry.value
        sound["agent"].setdefault("host", "localhost")
        try:
            Settings.model_validate(sound)
        except ValidationError as error:
            rules = _violations(error)
    told = [_rule_mistake(section, rule, reading) for section, rule in rules if not _about(section, rule, wrong)]
    return None, [*wrong.values(), *told]


def _field_mistakes(error: ValidationError, reading: Reading) -> Iterator[tuple[Key, Mistake]]:
    """The mistakes that a field alone shows, by key."""
    for one in error.errors(include_url=False, include_input=False):
        if one["type"] == RULE:
            continue
        section, name = (str(part) for part in one["loc"][:2])
        key = SECTIONS[section][name]
        entry = reading.entries.get(key.full_name)
        if entry is None:
            yield key, Mistake(_nowhere(reading), key.full_name, "", "it is missing.", _where_to_set(key))
            continue
        message, fix, shown = f"it is not {key.takes}.", "", key.shown(entry.value)
        if one["type"] == "value_error":
            # It says enough, and what was pasted under a wrong key may be a secret.
            message, shown = f"{str(one['msg']).removeprefix('Value error, ')}.", ""
        elif one["type"] == "string_too_short":
            message = "it is empty."
        elif key.choices and isinstance(entry.value, str):
            lower = {choice.lower(): choice for choice in key.choices}
            near = difflib.get_close_matches(entry.value.strip().lower(), list(lower), n=1)
            fix = f'Did you mean "{lower[near[0]]}"?' if near else ""
        elif isinstance(entry.value, str) and key.type != "string" and key.from_text(entry.value) != entry.value:
            fix = "Write it without quotes."
        yield key, Mistake(entry.origin, key.full_name, shown, message, fix)


def _violations(error: ValidationError) -> list[tuple[str, Violation]]:
    """The rules that are broken, with their section."""
    return [
        (str(one["loc"][0]), rule)
        for one in error.errors(include_url=False, include_input=False)
        if one["type"] == RULE
        for rule in one["ctx"]["violations"]
    ]


def _about(section: str, rule: Violation, wrong: Collection[str]) -> bool:
    """Whether a rule is about a key that is wrong by itself: its value was left out, so nothing can be said."""
    return any(f"{section}.{name}" in wrong for name in rule.keys)


def _rule_mistake(section: str, rule: Violation, reading: Reading) -> Mistake:
    keys = [SECTIONS[section][name] for name in rule.keys]
    there = [(key, reading.entries[key.full_name]) for key in keys if key.full_name in reading.entries]
    if not there:
        fix = f"{rule.fix} {_where_to_set(keys[0])}" if len(keys) == 1 else rule.fix
        return Mistake(_nowhere(reading), ", ".join(key.full_name for key in keys), "", rule.message, fix)
    places = " and ".join(dict.fromkeys(entry.origin for _, entry in there))
    value = there[0][0].shown(there[0][1].value) if len(keys) == 1 else ""
    return Mistake(places, ", ".join(key.full_name for key in keys), value, rule.message, rule.fix)


def _missing_files(reading: Reading) -> Iterator[Mistake]:
    """Certificates are looked for at once: a connection that fails for want of one says much less."""
    agent = ("agent.ca_file", "agent.certificate_file", "agent.certificate_key_file")
    for name in (*agent, "exchange.certificate_pfx_file"):
        key, entry = _ALL[name], reading.entries.get(name)
        if entry is None or not isinstance(entry.value, Path):
            continue
        try:
            there = entry.value.is_file()
        except OSError:  # a folder on the way that may not be entered
            there = False
        if not there:
            yield Mistake(entry.origin, name, key.shown(str(entry.value)), "there is no such file.", "")


def _nowhere(reading: Reading) -> str:
    return str(reading.file) if reading.file else "settings"


def _where_to_set(key: Key) -> str:
    if key.is_secret:
        return f"Set it under [{key.section}] in the file, in the secrets directory, or as {key.variable}."
    return f"Set it under [{key.section}] in the file, or as {key.variable}."


def _error(mistakes: list[Mistake], reading: Reading) -> SettingsError:
    count = f"{len(mistakes)} mistakes" if len(mistakes) > 1 else "one mistake"
    message, remedy = f"The settings cannot be used: {count}.", None
    if reading.file is None and reading.looked_at:
        places = ", ".join(str(place) for place in reading.looked_at)
        message = f"{message} There is no settings file; looked for {places}."
        remedy = (
            "Write one (`exo-bridge settings schema` prints every key and what it is) or name one with --settings. "
            "--simulate needs none."
        )
    in_order = sorted(mistakes, key=lambda mistake: _line(mistake, reading))
    error = SettingsError(message, mistakes=in_order, remedy=remedy)
    for mistake in error.mistakes:
        error.add_note(str(mistake))
    return error


def _line(mistake: Mistake, reading: Reading) -> tuple[int, int]:
    """Where a mistake stands in the order: those of the file by line, then the rest as they were found."""
    found = _LINE.search(mistake.place)
    if found is None or reading.file is None or not mistake.place.startswith(str(reading.file)):
        return (2 if mistake.place.startswith(COMMAND_LINE) else 1, 0)
    return (0, int(found[1]))
