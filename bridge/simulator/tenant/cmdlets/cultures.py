"""The languages, date and time formats and time zones that a mailbox can have.

Exchange takes the short date and short time patterns that Windows has for a language, the default first, and no other.
Only those of en-US are documented (Set-MailboxRegionalConfiguration); the rest are the usual ones of Windows, which
differ a little between its releases. A language that is not in the table is refused as if it did not exist. The time
zones are Windows' identifiers.
Source: Microsoft, "Default time zones" (Windows).
"""

from __future__ import annotations

from typing import NamedTuple

_24 = "HH:mm,H:mm"
_24_SHORT = "H:mm,HH:mm"
_12 = "h:mm tt,hh:mm tt,H:mm,HH:mm"
_BOTH = "HH:mm,H:mm,hh:mm tt,h:mm tt"

_TABLE = {
    "cs-CZ": ("dd.MM.yyyy,d.M.yyyy,d. M. yyyy,yyyy-MM-dd", _24_SHORT),
    "da-DK": ("dd-MM-yyyy,dd-MM-yy,d. MMM yyyy,d/M yyyy,yyyy-MM-dd", _24),
    "de-AT": ("dd.MM.yyyy,dd.MM.yy,d.M.yyyy,d.M.yy,yyyy-MM-dd", _24),
    "de-CH": ("dd.MM.yyyy,dd.MM.yy,d.M.yyyy,d.M.yy,yyyy-MM-dd", _24),
    "de-DE": ("dd.MM.yyyy,dd.MM.yy,d.M.yyyy,d.M.yy,dd/MM/yy,yyyy-MM-dd", _24),
    "el-GR": ("d/M/yyyy,d/M/yy,dd/MM/yyyy,dd/MM/yy,yyyy-MM-dd", "h:mm tt,hh:mm tt,H:mm,HH:mm"),
    "en-AU": ("d/MM/yyyy,d/MM/yy,d/M/yy,dd/MM/yyyy,dd/MM/yy,dd-MMM-yy,yyyy-MM-dd", _12),
    "en-CA": ("yyyy-MM-dd,dd/MM/yyyy,dd/MM/yy,M/dd/yy,d-MMM-yy", _12),
    "en-GB": ("dd/MM/yyyy,dd/MM/yy,d/M/yy,d.M.yy,yyyy-MM-dd", _BOTH),
    "en-IE": ("dd/MM/yyyy,dd/MM/yy,d/M/yyyy,d.M.yy,yyyy-MM-dd", _24),
    "en-IN": ("dd-MM-yyyy,dd-MM-yy,d-M-yy,d.M.yy,yyyy-MM-dd", _BOTH),
    "en-US": ("M/d/yyyy,M/d/yy,MM/dd/yy,MM/dd/yyyy,yy/MM/dd,yyyy-MM-dd,dd-MMM-yy", _12),
    "es-ES": ("dd/MM/yyyy,dd/MM/yy,d/MM/yy,d/M/yy,dd-MM-yy,yyyy-MM-dd", _24_SHORT),
    "es-MX": ("dd/MM/yyyy,dd/MM/yy,d/M/yyyy,dd-MM-yy,yyyy-MM-dd", _BOTH),
    "et-EE": ("dd.MM.yyyy,d.MM.yyyy,d.MM.yy,yyyy-MM-dd", _24_SHORT),
    "fi-FI": ("d.M.yyyy,d.M.yy,dd.MM.yyyy,yyyy-MM-dd", "H.mm,HH.mm,H:mm,HH:mm"),
    "fr-BE": ("dd-MM-yy,d/MM/yyyy,d/MM/yy,dd.MM.yy,dd/MM/yy,yyyy-MM-dd", _24),
    "fr-CA": ("yyyy-MM-dd,yy-MM-dd,dd-MM-yy,yy MM dd,dd/MM/yy", _24),
    "fr-CH": ("dd.MM.yyyy,dd.MM.yy,d.M.yyyy,yyyy-MM-dd", _24),
    "fr-FR": ("dd/MM/yyyy,dd/MM/yy,dd.MM.yy,dd-MM-yy,yyyy-MM-dd", _24_SHORT),
    "hr-HR": ("d.M.yyyy.,dd.MM.yyyy.,dd.MM.yy.,yyyy-MM-dd", _24_SHORT),
    "hu-HU": ("yyyy. MM. dd.,yyyy.MM.dd.,yy.MM.dd.,yyyy-MM-dd", _24_SHORT),
    "it-IT": ("dd/MM/yyyy,dd/MM/yy,d/M/yy,dd.MM.yy,dd-MM-yy,yyyy-MM-dd", _24),
    "ja-JP": ("yyyy/MM/dd,yy/MM/dd,yy/M/d,yyyy/M/d,yyyy-MM-dd", "H:mm,HH:mm,tt h:mm,tt hh:mm"),
    "ko-KR": ("yyyy-MM-dd,yy-MM-dd,yyyy/MM/dd,yy/MM/dd", "tt h:mm,tt hh:mm,H:mm,HH:mm"),
    "lt-LT": ("yyyy-MM-dd,yyyy.MM.dd,yy.MM.dd", _24),
    "lv-LV": ("dd.MM.yyyy,yyyy.MM.dd.,yy.MM.dd.,yyyy-MM-dd", _24),
    "nb-NO": ("dd.MM.yyyy,dd.MM.yy,d.M.yyyy,d.M.yy,yyyy-MM-dd", "HH:mm,H:mm,HH.mm"),
    "nl-BE": ("d/MM/yyyy,d/MM/yy,dd/MM/yyyy,dd-MM-yy,dd.MM.yy,yyyy-MM-dd", _24_SHORT),
    "nl-NL": ("d-M-yyyy,d-M-yy,dd-MM-yy,dd-MM-yyyy,dd/MM/yy,dd.MM.yy,yyyy-MM-dd", _24),
    "pl-PL": ("dd.MM.yyyy,dd.MM.yy,d.MM.yyyy,yyyy-MM-dd,yy-MM-dd", _24),
    "pt-BR": ("dd/MM/yyyy,dd/MM/yy,d/M/yy,dd-MM-yy,yyyy-MM-dd", _24),
    "pt-PT": ("dd/MM/yyyy,dd/MM/yy,yy/MM/dd,dd.MM.yy,dd-MM-yyyy,yyyy-MM-dd", _24),
    "ro-RO": ("dd.MM.yyyy,dd.MM.yy,d.M.yyyy,yyyy-MM-dd", _24),
    "ru-RU": ("dd.MM.yyyy,dd.MM.yy,d.M.yy,dd/MM/yy,yyyy-MM-dd", _24_SHORT),
    "sk-SK": ("d. M. yyyy,d.M.yyyy,dd.MM.yyyy,yyyy-MM-dd", _24_SHORT),
    "sl-SI": ("d. MM. yyyy,d.M.yyyy,dd.MM.yyyy,yyyy-MM-dd", _24),
    "sv-SE": ("yyyy-MM-dd,yy-MM-dd,yyMMdd", _24),
    "tr-TR": ("d.MM.yyyy,dd.MM.yyyy,d.M.yyyy,d/M/yyyy,dd/MM/yyyy,yyyy-MM-dd", _24),
    "uk-UA": ("dd.MM.yyyy,dd.MM.yy,d.M.yyyy,yyyy-MM-dd", _24),
    "zh-CN": ("yyyy/M/d,yyyy/MM/dd,yyyy-M-d,yyyy-MM-dd,yyyy.M.d,yy/M/d", _24_SHORT),
    "zh-TW": ("yyyy/M/d,yyyy/MM/dd,yyyy-MM-dd,yy/M/d", "tt hh:mm,tt h:mm,HH:mm,H:mm"),
}


