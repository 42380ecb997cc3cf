"""Sends a user on whose machine runs on another host than when the link was issued."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from urllib.parse import urlsplit

from twisted.internet.defer import Deferred, TimeoutError  # noqa: A004
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from ..errors import AtAnotherProxy, NoGraphicalConsole, VMNotFound, VNCProxyError
from ..interfaces import ITokenStore
from ..model import ConsoleType, Grant, Token, UnixTime
from ..tokens.access_url import access_url
from ..tokens.refusals import IssueRefused
from .directory import Directory, Way
from .issued_elsewhere import IssuedElsewhere
from .peer import Peer

ENTER_TIME = 120.0
"""Seconds within which a page enters at the other proxy, as it may try more than once."""


TIME_TO_LEARN_THE_ADDRESS = 1.0
"""Seconds that a token lives which no viewer gets, as it cannot go on by itself."""

TIME_LIMIT = 5.0
"""Seconds for finding another proxy, while the user waits."""


class Following:
    """Finds the proxy that shows a console which this one cannot show.

    Args:
        directory: knows the proxies.
        store: returns the token store.
        elsewhere: remembers the tokens of peers.
        clock: for the time limit.
    """

    log = Logger()

    def __init__(
        self,
        directory: Directory,
        store: Callable[[], ITokenStore],
        elsewhere: IssuedElsewhere,
        clock: IReactorTime,
    ) -> None:
        self._directory = directory
        self._store = store
        self._elsewhere = elsewhere
        self._clock = clock

    async def __call__(
        self,
        grant: Grant,
        secret: str,
        viewer: ConsoleType,
        error: VNCProxyError,
        *,
        can_follow: bool,
    ) -> VNCProxyError:
        """Return why a console is not shown here: that another proxy shows it, or ``error``.

        The URLs come from announcements and from the configuration only.

        Args:
            secret: of the token, as the user sent it.
            viewer: the user's.
            error: why this proxy cannot show it.
            can_follow: whether the user's page goes to the URL that it is sent to. Other users
                get an address in words, and keep what they have here.
        """
        token = grant.token
        stays = grant.endpoint is not None or token.visit is not None or token.joins is not None
        if stays or isinstance(error, NoGraphicalConsole):
            return error
        goes = can_follow and viewer is ConsoleType.NOVNC
        try:
            looking = Deferred.fromCoroutine(self._send_on(grant, secret, viewer, goes))
            return await looking.addTimeout(TIME_LIMIT, self._clock) or error
        except (VNCProxyError, TimeoutError) as e:
            self.log.info("where {vm} is shown is not known: {why}", vm=token.vm, why=e)
            return error

    async def _send_on(
        self, grant: Grant, secret: str, viewer: ConsoleType, goes: bool
    ) -> AtAnotherProxy | None:
        for way in await self._directory.elsewhere(grant.token.vm):
            try:
                if way.peer is not None:
                    return await self._ask(way.peer, grant, goes)
                return await self._send_to(way, grant, secret, viewer, goes)
            except (VMNotFound, IssueRefused) as e:
                self.log.info(
                    "{vm} is not shown by {name}: {why}", vm=grant.token.vm, name=way.name, why=e
                )
        return None

    async def _send_to(
        self, way: Way, grant: Grant, secret: str, viewer: ConsoleType, goes: bool
    ) -> AtAnotherProxy:
        """Send a user to a proxy that shares our tokens, where the same link is good."""
        base = way.urls[viewer]
        detail = f"{grant.token.vm} is shown by the proxy {way.name} at {base}"
        if not (goes and self._is_safe(base)):
            address = urlsplit(base).netloc
            return AtAnotherProxy(detail, address=address, is_good=not grant.resumed)
        url = access_url(base, secret)
        if grant.resumed:
            url = f"{url}&reenter={await self._store().renew(grant, ENTER_TIME)}"
        return AtAnotherProxy(detail, url)

    async def _ask(self, peer: Peer, grant: Grant, goes: bool) -> AtAnotherProxy:
        """Let a peer issue a token in the place of ours, which is good no more then."""
        ttl = ENTER_TIME if goes else TIME_TO_LEARN_THE_ADDRESS
        issued = await peer.issue(self._in_place_of(grant, ttl), ttl, 1, running=True)
        detail = f"{grant.token.vm} is shown by the peer {peer.name} at {issued.base}"
        if not goes or not self._is_safe(issued.base):
            if goes:
                await peer.revoke(issued.id)
            return AtAnotherProxy(detail, address=urlsplit(issued.base).netloc, is_good=False)
        self._elsewhere.note(grant.token_id, peer.name, issued)
        await self._spend(grant)
        return AtAnotherProxy(detail, issued.url)

    def _in_place_of(self, grant: Grant, ttl: float) -> Token:
        """Return a token, good once, for what is left of the duration of a grant."""
        token, left = grant.token, grant.token.policy.max_duration
        left = None if left is None else max(1.0, left - grant.age)
        policy = replace(token.policy, uses=1, confirm=False, max_duration=left)
        now = UnixTime(self._elsewhere.time())
        return replace(token, policy=policy, issued_at=now, expires_at=UnixTime(now + ttl))

    def _is_safe(self, url: str) -> bool:
        """Tell whether a page of ours goes there: never from https to http."""
        ours = self._directory.own_urls.get(ConsoleType.NOVNC, "")
        return url.startswith("https:") or not ours.startswith("https:")

    async def _spend(self, grant: Grant) -> None:
        """Make sure that a grant lets its user see no console here any more."""
        if grant.resumed:
            await self._store().renew(grant)
        else:
            await self._store().confirm(grant)
