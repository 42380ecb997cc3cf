"""Hostile bytes, nearly right: requests, handshakes, bodies and frames, whole and in pieces."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Sequence
from random import Random
from typing import TypeVar

from tests.doubles.frames import masked

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
T = TypeVar("T")

SIGNATURE = bytes.fromhex("0d0a0d0a000d0a515549540a")

METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PRI", "get", "")
VERSIONS = ("HTTP/1.1", "HTTP/1.0", "HTTP/0.9", "HTTP/2.0", "http/1.1", "HTTP/1.1 x", "", "X/1.1")
PATHS = (
    *("/", "//", "", "*", "/index.html", "/vnc.html", "/console", "/websockify", "/healthz"),
    *("/static/blocked.svg", "/websockify%3Ftoken={token}", "/%3Ftoken%3D{token}"),
    *("/readyz", "/metrics", "/static", "/static/", "/static/console.js", "/static/index.html"),
    *("/static/novnc/core/rfb.js", "/static/../../etc/passwd", "/static/%2e%2e/x", "/static/%00"),
    *("/v2.1", "/v2.1/", "/v2.1/servers", "/v2.1/servers/detail", "/v2.1/servers/kvm/web-01"),
    *("/v2.1/servers/web-01/action", "/v2.1/servers/kvm/web-01/remote-consoles"),
    *("/v2.1/os-console-auth-tokens/{token}", "/v2.1/servers//%2F/action"),
    *("/login", "/login/callback", "/start/state", "/start/machines", "/v1/self", "/recordings/a"),
    *("/v1/screenshot", "/v1/screen", "/v1/recordings", "/static/languages/de.json"),
    *("http://a/", "a:443", "/v1/tokens", "/v1/vms", "/v1/sessions", "/v1/sessions/1", "/v1/"),
    *("/v1/tokens/" + "ab" * 32, "/vncproxy/", "/%", "/%zz", "/%ff%fe", "/?", "/;a", "/#", "?"),
)
QUERIES = (
    *(
        "token={token}",
        "token=",
        "token",
        "token=%00",
        "token={token}&token=x",
        "path=%3Ftoken={token}",
    ),
    *("confirmed=1", "path=websockify%26token%3D{token}"),
    *("path=websockify%3Ftoken%3D{token}", "path=%", "vm=kvm/web-01", "vm=", "user=%ff", "user=a"),
    *("&&&&", "==", "%26token={token}", "a=%E2%80%AE", "token={token}%20", "force=1", "confirm=1"),
)
NOVA = (
    "/v2.1/servers/kvm/web-01/remote-consoles",
    "/v2.1/servers/web-01/action",
    "/v2.1/servers?name=web",
    "/v2.1/os-console-auth-tokens/{token}",
)
NAMES = (
    *("Host", "Origin", "Cookie", "Upgrade", "Connection", "Content-Length", "Transfer-Encoding"),
    *(
        "Accept",
        "Accept-Language",
        "Content-Type",
        "Expect",
        "Range",
        "If-Modified-Since",
        "If-None-Match",
        "Accept-Encoding",
    ),
    *("Authorization", "X-Api-Key", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host"),
    *("X-Forwarded-Port", "Forwarded", "Sec-WebSocket-Key", "Sec-WebSocket-Version"),
    *("X-Auth-Token", "OpenStack-API-Version", "X-OpenStack-Nova-API-Version", "X-Sent-Host"),
    *("Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions", "Sec-WebSocket-Accept", "Referer"),
    *(
        "Sec-Fetch-Dest",
        "Sec-Fetch-Site",
        "User-Agent",
        "Date",
        "Keep-Alive",
        "TE",
        "Trailer",
        "Via",
    ),
)
VALUES = (
    *("", " ", "0", "-1", "1", "999999999999", "9" * 30, "1e9", "0x10", "+5", "1_0", "²", "null"),
    *("*", "close", "keep-alive, Upgrade", "upgrade", "websocket", "h2c", "chunked", "identity"),
    *("gzip, chunked", "chunked, chunked", "100-continue", "bytes=0-", "bytes=-1", "bytes=a-b"),
    *("bytes=0-0,1-1,2-2", "bytes=999999-", "bytes=" + "0-," * 500, "\xff", "\x00", "\x1b[31m"),
    *("Thu, 01 Jan 1970 00:00:00 GMT", "Thu, 99 Foo 99999 99:99:99 GMT", "01/01/70", "; ;", ";q=x"),
    *(
        "localhost",
        "localhost:6080",
        "localhost:x",
        "[::1]:6080",
        "[",
        "a" * 300,
        "xn--",
        "é.example",
    ),
    *("http://localhost:6080", "https://", "https://[", "https://a:b@c", "null", "file://", "://"),
    *(
        "127.0.0.1",
        "127.0.0.1, 10.0.0.1",
        "10.0.0.1:99999",
        "[::ffff:1.2.3.4]:5",
        "unknown, _x",
        ",",
    ),
    *('for="[2001:db8::1]:1";proto=https', 'for="', "for=;by=;", ",;,=", "%u0000", "1.2.3.4.5"),
    *("13", "12", "8", "13, 8", "binary", "base64", "binary, binary", "chat", KEY, "x" * 24, "="),
    *(
        "permessage-deflate; client_max_window_bits",
        "permessage-deflate; a=b; a=b",
        'x; y="',
        "iframe",
    ),
    *("a=" + "\\" * 200, "=;=;=", "token=x", "a=b, c=d"),
    *("Bearer x", "Bearer", "Basic YTpi", "Digest a=\x7f", "\u202e"),
    *("application/json", "multipart/form-data", "multipart/form-data; boundary=", "text/plain; a"),
    *("multipart/form-data; boundary=x", "application/x-www-form-urlencoded; charset=\xff"),
)
BODIES = (
    *("{}", "[]", "null", "1", '"', "{", "[" * 300, '{"a":' * 300, "\xff\xfe", "", "1e999", "NaN"),
    *(
        '{"vm": "kvm/web-01", "user": "a"}',
        '{"vm": 1, "user": 2}',
        '{"vm": "x", "user": "\\ud800"}',
    ),
    *(
        '{"vm": "kvm/web-01", "user": "a", "ttl": 1e308}',
        '{"vm": "kvm/web-01", "user": "a", "ttl": -0.0}',
    ),
    *(
        '{"vm": "kvm/web-01", "user": "a", "ttl": 1e-300}',
        '{"vm": "kvm/a", "user": "b", "policy": {}}',
    ),
    *(
        '{"remote_console": {"protocol": "vnc", "type": "novnc"}}',
        '{"remote_console": {"protocol": [], "type": "\\ud800"}}',
        '{"remote_console": null, "x": 1}',
        '{"os-getVNCConsole": {"type": "xvpvnc"}}',
        '{"os-getVNCConsole": {"type": {"a": 1e999}}}',
    ),
    *("--x\r\nContent-Disposition: form-data; name=a\r\n\r\nb\r\n--x--", "a=b&c=%", "0\r\n\r\n"),
)
POLICY = (
    *(
        '"uses": 99999999999999999999',
        '"uses": -1',
        '"max_duration": 1e400',
        '"idle_timeout": 1e308',
    ),
    *(
        '"client_networks": ["10.0.0.0/8", "::/0", "x"]',
        '"client_networks": ["1.2.3.4/33"]',
        '"mode": 1',
    ),
    *('"allowed_origins": ["https://[", "http://a:99999"]', '"allowed_origins": ["\\u0000"]'),
    *('"allowed_origins": ["https://xn--a.example"]', '"sharing": "exclusive"', '"record": null'),
    *('"allowed_origins": ["https://*.*"]', '"confirm": true', '"max_duration": 0.0000001'),
)


FITTING: dict[str, tuple[str, ...]] = {
    "If-Modified-Since": (
        *(
            "Thu, 01 Jan 1970 00:00:00 GMT",
            "Thu, 01 Jan 9999 00:00:00 GMT",
            "Fri, 99 Jan 0000 99:99:99 GMT",
        ),
        *(
            "Thu, 01 Foo 2000 00:00:00 GMT",
            "Xyz, 00 Jan 2000 00:00:00 GMT",
            "; ;",
            ";;",
            "Thu,",
            "Thu, 01",
        ),
        *(
            "Thursday, 01-Jan-70 00:00:00 GMT",
            "Thu Jan  1 00:00:00 1970",
            "a b c d e f",
            "1 2 3 4 5",
        ),
    ),
    "Range": (
        "bytes=0-",
        "bytes=-1",
        "bytes=a-b",
        "bytes=1-0,0-1",
        "bytes",
        "=",
        "bytes=-",
        "lines=1-2",
    ),
    "Content-Length": (
        "0",
        "3",
        "-3",
        "+3",
        " 3 ",
        "3, 3",
        "0x3",
        "9" * 17,
        "9" * 30,
        "3\t",
        "\x0b3",
    ),
    "Transfer-Encoding": (
        "chunked",
        "Chunked",
        "identity",
        "chunked;a=b",
        "gzip",
        "chunked, identity",
    ),
    "Host": (
        "localhost",
        "[::1",
        "a:b:c",
        ":",
        "@",
        "a b",
        "\xff",
        "xn--\xff",
        "a" * 300,
        "[v1.x]:1",
        "",
    ),
    "Origin": (
        "null",
        "http://[",
        "http://a:0",
        "http://\xff",
        "http://a:99999",
        "https://a:443",
        "x:",
    ),
    "Cookie": (
        "token={token}",
        'token="{token}',
        "vncproxy_resume_{resume}=x; token={token}",
        "a=b",
    ),
    "X-Api-Key": ("{key}", " {key} ", "x"),
    "Expect": (
        "100-continue",
        "100-Continue",
        "x",
    ),
    "Authorization": (
        "Bearer {key}",
        "bearer {key}",
        "Bearer",
        "Bearer  ",
        "Basic Og==",
        "\xff \xff",
    ),
}
"""Values that are nearly right for their header."""


class Grammar:
    """Makes cases by chance, the same ones for the same seed.

    Args:
        words: what ``{token}``, ``{key}`` and ``{resume}`` stand for.
    """

    def __init__(self, random: Random, words: dict[str, str]) -> None:
        self.random = random
        self.words = words

    def case(self, proxied: bool) -> list[bytes]:
        """Return what one connection sends, in pieces.

        Args:
            proxied: whether a PROXY header is expected first.
        """
        random = self.random
        count = 1 if random.random() < 0.85 else random.randrange(2, 6)
        data = b"".join(self._request() for _ in range(count))
        if random.random() < 0.3:
            data = self._mutated(data)
        if proxied:
            data = self._proxy_header() + data
        if random.random() < 0.15:
            data = data[: random.randrange(len(data) + 1)]
        return self._pieces(data)

    def _request(self) -> bytes:
        kinds: tuple[tuple[float, Callable[[], bytes]], ...] = (
            (0.45, self._plain),
            (0.30, self._upgrade),
            (0.10, self._connect),
            (0.14, self._call),
            (0.01, self._noise),
        )
        chosen = self.random.random()
        for share, make in kinds:
            chosen -= share
            if chosen < 0:
                return make()
        return self._noise()

    def _plain(self) -> bytes:
        method = "GET" if self.random.random() < 0.5 else self._one(METHODS)
        headers = ["Host: localhost"] if self.random.random() < 0.8 else []
        return self._text(method, self._target(), self._version(), headers + self._headers(4))

    def _upgrade(self) -> bytes:
        headers = [
            "Host: localhost:6080",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Key: {KEY}",
            "Sec-WebSocket-Version: 13",
        ]
        if self.random.random() < 0.5:
            spoiled = self.random.randrange(len(headers))
            name = headers[spoiled].partition(":")[0]
            headers[spoiled : spoiled + 1] = (
                [] if self.random.random() < 0.3 else [f"{name}: {self._value()}"]
            )
        head = self._text("GET", self._target(), self._version(0.95), headers + self._headers(2))
        return head + (self._frames() if self.random.random() < 0.5 else b"")

    def _connect(self) -> bytes:
        head = self._text("CONNECT", self._target(), self._version(), self._headers(1))
        return head + (b"RFB 003.008\n\x01\x01" if self.random.random() < 0.5 else b"")

    def _call(self) -> bytes:
        """A call of the API, mostly with a key."""
        body = self._body().encode("utf-8", "surrogatepass")
        headers = ["Authorization: Bearer {key}", "X-Auth-Token: {key}", *self._headers(1)]
        chunked = self.random.random() < 0.2
        if chunked:
            headers.append("Transfer-Encoding: chunked")
            body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
        else:
            wrong = self.random.random() < 0.05
            headers.append(f"Content-Length: {len(body) + self.random.randrange(-3, 4) * wrong}")
        method = self._one(("POST", "DELETE", "GET", "PUT"))
        if self.random.random() < 0.3:
            headers.append(f"OpenStack-API-Version: compute {self._one(('2.1', '2.96', 'x'))}")
        path = self._one(("/v1/tokens", "/v1/tokens", self._one(NOVA), self._target()))
        return self._text(method, path, "HTTP/1.1", headers) + body

    def _noise(self) -> bytes:
        return self.random.randbytes(self.random.randrange(1, 200))

    def _body(self) -> str:
        if self.random.random() < 0.5:
            return self._one(BODIES)
        policy = ", ".join(self._some(POLICY, 2))
        vm, user = json.dumps(self._one(("kvm/web-01", self._value()))), json.dumps(self._value())
        return f'{{"vm": {vm}, "user": {user}, "policy": {{{policy}}}}}'

    def _target(self) -> str:
        path = self._one(PATHS)
        if self.random.random() < 0.5:
            path += "?" + "&".join(self._some(QUERIES, 3))
        return path

    def _version(self, right: float = 0.85) -> str:
        return "HTTP/1.1" if self.random.random() < right else self._one(VERSIONS)

    def _headers(self, most: int) -> list[str]:
        found = []
        for _ in range(self.random.randrange(most + 1)):
            name = self._one(NAMES) if self.random.random() < 0.95 else self._value()
            fitting = name in FITTING and self.random.random() < 0.7
            found.append(f"{name}: {self._one(FITTING[name]) if fitting else self._value()}")
        if self.random.random() < 0.01:
            found += [f"X-{number}: y" for number in range(self.random.randrange(600))]
        return found

    def _value(self) -> str:
        value = self._one(VALUES)
        chance = self.random.random()
        if chance < 0.1:
            return f"{value}{self._one(('', ',', ';', ' '))}{self._one(VALUES)}"
        if chance < 0.12:
            return value * self.random.randrange(2, 400)
        return value

    def _text(self, method: str, target: str, version: str, headers: list[str]) -> bytes:
        end = "\r\n" if self.random.random() < 0.98 else self._one(("\n", "\r", "\r\n ", "\n\n"))
        text = end.join([f"{method} {target} {version}", *headers, "", ""])
        for word, value in self.words.items():
            text = text.replace("{" + word + "}", value)
        return (
            text.encode("utf-8", "surrogatepass")
            if max(text) > "\u0100"
            else text.encode("latin-1")
        )

    def _frames(self) -> bytes:
        frames = []
        for _ in range(self.random.randrange(1, 5)):
            payload = self._one(
                (b"RFB 003.008\n", b"\x01", b"", bytes(130), b"RFB 003.003\n", b"x" * 126)
            )
            frame = masked(
                self._one((0x82, 0x82, 0x82, 0x81, 0x88, 0x89, 0x8A, 0x02, 0x80, 0xF2)), payload
            )
            frames.append(
                frame if self.random.random() < 0.9 else bytes((frame[0], frame[1] & 0x7F))
            )
        return b"".join(frames)

    def _proxy_header(self) -> bytes:
        random = self.random
        chance = random.random()
        if chance < 0.4:
            return b"PROXY TCP4 192.0.2.7 10.0.0.1 54321 443\r\n"
        if chance < 0.6:
            words = [self._one(("TCP4", "TCP6", "UNKNOWN", "UDP4", "")), *self._some(VALUES, 5)]
            return f"PROXY {' '.join(words)}\r\n".encode("utf-8", "surrogatepass")
        block = random.randbytes(self._one((0, 11, 12, 36, 216, 300)))
        command, family = (
            self._one((0x20, 0x21, 0x22, 0x11)),
            self._one((0, 0x11, 0x21, 0x31, 0x12, 0xF1)),
        )
        size = len(block) if random.random() < 0.9 else random.randrange(65536)
        return SIGNATURE + struct.pack("!BBH", command, family, size) + block

    def _mutated(self, data: bytes) -> bytes:
        random, changed = self.random, bytearray(data)
        for _ in range(random.randrange(1, 4)):
            if not changed:
                break
            at = random.randrange(len(changed))
            match random.randrange(4):
                case 0:
                    changed[at] = random.randrange(256)
                case 1:
                    del changed[at : at + random.randrange(1, 9)]
                case 2:
                    changed[at:at] = changed[at : at + random.randrange(1, 40)]
                case _:
                    changed[at:at] = self._one(
                        (b"\r\n", b"\x00", b" ", b"\r", b"%", b":", b"\xff", b"\t")
                    )
        return bytes(changed)

    def _pieces(self, data: bytes) -> list[bytes]:
        chance = self.random.random()
        if chance < 0.7 or len(data) < 2:
            return [data]
        if chance < 0.72:
            return [data[at : at + 1] for at in range(min(len(data), 600))]
        cuts = sorted(
            self.random.randrange(1, len(data)) for _ in range(self.random.randrange(1, 4))
        )
        return [data[start:end] for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True)]

    def _some(self, choices: Sequence[T], most: int) -> list[T]:
        return [self._one(choices) for _ in range(self.random.randrange(1, most + 1))]

    def _one(self, choices: Sequence[T]) -> T:
        return choices[int(self.random.random() * len(choices))]
