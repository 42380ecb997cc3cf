"""What goes on in the cluster, as a stream of server-sent events."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from twisted.web.http_headers import Headers
from twisted.web.server import Request

from ...answers import ProxyList
from ...config.scope import Scope
from ...errors import StoreUnavailable, VNCProxyError
from ...model import Activity
from ..authentication import IAuthenticator, authenticate
from ..broadcast import Broadcast
from ..caller import Caller
from ..event_stream import EventStream
from ..reply import Reply
from .proxies import proxies_body

UNTOLD: Final = 5.0
"""Seconds after which a caller for some machines lists sessions again, changed or not."""

EVENTS: Final = "text/event-stream"


class EventsView:
    """The route of events.

    Args:
        broadcast: tells readers what goes on.
        authenticators: know whether a key is still good.
        seconds: a monotonic clock.
    """

    def __init__(
        self,
        broadcast: Broadcast,
        authenticators: Sequence[IAuthenticator],
        seconds: Callable[[], float],
    ) -> None:
        self._broadcast = broadcast
        self._authenticators = authenticators
        self._seconds = seconds

    async def follow(self, caller: Caller, headers: Headers) -> Reply[str]:
        """Return the stream of events for a caller.

        Args:
            headers: of the request, with the key.

        Raises:
            Refusal: 503, there are too many readers.
        """
        self._broadcast.check_room(_key_of(caller))

        async def still_good() -> bool:
            return await self._still_good(headers)

        def begin(request: Request) -> EventStream:
            stream = EventStream(request, self._seconds)
            reader = EventReader(caller, stream, still_good, self._seconds)
            stream.ended.addBoth(lambda _: self._broadcast.remove(reader))
            self._broadcast.add(reader)
            return stream

        return StreamReply(200, b"", content_type=EVENTS, begin=begin)

    async def _still_good(self, headers: Headers) -> bool:
        """Return whether a key may still read; an outage of the store ends no stream."""
        try:
            (await authenticate(self._authenticators, headers)).require_scope(Scope.READ)
        except StoreUnavailable:
            return True
        except VNCProxyError:
            return False
        return True


def _key_of(caller: Caller) -> str:
    return caller.credential.id if caller.credential else str(caller)


class EventReader:
    """What one reader has been told, and is told next.

    Args:
        still_good: returns whether its key is.
        seconds: a monotonic clock.
    """

    def __init__(
        self,
        caller: Caller,
        stream: EventStream,
        still_good: Callable[[], Awaitable[bool]],
        seconds: Callable[[], float],
    ) -> None:
        self.key = _key_of(caller)
        self._caller = caller
        self._stream = stream
        self._still_good = still_good
        self._seconds = seconds
        self._proxies: ProxyList | None = None
        self._mark = ""
        self._away = False

    async def take(self, activity: Activity | None) -> None:
        """Tell what is new of it."""
        if not await self._still_good():
            self.end("key-revoked")
            return
        if activity is None:
            self._tell_outage()
        else:
            self._tell(activity)
        self._stream.check()

    def end(self, reason: str) -> None:
        """Tell why nothing more comes."""
        self._stream.end(reason)

    def _tell(self, activity: Activity) -> None:
        proxies = proxies_body(activity.workers, self._caller)
        if self._away or proxies != self._proxies:
            self._away, self._proxies = False, proxies
            self._stream.send("proxies", proxies)
        mark = self._mark_of(activity)
        if mark != self._mark:
            self._mark = mark
            self._stream.send("sessions", {"mark": mark})

    def _mark_of(self, activity: Activity) -> str:
        """Return the mark of sessions, which tells a caller for some machines nothing of others.

        It then differs with the time alone.
        """
        if self._caller.unrestricted:
            return activity.mark
        return f"t{int(self._seconds() / UNTOLD)}"

    def _tell_outage(self) -> None:
        if not self._away:
            self._away, self._mark = True, ""
            error = StoreUnavailable()
            self._stream.send("problem", {"code": error.code, "message": error.sentence()})


@dataclass(frozen=True, slots=True)
class StreamReply(Reply[str]):
    """A stream of events.

    Attributes:
        begin: begins to send them to a request whose headers are set.
    """

    begin: Callable[[Request], EventStream] = field(kw_only=True)

    async def send(self, request: Request) -> bytes:
        """Send events until their end."""
        body = self.render(request)
        request.setHeader(b"X-Accel-Buffering", b"no")
        if request.method != b"HEAD":
            await self.begin(request).ended
        return body
