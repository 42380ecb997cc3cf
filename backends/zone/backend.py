"""Consoles of another zone: its API gives a token for a session, its proxies show the console."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from typing import Any

from zope.interface import implementer

from ...errors import (
    ConfigurationError,
    PowerUnsupported,
    UpstreamRefused,
    UpstreamUntrusted,
    UpstreamViolation,
    VNCProxyError,
    ZoneDraining,
    ZoneError,
    ZoneLoop,
    ZoneUntrusted,
)
from ...errors.zone import said_by_zone
from ...interfaces import (
    BackendContext,
    IConsoleBackend,
    IConsoleRecovery,
    IConsolesElsewhere,
    IHasWarnings,
    IMachineIds,
    IPower,
    IPowerElsewhere,
)
from ...model import (
    ConsoleElsewhere,
    ConsoleEndpoint,
    Journey,
    PowerAction,
    VMAddress,
    is_secret,
)
from ...zones.request import Act, new_request, passed
from .connection import Connection
from .console import endpoint, endpoint_over_link
from .probe import describe
from .settings import ZoneSettings

POWER_TIME = 75.0
"""Seconds that a zone may take to start or stop a machine; its hypervisors have 60."""

_BUSY = (429, 503)
"""Statuses of HTTP by which a proxy of the zone takes no session now."""


@implementer(
    IConsoleBackend,
    IConsolesElsewhere,
    IConsoleRecovery,
    IHasWarnings,
    IMachineIds,
    IPower,
    IPowerElsewhere,
)
class ZoneBackend:
    """The machines of one other zone, by their addresses there."""

    Settings = ZoneSettings

    def __init__(self, context: BackendContext) -> None:
        self._name = context.name
        self._zone = context.zone
        self._settings: ZoneSettings = context.settings
        self._links = context.links
        self._connection = (
            Connection(context.name, self._settings, context.network, context.links)
            if self._settings.is_asked
            else None
        )
        self._problems: Sequence[str] = ()

    async def request_console(self, vm: str, journey: Journey) -> ConsoleEndpoint:
        """Ask the zone for a token, and return where it is redeemed."""
        via = self._via(journey.via)
        answer = await self._ask(
            Act.TOKEN,
            "POST",
            "/v1/zones/tokens",
            vm=vm,
            sub=journey.user,
            session=journey.session,
            via=via,
            policy=journey.policy,
        )
        token = answer.get("token")
        if not isinstance(token, str) or not is_secret(token):
            raise ZoneError(f"zone {self._name}: the answer has no token", zone=self._name)
        if self._settings.dials_us and self._links is not None:
            return endpoint_over_link(self._name, self._links, token, journey.client)
        return endpoint(self._settings, token, journey.client)

    async def locate(self, vm: str) -> ConsoleElsewhere:
        """Make sure that the zone has a machine; its console is opened for a session only."""
        await self.check_for(vm, ())
        return ConsoleElsewhere(VMAddress(self._name, vm))

    def fixed_part(self, vm: str) -> str:
        """Return the name of the zone's backend; only the zone knows ids from names there."""
        backend, slash, _ = vm.partition("/")
        return backend + slash if slash else ""

    async def check_for(self, vm: str, via: Sequence[str]) -> None:
        """Make sure that the zone has a machine, for zones that ask this one."""
        await self._ask(Act.CHECK, "POST", "/v1/zones/checks", vm=vm, via=self._via(via))

    async def relocate(self, vm: str, refusal: UpstreamViolation) -> ConsoleEndpoint:
        """Raise what the zone says; another token would change nothing."""
        raise self.explain(refusal) from refusal

    def explain(self, refusal: UpstreamViolation) -> VNCProxyError:
        """Return an error with the zone's own words."""
        if isinstance(refusal, UpstreamRefused) and (refusal.reason or refusal.peer_close):
            return said_by_zone(self._name, refusal.peer_close, refusal.reason)
        if isinstance(refusal, UpstreamRefused) and refusal.http_status in _BUSY:
            return ZoneDraining(f"zone {self._name}: {refusal.detail}", zone=self._name)
        if isinstance(refusal, UpstreamUntrusted):
            return ZoneUntrusted(f"zone {self._name}: {refusal.detail}", zone=self._name)
        return ZoneError(f"zone {self._name}: {refusal.detail}", zone=self._name)

    async def current_host(self, vm: str) -> str:
        """Return nothing: the zone follows its machines itself."""
        return ""

    def power_actions(self) -> Collection[PowerAction]:
        """Return all actions, where the table allows to ask; the zone decides on each."""
        return tuple(PowerAction) if self._settings.power and self._settings.is_asked else ()

    async def power(self, vm: str, action: PowerAction) -> bool:
        """Refuse: the zone is told for whom, by `request_power`."""
        raise PowerUnsupported("a zone is asked for the power of machines by a session or caller")

    async def is_off(self, vm: str) -> bool:
        """Return False: the zone tells it with its refusal to show a console, where it knows."""
        return False

    async def request_power(self, vm: str, action: PowerAction, journey: Journey) -> bool:
        """Ask the zone for it, once; see ``IPowerElsewhere``."""
        if self._connection is None:
            raise ConfigurationError(f"[zones.{self._name}] has no api and key to ask with")
        asked = {
            "vm": vm,
            "sub": journey.user,
            "session": journey.session or None,
            "via": self._via(journey.via),
            "action": action,
        }
        request = new_request(Act.POWER, self._zone, self._name, time.time(), **asked)
        answer = await self._connection.send("POST", "/v1/zones/power", request, POWER_TIME)
        return answer.get("done") is True

    async def probe(self) -> str:
        """Ask the zone about itself, or look at its links."""
        links = ""
        if self._settings.dial and self._links is not None:
            links = await self._links.report(self._name)
        if self._settings.dials_us:
            return links
        if self._connection is None:
            return links or "may ask, and is not asked"
        sent = time.time()
        answer = await self._ask(Act.ABOUT, "GET", "/v1/zones/about")
        told = describe(answer, sent, time.time(), self._settings.private_key().id)
        return f"{told}; {links}" if links else told

    def warnings(self) -> Sequence[str]:
        """Return what is unsafe, or will soon not work."""
        return list(self._settings.warnings(time.time()))

    async def close(self) -> None:
        """Close the connections."""
        if self._connection is not None:
            await self._connection.close()

    def _via(self, before: Sequence[str]) -> tuple[str, ...]:
        """Return the zones that a request has passed when it comes to the other one."""
        via = (*before, self._zone)
        if self._name in via:
            raise ZoneLoop(f"{passed((*via, self._name))}: in a circle", zone=self._name)
        return via

    async def _ask(self, act: Act, method: str, path: str, **more: Any) -> dict[str, Any]:
        if self._connection is None:
            raise ConfigurationError(
                f"[zones.{self._name}] has no api, console and key to ask with"
            )
        try:
            return await self._send(self._connection, act, method, path, more)
        except ZoneDraining:
            # behind a balancer, a new connection leads to another proxy than one that was kept
            await self._connection.close()
            return await self._send(self._connection, act, method, path, more)

    async def _send(
        self, connection: Connection, act: Act, method: str, path: str, more: dict[str, Any]
    ) -> dict[str, Any]:
        request = new_request(act, self._zone, self._name, time.time(), **more)
        return await connection.send(method, path, request)
