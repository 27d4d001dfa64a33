"""One run of a seed: processes that apply and resume until all is done, whatever dies, and what is to be seen then.

What must hold:

- The tenant's own record has every wanted change once, and no other.
- At no time has the journal a change that the tenant has not; in the end it has all of them, and its chain holds.
- A second process that resumes the run while the first lives is refused. A single change of another process is made
  once when it says so, and not at all when it says that it failed.
- No shell is left when the session is closed.
"""

from __future__ import annotations

import functools
import itertools
import json
import multiprocessing
import sys
import threading
import time
import traceback
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from multiprocessing.connection import wait
from multiprocessing.context import BaseContext
from pathlib import Path
from typing import Any

from bridge.batch.plan import write_plan
from bridge.errors import BridgeError, UsageError
from bridge.journal import JournalReader, State
from bridge.model import new_id
from bridge.session import Session
from bridge.settings import load_settings
from tests.agent import Agent
from tests.batch.crash import (
    CHANGED,
    DEADLY,
    DONE,
    NO_JOURNAL,
    NOT_DONE,
    REFUSED,
    SCRIPTS,
    UNCHANGED,
    UNKNOWN,
    Work,
    work,
)
from tests.batch.crash_events import Events
from tests.batch.crash_plan import CrashPlan, made
from tests.batch.crash_seeds import Fate

_MOST_PROCESSES = 40
_ABANDONED = 200.0  # seconds: longer than abandoned_after, shorter than idle_timeout
_TOKEN = 3600.0  # seconds
_LONGEST = 120.0  # seconds for one process
_MOST_TOLD = 24
_WIRE_LOG = "wire.jsonl"
_STARTING = threading.Lock()
"""Held while a process is started or its end is taken: to start one looks after all others, in any thread."""
_DIED = (-DEADLY, int(DEADLY))  # the second is what Windows says


@dataclass
class Told:
    """What happened in a run, and how often. It is as it must be when there are no ``mistakes``."""

    fate: Fate
    engine: str
    mistakes: list[str] = field(default_factory=list)
    happened: Counter[str] = field(default_factory=Counter)
    said: str = ""
    seconds: float = 0.0

    def __str__(self) -> str:
        """For people: what is wrong, what the seed chose, and how to see it again."""
        lines = [f"seed {self.fate.seed}: {len(self.mistakes)} mistakes", *self.mistakes[:_MOST_TOLD], str(self.fate)]
        lines += self.said.splitlines()[-_MOST_TOLD:]
        if self.fate.seed is not None:
            again = f"python -m benchmarks.crash_soak --engine {self.engine} --items {self.fate.items}"
            lines.append(f"again: {again} --seed {self.fate.seed} --runs 1")
        return "\n    ".join(lines)


def crash_runs(plan: CrashPlan, fates: Iterable[Fate], folder: Path, together: int) -> Iterator[Told]:
    """A run of each fate, in their order; ``together`` at a time, since most of their time they wait."""

    def one(number: int, fate: Fate) -> Told:
        own = folder / str(number)
        own.mkdir()
        return crash_run(plan, fate, own)

    with ThreadPoolExecutor(together) as pool:
        yield from pool.map(one, itertools.count(), fates)


def crash_run(plan: CrashPlan, fate: Fate, folder: Path) -> Told:
    """Run it; ``folder`` is empty and its own. Whatever goes wrong is in ``mistakes``."""
    start = time.monotonic()
    told = Told(fate, plan.engine)
    try:
        with plan.agent(faults=tuple(fate.faults), wire_log=folder / _WIRE_LOG) as agent:
            run = _CrashRun(plan, fate, folder, agent, told)
            run.until_done()
            if not told.mistakes:
                run.look_at_shells()
            run.close_shells()
        # Only now nothing runs on the agent any more.
        if not told.mistakes:
            run.check()
    except Exception:  # whatever it is, the seed is to be told with it
        told.mistakes += traceback.format_exc().splitlines()[-_MOST_TOLD:]
    told.happened.update(what for _, what in injected(folder))
    said = [folder / name for name in ("said.txt", "hanging.txt")]
    told.said = "".join(file.read_text(encoding="utf-8") for file in said if file.exists())
    told.seconds = time.monotonic() - start
    return told


def injected(folder: Path) -> Iterator[tuple[str, str]]:
    """The faults that the agent had in a run: the WSMan action, and what happened to it."""
    for line in (folder / _WIRE_LOG).read_text(encoding="utf-8").splitlines():
        exchange = json.loads(line)
        if exchange["injected"]:
            yield exchange["action"], exchange["injected"]


