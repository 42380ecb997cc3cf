"""Recordings over HTTP: list, show and delete them, get their files, make links to them."""

from __future__ import annotations

from collections.abc import Callable, MutableSequence, Sequence
from dataclasses import dataclass
from typing import Annotated, Final
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field

from ...answers import DeletedRecording, Recording, RecordingLink, RecordingList, RevokedLinks
from ...archive.library import SUFFIX, Entry, NoRecording, StillRecorded
from ...config.scope import Scope
from ...errors import StoreUnavailable
from ...interfaces import IReviewLinks, ISessionRegistry
from ...model import UnixTime, VMAddress
from ...review.limits import DEFAULT_TTL, LONGEST_TTL
from ...review.link import ReviewLink, add_link
from ...review.shelf import BATCH, Recorded, Shelf
from ..audit import ApiAudit
from ..caller import Caller
from ..permissions import Permissions
from ..reply import BINARY, FileReply, Refusal, Reply
from .bodies import User, timestamp
from .recording_parameters import DEFAULT_PAGE

MOST_SEEN: Final = 5000
"""Recordings that are looked at for one page."""

MOST_SLOW: Final = 2
"""Calls of a slow storage for one page."""


class LinkRequest(BaseModel):
    """Who may watch a recording by a link, and for how long.

    Attributes:
        user: the person who watches, as named in the audit.
        ttl: seconds within which the link is opened.
        download: whether it gives the file of the recording, too.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)

    user: User
    ttl: Annotated[float, Field(ge=1, le=LONGEST_TTL)] = DEFAULT_TTL
    download: bool = False


@dataclass(frozen=True, slots=True)
class RecordingQuery:
    """Which recordings are meant: those that meet all criteria given.

    Attributes:
        since, until: in seconds since 1970.
        limit: how many at most.
        after: where the page begins.
    """

    vm: VMAddress | None = None
    user: str | None = None
    session: str | None = None
    since: float | None = None
    until: float | None = None
    limit: int = DEFAULT_PAGE
    after: str = ""


@dataclass(frozen=True, slots=True)
class Reviews:
    """What the API has of recordings.

    Attributes:
        shelf: the recordings.
        links: where links to them are kept.
        base_url: where users' browsers reach the proxy, with a slash at the end.
        playable: returns whether a recording can be shown: ``yes``, ``no`` or ``making``.
    """

    shelf: Shelf
    links: IReviewLinks
    base_url: str
    playable: Callable[[Recorded], str]


class RecordingsView:
    """The routes of recordings.

    Args:
        reviews: None where nothing is recorded.
        sessions: the live ones, of all proxies.
        time: the wall clock.
    """

    def __init__(
        self,
        reviews: Reviews | None,
        sessions: ISessionRegistry,
        permissions: Permissions,
        audit: ApiAudit,
        time: Callable[[], UnixTime],
    ) -> None:
        self._reviews = reviews
        self._sessions = sessions
        self._permissions = permissions
        self._audit = audit
        self._time = time

    async def list(self, caller: Caller, query: RecordingQuery) -> Reply[RecordingList]:
        """Return the recordings of the machines that the caller may touch, the newest first.

        Raises:
            Refusal: 403, the caller may not use the machine that is asked for; 501, nothing is
                recorded here.
            RecordingsUnavailable: the storage does not answer.
        """
        if query.vm is not None:
            self._permissions.require(caller, query.vm)
        if query.session is not None:
            one = await self._shelf.find(query.session)
            found = [one] if one and self._is_wanted(caller, query, one) else []
            return Reply(200, {"recordings": [*map(self._body, found)], "next": None})
        page, following = await self._page(caller, query)
        return Reply(200, {"recordings": [*page], "next": following})

    async def show(self, caller: Caller, session: str) -> Reply[Recording]:
        """Return one recording.

        Raises:
            Refusal: 404, there is none, or not for this caller; 409, another proxy has it.
            RecordingsUnavailable: the storage does not answer.
        """
        return Reply(200, self._body(await self._find(caller, session)))

    async def delete(self, caller: Caller, session: str) -> Reply[DeletedRecording]:
        """Delete a recording; the links to it are revoked first.

        Raises:
            Refusal: 403, the caller is no administrator; 404, there is none, or not for this
                caller; 409, it is still written, or another proxy has it.
            RecordingsUnavailable: whether it is deleted is not known.
            StoreUnavailable: links cannot be revoked, so that it is not deleted.
        """
        caller.require_scope(Scope.ADMIN)
        found = await self._find_here(caller, session)
        if found.what.state.value == "recording":
            raise _still_recorded()
        await self._of().links.revoke(session)
        try:
            await self._shelf.delete(found)
        except StillRecorded as e:
            raise _still_recorded() from e
        except NoRecording as e:
            raise _unknown() from e
        self._audit.reviewed(caller, "api-recording-delete", found)
        return Reply(200, {"deleted": 1})

    async def file(self, caller: Caller, session: str) -> Reply[bytes]:
        """Return the file of a recording, which is sent as fast as the caller takes it.

        Raises:
            Refusal: 403, the caller lacks the scope ``download``; 404, there is none, or not for
                this caller; 409, another proxy has it.
            RecordingsUnavailable: the storage does not answer.
        """
        caller.require_scope(Scope.DOWNLOAD)
        found = await self._find_here(caller, session)
        try:
            part = await self._shelf.open(found)
        except NoRecording as e:
            raise _unknown() from e
        self._audit.reviewed(caller, "api-recording-file", found)
        name = found.entry.name.rpartition("/")[2]
        return FileReply(200, b"", (), BINARY, part=part, name=name, call=self._shelf.call)

    async def link(self, caller: Caller, session: str, asked: LinkRequest) -> Reply[RecordingLink]:
        """Make a link by which a person watches a recording: 201 with its URL, once.

        Raises:
            Refusal: 403, the caller lacks the scope for the file; 404, there is no recording, or
                not for this caller; 409, there are too many links to it.
            RecordingsUnavailable: the storage does not answer.
            StoreUnavailable: whether it was made is not known.
        """
        if asked.download:
            caller.require_scope(Scope.DOWNLOAD)
        found = await self._find(caller, session)
        about, proxy = found.what.about, found.entry.proxy or self._shelf.proxy
        link = ReviewLink(session, about.vm, asked.user, caller.name, proxy, asked.download)
        secret, link = await add_link(self._of().links, link, asked.ttl)
        if not secret:
            raise Refusal(409, "too-many-links", "there are too many links to it; revoke some")
        self._audit.review_linked(caller, found, link)
        url = f"{self._of().base_url}recordings/{quote(session)}?token={secret}"
        ends = timestamp(self._time() + asked.ttl)
        return Reply(201, {"id": link.id, "url": url, "expires_at": ends})

    async def revoke(self, caller: Caller, session: str, link: str = "") -> Reply[RevokedLinks]:
        """Revoke the links to a recording, all or one; none is no error.

        Raises:
            Refusal: 404, there is no recording, or not for this caller.
            RecordingsUnavailable: the storage does not answer.
            StoreUnavailable: whether they are revoked is not known.
        """
        found = await self._find(caller, session)
        revoked = await self._of().links.revoke(session, link)
        self._audit.reviewed(caller, "api-recording-revoke", found, revoked=revoked)
        return Reply(200, {"revoked": revoked})

    async def _page(
        self, caller: Caller, query: RecordingQuery
    ) -> tuple[Sequence[Recording], str | None]:
        """Return a page, and where the next one begins; None where there is none."""
        page: MutableSequence[Recording] = []
        before, slow = f"{query.after}{SUFFIX}" if query.after else "", 0
        for _ in range(0, MOST_SEEN, BATCH):
            batch = await self._shelf.batch(query.since, query.until, before)
            for each in batch.found:
                if len(page) == query.limit:
                    return page, before.removesuffix(SUFFIX)
                if isinstance(each, Recorded) and self._is_wanted(caller, query, each):
                    page.append(self._body(each))
                before = _name(each)
            slow += batch.is_slow
            if batch.is_last:
                return page, None
            if slow == MOST_SLOW:
                break
        return page, before.removesuffix(SUFFIX)

    def _is_wanted(self, caller: Caller, query: RecordingQuery, recorded: Recorded) -> bool:
        about, began = recorded.what.about, recorded.entry.began_at
        return (
            (query.vm is None or about.vm == str(query.vm))
            and (query.user is None or about.user == query.user)
            and (query.since is None or began >= int(query.since))
            and (query.until is None or began < query.until)
            and self._is_visible(caller, recorded)
        )

    def _is_visible(self, caller: Caller, recorded: Recorded) -> bool:
        try:
            vm = VMAddress.parse(recorded.what.about.vm)
        except ValueError:
            return caller.unrestricted
        return self._permissions.allow(caller, vm)

    async def _find(self, caller: Caller, session: str) -> Recorded:
        found = await self._shelf.find(session)
        if found is None:
            raise await self._not_here(caller, session)
        if not self._is_visible(caller, found):
            raise _unknown()
        return found

    async def _not_here(self, caller: Caller, session: str) -> Refusal:
        """Return why there is no recording here; a live session's is at the proxy that serves it.

        Where other proxies cannot be asked, it is not known.
        """
        try:
            live = await self._sessions.get(session)
        except StoreUnavailable:
            return _unknown()
        if live is None or live.vm is None or not self._permissions.allow(caller, live.vm):
            return _unknown()
        if live.proxy == self._shelf.proxy:
            return _unknown()
        return _elsewhere(live.proxy)

    async def _find_here(self, caller: Caller, session: str) -> Recorded:
        found = await self._find(caller, session)
        if self._shelf.is_elsewhere(found):
            raise _elsewhere(found.entry.proxy)
        return found

    @property
    def _shelf(self) -> Shelf:
        return self._of().shelf

    def _of(self) -> Reviews:
        if self._reviews is None:
            raise Refusal(501, "not-configured", "[recording] names no place for recordings here")
        return self._reviews

    def _body(self, recorded: Recorded) -> Recording:
        about, what = recorded.what.about, recorded.what
        return {
            "session": recorded.entry.session,
            "vm": about.vm,
            "user": about.user or None,
            "type": about.type,
            "client": about.client,
            "proxy": about.proxy,
            "started_at": timestamp(about.started_at),
            "seconds": round(what.seconds, 1),
            "bytes": recorded.entry.size,
            "state": what.state.value,
            "reason": what.reason or None,
            "sealed": bool(about.sealed_key),
            "keys": about.keys,
            "playable": self._of().playable(recorded),
        }


def _name(each: Recorded | Entry) -> str:
    return each.entry.name if isinstance(each, Recorded) else each.name


def _elsewhere(proxy: str) -> Refusal:
    message = f"the proxy {proxy!r} has what is recorded of this session; ask there"
    return Refusal(409, "recording-elsewhere", message)


def _still_recorded() -> Refusal:
    return Refusal(409, "still-recorded", "the session is still being recorded; end it first")


def _unknown() -> Refusal:
    """Return the answer for a recording that is not here, or that the caller may not see."""
    message = 'there is no such recording here; the audit line "recording" names its proxy'
    return Refusal(404, "recording-unknown", message)
