"""A front end of OpenNebula, or several that are one cloud, called through ``pyone``.

Everything here blocks; it is called in a thread. Needs the extra ``vncproxy[opennebula]``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any
from xml.parsers.expat import ExpatError
from xmlrpc.client import Error as XMLRPCError
from xmlrpc.client import Transport

import pyone
from pyone.bindings.supbind import GDSParseError

from ...errors import BackendError
from .errors import AccessDenied, LoginRefused, NoSuchObject, NotUnderstood, Unanswered, WrongState
from .http import Post
from .settings import split_session

PostFunction = Callable[[str, bytes, float], bytes]
"""Sends a body to a URL within a number of seconds, and returns the body of the answer."""

_UNREADABLE = (
    XMLRPCError,
    ExpatError,
    SyntaxError,
    GDSParseError,
    LookupError,
    TypeError,
    ValueError,
)
_LONGEST_MESSAGE = 300


_KINDS: dict[type[Exception], type[BackendError]] = {
    pyone.OneNoExistsException: NoSuchObject,
    pyone.OneAuthorizationException: AccessDenied,
    pyone.OneAuthenticationException: LoginRefused,
    pyone.OneApiException: NotUnderstood,
    pyone.OneInternalException: Unanswered,
    pyone.OneActionException: WrongState,
}


class FrontEnd:
    """The servers of one cloud, asked in their order; each answers from its own database.

    A server that is cut off from its leader still answers, from an outdated database, so the first
    one should be the leader's address.

    Args:
        servers: their URLs, in the order in which they are asked.
        session: ``user:password``.
        post: carries the requests.
    """

    def __init__(
        self, servers: Sequence[str], session: str, post: PostFunction | None = None
    ) -> None:
        self.servers = tuple(servers)
        self.user, self._password = split_session(session)
        self._session = session
        self._post = post or Post()

    def __str__(self) -> str:
        return self.servers[0]

    def info(self, end: float, kind: str, number: int) -> Any:
        """Return an object with its secrets in clear text, as far as the account may see them.

        Args:
            end: when to give up, in seconds of the monotonic clock.
            kind: ``vm`` or ``host``.

        Raises:
            NoSuchObject, AccessDenied, LoginRefused, BackendError: it is refused, or there is none.
        """
        # servers before 5.10 ignore the parameter, and keep nothing encrypted
        return self.call(end, f"{kind}.info", number, True)

    def call(self, end: float, method: str, *args: Any) -> Any:
        """Call a method, such as ``vm.info``, at the first server that answers."""
        problems = []
        for server, seconds in self._shares(end):
            try:
                answer = self.call_at(server, seconds, method, *args)
            except Unanswered as e:
                problems.append(f"{server}: {e.detail}")
            else:
                return answer
        raise BackendError("; ".join(problems) or f"{self}: no time left to ask")

    def call_at(self, server: str, seconds: float, method: str, *args: Any) -> Any:
        """Call a method at one server.

        Raises:
            Unanswered: another one may answer.
        """
        client = pyone.OneServer(server, self._session, protocol="xmlrpc")
        transport = client("transport")
        transport.request = partial(self._request, transport, server, seconds)
        try:
            return getattr(client, method)(*args)
        except pyone.OneException as e:
            problem = self._problem(server, method, e)
        except _UNREADABLE as e:
            problem = Unanswered(self._clean(f"its answer to {method} cannot be understood: {e}"))
        # raised outside of the handlers: their errors may hold the session string
        raise problem

    def _shares(self, end: float) -> Iterator[tuple[str, float]]:
        """Divide the time that is left among the servers that are left."""
        for tried, server in enumerate(self.servers):
            seconds = (end - time.monotonic()) / (len(self.servers) - tried)
            if seconds <= 0:
                return
            yield server, seconds

    def _request(
        self,
        transport: Transport,
        url: str,
        seconds: float,
        _host: str,
        _handler: str,
        body: bytes,
        verbose: bool = False,
    ) -> Any:
        """Send a request of the library's transport, whose own ``request`` has no time limit."""
        parser, unmarshaller = transport.getparser()
        parser.feed(self._post(url, body, seconds))
        parser.close()
        return unmarshaller.close()

    def _problem(self, server: str, method: str, error: Exception) -> BackendError:
        text = self._clean(str(error))
        kind = _KINDS.get(type(error), NotUnderstood)
        if kind is Unanswered:
            return Unanswered(f"{method}: {text}")
        return kind(f"{server}, {method} as {self.user}: {text}")

    def _clean(self, text: str) -> str:
        """Return a message as one line of text, without the session string."""
        for secret in (self._session, self._password):
            text = text.replace(secret, "…") if secret else text
        line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
        return line if len(line) <= _LONGEST_MESSAGE else f"{line[:_LONGEST_MESSAGE]}…"
