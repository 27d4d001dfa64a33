"""The one remote runspace on the agent server, from the client's side. Only this package imports pypsrp.

wsman.py     the connection to the agent, its shells, and pypsrp's exceptions told as ours
pipeline.py  one script in one pipeline: parameters in, records as they arrive, a reply out
session.py   the named runspace: found, taken over or opened; connected to Exchange; left or closed
"""

from __future__ import annotations

from bridge.session.session import BridgeState, Session, runspaces
from bridge.session.wsman import RunspaceInfo

__all__ = ["BridgeState", "RunspaceInfo", "Session", "runspaces"]
