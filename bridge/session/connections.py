"""The TCP connections that pypsrp keeps for the next exchange, straight to the agent or through a proxy.

pypsrp leaves them to requests, and requests to urllib3, which closes them when nothing refers to their pool any more
(urllib3 2: ``HTTPConnectionPool`` has a finalizer). That may be much later, and anywhere: so they are closed here.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.util.connection import is_connection_dropped


def has_dropped(transport: Any) -> bool:
    """Whether a connection of a TransportHTTP of pypsrp has ended since the last exchange."""
    idle = (one for pool in _pools(transport) for one in list(getattr(pool.pool, "queue", ())) if one is not None)
    return any(map(is_connection_dropped, idle))


def close_connections(transport: Any) -> None:
    """Close those of a TransportHTTP of pypsrp. Never raises."""
    for pool in list(_pools(transport)):
        with contextlib.suppress(OSError):
            pool.close()


def _pools(transport: Any) -> Iterator[Any]:
    adapter = None if transport.session is None else transport.session.get_adapter(transport.endpoint)
    if isinstance(adapter, HTTPAdapter):
        for manager in (adapter.poolmanager, *adapter.proxy_manager.values()):
            for key in manager.pools.keys():  # noqa: SIM118 - it is no dict
                yield manager.pools[key]
