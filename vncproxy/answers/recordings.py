"""Recordings of sessions."""

from __future__ import annotations

from typing import Annotated

from typing_extensions import TypedDict

from .values import Count, Described, Time, TokenId, Viewer


class Recording(TypedDict):
    """A recording of a session.

    Attributes:
        session: the session's id.
        client: the user's address.
        proxy: the name of the proxy that recorded it.
        seconds: from its beginning to its end; to the last change, where no end can be read.
        bytes: of its file.
        state: whether it is being recorded, has its end, or was cut off.
        reason: the code of the session's end; null where there is none, or it is sealed.
        sealed: whether only the holder of a key can read it.
        keys: whether the keys that its user pressed are in it.
        playable: whether the proxy can show it; while what the player needs is being made of it,
            ``making``.
    """

    session: str
    vm: str
    user: str | None
    type: Viewer
    client: str
    proxy: str
    started_at: Time
    seconds: float
    bytes: Count
    state: Annotated[str, Described(enum=["recording", "ended", "cut"])]
    reason: str | None
    sealed: bool
    keys: bool
    playable: Annotated[str, Described(enum=["yes", "no", "making"])]


class RecordingList(TypedDict):
    """Recordings, the newest first.

    Attributes:
        next: what ``after`` is in the request for the next page, which may have any number of
            recordings; null on the last.
    """

    recordings: list[Recording]
    next: str | None


class DeletedRecording(TypedDict):
    """What a deletion did.

    Attributes:
        deleted: 1.
    """

    deleted: Count


class RecordingLink(TypedDict):
    """A link by which one recording is watched.

    Attributes:
        id: by which it is revoked; may be logged.
        url: the page; it lets anybody watch.
        expires_at: until when it is opened.
    """

    id: TokenId
    url: str
    expires_at: Time


class RevokedLinks(TypedDict):
    """How many links to a recording were revoked."""

    revoked: Count
