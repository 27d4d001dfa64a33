"""The second hop: from the agent to Exchange Online."""

from __future__ import annotations

import time
import uuid
from datetime import UTC, datetime

from bridge.doctor.finding import Seen, failed, ok, warning
from bridge.doctor.visit import Visit
from bridge.roles import special_parameters
from bridge.session import BridgeState

PARAMETER_SCRIPT = "session/Test-BridgeParameter.ps1"
READ_SCRIPT = "session/Test-Recipient.ps1"

_READ_CMDLET = "Get-Recipient"
_TOKEN_SECONDS = 600
_SHOWN = 8


def exchange_logon(visit: Visit) -> Seen:
    """That Exchange is connected, or was."""
    start = time.monotonic()
    state = visit.connect()
    took = f" in {time.monotonic() - start:.1f} s" if state.connection == "new" else " already"
    return ok(
        f"Exchange is connected{took}, by {state.logon or 'a log-on that is not ours'} (module {state.module_version})."
    )


def organization(visit: Visit) -> Seen:
    """That it is the right one. Connect-Bridge.ps1 refuses another; without one in the settings it is only told."""
    return ok(f"The organization is {_state(visit).organization or 'not told'}.")


def token(visit: Visit) -> Seen:
    """How long the log-on lasts; only an access token is not renewed by the module."""
    state = _state(visit)
    if not state.token_expires:
        return ok("When the token ends is not told.")
    seconds = (datetime.fromisoformat(state.token_expires) - datetime.now(UTC)).total_seconds()
    said = f"The token ends in {seconds / 60:.0f} minutes"
    if state.logon != "access-token":
        return ok(f"{said}, and the module renews it by itself.")
    if seconds >= _TOKEN_SECONDS:
        return ok(f"{said}; a new one is fetched in time.")
    return warning(
        "token-short",
        f"{said}, which is soon for one that the module cannot renew.",
        "Look at the token lifetime policy of the application in Entra ID, and at the clocks: "
        "`exo-bridge doctor --only clock`; a certificate in place of the app secret needs no new token.",
    )


def cmdlets(visit: Visit) -> Seen:
    """That the roles grant every cmdlet of the scripts, and the parameters that belong to roles of their own."""
    state = _state(visit)
    missing = list(state.missing_commands)
    need = special_parameters(visit.scripts.all())
    if need:
        answer = visit.ask(PARAMETER_SCRIPT, need=need).get("missing") or ()
        missing += [answer] if isinstance(answer, str) else [str(one) for one in answer]
    count = len(state.commands) + len(state.missing_commands)
    if not missing:
        return ok(f"All {count} cmdlets of the scripts are granted, with their parameters.")
    shown = ", ".join(missing[:_SHOWN]) + (f" and {len(missing) - _SHOWN} more" if len(missing) > _SHOWN else "")
    remedy = (
        "Give the application a role group with what the scripts need: `exo-bridge session role-group` writes the "
        "script for it, and docs/permissions.md says which action needs which role."
    )
    if not state.commands:
        return failed("cmdlets-missing", f"The roles grant none of the {count} cmdlets of the scripts.", remedy)
    return warning("cmdlets-missing", f"The roles do not grant {shown}; actions that need them fail.", remedy)


def exchange_answer(visit: Visit) -> Seen:
    """That Exchange answers a read, and how fast."""
    if _READ_CMDLET in _state(visit).missing_commands:
        return ok(f"Not measured: the roles do not grant {_READ_CMDLET}.")
    start = time.monotonic()
    # An id that nobody has: the answer is small, and the question costs Exchange what every other one costs.
    visit.ask(READ_SCRIPT, identity=str(uuid.uuid4()))
    return ok(f"Exchange answered a read after {time.monotonic() - start:.2f} s.")


def _state(visit: Visit) -> BridgeState:
    if visit.state is None:
        raise RuntimeError("the checks of the connection come after the log-on")
    return visit.state
