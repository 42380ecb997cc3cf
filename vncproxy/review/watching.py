"""Recordings for those that come by a link: what each request gets, and what is noted of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from twisted.web.http import Request

from ..archive.library import NoRecording
from ..errors import TokenRefused
from ..interfaces import IReviewLinks
from ..model import secret_id
from ..player import Following, NotShown, Part
from ..player.described import describe
from ..replay import Contents, follow_command
from .copies import Copies, elsewhere, is_live
from .followers import Followers
from .link import ReviewLink, use_link
from .shelf import Recorded, Shelf
from .visits import Visit, Visits

LONGEST_SECRET: Final = 4096


class Door(Protocol):
    """What is known of those that send requests, and how they are refused."""

    def client(self, request: Request) -> str:
        """Return the address of the user."""

    def refuses_cheaply(self, client: str) -> bool:
        """Tell whether too many requests of an address were refused."""

    def refused(self, client: str, why: str) -> str:
        """Log and count a refusal; returns what is appended to the user's sentence."""


@dataclass(frozen=True, slots=True)
class Reviewing:
    """All that links lead to.

    Attributes:
        proxy: the name of this proxy.
    """

    shelf: Shelf
    links: IReviewLinks
    copies: Copies
    visits: Visits
    followers: Followers
    proxy: str

    async def admit(self, door: Door, request: Request, session: str) -> WatchedByLink:
        """Return the recording that a request's link leads to.

        Raises:
            NotShown: the request has no good link to this recording.
            StoreUnavailable: whether it has is not known.
        """
        client = door.client(request)
        if door.refuses_cheaply(client):
            message = "Too many requests from your address were refused. Wait a minute."
            raise NotShown(429, "too-many-requests", message)
        secret = _secret_in(request)
        try:
            link = await use_link(self.links, secret, session)
        except TokenRefused as e:
            self.visits.end_of(secret_id(secret))
            words = "It has ended, or is not whole. Open it as you got it, or ask for a new one."
            raise NotShown(401, "link-expired", words + door.refused(client, str(e))) from e
        return WatchedByLink(self, link, client)

    def stop(self) -> None:
        """End all visits."""
        self.followers.stop()
        self.visits.stop()


class WatchedByLink:
    """The recording of a link; as `vncproxy.player.shown.IShown`."""

    def __init__(self, reviewing: Reviewing, link: ReviewLink, client: str) -> None:
        self._reviewing = reviewing
        self._link = link
        self._client = client
        self._live: Recorded | None = None

    async def contents(self) -> Mapping[str, object]:
        """Return what the page has to know; a visit begins."""
        recorded, copies = await self._find(), self._reviewing.copies
        if is_live(recorded):
            copies.require_playable(recorded)
            return self._described(recorded, None)
        table = await copies.table(recorded)
        self._visit(recorded)
        return self._described(recorded, table)

    async def segment(self, number: int) -> Part:
        """Return a segment, and note that it is seen."""
        known = self._reviewing.visits.at(self._link, self._client)
        recorded = known.recorded if known is not None else await self._find()
        try:
            segment, part = await self._reviewing.copies.segment(recorded, number)
        except NoRecording as e:
            raise _deleted() from e
        self._visit(recorded).saw(segment.at / 1e6, segment.end / 1e6, segment.size)
        return part

    async def follow(self) -> Sequence[str]:
        """Return the command that follows the session while it is recorded."""
        recorded = await self._find()
        self._reviewing.copies.require_playable(recorded)
        path = self._reviewing.shelf.library.local_path(recorded.entry)
        if not is_live(recorded) or path is None:
            raise NotShown(409, "not-live", "This session has ended. Open the link again.")
        self._reviewing.followers.require_room()
        self._live = recorded
        return follow_command(path)

    def followed(self, following: Following) -> None:
        """Begin a visit that ends with the process."""
        assert self._live is not None
        visit = self._reviewing.visits.begin(self._link, self._client, self._live, live=True)
        self._reviewing.followers.add(following, visit)

    async def open_file(self) -> tuple[str, Part]:
        """Return the recording, where the link allows that."""
        if not self._link.may_download:
            message = "This link does not allow the recording to be downloaded."
            raise NotShown(403, "forbidden", message)
        recorded = await self._find()
        if self._reviewing.shelf.is_elsewhere(recorded):
            raise elsewhere(recorded.entry.proxy)
        try:
            part = await self._reviewing.shelf.open(recorded)
        except NoRecording as e:
            raise _deleted() from e
        self._reviewing.visits.took_file(self._visit(recorded))
        return recorded.entry.name.rpartition("/")[2], part

    async def _find(self) -> Recorded:
        found = await self._reviewing.shelf.find(self._link.session)
        if found is None and self._link.proxy != self._reviewing.proxy:
            raise elsewhere(self._link.proxy)
        if found is None:
            raise _deleted()
        return found

    def _visit(self, recorded: Recorded) -> Visit:
        visits = self._reviewing.visits
        known = visits.at(self._link, self._client)
        return known or visits.begin(self._link, self._client, recorded)

    def _described(self, recorded: Recorded, table: Contents | None) -> Mapping[str, object]:
        may_download = self._link.may_download
        found = describe(recorded.what.about, table, may_download=may_download)
        return {**found, "reviewer": self._link.user}


def _deleted() -> NotShown:
    return NotShown(404, "recording-not-found", "This recording was deleted.")


def _secret_in(request: Request) -> str:
    """Return the secret of a request's link; empty where it has none."""
    sent = request.requestHeaders.getRawHeaders(b"authorization", [b""])[-1].decode("latin-1")
    scheme, _, secret = sent.partition(" ")
    return secret.strip()[:LONGEST_SECRET] if scheme.lower() == "bearer" else ""
