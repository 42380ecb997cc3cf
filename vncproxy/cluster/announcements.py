"""The JSON of an announcement in Redis, a public contract."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from twisted.logger import Logger

from ..model import Announcement, Identity, LinkState
from ..text import printable

VERSION = 1

_log = Logger()


def encode(announcement: Announcement) -> str:
    """Return an announcement as JSON."""
    identity = announcement.identity
    return json.dumps(
        {
            "v": VERSION,
            "proxy": identity.proxy_id,
            "name": identity.name,
            "zone": identity.zone,
            "worker": identity.worker,
            "generation": identity.generation,
            "version": announcement.version,
            "base_url": announcement.base_url,
            "xvp_url": announcement.xvp_url,
            "backends": dict(announcement.backends),
            "hosts": announcement.hosts,
            **({} if announcement.serves is None else {"serves": announcement.serves}),
            "digest": announcement.digest,
            "sessions": announcement.sessions,
            "limits": {"sessions": announcement.most_sessions},
            "draining": announcement.draining,
            "started_at": announcement.started_at,
            **_zones(announcement),
            **_links(announcement),
            **({"refusals": dict(announcement.refusals)} if announcement.refusals else {}),
        }
    )


def _zones(announcement: Announcement) -> dict[str, object]:
    """Return the members about other zones, where there are any."""
    members = {"asks": announcement.asks, "accepts": announcement.accepts}
    return {name: value for name, value in members.items() if value}


def _links(announcement: Announcement) -> dict[str, object]:
    """Return the members about links between zones, which few proxies have."""
    members: dict[str, object] = {}
    if announcement.links:
        members["links"] = {name: asdict(link) for name, link in announcement.links.items()}
    if announcement.tunnel_port:
        members["tunnel_port"] = announcement.tunnel_port
    return members


def decode(worker_id: str, text: str | bytes) -> Announcement:
    """Return an announcement; members that later versions add are ignored.

    Raises:
        ValueError: it is malformed, or of a version that is not known.
    """
    try:
        return _decode(worker_id, json.loads(text))
    except (KeyError, TypeError, AttributeError, RecursionError) as e:
        raise ValueError(f"malformed: {type(e).__name__} {e}") from e


def _decode(worker_id: str, members: dict[str, Any]) -> Announcement:
    if members["v"] != VERSION:
        raise ValueError(f"version {members['v']!r} is not known")
    return Announcement(
        Identity(
            proxy_id=_text(members["proxy"]),
            worker_id=worker_id,
            name=_text(members["name"]),
            zone=_text(members.get("zone", "")),
            worker=int(members.get("worker", 0)),
            generation=int(members.get("generation", 1)),
        ),
        version=_text(members.get("version", "")),
        base_url=_text(members.get("base_url", "")),
        xvp_url=_text(members.get("xvp_url", "")),
        hosts=tuple(map(_text, members.get("hosts", ()))),
        serves=tuple(map(_text, members["serves"])) if "serves" in members else None,
        backends={_text(n): _text(d) for n, d in members.get("backends", {}).items()},
        digest=_text(members.get("digest", "")),
        sessions=int(members.get("sessions", 0)),
        most_sessions=int(members.get("limits", {}).get("sessions", 0)),
        draining=members.get("draining") is True,
        started_at=float(members.get("started_at", 0)),
        asks=tuple(map(_text, members.get("asks", ()))),
        accepts=tuple(map(_text, members.get("accepts", ()))),
        links={_text(name): _link(link) for name, link in members.get("links", {}).items()},
        tunnel_port=_text(members.get("tunnel_port", "")),
        refusals={_text(code): int(n) for code, n in members.get("refusals", {}).items()},
    )


def _link(members: dict[str, Any]) -> LinkState:
    since = members.get("since")
    return LinkState(
        _text(members["dial"]),
        int(members["count"]),
        None if since is None else float(since),
        _text(members.get("problem", "")),
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{type(value).__name__} instead of text")
    return value


def decode_all(lines: bytes) -> Iterator[Announcement]:
    """Yield the announcements of a text with a line for each; a malformed one is logged."""
    for line in lines.split(b"\n") if lines else ():
        worker_id, _, text = line.partition(b" ")
        try:
            yield decode(worker_id.decode("utf-8", "replace"), text)
        except ValueError as e:
            _log.warn(
                "the announcement of {process} in redis cannot be used: {why}",
                process=printable(worker_id.decode("utf-8", "replace"), 40),
                why=printable(str(e), 200),
            )