class Culture(NamedTuple):
    """A language with what it allows; the first format is its default."""

    name: str
    date_formats: tuple[str, ...]
    time_formats: tuple[str, ...]


CULTURES = {
    name.lower(): Culture(name, tuple(dates.split(",")), tuple(times.split(",")))
    for name, (dates, times) in _TABLE.items()
}

# What the calendar is called, by language; the names of Outlook in that language.
_CALENDARS = {
    **dict.fromkeys(("da", "de", "et", "nb", "sv"), "Kalender"),
    **dict.fromkeys(("es", "it"), "Calendario"),
    "cs": "Kalendář",
    "el": "Ημερολόγιο",
    "fi": "Kalenteri",
    "fr": "Calendrier",
    "hr": "Kalendar",
    "hu": "Naptár",
    "ja": "予定表",
    "ko": "일정",
    "lt": "Kalendorius",
    "lv": "Kalendārs",
    "nl": "Agenda",
    "pl": "Kalendarz",
    "pt": "Calendário",
    "ru": "Календарь",
    "sk": "Kalendár",
    "sl": "Koledar",
    "tr": "Takvim",
    "uk": "Календар",
    "zh-cn": "日历",
    "zh-tw": "行事曆",
}


def calendar_name(language: str) -> str:
    """What the calendar is called where the folders have the names of ``language`` (nl-NL); English without one."""
    language = language.lower()
    return _CALENDARS.get(language) or _CALENDARS.get(language.partition("-")[0]) or "Calendar"