class _CrashRun:
    """The processes of one run, and what happens around them."""

    def __init__(self, plan: CrashPlan, fate: Fate, folder: Path, agent: Agent, told: Told) -> None:
        self._plan = plan.plan(fate.lines)
        self._changes = {one.item.line: one.change for one in plan.wanted if one.item.line in fate.lines}
        self._fate = fate
        self._folder = folder
        self._agent = agent
        self._told = told
        self._journal = folder / "journal.db"
        self._run = new_id()
        self._singles: dict[str, int] = {}
        self._process: Any = None
        self._last_code = NOT_DONE
        self._guard = threading.Lock()
        self._events = Events(fate.at_cmdlets, self._happen)
        write_plan(self._plan, folder / "plan.json")
        tenant = agent.simulator.tenant
        tenant.delay = fate.late
        if fate.throttle is not None:
            tenant.throttle = fate.throttle
        tenant.observers.append(self._events.count)

    def until_done(self) -> None:
        """Apply and resume, until all changes are in the journal as made."""
        moments, rooms = list(self._fate.moments), list(self._fate.rooms)
        with self._events:
            for _ in range(_MOST_PROCESSES):
                begin = not self._has_items()
                if begin and self._journal.exists():
                    # It died before the plan was in the journal: a run without items stays one.
                    self._run = new_id()
                moment = moments.pop(0) if moments else 0
                room = rooms.pop(0) if rooms and not moment else None
                code = self._last_code = self._one_process("apply" if begin else "resume", moment, room)
                self._events.wait()
                self._told.mistakes += self._events.failures
                if code != DONE:
                    # Until then the agent takes a client that died for one that is there.
                    self._agent.simulator.pass_time(_ABANDONED)
                if self._is_done() or self._told.mistakes:
                    return
        self._told.mistakes.append(f"after {_MOST_PROCESSES} processes it is not done: {self._states()}")

    def look_at_shells(self) -> None:
        """The processes leave one shell, which the next can take over, and no other."""
        shells = self._agent.simulator.shells()
        failed = Counter(action for action, _ in injected(self._folder))
        # Who looks from another machine while the shell is being killed opens one too; the next process closes it.
        allowed = 1 + failed["Delete"] + failed["Create"] + ("single change elsewhere" in self._fate.kinds)
        if len(shells) > allowed:
            self._told.mistakes.append(f"{len(shells)} shells were left by processes")
        if self._last_code == DONE and any(shell.connected for shell in shells) and not failed["Disconnect"]:
            self._told.mistakes.append("a shell was left connected")

    def close_shells(self) -> None:
        """End the runspace as its user does; no shell may be there then."""
        for _ in range(5):
            self._agent.simulator.pass_time(_ABANDONED)
            try:
                settings = load_settings(overrides=self._settings(), environ={}).settings
                with Session(settings, SCRIPTS) as session:
                    session.reach()
                    session.close()
            except BridgeError:
                continue
            if not self._agent.simulator.shells():
                return
        self._told.mistakes.append(f"{len(self._agent.simulator.shells())} shells were left")

    def check(self) -> None:
        """Compare the tenant's record with what was wanted, and with the journal."""
        changes = made(self._agent)
        wanted = Counter(self._changes.values())
        for run, code in self._singles.items():
            own = [change for change in changes if run in change]
            count = sum(changes.pop(change) for change in own)
            if count > 1 or (code == CHANGED) > count or (code not in (CHANGED, UNKNOWN) and count):
                self._told.mistakes.append(f"a single change that ended with {code} was made {count} times")
        self._told.mistakes += [f"made too often, or not wanted: {change}" for change in (changes - wanted).elements()]
        self._told.mistakes += [f"not made: {change}" for change in (wanted - changes).elements()]
        with JournalReader(self._journal) as journal:
            found = journal.verify(self._run)
            self._told.mistakes += found.mistakes
            states = Counter(item.state for item in journal.items(self._run))
            if set(states) != {State.CHANGED}:
                self._told.mistakes.append(f"the journal has {dict(states)}")

    # --- processes

    def _one_process(self, what: Any, moment: int, room: int | None) -> int:
        process = self._start(what, self._run, moment=moment, room=room)
        with self._guard:
            self._process = process
        wait([process.sentinel], timeout=_LONGEST)
        with self._guard:
            self._process = None
        code = self._end_of(process, {DONE, NOT_DONE, *_DIED, *((NO_JOURNAL,) if room is not None else ())})
        self._told.happened[what] += 1
        self._told.happened["died"] += code in _DIED
        self._told.happened["no journal"] += code == NO_JOURNAL
        return code

    def _end_of(self, process: Any, allowed: Collection[int]) -> int:
        """How a process ended; one that should not end so is a mistake."""
        wait([process.sentinel], timeout=_LONGEST)
        with _STARTING:
            code = process.exitcode
            if code is None:
                process.kill()
                process.join()
            process.close()
        if code not in allowed:
            how = f"ended with {code}" if code is not None else f"did not end in {_LONGEST:.0f} s"
            self._told.mistakes.append(f"a process {how}")
        return NOT_DONE if code is None else int(code)

    def _start(self, what: Any, run: str, *, place: str = "state", moment: int = 0, room: int | None = None) -> Any:
        folder = self._folder
        todo = Work(what, self._settings(), self._journal, folder / "plan.json", run, folder / place, moment, room)
        process: Any = _context().Process(target=work, args=(todo,))  # type: ignore[attr-defined]  # typeshed has it in the subclasses only
        with _STARTING:
            process.start()
        return process

    def _settings(self) -> dict[str, dict[str, Any]]:
        """With a log-on by certificate: a secret would be encrypted with a key of its own for each runspace."""
        simulator = self._agent.simulator
        settings = simulator.settings()
        settings["agent"] |= _timeouts(simulator.engine)
        if "token ended" not in self._fate.kinds:
            del settings["exchange"]["client_secret"]
            settings["exchange"]["certificate_thumbprint"] = simulator.tenant.logon.certificate_thumbprint
        return settings

    # --- what happens meanwhile

    def _happen(self, kind: str) -> None:
        simulator = self._agent.simulator
        if kind == "agent restarted":
            simulator.faults.add("Any*3=close")
            for shell in simulator.shells():
                shell.close()
            simulator.close_connections()
        elif kind == "token ended":
            clock = simulator.tenant.clock
            simulator.tenant.clock = lambda: clock() + _TOKEN
        elif kind == "killed from outside":
            with self._guard:
                if self._process is not None:
                    self._process.kill()
        elif kind == "second process":
            self._second()
        else:
            self._single("elsewhere" if kind.endswith("elsewhere") else "state")
        self._told.happened[kind] += 1

    def _second(self) -> None:
        first = self._process
        if first is None:
            return
        code = self._end_of(self._start("resume", self._run), (DONE, NOT_DONE, REFUSED))
        with self._guard:
            lives = self._process is first and not wait([first.sentinel], timeout=0)
        if lives and code != REFUSED:
            self._told.mistakes.append(f"a second process at the same time was not refused, it ended with {code}")

    def _single(self, place: str) -> None:
        run = new_id()
        process = self._start("single", run, place=place)
        self._singles[run] = self._end_of(process, (NOT_DONE, UNCHANGED, CHANGED, UNKNOWN))
        self._told.happened["single changed"] += self._singles[run] == CHANGED

    # --- the journal

    def _has_items(self) -> bool:
        if not self._journal.exists():
            return False
        try:
            with JournalReader(self._journal) as reader:
                return any(reader.run(self._run).counts.values())
        except (UsageError, BridgeError):
            return False

    def _is_done(self) -> bool:
        """Whether all is done; and nothing may be told that was not."""
        if not self._has_items():
            return False
        with JournalReader(self._journal) as reader:
            told = [item.planned.line for item in reader.items(self._run, (State.CHANGED,))]
        changes = made(self._agent)
        for line in told:
            if not changes[self._changes[line]]:
                self._told.mistakes.append(f"told as made, and was not: {self._changes[line]}")
        return len(told) == len(self._plan.items)

    def _states(self) -> dict[str, int]:
        with JournalReader(self._journal) as reader:
            return {str(state): count for state, count in reader.run(self._run).counts.items() if count}


def _timeouts(engine: str) -> dict[str, int]:
    """Short ones, so that what hangs is soon noticed."""
    common = {"wait_timeout": 2, "abandoned_after": 10, "connect_timeout": 5}
    if engine == "pwsh":
        return {**common, "operation_timeout": 3, "read_timeout": 5}
    return {**common, "operation_timeout": 1, "read_timeout": 2}


@functools.cache
def _context() -> BaseContext:
    """How processes are started: forked from one that has imported everything, where the system can."""
    context = multiprocessing.get_context("spawn" if sys.platform == "win32" else "forkserver")
    context.set_forkserver_preload(["tests.batch.crash"])
    return context
