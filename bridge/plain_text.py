r"""Text that came from elsewhere, such as a display name in Exchange, made harmless for whoever sees it.

Rule: what would move the cursor, colour the terminal, begin a line or turn the direction of the text is shown as an
escape (``\x1b``, ``\n``, ``\u202e``). All else stays as it is.
"""

from __future__ import annotations

import unicodedata

# Marks and overrides of the direction of text.
_TURNS = frozenset(map(chr, (0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))))


def one_line(text: str) -> str:
    """The text on one line, for a terminal."""
    # What is printable has no character that _harmless changes.
    return text if text.isprintable() else "".join(map(_harmless, text))


def _harmless(character: str) -> str:
    if character in _TURNS or unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp"):
        return character.encode("unicode_escape").decode("ascii")
    return character
