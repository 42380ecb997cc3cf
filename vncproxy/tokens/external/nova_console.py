"""What Nova says about a token, as the endpoint of a console."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from ...errors import BackendError, ConsoleUnavailable, NoGraphicalConsole
from ...model import ConsoleEndpoint, HTTPConnect
from .servers import ServerSettings
from .target import Target

_REQUEST_TARGET = re.compile(r"/[!-~]{0,4095}")
_REMEDY = "set [vnc] server_proxyclient_address on the compute host to an address of its own; "


@dataclass(frozen=True, slots=True)
class NovaConsole:
    """The answer to ``GET /os-console-auth-tokens/{token}``, as it came.

    Attributes:
        path: ``internal_access_path``: what to ask the host for with ``CONNECT``, or a JSON text
            for VMware's MKS consoles; it holds secrets of the hypervisor.
    """

    instance: str
    host: object
    port: object
    path: object = field(default=None, repr=False)

    def endpoint(self, servers: ServerSettings) -> ConsoleEndpoint:
        """Return what a session dials.

        Args:
            servers: what the consoles' servers ask for, and where they are.

        Raises:
            NoGraphicalConsole: it is a console of another kind.
            ConsoleUnavailable: the machine is stopped: Nova issues tokens for it, with port -1.
            BackendError: Nova's answer names nothing that can be dialled.
        """
        connect = self._connect()
        if isinstance(self.port, int) and self.port <= 0:
            raise ConsoleUnavailable(
                "not showing its console", f"nova names port {self.port} for {self.instance}"
            )
        try:
            target = Target.of(self.host, self.port)
        except ValueError as e:
            raise BackendError(f"nova names no console of {self.instance}: {e}") from e
        endpoint = servers.endpoint(target, _REMEDY)
        if not connect:
            return endpoint
        dialled = Target(endpoint.host, endpoint.port)
        first = HTTPConnect(connect, headers=(("Host", str(dialled)),))
        return replace(endpoint, handshakes=(first, *endpoint.handshakes))

    def _connect(self) -> str:
        path = self.path or ""
        if isinstance(path, str) and path.startswith("{"):
            raise NoGraphicalConsole(
                f"{self.instance} has a console of type mks, which only a vmware backend can show",
                public="This link is for a VMware MKS console, which cannot be shown from here.",
            )
        if not isinstance(path, str) or (path and not _REQUEST_TARGET.fullmatch(path)):
            raise BackendError(f"nova names an access path of {self.instance} of an unknown form")
        return path
