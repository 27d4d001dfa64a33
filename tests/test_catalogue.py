"""The catalogue of problems: it is whole, and everything that can be raised or told stands in it."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import bridge
from bridge.catalogue import catalogue, classes, find, named_problems
from bridge.errors import BridgeError
from bridge.meaning import MEANING_BY_ID, MEANING_BY_STRING_ID, MEANING_BY_TYPE
from bridge.model import Call, Kind, RemoteError, Reply, Status
from bridge.outcomes import meaning_of, outcome_of
from bridge.session.error_records import exchange_error, remote_error
from bridge.wsman_faults import FAULTS

PACKAGE = Path(bridge.__file__).parent
SCRIPTS = PACKAGE.parent / "ps_scripts"
EXCHANGE = "Microsoft.Exchange.Configuration.Tasks"


def test_every_entry_is_whole() -> None:
    """A code that can be typed, a sentence, a cause, a remedy, and an exit code that means something."""
    for code, entry in catalogue().items():
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", code), code
        assert entry.sentence.endswith("."), code
        assert entry.cause.endswith("."), code
        assert entry.remedy.endswith("."), code
        assert entry.exit_code in (1, 2, 3, 4, 5, 130), code


def test_every_class_of_error_has_its_own_code_in_it() -> None:
    """Whatever module of the package defines it; no code means two things."""
    for module in pkgutil.walk_packages(bridge.__path__, "bridge."):
        is_elsewhere = module.name.endswith("_win32") and sys.platform != "win32"
        if "__main__" not in module.name and not module.name.startswith("bridge.simulator") and not is_elsewhere:
            importlib.import_module(module.name)
    kinds = classes()
    assert BridgeError in kinds
    codes = Counter([*(kind.code for kind in kinds), *(problem.code for problem in named_problems())])
    assert {code: count for code, count in codes.items() if count > 1} == {}
    assert set(codes) == set(catalogue())


def literal_codes(path: Path) -> set[str]:
    """The codes that a module gives to ``bridge.model.Problem`` as they are."""
    tree = ast.parse(path.read_text("utf-8"))
    imports = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "bridge.model"
        for alias in node.names
    }
    if "Problem" not in imports:
        return set()
    return {
        str(node.args[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "Problem"
        and node.args
        and isinstance(node.args[0], ast.Constant)
    }


def test_no_code_is_written_where_it_is_used() -> None:
    """A problem takes its code from the catalogue's sources."""
    written = {path.name: literal_codes(path) for path in PACKAGE.rglob("*.py")}
    assert {name: codes for name, codes in written.items() if codes} == {}


def test_every_error_of_our_scripts_is_in_it() -> None:
    """Each -ErrorId of a shipped script has its meaning."""
    used = {found for path in SCRIPTS.rglob("*.ps1") for found in re.findall(r"'(Bridge\.\w+)'", path.read_text())}
    ids = {name for name in used if not name.startswith("Bridge.Simulator")}
    assert "Bridge.NotFound" in ids
    assert {name for name in ids if name not in MEANING_BY_ID} == set()


@pytest.mark.parametrize(
    ("codes", "wanted"),
    [
        ((5, 2150859180, 2150859235), "agent-access-denied"),
        ((14, 2150858815, *range(2150859173, 2150859177), 2150859179, *range(2150859236, 2150859243)), "shell-quota"),
        ((995, 1115, 2150858843, 2150859082, 2150859204, 2150859230), "runspace-lost"),
        ((2150859214, 2150859215, 2150859216, 2150859219), "runspace-lost"),
        ((1311, 1312, 1326, 2150858980), "agent-logon-refused"),
        ((2150858752, 2150858811), "endpoint-unknown"),
        ((2150858770, 2150859046), "agent-unreachable"),
        ((2150858793,), "agent-timeout"),
        ((2150858813,), "agent-protocol"),
        ((2150858823, 2150858824, 2150858825), "agent-request-too-large"),
        ((2150859203, 2150859231), "endpoint-account"),
        ((2150859205,), "agent"),
        ((2150859206, 2150859213), "runspace-busy"),
    ],
)
def test_faults(codes: tuple[int, ...], wanted: str) -> None:
    """Every number of the fact sheet means an error, and the catalogue finds it in each way in which it is written."""
    for number in codes:
        assert FAULTS[number].code == wanted
        for form in (str(number), hex(number), str(number - 2**32) if number >= 2**31 else str(number)):
            entry = find(form)
            assert entry is not None
            assert entry.code == wanted


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        ({"reason": "MemberAlreadyExistsException"}, "already-a-member"),
        ({"reason": "MemberNotFoundException"}, "not-a-member"),
        ({"reason": "OperationRequiresGroupManagerException"}, "not-group-manager"),
        ({"reason": "UserAlreadyExistsInPermissionEntryException"}, "already-permitted"),
        ({"reason": "UserNotFoundInPermissionEntryException"}, "no-permission-entry"),
        ({"reason": "InvalidExternalUserIdException"}, "cannot-hold-rights"),
        ({"reason": "NotAcceptedDomainException"}, "domain-not-accepted"),
        ({"reason": "InvalidOperationInDehydratedContextException"}, "organization-not-customized"),
        ({"reason": "DCOverloadedException"}, "exchange-busy"),
        ({"reason": "HostException"}, "confirmation-asked"),
        ({"reason": "PSSecurityException", "error_id": "UnauthorizedAccess"}, "execution-policy"),
        (
            {"reason": "ParameterBindingException", "error_id": "NamedParameterNotFound,Set-Mailbox"},
            "parameter-not-granted",
        ),
        ({"reason": "ParameterBindingException", "error_id": "AmbiguousParameterSet,Set-Mailbox"}, "script-call"),
        ({"reason": "ParameterBindingException", "error_id": "CannotConvertArgument,Set-Mailbox"}, "invalid-value"),
        ({"reason": "ParameterBindingValidationException"}, "invalid-value"),
        ({"reason": "CommandNotFoundException", "error_id": "CommandNotFoundException"}, "cmdlet-not-granted"),
        ({"exception_type": "Microsoft.PowerShell.Commands.WriteErrorException"}, "script-error"),
        ({"exception_type": "X.NewException", "reason": "WriteErrorException"}, "exchange-error"),
        ({"message": f"Ex9E65A2|{EXCHANGE}.ManagementObjectNotFoundException|matches"}, "object-ambiguous"),
        ({"message": f"Ex94914C|{EXCHANGE}.ManagementObjectNotFoundException|no"}, "object-not-found"),
        ({"message": f"|{EXCHANGE}.NotInAnyTableException|no"}, "exchange-error"),
    ],
)
def test_records(facts: dict[str, str], code: str) -> None:
    """An error record is told apart by its type and ids."""
    empty = dict.fromkeys(("message", "reason", "exception_type", "error_id", "activity", "target"), "")
    assert meaning_of(exchange_error(**{**empty, **facts})).code == code


