"""One simulated agent whose organization is as new for each request, and requests that are answered in this process."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from bridge.actions import ACTIONS
from bridge.helloid.answer import Answer
from bridge.helloid.desk import desk_at
from bridge.helloid.envelope import Request
from bridge.helloid.service import Desk, respond
from bridge.helloid.task import Task
from bridge.logs.starting import log_of
from bridge.model import Outcome, new_id
from bridge.runner import run_call
from bridge.session import Session
from bridge.settings import Settings, load_settings
from bridge.workplace import Workplace
from tests.agent import Agent

_ID = re.compile(r"\{id:([^}]+)\}")


class Answered(NamedTuple):
    """The exit code of the answer and its document."""

    exit_code: int
    document: Any


class HelloIdBench:
    """An agent, its open runspace, and the settings and the journal of the requests that it is asked."""

    def __init__(self, agent: Agent, folder: Path) -> None:
        self.agent = agent
        self.journal = folder / "journal.db"
        self._log = folder / "log.jsonl"
        self._session: Session | None = None

    @property
    def tenant(self) -> Any:
        """The organization behind the agent."""
        return self.agent.simulator.tenant

    def session(self) -> Session:
        """The open session of all requests."""
        if self._session is None:
            self._session = self.agent.session(on_exit="close")
            self._session.open()
        return self._session

    def close(self) -> None:
        """End the runspace; the next request gets a new one."""
        if self._session is not None:
            self._session.close()
            self._session = None

    def settings(self, **sections: Mapping[str, Any]) -> Settings:
        """Settings that reach the agent, with these keys of other sections."""
        values = self.agent.simulator.settings()
        values |= {"journal": {"path": str(self.journal)}, "log": {"file": str(self._log)}}
        for name, keys in sections.items():
            values[name] = {**values.get(name, {}), **keys}
        return load_settings(overrides=values, environ={}).settings

    def ask(self, request: Mapping[str, Any], **sections: Mapping[str, Any]) -> Answered:
        """The answer to a request; ``{id:ADDRESS}`` in it is the id of whoever has that address."""
        settings = self.settings(**sections)

        @contextmanager
        def open_desk(asked: Request, task: Task, answer: Answer) -> Iterator[Desk]:
            run = new_id()
            log = log_of(settings, run=run, console=False)
            try:
                workplace = Workplace(settings, log, run, deadline=asked.deadline)
                with desk_at(workplace, self.session, task, answer) as desk:
                    yield desk
            finally:
                log.close()

        response = respond(json.dumps(self.filled(request)).encode(), open_desk)
        return Answered(response.exit_code, json.loads(response.document))

    def run(self, action: str, parameters: Mapping[str, Any]) -> Outcome:
        """One action on the organization, outside of HelloID."""
        (call,) = ACTIONS[action].calls(self.filled(parameters))
        return run_call(call, self.session())

    def filled(self, value: Any) -> Any:
        """A value with ids in place of ``{id:ADDRESS}``."""
        if isinstance(value, Mapping):
            return {key: self.filled(one) for key, one in value.items()}
        if isinstance(value, list):
            return [self.filled(one) for one in value]
        return _ID.sub(lambda found: self.id_of(found[1]), value) if isinstance(value, str) else value

    def put(self, address: str, **facts: Any) -> None:
        """Change an object as somebody did before; ``facts`` are fields of it."""
        (found,) = self.tenant.directory.find(address, lambda _: True)
        self.tenant.directory.put(replace(found, **facts))

    def id_of(self, address: str) -> str:
        """The id of whoever has this address or name."""
        found = self.tenant.directory.find(address, lambda _: True)
        assert len(found) == 1, f"{address} is {len(found)} objects"
        return str(found[0].guid)


def differs(actual: Any, wanted: Any, place: str = "") -> str:
    """Where a value lacks what is wanted of it, "" where it does not.

    Of an object only the keys that are wanted count; a text with ``*`` stands for any text in its place.
    """
    if isinstance(wanted, Mapping) and isinstance(actual, Mapping):
        found = (differs(actual.get(key), value, f"{place}.{key}") for key, value in wanted.items())
        return next((one for one in found if one), "")
    if isinstance(wanted, list) and isinstance(actual, list) and len(actual) == len(wanted):
        pairs = enumerate(zip(actual, wanted, strict=True))
        return next((one for number, pair in pairs if (one := differs(*pair, f"{place}[{number}]"))), "")
    if isinstance(wanted, str) and isinstance(actual, str) and "*" in wanted:
        pattern = ".*".join(map(re.escape, wanted.split("*")))
        return "" if re.fullmatch(pattern, actual, re.DOTALL) else f"{place}: {actual!r} is not {wanted!r}"
    return "" if actual == wanted else f"{place}: {actual!r} is not {wanted!r}"
