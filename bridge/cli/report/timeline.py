"""When the items of a run ended, as a picture in SVG: one bar for each part of the time, in it the states.

Rule: colours are the page's, by class; no style stands in the picture, because the page's policy allows none.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from bridge.cli.report.facts import Slot

_WIDTH, _HEIGHT, _GAP = 10, 100, 1


def svg(slots: Sequence[Slot]) -> str:
    """The picture; each bar says its time and counts when it is pointed at."""
    most = max((sum(slot.counts.values()) for slot in slots), default=0)
    bars = "".join(_bar(number, slot, most) for number, slot in enumerate(slots) if any(slot.counts.values()))
    return (
        f'<svg role="img" aria-label="Items that ended, over time; at most {most} in one bar" '
        f'viewBox="0 0 {len(slots) * _WIDTH} {_HEIGHT}" preserveAspectRatio="none">{bars}</svg>'
    )


def told(slot: Slot) -> str:
    """A part of the time in words."""
    counts = ", ".join(f"{count} {state}" for state, count in slot.counts.items() if count)
    return f"{slot.begin:%H:%M:%S} to {slot.end:%H:%M:%S}: {counts}"


def _bar(number: int, slot: Slot, most: int) -> str:
    return f"<g><title>{escape(told(slot))}</title>{''.join(_parts(number, slot, most))}</g>"


def _parts(number: int, slot: Slot, most: int) -> Iterator[str]:
    """The states of a bar, one on the other."""
    top = float(_HEIGHT)
    for state, count in slot.counts.items():
        if count:
            height = _HEIGHT * count / most
            top -= height
            yield (
                f'<rect class="{state}" x="{number * _WIDTH}" y="{top:.2f}" '
                f'width="{_WIDTH - _GAP}" height="{height:.2f}"/>'
            )
