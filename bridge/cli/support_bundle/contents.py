"""What is in a support bundle: facts as JSON, each passed through the redaction and the treatment of personal data."""

from __future__ import annotations

import json
import locale
import platform
import sys
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import PackageNotFoundError, requires, version
from typing import TYPE_CHECKING, Any

from bridge.cli.support_bundle.bundle import Member
from bridge.jea import scripts_sha256
from bridge.logs.reading import LogReader
from bridge.program import NAME, program_version
from bridge.settings import effective

if TYPE_CHECKING:
    from bridge.cli.running import Running
    from bridge.doctor import Finding
    from bridge.journal import JournalReader
    from bridge.logs.personal import PersonalData

_PERSONAL_SETTINGS = frozenset(("agent.user", "exchange.user", "batch.protected"))
_AGENT_EVENTS = ("exchange connected", "runspace opened", "runspace taken over", "runspace replaced", "cmdlets missing")


class Contents:
    """The members of a bundle about ``runs``; ``journal`` is None where there is none."""

    def __init__(
        self, running: Running, runs: Iterable[str], journal: JournalReader | None, personal: PersonalData
    ) -> None:
        self._running = running
        self._runs = tuple(runs)
        self._journal = journal
        self._personal = personal
        self._log = running.settings.log.effective_file

    def members(self, findings: Iterable[Finding] | None) -> Iterator[Member]:
        """Everything, one after the other; ``findings`` are the doctor's, or None where it was not asked."""
        yield Member("versions.json", "Versions of exo-bridge, its parts and the system here.", self._versions)
        yield Member("settings.json", "The settings in effect, secrets masked.", self._settings)
        if findings is not None:
            rows = [finding.as_json() for finding in findings]
            yield Member("doctor.json", "What exo-bridge doctor found just now.", lambda: self._document(rows))
        yield Member("log.jsonl", "The log of these runs.", lambda: map(_line, map(self._safe, self._events())))
        yield Member("agent.json", "What the log says of the agent and of Exchange.", self._agent)
        yield Member("timings.json", "How often and how long, by kind of exchange and by action.", self._timings)
        if self._journal is not None:
            yield Member("runs.json", "The journal's facts of these runs.", self._journal_runs)
            yield Member("items.jsonl", "The journal's items of these runs.", self._items)

    def _versions(self) -> Iterator[str]:
        found = {NAME: program_version()}
        for requirement in requires(NAME) or ():
            name = requirement.split(";")[0].split("[")[0].split(">")[0].split("<")[0].split("=")[0].strip()
            try:
                found[name] = version(name)
            except PackageNotFoundError:
                continue
        return _text(
            {
                "packages": found,
                "python": sys.version,
                "system": platform.platform(),
                "language": locale.getlocale()[0] or "",
                "encoding": locale.getpreferredencoding(do_setlocale=False),
                "scripts": scripts_sha256(self._running.scripts),
            }
        )

    def _settings(self) -> Iterator[str]:
        rows = effective(self._running.loaded)
        for row in rows:
            if row["key"] in _PERSONAL_SETTINGS and row["value"]:
                row["value"] = self._personal.event({"object": row["value"]})["object"]
        return self._document(rows)

    def _events(self) -> Iterator[dict[str, Any]]:
        return (event for event in LogReader(self._log).events() if event.get("run") in self._runs)

    def _agent(self) -> Iterator[str]:
        return self._document(event for event in self._events() if event.get("event") in _AGENT_EVENTS)

    def _timings(self) -> Iterator[str]:
        found: dict[tuple[str, str], list[float]] = {}
        for event in self._events():
            kind = {"round trip": event.get("wsman"), "finished": event.get("action")}.get(str(event.get("event")))
            seconds = event.get("seconds")
            if kind is not None and isinstance(seconds, int | float):
                found.setdefault((str(event["event"]), str(kind)), []).append(seconds)
        return self._document(
            {
                "event": name,
                "kind": kind,
                "count": len(times),
                "seconds": round(sum(times), 3),
                "longest": round(max(times), 3),
            }
            for (name, kind), times in sorted(found.items())
        )

    def _journal_runs(self) -> Iterator[str]:
        journal = self._journal
        return self._document(journal.run(run).as_json() for run in self._known()) if journal else iter(())

    def _items(self) -> Iterator[str]:
        if self._journal is not None:
            for run in self._known():
                for item in self._journal.items(run):
                    yield _line(self._safe(item.as_json(), call=item.id))

    def _known(self) -> list[str]:
        """Those of the runs that are in the journal: a run that only reads is not."""
        return [run.id for run in self._journal.runs() if run.id in self._runs] if self._journal is not None else []

    def _document(self, rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
        return _text({"rows": [self._safe(row) for row in rows]})

    def _safe(self, row: Mapping[str, Any], call: str = "") -> dict[str, Any]:
        hidden: dict[str, Any] = self._running.log.redaction.value(row)
        return self._personal.event(hidden, call=call)


def named_run(running: Running, text: str) -> list[str]:
    """The ids of the runs in the log that begin with ``text``. Raises OSError."""
    wanted = text.lower()
    events = LogReader(running.settings.log.effective_file).events()
    return list(dict.fromkeys(str(event["run"]) for event in events if str(event.get("run", "")).startswith(wanted)))


def _line(row: Mapping[str, Any]) -> str:
    return json.dumps(row, ensure_ascii=False, default=str) + "\n"


def _text(document: Mapping[str, Any]) -> Iterator[str]:
    yield json.dumps(document, ensure_ascii=False, indent=2, default=str) + "\n"
