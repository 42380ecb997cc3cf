"""The demonstration's messages on the terminal when a console is not shown."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from vncproxy.demo.failures import FailurePrinter
from vncproxy.errors import (
    ClientGone,
    ConsoleEnded,
    ProxyStopping,
    TokenUnknown,
    UpstreamRefused,
    VNCProxyError,
)
from vncproxy.model import ConsoleType, SessionInfo, VMAddress


class FailurePrinterTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.said: list[str] = []
        self.failures = FailurePrinter(self.said.append)
        vm = VMAddress("demo", "testcard")
        self.session = SessionInfo("7f3a0001", ConsoleType.NOVNC, "192.0.2.1", 0.0, vm=vm)

    def test_a_refusal_is_told_with_its_cause(self) -> None:
        self.failures.refused(self.session, UpstreamRefused("the password is wrong"))

        self.assertEqual(
            self.said, ["demo/testcard not shown (id 7f3a0001): the password is wrong"]
        )

    def test_the_end_of_a_console_is_told(self) -> None:
        self.failures.closed(self.session, ConsoleEnded("closed by the peer"))

        self.assertEqual(self.said, ["demo/testcard ended (id 7f3a0001): closed by the peer"])

    def test_what_users_do_is_not(self) -> None:
        whys: list[VNCProxyError] = [ClientGone("left"), ProxyStopping()]
        for why in (*whys, TokenUnknown("no token 1234")):
            self.failures.refused(self.session, why)
        for why in whys:
            self.failures.closed(self.session, why)

        self.assertEqual(self.said, [])
