"""What a field of an action's model takes: its type without what surrounds it, its values, one value or several."""

from __future__ import annotations

import types
import typing
from typing import TYPE_CHECKING, Annotated, Any

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

    from bridge.actions.action import Action


def choices(kind: Any) -> list[str]:
    """The values of a Literal; none for another type."""
    return list(typing.get_args(kind)) if typing.get_origin(kind) is typing.Literal else []


def takes_several(action: Action, name: str) -> bool:
    """Whether more than one value may be given for a field: in a list, or each as a call of its own."""
    return name == action.each or takes_list(action.parameters.model_fields[name])


def takes_list(field: FieldInfo) -> bool:
    """Whether the values of a field are a list, in one call."""
    return typing.get_origin(_without_none(field)) is list


def value_type(field: FieldInfo) -> Any:
    """The type of one value of a field, without ``None`` and without its checks: str, bool or a Literal."""
    kind = _without_none(field)
    return _bare(typing.get_args(kind)[0]) if typing.get_origin(kind) is list else kind


def _without_none(field: FieldInfo) -> Any:
    """A field's type without ``None`` and without its checks."""
    return _bare(field.annotation)


def _bare(kind: Any) -> Any:
    while True:
        if typing.get_origin(kind) is Annotated:
            kind = typing.get_args(kind)[0]
        elif typing.get_origin(kind) in (typing.Union, types.UnionType):
            (kind,) = (one for one in typing.get_args(kind) if one is not types.NoneType)
        else:
            return kind
