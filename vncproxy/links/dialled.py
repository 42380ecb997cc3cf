"""The zone that is dialled, and the connections to it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from OpenSSL import SSL
from twisted.internet.defer import CancelledError, Deferred, TimeoutError  # noqa: A004
from twisted.internet.endpoints import HostnameEndpoint, wrapClientTLS
from twisted.internet.error import ConnectingCancelledError

from ..errors import ConfigurationError, VNCProxyError, ZoneUnreachable, ZoneUntrusted
from ..errors.zone import ASKED
from ..model import TLSTrust, UnixTime
from ..text import system_message
from ..tls.verification import VerifyingTLSClient
from ..zones.keys import PrivateKey
from ..zones.request import Act, new_request, sign
from .upgrade import UpgradeFactory, UpgradeRefused, upgrade

PATHS: Final = {Act.LINK: "zones/link", Act.TUNNEL: "zones/tunnel"}
"""Where links and tunnels are asked for, below the URL of consoles."""


@dataclass(frozen=True, slots=True)
class DialledZone:
    """A zone that is dialled.

    Attributes:
        name: of its table.
        own: the name of this zone.
        host, port: of its consoles.
        prefix: the path of its consoles, with both slashes.
        key: proves who dials.
        timeout: seconds for one connection, its handshakes included.
    """

    name: str
    own: str
    host: str
    port: int
    prefix: str
    trust: TLSTrust
    key: PrivateKey = field(repr=False)
    timeout: float

    @property
    def place(self) -> str:
        """Where it is dialled, for messages."""
        return f"https://{self.host}:{self.port}{self.prefix}"


class Line:
    """Makes connections to a zone that is dialled.

    Args:
        network: the reactor.
        time: wall-clock time.
    """

    def __init__(
        self, zone: DialledZone, network: Any, time: Callable[[], UnixTime] = time.time
    ) -> None:
        self.zone = zone
        self._network = network
        self._time = time

    async def dial(self, factory: Any, act: Act, client: str = "", **more: Any) -> Any:
        """Make a connection, let it become a link or a tunnel, and return its protocol.

        Args:
            factory: of the protocol.
            act: which of both.
            client: the address of the user for whom it is; the protocol sees it as its peer's.
            more: members of the signed request.

        Raises:
            ZoneUnreachable, ZoneUntrusted: it cannot be made.
            ZoneError: the zone refuses it; with the class of its error.
        """
        zone = self.zone
        request = new_request(act, zone.own, zone.name, self._time(), **more)
        steps = upgrade(zone.host, zone.port, zone.prefix + PATHS[act], sign(request, zone.key))
        upgraded = UpgradeFactory(factory, steps, client)
        verifier = self._verifier()
        try:
            making = Deferred.fromCoroutine(self._connect(upgraded, verifier))
            return await making.addTimeout(zone.timeout, self._network)
        except CancelledError:
            raise
        except Exception as e:
            raise self._explain(e, verifier.problem) from e

    def _verifier(self) -> VerifyingTLSClient:
        try:
            return VerifyingTLSClient(self.zone.trust, self.zone.host)
        except ConfigurationError as e:  # a file that is being replaced, for instance
            raise self._explain(e, "") from e

    async def _connect(self, upgraded: UpgradeFactory, verifier: VerifyingTLSClient) -> Any:
        plain = HostnameEndpoint(self._network, self.zone.host, self.zone.port)
        try:
            layer: Any = await wrapClientTLS(verifier, plain).connect(upgraded)
        except ConnectingCancelledError as e:
            raise CancelledError from e
        try:
            return await upgraded.done
        except BaseException:
            layer.transport.abortConnection()
            raise

    def _explain(self, error: Exception, problem: str) -> VNCProxyError:
        name, where = self.zone.name, f"zone {self.zone.name} at {self.zone.place}"
        if isinstance(error, UpgradeRefused):
            kind = ASKED.get(error.error_code, ZoneUnreachable)
            return kind(f"{where} refuses: {error.detail}", zone=name)
        if problem or isinstance(error, SSL.Error):
            return ZoneUntrusted(f"{where}: {problem or f'TLS failed: {error}'}", zone=name)
        if isinstance(error, TimeoutError):
            what = f"no answer within {self.zone.timeout:g} s"
            return ZoneUnreachable(f"{where}: {what}", zone=name)
        if isinstance(error, VNCProxyError):
            return ZoneUnreachable(f"{where}: {error.detail}", zone=name)
        return ZoneUnreachable(f"{where}: {system_message(error)}", zone=name)
