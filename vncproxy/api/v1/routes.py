"""The API's routes, and the scope that each needs."""

from __future__ import annotations

from prometheus_client import CONTENT_TYPE_LATEST
from twisted.internet.defer import Deferred
from twisted.web.server import Request

from ..caller import Caller
from ..health import alive
from ..reply import Reply
from ..visible_metrics import metrics_text
from . import operations as op
from .machine_routes import MachineRoutes
from .openapi import document_text
from .recording_routes import RecordingRoutes
from .self_view import show_self
from .serving import serves
from .session_routes import SessionRoutes
from .token_routes import TokenRoutes


class Api(TokenRoutes, SessionRoutes, MachineRoutes, RecordingRoutes):
    """The routes of ``/v1``, of health and of the metrics."""

    @serves(op.LIST_PROXIES)
    def list_proxies(self, request: Request) -> Deferred[bytes]:
        """List the proxies."""
        return self._answer(request, op.LIST_PROXIES, self._views.proxies.list)

    @serves(op.FOLLOW_EVENTS)
    def follow_events(self, request: Request) -> Deferred[bytes]:
        """Send what goes on as it happens."""
        follow, headers = self._views.events.follow, request.requestHeaders
        return self._answer(request, op.FOLLOW_EVENTS, lambda caller: follow(caller, headers))

    @serves(op.SHOW_SELF)
    def show_self(self, request: Request) -> Deferred[bytes]:
        """Show what the key of the request may do."""
        return self._answer(request, op.SHOW_SELF, show_self)

    @serves(op.DRAIN_PROXY)
    def drain_proxy(self, request: Request, proxy_id: str) -> Deferred[bytes]:
        """Let a proxy take no new sessions."""
        drain = self._views.proxies.drain
        return self._answer(request, op.DRAIN_PROXY, lambda caller: drain(caller, proxy_id))

    @serves(op.ISSUE_ZONE_TOKEN)
    def issue_zone_token(self, request: Request) -> Deferred[bytes]:
        """Issue a token for a session of another zone."""
        return self._answer_zone(request, op.ISSUE_ZONE_TOKEN, self._views.zones.issue)

    @serves(op.CHECK_FOR_ZONE)
    def check_for_zone(self, request: Request) -> Deferred[bytes]:
        """Tell another zone whether a machine exists."""
        return self._answer_zone(request, op.CHECK_FOR_ZONE, self._views.zones.check)

    @serves(op.POWER_FOR_ZONE)
    def power_for_zone(self, request: Request) -> Deferred[bytes]:
        """Start, stop or reset a machine for a user of another zone."""
        return self._answer_zone(request, op.POWER_FOR_ZONE, self._views.zones.power)

    @serves(op.TELL_ZONE)
    def tell_zone(self, request: Request) -> Deferred[bytes]:
        """Tell another zone about this one."""
        return self._answer_zone(request, op.TELL_ZONE, self._views.zones.about)

    @serves(op.DESCRIBE)
    def describe(self, request: Request) -> bytes:
        """Describe the API; needs no key, since it is the same wherever it is served."""
        return Reply(200, document_text()).render(request)

    @serves(op.METRICS)
    def show_metrics(self, request: Request) -> Deferred[bytes]:
        """Show the metrics as Prometheus reads them."""

        async def work(caller: Caller) -> Reply[str]:
            text = metrics_text(self._views.metrics_registry, caller)
            return Reply(200, text, content_type=CONTENT_TYPE_LATEST)

        return self._answer(request, op.METRICS, work)

    @serves(op.ALIVE)
    async def healthz(self, request: Request) -> bytes:
        """Tell that the process answers."""
        return (await alive()).render(request)

    @serves(op.READY)
    async def readyz(self, request: Request) -> bytes:
        """Tell whether a console could be opened."""
        return (await self._views.readiness()).render(request)
