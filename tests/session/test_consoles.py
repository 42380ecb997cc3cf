"""From a machine's address to its console, over doubles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from twisted.internet.defer import Deferred
from zope.interface import implementer
from zope.interface.verify import verifyObject

from tests.doubles.proxy_in_memory import WEB_01, ProxyTestCase
from vncproxy.errors import (
    BackendError,
    ConsoleUnavailable,
    ProxyDraining,
    ProxyStopping,
    UpstreamClosed,
    UpstreamRefused,
    UpstreamUnreachable,
    UpstreamViolation,
    VMNotFound,
    VNCProxyError,
    ZoneDraining,
)
from vncproxy.interfaces import IConsoleRecovery, IConsolesElsewhere
from vncproxy.model import (
    ConsoleElsewhere,
    ConsoleEndpoint,
    HTTPConnect,
    Journey,
    Policy,
    RFBSecurity,
    Transport,
    VMAddress,
)
from vncproxy.session.consoles import Consoles
from vncproxy.testing import SERVER_INIT, StaticConsoles
from vncproxy.upstream import Console

HERE = ConsoleEndpoint(
    Transport.TCP,
    host="192.0.2.10",
    port=80,
    handshakes=(HTTPConnect("/console"), RFBSecurity()),
    name="web 01",
)
THERE = ConsoleEndpoint(Transport.TCP, host="192.0.2.11", port=5900, name="web 01, moved")


@implementer(IConsoleRecovery)
class Movable(StaticConsoles):
    """A backend that finds a machine elsewhere when its console was refused."""

    def __init__(self, *found: ConsoleEndpoint | VNCProxyError | Deferred[ConsoleEndpoint]) -> None:
        super().__init__({"web-01": HERE})
        self.refusals: list[tuple[str, UpstreamViolation]] = []
        self._found = list(found)

    async def relocate(self, vm: str, refusal: UpstreamViolation) -> ConsoleEndpoint:
        self.refusals.append((vm, refusal))
        found = self._found.pop(0)
        if isinstance(found, VNCProxyError):
            raise found
        return await found if isinstance(found, Deferred) else found

    def explain(self, refusal: UpstreamViolation) -> VNCProxyError:
        return ConsoleUnavailable("on the move", f"in vain: {refusal}")

    async def current_host(self, vm: str) -> str:
        return ""


@implementer(IConsoleRecovery)
class OnTheMove(StaticConsoles):
    """A backend that answers on which host a machine runs now, or fails."""

    def __init__(self, found: str | VNCProxyError | Deferred[str]) -> None:
        super().__init__({"web-01": HERE})
        self._found = found

    async def relocate(self, vm: str, refusal: UpstreamViolation) -> ConsoleEndpoint:
        raise refusal

    def explain(self, refusal: UpstreamViolation) -> VNCProxyError:
        return refusal

    async def current_host(self, vm: str) -> str:
        if isinstance(self._found, VNCProxyError):
            raise self._found
        return await self._found if isinstance(self._found, Deferred) else self._found


@implementer(IConsolesElsewhere)
class OtherZone(Movable):
    """A zone that gives an endpoint for each request, and explains refusals in one way."""

    def __init__(self, why: VNCProxyError) -> None:
        super().__init__()
        self.why = why
        self.journeys: list[Journey] = []

    async def request_console(self, vm: str, journey: Journey) -> ConsoleEndpoint:
        self.journeys.append(journey)
        return HERE if len(self.journeys) == 1 else THERE

    async def check_for(self, vm: str, via: Sequence[str]) -> None:
        """Do nothing: it has every machine."""

    async def relocate(self, vm: str, refusal: UpstreamViolation) -> ConsoleEndpoint:
        raise self.why

    def explain(self, refusal: UpstreamViolation) -> VNCProxyError:
        return self.why


class ConsolesTestCase(ProxyTestCase):
    def open(self, backend: StaticConsoles, vm: VMAddress = WEB_01) -> None:
        self.backend = backend
        consoles = Consoles({"kvm": backend}, self.timeouts, self.reactor)
        self.opening = Deferred.fromCoroutine(consoles.open(vm))

    def answer(self, text: bytes) -> None:
        """Answer the proxy's CONNECT, and close."""
        peer = self.reactor.accept()
        peer.send(text)
        peer.close()

    def opened(self) -> tuple[Console, str]:
        return self.successResultOf(self.opening)

    def error(self, kind: type[VNCProxyError]) -> VNCProxyError:
        error: VNCProxyError = self.failureResultOf(self.opening, kind).value
        self.assertIs(type(error), kind)
        self.assertEqual(self.reactor.getDelayedCalls(), [])
        return error


