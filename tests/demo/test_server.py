"""One and several viewers of the demonstration server, on transports in memory."""

from __future__ import annotations

import struct

from twisted.internet.task import Clock
from twisted.internet.testing import StringTransportWithDisconnection
from twisted.trial.unittest import SynchronousTestCase

from tests.properties import given
from tests.properties import strategies as st
from vncproxy.demo.screen import HEIGHT, TITLE, WIDTH
from vncproxy.demo.server import LOGIN_TIME, DemoServer, Viewer
from vncproxy.painted.canvas import Rect

HANDSHAKE = b"RFB 003.008\n\x01\x01"
ALL = (0, 0, WIDTH, HEIGHT)
NOON = 1_700_000_000.0


class Transport(StringTransportWithDisconnection):
    """A transport in memory that can be aborted like a real one."""

    def abortConnection(self) -> None:
        self.loseConnection()


def request(incremental: bool, *area: int) -> bytes:
    return struct.pack(">BBHHHH", 3, incremental, *area)


def key(keysym: int, down: bool = True) -> bytes:
    return struct.pack(">BBxxI", 4, down, keysym)


def pointer(buttons: int, x: int, y: int) -> bytes:
    return struct.pack(">BBHH", 5, buttons, x, y)


def pixel_format(bits: int, true_colour: bool = True) -> bytes:
    channels = (7, 7, 3, 0, 3, 6) if bits == 8 else (255, 255, 255, 16, 8, 0)
    depth = min(bits, 24)
    return b"\0\0\0\0" + struct.pack(">BB??HHHBBB3x", bits, depth, False, true_colour, *channels)


class ServerTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.server = DemoServer(self.clock, now=lambda: NOON + self.clock.seconds())

    def connect(self, said: bytes = HANDSHAKE) -> tuple[Viewer, Transport]:
        """Return a viewer that has said something and forgotten the answer."""
        viewer = self.server.buildProtocol(None)
        transport = Transport()
        transport.protocol = viewer
        viewer.makeConnection(transport)
        viewer.dataReceived(said)
        transport.clear()
        return viewer, transport

    def rects(self, transport: Transport) -> list[Rect]:
        """Return the rectangles of one update in 32-bit Raw, and forget it."""
        data = transport.value()
        transport.clear()
        if not data:
            return []
        kind, count = struct.unpack_from(">BxH", data)
        self.assertEqual(kind, 0)
        found, at = [], 4
        for _ in range(count):
            x, y, width, height, encoding = struct.unpack_from(">HHHHi", data, at)
            self.assertEqual(encoding, 0)
            found.append(Rect(x, y, width, height))
            at += 12 + 4 * width * height
        self.assertEqual(at, len(data))
        return found


class HandshakeTests(ServerTests):
    def test_a_viewer_is_told_size_format_and_name(self) -> None:
        viewer, transport = self.connect(b"RFB 003.008\n\x01")

        viewer.dataReceived(b"\x01")

        name = TITLE.encode()
        self.assertEqual(
            transport.value(),
            bytes.fromhex("0320 0258 2018000100ff00ff00ff100800000000")
            + len(name).to_bytes(4, "big")
            + name,
        )

    def test_the_first_messages_may_come_with_the_handshake(self) -> None:
        viewer = self.server.buildProtocol(None)
        transport = Transport()
        viewer.makeConnection(transport)

        viewer.dataReceived(HANDSHAKE + request(False, 0, 0, 1, 1))

        self.assertTrue(
            transport.value().endswith(
                bytes.fromhex("0000 0001 0000 0000 0001 0001")
                + bytes(4)
                + bytes.fromhex("f8f5f200")
            )
        )

    def test_a_wrong_password_is_told_and_ends_the_connection(self) -> None:
        self.server = DemoServer(self.clock, "s3cret")
        viewer, transport = self.connect(b"RFB 003.008\n\x02")

        viewer.dataReceived(bytes(16) + request(False, *ALL))

        self.assertEqual(transport.value(), b"\0\0\0\x01\0\0\0\x16The password is wrong.")
        self.assertFalse(transport.connected)

    def test_what_follows_a_wrong_password_is_ignored(self) -> None:
        self.server = DemoServer(self.clock, "s3cret")
        viewer, transport = self.connect(b"RFB 003.008\n\x02" + bytes(16))

        viewer.dataReceived(request(False, *ALL) + b"\xaa")

        self.assertEqual(transport.value(), b"")

    def test_a_viewer_that_says_nothing_is_dropped_in_time(self) -> None:
        _, transport = self.connect(b"RFB 003")

        self.clock.advance(LOGIN_TIME - 0.1)
        self.assertTrue(transport.connected)
        self.clock.advance(0.2)
        self.assertFalse(transport.connected)

    def test_a_viewer_that_logged_in_may_stay(self) -> None:
        _, transport = self.connect()

        self.clock.pump([1.0] * 100)

        self.assertTrue(transport.connected)

    def test_a_peer_without_rfb_is_dropped(self) -> None:
        _, transport = self.connect(b"GET / HTTP/1.1\r\n")

        self.assertFalse(transport.connected)

    def test_a_message_that_is_none_drops_the_viewer(self) -> None:
        viewer, transport = self.connect()

        viewer.dataReceived(b"\x01")

        self.assertFalse(transport.connected)

    def test_a_colour_map_drops_the_viewer(self) -> None:
        viewer, transport = self.connect()

        viewer.dataReceived(pixel_format(8, true_colour=False))

        self.assertFalse(transport.connected)


