"""Rows of a YAML file: a list of mappings, by itself or under the name ``items``. The whole file is in memory.

Rules: every scalar is a text as it is written, so that ``0123``, ``no`` and ``2026-01-01`` stay what they are; only an
empty one and ``null`` were not given. Needs PyYAML, which the extra ``yaml`` brings.
"""

from __future__ import annotations

import importlib
import re
from bisect import bisect_right
from collections.abc import Iterator
from typing import TYPE_CHECKING

from bridge.batch.rows import Entry, Mistake, Row
from bridge.errors import UsageError

if TYPE_CHECKING:
    from yaml import MarkedYAMLError, Node

_FORM = "A list of mappings, each with the columns as names."
_NULL = "tag:yaml.org,2002:null"


class _Lines:
    """The lines of a text as an editor counts them; YAML has line breaks that an editor has not."""

    def __init__(self, text: str) -> None:
        self._starts = [0, *(found.end() for found in re.finditer(r"\r\n|\r|\n", text))]

    def of(self, node: Node) -> int:
        """The line on which a node begins."""
        return bisect_right(self._starts, node.start_mark.index)

    def place(self, index: int) -> tuple[int, str]:
        """The line and the character of an index into the text."""
        line = bisect_right(self._starts, index)
        return line, f"character {index - self._starts[line - 1] + 1}"


def check_yaml() -> None:
    """Raises UsageError when there is nothing that reads YAML."""
    try:
        importlib.import_module("yaml")
    except ImportError:
        raise UsageError(
            "PyYAML is not installed, without which no YAML is read.",
            remedy="`pip install '.[yaml]'` in the folder of its source, or write the file as TOML or JSON lines.",
        ) from None


def yaml_rows(text: str, file: str) -> Iterator[Entry]:
    """The rows of a YAML file; ``file`` is its name for people."""
    import yaml
    from yaml.reader import ReaderError

    lines = _Lines(text)
    try:
        # Only composed, never constructed: nothing in the file becomes an object. The pure Python loader, because a
        # file nested too deep ends that of C together with the process.
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except ReaderError as error:
        line, column = lines.place(error.position)
        yield Mistake(file, line, column, f"YAML does not allow the character {_code(error.character)}.")
    except yaml.MarkedYAMLError as error:
        yield _not_yaml(file, error, lines)
    except (ValueError, OverflowError, RecursionError):
        yield Mistake(file, 1, "", "It cannot be read: it is nested too deep, or has an escape that is no character.")
    else:
        yield from _rows(root, file, lines)


def _rows(root: Node | None, file: str, lines: _Lines) -> Iterator[Entry]:
    from yaml import MappingNode, SequenceNode

    items: object = root
    if isinstance(root, MappingNode):
        for name, value in root.value:
            if name.value == "items":
                items = value
            else:
                yield Mistake(file, lines.of(name), _name(name), f"There is no {_name(name)!r} here.", _FORM)
        if items is root:
            return
    if items is None:
        return
    if not isinstance(items, SequenceNode):
        yield Mistake(file, 1, "", "It is not a list.", _FORM)
        return
    for item in items.value:
        if isinstance(item, MappingNode):
            yield Row(lines.of(item), tuple((_name(name), _value(value)) for name, value in item.value), typed=True)
        else:
            yield Mistake(file, lines.of(item), "", "It is not a mapping.", _FORM)


def _value(node: Node) -> object:
    """A text, a list, or None; what is nested deeper is a mapping, which no column takes."""
    from yaml import SequenceNode

    return [_scalar(one) for one in node.value] if isinstance(node, SequenceNode) else _scalar(node)


def _scalar(node: Node) -> object:
    from yaml import ScalarNode

    if not isinstance(node, ScalarNode):
        return {}
    return None if node.tag == _NULL else str(node.value)


def _name(node: Node) -> str:
    """A name as text; what is no text is no column."""
    return node.value if isinstance(node.value, str) else str(node.tag)


def _not_yaml(file: str, error: MarkedYAMLError, lines: _Lines) -> Mistake:
    mark = error.problem_mark or error.context_mark
    line, column = lines.place(mark.index) if mark else (1, "")
    return Mistake(file, line, column, f"It is not YAML: {error.problem or error.context}.")


def _code(character: object) -> str:
    return f"{character:#06x}" if isinstance(character, int) else repr(character)
