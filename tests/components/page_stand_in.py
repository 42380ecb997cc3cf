"""A stand-in for the gateway: serves the console page, and a scripted RFB server behind it."""

from __future__ import annotations

import json
import struct
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any

from autobahn.twisted.resource import WebSocketResource
from autobahn.twisted.websocket import WebSocketServerFactory, WebSocketServerProtocol
from twisted.internet.address import IPv4Address
from twisted.internet.defer import maybeDeferred
from twisted.internet.interfaces import IAddress, IListeningPort, IReactorTCP
from twisted.protocols.policies import WrappingFactory
from twisted.web.resource import Resource
from twisted.web.server import Request, Site
from twisted.web.static import Data, File

from vncproxy.languages.catalogues import LANGUAGES
from vncproxy.languages.page import page_catalogue
from vncproxy.web import CONTENT_SECURITY_POLICY, STATIC
from vncproxy.web.preloading import with_preloads

WIDTH, HEIGHT = 64, 48
ABOUT = {
    "session": "5e5510a1b2c3d4e5",
    "machine": "0123456789abcdef",
    "open": 1,
    "left": 3600,
    "idle_timeout": 600,
    "bandwidth": None,
    "mode": "control",
    "clipboard": "both",
    "clipboard_limit": 2000,
    "sharing": "shared",
    "recorded": True,
}
"""What the page is told of its session; see `vncproxy.session.page_about`."""

PAGE_NAMES = (b"", b"vnc.html", b"vnc_auto.html", b"vnc_lite.html", b"console")


@dataclass(frozen=True)
class Show:
    """Answer a web socket with a screen of one colour."""

    colour: tuple[int, int, int] = (30, 160, 90)
    name: str = "QEMU (web01)"
    view_only: bool = False
    size: tuple[int, int] = (WIDTH, HEIGHT)
    power: tuple[str, ...] = ()
    """What the user may let the machine do."""
    displays: tuple[tuple[int, int, int, int], ...] = ()


@dataclass(frozen=True)
class Refuse:
    """Answer a web socket with an RFB failure, then a close frame with the same reason."""

    code: int
    reason: str


@dataclass(frozen=True)
class Close:
    """Answer a web socket with a close frame alone, or, with code 0, with a lost connection."""

    code: int
    reason: str = ""


@dataclass(frozen=True)
class Hold:
    """Open a web socket, and say nothing, as while a console is looked for."""


Answer = Show | Refuse | Close | Hold
Conversation = Generator[int, bytes, None]


@dataclass
class Gateway:
    """What the page meets: `answers` in order, the last one again and again.

    Attributes:
        consoles: the web sockets that came, in order.
        about: what the page is told of its session.
        ping_time: seconds until a ping is answered.
        waits: what the page is told of what it waits for.
        ordinary: what is there instead of web sockets below ``sockets-dropped/``.
    """

    answers: list[Answer] = field(default_factory=lambda: [Show()])
    consoles: list[Console] = field(default_factory=list)
    ordinary: Ordinary = field(default_factory=lambda: Ordinary())
    about: dict[str, Any] = field(default_factory=lambda: dict(ABOUT))
    ping_time: float = 0.0
    waits: dict[str, Any] = field(default_factory=dict)

    def answer(self) -> Answer:
        """Return the answer for the newest web socket."""
        return self.answers[min(len(self.consoles), len(self.answers)) - 1]

    def site(self, prefix: str = "/") -> WrappingFactory:
        """Build the web site, with the page below `prefix`; it keeps its connections."""
        root = parent = Resource()
        for segment in prefix.strip("/").split("/"):
            if segment:
                child = Resource()
                parent.putChild(segment.encode(), child)
                parent = child
        for name in PAGE_NAMES:
            parent.putChild(name, _Page())
        parent.putChild(b"static", _static())
        parent.putChild(b"websockify", WebSocketResource(_Consoles(self)))
        parent.putChild(b"blocked", _Page(CONTENT_SECURITY_POLICY.replace("script-src 'self'", "")))
        parent.putChild(b"sockets-dropped", dropping := Resource())
        dropping.putChild(b"", _Page())
        dropping.putChild(b"static", _static())
        dropping.putChild(b"websockify", self.ordinary)
        return WrappingFactory(Site(root))

    def listen(self, reactor: IReactorTCP, prefix: str = "/") -> RunningGateway:
        """Serve on a free port of this machine."""
        site = self.site(prefix)
        port = reactor.listenTCP(0, site, interface="127.0.0.1")  # type: ignore[arg-type]
        return RunningGateway(site, port)