class UpdateTests(ServerTests):
    def setUp(self) -> None:
        super().setUp()
        self.viewer, self.transport = self.connect()

    def say(self, data: bytes) -> None:
        self.viewer.dataReceived(data)

    def settle(self) -> None:
        """Get everything, so that only later changes are sent."""
        self.say(request(False, *ALL))
        self.transport.clear()

    def test_the_whole_screen_comes_when_it_is_asked_for(self) -> None:
        self.say(request(False, *ALL))

        self.assertEqual(self.rects(self.transport), [Rect(*ALL)])

    def test_a_part_comes_when_it_is_asked_for(self) -> None:
        self.settle()

        self.say(request(False, 10, 20, 30, 40))

        self.assertEqual(self.rects(self.transport), [Rect(10, 20, 30, 40)])

    def test_an_incremental_request_waits_for_a_change(self) -> None:
        self.settle()

        self.say(request(True, *ALL))
        self.assertEqual(self.rects(self.transport), [])
        self.say(key(ord("a")))

        rects = self.rects(self.transport)
        self.assertTrue(rects)
        self.assertLess(sum(r.width * r.height for r in rects), WIDTH * HEIGHT / 10)

    def test_a_change_without_a_request_is_not_sent(self) -> None:
        self.settle()

        self.say(key(ord("a")))

        self.assertEqual(self.rects(self.transport), [])

    def test_one_request_gets_one_update(self) -> None:
        self.settle()
        self.say(request(True, *ALL) + key(ord("a")))
        self.transport.clear()

        self.say(key(ord("b")))

        self.assertEqual(self.rects(self.transport), [])

    def test_changes_meanwhile_come_with_the_next_request(self) -> None:
        self.settle()
        self.say(key(ord("a")) + pointer(0, 700, 100))

        self.say(request(True, *ALL))

        self.assertGreater(len(self.rects(self.transport)), 1)

    def test_changes_outside_of_the_requested_part_wait(self) -> None:
        self.settle()

        self.say(request(True, 0, 0, 100, 100) + key(ord("a")))
        self.assertEqual(self.rects(self.transport), [])
        self.say(request(True, *ALL))

        self.assertTrue(self.rects(self.transport))

    def test_a_part_outside_of_the_screen_is_ignored(self) -> None:
        self.say(request(False, WIDTH, 0, 10, 10) + request(False, 0, 0, 0, 0))

        self.assertEqual(self.rects(self.transport), [])
        self.assertTrue(self.transport.connected)

    def test_a_part_that_reaches_out_of_the_screen_is_cut(self) -> None:
        self.say(request(False, WIDTH - 1, HEIGHT - 1, 65535, 65535))

        self.assertEqual(self.rects(self.transport), [Rect(WIDTH - 1, HEIGHT - 1, 1, 1)])

    def test_all_viewers_see_what_one_types(self) -> None:
        other, others_transport = self.connect()
        other.dataReceived(request(False, *ALL))
        others_transport.clear()
        other.dataReceived(request(True, *ALL))

        self.say(key(ord("a")))

        self.assertTrue(self.rects(others_transport))

    def test_the_clock_ticks_every_second(self) -> None:
        self.settle()
        self.say(request(True, *ALL))

        self.clock.advance(1)

        [rect] = self.rects(self.transport)
        self.assertEqual((rect.y, rect.height), (328, 18))

    def test_the_clock_stops_without_viewers(self) -> None:
        self.transport.loseConnection()

        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_the_pixel_format_is_honoured(self) -> None:
        self.say(pixel_format(8) + request(False, 490, 180, 2, 1))

        self.assertEqual(self.transport.value()[-2:].hex(), "0707")

    def test_zlib_is_used_when_the_viewer_knows_it(self) -> None:
        self.say(bytes.fromhex("02 00 0002 00000000 00000006") + request(False, *ALL))

        self.assertEqual(self.transport.value()[12:16], b"\0\0\0\x06")
        self.assertLess(len(self.transport.value()), 200_000)

    def test_cut_text_and_extensions_are_passed_over(self) -> None:
        self.say(bytes.fromhex("06 000000 00000002 6869  fa000102"))

        self.assertTrue(self.transport.connected)

    def test_a_full_connection_gets_no_update_until_it_has_room(self) -> None:
        self.settle()
        self.viewer.pauseProducing()
        self.say(request(True, *ALL) + key(ord("a")) + key(ord("b")))
        self.assertEqual(self.rects(self.transport), [])

        self.viewer.resumeProducing()

        self.assertTrue(self.rects(self.transport))

    def test_the_transport_is_asked_to_say_when_it_is_full(self) -> None:
        self.assertIs(self.transport.producer, self.viewer)
        self.assertTrue(self.transport.streaming)

    def test_a_viewer_that_asks_on_and_on_while_full_costs_nothing(self) -> None:
        self.viewer.pauseProducing()

        self.say(request(False, *ALL) * 1000)
        self.viewer.resumeProducing()

        self.assertEqual(self.rects(self.transport), [Rect(*ALL)])

    def test_a_transport_that_is_gone_gets_nothing(self) -> None:
        self.viewer.stopProducing()

        self.say(request(False, *ALL))

        self.assertEqual(self.transport.value(), b"")

    def test_when_the_server_stops_its_viewers_are_dropped(self) -> None:
        self.server.stopFactory()

        self.assertFalse(self.transport.connected)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    @given(st.binary(max_size=80))
    def test_whatever_a_viewer_says_the_server_goes_on(self, data: bytes) -> None:
        viewer, transport = self.connect()

        viewer.dataReceived(data)

        transport.loseConnection()
        self.settle()
