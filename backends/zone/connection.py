"""Signed requests to the API of another zone, over connections that are kept for some time."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from twisted.internet.defer import CancelledError, Deferred
from twisted.web.http_headers import Headers
from twisted.web.iweb import IAgentEndpointFactory
from zope.interface import implementer

from ...errors import ConfigurationError, VNCProxyError, ZoneError
from ...interfaces import IZoneLinks
from ...model import ZoneService
from ...tls.https import HTTPSPolicy, LimitedAnswer
from ...zones.request import Request, sign
from .errors import refused, unreachable
from .settings import ZoneSettings

if TYPE_CHECKING:
    from twisted.web.client import Agent

KEPT: Final = 4
"""Connections that are kept for further requests."""

KEPT_FOR: Final = 45
"""Seconds that one of them may be unused; the other side closes it after 60."""


@implementer(IAgentEndpointFactory)
class _OverLinks:
    """Makes connections to a zone that dials us."""

    def __init__(self, zone: str, links: IZoneLinks) -> None:
        self._zone = zone
        self._links = links

    def endpointForURI(self, uri: object) -> Any:
        return self._links.endpoint(self._zone, ZoneService.API)


class Connection:
    """The API of one zone.

    Args:
        zone: its name.
        network: the reactor.
        links: connections to the zone, where it dials us.
    """

    def __init__(
        self, zone: str, settings: ZoneSettings, network: Any, links: IZoneLinks | None = None
    ) -> None:
        # they take a tenth of the proxy's start, and few proxies have zones
        from treq.client import HTTPClient
        from twisted.web.client import HTTPConnectionPool

        self._zone = zone
        self._settings = settings
        self._network = network
        self._key = settings.private_key()
        self._pool = HTTPConnectionPool(network)
        self._pool.maxPersistentPerHost = KEPT
        self._pool.cachedConnectionTimeout = KEPT_FOR
        self._policy = HTTPSPolicy(settings.tls.trust())
        self._client = HTTPClient(self._agent(links))

    def _agent(self, links: IZoneLinks | None) -> Agent:
        from twisted.web.client import Agent

        network, limit = self._network, self._settings.timeout
        if not self._settings.dials_us:
            return Agent(network, self._policy, limit, pool=self._pool)
        if links is None:
            raise ConfigurationError(f"[zones.{self._zone}] dial: links are not supported here")
        over_links = _OverLinks(self._zone, links)
        agent: Agent = Agent.usingEndpointFactory(network, over_links, self._pool)
        return agent

    async def send(
        self, method: str, path: str, request: Request, patience: float = 0.0
    ) -> dict[str, Any]:
        """Send a request; returns the JSON object of the answer.

        Args:
            patience: seconds that the answer may take, where that is more than usual.

        Raises:
            ZoneUnreachable, ZoneUntrusted: there is no answer, or no link.
            ZoneError, VMNotFound: it is a refusal.
            StoreUnavailable: it is not known which other process has a link.
        """
        url, limit = self._settings.url(path), max(self._settings.timeout, patience)
        signed = sign(request, self._key)
        exchange = Deferred.fromCoroutine(self._exchange(method, url, signed))
        try:
            status, content = await exchange.addTimeout(limit, self._network)
        except (CancelledError, VNCProxyError):
            raise
        except Exception as e:
            problem = self._policy.problem()
            raise unreachable(self._zone, self._settings.place, e, limit, problem) from e
        if status >= 300:
            raise refused(self._zone, status, content)
        return self._answer(content)

    async def close(self) -> None:
        """Close the connections."""
        await self._pool.closeCachedConnections()

    async def _exchange(self, method: str, url: str, signed: str) -> tuple[int, bytes]:
        response = await self._client.request(
            method,
            url,
            headers=Headers({"Authorization": [f"Bearer {signed}"]}),
            allow_redirects=False,
            unbuffered=True,
        )
        answer = LimitedAnswer()
        await response.collect(answer)
        return response.code, answer.content

    def _answer(self, content: bytes) -> dict[str, Any]:
        try:
            answer = json.loads(content)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise ZoneError(f"zone {self._zone}: the answer is no JSON object", zone=self._zone)
        return answer
