"""One WAIT for the changes of many operations, on a connection without a server."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionLost
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransportWithDisconnection
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from txredisapi import ConnectionError as RedisConnectionError

from vncproxy.errors import StoreUnavailable
from vncproxy.redis.protocol import Protocol
from vncproxy.redis.replicas import Replicas

WAIT = b"*3\r\n$4\r\nWAIT\r\n$1\r\n2\r\n$3\r\n300\r\n"


class ReplicasTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.protocol = Protocol(Clock().seconds)
        self.transport = StringTransportWithDisconnection()
        self.transport.protocol = self.protocol
        self.protocol.makeConnection(self.transport)
        self.replicas = Replicas(self.protocol, 2, 0.3)

    def wait(self) -> Deferred[None]:
        return Deferred.fromCoroutine(self.replicas.wait())

    def test_enough_replicas(self) -> None:
        waiting = self.wait()
        self.assertEqual(self.transport.value(), WAIT)
        self.assertNoResult(waiting)

        self.protocol.dataReceived(b":2\r\n")

        self.successResultOf(waiting)

    def test_too_few_are_told_in_words(self) -> None:
        waiting = self.wait()

        self.protocol.dataReceived(b":1\r\n")

        error = self.failureResultOf(waiting, StoreUnavailable).value
        self.assertIn("1 replicas that have the change after 0.3 s", str(error.detail))

    def test_changes_that_are_made_meanwhile_share_the_next_one(self) -> None:
        first, *others = [self.wait() for _ in range(5)]
        self.assertEqual(self.transport.value(), WAIT)

        self.protocol.dataReceived(b":2\r\n")
        self.successResultOf(first)
        self.assertEqual(self.transport.value(), 2 * WAIT)
        for each in others:
            self.assertNoResult(each)

        self.protocol.dataReceived(b":1\r\n")
        for each in others:
            self.failureResultOf(each, StoreUnavailable)
        self.assertEqual(self.transport.value(), 2 * WAIT)

    def test_one_that_is_given_up_harms_no_other(self) -> None:
        first, second = self.wait(), self.wait()
        first.addErrback(lambda _: None)
        first.cancel()

        self.protocol.dataReceived(b":2\r\n:2\r\n")

        self.successResultOf(second)

    def test_a_lost_connection_fails_all(self) -> None:
        waiting = [self.wait(), self.wait()]

        self.protocol.connectionLost(Failure(ConnectionLost()))

        for each in waiting:
            self.failureResultOf(each, RedisConnectionError)
