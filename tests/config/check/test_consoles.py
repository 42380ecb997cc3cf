"""Consoles that are written down, logged in to over connections in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from twisted.internet.defer import Deferred
from zope.interface import implementer
from zope.interface.verify import verifyObject

from tests.doubles.proxy_in_memory import ProxyTestCase
from vncproxy.config.check.consoles import MOST, check_consoles
from vncproxy.errors import BackendError
from vncproxy.interfaces import IKnowsConsoles
from vncproxy.model import ConsoleEndpoint, RFBSecurity, Transport

LOGIN = (RFBSecurity("pw"),)
WEB = ConsoleEndpoint(Transport.TCP, host="192.0.2.10", port=5901, handshakes=LOGIN)
DB = replace(WEB, port=5902)


@implementer(IKnowsConsoles)
class Table:
    """A backend with these consoles, or one that cannot read them."""

    def __init__(self, consoles: Mapping[str, ConsoleEndpoint] | None) -> None:
        self._consoles = consoles

    async def consoles(self) -> Mapping[str, ConsoleEndpoint]:
        if self._consoles is None:
            raise BackendError("no such file")
        return self._consoles


class ConsolesTests(ProxyTestCase):
    def check(self, backend: object) -> Deferred[list[str]]:
        return Deferred.fromCoroutine(check_consoles(backend, self.reactor))

    def test_the_double_is_what_it_stands_for(self) -> None:
        self.assertTrue(verifyObject(IKnowsConsoles, Table({})))

    def test_a_login_that_succeeds_is_finished_and_tells_nothing(self) -> None:
        checking = self.check(Table({"web": WEB}))
        near = self.reactor.accept()
        near.send(b"RFB 003.008\n", b"\x01\x02", bytes(16), bytes(4))
        self.assertTrue(near.half_closed)
        near.close()
        self.assertEqual(self.successResultOf(checking), [])

    def test_what_keeps_users_out_is_told_by_name(self) -> None:
        checking = self.check(Table({"web": WEB, "db": DB}))
        self.reactor.refuse()
        near = self.reactor.accept()
        near.send(b"RFB 003.008\n", b"\x01\x02", bytes(16), b"\0\0\0\1", b"\0\0\0\2no")
        self.wait(1)

        self.assertEqual(
            self.successResultOf(checking),
            [
                "db: tcp:192.0.2.10:5902: Connection was refused by other side",
                "web: authentication failed: no",
            ],
        )

    def test_a_defect_is_told_by_its_kind(self) -> None:
        nonsense = replace(WEB, handshakes=("none",))  # type: ignore[arg-type]
        checking = self.check(Table({"web": nonsense}))
        near = self.reactor.accept()
        near.send(b"RFB 003.008\n", b"\x01\x02")
        self.wait(1)
        self.assertEqual(self.successResultOf(checking), ["web: it fails with AttributeError"])

    def test_some_of_many_are_tried(self) -> None:
        self.check(Table({f"{number:04}": WEB for number in range(MOST + 1)}))
        self.assertEqual(len(self.reactor.tcpClients), MOST)

    def test_backends_that_know_none(self) -> None:
        for backend in (object(), Table({}), Table(None)):
            self.assertEqual(self.successResultOf(self.check(backend)), [])
