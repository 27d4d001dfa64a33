"""The request as it comes from a wrapper script: one JSON document.

    {"contract": "v2", "action": "grant", "target": "groups",
     "settings": "C:/exo-bridge/settings.toml", "deadline": 25,
     "actionContext": {...}, "personContext": {...}, "resourceContext": {...}}

Rules:

- Of HelloID's contexts (v2) and variables (v1) only what stands in these models is read; all else may be there and is
  left alone, the connector's configuration with its secrets above all.
- The letter case of a key does not count, as it does not in PowerShell; null is the same as left out.
- What cannot be right is refused with the place in the document and without the value, which may be anything.

Source: helloid-connector.md of the reference, sections 5.1, 5.2 and 5.5.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any

import pydantic
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel, to_pascal

from bridge.errors import UsageError
from bridge.helloid.task import Contract, Step, Target

MAX_BYTES = 64 * 2**20
"""The longest document that is read. A person with all contracts has some hundred kilobytes."""

_MOST_MISTAKES = 5


def _several(given: Any) -> Any:
    """A list again: PowerShell makes one element of a list of one."""
    return given if isinstance(given, list) else [given]


class _Part(BaseModel):
    """The base of all parts of a request."""

    model_config = ConfigDict(
        frozen=True,
        extra="ignore",
        hide_input_in_errors=True,
        coerce_numbers_to_str=True,
        populate_by_name=True,
        alias_generator=to_pascal,
    )

    @model_validator(mode="before")
    @classmethod
    def _any_letter_case(cls, given: Any) -> Any:
        """Keys as they are spelt here; what is null is left out."""
        if not isinstance(given, Mapping):
            return given
        known = {str(field.alias).lower(): str(field.alias) for field in cls.model_fields.values()}
        return {known[name.lower()]: value for name, value in given.items() if _counts(name, value, known)}


def _counts(name: Any, value: Any, known: Mapping[str, str]) -> bool:
    return isinstance(name, str) and value is not None and name.lower() in known


class Entry(_Part):
    """A department, or an element of a resource: its key and its name."""

    external_id: str = ""
    display_name: str = ""


class ContractContext(_Part):
    """What HelloID says of a contract of the person."""

    in_conditions: bool = False


class EmploymentContract(_Part):
    """A contract of the person, as far as sub-permissions follow from it."""

    context: ContractContext = ContractContext()
    department: Entry = Entry()


class Held(_Part):
    """A sub-permission that HelloID holds."""

    display_name: str = ""
    reference: Any = None


class CorrelationConfiguration(_Part):
    """How an account is found."""

    enabled: bool = False
    account_field: str = ""
    person_field: str = ""
    account_field_value: str = ""
    person_field_value: str = ""


class References(_Part):
    """The references that HelloID holds, in any shape."""

    account: Any = None
    permission: Any = None


class ActionContext(_Part):
    """HelloID's ``$actionContext``: what is asked for.

    ``DryRun``: look and tell, change nothing. ``Operation``, of sub-permissions: grant, update or revoke. ``Origin``:
    enforcement, or reconciliation, which has neither person nor data. ``Data``: the mapped fields of the account.
    ``CurrentPermissions``: what the last answer had in ``SubPermissions``. ``ImportFields``: of an import of accounts.
    """

    dry_run: bool = False
    operation: str = ""
    origin: str = ""
    data: Annotated[dict[str, Any], Field(default_factory=dict)]
    correlation_configuration: CorrelationConfiguration | None = None
    references: References = References()
    permission_display_name: str = ""
    current_permissions: Annotated[list[Held], BeforeValidator(_several)] = []
    import_fields: Annotated[list[str], BeforeValidator(_several)] = []


class PersonContext(_Part):
    """HelloID's ``$personContext``. The person stays as it is: which part counts is a setting."""

    person: Annotated[dict[str, Any], Field(default_factory=dict)]


class ResourceContext(_Part):
    """HelloID's ``$resourceContext``."""

    source_data: Annotated[list[Entry], BeforeValidator(_several)] = []


class EntitlementContext(_Part):
    """HelloID's ``$entitlementContext``, contract v1."""

    current_permissions: Annotated[list[Held], BeforeValidator(_several)] = []


class Request(_Part):
    """The whole document.

    ``settings`` is the path of a settings file, ``deadline`` the seconds that are left. The contexts are those of
    contract v2; ``dryRun``, ``operation``, ``person``, the references and ``entitlementContext`` are those of v1.
    """

    model_config = ConfigDict(alias_generator=to_camel)

    contract: Contract
    action: Step
    target: Target
    settings: str = ""
    deadline: Annotated[float, Field(gt=0, le=3600)] | None = None
    dry_run: bool = False
    operation: str = ""
    action_context: ActionContext = ActionContext(data={})
    person_context: PersonContext = PersonContext(person={})
    resource_context: ResourceContext = ResourceContext()
    person: Annotated[dict[str, Any], Field(default_factory=dict)]
    account_reference: Any = None
    permission_reference: Any = None
    entitlement_context: EntitlementContext = EntitlementContext()


def request_of(document: bytes) -> Request:
    """The request that a document holds, UTF-8 with or without a byte order mark. Raises UsageError."""
    if not document.strip():
        raise UsageError("The request is empty: nothing came on standard input.", remedy=_REMEDY)
    if len(document) > MAX_BYTES:
        raise UsageError(f"The request is longer than {MAX_BYTES // 2**20} MB.", remedy=_REMEDY)
    try:
        given = json.loads(document.decode("utf-8-sig"), parse_constant=_no_number)
    except UnicodeDecodeError as error:
        raise UsageError(f"The request is not UTF-8: byte {error.start + 1} cannot be read.", remedy=_REMEDY) from None
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise UsageError(f"The request is not JSON: {error.msg}, {place}.", remedy=_REMEDY) from None
    except RecursionError:
        raise UsageError("The request is nested too deeply.", remedy=_REMEDY) from None
    except ValueError:  # what Python takes in is limited (sys.set_int_max_str_digits)
        raise UsageError("The request is not JSON: a number in it is too long.", remedy=_REMEDY) from None
    if not isinstance(given, dict):
        raise UsageError("The request is not a JSON object.", remedy=_REMEDY)
    try:
        return Request.model_validate(given)
    except pydantic.ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        told = "; ".join(f"{'.'.join(map(str, one['loc'])) or 'all'}: {one['msg']}" for one in found[:_MOST_MISTAKES])
        raise UsageError(f"The request is not what a wrapper sends: {told}.", remedy=_REMEDY) from None


def _no_number(name: str) -> Any:
    """NaN and Infinity, which Python would read and no other program could read back."""
    raise UsageError(f"The request is not JSON: {name} is no number.", remedy=_REMEDY)


_REMEDY = "Use the wrapper scripts of this version of exo-bridge; nothing was changed."
