from __future__ import annotations

import errno
import os
from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.error import CannotListenError
from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase

from vncproxy.config.check.finding import Finding
from vncproxy.config.check.sockets import check_endpoint


class RefusingReactor(MemoryReactorClock):
    """Refuses to listen with an error number."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self._number = number

    def listenTCP(self, port: Any, *args: Any, **kwargs: Any) -> Any:
        reason = OSError(self._number, os.strerror(self._number))
        raise CannotListenError("127.0.0.1", port, reason)


class FolderlessReactor(MemoryReactorClock):
    """Fails as a reactor that cannot make the lock of a unix socket."""

    def listenUNIX(self, address: Any, *args: Any, **kwargs: Any) -> Any:
        raise FileNotFoundError(
            errno.ENOENT, os.strerror(errno.ENOENT), "1", None, f"{address}.lock"
        )


class EndpointTests(SynchronousTestCase):
    def check(self, endpoint: str, reactor: Any) -> Finding:
        finding: Finding = self.successResultOf(
            Deferred.fromCoroutine(check_endpoint(endpoint, reactor))
        )
        return finding

    def refusal(self, number: int) -> Finding:
        return self.check("tcp:443", RefusingReactor(number))

    def test_a_free_address_is_good(self) -> None:
        reactor = MemoryReactorClock()
        finding = self.check("tcp:6080", reactor)
        self.assertEqual(str(finding), "ok    listen tcp:6080: the address is free")
        self.assertEqual(reactor.tcpServers[0][0], 6080)

    def test_who_connects_meanwhile_is_not_served(self) -> None:
        reactor = MemoryReactorClock()
        self.check("tcp:6080", reactor)
        self.assertIsNone(
            reactor.tcpServers[0][1].buildProtocol(IPv4Address("TCP", "127.0.0.1", 1))
        )

    def test_an_address_in_use_is_a_warning(self) -> None:
        finding = self.refusal(errno.EADDRINUSE)
        self.assertTrue(finding.ok and finding.warning)
        self.assertEqual(finding.text, "the address is in use")

    def test_a_port_that_needs_privileges_fails_and_says_which(self) -> None:
        finding = self.refusal(errno.EACCES)
        self.assertFalse(finding.ok)
        self.assertEqual(finding.text, "cannot listen: Permission denied")
        self.assertIn("CAP_NET_BIND_SERVICE", finding.advice)

    def test_an_address_of_another_machine_fails(self) -> None:
        finding = self.refusal(errno.EADDRNOTAVAIL)
        self.assertFalse(finding.ok)
        self.assertEqual(finding.advice, "use an address of this machine")

    def test_an_error_without_advice_is_told(self) -> None:
        finding = self.refusal(errno.EMFILE)
        self.assertEqual(finding.text, "cannot listen: Too many open files")

    def test_a_certificate_that_is_missing_fails(self) -> None:
        finding = self.check("ssl:443:privateKey=/nowhere", MemoryReactorClock())
        self.assertFalse(finding.ok)
        self.assertIn("No such file or directory", finding.text)

    def test_a_folder_that_is_missing_for_a_unix_socket_fails(self) -> None:
        finding = self.check("unix:/nowhere/api.sock", FolderlessReactor())
        self.assertFalse(finding.ok)
        self.assertEqual(finding.text, "cannot listen: No such file or directory")
        self.assertEqual(finding.advice, "make the directory")

    def test_a_socket_of_systemd_is_not_tried(self) -> None:
        finding = self.check("systemd:domain=INET:index=0", MemoryReactorClock())
        self.assertTrue(finding.ok)
