"""A JEA endpoint on a real PowerShell: before its client's first pipeline its runspace is made so, from its own files.

WinRM makes the runspace of such an endpoint before a client sees it. The PowerShell behind a shell makes its own when
the client opens the pool, so ``jea.ps1`` runs in it as a pipeline that no client sees.
"""

from __future__ import annotations

import importlib.resources
import threading
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import psrpcore
from psrpcore import ClientPowerShell, ClientRunspacePool, PSRPPayload, StreamType
from psrpcore.types import PSInvocationState, RunspacePoolState

from bridge.simulator.shells.powershell import PowerShellShell
from bridge.simulator.wsman_fault import ABORTED, WsmanFault

_SECONDS = 60.0
_BYTES = 1_000_000


class JeaShell(PowerShellShell):
    """A shell of the endpoint that ``session_file`` (.pssc) describes; the module with its role is a folder beside it.

    A Command raises WsmanFault when the files cannot be used; what is wrong with them stands in it.
    """

    def __init__(
        self,
        session_file: Path,
        argv: Sequence[str],
        environment: Mapping[str, str],
        *,
        shell_id: str,
        owner: str,
        resource_uri: str,
        name: str,
        idle_timeout: float,
    ) -> None:
        self._session_file = session_file
        self._making = threading.Lock()
        self._is_made = False
        super().__init__(
            argv,
            environment,
            shell_id=shell_id,
            owner=owner,
            resource_uri=resource_uri,
            name=name,
            idle_timeout=idle_timeout,
        )

    def command(self, pipeline_id: uuid.UUID, data: bytes) -> None:
        """Start a pipeline; ``data`` holds the first fragments of its CREATE_PIPELINE. Raises WsmanFault."""
        with self._making:
            if not self._is_made:
                self._make()
                self._is_made = True
        super().command(pipeline_id, data)

    def _make(self) -> None:
        """Run jea.ps1 to its end. Raises WsmanFault."""
        pool = ClientRunspacePool(runspace_pool_id=uuid.UUID(self.id))
        # It is open: its client opened it.
        pool.state = RunspacePoolState.Opened
        script = ClientPowerShell(pool)
        script.add_script((importlib.resources.files(__package__) / "jea.ps1").read_text(encoding="utf-8"))
        script.add_parameter("SessionFile", str(self._session_file))
        script.start()
        first, *rest = _payloads(pool)
        super().command(script.pipeline_id, first)
        for data in rest:
            self.feed(data, script.pipeline_id)
        is_last = False
        while not is_last:
            chunks, is_last = self.receive(script.pipeline_id, _SECONDS, _BYTES, "")
            for data in chunks:
                pool.receive_data(PSRPPayload(data, StreamType.default, script.pipeline_id))
        said = ""
        while (event := pool.next_event()) is not None:
            if isinstance(event, psrpcore.PipelineStateEvent) and event.reason is not None:
                said = str(event.reason)
        self.signal(script.pipeline_id, "powershell/signal/Terminate")
        if script.state != PSInvocationState.Completed:
            text = f"The session configuration {self._session_file} cannot be used: {said} "
            raise WsmanFault(ABORTED, "w:InternalError", text, is_sender=False)


def _payloads(pool: ClientRunspacePool) -> Iterator[bytes]:
    """What the pool has to send."""
    while (payload := pool.data_to_send()) is not None:
        yield payload.data