class OpeningTests(ConsolesTestCase):
    def test_a_console_comes_with_the_name_that_its_backend_knows(self) -> None:
        self.open(StaticConsoles({"web-01": THERE}))

        self.console()

        console, name = self.opened()
        self.assertEqual((console.server_init, name), (SERVER_INIT, "web 01, moved"))

    def test_a_backend_that_is_not_configured(self) -> None:
        self.open(StaticConsoles(), VMAddress("vm", "7"))

        self.assertEqual(str(self.error(VMNotFound)), "no backend and no zone 'vm' is configured")

    def test_a_backend_without_words_leaves_a_refusal_as_it_is(self) -> None:
        self.open(StaticConsoles({"web-01": HERE}))

        self.answer(b"HTTP/1.1 403 Forbidden\r\n\r\n")

        error = self.error(UpstreamRefused)
        assert isinstance(error, UpstreamRefused)
        self.assertEqual(error.http_status, 403)
        self.assertEqual(self.backend.asked, ["web-01"])


class MoveTests(ConsolesTestCase):
    def moved(self, backend: StaticConsoles, host: str = "192.0.2.10") -> bool:
        consoles = Consoles({"kvm": backend}, self.timeouts, self.reactor)
        self.asking = Deferred.fromCoroutine(consoles.has_moved(WEB_01, host))
        self.wait(1.9)
        self.assertFalse(self.asking.called and self.reactor.getDelayedCalls())
        self.wait(0.2)
        return self.successResultOf(self.asking)

    def test_the_double_is_what_it_stands_for(self) -> None:
        verifyObject(IConsoleRecovery, OnTheMove(""))

    def test_a_machine_on_another_host_has_moved(self) -> None:
        self.assertTrue(self.moved(OnTheMove("192.0.2.11")))

    def test_a_machine_on_the_same_host_was_restarted(self) -> None:
        self.assertFalse(self.moved(OnTheMove("192.0.2.10")))

    def test_a_console_that_was_on_this_machine_has_not_moved(self) -> None:
        self.assertFalse(self.moved(OnTheMove("192.0.2.11"), host=""))

    def test_what_cannot_be_told_is_no_move(self) -> None:
        never: Deferred[str] = Deferred()
        for unknown in ("", BackendError("away"), ConsoleUnavailable("shut off"), never):
            self.assertFalse(self.moved(OnTheMove(unknown)))
        self.assertFalse(self.moved(StaticConsoles({"web-01": THERE})))


