"""Native viewers, nearly right, against the listener of the whole proxy in memory."""

from __future__ import annotations

import ssl
from random import Random

from tests.doubles.native_viewers import NEGOTIATION, certificate, plain
from tests.doubles.starttls_peer import StartTLSPeer, TLSClient
from tests.fuzz.grammar import Grammar
from tests.fuzz.surface import WAITS, Surface, settings_for
from vncproxy.config.load import Settings
from vncproxy.testing import MemoryPeer

LISTENERS = {"rfb": "tcp:5900", "rfb behind a balancer": "haproxy:tcp:5901"}
BANNERS = (
    *(b"RFB 003.008\n", b"RFB 003.008\n", b"RFB 003.003\n", b"RFB 003.007\n", b"RFB 003.889\n"),
    *(b"RFB 000.000\n", b"RFB 999.999\n", b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\x00\x01"),
)
CHOICES = (b"\x13", b"\x13", b"\x13", b"\x01", b"\x02", b"\0", b"\x10", b"\xff")
VERSIONS = (b"\0\x02", b"\0\x02", b"\0\x01", b"\x01\0", b"\xff\xff")
SUBTYPES = (b"\0\0\x01\x06", b"\0\0\x01\x06", b"\0\0\x01\0", b"\0\0\0\x02", b"\xff\xff\xff\xff")
UNDER_TLS = 0.15
"""The share of cases whose viewers start TLS, which cost a hundred times as much."""


class ViewerGrammar(Grammar):
    """Makes what native viewers send."""

    def case(self, proxied: bool) -> list[bytes]:
        """Return what one viewer sends before TLS, in pieces."""
        random = self.random
        if random.random() < UNDER_TLS:
            data = b"".join(NEGOTIATION)
        else:
            data = self._one(BANNERS) + self._one(CHOICES) + self._one(VERSIONS)
            data += self._one(SUBTYPES) + random.randbytes(self._one((0, 0, 0, 1, 5, 300)))
        if random.random() < 0.2:
            data = self._mutated(data)
        if proxied:
            data = self._proxy_header() + data
        if random.random() < 0.1:
            data = data[: random.randrange(len(data) + 1)]
        return self._pieces(data)

    def login(self) -> list[bytes]:
        """Return what one viewer sends within TLS, in pieces."""
        random, names = (
            self.random,
            (b"", b"alice", b"n" * 1024, b"\xff\0\r\n\x1b[31m", b"n" * 1025),
        )
        data = plain(self._one(names), self._password())
        if random.random() < 0.3:
            data = self._mutated(data)
        if random.random() < 0.1:
            sizes = self._one((0, 1, 1024, 2**31, 2**32 - 1)), self._one((0, 8192, 8193, 2**32 - 1))
            data = b"".join(size.to_bytes(4, "big") for size in sizes) + data
        data += random.randbytes(self._one((0, 1, 1, 40, 20_000)))
        return self._pieces(
            data[: random.randrange(len(data) + 1)] if random.random() < 0.2 else data
        )

    def _password(self) -> bytes:
        forms = ("{token}", "https://x/?token={token}", "x#token={token}", "%3Ftoken%3D{token}")
        others = (
            b"",
            b"x" * 43,
            b"\xff\xfe",
            b"token=",
            b"?" * 8192,
            b"p" * 8193,
            b"&token=%00#" * 9,
        )
        if self.random.random() < 0.5:
            return self._one(forms).format(**self.words).encode()
        return self._one(others)


class Viewers(Surface):
    """The listener for native viewers.

    Attributes:
        logins: how many viewers have started TLS and sent a login.
    """

    listeners = LISTENERS
    shares = (70, 30)
    waits = (*WAITS, 60.0)

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.logins = 0
        self._viewers = ViewerGrammar(Random(seed), self._grammar.words)

    def _settings(self) -> Settings:
        _, endpoint = certificate()
        return settings_for({"rfb": [*LISTENERS.values()], "web": [endpoint.replace(":0:", ":1:")]})

    def _case(self, balanced: bool) -> list[bytes]:
        return self._viewers.case(balanced)

    def _connect(self, name: str) -> MemoryPeer:
        return StartTLSPeer(self.factories[name].buildProtocol(None))

    def _send(self, peer: MemoryPeer, pieces: list[bytes]) -> None:
        peer.send(*filter(None, pieces))  # no reactor delivers nothing, and TLS does not take it
        if isinstance(peer, StartTLSPeer) and peer.started_tls and peer.closed is None:
            peer.receive()  # what is not TLS
            tls = TLSClient(peer, certificate()[0])
            try:
                tls.shake_hands()
                tls.send(*self._viewers.login())
            except ssl.SSLError:
                return  # something else was sent before
            self.logins += 1
            if self._viewers.random.random() < 0.5:
                tls.close()
