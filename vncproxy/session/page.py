"""The messages between a session and its page, beside the console.

They are text messages of the web socket. The session sends `PREFIX` and a JSON object with the
member ``event``. The page sends a JSON object with ``ask``, what it asks for, and ``id``, a number
of its choice. The answer has the same ``id``, and where the request failed, ``error``, an object of
``code`` and ``message``.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from ..errors import BadRequest, Busy, HypervisorError, VNCProxyError
from ..languages.reasons import speaker
from ..relay.leg import Leg
from ..relay.websocket_framing import WebSocketFraming
from .awaited import answer_waits
from .state import SessionState

PREFIX: Final = "vncproxy:"
"""Begins each message to the page."""

MOST_AT_A_TIME: Final = 4
"""Requests of one page that are answered at the same time."""

PageRequest = Callable[[SessionState, Mapping[str, Any]], Awaitable[Mapping[str, Any]]]
"""Answers one kind of request: the session and the page's message in, the answer's members out.

It checks what it is given, and raises a `VNCProxyError` to refuse.
"""


class Page:
    """The page of one session.

    Args:
        leg: to the page; it gets its messages from now on.
        requests: what answers each kind of request.
    """

    log = Logger()

    __slots__ = ("_leg", "_requests", "_session", "_waiting")

    def __init__(
        self, session: SessionState, leg: Leg, requests: Mapping[str, PageRequest]
    ) -> None:
        self._session = session
        self._leg = leg
        self._requests = requests
        self._waiting = 0
        if isinstance(leg.framing, WebSocketFraming):
            leg.framing.on_text = self._receive

    def tell(self, event: str, **members: Any) -> bool:
        """Send a message; returns False where the connection has no room, and it is dropped."""
        return self._send({"event": event, **members})

    def _send(self, members: Mapping[str, Any]) -> bool:
        if self._leg.full:
            return False
        self._leg.tell(PREFIX + json.dumps(members))
        return True

    def _receive(self, text: str) -> None:
        request_id: object = None
        try:
            message = json.loads(text)
            request_id, what = message["id"], message["ask"]
            if not isinstance(request_id, int):
                raise TypeError("id")
            request = self._requests[what]
        except (ValueError, KeyError, TypeError, RecursionError):
            self._refuse(request_id, BadRequest("a message of the page that is not understood"))
            return
        if self._waiting >= MOST_AT_A_TIME:
            self._refuse(request_id, Busy(f"{self._waiting} requests of one page"))
            return
        self._waiting += 1
        Deferred.fromCoroutine(self._answer(request_id, request, message))

    async def _answer(self, request_id: int, request: PageRequest, message: Any) -> None:
        try:
            answer = await request(self._session, message)
        except VNCProxyError as e:
            self._refuse(request_id, e)
        except Exception:  # noqa: BLE001 a defect must not leave the page without an answer
            self.log.failure("session {session}: a request failed", session=self._session.id)
            self._refuse(request_id, HypervisorError("a defect: see the traceback above"))
        else:
            self._send({"id": request_id, **answer})
        finally:
            self._waiting -= 1

    def _refuse(self, request_id: object, error: VNCProxyError) -> None:
        say = speaker(self._session.user_request.language)
        words = {"code": error.code, "message": error.sentence(self._session.id, say=say)}
        self._send({"id": request_id if isinstance(request_id, int) else None, "error": words})


async def answer_ping(session: SessionState, message: Mapping[str, Any]) -> Mapping[str, Any]:
    """Answer at once, for pages that measure the round trip."""
    return {}


async def answer_consent(session: SessionState, message: Mapping[str, Any]) -> Mapping[str, Any]:
    """Take the user's answer, ``accept`` true or false, to what a session waits for."""
    consent, accept = session.consent, message.get("accept")
    if not isinstance(accept, bool):
        raise BadRequest("an answer that is neither true nor false")
    if consent is not None and accept:
        consent.accept()
    elif consent is not None:
        consent.decline()
    return {}


BUILT_IN: Final[Mapping[str, PageRequest]] = {
    "ping": answer_ping,
    "consent": answer_consent,
    "waits": answer_waits,
}
"""What is answered without anything else of the proxy, and while a session opens."""