@dataclass
class RunningGateway:
    """A gateway that listens."""

    site: WrappingFactory
    port: IListeningPort

    @property
    def url(self) -> str:
        """The address of its root, ending with a slash."""
        host = self.port.getHost()
        assert isinstance(host, IPv4Address)
        return f"http://127.0.0.1:{host.port}/"

    async def close(self) -> None:
        """Stop listening and cut every connection."""
        await maybeDeferred(self.port.stopListening)
        for connection in list(self.site.protocols):
            connection.abortConnection()


class _Consoles(WebSocketServerFactory):
    def __init__(self, gateway: Gateway) -> None:
        super().__init__()
        # their timers would outlast a test
        self.setProtocolOptions(openHandshakeTimeout=0, closeHandshakeTimeout=0)
        self.gateway = gateway

    def buildProtocol(self, addr: IAddress | None) -> Console:
        console = Console(self.gateway)
        console.factory = self
        return console


class Ordinary(Resource):
    """Answers every request in HTTP, as the gateway does those whose Upgrade was lost."""

    isLeaf = True

    def __init__(self) -> None:
        super().__init__()
        self.status, self.words, self.asked = 426, "This is an address for web sockets.", 0

    def render_GET(self, request: Request) -> bytes:
        self.asked += 1
        request.setResponseCode(self.status)
        request.setHeader(b"content-type", b"text/plain; charset=utf-8")
        return self.words.encode()


def _static() -> File:
    """Return the page's files, with its texts in other languages."""
    static = File(str(STATIC))
    static.putChild(b"languages", languages := Resource())
    for language in LANGUAGES[1:]:
        content = page_catalogue(language)
        languages.putChild(f"{language}.json".encode(), Data(content, "application/json"))
    return static


class _Page(Resource):
    isLeaf = True

    def __init__(self, policy: str = CONTENT_SECURITY_POLICY) -> None:
        super().__init__()
        self.policy = policy

    def render_GET(self, request: Request) -> bytes:
        request.setHeader(b"content-type", b"text/html; charset=utf-8")
        request.setHeader(b"content-security-policy", self.policy.encode())
        return with_preloads((STATIC / "index.html").read_text(), STATIC).encode()


