from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from tests.doubles.api import MemoryProxies
from tests.doubles.proxies import announced
from vncproxy.errors import BackendError, ConsoleUnavailable, VMNotFound
from vncproxy.hosts.directory import REMEMBERED, Directory
from vncproxy.hosts.peer import Peer, PeerSettings
from vncproxy.interfaces import IKnowsHosts, IMachineFinder, IMachineIds
from vncproxy.model import ConsoleType, MachineHost, TLSTrust, VMAddress
from vncproxy.tokens.refusals import NoProxyForHost

T = TypeVar("T")

ID = "0b1c2d3e-0000-4000-8000-000000000001"
VM = VMAddress("kvm", ID)
NAMED = VMAddress("kvm", "web-01")
OWN = {ConsoleType.NOVNC: "https://own/", ConsoleType.XVPVNC: "http://own:6081/"}
HERE, THERE = MachineHost(("node1",), runs=True, uuid=ID), MachineHost(("node2",), True, ID)
OFF = MachineHost(("node1",), runs=False, uuid=ID)


@implementer(IKnowsHosts, IMachineIds)
class Backend:
    """A backend that knows the machine's host, or fails."""

    def __init__(self) -> None:
        self.answer: MachineHost | Exception | None = HERE

    async def host_of(self, vm: str) -> MachineHost:
        if self.answer is None:
            await Deferred()
        if isinstance(self.answer, Exception):
            raise self.answer
        assert self.answer is not None
        return self.answer

    async def own_hosts(self) -> Sequence[str]:
        return ["node1"]

    def fixed_part(self, vm: str) -> str:
        return vm if vm == ID else ""


@implementer(IMachineFinder)
class Others:
    """What other proxies know."""

    def __init__(self) -> None:
        self.found: list[MachineHost] = []
        self.asked = 0

    async def find_machine(self, vm: VMAddress) -> Sequence[MachineHost]:
        self.asked += 1
        return self.found


def peer(name: str, *hosts: str) -> Peer:
    settings = PeerSettings(name, f"https://{name}:6082", "k", hosts or (name,), TLSTrust(), 5.0)
    return Peer(settings, Clock())


