"""The one remote runspace on the agent server, from the client's side. Only this package imports pypsrp.

wsman.py     the connection to the agent, and pypsrp's exceptions told as ours
probing.py   the way to the agent looked at step by step, without a log-on
shells.py    the shells on the agent, what runs in them, and the end of one by its id
logon.py, tls.py   how to log on to the agent, and how its certificate is trusted
lock.py      one at a time on this machine
runspace.py  the named runspace: found and taken over, or opened; left, or closed
pipeline.py  one script in one pipeline: parameters in, records as they arrive, a reply out
exchange.py  the connection to Exchange inside the runspace
session.py   all of it, kept well from call to call
"""

from __future__ import annotations

from bridge.session.exchange import BridgeState
from bridge.session.session import Session
from bridge.session.shells import RunspaceInfo, delete_runspace, runspaces

__all__ = ["BridgeState", "RunspaceInfo", "Session", "delete_runspace", "runspaces"]
