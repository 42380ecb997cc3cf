"""Recordings that are watched, over the API and by links: put together."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from twisted.web.http import Request
from twisted.web.resource import IResource

from ..config.settings import Settings
from ..downstream.connections import Connections
from ..downstream.forwarded import Forwarding
from ..interfaces import IReviewLinks
from ..player import PlayerResource
from ..review.copies import Copies as CopiesToShow
from ..review.followers import Followers
from ..review.memory import MemoryReviewLinks
from ..review.shelf import Shelf
from ..review.visits import Visits
from ..review.watching import Reviewing
from .announced import proxy_name
from .archive import Archive
from .components import Components, OnOperation, redis_store
from .replaying import Copies

THREADS: Final = 4
"""Threads that read recordings for reviewers."""


class Reviews:
    """What watches recordings, whatever the settings say of the rest.

    Attributes:
        reviewing: what links lead to.
    """

    def __init__(self, reviewing: Reviewing, reactor: Any) -> None:
        self.reviewing = reviewing
        self._reactor = reactor

    def resource(self, forwarding: Forwarding, connections: Connections) -> IResource:
        """Return what serves ``recordings/`` to users.

        Args:
            forwarding: finds their addresses.
            connections: where their refusals are counted.
        """
        admit = partial(self.reviewing.admit, _Door(forwarding, connections))
        return PlayerResource(admit, self._reactor, self.reviewing.shelf.call)

    def counts(self) -> tuple[int, Mapping[str, int]]:
        """Return how many follow now, and how many visits there were, by their kind."""
        return len(self.reviewing.followers), self.reviewing.visits.begun

    def end_live(self) -> None:
        """Let those that follow sessions go; their pages come again, to another process."""
        self.reviewing.followers.stop()

    async def close(self) -> None:
        """End all visits, and close connections."""
        self.reviewing.stop()
        await self.reviewing.links.close()


class _Door:
    """Users as the listeners see them."""

    def __init__(self, forwarding: Forwarding, connections: Connections) -> None:
        self._forwarding = forwarding
        self._connections = connections

    def client(self, request: Request) -> str:
        return self._forwarding.client_address(request)

    def refuses_cheaply(self, client: str) -> bool:
        return self._connections.refusals.refuses_cheaply(client)

    def refused(self, client: str, why: str) -> str:
        return self._connections.refusals.log_refusal(client, "recording", why)


def make_reviews(
    settings: Settings,
    settings_in_force: Callable[[], Settings],
    components: Components,
    archive: Archive | None,
    copies: Copies | None,
    note: Callable[[str, Mapping[str, object]], object],
    reactor: Any,
    on_operation: OnOperation,
) -> Reviews | None:
    """Return what shows recordings; None where nothing is recorded.

    Args:
        archive: the recordings that are kept; None where there are none.
        copies: makes playable copies; None where none can be made.
        note: writes an audit line.

    Raises:
        ConfigurationError: a file that ``[redis]`` names cannot be used.
    """
    if archive is None:
        return None
    name, calls = proxy_name(settings), components.calls.part("recordings", THREADS)
    shelf = Shelf(archive.library, calls, name)
    links, visits = _make_links(settings, components, reactor, on_operation), Visits(note, reactor)
    followers = Followers(
        links, visits, lambda: settings_in_force().recording.reviewers, reactor, time.time
    )
    playable = CopiesToShow(shelf, copies.indexer if copies else None)
    return Reviews(Reviewing(shelf, links, playable, visits, followers, name), reactor)


def _make_links(
    settings: Settings, components: Components, reactor: Any, on_operation: OnOperation
) -> IReviewLinks:
    store = redis_store(settings, components)
    if store is None:
        return MemoryReviewLinks(reactor.seconds)
    # txredisapi installs the reactor on import, and importing this module must not
    from ..review.redis import RedisReviewLinks

    return RedisReviewLinks(reactor, settings.redis, store.primary, on_operation, store.outage)
