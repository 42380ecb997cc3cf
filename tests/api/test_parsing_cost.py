"""What callers of the API send is read at a cost that grows with its length, not its square."""

from __future__ import annotations

from collections.abc import Callable

from tests.doubles.api import ApiTestCase
from tests.doubles.cost import BOUND, growth
from vncproxy.api import api_site
from vncproxy.testing import MemoryPeer


class CostTests(ApiTestCase):
    def assert_linear(self, what: str, make: Callable[[int], bytes]) -> None:
        def prepare(size: int) -> Callable[[], object]:
            peer, data = MemoryPeer(api_site(self.resource).buildProtocol(None)), make(size)

            def ask() -> None:
                peer.send(data)
                peer.reset()

            return ask

        self.assertLess(growth(prepare), BOUND, what)

    def body(self, piece: bytes, before: bytes = b"", after: bytes = b"") -> Callable[[int], bytes]:
        """Return what makes a request whose body repeats a piece."""

        def make(size: int) -> bytes:
            text = before + piece * (size // len(piece)) + after
            return (
                b"POST /v1/tokens HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer %s\r\n"
                b"Content-Length: %d\r\n\r\n%s" % (self.key.encode(), len(text), text)
            )

        return make

    def test_bodies(self) -> None:
        for piece in (b"[", b'{"a":', b'"', b"\\", b"1", b"[],", b" ", b"\xf0", b"-", b"1e"):
            self.assert_linear(f"body of {piece!r}", self.body(piece))
        for field in (b'{"vm": "kvm/%s', b'{"vm": "kvm/a", "user": "%s', b'{"%s'):
            before, _, _ = field.partition(b"%s")
            for piece in (b"a", b"/", b"\\u0041", b"\\ud800", b"\\\\"):
                self.assert_linear(f"{field!r} of {piece!r}", self.body(piece, before, b'"}'))
        networks = b'{"vm": "kvm/a", "user": "b", "policy": {"client_networks": ["10.0.0.0/8"'
        self.assert_linear("networks", self.body(b',"10.0.0.0/8"', networks, b"]}}"))
        origins = b'{"vm": "kvm/a", "user": "b", "policy": {"allowed_origins": ["'
        self.assert_linear("origin", self.body(b"a.", origins + b"https://", b'"]}}'))
        self.assert_linear("origins", self.body(b'https://a","', origins, b'https://b"]}}'))

    def test_forms_are_not_read(self) -> None:
        for kind in (b"multipart/form-data; boundary=a", b"application/x-www-form-urlencoded"):
            for piece in (b"--a\r\n", b"--a\r\na:b\r\n", b"&", b"%41", b"a" * 50 + b"\r\n"):

                def make(size: int, kind: bytes = kind, piece: bytes = piece) -> bytes:
                    text = piece * (size // len(piece))
                    return (
                        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Type: %s\r\n"
                        b"Content-Length: %d\r\n\r\n%s" % (kind, len(text), text)
                    )

                self.assert_linear(f"{kind!r} of {piece!r}", make)

    def test_targets_and_headers(self) -> None:
        for head in (
            b"GET /v1/tokens/%s HTTP/1.1",
            b"GET /v1/vms?%s HTTP/1.1",
            b"DELETE /v1/tokens?user=%s HTTP/1.1",
            b"GET /%s HTTP/1.1",
            b"GET / HTTP/1.1\r\nAuthorization: Bearer %s",
            b"GET / HTTP/1.1\r\nAuthorization: %s",
            b"GET / HTTP/1.1\r\nX-Api-Key: %s",
            b"POST /v1/tokens HTTP/1.1\r\nContent-Type: %s",
            b"GET / HTTP/1.1\r\nCookie: %s",
        ):
            for piece in (b"a", b"/", b"%", b"%2F", b"&", b"=", b";", b"../", b"\\", b'a="'):
                text = head + b"\r\nHost: a\r\n\r\n"

                def make(size: int, text: bytes = text, piece: bytes = piece) -> bytes:
                    return text.replace(b"%s", piece * ((size - 400) // len(piece)))

                self.assert_linear(f"{head!r} of {piece!r}", make)
