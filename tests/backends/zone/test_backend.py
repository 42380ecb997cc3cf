"""The backend of a zone, as far as it asks nothing of it."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred, fail
from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from tests.backends.zone.test_settings import ASKED, ASKING, KEY
from vncproxy.backends import new_context
from vncproxy.backends.zone import ZoneBackend, ZoneSettings
from vncproxy.backends.zone.console import endpoint_over_link
from vncproxy.errors import (
    ConfigurationError,
    ConsoleUnavailable,
    StoreUnavailable,
    UpstreamClosed,
    UpstreamRefused,
    UpstreamUntrusted,
    VNCProxyError,
    ZoneDraining,
    ZoneError,
    ZoneLoop,
    ZoneNotConnected,
    ZoneSays,
    ZoneUntrusted,
)
from vncproxy.interfaces import IZoneLinks
from vncproxy.model import Journey, Policy, Transport, ZoneService
from vncproxy.zones.request import Request

DIALLING = {"dial": "them", "key": KEY.secret_text(), **ASKED}


@implementer(IZoneLinks)
class FakeLinks:
    """Links that make no connection."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, ZoneService, str]] = []
        self.error: Exception = ZoneNotConnected()

    def endpoint(self, zone: str, service: ZoneService, client: str = "") -> FakeLinks:
        self.asked.append((zone, service, client))
        return self

    def connect(self, factory: object) -> Deferred[None]:
        return fail(self.error)

    async def report(self, zone: str) -> str:
        return "no link"


class BackendTests(SynchronousTestCase):
    def backend(self, table: Any = ASKING, links: IZoneLinks | None = None) -> ZoneBackend:
        reactor, settings = MemoryReactorClock(), ZoneSettings.model_validate(table)
        calls: Any = None
        context = new_context(ZoneBackend, "madrid", settings, calls, reactor, "paris", links)
        return ZoneBackend(context)

    def failure(self, *via: str, table: Any = ASKING) -> VNCProxyError:
        journey = Journey("7f3a", "alice", "192.0.2.1", Policy(), via)
        asking = self.backend(table).request_console("kvm/web-01", journey)
        error: VNCProxyError = self.failureResultOf(Deferred.fromCoroutine(asking)).value
        return error

    def test_a_zone_that_the_session_has_passed_is_not_asked(self) -> None:
        error = self.failure("madrid")
        self.assertIs(type(error), ZoneLoop)
        self.assertIn("madrid -> paris -> madrid", error.detail)

    def test_a_zone_that_only_asks_is_not_asked(self) -> None:
        error = self.failure(table=ASKED)
        self.assertIs(type(error), ConfigurationError)
        self.assertIn("[zones.madrid] has no api", error.detail)

    def over_links(self, links: FakeLinks, error: VNCProxyError) -> VNCProxyError:
        """Return the error of a request over links that fail."""
        links.error = error
        journey = Journey("7f3a", "alice", "192.0.2.1", Policy(), ())
        asking = self.backend(DIALLING, links).request_console("kvm/web-01", journey)
        found: VNCProxyError = self.failureResultOf(Deferred.fromCoroutine(asking)).value
        return found

    def test_a_zone_that_dials_us_is_asked_over_its_links(self) -> None:
        links, error = FakeLinks(), ZoneNotConnected("gone", zone="madrid")
        found = self.over_links(links, error)
        self.assertIs(found, error)
        self.assertEqual(links.asked, [("madrid", ZoneService.API, "")])
        self.assertEqual(found.sentence(), "The zone madrid is not connected.")

    def test_a_store_that_is_away_is_no_zone_that_cannot_be_reached(self) -> None:
        error = StoreUnavailable("redis is away")
        found = self.over_links(FakeLinks(), error)
        self.assertIs(found, error)
        self.assertEqual((found.status, found.code), (503, "store-unavailable"))

    def test_its_consoles_come_over_links_as_well(self) -> None:
        links = FakeLinks()
        found = endpoint_over_link("madrid", links, "t0ken", "192.0.2.1")
        self.assertEqual(found.transport, Transport.WS)
        self.assertEqual(found.path, "/websockify?token=t0ken")
        self.assertEqual(links.asked, [("madrid", ZoneService.CONSOLE, "192.0.2.1")])
        self.assertNotIn("t0ken", f"{found} {found!r}")

    def test_a_zone_whose_proxy_drains_is_asked_once_more_over_another_connection(self) -> None:
        backend, events = self.backend(), list[str]()
        connection: Any = backend._connection

        async def send(method: str, path: str, request: Request) -> dict[str, Any]:
            events.append(request.jti)
            raise ZoneDraining("one", zone="madrid")

        async def close() -> None:
            events.append("closed")

        self.patch(connection, "send", send)
        self.patch(connection, "close", close)
        asking = Deferred.fromCoroutine(backend.check_for("kvm/web-01", ()))
        self.failureResultOf(asking, ZoneDraining)
        first, closed, second = events
        self.assertEqual(closed, "closed")
        self.assertNotEqual(first, second)

    def test_what_a_refusal_means(self) -> None:
        shut_off = UpstreamRefused("refused", reason="The virtual machine is shut off. (id 1)")
        shut_off.peer_close = 4100
        unknown = UpstreamRefused("refused", reason="Something else.")
        for refusal, kind, sentence in (
            (
                shut_off,
                ConsoleUnavailable,
                "The zone madrid says: The virtual machine is shut off. (id 1)",
            ),
            (unknown, ZoneSays, "The zone madrid says: Something else."),
            (
                UpstreamRefused("web socket answered with 503", http_status=503),
                ZoneDraining,
                "The zone madrid takes no new consoles at the moment. Try again in a moment.",
            ),
            (
                UpstreamUntrusted("its authority is not trusted"),
                ZoneUntrusted,
                "The zone madrid could not prove its identity.",
            ),
            (UpstreamClosed("x"), ZoneError, "The zone madrid could not show the console."),
        ):
            with self.subTest(sentence=sentence):
                error = self.backend().explain(refusal)
                self.assertIs(type(error), kind)
                self.assertEqual(error.sentence(), sentence)
