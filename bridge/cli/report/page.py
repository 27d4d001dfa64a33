"""The report of a run as one page that loads nothing from elsewhere.

Rules:

- What comes from the journal reaches the page through ``_text`` alone: characters that cannot be seen or that turn the
  direction of the text are shown as escapes, as on a terminal, and the rest is escaped for HTML. ``<bdi>`` keeps text
  that is written from right to left in its place.
- The policy in the page's head allows the one script and the one style sheet of the page, by their hashes, and nothing
  else. So there is no style in an attribute.
- The items are written as they are read. They stand in plain tables of a hundred rows, because a browser can leave out
  the layout of a block that is not on the screen, and not that of a row.
"""

from __future__ import annotations

import base64
import hashlib
import importlib.resources
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from html import escape
from itertools import islice
from string import Template
from typing import Any

from bridge.cli import output
from bridge.cli.report import timeline
from bridge.cli.report.facts import UNSETTLED, Cause, Facts
from bridge.journal import Item, State

_ROWS = 100
_COLUMNS = ("#", "state", "what", "before", "after", "why", "when")
_RUN_FACTS = ("kind", "command", "user", "machine", "agent", "organization", "source", "plan", "version")


def page(facts: Facts, items: Iterable[Item], made: datetime) -> Iterator[str]:
    """The page, piece by piece. ``items`` are all of the run, in the order to show; ``made`` is now, in UTC."""
    style, script = _part("page.css"), _part("page.js")
    parts = {
        "style": style,
        "style_hash": _hash(style),
        "script": script,
        "script_hash": _hash(script),
        "short": _text(facts.run.id[:12]),
        "headline": _headline(facts),
        "tiles": _tiles(facts),
        "unsettled": _unsettled(facts),
        "failures": _failures(facts),
        "timeline": _timeline(facts),
        "actions": _actions(facts),
        "slowest": _slowest(facts),
        "facts": _facts(facts, made),
    }
    head, tail = _part("page.html").split("$items")
    yield Template(head).substitute(parts)
    yield from _blocks(items)
    yield Template(tail).substitute(parts)


