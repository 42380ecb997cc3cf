"""Proxies, and how they differ."""

from __future__ import annotations

from typing import Annotated, NotRequired

from typing_extensions import TypedDict

from .values import Count, Described, Id, Time


class SessionLimit(TypedDict):
    """How many sessions there may be."""

    sessions: Count


class Worker(TypedDict):
    """A process of a proxy.

    Attributes:
        worker: counted from 1; 0 where there is only one.
        generation: counts upgrades.
        refusals: sessions and connections that it has refused since its start, by the code of the
            reason.
    """

    id: Id
    worker: Count
    generation: int
    version: str
    sessions: Count
    limits: SessionLimit
    draining: bool
    started_at: Time
    refusals: dict[str, Count]


class ZoneLinks(TypedDict):
    """The links between a proxy and a zone, of which one cannot dial the other.

    Attributes:
        dial: us where the proxy dials, them where the zone does.
        count: how many stand.
        since: when the first of them was made, or the last one lost; null for neither.
        problem: why no link could be made; null where it is not known.
    """

    dial: Annotated[str, Described(enum=["us", "them"])]
    count: Count
    since: Time | None
    problem: str | None


class Proxy(TypedDict):
    """A proxy; keys for some backends see those, and nothing of its load and configuration.

    Attributes:
        id: another one after each start.
        zone: null where there is only one.
        base_url: where browsers reach it.
        xvp_url: where TCP viewers reach it.
        hosts: names and addresses that it says it is reached by.
        serves: the hosts whose machines it shows, by their names; null for those of every host.
        backends: a digest of each backend's table.
        asks: the zones whose consoles can be opened through it, where there are any.
        accepts: the zones whose users may open its consoles, where there are any.
        digest: of the whole configuration.
        links: with zones that have dial in their table, by their names.
        workers: its processes.
    """

    id: Id
    name: str
    zone: str | None
    version: str
    base_url: str
    xvp_url: str
    hosts: list[str]
    serves: list[str] | None
    backends: dict[str, str]
    draining: bool
    asks: NotRequired[list[str]]
    accepts: NotRequired[list[str]]
    digest: NotRequired[str]
    sessions: NotRequired[Count]
    limits: NotRequired[SessionLimit]
    links: NotRequired[dict[str, ZoneLinks]]
    workers: NotRequired[list[Worker]]


class ProxyName(TypedDict):
    """A proxy that is named elsewhere."""

    id: Id
    name: str


class ProxyWarning(TypedDict):
    """How proxies differ although they should not.

    Attributes:
        backend: whose tables differ; null where it is none.
    """

    code: Annotated[str, Described(enum=["backend-differs", "backend-missing", "same-name"])]
    backend: str | None
    proxies: list[ProxyName]
    message: str


class ProxyList(TypedDict):
    """The proxies that share their tokens, and how they differ."""

    proxies: list[Proxy]
    warnings: list[ProxyWarning]
