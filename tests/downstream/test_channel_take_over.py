"""Another protocol takes an HTTP connection over."""

from __future__ import annotations

from tests.doubles.channel import ChannelTestCase, Successor
from vncproxy.downstream.channel import ConsoleChannel


class TakeOverTests(ChannelTestCase):
    def test_the_successor_gets_all_bytes_from_the_next_one_on(self) -> None:
        peer = self.connect()

        peer.send(b"CONNECT /?token=x HTTP/1.0\r\n\r\npipelined", b" and more")

        self.assertEqual(self.root.successor.got, b"pipelined and more")
        self.assertEqual(peer.receive(), b"")

    def test_bytes_that_look_like_requests_are_the_successors(self) -> None:
        peer = self.connect()

        peer.send(b"CONNECT / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n")

        self.assertEqual(len(self.root.requests), 1)
        self.assertEqual(self.root.successor.got, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")

    def test_what_follows_a_body_is_the_successors_and_the_body_is_not(self) -> None:
        for length, rest in ((b"Content-Length: 4\r\n", b"body"), (b"Content-Length: 0\r\n", b"")):
            self.setUp()
            peer = self.connect()

            peer.send(b"CONNECT / HTTP/1.1\r\n" + length + b"\r\n" + rest + b"after", b" this")

            self.assertEqual(self.root.successor.got, b"after this")

    def test_no_time_limit_is_left(self) -> None:
        peer = self.connect()
        peer.send(b"CONNECT / HTTP/1.1\r\n\r\n")

        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.clock.advance(10_000)

        self.assertIsNone(peer.closed)

    def test_no_time_limit_is_left_behind_a_pipelined_request(self) -> None:
        peer = self.connect()
        peer.send(b"GET /2 HTTP/1.1\r\nHost: a\r\n\r\nCONNECT / HTTP/1.1\r\n\r\nrest")
        self.assertEqual(self.root.successor.got, b"rest")

        self.clock.advance(10_000)

        self.assertIsNone(peer.closed)

    def test_a_connection_that_was_held_back_is_read_again(self) -> None:
        peer = self.connect(room=1000)
        peer.send(b"GET /later HTTP/1.1\r\nHost: a\r\n\r\n")
        peer.send(b"CONNECT / HTTP/1.1\r\n\r\n" + bytes(20_000))
        self.assertFalse(peer.reading)
        (request,) = self.root.requests

        request.write(bytes(5000))
        request.finish()
        peer.send(b"RFB")

        self.assertEqual(self.root.successor.got, bytes(20_000) + b"RFB")

    def test_the_successor_can_watch_the_outgoing_buffer(self) -> None:
        peer = self.connect()
        peer.send(b"CONNECT / HTTP/1.1\r\n\r\n")

        peer.registerProducer(Successor(), True)  # type: ignore[arg-type]

    def test_the_successor_is_told_of_the_end_once(self) -> None:
        peer = self.connect()
        peer.send(b"CONNECT / HTTP/1.1\r\n\r\n")

        peer.close()

        self.assertTrue(self.root.successor.lost)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_a_successor_may_pass_it_on(self) -> None:
        peer = self.connect()
        peer.send(b"CONNECT / HTTP/1.1\r\n\r\nfirst")
        second = Successor()
        channel = self.root.requests[0].channel
        assert isinstance(channel, ConsoleChannel)

        channel.hand_over(second)
        peer.send(b"second")
        peer.close()

        self.assertEqual((self.root.successor.got, second.got), (b"first", b"second"))
        self.assertEqual((self.root.successor.lost, second.lost), (False, True))
