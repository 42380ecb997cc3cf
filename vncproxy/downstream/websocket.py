"""Browsers: Autobahn does the WebSocket handshake, then the connection becomes a leg."""

from __future__ import annotations

import re
from typing import Any, cast

from autobahn.twisted.websocket import WebSocketServerFactory, WebSocketServerProtocol
from autobahn.websocket.types import ConnectionDeny, ConnectionRequest
from twisted.internet.defer import Deferred
from twisted.internet.protocol import connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.http import Request
from zope.interface import implementer

from ..errors import AtAnotherProxy, BadRequest, ClientGone, VNCProxyError
from ..languages.reasons import speaker
from ..model import REFUSALS_HEADER, REFUSALS_IN_RFB, SESSION_HEADER, Grant
from ..relay.leg import Leg
from ..relay.raw_framing import RawFraming
from ..relay.sending import send_at_once
from ..relay.websocket_framing import WebSocketFraming
from ..session.downstream import IDownstream
from ..session.live import LiveSessions
from ..session.session import Session
from ..session.user_request import UserRequest
from ..text import printable
from .channel import ConsoleChannel
from .cookies import parse_cookies
from .headers import header_lines
from .http_refusal import http_refusal
from .pending import PendingConnection, refuse_viewer
from .resume_cookie import remove_cookie, resume_cookie_name, set_cookie, surplus_cookies
from .trust import Trust

_QUOTED = re.compile("[\"']")
"""Begins Autobahn's quotations of headers, which may contain a token by mistake."""

FOLLOW = "vncproxy:follow "
"""Begins the text message that sends the page to another proxy's URL, which comes behind it."""

LONGEST_REASON = 120
"""Characters of Autobahn's message that are logged."""

_MESSAGES = {
    400: "This is not a WebSocket handshake that is understood here.",
    405: "A WebSocket handshake is a GET request.",
    505: "A WebSocket handshake needs HTTP/1.1.",
}
"""The message for a handshake that failed, by status."""

BASE64 = "only the binary subprotocol is spoken here"

_HANDSHAKE_HEADERS = frozenset({b"connection", b"host", b"origin", b"upgrade"})
"""Headers that make up a handshake, besides those that begin with ``Sec-WebSocket-``."""

Headers = dict[str, list[str]]
Response = tuple[str | None, Headers]


class _Upgrade(WebSocketServerProtocol):
    """The opening handshake of one connection."""

    downstream: WebSocketDownstream

    def onConnect(self, request: ConnectionRequest) -> Deferred[Response]:  # type: ignore[override]
        return self.downstream.on_valid_handshake(request.protocols)

    def failHandshake(
        self,
        reason: str,
        code: int = 400,
        responseHeaders: Any = None,  # noqa: N803
    ) -> None:
        """Refuse; Autobahn would quote the request in its response and log."""
        self.downstream.handshake_failed(code, reason)

    def sendData(  # noqa: N802
        self, data: bytes, sync: bool = False, chopsize: int | None = None
    ) -> None:
        """Send the response at once; Autobahn has it in one piece."""
        send_at_once(self.transport, data)

    def onOpen(self) -> None:
        downstream = self.downstream
        del self.downstream
        downstream.on_upgraded()


def upgrade_factory(reactor: Any) -> WebSocketServerFactory:
    """Return the factory of a site's opening handshakes."""
    factory = WebSocketServerFactory(reactor=reactor, server="vncproxy")
    # the origin is checked against the token's policy, after the handshake
    factory.setProtocolOptions(
        allowedOrigins=["*"],
        allowNullOrigin=True,
        openHandshakeTimeout=0,  # the request has arrived already
        webStatus=False,
    )
    # each protocol would copy all options from its factory, and format them for a log line that is
    # never written: a third of the time of opening a session
    values = {name: getattr(factory, name) for name in _Upgrade.CONFIG_ATTRS}
    options = {name: staticmethod(v) if callable(v) else v for name, v in values.items()}
    factory.protocol = cast(
        "type[_Upgrade]", type("Upgrade", (_Upgrade,), {**options, "CONFIG_ATTRS": ()})
    )
    return factory