def _part(name: str) -> str:
    return (importlib.resources.files(__package__) / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    """How a Content-Security-Policy names a script or a style sheet."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _text(value: Any) -> str:
    return escape(output.shown(value))


def _moment(at: str) -> str:
    """A moment of the journal to the second; it is UTC."""
    return _text(at[:19].replace("T", " ")) if at else ""


def _headline(facts: Facts) -> str:
    run = facts.run
    if run.ended:
        ended = f"ended {_moment(run.ended_at)} UTC ({_text(run.ended)})"
    else:
        ended = "has not ended: it is under way, or its process died"
    return f"Began {_moment(run.began_at)} UTC, {ended}."


def _tiles(facts: Facts) -> str:
    counts = facts.counts
    tiles = [
        ("unknown", sum(counts[state] for state in UNSETTLED), "may or may not have been made"),
        *((str(state), counts[state], str(state)) for state in (State.FAILED, State.CHANGED, State.UNCHANGED)),
        ("planned", counts[State.PLANNED], "planned, not sent"),
        ("", facts.items, "items in all"),
    ]
    return "".join(f'<li class="{kind}"><b>{count:,}</b>{name}</li>' for kind, count, name in tiles)


def _unsettled(facts: Facts) -> str:
    count = sum(facts.counts[state] for state in UNSETTLED)
    if not count:
        return ""
    run = facts.run.id[:12]
    if facts.run.facts.kind in ("action", "helloid"):
        remedy = "Look at the object before the change is made again."
    else:
        remedy = f"<code>exo-bridge batch resume {_text(run)}</code> looks at each object and says what became of it."
    return (
        f'<section class="alarm"><h2>{count:,} may or may not have been made: look at them first</h2>'
        f"<p>{remedy}</p>{_list(facts.unsettled, count)}</section>"
    )


def _failures(facts: Facts) -> str:
    if not facts.causes:
        return ""
    return f"<section><h2>What failed, by cause</h2>{''.join(_cause(cause) for cause in facts.causes)}</section>"


def _cause(cause: Cause) -> str:
    remedies = "".join(f"<p>What to do: <bdi>{_text(remedy)}</bdi></p>" for remedy in cause.remedies)
    return (
        f"<h3>{cause.count:,} failed: <code>{_text(cause.code or 'no cause given')}</code></h3>"
        f"{remedies}{_list(cause.items, cause.count)}"
    )


def _list(items: Sequence[Item], count: int) -> str:
    """The first items, each with a link to its row, and how many there are beside them."""
    entries = "".join(f"<li>{_link(item)} {_about(item)}{_reason(item)}</li>" for item in items)
    more = (
        f'<li class="dim">and {count - len(items):,} more, in the list of all items</li>' if count > len(items) else ""
    )
    return f"<ul>{entries}{more}</ul>"


def _link(item: Item) -> str:
    position = _text(item.position)
    return f'<a href="#i{position}">{position}</a>'


def _about(item: Item) -> str:
    """The action and what it is done to, on one line."""
    call = item.planned.call
    values = "".join(f" <bdi>{_text(value)}</bdi>" for value in call.parameters.values())
    return f"{_text(call.action)}{values}"


def _reason(item: Item) -> str:
    problem = item.outcome.problem if item.outcome else None
    return f": <bdi>{_text(problem.message)}</bdi>" if problem else ""


def _timeline(facts: Facts) -> str:
    if not facts.slots:
        return "<p>No item has ended yet.</p>"
    first, last = facts.slots[0].begin, facts.slots[-1].end
    each = (facts.slots[0].end - first).total_seconds()
    return (
        f"{timeline.svg(facts.slots)}"
        f'<div class="axis"><span>{first:%Y-%m-%d %H:%M:%S} UTC</span><span>one bar is {each:,.0f} s</span>'
        f"<span>{last:%Y-%m-%d %H:%M:%S} UTC</span></div>"
    )


def _actions(facts: Facts) -> str:
    heads = "".join(f'<th scope="col">{state}</th>' for state in State)
    rows = "".join(
        f"<tr><td>{_text(name)}</td>{''.join(f'<td>{counts.get(state, 0):,}</td>' for state in State)}</tr>"
        for name, counts in facts.actions.items()
    )
    head = f'<thead><tr><th scope="col">action</th>{heads}</tr></thead>'
    return f'<table class="numbers">{head}<tbody>{rows}</tbody></table>'


def _slowest(facts: Facts) -> str:
    rows = "".join(
        f"<tr><td>{item.outcome.seconds:.2f} s</td><td>{_link(item)} {_about(item)}</td></tr>"
        for item in facts.slowest
        if item.outcome is not None
    )
    together = f"All calls together took {facts.seconds:,.1f} s"
    slowed = f", of which Exchange slowed them down by {facts.throttled_seconds:,.1f} s" * (facts.throttled_seconds > 0)
    return f'<p>{together}{slowed}.</p><table class="slow"><tbody>{rows}</tbody></table>'


def _facts(facts: Facts, made: datetime) -> str:
    run = facts.run
    moments = {"began": run.began_at, "resumed": run.resumed_at, "ended": run.ended_at}
    rows = {
        "run": _text(run.id),
        **{name: f"{_moment(at)} UTC" for name, at in moments.items() if at},
        **{name: _text(getattr(run.facts, name)) for name in _RUN_FACTS},
        "page made": f"{made:%Y-%m-%d %H:%M:%S} UTC",
    }
    return "".join(f"<dt>{name}</dt><dd><bdi>{value}</bdi></dd>" for name, value in rows.items() if value)


def _blocks(items: Iterable[Item]) -> Iterator[str]:
    """The tables, each with the rows of some items."""
    heads = "".join(f'<th scope="col">{name}</th>' for name in _COLUMNS)
    every = iter(items)
    first = 1
    while rows := [_row(item) for item in islice(every, _ROWS)]:
        last = first + len(rows) - 1
        yield (
            f'<div class="block"><table><caption>{first:,} to {last:,}</caption>'
            f"<thead><tr>{heads}</tr></thead><tbody>\n{''.join(rows)}</tbody></table></div>\n"
        )
        first = last + 1
    if first == 1:
        yield "<p>The run has no items.</p>"


def _row(item: Item) -> str:
    before, after, is_wanted = _states(item)
    cells = {
        "what": f"<p>{_text(item.planned.call.action)}</p>{_values(item.planned.call.parameters)}",
        "before": _values(before, after),
        "after": ("<p><i>wanted:</i></p>" if is_wanted else "") + _values(after, before),
        "why": _why(item),
        "when": _when(item),
    }
    columns = "".join(_cell(name, cell) for name, cell in cells.items())
    position = _text(item.position)
    head = f'<th scope="row">{position}</th><td>{item.state}</td>'
    return f'<tr id="i{position}" class="{item.state}">{head}{columns}</tr>\n'


def _cell(name: str, cell: str) -> str:
    # On a narrow screen each cell is a line with its name before it, and the empty ones are left out.
    return f'<td data-name="{name}"><div>{cell}</div></td>' if cell else "<td></td>"


def _states(item: Item) -> tuple[Mapping[str, Any], Mapping[str, Any], bool]:
    """Before and after as far as they are known, and whether the latter is only what was wanted."""
    outcome, planned = item.outcome, item.planned
    before = outcome.before if outcome and outcome.before else planned.expected
    if outcome and outcome.after:
        return before, outcome.after, False
    return before, planned.wanted, bool(planned.wanted)


def _values(values: Mapping[str, Any], others: Mapping[str, Any] | None = None) -> str:
    """A line for each; those that differ from ``others`` are marked."""
    return "".join(
        f"<p{_mark(others is not None and others.get(name, value) != value)}>"
        f"<i>{_text(name.replace('_', ' '))}</i> <bdi>{_text(value)}</bdi></p>"
        for name, value in values.items()
    )


def _mark(differs: bool) -> str:
    return ' class="d"' if differs else ""


def _why(item: Item) -> str:
    outcome = item.outcome
    if item.state is State.OPEN:
        return "<p>sent, and nothing is known of it</p>"
    if outcome is None:
        return ""
    lines = [("", outcome.reason), ("settled by", item.settled_by)]
    if problem := outcome.problem:
        kind = f" ({problem.error_type})" if problem.error_type else ""
        lines += [(problem.code, f"{problem.message}{kind}"), ("what to do", problem.remedy)]
    lines += [("warning", warning) for warning in outcome.warnings]
    return "".join(
        f"<p>{f'<i>{_text(name)}:</i> ' if name else ''}<bdi>{_text(text)}</bdi></p>" for name, text in lines if text
    )


def _when(item: Item) -> str:
    outcome = item.outcome
    lines = [_moment(item.at)]
    if outcome and outcome.seconds:
        lines.append(f"{outcome.seconds:.2f} s")
    if outcome and outcome.throttled_seconds:
        lines.append(f"throttled {outcome.throttled_seconds:.1f} s")
    if item.planned.line:
        lines.append(f"line {item.planned.line}")
    return "".join(f"<p>{line}</p>" for line in lines if line) + f'<p class="dim">{_text(item.id)}</p>'
