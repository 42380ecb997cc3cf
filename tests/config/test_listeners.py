from __future__ import annotations

from typing import Any

from twisted.internet.endpoints import serverFromString
from twisted.internet.protocol import Factory
from twisted.internet.testing import MemoryReactor
from twisted.trial.unittest import SynchronousTestCase

from tests.properties import given
from tests.properties import strategies as st
from vncproxy.config.listeners import (
    EndpointText,
    endpoint_error,
    is_local,
    with_backlog,
    without_wrapper,
)


class EndpointTextTests(SynchronousTestCase):
    def test_arguments_and_options_are_told_apart(self) -> None:
        self.assertEqual(
            EndpointText.parse("ssl:443:privateKey=/k.pem:interface=127.0.0.1"),
            EndpointText("ssl", ("443",), {"privateKey": "/k.pem", "interface": "127.0.0.1"}),
        )

    def test_a_backslash_quotes_what_follows(self) -> None:
        self.assertEqual(
            EndpointText.parse(r"tcp6:1:interface=\:\:1"),
            EndpointText("tcp6", ("1",), {"interface": "::1"}),
        )

    def test_a_wrapper_is_taken_off(self) -> None:
        self.assertEqual(EndpointText.parse("haproxy:tcp:1"), EndpointText("tcp", ("1",), {}))

    def test_only_loopback_and_unix_sockets_are_local(self) -> None:
        for text, local in (
            ("tcp:1:interface=127.0.0.1", True),
            (r"tcp6:1:interface=\:\:1", True),
            ("unix:/run/x", True),
            ("tcp:1", False),
            ("tcp:1:interface=", False),
            ("tcp:1:interface=0.0.0.0", False),
            ("tcp:1:interface=192.0.2.1", False),
            ("haproxy:tcp:1:interface=127.0.0.1", False),
            ("systemd:domain=INET:index=0", False),
        ):
            self.assertEqual(is_local(text), local, text)

    def test_the_rest_of_it_is_an_endpoint_string(self) -> None:
        for text, rest, wrapped in (
            ("haproxy:tcp:1", "tcp:1", True),
            ("HAProxy:haproxy:tcp:1", "tcp:1", True),
            ("ssl:443:privateKey=/k.pem", "ssl:443:privateKey=/k.pem", False),
            ("haproxy", "haproxy", False),
        ):
            self.assertEqual(without_wrapper(text), (rest, wrapped))

    @given(st.text(alphabet="tcpslunix:=\\0189/é ", max_size=30))
    def test_any_text_can_be_taken_apart_and_judged(self, text: str) -> None:
        EndpointText.parse(text)
        endpoint_error(text)


class BacklogTests(SynchronousTestCase):
    def listen(self, text: str) -> Any:
        reactor = MemoryReactor()
        waiting = serverFromString(reactor, with_backlog(text)).listen(Factory())
        self.successResultOf(waiting)
        return (reactor.tcpServers or reactor.unixServers)[0]

    def test_many_connections_may_wait(self) -> None:
        for text in (
            *("tcp:6080", "tcp:6080:interface=127.0.0.1", "tcp6:6080", "haproxy:tcp:6080"),
            *(r"tcp:6080:interface=\:\:1", "tcp:port=6080", "unix:/run/s:mode=660"),
        ):
            with self.subTest(text=text):
                self.assertIn(4096, self.listen(text))

    def test_a_number_that_is_named_stays(self) -> None:
        self.assertIn(7, self.listen("tcp:6080:backlog=7"))

    def test_tls_has_the_same(self) -> None:
        self.assertEqual(with_backlog("ssl:443"), "ssl:443:backlog=4096")
        self.assertEqual(with_backlog("haproxy:ssl:443"), "haproxy:ssl:443:backlog=4096")

    def test_an_inherited_socket_listens_already(self) -> None:
        text = "systemd:domain=INET:index=0"

        self.assertEqual(with_backlog(text), text)


class ProblemTests(SynchronousTestCase):
    def test_good_ones_have_none(self) -> None:
        for text in (
            "tcp:6080",
            "tcp:port=6080",
            r"tcp6:6080:interface=\:\:1",
            "haproxy:tcp:6080",
            "unix:/run/vncproxy.sock:mode=660",
            "ssl:443:privateKey=/nowhere/key.pem",
            "systemd:domain=INET:index=0",
        ):
            with self.subTest(text=text):
                self.assertIsNone(endpoint_error(text))

    def test_the_port_must_be_one(self) -> None:
        for text in ("tcp:", "tcp", "tcp:http", "tcp:65536", "ssl:-1", "haproxy:tcp:x", "tcp6:²"):
            with self.subTest(text=text):
                problem = endpoint_error(text)
                assert problem is not None
                self.assertIn("needs a port from 0 to 65535", problem)

    def test_the_type_must_be_known(self) -> None:
        for text in ("", "6080", "tpc:6080", "haproxy:tpc:6080"):
            with self.subTest(text=text):
                problem = endpoint_error(text)
                assert problem is not None
                self.assertIn("must begin with a type of endpoint", problem)

    def test_options_must_be_known(self) -> None:
        self.assertEqual(
            endpoint_error("tcp:1:interfaec=::"),
            "tcp: got an unexpected keyword argument 'interfaec'",
        )

    def test_a_backslash_must_quote_something(self) -> None:
        self.assertEqual(endpoint_error("unix:/a\\"), "must not end in a backslash")
        self.assertIsNone(endpoint_error("unix:/a\\\\"))