@implementer(IDownstream)
class WebSocketDownstream(PendingConnection):
    """A browser's connection.

    The upgrade is completed even when no console can be shown: browsers hide why an upgrade was
    refused, while noVNC shows the reason of an RFB refusal. A request without ``Origin`` comes from
    no browser: it is upgraded when the console is connected, and refused in HTTP before, unless it
    asks for refusals within RFB by `REFUSALS_HEADER`.
    """

    log = Logger()

    def __init__(
        self,
        request: Request,
        factory: WebSocketServerFactory,
        trust: Trust,
        resume: float,
        close_timeout: float,
        clock: Any,
    ) -> None:
        channel = request.channel
        assert isinstance(channel, ConsoleChannel)
        super().__init__(channel, clock)
        self._header = _header(request)
        self._cookie_names = list(parse_cookies(header_lines(request, "cookie")))
        self._factory = factory
        self._trust = trust
        self._refuses_in_rfb = refuses_in_rfb(request)
        self._upgrade_headers: Headers = {}
        self._is_forwarded = trust.forwarding.is_forwarded(request)
        self._resume = resume
        self._close_timeout = close_timeout
        self._valid = False
        self._subprotocol: str | None = None
        self._response: Deferred[Response] = Deferred()
        self._upgrade: Any = None

    def begin(self, user_request: UserRequest, live: LiveSessions) -> None:
        """Take the connection from its channel, and start the session if the handshake is valid."""
        self._user_request = user_request
        self._channel.hand_over(self)
        self._upgrade = self._factory.buildProtocol(self.transport.getPeer())
        self._upgrade.downstream = self
        self._upgrade.makeConnection(self.transport)
        self._upgrade.dataReceived(self._header)
        if self._valid:
            Session(user_request, self, live).start()
        else:
            self.handshake_failed(400, "not understood")

    def handshake_failed(self, status: int, why: str) -> None:
        """Refuse in HTTP; called when the request is not a valid handshake.

        Args:
            why: Autobahn's message, for the log; it may quote the request.
        """
        if self.leg is not None:
            return
        message = BASE64 if why == BASE64 else _MESSAGES.get(status, _MESSAGES[400])
        refusals = self._channel.connections.refusals
        shown = printable(_QUOTED.split(why)[0].strip(" ("), LONGEST_REASON)
        text = message + refusals.log_refusal(self._user_request.client, "web socket", shown)
        self._refuse_in_http(BadRequest("not a handshake"), status, text)

    def on_valid_handshake(self, subprotocols: list[str]) -> Deferred[Response]:
        """Delay the response until the session is admitted; called when the request is valid."""
        if subprotocols == ["base64"]:
            raise ConnectionDeny(400, BASE64)
        self._subprotocol = "binary" if "binary" in subprotocols else None
        self._valid = True
        return self._response

    def on_upgraded(self) -> None:
        """Turn the connection into a leg; called when the response is sent."""
        framing = WebSocketFraming()
        if self._user_request.can_talk:
            framing.on_text = _ignore  # until the session takes them
        self.become_leg(framing).say = speaker(self._user_request.language)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Pass the event on to the handshake."""
        self._upgrade.connectionLost(reason)
        super().connectionLost(reason)

    async def admit(self, grant: Grant) -> None:
        """Complete the upgrade where refusals stand within RFB, and set the resume cookie."""
        self._upgrade_headers = self._cookies(grant)
        if grant.token.visit is not None and self.session is not None:
            self._upgrade_headers[SESSION_HEADER] = [self.session.id]
        if self._refuses_in_rfb:
            self._upgraded()

    async def open(self) -> Leg:
        """Return the leg, which `admit` may have made already."""
        return self.leg if self._refuses_in_rfb and self.leg is not None else self._upgraded()

    def _upgraded(self) -> Leg:
        """Complete the upgrade, which makes the leg.

        Raises:
            ClientGone: the client has closed the connection.
        """
        self._complete(self._upgrade_headers)
        if self.leg is None or self.leg.close_reason.called:
            raise ClientGone("left during the upgrade")
        return self.leg

    async def refuse(self, error: VNCProxyError, session_id: str) -> None:
        """Send the reason within RFB, then close with the error's code.

        A program that is no browser gets an HTTP response instead, and so does a reverse proxy
        where another of its servers may take the session.
        """
        in_http = not self._refuses_in_rfb or (self._is_forwarded and error.elsewhere)
        if in_http and not self._response.called and not self._lost:
            text = error.sentence(session_id)
            await self._refuse_in_http(error, error.status, text).closed
            return
        self._complete({})
        if self.leg is None:
            return
        if isinstance(error, AtAnotherProxy) and self._user_request.can_follow and error.url:
            self.leg.tell(FOLLOW + error.url)
        await refuse_viewer(self.leg, self.greeting, error, session_id, self._close_timeout)

    def _refuse_in_http(self, error: VNCProxyError, status: int, text: str) -> Leg:
        headers = "Server: vncproxy", "Sec-WebSocket-Version: 13"
        answer = http_refusal(
            status, text, *headers, retry_after=error.retry_after, with_body=self._refuses_in_rfb
        )
        self.transport.write(answer)
        self.transport.loseConnection()
        leg = self.become_leg(RawFraming())
        leg.close(error, self._close_timeout)
        return leg

    def _complete(self, headers: Headers) -> None:
        """Send the response once, unless the connection is lost."""
        if not self._response.called and not self._lost:
            self._response.callback((self._subprotocol, headers))

    def _cookies(self, grant: Grant) -> Headers:
        """Return the headers that set the token's resume cookie and remove surplus ones."""
        token, trust = self._user_request.token, self._trust
        path, secure = trust.cookie_path, trust.secure
        cookies = []
        if grant.resume_secret is not None:
            name = resume_cookie_name(token)
            embedded = bool(trust.embedders or grant.token.policy.allowed_origins)
            cookies = [
                set_cookie(
                    *(name, grant.resume_secret, self._resume),
                    path=path,
                    secure=secure,
                    embedded=embedded,
                )
            ]
        for name in surplus_cookies(self._cookie_names, token):
            cookies += remove_cookie(name, path=path, secure=secure)
        return {"Set-Cookie": cookies} if cookies else {}


def refuses_in_rfb(request: Request) -> bool:
    """Tell whether a request comes from a page, or from a program that asks for it."""
    asked = header_lines(request, REFUSALS_HEADER)
    return request.requestHeaders.hasHeader(b"origin") or asked[-1:] == [REFUSALS_IN_RFB]


def _ignore(text: str) -> None:
    """Drop a message of a page whose session is refused before it takes any."""


def _header(request: Request) -> bytes:
    """Return the request for Autobahn, without the target and headers that may hold the token."""
    lines = [b" ".join((request.method, b"/", request.clientproto))]
    for name, values in request.requestHeaders.getAllRawHeaders():
        if name.lower() in _HANDSHAKE_HEADERS or name.lower().startswith(b"sec-websocket-"):
            lines.append(name + b": " + b",".join(values))
    return b"\r\n".join([*lines, b"", b""])