# Those that end in "Standard Time", without it.
_STANDARD = """
Afghanistan, Alaskan, Aleutian, Altai, Arab, Arabian, Arabic, Argentina, Astrakhan, Atlantic, AUS Central,
Aus Central W., AUS Eastern, Azerbaijan, Azores, Bahia, Bangladesh, Belarus, Bougainville, Canada Central, Cape Verde,
Caucasus, Cen. Australia, Central, Central America, Central Asia, Central Brazilian, Central Europe, Central European,
Central Pacific, Central (Mexico), Chatham Islands, China, Cuba, Dateline, E. Africa, E. Australia, E. Europe,
E. South America, Easter Island, Eastern, Eastern (Mexico), Egypt, Ekaterinburg, Fiji, FLE, Georgian, GMT, Greenland,
Greenwich, GTB, Haiti, Hawaiian, India, Iran, Israel, Jordan, Kaliningrad, Kamchatka, Korea, Libya, Line Islands,
Lord Howe, Magadan, Magallanes, Marquesas, Mauritius, Mid-Atlantic, Middle East, Montevideo, Morocco, Mountain,
Mountain (Mexico), Myanmar, N. Central Asia, Namibia, Nepal, New Zealand, Newfoundland, Norfolk, North Asia,
North Asia East, North Korea, Omsk, Pacific, Pacific (Mexico), Pacific SA, Pakistan, Paraguay, Qyzylorda, Romance,
Russia Time Zone 3, Russia Time Zone 10, Russia Time Zone 11, Russian, SA Eastern, SA Pacific, SA Western,
Saint Pierre, Sakhalin, Samoa, Sao Tome, Saratov, SE Asia, Singapore, South Africa, South Sudan, Sri Lanka, Sudan,
Syria, Taipei, Tasmania, Tocantins, Tokyo, Tomsk, Tonga, Transbaikal, Turkey, Turks And Caicos, Ulaanbaatar,
US Eastern, US Mountain, Venezuela, Vladivostok, Volgograd, W. Australia, W. Central Africa, W. Europe, W. Mongolia,
West Asia, West Bank, West Pacific, Yakutsk, Yukon
"""
_OTHER = ("UTC", "UTC-11", "UTC-09", "UTC-08", "UTC-02", "UTC+12", "UTC+13")


def _identifier(name: str) -> str:
    """The whole identifier of an entry in the table above; a few do not end as the others do."""
    if name.startswith("Russia Time Zone"):
        return name
    base, bracket, country = name.partition(" (")
    return f"{base} Standard Time{bracket}{country}"


TIME_ZONES = {
    zone.lower(): zone for zone in (*_OTHER, *(_identifier(" ".join(name.split())) for name in _STANDARD.split(",")))
}
