"""Commands and answers of one connection to Redis, on a transport in memory."""

from __future__ import annotations

import txredisapi
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransportWithDisconnection
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from vncproxy.redis.protocol import Protocol


class ProtocolTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.protocol = Protocol(self.clock.seconds)
        self.transport = StringTransportWithDisconnection()
        self.transport.protocol = self.protocol
        self.protocol.makeConnection(self.transport)

    def sent(self, *words: str | bytes | int) -> bytes:
        self.transport.clear()
        self.protocol.execute_command(*words).addErrback(lambda why: None)
        return bytes(self.transport.value())

    def test_a_command_is_an_array_of_bulk_strings(self) -> None:
        """Redis serialization protocol specification, "sending commands to a Redis server"."""
        for words, octets in (
            (("LLEN", "mylist"), b"*2\r\n$4\r\nLLEN\r\n$6\r\nmylist\r\n"),
            (("GET", -120), b"*2\r\n$3\r\nGET\r\n$4\r\n-120\r\n"),
            (("ECHO", "ü"), b"*2\r\n$4\r\nECHO\r\n$2\r\n\xc3\xbc\r\n"),
            (("ECHO", b"\x00\r\n"), b"*2\r\n$4\r\nECHO\r\n$3\r\n\x00\r\n\r\n"),
            (("ECHO", ""), b"*2\r\n$4\r\nECHO\r\n$0\r\n\r\n"),
        ):
            self.assertEqual(self.sent(*words), octets)

    def test_answers_come_in_the_order_of_the_commands(self) -> None:
        first, second = (self.protocol.execute_command("GET", key) for key in ("a", "b"))
        self.assertEqual(self.protocol.unanswered, 2)

        self.protocol.dataReceived(b"$1\r\n1\r\n:2\r\n")

        self.assertEqual(self.successResultOf(first), b"1")
        self.assertEqual(self.successResultOf(second), 2)
        self.assertEqual(self.protocol.unanswered, 0)

    def test_an_error_fails_its_command_only(self) -> None:
        first, second = (self.protocol.execute_command("GET", key) for key in ("a", "b"))

        self.protocol.dataReceived(b"-WRONGTYPE no\r\n+OK\r\n")

        self.failureResultOf(first, txredisapi.ResponseError)
        self.assertEqual(self.successResultOf(second), b"OK")

    def test_the_answer_to_a_command_that_was_given_up_is_dropped(self) -> None:
        first, second = (self.protocol.execute_command("GET", key) for key in ("a", "b"))
        first.addErrback(lambda why: None)

        first.cancel()
        self.protocol.dataReceived(b"$1\r\n1\r\n$1\r\n2\r\n")

        self.assertEqual(self.successResultOf(second), b"2")

    def test_commands_fail_with_their_connection(self) -> None:
        waiting = self.protocol.execute_command("GET", "a")

        self.protocol.connectionLost(Failure(ConnectionDone()))

        self.failureResultOf(waiting, txredisapi.ConnectionError)
        self.assertRaises(txredisapi.ConnectionError, self.protocol.execute_command, "GET", "a")

    def test_an_answer_to_no_command_ends_the_connection(self) -> None:
        self.protocol.dataReceived(b"-ERR max number of clients reached\r\n")

        self.assertTrue(self.transport.disconnected)
        self.assertIsInstance(self.protocol.lost, txredisapi.ResponseError)
