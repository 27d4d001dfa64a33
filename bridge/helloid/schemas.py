"""The answer's document as types, and the JSON schemas of request and answer, which other systems are written against.

The schema of the request is that of ``envelope.Request``. The types of the answer are those that ``writing`` returns,
so what is written and what is promised are held together by the type checker.
"""

from __future__ import annotations

from typing import Annotated, Any, NotRequired

from pydantic import Field, TypeAdapter, with_config
from typing_extensions import TypedDict  # pydantic takes no other before Python 3.12

from bridge.helloid.envelope import Request

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


@with_config(extra="forbid")
class AuditLog(TypedDict):
    """What became of one part, for the audit."""

    Action: NotRequired[Annotated[str, Field(description="HelloID's word for what was done.")]]
    Message: Annotated[str, Field(description="A sentence for people: done, already so, skipped, failed and why.")]
    IsError: Annotated[bool, Field(description="Whether this part failed, or nobody knows how it ended.")]


@with_config(extra="forbid")
class ProcessLog(TypedDict):
    """A line about the way there."""

    Level: Annotated[str, Field(pattern="^(verbose|information|warning)$")]
    Message: str


@with_config(extra="forbid")
class ListedPermission(TypedDict):
    """Something that can be granted: a group, a right to a mailbox, a setting."""

    DisplayName: Annotated[str, Field(max_length=100)]
    Identification: Annotated[dict[str, Any], Field(description="To be kept, and given back as the permission.")]


@with_config(extra="forbid")
class ListedSubPermission(TypedDict):
    """Something that the account has now by its departments."""

    DisplayName: Annotated[str, Field(max_length=100)]
    Reference: Annotated[dict[str, Any], Field(description="To be kept, and given back as a current permission.")]


@with_config(extra="forbid")
class AnswerV1(TypedDict):
    """The answer of contract v1. A list of permissions that could be read is an array of them in its place."""

    Success: Annotated[bool, Field(description="Whether every part succeeded or was rightly skipped.")]
    AuditLogs: list[AuditLog]
    AccountReference: NotRequired[Annotated[Any, Field(description="create: to be kept; null without success.")]]
    Account: NotRequired[Annotated[dict[str, Any], Field(description="create: what was asked for.")]]
    ExportData: NotRequired[Annotated[dict[str, Any], Field(description="create: what was found.")]]
    SubPermissions: NotRequired[list[ListedSubPermission]]


@with_config(extra="forbid")
class AnswerV2(TypedDict):
    """The answer of contract v2: only the keys of the action are there."""

    Success: Annotated[bool, Field(description="Whether every part succeeded or was rightly skipped.")]
    AuditLogs: list[AuditLog]
    Logs: list[ProcessLog]
    AccountReference: NotRequired[Annotated[Any, Field(description="create: to be kept; null without success.")]]
    AccountCorrelated: NotRequired[Annotated[bool, Field(description="create: whether the account was there already.")]]
    Data: NotRequired[Annotated[dict[str, Any], Field(description="The account's fields as they are now.")]]
    PreviousData: NotRequired[Annotated[dict[str, Any], Field(description="The same as they were before.")]]
    Permissions: NotRequired[Annotated[list[ListedPermission], Field(description="permissions: all there are.")]]
    SubPermissions: NotRequired[
        Annotated[list[ListedSubPermission], Field(description="subpermissions: all that the account has now.")]
    ]
    Output: NotRequired[Annotated[list[dict[str, Any]], Field(description="import-...: one object for each found.")]]


def schemas() -> dict[str, dict[str, Any]]:
    """The JSON schemas by the names of their files, without ``.json``."""
    found = {
        "request": Request.model_json_schema(),
        "answer-v1": TypeAdapter(AnswerV1).json_schema(),
        "answer-v2": TypeAdapter(AnswerV2).json_schema(),
    }
    return {name: {"$schema": _DIALECT, **_plain(schema)} for name, schema in found.items()}


def _plain(schema: Any, *, is_names: bool = False) -> Any:
    """A schema without the titles that pydantic makes of the names; ``is_names``: its keys are names of properties."""
    if isinstance(schema, list):
        return [_plain(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        name: _plain(value, is_names=not is_names and name in ("properties", "$defs"))
        for name, value in schema.items()
        if is_names or name != "title"
    }
