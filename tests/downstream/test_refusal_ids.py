"""Every refusal shows an id, and one line of the log has it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from twisted.logger import capturedLogs, formatEvent

from tests.doubles.users import Browser, SiteTestCase, upgrade
from vncproxy import errors
from vncproxy.downstream.connections import Connections
from vncproxy.downstream.http_site import ConsoleSite
from vncproxy.downstream.routes import ConsoleResource
from vncproxy.errors import ConsoleUnavailable, VNCProxyError
from vncproxy.model import Limits

ID = re.compile(r"\bid ([0-9a-f]{16})[.)]")


def tree(root: type[VNCProxyError]) -> Iterator[type[VNCProxyError]]:
    """Yield the classes of the project's errors under one of them."""
    yield root
    for child in root.__subclasses__():
        if child.__module__.startswith(f"{errors.__name__}."):
            yield from tree(child)


def causes() -> Iterator[VNCProxyError]:
    for kind in tree(VNCProxyError):
        yield kind("off") if issubclass(kind, ConsoleUnavailable) else kind()


class SessionRefusalTests(SiteTestCase):
    """Whatever the cause, and however the viewer came."""

    def test_in_the_status_line_of_a_tcp_viewer(self) -> None:
        for error in causes():
            self.setUp()
            self.kvm.consoles["web-01"] = error
            answer = self.ask(f"CONNECT /console?token={self.issue()} HTTP/1.0")

            self.assertEqual(ID.findall(answer.line), [self.refusal_id()], type(error).__name__)

    def test_in_rfb_and_in_the_close_frame_of_a_browser(self) -> None:
        for error in causes():
            self.setUp()
            self.kvm.consoles["web-01"] = error
            browser = Browser(self.connect(), upgrade(f"/?token={self.issue()}"))
            browser.receive()
            browser.send(b"RFB 003.008\n")
            sentence = browser.receive()[5:].decode()
            ((_, farewell),) = browser.control

            for told in (sentence, farewell[2:].decode()):
                self.assertEqual(ID.findall(told), [self.refusal_id()], type(error).__name__)


class RequestRefusalTests(SiteTestCase):
    """Requests that never were sessions."""

    def open_narrow_site(self, limits: Limits) -> None:
        self.connections = Connections(limits, self.reactor)
        consoles = ConsoleResource(self.sessions, self.trust, self.prefix, 600, {})
        self.serve(limits=limits)
        self.site = ConsoleSite(consoles, limits, self.reactor, self.connections)

    def assert_told_and_logged(self, *pieces: bytes, wait: float = 0) -> None:
        with capturedLogs() as events:
            peer = self.connect()
            peer.send(*pieces)
            self.wait(wait)
            told = peer.receive().decode("latin-1")
        (status, _, body) = (told.partition("\r\n")[0], *told.rpartition("\r\n\r\n")[1:])
        (request_id,) = set(ID.findall(body))
        self.assertIn(request_id, status)
        lines = [formatEvent(event) for event in events]
        self.assertEqual(len([line for line in lines if request_id in line]), 1, lines)

    def test_a_header_that_is_too_large_malformed_or_late(self) -> None:
        self.assert_told_and_logged(b"GET / HTTP/1.1\r\n", b"X: " + b"a" * 20_000)
        self.assert_told_and_logged(b"GET / HTTP/1.1\r\nX: a\r\n b\r\n\r\n")
        self.assert_told_and_logged(b"GET / HT", wait=10)

    def test_an_upgrade_that_is_none(self) -> None:
        self.assert_told_and_logged(upgrade("/?token=x").replace(b"-Version: 13", b"-Version: 7"))
        self.assert_told_and_logged(upgrade("/", "Sec-WebSocket-Protocol: base64"))
        self.assert_told_and_logged(upgrade("/", "Origin: not an origin"))

    def test_too_many_connections(self) -> None:
        self.open_narrow_site(Limits(connections_per_address=1))
        self.connect().send(b"GET / HT")

        self.assert_told_and_logged(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")

    def test_an_address_that_is_refused_too_often_gets_an_id_only_with_a_line(self) -> None:
        self.open_narrow_site(Limits(refusals=2, refusals_per_minute=1))
        told = []
        with capturedLogs() as events:
            for _ in range(4):
                peer = self.connect()
                peer.send(b"GET / HTTP/1.1\r\nX: a\r\n b\r\n\r\n")
                told.append(set(ID.findall(peer.receive().decode())))
        lines = "\n".join(formatEvent(event) or "" for event in events)

        self.assertEqual([len(ids) for ids in told], [1, 1, 0, 0])
        for (request_id,) in told[:2]:
            self.assertEqual(lines.count(request_id), 1)
