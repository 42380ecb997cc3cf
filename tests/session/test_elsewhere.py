"""A backend that points to another one, which the session asks once."""

from __future__ import annotations

from collections.abc import Sequence

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from vncproxy.errors import BackendError, NoGraphicalConsole, VNCProxyError, ZoneForbidden
from vncproxy.interfaces import IConsolesElsewhere
from vncproxy.model import (
    ConsoleElsewhere,
    ConsoleEndpoint,
    ConsoleType,
    Grant,
    Journey,
    Limits,
    Policy,
    Timeouts,
    Token,
    Visit,
    VMAddress,
)
from vncproxy.power import MachinePower
from vncproxy.relay.leg import Leg
from vncproxy.rfb.greeting import Greeting
from vncproxy.session.downstream import IDownstream
from vncproxy.session.live import LiveSessions
from vncproxy.session.services import Services
from vncproxy.session.session import Session
from vncproxy.session.state import SessionState
from vncproxy.session.user_request import UserRequest
from vncproxy.testing import StaticConsoles
from vncproxy.tokens.memory import MemoryTokenStore

IN_THE_CLOUD = VMAddress("cloud", "7")
IN_VSPHERE = VMAddress("vsphere", "vm-227")


@implementer(IDownstream)
class Refusals:
    """A user's side that only records refusals."""

    def __init__(self) -> None:
        self.session: SessionState | None = None
        self.leg: Leg | None = None
        self.greeting = Greeting()
        self.errors: list[VNCProxyError] = []

    async def admit(self, grant: Grant) -> None:
        pass

    async def open(self) -> Leg:
        raise AssertionError("there is a console")

    async def refuse(self, error: VNCProxyError, session_id: str) -> None:
        self.errors.append(error)


@implementer(IConsolesElsewhere)
class Zone(StaticConsoles):
    """Another zone, whose machines have no screens."""

    async def request_console(self, vm: str, journey: Journey) -> ConsoleEndpoint:
        self.asked.append(vm)
        raise NoGraphicalConsole("powered on, without a screen")

    async def check_for(self, vm: str, via: Sequence[str]) -> None:
        """Have any machine."""


class ElsewhereTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.cloud = StaticConsoles({"7": ConsoleElsewhere(IN_VSPHERE)})
        self.vsphere = StaticConsoles(
            {"vm-227": NoGraphicalConsole("powered on, without a screen")}
        )
        self.backends = {"cloud": self.cloud, "vsphere": self.vsphere}

    def refusal(self, visit: Visit | None = None, shown: tuple[str, ...] = ()) -> VNCProxyError:
        """Open the cloud's machine and return why that failed.

        Args:
            visit: the session of another zone that it is for.
            shown: the zones that users of zone paris may see.
        """
        clock, user = Clock(), Refusals()
        store = MemoryTokenStore(clock.seconds, 0, clock.seconds)
        services = Services(
            *(store, self.backends, (), Limits(), Timeouts(), clock.seconds, clock),
            power=MachinePower(lambda: self.backends, clock),
            shows_zone=lambda asking, asked: asking == "paris" and asked in shown,
        )
        token = Token(IN_THE_CLOUD, "alice", ConsoleType.XVPVNC, Policy(), 0.0, 60.0, visit)
        secret = self.successResultOf(Deferred.fromCoroutine(_issued(store, token)))
        request = UserRequest(ConsoleType.XVPVNC, "192.0.2.1", secret)
        Session(request, user, LiveSessions(services)).start()
        return user.errors[0]

    def test_the_other_backend_is_asked_and_its_answer_counts(self) -> None:
        self.assertIsInstance(self.refusal(), NoGraphicalConsole)
        self.assertEqual((self.cloud.asked, self.vsphere.asked), (["7"], ["vm-227"]))

    def test_it_cannot_point_on_and_so_never_in_a_circle(self) -> None:
        self.vsphere.consoles["vm-227"] = ConsoleElsewhere(IN_THE_CLOUD)
        error = self.refusal()
        self.assertIsInstance(error, BackendError)
        self.assertEqual(str(error), "vsphere/vm-227 was pointed to, and points on to cloud/7")
        self.assertEqual(self.cloud.asked, ["7"])

    def test_a_backend_that_is_not_configured_is_named(self) -> None:
        del self.backends["vsphere"]
        error = self.refusal()
        self.assertIsInstance(error, BackendError)
        self.assertEqual(str(error), "cloud/7 is vsphere/vm-227, and no such backend is configured")

    def test_a_zone_that_it_points_to_is_shown_to_other_zones_only_as_configured(self) -> None:
        madrid = self.backends["madrid"] = Zone()
        self.cloud.consoles["7"] = ConsoleElsewhere(VMAddress("madrid", "one/42"))
        paris, oslo = (Visit(zone, "7f3a", (zone,)) for zone in ("paris", "oslo"))
        for visit, shown in ((paris, ()), (paris, ("tokyo",)), (oslo, ("madrid",))):
            error = self.refusal(visit, shown)
            self.assertIs(type(error), ZoneForbidden)
            words = (
                f"The virtual machine is in the zone madrid, which is not shown to {visit.zone}."
            )
            self.assertEqual(error.sentence(), words)
        self.assertEqual(madrid.asked, [])
        for visit_or_none in (paris, None):
            self.assertIsInstance(self.refusal(visit_or_none, ("madrid",)), NoGraphicalConsole)
        self.assertEqual(madrid.asked, ["one/42", "one/42"])

    def test_a_backend_that_it_points_to_has_the_same_machine_and_is_shown(self) -> None:
        self.assertIsInstance(self.refusal(Visit("paris", "7f3a", ("paris",))), NoGraphicalConsole)
        self.assertEqual(self.vsphere.asked, ["vm-227"])


async def _issued(store: MemoryTokenStore, token: Token) -> str:
    return await store.issue(token)