@pytest.mark.parametrize(
    ("status", "detail", "code"),
    [
        (404, "", "object-not-found"),
        (403, "", "access-denied"),
        (401, "", "exchange-connection-lost"),
        (429, "", "throttled"),
        (503, "", "exchange-busy"),
        (418, "", "exchange-busy"),
        (400, f'Ex9E65A2|{EXCHANGE}.ManagementObjectAmbiguousException|two \\"x\\"', "object-ambiguous"),
    ],
)
def test_answers_of_the_rest_service(status: int, detail: str, code: str) -> None:
    """A Get-EXO* cmdlet has Exchange's whole answer in its message: a type there counts, else the HTTP status."""
    body = f'{{"error":{{"code":"X","details":[{{"code":"Context","message":"{detail}"}}]}}}}'
    told = exchange_error(
        f"Error while querying REST service. HttpStatusCode={status} ErrorMessage={body}",
        reason="RestClientException",
        exception_type="Microsoft.Exchange.Management.RestApiClient.RestClientException",
        error_id="An error occurred,Microsoft.Exchange.Management.RestApiClient.GetExoMailbox",
        activity="Get-EXOMailbox",
        target="",
    )
    assert told.http_status == status
    assert meaning_of(told).code == code


def failed(error: RemoteError) -> dict[str, Any]:
    """The problem of a change that ended with this error, as JSON."""
    call = Call("group.grant", "group/Grant-GroupMember.ps1", Kind.CHANGE, {})
    outcome = outcome_of(call, Reply((), (error,), (), completed=False), 0.1)
    assert outcome.status is Status.FAILED
    problem: dict[str, Any] = outcome.as_json()["problem"]
    return problem


def test_an_unknown_error_keeps_everything() -> None:
    """Its type, id, category, position and Exchange's request id are in the JSON, its code is for the unknown."""
    request = "5c1d0b9e-0000-4000-8000-2f6d7d8f0001"
    error_id = f"[Server=AM6,RequestId={request},TimeStamp=Tue, 28 Mar 2023 13:55:04 GMT],Write-ErrorMessage"
    problem = failed(
        exchange_error(
            "ExABCDEF|Microsoft.Exchange.Data.NobodyKnowsException|Something\n new.",
            reason="NobodyKnowsException",
            exception_type="System.Exception",
            error_id=error_id,
            activity="Set-Mailbox",
            target="x",
            category="LimitsExceeded",
            position="at Set-Mailbox, tmpEXO.psm1: line 12\nat <ScriptBlock>, <No file>: line 70",
        )
    )
    assert problem.pop("remedy") == catalogue()["exchange-error"].remedy
    assert problem == {
        "code": "exchange-error",
        "message": "Something new.",
        "error_type": "Microsoft.Exchange.Data.NobodyKnowsException",
        "error_id": error_id,
        "category": "LimitsExceeded",
        "position": "at Set-Mailbox, tmpEXO.psm1: line 12; at <ScriptBlock>, <No file>: line 70",
        "request_id": request,
    }


def test_a_record_that_is_a_text_is_an_error_all_the_same() -> None:
    """What pypsrp could not read as a record is the message of an unknown error."""
    assert remote_error("<Obj>\n broken") == RemoteError("<Obj> broken")
    assert failed(remote_error("broken"))["code"] == "exchange-error"


@pytest.mark.parametrize("name", [*MEANING_BY_TYPE, *MEANING_BY_ID, *MEANING_BY_STRING_ID])
def test_what_is_recognised_can_be_looked_up(name: str) -> None:
    """A type with or without its namespace, an id with its cmdlet: each leads to its entry and its own remedy."""
    meaning = {**MEANING_BY_TYPE, **MEANING_BY_ID, **MEANING_BY_STRING_ID}[name]
    for form in (name, name.upper(), f"{name},Set-Mailbox"):
        entry = find(form)
        assert entry is not None
        assert (entry.code, entry.remedy) == (meaning.code, meaning.remedy)


def test_nothing_is_found_for_an_empty_word() -> None:
    """Nor for a word that is in no entry."""
    assert find("") is None
    assert find("no-such-code") is None
    assert find("99") is None
