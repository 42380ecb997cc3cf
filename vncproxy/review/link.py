"""A link by which one recording is watched, and its form in the store."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Final

from ..errors import TokenUnknown
from ..interfaces import IReviewLinks
from ..model import is_secret, new_secret, secret_id
from .limits import IDLE, LONGEST_USE

_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class ReviewLink:
    """What a link allows, and who has asked for it.

    Attributes:
        session: the id of the recorded session, the only one that it shows.
        vm: its machine, ``<backend>/<id>``.
        user: the reviewer, as named in the audit.
        key: the name of the API key that made the link.
        proxy: the name of the proxy that made it, which has the recording.
        may_download: whether it gives the file, too.
        id: the SHA-256 of its secret, in hexadecimal digits; empty before it is stored.
    """

    session: str
    vm: str
    user: str
    key: str
    proxy: str
    may_download: bool = False
    id: str = ""


_MEMBERS: Final = frozenset(each.name for each in fields(ReviewLink)) - {"id"}


async def add_link(links: IReviewLinks, link: ReviewLink, ttl: float) -> tuple[str, ReviewLink]:
    """Store a link; returns its secret, which is stored nowhere, and the link with its id.

    The secret is empty where the session has too many links.

    Args:
        ttl: seconds within which it is used for the first time.

    Raises:
        StoreUnavailable: whether it was stored is not known.
    """
    secret = new_secret()
    link = replace(link, id=secret_id(secret))
    added = await links.add(link.id, link.session, _encode(link), ttl, ttl + LONGEST_USE)
    return (secret if added else ""), link


async def use_link(links: IReviewLinks, secret: str, session: str) -> ReviewLink:
    """Return the link to a session by its secret.

    Raises:
        TokenUnknown: there is none, it is of another session, has ended, or was revoked.
        StoreUnavailable: the store does not answer.
    """
    if not is_secret(secret):
        raise TokenUnknown("malformed link to a recording")
    link_id = secret_id(secret)
    (record,) = await links.use([link_id], IDLE)
    link = _decode(record, link_id)
    if link is None or link.session != session:
        raise TokenUnknown(f"no link {link_id[:12]} to this recording")
    return link


def _encode(link: ReviewLink) -> str:
    members = {name: value for name, value in asdict(link).items() if name in _MEMBERS}
    return json.dumps({"v": _VERSION, **members})


def _decode(record: str | None, link_id: str) -> ReviewLink | None:
    """Return a link of the store; None for one of a later version."""
    members: Any = json.loads(record) if record else {}
    if members.get("v") != _VERSION:
        return None
    return ReviewLink(**{name: members[name] for name in _MEMBERS}, id=link_id)
