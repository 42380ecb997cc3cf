"""Connections to libvirt that fail."""

from __future__ import annotations

from functools import partial
from unittest.mock import Mock

import libvirt

from tests.doubles.libvirt import URI, LibvirtCase, _error
from vncproxy.backends.libvirt import connection as libvirt_connection
from vncproxy.backends.libvirt.connection import Connection
from vncproxy.errors import (
    BackendError,
)


class ConnectionTests(LibvirtCase):
    """Connections that fail, with openers that make them fail."""

    def ask(self, *connections: object) -> str:
        """Request the host name over connections that are opened one after the other."""
        opener = Mock(side_effect=connections)
        return Connection(URI, 1.0, opener)(lambda connection: str(connection.getHostname()))

    def test_a_connection_is_kept(self) -> None:
        opener = Mock(return_value=self.driver)
        connection = Connection(URI, 1.0, opener)
        for _ in range(2):
            connection(lambda each: each.getHostname())
        opener.assert_called_once_with(URI)

    def test_a_dead_connection_is_opened_again_before_it_is_asked(self) -> None:
        opener = Mock(side_effect=[Mock(**{"isAlive.return_value": 0}), self.driver])
        connection = Connection(URI, 1.0, opener)
        connection(lambda _each: None)
        self.assertEqual(connection(lambda each: each), self.driver)

    def test_a_connection_lost_while_asking_is_asked_once_more(self) -> None:
        for code in (libvirt.VIR_ERR_SYSTEM_ERROR, libvirt.VIR_ERR_RPC):
            lost = Mock(**{"getHostname.side_effect": _error(code, "broken")})
            self.assertEqual(self.ask(lost, self.driver), self.driver.getHostname())

    def test_an_error_without_a_code_is_asked_for_once_more(self) -> None:
        error = libvirt.libvirtError("virConnectGetHostname() failed")
        error.err = None
        spoiled = Mock(**{"getHostname.side_effect": error})
        self.assertEqual(self.ask(spoiled, self.driver), self.driver.getHostname())
        mute = Mock(**{"setKeepAlive.side_effect": error, "getHostname.return_value": "hv1"})
        self.assertEqual(self.ask(mute), "hv1")

    def test_an_error_on_a_connection_that_turns_out_dead_is_a_loss(self) -> None:
        error = _error(libvirt.VIR_ERR_INTERNAL_ERROR, "client socket is closed")
        lost = Mock(**{"getHostname.side_effect": error, "isAlive.return_value": 0})
        self.assertEqual(self.ask(lost, self.driver), self.driver.getHostname())

    def test_a_second_loss_is_an_error(self) -> None:
        error = _error(libvirt.VIR_ERR_RPC, "broken")
        lost = Mock(**{"getHostname.side_effect": error})
        with self.assertRaises(BackendError) as caught:
            self.ask(lost, lost, self.driver)
        self.assertEqual(str(caught.exception), "libvirt at test:///default: broken")

    def test_another_error_is_not_asked_again(self) -> None:
        error = _error(libvirt.VIR_ERR_INTERNAL_ERROR, "no memory")
        with self.assertRaises(BackendError):
            self.ask(Mock(**{"getHostname.side_effect": error}), self.driver)

    def test_while_one_thread_connects_others_wait_no_longer_than_the_limit(self) -> None:
        def open_slowly(_uri: str) -> object:
            with self.assertRaises(BackendError) as caught:
                connection(lambda each: each)
            self.assertIn("still connecting", str(caught.exception))
            return self.driver

        connection = Connection(URI, 0.01, open_slowly)
        self.assertIs(connection(lambda each: each), self.driver)

    def test_what_can_be_done_is_told(self) -> None:
        for text, remedy in {
            "Failed to connect socket to '/x': Permission denied": "group libvirt",
            "Failed to connect socket to '/x': No such file or directory": "is libvirtd",
            "unable to connect to server at '10.0.0.5:16509': Connection refused": "is libvirtd",
        }.items():
            opener = Mock(side_effect=_error(libvirt.VIR_ERR_SYSTEM_ERROR, text))
            with self.subTest(text), self.assertRaises(BackendError) as caught:
                Connection(URI, 1.0, opener)(lambda each: each)
            self.assertIn(text, str(caught.exception))
            self.assertIn(remedy, str(caught.exception))

    def test_a_read_only_connection_is_told(self) -> None:
        self.domain()
        read_only = partial(Connection, open_=libvirt.openReadOnly)
        self.patch(libvirt_connection, "Connection", read_only)
        self.backend = self.backend_of()
        for answer in (self.backend.locate("web"), self.backend.probe()):
            error = self.failure(answer, BackendError)
            self.assertIn("secure XML needs a read-write connection", str(error))

    def test_after_close_the_connection_is_let_go(self) -> None:
        opener = Mock(side_effect=[self.driver, self.driver])
        connection = Connection(URI, 1.0, opener)
        connection(lambda each: each)
        connection.close()
        connection(lambda each: each)
        self.assertEqual(opener.call_count, 2)


class UselessTests(LibvirtCase):
    def told(self, **table: object) -> list[str]:
        return [*self.backend_of(**table).warnings()]

    def test_nothing_is_said_of_what_does_something(self) -> None:
        for table in (
            {},
            {"address": "10.0.0.5", "password": "pw"},
            {"username": "fred@hv1", "password": "pw", "tls": {}},
        ):
            self.assertEqual(self.told(**table), [], table)

    def test_what_is_dialled_by_nothing_where_libvirt_passes_every_connection(self) -> None:
        told = self.told(open_graphics="always", address="10.0.0.5", password="pw", tls={})
        self.assertEqual([line.split()[0] for line in told], ["address", "tls", "password"])

    def test_a_user_without_tls(self) -> None:
        (told,) = self.told(username="fred@hv1", password="pw")
        self.assertIn("username does nothing without tls", told)

    def test_a_user_without_a_password(self) -> None:
        (told,) = self.told(username="fred@hv1", tls={})
        self.assertIn("username has no password", told)
