"""All connections of users, and how many there may be."""

from __future__ import annotations

from ipaddress import ip_network

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from vncproxy.downstream.connections import UNKNOWN, Connections, Slot
from vncproxy.errors import OverLimit
from vncproxy.model import Limits

LIMITS = Limits(connections=6, connections_per_address=3)


class Idle:
    """A connection that waits for a request."""

    def __init__(self) -> None:
        self.closed = False

    def abort_idle(self) -> None:
        self.closed = True

    def close_idle(self) -> None:
        self.closed = True

    def close_served(self) -> None:
        self.closed = True


class ConnectionsTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.connections = Connections(LIMITS, self.clock, (ip_network("10.0.0.0/8"),))

    def enter(self, address: str, number: int = 1) -> list[Slot]:
        return [self.connections.add(address) for _ in range(number)]

    def wait(self, address: str, number: int = 1) -> list[Idle]:
        """Let connections enter that wait for their first request."""
        waiting = [Idle() for _ in range(number)]
        for idle in waiting:
            self.connections.add(address).set_idle(idle)
        return waiting

    def assert_full(self, address: str, limit: str) -> OverLimit:
        with self.assertRaises(OverLimit) as raised:
            self.connections.add(address)
        self.assertIn(limit, str(raised.exception))
        error = raised.exception
        assert isinstance(error, OverLimit)
        return error

    def test_so_many_in_all(self) -> None:
        self.enter("192.0.2.1", 3)
        slots = self.enter("192.0.2.2", 3)

        self.assert_full("192.0.2.3", "6 connections of users are open, limits.connections")
        self.assertEqual(len(self.connections), 6)
        slots[0].release()

        self.enter("192.0.2.3")

    def test_so_many_for_an_address(self) -> None:
        slots = self.enter("192.0.2.1", 3)

        error = self.assert_full("192.0.2.1", "3 connections from 192.0.2.1")
        self.assertIn("from your address", error.sentence())
        self.enter("192.0.2.2")
        slots[1].release()

        self.enter("192.0.2.1")

    def test_an_ipv6_address_counts_with_its_network(self) -> None:
        for number in range(3):
            self.enter(f"2001:db8::{number}")

        self.assert_full("2001:db8::ffff:1", "limits.connections_per_address")
        self.enter("2001:db8:0:1::1")

    def test_proxies_and_unknown_peers_have_no_limit_of_their_own(self) -> None:
        for address in ("10.0.0.1", UNKNOWN, "0.0.0.0"):
            self.setUp()
            self.enter(address, 6)

            self.assert_full(address, "limits.connections")

    def test_leaving_twice_counts_once(self) -> None:
        (slot, _) = self.enter("192.0.2.1", 2)

        slot.release()
        slot.release()

        self.assertEqual(len(self.connections), 1)
        self.enter("192.0.2.1", 2)
        self.assert_full("192.0.2.1", "limits.connections_per_address")

    def test_what_waits_longest_makes_room(self) -> None:
        first, second, third = self.wait("192.0.2.1", 3)

        self.enter("192.0.2.1")

        self.assertEqual([first.closed, second.closed, third.closed], [True, False, False])
        self.assertEqual(len(self.connections), 3)

    def test_an_address_makes_room_for_itself(self) -> None:
        other = self.wait("192.0.2.2")[0]
        own = self.wait("192.0.2.1", 3)[0]

        self.enter("192.0.2.1")

        self.assertEqual((other.closed, own.closed), (False, True))

    def test_where_all_are_full_anybody_makes_room(self) -> None:
        self.enter("192.0.2.2", 2)
        idle = self.wait("192.0.2.2")[0]
        self.enter("192.0.2.3", 3)

        self.enter("192.0.2.1")

        self.assertTrue(idle.closed)

    def test_what_works_makes_no_room(self) -> None:
        for slot in self.enter("192.0.2.1", 3):
            slot.set_idle(Idle())
            slot.set_busy()

        self.assert_full("192.0.2.1", "limits.connections_per_address")

    def test_a_place_moves_to_the_address_that_its_request_tells(self) -> None:
        slots = self.enter("10.0.0.1", 5)

        refusals = [slot.recount("192.0.2.1") for slot in slots]

        self.assertEqual(refusals[:3], [None] * 3)
        self.assertIsInstance(refusals[3], OverLimit)
        self.assertIsNone(slots[0].recount("192.0.2.2"))
        self.assertIsNone(slots[3].recount("192.0.2.1"))
        self.assertIsNone(slots[3].recount("192.0.2.1"))

    def test_a_place_that_moved_leaves_its_new_address(self) -> None:
        for _ in range(20):
            slot = self.connections.add("10.0.0.1")
            self.assertIsNone(slot.recount("192.0.2.1"))
            slot.release()
            self.assertIsNone(slot.recount("192.0.2.1"))

        self.assertEqual(len(self.connections), 0)

    def test_few_descriptors_are_shared(self) -> None:
        self.connections.descriptor_limit = 4
        self.enter("192.0.2.1", 2)
        self.assert_full("192.0.2.1", "limits.connections_per_address")
        self.enter("192.0.2.2", 2)

        self.assert_full("192.0.2.3", "4 connections of users are open")

    def test_other_limits_count_from_now_on(self) -> None:
        self.enter("192.0.2.1", 3)

        self.connections.set_limits(Limits(connections_per_address=4), ())

        self.enter("192.0.2.1")
        self.assert_full("192.0.2.1", "4 connections")

    def test_a_stop_closes_what_waits_and_lets_the_others_end(self) -> None:
        idle = self.wait("192.0.2.1")[0]
        slots = self.enter("192.0.2.2", 2)
        stopping = Deferred.fromCoroutine(self.connections.stop(10))
        self.assertTrue(idle.closed)

        slots[0].release()
        self.assertNoResult(stopping)
        self.clock.advance(9)
        slots[1].release()
        self.assertNoResult(stopping)
        for slot in list(self.connections.idle):
            slot.release()

        self.successResultOf(stopping)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_a_stop_waits_so_long(self) -> None:
        (slot,) = self.enter("192.0.2.2")
        stopping = Deferred.fromCoroutine(self.connections.stop(10))

        self.clock.advance(10)

        self.successResultOf(stopping)
        slot.release()

    def test_a_stop_with_nothing_open(self) -> None:
        self.successResultOf(Deferred.fromCoroutine(self.connections.stop(10)))
