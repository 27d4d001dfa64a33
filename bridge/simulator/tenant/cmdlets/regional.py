"""Get- and Set-MailboxRegionalConfiguration.

Rules: a mailbox has no language until somebody sets one or logs on. Formats have to be those of the language, exactly
as they are spelt, so a new language without new formats is refused where the old ones do not fit it; an empty or null
format is the language's own. The default folders are renamed only when it is asked for. All of it is the mailbox's
own, so a synchronised mailbox takes it.
Source: Microsoft, Set-MailboxRegionalConfiguration, with its examples.
"""

from __future__ import annotations

import dataclasses
from typing import cast

from bridge.simulator.tenant import errors
from bridge.simulator.tenant.cmdlets.cultures import CULTURES, TIME_ZONES, Culture
from bridge.simulator.tenant.cmdlets.lookup import is_mailbox, one_asked, required, supports, write
from bridge.simulator.tenant.invocation import Invocation
from bridge.simulator.tenant.objects import Account, Regional

# By which formats are judged while a mailbox has no language.
_FALLBACK = "en-US"


def get_mailbox_regional_configuration(call: Invocation) -> None:
    """Get-MailboxRegionalConfiguration. Whether the folders' names fit is looked up only when it is asked for."""
    supports(call, "Identity", "VerifyDefaultFolderNameLanguage", "UseCustomRouting")
    mailbox = cast(Account, one_asked(call, is_mailbox))
    regional = _explicit(mailbox.regional)
    verify = bool(call.parameters.get("VerifyDefaultFolderNameLanguage"))
    call.reply.output.append(
        {
            "Identity": mailbox.name,
            "Language": regional.language,
            "DateFormat": regional.date_format,
            "TimeFormat": regional.time_format,
            "TimeZone": regional.time_zone,
            "DefaultFolderNameMatchingUserLanguage": verify and _folders_match(regional),
        }
    )


def set_mailbox_regional_configuration(call: Invocation) -> None:
    """Set-MailboxRegionalConfiguration."""
    supports(
        call,
        *("Identity", "Language", "DateFormat", "TimeFormat", "TimeZone", "LocalizeDefaultFolderName"),
        "UseCustomRouting",
    )
    identity = required(call, "Identity")
    mailbox = cast(Account, call.one(identity, is_mailbox))
    mailbox = dataclasses.replace(mailbox, regional=_explicit(mailbox.regional))
    regional = mailbox.regional
    if call.text("Language"):
        regional = dataclasses.replace(regional, language=_culture(call.text("Language")).name)
    culture = _culture(regional.language or _FALLBACK)
    regional = dataclasses.replace(
        regional,
        date_format=_format(call, "DateFormat", regional.date_format, culture, culture.date_formats),
        time_format=_format(call, "TimeFormat", regional.time_format, culture, culture.time_formats),
    )
    if call.text("TimeZone"):
        regional = dataclasses.replace(regional, time_zone=_time_zone(call.text("TimeZone")))
    if call.parameters.get("LocalizeDefaultFolderName"):
        if not regional.language:
            raise errors.task_error(f"The mailbox '{mailbox.name}' has no language that its folders could be named in.")
        regional = dataclasses.replace(regional, folder_language=regional.language)
    write(call, mailbox, dataclasses.replace(mailbox, regional=_explicit(regional)))


def _explicit(regional: Regional) -> Regional:
    """With the language's own formats spelt out, as Exchange keeps them; without a language there are none."""
    culture = CULTURES.get(regional.language.lower())
    if culture is None:
        return regional
    return dataclasses.replace(
        regional,
        date_format=regional.date_format or culture.date_formats[0],
        time_format=regional.time_format or culture.time_formats[0],
    )


def _culture(name: str) -> Culture:
    culture = CULTURES.get(name.strip().lower())
    if culture is None:
        raise errors.culture_not_supported(name)
    return culture


def _format(call: Invocation, name: str, now: str, culture: Culture, allowed: tuple[str, ...]) -> str:
    """The format after the change, "" for the language's own. Raises CmdletError where it does not fit."""
    wanted = call.text(name) if call.given(name) else now
    if wanted and wanted not in allowed:
        raise errors.invalid_value(
            f"The value '{wanted}' of {name} isn't valid for the language {culture.name}. "
            f"Valid formats are: {', '.join(allowed)}."
        )
    return wanted


def _time_zone(name: str) -> str:
    zone = TIME_ZONES.get(name.strip().lower())
    if zone is None:
        raise errors.invalid_value(f"'{name}' isn't a valid time zone.")
    return zone


def _folders_match(regional: Regional) -> bool:
    """Folders are named in a language, not for a country: Dutch is Dutch in Belgium."""
    language = regional.language.partition("-")[0]
    return bool(language) and language == regional.folder_language.partition("-")[0]