class Console(WebSocketServerProtocol):
    """One web socket: an RFB 3.8 server that follows the gateway's answer.

    Attributes:
        keys: (keysym, down) in the order in which they came.
        pointers: (buttons, x, y) in the order in which they came.
        pings: how many the page has sent.
        encodings: the lists of encodings in the order in which they came.
        pasted: texts the viewer sent for the clipboard.
        extended: its messages of the extended clipboard, from their flags on.
        shown: whether the screen was sent.
        token: the token in the page's request.
        confirmed: "1" when the page's user pressed the button.
        language: in which the page wants reasons.
        moves: "1" when the page says that it can move to another gateway.
    """

    def __init__(self, gateway: Gateway) -> None:
        super().__init__()
        self.gateway = gateway
        self.keys: list[tuple[int, bool]] = []
        self.pointers: list[tuple[int, int, int]] = []
        self.encodings: list[tuple[int, ...]] = []
        self.pasted: list[str] = []
        self.extended: list[bytes] = []
        self.shown = False
        self.token = ""
        self.confirmed = ""
        self.moves = ""
        self.language = ""
        self.pings = 0
        self._buffer = b""

    def onConnect(self, request: Any) -> str | None:
        self.token = request.params.get("token", [""])[0]
        self.confirmed = request.params.get("confirmed", [""])[0]
        self.moves = request.params.get("moves", [""])[0]
        self.language = request.params.get("lang", [""])[0]
        return "binary" if "binary" in request.protocols else None

    def onOpen(self) -> None:
        self.gateway.consoles.append(self)
        answer = self.gateway.answer()
        if isinstance(answer, Close):
            self.end(answer.code, answer.reason)
            return
        if isinstance(answer, Hold):
            self._wanted = 0
            return
        self._conversation = self._talk(answer)
        self._wanted = next(self._conversation)

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        if not isBinary:
            self._answer(json.loads(payload))
            return
        self._buffer += payload
        while self._wanted and len(self._buffer) >= self._wanted:
            read, self._buffer = self._buffer[: self._wanted], self._buffer[self._wanted :]
            self._wanted = self._advance(read)

    def _answer(self, message: Any) -> None:
        from twisted.internet import reactor

        self.pings += message["ask"] == "ping"
        told = {"about": self.gateway.about, "waits": self.gateway.waits}
        answer = {"id": message["id"], **told.get(message["ask"], {})}
        wait = self.gateway.ping_time if message["ask"] == "ping" else 0
        reactor.callLater(wait, self._tell, answer)

    def _tell(self, members: dict[str, Any]) -> None:
        if self.state == self.STATE_OPEN:
            self.sendMessage(b"vncproxy:" + json.dumps(members).encode(), isBinary=False)

    def _advance(self, read: bytes) -> int:
        try:
            return self._conversation.send(read)
        except StopIteration:
            return 0

    def end(self, code: int, reason: str = "") -> None:
        """Close with a code of the gateway, or cut the connection when it is 0."""
        if code:
            self.sendCloseFrame(code=code, reasonUtf8=reason.encode(), isReply=False)
        else:
            assert self.transport is not None
            self.transport.abortConnection()  # type: ignore[attr-defined]

    def move(self) -> None:
        """Ask the page to move to another gateway, as ours does."""
        self.sendMessage(b"vncproxy:move", isBinary=False)

    def restrict(self) -> None:
        """Say that the user may not control the machine, as ours does."""
        self.sendMessage(b"vncproxy:view-only", isBinary=False)

    def say(self, event: str, **members: Any) -> None:
        """Send a message to the page, as ours does."""
        self._tell({"event": event, **members})

    def copy(self, text: str) -> None:
        """Send a text as copied in the guest."""
        data = text.encode("latin-1")
        self._reply(struct.pack(">B3xI", 3, len(data)) + data)

    def copy_extended(self, body: bytes) -> None:
        """Send a message of the extended clipboard, from its flags on."""
        self._reply(struct.pack(">B3xi", 3, -len(body)) + body)

    def _reply(self, data: bytes) -> None:
        self.sendMessage(data, isBinary=True)

    def _talk(self, answer: Show | Refuse) -> Conversation:
        self._reply(b"RFB 003.008\n")
        yield 12
        if isinstance(answer, Refuse):
            reason = answer.reason.encode()
            self._reply(struct.pack(">BI", 0, len(reason)) + reason)
            self.end(answer.code, answer.reason)
            return
        self._reply(b"\x01\x01")
        yield 1
        self._reply(bytes(4))
        yield 1
        if answer.view_only:
            self.restrict()
        self.say("power", actions=answer.power, machine=answer.name)
        name = answer.name.encode()
        pixels = struct.pack(">BBBBHHHBBB3x", 32, 24, 0, 1, 255, 255, 255, 16, 8, 0)
        self._reply(struct.pack(">HH", *answer.size) + pixels + struct.pack(">I", len(name)) + name)
        while True:
            yield from self._message(answer)

    def arrange(self, *displays: tuple[int, int, int, int]) -> None:
        """Send the layout of displays: x, y, width and height of each, ids from 1."""
        width = max(x + width for x, _, width, _ in displays)
        height = max(y + height for _, y, _, height in displays)
        head = struct.pack(">BxHHHHHi", 0, 1, 0, 0, width, height, -308)
        screens = [struct.pack(">I4HI", n, *each, 0) for n, each in enumerate(displays, 1)]
        self._reply(head + struct.pack(">B3x", len(displays)) + b"".join(screens))

    def fill(self, place: tuple[int, int, int, int], colour: tuple[int, int, int]) -> None:
        """Paint a rectangle, raw."""
        head = struct.pack(">BxHHHHHi", 0, 1, *place, 0)
        self._reply(head + bytes((*colour, 0)) * (place[2] * place[3]))

    def _message(self, answer: Show) -> Conversation:
        """Read one client message (RFC 6143 section 7.5)."""
        kind = (yield 1)[0]
        if kind == 0:
            yield 19
        elif kind == 2:
            (count,) = struct.unpack(">xH", (yield 3))
            self.encodings.append(struct.unpack(f">{count}i", (yield 4 * count)))
        elif kind == 3:
            incremental = (yield 9)[0]
            if not incremental:
                self.paint(answer.colour, answer.size)
            if not incremental and answer.displays:
                self.arrange(*answer.displays)
        elif kind == 4:
            down, keysym = struct.unpack(">B2xI", (yield 7))
            self.keys.append((keysym, bool(down)))
        elif kind == 5:
            self.pointers.append(struct.unpack(">BHH", (yield 5)))
        elif kind == 6:
            (length,) = struct.unpack(">3xi", (yield 7))
            if length < 0:
                self.extended.append((yield -length))
            else:
                self.pasted.append((yield length).decode("latin-1"))
        else:
            raise AssertionError(f"client message {kind}")

    def paint(self, colour: tuple[int, int, int], size: tuple[int, int] = (WIDTH, HEIGHT)) -> None:
        """Send the whole screen, raw, in the pixel format that noVNC asks for."""
        width, height = size
        header = struct.pack(">BxHHHHHi", 0, 1, 0, 0, width, height, 0)
        self._reply(header + bytes((*colour, 0)) * (width * height))
        self.shown = True
