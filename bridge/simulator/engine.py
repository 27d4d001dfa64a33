"""What a PowerShell engine is to a shell: a runspace that runs pipelines, and the words that both use.

A pipeline has commands and streams. An engine reads the commands, writes records as it works, and returns; it raises
``TerminatingError`` to end the pipeline as Failed with that record.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True)
class Command:
    """One command of a pipeline: a script's text or a command's name, and what it is given."""

    text: str
    is_script: bool
    parameters: Mapping[str, Any]
    arguments: Sequence[Any] = ()


@dataclass(frozen=True)
class ErrorInfo:
    """The facts of one ErrorRecord; ``reason`` is CategoryInfo.Reason, ``error_id`` FullyQualifiedErrorId."""

    message: str
    reason: str
    exception_type: str
    error_id: str
    category: str
    activity: str
    target: str


class TerminatingError(Exception):
    """Ends the pipeline as Failed, with this record."""

    def __init__(self, info: ErrorInfo) -> None:
        super().__init__(info.message)
        self.info = info


class PipelineStopped(Exception):  # noqa: N818 - it is no error: the client wanted it
    """Raised by what an engine does with a pipeline that the client has stopped; the engine lets it pass."""


class Secret(Protocol):
    """A SecureString that came over the wire."""

    def reveal(self) -> str:
        """Its text."""


class Pipeline(Protocol):
    """One running pipeline as its engine sees it.

    Every method raises PipelineStopped when the client stopped the pipeline.
    """

    @property
    def commands(self) -> Sequence[Command]:
        """What is to be run."""

    def output(self, value: Any) -> None:
        """One object; a dict becomes a PSCustomObject, a dict inside it a Hashtable."""

    def verbose(self, text: str) -> None:
        """One verbose record."""

    def warning(self, text: str) -> None:
        """One warning record."""

    def error(self, info: ErrorInfo) -> None:
        """One error record that does not end the pipeline."""

    def read(self) -> Iterator[Any]:
        """The pipeline's input, as it comes, until its end."""


class EngineRunspace(Protocol):
    """One runspace; what its scripts leave behind stays for the next."""

    def run(self, pipeline: Pipeline) -> None:
        """Run one pipeline to its end. Raises TerminatingError, PipelineStopped."""

    def close(self) -> None:
        """End the runspace."""
