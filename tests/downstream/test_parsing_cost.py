"""What strangers send is read at a cost that grows with its length, and not with its square."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_network

from twisted.internet.address import IPv4Address
from twisted.trial.unittest import SynchronousTestCase

from tests.doubles.cost import BOUND, growth
from tests.doubles.frames import BINARY, masked
from tests.doubles.users import SiteTestCase, upgrade
from vncproxy.downstream.forwarded import Forwarding
from vncproxy.downstream.proxy_header import read_proxy_header
from vncproxy.downstream.trust import Trust
from vncproxy.handshake.dialogue import Dialogue
from vncproxy.model import Limits
from vncproxy.relay.websocket_framing import WebSocketFraming
from vncproxy.rfb.greeting import greet

Make = Callable[[int], bytes]

SIGNATURE = bytes.fromhex("0d0a0d0a000d0a515549540a")
BALANCER = IPv4Address("TCP", "10.0.0.1", 50000)


def repeated(piece: str, before: str = "", after: str = "") -> Callable[[int], str]:
    """Return what makes a text of so many characters."""
    return lambda size: (
        before + piece * ((size - 400 - len(before) - len(after)) // len(piece)) + after
    )


def with_header(name: str, value: Callable[[int], str]) -> Make:
    """Return what makes an opening handshake with a long header."""
    return lambda size: upgrade("/?token=a-token-of-24-characters", f"{name}: {value(size)}")


def with_target(target: Callable[[int], str]) -> Make:
    """Return what makes an opening handshake for a long target."""
    return lambda size: upgrade(target(size))


HEADERS: dict[str, tuple[str, ...]] = {
    "Cookie": ("\\", '"', "a=", ";", "a=b;", ",", " ", "=", 'a="\\'),
    "Origin": ("/", "https://", "a.", ":443"),
    "Host": ("1", ":", ".", "[", "]:", ","),
    "X-Forwarded-For": (",", "10.0.0.2,", "a,", " ", "10.0.0.2:1,", "["),
    "X-Forwarded-Proto": (",", "https", " "),
    "X-Forwarded-Host": (",", "a.", ":443"),
    "X-Forwarded-Port": (",", "1"),
    "Forwarded": (",", ";", 'for="', "for=10.0.0.2,", 'for="\\', "\\", 'for="[::1]:1",'),
    "X-Real-IP": ("1", "10.0.0.2,"),
    "Authorization": ("Bearer ", "a", " "),
    "Connection": ("a ", ",", " "),
    "Upgrade": ("a", " ", ","),
    "Sec-WebSocket-Protocol": (",", "a,", "binary,", " "),
    "Sec-WebSocket-Extensions": (",", ";", "a;", 'a="', "permessage-deflate;", "x=y;", " "),
    "Sec-WebSocket-Key": ("a", "="),
    "Sec-WebSocket-Version": ("1", ",", "13,", " "),
    "If-Modified-Since": (" ", "1", ":", "a "),
    "Range": ("0-,", "bytes=", "-", "bytes=0-0,"),
    "Accept-Encoding": ("gzip,", ";q=", " "),
    "Content-Type": (";", 'a="', "/"),
    "Content-Length": ("9", " "),
    "Transfer-Encoding": ("chunked,", " "),
}

TARGETS: dict[str, Callable[[int], str]] = {
    "fields": repeated("&", "/?"),
    "equals": repeated("=&", "/?"),
    "semicolons": repeated(";", "/?"),
    "escapes": repeated("%", "/?token="),
    "escaped": repeated("%41", "/?token="),
    "tokens": repeated("token=a&", "/?"),
    "token": repeated("a", "/?token="),
    "inner fields": repeated("%26", "/?path=%3Ftoken=a"),
    "inner escapes": repeated("%25", "/?path=%3Ftoken="),
    "inner questions": repeated("%3F", "/?path="),
    "paths": repeated("path=a&", "/?"),
    "slashes": repeated("/", "/"),
    "escaped slashes": repeated("%2F", "/"),
    "dots": repeated("/..", "/"),
    "path escapes": repeated("%", "/"),
    "escaped question": repeated("%26", "/websockify%3Ftoken=a"),
    "questions": repeated("?", "/"),
}

WHOLE: dict[str, Make] = {
    "folded": lambda size: b"GET / HTTP/1.1\r\na: b\r\n" + b" \r\n" * (size // 3) + b"\r\n",
    "empty headers": lambda size: b"GET / HTTP/1.1\r\n" + b"a:\r\n" * (size // 4) + b"\r\n",
    "colons": lambda size: b"GET / HTTP/1.1\r\n" + b":" * (size - 100) + b"\r\n\r\n",
    "line ends": lambda size: b"\r\n" * (size // 2),
    "first line": lambda size: b"a" * (size - 100) + b"\r\n\r\n",
    "spaces": lambda size: b"GET" + b" " * (size - 100) + b"\r\n\r\n",
    "pipeline": lambda size: b"GET /a HTTP/1.1\r\n\r\n" * (size // 19),
    "path": lambda size: b"GET /static" + b"/a" * (size // 2 - 100) + b" HTTP/1.1\r\n\r\n",
    "file": lambda size: b"GET /static/" + b"a" * (size - 100) + b" HTTP/1.1\r\n\r\n",
    "ranges": lambda size: (
        b"GET /static/page/page.js HTTP/1.1\r\nRange: bytes="
        + b"0-," * (size // 3 - 100)
        + b"\r\n\r\n"
    ),
    "chunks": lambda size: (
        b"POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\na\r\n" * (size // 6)
    ),
    "trailers": lambda size: (
        b"POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + b"a:b\r\n" * (size // 5)
    ),
    "CONNECT": lambda size: (
        b"CONNECT ?token=" + b"&token=" * (size // 7 - 50) + b" HTTP/1.0\r\n\r\n"
    ),
}


class RequestTests(SiteTestCase):
    limits = Limits(header_bytes=65536)
    trust = Trust(
        frozenset({"https://console.example.com"}),
        forwarding=Forwarding((ip_network("10.0.0.0/8"), ip_network("fd00::/8"))),
    )

    def assert_linear(self, make: Make, what: str) -> None:
        def prepare(size: int) -> Callable[[], object]:
            peer, data = self.connect(address=BALANCER), make(size)

            def ask() -> None:
                peer.send(data)
                peer.reset()

            return ask

        self.assertLess(growth(prepare), BOUND, what)

    def test_headers(self) -> None:
        for name, pieces in HEADERS.items():
            for piece in pieces:
                self.assert_linear(with_header(name, repeated(piece)), f"{name}: {piece}")
        backslashes = repeated("\\", 'a="', '"')
        self.assert_linear(with_header("Cookie", backslashes), "Cookie: quoted backslashes")

    def test_targets(self) -> None:
        for what, target in TARGETS.items():
            self.assert_linear(with_target(target), what)

    def test_whole_requests(self) -> None:
        for what, make in WHOLE.items():
            self.assert_linear(make, what)


class StreamTests(SynchronousTestCase):
    """What follows an opening handshake, in as many pieces as possible."""

    def assert_linear(self, make: Make, receiver: Callable[[], Callable[[bytes], object]]) -> None:
        def prepare(size: int) -> Callable[[], object]:
            receive, pieces = receiver(), [bytes((byte,)) for byte in make(size)]

            def feed() -> None:
                for piece in pieces:
                    receive(piece)

            return feed

        self.assertLess(growth(prepare), BOUND)

    def test_frames(self) -> None:
        for frame in (masked(BINARY, b""), masked(BINARY, b"a"), masked(0x89, b"ping")):
            self.assert_linear(
                lambda size, frame=frame: frame * (size // len(frame)),  # type: ignore[misc]
                lambda: WebSocketFraming().receive,
            )

    def test_a_header_of_the_proxy_protocol(self) -> None:
        def whole(size: int) -> bytes:
            size = size // 4  # what may be sent is bounded
            return SIGNATURE + b"\x21\x11" + (size - 16).to_bytes(2, "big") + bytes(size - 16)

        self.assert_linear(whole, lambda: Dialogue(read_proxy_header()).receive)

    def test_one_long_frame(self) -> None:
        self.assert_linear(
            lambda size: masked(BINARY, bytes(size)), lambda: WebSocketFraming().receive
        )

    def test_what_comes_too_early_for_the_greeting(self) -> None:
        self.assert_linear(
            lambda size: b"RFB 003.008\n\x01\x01" + bytes(size), lambda: Dialogue(greet()).receive
        )
