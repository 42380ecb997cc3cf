"""Pictures are taken where that harms no user, here or by a peer that shows the machine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from twisted.internet.defer import Deferred, execute

from tests.doubles.api import session
from tests.doubles.consoles import OneViewer
from tests.doubles.proxy_in_memory import WEB_01, ProxyTestCase
from vncproxy.errors import (
    AtAnotherProxy,
    Busy,
    ConsoleInUse,
    ConsoleOccupied,
    NoGraphicalConsole,
    StoreUnavailable,
    UpstreamUnreachable,
    VMNotFound,
    VNCProxyError,
)
from vncproxy.hosts.directory import Way
from vncproxy.model import (
    ConsoleElsewhere,
    ConsoleType,
    JoinKind,
    Joins,
    Policy,
    Sharing,
    VMAddress,
)
from vncproxy.portals.memory import MemoryPortalStore
from vncproxy.screen import Picture
from vncproxy.screenshots.formats import ImageKind, Shot
from vncproxy.screenshots.images import encode_image
from vncproxy.screenshots.recorded import RecordedScreen
from vncproxy.service.one_at_a_time import HELD, INTERVAL, LONGEST_WAIT, OneAtATime
from vncproxy.service.taking import LOOKING_TIME, PictureTaker
from vncproxy.session.state import SessionState
from vncproxy.session.user_request import UserRequest
from vncproxy.tokens.issuing import MOST_HOPS
from vncproxy.tokens.refusals import NoProxyForHost


class PeerDouble:
    """A peer that shows one picture, or raises."""

    def __init__(self, shown: bytes | VNCProxyError) -> None:
        self.shown = shown
        self.asked: list[tuple[VMAddress, bool | None, int]] = []

    async def picture(self, vm: VMAddress, cursor: bool | None, hops: int) -> bytes:
        self.asked.append((vm, cursor, hops))
        if isinstance(self.shown, VNCProxyError):
            raise self.shown
        return self.shown


class TakingCase(ProxyTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.at_machine: list[Any] = []
        self.portals = MemoryPortalStore(self.reactor.seconds)
        self.recordings: dict[str, Path] = {}
        self.screen: RecordedScreen | None = None
        self.shown: list[tuple[Path, bool]] = []
        self.ways: list[Way] | Deferred[list[Way]] | VNCProxyError = []

    async def of_machine(self, vm: VMAddress) -> Sequence[Any]:
        if isinstance(self.at_machine, VNCProxyError):
            raise self.at_machine
        return self.at_machine

    async def elsewhere(self, vm: VMAddress) -> Sequence[Way]:
        if isinstance(self.ways, VNCProxyError):
            raise self.ways
        return await self.ways if isinstance(self.ways, Deferred) else self.ways

    async def show(self, path: Path, *, cursor: bool) -> RecordedScreen | None:
        self.shown.append((path, cursor))
        return self.screen

    def in_thread(self, function: Callable[..., Any], *args: Any) -> Deferred[Any]:
        return execute(function, *args)

    def take(self, **more: Any) -> Deferred[Picture]:
        taker = PictureTaker(
            self.sessions,
            self.of_machine,
            self,
            self.in_thread,
            self.reactor,
            self,  # type: ignore[arg-type]
            self.recordings.get,
            OneAtATime(self.portals, self.reactor),
        )
        return Deferred.fromCoroutine(taker.take(Shot(WEB_01, **more)))

    def peer(self, name: str, shown: bytes | VNCProxyError) -> PeerDouble:
        peer: Any = PeerDouble(shown)
        assert isinstance(self.ways, list)
        self.ways.append(Way({}, name, peer))
        found: PeerDouble = peer
        return found


class SharingTests(TakingCase):
    def test_a_user_who_shares_with_nobody_is_not_looked_at(self) -> None:
        for sharing in (Sharing.EXCLUSIVE, Sharing.TAKE_OVER):
            policy = Policy(sharing=sharing)
            self.at_machine = [session(), replace(session("2"), policy=policy)]
            error = self.failureResultOf(self.take(), ConsoleOccupied).value
            self.assertIn("open for one user alone", error.sentence())
            self.assertEqual(error.status, 409)
        self.assertEqual(self.kvm.asked, [])

    def test_others_are(self) -> None:
        shadow = Joins("1", JoinKind.SHADOW, "key")
        self.at_machine = [
            session(),
            replace(session("2"), policy=Policy(sharing=Sharing.ONE_DRIVER)),
            replace(session("3"), policy=Policy(sharing=Sharing.EXCLUSIVE), joins=shadow),
        ]
        self.assertNoResult(self.take())
        self.assertEqual(len(self.reactor.tcpClients), 1)

    def test_without_a_store_nobody_knows(self) -> None:
        self.at_machine = StoreUnavailable("redis")  # type: ignore[assignment]
        self.failureResultOf(self.take(), StoreUnavailable)
        self.assertEqual(self.kvm.asked, [])

    def test_a_console_of_one_viewer(self) -> None:
        self.serve(backends={"kvm": OneViewer(self.kvm.consoles)})
        peer = self.peer("b", b"")
        self.failureResultOf(self.take(), ConsoleInUse)
        self.assertEqual((self.reactor.tcpClients, peer.asked), ([], []))


class OneAtATimeTests(TakingCase):
    """Another process takes a picture of the machine."""

    def setUp(self) -> None:
        super().setUp()
        self.kvm.consoles.clear()
        self.successResultOf(Deferred.fromCoroutine(self.hold()))

    async def hold(self) -> float:
        wait: float = await self.portals.hold(f"picture:{WEB_01}", "other", HELD)
        return wait

    async def let_go(self) -> None:
        await self.portals.let_go(f"picture:{WEB_01}", "other")

    def test_it_is_waited_for(self) -> None:
        taking = self.take()
        self.reactor.pump([INTERVAL] * 10)
        self.assertEqual(self.kvm.asked, [])
        self.successResultOf(Deferred.fromCoroutine(self.let_go()))
        self.reactor.advance(INTERVAL)
        self.failureResultOf(taking, VMNotFound)
        self.assertEqual(self.kvm.asked, ["web-01"])
        # and the turn was given back although the picture has failed
        self.assertEqual(self.successResultOf(Deferred.fromCoroutine(self.hold())), 0)

    def test_not_for_long(self) -> None:
        taking = self.take()
        self.reactor.pump([INTERVAL] * int(LONGEST_WAIT / INTERVAL + 2))
        self.failureResultOf(taking, Busy)
        self.assertEqual(self.kvm.asked, [])

    def test_one_that_was_killed_holds_no_machine(self) -> None:
        self.reactor.advance(HELD - 1)
        taking = self.take()
        self.reactor.pump([INTERVAL] * 12)
        self.failureResultOf(taking, VMNotFound)


class RecordedTests(TakingCase):
    """A session that is recorded shows its machine without another connection."""

    def setUp(self) -> None:
        super().setUp()
        request = UserRequest(ConsoleType.NOVNC, "192.0.2.1", "t")
        self.session = SessionState("7f3a", request, 0.0, 0.0)
        self.session.vm, self.session.is_recorded = WEB_01, True
        self.sessions.add_to_vm(self.session, WEB_01)
        self.recordings["7f3a"] = Path("a.vncr")
        self.screen = RecordedScreen(Picture(3, 2), is_exact=True)

    def test_its_screen(self) -> None:
        picture = self.successResultOf(self.take(cursor=True))
        assert self.screen is not None
        self.assertIs(picture, self.screen.picture)
        self.assertEqual(self.shown, [(Path("a.vncr"), True)])
        self.assertEqual(self.kvm.asked, [])

    def test_one_that_is_not_exact_where_the_console_admits_one_viewer(self) -> None:
        self.screen = RecordedScreen(Picture(3, 2), is_exact=False)
        taking = self.take()
        self.assertEqual(self.kvm.asked, ["web-01"])
        self.reactor.refuse()
        self.assertIs(self.successResultOf(taking), self.screen.picture)
        self.serve(backends={"kvm": OneViewer(self.kvm.consoles)})
        self.sessions.add_to_vm(self.session, WEB_01)
        self.assertIs(self.successResultOf(self.take()), self.screen.picture)

    def test_one_that_is_not_known(self) -> None:
        self.screen = None
        self.serve(backends={"kvm": OneViewer(self.kvm.consoles)})
        self.sessions.add_to_vm(self.session, WEB_01)
        self.failureResultOf(self.take(), ConsoleInUse)
        self.assertEqual(len(self.shown), 1)

    def test_sessions_that_are_not_recorded_or_whose_file_is_sealed(self) -> None:
        self.recordings.clear()
        for is_recorded in (True, False):
            self.session.is_recorded = is_recorded
            taking = self.take()
            self.reactor.refuse()
            self.failureResultOf(taking, UpstreamUnreachable)
            self.recordings["7f3a"] = Path("a.vncr")
        self.assertEqual((self.shown, len(self.kvm.asked)), ([], 2))

    def test_a_user_who_shares_with_nobody_is_not_looked_at_either(self) -> None:
        self.at_machine = [replace(session(), policy=Policy(sharing=Sharing.EXCLUSIVE))]
        self.failureResultOf(self.take(), ConsoleOccupied)
        self.assertEqual(self.shown, [])


class ElsewhereTests(TakingCase):
    def setUp(self) -> None:
        super().setUp()
        self.kvm.consoles.clear()
        shown = Picture(3, 2)
        shown.pixels[:] = np.arange(18).reshape(2, 3, 3)
        self.pixels, self.png = shown.pixels.tolist(), encode_image(shown, ImageKind())

    def test_a_peer_takes_it(self) -> None:
        first = self.peer("a", VMNotFound("not there"))
        second = self.peer("b", self.png)
        picture = self.successResultOf(self.take(cursor=True))
        self.assertEqual(picture.pixels.tolist(), self.pixels)
        self.assertEqual(first.asked, [(WEB_01, True, 1)])
        self.assertEqual(second.asked, [(WEB_01, True, 1)])

    def test_what_a_peer_says(self) -> None:
        self.peer("b", NoProxyForHost("the peer b answers 403 forbidden: no scope"))
        error = self.failureResultOf(self.take(), NoProxyForHost).value
        self.assertIn("403 forbidden", error.message)

    def test_a_peer_that_sends_no_picture(self) -> None:
        self.peer("b", b"GIF89a")
        error = self.failureResultOf(self.take(), VNCProxyError).value
        self.assertEqual(error.code, "upstream-violation")

    def test_a_proxy_of_the_same_tokens_is_named(self) -> None:
        self.ways = [Way({}, "proxy-2")]
        error = self.failureResultOf(self.take(), AtAnotherProxy).value
        self.assertIn("proxy-2", error.sentence())

    def test_none_shows_it(self) -> None:
        self.failureResultOf(self.take(), VMNotFound)
        self.ways = StoreUnavailable("redis")
        self.failureResultOf(self.take(), VMNotFound)
        self.ways = Deferred()
        taking = self.take()
        self.reactor.advance(LOOKING_TIME)
        self.failureResultOf(taking, VMNotFound)

    def test_a_request_that_came_by_enough_proxies_is_not_passed_on(self) -> None:
        peer = self.peer("b", self.png)
        self.failureResultOf(self.take(hops=MOST_HOPS), VMNotFound)
        self.assertEqual(peer.asked, [])
        self.successResultOf(self.take(hops=MOST_HOPS - 1))
        self.assertEqual(peer.asked, [(WEB_01, None, MOST_HOPS)])

    def test_what_no_other_proxy_would_mend(self) -> None:
        peer = self.peer("b", self.png)
        self.kvm.consoles["web-01"] = NoGraphicalConsole("only spice")
        self.failureResultOf(self.take(), NoGraphicalConsole)
        self.assertEqual(peer.asked, [])
        self.kvm.consoles["web-01"] = UpstreamUnreachable("no route")
        self.successResultOf(self.take())

    def test_a_machine_that_is_pointed_to_nowhere(self) -> None:
        self.kvm.consoles["web-01"] = ConsoleElsewhere(VMAddress("madrid", "kvm/web-01"))
        self.assertEqual(self.failureResultOf(self.take()).value.code, "backend-error")