class DirectoryCase(SynchronousTestCase):
    """A proxy of node1, beside one of node2 and one of every host."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.proxies, self.others, self.backend = MemoryProxies(), Others(), Backend()
        self.announce("node1", ("node1",))
        self.me = self.proxies.found[0].identity
        self.directory = Directory(self.me, self.proxies, self.others, self.clock)
        self.configure()

    def configure(self, *peers: Peer, backends: Mapping[str, Any] | None = None) -> None:
        found: Mapping[str, Any] = {"kvm": self.backend} if backends is None else backends
        self.directory.configure(OWN, found, peers)

    def announce(self, name: str, serves: tuple[str, ...] | None, **more: Any) -> None:
        urls: dict[str, Any] = {"base_url": f"https://{name}/", "xvp_url": f"http://{name}:6081/"}
        self.proxies.found.append(
            announced(name, serves=serves, backends={"kvm": ""}, most_sessions=9, **urls, **more)
        )

    def result(self, answer: Awaitable[T]) -> T:
        return self.successResultOf(Deferred.fromCoroutine(answer))  # type: ignore[arg-type]

    def failure(self, answer: Awaitable[object], kind: type[T]) -> T:
        deferred: Deferred[object] = Deferred.fromCoroutine(answer)  # type: ignore[arg-type]
        error = self.failureResultOf(deferred).value
        assert isinstance(error, kind), repr(error)
        return error

    def ways(self, vm: VMAddress = VM, **more: Any) -> list[str]:
        found, _ = self.result(self.directory.ways(vm, **more))
        return [way.name for way in found]

    def elsewhere(self, vm: VMAddress = VM) -> list[str]:
        return [way.name for way in self.result(self.directory.elsewhere(vm))]


class WaysTests(DirectoryCase):
    def test_where_every_proxy_serves_every_host_nothing_is_asked(self) -> None:
        self.proxies.found.clear()
        self.announce("all", None)
        self.backend.answer = BackendError("asked")

        found, seen = self.result(self.directory.ways(VM))

        self.assertEqual(([way.urls for way in found], seen), ([OWN], False))
        self.announce("node2", ("node2",))
        self.assertEqual(self.ways(), [self.me.name])
        self.clock.advance(REMEMBERED)
        self.backend.answer = THERE
        self.assertEqual(self.ways(), ["node2"])

    def test_the_proxy_of_the_host(self) -> None:
        self.announce("node2", ("node2",))
        self.assertEqual(self.ways(), ["node1"])
        self.backend.answer = THERE
        self.assertEqual(self.ways(), ["node2"])

    def test_a_machine_that_only_others_know(self) -> None:
        self.announce("node2", ("node2",))
        self.backend.answer, self.others.found = VMNotFound("no"), [THERE]
        self.assertEqual(self.ways(), ["node2"])

    def test_a_machine_that_is_off_here_and_runs_elsewhere(self) -> None:
        self.announce("node2", ("node2",))
        self.backend.answer, self.others.found = OFF, [OFF, THERE]
        self.assertEqual(self.ways(), ["node2"])
        self.others.found = []
        self.assertEqual((self.ways(), self.others.asked), (["node2"], 1))
        self.clock.advance(1.0)
        self.assertEqual((self.ways(), self.others.asked), (["node1"], 2))

    def test_others_are_not_asked_for_a_machine_that_runs_here(self) -> None:
        self.ways()
        self.assertEqual(self.others.asked, 0)

    def test_a_name_that_different_machines_have_is_refused(self) -> None:
        self.announce("node2", ("node2",))
        self.backend.answer = OFF
        self.others.found = [MachineHost(("node2",), True, "another")]

        error = self.failure(self.directory.ways(NAMED), BackendError)

        self.assertIn("names 2 machines on different hosts", error.detail)
        self.assertEqual(self.elsewhere(NAMED), [])

    def test_a_machine_that_nobody_knows(self) -> None:
        self.backend.answer = VMNotFound("no")
        self.failure(self.directory.ways(VM), VMNotFound)
        self.announce("all", None)
        self.assertEqual(self.ways(), ["all"])
        self.failure(self.directory.ways(VM, hops=1), VMNotFound)

    def test_a_host_without_a_proxy(self) -> None:
        self.backend.answer = THERE
        error = self.failure(self.directory.ways(VM), NoProxyForHost)
        self.assertEqual(
            error.message, "no proxy serves the host node2, and none serves every host"
        )

    def test_a_backend_that_does_not_answer(self) -> None:
        self.backend.answer = None
        asking = Deferred.fromCoroutine(self.directory.ways(VM))
        self.clock.advance(5.0)
        self.failureResultOf(asking, BackendError)

    def test_a_backend_that_cannot_tell_is_shown_by_a_proxy_of_every_host(self) -> None:
        self.announce("all", None)
        self.configure(backends={"kvm": object()})
        self.assertEqual(self.ways(), ["all"])

    def test_or_else_by_this_one_unless_it_shows_no_console(self) -> None:
        self.configure(backends={"kvm": object()})
        self.assertEqual(self.ways(), ["node1"])
        self.proxies.found.clear()
        self.announce("node1", ())
        self.failure(self.directory.ways(VM), NoProxyForHost)

    def test_a_machine_that_must_be_on(self) -> None:
        self.backend.answer = OFF
        self.failure(self.directory.ways(VM, running=True), ConsoleUnavailable)


class PeersTests(DirectoryCase):
    def setUp(self) -> None:
        super().setUp()
        self.configure(peer("node2"), peer("central", "*"))

    def test_the_peer_of_the_host(self) -> None:
        self.backend.answer = THERE
        self.assertEqual(self.ways(), ["node2", "central"])

    def test_a_proxy_that_shares_our_tokens_comes_first(self) -> None:
        self.assertEqual(self.ways(), ["node1"])
        self.announce("all", None)
        self.backend.answer = THERE
        self.assertEqual(self.ways(), ["node2", "all"])

    def test_an_unknown_host_is_asked_of_those_that_know_all_first(self) -> None:
        self.backend.answer = VMNotFound("no")
        self.assertEqual(self.ways(), ["central", "node2"])

    def test_a_name_is_asked_of_those_that_know_all_only(self) -> None:
        self.backend.answer = VMNotFound("no")
        self.assertEqual(self.ways(NAMED), ["central"])
        self.assertEqual(self.elsewhere(NAMED), ["central"])

    def test_a_request_is_passed_on_twice_at_most(self) -> None:
        self.backend.answer = THERE
        self.assertEqual(self.ways(hops=1), ["node2", "central"])
        self.failure(self.directory.ways(VM, hops=2), NoProxyForHost)

    def test_a_machine_that_is_off_here_may_run_at_a_peer(self) -> None:
        self.backend.answer = OFF
        found, _ = self.result(self.directory.ways(VM))
        told = [(way.name, way.running) for way in found]
        self.assertEqual(told, [("central", True), ("node2", True), ("node1", False)])


class ElsewhereTests(DirectoryCase):
    def test_never_this_proxy_itself(self) -> None:
        self.assertEqual(self.elsewhere(), [])

    def test_only_where_the_machine_runs(self) -> None:
        self.announce("node2", ("node2",))
        self.backend.answer, self.others.found = OFF, [MachineHost(("node2",), False, ID)]
        self.assertEqual(self.elsewhere(), [])
        self.others.found = [THERE]
        self.clock.advance(1.0)
        self.assertEqual(self.elsewhere(), ["node2"])

    def test_where_the_machine_runs_without_a_proxy_one_of_every_host(self) -> None:
        self.announce("all", None)
        self.backend.answer, self.others.found = VMNotFound("no"), [THERE]
        self.assertEqual(self.elsewhere(), ["all"])