class RefusalTests(ConsolesTestCase):
    def test_a_backend_that_adds_nothing_leaves_a_refusal_as_it_is(self) -> None:
        self.open(OnTheMove(""))

        self.answer(b"HTTP/1.1 403 Forbidden\r\n\r\n")

        error = self.error(UpstreamRefused)
        assert isinstance(error, UpstreamRefused)
        self.assertEqual(error.http_status, 403)

    def test_the_double_is_what_it_stands_for(self) -> None:
        verifyObject(IConsoleRecovery, Movable())

    def test_a_refused_console_is_tried_once_more_where_the_backend_says(self) -> None:
        self.open(Movable(THERE))
        self.answer(b"HTTP/1.1 500 Internal Error\r\n\r\n")

        self.assertEqual(self.reactor.tcpClients[0][:2], ("192.0.2.11", 5900))
        self.console()

        self.assertEqual(self.opened()[1], "web 01, moved")

    def test_the_backend_sees_what_was_answered(self) -> None:
        backend = Movable(THERE)
        self.open(backend)

        self.answer(b"HTTP/1.1 401 Unauthorised\r\n\r\n")

        ((vm, refusal),) = backend.refusals
        assert isinstance(refusal, UpstreamRefused)
        self.assertEqual((vm, refusal.http_status), ("web-01", 401))

    def test_a_console_that_closes_without_a_word_counts_as_refused(self) -> None:
        backend = Movable(THERE)
        self.open(backend)

        self.answer(b"HTTP/1.1 200 OK\r\n\r\n")

        self.assertIsInstance(backend.refusals[0][1], UpstreamClosed)

    def test_a_second_refusal_is_the_last_and_is_put_in_words(self) -> None:
        backend = Movable(HERE)
        self.open(backend)
        self.answer(b"HTTP/1.1 500 Internal Error\r\n\r\n")

        self.answer(b"HTTP/1.1 503 Connection Limit Exceeded\r\n\r\n")

        error = self.error(ConsoleUnavailable)
        self.assertEqual(error.sentence(), "The virtual machine is on the move.")
        self.assertIn("503 Connection Limit Exceeded", str(error))
        self.assertEqual(len(backend.refusals), 1)

    def test_where_another_try_is_of_no_use_the_backend_says_why(self) -> None:
        self.open(Movable(ConsoleUnavailable("shut off")))

        self.answer(b"HTTP/1.1 500 Internal Error\r\n\r\n")

        self.assertEqual(str(self.error(ConsoleUnavailable)), "shut off")

    def test_a_backend_that_falls_silent_is_not_waited_for(self) -> None:
        self.open(Movable(Deferred()))
        self.answer(b"HTTP/1.1 500 Internal Error\r\n\r\n")

        self.wait(self.timeouts.locate)

        self.assertIn("did not answer within 10.0 s", str(self.error(BackendError)))

    def test_a_console_that_cannot_be_reached_is_not_asked_for_again(self) -> None:
        backend = Movable(THERE)
        self.open(backend)

        self.reactor.refuse()

        self.error(UpstreamUnreachable)
        self.assertEqual(backend.refusals, [])

    def test_the_backend_that_the_machine_was_found_in_is_asked(self) -> None:
        backend = Movable(THERE)
        cloud = StaticConsoles({"7": ConsoleElsewhere(WEB_01)})
        consoles = Consoles({"kvm": backend, "cloud": cloud}, self.timeouts, self.reactor)
        self.opening = Deferred.fromCoroutine(consoles.open(VMAddress("cloud", "7")))

        self.answer(b"HTTP/1.1 500 Internal Error\r\n\r\n")

        self.assertEqual(backend.refusals[0][0], "web-01")
        self.assertEqual(cloud.asked, ["7"])


class OtherZoneTests(ConsolesTestCase):
    def open_at(self, zone: OtherZone, vm: VMAddress = WEB_01) -> None:
        cloud = StaticConsoles({"7": ConsoleElsewhere(WEB_01)})
        consoles = Consoles({"kvm": zone, "cloud": cloud}, self.timeouts, self.reactor)
        journey = Journey("7f3a", "alice", "192.0.2.1", Policy())
        asked = consoles.open(vm, journey=lambda name: replace(journey, session=name))
        self.opening = Deferred.fromCoroutine(asked)
        self.answer(b"HTTP/1.1 503 Service Unavailable\r\n\r\n")

    def test_the_double_is_what_it_stands_for(self) -> None:
        verifyObject(IConsolesElsewhere, OtherZone(ZoneDraining()))

    def test_a_proxy_that_drains_is_followed_by_the_one_beside_it(self) -> None:
        for why in (ZoneDraining(), ProxyDraining(), ProxyStopping()):
            zone = OtherZone(why)
            self.open_at(zone)
            self.console()
            self.assertEqual(self.opened()[1], "web 01, moved")
            self.assertEqual([each.session for each in zone.journeys], ["kvm", "kvm"])

    def test_any_other_reason_is_final(self) -> None:
        zone = OtherZone(ConsoleUnavailable("shut off"))
        self.open_at(zone)
        self.error(ConsoleUnavailable)
        self.assertEqual(len(zone.journeys), 1)

    def test_a_backend_may_point_to_a_zone(self) -> None:
        zone = OtherZone(ZoneDraining())
        self.open_at(zone, VMAddress("cloud", "7"))
        self.console()
        self.assertEqual(self.opened()[1], "web 01, moved")
