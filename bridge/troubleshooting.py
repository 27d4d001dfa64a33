"""What docs/troubleshooting.md says of a cause, also where nothing but the package is installed."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

_PACKAGE = Path(__file__).parent
_PLACES = (_PACKAGE / "troubleshooting.md", _PACKAGE.parent / "docs" / "troubleshooting.md")
"""Where it is in a package, and in a checkout."""
_SECTION = re.compile(r"^### (\S+)\n\n(.*?)\n*(?=\n##|\Z)", re.MULTILINE | re.DOTALL)


def sections() -> dict[str, str]:
    """The text of each cause that ``doctor`` names, in the order of the page; none where the page is not there."""
    for place in _PLACES:
        with contextlib.suppress(OSError):
            return dict(_SECTION.findall(place.read_text("utf-8")))
    return {}
